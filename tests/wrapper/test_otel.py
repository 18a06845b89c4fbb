"""Traces and metrics: one span for each call, what they hold, and what they never hold."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import re
import subprocess
import sys
import threading
import time
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult, StaticSampler
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import SpanKind, StatusCode

from checkout import ROOT
from conftest import BODY, Backend
from life import StoreDown, live
from liveperson_engagement import (
    AsyncEngagementClient,
    ConnectionFailed,
    DeadlineExceeded,
    DomainLookupFailed,
    EngagementClient,
    InvalidRequest,
    InvalidResponse,
    NotFound,
    RetryEvent,
    RetryPolicy,
    StoreError,
    Timeout,
    Unauthorized,
    __version__,
)
from liveperson_engagement._contract import contract
from liveperson_engagement.otel import SCHEMA, OpenTelemetry
from liveperson_engagement.sandbox import Sandbox

CREATE = "/api/account/{accountId}/app/engagement/visitors/"
VISITOR = "/api/account/{accountId}/app/engagement/visitors/{visitorId}"
DOMAIN = "/api/account/{accountId}/service/{serviceName}/baseURI.json"
CALLS = ("create_session", "engagement", "update_session", "report_impressions", "forget", "find_domain")


class Watcher:
    """OpenTelemetry's own SDK, exporting to memory."""

    def __init__(self) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.telemetry = OpenTelemetry(self.tracers, self.meters)

    @property
    def spans(self) -> list[ReadableSpan]:
        """All spans that have ended, in that order."""
        return list(self._exporter.get_finished_spans())

    @property
    def span(self) -> ReadableSpan:
        """The one that ended last."""
        return self.spans[-1]

    @property
    def metrics(self) -> dict[str, Any]:
        """Each metric by its name."""
        data = self._reader.get_metrics_data()
        scopes = [scope for each in data.resource_metrics for scope in each.scope_metrics] if data else []
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def points(self, name: str) -> list[tuple[dict[str, Any], float, float]]:
        """A metric's attributes, and the count and sum of what was measured."""
        points: list[Any] = self.metrics[name].data.data_points if name in self.metrics else []
        return [(dict(each.attributes), each.count, each.sum) for each in points]

    def told(self) -> list[str]:
        """Everything that was exported, as text."""
        data = self._reader.get_metrics_data()
        return [*(span.to_json() for span in self.spans), data.to_json() if data else ""]


@pytest.fixture
def watcher() -> Watcher:
    """Watch with a fresh SDK; the global one is left alone."""
    return Watcher()


@pytest.fixture
def watched(backend: Backend, sandbox: Sandbox, watcher: Watcher) -> EngagementClient:
    """Connect a client that is watched."""
    return backend.client(base_url=sandbox.url, telemetry=watcher.telemetry)


def attributes(span: Any) -> dict[str, Any]:
    """What a span or an event says, but for times and addresses."""
    passing = {"server.address", "server.port", "liveperson.attempt.duration"}
    return {name: value for name, value in span.attributes.items() if name not in passing}


def test_a_call_is_one_client_span(watched: EngagementClient, sandbox: Sandbox, watcher: Watcher) -> None:
    """Named after method and path of the contract, with the attributes that the conventions ask for."""
    watched.visit("shopper").create_session(BODY)
    [span] = watcher.spans
    assert (span.name, span.kind, span.parent) == (f"POST {CREATE}", SpanKind.CLIENT, None)
    assert (span.status.status_code, span.status.description) == (StatusCode.UNSET, None)
    host, port = sandbox.host.split(":")
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "url.template": CREATE,
        "server.address": host,
        "server.port": int(port),
        "http.response.status_code": 200,
        "liveperson.call": "create_session",
        "liveperson.operation": "createSession",
        "liveperson.attempts": 1,
        "liveperson.pauses": 0,
        "liveperson.pause.total": 0.0,
        "liveperson.from_memory": False,
        "liveperson.engagement.status": "Available",
    }
    [event] = span.events
    assert event.name == "liveperson.attempt"
    assert attributes(event) == {
        "http.request.method": "POST",
        "url.template": CREATE,
        "http.response.status_code": 200,
        "liveperson.operation": "createSession",
    }


