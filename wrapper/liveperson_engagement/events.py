"""What the hooks `on_request`, `on_response` and `on_retry` are called with; telemetry uses them too."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from liveperson_engagement_api.http import Request, Response

    from .errors import EngagementError


@dataclass(frozen=True, slots=True, eq=False)
class RequestEvent:
    """A request is about to be sent. What `on_request` raises ends the call, and nothing is sent."""

    operation_id: str
    """The operation's name in the contract, such as `createSession`; `findDomain` where a call looks the host up."""
    attempt: int
    """Number of the attempt of this operation within the call, from 1."""
    base_url: str
    """Where the request goes; `request.path` follows."""
    request: Request
    """Method, path, query, headers and body; may hold ids and personal data."""


@dataclass(frozen=True, slots=True, eq=False)
class ResponseEvent:
    """An attempt has ended, with an answer or without. What `on_response` raises is logged, and the call goes on."""

    operation_id: str
    attempt: int
    base_url: str
    request: Request
    response: Response | None
    """Status, headers and body; None where none came."""
    error: BaseException | None
    """What the attempt failed with; None after a good answer."""
    duration: float
    """Seconds that the attempt took."""


@dataclass(frozen=True, slots=True, eq=False)
class RetryEvent:
    """An attempt has failed, and another one follows after a pause. What `on_retry` raises ends the call."""

    operation_id: str
    """The operation's name in the contract, such as `createSession`."""
    attempt: int
    """Number of the attempt that failed, from 1."""
    error: EngagementError
    """Its failure: what would have been raised had it been the last one."""
    pause: float
    """Seconds until the next attempt."""


Event: TypeAlias = RequestEvent | ResponseEvent | RetryEvent


class CallObserver(Protocol):
    """Observes one call of a public method."""

    def on_request(self, event: RequestEvent) -> None:
        """Note that an attempt begins."""

    def on_response(self, event: ResponseEvent) -> None:
        """Note how an attempt has ended."""

    def on_retry(self, event: RetryEvent) -> None:
        """Note that a pause begins."""

    def on_result(self, result: object) -> None:
        """Note what the call returns."""


class Telemetry(Protocol):
    """Observes a client's calls: see `liveperson_engagement.otel`."""

    def call(self, name: str) -> AbstractContextManager[CallObserver]:
        """Return a context for the call of a public method, which sees the error that it raises."""
        ...
