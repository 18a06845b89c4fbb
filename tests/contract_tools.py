"""What the tests of the contract share: the parsed document, changed copies of it, and runs of the generator."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeAlias, cast

import jsonschema_rs
import yaml

from checkout import ROOT
from contract import operations_of

Document: TypeAlias = dict[str, Any]

CONTRACT_FILE = ROOT / "openapi.yaml"
TEXT = CONTRACT_FILE.read_text(encoding="utf-8")
CONTRACT: Document = yaml.safe_load(TEXT)
PACKAGE = "liveperson_engagement_api"

GONE: Any = object()
"""Takes away what is at a place of a contract."""


def operations(document: Document = CONTRACT) -> Iterator[tuple[tuple[str, ...], Document]]:
    """Each operation with its place."""
    return operations_of(document)


def operation_ids(document: Document = CONTRACT) -> list[str]:
    """Name the operations in the order of the contract."""
    return [operation["operationId"] for _, operation in operations(document)]


PLACES: dict[str, tuple[str, ...]] = {
    **{name: ("components", "schemas", name) for name in CONTRACT["components"]["schemas"]},
    **{operation["operationId"]: place for place, operation in operations()},
    **{kind: ("components", kind) for kind in ("schemas", "parameters", "requestBodies", "responses")},
    "policy": ("x-retry-policies", "documented"),
}
"""What the first word of a place may stand for."""


def place_of(words: str | tuple[str, ...]) -> tuple[str, ...]:
    """Find a place by words, such as `AppDetails properties os` or `createSession responses 200`."""
    if not isinstance(words, str):
        return words
    first, *rest = words.split()
    return (*PLACES.get(first, (first,)), *rest)


def edited(document: Document, edits: Mapping[Any, Any]) -> Document:
    """Copy a document with other values at some places; a function gets what is there, GONE takes it away."""
    copy = deepcopy(document)
    for words, value in edits.items():
        target: Any = copy
        *parents, key = [int(part) if part.isdecimal() and len(part) < 3 else part for part in place_of(words)]
        for part in parents:
            target = target[part]
        if value is GONE:
            del target[key]
        else:
            target[key] = value(target[key]) if callable(value) else value
    return copy


def examples(*words: str) -> dict[str, Any]:
    """Give the named examples of a body or an answer."""
    holder: Any = CONTRACT
    for key in place_of(" ".join(words)):
        holder = holder[key]
    return {name: example["value"] for name, example in holder["content"]["application/json"]["examples"].items()}


def validator(document: Document, schema: Document) -> jsonschema_rs.Validator:
    """Give a validator of a schema whose references lead into the document."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]}, validate_formats=True)


def run_generator(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program behind scripts/generate."""
    command = [sys.executable, str(ROOT / "scripts/lib/generate.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def regenerate(contract_text: str, directory: Path) -> Path:
    """Write a contract into the directory, generate from it, and give the directory that holds the package."""
    contract, output = directory / "openapi.yaml", directory / "generated"
    contract.write_text(contract_text, encoding="utf-8")
    done = run_generator("--contract", contract, "--output", output)
    assert done.returncode == 0, done.stderr
    return output


def laid_over(below: Any, above: Any) -> Any:
    """Add members to a document, however deep, or replace them."""
    if not isinstance(above, dict):
        return above
    members = cast(Document, above)
    return {**below, **{key: laid_over(below.get(key, {}), value) for key, value in members.items()}}


WIDER = json.dumps(laid_over(CONTRACT, yaml.safe_load((ROOT / "tests/wider.yaml").read_text(encoding="utf-8"))))
"""A contract with constructs that ours does not use, one more field, and a made-up sibling API."""
