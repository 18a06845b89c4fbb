"""What the tests of the contract share: the parsed document, what its examples lack, and the generator's runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeAlias, cast

import jsonschema_rs
import yaml

from checkout import ROOT

Document: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[str | int, ...]

CONTRACT_FILE = ROOT / "openapi.yaml"
CONTRACT: Document = yaml.safe_load(CONTRACT_FILE.read_text(encoding="utf-8"))

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def run_generator(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program behind scripts/generate."""
    return subprocess.run(generator_command(*arguments), capture_output=True, text=True, check=False)


def generator_command(*arguments: str | Path) -> list[str]:
    """Give the command line of the program behind scripts/generate."""
    return [sys.executable, str(ROOT / "scripts/lib/generate.py"), *map(str, arguments)]


def regenerate(contract_text: str, directory: Path) -> Path:
    """Write a contract into the directory, generate from it, and give the directory that holds the package."""
    contract, output = directory / "openapi.yaml", directory / "generated"
    contract.write_text(contract_text, encoding="utf-8")
    done = run_generator("--contract", contract, "--output", output)
    assert done.returncode == 0, done.stderr
    return output


def operation_ids(document: Document = CONTRACT) -> list[str]:
    """Name the operations in the order of the contract."""
    return [operation["operationId"] for _, _, operation in _operations(document)]


def validator(document: Document, schema: Document) -> jsonschema_rs.Validator:
    """Give a validator of a schema whose references lead into the document."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]}, validate_formats=True)


def contents_without_example(document: Document) -> list[str]:
    """Find request bodies and answers that have no named example."""
    return [f"{name} has no named example" for name, media in _contents(document) if not media.get("examples")]


def members_without_example(document: Document) -> list[str]:
    """Find members of unions that no example shows."""
    values = [example["value"] for _, media in _contents(document) for example in media.get("examples", {}).values()]
    shown = {(key, value) for member in _objects(values) for key, value in member.items() if isinstance(value, str)}
    return [
        f"no example shows {tag}, a member of {name}"
        for name, union in _unions(document)
        for tag in union["discriminator"]["mapping"]
        if (union["discriminator"]["propertyName"], tag) not in shown
    ]


def changed(document: Document, place: Place, value: object) -> Document:
    """Copy a document with another value at one place; None takes the place away."""
    copy = deepcopy(document)
    *parents, last = place
    target: Any = copy
    for key in parents:
        target = target[key]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return copy


def _operations(document: Document) -> Iterator[tuple[str, Document, Document]]:
    """Each operation, with its path and path item."""
    for path, item in document["paths"].items():
        yield from ((path, item, item[method]) for method in METHODS if method in item)


def _contents(document: Document) -> Iterator[tuple[str, Document]]:
    """Each content of a request body or answer, with a name for it."""
    for kind in ("requestBodies", "responses"):
        for name, holder in document["components"].get(kind, {}).items():
            yield from ((f"{kind}/{name}", media) for media in holder.get("content", {}).values())
    for _, _, operation in _operations(document):
        holders = {"requestBody": operation.get("requestBody", {}), **operation["responses"]}
        for name, holder in holders.items():
            yield from ((f"{operation['operationId']} {name}", media) for media in holder.get("content", {}).values())


def _unions(document: Document) -> Iterator[tuple[str, Document]]:
    schemas: Document = document["components"]["schemas"]
    yield from ((name, schema) for name, schema in schemas.items() if "discriminator" in schema)


def _objects(value: object) -> Iterator[Document]:
    """Each object within a value, the value itself included."""
    if isinstance(value, dict):
        members = cast(Document, value)
        yield members
        for member in members.values():
            yield from _objects(member)
    elif isinstance(value, list):
        for member in cast(list[object], value):
            yield from _objects(member)
