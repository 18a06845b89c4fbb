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
    resolve,
)

BOM = b"\xef\xbb\xbf"
COMPONENTS: dict[str, Any] = {
    "schemas": {
        "Name": {"type": "string", "minLength": 1},
        "Either": {"oneOf": [{"type": "integer"}, {"type": "boolean"}]},
        "Shape": {
            "oneOf": [{"$ref": "#/components/schemas/Circle"}, {"$ref": "#/components/schemas/Square"}],
            "discriminator": {
                "propertyName": "kind",
                "mapping": {"circle": "#/components/schemas/Circle", "square": "#/components/schemas/Square"},
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
EITHER, NAME, SHAPE = ({"$ref": f"#/components/schemas/{name}"} for name in ("Either", "Name", "Shape"))


def listing(items: dict[str, Any]) -> dict[str, Any]:
    """Make the schema of an object with a list."""
    return {"type": "object", "properties": {"all": {"type": "array", "items": items}}}


def violation(schema: dict[str, Any], value: Any) -> tuple[str, str]:
    """Say what is wrong with a value."""
    with pytest.raises(SchemaViolation) as raised:
        Check(COMPONENTS, schema)(value)
    return raised.value.path, raised.value.reason


# --- Reading JSON -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b'{"a": [1, 2.5, null, true]}', BOM + b'{"a": [1, 2.5, null, true]}'])
def test_json_is_read_with_and_without_a_byte_order_mark(content: bytes) -> None:
    """Which stands at the beginning, if at all."""
    assert decode(content) == {"a": [1, 2.5, None, True]}
    assert decode_liberally(content) == {"a": [1, 2.5, None, True]}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"a": NaN}', b"-Infinity", b'"\xff"', b'"a"' + BOM, b"[" * 100_000, b"1 2", b'"a\nb"'],
    ids=["nothing", "half", "NaN", "infinite", "latin", "mark", "deep", "two", "newline"],
)
def test_what_is_no_json_is_refused_in_three_words(content: bytes) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(SchemaViolation) as raised:
        decode(content)
    assert (raised.value.path, raised.value.reason) == ("body", "must be JSON")
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("content", [b"", b"{", b'"a"' + BOM, b"[" * 100_000])
def test_what_cannot_be_read_at_all_is_refused_liberally_too(content: bytes) -> None:
    """In the same words."""
    with pytest.raises(SchemaViolation) as raised:
        decode_liberally(content)
    assert (raised.value.path, raised.value.reason) == ("body", "must be JSON")


def test_what_is_no_text_is_left_where_it_stands() -> None:
    """Beside what is."""
    assert decode_liberally(b'{"a": "x\xff", "b": "y", "c": "p\nq"}') == {"a": "x\udcff", "b": "y", "c": "p\nq"}
    assert decode_liberally(b"[1e999, -Infinity]") == [float("inf"), float("-inf")]
    assert decode_liberally(b"9" * 300) == int("9" * 300)
    assert decode_liberally(b"9" * 301) == float("9" * 301)


def test_half_a_character_is_told_with_its_place() -> None:
    """It could be read, and neither stored nor sent."""
    with pytest.raises(SchemaViolation) as raised:
        decode(rb'{"a": ["\uD800"]}')
    assert (raised.value.path, raised.value.reason) == ("a[0]", "must be text without lone surrogates")


@pytest.mark.parametrize(
    ("depth", "said"), [(200, "cannot be written as JSON"), (201, "is nested too deeply, or contains itself")]
)
def test_two_hundred_levels_are_not_too_deep(depth: int, said: str) -> None:
    """One more is."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    assert find_unencodable(value).reason == said


# --- Checking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [("date-time", "2026-01-02T03:04:05Z", "yesterday"), ("uuid", "0e4d2c1a-6d1f-4c0b-8b9e-2f4f0a6d7c11", "x")],
)
def test_formats_are_rules_and_not_remarks(kind: str, right: str, wrong: str) -> None:
    """Unlike in schemas that only annotate."""
    schema = {"type": "string", "format": kind}
    Check(COMPONENTS, schema)(right)
    assert violation(schema, wrong) == ("body", f"must be a valid {kind}")
    assert not Check(COMPONENTS, schema).accepts(wrong)


class Opaque:
    """Something that JSON has no place for."""


@pytest.mark.parametrize("schema", [{"type": "object", "maxProperties": 1}, listing(NAME)])
def test_what_json_cannot_carry_is_no_value_at_all(schema: dict[str, Any]) -> None:
    """The place is told, and nothing is accepted."""
    value = {"all": [Opaque()]}
    schema = {**schema, "properties": {"all": {"type": "array", "items": {"type": "string"}}}}
    assert not Check(COMPONENTS, schema).accepts(value)
    assert violation(schema, value)[0] == "all[0]"


def test_alternatives_without_a_tag_are_told_as_one() -> None:
    """With the place of what is none of them."""
    assert violation(EITHER, "x") == ("body", "is none of the contract's alternatives")
    assert violation(listing(EITHER), {"all": [1, True, "x"]}) == ("all[2]", "is none of the contract's alternatives")


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        ({"kind": "circle"}, "radius", "is required"),
        ({"kind": "square", "side": 1.5}, "side", "must be of type integer"),
        ({"kind": "line"}, "kind", "must be one of circle, square"),
        ({}, "kind", "must be one of circle, square"),
    ],
)
def test_of_alternatives_with_a_tag_the_meant_one_is_told(value: Any, path: str, reason: str) -> None:
    """What is wrong with it, and not with the others."""
    assert violation(SHAPE, value) == (path, reason)
    assert violation(listing(SHAPE), {"all": [value]}) == (f"all[0].{path}", reason)


# --- Reading liberally ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "value", "read"),
    [
        ({"type": "array", "items": {"type": "integer"}}, ["1", 2, "x"], [1, 2, "x"]),
        ({"type": "array", "items": NAME}, (1, "a"), ["1", "a"]),
        ({"type": "array"}, ["1"], ["1"]),
        ({"type": "integer"}, ["1"], ["1"]),
        (NAME, 5, "5"),
        ({"allOf": [{"type": "integer"}]}, "5", 5),
        ({"allOf": [{"type": "string"}, {"minLength": 1}]}, 5, "5"),
        ({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": NAME}}]},
         {"a": "1", "b": 2}, {"a": 1, "b": "2"}),
        ({"allOf": [{"properties": {"a": {"type": "integer"}}}], "properties": {"b": NAME}},
         {"a": "1", "b": 2}, {"a": 1, "b": "2"}),
        (listing({"type": "number"}), {"all": ["1", "2.5"]}, {"all": [1, 2.5]}),
        (listing({"type": "number"}), {"all": ["one"]}, {}),
        (SHAPE, {"kind": "circle", "radius": "2"}, {"kind": "circle", "radius": 2}),
        (SHAPE, {"kind": "square", "side": "2"}, {"kind": "square", "side": 2}),
        (SHAPE, {"kind": "line", "side": "2"}, {"kind": "line", "side": "2"}),
        (SHAPE, {"kind": ["circle"], "radius": "2"}, {"kind": ["circle"], "radius": "2"}),
        (SHAPE, "circle", "circle"),
    ],
)  # fmt: skip
def test_what_can_be_read_of_a_value_is_read(schema: dict[str, Any], value: Any, read: Any) -> None:
    """By all parts of a schema, and each item of a list."""
    assert LiberalReader(COMPONENTS).read(schema, value) == read


def test_what_is_required_stays_and_other_members_go() -> None:
    """If they are not what was promised."""
    schema = {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a"]}
    reader = LiberalReader(COMPONENTS)
    assert reader.read(schema, {"a": "x", "b": "y"}) == {"a": "x"}
    assert reader.read({"properties": schema["properties"]}, {"a": "x", "b": "y"}) == {}
    assert reader.read({"properties": {"b": {}}}, {"b": "\udcff", "c": float("nan"), "d": "z"}) == {"d": "z"}
    assert reader.read({"properties": {"b": {}, "c": {}}}, {"b": float("nan"), "c": [float("inf")]}) == {}


def test_a_reader_keeps_its_checks_apart() -> None:
    """One for each schema, compiled once."""
    schema = {"properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}}
    reader = LiberalReader(COMPONENTS)
    for _ in range(2):
        assert reader.read(schema, {"a": 1, "b": True}) == {"a": 1, "b": True}
        assert reader.read(schema, {"a": True, "b": 1}) == {}


def test_a_reference_leads_to_its_component() -> None:
    """As it is written in a contract."""
    assert resolve(COMPONENTS, "#/components/schemas/Name") is COMPONENTS["schemas"]["Name"]
