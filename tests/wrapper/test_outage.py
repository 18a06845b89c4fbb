"""The guard for long outages: calls are held back, one tries again after 2, 4 and 8 minutes, and all processes know."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conftest import BODY, Backend, Clock
from liveperson_engagement import (
    AccountLoading,
    DeadlineExceeded,
    EngagementClient,
    InvalidRequest,
    MemoryStore,
    NotFound,
    OutageGuard,
    RedisStore,
    RetryPolicy,
    ServerError,
    SQLiteStore,
    StoreError,
    Visit,
)
from liveperson_engagement._contract import contract
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record, VisitIds
from redis_server import RedisServer

HELD_BACK = r"\[503\] not sent, as the service is down: next try at \d\d:\d\d:\d\d UTC, in (\d+) s \(internal code 18\)"


Guarded = Callable[..., EngagementClient]


@pytest.fixture(params=["memory", "sqlite"])
def guarded(
    request: pytest.FixtureRequest, backend: Backend, sandbox: Sandbox, clock: Clock, tmp_path: Path
) -> Guarded:
    """Make clients with a guard that share a store."""
    store: Any
    if request.param == "memory":
        store = MemoryStore(clock=clock)
    else:
        store = backend.store(SQLiteStore(tmp_path / "visits.db", clock=clock, monotonic=clock))

    def client(**options: Any) -> EngagementClient:
        given: dict[str, Any] = {"base_url": sandbox.url, "store": store, "outage_guard": OutageGuard(), **options}
        return backend.client(given.pop("account_id", "demo"), **given)

    return client


def begin_outage(client: EngagementClient, sandbox: Sandbox, failures: int = 4) -> None:
    """Let a call spend its documented retries."""
    sandbox.fail_next(503, times=failures)
    with pytest.raises(ServerError, match="after 4 attempts"):
        client.visit("first").create_session(BODY)


def held_back(visit: Visit) -> int:
    """Call, and see it refused without a request; return the seconds that it is told to wait."""
    with pytest.raises(ServerError) as raised:
        visit.create_session(BODY)
    named = re.fullmatch(HELD_BACK, str(raised.value))
    assert named, str(raised.value)
    assert raised.value.response.headers["Retry-After"] == named[1]
    assert (raised.value.status_code, raised.value.internal_code, raised.value.attempts) == (503, 18, 0)
    return int(named[1])


def test_without_a_guard_every_call_is_sent(backend: Backend, sandbox: Sandbox) -> None:
    """It is off by default."""
    client = backend.client(base_url=sandbox.url)
    begin_outage(client, sandbox)
    assert client.visit("second").create_session(BODY).status == "Available"


def test_after_the_documented_retries_calls_fail_at_once_and_name_the_next_try(
    guarded: Guarded, sandbox: Sandbox, backend: Backend, clock: Clock
) -> None:
    """Nothing is sent, and nobody pauses; clients that share the store know as well."""
    client, other = guarded(), guarded()
    begin_outage(client, sandbox)
    assert backend.pauses == [5, 10, 15]
    assert held_back(client.visit("second")) == 120
    clock.now += 60.5
    assert held_back(other.visit("first")) == 60
    clock.now += 59
    assert held_back(other.visit()) == 1
    assert len(sandbox.requests) == 4
    assert backend.pauses == [5, 10, 15]


def test_one_attempt_follows_each_pause_of_the_longer_rhythm(
    guarded: Guarded, sandbox: Sandbox, backend: Backend, clock: Clock
) -> None:
    """2, 4, 8 minutes, as the contract says, and 8 from then on."""
    client = guarded()
    begin_outage(client, sandbox)
    backend.pauses.clear()
    waits: list[int] = []
    for sent in range(5, 10):
        waits.append(held_back(client.visit("second")))
        clock.now += waits[-1]
        sandbox.fail_next(503)
        with pytest.raises(ServerError, match=r"^\[503\] [^:]* \(internal code 18\)$"):
            client.visit("second").create_session(BODY)
        assert len(sandbox.requests) == sent
    assert waits == [120, 240, 480, 480, 480]
    assert tuple(waits[:3]) == contract().operations["createSession"].policy.outage_pauses
    assert backend.pauses == []


def test_an_answer_ends_the_outage(guarded: Guarded, sandbox: Sandbox, backend: Backend, clock: Clock) -> None:
    """The next failure then has all its retries again, and begins with the first pause."""
    client = guarded()
    begin_outage(client, sandbox)
    clock.now += 120
    assert client.visit("second").create_session(BODY).status == "Available"
    backend.pauses.clear()
    begin_outage(client, sandbox)
    assert backend.pauses == [5, 10, 15]
    assert held_back(client.visit("second")) == 120


def test_a_refusal_is_an_answer_as_well(guarded: Guarded, sandbox: Sandbox, clock: Clock) -> None:
    """A service that says 404 is there."""
    client = guarded()
    begin_outage(client, sandbox)
    clock.now += 120
    sandbox.fail_next(404)
    with pytest.raises(NotFound):
        client.visit("second").create_session(BODY)
    assert client.visit("second").create_session(BODY).status == "Available"


@pytest.mark.parametrize("fault", ["dropped", "slow"])
def test_a_try_without_an_answer_does_not_end_the_outage(
    guarded: Guarded, sandbox: Sandbox, clock: Clock, fault: str
) -> None:
    """The next pause has begun when it was sent."""
    client = guarded(timeout=0.2)
    begin_outage(client, sandbox)
    clock.now += 120
    if fault == "dropped":
        sandbox.drop_connection()
    else:
        sandbox.slow(1)
    with pytest.raises(Exception, match="no answer"):
        client.visit("second").create_session(BODY)
    assert held_back(client.visit("second")) == 240


def test_other_accounts_go_on(guarded: Guarded, sandbox: Sandbox) -> None:
    """The guard is the account's, whatever its visits are called."""
    begin_outage(guarded(), sandbox)
    for account_id in ("other", "outage"):
        assert guarded(account_id=account_id).visit("demo").create_session(BODY).status == "Available"


