"""Generates, compiles and runs the client of one language."""

import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from liveperson_engagement.sandbox import Sandbox

from .judge import Call, Client, Reply, play
from .languages import HELPERS, WORK, Language
from .vectors import ROOT, parse, vectors, write

LIMIT = 60.0
"""Seconds for one call."""


class Failed(Exception):
    """What keeps a language from being as its entry says."""


def missing(language: Language) -> list[str]:
    """Name the programs that the language needs and this machine lacks."""
    return [program for program in language.needs if shutil.which(program) is None]


@contextmanager
def prepared(language: Language) -> Generator[Path]:
    """Copy the language's project to its own directory, and drop what an earlier run left; two runs take turns."""
    folder = ROOT / WORK / language.name
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for entry in folder.iterdir():
            if not entry.is_dir():
                entry.unlink()
            elif entry.name not in language.kept:
                shutil.rmtree(entry)
        for source in language.sources:
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(ROOT / HELPERS / source, folder, dirs_exist_ok=True, ignore=ignored)
        if language.bodies:
            (folder / "bodies.ts").write_text(_typed_bodies(), encoding="utf-8")
        yield folder


def prove(language: Language, folder: Path) -> None:
    """Generate, compile, and hold the client to the vectors; raise `Failed` unless all is as the entry says."""
    lines = language.recipe.splitlines()
    _follow(lines if language.checks else lines[:-1], folder / "log.txt")
    wrong = unread(language, folder) if language.checks else unlike(language, folder)
    if wrong:
        raise Failed("\n".join(wrong))


def unlike(language: Language, folder: Path) -> list[str]:
    """Run a compiled client; say where it does not do what is expected of it, be that to pass or to fail."""
    wrong: list[str] = []
    command = shlex.split(language.recipe.splitlines()[-1])
    with Sandbox() as sandbox, running(command, folder) as client:
        for vector in vectors():
            problems = play(vector, sandbox, client)
            limited = language.mark(vector)[0] == "limit"
            if problems and not limited:
                wrong.append(f"{vector.name}: {'; '.join(problems)}")
            elif limited and not problems:
                wrong.append(f"{vector.name}: passes; its note is out of date")
    return wrong


def unread(language: Language, folder: Path) -> list[str]:
    """Say what does not stand in the generated text, for all that is known of it."""
    wrong: list[str] = []
    for check in language.checks:
        found = [path for path in folder.rglob(Path(check.file).name) if path.as_posix().endswith(f"/{check.file}")]
        if len(found) != 1 or not re.search(check.pattern, found[0].read_text(encoding="utf-8")):
            wrong.append(f"{check.file}: not as it was: {check.says}")
    return wrong


@contextmanager
def running(command: list[str], folder: Path) -> Generator[Client]:
    """Start a runner: one call a line goes in, one reply a line comes out."""
    log = folder / "log.txt"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env=_environment(), stdin=-1, stdout=-1, stderr=errors, encoding="utf-8", bufsize=1
        )
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    requests, replies = process.stdin, process.stdout

    def call(asked: Call) -> Reply:
        watchdog = threading.Timer(LIMIT, process.kill)
        watchdog.start()
        try:
            requests.write(write({**asked, "body": write(asked["body"])} if "body" in asked else asked) + "\n")
            line = replies.readline()
        except BrokenPipeError:
            line = ""
        finally:
            watchdog.cancel()
        if not line.startswith("{"):
            complaint = log.read_text(encoding="utf-8", errors="replace").strip()[-300:]
            raise Failed(f"{json.dumps(asked)}: the runner ended or said {line!r}: {complaint}")
        reply: Reply = parse(line)
        return reply

    try:
        yield call
    finally:
        process.kill()
        process.communicate()


def _follow(lines: list[str], log: Path) -> None:
    """Have a shell carry out a recipe in the repository, and end all that it has started if it is interrupted."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-ex", "-c", "\n".join(lines)],
            cwd=ROOT, env=_environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0,
        )  # fmt: skip
    try:
        status = process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if status:
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-40:]
        raise Failed("\n".join([f"the recipe ended with status {status}", *said]))


def _typed_bodies() -> str:
    """Write the vectors' bodies as literals of the types that are declared for them."""
    lines = ['import type { CreateSessionBody, UpdateSessionBody } from "./types.js";']
    calls = [exchange.call for vector in vectors() if vector.group != "visits" for exchange in vector.exchanges]
    for number, call in enumerate(call for call in calls if "body" in call):
        kind = "UpdateSessionBody" if call["operation"] == "updateSession" else "CreateSessionBody"
        lines.append(f"export const body{number}: {kind} = {write(call['body'])};")
    return "\n".join(lines)


def _environment() -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1", "PYTHONUTF8": "1"}
