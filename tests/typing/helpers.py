"""Sandbox, test helpers and traces, as type checkers see them; never run."""

from __future__ import annotations

from typing import assert_type

from liveperson_engagement import (
    AccountLoading,
    AsyncEngagementClient,
    AvailableSession,
    EngagementClient,
    NotAvailableSession,
    NotFound,
    ServerError,
)
from liveperson_engagement.otel import OpenTelemetry
from liveperson_engagement.sandbox import Sandbox, SandboxRequest, SandboxSession, SandboxVisitor
from liveperson_engagement.testing import FakeClock, Journal, answers


def sandbox(pauses: list[float]) -> None:
    """The sandbox and what it lets its users see."""
    with Sandbox() as running, EngagementClient("demo", base_url=running.url, sleep=pauses.append):
        assert_type(running, Sandbox)
        assert_type(running.host, str)
        running.fail_next(503, times=2)
        running.html_error(502, 1, operation="createSession")
        running.loading_account(times=1)
        running.slow(0.5)
        for instruct in (running.drop_connection, running.not_available, running.available, running.expire_sessions):
            instruct()
        running.forget_visitors()
        running.valid_for_seconds = None
        running.reset()
        assert_type(running.unused_instructions, tuple[str, ...])
        assert_type(running.operation_id("create_session"), str)
        assert_type(running.requests, tuple[SandboxRequest, ...])
        assert_type(running.visitors, tuple[SandboxVisitor, ...])
        assert_type(running.visitors[0].sessions, tuple[SandboxSession, ...])
        assert_type(running.requests[0].status, int | None)


def test_helpers(running: Sandbox) -> None:
    """A clock, a journal and ready answers."""
    clock, journal = FakeClock(), Journal(running)
    EngagementClient("demo", sleep=clock.sleep)
    AsyncEngagementClient("demo", sleep=clock.asleep)
    clock.advance(30)
    clock.assert_pauses(5, 10)
    assert_type(clock.time(), float)
    assert_type(clock.pauses, list[float])
    journal.assert_calls("createSession", ("updateSession", 200))
    journal.assert_impressions("impDisplay")
    assert_type(journal.assert_one_visitor(), SandboxVisitor)
    assert_type(answers.available(), AvailableSession)
    assert_type(answers.not_available(), NotAvailableSession)
    assert_type(answers.server_error(503), ServerError)
    assert_type(answers.account_loading(), AccountLoading)
    assert_type(answers.not_found(), NotFound)


def telemetry() -> None:
    """Traces and metrics, for either client."""
    EngagementClient(telemetry=OpenTelemetry()).with_options(telemetry=None)
    AsyncEngagementClient(telemetry=OpenTelemetry(tracer_provider=None, meter_provider=None))
