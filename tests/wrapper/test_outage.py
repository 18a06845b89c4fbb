"""The guard for long outages: calls are held back, one tries again after 2, 4 and 8 minutes, and all processes know."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from conftest import BODY, Backend, Clock
from doubles import WatchedStore
from life import StoreDown
from liveperson_engagement import EngagementClient, OutageGuard, RetryPolicy, SQLiteStore, errors
from liveperson_engagement._contract import contract
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record, VisitIds

KEY = "!outage:demo"
NOT_SENT = r"\[(\d+)\] not sent, as the service is down: next try at (\d\d:\d\d:\d\d) UTC, in (\d+) s"

Connect = Callable[..., EngagementClient]


@pytest.fixture
def store(clock: Clock) -> WatchedStore:
    """What all clients share."""
    return WatchedStore(clock=clock)


@pytest.fixture
def connect(backend: Backend, sandbox: Sandbox, store: WatchedStore) -> Connect:
    """Make clients with a guard that share the store."""

    def client(account_id: str = "demo", **options: Any) -> EngagementClient:
        given: dict[str, Any] = {"base_url": sandbox.url, "store": store, "outage_guard": OutageGuard(), **options}
        return backend.client(account_id, **given)

    return client


def failed(client: EngagementClient, key: str | None = "second") -> errors.ServerError:
    """Call in vain."""
    with pytest.raises(errors.ServerError) as raised:
        client.visit(key).create_session(BODY)
    return raised.value


def begin_outage(client: EngagementClient, sandbox: Sandbox) -> None:
    """Let a call spend its documented retries."""
    sandbox.fail_next(503, times=4)
    assert failed(client, "first").attempts == 4


def held_back(client: EngagementClient, key: str | None = "second", status: int = 503, code: int | None = 18) -> int:
    """Call, and see it refused without a request; return the seconds that it is told to wait."""
    asked, error = datetime.now(UTC), failed(client, key)
    named = re.fullmatch(NOT_SENT + ("" if code is None else rf" \(internal code {code}\)"), str(error))
    assert named, str(error)
    seconds = int(named[3])
    assert named[2] in [f"{asked + timedelta(seconds=seconds + late):%H:%M:%S}" for late in range(-1, 60)]
    assert (int(named[1]), error.status_code, error.response.status) == (status, status, status)
    assert error.response.headers["Retry-After"] == named[3]
    assert (error.internal_code, error.message, error.attempts) == (code, None, 0)
    return seconds


def answers(client: EngagementClient, key: str | None = "second") -> bool:
    """Call, and see it sent and answered."""
    return client.visit(key).create_session(BODY).status == "Available"


def test_without_a_guard_every_call_is_sent(
    client: EngagementClient, connect: Connect, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is off by default, and for an operation whose policy knows no long outage."""
    begin_outage(client, sandbox)
    assert answers(client)
    operation = contract().operations["createSession"]
    monkeypatch.setitem(operation.__dict__, "policy", dataclasses.replace(operation.policy, outage_pauses=()))
    begin_outage(connect(), sandbox)
    assert answers(connect())


