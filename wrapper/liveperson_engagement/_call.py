"""One call of a public method: the time that it has, and how its attempts are built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from liveperson_engagement_api.http import Request

from ._contract import contract
from ._deadline import CallDeadline
from ._json import SchemaViolation
from ._locking import Renewal
from ._operations import Answer, Attempt
from ._steps import Flow
from .errors import EngagementError, InvalidRequest
from .retry import RetryPolicy, send_with_retries


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What a client's options say of its calls; times in seconds."""

    retry: RetryPolicy
    timeout: float | None
    deadline: float | None
    headers: Mapping[str, str]
    observed: bool
    """Whether there are hooks for requests and answers."""


class Call:
    """The deadline of a call, and the ids that it has sent."""

    def __init__(self, settings: CallSettings, deadline: float | None = None) -> None:
        self.settings = settings
        self.deadline = CallDeadline(settings.deadline if deadline is None else deadline)
        self._secrets: set[str] = set()

    def attempt(self, operation_id: str, base_url: str, secrets: Mapping[str, str], **arguments: Any) -> Attempt:
        """Build the next request, from the generated function's arguments; `secrets` are those that are ids."""
        settings, operation = self.settings, contract().operations[operation_id]
        self._secrets.update(secrets.values())
        built = operation.generated.build_request(**secrets, **arguments)
        request = Request(built.method, built.path, built.query, {**settings.headers, **built.headers}, built.body)
        return Attempt(operation, base_url, request, self.deadline.cap(settings.timeout), self._secrets)

    def send(
        self,
        build_attempt: Callable[[], Flow[Attempt]],
        *,
        retry: RetryPolicy | None = None,
        on_failure: Callable[[EngagementError], Flow[None]] | None = None,
        renew: Renewal | None = None,
    ) -> Flow[Answer]:
        """Send what `build_attempt` builds until an answer is good; see `send_with_retries`."""
        return send_with_retries(
            build_attempt,
            retry or self.settings.retry,
            self.deadline,
            observed=self.settings.observed,
            on_failure=on_failure,
            renew=renew,
        )


def encode_body(operation_id: str, body: Any) -> bytes:
    """Encode what is to be sent; raise `InvalidRequest` unless the contract takes it."""
    try:
        return contract().operations[operation_id].encode_body(body)
    except SchemaViolation as violation:
        raise InvalidRequest(violation.path, violation.reason) from None
