"""The wrapper uses no private part of any dependency: a patch release may change it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from checkout import ROOT

WRAPPER = ROOT / "wrapper"
OWN = ("liveperson_engagement", "liveperson_engagement_api")
ALLOWED = {
    "os._exit": "a documented function of the standard library",
    "_thread.start_new_thread": "the same: the one way to start a thread that no signal handler can interrupt",
    "copy._connections": "the client that `with_options` makes",
    "copy._resolvers": "the same",
    "copy._configure": "the same",
}
NAMED_TUPLE = {"_asdict", "_fields", "_make", "_replace"}
"""What a namedtuple documents; the underscore only keeps it apart from the fields."""
FORBIDDEN = r"\b(ContextVar|methodcaller|marshal)\b|\(httpx\.(Async)?Client\b"
"""Ways round a plain call, and a subclass of a client that is not made for it."""


def is_private(name: str) -> bool:
    """Tell whether a name, such as that of a module, has a part with one underscore before it."""
    return any(re.match(r"_(?!_)", part) for part in name.split("."))


def defined(tree: ast.AST) -> Iterator[str]:
    """Yield the private names that a module gives to functions, classes, fields and attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case _:
                pass


def private_parts(tree: ast.AST, ours: set[str]) -> Iterator[str]:
    """Yield what a module uses of others' private parts; `ours` are the names that the package itself defines."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if is_private(name) and name not in NAMED_TUPLE:
                owner = ast.unparse(node.value)
                if f"{owner}.{name}" not in ALLOWED and (owner not in {"self", "cls"} or name not in ours):
                    yield f"{owner}.{name}"
            case ast.ImportFrom(module=module, names=names, level=0) if (module or "").split(".")[0] not in OWN:
                parts = [f"{module}.{each.name}" for each in names]
                yield from (part for part in parts if is_private(part) and part not in ALLOWED)
            case ast.Import(names=names):
                yield from (each.name for each in names if is_private(each.name))
            case ast.Call(
                func=ast.Name(id="getattr" | "setattr" | "hasattr"), args=[_, ast.Constant(value=str(name)), *_]
            ):
                if is_private(name):
                    yield name
            case ast.keyword(arg=str(name)) if is_private(name) and name not in ours:
                yield name
            case _:
                pass


def test_the_wrapper_uses_no_private_part() -> None:
    """No attribute, module, name or argument of a dependency that begins with an underscore."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in WRAPPER.rglob("*.py")}
    assert len(trees) > 40
    ours = {name for tree in trees.values() for name in defined(tree)}
    found = [(path.name, part) for path, tree in trees.items() for part in private_parts(tree, ours)]
    assert found == []


def test_the_wrapper_takes_no_way_round() -> None:
    """Neither these modules, nor a subclass of httpx's clients."""
    files = {path.name: path.read_text(encoding="utf-8") for path in WRAPPER.rglob("*.py")}
    assert [name for name, text in files.items() if re.search(FORBIDDEN, text)] == []


@pytest.mark.parametrize(
    "line",
    [
        "client._transport",
        "self._h11_state",
        "self._pool._connections",
        "from typer import _completion_shared",
        "from httpcore._async.connection_pool import AsyncConnectionPool",
        "import httpx._config",
        'getattr(context, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", "x")',
        "Console(_environ={})",
    ],
)
def test_a_private_part_is_found(line: str) -> None:
    """Whichever way it is used."""
    assert [*private_parts(ast.parse(line), {"_pool"})]


@pytest.mark.parametrize(
    "line",
    [
        "self._pool",
        "record._replace(age=0)",
        "os._exit(1)",
        "from ._call import Call",
        "from liveperson_engagement._call import Call",
        "x.__dict__",
        'getattr(module, "name")',
    ],
)
def test_what_is_ours_or_public_is_let_pass(line: str) -> None:
    """So that the test says only what is wrong."""
    assert [*private_parts(ast.parse(line), {"_pool"})] == []


@pytest.mark.parametrize(
    "line",
    ["from operator import methodcaller", "class _Client(httpx.Client):", "marshal.dumps(x)", "x: ContextVar[int]"],
)
def test_a_way_round_is_found(line: str) -> None:
    """Word by word."""
    assert re.search(FORBIDDEN, line)
