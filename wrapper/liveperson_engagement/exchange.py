"""One attempt: what is sent, what comes back, and what a good answer is checked against.

What the contract could not express: the deadline that an attempt is part of, and the ids that its call has named.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from .contract import DocumentedPolicy, contract


@dataclass(slots=True)
class Exchange:
    """One attempt: what is sent, and what a good answer is checked against."""

    operation_id: str
    base_url: str
    arguments: dict[str, Any]
    """The generated function's own arguments, the body aside."""
    timeout: float | None
    """Seconds that it may take, from connecting to the end of the answer."""
    usual_timeout: float | None
    """The same, as long as the deadline is far."""
    content: bytes | None = None
    received: bytes = b""
    """The body of a good answer."""
    named: set[str] = field(default_factory=set[str])
    """The ids that its call has sent by now."""
    _ends: float = math.inf

    def begin(self) -> None:
        """Have its time run."""
        if self.timeout is not None:
            self._ends = time.monotonic() + self.timeout

    @property
    def left(self) -> float:
        """Seconds until its time is over."""
        return self._ends - time.monotonic()

    @property
    def policy(self) -> DocumentedPolicy:
        """The operation's documented retry policy."""
        return contract().policy(self.operation_id)

    @property
    def repeatable(self) -> bool:
        """Whether it can arrive twice without putting a second visitor on the list."""
        return self.operation_id != "createSession"

    @property
    def call(self) -> dict[str, Any]:
        """The arguments of the generated function."""
        return self.arguments if self.content is None else {**self.arguments, "body": Body()}


current: ContextVar[Exchange] = ContextVar("current")
"""The exchange that the generated function now running belongs to."""


class Body:
    """Stands in for a generated request model: what goes out was encoded and checked before."""

    def to_dict(self) -> dict[str, Any]:
        """Give the generated function something to pass on; the encoded body goes out in its place."""
        return {}


class Sending(NamedTuple):
    """A request, before any library's own object is made of it; times in seconds."""

    method: str
    url: str
    headers: dict[str, str]
    """Besides `HEADERS`."""
    content: bytes | None
    timeout: float | None
    usual_timeout: float | None


class Received(NamedTuple):
    """An answer, before any object of httpx's is made of it."""

    status: int
    headers: Mapping[str, str]
    """By names in lower case."""
    content: bytes
    cut: httpx.RequestError | None
    """Why not all of the content was read."""
