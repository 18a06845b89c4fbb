"""Properties of what a store gives back: whatever somebody has written there, nothing undocumented comes of it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import BODY, Backend
from liveperson_engagement import EngagementClient, EngagementError, OutageGuard, RedisStore, SQLiteStore, VisitIds
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import UNREADABLE, Record
from redis_server import RedisServer
from strategies import ANYTHING, examples, judge, places, replaced

BACKENDS = ("sync", "async", "sync fast", "async fast")
CALLS: dict[str, list[Any]] = {
    "create_session": [BODY],
    "engagement": [BODY],
    "update_session": [{"engagementAttributes": []}],
    "report_impressions": ["impDisplay"],
    "forget": [],
}
KEYS = ("demo:shopper", "!outage:demo")
ODD = st.sampled_from(
    [..., "", ".", "..", "\ud800", "x" * 2001, "a/b", "[" * 10_000, float("inf"), float("nan"), 10**40]
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name a database."""
    return tmp_path_factory.mktemp("store") / "visits.db"


@pytest.fixture(scope="module")
def clients(running_sandbox: Sandbox, path: Path) -> Iterator[dict[str, EngagementClient]]:
    """Connect one client of each backend for all examples; they share a store, and a guard that lets every call try."""
    with ExitStack() as stack:
        store = stack.enter_context(SQLiteStore(path))
        options: dict[str, Any] = {"base_url": running_sandbox.url, "store": store, "outage_guard": OutageGuard([0])}
        yield {name: Backend(name, stack).client(**options) for name in BACKENDS}


@pytest.fixture(scope="module")
def text(clients: dict[str, EngagementClient], path: Path) -> str:
    """Have the package write a record, of a visitor that the sandbox knows."""
    clients["sync"].visit("shopper").create_session(BODY)
    with closing(sqlite3.connect(path)) as database:
        [[text]] = database.execute("SELECT record FROM visits WHERE key = ?", [KEYS[0].encode()])
    return bytes(text).decode()


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """Change some places of a record that the package wrote, or of the answer in it."""
    record = json.loads(text)
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        answer = json.loads(record["engagement"]) if draw(st.booleans()) and _is_answer(record) else None
        place, _ = draw(st.sampled_from(list(places(record if answer is None else answer))))
        other = draw(ODD | ANYTHING)
        if answer is not None:
            record["engagement"] = json.dumps(replaced(answer, place, None if other is ... and not place else other))
        elif place not in ((), ("v",)):  # a newer version's record is not damaged
            record = replaced(record, place, other)
    return json.dumps(record)


def _is_answer(record: Any) -> bool:
    with suppress(KeyError, TypeError, ValueError, RecursionError):
        return isinstance(json.loads(record["engagement"]), dict)
    return False


@examples()
@given(backend=st.sampled_from(BACKENDS), call=st.sampled_from([*CALLS]), data=st.data())
def test_whatever_a_store_gives_back_errors_are_of_the_tree_and_ids_fit(
    clients: dict[str, EngagementClient],
    running_sandbox: Sandbox,
    path: Path,
    text: str,
    backend: str,
    call: str,
    data: st.DataObject,
) -> None:
    """What is damaged counts as nothing: the next session is a good one, and remembered."""
    client, before = clients[backend], len(running_sandbox.requests)
    visit = client.visit("shopper")
    for key in KEYS:
        client.store.compare_and_set(key, None, Record(VisitIds("any")))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE visits SET record = ?", [data.draw(damaged(text)).encode(errors="surrogatepass")])
    with suppress(EngagementError):
        getattr(visit, call)(*CALLS[call])
    for request in running_sandbox.requests[before:]:
        assert request.visitor_id is None or judge("VisitorId").allows(request.visitor_id)
        assert request.session_id is None or judge("SessionId").allows(request.session_id)
    with suppress(EngagementError):  # ids that fit, but name nobody, are forgotten with a 404
        visit.create_session(BODY)
    session = visit.create_session(BODY)
    assert visit.create_session(BODY).visitor_id == session.visitor_id


# Anything at all in the place of a row or a value, and of a lock

