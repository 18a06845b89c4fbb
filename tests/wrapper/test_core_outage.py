"""The guard for long outages, to the letter: what it says, when it says it, and what it leaves in the store."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conftest import BODY, Backend, Clock
from liveperson_engagement import EngagementClient, MemoryStore, OutageGuard, RetryPolicy, ServerError
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record, VisitIds

KEY = "!outage:demo"


@pytest.fixture
def store(clock: Clock) -> MemoryStore:
    """What all clients share."""
    return MemoryStore(clock=clock)


@pytest.fixture
def guarded(backend: Backend, sandbox: Sandbox, store: MemoryStore) -> EngagementClient:
    """Connect a client that does not retry, with a guard of pauses of its own."""
    return backend.client(
        base_url=sandbox.url, store=store, retry=RetryPolicy.none(), outage_guard=OutageGuard((7, 90, 4000))
    )


def failed(client: EngagementClient) -> ServerError:
    """Call in vain."""
    with pytest.raises(ServerError) as raised:
        client.visit().create_session(BODY)
    return raised.value


def test_while_all_is_well_nothing_is_written_or_logged(
    guarded: EngagementClient, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A guard costs one look at the store."""
    caplog.set_level("INFO")
    replaced: list[str] = []
    compare_and_set = store.compare_and_set

    def note(key: str, *change: Any) -> Any:
        replaced.append(key)
        return compare_and_set(key, *change)

    store.compare_and_set = note  # type: ignore[method-assign,assignment]
    guarded.visit("shopper").create_session(BODY)
    assert set(replaced) <= {"demo:shopper"}
    assert [line for line in caplog.messages if "outage" in line] == []


def test_beginning_and_end_are_one_line_each(
    guarded: EngagementClient, sandbox: Sandbox, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Of all calls, only the one that finds out says so."""
    caplog.set_level("INFO", logger="liveperson_engagement")
    sandbox.fail_next(503, times=2)
    failed(guarded)
    failed(guarded)
    clock.now += 7
    failed(guarded)
    clock.now += 90
    guarded.visit().create_session(BODY)
    guarded.visit().create_session(BODY)
    assert [(each.levelname, each.getMessage()) for each in caplog.records if "outage" in each.getMessage()] == [
        ("WARNING", "outage: the service fails; calls are held back for 7 s"),
        ("INFO", "outage: the service answers again"),
    ]


def test_who_finds_it_begun_already_says_nothing(
    guarded: EngagementClient, sandbox: Sandbox, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Another process has noted the outage while this one's request was under way."""
    load = store.load

    def late(key: str, timeout: float | None) -> Any:
        found = load(key, timeout)
        if key == KEY and found is None:
            assert store.compare_and_set(KEY, None, Record(VisitIds("outage"), "[1, 503, null]")) is not None
        return found

    store.load = late  # type: ignore[method-assign,assignment]
    sandbox.fail_next(503)
    failed(guarded)
    assert [line for line in caplog.messages if "outage" in line] == []


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let clocks on the wall show nine hours more."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(("failures", "pause"), [(1, 7), (2, 90), (3, 4000), (4, 4000)])
def test_a_call_that_is_held_back_says_when_the_next_try_is(
    guarded: EngagementClient, sandbox: Sandbox, clock: Clock, failures: int, pause: int
) -> None:
    """In UTC wherever one is, and in seconds; the last pause again and again."""
    sandbox.fail_next(502, body=b"", times=failures)
    failed(guarded)
    for passed in (7, 90, 4000)[: failures - 1]:
        clock.now += passed
        failed(guarded)
    asked = datetime.now(UTC)
    error = failed(guarded)
    line = re.fullmatch(
        r"\[502\] not sent, as the service is down: next try at (\d\d:\d\d:\d\d) UTC, in (\d+) s", str(error)
    )
    assert line, str(error)
    assert int(line[2]) == pause
    assert line[1] in [f"{asked + timedelta(seconds=pause + late):%H:%M:%S}" for late in range(-1, 10)]
    assert (error.status_code, error.internal_code, error.message, error.attempts) == (502, None, None, 0)
    assert (error.response.status, error.response.headers["Retry-After"]) == (502, str(pause))
    assert len(sandbox.requests) == failures


@pytest.mark.parametrize("text", [None, "", "[]", "{}"])
def test_a_damaged_record_holds_back_as_a_503_would(
    guarded: EngagementClient, store: MemoryStore, text: str | None
) -> None:
    """It is taken for an outage that has just begun."""
    store.compare_and_set(KEY, None, Record(VisitIds("outage"), text))
    error = failed(guarded)
    assert (error.status_code, error.internal_code) == (503, None)
    assert error.response.headers["Retry-After"] == "7"


@pytest.mark.parametrize(("count", "pause"), [(-5, 7), (0, 7), (2, 90), (10**6, 4000)])
def test_a_count_that_cannot_be_is_taken_for_the_nearest(
    guarded: EngagementClient, store: MemoryStore, count: int, pause: int
) -> None:
    """Whatever somebody has written there."""
    store.compare_and_set(KEY, None, Record(VisitIds("outage"), f"[{count}, 500, 20]"))
    error = failed(guarded)
    assert (error.status_code, error.internal_code) == (500, 20)
    assert error.response.headers["Retry-After"] == str(pause)
