"""The installed command, run as users run it: as a process of its own; and in this process, where that is enough."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator
from inspect import signature
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

PROGRAM = str(Path(sys.executable).with_name("liveperson-engagement"))
UNSET = {name: None for name in os.environ if name.startswith(("LIVEPERSON_", "_TYPER_"))}
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in UNSET},
    "COLUMNS": "200",
    "NO_COLOR": "1",
    "TERM": "dumb",
}


def run(
    *arguments: str | Path, program: tuple[str, ...] = (PROGRAM,), environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [*program, *map(str, arguments)]
    return subprocess.run(
        command, env=ENVIRONMENT | (environment or {}), capture_output=True, text=True, timeout=60, check=False
    )


@contextlib.contextmanager
def running(
    *arguments: str | Path, program: tuple[str, ...] = (PROGRAM,), **options: Any
) -> Generator[subprocess.Popen[str]]:
    """Start a command that goes on until it is told to end, or until the `with` ends."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": ENVIRONMENT, "text": True, **options}
    with subprocess.Popen([*program, *map(str, arguments)], **options) as process:
        try:
            yield process
        finally:
            process.kill()


def invoke(
    *arguments: str | Path, stdin: str | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, which takes a tenth of the time."""
    from liveperson_engagement.cli.app import app  # noqa: PLC0415 - the tests of the sandbox do without

    command, variables = [*map(str, arguments)], UNSET | {"COLUMNS": "200", "TERM": "dumb"} | (environment or {})
    # Before click 8.2 a runner mixes what goes to standard error with the rest, unless it is asked not to.
    apart: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}
    done = CliRunner(**apart).invoke(app, command, stdin, variables, prog_name="liveperson-engagement")
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(command, done.exit_code, done.stdout, done.stderr)
