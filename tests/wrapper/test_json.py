"""JSON and schemas by themselves: what is read, what is left out, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from liveperson_engagement._json import (
    Check,
    LiberalReader,
    SchemaViolation,
    decode,
    decode_liberally,
    find_unencodable,
)

BOM = b"\xef\xbb\xbf"
ROOT = "#/components/schemas/"
COMPONENTS: dict[str, Any] = {
    "schemas": {
        "Name": {"type": "string", "minLength": 1},
        "Either": {"oneOf": [{"type": "integer"}, {"type": "boolean"}]},
        "Shape": {
            "oneOf": [{"$ref": f"{ROOT}Circle"}, {"$ref": f"{ROOT}Square"}],
            "discriminator": {
                "propertyName": "kind",
                "mapping": {"circle": f"{ROOT}Circle", "square": f"{ROOT}Square"},
            },
        },
        "Circle": {
            "type": "object",
            "required": ["kind", "radius"],
            "properties": {"kind": {"const": "circle"}, "radius": {"type": "number"}},
        },
        "Square": {
            "type": "object",
            "required": ["kind", "side"],
            "properties": {"kind": {"const": "square"}, "side": {"type": "integer"}},
        },
    }
}
EITHER, NAME, SHAPE = ({"$ref": f"{ROOT}{name}"} for name in ("Either", "Name", "Shape"))
INTEGER, NUMBER = {"type": "integer"}, {"type": "number"}


def listing(items: Any) -> dict[str, Any]:
    """Make the schema of an object with a list."""
    return {"type": "object", "properties": {"all": {"type": "array", "items": items}}}


def violation(check: Any, value: Any) -> tuple[str, str]:
    """Say what is wrong with a value."""
    with pytest.raises(SchemaViolation) as raised:
        check(value)
    assert raised.value.__cause__ is None
    return raised.value.path, raised.value.reason


@pytest.mark.parametrize("mark", [b"", BOM])
def test_json_is_read_with_and_without_a_byte_order_mark(mark: bytes) -> None:
    """At the beginning."""
    content = mark + b'{"a": [1, 2.5, null, true]}'
    assert decode(content) == decode_liberally(content) == {"a": [1, 2.5, None, True]}


UNREADABLE = [b"", b"{", b'"a"' + BOM, pytest.param(b"[" * 100_000, id="deep"), b"1 2"]


@pytest.mark.parametrize("content", [*UNREADABLE, b'{"a": NaN}', b"-Infinity", b'"\xff"', b'"a\nb"'])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    """Whatever is wrong with it."""
    assert violation(decode, content) == ("body", "must be JSON")


@pytest.mark.parametrize("content", UNREADABLE)
def test_what_cannot_be_read_at_all_is_refused_liberally_too(content: bytes) -> None:
    """In the same words."""
    assert violation(decode_liberally, content) == ("body", "must be JSON")


def test_what_is_no_text_or_number_is_left_where_it_stands() -> None:
    """Beside what is."""
    assert decode_liberally(b'{"a": "x\xff", "b": "y", "c": "p\nq"}') == {"a": "x\udcff", "b": "y", "c": "p\nq"}
    assert decode_liberally(b"[1e999, -Infinity]") == [float("inf"), float("-inf")]
    assert decode_liberally(b"9" * 300) == int("9" * 300)
    assert decode_liberally(b"9" * 301) == float("9" * 301)


def test_half_a_character_is_told_with_its_place() -> None:
    """It could be read, and neither stored nor sent."""
    assert violation(decode, rb'{"a": ["\uD800"]}') == ("a[0]", "must be text without lone surrogates")


@pytest.mark.parametrize(
    ("depth", "said"), [(200, "cannot be written as JSON"), (201, "is nested too deeply, or contains itself")]
)
def test_two_hundred_levels_are_not_too_deep(depth: int, said: str) -> None:
    """One more is."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    assert find_unencodable(value).reason == said


OBJECT = {**listing({"type": "string"}), "maxProperties": 1}
UNION = "is none of the contract's alternatives"
TAG = "must be one of circle, square"


