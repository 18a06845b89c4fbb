"""Talks to a runner: one call a line goes in, one reply a line comes out."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from .judge import Call, Reply
from .vectors import parse, write

LIMIT = 60.0
"""Seconds for one call."""


class RunnerFailed(Exception):
    """The runner itself is broken, and not a client that it runs."""


class Runner:
    """A process of another language that makes the calls of the vectors with its generated client."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                encoding="utf-8",
                bufsize=1,
            )

    def __call__(self, call: Call) -> Reply:
        """Have a call made."""
        assert self._process.stdin is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        request = {**call, "body": write(call["body"])} if "body" in call else call
        watchdog = threading.Timer(LIMIT, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(write(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            watchdog.cancel()
        if not line.startswith("{"):
            raise RunnerFailed(f"the runner ended or said {line!r}: {self._complaint()}")
        reply: Reply = parse(line)
        return reply

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def _complaint(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace").strip()[-300:]
