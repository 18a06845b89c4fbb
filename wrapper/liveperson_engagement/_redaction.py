"""What may be printed of a message from elsewhere: it may repeat what was sent."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import unquote

from ._json import SchemaViolation, decode_liberally, is_array, is_object

LONGEST = 10_000
"""Characters of a server's message that are searched for what must not be shown."""


def redact(message: str, secrets: Collection[str], body: bytes | None) -> str:
    """Make a server's message fit to print: one line, without the secrets and the texts and numbers of a JSON body."""
    if len(message) > LONGEST:
        return f"a message of {len(message):,} characters"
    found = set(secrets)
    for written, is_name in _VALUE.findall((body or b"").decode()):
        text = written if written[0] != '"' else json.loads(written)
        if not is_name and len(text) > (2 if text is not written else 3):
            found.add(text)
    message = redact_ids(message, found)
    return " ".join("".join(each if each.isprintable() else " " for each in message).split())[:200]


def redact_ids(text: str, secrets: Collection[str]) -> str:
    """Replace each secret in a text, however it is escaped there: as in a URL, a form, HTML or JSON, or several times.

    Where a secret was escaped, the text is given without those escapes.
    """
    spellings = {spelling for secret in secrets for spelling in (secret, secret.replace(" ", "+")) if secret}
    return _redact_readings(text, sorted(spellings, key=len, reverse=True))


def _redact_readings(text: str, secrets: list[str]) -> str:
    text = _mask(text, secrets)
    readings = [text]
    for _ in range(_ESCAPED_AT_MOST):
        readings = list(dict.fromkeys(unescape(each) for each in readings for unescape in _UNESCAPE))
        for reading in readings:
            if _mask(reading, secrets) != reading:
                return _redact_readings(reading, secrets)
    return text


def _mask(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "…")
    return text


def _unescape_json(text: str) -> str:
    text = _JSON_ESCAPE.sub(
        lambda found: chr(int(found[1], 16)) if found[1] else _CONTROL.get(found[2], found[2]), text
    )
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # two halves make one character


_ESCAPED_AT_MOST = 3
"""How many escapes within each other are looked through."""
_CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_UNESCAPE: tuple[Callable[[str], str], ...] = (unquote, html.unescape, _unescape_json)
_VALUE = re.compile(r'("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*)(:?)')
"""A string or number of compact JSON, and whether it names a member."""


def describe_shape(content: bytes) -> str:
    """Describe an answer's body by the names and types of its members, without a value of it."""
    try:
        return _shape(decode_liberally(content), 0)[:1000]
    except SchemaViolation:
        return f"{len(content):,} bytes that are no JSON"


def _shape(value: Any, depth: int) -> str:
    if depth > _DEEPEST:
        return "…"
    if is_object(value):
        members = (f"{name if _NAME.fullmatch(name) else '…'}: {_shape(value[name], depth + 1)}" for name in value)
        return f"{{{', '.join(members)}}}"
    if is_array(value):
        return f"[{', '.join(dict.fromkeys(_shape(item, depth + 1) for item in value))}]"
    return next(name for kind, name in _TYPES.items() if isinstance(value, kind))


_DEEPEST = 5
_NAME = re.compile("[A-Za-z]{1,40}")
"""A member's name as the contract's are; any other may be a value."""
_TYPES: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "text", type(None): "null"}
