"""Generates, compiles and runs clients in other languages; writes what came of it to docs/languages.md."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from . import page
from .languages import LANGUAGES, WORK, Language
from .vectors import vectors
from .work import Failed, marks, missing, prepare, prove

NAMES = [language.name for language in LANGUAGES]


def main() -> int:
    """Run the command and give its exit status."""
    parser = _parser()
    options = parser.parse_args()
    if unknown := {*options.languages, options.prepare} - {*NAMES, None}:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if options.prepare:
        prepare(next(language for language in LANGUAGES if language.name == options.prepare))
        print(f"{WORK}/{options.prepare} is ready; docs/languages.md says how to go on")
        return 0
    chosen = [language for language in LANGUAGES if not options.languages or language.name in options.languages]
    try:
        failed = [language.name for language in chosen if not _proven(language)]
    except KeyboardInterrupt:
        print("\nstopped: docs/languages.md is as it was", file=sys.stderr)
        return 130
    if failed:
        print(f"not as docs/languages.md has it: {', '.join(failed)}", file=sys.stderr)
        return 1
    if any(map(missing, chosen)):
        print("docs/languages.md is as it was, since not every language could be tried", file=sys.stderr)
        return 0
    return _page(write=chosen == list(LANGUAGES) and not options.check)


def _proven(language: Language) -> bool:
    """Try one language, and say how it went; what this machine lacks is forgiven, except in CI."""
    print(f"{language.title}", flush=True)
    if lacks := missing(language):
        print(f"  skipped: this machine has no {' and no '.join(lacks)}", flush=True)
        return os.environ.get("CI") != "true"
    for line in page.commands(language):
        print(f"  $ {line}", flush=True)
    started = time.monotonic()
    try:
        prove(language, lambda step, seconds: print(f"  {step:8} {seconds:6.1f} s", flush=True))
    except Failed as failure:
        print(f"  FAILED: {failure}", flush=True)
        return False
    found = [marks(language, vector)[0] for vector in vectors()]
    counts = ", ".join(f"{found.count(mark)} {mark}" for mark in dict.fromkeys(found))
    print(f"  {'total':8} {time.monotonic() - started:6.1f} s: {counts}", flush=True)
    return True


def _page(*, write: bool) -> int:
    text = page.PAGE.read_text(encoding="utf-8")
    new = page.expected(text)
    if new == text:
        return 0
    if not write:
        print("docs/languages.md is out of date: run scripts/portability, for all languages", file=sys.stderr)
        return 1
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=page.PAGE.parent, delete=False) as file:
        file.write(new)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(page.PAGE)
    print("docs/languages.md was written")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/portability", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if docs/languages.md is out of date")
    parser.add_argument(
        "--prepare", metavar="LANGUAGE", help=f"copy the project of a language to {WORK}, and stop: a recipe begins so"
    )
    parser.add_argument("languages", nargs="*", metavar="language", help=", ".join(NAMES))
    return parser


if __name__ == "__main__":
    sys.exit(main())
