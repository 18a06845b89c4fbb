"""What the templates in scripts/templates cannot render rightly, with the place in the contract and the reason.

A contract that passes is rendered without a guess: nothing is left out, and nothing is chosen by trial.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias, cast

from openapi_python_client.strings import ClassName, snake_case

from contract import Document, Pointer, Problem, operations_of, python_name, walk

PLAIN_TYPES: dict[str, Document] = {
    "NumericId": {"type": "integer", "example": "NumericId"},
    "MarketingChannel": {"type": ["integer", "string"]},
}
"""Types for the generators instead of if/then, which validators understand and generators do not.

The example is how the templates know an id, which is read from digits in quotes too, from any other integer.
"""

JSON = "application/json"
SCALARS = {"any", "text", "number", "boolean", "const"}
"""Kinds whose values are the same in Python and in JSON."""
MODEL_METHODS = {"from_dict", "to_dict", "additional_properties"}
CALL_OPTIONS = {"body", "deadline", "operation_id"}
"""What `client.call` takes besides parameters."""
FUNCTIONS = {"build_request", "parse_response", "sync", "asyncio"}
IMPORTED = {
    *("Any", "Callable", "Final", "IntEnum", "Literal", "Mapping", "Model"),
    *("Self", "Sequence", "TypeAlias", "TypeVar", "UUID"),
}
STYLES = {"path": "simple", "query": "form", "header": "simple"}
OWN_HEADERS = {"accept", "content-type", "authorization"}

Place: TypeAlias = tuple[Pointer, Document]


def problems(document: Document) -> list[Problem]:
    """Find everything that would be rendered wrongly, or not at all."""
    found = [
        problem
        for pointer, schema in all_schemas(document)
        for check in (_shape, _value, _union, _members)
        for problem in check(document, pointer, schema)
    ]
    for pointer, operation in operations_of(document):
        found.extend(_operation(document, pointer, operation))
    found.extend(_component_names(document))
    found.extend(_same_unions(document))
    return found or list(_error_answers(document))


def value_at(document: Document, pointer: Pointer) -> Any:
    """Give what stands at a place, without following its reference."""
    value: Any = document
    for part in pointer:
        value = value[int(part) if isinstance(value, list) else part]
    return value


def object_at(document: Document, pointer: Pointer) -> Document:
    """The same, where anything but an object, and nothing at all, counts as an empty one."""
    try:
        value = value_at(document, pointer)
    except LookupError:
        return {}
    return cast(Document, value) if isinstance(value, dict) else {}


def follow(document: Document, pointer: Pointer) -> Place:
    """Give what stands at a place, or where its reference leads."""
    seen: set[Pointer] = set()
    value = object_at(document, pointer)
    while "$ref" in value and pointer not in seen:
        seen.add(pointer)
        pointer = target(value["$ref"])
        value = object_at(document, pointer)
    return pointer, value


def target(reference: str) -> Pointer:
    """Turn a reference into the place that it names."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in reference.removeprefix("#/").split("/"))


def class_name(component: str) -> str:
    """The name that openapi-python-client gives to the class of a component."""
    return str(ClassName(component, "field_"))


def all_schemas(document: Document) -> Iterator[Place]:
    """Each schema that code is generated from, with its place; what only validators read is left out."""
    for name in document.get("components", {}).get("schemas", {}):
        if name not in PLAIN_TYPES:
            yield from _with_inner_schemas(document, ("components", "schemas", name))
    for pointer, value in walk(document):
        if pointer[-1:] == ("schema",) and isinstance(value, dict) and not {"example", "examples"} & set(pointer):
            yield from _with_inner_schemas(document, pointer)


def members_of(document: Document, pointer: Pointer) -> tuple[dict[str, Pointer], list[str]]:
    """Give an object's members with their places, those of allOf included, and the names of the required ones."""
    pointer, schema = follow(document, pointer)
    places = {name: (*pointer, "properties", name) for name in schema.get("properties", {})}
    required: list[str] = list(schema.get("required", []))
    for index in range(len(schema.get("allOf", []))):
        more, also = members_of(document, (*pointer, "allOf", str(index)))
        places, required = {**more, **places}, [*also, *required]
    return places, required


def alternatives(schema: Document) -> tuple[str, list[tuple[int, Document]]]:
    """Give the alternatives of a union, null aside, and the keyword that lists them."""
    keyword = "oneOf" if "oneOf" in schema else "anyOf"
    return keyword, [(i, each) for i, each in enumerate(schema.get(keyword, [])) if each.get("type") != "null"]


def union_components(document: Document) -> Iterator[tuple[str, Document, list[str]]]:
    """Each component that is a union of objects, with the names of their components."""
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        _, several = alternatives(schema)
        found = kinds(document, ("components", "schemas", name)) - {"null"}
        if len(several) > 1 and found == {"object"} and all("$ref" in each for _, each in several):
            yield name, schema, [target(each["$ref"])[-1] for _, each in several]


