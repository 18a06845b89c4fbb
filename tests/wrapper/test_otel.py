"""Traces and metrics: one span for each call, what they hold, and what they never hold."""

import asyncio
import gc
import os
import re
import subprocess
import sys
from typing import Any, cast

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import SpanKind, StatusCode

from checkout import ROOT
from conftest import BODY, Backend
from life import live
from liveperson_engagement import AsyncEngagementClient, InvalidRequest, ServerError, __version__
from liveperson_engagement.otel import SCHEMA, OpenTelemetry
from liveperson_engagement.sandbox import Sandbox

CREATE = "/api/account/{accountId}/app/engagement/visitors/"
VISITOR = "/api/account/{accountId}/app/engagement/visitors/{visitorId}"
DOMAIN = "/api/account/{accountId}/service/{serviceName}/baseURI.json"


class Watcher:
    """OpenTelemetry's own SDK, exporting to memory."""

    def __init__(self, **options: Any) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False, **options)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.telemetry = OpenTelemetry(self.tracers, meters)

    @property
    def spans(self) -> list[ReadableSpan]:
        """All spans that have ended, in that order."""
        return list(self._exporter.get_finished_spans())

    @property
    def metrics(self) -> dict[str, Any]:
        """Each metric by its name."""
        data = self._reader.get_metrics_data()
        scopes = [scope for each in data.resource_metrics for scope in each.scope_metrics] if data else []
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def counts(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """A metric's attributes, and how often it was measured with each."""
        points: list[Any] = self.metrics[name].data.data_points if name in self.metrics else []
        return [(without_address(each), getattr(each, "count", None) or each.value) for each in points]


@pytest.fixture
def watcher() -> Watcher:
    """Watch with a fresh SDK; the global one is left alone."""
    return Watcher()


def without_address(told: Any) -> dict[str, Any]:
    """What a span, an event or a metric says, but for times and addresses."""
    passing = {"server.address", "server.port", "liveperson.attempt.duration"}
    return {name: value for name, value in told.attributes.items() if name not in passing}


def ids(spans: Any) -> set[int]:
    """Name spans, those that have ended and those that have not."""
    return {span.get_span_context().span_id for span in spans}


def silenced() -> tuple[trace.Span, bool]:
    """Return the current span, and whether instrumentations of HTTP libraries are told to be silent."""
    return trace.get_current_span(), not is_http_instrumentation_enabled()


def test_a_call_is_one_client_span(backend: Backend, sandbox: Sandbox, watcher: Watcher) -> None:
    """Its attributes tell of the last request and of all together, its events of each, the lookup's included."""
    sandbox.fail_next(503, operation="findDomain")
    sandbox.loading_account()
    sandbox.fail_next(503, operation="continueSession", internal_code=2**63 - 1, retry_after=20)
    client = backend.client(domain_api=sandbox.url, telemetry=watcher.telemetry)
    client.visit("shopper").create_session(BODY)
    [span] = watcher.spans
    assert (span.name, span.kind, span.parent) == (f"POST {VISITOR}", SpanKind.CLIENT, None)
    assert (span.status.status_code, span.status.description) == (StatusCode.UNSET, None)
    create = {"http.request.method": "POST", "url.template": CREATE, "liveperson.operation": "createSession"}
    go_on = {"http.request.method": "POST", "url.template": VISITOR, "liveperson.operation": "continueSession"}
    good = {"http.response.status_code": 200, "http.request.resend_count": 2}
    host, port = sandbox.host.split(":")
    assert dict(span.attributes or {}) == {
        **go_on,
        **good,
        "server.address": host,
        "server.port": int(port),
        "liveperson.call": "create_session",
        "liveperson.attempts": 5,
        "liveperson.pauses": 3,
        "liveperson.pause.total": 30.0,
        "liveperson.from_memory": False,
        "liveperson.engagement.status": "Available",
    }
    first = {"error.type": "500", "http.response.status_code": 500, "liveperson.internal_code": 20}
    second = {"error.type": "503", "http.response.status_code": 503, "liveperson.internal_code": 2**63 - 1}
    paused = {"liveperson.call": "create_session", "liveperson.attempt.number": 1, "liveperson.pause.duration": 5.0}
    longer = {**paused, "liveperson.attempt.number": 2, "liveperson.pause.duration": 20.0}
    lookup = [(each.name, without_address(each)["liveperson.operation"]) for each in span.events[:3]]
    assert lookup == [(f"liveperson.{name}", "findDomain") for name in ("attempt", "pause", "attempt")]
    assert [(event.name, without_address(event)) for event in span.events[3:]] == [
        ("liveperson.attempt", {**create, **first}),
        ("liveperson.pause", {"liveperson.operation": "createSession", **paused, **first}),
        ("liveperson.attempt", {**go_on, **second, "http.request.resend_count": 1}),
        ("liveperson.pause", {"liveperson.operation": "continueSession", **longer, **second}),
        ("liveperson.attempt", {**go_on, **good}),
    ]
    scope: Any = span.instrumentation_scope
    assert (scope.name, scope.version, scope.schema_url) == ("liveperson_engagement", __version__, SCHEMA)
    known = {each.value for each in Schemas}
    assert SCHEMA in known or max(known) < SCHEMA


@pytest.mark.backends
def test_every_call_has_its_span(backend: Backend, sandbox: Sandbox, watcher: Watcher) -> None:
    """Those that make no request are named after the call; an answer from memory says so. A copy is watched as well."""
    client = backend.client(base_url=sandbox.url, telemetry=watcher.telemetry)
    visit = client.visit("shopper")
    visit.create_session(BODY)
    client.with_options(timeout=5).visit("shopper").engagement(BODY)
    client.with_options(telemetry=None).visit("shopper").engagement(BODY)
    visit.update_session({})
    visit.report_impressions("impDisplay")
    sandbox.not_available()
    visit.create_session(BODY)
    visit.forget()
    client.find_domain()
    with pytest.raises(InvalidRequest):
        client.call("createSession", cast(Any, {}))
    names = ("call", "attempts", "from_memory", "engagement.status")
    told = [(span.name, span.attributes or {}) for span in watcher.spans]
    assert [(name, *(each.get(f"liveperson.{attribute}") for attribute in names)) for name, each in told] == [
        (f"POST {CREATE}", "create_session", 1, False, "Available"),
        ("engagement", "engagement", 0, True, "Available"),
        (f"PUT {VISITOR}", "update_session", 1, None, None),
        (f"PUT {VISITOR}", "report_impressions", 1, None, None),
        (f"POST {VISITOR}", "create_session", 1, False, "NotAvailable"),
        ("forget", "forget", 0, None, None),
        ("find_domain", "find_domain", 0, True, None),
        ("call", "call", 0, None, None),
    ]
    assert not [name for name in told[1][1] if name.startswith(("http.", "url.", "server."))]


@pytest.mark.backends("sync", "async")
def test_a_whole_life_tells_no_ids_keys_or_bodies(backend: Backend, sandbox: Sandbox, watcher: Watcher) -> None:
    """Neither in a span nor in an event or metric; the guide names all that is told, in tables, and nothing else."""
    secrets, _ = live(backend, sandbox, telemetry=watcher.telemetry)
    assert len(secrets) > 10
    points = [point for metric in watcher.metrics.values() for point in metric.data.data_points]
    for text in [*(span.to_json() for span in watcher.spans), *map(str, points)]:
        assert not [secret for secret in {*secrets, "?"} if secret in text], text
    events = [event for span in watcher.spans for event in span.events]
    attributes: list[Any] = [each.attributes or {} for each in [*watcher.spans, *events, *points]]
    assert {each.get("url.template") for each in attributes} == {CREATE, VISITOR, DOMAIN, None}
    told = {name for each in attributes for name in each} | {event.name for event in events} | set(watcher.metrics)
    guide = (ROOT / "docs/observing.md").read_text()
    tables = "".join(line for line in guide.splitlines() if line.startswith("|"))
    assert set(re.findall(r"`((?:liveperson|http|url|server|error)\.[\w.]+)`", tables)) == told
    assert SCHEMA in guide


def test_metrics_count_calls_requests_retries_and_pauses(backend: Backend, sandbox: Sandbox) -> None:
    """Also where no trace is sampled; with the conventions' own names, units and bounds where there are such."""
    watcher = Watcher(sampler=ALWAYS_OFF)
    visit = backend.client(base_url=sandbox.url, telemetry=watcher.telemetry).visit("shopper")
    sandbox.fail_next(503, times=2)
    visit.create_session(BODY)
    visit.engagement(BODY)
    sandbox.forget_visitors()
    with pytest.raises(Exception, match="404"):
        visit.update_session({})
    create = {"http.request.method": "POST", "url.template": CREATE}
    update = {"http.request.method": "PUT", "url.template": VISITOR}
    assert watcher.counts("http.client.request.duration") == [
        ({**create, "http.response.status_code": 503, "error.type": "503"}, 2),
        ({**create, "http.response.status_code": 200}, 1),
        ({**update, "http.response.status_code": 404, "error.type": "404"}, 1),
    ]
    why = {"liveperson.call": "create_session", "liveperson.operation": "createSession", "error.type": "503"}
    assert watcher.counts("liveperson.retries") == watcher.counts("liveperson.pause.duration") == [(why, 2)]
    answered = {"liveperson.engagement.status": "Available"}
    assert watcher.counts("liveperson.call.duration") == [
        ({"liveperson.call": "create_session", "liveperson.from_memory": False, **answered}, 1),
        ({"liveperson.call": "engagement", "liveperson.from_memory": True, **answered}, 1),
        ({"liveperson.call": "update_session", "error.type": "404"}, 1),
    ]
    assert watcher.spans == []
    metrics = watcher.metrics
    durations = ("http.client.request.duration", "liveperson.call.duration", "liveperson.pause.duration")
    units = {name: metric.unit for name, metric in metrics.items()}
    assert units == {**dict.fromkeys(durations, "s"), "liveperson.retries": "{retry}"}
    conventional = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    assert metrics["http.client.request.duration"].data.data_points[0].explicit_bounds == conventional
    assert metrics["liveperson.pause.duration"].data.data_points[0].sum == 15.0


@pytest.mark.backends("sync", "async")
def test_the_span_is_current_while_the_call_runs(backend: Backend, sandbox: Sandbox, watcher: Watcher) -> None:
    """And no longer. Instrumentations of HTTP libraries are silent during requests: they would write whole URLs."""
    found: list[tuple[trace.Span, bool]] = []

    def answer(_: httpx.Request) -> httpx.Response:
        found.append(silenced())
        return httpx.Response(503)

    transport: Any = httpx.MockTransport(answer)

    def note(_: object) -> None:
        found.append(silenced())

    options: Any = {"transport": transport, "on_retry": note}
    client = backend.client(base_url=sandbox.url, telemetry=watcher.telemetry, **options)
    with watcher.tracers.get_tracer("of the program").start_as_current_span("outer") as outer:
        with pytest.raises(ServerError):
            client.visit("shopper").create_session(BODY)
        with pytest.raises(InvalidRequest):
            client.visit("shopper").create_session(cast(Any, {}))
        assert silenced() == (outer, False)
    assert silenced() == (trace.INVALID_SPAN, False)
    call, refused, _ = watcher.spans
    if backend.name == "sync":  # the async one runs in a context of its own
        assert {span.parent and span.parent.span_id for span in (call, refused)} == ids([outer])
    assert ids(span for span, _ in found) == ids([call])
    assert [silent for _, silent in found] == [True, False] * 3 + [True]


def test_calls_of_many_tasks_keep_their_spans_apart(sandbox: Sandbox, watcher: Watcher) -> None:
    """Siblings below the span of whoever started them, even in one task group."""
    seen: list[trace.Span] = []

    async def main() -> None:
        meet = asyncio.Barrier(4)

        async def pause(_: float) -> None:
            await meet.wait()
            seen.append(trace.get_current_span())

        options: Any = {"telemetry": watcher.telemetry, "sleep": pause}
        async with AsyncEngagementClient("demo", base_url=sandbox.url, **options) as client:
            with watcher.tracers.get_tracer("of the program").start_as_current_span("outer"):
                await asyncio.gather(*(client.visit().create_session(BODY) for _ in range(4)))

    sandbox.fail_next(503, times=4)
    asyncio.run(main())
    *calls, outer = watcher.spans
    assert ids(seen) == ids(calls)
    assert [without_address(span)["liveperson.attempts"] for span in calls] == [2] * 4
    assert {span.parent and span.parent.span_id for span in calls} == ids([outer])


@pytest.mark.parametrize("how", ["cancelled", "thrown away"])
def test_a_call_that_does_not_end_ends_its_span(
    sandbox: Sandbox, watcher: Watcher, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """If its loop is closed under it, its last lines leave alone in whose context they run."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _told: None)  # it tells of a call that is thrown away, too
    reached = asyncio.Event()

    def asked(_: object) -> None:
        reached.set()

    sandbox.slow(60)
    options: Any = {"telemetry": watcher.telemetry, "on_request": asked}
    client = AsyncEngagementClient("demo", base_url=sandbox.url, **options)
    task = loop.create_task(client.visit("shopper").create_session(BODY))
    loop.run_until_complete(reached.wait())
    loop.run_until_complete(asyncio.sleep(0))
    if how == "cancelled":
        task.cancel()
        loop.run_until_complete(asyncio.wait([task]))
        assert task.cancelled()
    loop.run_until_complete(client.aclose())
    loop.close()
    with watcher.tracers.get_tracer("of the program").start_as_current_span("other") as other:
        del task
        gc.collect()
        assert silenced() == (other, False)
    if how == "cancelled":
        told, ended = without_address(watcher.spans[0]), "asyncio.exceptions.CancelledError"
        assert (watcher.spans[0].status.status_code, watcher.spans[0].status.description) == (StatusCode.ERROR, None)
        assert (told["error.type"], told["liveperson.attempts"], told["liveperson.pauses"]) == (ended, 1, 0)
        last = without_address(watcher.spans[0].events[-1])
        assert last["error.type"] == ended
        failed = {"liveperson.call": "create_session", "error.type": ended}
        assert watcher.counts("liveperson.call.duration") == [(failed, 1)]
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []


LATER = """
from liveperson_engagement import EngagementClient
from liveperson_engagement.otel import OpenTelemetry
client = EngagementClient("demo", telemetry=OpenTelemetry())
client.find_domain()
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
client.visit().create_session({"appType": "EXTERNAL"})
"""
ABSENT = "import sys; sys.modules['opentelemetry'] = None; import liveperson_engagement.otel"
NEEDED = "ImportError: OpenTelemetry needs one more package: pip install 'liveperson-engagement[otel]'"
UNINSTRUMENTED = "import sys; sys.modules['opentelemetry.instrumentation'] = None" + LATER


@pytest.mark.parametrize(
    ("program", "printed"), [(LATER, f"POST {CREATE}"), (UNINSTRUMENTED, f"POST {CREATE}"), (ABSENT, NEEDED)]
)
def test_a_program_may_set_its_providers_later(sandbox: Sandbox, program: str, printed: str) -> None:
    """Than the client is made, and have no instrumentations to silence; without the extra the import names it."""
    environment = {**os.environ, "LIVEPERSON_BASE_URL": sandbox.url}
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert printed in done.stdout + done.stderr
