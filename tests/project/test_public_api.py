"""The public surface, compared with `public_api.txt`: no name, argument or option appears or vanishes unnoticed.

`python tests/project/test_public_api.py --write` writes the file again: read the difference before you commit it.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect
import re
import sqlite3
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, ForwardRef, Generic, get_args, get_origin, is_typeddict

import pytest
import typer.main

import liveperson_engagement
from checkout import ROOT
from liveperson_engagement import SQLiteStore, VisitIds
from liveperson_engagement.cli.app import app
from liveperson_engagement.cli.failure import Status
from liveperson_engagement.stores import Record, to_json
from public_names import INTERNAL, MODULES, PACKAGE, home, is_fixture, public_names

SNAPSHOT = Path(__file__).with_name("public_api.txt")
COMMAND = "python tests/project/test_public_api.py --write"
HOOKS = ("_take", "_keep", "_free", "_atake", "_akeep", "_afree")
"""What a subclass of `LeasedStore` writes."""
MANAGERS = ("__enter__", "__aenter__")


# The surface as text


def surface() -> str:
    """Write down what users can name: one line each, the same on every Python."""
    lines = ["# Written by " + COMMAND + ". Do not edit.", ""]
    for name in MODULES:
        lines += [f"module {name}", *(f"    {line}" for line in described(import_module(name))), ""]
    lines += ["command liveperson-engagement", *(f"    {line}" for line in commands()), ""]
    lines += ["distribution liveperson-engagement", *(f"    {line}" for line in distribution()), ""]
    lines += ["records of visits", *(f"    {line}" for line in records()), ""]
    return "\n".join(lines)


def described(module: ModuleType) -> Iterator[str]:
    """Describe what a module offers."""
    for name in public_names(module):
        value = getattr(module, name)
        if isinstance(value, type) and (home(value) != module.__name__ or value.__name__ != name):
            yield f"{name} = {home(value)}.{value.__name__}"
        elif isinstance(value, type):
            yield from described_class(value)
        elif callable(value):
            yield described_member(name, value)
        else:
            yield f"{name}: {type(value).__name__}"


def described_class(kind: Any) -> Iterator[str]:
    """Describe a class: where pickles look for it, its public bases, and what it has besides theirs."""
    traits = ["protocol"] * is_protocol(kind) + ["frozen"] * is_frozen(kind)
    base = next(each.__name__ for each in kind.__mro__ if each not in (*own(kind), Generic))
    of = "" if base == "object" else f"({base})"
    yield f"class {kind.__name__}{of}  # {', '.join([kind.__module__, *traits])}"
    if is_typeddict(kind) or tuple in kind.__mro__:
        yield from (f"    {name}: {written(hint)}" for name, hint in inspect.get_annotations(kind).items())
        return
    meant = variables(kind)
    names = re.compile(rf"\b({'|'.join(meant) or '(?!)'})\b")
    for name, member in sorted(members(kind).items()):
        yield f"    {names.sub(lambda found: meant[found[1]], described_member(name, member))}"


def variables(kind: type) -> dict[str, str]:
    """Say what the type variables of a base stand for."""
    return {
        variable.__name__: written(argument)
        for base in getattr(kind, "__orig_bases__", ())
        for variable, argument in zip(getattr(get_origin(base), "__parameters__", ()), get_args(base), strict=True)
    }


def described_member(name: str, member: Any) -> str:
    """Describe a method, a property or an attribute."""
    if isinstance(member, property):
        returned = written(inspect.signature(member.fget).return_annotation) if member.fget else "?"
        return f"property {name}: {returned}{', can be set' if member.fset else ''}"
    if name in MANAGERS:
        return "with" if name == "__enter__" else "async with"
    if hasattr(member, "__func__"):
        return f"{type(member).__name__} {name}{signature(member.__func__, 1)}"
    if is_fixture(member):
        return f"fixture {name} -> {written(inspect.signature(member).return_annotation)}"
    if isinstance(member, FunctionType):
        bound = 1 if "." in member.__qualname__ else 0
        return f"{'async def' if inspect.iscoroutinefunction(member) else 'def'} {name}{signature(member, bound)}"
    return f"attribute {name}"


def members(kind: type) -> dict[str, Any]:
    """Find what a class has besides its public bases; a constructor tells the fields that it takes."""
    found: dict[str, Any] = {}
    for each in reversed(own(kind)):
        found |= dict.fromkeys(attributes(each))
        found |= {name: member for name, member in vars(each).items() if is_public(kind, name)}
    if is_protocol(kind):
        found.pop("__init__", None)
    told = [*inspect.signature(found["__init__"]).parameters] if "__init__" in found and has_fields(kind) else []
    left_out = [*told, *(name for name in found if f"{kind.__name__}.{name}" in INTERNAL)]
    return {name: member for name, member in found.items() if name not in left_out}


def own(kind: type) -> list[type]:
    """Give a class, and those of its bases that users cannot name."""
    return [each for each in kind.__mro__ if each is kind or (each.__module__.startswith(PACKAGE) and not home(each))]


def is_public(kind: type, name: str) -> bool:
    """Tell whether users may use, or have to write, what a class calls so; a conformance class may get more tests."""
    if name == "__init__":
        return not issubclass(kind, BaseException)
    if name.startswith("_"):
        return name in MANAGERS or (name in HOOKS and kind.__name__ == "LeasedStore")
    return not name.startswith("test_")


def has_fields(kind: Any) -> bool:
    """Tell whether attributes and the constructor's arguments are the same."""
    return dataclasses.is_dataclass(kind) or hasattr(kind, "__attrs_attrs__")


