"""What the run-time dependencies are allowed to bring along: permissive licences, and no known vulnerability."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PINNED = ROOT / "scripts/env/runtime.txt"
PAGE = ROOT / "docs/licences.md"
ALLOWED = re.compile(r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Mozilla Public License 2\.0|MPL-2\.0")
"""Licences that ask nothing of those who only import the package."""
FIRST_LINES = {"Apache License": "Apache-2.0", "MIT License": "MIT"}
"""How a licence begins, for packages that name theirs in a file alone."""


def dependencies() -> list[Requirement]:
    """Give all run-time dependencies, in the newest versions that are allowed."""
    lines = re.findall(r"^\w.*?==.*?(?= \\?$)", PINNED.read_text(), re.MULTILINE)
    return [Requirement(line) for line in lines]


def pinned() -> dict[str, str]:
    """Give those that this machine and Python ask for."""
    wanted = dependencies()
    return {each.name: str(each.specifier)[2:] for each in wanted if not each.marker or each.marker.evaluate()}


def licences(found: list[dict[str, Any]]) -> dict[str, str]:
    """Give the licence of each package, from what pip-licenses found."""
    return {each["Name"].lower().replace("_", "-"): _licence(each) for each in found}


def _licence(found: dict[str, Any]) -> str:
    if found["License"] != "UNKNOWN":
        return str(found["License"])
    begins = found["LicenseText"].strip().partition("\n")[0].strip()
    return FIRST_LINES.get(begins, "UNKNOWN")


def problems(named: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """Say which packages have no licence that is allowed."""
    texts = {name: named.get(name, "not installed") for name in wanted}
    return [f"{name}: {text}" for name, text in texts.items() if not ALLOWED.search(text)]


def page(named: dict[str, str]) -> str:
    """Write the list; it is the same on every machine and Python."""
    wanted = {each.name: str(each.specifier)[2:] for each in dependencies() if not each.marker}
    others = [f"{each.name} where `{each.marker}`" for each in dependencies() if each.marker]
    lines = [
        "# Licences of what the package depends on",
        "",
        "At run time, extras included, in the newest versions that are allowed. `scripts/audit` writes this page.",
        f"Where they are needed it looks at these as well: {', '.join(others)}.",
        "",
        "| package | version | licence |",
        "| --- | --- | --- |",
        *(f"| {name} | {version} | {named[name]} |" for name, version in sorted(wanted.items())),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Examine; return the exit status: 1 where something is wrong, 2 where nothing could be learned."""
    parser = argparse.ArgumentParser(prog="scripts/audit", description=__doc__)
    parser.add_argument("--licences", action="store_true", help="the licences alone")
    parser.add_argument("--write", action="store_true", help=f"write the list into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()

    wanted = pinned()
    command = ["pip-licenses", "--from=mixed", "--format=json", "--with-license-file", "--no-license-path"]
    found = subprocess.run([*command, "--packages", *wanted], check=True, capture_output=True, text=True).stdout
    named = licences(json.loads(found))
    if wrong := problems(named, wanted):
        print("Licences that nobody has allowed:", *wrong, sep="\n  ")
        return 1
    if options.write:
        PAGE.write_text(page(named))
    elif PAGE.read_text() != page(named):
        print(f"{PAGE.relative_to(ROOT)} is not what is installed: scripts/audit --licences --write")
        return 1
    print(f"{len(wanted)} packages, all under licences that are allowed.")
    return 0 if options.licences else vulnerabilities()


def vulnerabilities() -> int:
    """Ask for known vulnerabilities; a package that could not be looked up is no good news."""
    command = ["pip-audit", "--strict", "--disable-pip", "--require-hashes", "--progress-spinner=off"]
    done = subprocess.run([*command, "--requirement", PINNED], check=False, capture_output=True, text=True)
    print(done.stdout + done.stderr, end="")
    if done.returncode and "Found" not in done.stderr:
        print("The vulnerability database gave no answer: nothing is known.")
        return 2
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
