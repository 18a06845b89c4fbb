# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

"""A plain request and a plain response: what operations build and read, whatever sends them."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterable, Iterator, Mapping
from json import JSONEncoder
from typing import Any, NamedTuple, cast
from urllib.parse import quote


class Headers(Mapping[str, str]):
    """Header fields by name, in upper or lower case; several of one name are joined by commas."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: dict[str, str] = {}
        for name, value in fields:
            key = name.lower()
            self._fields[key] = f"{self._fields[key]}, {value}" if key in self._fields else value

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def items(self) -> ItemsView[str, str]:
        return self._fields.items()

    def __repr__(self) -> str:
        return f"<Headers {', '.join(self._fields)}>"


class Request(NamedTuple):
    """What is sent. Its repr shows the method alone: path, query and body may hold personal data."""

    method: str
    path: str
    """Percent-encoded, from the first slash; the server's own path comes before it."""
    query: str = ""
    """Percent-encoded, without the question mark."""
    headers: Mapping[str, str] = Headers()
    body: bytes | None = None

    @property
    def target(self) -> str:
        """Path and query, as the first line of the request has them."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def __repr__(self) -> str:
        return f"Request(method={self.method!r})"


class Response(NamedTuple):
    """What came back. Its repr shows the status alone: headers and body may hold personal data."""

    status: int
    headers: Headers = Headers()
    """By name, in upper or lower case."""
    body: bytes = b""
    """Decompressed."""

    def __repr__(self) -> str:
        return f"Response(status={self.status!r})"


_is_unreserved = re.compile("[A-Za-z0-9_.~-]*").fullmatch


def path_segment(value: object) -> str:
    """Percent-encode a part of a path; an empty one, or dots alone, would lead to another path."""
    text = _quoted(value)
    if not text.strip("."):
        raise ValueError("a path parameter must not be empty or made of dots alone")
    return text


def query_string(*fields: tuple[str, object]) -> str:
    """Percent-encode a query, spaces as %20; what is None is left out."""
    return "&".join([f"{name}={_quoted(value)}" for name, value in fields if value is not None])


def with_headers(headers: Headers, *fields: tuple[str, object]) -> Headers:
    """Add header fields; what is None is left out."""
    return Headers([*headers.items(), *((name, _text(value)) for name, value in fields if value is not None)])


def json_bytes(body: Any) -> bytes:
    """Encode a model, or data that may contain models, as compact JSON; bytes are JSON already."""
    return body if isinstance(body, bytes) else _encode(body).encode()


def _quoted(value: object) -> str:
    text = _text(value)
    return text if _is_unreserved(text) else quote(text, safe="")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str.__str__(value) if isinstance(value, str) else str(value)  # of an enum's member its value


def _plain(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(cast(Mapping[str, Any], value))
    if to_dict := getattr(value, "to_dict", None):
        return cast(dict[str, Any], to_dict())
    raise TypeError(f"{type(value).__name__} is neither JSON nor a model")


_encode = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode
