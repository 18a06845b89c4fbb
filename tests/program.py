"""Examples, started by their one command as users start them, and used as users use them."""

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Generator, Iterable
from typing import Any

from checkout import ROOT
from waiting import until

EXAMPLES = ROOT / "examples"


class Program:
    """A running example."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self._lines = process, list[str]()
        self._reader = threading.Thread(target=lambda: self._lines.extend(process.stdout or ()))
        self._reader.start()

    @property
    def printed(self) -> str:
        """All that it has printed so far, on either stream."""
        return "".join(self._lines)

    def said(self, pattern: str) -> str:
        """Wait for words; return what their group has found."""
        until(lambda: re.search(pattern, self.printed), lambda: self.printed)
        return str(re.findall(pattern, self.printed)[0])

    def say(self, line: str) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def ends(self) -> int:
        """Wait for the end; return the exit status."""
        status = self.process.wait(50)
        self._reader.join(50)
        return status


@contextlib.contextmanager
def started(name: str, *arguments: object, url: str | None = None) -> Generator[Program]:
    """Start an example; at `url` is the sandbox that it is to use, if it has none of its own."""
    service = {} if url is None else {"LIVEPERSON_ACCOUNT_ID": "demo", "LIVEPERSON_BASE_URL": url}
    with subprocess.Popen(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, arguments)],
        env={**os.environ, **service, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        program = Program(process)
        try:
            yield program
        finally:
            process.kill()
            program.ends()


def reported(bodies: Iterable[Any]) -> Counter[str]:
    """Count the impressions in the bodies of requests, by kind."""
    return Counter(event["type"] for body in bodies if body for event in body.get("impAttributes", ()))
