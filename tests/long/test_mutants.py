"""What tests the tests: a change that nobody notices is named, and the page has all that survive."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

import mutants
from checkout import ROOT
from mutants import Change, Mutant

CAP = Change("_deadline.py", "CallDeadline.cap", "return min(a)", "return max(a)")
OTHER = Change("_locking.py", "key_lock", "LEASE + 1", "LEASE - 1")


def cap_tried_with(tests: str, work: Path) -> subprocess.CompletedProcess[str]:
    """Try all mutants of one small function."""
    return subprocess.run(
        [ROOT / "scripts/mutants", "_deadline", "--only", "^CallDeadline.cap$", "--quick",
         "--tests", tests, "--work", work],
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip


def test_a_function_passes_with_the_tests_that_say_what_it_does(tmp_path: Path) -> None:
    """The real thing, in small."""
    done = cap_tried_with("core_time", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\| _deadline\.py \| (\d+) \| \1 \| \d+ \| 0 \| 100\.0 % \|$", done.stdout, re.MULTILINE), (
        done.stdout
    )


def test_a_function_fails_with_tests_that_do_not_reach_it(tmp_path: Path) -> None:
    """Each survivor is named with what was changed."""
    done = cap_tried_with("core_lines", tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "survived and is not in the list: _deadline.py: `CallDeadline.cap`: `return " in done.stdout
    assert "only 0.0 % were killed: 90 are asked for" in done.stdout


def test_the_page_gives_a_reason_for_every_survivor_that_it_counts() -> None:
    """Its table and its list are of the same run."""
    rows = re.findall(r"^\| (\w+\.py) \| [\d,]+ \| [\d,]+ \| \d+ \| (\d+) \|", mutants.PAGE.read_text(), re.MULTILINE)
    modules = [module for module, _ in rows]
    assert modules == sorted(f"{module}.py" for module in mutants.CORE)
    counted, entries = Counter[str](), set[str]()
    for part in mutants.PAGE.read_text().split("\n### ")[1:]:
        module, *lines = part.splitlines()
        counted[module] += sum(line.startswith("- `") for line in lines)
        entries.update(line for line in lines if line.startswith("- `"))
    assert len(entries) == len(mutants.listed())
    assert {module: counted[module] for module, _ in rows} == {module: int(alive) for module, alive in rows}


def test_the_core_is_there() -> None:
    """A module that was renamed is not forgotten."""
    source = ROOT / "wrapper" / mutants.PACKAGE
    assert [module for module in mutants.CORE if not (source / f"{module}.py").is_file()] == []
    for name in (*mutants.QUICK, *mutants.SLOW):
        assert list((ROOT / "tests").glob(f"test_{name}.py"))


@pytest.mark.parametrize(
    ("outcomes", "known", "wrong"),
    [
        ({CAP: "killed"}, [], []),
        ({CAP: "timed out"}, [], []),
        (
            {CAP: "survived"},
            [CAP],
            ["only 0.0 % were killed: 90 are asked for"],
        ),
        (
            {CAP: "killed"},
            [CAP, OTHER],
            [
                f"in the list, but was killed: _deadline.py: {CAP}",
                f"in the list, but there is no such mutant: _locking.py: {OTHER}",
            ],
        ),
    ],
)
def test_what_differs_from_the_list_is_told(outcomes: dict[Change, str], known: list[Change], wrong: list[str]) -> None:
    """In both directions."""
    tried = [Mutant(change, "name", outcome) for change, outcome in outcomes.items()]
    assert mutants.differences(tried, known, everything=True) == wrong


def test_a_part_is_not_asked_for_what_it_has_not_tried() -> None:
    """One module alone says nothing of the others."""
    assert mutants.differences([Mutant(CAP, "name", "killed")], [OTHER], everything=False) == []


def test_the_table_adds_up() -> None:
    """What ran on and on is among the killed."""
    tried = [Mutant(CAP, "a", outcome) for outcome in ("killed", "timed out", "survived")] + [
        Mutant(OTHER, "b", "killed")
    ]
    assert mutants.figures(tried).splitlines()[2:] == [
        "| _deadline.py | 3 | 2 | 1 | 1 | 66.7 % |",
        "| _locking.py | 1 | 1 | 0 | 0 | 100.0 % |",
        "| all | 4 | 3 | 1 | 1 | 75.0 % |",
    ]


def test_a_change_is_written_and_read_the_same_way(tmp_path: Path) -> None:
    """As a page can say it: without numbers of lines."""
    assert mutants.changed(["a = 1", "b = 2", "c"], ["a = 1", "b = 3", "c"]) == ("b = 2", "b = 3")
    page = tmp_path / "page.md"
    page.write_text(
        f"# Survivors\n\n### _deadline.py\n\n- {CAP}: the same.\n\n### _locking.py\n\n- {OTHER}: no odds: `x`.\n"
    )
    assert mutants.listed(page) == {CAP: "the same.", OTHER: "no odds: `x`."}
