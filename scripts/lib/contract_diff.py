"""Compares the contract with the last released one, or with BASE, and says what changed for those who hold the old one.

Exit status: 0 if it may be released as it is; 1 if there is a breaking change, and info.version does not say so; 2 if
what to compare with cannot be read.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from contract import Contract, ContractError, dangling_references, parse, read
from contract_changes import Change, Effect, Version, changes, next_version, version_of, worst

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = "openapi.yaml"
HEADINGS = ("Added", "Changed", "Deprecated", "Removed")
RELEASE_TAG = re.compile(r"v\d+(\.\d+)*")


class NothingToCompareError(Exception):
    """There is no contract to compare with, or it cannot be read."""


@dataclass(frozen=True)
class Comparison:
    """Two contracts, what changed between them, and whether the new one's version says so."""

    base: Contract
    contract: Contract
    changes: list[Change]

    @property
    def needed(self) -> Version:
        """The least version that the new contract may have."""
        return next_version(version_of(self.base.document), worst(self.changes))

    @property
    def sufficient(self) -> bool:
        """Whether the version says what the changes do."""
        return version_of(self.contract.document) >= self.needed

    @property
    def acceptable(self) -> bool:
        """Whether nothing breaks, or the version says that something does."""
        return worst(self.changes) is not Effect.BREAKING or self.sufficient


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run the command and give its exit status."""
    parser = argparse.ArgumentParser(prog="scripts/contract-diff", description=__doc__)
    text = "a file, or a git revision; without it, the newest tag of a release, such as v1.0.0"
    parser.add_argument("base", nargs="?", metavar="BASE", help=text)
    parser.add_argument("--contract", type=Path, metavar="FILE", help="the new contract")
    options = parser.parse_args(arguments)
    try:
        base = _base(options.base, root)
        if base is None:
            print("Nothing has been released yet: whatever changes, nobody holds an older contract.")
            return 0
        contract = _checked(read(options.contract or root / CONTRACT, str(options.contract or CONTRACT)))
        for each in (base, contract):
            version_of(each.document)
    except (NothingToCompareError, ContractError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    comparison = Comparison(base, contract, changes(base.document, contract.document))
    print("\n".join(said(comparison)))
    return 0 if comparison.acceptable else 1


def changelog(found: Iterable[Change]) -> Iterator[str]:
    """Draft the entry, under the headings of Keep a Changelog; wording and examples are no news."""
    news = [change for change in found if change.effect is not Effect.DOCUMENTATION]
    for heading in HEADINGS:
        entries = [change for change in news if change.heading == heading]
        yield from (f"### {heading}", "") if entries else ()
        for change in entries:
            mark = "**Breaking:** " if change.effect is Effect.BREAKING else ""
            yield f"- {mark}`{change.place}`: {change.text}."
        yield from ("",) if entries else ()


def said(comparison: Comparison) -> Iterator[str]:
    """Say everything to a person."""
    released, needed = (".".join(map(str, each)) for each in (version_of(comparison.base.document), comparison.needed))
    label, version = comparison.contract.label, comparison.contract.document["info"]["version"]
    yield f"{comparison.base.label} {released} → {label} {version}"
    for effect in Effect:
        of_effect = [change for change in comparison.changes if change.effect is effect]
        yield from ("", f"{effect.capitalize()} ({len(of_effect)})") if of_effect else ()
        for change in of_effect:
            yield f"  {label}:{comparison.contract.line(change.pointer)}  {change.place}  {change.text}"
            yield f"    {change.reason}" + (f" ({', '.join(change.uses)})" if change.uses else "")
    if entry := [*changelog(comparison.changes)]:
        yield from ("", "For the changelog", "", *entry[:-1])
    yield ""
    if not comparison.changes:
        yield "Nothing has changed."
    elif comparison.sufficient:
        yield f"May be released as {version}."
    elif comparison.acceptable:
        yield f"Nothing breaks. Before the release raise info.version from {version} to {needed}."
    else:
        part = "minor, as is the custom below 1.0.0," if released.startswith("0.") else "major"
        yield f"Breaking, but info.version is {version}: raise its {part} number, to {needed}."


def _base(name: str | None, root: Path) -> Contract | None:
    """Give the contract of a file or a git revision, or else of the newest release; None if there has been none."""
    if name is None:
        tags = _git(root, "tag", "--list", "v*", "--sort=-version:refname").splitlines()
        name = next((tag for tag in tags if RELEASE_TAG.fullmatch(tag)), None)
        if name is None:
            if _git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
                fetch = "git fetch --depth 1 origin 'refs/tags/v*:refs/tags/v*'"
                raise NothingToCompareError(f"A shallow clone has no release tags. Fetch them: {fetch}")
            return None
    elif Path(name).is_file():
        return _checked(read(Path(name), name))
    return _checked(parse(_git(root, "show", f"{name}:{CONTRACT}"), f"{name}:{CONTRACT}"))


def _checked(contract: Contract) -> Contract:
    if problems := list(dangling_references(contract.document)):
        raise contract.error(*problems)
    return contract


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, encoding="utf-8", check=True)
    except OSError as error:
        raise NothingToCompareError(f"git cannot be run, so name a file to compare with: {error}") from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().partition("\n")[0]
        raise NothingToCompareError(f"git {' '.join(arguments)}: {reason}. Name a file or a git revision.") from None
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
