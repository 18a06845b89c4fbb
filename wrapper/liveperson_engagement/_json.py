"""JSON as RFC 8259 has it, and the exception that says which part of a value breaks a rule."""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from typing import Any, TypeAlias, TypeGuard

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


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
