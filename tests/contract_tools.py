"""What the tests of the contract share: the parsed document, checks that no linter makes, and the generator's runs.

A check takes a parsed document and returns its complaints, so that each can be shown to pass and to fail.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeAlias, cast

import jsonschema_rs
import yaml
from openapi_python_client.strings import snake_case

Document: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[str | int, ...]

ROOT = Path(__file__).resolve().parents[1]
CONTRACT_FILE = ROOT / "openapi.yaml"
CONTRACT: Document = yaml.safe_load(CONTRACT_FILE.read_text(encoding="utf-8"))

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
DOCUMENTED_RETRIES = {
    "retryStatuses": {"minimum": 500, "maximum": 599},
    "maxRetries": 3,
    "pausesInSeconds": [5, 10, 15],
}
LINKED_ANSWER = "availableWithConnector"


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


def incomplete_unions(document: Document) -> list[str]:
    """Find unions whose tags, members and mapping are not the same set, each tag first among what is required."""
    return [complaint for name, union in _unions(document) for complaint in _union_complaints(document, name, union)]


def clashing_operations(document: Document) -> list[str]:
    """Find operations that are named alike, as they are written or in snake_case."""
    return list(_clashes("operation", operation_ids(document)))


def clashing_components(document: Document) -> list[str]:
    """Find components of one kind whose names are alike in snake_case."""
    return [clash for kind, members in document["components"].items() for clash in _clashes(kind, members)]


def clashing_properties(document: Document) -> list[str]:
    """Find properties of one object whose names are alike in snake_case."""
    schemas = (value for value in _objects(document["components"]["schemas"]) if "properties" in value)
    return [clash for schema in schemas for clash in _clashes("property", schema["properties"])]


def contents_without_example(document: Document) -> list[str]:
    """Find request bodies and answers that have no named example."""
    return [f"{name} has no named example" for name, media in _contents(document) if not media.get("examples")]


def invalid_examples(document: Document) -> list[str]:
    """Find examples that break the schema beside them, formats included."""
    examples = [
        (f"{name}, example {example}", media["schema"], value["value"])
        for name, media in _contents(document)
        for example, value in media.get("examples", {}).items()
    ]
    parameters = [
        (f"parameter {parameter['name']}", parameter["schema"], parameter["example"])
        for parameter in _objects(document)
        if "in" in parameter and "example" in parameter
    ]
    return [
        f"{name}: {error.message}"
        for name, schema, value in [*examples, *parameters]
        for error in validator(document, schema).iter_errors(value)
    ]


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


def operations_without_policy(document: Document) -> list[str]:
    """Find operations that name no retry policy of the contract, and policies that name no operation of it."""
    policies = {f"#/x-retry-policies/{name}" for name in document["x-retry-policies"]}
    known = operation_ids(document)
    unruled = [
        f"{operation['operationId']} names no retry policy that exists"
        for _, _, operation in _operations(document)
        if operation.get("x-retry-policy", {}).get("$ref") not in policies
    ]
    astray = [
        f"the policy {name} goes on with an operation that does not exist"
        for name, policy in document["x-retry-policies"].items()
        if policy["loadingAccount"]["retryOperationId"] not in known
    ]
    return unruled + astray


def undocumented_retries(document: Document) -> list[str]:
    """Find numbers of the retry policy that are not the vendor's."""
    policy: Document = document["x-retry-policies"]["documented"]
    return [f"{key} is {policy[key]}" for key, value in DOCUMENTED_RETRIES.items() if policy[key] != value]


def broken_links(document: Document) -> list[str]:
    """Find links that lead nowhere, misname a parameter or leave one out, or whose body is refused."""
    operations = {operation["operationId"]: (item, operation) for _, item, operation in _operations(document)}
    return [
        f"link {name} {complaint}"
        for response in document["components"]["responses"].values()
        for name, link in response.get("links", {}).items()
        for complaint in _link_complaints(document, response, link, operations.get(link["operationId"]))
    ]