def told_by_member(document: Document, components: list[str]) -> tuple[list[tuple[str, str]], str] | None:
    """Find for each component but one a required member that no other has; None if there is none."""
    members = {name: members_of(document, ("components", "schemas", name)) for name in components}
    told: list[tuple[str, str]] = []
    for name in components[1:]:
        others = {member for other in components if other != name for member in members[other][0]}
        own = [member for member in members[name][1] if member not in others]
        if not own:
            return None
        told.append((own[0], name))
    return told, components[0]


def kinds(document: Document, pointer: Pointer) -> set[str]:
    """Say what a schema's values can be, as far as the generated code tells them apart."""
    pointer, schema = follow(document, pointer)
    if pointer[:2] == ("components", "schemas") and pointer[2] in PLAIN_TYPES and len(pointer) == 3:
        return {"id"} if "example" in PLAIN_TYPES[pointer[2]] else {"number", "text"}
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            several = [kinds(document, (*pointer, keyword, str(i))) for i in range(len(schema[keyword]))]
            return set[str]().union(*several)
    if "allOf" in schema or "properties" in schema:
        return {"object"}
    if "const" in schema:
        return {"const"}
    return {_kind(schema, each) for each in types_of(schema)} or {"any"}


def types_of(schema: Document) -> list[str]:
    """Give the types that a schema names: none, one or several."""
    named: Any = schema.get("type", [])
    return [named] if isinstance(named, str) else named


def _kind(schema: Document, named: str) -> str:
    if named == "integer" and "enum" in schema:
        return "choice"
    if named == "string" and schema.get("format") in {"date", "date-time", "uuid"}:
        return "formatted"
    return {"string": "text", "integer": "number"}.get(named, named)


def _with_inner_schemas(document: Document, pointer: Pointer) -> Iterator[Place]:
    schema = object_at(document, pointer)
    yield pointer, schema
    inner: list[tuple[str, ...]] = [("properties", name) for name in schema.get("properties", {})]
    inner += [(key, str(i)) for key in ("allOf", "oneOf", "anyOf") for i in range(len(schema.get(key, [])))]
    inner += [("items",)] if "items" in schema else []
    for place in inner:
        yield from _with_inner_schemas(document, (*pointer, *place))


def _shape(_document: Document, pointer: Pointer, schema: Document) -> Iterator[Problem]:
    if schema.get("additionalProperties", True) is not True:
        reason = "leave additionalProperties out: every model keeps members that it does not know, of any type"
        yield Problem((*pointer, "additionalProperties"), reason)
    if "prefixItems" in schema:
        yield Problem((*pointer, "prefixItems"), "prefixItems is not supported: give the array items of one schema")
    types = types_of(schema)
    if "array" in types and "items" not in schema:
        yield Problem(pointer, "an array needs items")
    if "object" in types and len(types) > 1:
        yield Problem((*pointer, "type"), "an object or something else: write it as oneOf a reference and the rest")
    if "array" in types and set(types) - {"array", "null"}:
        yield Problem((*pointer, "type"), "an array or something else cannot be told apart")


def _value(_document: Document, pointer: Pointer, schema: Document) -> Iterator[Problem]:
    if schema.get("format") == "binary":
        yield Problem((*pointer, "format"), "files are not supported")
    if "const" in schema and not isinstance(schema["const"], str | int):
        yield Problem((*pointer, "const"), "a const must be a text, an integer, true or false")
    seen: dict[str, str] = {}
    values: list[Any] = schema.get("enum", [])
    for index, value in enumerate(values):
        if isinstance(value, str):
            name = snake_case(value).upper() if value[:1].isalpha() else f"VALUE_{index}"
            if name in seen:
                yield Problem((*pointer, "enum", str(index)), f"{value} and {seen[name]} are one name in Python")
            seen[name] = value


def _union(document: Document, pointer: Pointer, schema: Document) -> Iterator[Problem]:
    keyword, several = alternatives(schema)
    place = (*pointer, keyword)
    if len(several) < 2:
        if "discriminator" in schema:
            yield Problem(
                (*pointer, "discriminator"), "there is nothing to tell apart: it needs oneOf with several members"
            )
        return
    found = set[str]().union(*(kinds(document, (*place, str(i))) for i, _ in several)) - {"null"}
    if found <= SCALARS:
        return
    if found != {"object"}:
        yield Problem(place, f"a union of {' and '.join(sorted(found))} cannot be told apart")
    elif len(pointer) != 3 or pointer[:2] != ("components", "schemas"):
        yield Problem(place, "a union of objects must be a component, so that it has a name")
    elif keyword == "anyOf":
        yield Problem(place, "a value could be several of anyOf at once: write oneOf")
    elif any(not _is_plain_object(document, each) for _, each in several):
        yield Problem(place, "each member of a union must be a reference to a component that is an object")
    elif "discriminator" in schema:
        yield from _tags(document, pointer, schema)
    elif not told_by_member(document, [target(each["$ref"])[-1] for _, each in several]):
        yield Problem(place, "without a discriminator each member needs a required member that no other has")


