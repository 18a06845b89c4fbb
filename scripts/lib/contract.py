"""Reads the contract together with the line of each of its values, and says what is wrong with it."""

import functools
import importlib.metadata
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any, NamedTuple, TypeAlias, cast
from urllib.parse import unquote

import jsonschema_rs
import yaml
from jsonschema_rs import ValidationErrorKind as Kind

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | bool | None"
Document: TypeAlias = dict[str, Any]
Pointer: TypeAlias = tuple[str, ...]

OPENAPI_SCHEMA = "openapi_spec_validator/resources/schemas/v3.1/schema.json"
OWN_SCHEMA = Path(__file__).with_name("contract.schema.yaml")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Problem(NamedTuple):
    """Something wrong in the contract, and where."""

    pointer: Pointer
    reason: str


class ContractError(Exception):
    """A contract that nothing can be generated from: one line for each problem, with file and line."""


@dataclass(frozen=True)
class Contract:
    """The contract's document, and the line on which each value of it begins."""

    label: str
    document: Document
    lines: dict[Pointer, int]

    def error(self, *problems: Problem) -> ContractError:
        """Name the line of each problem; what has no line of its own is reported where its parent begins."""
        located = sorted({(self.line(problem.pointer), problem.reason) for problem in problems})
        return ContractError(
            "\n".join(f"{self.label}:{line}: {shorten(reason, 240, placeholder=' ...')}" for line, reason in located)
        )

    def line(self, pointer: Pointer) -> int:
        """Give the line on which a value, or the nearest one around it, begins."""
        return next(self.lines[pointer[:end]] for end in range(len(pointer), -1, -1) if pointer[:end] in self.lines)


def read(path: Path, label: str) -> Contract:
    """Read a contract, without checking what it says."""
    try:
        return parse(path.read_text(encoding="utf-8"), label)
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"{label}:1: cannot be read: {error}") from None


def parse(text: str, label: str) -> Contract:
    """Parse the text of a contract, YAML or JSON, without checking what it says."""
    lines: dict[Pointer, int] = {}
    try:
        node = yaml.compose(text, Loader=yaml.CBaseLoader)
        document = _value(node, (), lines) if node else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        raise ContractError(f"{label}:{mark.line + 1 if mark else 1}: {reason}") from None
    except yaml.reader.ReaderError as error:
        raise ContractError(f"{label}:{text.count(chr(10), 0, error.position) + 1}: {error.reason}") from None
    except RecursionError:
        raise ContractError(f"{label}:1: nested too deeply, or an anchor that contains itself") from None
    if not isinstance(document, dict):
        raise ContractError(f"{label}:1: not an OpenAPI document")
    return Contract(label, document, lines)


def malformed(document: Document) -> list[Problem]:
    """Find what the generators would fail on, or would silently get wrong, without looking at what it means."""
    checks = (dangling_references, repeated_names, invalid_values)
    return [problem for check in checks for problem in check(document)]


def dangling_references(document: Document) -> Iterator[Problem]:
    """Find each $ref that leads nowhere, or out of the one file that the contract is."""
    for pointer, value in walk(document):
        if pointer[-1:] == ("$ref",) and isinstance(value, str):
            try:
                value_at(document, target(value) if value.startswith("#/") else ("nowhere",))
            except LookupError:
                yield Problem(pointer, f"$ref {value} leads nowhere")


def repeated_names(document: Document) -> Iterator[Problem]:
    """Find operations and schemas whose generated Python names are the same: one would overwrite the other."""
    schemas = _members(_members(document.get("components")).get("schemas"))
    ids = {(*pointer, "operationId"): operation.get("operationId") for pointer, operation in operations_of(document)}
    for names in (ids, {("components", "schemas", name): name for name in schemas}):
        yield from clashes((pointer, name) for pointer, name in names.items() if isinstance(name, str))


def clashes(names: Iterable[tuple[Pointer, str]]) -> Iterator[Problem]:
    """Find names that are one in Python."""
    seen: dict[str, str] = {}
    for pointer, name in names:
        if other := seen.get(python_name(name)):
            reason = "is used twice" if other == name else f"and {other} are one name in Python"
            yield Problem(pointer, f"{name} {reason}")
        seen.setdefault(python_name(name), name)