def test_the_conventions_version_is_named(watched: EngagementClient, watcher: Watcher) -> None:
    """By its schema, one that the SDK knows unless it is older, with the package's name and version."""
    watched.visit("shopper").create_session(BODY)
    scope = watcher.span.instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.version) == ("liveperson_engagement", __version__)
    assert scope.schema_url == SCHEMA
    known = {each.value for each in Schemas}
    assert SCHEMA in known or max(known) < SCHEMA


def test_every_call_has_its_span(watched: EngagementClient, sandbox: Sandbox, watcher: Watcher) -> None:
    """Those that make no request are named after the call; an answer from memory says so."""
    visit = watched.visit("shopper")
    visit.create_session(BODY)
    visit.engagement(BODY)
    visit.update_session({})
    visit.report_impressions("impDisplay")
    sandbox.not_available()
    visit.create_session(BODY)
    visit.forget()
    watched.find_domain()
    seen = [
        (
            span.name,
            attributes(span)["liveperson.call"],
            attributes(span)["liveperson.attempts"],
            attributes(span).get("liveperson.from_memory"),
            attributes(span).get("liveperson.engagement.status"),
        )
        for span in watcher.spans
    ]
    assert seen == [
        (f"POST {CREATE}", "create_session", 1, False, "Available"),
        ("engagement", "engagement", 0, True, "Available"),
        (f"PUT {VISITOR}", "update_session", 1, None, None),
        (f"PUT {VISITOR}", "report_impressions", 1, None, None),
        (f"POST {VISITOR}", "create_session", 1, False, "NotAvailable"),
        ("forget", "forget", 0, None, None),
        ("find_domain", "find_domain", 0, True, None),
    ]
    assert {span.kind for span in watcher.spans} == {SpanKind.CLIENT}
    memory = next(span for span in watcher.spans if span.name == "engagement")
    assert not [name for name in memory.attributes or {} if name.startswith(("http.", "url.", "server."))]
    assert not memory.events


def test_a_span_shows_retries_and_pauses_in_their_order(
    watched: EngagementClient, sandbox: Sandbox, watcher: Watcher
) -> None:
    """Its attributes tell of the last request and of all together; a call that recovered is no error."""
    sandbox.loading_account()
    sandbox.fail_next(503, internal_code=13, retry_after=20)
    watched.visit("shopper").create_session(BODY)
    [span] = watcher.spans
    assert span.name == f"POST {VISITOR}"
    assert span.status.status_code is StatusCode.UNSET
    assert attributes(span) == {
        "http.request.method": "POST",
        "url.template": VISITOR,
        "http.request.resend_count": 2,
        "http.response.status_code": 200,
        "liveperson.call": "create_session",
        "liveperson.operation": "continueSession",
        "liveperson.attempts": 3,
        "liveperson.pauses": 2,
        "liveperson.pause.total": 25.0,
        "liveperson.from_memory": False,
        "liveperson.engagement.status": "Available",
    }
    first, second = {"error.type": "500", "http.response.status_code": 500, "liveperson.internal_code": 20}, {
        "error.type": "503", "http.response.status_code": 503, "liveperson.internal_code": 13,
    }  # fmt: skip
    create = {"http.request.method": "POST", "url.template": CREATE, "liveperson.operation": "createSession"}
    go_on = {"http.request.method": "POST", "url.template": VISITOR, "liveperson.operation": "continueSession"}
    paused = {"liveperson.call": "create_session"}
    assert [(event.name, attributes(event)) for event in span.events] == [
        ("liveperson.attempt", {**create, **first}),
        (
            "liveperson.pause",
            {
                **paused,
                **first,
                "liveperson.operation": "createSession",
                "liveperson.attempt.number": 1,
                "liveperson.pause.duration": 5.0,
            },
        ),
        ("liveperson.attempt", {**go_on, **second, "http.request.resend_count": 1}),
        (
            "liveperson.pause",
            {
                **paused,
                **second,
                "liveperson.operation": "continueSession",
                "liveperson.attempt.number": 2,
                "liveperson.pause.duration": 20.0,
            },
        ),
        ("liveperson.attempt", {**go_on, "http.response.status_code": 200, "http.request.resend_count": 2}),
    ]
    times = [event.timestamp for event in span.events]
    assert times == sorted(times)


