"""The time that a call has: what a pause counts for, what is left, and which numbers are seconds."""

from __future__ import annotations

import contextlib
from typing import Any
from unittest.mock import Mock

import pytest

from conftest import BODY, Backend, Clock
from liveperson_engagement import (
    ConnectionFailed,
    DeadlineExceeded,
    EngagementClient,
    EngagementError,
    InvalidRequest,
    MemoryStore,
    NotFound,
    OutageGuard,
    RetryPolicy,
    ServerError,
    StoreError,
)
from liveperson_engagement._deadline import CallDeadline
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record, Remembered, VisitIds


def left_of(deadline: CallDeadline) -> float:
    """Ask a deadline that has an end."""
    left = deadline.remaining()
    assert left is not None
    return left


@pytest.mark.parametrize(
    ("pause", "took", "counted"), [(5.0, 0.0, 5.0), (5.0, 5.0, 0.0), (5.0, 4.0, 1.0), (5.0, 7.0, 0.0), (0.0, 0.0, 0.0)]
)
def test_a_pause_counts_for_its_length_and_what_the_clock_has_seen_of_it_not_twice(
    pause: float, took: float, counted: float
) -> None:
    """What a faked sleep leaves out is taken off; what the clock has counted already is not."""
    deadline = CallDeadline(1000.0)
    deadline.add_skipped(pause - took)
    assert left_of(deadline) == pytest.approx(1000.0 - counted, abs=0.5)


def test_pauses_add_up() -> None:
    """Each one is taken off what the others have left."""
    deadline = CallDeadline(1000.0)
    for _ in range(3):
        deadline.add_skipped(10.0)
    assert left_of(deadline) == pytest.approx(970.0, abs=0.5)


def test_nothing_is_left_of_a_deadline_that_has_passed() -> None:
    """Less than nothing is nothing, and no deadline leaves any time."""
    deadline = CallDeadline(5.0)
    deadline.add_skipped(10.0)
    assert deadline.left() == 0
    assert CallDeadline(None).left() is None


def test_what_is_left_gets_less() -> None:
    """The clock runs between two looks."""
    deadline = CallDeadline(1000.0)
    first = left_of(deadline)
    assert left_of(deadline) < first <= 1000.0


def test_a_pause_as_long_as_what_is_left_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing could follow it."""
    monkeypatch.setattr("liveperson_engagement._deadline.time", Mock(monotonic=lambda: 7.0))
    deadline = CallDeadline(5.0)
    assert deadline.remaining() == 5.0
    assert deadline.can_wait(4.999)
    assert not deadline.can_wait(5.0)


def test_the_lesser_of_timeout_and_deadline_is_the_limit() -> None:
    """None stands for no limit, on either side."""
    assert CallDeadline(None).cap(None) is None
    assert CallDeadline(None).cap(3.0) == 3.0
    assert CallDeadline(1000.0).cap(3.0) == 3.0
    assert CallDeadline(5.0).cap(None) == pytest.approx(5.0, abs=0.5)
    assert CallDeadline(5.0).cap(9.0) == pytest.approx(5.0, abs=0.5)


def test_a_call_with_less_than_a_second_is_sent(backend: Backend, sandbox: Sandbox) -> None:
    """Any time that is left is enough to try."""
    client = backend.client(base_url=sandbox.url)
    assert client.visit().create_session(BODY, deadline=0.9).status == "Available"


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}, {"Retry-After": "-3"}, {"Retry-After": "1.5"}])
def test_pauses_of_no_length_stay_so_without_a_time_to_go_by(
    backend: Backend, sandbox: Sandbox, headers: dict[str, str]
) -> None:
    """A Retry-After that cannot be read lengthens nothing."""
    sandbox.fail_next(503, times=4, headers=headers)
    with pytest.raises(ServerError):
        backend.client(base_url=sandbox.url, retry=RetryPolicy(pauses=(0, 0.25, 0))).visit().create_session(BODY)
    assert backend.pauses == [0, 0.25, 0]


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), 10**9 + 1, "10", True])
def test_what_is_no_number_of_seconds_is_told_with_the_bounds(value: Any) -> None:
    """The line says what would be right."""
    with pytest.raises(InvalidRequest) as raised:
        CallDeadline(value)
    assert str(raised.value) == "deadline: must be a number of seconds, at least 0 and at most 1,000,000,000"


@pytest.mark.parametrize("pause", [0, 0.5, 10**9])
def test_the_bounds_themselves_are_seconds(pause: float) -> None:
    """Both ends are taken."""
    assert RetryPolicy(pauses=(pause,)).pauses == (pause,)


class Noting(MemoryStore):
    """Notes for how long a key is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float | None] = []
        self.held = True

    def acquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Note, and wait."""
        self.asked += [timeout, ttl]
        return super().acquire(key, token, timeout, ttl)

    async def aacquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Note, and wait."""
        self.asked += [timeout, ttl]
        return await super().aacquire(key, token, timeout, ttl)

    def extend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
        """Note."""
        self.asked.append(ttl)
        return super().extend(key, token, ttl, timeout) and self.held


