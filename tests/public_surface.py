"""What users can name of the package: `project/public_api.txt` has it, as stubs.

`python tests/public_surface.py --write` writes that file again: read the difference before you commit it.
"""

import ast
import functools
import re
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import typer.main

from checkout import ROOT
from liveperson_engagement import SQLiteStore, VisitIds
from liveperson_engagement.cli.app import app
from liveperson_engagement.cli.failure import Status
from liveperson_engagement.stores import Record, to_json

SNAPSHOT = ROOT / "tests/project/public_api.txt"
COMMAND = "python tests/public_surface.py --write"
PACKAGE = "liveperson_engagement"
MODULES = (
    PACKAGE,
    *(f"{PACKAGE}.{name}" for name in ("client", "errors", "events", "otel", "sandbox", "stores")),
    *(f"{PACKAGE}.stores.{name}" for name in ("conformance", "leased", "redis", "sqlite")),
    *(f"{PACKAGE}.{name}" for name in ("testing", "testing.answers", "transports")),
    "liveperson_engagement_pytest",
)
"""What users import; docs/versioning.md names the same modules."""
INTERNAL = {
    *(
        "errors.check_seconds",
        "errors.check_count",
        "errors.check_pauses",
        "errors.one_line",
        "errors.api_error_line",
    ),  # arguments, texts
    *("stores.sqlite.network_file_system", "stores.sqlite.place", "stores.conformance.running_loop"),
    "stores.check_time_to_live",
    *("Visit.__init__", "AsyncVisit.__init__", "MemoryStore.forked", "OutageGuard.around"),  # who else calls them
    *(f"OpenTelemetry.{name}" for name in ("calls", "pauses", "requests", "retries")),  # instruments
    *("transports.make_transport", "transports.Options"),
}
"""What has a public name and is not public; the reference does not show it."""
WRITTEN = ("__init__", "__enter__", "__aenter__")
HOOKS = [f"LeasedStore.{name}" for name in ("_take", "_keep", "_free", "_atake", "_akeep", "_afree")]
"""What a subclass of `LeasedStore` writes."""


def public_names(module: ModuleType) -> list[str]:
    """Name what a module offers: `__all__`, or else what is defined in it without an underscore."""
    if "__all__" in vars(module):
        return sorted(module.__all__)
    short = module.__name__.removeprefix(f"{PACKAGE}.")
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
        and (isinstance(value, type | FunctionType) or is_fixture(value))
        and f"{short}.{name}" not in INTERNAL
    )


def is_fixture(value: Any) -> bool:
    """Tell whether it is a fixture of pytest's that users can name."""
    return type(value).__name__ == "FixtureFunctionDefinition"


@functools.cache
def home(kind: type) -> str:
    """Name the module from which users import a class, the shortest one; empty if there is none."""
    for module in map(import_module, MODULES):
        if getattr(module, kind.__name__, None) is kind and kind.__name__ in public_names(module):
            return module.__name__
    return ""


def surface() -> str:
    """Write down what users can name."""
    lines = [f"# Written by {COMMAND}. Do not edit.", ""]
    for name in MODULES:
        lines += [f"module {name}", *described(import_module(name)), ""]
    lines += ["command liveperson-engagement", *commands(), ""]
    lines += ["distribution liveperson-engagement", *distribution(), ""]
    return "\n".join([*lines, "records of visits", *records(), ""])


def described(module: ModuleType) -> Iterator[str]:
    """Describe what a module offers: where a class is at home its stub, elsewhere its home."""
    for name in public_names(module):
        value = getattr(module, name)
        if isinstance(value, type) and (home(value) != module.__name__ or value.__name__ != name):
            yield f"{name} = {home(value)}.{value.__name__}"
        elif not (isinstance(value, type | FunctionType) or is_fixture(value)):
            yield f"{name}: {type(value).__name__}"
        elif name in stubs().get(value.__module__, {}):
            text = re.sub(r":\n +\.\.\.", ": ...", ast.unparse(stubs()[value.__module__][name]))
            yield re.sub("\n+", "\n", f"# {value.__module__}\n{text}")  # the module is where pickles look for it
        else:
            yield f"{name} = {value.__module__}.{name}"


@functools.cache
def stubs() -> dict[str, dict[str, Any]]:
    """Have stubgen write down the wrapper, without what is not public; each module by its names."""
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        command = ["stubgen", "--quiet", "--include-private", "--output", folder, str(ROOT / "wrapper")]
        subprocess.run(command, check=True)
        for path in sorted(Path(folder).rglob("*.pyi")):
            module = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
            body = ast.parse(path.read_text(encoding="utf-8")).body
            found[module] = {node.name: node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    for names in found.values():
        for node in [node for node in names.values() if isinstance(node, ast.ClassDef)]:
            for base in node.bases:  # what is private there is no base to users, but a part of the class
                private = names.get(ast.unparse(base).partition("[")[0])
                node.body += private.body if private and private.name.startswith("_") else []
            node.body = [member for member in node.body if is_public(node.name, member)] or [ast.Pass()]
    return found


def is_public(kind: str, member: Any) -> bool:
    """Tell whether users may use, or have to write, a member of a class; a conformance class may get more tests."""
    target = getattr(member, "target", None) or [*getattr(member, "targets", ()), None][0]
    name: str = getattr(member, "name", "") or getattr(target, "id", "")
    if f"{kind}.{name}" in (*INTERNAL, *HOOKS):
        return f"{kind}.{name}" in HOOKS
    return name in WRITTEN or not name.startswith(("_", "test_"))


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


if __name__ == "__main__":
    assert sys.argv[1:] == ["--write"], COMMAND
    SNAPSHOT.write_text(surface(), encoding="utf-8")