def test_a_lookup_of_the_host_belongs_to_the_call_that_needs_it(
    backend: Backend, sandbox: Sandbox, watcher: Watcher
) -> None:
    """Its request and pause are counted; the first request to the host itself is not a retry."""
    sandbox.fail_next(503, operation="findDomain")
    client = backend.client(domain_api=sandbox.url, telemetry=watcher.telemetry)
    client.visit("shopper").create_session(BODY)
    [span] = watcher.spans
    assert span.name == f"POST {CREATE}"
    assert "http.request.resend_count" not in attributes(span)
    assert (attributes(span)["liveperson.attempts"], attributes(span)["liveperson.pause.total"]) == (3, 5.0)
    assert [(event.name, attributes(event)["liveperson.operation"]) for event in span.events] == [
        ("liveperson.attempt", "findDomain"),
        ("liveperson.pause", "findDomain"),
        ("liveperson.attempt", "findDomain"),
        ("liveperson.attempt", "createSession"),
    ]
    sandbox.fail_next(404, operation="findDomain")
    with pytest.raises(DomainLookupFailed):
        backend.client(domain_api=sandbox.url, telemetry=watcher.telemetry).find_domain()
    assert (watcher.span.name, watcher.span.status.status_code) == (f"GET {DOMAIN}", StatusCode.ERROR)
    assert attributes(watcher.span)["http.response.status_code"] == 404


def failing(watched: EngagementClient, sandbox: Sandbox, how: str) -> Any:
    """Make a call fail."""
    client = watched.with_options(retry=RetryPolicy.none())
    body: Any = BODY
    limits: dict[str, Any] = {}
    match how:
        case "status":
            sandbox.fail_next(401, internal_code=6)
        case "redirect":
            sandbox.fail_next(302)
        case "broken":
            sandbox.answer_next(body="{}")
        case "lost":
            sandbox.drop_connection()
        case "slow":
            client = client.with_options(timeout=0.2)
            sandbox.slow(1)
        case "late":
            client, limits = watched, {"deadline": 1}
            sandbox.fail_next(503)
        case "wrong":
            body = {**BODY, "appType": "shopper-42"}
        case _:
            client = client.with_options(store=StoreDown())
    return client.visit("shopper").create_session(body, **limits)


class Stop(Exception):
    """What a caller's own code raises, with whatever it likes in its words."""


@pytest.mark.parametrize(
    ("how", "kind", "error_type", "status", "description"),
    [
        ("status", Unauthorized, "401", 401, None),
        ("redirect", Exception, "302", 302, None),
        ("broken", InvalidResponse, "InvalidResponse", None, "the service's answer breaks the contract: .+"),
        ("lost", ConnectionFailed, "ConnectionFailed", None, r"\w*(Connect|Read)\w*Error"),
        ("slow", Timeout, "Timeout", None, r"\w*Timeout\w*"),
        ("late", DeadlineExceeded, "DeadlineExceeded", 503, "deadline: .+"),
        ("wrong", InvalidRequest, "InvalidRequest", None, "appType: must be one of MSDK, EXTERNAL"),
        ("store", StoreError, "StoreError", None, r"session store: load failed \(OSError\); .+"),
    ],
)
def test_a_call_that_fails_is_an_error_with_its_type(
    watched: EngagementClient,
    sandbox: Sandbox,
    watcher: Watcher,
    *,
    how: str,
    kind: type[Exception],
    error_type: str,
    status: int | None,
    description: str | None,
) -> None:
    """The status, or else the class; described in our own words, not a library's. No exception's stack is written."""
    with pytest.raises(kind):
        failing(watched, sandbox, how)
    [span] = watcher.spans
    told = attributes(span)
    expected = error_type if error_type.isdigit() else f"liveperson_engagement.errors.{error_type}"
    assert (span.status.status_code, told["error.type"]) == (StatusCode.ERROR, expected)
    assert told.get("http.response.status_code") == status
    assert re.fullmatch(description or "None", str(span.status.description))
    assert "exception" not in {event.name for event in span.events}
    [(measured, count, _)] = watcher.points("liveperson.call.duration")
    assert (measured, count) == ({"liveperson.call": "create_session", "error.type": expected}, 1)