def unsupported_constructs(document: Document) -> list[str]:
    """Find what openapi-python-client leaves out without a word."""
    servers = [f"{path} has servers of its own" for path, item in document["paths"].items() if "servers" in item]
    contents = [
        f"parameter {parameter['name']} has content instead of a schema"
        for parameter in _objects(document)
        if "in" in parameter and "content" in parameter
    ]
    return servers + contents


def dangling_references(document: Document) -> list[str]:
    """Find references, those of mappings included, that lead nowhere."""
    dangling = (reference for reference in _references(document) if _resolve(document, reference) is None)
    return [f"{reference} leads nowhere" for reference in dangling]


def unused_components(document: Document) -> list[str]:
    """Find components that nothing refers to."""
    used = set(_references(document))
    names = [f"{kind}/{name}" for kind, members in document["components"].items() for name in members]
    return [f"{name} is not used" for name in names if f"#/components/{name}" not in used]


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


def _union_complaints(document: Document, name: str, union: Document) -> Iterator[str]:
    tag: str = union["discriminator"]["propertyName"]
    mapping: dict[str, str] = union["discriminator"]["mapping"]
    members = [member["$ref"] for member in union["oneOf"]]
    yield from (f"{name}: no tag leads to {_last(member)}" for member in members if member not in mapping.values())
    for value, reference in mapping.items():
        member: Document = _resolve(document, reference)
        if reference not in members:
            yield f"{name}: {value} leads to {_last(reference)}, which is no member"
        elif member["properties"][tag].get("const") != value:
            yield f"{name}: {value} leads to {_last(reference)}, whose {tag} is another"
        elif member["required"][0] != tag:
            yield f"{_last(reference)}: {tag} is not the first of what is required"


def _link_complaints(
    document: Document, response: Document, link: Document, target: tuple[Document, Document] | None
) -> Iterator[str]:
    if target is None:
        yield f"leads to {link['operationId']}, which does not exist"
        return
    item, operation = target
    listed = [*item.get("parameters", []), *operation.get("parameters", [])]
    parameters = {parameter["name"]: parameter for parameter in (_target(document, parameter) for parameter in listed)}
    given: Document = link.get("parameters", {})
    yield from (f"gives {name}, which {link['operationId']} does not take" for name in given if name not in parameters)
    for name, parameter in parameters.items():
        if parameter["required"] and "default" not in _target(document, parameter["schema"]) and name not in given:
            yield f"gives no {name}"
    if "requestBody" in link:
        answer = response["content"]["application/json"]["examples"][LINKED_ANSWER]["value"]
        body = _evaluate(link["requestBody"], answer)
        schema = _target(document, operation["requestBody"])["content"]["application/json"]["schema"]
        for error in validator(document, schema).iter_errors(body):
            yield f"gives a body that {link['operationId']} refuses at {'/'.join(map(str, error.instance_path))}"


def _evaluate(template: object, answer: Document) -> object:
    """Replace the runtime expressions of a link's body by what they name in the answer."""
    if isinstance(template, str) and template.startswith("$response.body#/"):
        return _resolve(answer, template.removeprefix("$response.body"))
    if isinstance(template, dict):
        return {key: _evaluate(value, answer) for key, value in cast(Document, template).items()}
    if isinstance(template, list):
        return [_evaluate(value, answer) for value in cast(list[object], template)]
    return template


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


def _references(document: Document) -> list[str]:
    objects = list(_objects(document))
    plain = [value["$ref"] for value in objects if "$ref" in value]
    mapped = [reference for value in objects if "mapping" in value for reference in value["mapping"].values()]
    return plain + mapped


def _resolve(document: Document, reference: str) -> Any:
    """Give what a reference leads to, or None."""
    value: Any = document
    for part in reference.removeprefix("#/").split("/"):
        if not isinstance(value, dict):
            return None
        value = cast(Document, value).get(part.replace("~1", "/").replace("~0", "~"))
    return value


def _target(document: Document, value: Document) -> Document:
    return cast(Document, _resolve(document, value["$ref"])) if "$ref" in value else value


def _last(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def _clashes(kind: str, names: Iterable[str]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name in names:
        snake = snake_case(name)
        if snake in seen:
            yield f"{kind} {name} clashes with {seen[snake]}"
        seen.setdefault(snake, name)
