"""When to try again, after how long, and when to give up.

The rule is the contract's `x-retry-policy` (the vendor's Create Session page, "Retry Policy Recommendation"):

    3xx, 4xx     never
    5xx          up to 3 more attempts, after pauses of 5, 10 and 15 seconds
    not sent     the same
    no answer    the same, if the request can arrive twice without making a second visitor
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from liveperson_engagement_api.http import Request, Response

from ._contract import Operation, contract
from ._deadline import CallDeadline, check_seconds
from ._locking import LockLost, Renewal, attempt_seconds
from ._operations import Answer, Attempt
from ._steps import Flow, Notify, Sleep
from .errors import (
    ApiError,
    ConnectionFailed,
    EngagementError,
    ServerError,
)
from .events import RequestEvent, ResponseEvent, RetryEvent

logger = logging.getLogger("liveperson_engagement")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How many more attempts a call gets, and the pause before each, in seconds; default: the contract's."""

    pauses: tuple[float, ...] = field(default_factory=lambda: contract().operations["createSession"].policy.pauses)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pauses", tuple(self.pauses))
        for index, pause in enumerate(self.pauses):
            check_seconds(f"retry.pauses[{index}]", pause)

    @classmethod
    def none(cls) -> RetryPolicy:
        """Try once: for callers that cannot wait."""
        return cls(pauses=())


def pause_after(retry: RetryPolicy, number: int, failure: EngagementError, operation: Operation) -> float | None:
    """Return the pause in seconds that follows the failure of attempt `number`, or None to give up."""
    if number > len(retry.pauses):
        return None
    match failure:
        case ServerError():
            longer = min(retry_after(failure.response.headers), operation.policy.longest_retry_after)
            return max(retry.pauses[number - 1], longer)
        case ConnectionFailed() if operation.idempotent or not failure.may_have_arrived:
            return retry.pauses[number - 1]
        case _:
            return None


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3), or 0 without a readable one.

    A date is compared with the answer's own Date header, so that clocks that differ do no harm.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    asked, now = _date(text), _date(headers.get("Date", ""))
    return (asked - (now or datetime.now(UTC))).total_seconds() if asked else 0.0


def _date(text: str) -> datetime | None:
    """Read an HTTP date in any of its forms; one without a zone is UTC."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


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
    """One call of a public method: the time that it has, the ids that it has sent, and its attempts."""

    def __init__(self, settings: CallSettings, deadline: float | None = None) -> None:
        self.settings = settings
        self.deadline = CallDeadline(settings.deadline if deadline is None else deadline)
        self._secrets: set[str] = set()

    def attempt(self, operation_id: str, base_url: str, secrets: Mapping[str, str], **arguments: Any) -> Attempt:
        """Build a request from the generated function's arguments; `secrets` are those that are ids."""
        self._secrets.update(secrets.values())
        operation = contract().operations[operation_id]
        built = operation.generated.build_request(**secrets, **arguments)
        headers = {**self.settings.headers, **built.headers}
        request = Request(built.method, built.path, built.query, headers, built.body)
        return Attempt(operation, base_url, request, self.deadline.cap(self.settings.timeout), self._secrets)

    def send(
        self,
        build_attempt: Callable[[], Flow[Attempt]],
        *,
        retry: RetryPolicy | None = None,
        on_failure: Callable[[EngagementError], Flow[None]] | None = None,
        renew: Renewal | None = None,
    ) -> Flow[Answer]:
        """Send what `build_attempt` builds until an answer is good; raise the failure that ends the call.

        `on_failure` may change what is built next. `renew` keeps a lock for an attempt or a pause.
        """
        observed = self.settings.observed or logger.isEnabledFor(logging.DEBUG)
        number, retry, deadline = 0, retry or self.settings.retry, self.deadline
        while True:
            deadline.remaining()
            number += 1
            attempt = yield from build_attempt()
            operation = attempt.operation
            if renew and not (yield from renew(attempt_seconds(attempt.timeout))) and not operation.idempotent:
                raise LockLost
            try:
                return (yield from _observe(attempt, number) if observed else attempt.send())
            except EngagementError as error:
                failure = error
            failure.attempts = number
            if on_failure:
                yield from on_failure(failure)
            pause = pause_after(retry, number, failure, operation)
            if pause is None and not (isinstance(failure, ConnectionFailed) and not deadline.can_wait(0)):
                raise failure
            if pause is None or not deadline.can_wait(pause):
                exceeded = deadline.exceeded()
                exceeded.attempts = number
                raise exceeded from failure
            outcome = _outcome(failure)
            logger.info("%s: attempt %d failed (%s); trying again in %g s", operation.id, number, outcome, pause)
            if renew:
                yield from renew(pause)
            started = time.monotonic()
            yield from Notify(RetryEvent(operation.id, number, failure, pause))
            yield from Sleep(pause)
            deadline.add_skipped(pause - (time.monotonic() - started))


def _observe(attempt: Attempt, number: int) -> Flow[Answer]:
    """Send an attempt between its two events."""
    operation_id, base_url, request = attempt.operation.id, attempt.base_url, attempt.request

    def notify_response(response: Response | None, error: BaseException | None) -> Flow[None]:
        took = time.monotonic() - started
        logger.debug("%s: attempt %d: %s after %.3f s", operation_id, number, _outcome(error), took)
        try:
            yield from Notify(ResponseEvent(operation_id, number, base_url, request, response, error, took))
        except Exception as failure:  # noqa: BLE001 - the answer counts, and its ids are to be remembered
            logger.warning("on_response raised %s; the call goes on", type(failure).__name__)

    yield from Notify(RequestEvent(operation_id, number, base_url, request))
    started = time.monotonic()
    try:
        answer = yield from attempt.send()
    except GeneratorExit:  # a task that is thrown away: nobody takes its steps any more
        raise
    except BaseException as error:
        yield from notify_response(getattr(error, "response", None), error)
        raise
    yield from notify_response(answer.response, None)
    return answer


def _outcome(error: BaseException | None) -> str:
    """Say how an attempt ended, without a word of the server's."""
    if isinstance(error, ApiError):
        code = "" if error.internal_code is None else f", internal code {error.internal_code}"
        return f"status {error.status_code}{code}"
    return type(error).__name__ if error else "status 200"
