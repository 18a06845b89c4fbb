"""What tests the tests: a change that nobody notices is named, and the page has all that survive."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import mutants
from checkout import ROOT
from mutants import Change, Mutant

CAP = Change("_deadline.py", "CallDeadline.cap", "return min(a)", "return max(a)")
OTHER = Change("_locking.py", "key_lock", "LEASE + 1", "LEASE - 1")
SAYS_WHAT_IT_DOES = """
import pytest, time
from liveperson_engagement._deadline import CallDeadline

@pytest.mark.parametrize("seconds", [1, 1000])
def test_cap(seconds):
    assert {0}
"""


def tried(test: Path, assertion: str) -> subprocess.CompletedProcess[str]:
    """Try all mutants of one small function with one test."""
    test.write_text(SAYS_WHAT_IT_DOES.replace("{0}", assertion))
    command: list[str | Path] = [
        sys.executable,
        ROOT / "scripts/lib/mutants.py",
        "_deadline",
        "--only",
        "^CallDeadline.cap$",
        "--tests",
        test,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)


def test_what_no_test_notices_is_named(tmp_path: Path) -> None:
    """The real thing, in small: without a test of what the function does, hardly a mutant of it is killed."""
    done = tried(tmp_path / "test_cap.py", "CallDeadline(seconds).cap(500) is not None")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "survived and is not in the list: _deadline.py: `CallDeadline.cap`: `" in done.stdout
    assert "were killed: 90 are asked for" in done.stdout


def test_a_file_of_tests_that_cannot_be_read_fails(tmp_path: Path) -> None:
    """Otherwise a renamed module would look like a test that notices nothing."""
    done = tried(tmp_path / "test_cap.py", "(")
    assert done.returncode == 1
    assert "1 files of tests cannot be read" in done.stdout


def test_the_page_gives_a_reason_for_every_survivor() -> None:
    """Its table and its list are of the same run, of all modules of the core."""
    text = mutants.PAGE.read_text()
    rows = re.findall(r"^\| (\w+\.py) \| [\d,]+ \| [\d,]+ \| \d+ \| (\d+) \|", text, re.MULTILINE)
    assert [module for module, _ in rows] == sorted(f"{module}.py" for module in mutants.CORE)
    assert all((ROOT / "wrapper" / mutants.PACKAGE / module).is_file() for module, _ in rows)
    counted = Counter[str]()
    for part in text.split("\n### ")[1:]:
        module, *lines = part.splitlines()
        counted[module] += sum(line.startswith("- `") for line in lines)
    assert counted == Counter({module: int(alive) for module, alive in rows})
    assert len(mutants.listed()) == len({line for line in text.splitlines() if line.startswith("- `")})


@pytest.mark.parametrize(
    ("outcome", "known", "wrong"),
    [
        ("killed", [], []),
        ("timed out", [], []),
        ("survived", [CAP], ["only 0.0 % were killed: 90 are asked for"]),
        (
            "killed",
            [CAP, OTHER],
            [
                f"in the list, but was killed: _deadline.py: {CAP}",
                f"in the list, but there is no such mutant: _locking.py: {OTHER}",
            ],
        ),
    ],
)
def test_what_differs_from_the_list_is_said(outcome: str, known: list[Change], wrong: list[str]) -> None:
    """In both directions; a part is not asked for what it has not tried."""
    assert mutants.differences([Mutant(CAP, "name", outcome)], known, everything=True) == wrong
    assert mutants.differences([Mutant(CAP, "name", "killed")], [OTHER], everything=False) == []


def test_figures_and_changes_are_written_and_read_the_same_way(tmp_path: Path) -> None:
    """What ran on and on is among the killed; a module that was not tried keeps its figures."""
    page = tmp_path / "page.md"
    entries = f"### _deadline.py\n\n- {CAP}: the same.\n\n### _locking.py\n\n- {OTHER}: no odds: `x`.\n"
    page.write_text(f"<!-- mutants -->\n| _locking.py | 1,001 | 1,001 | 0 | 0 | 100.0 % |\n<!-- end -->\n{entries}")
    outcomes = ("killed", "timed out", "survived")
    mutants.write(mutants.counted(Mutant(CAP, "a", outcome) for outcome in outcomes), page)
    assert page.read_text().splitlines()[3:6] == [
        "| _deadline.py | 3 | 2 | 1 | 1 | 66.7 % |",
        "| _locking.py | 1,001 | 1,001 | 0 | 0 | 100.0 % |",
        "| all | 1,004 | 1,003 | 1 | 1 | 99.9 % |",
    ]
    assert mutants.listed(page) == {CAP: "the same.", OTHER: "no odds: `x`."}
    assert mutants.changed(["a = 1", "b = 2", "c"], ["a = 1", "b = 3", "c"]) == ("b = 2", "b = 3")
