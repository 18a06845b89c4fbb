"""`on_retry`: a caller hears of each retry before its pause, and may end the call."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import BODY, Backend, Blocking
from liveperson_engagement import (
    AccountLoading,
    ApiError,
    AsyncEngagementClient,
    ConnectionFailed,
    DeadlineExceeded,
    DomainLookupFailed,
    EngagementClient,
    InvalidRequest,
    MemoryStore,
    NotFound,
    RetryEvent,
    RetryPolicy,
    ServerError,
    SQLiteStore,
)
from liveperson_engagement.sandbox import Sandbox


class Stop(Exception):
    """What a caller raises to end a call."""


def fields(event: RetryEvent) -> tuple[str, int, type[Exception], float]:
    """Show an event in a row."""
    return event.operation_id, event.attempt, type(event.error), event.pause


def test_each_retry_is_told_before_its_pause(backend: Backend, sandbox: Sandbox) -> None:
    """With the operation, the attempt that failed, its error, and the pause that follows."""
    told: list[Any] = []

    def tell(event: RetryEvent) -> None:
        told.append((*fields(event), list(backend.pauses)))

    client = backend.client(base_url=sandbox.url, on_retry=tell)
    visit = client.visit("shopper")
    sandbox.loading_account()
    sandbox.fail_next(503, retry_after=20)
    visit.create_session(BODY)
    sandbox.drop_connection()
    visit.update_session({})
    assert told == [
        ("createSession", 1, AccountLoading, 5.0, []),
        ("continueSession", 2, ServerError, 20.0, [5.0]),
        ("updateSession", 1, ConnectionFailed, 5.0, [5.0, 20.0]),
    ]


def test_the_error_of_an_event_is_what_would_have_been_raised(backend: Backend, sandbox: Sandbox) -> None:
    """The last failure is raised, and not told: no pause follows it."""
    told: list[RetryEvent] = []
    client = backend.client(base_url=sandbox.url, on_retry=told.append, retry=RetryPolicy((1,)))
    sandbox.fail_next(503, times=2, internal_code=13)
    with pytest.raises(ServerError) as raised:
        client.visit("shopper").create_session(BODY)
    [event] = told
    assert isinstance(event.error, ServerError)
    assert (event.error.status_code, event.error.internal_code, event.error.attempts) == (503, 13, 1)
    assert event.error is not raised.value
    assert raised.value.attempts == 2
    assert fields(pickle.loads(pickle.dumps(event))) == fields(event)  # noqa: S301


@pytest.mark.parametrize("status", [200, 302, 400, 404, 429])
def test_what_is_not_tried_again_is_not_told(backend: Backend, sandbox: Sandbox, status: int) -> None:
    """Neither success nor an answer that is final."""
    told: list[RetryEvent] = []
    client = backend.client(base_url=sandbox.url, on_retry=told.append)
    sandbox.fail_next(status) if status != 200 else sandbox.serve_next()
    with contextlib.suppress(ApiError):
        client.visit("shopper").create_session(BODY)
    assert (len(sandbox.requests), told) == (1, [])


def test_a_pause_that_would_cross_the_deadline_is_not_told(backend: Backend, sandbox: Sandbox) -> None:
    """It is not begun."""
    told: list[RetryEvent] = []
    client = backend.client(base_url=sandbox.url, on_retry=told.append)
    sandbox.fail_next(503, times=2)
    with pytest.raises(DeadlineExceeded):
        client.visit("shopper").create_session(BODY, deadline=8)
    assert [fields(event) for event in told] == [("createSession", 1, ServerError, 5.0)]


def test_retries_of_the_domain_lookup_are_told(backend: Backend, sandbox: Sandbox) -> None:
    """Whoever asks for the host: a call that needs it, or `find_domain`."""
    told: list[RetryEvent] = []
    sandbox.fail_next(503, operation="findDomain")
    backend.client(domain_api=sandbox.url, on_retry=told.append).visit("shopper").create_session(BODY)
    sandbox.fail_next(500, times=4, operation="findDomain")
    with pytest.raises(DomainLookupFailed):
        backend.client(domain_api=sandbox.url, on_retry=told.append).find_domain()
    assert [fields(event) for event in told] == [
        ("findDomain", 1, ServerError, 5.0),
        ("findDomain", 1, ServerError, 5.0),
        ("findDomain", 2, ServerError, 10.0),
        ("findDomain", 3, ServerError, 15.0),
    ]


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_what_the_callback_raises_ends_the_call_and_frees_the_key(
    backend: Backend, sandbox: Sandbox, tmp_path: Path, store: str
) -> None:
    """As it is, without a pause and another request; the next call has the key at once."""
    kept = backend.store(SQLiteStore(tmp_path / "visits.db")) if store == "sqlite" else MemoryStore()

    def stop(event: RetryEvent) -> None:
        raise Stop(event.operation_id)

    client = backend.client(base_url=sandbox.url, on_retry=stop, store=kept)
    sandbox.fail_next(503)
    with pytest.raises(Stop, match=r"^createSession$"):
        client.visit("shopper").create_session(BODY)
    assert (len(sandbox.requests), backend.pauses) == (1, [])
    started = time.monotonic()
    assert client.visit("shopper").create_session(BODY, deadline=5).status == "Available"
    assert time.monotonic() - started < 4
    assert len(sandbox.visitors) == 1


def test_what_the_callback_raises_frees_the_domain_lookup(backend: Backend, sandbox: Sandbox) -> None:
    """The next call looks the host up itself."""
    stops = [Stop()]

    def stop_once(_: RetryEvent) -> None:
        if stops:
            raise stops.pop()

    client = backend.client(domain_api=sandbox.url, on_retry=stop_once)
    sandbox.fail_next(503, operation="findDomain")
    with pytest.raises(Stop):
        client.visit("shopper").create_session(BODY)
    assert client.find_domain(deadline=5) == sandbox.url


def test_a_visitor_that_an_account_being_loaded_has_named_is_remembered_though_the_callback_raises(
    backend: Backend, sandbox: Sandbox
) -> None:
    """The next call names it, so that the list has one visitor."""

    def stop(_: RetryEvent) -> None:
        raise Stop

    client = backend.client(base_url=sandbox.url, on_retry=stop)
    sandbox.loading_account()
    with pytest.raises(Stop):
        client.visit("shopper").create_session(BODY)
    client.visit("shopper").create_session(BODY)
    assert len(sandbox.visitors) == 1


@pytest.mark.parametrize("transport", [None, "fast"])
def test_a_coroutine_function_is_awaited_before_the_pause(sandbox: Sandbox, transport: Any) -> None:
    """In the async client; the call waits for it, and what it raises ends the call."""
    steps: list[str] = []

    async def tell(event: RetryEvent) -> None:
        steps.append(f"begins {event.attempt}")
        await asyncio.sleep(0)
        steps.append(f"ends {event.attempt}")
        if event.attempt == 2:
            raise Stop

    async def pause(seconds: float) -> None:
        steps.append(f"pause {seconds:g}")

    sandbox.fail_next(503, times=2)
    with asyncio.Runner() as runner:
        client = AsyncEngagementClient("demo", base_url=sandbox.url, transport=transport, sleep=pause, on_retry=tell)
        blocking: Any = Blocking(client, runner)
        with pytest.raises(Stop):
            blocking.visit("shopper").create_session(BODY)
        blocking.close()
    assert steps == ["begins 1", "ends 1", "pause 5", "begins 2", "ends 2"]


def test_a_copy_of_a_client_may_have_another_callback(backend: Backend, sandbox: Sandbox) -> None:
    """Or none, and otherwise keeps the one it has."""
    first: list[RetryEvent] = []
    second: list[RetryEvent] = []
    client = backend.client(base_url=sandbox.url, on_retry=first.append)
    copies = [client.with_options(timeout=5), client.with_options(on_retry=second.append)]
    for copy in (*copies, client.with_options(on_retry=None)):
        sandbox.fail_next(503)
        copy.visit().create_session(BODY)
    assert (len(first), len(second)) == (1, 1)
    assert len(sandbox.requests) == 6


@pytest.mark.parametrize("wrong", ["print", 1, [], True])
def test_something_that_cannot_be_called_is_refused(backend: Backend, wrong: Any) -> None:
    """When the client is made, not with the first retry."""
    with pytest.raises(InvalidRequest) as raised:
        backend.client(on_retry=wrong)
    assert str(raised.value) == f"on_retry: must be callable, not {type(wrong).__name__}"


def test_an_event_cannot_be_changed_and_prints_nothing_private(client: EngagementClient, sandbox: Sandbox) -> None:
    """Callbacks log events."""
    visit = client.visit("shopper")
    ids = visit.create_session(BODY)
    sandbox.forget_visitors()
    with pytest.raises(NotFound) as raised:
        visit.create_session(BODY)
    event = RetryEvent("continueSession", 1, raised.value, 5.0)
    assert ids.visitor_id not in repr(event)
    assert ids.session_id not in repr(event)
    with pytest.raises(AttributeError):
        event.pause = 0.0  # type: ignore[misc]