@pytest.mark.backends
def test_after_the_retries_calls_fail_at_once(
    connect: Connect, sandbox: Sandbox, backend: Backend, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent, nobody pauses, and the next try is named in UTC; clients that share the store know as well."""
    client, other = connect(), connect()
    begin_outage(client, sandbox)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert held_back(client) == 120
    time.tzset()
    clock.now += 60.5
    assert held_back(other, "first") == 60
    clock.now += 59
    assert held_back(other, None) == 1
    assert (len(sandbox.requests), backend.pauses) == (4, [5, 10, 15])


def test_other_processes_read_of_it_in_a_file(connect: Connect, backend: Backend, sandbox: Sandbox, path: Path) -> None:
    """What is written down is what they read."""
    ours, theirs = (connect(store=backend.store(SQLiteStore(path))) for _ in range(2))
    begin_outage(ours, sandbox)
    assert 110 < held_back(theirs) <= 120
    assert len(sandbox.requests) == 4


@pytest.mark.parametrize(("pauses", "status", "body", "code"), [(None, 503, None, 18), ((7, 90, 4000), 502, "", None)])
def test_one_attempt_follows_each_pause_of_the_longer_rhythm(
    connect: Connect, sandbox: Sandbox, clock: Clock, caplog: Any, pauses: Any, status: int, body: Any, code: Any
) -> None:
    """2, 4, 8 minutes, as the contract says, or pauses of one's own; beginning and end are logged, once each."""
    caplog.set_level("INFO", logger="liveperson_engagement")
    client = connect(retry=RetryPolicy.none(), outage_guard=OutageGuard(pauses))
    first, *_, last = rhythm = pauses or (120, 240, 480)
    sandbox.fail_next(status, body=body, times=5)
    for sent, pause in enumerate((*rhythm, last, last), 1):
        failed(client)
        assert len(sandbox.requests) == sent
        assert held_back(client, status=status, code=code) == pause
        clock.now += pause
    assert answers(client)
    assert answers(client)
    assert [(each.levelname, each.getMessage()) for each in caplog.records if "outage" in each.getMessage()] == [
        ("WARNING", f"outage: the service fails; calls are held back for {first} s"),
        ("INFO", "outage: the service answers again"),
    ]


def test_in_an_outage_each_method_is_tried_once(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    """When its pause is over, whatever the client's retries are; what is remembered stays so, and needs no request."""
    client = connect(outage_guard=OutageGuard((7, 8)))
    visit = client.visit("second")
    visit.create_session(BODY)
    begin_outage(client, sandbox)
    calls: list[Callable[[], object]] = [
        lambda: visit.create_session(BODY),
        lambda: visit.update_session({}),
        lambda: visit.report_impressions("impDisplay"),
        lambda: client.call("createSession", BODY),
    ]
    for sent, call in enumerate(calls, 6):
        with pytest.raises(errors.ServerError, match="not sent"):
            call()
        clock.now += 8
        sandbox.fail_next(503)
        with pytest.raises(errors.ServerError, match="503"):
            call()
        assert len(sandbox.requests) == sent
    assert visit.engagement(BODY).status == "Available"


@pytest.mark.parametrize(
    ("fault", "ends"), [("answer", True), ("404", True), ("unreadable", True), ("dropped", False), ("slow", False)]
)
def test_an_answer_ends_the_outage(connect: Connect, sandbox: Sandbox, clock: Clock, fault: str, ends: bool) -> None:
    """Also a refusal, or one that cannot be read; the next outage begins with the first pause. Silence ends nothing."""
    client = connect()
    begin_outage(client, sandbox)
    clock.now += 120
    faults: dict[str, Callable[[], None]] = {
        "404": lambda: sandbox.fail_next(404),
        "unreadable": lambda: sandbox.answer_next(body="[]"),
        "dropped": sandbox.drop_connection,
        "slow": lambda: sandbox.slow(1),
    }
    if fault in faults:
        faults[fault]()
        with pytest.raises(Exception, match=r"404|answer"):
            connect(timeout=0.1 if fault == "slow" else 30).visit("second").create_session(BODY)
    if ends:
        assert answers(client)
        begin_outage(client, sandbox)
    assert held_back(client) == (120 if ends else 240)


def test_an_outage_leaves_other_accounts_alone(connect: Connect, sandbox: Sandbox) -> None:
    """They go on, whatever their visits are called; and a call that its deadline has ended begins no outage."""
    client = connect()
    sandbox.fail_next(503)
    with pytest.raises(errors.DeadlineExceeded):
        client.visit("first").create_session(BODY, deadline=2)
    assert answers(client)
    elsewhere, hook = connect(domain_api=sandbox.url), Mock(side_effect=errors.ServerError("[503] of a hook's own"))
    sandbox.fail_next(503, times=4, operation="findDomain")
    with pytest.raises(errors.ServerError):
        elsewhere.call("findDomain")
    with pytest.raises(errors.ServerError, match="hook's"):
        client.with_options(on_request=hook).visit().create_session(BODY)
    assert answers(client)
    begin_outage(client, sandbox)
    assert all(answers(connect(account_id), "demo") for account_id in ("other", "outage"))
    held_back(client)


def test_an_account_that_is_not_loaded_is_held_back_too(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    """Each call with a new key would put another visitor on the list; the one there is stays known."""
    client = connect()
    sandbox.loading_account(times=4)
    failed(client, "first")
    assert held_back(client, status=500, code=20) == 120
    clock.now += 120
    assert answers(client, "first")
    assert len(sandbox.visitors) == 1


@pytest.mark.parametrize(
    ("text", "status", "code", "pause"),
    [
        *(
            (text, 503, None, 120)
            for text in (None, "{}", "[1]", "[null, 503, 5]", '["x", 1, 2]', "[Infinity, 503, 5]")
        ),
        pytest.param("[" * 100_000, 503, None, 120, id="nested too deep"),
        *((f"[{count}, 500, 20]", 500, 20, pause) for count, pause in ((0, 120), (2, 240), (10**6, 480))),
    ],
)
def test_a_record_that_somebody_has_damaged(
    connect: Connect, store: WatchedStore, clock: Clock, text: str, status: int, code: int | None, pause: int
) -> None:
    """It counts as an outage that has begun, a count as the nearest that can be; it ends with the next answer."""
    store.compare_and_set(KEY, None, Record(VisitIds("outage"), text))
    assert held_back(connect(), status=status, code=code) == pause
    clock.now += pause
    assert answers(connect())
    assert store.load(KEY) is None


def test_one_call_at_a_time_tries_again(
    connect: Connect, sandbox: Sandbox, store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Who finds that another was faster does not, and says nothing; while all is well, a guard costs one look."""
    caplog.set_level("INFO")
    client = connect(retry=RetryPolicy.none(), outage_guard=OutageGuard([0, 90]))
    assert answers(client)
    assert store.names == ["acquire", "extend", "compare_and_set"]

    def note_as_another() -> None:
        found = store.load(KEY)
        store.compare_and_set(KEY, found and found.version, Record(VisitIds("outage"), "[1, 503, null]"))

    sandbox.fail_next(503)
    store.before["compare_and_set"] = note_as_another
    failed(client)
    store.before["compare_and_set"] = note_as_another
    assert held_back(client, code=None) == 90
    assert len(sandbox.requests) == 2
    assert [line for line in caplog.messages if "outage" in line] == []


def test_a_store_that_is_down_is_no_outage(connect: Connect, sandbox: Sandbox) -> None:
    """What `on_store_error` says holds for the guard as well."""
    with pytest.raises(errors.StoreError):
        connect(store=StoreDown()).visit().create_session(BODY)
    assert sandbox.requests == ()
    assert answers(connect(store=StoreDown(), on_store_error="continue"), None)


def test_a_guard_has_pauses() -> None:
    """There is at least one; anything else is refused when the client is made."""
    refused: Any = {
        (): "pauses: must be one or more numbers of seconds",
        (120, -1): r"pauses\[1\]: must be a number of",
    }
    for pauses, message in refused.items():
        with pytest.raises(errors.InvalidRequest, match=message):
            OutageGuard(pauses)
    not_many: Any = 5
    for make in (OutageGuard, RetryPolicy):
        with pytest.raises(errors.InvalidRequest, match=r"pauses: must be numbers of seconds, such as \(5, 10, 15\)$"):
            make(not_many)
    assert repr(OutageGuard((1, 2.5))) == "OutageGuard(pauses=(1, 2.5))"