def invalid_values(document: Document) -> Iterator[Problem]:
    """Find what breaks OpenAPI 3.1, JSON Schema or contract.schema.yaml, members that none of them knows included."""
    for error in _validator().iter_errors(document):
        place, kind = tuple(map(str, error.instance_path)), error.kind
        if isinstance(kind, Kind.UnevaluatedProperties | Kind.AdditionalProperties):
            yield from (Problem((*place, name), f"{name} is not known here") for name in kind.unexpected)
        elif isinstance(kind, Kind.PropertyNames):
            name = str(kind.error.instance)
            known = not isinstance(kind.error.kind, Kind.Enum)
            yield Problem((*place, name), kind.error.message if known else f"{name} is not known here")
        else:
            yield Problem(place, error.message)


@functools.cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    # Located, not imported: the package would take half a second.
    path = Path(str(importlib.metadata.distribution("openapi-spec-validator").locate_file(OPENAPI_SCHEMA)))
    schema: Document = json.loads(path.read_text(encoding="utf-8"))
    for section, entries in schema["$defs"]["components"]["properties"].items():
        # References to parameters, responses ... must lead to the same kind.
        if reference := entries["additionalProperties"].get("$ref"):
            to_kind = {"$ref": {"type": "string", "pattern": f"^#/components/{section}/[^/]+$"}}
            schema["$defs"][reference.rpartition("/")[2]]["then"]["properties"] = to_kind
    _overlay(schema, yaml.safe_load(OWN_SCHEMA.read_text(encoding="utf-8")))
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def _overlay(below: Document, above: dict[str, Json]) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _overlay(below[key], value)
        else:
            below[key] = value


def operations_of(document: Document) -> Iterator[tuple[Pointer, Document]]:
    """Each operation of the contract with its place."""
    for path, item in _members(document.get("paths")).items():
        for method in METHODS:
            if operation := _members(_members(item).get(method)):
                yield ("paths", path, method), operation


def walk(value: Json, pointer: Pointer = ()) -> Iterator[tuple[Pointer, Json]]:
    """Each value of a document with its place."""
    yield pointer, value
    if isinstance(value, dict):
        for key, member in value.items():
            yield from walk(member, (*pointer, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from walk(member, (*pointer, str(index)))


def target(reference: str) -> Pointer:
    """Turn a reference into the place that it names."""
    parts = unquote(reference).removeprefix("#/").split("/")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def value_at(value: Json, pointer: Pointer) -> Any:
    """Give what stands at a place; raises LookupError if that is nothing."""
    for part in pointer:
        if isinstance(value, list) and part.isdecimal():
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value[part]
        else:
            raise LookupError(pointer)
    return value


def object_at(document: Document, pointer: Pointer) -> Document:
    """Give the object at a place; anything else, and nothing at all, counts as an empty one."""
    try:
        value = value_at(document, pointer)
    except LookupError:
        return {}
    return cast(Document, value) if isinstance(value, dict) else {}


def follow(document: Document, pointer: Pointer) -> tuple[Pointer, Document]:
    """Give the object at a place, or where its reference leads, with its own place."""
    seen: set[Pointer] = set()
    value = object_at(document, pointer)
    while "$ref" in value and pointer not in seen:
        seen.add(pointer)
        pointer = target(value["$ref"])
        value = object_at(document, pointer)
    return pointer, value


def python_name(name: str) -> str:
    """The name that openapi-python-client gives to the function or module of an operation or schema."""
    from openapi_python_client.strings import PythonIdentifier  # noqa: PLC0415 - scripts/build does without

    return PythonIdentifier(name, prefix="field_")


def _members(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _value(node: yaml.Node, pointer: Pointer, lines: dict[Pointer, int]) -> Json:
    lines.setdefault(pointer, _line(node))
    if isinstance(node, yaml.SequenceNode):
        return [_value(member, (*pointer, str(index)), lines) for index, member in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        members: dict[str, Json] = {}
        for key, member in node.value:
            place = (*pointer, name := str(key.value))
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(None, None, "a key must be a word, not a list or a mapping", key.start_mark)
            if name in members:
                reason = f"key {name} stands twice, first on line {lines[place]}"
                raise yaml.MarkedYAMLError(None, None, reason, key.start_mark)
            lines[place] = _line(key)
            members[name] = _value(member, place, lines)
        return members
    return _scalar(node)


def _scalar(node: yaml.Node) -> Json:
    text = str(node.value)
    if isinstance(node, yaml.ScalarNode) and node.style:
        return text
    try:
        # OpenAPI keeps YAML to what JSON can say. PyYAML's own rules would read NO as false and 12:30 as a number.
        return cast(Json, json.loads(text, parse_constant=str))
    except ValueError:
        return None if text in {"", "~"} else text


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
