"""Compares the contract with the last released one, or with BASE, and says what changed for those who hold the old one.

Exit status: 0 if it may be released as it is; 1 if there is a breaking change, and info.version does not say so; 2 if
there is nothing to compare with.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from contract import Contract, ContractError, dangling_references, parse
from contract_changes import Change, Effect, Version, changes, next_version, version_of, worst

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = "openapi.yaml"
COMMAND = "scripts/contract-diff"
HEADINGS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
RELEASE_TAG = re.compile(r"v\d+(\.\d+)*")

TITLES = {
    Effect.BREAKING: ("Breaking", "bold red"),
    Effect.ADDITIVE: ("Additive", "bold green"),
    Effect.DOCUMENTATION: ("Documentation", "bold"),
}


class NothingToCompareError(Exception):
    """There is no contract to compare with, or it cannot be read."""


@dataclass(frozen=True)
class Comparison:
    """Two contracts, what changed between them, and whether the new one's version says so."""

    base: Contract
    contract: Contract
    changes: list[Change]

    @property
    def released(self) -> Version:
        """The version of the old contract."""
        return version_of(self.base.document)

    @property
    def needed(self) -> Version:
        """The least version that the new contract may have."""
        return next_version(self.released, worst(self.changes))

    @property
    def acceptable(self) -> bool:
        """Whether nothing breaks, or the version says that something does."""
        return worst(self.changes) is not Effect.BREAKING or version_of(self.contract.document) >= self.needed


def main(arguments: list[str] | None = None) -> int:
    """Run the command and give its exit status."""
    options = _parser().parse_args(arguments)
    try:
        base = find_base(options.base)
        if base is None:
            print("Nothing has been released yet: whatever changes, nobody holds an older contract.")
            return 0
        comparison = compare(base, _read(options.contract))
    except (NothingToCompareError, ContractError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(as_json(comparison), indent=2, ensure_ascii=False))
    else:
        # Lines are left as they are when they go to a file or another program.
        show(comparison, Console(highlight=False, soft_wrap=not sys.stdout.isatty()))
    return 0 if comparison.acceptable else 1


def find_base(name: str | None) -> Contract | None:
    """Give the contract of a file or a git revision, or else of the newest release; None if there has been none."""
    if name is None:
        tags = _git("tag", "--list", "v*", "--sort=-version:refname").splitlines()
        name = next((tag for tag in tags if RELEASE_TAG.fullmatch(tag)), None)
        if name is None:
            if _git("rev-parse", "--is-shallow-repository").strip() == "true":
                fetch = "git fetch --depth 1 origin 'refs/tags/v*:refs/tags/v*'"
                raise NothingToCompareError(f"A shallow clone has no release tags. Fetch them: {fetch}")
            return None
    elif Path(name).is_file():
        return _read(Path(name))
    return _checked(parse(_git("show", f"{name}:{CONTRACT}"), f"{name}:{CONTRACT}"))


def compare(base: Contract, contract: Contract) -> Comparison:
    """Find the changes from one contract to another; raises ValueError if a version is not a semantic one."""
    for document in (base.document, contract.document):
        version_of(document)
    return Comparison(base, contract, changes(base.document, contract.document))


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Say everything to a program."""
    return {
        "base": {"name": comparison.base.label, "version": _written(comparison.released)},
        "contract": {
            "name": comparison.contract.label,
            "version": comparison.contract.document["info"]["version"],
            "neededVersion": _written(comparison.needed),
        },
        "effect": worst(comparison.changes),
        "acceptable": comparison.acceptable,
        "changes": [
            {
                "effect": change.effect,
                "place": change.place,
                "change": change.text,
                "reason": change.reason,
                "uses": list(change.uses),
                "pointer": _json_pointer(change),
                "line": comparison.contract.line(change.pointer),
            }
            for change in comparison.changes
        ],
        "changelog": changelog(comparison.changes),
    }


def changelog(found: Iterable[Change]) -> str:
    """Draft the entry, under the headings of Keep a Changelog; wording and examples are no news."""
    lines: dict[str, list[str]] = {heading: [] for heading in HEADINGS}
    for change in found:
        if change.effect is not Effect.DOCUMENTATION:
            mark = "**Breaking:** " if change.effect is Effect.BREAKING else ""
            lines[change.heading].append(f"- {mark}`{change.place}`: {change.text}.")
    return "\n\n".join("\n".join((f"### {heading}", "", *entries)) for heading, entries in lines.items() if entries)


def show(comparison: Comparison, console: Console) -> None:
    """Say everything to a person."""
    label, version = comparison.contract.label, comparison.contract.document["info"]["version"]
    console.print(f"{comparison.base.label} {_written(comparison.released)} → {label} {version}")
    for effect, (title, style) in TITLES.items():
        of_effect = [change for change in comparison.changes if change.effect is effect]
        if of_effect:
            console.print(Text(f"\n{title} ({len(of_effect)})", style))
        for change in of_effect:
            place = Text(f"  {label}:{comparison.contract.line(change.pointer)}  ", "dim")
            console.print(place, Text(change.place, "bold"), Text(f"  {change.text}"), sep="")
            why = f"{change.reason} ({', '.join(change.uses)})" if change.uses else change.reason
            console.print(Text(f"    {why}", "dim"))
    if entry := changelog(comparison.changes):
        console.print(Text("\nFor the changelog", "bold"))
        console.print(Text(f"\n{entry}"))
    console.print(Text(f"\n{_verdict(comparison)}", "bold" if comparison.acceptable else "bold red"))


def _verdict(comparison: Comparison) -> str:
    version, needed = comparison.contract.document["info"]["version"], _written(comparison.needed)
    if not comparison.changes:
        return "Nothing has changed."
    if not comparison.acceptable:
        part = "major" if comparison.released[0] else "minor, as is the custom below 1.0.0,"
        return f"Breaking, but info.version is {version}: raise its {part} number, to {needed}."
    if version_of(comparison.contract.document) < comparison.needed:
        return f"Nothing breaks. Before the release raise info.version from {version} to {needed}."
    return f"May be released as {version}."


def _read(path: Path) -> Contract:
    label = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
    try:
        return _checked(parse(path.read_text(encoding="utf-8"), label))
    except (OSError, UnicodeDecodeError) as error:
        raise NothingToCompareError(f"{label} cannot be read: {error}") from None


def _checked(contract: Contract) -> Contract:
    if problems := dangling_references(contract.document):
        raise contract.error(*problems)
    return contract


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    except OSError as error:
        raise NothingToCompareError(f"git cannot be run, so name a file to compare with: {error}") from None
    if done.returncode:
        reason = done.stderr.strip().partition("\n")[0]
        raise NothingToCompareError(
            f"git {' '.join(arguments)}: {reason}. Name a file or a git revision to compare with."
        )
    return done.stdout


def _json_pointer(change: Change) -> str:
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in change.pointer)


def _written(version: Version) -> str:
    return ".".join(map(str, version))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    base = "a file, or a git revision; without it, the newest tag of a release, such as v1.0.0"
    parser.add_argument("base", nargs="?", metavar="BASE", help=base)
    parser.add_argument("--contract", type=Path, default=ROOT / CONTRACT, metavar="FILE", help="the new contract")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
