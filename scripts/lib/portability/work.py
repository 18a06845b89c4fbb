"""Generates, compiles and runs the client of one language."""

from __future__ import annotations

import fcntl
import fnmatch
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from liveperson_engagement.sandbox import Sandbox

from .judge import play
from .languages import HELPERS, WORK, Command, Language, Note
from .runner import Runner, RunnerFailed
from .vectors import ROOT, Vector, vectors, write

Progress = Callable[[str, float], None]
"""Told of each step that is done, with its seconds."""


class Failed(Exception):
    """What keeps a language from being as its entry says."""


def missing(language: Language) -> list[str]:
    """Tell which programs that the language needs this machine lacks."""
    return [program for program in language.needs if shutil.which(program) is None]


def prepare(language: Language) -> None:
    """Copy the language's project to its own directory, and drop what an earlier run left there."""
    with _directory(language) as folder:
        _prepare(language, folder)


def prove(language: Language, progress: Progress) -> None:
    """Generate, compile, and hold the client to the vectors; raise `Failed` unless all is as the entry says."""
    with _directory(language) as folder:
        _prepare(language, folder)
        _prove(language, folder, progress)


@contextmanager
def _directory(language: Language) -> Generator[Path]:
    (ROOT / WORK).mkdir(exist_ok=True)
    with (ROOT / WORK / f"{language.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Two runs of one language take turns.
        yield ROOT / WORK / language.name


def _prove(language: Language, folder: Path, progress: Progress) -> None:
    for step, commands in (("generate", language.steps), ("compile", language.compiles)):
        started = time.monotonic()
        for command in commands:
            _run(command, folder)
        if commands:
            progress(step, time.monotonic() - started)
    started = time.monotonic()
    wrong = unread(language, folder) if language.checks else unlike(language, folder)
    progress("read" if language.checks else "vectors", time.monotonic() - started)
    if wrong:
        raise Failed("\n".join(wrong))


def marks(language: Language, vector: Vector) -> tuple[str, list[int]]:
    """Give what a run finds of a vector, `pass`, `limit` or `read`, and the indices of the notes on it."""
    notes = [index for index, note in enumerate(language.notes) if _concerns(note, vector)]
    if not all(language.notes[index].holds for index in notes):
        return "limit", notes
    return "read" if language.checks else "pass", notes


def _concerns(note: Note, vector: Vector) -> bool:
    return any(fnmatch.fnmatchcase(vector.name, pattern) for pattern in note.vectors)


def _prepare(language: Language, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name not in language.kept:
            shutil.rmtree(entry)
        elif not entry.is_dir():
            entry.unlink()
    for source in language.sources:
        ignored = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(ROOT / HELPERS / source, folder, dirs_exist_ok=True, ignore=ignored)
    if language.typed_bodies:
        (folder / "bodies.ts").write_text("\n".join(_typed_bodies()), encoding="utf-8")


def _typed_bodies() -> Iterator[str]:
    yield 'import type { CreateSessionBody, UpdateSessionBody } from "./types.js";'
    calls = [exchange.call for vector in vectors() if vector.group != "visits" for exchange in vector.exchanges]
    for number, call in enumerate(call for call in calls if "body" in call):
        kind = "UpdateSessionBody" if call["operation"] == "updateSession" else "CreateSessionBody"
        yield f"export const body{number}: {kind} = {write(call['body'])};"


def _run(command: Command, folder: Path) -> None:
    log = folder / "log.txt"
    output = ROOT / command.output if command.output else log
    with output.open("wb") as out, log.open("ab") as errors:
        try:
            done = subprocess.run(
                command.arguments,
                cwd=folder if command.inside else ROOT,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors if command.output else subprocess.STDOUT,
                check=False,
            )
        except FileNotFoundError as error:
            raise Failed(str(error)) from None
    if done.returncode:
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-40:]
        raise Failed("\n".join([f"{' '.join(command.arguments)}: status {done.returncode}", *said]))


def unlike(language: Language, folder: Path) -> list[str]:
    """Run a compiled client; tell where it does not do what is expected of it, be that to pass or to fail."""
    wrong: list[str] = []
    program = language.runs[0]
    command = [str(folder / program) if "/" in program else program, *language.runs[1:]]
    with Sandbox() as sandbox, Runner(command, folder, _environment(), folder / "log.txt") as client:
        for vector in vectors():
            try:
                problems = play(vector, sandbox, client)
            except RunnerFailed as failure:
                raise Failed(f"{vector.name}: {failure}") from None
            limited = marks(language, vector)[0] == "limit"
            if problems and not limited:
                wrong.append(f"{vector.name}: {'; '.join(problems)}")
            elif limited and not problems:
                wrong.append(f"{vector.name}: passes; its note is out of date")
    return wrong


def unread(language: Language, folder: Path) -> list[str]:
    """Tell what does not stand in the generated text, for all that is known of it."""
    return [
        f"{check.files}: not as it was: {check.says}"
        for check in language.checks
        if not re.search(check.pattern, _only(folder, check.files))
    ]


def _only(folder: Path, name: str) -> str:
    found: Sequence[Path] = [path for path in folder.rglob(Path(name).name) if path.as_posix().endswith(f"/{name}")]
    return found[0].read_text(encoding="utf-8") if len(found) == 1 else ""


def _environment() -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1", "PYTHONUTF8": "1"}
