"""Each promise that docs/guarantees.md makes is held by a test that exists."""

import ast
import re

from checkout import ROOT

ROWS = re.findall(r"^\| (?!promise|---)(.+) \| (.+) \|$", (ROOT / "docs/guarantees.md").read_text(), re.MULTILINE)


def test_every_promise_is_held_by_tests_that_exist() -> None:
    """A test that is renamed or deleted takes no promise along unnoticed."""
    assert len(ROWS) > 40
    for promise, cell in ROWS:
        tests = re.findall(r"`(\w+\.py)::(\w+)`", cell)
        assert tests, promise
        assert ", ".join(f"`{module}::{name}`" for module, name in tests) == cell, promise
        for module, name in tests:
            tree = ast.parse(next((ROOT / "tests").rglob(module)).read_text())
            names = {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
            assert name in names, f"{promise} tests/{module} has no {name}"
