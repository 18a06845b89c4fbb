"""What the templates in scripts/templates cannot render rightly, with the place in the contract and the reason.

A contract that passes is rendered without a guess: nothing is left out, and nothing is chosen by trial. What a schema
can refuse is refused by contract.schema.yaml.
"""

import itertools
from collections.abc import Iterator
from typing import Any, TypeAlias

from openapi_python_client.strings import ClassName, snake_case

from contract import Document, Pointer, Problem, clashes, follow, object_at, operations_of, python_name, target, walk

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
RESERVED = {"build_request", "parse_response", "sync", "asyncio", "body", "deadline", "operation_id"}
"""Functions of the generated module of an operation, and what `client.call` takes besides parameters."""
IMPORTED = {
    *("Any", "Callable", "Final", "IntEnum", "Literal", "Mapping", "Model"),
    *("Self", "Sequence", "TypeAlias", "TypeVar", "UUID"),
}
COMPONENTS = ("components", "schemas")

Place: TypeAlias = tuple[Pointer, Document]


def problems(document: Document) -> list[Problem]:
    """Find everything that would be rendered wrongly, or not at all."""
    found: list[Problem] = []
    for pointer, schema in all_schemas(document):
        for check in (_enum, _union, _members):
            found += check(document, pointer, schema)
    for pointer, operation in operations_of(document):
        found += _operation(document, pointer, operation)
    for name in _components(document):
        if class_name(name) in IMPORTED:
            found.append(Problem((*COMPONENTS, name), f"{name} is a name that the generated models import"))
    found += _same_unions(document)
    return found or list(_error_answers(document))


def class_name(component: str) -> str:
    """The name that openapi-python-client gives to the class of a component."""
    return str(ClassName(component, "field_"))


def all_schemas(document: Document) -> Iterator[Place]:
    """Each schema that code is generated from, with its place; what only validators read is left out."""
    for name in _components(document):
        if name not in PLAIN_TYPES:
            yield from _with_inner_schemas(document, (*COMPONENTS, name))
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
    for name, schema in _components(document).items():
        _, several = alternatives(schema)
        found = kinds(document, (*COMPONENTS, name)) - {"null"}
        if len(several) > 1 and found == {"object"} and all("$ref" in each for _, each in several):
            yield name, schema, [target(each["$ref"])[-1] for _, each in several]


def told_by_member(document: Document, components: list[str]) -> tuple[list[tuple[str, str]], str] | None:
    """Find for each component but one a required member that no other has; None if there is none."""
    members = {name: members_of(document, (*COMPONENTS, name)) for name in components}
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
    if pointer[:2] == COMPONENTS and pointer[2] in PLAIN_TYPES and len(pointer) == 3:
        return {"id"} if "example" in PLAIN_TYPES[pointer[2]] else {"number", "text"}
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            several = [kinds(document, (*pointer, keyword, str(i))) for i in range(len(schema[keyword]))]
            return set[str]().union(*several)
    if "allOf" in schema or "properties" in schema:
        return {"object"}
    if "const" in schema:
        return {"const"}
    named: Any = schema.get("type", "any")
    return {_kind(schema, each) for each in ([named] if isinstance(named, str) else named)}


def parameters_of(document: Document, pointer: Pointer) -> list[Place]:
    """Give an operation's parameters, its own before those of its path, as the generator reads them."""
    found: dict[tuple[str, str], Place] = {}
    for holder in (pointer, pointer[:-1]):
        for index in range(len(object_at(document, holder).get("parameters", []))):
            place, parameter = follow(document, (*holder, "parameters", str(index)))
            found.setdefault((parameter["name"], parameter["in"]), (place, parameter))
    return list(found.values())


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
        return (name, None, None) if kinds(document, (*COMPONENTS, name)) == {"object"} else None
    for entity, wrapper in itertools.permutations(unions[name], 2):
        for member, place in members_of(document, (*COMPONENTS, wrapper))[0].items():
            if len(unions[name]) == 2 and object_at(document, place).get("$ref") == f"#/components/schemas/{entity}":
                return entity, wrapper, member
    return None


def _components(document: Document) -> dict[str, Document]:
    found: dict[str, Document] = document.get("components", {}).get("schemas", {})
    return found


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


