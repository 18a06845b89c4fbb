"""`on_request` and `on_response`: a caller sees each attempt, may stop it, and cannot lose its answer."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from conftest import BODY, Backend
from liveperson_engagement import (
    ConnectionFailed,
    EngagementClient,
    InvalidResponse,
    RequestEvent,
    ResponseEvent,
    RetryEvent,
    ServerError,
)
from liveperson_engagement.sandbox import Sandbox


class Stop(Exception):
    """What a caller raises to end a call."""


def noting(backend: Backend, sandbox: Sandbox, **options: Any) -> tuple[EngagementClient, list[Any]]:
    """Connect a client whose hooks note their events."""
    events: list[Any] = []
    hooks: dict[str, Any] = dict.fromkeys(("on_request", "on_response", "on_retry"), events.append)
    return backend.client(**{"base_url": sandbox.url, **hooks, **options}), events


def test_each_attempt_is_seen(backend: Backend, sandbox: Sandbox) -> None:
    """In order, with number, request and answer; a failed attempt with its error."""
    client, events = noting(backend, sandbox)
    sandbox.fail_next(503)
    session = client.visit("shopper").create_session(BODY)
    assert [type(event) for event in events] == [
        *(RequestEvent, ResponseEvent, RetryEvent),
        *(RequestEvent, ResponseEvent),
    ]
    asked, failed, _, again, answered = events
    assert {(event.operation_id, event.base_url) for event in (asked, failed, again, answered)} == {
        ("createSession", sandbox.url)
    }
    assert [event.attempt for event in events] == [1, 1, 1, 2, 2]
    assert (asked.request.method, asked.request.path) == ("POST", sandbox.requests[0].path)
    assert asked.request.body == sandbox.requests[0].raw_body
    assert (failed.response.status, type(failed.error)) == (503, ServerError)
    assert (answered.response.status, answered.error) == (200, None)
    assert session.visitor_id.encode() in answered.response.body
    assert all(0 < event.duration < 60 for event in (failed, answered))


def test_the_domain_lookup_is_seen(backend: Backend, sandbox: Sandbox) -> None:
    """Its attempts are the call's."""
    client, events = noting(backend, sandbox, base_url=None, domain_api=sandbox.url)
    client.visit().create_session(BODY)
    assert [event.operation_id for event in events] == ["findDomain"] * 2 + ["createSession"] * 2


def test_an_attempt_without_an_answer_is_seen(backend: Backend, sandbox: Sandbox) -> None:
    """There is an error and no response; a good status with a bad body has both."""
    client, events = noting(backend, sandbox)
    sandbox.drop_connection()
    with pytest.raises(ConnectionFailed) as lost:
        client.visit().create_session(BODY)
    sandbox.answer_next(200, b"{}")
    with pytest.raises(InvalidResponse) as broken:
        client.visit().create_session(BODY)
    assert [(event.response, event.error) for event in events if isinstance(event, ResponseEvent)] == [
        (None, lost.value),
        (broken.value.response, broken.value),
    ]
    assert broken.value.response is not None
    assert broken.value.response.body == b"{}"


def test_on_request_may_end_the_call(backend: Backend, sandbox: Sandbox) -> None:
    """Nothing is sent, and the key is free."""
    stopping = [True]

    def hook(_: RequestEvent) -> None:
        if stopping:
            raise Stop

    client = backend.client(base_url=sandbox.url, on_request=hook)
    with pytest.raises(Stop):
        client.visit("shopper").create_session(BODY)
    assert sandbox.requests == ()
    stopping.clear()
    assert client.visit("shopper").create_session(BODY, deadline=5).status == "Available"


def test_on_response_cannot_end_the_call(backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """The service has named a visitor: what the hook raises is logged, without its text."""

    def hook(_: ResponseEvent) -> None:
        raise Stop("secret")

    client = backend.client(base_url=sandbox.url, on_response=hook)
    with caplog.at_level(logging.WARNING, "liveperson_engagement"):
        first, second = (client.visit("shopper").create_session(BODY) for _ in range(2))
    assert first.visitor_id == second.visitor_id
    assert caplog.messages == ["on_response raised Stop; the call goes on"] * 2


@pytest.mark.backends("async", "async fast")
def test_coroutine_functions_are_awaited(backend: Backend, sandbox: Sandbox) -> None:
    """Those of the async client; a plain function will do as well."""
    events: list[Any] = []

    async def hook(event: RequestEvent | ResponseEvent) -> None:
        events.append(event)

    backend.client(base_url=sandbox.url, on_request=hook, on_response=hook).visit().create_session(BODY)
    assert [type(event) for event in events] == [RequestEvent, ResponseEvent]


def test_events_print_nothing_private(backend: Backend, sandbox: Sandbox) -> None:
    """Neither ids nor what was sent."""
    client, events = noting(backend, sandbox)
    visit = client.visit("shopper")
    session = visit.create_session({"appType": "EXTERNAL", "consumerSections": ["Secret"]})
    visit.create_session({"appType": "EXTERNAL", "consumerSections": ["Secret"]})
    printed = repr(events)
    assert len(events) == 4
    for secret in (session.visitor_id, session.session_id, session.page_id, "Secret", "shopper"):
        assert secret not in printed
