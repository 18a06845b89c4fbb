"""Generates, compiles and runs clients in other languages; writes what came of it to docs/languages.md."""

import argparse
import os
import sys
import time

from .languages import LANGUAGES, Language
from .page import PAGE, expected
from .vectors import vectors
from .work import Failed, missing, prepared, prove


def main() -> int:
    """Run the command and give its exit status."""
    parser = argparse.ArgumentParser(prog="scripts/portability", description=__doc__)
    prepare = "copy the project of a language to .portability, and stop"
    parser.add_argument("--prepare", choices=LANGUAGES, metavar="LANGUAGE", help=prepare)
    parser.add_argument("languages", nargs="*", metavar="language", help=", ".join(LANGUAGES))
    options = parser.parse_args()
    if unknown := set(options.languages) - LANGUAGES.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(LANGUAGES)}")
    if options.prepare:
        with prepared(LANGUAGES[options.prepare]) as folder:
            print(f"{folder} is ready; docs/languages.md says how to go on")
        return 0
    chosen = [LANGUAGES[name] for name in options.languages or LANGUAGES]
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
    text = PAGE.read_text(encoding="utf-8")
    if (new := expected(text)) != text and len(chosen) < len(LANGUAGES):
        print("docs/languages.md is out of date: run scripts/portability, for all languages", file=sys.stderr)
        return 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


def _proven(language: Language) -> bool:
    """Try one language, and say how it went; what this machine lacks is forgiven, except in CI."""
    print(language.title, flush=True)
    if lacks := missing(language):
        print(f"  skipped: this machine has no {' and no '.join(lacks)}", flush=True)
        return os.environ.get("CI") != "true"
    print(*(f"  $ {line}" for line in language.commands), sep="\n", flush=True)
    started = time.monotonic()
    try:
        with prepared(language) as folder:
            prove(language, folder)
    except Failed as failure:
        print(f"  FAILED: {failure}", flush=True)
        return False
    found = [language.mark(vector)[0] for vector in vectors()]
    counts = ", ".join(f"{found.count(mark)} {mark}" for mark in dict.fromkeys(found))
    print(f"  {time.monotonic() - started:.1f} s: {counts}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
