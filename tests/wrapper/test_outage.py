"""The guard for long outages: calls are held back, one tries again after 2, 4 and 8 minutes, and all processes know."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import BODY, Backend, Clock
from life import StoreDown
from liveperson_engagement import (
    DeadlineExceeded,
    EngagementClient,
    InvalidRequest,
    MemoryStore,
    OutageGuard,
    RedisStore,
    RetryPolicy,
    ServerError,
    SQLiteStore,
    StoreError,
)
from liveperson_engagement._contract import contract
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record, VisitIds

KEY = "!outage:demo"
NOT_SENT = r"\[(\d+)\] not sent, as the service is down: next try at (\d\d:\d\d:\d\d) UTC, in (\d+) s"

Connect = Callable[..., EngagementClient]


@pytest.fixture
def store(clock: Clock) -> MemoryStore:
    """What all clients share."""
    return MemoryStore(clock=clock)


@pytest.fixture
def connect(backend: Backend, sandbox: Sandbox, store: MemoryStore) -> Connect:
    """Make clients with a guard that share the store."""

    def client(account_id: str = "demo", **options: Any) -> EngagementClient:
        given: dict[str, Any] = {"base_url": sandbox.url, "store": store, "outage_guard": OutageGuard(), **options}
        return backend.client(account_id, **given)

    return client


@pytest.fixture
def guarded(connect: Connect) -> EngagementClient:
    """A client with a guard that waits as the contract says."""
    return connect()


def failed(client: EngagementClient, key: str | None = "second") -> ServerError:
    """Call in vain."""
    with pytest.raises(ServerError) as raised:
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


def test_without_a_guard_every_call_is_sent(client: EngagementClient, sandbox: Sandbox) -> None:
    """It is off by default."""
    begin_outage(client, sandbox)
    assert answers(client)


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
    assert len(sandbox.requests) == 4
    assert backend.pauses == [5, 10, 15]


@pytest.mark.parametrize(("pauses", "status", "body", "code"), [(None, 503, None, 18), ((7, 90, 4000), 502, "", None)])
def test_one_attempt_follows_each_pause_of_the_longer_rhythm(
    connect: Connect,
    sandbox: Sandbox,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    pauses: Any,
    status: int,
    body: str | None,
    code: int | None,
) -> None:
    """2, 4, 8 minutes, as the contract says, or pauses of one's own; beginning and end are logged, once each."""
    caplog.set_level("INFO", logger="liveperson_engagement")
    client = connect(retry=RetryPolicy.none(), outage_guard=OutageGuard(pauses))
    assert contract().operations["createSession"].policy.outage_pauses == (120, 240, 480)
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


def test_an_outage_leaves_accounts_and_visits_alone(connect: Connect, sandbox: Sandbox, clock: Clock) -> None:
    """Other accounts go on, whatever their visits are called; what is remembered stays so, and needs no request."""
    client = connect()
    visit = client.visit("second")
    visitor_id = visit.create_session(BODY).visitor_id
    begin_outage(client, sandbox)
    assert all(answers(connect(account_id), "demo") for account_id in ("other", "outage"))
    assert visit.engagement(BODY).status == "Available"
    with pytest.raises(ServerError, match="not sent"):
        visit.report_impressions("impDisplay")
    held_back(client)
    clock.now += 120
    assert visit.create_session(BODY).visitor_id == visitor_id
    assert len(sandbox.visitors) == 3


def test_a_call_that_its_deadline_ends_begins_no_outage(guarded: EngagementClient, sandbox: Sandbox) -> None:
    """Its retries were not spent."""
    sandbox.fail_next(503)
    with pytest.raises(DeadlineExceeded):
        guarded.visit("first").create_session(BODY, deadline=2)
    assert answers(guarded)


def test_an_account_that_is_not_loaded_is_held_back_too(
    guarded: EngagementClient, sandbox: Sandbox, clock: Clock
) -> None:
    """Each call with a new key would put another visitor on the list; the one there is stays known."""
    sandbox.loading_account(times=4)
    failed(guarded, "first")
    assert held_back(guarded, status=500, code=20) == 120
    clock.now += 120
    assert answers(guarded, "first")
    assert len(sandbox.visitors) == 1


DAMAGED = [None, "", "{}", "[]", "[1]", "[null, 503, 5]", '["x", 1, 2]', "[1, 503, {}]", "[Infinity, 503, 5]"]
COUNTS = {-5: 120, 0: 120, 2: 240, 10**6: 480}


