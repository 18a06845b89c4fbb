"""JSON as RFC 8259 has it, checked against schemas: what is sent must be right, and of an answer what is needed."""

from __future__ import annotations

import functools
import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

Path: TypeAlias = list[str | int]


class SchemaViolation(Exception):
    """A value breaks the contract."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__()
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        self.path = text.removeprefix(".") or "body"
        """Such as `engagementAttributes[0].personal`, or `body` for the whole value."""
        self.reason = reason


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value stands for a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value stands for a JSON array."""
    return isinstance(value, list | tuple)


def encode(value: Any) -> bytes:
    """Write a value as JSON; raise `SchemaViolation` with the path of what JSON cannot carry."""
    try:
        return _ENCODER.encode(value).encode()
    except (TypeError, ValueError, RecursionError):
        raise find_unencodable(value) from None


def decode(content: bytes) -> Any:
    """Read JSON as RFC 8259 has it: UTF-8, no NaN, no half of a character; raise `SchemaViolation` otherwise."""
    try:
        value = _DECODER.decode(content.removeprefix(BOM_UTF8).decode())
    except (ValueError, RecursionError):
        raise SchemaViolation([], "must be JSON") from None
    if _SURROGATE in content.lower():
        encode(value)  # a lone surrogate can be read, but neither stored nor sent
    return value


def decode_liberally(content: bytes) -> Any:
    """Read JSON as far as it goes: what is no number, text or UTF-8 is left as something that no schema takes."""
    try:
        return _LIBERAL_DECODER.decode(content.removeprefix(BOM_UTF8).decode(errors="surrogateescape"))
    except (ValueError, RecursionError):
        raise SchemaViolation([], "must be JSON") from None


def can_encode(value: Any) -> bool:
    """Return whether JSON can carry a value."""
    try:
        encode(value)
    except SchemaViolation:
        return False
    return True


def _refused(constant: str) -> Any:
    raise ValueError(constant)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refused)
_LIBERAL_DECODER = json.JSONDecoder(
    parse_constant=float, parse_int=lambda digits: int(digits) if len(digits) <= 300 else float(digits), strict=False
)
_DEEPEST = 200
_SURROGATE = b"\\ud"


def find_unencodable(value: Any) -> SchemaViolation:
    """Find the first part that JSON cannot carry; slow, and called only when encoding has failed."""
    todo: list[tuple[Path, Any]] = [([], value)]
    while todo:
        path, part = todo.pop()
        members: list[tuple[Any, Any]] = []
        if is_object(part):
            members = list(part.items())
            if not all(isinstance(name, str) and _is_text(name) for name, _ in members):
                return SchemaViolation(path, "must have text as the names of its members")
        elif is_array(part):
            members = list(enumerate(part))
        elif isinstance(part, str):
            if not _is_text(part):
                return SchemaViolation(path, "must be text without lone surrogates")
        elif isinstance(part, float) and not math.isfinite(part):
            return SchemaViolation(path, "must be a finite number")
        elif part is not None and not isinstance(part, int | float):
            return SchemaViolation(path, f"must be a JSON value, not {type(part).__name__}")
        if len(path) > _DEEPEST:
            return SchemaViolation(path[:3], "is nested too deeply, or contains itself")
        todo += [([*path, name], member) for name, member in reversed(members)]
    return SchemaViolation([], "cannot be written as JSON")


def plain_text(value: object) -> str:
    """Return a value as Python's own text: of a text of some kind, such as an enum's member, what it is equal to."""
    return str.__str__(value) if isinstance(value, str) else str(value)


def _plain(value: Any) -> Any:
    """Return a value with texts, numbers, lists and objects of Python's own types; leave what is no JSON."""
    if is_object(value):
        names: list[Any] = list(value)
        return {plain_text(name) if isinstance(name, str) else name: _plain(value[name]) for name in names}
    if is_array(value):
        return [_plain(member) for member in value]
    if isinstance(value, str):
        return plain_text(value)
    kind = next((kind for kind in (bool, int, float) if isinstance(value, kind)), None)
    return kind(value) if kind else value


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