@pytest.mark.parametrize(
    ("schema", "value", "path", "reason"),
    [
        ({"type": "string", "format": "date-time"}, "yesterday", "body", "must be a valid date-time"),
        ({"type": "string", "format": "uuid"}, "x", "body", "must be a valid uuid"),
        (OBJECT, {"all": [object()]}, "all[0]", "must be a JSON value, not object"),
        (listing(NAME), {"all": [object()]}, "all[0]", "must be a JSON value, not object"),
        (EITHER, "x", "body", UNION),
        (listing(EITHER), {"all": [1, True, "x"]}, "all[2]", UNION),
        (SHAPE, {"kind": "circle"}, "radius", "is required"),
        (SHAPE, {"kind": "square", "side": 1.5}, "side", "must be of type integer"),
        (SHAPE, {"kind": "line"}, "kind", TAG),
        (SHAPE, dict[str, Any](), "kind", TAG),
        (listing(SHAPE), {"all": [{"kind": "circle"}]}, "all[0].radius", "is required"),
        (listing(SHAPE), {"all": [dict[str, Any]()]}, "all[0].kind", TAG),
    ],
)
def test_what_a_schema_forbids_is_told_with_its_place(schema: Any, value: Any, path: str, reason: str) -> None:
    """Formats are rules; of alternatives with a tag the one that is meant is told."""
    check = Check(COMPONENTS, schema)
    assert violation(check, value) == (path, reason)
    assert not check.accepts(value)


def test_what_a_schema_allows_passes() -> None:
    """Dates, ids and each member of a union."""
    Check(COMPONENTS, {"type": "string", "format": "date-time"})("2026-01-02T03:04:05Z")
    Check(COMPONENTS, {"type": "string", "format": "uuid"})("0e4d2c1a-6d1f-4c0b-8b9e-2f4f0a6d7c11")
    assert Check(COMPONENTS, listing(SHAPE)).accepts({"all": [{"kind": "circle", "radius": 1.5}]})


PARTS = {"a": {"type": "integer"}, "b": NAME}


@pytest.mark.parametrize(
    ("schema", "value", "read"),
    [
        ({"type": "array", "items": INTEGER}, ["1", 2, "x"], [1, 2, "x"]),
        ({"type": "array", "items": NAME}, (1, "a"), ["1", "a"]),
        ({"type": "array"}, ["1"], ["1"]),
        (INTEGER, ["1"], ["1"]),
        (NAME, 5, "5"),
        ({"allOf": [INTEGER]}, "5", 5),
        ({"allOf": [{"type": "string"}, {"minLength": 1}]}, 5, "5"),
        ({"allOf": [{"properties": PARTS}, {"properties": {"c": NAME}}]}, {"a": "1", "c": 2}, {"a": 1, "c": "2"}),
        ({"allOf": [{"properties": PARTS}], "properties": {"c": NAME}}, {"a": "1", "c": 2}, {"a": 1, "c": "2"}),
        (listing(NUMBER), {"all": ["1", "2.5"]}, {"all": [1, 2.5]}),
        (listing(NUMBER), {"all": ["one"]}, {}),
        (SHAPE, {"kind": "circle", "radius": "2"}, {"kind": "circle", "radius": 2}),
        (SHAPE, {"kind": "square", "side": "2"}, {"kind": "square", "side": 2}),
        (SHAPE, {"kind": "line", "side": "2"}, {"kind": "line", "side": "2"}),
        (SHAPE, {"kind": ["circle"], "radius": "2"}, {"kind": ["circle"], "radius": "2"}),
        (SHAPE, "circle", "circle"),
        ({"properties": PARTS, "required": ["a"]}, {"a": "x", "b": []}, {"a": "x"}),
        ({"properties": PARTS}, {"a": "x", "b": []}, {}),
        ({"properties": {"b": {}}}, {"b": "\udcff", "c": float("nan"), "d": "z"}, {"d": "z"}),
        ({"properties": {"b": {}, "c": {}}}, {"b": float("nan"), "c": [float("inf")]}, {}),
    ],
)
def test_what_can_be_read_of_a_value_is_read(schema: dict[str, Any], value: Any, read: Any) -> None:
    """By all parts of a schema and each item of a list; what is required stays, other members go if they are wrong."""
    assert LiberalReader(COMPONENTS).read(schema, value) == read


def test_a_reader_keeps_its_checks_apart() -> None:
    """One for each schema, compiled once."""
    schema = {"properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}}
    reader = LiberalReader(COMPONENTS)
    for _ in range(2):
        assert reader.read(schema, {"a": 1, "b": True}) == {"a": 1, "b": True}
        assert reader.read(schema, {"a": True, "b": 1}) == {}