def _enum(_document: Document, pointer: Pointer, schema: Document) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for index, value in enumerate(schema.get("enum", [])):
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
            reason = "there is nothing to tell apart: it needs oneOf with several members"
            yield Problem((*pointer, "discriminator"), reason)
        return
    found = set[str]().union(*(kinds(document, (*place, str(i))) for i, _ in several)) - {"null"}
    if found <= SCALARS:
        return
    components = _components(document)
    members = [target(each.get("$ref", "")) for _, each in several]
    if found != {"object"}:
        yield Problem(place, f"a union of {' and '.join(sorted(found))} cannot be told apart")
    elif len(pointer) != 3 or pointer[:2] != COMPONENTS:
        yield Problem(place, "a union of objects must be a component, so that it has a name")
    elif keyword == "anyOf":
        yield Problem(place, "a value could be several of anyOf at once: write oneOf")
    elif any(each[:2] != COMPONENTS or {"$ref", "oneOf", "anyOf"} & {*components[each[2]]} for each in members):
        yield Problem(place, "each member of a union must be a reference to a component that is an object")
    elif "discriminator" in schema:
        yield from _tags(document, (*pointer, "discriminator"), schema["discriminator"], members)
    elif not told_by_member(document, [each[-1] for each in members]):
        yield Problem(place, "without a discriminator each member needs a required member that no other has")


def _tags(document: Document, place: Pointer, discriminator: Document, members: list[Pointer]) -> Iterator[Problem]:
    tag, mapping = discriminator["propertyName"], discriminator.get("mapping", {})
    mapped = {value: target(reference) for value, reference in mapping.items()}
    if sorted(mapped.values()) != sorted(members):
        yield Problem(place, "the mapping must lead to each member of the union, and to nothing else")
        return
    for value, member in mapped.items():
        places, required = members_of(document, member)
        if tag not in required or tag not in places:
            yield Problem(place, f"{member[-1]} does not require {tag}, which tells the members apart")
        elif follow(document, places[tag])[1].get("const") != value:
            yield Problem((*place, "mapping", value), f"{value} is not the const of {tag} in {member[-1]}")


def _members(document: Document, pointer: Pointer, schema: Document) -> Iterator[Problem]:
    if "properties" not in schema and "allOf" not in schema:
        return
    places, required = members_of(document, pointer)
    yield from clashes((place, name) for name, place in places.items())
    for name in schema.get("required", []):
        if name not in places and pointer[-2:-1] != ("allOf",):
            yield Problem((*pointer, "required"), f"{name} is required, but is no member")
    for name, place in places.items():
        own, meant = object_at(document, place), follow(document, place)[1]
        if python_name(name) in MODEL_METHODS:
            yield Problem(place, f"{name} is the name of a method of every model")
        if ("default" in own or "default" in meant) and not (name in required and "const" in meant):
            where = (*place, "default") if "default" in own else place
            yield Problem(where, f"{name} has a default, which only a required const can have")


def _same_unions(document: Document) -> Iterator[Problem]:
    seen: dict[frozenset[str], str] = {}
    for name, _, components in union_components(document):
        members = frozenset(components)
        if members in seen:
            yield Problem((*COMPONENTS, name), f"{name} and {seen[members]} have the same members: keep one of them")
        seen.setdefault(members, name)


def _operation(document: Document, pointer: Pointer, operation: Document) -> Iterator[Problem]:
    parameters = parameters_of(document, pointer)
    yield from clashes((place, parameter["name"]) for place, parameter in parameters)
    for place, parameter in parameters:
        yield from _parameter(document, place, parameter["name"])
    yield from _path_defaults(document, pointer[1], parameters)
    if "requestBody" in operation:
        place = (*follow(document, (*pointer, "requestBody"))[0], "content")
        if kinds(document, (*place, JSON, "schema")) != {"object"}:
            yield Problem(place, "a request body must be an object")
    good = [status for status in operation["responses"] if status.startswith("2")]
    if not good:
        yield Problem((*pointer, "responses"), "no status means success")
    for status in good:
        place, response = follow(document, (*pointer, "responses", status))
        if "content" in response and not _is_answer(document, (*place, "content", JSON, "schema")):
            yield Problem((*place, "content"), "an answer must be an object, an array of objects or a plain scalar")


def _parameter(document: Document, place: Pointer, name: str) -> Iterator[Problem]:
    found = kinds(document, (*place, "schema"))
    if python_name(name) in RESERVED:
        yield Problem(place, f"{name} is the name of something else in the generated module")
    if len(found) != 1 or not found <= {"text", "number", "boolean", "choice", "const", "id"}:
        reason = f"parameter {name} must be a text, a number, true or false, not {' or '.join(sorted(found))}"
        yield Problem((*place, "schema"), reason)
    elif found == {"choice"} and "default" in follow(document, (*place, "schema"))[1]:
        yield Problem((*place, "schema"), f"parameter {name} cannot have a default")


def _path_defaults(document: Document, path: str, parameters: list[Place]) -> Iterator[Problem]:
    in_path = [(place, parameter["name"]) for place, parameter in parameters if parameter["in"] == "path"]
    optional = ""
    for place, name in sorted(in_path, key=lambda each: path.find(f"{{{each[1]}}}")):
        if "default" in follow(document, (*place, "schema"))[1]:
            optional = name
        elif optional:
            yield Problem(place, f"{name} has no default, but {optional} before it in the path has one")


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
        yield Problem((*COMPONENTS, first), reason)