def test_a_remembered_engagement_is_still_given(guarded: Guarded, sandbox: Sandbox) -> None:
    """It needs no request."""
    client = guarded()
    visit = client.visit("second")
    visit.create_session(BODY)
    begin_outage(client, sandbox)
    assert visit.engagement(BODY).status == "Available"
    with pytest.raises(ServerError, match="not sent"):
        visit.report_impressions("impDisplay")


def test_a_visit_keeps_its_ids_through_an_outage(guarded: Guarded, sandbox: Sandbox, clock: Clock) -> None:
    """Nothing remembered is lost, and nobody is put on the list again."""
    client = guarded()
    visit = client.visit("first")
    visit.create_session(BODY)
    ids = visit.ids
    begin_outage(client, sandbox)
    held_back(visit)
    clock.now += 120
    visit.create_session(BODY)
    assert (ids and ids.visitor_id) == (visit.ids and visit.ids.visitor_id)
    assert len(sandbox.visitors) == 1


def test_a_call_that_its_deadline_ends_begins_no_outage(guarded: Guarded, sandbox: Sandbox) -> None:
    """Its retries were not spent."""
    client = guarded()
    sandbox.fail_next(503)
    with pytest.raises(DeadlineExceeded):
        client.visit("first").create_session(BODY, deadline=2)
    assert client.visit("first").create_session(BODY).status == "Available"


def test_without_retries_one_failure_begins_it(guarded: Guarded, sandbox: Sandbox) -> None:
    """None is all that such a caller has to spend."""
    client = guarded(retry=RetryPolicy.none())
    sandbox.fail_next(503)
    with pytest.raises(ServerError):
        client.visit("first").create_session(BODY)
    assert held_back(client.visit("first")) == 120


def test_an_account_that_does_not_get_loaded_is_held_back_too(guarded: Guarded, sandbox: Sandbox, clock: Clock) -> None:
    """Each call with a new key would put another visitor on the list; the one there is stays known."""
    client = guarded()
    sandbox.loading_account(times=4)
    with pytest.raises(AccountLoading):
        client.visit("first").create_session(BODY)
    with pytest.raises(ServerError, match=r"^\[500\] not sent.*\(internal code 20\)$"):
        client.visit("second").create_session(BODY)
    clock.now += 120
    client.visit("first").create_session(BODY)
    assert len(sandbox.visitors) == 1