def test_a_callers_own_error_is_not_repeated(backend: Backend, sandbox: Sandbox, watcher: Watcher) -> None:
    """Nobody knows what is in them. A pause that did not begin is not counted."""

    def stop(_: RetryEvent) -> None:
        raise Stop("of shopper-42")

    sandbox.fail_next(503)
    client = backend.client(base_url=sandbox.url, telemetry=watcher.telemetry, on_retry=stop)
    with pytest.raises(Stop):
        client.visit("shopper-42").create_session(BODY)
    told = attributes(watcher.span)
    assert (watcher.span.status.status_code, watcher.span.status.description) == (StatusCode.ERROR, None)
    assert (told["error.type"], told["liveperson.attempts"], told["liveperson.pauses"]) == ("test_otel.Stop", 1, 0)
    assert watcher.points("liveperson.pause.duration") == []
    assert "shopper" not in "".join(watcher.told())


@pytest.mark.parametrize("code", [10**30, -(10**30), 13, None])
def test_an_internal_code_that_no_exporter_could_write_is_left_out(
    watched: EngagementClient, sandbox: Sandbox, watcher: Watcher, code: int | None
) -> None:
    """OTLP has 64 bits for a number, and would lose all spans that are sent with this one."""
    sandbox.fail_next(400, body=json.dumps({"internalCode": code}))
    with pytest.raises(Exception, match=r"\[400\]"):
        watched.visit("shopper").create_session(BODY)
    assert attributes(watcher.span).get("liveperson.internal_code") == (code if code == 13 else None)


def test_a_whole_life_tells_no_ids_keys_or_bodies(backend: Backend, sandbox: Sandbox, watcher: Watcher) -> None:
    """Neither in a span nor in an event or metric."""
    secrets, raised = live(backend, sandbox, telemetry=watcher.telemetry)
    assert len({str(kind) for kind in raised}) > 10
    assert {attributes(span)["liveperson.call"] for span in watcher.spans} == set(CALLS)
    assert len(secrets) > 10
    for text in watcher.told():
        assert not [secret for secret in {*secrets, "?"} if secret in text], text
    templates = {
        attributes(event)["url.template"]
        for span in watcher.spans
        for event in span.events
        if event.name == "liveperson.attempt"
    }
    assert templates == {CREATE, VISITOR, DOMAIN}


def test_the_routes_are_those_of_the_contract(watched: EngagementClient, sandbox: Sandbox, watcher: Watcher) -> None:
    """What is sent fits the template that is told."""
    visit = watched.visit("shopper")
    visit.create_session(BODY)
    visit.create_session(BODY)
    visit.update_session({})
    told = [(attributes(span)["http.request.method"], attributes(span)["url.template"]) for span in watcher.spans]
    sent = [
        (each.method, each.path.replace("/demo/", "/{accountId}/").replace(each.visitor_id or "\0", "{visitorId}"))
        for each in sandbox.requests
    ]
    assert told == sent == [("POST", CREATE), ("POST", VISITOR), ("PUT", VISITOR)]


def test_metrics_count_calls_requests_retries_and_pauses(
    watched: EngagementClient, sandbox: Sandbox, watcher: Watcher
) -> None:
    """With few different attributes, the conventions' own where there are such."""
    visit = watched.visit("shopper")
    sandbox.fail_next(503, times=2)
    visit.create_session(BODY)
    visit.engagement(BODY)
    visit.engagement(BODY)
    sandbox.forget_visitors()
    with pytest.raises(NotFound):
        visit.update_session({})
    host, port = sandbox.host.split(":")
    server = {"server.address": host, "server.port": int(port)}
    create = {**server, "http.request.method": "POST", "url.template": CREATE}
    update = {**server, "http.request.method": "PUT", "url.template": VISITOR}
    requests = [(told, count) for told, count, _ in watcher.points("http.client.request.duration")]
    assert requests == [
        ({**create, "http.response.status_code": 503, "error.type": "503"}, 2),
        ({**create, "http.response.status_code": 200}, 1),
        ({**update, "http.response.status_code": 404, "error.type": "404"}, 1),
    ]
    why = {"liveperson.call": "create_session", "liveperson.operation": "createSession", "error.type": "503"}
    [retries] = watcher.metrics["liveperson.retries"].data.data_points
    assert (dict(retries.attributes), retries.value) == (why, 2)
    assert watcher.points("liveperson.pause.duration") == [(why, 2, 15.0)]
    assert [(told, count) for told, count, _ in watcher.points("liveperson.call.duration")] == [
        (
            {
                "liveperson.call": "create_session",
                "liveperson.from_memory": False,
                "liveperson.engagement.status": "Available",
            },
            1,
        ),
        (
            {
                "liveperson.call": "engagement",
                "liveperson.from_memory": True,
                "liveperson.engagement.status": "Available",
            },
            2,
        ),
        ({"liveperson.call": "update_session", "error.type": "404"}, 1),
    ]


