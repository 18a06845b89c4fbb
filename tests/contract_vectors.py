"""Shows that two editions of the contract accept and refuse the same values.

The values are examples, and what becomes of them when each place in turn is left out, added to, or filled with
something else, which comes from the limits, constants and enums of the contract.
"""

import contextlib
import functools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import quote

import jsonschema_rs
from openapi_schema_validator import OAS30Validator

from contract import Document, Pointer, object_at, target, walk

# What is wrong nearly everywhere, and what is nearly right: other types, empty values, edges of 64 bits, addresses.
ODDITIES: tuple[Any, ...] = (
    *(None, True, False, [], {}, [None], {"type": None}, "", " ", ".", "..", "x", "0", "7", "-1", "1.5"),
    *(0, -1, 1.5, 2**31, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1),
    *("9223372036854775807", "12345678901234567890", "10.0.0.1", "999.1.1.1", "::1", "1::2::3", "en-US", "é", "GB"),
    "gb",
)


class Verdicts(NamedTuple):
    """How many values were tried, and how many of them both editions accept."""

    tried: int
    accepted: int


def compare(original: Document, edition: Document, examples: Iterable[Any]) -> tuple[Verdicts, list[str]]:
    """Try every schema of two editions, of which the second may be in OpenAPI 3.0, with values made from examples."""
    tried, accepted, disagreements = 0, 0, list[str]()
    seeds = _seeds(original, examples)
    spares = _whole_numbers([*ODDITIES, *_limits(original)])
    for place in schemas(original):
        one, other = judge(original, place), judge(edition, place)
        for value in _values(seeds.get(place, []), spares):
            verdict = one.is_valid(value)
            tried, accepted = tried + 1, accepted + verdict
            if other.is_valid(value) != verdict:
                accepted_by = (original if verdict else edition)["openapi"]
                disagreements.append(f"only {accepted_by} accepts {value!r:.160} as {place}")
    return Verdicts(tried, accepted), disagreements


def confirm(edition: Document, examples: Iterable[Any]) -> list[str]:
    """Try an edition of OpenAPI 3.0 with the validator made for that dialect, too: it is too slow for every value."""
    seeds = unique([*ODDITIES, *(part for example in examples for _, part in walk(example))])
    disagreements = list[str]()
    for place in schemas(edition):
        # The validator reads a reference from the document that holds it, so the schema brings the components along.
        schema = {**object_at(edition, place), "components": edition["components"]}
        one, other = judge(edition, place), OAS30Validator(schema, format_checker=OAS30Validator.FORMAT_CHECKER)
        wrong = [value for value in seeds if other.is_valid(value) != one.is_valid(value)]
        disagreements += [f"only one of two validators accepts {value!r:.160} as {place}" for value in wrong]
    return disagreements


def examples_of(document: Document) -> list[Any]:
    """Give the values of every example."""
    return [
        value
        for pointer, value in walk(document)
        if pointer[-1:] == ("example",) or (pointer[-3:-2] == ("examples",) and pointer[-1:] == ("value",))
    ]


def conformance_examples(directory: Path) -> list[Any]:
    """Give the bodies of the conformance vectors: of calls as they are, of answers as the text that they come in."""
    bodies: list[Any] = []
    for path in sorted(directory.glob("*.json")):
        for pointer, value in walk(json.loads(path.read_text(encoding="utf-8"))):
            if pointer[-1:] == ("body",):
                with contextlib.suppress(ValueError):  # an answer that is no JSON
                    bodies.append(json.loads(value) if isinstance(value, str) else value)
    return bodies


def schemas(document: Document) -> list[Pointer]:
    """List the schemas: each component, and each that a parameter, body or answer has of its own."""
    components = [("components", "schemas", name) for name in document["components"]["schemas"]]
    own = [pointer for pointer, _ in walk(document) if pointer[-1:] == ("schema",) and "properties" not in pointer]
    return [*components, *own]


