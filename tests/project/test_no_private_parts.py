"""The wrapper uses no private part of any dependency: a patch release may change it."""

import ast
import re
from collections.abc import Iterator

from checkout import ROOT

FILES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "wrapper").rglob("*.py")}
OWN = ("liveperson_engagement", "liveperson_engagement_api")
ALLOWED = {"os._exit", "_thread.start_new_thread"}
"""Documented functions of the standard library."""
NAMED_TUPLE = {"_asdict", "_fields", "_make", "_replace"}
"""What a namedtuple documents; the underscore only keeps it apart from the fields."""
FORBIDDEN = r"\b(ContextVar|methodcaller|marshal)\b|\(httpx\.(Async)?Client\b"
"""Ways round a plain call, and a subclass of a client that is not made for it."""


def is_private(name: str) -> bool:
    """Tell whether a name, such as that of a module, has a part with one underscore before it."""
    return any(re.match(r"_(?!_)", part) for part in name.split("."))


def defined(tree: ast.AST) -> Iterator[str]:
    """Yield the names that a module gives to functions, classes, fields and attributes."""
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
                if f"{owner}.{name}" not in ALLOWED and (owner not in {"self", "cls", "copy"} or name not in ours):
                    yield f"{owner}.{name}"
            case ast.ImportFrom(module=module, names=names, level=0) if (module or "").split(".")[0] not in OWN:
                parts = [f"{module}.{each.name}" for each in names]
                yield from (part for part in parts if is_private(part) and part not in ALLOWED)
            case ast.Import(names=names):
                yield from (each.name for each in names if is_private(each.name))
            case ast.Call(
                func=ast.Name(id="getattr" | "setattr" | "hasattr"), args=[_, ast.Constant(value=str(name)), *_]
            ) if is_private(name):
                yield name
            case ast.keyword(arg=str(name)) if is_private(name) and name not in ours:
                yield name
            case _:
                pass


PRIVATE = """client._transport
self._h11_state
self._pool._connections
from typer import _completion_shared
from httpcore._async.connection_pool import AsyncConnectionPool
import httpx._config
getattr(context, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", "x")
Console(_environ={})"""


def test_the_wrapper_uses_no_private_part() -> None:
    """No attribute, module, name or argument of a dependency that begins with an underscore, whichever way."""
    assert all([*private_parts(ast.parse(line), {"_pool"})] for line in PRIVATE.splitlines())
    trees = {path: ast.parse(text) for path, text in FILES.items()}
    assert len(trees) > 40
    ours = {name for tree in trees.values() for name in defined(tree)}
    assert [(path.name, part) for path, tree in trees.items() for part in private_parts(tree, ours)] == []


def test_the_wrapper_takes_no_way_round() -> None:
    """Neither these modules, nor a subclass of httpx's clients."""
    assert [path.name for path, text in FILES.items() if re.search(FORBIDDEN, text)] == []