def _is_plain_object(document: Document, schema: Document) -> bool:
    place = target(schema.get("$ref", ""))
    if place[:2] != ("components", "schemas") or len(place) != 3:
        return False
    found = document["components"]["schemas"][place[2]]
    return not {"$ref", "oneOf", "anyOf"} & set(found)


def _tags(document: Document, pointer: Pointer, schema: Document) -> Iterator[Problem]:
    place = (*pointer, "discriminator")
    tag = schema["discriminator"]["propertyName"]
    members = [target(each["$ref"]) for each in schema["oneOf"]]
    mapped = [target(reference) for reference in schema["discriminator"].get("mapping", {}).values()]
    if set(mapped) != set(members) or len(mapped) != len(members):
        yield Problem(place, "the mapping must lead to each member of the union, and to nothing else")
        return
    for value, member in zip(schema["discriminator"]["mapping"], mapped, strict=True):
        places, required = members_of(document, member)
        if tag not in required or tag not in places:
            yield Problem(place, f"{member[-1]} does not require {tag}, which tells the members apart")
        elif follow(document, places[tag])[1].get("const") != value:
            yield Problem((*place, "mapping", value), f"{value} is not the const of {tag} in {member[-1]}")


def _members(document: Document, pointer: Pointer, schema: Document) -> Iterator[Problem]:
    if "properties" not in schema and "allOf" not in schema:
        return
    places, required = members_of(document, pointer)
    yield from _clashes(((place, name) for name, place in places.items()), MODEL_METHODS, "a method of every model")
    for name in schema.get("required", []):
        if name not in places and pointer[-2:-1] != ("allOf",):
            yield Problem((*pointer, "required"), f"{name} is required, but is no member")
    for name, place in places.items():
        own = object_at(document, place)
        meant = follow(document, place)[1]
        if ("default" in own or "default" in meant) and not (name in required and "const" in meant):
            where = (*place, "default") if "default" in own else place
            yield Problem(where, f"{name} has a default, which only a required const can have")


def _clashes(names: Iterable[Place | tuple[Pointer, str]], taken: set[str], by: str) -> Iterator[Problem]:
    seen: dict[str, Any] = {}
    for place, name in names:
        python = python_name(str(name))
        if python in taken:
            yield Problem(place, f"{name} is the name of {by}")
        if python in seen:
            yield Problem(place, f"{name} and {seen[python]} are one name in Python")
        seen.setdefault(python, name)


def _component_names(document: Document) -> Iterator[Problem]:
    for name in document.get("components", {}).get("schemas", {}):
        if class_name(name) in IMPORTED:
            yield Problem(("components", "schemas", name), f"{name} is a name that the generated models import")


def _same_unions(document: Document) -> Iterator[Problem]:
    seen: dict[frozenset[str], str] = {}
    for name, _, components in union_components(document):
        members = frozenset(components)
        if members in seen:
            reason = f"{name} and {seen[members]} have the same members: keep one of them"
            yield Problem(("components", "schemas", name), reason)
        seen.setdefault(members, name)


def _operation(document: Document, pointer: Pointer, operation: Document) -> Iterator[Problem]:
    place = (*pointer, "security") if "security" in operation else ("security",)
    if any(operation.get("security") or document.get("security") or []):
        yield Problem(place, "credentials are not supported")
    parameters = parameters_of(document, pointer)
    reserved = {*FUNCTIONS, *CALL_OPTIONS}
    names = ((place, parameter["name"]) for place, parameter in parameters)
    yield from _clashes(names, reserved, "something else in the generated module")
    for place, parameter in parameters:
        yield from _parameter(document, place, parameter)
    yield from _path_defaults(document, pointer, parameters)
    if "requestBody" in operation:
        yield from _body(document, (*pointer, "requestBody"))
    yield from _responses(document, pointer, operation)


def parameters_of(document: Document, pointer: Pointer) -> list[Place]:
    """Give an operation's parameters, its own before those of its path, as the generator reads them."""
    found: dict[tuple[str, str], Place] = {}
    for holder in (pointer, pointer[:-1]):
        for index in range(len(object_at(document, holder).get("parameters", []))):
            place, parameter = follow(document, (*holder, "parameters", str(index)))
            found.setdefault((parameter["name"], parameter["in"]), (place, parameter))
    return list(found.values())


