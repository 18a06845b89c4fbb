"""`on_request`, `on_response` and `on_retry`: what a caller sees of each attempt, and what it may end."""

import pickle
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from conftest import BODY, Backend, Clock
from doubles import Play
from liveperson_engagement import EngagementClient, RequestEvent, ResponseEvent, RetryEvent, errors
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api.http import Response

HOOKS = ("on_request", "on_response", "on_retry")


class Stop(Exception):
    """What a caller raises to end a call."""


def noting(backend: Backend, sandbox: Sandbox, *hooks: str, **options: Any) -> tuple[EngagementClient, list[Any]]:
    """Connect a client whose hooks note their events."""
    events: list[Any] = []
    noted: dict[str, Any] = dict.fromkeys(hooks or HOOKS, events.append)
    return backend.client(**{"base_url": sandbox.url, **noted, **options}), events


@pytest.mark.backends
def test_each_attempt_is_seen(backend: Backend, sandbox: Sandbox) -> None:
    """In order, with number, request and answer; a failed attempt with its error."""
    client, events = noting(backend, sandbox)
    sandbox.fail_next(503)
    session = client.visit("shopper").create_session(BODY)
    attempt = [RequestEvent, ResponseEvent]
    assert [type(event) for event in events] == [*attempt, RetryEvent, *attempt]
    asked, failed, _, again, answered = events
    for event in (asked, failed, again, answered):
        assert (event.operation_id, event.base_url) == ("createSession", sandbox.url)
    assert [event.attempt for event in events] == [1, 1, 1, 2, 2]
    assert (asked.request.method, asked.request.path) == ("POST", sandbox.requests[0].path)
    assert asked.request.body == sandbox.requests[0].raw_body
    assert answered.request.path == sandbox.requests[1].path
    assert (failed.response.status, type(failed.error)) == (503, errors.ServerError)
    assert (answered.response.status, answered.error) == (200, None)
    assert session.visitor_id.encode() in answered.response.body
    assert all(0 < event.duration < 600 for event in (failed, answered))


@pytest.mark.parametrize(("hook", "count"), [("on_request", 2), ("on_response", 2), ("on_retry", 1)])
def test_each_hook_is_called_by_itself(backend: Backend, sandbox: Sandbox, hook: str, count: int) -> None:
    """Whichever others there are; a copy of the client may do without."""
    client, events = noting(backend, sandbox, hook)
    without: Any = {hook: None}
    for each in (client, client.with_options(**without), client.with_options(timeout=5)):
        sandbox.fail_next(503)
        each.call("createSession", BODY)
    assert len(events) == 2 * count


def test_an_attempt_without_an_answer_is_seen(backend: Backend, sandbox: Sandbox) -> None:
    """There is an error and no response; a good status with a bad body has both."""
    client, events = noting(backend, sandbox, "on_response")
    sandbox.drop_connection()
    with pytest.raises(errors.ConnectionFailed) as lost:
        client.visit().create_session(BODY)
    sandbox.answer_next(200, b"{}")
    with pytest.raises(errors.InvalidResponse) as broken:
        client.visit().create_session(BODY)
    expected = [(lost.value, None), (broken.value, broken.value.response)]
    assert [(event.error, event.response) for event in events] == expected
    assert broken.value.response.body == b"{}"


def test_on_request_may_end_the_call(backend: Backend, sandbox: Sandbox) -> None:
    """Nothing is sent, and the key is free."""
    hook = Mock(side_effect=[Stop(), None])
    client = backend.client(base_url=sandbox.url, on_request=hook)
    with pytest.raises(Stop):
        client.visit("shopper").create_session(BODY)
    assert sandbox.requests == ()
    assert client.visit("shopper").create_session(BODY, deadline=20).status == "Available"


@pytest.mark.parametrize(
    "error", [errors.ConnectionFailed("open", may_have_arrived=False), errors.NotFound("[404] no")]
)
def test_an_error_of_a_hook_is_none_of_the_service(backend: Backend, sandbox: Sandbox, error: Exception) -> None:
    """It is not tried again, and nothing is forgotten."""
    client = backend.client(base_url=sandbox.url)
    visit = client.visit("shopper")
    visit.create_session(BODY)
    with pytest.raises(type(error)) as raised:
        client.with_options(on_request=Mock(side_effect=error)).visit("shopper").create_session(BODY)
    assert raised.value is error
    assert (backend.pauses, len(sandbox.requests), visit.ids is None) == ([], 1, False)


@pytest.mark.parametrize(
    ("hook", "attempt", "seconds", "sent", "pauses"),
    [("on_request", 1, 9, 0, []), ("on_request", 2, 9, 1, [5.0]), ("on_retry", 1, 4, 1, []), ("sleep", 1, 9, 1, [5.0])],
)
def test_a_deadline_covers_hooks(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, hook: str, attempt: int, seconds: int, sent: int, pauses: list[float]
) -> None:
    """Nothing is sent after it, and no pause begun; the error says how often it was tried, and what came last."""
    monkeypatch.setattr("liveperson_engagement._deadline.time", SimpleNamespace(monotonic=clock))
    slept: list[float] = []

    def spend(event: Any) -> None:
        clock.now += seconds if getattr(event, "attempt", attempt) == attempt else 0
        slept.extend([event] if hook == "sleep" else [])

    play = Play(Response(503), **{"sleep": slept.append, hook: spend})
    with pytest.raises(errors.DeadlineExceeded) as raised:
        play.client.visit().create_session(BODY, deadline=8)
    assert (raised.value.attempts, len(play.sent), slept) == (sent, sent, pauses)
    assert isinstance(raised.value.__cause__, errors.ServerError) is bool(sent)


