"""What tests the tests: a change that nobody notices is named, and the page has all that survive."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import mutants
from checkout import ROOT

TEST = """
import pytest
from liveperson_engagement._deadline import CallDeadline

@pytest.mark.parametrize("seconds", [1, 1000])
def test_cap(seconds):
    assert """


@pytest.mark.parametrize(
    ("assertion", "said"),
    [
        (
            "CallDeadline(seconds).cap(500) is not None",
            "survived and is not in the list: _deadline.py: `CallDeadline.cap`",
        ),
        ("(", "1 files of tests cannot be read"),
    ],
)
def test_what_no_test_notices_is_named(tmp_path: Path, assertion: str, said: str) -> None:
    """In small: without a test of what the function does, hardly a mutant is killed; tests that cannot be read fail."""
    test = tmp_path / "test_cap.py"
    test.write_text(TEST + assertion)
    script = ROOT / "scripts/lib/mutants.py"
    command: list[str | Path] = [sys.executable, script, "_deadline", "--only", "^CallDeadline.cap$", "--tests", test]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout


def test_the_page_gives_a_reason_for_every_survivor() -> None:
    """Its table and its list are of the same run, of all modules of the core."""
    text = mutants.PAGE.read_text()
    rows = re.findall(r"^\| (\w+\.py) \| [\d,]+ \| [\d,]+ \| \d+ \| (\d+) \|", text, re.MULTILINE)
    assert [module for module, _ in rows] == sorted(f"{module}.py" for module in mutants.CORE)
    assert all((ROOT / "wrapper" / mutants.PACKAGE / module).is_file() for module, _ in rows)
    counted = Counter[str]()
    for module, *lines in (part.splitlines() for part in text.split("\n### ")[1:]):
        counted[module] += sum(line.startswith("- `") for line in lines)
    assert counted == Counter({module: int(alive) for module, alive in rows})
    assert len(mutants.listed()) == len({line for line in text.splitlines() if line.startswith("- `")})
