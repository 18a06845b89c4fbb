"""What docs/architecture.md says of the layers, and of what is found where, is true of the package."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from checkout import ROOT

PACKAGE = ROOT / "wrapper/liveperson_engagement"
PAGE = (ROOT / "docs/architecture.md").read_text()
LAYERS = {
    line[1:14].strip(): set(re.sub(r"\(.*", "", line[14:]).split())
    for line in PAGE.split("```")[1].splitlines()
    if re.match(r" \w", line)
}
LEVELS = {name: level for level, names in enumerate([*LAYERS.values()][:-1]) for name in names}
"""The parts of the package from above to below; those beside the layers use the words alone."""

PRIVATE = re.compile(
    r"^ *(?:from|import) (?!liveperson|_thread\b)[^.\n(][^\n(]*(?:\([^)]*)?\b_(?!_)|attr\([^()]*\"_(?!_)"
    r"|\b(?:ContextVar|methodcaller|marshal)\b|\(httpx\.(?:Async)?Client\b",
    re.MULTILINE,
)
"""Others' private modules and names, by import or by a text; ways round a plain call; subclasses of httpx's clients."""


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


def test_imports_go_down() -> None:
    """A module imports what is on its own line or below, and no other folder of its line; the picture has each once."""
    files = sorted(path for path in PACKAGE.rglob("*.py") if part(path) not in {"__main__", "_pyinstaller"})
    assert sorted(name for names in LAYERS.values() for name in names) == sorted({part(path) for path in files})
    for path in files:
        own = part(path)
        below = {name for name, level in LEVELS.items() if own in LEVELS and level >= LEVELS[own]} | LAYERS["words"]
        assert {*imported(path)} - {own} <= below, path


def test_questions_are_answered_where_the_page_says() -> None:
    """The file is there, and has the class, function or method."""
    answers = re.findall(r"^\| (.+\?) \| `([\w./]+)`(?:: `([\w.]+)`)? \|", PAGE, re.MULTILINE)
    assert len(answers) == PAGE.count("? |") >= 10
    for question, file, name in answers:
        path = ROOT / file if file == "openapi.yaml" else PACKAGE / file
        assert path.is_file(), question
        node: ast.AST = ast.parse(path.read_text()) if name else ast.Module([], [])
        for each in filter(None, name.split(".")):
            inner = [child for child in ast.iter_child_nodes(node) if getattr(child, "name", None) == each]
            assert inner, question
            node = inner[0]


def test_the_wrapper_uses_no_private_part() -> None:
    """A patch release of a dependency may change it; ruff looks for attributes, `PRIVATE` for the rest."""
    subprocess.run(["ruff", "check", "--select", "SLF001", PACKAGE], check=True)
    assert all(
        map(PRIVATE.search, ("import httpx._config", "from typer import _shared", 'getattr(context, "_key", 1)'))
    )
    assert [path.name for path in PACKAGE.rglob("*.py") if PRIVATE.search(path.read_text())] == []
