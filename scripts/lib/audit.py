"""What the run-time dependencies are allowed to bring along: permissive licences, and no known vulnerability."""

import argparse
import re
import subprocess
import sys
import tempfile
from importlib.metadata import Distribution, distribution, metadata, version
from pathlib import Path

from installed import needed

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/licences.md"
PACKAGE = "liveperson-engagement"
ALLOWED = re.compile(r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Mozilla Public License 2\.0|MPL-2\.0")
"""Licences that ask nothing of those who only import the package."""
FIRST_LINES = {"Apache License": "Apache-2.0", "MIT License": "MIT"}
"""How a licence begins, for packages that name theirs in a file alone."""


def dependencies() -> dict[str, str]:
    """Give all run-time dependencies, extras included, that this machine asks for, in the versions that are pinned."""
    extras = metadata(PACKAGE).get_all("Provides-Extra") or ()
    return {name: version(name) for name in sorted(needed(PACKAGE, extras) - {PACKAGE})}


def licence(package: Distribution) -> str:
    """Give the licence of a package: by its metadata, or else by the first line of its licence file."""
    about = package.metadata
    classified = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or () if "License ::" in each]
    said = [*(about.get_all("License-Expression") or ()), "; ".join(classified), *(about.get_all("License") or ())]
    if any(said):
        return str(next(filter(None, said)))
    texts = [file.read_text() for file in package.files or () if "licen" in file.name.lower()]
    return FIRST_LINES.get(texts[0].strip().partition("\n")[0].strip(), "unknown") if texts else "unknown"


def page(named: dict[str, str], wanted: dict[str, str]) -> str:
    """Write the list."""
    lines = [
        "# Licences of what the package depends on",
        "",
        "At run time, extras included, in the versions that are pinned. `scripts/audit` writes this page.",
        "",
        "| package | version | licence |",
        "| --- | --- | --- |",
        *(f"| {name} | {number} | {named[name]} |" for name, number in wanted.items()),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Examine; return the exit status: 1 where something is wrong, 2 where nothing could be learned."""
    parser = argparse.ArgumentParser(prog="scripts/audit", description=__doc__)
    parser.add_argument("--licences", action="store_true", help="the licences alone")
    parser.add_argument("--write", action="store_true", help=f"write the list into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()

    wanted = dependencies()
    named = {name: licence(distribution(name)) for name in wanted}
    if wrong := [f"{name}: {text}" for name, text in named.items() if not ALLOWED.search(text)]:
        print("Licences that nobody has allowed:", *wrong, sep="\n  ")
        return 1
    if options.write:
        PAGE.write_text(page(named, wanted))
    elif PAGE.read_text() != page(named, wanted):
        print(f"{PAGE.relative_to(ROOT)} is not what is installed: scripts/audit --licences --write")
        return 1
    print(f"{len(wanted)} packages, all under licences that are allowed.")
    return 0 if options.licences else vulnerabilities(wanted)


def vulnerabilities(wanted: dict[str, str]) -> int:
    """Ask for known vulnerabilities; a package that could not be looked up is no good news."""
    command = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--no-deps", "--progress-spinner=off"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        pins.writelines(f"{name}=={number}\n" for name, number in wanted.items())
        pins.flush()
        done = subprocess.run([*command, "--requirement", pins.name], check=False, capture_output=True, text=True)
    print(done.stdout + done.stderr, end="")
    if done.returncode and "Found" not in done.stderr:
        print("The vulnerability database gave no answer: nothing is known.")
        return 2
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
