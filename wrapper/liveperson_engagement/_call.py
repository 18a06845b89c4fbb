"""One call of a public method: its attempts, each a request by generated code, the transport, a model or an error."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from liveperson_engagement_api.http import Request, Response

from . import errors
from ._contract import Operation, contract
from ._deadline import CallDeadline, attempt_seconds
from ._json import SchemaViolation, is_object
from ._redaction import redact, redact_ids
from ._steps import Flow, LockLost, Notify, Renewal, Send, Sleep
from .errors import ApiError, ConnectionFailed, EngagementError
from .events import RequestEvent, ResponseEvent, RetryEvent
from .retry import RetryPolicy, pause_after
from .transports import NoResponse, UnreadableBody

logger = logging.getLogger("liveperson_engagement")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CallSettings:
    """What a client's options say of its calls; times in seconds."""

    retry: RetryPolicy
    timeout: float | None
    deadline: float | None
    headers: Mapping[str, str]
    observed: bool
    """Whether there are hooks for requests and answers."""
    _merged: dict[str, tuple[Mapping[str, str], Mapping[str, str]]] = field(
        default_factory=dict[str, tuple[Mapping[str, str], Mapping[str, str]]]
    )

    def add_headers(self, operation_id: str, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Add the client's header fields to an operation's; once, if those are the same for each request."""
        known, merged = self._merged.get(operation_id, (None, headers))
        if known is not headers:
            merged = {**self.headers, **headers}
            self._merged[operation_id] = headers, merged
        return merged


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
        headers = self.settings.add_headers(operation_id, built.headers)
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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Answer:
    """A good answer."""

    value: Any
    """The generated model; None where the contract has no body."""
    response: Response


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Attempt:
    """One request of a call, and what is needed to read its answer."""

    operation: Operation
    base_url: str
    request: Request
    timeout: float | None
    """Seconds from connecting to the end of the answer."""
    secrets: Iterable[str]
    """The ids that the call has sent by now: never to be printed."""

    def send(self) -> Flow[Answer]:
        """Send the request and return its answer; raise unless it is good. A status counts even without its body."""
        try:
            response = yield from Send(self.base_url, self.request, self.timeout)
        except NoResponse as failure:
            if failure.response is None or is_success(failure.response):
                raise self._to_connection_error(failure) from failure.__cause__
            response = failure.response
        except UnreadableBody as failure:
            if is_success(failure.response):
                raise errors.InvalidResponse("body", failure.reason, failure.response) from failure.__cause__
            response = failure.response
        if response.status == 101:
            raise errors.ConnectionFailed("the protocol was switched, unasked", may_have_arrived=True)
        return Answer(self._parse(response), response)

    def _parse(self, response: Response) -> Any:
        if not is_success(response):
            raise self._to_api_error(response)
        if response.status != 200:
            raise errors.InvalidResponse(
                "status", f"{response.status} is not an answer that the contract has", response
            )
        try:
            return self.operation.parse(response.body)
        except SchemaViolation as violation:
            raise errors.InvalidResponse(violation.path, violation.reason, response) from None

    def _to_connection_error(self, failure: NoResponse) -> errors.ConnectionFailed:
        kind = errors.Timeout if failure.timed_out else errors.ConnectionFailed
        reason = redact_ids(failure.reason, self.secrets)
        return kind(reason, may_have_arrived=failure.may_have_arrived)

    def _to_api_error(self, response: Response) -> errors.ApiError:
        status, policy, entity = response.status, self.operation.policy, _error_entity(response.body)
        code, message = entity.get("internalCode"), entity.get("message")
        code = code if isinstance(code, int) and not isinstance(code, bool) and -(2**63) <= code < 2**63 else None
        message = message if isinstance(message, str) else None
        kind = _KINDS.get(status, errors.ServerError if status in policy.statuses else errors.ApiError)
        if (status, code) == policy.account_loading:
            kind = errors.AccountLoading
        secrets = [*self.secrets, *policy.visitor_in_message.findall(message or "")]
        return kind(status, code, message, redact(message or "", secrets, self.request.body), response)


_KINDS: dict[int, type[errors.ApiError]] = {400: errors.BadRequest, 401: errors.Unauthorized, 404: errors.NotFound}


def is_success(response: Response) -> bool:
    """Return whether a status says so."""
    return 200 <= response.status < 300


def _error_entity(body: bytes) -> dict[str, Any]:
    """Read the error entity, plain or wrapped; empty where there is none."""
    try:
        entity = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    entity = entity.get("error", entity) if is_object(entity) else None
    return entity if is_object(entity) else {}


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