@pytest.mark.parametrize(
    ("text", "status", "code", "pause"),
    [
        *((text, 503, None, 120) for text in DAMAGED),
        pytest.param("[" * 100_000, 503, None, 120, id="nested too deep"),
        *((f"[{count}, 500, 20]", 500, 20, pause) for count, pause in COUNTS.items()),
    ],
)
def test_a_record_that_somebody_has_damaged(
    guarded: EngagementClient, store: MemoryStore, clock: Clock, text: str, status: int, code: int | None, pause: int
) -> None:
    """It counts as an outage that has begun, a count as the nearest that can be; it ends with the next answer."""
    store.compare_and_set(KEY, None, Record(VisitIds("outage"), text))
    assert held_back(guarded, status=status, code=code) == pause
    clock.now += pause
    assert answers(guarded)
    assert store.load(KEY) is None


class Watched(MemoryStore):
    """Notes what is saved; if it is asked to, another process notes an outage just after one has looked for it."""

    def __init__(self, begun: bool) -> None:
        super().__init__()
        self.begun, self.saved = begun, list[str]()

    def load(self, key: str, timeout: float | None = None) -> Any:
        """Load, and then let the other one save."""
        found = super().load(key, timeout)
        if self.begun and key == KEY:
            self.compare_and_set(KEY, found and found.version, Record(VisitIds("outage"), "[1, 503, null]"))
        return found

    def compare_and_set(self, key: str, expected: Any, record: Record | None, timeout: float | None = None) -> Any:
        """Note the key, and save."""
        self.saved.append(key)
        return super().compare_and_set(key, expected, record, timeout)


@pytest.mark.parametrize(("begun", "saved"), [(False, {"demo:second"}), (True, {KEY})])
def test_nothing_is_logged_while_all_is_well_or_known(
    connect: Connect, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, begun: bool, saved: set[str]
) -> None:
    """A guard costs one look at the store; who finds that another process was faster says nothing, and does not try."""
    caplog.set_level("INFO")
    store = Watched(begun)
    client = connect(store=store, retry=RetryPolicy.none(), outage_guard=OutageGuard([0, 90]))
    if begun:
        sandbox.fail_next(503)
        failed(client)
        assert held_back(client, code=None) == 90
        assert len(sandbox.requests) == 1
    else:
        assert answers(client)
    assert {*store.saved} == saved
    assert [line for line in caplog.messages if "outage" in line] == []


@pytest.mark.parametrize("shared", ["memory", "sqlite", "redis"])
def test_one_call_at_a_time_tries_again(
    sandbox: Sandbox, tmp_path: Path, shared: str, request: pytest.FixtureRequest
) -> None:
    """Of many threads that ask when the time has come, one sends; the others are held back."""
    stores: list[Any] = [MemoryStore()] * 2
    if shared == "sqlite":
        stores = [SQLiteStore(tmp_path / "visits.db") for _ in range(2)]
    elif shared == "redis":
        stores = [RedisStore(request.getfixturevalue("server").url) for _ in range(2)]
    options: dict[str, Any] = {"base_url": sandbox.url, "sleep": abs, "outage_guard": OutageGuard([0, 600])}
    clients = [EngagementClient("demo", store=store, **options) for store in stores]
    begin_outage(clients[0], sandbox)
    sandbox.fail_next(503)
    together = threading.Barrier(12)

    def call(number: int) -> str:
        together.wait()
        return str(failed(clients[number % 2], f"shopper {number}"))

    with ThreadPoolExecutor(12) as pool:
        outcomes = [*pool.map(call, range(12))]
    for each in (*clients, *(store for store in stores if shared != "memory")):
        each.close()
    assert sum("not sent" in outcome for outcome in outcomes) == 11
    assert len(sandbox.requests) == 5


@pytest.mark.parametrize("on_store_error", ["raise", "continue"])
def test_a_store_that_is_down_is_no_outage(connect: Connect, sandbox: Sandbox, on_store_error: Any) -> None:
    """What `on_store_error` says holds for the guard as well."""
    client = connect(store=StoreDown(), on_store_error=on_store_error)
    if on_store_error == "continue":
        assert answers(client, None)
    else:
        with pytest.raises(StoreError):
            client.visit().create_session(BODY)
        assert sandbox.requests == ()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OutageGuard([]), "pauses: must be one or more numbers of seconds"),
        (lambda: OutageGuard([120, -1]), r"pauses\[1\]: must be a number of seconds, at least 0"),
        (lambda: OutageGuard(["2"]), r"pauses\[0\]: must be a number of seconds"),  # type: ignore[list-item]
        (lambda: EngagementClient("demo", outage_guard=True), "outage_guard: must be an OutageGuard, not bool"),  # type: ignore[arg-type]
    ],
)
def test_a_guard_is_a_guard_with_pauses(make: Callable[[], object], message: str) -> None:
    """There is at least one; anything else is refused when the client is made."""
    with pytest.raises(InvalidRequest, match=message):
        make()