def is_protocol(kind: type) -> bool:
    """Tell whether others may write such a class."""
    return bool(vars(kind).get("_is_protocol"))


def is_frozen(kind: type) -> bool:
    """Tell whether it is a dataclass whose values do not change."""
    return dataclasses.is_dataclass(kind) and vars(kind)["__dataclass_params__"].frozen


def attributes(kind: type) -> list[str]:
    """Name what methods of a class assign to `self` without an underscore."""
    module = ast.parse(Path(inspect.getfile(kind)).read_text(encoding="utf-8"))
    [body] = [node for node in ast.walk(module) if isinstance(node, ast.ClassDef) and node.name == kind.__name__]
    names = list[str]()
    for node in ast.walk(body):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()) if not name.startswith("_"):
                names.append(name)
            case _:
                pass
    return names


class Verbatim:
    """An annotation that is printed as it was written."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def signature(function: Any, skipped: int = 0) -> str:
    """Write a signature without `self`."""
    found = inspect.signature(function)
    parameters = [
        each if each.annotation is each.empty else each.replace(annotation=Verbatim(written(each.annotation)))
        for each in list(found.parameters.values())[skipped:]
    ]
    returned: Any = found.return_annotation
    if returned is not found.empty:
        returned = Verbatim(written(returned))
    text = str(found.replace(parameters=parameters, return_annotation=returned))
    return re.sub(r"<(?:\w+\.)*(\w+) object at 0x\w+>", r"<\1>", text)


def written(annotation: Any) -> str:
    """Write an annotation as the source does, without the modules that an evaluated one names."""
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return annotation
    if annotation is type(None):
        return "None"
    return re.sub(r"\b(?:\w+\.)+(?=[A-Za-z])", "", inspect.formatannotation(annotation))


# What is not imported


def commands() -> Iterator[str]:
    """Describe the command line: commands, what they take, exit statuses."""
    command: Any = typer.main.get_command(app)
    yield from sorted(described_parameter(parameter) for parameter in command.params)
    for name, each in sorted(command.commands.items()):
        yield name
        yield from sorted(f"    {described_parameter(parameter)}" for parameter in each.params)
    yield from (f"exit status {status.value}: {status.name}" for status in Status)


def described_parameter(parameter: Any) -> str:
    """Describe an argument or an option."""
    names = "/".join((*parameter.opts, *parameter.secondary_opts))
    kind = "|".join(getattr(parameter.type, "choices", ())) or parameter.metavar or "VALUE"
    takes = "" if getattr(parameter, "is_flag", False) else f" {kind}"
    text = f"{names}{takes}" if parameter.param_type_name == "option" else str(parameter.metavar or parameter.name)
    repeatable = bool(getattr(parameter, "multiple", False) or parameter.nargs != 1)
    has_default = bool(isinstance(parameter.default, str | int | float) and takes)
    notes = ["required"] * parameter.required + ["repeatable"] * repeatable
    notes += [f"from {parameter.envvar}"] * bool(parameter.envvar) + [f"default {parameter.default}"] * has_default
    return f"{text}  # {', '.join(notes)}" if notes else text


def distribution() -> Iterator[str]:
    """Describe what is installed: extras, entry points, and which environment variables are read."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield f"requires-python {project['requires-python']}"
    yield from (f"extra {name}" for name in sorted(project["optional-dependencies"]))
    yield from (f"command {name} = {place}" for name, place in sorted(project["scripts"].items()))
    for group, points in sorted(project["entry-points"].items()):
        yield from (f"{group} {name} = {place}" for name, place in sorted(points.items()))
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "wrapper").rglob("*.py"))
    yield from (f"environment {name}" for name in sorted(set(re.findall(r'"(LIVEPERSON_\w+)"', sources))))


