"""Request bodies from a file, standard input and options. Whether the contract takes them is checked by the client."""

import json
import sys
from pathlib import Path
from typing import Any

from liveperson_engagement._json import SchemaViolation, decode, is_object
from liveperson_engagement.cli.failure import wrong


def read(option: str, name: str) -> bytes:
    """Read a file that an option names, or standard input for `-`."""
    if name.lstrip().startswith(("{", "[")):  # may be personal, so it is not repeated
        raise wrong(f"{option}: is the name of a file, or - for standard input; not the JSON itself")
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise wrong(f"{option} {name}: {error.strerror}") from None


def parsed(option: str, content: bytes) -> Any:
    """Read JSON; say where it is none."""
    try:
        return decode(content)
    except SchemaViolation as violation:
        raise wrong(f"{option}: {violation.reason}{_place(content)}") from None


def from_file(name: str | None, session: str | None) -> Any:
    """Read the body that `--body` names; an empty one without."""
    if name == "-" == session:
        raise wrong("--body and --session: only one of them can be standard input")
    return {} if name is None else parsed("--body", read("--body", name))


def with_members(body: Any, **members: Any) -> Any:
    """Replace the members that are given; a body that is no object stays as it is, to be refused."""
    given = {name: value for name, value in members.items() if value is not None}
    return {**body, **given} if is_object(body) else body


def attributes(texts: list[str] | None) -> list[Any] | None:
    """Read what `--attribute` gives."""
    return [parsed("--attribute", text.encode("utf-8", "surrogateescape")) for text in texts] if texts else None


def value_of(text: str) -> Any:
    """Read JSON; what is none is text."""
    try:
        return decode(text.encode("utf-8", "surrogateescape"))
    except SchemaViolation:
        return text


def _place(content: bytes) -> str:
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        return f": line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        pass
    return ""
