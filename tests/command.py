"""The installed command, run as users run it: as a process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("liveperson-engagement"))
ENVIRONMENT = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}


def run(*arguments: str | Path, program: tuple[str, ...] = (PROGRAM,)) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [*program, *map(str, arguments)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)


@contextlib.contextmanager
def running(*arguments: str | Path) -> Generator[subprocess.Popen[str], None, None]:
    """Start a command that goes on until it is told to end, or until the `with` ends."""
    command = [PROGRAM, *map(str, arguments)]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
