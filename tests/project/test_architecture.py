"""What docs/architecture.md says of the layers, and of what is found where, is true of the package."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkout import ROOT

PACKAGE = ROOT / "wrapper/liveperson_engagement"
PAGE = (ROOT / "docs/architecture.md").read_text()
PICTURE = PAGE.split("```")[1]
LAYERS = {
    line[1:14].strip(): set(re.sub(r"\(.*", "", line[14:]).split())
    for line in PICTURE.splitlines()
    if re.match(r" \w", line)
}
LEVELS = {name: level for level, names in enumerate([*LAYERS.values()][:-1]) for name in names}
"""The parts of the package from above to below; those beside the layers use the words alone."""
WORDS = LAYERS["words"]
ANSWERS = re.findall(r"^\| (.+\?) \| `([\w./]+)`(?:: `([\w.]+)`)? \|", PAGE, re.MULTILINE)


def part(path: Path) -> str:
    """Name the part of the package that a file belongs to: a module, or a folder."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Tell the parts of the package that a file imports when it is imported itself."""
    folder = path.relative_to(PACKAGE).parts[:-1]
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ImportFrom) and node.level:
            above = [*folder[: len(folder) - node.level + 1], *(node.module or "").split(".")]
            names = [name for name in above if name]
            yield from [names[0]] if names else [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE.name}."):
            yield (node.module or "").split(".")[1]
        elif isinstance(node, ast.ImportFrom) and node.module == PACKAGE.name:
            yield "__init__"
        elif (
            not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "TYPE_CHECKING" not in ast.dump(node)[:60]
        ):
            waiting += ast.iter_child_nodes(node)


FILES = sorted(path for path in PACKAGE.rglob("*.py") if part(path) not in {"__main__", "_pyinstaller"})


def test_the_picture_has_every_part() -> None:
    """Nothing is in it that is not there, and nothing twice."""
    drawn = sorted(name for names in LAYERS.values() for name in names)
    assert drawn == sorted({part(path) for path in FILES})


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    """A module imports what is on its own line or below, and no other folder of its line."""
    own, others = part(path), {name for name in imported(path) if name != part(path)}
    below = {name for name, level in LEVELS.items() if own in LEVELS and level >= LEVELS[own]} | WORDS
    assert others <= below, others - below


@pytest.mark.parametrize(("question", "file", "name"), ANSWERS, ids=[question for question, *_ in ANSWERS])
def test_questions_are_answered_where_the_page_says(question: str, file: str, name: str) -> None:
    """The file is there, and has the class, function or method."""
    path = ROOT / file if file == "openapi.yaml" else PACKAGE / file
    assert path.is_file(), question
    node: ast.AST = ast.parse(path.read_text()) if name else ast.Module([], [])
    for each in filter(None, name.split(".")):
        node = next(
            child
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and child.name == each
        )


def test_there_are_ten_questions_and_more() -> None:
    """Each line of the table was read."""
    assert len(ANSWERS) == PAGE.count("? |") >= 10