def test_metrics_have_the_conventions_units_and_buckets(
    watched: EngagementClient, sandbox: Sandbox, watcher: Watcher
) -> None:
    """Seconds, and bounds that tell the documented pauses apart."""
    sandbox.fail_next(503)
    watched.visit("shopper").create_session(BODY)
    metrics = watcher.metrics
    assert {name: metric.unit for name, metric in metrics.items()} == {
        "http.client.request.duration": "s",
        "liveperson.call.duration": "s",
        "liveperson.pause.duration": "s",
        "liveperson.retries": "{retry}",
    }
    assert metrics["http.client.request.duration"].description == "Duration of HTTP client requests."
    bounds = {name: each.data.data_points[0].explicit_bounds for name, each in metrics.items() if each.unit == "s"}
    conventional = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    assert bounds["http.client.request.duration"] == conventional
    assert bounds["liveperson.call.duration"][: len(conventional)] == conventional
    pauses = contract().operations["createSession"].policy.pauses
    assert set(pauses) <= set(bounds["liveperson.pause.duration"])


@pytest.mark.backends("sync", "sync fast")
def test_the_span_is_current_while_the_call_runs_and_no_longer(
    backend: Backend, sandbox: Sandbox, watcher: Watcher
) -> None:
    """A caller's span is its parent; spans that a callback makes lie below it."""
    tracer = watcher.tracers.get_tracer("of the program")

    def tell(_: RetryEvent) -> None:
        with tracer.start_as_current_span("told"):
            pass

    client = backend.client(base_url=sandbox.url, telemetry=watcher.telemetry, on_retry=tell)
    sandbox.fail_next(503)
    with tracer.start_as_current_span("outer") as outer:
        client.visit("shopper").create_session(BODY)
        assert trace.get_current_span() is outer
        with pytest.raises(InvalidRequest):
            client.visit("shopper").create_session({})  # type: ignore[typeddict-item]
        assert trace.get_current_span() is outer
    assert trace.get_current_span() is trace.INVALID_SPAN
    told, call, refused, _ = watcher.spans
    assert [parent(span) for span in (told, call, refused)] == [*ids([call]), *ids([outer]), *ids([outer])]


class Peeking(httpx.HTTPTransport):
    """Notes what an instrumentation of the HTTP library would find."""

    found: list[tuple[trace.Span, bool]]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Note, and send."""
        self.found.append(silenced())
        return super().handle_request(request)


class AsyncPeeking(httpx.AsyncHTTPTransport):
    """The same for asyncio."""

    found: list[tuple[trace.Span, bool]]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Note, and send."""
        self.found.append(silenced())
        return await super().handle_async_request(request)


def ids(spans: Any) -> set[int]:
    """Name spans, those that have ended and those that have not."""
    return {span.get_span_context().span_id for span in spans}


def parent(span: ReadableSpan) -> int | None:
    """Name the span that a span lies below."""
    return span.parent and span.parent.span_id


def until_asked(sandbox: Sandbox) -> None:
    """Wait for the first request."""
    while not sandbox.requests:
        time.sleep(0.002)


def silenced() -> tuple[trace.Span, bool]:
    """Return the current span, and whether instrumentations of HTTP libraries are told to be silent."""
    return trace.get_current_span(), not is_http_instrumentation_enabled()