def judge(document: Document, place: Pointer) -> Any:
    """Give a validator of one schema, in the dialect of its document."""
    reference = "/".join(quote(part.replace("~", "~0").replace("/", "~1")) for part in place)
    schema = {"$ref": f"#/{reference}", **{key: document[key] for key in ("components", "paths")}}
    if document["openapi"].startswith("3.0"):
        return jsonschema_rs.Draft4Validator(_without_nullable(schema), validate_formats=True)
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def unique(values: Iterable[Any]) -> list[Any]:
    """Leave out what has been there; 1, 1.0 and true are three values."""
    return list({json.dumps(value, sort_keys=True): value for value in values}.values())


def _seeds(document: Document, examples: Iterable[Any]) -> dict[Pointer, list[Any]]:
    """Give for each schema the values that examples have for it, found on the way down from bodies and parameters."""
    seeds: dict[Pointer, list[Any]] = {}
    judges = functools.cache(functools.partial(judge, document))

    def descend(place: Pointer, value: Any) -> None:
        if not judges(place).is_valid(value):
            return
        seeds.setdefault(place, []).append(value)
        schema = object_at(document, place)
        if "$ref" in schema:
            descend(target(schema["$ref"]), value)
        for keyword in ("allOf", "anyOf", "oneOf"):
            for index in range(len(schema.get(keyword, ()))):
                descend((*place, keyword, str(index)), value)
        for pointer, part in walk(value):
            if len(pointer) == 1 and isinstance(value, list) and "items" in schema:
                descend((*place, "items"), part)
            elif len(pointer) == 1 and pointer[0] in schema.get("properties", {}):
                descend((*place, "properties", pointer[0]), part)

    for example in unique(examples):
        for root in schemas(document):
            if root[-1] == "schema":
                descend(root, example)
    return {place: unique(_whole_numbers(values)) for place, values in seeds.items()}


def _whole_numbers(values: Iterable[Any]) -> list[Any]:
    """Write 30.0 as 30: only the newer dialect takes both for integers, and no schema of 3.0.3 could say so."""

    def read(text: str) -> float:
        return int(float(text)) if float(text).is_integer() else float(text)

    return list(json.loads(json.dumps(list(values)), parse_float=read))


def _values(seeds: list[Any], spares: list[Any]) -> Iterator[Any]:
    """Give seeds and spares, and each seed changed in one place at a time."""
    yield from unique([*seeds, *spares])
    for seed in seeds:
        for pointer, part in walk(seed):
            if isinstance(part, dict):
                yield _with(seed, (*pointer, "unheardOf"), 1)
                yield from (_with(seed, (*pointer, name), ...) for name in part)
            if pointer:
                yield from (_with(seed, pointer, spare) for spare in spares)


def _with(value: Any, pointer: Pointer, other: Any) -> Any:
    """Copy a value with something else in one place; an ellipsis takes the place away."""
    if not pointer:
        return other
    copy = cast(dict[Any, Any], value.copy())
    key: Any = int(pointer[0]) if isinstance(value, list) else pointer[0]
    if len(pointer) == 1 and other is ...:
        del copy[key]
    else:
        copy[key] = other if len(pointer) == 1 else _with(value[key], pointer[1:], other)
    return copy


def _limits(document: Document) -> Iterator[Any]:
    """Give what is just within each limit and just beyond, and each constant."""
    for pointer, value in walk(document):
        found: Any = value
        match pointer[-1:]:
            case ("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum",):
                yield from (found - 1, found, found + 1)
            case ("minLength" | "maxLength",):
                yield from ("a" * (found + more) for more in (-1, 0, 1) if found + more >= 0)
            case ("const",):
                yield found
            case ("enum",):
                yield from found
            case _:
                pass


def _without_nullable(value: Any) -> Any:
    """Write `nullable` as the draft does that 3.0 has taken the rest from."""
    items = cast(list[Any], value)
    if isinstance(value, list):
        return [_without_nullable(one) for one in items]
    if not isinstance(value, dict):
        return value
    members = {key: _without_nullable(one) for key, one in cast(Document, value).items()}
    if members.get("nullable") is True and isinstance(members.get("type"), str):
        members["type"] = [members["type"], "null"]
    return members