@pytest.mark.parametrize(("timeout", "attempt"), [(7.0, 30 + 3 * 7.0), (None, 30 + 3 * 30.0)])
def test_a_key_stays_taken_for_what_the_call_is_about_to_do(
    backend: Backend, sandbox: Sandbox, timeout: float | None, attempt: float
) -> None:
    """Connecting, sending and waiting may take the timeout each; a pause its length; and half a minute besides."""
    store = Noting()
    sandbox.fail_next(503)
    client = backend.client(base_url=sandbox.url, store=store, timeout=timeout)
    client.visit("shopper").create_session(BODY)
    assert store.asked == [None, 30.0, attempt, 35.0, attempt]


def test_waiting_for_a_key_may_take_what_the_call_has_left(backend: Backend, sandbox: Sandbox) -> None:
    """The deadline, whole as it is at the beginning."""
    store = Noting()
    backend.client(base_url=sandbox.url, store=store).visit("shopper").create_session(BODY, deadline=500)
    assert store.asked[0] == pytest.approx(500, abs=5)


def test_a_call_that_has_lost_its_turn_goes_on_if_its_visitor_is_named(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A second request puts no second visitor on the list; the log has a line."""
    store = Noting()
    client = backend.client(base_url=sandbox.url, store=store)
    sandbox.loading_account(times=4)
    with pytest.raises(ServerError):
        client.visit("shopper").create_session(BODY)
    store.held = False
    client.visit("shopper").create_session(BODY)
    lines = [line for line in caplog.messages if "trying again" not in line]
    assert lines == ["session store: a call was too slow and lost its lock"]
    assert len(sandbox.visitors) == 1


def test_a_connection_that_failed_is_logged_by_its_kind(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """With the pause before the next attempt."""
    visit = backend.client(base_url=sandbox.url).visit()
    visit.create_session(BODY)
    caplog.set_level("INFO", logger="liveperson_engagement")
    sandbox.drop_connection()
    visit.update_session({})
    assert caplog.messages == ["updateSession: attempt 1 failed (ConnectionFailed); trying again in 5 s"]


def test_a_call_that_lost_its_turn_waits_for_another(backend: Backend, sandbox: Sandbox) -> None:
    """Before anything is sent: somebody else may have put the visitor on the list."""
    store = Noting()
    held = iter([False])
    store.extend = lambda *_: next(held, True)  # type: ignore[method-assign]
    backend.client(base_url=sandbox.url, store=store).visit("shopper").create_session(BODY)
    assert store.asked == [None, 30.0, None, 30.0]
    assert len(sandbox.requests) == 1


def test_a_visit_that_is_known_needs_no_turn(backend: Backend, sandbox: Sandbox) -> None:
    """Only whoever starts it does."""
    store = Noting()
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    visit.create_session(BODY)
    store.asked.clear()
    visit.create_session(BODY)
    assert store.asked == []


def test_without_a_store_that_works_a_key_counts_as_held(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """If the caller wants to go on so."""
    store = Noting()

    def broken(*_: object) -> bool:
        raise StoreError("OSError") from OSError()

    store.extend = broken  # type: ignore[method-assign,assignment]
    client = backend.client(base_url=sandbox.url, store=store, on_store_error="continue")
    assert client.visit("shopper").create_session(BODY).status == "Available"
    assert caplog.messages == ["session store: extend failed (OSError); going on without it"]
    assert len(sandbox.requests) == 1


def test_a_call_that_fails_before_its_deadline_raises_what_went_wrong(backend: Backend, sandbox: Sandbox) -> None:
    """Not that the time was over: it was not."""
    sandbox.drop_connection()
    with pytest.raises(ConnectionFailed) as raised:
        backend.client(base_url=sandbox.url, retry=RetryPolicy.none()).visit().create_session(BODY, deadline=0.9)
    assert raised.value.attempts == 1


@pytest.mark.parametrize("deadline", [8, 14])
def test_a_deadline_that_ends_a_call_says_how_often_it_was_tried(
    backend: Backend, sandbox: Sandbox, deadline: float
) -> None:
    """The last failure is its cause; a pause that was made counts, though no clock has seen it."""
    sandbox.fail_next(503, times=2)
    with pytest.raises(DeadlineExceeded) as raised:
        backend.client(base_url=sandbox.url).visit().create_session(BODY, deadline=deadline)
    assert (
        str(raised.value) == f"deadline: the call did not end within {deadline} seconds; allow more, or try again later"
    )
    assert raised.value.attempts == 2
    assert isinstance(raised.value.__cause__, ServerError)


@pytest.mark.parametrize(
    ("usual", "own", "ends"), [(8, None, True), (300, 8, True), (8, 300, False), (None, 8, True), (None, None, False)]
)
def test_a_calls_own_deadline_stands_in_for_the_clients(
    backend: Backend, sandbox: Sandbox, usual: float | None, own: float | None, *, ends: bool
) -> None:
    """Whichever of the two is longer."""
    visit = backend.client(base_url=sandbox.url, deadline=usual).visit("shopper")
    arguments: dict[str, Any] = {
        "create_session": BODY,
        "engagement": BODY,
        "update_session": {},
        "report_impressions": "impDisplay",
    }
    for method, argument in arguments.items():
        sandbox.reset()
        visit.forget()
        if method in ("update_session", "report_impressions"):
            visit.create_session(BODY)
        sandbox.fail_next(503, times=2)
        if ends:
            with pytest.raises(DeadlineExceeded):
                getattr(visit, method)(argument, deadline=own)
        else:
            getattr(visit, method)(argument, deadline=own)
            assert len(sandbox.requests) >= 3


class Timed(MemoryStore):
    """A store that notes how long it may take for each step."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.told: list[tuple[str, float | None]] = []

    def load(self, key: str, timeout: float | None = None) -> Remembered | None:
        """Note, and load."""
        self.told.append(("load", timeout))
        return super().load(key, timeout)

    def compare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Note, and save."""
        self.told.append(("compare_and_set", timeout))
        return super().compare_and_set(key, expected, record, timeout)

    def acquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Note, and lock."""
        self.told.append(("acquire", timeout))
        return super().acquire(key, token, timeout, ttl)

    def extend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
        """Note, and hold the lock on."""
        self.told.append(("extend", timeout))
        return super().extend(key, token, ttl, timeout)

    def release(self, key: str, token: str, timeout: float | None = None) -> None:
        """Note, and unlock."""
        self.told.append(("release", timeout))
        super().release(key, token, timeout)


def test_every_step_of_a_store_ends_at_the_calls_deadline(sandbox: Sandbox, clock: Clock) -> None:
    """Whatever happens on the way; what a failed call holds is given back without one."""
    store = Timed(clock)
    with EngagementClient(
        "demo", base_url=sandbox.url, store=store, outage_guard=OutageGuard((7,)), deadline=50, sleep=lambda _: None
    ) as client:
        known = client.call("createSession", BODY)
        visit = client.visit("shopper", ids=VisitIds(known.visitor_id, known.session_id, known.page_id))
        sandbox.serve_next()
        visit.create_session(BODY)
        visit.engagement(BODY)
        visit.engagement({"appType": "EXTERNAL", "consumerSections": ["a"]})
        visit.update_session({})
        visit.report_impressions("impDisplay")
        sandbox.loading_account(times=2)
        client.visit("another").create_session(BODY)
        assert {step for step, _ in store.told} == {"load", "compare_and_set", "acquire", "extend", "release"}
        assert [step for step, timeout in store.told if timeout is None or not 0 < timeout <= 50] == []
        store.told.clear()
        for status, call in ((404, visit.update_session), (404, visit.create_session), (503, visit.create_session)):
            visit.create_session(BODY)
            sandbox.fail_next(status, times=4 if status == 503 else 1)
            with contextlib.suppress(EngagementError):
                call(BODY)
        for passed in (0, 7, 7):
            clock.now += passed
            sandbox.fail_next(503)
            with contextlib.suppress(EngagementError):
                visit.create_session(BODY)
        clock.now += 7
        sandbox.reset()
        with pytest.raises(NotFound):
            visit.create_session(BODY)
        visit.create_session(BODY)
        remembered = store.load("demo:shopper", 1)
        assert remembered
        store.compare_and_set("demo:shopper", remembered.version, Record(VisitIds(".")), 1)
        with pytest.raises(InvalidRequest):
            visit.update_session({})
        assert len(store.told) > 20
        assert [
            step for step, timeout in store.told if step != "release" and (timeout is None or not 0 < timeout <= 50)
        ] == []