@pytest.mark.backends("sync", "async")
def test_instrumentations_of_the_http_library_are_silent_meanwhile(
    backend: Backend, sandbox: Sandbox, watcher: Watcher
) -> None:
    """They would write whole URLs, with ids in them, and count every request once more; elsewhere they go on."""
    found: list[tuple[trace.Span, bool]] = []
    transport: Any = Peeking() if backend.name == "sync" else AsyncPeeking()
    transport.found = found
    told: list[tuple[trace.Span, bool]] = []
    client = backend.client(
        base_url=sandbox.url,
        telemetry=watcher.telemetry,
        transport=transport,
        on_retry=lambda _: told.append(silenced()),  # pyright: ignore[reportUnknownLambdaType]
    )
    sandbox.fail_next(503)
    client.visit("shopper").create_session(BODY)
    [span] = watcher.spans
    assert [silent for _, silent in found] == [True, True]
    assert [silent for _, silent in told] == [False]
    assert ids(each for each, _ in found + told) == ids([span])
    assert silenced() == (trace.INVALID_SPAN, False)


def test_calls_of_many_threads_keep_their_spans_apart(sandbox: Sandbox, watcher: Watcher) -> None:
    """Each has its own, with its own attempts."""
    meet = threading.Barrier(4)
    seen: list[trace.Span] = []

    def pause(_: float) -> None:
        meet.wait(10)
        seen.append(trace.get_current_span())
        meet.wait(10)

    sandbox.fail_next(503, times=4)
    with EngagementClient("demo", base_url=sandbox.url, telemetry=watcher.telemetry, sleep=pause) as client:
        threads = [threading.Thread(target=client.visit().create_session, args=(BODY,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ids(seen) == ids(watcher.spans)
    assert [attributes(span)["liveperson.attempts"] for span in watcher.spans] == [2] * 4
    assert {span.parent for span in watcher.spans} == {None}


@pytest.mark.parametrize("transport", [None, "fast"])
def test_calls_of_many_tasks_keep_their_spans_apart(sandbox: Sandbox, watcher: Watcher, transport: Any) -> None:
    """Siblings below the span of whoever started them, even in one task group."""
    seen: list[trace.Span] = []

    async def main() -> trace.Span:
        meet = asyncio.Barrier(4)

        async def pause(_: float) -> None:
            await meet.wait()
            seen.append(trace.get_current_span())
            await meet.wait()

        options: dict[str, Any] = {"telemetry": watcher.telemetry, "transport": transport, "sleep": pause}
        async with AsyncEngagementClient("demo", base_url=sandbox.url, **options) as client:
            with watcher.tracers.get_tracer("of the program").start_as_current_span("outer") as outer:
                await asyncio.gather(*(client.visit().create_session(BODY) for _ in range(4)))
                assert trace.get_current_span() is outer
        return outer

    sandbox.fail_next(503, times=4)
    outer = asyncio.run(main())
    calls = [span for span in watcher.spans if span.name != "outer"]
    assert ids(seen) == ids(calls)
    assert [attributes(span)["liveperson.attempts"] for span in calls] == [2] * 4
    assert {parent(span) for span in calls} == ids([outer])


@pytest.mark.parametrize("where", ["request", "pause"])
@pytest.mark.parametrize("transport", [None, "fast"])
def test_a_call_that_is_cancelled_ends_its_span(sandbox: Sandbox, watcher: Watcher, transport: Any, where: str) -> None:
    """As an error of that type, whatever it was doing; nothing stays current."""

    async def main() -> None:
        reached = asyncio.Event()

        async def pause(_: float) -> None:
            reached.set()
            await asyncio.Event().wait()

        options: dict[str, Any] = {"telemetry": watcher.telemetry, "transport": transport, "sleep": pause}
        async with AsyncEngagementClient("demo", base_url=sandbox.url, **options) as client:
            task = asyncio.create_task(client.visit("shopper").create_session(BODY))
            await (reached.wait() if where == "pause" else asyncio.to_thread(until_asked, sandbox))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert trace.get_current_span() is trace.INVALID_SPAN

    sandbox.slow(5) if where == "request" else sandbox.fail_next(503)
    asyncio.run(main())
    [span] = watcher.spans
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert attributes(span)["error.type"] == "asyncio.exceptions.CancelledError"
    assert (attributes(span)["liveperson.attempts"], attributes(span)["liveperson.pauses"]) == (1, 0)
    last = {"request": "asyncio.exceptions.CancelledError", "pause": "503"}
    assert attributes(span.events[-1])["error.type"] == last[where]


def test_a_call_that_is_interrupted_ends_its_span(backend: Backend, sandbox: Sandbox, watcher: Watcher) -> None:
    """Ctrl-C in a pause."""

    def interrupt(_: RetryEvent) -> None:
        raise KeyboardInterrupt

    sandbox.fail_next(503)
    client = backend.client(base_url=sandbox.url, telemetry=watcher.telemetry, on_retry=interrupt)
    with pytest.raises((KeyboardInterrupt, asyncio.CancelledError)):
        client.visit("shopper").create_session(BODY)
    [span] = watcher.spans
    assert (span.status.status_code, attributes(span)["error.type"]) == (StatusCode.ERROR, "KeyboardInterrupt")
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_call_that_is_thrown_away_ends_its_span(
    sandbox: Sandbox, watcher: Watcher, caplog: pytest.LogCaptureFixture
) -> None:
    """As when an event loop is closed under it: its last lines run in another context, which they leave alone."""
    reached, loop = asyncio.Event(), asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _told: None)  # it tells of this, too

    async def pause(_: float) -> None:
        reached.set()
        await asyncio.Event().wait()

    client = AsyncEngagementClient("demo", base_url=sandbox.url, telemetry=watcher.telemetry, sleep=pause)
    sandbox.fail_next(503, operation="updateSession")
    visit = client.visit()
    loop.run_until_complete(visit.create_session(BODY))
    task = loop.create_task(visit.update_session({}))
    loop.run_until_complete(reached.wait())
    loop.run_until_complete(client.close())
    loop.close()
    assert len(watcher.spans) == 1
    with watcher.tracers.get_tracer("of the program").start_as_current_span("other") as other:
        del task
        gc.collect()
        assert trace.get_current_span() is other
    _, thrown, _ = watcher.spans
    assert (thrown.status.status_code, attributes(thrown)["error.type"]) == (StatusCode.ERROR, "GeneratorExit")
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []


def test_what_is_not_sampled_is_still_counted(backend: Backend, sandbox: Sandbox) -> None:
    """Metrics don't depend on traces; a sampler sees the call's name."""
    asked: list[Any] = []

    class Sampler(StaticSampler):
        """Refuses all, and notes what it is asked."""

        def should_sample(self, *arguments: Any, **options: Any) -> SamplingResult:
            """Note, and refuse."""
            asked.append(arguments[2:5])
            return super().should_sample(*arguments, **options)

    watcher = Watcher()
    telemetry = OpenTelemetry(TracerProvider(sampler=Sampler(Decision.DROP), shutdown_on_exit=False), watcher.meters)
    backend.client(base_url=sandbox.url, telemetry=telemetry).visit("shopper").create_session(BODY)
    assert asked == [("create_session", SpanKind.CLIENT, {"liveperson.call": "create_session"})]
    assert [count for _, count, _ in watcher.points("liveperson.call.duration")] == [1]
    assert [count for _, count, _ in watcher.points("http.client.request.duration")] == [1]


def test_ids_and_copies_of_a_client_work_as_ever(watched: EngagementClient, watcher: Watcher) -> None:
    """Looking at a visit's ids is no call; a copy is watched, too, or not if it says so."""
    visit = watched.visit("shopper")
    session = visit.create_session(BODY)
    assert visit.ids is not None
    assert visit.ids.visitor_id == session.visitor_id
    assert watched.with_options(timeout=5).visit("shopper").engagement(BODY) == session
    assert watched.with_options(telemetry=None).visit("shopper").engagement(BODY) == session
    assert len(watcher.spans) == 2


def test_without_providers_the_programs_global_ones_are_meant(backend: Backend, sandbox: Sandbox) -> None:
    """Where none is set, nothing is exported and calls are made as ever."""
    client = backend.client(base_url=sandbox.url, telemetry=OpenTelemetry())
    sandbox.fail_next(503)
    assert client.visit("shopper").create_session(BODY).status == "Available"
    assert client.visit("shopper").engagement(BODY).status == "Available"
    assert len(sandbox.requests) == 2


GLOBAL = """
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from liveperson_engagement import EngagementClient
from liveperson_engagement.otel import OpenTelemetry

client = EngagementClient("demo", telemetry=OpenTelemetry())
exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
metrics.set_meter_provider(MeterProvider([reader]))
with client:
    client.visit().create_session({"appType": "EXTERNAL"})
print([span.name for span in exporter.get_finished_spans()])
scopes = reader.get_metrics_data().resource_metrics[0].scope_metrics
print(sorted(metric.name for scope in scopes for metric in scope.metrics))
"""


def run_python(program: str, **environment: str) -> list[str]:
    """Run a program in a process of its own; return the lines that it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_global_providers_may_be_set_after_the_client_is_made(sandbox: Sandbox) -> None:
    """As programs do that make clients where modules are imported."""
    assert run_python(GLOBAL, LIVEPERSON_BASE_URL=sandbox.url) == [
        f"['POST {CREATE}']",
        "['http.client.request.duration', 'liveperson.call.duration']",
    ]


ABSENT = """
import sys
sys.modules["opentelemetry"] = None
import liveperson_engagement
liveperson_engagement.EngagementClient("demo").close()
try:
    import liveperson_engagement.otel
except ImportError as error:
    print(error)
"""


UNINSTRUMENTED = """
import sys
sys.modules["opentelemetry.instrumentation"] = None
from liveperson_engagement import EngagementClient
from liveperson_engagement.otel import OpenTelemetry
with EngagementClient("demo", telemetry=OpenTelemetry()) as client:
    print(client.visit().create_session({"appType": "EXTERNAL"}).status)
"""


def test_without_the_package_of_instrumentations_there_is_none_to_silence(sandbox: Sandbox) -> None:
    """Calls are watched all the same."""
    assert run_python(UNINSTRUMENTED, LIVEPERSON_BASE_URL=sandbox.url) == ["Available"]


def test_a_call_that_is_thrown_away_while_it_sends_leaves_others_alone(
    sandbox: Sandbox, watcher: Watcher, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is put back in another's context, and no line is logged."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _told: None)
    sandbox.slow(5)
    client = AsyncEngagementClient("demo", base_url=sandbox.url, telemetry=watcher.telemetry)
    task = loop.create_task(client.visit().create_session(BODY))
    loop.run_until_complete(asyncio.to_thread(until_asked, sandbox))
    loop.run_until_complete(client.aclose())
    loop.close()
    with watcher.tracers.get_tracer("of the program").start_as_current_span("other") as other:
        del task
        gc.collect()
        assert silenced() == (other, False)
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []


def test_without_the_extra_the_import_names_it() -> None:
    """The rest of the package does without."""
    assert run_python(ABSENT) == ["OpenTelemetry needs one more package: pip install 'liveperson-engagement[otel]'"]


def test_the_core_does_not_import_opentelemetry() -> None:
    """Nor does the module here import more than its API."""
    program = """
import sys, liveperson_engagement
client = liveperson_engagement.EngagementClient("demo")
print("opentelemetry" in sys.modules)
import liveperson_engagement.otel
liveperson_engagement.otel.OpenTelemetry()
print("opentelemetry.sdk" in sys.modules or "opentelemetry.semconv" in sys.modules)
"""
    assert run_python(program) == ["False", "False"]


@pytest.mark.parametrize("path", ["tracer_provider", "meter_provider"])
def test_a_provider_of_the_wrong_type_is_refused(path: str) -> None:
    """A tracer, say."""
    wrong: Any = {path: trace.get_tracer("mine")}
    with pytest.raises(InvalidRequest, match=rf"^{path}: must be a (Tracer|Meter)Provider, not ProxyTracer$"):
        OpenTelemetry(**wrong)


GUIDE = (ROOT / "docs/observing.md").read_text()


def test_the_guide_names_all_that_is_told_and_nothing_else(sandbox: Sandbox, watcher: Watcher) -> None:
    """Spans, events, metrics and their attributes, in tables; and the version of the conventions."""
    with contextlib.ExitStack() as stack:
        live(Backend("sync", stack), sandbox, telemetry=watcher.telemetry)
    points = [point for metric in watcher.metrics.values() for point in metric.data.data_points]
    events = [event for span in watcher.spans for event in span.events]
    told = {name for each in [*watcher.spans, *events, *points] for name in each.attributes or {}}
    told |= {event.name for event in events} | set(watcher.metrics)
    tables = "".join(line for line in GUIDE.splitlines() if line.startswith("|"))
    assert set(re.findall(r"`((?:liveperson|http|url|server|error)\.[\w.]+)`", tables)) == told
    assert SCHEMA in GUIDE
