"""One call of a public method: its attempts, each a request by generated code, the transport, a model or an error."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from liveperson_engagement_api.http import Headers, Request, Response

from . import errors
from ._contract import Operation
from ._deadline import CallDeadline, attempt_seconds
from ._json import SchemaViolation, as_promised, decode_liberally, is_object
from ._redaction import describe_shape, redact, redact_ids
from ._steps import Flow, LockLost, Notify, Renewal, Send, Sleep
from .errors import ApiError, ConnectionFailed, EngagementError
from .events import RequestEvent, ResponseEvent, RetryEvent
from .retry import RetryPolicy, pause_after
from .transports import NoResponse, UnreadableBody

logger = logging.getLogger("liveperson_engagement")
RETRY_LINE = "%s: attempt %d failed (%s); trying again in %g s"
LONG_PAUSE = 5.0
"""Seconds; pauses from this on are warnings, so that nobody sits before a silent program."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CallSettings:
    """What a client's options say of its calls; times in seconds."""

    retry: RetryPolicy
    timeout: float | None
    deadline: float | None
    headers: Mapping[str, str]
    observed: bool
    """Whether there are hooks for requests and answers."""
    strict: bool
    """Whether members of bodies that the contract does not have are refused."""
    _merged: dict[str, tuple[Mapping[str, str], Mapping[str, str]]] = field(
        default_factory=dict[str, tuple[Mapping[str, str], Mapping[str, str]]]
    )

    def add_headers(self, operation_id: str, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Add the client's header fields to an operation's; once, if those are the same for each request."""
        known, merged = self._merged.get(operation_id, (None, headers))
        if known is not headers:
            merged = Headers([*self.headers.items(), *headers.items()])
            self._merged[operation_id] = headers, merged
        return merged


class Call:
    """One call of a public method: the time that it has, the ids that it has sent, and its attempts."""

    def __init__(self, settings: CallSettings, deadline: float | None = None) -> None:
        self.settings = settings
        self.deadline = CallDeadline(settings.deadline if deadline is None else deadline)
        self._secrets: set[str] = set()

    def attempt(
        self, operation: Operation, base_url: str, arguments: Mapping[str, Any], body: bytes | None = None
    ) -> Attempt:
        """Build a request from the arguments of the generated function."""
        self._secrets.update(operation.secrets(arguments))
        given = arguments if body is None else {**arguments, "body": body}
        built = operation.generated.build_request(**given)
        headers = self.settings.add_headers(operation.id, built.headers)
        request = Request(built.method, built.path, built.query, headers, built.body)
        return Attempt(operation, base_url, request, self._secrets)

    def send(
        self,
        build_attempt: Callable[[], Flow[Attempt]],
        *,
        retry: RetryPolicy | None = None,
        on_failure: Callable[[Attempt, EngagementError], Flow[None]] | None = None,
        renew: Renewal | None = None,
    ) -> Flow[Attempt]:
        """Send what `build_attempt` builds until an answer is good, and return that attempt; raise the last failure.

        `on_failure` may change what is built next. `renew` keeps a lock for an attempt or a pause.
        """
        observed = self.settings.observed or logger.isEnabledFor(logging.DEBUG)
        number, retry, deadline, timeout = 0, retry or self.settings.retry, self.deadline, self.settings.timeout
        failure: EngagementError | None = None
        while True:
            deadline.check(number, failure)
            attempt = yield from build_attempt()
            operation = attempt.operation
            if renew and not (yield from renew(attempt_seconds(deadline.cap(timeout)))) and not operation.idempotent:
                raise LockLost
            if observed:
                yield from Notify(RequestEvent(operation.id, number + 1, attempt.base_url, attempt.request))
            deadline.check(number, failure)
            send = attempt.send(deadline.cap(timeout))
            number += 1
            try:
                yield from _observe(attempt, number, send) if observed else send
            except EngagementError as error:
                failure = error
            else:
                return attempt
            failure.attempts = number
            if on_failure:
                yield from on_failure(attempt, failure)
            pause = pause_after(retry, number, failure, operation)
            if pause is not None or isinstance(failure, ConnectionFailed):
                deadline.check(number, failure, pause or 0)
            if pause is None:
                raise failure
            outcome = _outcome(failure)
            level = logging.INFO if pause < LONG_PAUSE else logging.WARNING
            logger.log(level, RETRY_LINE, operation.id, number, outcome, pause)
            if renew:
                yield from renew(pause)
            yield from Notify(RetryEvent(operation.id, number, failure, pause))
            deadline.check(number, failure, pause)
            started = time.monotonic()
            yield from Sleep(pause)
            deadline.add_skipped(pause - (time.monotonic() - started))


@dataclass(slots=True, eq=False, repr=False)
class Attempt:
    """One request of a call, and its answer."""

    operation: Operation
    base_url: str
    request: Request
    secrets: Collection[str]
    """The ids that the call has sent by now: never to be printed."""
    response: Response | None = None
    """What came, good or not."""
    value: Any = None
    """The generated model of a good answer; None where the contract has no body."""

    def send(self, timeout: float | None) -> Flow[None]:
        """Send the request and read its answer; raise unless it is good. A status counts even without its body."""
        try:
            response = yield from Send(self.base_url, self.request, timeout)
        except NoResponse as failure:
            if failure.response is None or is_success(failure.response):
                self.response = failure.response
                raise self._to_connection_error(failure) from failure.__cause__
            response = failure.response
        except UnreadableBody as failure:
            response = failure.response
            if is_success(response):
                self.response = response
                raise self.invalid_response("body", failure.reason) from failure.__cause__
        self.response = response
        if response.status == 101:
            raise errors.ConnectionFailed("the protocol was switched, unasked", may_have_arrived=True)
        if not is_success(response):
            raise self._to_api_error(response)
        try:
            self.value = self.operation.parse(response.body, response.status)
        except SchemaViolation as violation:
            if logger.isEnabledFor(logging.DEBUG):
                logger.debug("%s: the answer's shape: %s", self.operation.id, describe_shape(response.body))
            raise self.invalid_response(violation.path, violation.reason) from None

    def invalid_response(self, path: str, reason: str) -> errors.InvalidResponse:
        """Return the error for an answer that cannot be used."""
        return errors.InvalidResponse(path, reason, self.response or Response(0))

    def _to_connection_error(self, failure: NoResponse) -> errors.ConnectionFailed:
        kind = errors.Timeout if failure.timed_out else errors.ConnectionFailed
        reason = redact_ids(failure.reason, self.secrets)
        return kind(reason, may_have_arrived=failure.may_have_arrived, permanent=failure.permanent)

    def _to_api_error(self, response: Response) -> errors.ApiError:
        status, loading, entity = response.status, self.operation.policy.account_loading, _error_entity(response.body)
        code, message = as_promised("integer", entity.get("internalCode")), as_promised("string", entity.get("message"))
        code = int(code) if isinstance(code, int | float) and not isinstance(code, bool) and _fits(code) else None
        message = message if isinstance(message, str) else None
        kind = _KINDS.get(status, errors.ServerError if 500 <= status < 600 else errors.ApiError)
        secrets = [*self.secrets]
        if loading:
            secrets += loading.visitor_in_message.findall(message or "")
            if (status, code) == (loading.status, loading.internal_code):
                kind = errors.AccountLoading
        shown = redact(message or "", secrets, self.request.body) or "no message"
        return kind(errors.api_error_line(status, shown, code), response, code, message)


_KINDS: dict[int, type[errors.ApiError]] = {400: errors.BadRequest, 401: errors.Unauthorized, 404: errors.NotFound}


def is_success(response: Response) -> bool:
    """Return whether a status says so."""
    return 200 <= response.status < 300


def _fits(number: float) -> bool:
    """Return whether a number is a whole one of 64 bits."""
    return -(2**63) <= number < 2**63 and number == int(number)


def _error_entity(body: bytes) -> dict[str, Any]:
    """Read the error entity, plain or wrapped; empty where there is none."""
    try:
        entity = decode_liberally(body)
    except SchemaViolation:
        return {}
    entity = entity.get("error", entity) if is_object(entity) else None
    return entity if is_object(entity) else {}


def _observe(attempt: Attempt, number: int, send: Flow[None]) -> Flow[None]:
    """Send an attempt, and say how it has ended."""
    operation_id, base_url, request = attempt.operation.id, attempt.base_url, attempt.request

    def notify_response(error: BaseException | None) -> Flow[None]:
        took = time.monotonic() - started
        logger.debug("%s: attempt %d: %s after %.3f s", operation_id, number, _outcome(error), took)
        try:
            yield from Notify(ResponseEvent(operation_id, number, base_url, request, attempt.response, error, took))
        except Exception as failure:  # noqa: BLE001 - the answer counts, and its ids are to be remembered
            logger.warning("on_response raised %s; the call goes on", type(failure).__name__)

    started = time.monotonic()
    try:
        yield from send
    except GeneratorExit:  # a task that is thrown away: nobody takes its steps any more
        raise
    except BaseException as error:
        yield from notify_response(error)
        raise
    yield from notify_response(None)


def _outcome(error: BaseException | None) -> str:
    """Say how an attempt ended, without a word of the server's."""
    if isinstance(error, ApiError):
        code = "" if error.internal_code is None else f", internal code {error.internal_code}"
        return f"status {error.status_code}{code}"
    return type(error).__name__ if error else "status 200"
