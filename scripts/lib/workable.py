"""What no schema can say of a contract: that its policies, paths, examples and links work together."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind as Kind

from contract import Document, Json, Pointer, Problem, operations_of, resolve, walk
from renderable import (
    JSON,
    PLAIN_TYPES,
    all_schemas,
    alternatives,
    follow,
    kinds,
    members_of,
    object_at,
    parameters_of,
    target,
)

Check: TypeAlias = "Callable[[Pointer, Any], Iterator[tuple[Pointer, str]]]"
"""Takes the place of a schema and a value, and gives what is wrong with the value, and where in it."""

EXPRESSION = re.compile(
    r"\$(?:url|method|statusCode"
    r"|(?P<of>request|response)\.(?:(?P<kind>header|query|path)\.(?P<name>.+)|body(?:#(?P<body>(?:/.*)?))?))"
)


def problems(document: Document) -> Iterator[Problem]:
    """Find everything that is well-formed and cannot work."""
    check = _schema_check(document)
    operations = {operation["operationId"]: pointer for pointer, operation in operations_of(document)}
    for name, policy in document.get("x-retry-policies", {}).items():
        yield from _policy(document, ("x-retry-policies", name), policy, operations)
    for pointer, _ in operations_of(document):
        yield from _path(document, pointer)
        yield from _links(document, pointer, operations, check)
    yield from _servers(document)
    yield from _enum_names(document)
    for place, schema, value in _examples(document):
        yield from (Problem((*place, *inner), f"breaks its schema: {reason}") for inner, reason in check(schema, value))


def _policy(
    document: Document, pointer: Pointer, policy: Document, operations: dict[str, Pointer]
) -> Iterator[Problem]:
    pauses, retries = policy["pausesInSeconds"], policy["maxRetries"]
    if len(pauses) != retries:
        yield Problem((*pointer, "pausesInSeconds"), f"maxRetries is {retries}, but there are {len(pauses)} pauses")
    if loading := policy.get("loadingAccount"):
        pointer = (*pointer, "loadingAccount")
        if not {loading["status"], f"{loading['status'] // 100}XX"} & set(policy["retryStatuses"]):
            yield Problem((*pointer, "status"), f"{loading['status']} is none of retryStatuses")
        try:
            groups = re.compile(loading["visitorIdInMessage"]).groups
        except re.error as error:
            yield Problem((*pointer, "visitorIdInMessage"), f"no regular expression of Python: {error}")
        else:
            if groups != 1:
                yield Problem(
                    (*pointer, "visitorIdInMessage"), f"needs one group, which is the visitor id, not {groups}"
                )
        name = loading["retryOperationId"]
        if name not in operations:
            yield Problem((*pointer, "retryOperationId"), f"no operation is named {name}")
        elif all(parameter["name"] != "visitorId" for _, parameter in parameters_of(document, operations[name])):
            yield Problem((*pointer, "retryOperationId"), f"{name} has no parameter visitorId to put the id in")


def _path(document: Document, pointer: Pointer) -> Iterator[Problem]:
    for holder in (pointer, pointer[:-1]):
        seen: set[tuple[str, str]] = set()
        for index in range(len(object_at(document, holder).get("parameters", []))):
            _, parameter = follow(document, place := (*holder, "parameters", str(index)))
            if (key := (parameter["name"], parameter["in"])) in seen:
                yield Problem(place, f"parameter {parameter['name']} stands twice")
            seen.add(key)
    declared = {each["name"] for _, each in parameters_of(document, pointer) if each["in"] == "path"}
    written = re.findall(r"\{([^{}]*)\}", pointer[1])
    yield from (Problem(pointer, f"path parameter {name} is not declared") for name in {*written} - declared)
    yield from (Problem(pointer, f"path parameter {name} is not in the path") for name in declared - {*written})
    yield from (Problem(pointer, f"{{{name}}} is in the path twice") for name in {*written} if written.count(name) > 1)


def _servers(document: Document) -> Iterator[Problem]:
    holders = [(), *(place[:end] for place, _ in operations_of(document) for end in (2, 3))]
    for holder in holders:
        for index, server in enumerate(object_at(document, holder).get("servers", [])):
            for name in {*re.findall(r"\{([^{}]*)\}", server["url"])} - {*server.get("variables", {})}:
                yield Problem((*holder, "servers", str(index), "url"), f"variable {name} is not declared")


def _enum_names(document: Document) -> Iterator[Problem]:
    for pointer, schema in all_schemas(document):
        if len(schema.get("x-enum-varnames", [])) not in {0, len(schema.get("enum", []))}:
            yield Problem((*pointer, "x-enum-varnames"), "must name each value of enum")


def _examples(document: Document) -> Iterator[tuple[Pointer, Pointer, Json]]:
    """Each example and default: its place, the place of its schema, and its value."""
    plain = [("components", "schemas", name) for name in PLAIN_TYPES]
    for pointer, schema in [*all_schemas(document), *((each, object_at(document, each)) for each in plain)]:
        yield from (((*pointer, key), pointer, schema[key]) for key in ("default", "example") if key in schema)
        listed = enumerate(schema.get("examples", []))
        yield from (((*pointer, "examples", str(index)), pointer, value) for index, value in listed)
    for pointer, value in walk(document):  # media types, parameters and headers
        if isinstance(value, dict) and "schema" in value and not {"properties", "example", "examples"} & set(pointer):
            yield from ((place, (*pointer, "schema"), example) for place, example in _named_examples(document, pointer))


def _named_examples(document: Document, pointer: Pointer) -> Iterator[tuple[Pointer, Json]]:
    holder = object_at(document, pointer)
    if "example" in holder:
        yield (*pointer, "example"), holder["example"]
    for name in holder.get("examples", {}):
        place, example = follow(document, (*pointer, "examples", name))
        if "value" in example:
            yield (*place, "value"), example["value"]


def _links(document: Document, source: Pointer, operations: dict[str, Pointer], check: Check) -> Iterator[Problem]:
    for status in object_at(document, (*source, "responses")):
        response, answer = follow(document, (*source, "responses", status))
        for name in answer.get("links", {}):
            place, link = follow(document, (*response, "links", name))
            if aim := operations.get(link["operationId"]):
                yield from _Link(document, source, response, place, aim).problems(check)
            else:
                yield Problem((*place, "operationId"), f"no operation is named {link['operationId']}")


class _Link:
    """A link from the response of one operation to another operation."""

    def __init__(self, document: Document, source: Pointer, response: Pointer, place: Pointer, aim: Pointer) -> None:
        self._document, self._place, self._aim = document, place, aim
        self._link = object_at(document, place)
        self._name: str = object_at(document, aim)["operationId"]
        self._asked = [(each["in"], each["name"]) for _, each in parameters_of(document, source)]
        self._headers = object_at(document, (*response, "headers"))
        request, media = follow(document, (*source, "requestBody"))[0], (*response, "content", JSON)
        self._schemas = {"request": (*request, "content", JSON, "schema"), "response": (*media, "schema")}
        self._answers = [value for _, value in _named_examples(document, media)]

    def problems(self, check: Check) -> Iterator[Problem]:
        """Find parameters that are wrong or missing, expressions that lead nowhere, and a body that is refused."""
        astray = list(self._astray())
        yield from astray
        yield from self._parameters(check)
        if "requestBody" not in self._link or astray:
            return
        place, (holder, body) = (*self._place, "requestBody"), follow(self._document, (*self._aim, "requestBody"))
        if JSON not in body.get("content", {}):
            yield Problem(place, f"{self._name} takes no body")
            return
        for value in self._filled(self._link["requestBody"]):
            for inner, reason in check((*holder, "content", JSON, "schema"), value):
                yield Problem((*place, *inner), f"{self._name} refuses the body: {reason}")

    def _parameters(self, check: Check) -> Iterator[Problem]:
        taken: dict[str, Pointer] = {}
        given: dict[str, str] = self._link.get("parameters", {})
        for schema, each in parameters_of(self._document, self._aim):
            names = (each["name"], f"{each['in']}.{each['name']}")
            taken |= dict.fromkeys(names, schema := (*schema, "schema"))
            needed = each.get("required") and "default" not in follow(self._document, schema)[1]
            if needed and not {*names} & {*given}:
                yield Problem(self._place, f"{self._name} needs the parameter {each['name']}")
        for name, template in given.items():
            place = (*self._place, "parameters", name)
            if name not in taken:
                yield Problem(place, f"{self._name} takes no parameter {name}")
                continue
            for value in self._filled(template):
                texts = [value, str(value)] if isinstance(value, int | float) else [value]
                found = [list(check(taken[name], each)) for each in texts]
                if all(found):
                    yield Problem(place, f"{self._name} refuses it: {found[0][0][1]}")
                    break

    def _astray(self) -> Iterator[Problem]:
        for key in ("parameters", "requestBody"):
            for inner, text in walk(self._link.get(key)):
                if isinstance(text, str) and text.startswith("$") and not self._leads_somewhere(text):
                    yield Problem((*self._place, key, *inner), f"{text} leads nowhere")

    def _leads_somewhere(self, text: str) -> bool:
        found = EXPRESSION.fullmatch(text)
        if not found or not found["of"]:
            return bool(found)
        if found["kind"]:
            asked = (found["kind"], found["name"]) in self._asked
            return asked if found["of"] == "request" else found["kind"] == "header" and found["name"] in self._headers
        return any(True for _ in self._at(found["of"], found["body"] or ""))

    def _at(self, of: str, path: str) -> Iterator[Pointer]:
        return _schemas_at(self._document, self._schemas[of], target(path[1:]) if path else ())

    def _filled(self, template: Json) -> Iterator[Json]:
        """Give what becomes of a template with each example that has all that it asks for."""
        for answer in self._answers:
            with contextlib.suppress(LookupError):
                yield self._fill(template, answer)

    def _fill(self, template: Json, answer: Json) -> Json:
        if isinstance(template, dict):
            return {name: self._fill(part, answer) for name, part in template.items()}
        if isinstance(template, list):
            return [self._fill(part, answer) for part in template]
        if not isinstance(template, str) or not template.startswith("$"):
            return template
        found = EXPRESSION.fullmatch(template)
        if not found or found["of"] != "response" or found["kind"]:  # its value is in no example
            raise LookupError(template)
        path = found["body"] or ""
        value = resolve(answer, f"#{path}") if path else answer
        quoted = isinstance(value, str) and value.isdecimal()
        is_id = quoted and any(kinds(self._document, each) == {"id"} for each in self._at("response", path))
        return int(str(value)) if is_id else value  # as the client reads it


def _schemas_at(document: Document, pointer: Pointer, path: Pointer) -> Iterator[Pointer]:
    """Each schema that a path into a value can end at."""
    pointer, schema = follow(document, pointer)
    if not path:
        yield pointer
        return
    keyword, several = alternatives(schema)
    places = members_of(document, pointer)[0]
    inner = [places[path[0]]] if path[0] in places else []
    inner += [(*pointer, "items")] if "items" in schema and path[0].isdecimal() else []
    for index, _ in several:
        yield from _schemas_at(document, (*pointer, keyword, str(index)), path)
    for each in inner:
        yield from _schemas_at(document, each, path[1:])


def _schema_check(document: Document) -> Check:
    @functools.cache
    def validator(pointer: Pointer) -> jsonschema_rs.Draft202012Validator:
        schema = {**object_at(document, pointer), "components": document.get("components", {})}
        return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)

    def check(pointer: Pointer, value: Any) -> Iterator[tuple[Pointer, str]]:
        for error in _innermost(validator(pointer).iter_errors(value)):
            yield tuple(map(str, error.instance_path)), error.message

    return check


def _innermost(errors: Iterable[jsonschema_rs.ValidationError]) -> Iterator[jsonschema_rs.ValidationError]:
    """Replace what a union says of a value by what the member says that was meant: its tag is right."""
    for error in errors:
        branches = error.kind.context if isinstance(error.kind, Kind.OneOfNotValid | Kind.AnyOf) else []
        meant = [each for each in map(list, branches) if not any(isinstance(part.kind, Kind.Constant) for part in each)]
        meant.sort(key=len)
        yield from _innermost(meant[0]) if meant else [error]
