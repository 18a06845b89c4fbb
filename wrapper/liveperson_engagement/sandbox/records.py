"""What a sandbox has recorded, as frozen values whose reprs show neither ids nor personal data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, repr=False)
class SandboxRequest:
    """A request as it arrived, in `Sandbox.requests`.

    `account_id`, `visitor_id` and `session_id` are what the request named, decoded; `path` is as it was sent. `body` is
    the parsed JSON, None if the bytes in `raw_body` are none. `status` is what was answered, None if the connection was
    dropped, and `response_body` the body of that answer. `at` is monotonic time in seconds. `caller` is the caller's
    port: one for each connection.
    """

    operation_id: str | None
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    raw_body: bytes
    status: int | None
    account_id: str | None
    visitor_id: str | None
    session_id: str | None
    at: float
    caller: int
    response_body: bytes = b""

    def __repr__(self) -> str:
        return f"<SandboxRequest {self.operation_id or self.method} → {self.status or 'dropped'}>"


@dataclass(frozen=True, slots=True, repr=False)
class SandboxSession:
    """A session of a visitor: the bodies of its updates, and all attributes and impressions that were sent."""

    session_id: str
    ended: bool
    updates: tuple[Any, ...]
    attributes: tuple[Any, ...]
    impressions: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"<SandboxSession {'ended' if self.ended else 'active'}, {len(self.updates)} updates>"


@dataclass(frozen=True, slots=True, repr=False)
class SandboxVisitor:
    """A visitor on the list of an account, in `Sandbox.visitors`, with all sessions, oldest first."""

    visitor_id: str
    account_id: str
    sessions: tuple[SandboxSession, ...]

    def __repr__(self) -> str:
        return f"<SandboxVisitor, {len(self.sessions)} sessions>"