def records() -> Iterator[str]:
    """Describe what other processes, and later releases, have to read."""
    yield to_json(Record(VisitIds("visitor", "session", "page"), "engagement", "answers"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "visits.db")
        with SQLiteStore(path) as store:
            store.load("key")
        with closing(sqlite3.connect(path)) as database:
            for name in ("application_id", "user_version"):
                yield f"SQLite {name} {database.execute(f'PRAGMA {name}').fetchone()[0]}"
            yield from (f"SQLite {sql}" for (sql,) in database.execute("SELECT sql FROM sqlite_master ORDER BY name"))


# The tests


def test_no_public_name_appears_or_vanishes_unnoticed() -> None:
    """The surface is what the file says, to the letter."""
    expected, found = SNAPSHOT.read_text(encoding="utf-8").splitlines(), surface().splitlines()
    difference = difflib.unified_diff(expected, found, SNAPSHOT.name, "now", n=1, lineterm="")
    assert expected == found, "\n".join([*difference, f"If it is meant so, {COMMAND} and see docs/versioning.md"])


def test_a_change_of_the_surface_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A method that goes, one that comes, and an argument that is renamed are one line each."""

    def changed(self: object, *kinds: str, limit: float | None = None) -> None:
        """Have another argument."""

    before = surface().splitlines()
    monkeypatch.delattr(liveperson_engagement.Visit, "forget")
    monkeypatch.setattr(liveperson_engagement.Visit, "report_impressions", changed)
    monkeypatch.setattr(liveperson_engagement.AsyncVisit, "more", changed, raising=False)
    monkeypatch.setattr(liveperson_engagement, "__all__", [*liveperson_engagement.__all__, "import_module"])
    lines = [line for line in difflib.ndiff(before, surface().splitlines()) if line[0] in "+-"]
    assert [line.split("(")[0].split() for line in lines] == [
        ["+", "def", "more"],
        ["-", "def", "forget"],
        ["-", "def", "report_impressions"],
        ["+", "def", "report_impressions"],
        ["+", "def", "import_module"],
    ]


def test_every_public_name_is_documented() -> None:
    """Modules, classes, functions and members have docstrings of their own; generated classes have theirs."""
    found = dict[str, Any]()
    for module in map(import_module, MODULES):
        found[module.__name__] = module
        for name in public_names(module):
            value = getattr(module, name)
            if callable(value) and get_origin(value) is None:
                found[f"{module.__name__}.{name}"] = value
            if isinstance(value, type) and value.__module__.startswith(f"{PACKAGE}."):
                for member, each in members(value).items():
                    if isinstance(each, FunctionType | property | classmethod) and not member.startswith("_"):
                        found[f"{module.__name__}.{name}.{member}"] = each
    assert len(found) > 200
    assert [name for name, value in found.items() if not (value.__doc__ or "").strip()] == []


@pytest.mark.parametrize("name", [name for name in MODULES if "__all__" in vars(import_module(name))])
def test_nothing_is_offered_besides_the_public_names(name: str) -> None:
    """What a module imports for itself from this package has an underscore or is a module; a star brings `__all__`."""
    module, brought = import_module(name), dict[str, Any]()
    exec(f"from {name} import *", brought)  # noqa: S102
    assert sorted(brought.keys() - {"__builtins__"}) == public_names(module)
    if Path(inspect.getfile(module)).name == "__init__.py":
        public = {key: getattr(value, "__module__", None) for key, value in vars(module).items() if key[0] != "_"}
        ours = {key for key, place in public.items() if (place or "").startswith(PACKAGE)}
        assert ours - set(module.__all__) == set()


def test_what_counts_as_internal_is_there() -> None:
    """The list of exceptions does not outlive them."""
    for name in INTERNAL:
        place, _, attribute = name.rpartition(".")
        if place[0].islower():
            assert hasattr(import_module(f"{PACKAGE}.{place}"), attribute), name
        else:
            [kind] = {getattr(module, place) for module in map(import_module, MODULES) if place in public_names(module)}
            named = {key for each in own(kind) for key in (*attributes(each), *vars(each))}
            assert attribute in named, name


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {COMMAND}")
    SNAPSHOT.write_text(surface(), encoding="utf-8")