def _parameter(document: Document, place: Pointer, parameter: Document) -> Iterator[Problem]:
    name, location = parameter["name"], parameter["in"]
    if location not in STYLES:
        yield Problem((*place, "in"), f"a {location} parameter is not supported")
        return
    if "schema" not in parameter:
        yield Problem(place, f"parameter {name} has content instead of a schema")
        return
    found = kinds(document, (*place, "schema"))
    if len(found) != 1 or not found <= {"text", "number", "boolean", "choice", "const", "id"}:
        reason = f"parameter {name} must be a text, a number, true or false, not {' or '.join(sorted(found))}"
        yield Problem((*place, "schema"), reason)
    if parameter.get("style", STYLES[location]) != STYLES[location] or parameter.get("allowReserved"):
        yield Problem(place, f"parameter {name} is to be written in a way that is not supported")
    if location == "header" and name.lower() in OWN_HEADERS:
        yield Problem((*place, "name"), f"the client sets {name} by itself")
    schema = follow(document, (*place, "schema"))[1]
    if "default" in schema and found == {"choice"}:
        yield Problem((*place, "schema"), f"parameter {name} cannot have a default")


def _path_defaults(document: Document, pointer: Pointer, parameters: list[Place]) -> Iterator[Problem]:
    in_path = [(place, parameter) for place, parameter in parameters if parameter["in"] == "path"]
    path = pointer[1]
    optional = ""
    for place, parameter in sorted(in_path, key=lambda each: path.find(f"{{{each[1]['name']}}}")):
        schema = follow(document, (*place, "schema"))[1] if "schema" in parameter else {}
        if "default" in schema:
            optional = parameter["name"]
        elif optional:
            yield Problem(place, f"{parameter['name']} has no default, but {optional} before it in the path has one")


def _body(document: Document, pointer: Pointer) -> Iterator[Problem]:
    place, body = follow(document, pointer)
    if list(body.get("content", {})) != [JSON]:
        yield Problem((*place, "content"), f"a request body must be {JSON}, and nothing else")
    elif kinds(document, (*place, "content", JSON, "schema")) != {"object"}:
        yield Problem((*place, "content"), "a request body must be an object")


def _responses(document: Document, pointer: Pointer, operation: Document) -> Iterator[Problem]:
    good = [status for status in operation["responses"] if status.startswith("2")]
    if not good:
        yield Problem((*pointer, "responses"), "no status means success")
    for status in good:
        place, response = follow(document, (*pointer, "responses", status))
        content = response.get("content", {})
        if not status.isdecimal():
            yield Problem((*pointer, "responses", status), f"name each status of {status} by itself")
        if content and (list(content) != [JSON] or "schema" not in content[JSON]):
            yield Problem((*place, "content"), f"an answer must be {JSON} with a schema, or empty")
        elif content and not _is_answer(document, (*place, "content", JSON, "schema")):
            yield Problem((*place, "content"), "an answer must be an object, an array of objects or a plain scalar")


def _is_answer(document: Document, pointer: Pointer) -> bool:
    found = kinds(document, pointer)
    if found == {"array"}:
        return kinds(document, (*follow(document, pointer)[0], "items")) == {"object"}
    return found == {"object"} or found <= SCALARS - {"const"}


def _error_answers(document: Document) -> Iterator[Problem]:
    found = error_answers(document)
    if not found:
        yield Problem(("paths",), f"no operation has an answer other than 2xx in {JSON}")
    first = next(iter(found), "")
    for name, place in found.items():
        if name != first:
            yield Problem(place, f"errors are {name or 'an inline schema'} here and {first} elsewhere")
    if first and error_entity(document, first) is None:
        reason = f"{first} must be an object, or oneOf an object and another that wraps it"
        yield Problem(("components", "schemas", first), reason)


def error_answers(document: Document) -> dict[str, Pointer]:
    """Give the components that answers other than 2xx are made of, and where."""
    found: dict[str, Pointer] = {}
    for pointer, operation in operations_of(document):
        for status in operation["responses"]:
            place, response = follow(document, (*pointer, "responses", status))
            schema = response.get("content", {}).get(JSON, {}).get("schema")
            if schema and not status.startswith("2"):
                found.setdefault(target(schema.get("$ref", ""))[-1], (*place, "content", JSON, "schema"))
    return found


def error_entity(document: Document, name: str) -> tuple[str, str | None, str | None] | None:
    """Give the component that says why a request failed, and the one that wraps it in which member, if there is one."""
    unions: dict[str, list[str]] = {union: components for union, _, components in union_components(document)}
    if name not in unions:
        return (name, None, None) if kinds(document, ("components", "schemas", name)) == {"object"} else None
    for entity, wrapper in itertools.permutations(unions[name], 2):
        for member, place in members_of(document, ("components", "schemas", wrapper))[0].items():
            if len(unions[name]) == 2 and object_at(document, place).get("$ref") == f"#/components/schemas/{entity}":
                return entity, wrapper, member
    return None
