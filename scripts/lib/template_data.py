"""What the templates need of the contract and openapi-python-client's parser drops: names of unions, tags, servers."""

from collections.abc import Iterator
from typing import Any

from openapi_python_client.strings import PythonIdentifier

from contract import Document, Pointer, follow, object_at, operations_of, python_name, target, walk
from renderable import (
    PLAIN_TYPES,
    class_name,
    error_answers,
    error_entity,
    members_of,
    parameters_of,
    told_by_member,
    union_components,
)


def template_data(document: Document) -> Document:
    """Give what the templates find in `contract`; the contract must have passed the checks of renderable.py."""
    return {
        "unions": dict(sorted(_union(document, *each) for each in union_components(document))),
        "operations": dict(_operation(document, *each) for each in operations_of(document)),
        "sent": sorted(map(class_name, _sent(document))),
        "flags": dict(_flags(document)),
        "sensitive": dict(_sensitive(document)),
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


def only_sent(document: Document) -> Document:
    """Copy the contract with no other schemas than those of parameters and bodies."""
    holders = [
        part
        for pointer, operation in operations_of(document)
        for part in (operation, object_at(document, pointer[:-1]))
    ]
    sent = _reachable(document, [part.get(key) for part in holders for key in ("parameters", "requestBody")])
    components: Document = document.get("components", {})
    schemas = {name: schema for name, schema in components.get("schemas", {}).items() if name in sent}
    return {**document, "components": {**components, "schemas": schemas}}


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
        tag_type = class_name(f"{name}_{found['tag']}")
        found["tag_type"] = tag_type if tag_type not in map(class_name, document["components"]["schemas"]) else None
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


def _sent(document: Document) -> set[str]:
    """Name the schemas that bodies are made of."""
    return _reachable(document, [operation.get("requestBody") for _, operation in operations_of(document)])


def _sensitive(document: Document) -> Iterator[tuple[str, list[str]]]:
    """Give for each object the members that the contract marks as sensitive."""
    for name in document.get("components", {}).get("schemas", {}):
        places = members_of(document, ("components", "schemas", name))[0].items()
        marked = (member for member, place in places if "x-sensitive" in follow(document, place)[1])
        yield class_name(name), [python_name(member) for member in marked]


def _flags(document: Document) -> Iterator[tuple[str, dict[str, bool]]]:
    """Give for each object of an answer that its tag names what may be asked of it, such as is_available.

    Where there are two tags, the second is what the first is not.
    """
    sent = _sent(document)
    for name, schema, _ in union_components(document):
        if name in sent or "discriminator" not in schema:
            continue
        tags = {tag: target(reference)[-1] for tag, reference in schema["discriminator"]["mapping"].items()}
        asked = [*tags][:1] if len(tags) == 2 else [*tags]
        for component in tags.values():
            members = members_of(document, ("components", "schemas", component))[0]
            own = {python_name(member) for member in members}
            flags = {f"is_{python_name(tag)}": tags[tag] == component for tag in asked}
            yield class_name(component), {flag: value for flag, value in flags.items() if flag not in own}


def _reachable(document: Document, value: Any) -> set[str]:
    """Name the schemas that a value is made of, however deep."""
    found, todo = set[Pointer](), [value]
    while todo:
        for place, reference in walk(todo.pop()):
            if place[-1:] == ("$ref",) and isinstance(reference, str) and target(reference) not in found:
                found.add(target(reference))
                todo.append(object_at(document, target(reference)))
    return {each[-1] for each in found if each[:-1] == ("components", "schemas")}


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