DAMAGED = ["", "{}", "[1]", "[null, 503, 5]", '["x", 1, 2]', "[1, 503, {}]", "[Infinity, 503, 5]", "[" * 100_000]


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_record_counts_as_an_outage_that_has_begun(guarded: Guarded, clock: Clock, text: str) -> None:
    """It ends with the next answer."""
    client = guarded()
    store: Any = client.store
    store.compare_and_set("!outage:demo", None, Record(VisitIds("outage"), text))
    with pytest.raises(ServerError, match=r"not sent.*in 120 s$"):
        client.visit("first").create_session(BODY)
    clock.now += 120
    client.visit("first").create_session(BODY)
    assert store.load("!outage:demo") is None


@pytest.mark.parametrize("shared", ["memory", "sqlite", "redis"])
def test_one_call_at_a_time_tries_again(sandbox: Sandbox, tmp_path: Path, shared: str) -> None:
    """Of many threads that ask when the time has come, one sends; the others are held back."""
    with RedisServer(tmp_path) if shared == "redis" else open(tmp_path / "none", "w") as server:
        store: Any = MemoryStore()
        if shared == "redis":
            store = RedisStore(getattr(server, "url", ""))
        elif shared == "sqlite":
            store = SQLiteStore(tmp_path / "visits.db")
        options: dict[str, Any] = {"base_url": sandbox.url, "store": store, "sleep": abs}
        with EngagementClient("demo", outage_guard=OutageGuard([0.3, 60]), **options) as client:
            begin_outage(client, sandbox)
            threading.Event().wait(0.35)
            sandbox.slow(0.3)
            together = threading.Barrier(12)

            def call(number: int) -> str:
                together.wait()
                try:
                    return client.visit(f"shopper {number}").create_session(BODY).status
                except ServerError as error:
                    return str(error).partition(":")[0]

            with ThreadPoolExecutor(12) as pool:
                outcomes = sorted(pool.map(call, range(12)))
        if shared != "memory":
            store.close()
    assert outcomes == ["Available", *["[503] not sent, as the service is down"] * 11]
    assert len(sandbox.requests) == 5


def test_another_process_knows(sandbox: Sandbox, tmp_path: Path) -> None:
    """A process that starts during an outage sends nothing."""
    path = tmp_path / "visits.db"
    with SQLiteStore(path) as store:
        client = EngagementClient(
            "demo", base_url=sandbox.url, store=store, outage_guard=OutageGuard(), sleep=lambda _: None
        )
        with client:
            begin_outage(client, sandbox)
    program = (
        "import sys\n"
        "from liveperson_engagement import EngagementClient, OutageGuard, SQLiteStore\n"
        "client = EngagementClient('demo', base_url=sys.argv[1], store=SQLiteStore(sys.argv[2]),\n"
        "                          outage_guard=OutageGuard())\n"
        "client.visit('second').create_session({'appType': 'EXTERNAL'})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sandbox.url, path], capture_output=True, text=True, timeout=60, check=False
    )
    assert re.search(r"ServerError: \[503\] not sent, as the service is down: next try at", done.stderr), done.stderr
    assert len(sandbox.requests) == 4


@pytest.mark.parametrize("on_store_error", ["raise", "continue"])
def test_a_store_that_is_down_is_no_outage(backend: Backend, sandbox: Sandbox, on_store_error: Any) -> None:
    """What `on_store_error` says holds for the guard as well."""
    store: Any = MemoryStore()

    def load(*_: object) -> None:
        raise StoreError("OSError") from OSError()

    async def aload(*_: object) -> None:
        load()

    store.load, store.aload = load, aload
    client = backend.client(
        base_url=sandbox.url, store=store, outage_guard=OutageGuard(), on_store_error=on_store_error
    )
    if on_store_error == "raise":
        with pytest.raises(StoreError):
            client.visit().create_session(BODY)
        assert sandbox.requests == ()
    else:
        assert client.visit().create_session(BODY).status == "Available"


@pytest.mark.parametrize(
    ("pauses", "message"),
    [
        ([], r"pauses: must be"),
        ([120, -1], r"pauses\[1\]: must be a number of seconds, at least 0"),
        (["2"], r"pauses\[0\]: must be a number of seconds"),
    ],
)
def test_pauses_are_seconds(pauses: Any, message: str) -> None:
    """There is at least one."""
    with pytest.raises(InvalidRequest, match=message):
        OutageGuard(pauses)


def test_a_guard_is_a_guard(backend: Backend) -> None:
    """Anything else is refused when the client is made."""
    with pytest.raises(InvalidRequest, match="outage_guard: must be an OutageGuard, not bool"):
        backend.client(outage_guard=True)