COLUMNS = ("version", "key", "wall", "monotonic", "boot", "record")
VALUES = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(codec="utf-8"), max_size=50)
    | st.binary(max_size=50)
    | st.just(b"x" * 9_000_000)
)


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a server."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def redis_clients(running_sandbox: Sandbox, redis_server: RedisServer) -> Iterator[dict[str, EngagementClient]]:
    """Connect a client of each backend that shares its store."""
    with ExitStack() as stack:
        options: dict[str, Any] = {"base_url": running_sandbox.url}
        yield {
            name: (backend := Backend(name, stack)).client(**options, store=backend.store(RedisStore(redis_server.url)))
            for name in ("sync", "async")
        }


def assert_starts_anew(client: EngagementClient, caplog: pytest.LogCaptureFixture) -> None:
    """Check that a damaged visit is started once more, with one warning, and goes on from there."""
    caplog.clear()
    session = client.visit("shopper").create_session(BODY, deadline=20)
    assert caplog.messages in ([], [UNREADABLE])
    assert client.visit("shopper").create_session(BODY, deadline=20).visitor_id == session.visitor_id
    assert client.visit("shopper").engagement(BODY, deadline=20).visitor_id == session.visitor_id
    assert caplog.messages in ([], [UNREADABLE])


@examples(0.5)
@given(backend=st.sampled_from(BACKENDS), column=st.sampled_from(COLUMNS), value=VALUES)
def test_any_column_of_a_visit_may_be_damaged(
    clients: dict[str, EngagementClient],
    path: Path,
    caplog: pytest.LogCaptureFixture,
    backend: str,
    column: str,
    value: Any,
) -> None:
    """In SQLite: it counts as nothing, or means something else that is sound."""
    client = clients[backend]
    client.visit("shopper").create_session(BODY)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"UPDATE visits SET {column} = ?", [value])  # noqa: S608 - a name of ours
    assert_starts_anew(client, caplog)


@examples(0.5)
@given(backend=st.sampled_from(BACKENDS), column=st.sampled_from(["token", "since", "until"]), value=VALUES)
def test_any_column_of_a_lock_may_be_damaged(
    clients: dict[str, EngagementClient],
    path: Path,
    caplog: pytest.LogCaptureFixture,
    backend: str,
    column: str,
    value: Any,
) -> None:
    """In SQLite: nobody waits for longer than a lease."""
    clients[backend].store.load("any")
    with closing(sqlite3.connect(path)) as database, database:
        now = time.monotonic()
        database.execute("DELETE FROM visits")
        database.execute("DELETE FROM turns")
        database.execute("INSERT INTO turns VALUES (?, ?, ?, ?)", (b"demo:shopper", b"nobody", now, now + 0.2))
        with suppress(sqlite3.IntegrityError):
            database.execute(f"UPDATE turns SET {column} = ?", [value])  # noqa: S608 - a name of ours
        if column == "until" and isinstance(value, int | float) and now < value <= now + 86_400:
            return  # a lease that may be
    assert_starts_anew(clients[backend], caplog)


@examples(0.5)
@given(
    backend=st.sampled_from(["sync", "async"]),
    name=st.sampled_from(["visit:demo:shopper", "lock:demo:shopper"]),
    kind=st.sampled_from(["set", "lpush", "sadd", "pfadd"]),
    value=st.binary(max_size=50) | st.just(b"x" * 9_000_000),
    expires=st.none() | st.integers(1, 300) | st.integers(90_000_000, 2**40),
)
def test_any_value_may_be_in_the_place_of_ours(
    redis_clients: dict[str, EngagementClient],
    redis_server: RedisServer,
    caplog: pytest.LogCaptureFixture,
    backend: str,
    name: str,
    kind: str,
    value: bytes,
    expires: int | None,
) -> None:
    """In Redis: of any type and size, with any expiry."""
    key = f"liveperson-engagement:{name}"
    with redis_server.client as raw:
        raw.flushall()
        getattr(raw, kind)(key, value)
        if expires is not None:
            raw.pexpire(key, expires)
    assert_starts_anew(redis_clients[backend], caplog)