def test_on_response_cannot_end_the_call(backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """The service has named a visitor: what the hook raises is logged, without its text."""
    hook = Mock(side_effect=Stop("secret"))
    client = backend.client(base_url=sandbox.url, on_response=hook)
    with caplog.at_level("WARNING", "liveperson_engagement"):
        first, second = (client.visit("shopper").create_session(BODY) for _ in range(2))
    assert first.visitor_id == second.visitor_id
    assert caplog.messages == ["on_response raised Stop; the call goes on"] * 2


@pytest.mark.backends("async")
def test_coroutine_functions_are_awaited(backend: Backend, sandbox: Sandbox) -> None:
    """Those of the async client, before the call goes on; what one raises ends the call."""
    steps: list[Any] = []

    async def hook(event: RequestEvent | ResponseEvent | RetryEvent) -> None:
        steps.append(type(event))
        if isinstance(event, RetryEvent) and event.attempt == 2:
            raise Stop

    sandbox.fail_next(503, times=2)
    hooks: dict[str, Any] = dict.fromkeys(HOOKS, hook)
    with pytest.raises(Stop):
        backend.client(base_url=sandbox.url, **hooks).visit().create_session(BODY)
    assert (steps, backend.pauses) == ([RequestEvent, ResponseEvent, RetryEvent] * 2, [5])


def test_events_print_nothing_private(backend: Backend, sandbox: Sandbox) -> None:
    """Neither ids nor what was sent; they cannot be changed, and survive a pickle."""
    client, events = noting(backend, sandbox)
    visit = client.visit("shopper")
    body: Any = {"appType": "EXTERNAL", "consumerSections": ["Secret"]}
    session = visit.create_session(body)
    sandbox.fail_next(503, body=f'{{"message": "no {session.visitor_id}, {session.session_id}"}}')
    visit.create_session(body)
    assert len(events) == 7
    for secret in (session.visitor_id, session.session_id, session.page_id, "Secret", "shopper"):
        assert secret not in repr(events)
    [retry] = [event for event in events if isinstance(event, RetryEvent)]
    assert repr(pickle.loads(pickle.dumps(retry))) == repr(retry)  # noqa: S301
    for event in events:
        with pytest.raises(AttributeError):
            event.attempt = 0


def test_each_retry_is_told_before_its_pause(backend: Backend, sandbox: Sandbox) -> None:
    """With operation, attempt, error, and the pause that follows; the last failure is raised."""
    told: list[Any] = []

    def tell(event: RetryEvent) -> None:
        assert event.attempt == event.error.attempts
        told.append((event.operation_id, event.attempt, type(event.error), event.pause, list(backend.pauses)))

    visit = backend.client(domain_api=sandbox.url, on_retry=tell).visit("shopper")
    sandbox.fail_next(503, operation="findDomain")
    sandbox.loading_account()
    sandbox.fail_next(503, retry_after=20, operation="continueSession")
    visit.create_session(BODY)
    sandbox.drop_connection()
    visit.update_session({})
    sandbox.fail_next(503, times=2)
    with pytest.raises(errors.DeadlineExceeded):
        visit.create_session(BODY, deadline=8)
    assert told == [
        ("findDomain", 1, errors.ServerError, 5.0, []),
        ("createSession", 1, errors.AccountLoading, 5.0, [5.0]),
        ("continueSession", 2, errors.ServerError, 20.0, [5.0, 5.0]),
        ("updateSession", 1, errors.ConnectionFailed, 5.0, [5.0, 5.0, 20.0]),
        ("continueSession", 1, errors.ServerError, 5.0, [5.0, 5.0, 20.0, 5.0]),
    ]


@pytest.mark.backends("sync", "async")
def test_what_on_retry_raises_ends_the_call_and_frees_the_key(backend: Backend, sandbox: Sandbox) -> None:
    """Without a pause and another request; the next call has the key at once, and the visitor that was named."""

    def stop(event: RetryEvent) -> None:
        raise Stop(event.operation_id)

    client = backend.client(domain_api=sandbox.url, on_retry=stop)
    for operation in ("findDomain", "createSession"):
        sandbox.fail_next(503, operation=operation)
        with pytest.raises(Stop, match=f"^{operation}$"):
            client.visit("shopper").create_session(BODY, deadline=60)
    sandbox.loading_account()
    with pytest.raises(Stop):
        client.visit("shopper").create_session(BODY, deadline=60)
    assert (backend.pauses, len(sandbox.requests)) == ([], 4)
    client.visit("shopper").create_session(BODY, deadline=20)
    assert len(sandbox.visitors) == 1
