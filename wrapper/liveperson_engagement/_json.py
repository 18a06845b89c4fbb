"""JSON as RFC 8259 has it, and how a value that breaks a rule is told.

What the contract could not express: that some Python values have no JSON, and where they are.
"""

from __future__ import annotations

import json
import math
from typing import Any, TypeAlias, TypeGuard

Path: TypeAlias = list[str | int]


class Breach(Exception):
    """A value breaks the contract."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__()
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        self.path = text.removeprefix(".") or "body"
        """Written as people do: `engagementAttributes[0].personal`, or `body` for the whole."""
        self.reason = reason


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether a value stands for a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Tell whether a value stands for a JSON array."""
    return isinstance(value, list | tuple)


def encode(value: Any) -> bytes:
    """Write a value as JSON; raise `Breach` with the path of what JSON cannot carry."""
    try:
        return _ENCODER.encode(value).encode()
    except (TypeError, ValueError, RecursionError):
        raise not_json(value) from None


def decode(content: bytes) -> Any:
    """Read JSON as RFC 8259 has it: UTF-8, no NaN, no half of a character; raise `Breach` otherwise."""
    try:
        value = _DECODER.decode(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Breach([], "must be JSON") from None
    if _SURROGATE in content.lower():
        encode(value)  # one that lacks its other half can be read, but neither stored nor sent
    return value


def _refused(constant: str) -> Any:
    raise ValueError(constant)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refused)
_DEEPEST = 200
_SURROGATE = b"\\ud"


def not_json(value: Any) -> Breach:
    """Find the first part that JSON cannot carry; slow, and only called once something is known to be wrong."""
    todo: list[tuple[Path, Any]] = [([], value)]
    while todo:
        path, part = todo.pop()
        members: list[tuple[Any, Any]] = []
        if is_object(part):
            members = list(part.items())
            if not all(isinstance(name, str) and _is_text(name) for name, _ in members):
                return Breach(path, "must have text as the names of its members")
        elif is_array(part):
            members = list(enumerate(part))
        elif isinstance(part, str):
            if not _is_text(part):
                return Breach(path, "must be text without lone surrogates")
        elif isinstance(part, float) and not math.isfinite(part):
            return Breach(path, "must be a finite number")
        elif part is not None and not isinstance(part, int | float):
            return Breach(path, f"must be a JSON value, not {type(part).__name__}")
        if len(path) > _DEEPEST:
            return Breach(path[:3], "is nested too deeply, or contains itself")
        todo += [([*path, name], member) for name, member in reversed(members)]
    return Breach([], "cannot be written as JSON")


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