class Check:
    """A schema, compiled."""

    def __init__(self, components: dict[str, Any], schema: dict[str, Any]) -> None:
        from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - importing it takes long

        self._components = components
        schema = {**schema, "components": components}
        self._validator: Draft202012Validator = Draft202012Validator(schema, validate_formats=True)

    def __call__(self, value: Any) -> None:
        """Raise `SchemaViolation` unless a value is what the schema describes."""
        try:
            error = self._first_error(value)
        except ValueError:  # some kind of text, number or tuple that is not Python's own, or no JSON at all
            try:
                error = self._first_error(_plain(value))
            except ValueError:
                raise find_unencodable(value) from None
        if error:
            raise SchemaViolation(*self._explain(error))

    def _first_error(self, value: Any) -> ValidationError | None:
        """Return what is wrong first; where no member of a union fits, not that all that it has is unknown as well."""
        if self._validator.is_valid(value):
            return None
        return min(self._validator.iter_errors(value), key=lambda error: error.kind.name == "unevaluatedProperties")

    def accepts(self, value: Any) -> bool:
        """Return whether a value is what the schema describes."""
        try:
            return self._validator.is_valid(value)
        except ValueError:
            return False

    def _explain(self, error: ValidationError) -> tuple[Path, str]:
        from jsonschema_rs import ValidationErrorKind  # noqa: PLC0415 - importing it takes long

        path, kind = list(error.instance_path), error.kind
        if isinstance(kind, ValidationErrorKind.OneOfNotValid):
            return self._explain_union(error, kind)
        if isinstance(kind, ValidationErrorKind.Required):
            path.append(kind.property)
        if isinstance(kind, ValidationErrorKind.UnevaluatedProperties):
            return [*path, kind.unexpected[0]], self._suggest(kind.unexpected[0])
        facts = {name: ", ".join(map(str, fact)) if is_array(fact) else fact for name, fact in kind.as_dict().items()}
        return path, _REASONS.get(kind.name, "breaks the contract's rule {name}").format(**{"name": kind.name, **facts})

    def _suggest(self, unknown: str) -> str:
        """Say that a member is unknown, and which one may be meant."""
        from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

        names = {name for schema in self._components["schemas"].values() for name in schema.get("properties", ())}
        close = get_close_matches(unknown, names)
        return "is no member that the contract has" + (f"; did you mean {close[0]}?" if close else "")

    def _explain_union(self, error: ValidationError, kind: ValidationErrorKind.OneOfNotValid) -> tuple[Path, str]:
        trail = list(error.schema_path)
        union = trail[len(trail) - trail[::-1].index("components") : -1]
        discriminator = follow(self._components, union).get("discriminator")
        if discriminator is None:
            return list(error.instance_path), "is none of the contract's alternatives"
        tag = [*error.instance_path, discriminator["propertyName"]]
        for branch in kind.context:
            explained = [self._explain(part) for part in branch]
            if all(path != tag for path, _ in explained):
                return explained[0]  # the member that was meant: its tag is right
        return tag, f"must be one of {', '.join(discriminator['mapping'])}"


class LiberalReader:
    """Takes of an answer what can be read: the table in docs/errors.md says how.

    A scalar of another type than was promised becomes what it spells. An optional member that is null, or cannot be
    read, is left out. What is required, or says which member of a union this is, is left as it came.
    """

    def __init__(self, components: dict[str, Any]) -> None:
        self._components = components
        self._checks: dict[int, Check] = {}
        """By the identity of the schema, a part of the contract, which is never changed."""

    def read(self, schema: dict[str, Any], value: Any) -> Any:
        """Return what can be read of a value."""
        if "$ref" in schema:
            return self.read(resolve(self._components, schema["$ref"]), value)
        if "discriminator" in schema:
            tag = value.get(schema["discriminator"]["propertyName"]) if is_object(value) else None
            member = schema["discriminator"]["mapping"].get(tag) if isinstance(tag, str) else None
            return self.read({"$ref": member}, value) if member else value
        for part in schema.get("allOf", ()):
            value = self.read(part, value)
        if is_object(value) and "properties" in schema:
            members = ((name, self._read_member(schema, name, member)) for name, member in value.items())
            return {name: member for name, member in members if member is not _ABSENT}
        if is_array(value) and "items" in schema:
            return [self.read(schema["items"], item) for item in value]
        return as_promised(schema.get("type"), value)

    def _read_member(self, schema: dict[str, Any], name: str, value: Any) -> Any:
        if name not in schema["properties"]:
            return value if can_encode(value) else _ABSENT
        member: dict[str, Any] = schema["properties"][name]
        value = self.read(member, value)
        return value if name in schema.get("required", ()) or self._accepts(member, value) else _ABSENT

    def _accepts(self, schema: dict[str, Any], value: Any) -> bool:
        if id(schema) not in self._checks:
            self._checks[id(schema)] = Check(self._components, schema)
        return can_encode(value) and self._checks[id(schema)].accepts(value)


def as_promised(kind: Any, value: Any) -> Any:
    """Return the text of a number where text is promised, and the number that a text spells where one is."""
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return str(value)
    if kind in ("integer", "number") and isinstance(value, str) and (spelled := _NUMBER.fullmatch(value)):
        return float(value) if spelled[1] or spelled[2] else int(value)
    return value


def resolve(components: dict[str, Any], reference: str) -> Any:
    """Return what a reference such as `#/components/schemas/Session` leads to."""
    return follow({"components": components}, reference.removeprefix("#/").split("/"))


def follow(node: Any, keys: Iterable[Any]) -> Any:
    """Return the part of a document that a path of keys leads to."""
    return functools.reduce(lambda part, key: part[key], keys, node)


_ABSENT = object()
_NUMBER = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")
_REASONS = {
    "required": "is required",
    "type": "must be of type {types}",
    "enum": "must be one of {options}",
    "const": "must be {expected_value}",
    "pattern": "must match the pattern {pattern}",
    "format": "must be a valid {format}",
    "minimum": "must be at least {limit}",
    "maximum": "must be at most {limit}",
    "minLength": "must have at least {limit} characters",
    "maxLength": "must have at most {limit} characters",
}
"""What to say of a broken rule; the names in braces are jsonschema-rs's own for the rule's facts."""
