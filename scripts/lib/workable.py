"""What no schema can say of a contract: that its policies, paths, examples and links work together."""

import contextlib
import functools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind as Kind

from contract import Document, Json, Pointer, Problem, follow, object_at, operations_of, target, value_at, walk
from renderable import JSON, PLAIN_TYPES, all_schemas, alternatives, kinds, members_of, parameters_of

Check: TypeAlias = "Callable[[Pointer, Any], Iterator[tuple[Pointer, str]]]"
"""Takes the place of a schema and a value, and gives what is wrong with the value, and where in it."""

EXPRESSION = re.compile(r"\$request\.(?P<in>path|query|header)\.(?P<name>.+)|\$response\.body#(?P<body>/.*)")


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
    if not (loading := policy.get("loadingAccount")):
        return
    pointer = (*pointer, "loadingAccount")
    if not {status := loading["status"], f"{status // 100}XX"} & set(policy["retryStatuses"]):
        yield Problem((*pointer, "status"), f"{status} is none of retryStatuses")
    try:
        if (groups := re.compile(loading["visitorIdInMessage"]).groups) != 1:
            reason = f"needs one group, which is the visitor id, not {groups}"
            yield Problem((*pointer, "visitorIdInMessage"), reason)
    except re.error as error:
        yield Problem((*pointer, "visitorIdInMessage"), f"no regular expression of Python: {error}")
    for key, needed in (("operationId", set[str]()), ("retryOperationId", {"visitorId"})):
        if (name := loading[key]) not in operations:
            yield Problem((*pointer, key), f"no operation is named {name}")
        elif not needed <= {each["name"] for _, each in parameters_of(document, operations[name])}:
            yield Problem((*pointer, key), f"{name} has no parameter visitorId to put the id in")


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
                media = (*response, "content", JSON)
                yield from _Link(document, place, link, source, media, aim, check).problems()
            else:
                yield Problem((*place, "operationId"), f"no operation is named {link['operationId']}")


@dataclass
class _Link:
    """A link from a response of one operation, `source`, to another operation, `aim`."""

    document: Document
    place: Pointer
    link: Document
    source: Pointer
    media: Pointer
    aim: Pointer
    check: Check

    def problems(self) -> Iterator[Problem]:
        """Find parameters that are wrong or missing, expressions that lead nowhere, and a body that is refused."""
        astray = list(self._astray())
        yield from astray
        yield from self._parameters()
        if "requestBody" in self.link and not astray:
            yield from self._body()

    def _astray(self) -> Iterator[Problem]:
        asked = {(each["in"], each["name"]) for _, each in parameters_of(self.document, self.source)}
        for key in ("parameters", "requestBody"):
            for inner, text in walk(self.link.get(key)):
                if isinstance(text, str) and text.startswith("$"):
                    found = EXPRESSION.fullmatch(text)
                    if not found or not ((found["in"], found["name"]) in asked or (found["body"] and self._at(text))):
                        yield Problem((*self.place, key, *inner), f"{text} leads nowhere")

    def _parameters(self) -> Iterator[Problem]:
        taken: dict[str, Pointer] = {}
        given: dict[str, str] = self.link.get("parameters", {})
        for place, each in parameters_of(self.document, self.aim):
            taken[each["name"]] = schema = (*place, "schema")
            needed = each.get("required") and "default" not in follow(self.document, schema)[1]
            if needed and each["name"] not in given:
                yield Problem(self.place, f"{self.link['operationId']} needs the parameter {each['name']}")
        for name, template in given.items():
            place = (*self.place, "parameters", name)
            if name not in taken:
                yield Problem(place, f"{self.link['operationId']} takes no parameter {name}")
                continue
            for value in self._filled(template):
                if found := list(self.check(taken[name], value)):
                    yield Problem(place, f"{self.link['operationId']} refuses it: {found[0][1]}")
                    break

    def _body(self) -> Iterator[Problem]:
        place, (holder, body) = (*self.place, "requestBody"), follow(self.document, (*self.aim, "requestBody"))
        if not body:
            yield Problem(place, f"{self.link['operationId']} takes no body")
            return
        for value in self._filled(self.link["requestBody"]):
            for inner, reason in self.check((*holder, "content", JSON, "schema"), value):
                yield Problem((*place, *inner), f"{self.link['operationId']} refuses the body: {reason}")

    def _at(self, expression: str) -> list[Pointer]:
        """Give the schemas of what an expression takes from the response."""
        return [*_schemas_at(self.document, (*self.media, "schema"), target(f"#{expression.partition('#')[2]}"))]

    def _filled(self, template: Json) -> Iterator[Json]:
        """Give what becomes of a template with each example that has all that it asks for."""
        for _, answer in _named_examples(self.document, self.media):
            with contextlib.suppress(LookupError):
                yield self._fill(template, answer)

    def _fill(self, template: Json, answer: Json) -> Json:
        if isinstance(template, dict):
            return {name: self._fill(part, answer) for name, part in template.items()}
        if isinstance(template, list):
            return [self._fill(part, answer) for part in template]
        if not isinstance(template, str) or not template.startswith("$"):
            return template
        if "#" not in template:  # its value is in no example
            raise LookupError(template)
        value = value_at(answer, target(f"#{template.partition('#')[2]}"))
        quoted = isinstance(value, str) and value.isdecimal()
        is_id = quoted and any(kinds(self.document, each) == {"id"} for each in self._at(template))
        return int(value) if is_id else value  # as the client reads it


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
