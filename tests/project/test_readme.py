"""What the README says is true: its first example, its tables, its commands and folders; test_docs.py runs its code."""

from __future__ import annotations

import os
import re

from checkout import ROOT
from liveperson_engagement import errors
from liveperson_engagement._contract import contract
from samples import samples

README = (ROOT / "README.md").read_text()


def test_the_first_example_is_about_ten_lines_and_shows_the_button() -> None:
    """A newcomer gets an engagement by copying it."""
    first = samples(ROOT / "README.md", "python")[0]
    assert len(first.code.strip().splitlines()) <= 10
    assert re.fullmatch(r"Show the button of engagement \d+\n", first.run())


def test_the_retry_table_gives_the_contracts_pauses() -> None:
    """The numbers in prose are those of the contract."""
    policy = contract().operations["createSession"].policy
    first, second, third = (f"{pause:g}" for pause in policy.pauses)
    assert f"up to 3 times, after pauses of {first}, {second} and {third} seconds" in README
    assert f"up to {policy.longest_retry_after} seconds" in README


def test_the_error_table_names_every_error() -> None:
    """No class of the tree is missing."""
    names = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    table = README[README.index("## Errors") : README.index("## Testing your own code")]
    assert {name for name in names if f"`{name}`" not in table} == set()


def test_the_commands_and_folders_exist() -> None:
    """What the README tells people to run or open is there."""
    commands = set(re.findall(r"\./scripts/([\w-]+)", README))
    assert commands >= {"demo", "test", "generate"}
    assert all(os.access(ROOT / "scripts" / command, os.X_OK) for command in commands)
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / link).exists()
    table = README[README.index("## Hand-written") : README.index("## Sessions")]
    for name in re.findall(r"^\| `([\w.]+/?)` \|", table, re.MULTILINE):
        assert (ROOT / name).exists()
