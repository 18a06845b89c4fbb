"""Traces and metrics: a span for each call, and how long its requests and pauses took. Needs the extra `otel`.

    client = EngagementClient("le12345678", telemetry=OpenTelemetry())

Names follow OpenTelemetry's semantic conventions 1.44.0. No id, key, body or query string is reported.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Token
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

try:
    from opentelemetry import context, metrics, trace
except ImportError as error:
    raise ImportError(
        "OpenTelemetry needs one more package: pip install 'liveperson-engagement[otel]'", name=error.name
    ) from error

from liveperson_engagement_api import api

from ._version import __version__
from .errors import (
    ApiError,
    ConnectionFailed,
    DeadlineExceeded,
    DomainLookupFailed,
    InvalidRequest,
    InvalidResponse,
    StoreError,
)
from .events import RequestEvent, ResponseEvent, RetryEvent

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

SCOPE = "liveperson_engagement"
SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The bounds that the conventions give for `http.client.request.duration`."""
CALL_SECONDS = (*REQUEST_SECONDS, 15, 30, 45, 60)
"""The same, and what pauses add."""
PAUSE_SECONDS = (1, 2.5, 5, 7.5, 10, 15, 20, 30, 45, 60)

_MARK = context.create_key("liveperson_engagement")


class OpenTelemetry:
    """Reports a client's calls to OpenTelemetry: `EngagementClient(..., telemetry=OpenTelemetry())`.

    `tracer_provider` and `meter_provider` say whom; default: the program's global ones, whenever those are set. Clients
    and threads may share it. Raises `InvalidRequest` for a wrong argument.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        _check("tracer_provider", tracer_provider, trace.TracerProvider)
        _check("meter_provider", meter_provider, metrics.MeterProvider)
        self._tracer = trace.get_tracer(SCOPE, __version__, tracer_provider, SCHEMA)
        meter = metrics.get_meter(SCOPE, __version__, meter_provider, SCHEMA)
        self.calls = meter.create_histogram(
            "liveperson.call.duration",
            "s",
            "Duration of calls, with all their requests and pauses.",
            explicit_bucket_boundaries_advisory=CALL_SECONDS,
        )
        self.requests = meter.create_histogram(
            "http.client.request.duration",
            "s",
            "Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=REQUEST_SECONDS,
        )
        self.retries = meter.create_counter("liveperson.retries", "{retry}", "Requests that were sent again.")
        self.pauses = meter.create_histogram(
            "liveperson.pause.duration",
            "s",
            "Length of the pauses before retries.",
            explicit_bucket_boundaries_advisory=PAUSE_SECONDS,
        )

    @contextmanager
    def call(self, name: str) -> Generator[_Call]:
        """Observe a call that runs inside: its span is the current one."""
        span = self._tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes={"liveperson.call": name})
        call, started, inside = _Call(self, name, span), time.monotonic(), trace.set_span_in_context(span)
        try:
            with _within(inside):
                yield call
        except BaseException as error:
            call.failed(error)
            raise
        finally:
            self.calls.record(time.monotonic() - started, call.outcome, inside)
            call.end()


class _Call:
    """What is observed of one call."""

    def __init__(self, telemetry: OpenTelemetry, name: str, span: trace.Span) -> None:
        self._telemetry, self._span = telemetry, span
        self.outcome: dict[str, AttributeValue] = {"liveperson.call": name}
        self._last: dict[str, AttributeValue] = {}
        """What the last request was, and how it ended."""
        self._last_name = ""
        self._attempts, self._pauses, self._paused = 0, 0, 0.0
        self._retry: RetryEvent | None = None
        """Why the next request is a retry."""
        self._token: Token[context.Context] | None = None

    def on_request(self, event: RequestEvent) -> None:  # noqa: ARG002
        """Count the pause that is over, and keep instrumentations of HTTP libraries silent during the request."""
        if retry := self._retry:
            reason = self._reason(retry)
            self._telemetry.pauses.record(retry.pause, reason)
            self._telemetry.retries.add(1, reason)
            self._pauses, self._paused = self._pauses + 1, self._paused + retry.pause
        self._attempts += 1
        with _suppress_instrumentations()():
            silent = context.get_current()
        self._token = context.attach(silent)

    def on_response(self, event: ResponseEvent) -> None:
        """Record an attempt."""
        if self._token is not None:
            context.detach(self._token)
        retry, self._retry, self._token = self._retry, None, None
        self._last_name, request = _request(event.operation_id, event.base_url)
        ended = _ended(event.error)
        self._telemetry.requests.record(event.duration, {**request, **ended})
        if self._span.is_recording():
            operation: dict[str, AttributeValue] = {"liveperson.operation": event.operation_id}
            resent = {"http.request.resend_count": retry.attempt} if retry else {}
            self._last = {**operation, **request, **resent, **ended, **_internal_code(event.error)}
            self._span.add_event("liveperson.attempt", {**self._last, "liveperson.attempt.duration": event.duration})

    def on_retry(self, event: RetryEvent) -> None:
        """Record that a pause begins."""
        self._retry = event
        if self._span.is_recording():
            length: dict[str, AttributeValue] = {"liveperson.pause.duration": event.pause}
            number: dict[str, AttributeValue] = {"liveperson.attempt.number": event.attempt}
            reason = {**self._reason(event), **_ended(event.error), **_internal_code(event.error)}
            self._span.add_event("liveperson.pause", {**reason, **number, **length})

    def on_result(self, result: object) -> None:
        """Record what the call returns."""
        if result is not None:
            self.outcome["liveperson.from_memory"] = not self._attempts
        if status := getattr(result, "status", None):
            self.outcome["liveperson.engagement.status"] = status

    def failed(self, error: BaseException) -> None:
        """Record what is raised."""
        self.outcome["error.type"] = _type_of(error)
        self._span.set_status(trace.StatusCode.ERROR, _description(error))

    def end(self) -> None:
        """End the span."""
        if self._span.is_recording():
            if self._last_name:
                self._span.update_name(self._last_name)
            totals = {
                "liveperson.attempts": self._attempts,
                "liveperson.pauses": self._pauses,
                "liveperson.pause.total": self._paused,
            }
            last = {name: value for name, value in self._last.items() if name != "error.type"}
            self._span.set_attributes({**last, **totals, **self.outcome})
        self._span.end()

    def _reason(self, event: RetryEvent) -> dict[str, AttributeValue]:
        return {
            "liveperson.call": self.outcome["liveperson.call"],
            "liveperson.operation": event.operation_id,
            "error.type": _type_of(event.error),
        }


@contextmanager
def _within(inside: context.Context) -> Generator[None]:
    """Make a context the current one for a while.

    A coroutine that is thrown away unfinished ends in somebody else's context: nothing is put back there.
    """
    mark = object()
    token = context.attach(context.set_value(_MARK, mark, inside))
    try:
        yield
    finally:
        if context.get_value(_MARK) is mark:
            context.detach(token)


@functools.cache
def _suppress_instrumentations() -> Callable[[], AbstractContextManager[None]]:
    """Return what keeps instrumentations of HTTP libraries silent; without the package there is none to silence."""
    try:
        from opentelemetry.instrumentation.utils import suppress_http_instrumentation  # noqa: PLC0415
    except ImportError:
        return nullcontext
    return suppress_http_instrumentation


def _check(path: str, provider: object, kind: type) -> None:
    if provider is not None and not isinstance(provider, kind):
        raise InvalidRequest(path, f"must be a {kind.__name__}, not {type(provider).__name__}")


def _ended(failure: BaseException | None) -> dict[str, AttributeValue]:
    """Say how a request ended."""
    if failure is None:
        return {"http.response.status_code": 200}
    ended: dict[str, AttributeValue] = {"error.type": _type_of(failure)}
    if isinstance(failure, ApiError):
        ended["http.response.status_code"] = failure.status_code
    return ended


def _internal_code(failure: BaseException | None) -> dict[str, AttributeValue]:
    """Give the service's own code, unless exporters would choke on it. Not for metrics: it may be any number."""
    code = failure.internal_code if isinstance(failure, ApiError) else None
    return {"liveperson.internal_code": code} if code is not None and code.bit_length() < 64 else {}


def _description(error: BaseException) -> str | None:
    """Say more than the type, in words that are all our own: what libraries and servers say may be a whole URL."""
    match error:
        case InvalidRequest() | InvalidResponse() | DeadlineExceeded() | StoreError():
            return str(error)
        case ConnectionFailed() | DomainLookupFailed():
            return type(error.__cause__).__name__
        case _:
            return None


def _type_of(error: BaseException) -> str:
    """Name a status by its number, and any other failure by its class."""
    if isinstance(error, ApiError):
        return str(error.status_code)
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


@functools.lru_cache
def _request(operation_id: str, base_url: str) -> tuple[str, dict[str, AttributeValue]]:
    """Say what is requested and of whom, without a word that differs from visitor to visitor; a span's name first."""
    operation, url = api.operation(operation_id), urlsplit(base_url)
    return f"{operation.METHOD} {operation.PATH}", {
        "http.request.method": operation.METHOD,
        "url.template": operation.PATH,
        "server.address": url.hostname or "",
        "server.port": url.port or (80 if url.scheme == "http" else 443),
    }
