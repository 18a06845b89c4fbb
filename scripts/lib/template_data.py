"""What the templates need of the contract and openapi-python-client's parser drops: names of unions, tags, servers."""

from __future__ import annotations

from typing import Any

from openapi_python_client.strings import PythonIdentifier

from contract import Document, Pointer, operations_of, python_name
from renderable import (
    PLAIN_TYPES,
    class_name,
    error_answers,
    error_entity,
    members_of,
    object_at,
    parameters_of,
    told_by_member,
    union_components,
)


def template_data(document: Document) -> Document:
    """Give what the templates find in `contract`; the contract must have passed the checks of renderable.py."""
    return {
        "unions": dict(sorted(_union(document, *each) for each in union_components(document))),
        "operations": dict(_operation(document, *each) for each in operations_of(document)),
        "tags": {_tag(tag["name"]): tag.get("description", "") for tag in document.get("tags", [])},
        "errors": _errors(document),
        "ids": [kind["example"] for kind in PLAIN_TYPES.values() if "example" in kind],
    }


def with_plain_types(document: Document) -> Document:
    """Copy the contract for the generators, with a plain type where they understand no better."""
    components: Document = document.get("components", {})
    schemas: Document = components.get("schemas", {})
    plain = {
        name: {"description": schemas[name].get("description", ""), **kind}
        for name, kind in PLAIN_TYPES.items()
        if name in schemas
    }
    return {**document, "components": {**components, "schemas": {**schemas, **plain}}}


def _union(document: Document, name: str, schema: Document, components: list[str]) -> tuple[str, Document]:
    found: Document = {
        "name": class_name(name),
        "read": f"{python_name(name)}_from_dict",
        "description": schema.get("description", ""),
        "classes": [class_name(each) for each in components],
    }
    if "discriminator" in schema:
        mapping = schema["discriminator"]["mapping"].items()
        found["tag"] = schema["discriminator"]["propertyName"]
        found["by_tag"] = {value: class_name(reference.rsplit("/", 1)[-1]) for value, reference in mapping}
    else:
        told, otherwise = told_by_member(document, components) or ([], components[0])
        found["by_member"] = {member: class_name(each) for member, each in told}
        found["otherwise"] = class_name(otherwise)
    return " ".join(sorted(found["classes"])), found


def _operation(document: Document, pointer: Pointer, operation: Document) -> tuple[str, Document]:
    servers = [each.get("servers") for each in (operation, object_at(document, pointer[:-1]), document)]
    parameters = [parameter for _, parameter in parameters_of(document, pointer)]
    name = operation["operationId"]
    return python_name(name), {
        "id": name,
        "path": pointer[1],
        "server": next((listed[0]["url"] for listed in servers if listed), "/"),
        "parameters": {each["name"]: each.get("description", "") for each in parameters},
        "module": f"{_tag((operation.get('tags') or ['default'])[0])}.{python_name(name)}",
    }


def _errors(document: Document) -> Document:
    answer = next(iter(error_answers(document)))
    entity, wrapper, member = error_entity(document, answer) or (answer, None, None)
    members = members_of(document, ("components", "schemas", entity))[0]
    return {
        "class": class_name(entity),
        "read": f"{python_name(answer)}_from_dict" if wrapper else f"{class_name(entity)}.from_dict",
        "wrapper": wrapper and class_name(wrapper),
        "member": member and python_name(member),
        "code": python_name("internalCode") if "internalCode" in members else None,
    }


def _tag(name: Any) -> str:
    return str(PythonIdentifier(name, prefix="tag"))
