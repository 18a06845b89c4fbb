"""Processes of one machine share visits in a file, and outlive each other's crashes."""

from __future__ import annotations

import asyncio
import logging
import mmap
import multiprocessing
import os
import random
import signal
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from typing import Any

import pytest

from conftest import BODY, Backend
from liveperson_engagement import (
    AsyncEngagementClient,
    EngagementClient,
    InvalidRequest,
    RetryPolicy,
    SQLiteStore,
    StoreError,
    _deadline,
)
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record, VisitIds, to_json

SPAWN = multiprocessing.get_context("spawn")
KEY = "demo:shopper"
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and modes")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a database that is not there yet."""
    return tmp_path / "visits.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[..., SQLiteStore]]:
    """Make stores that are closed at the end of the test."""
    with ExitStack() as stack:

        def opened(**options: Any) -> SQLiteStore:
            return stack.enter_context(SQLiteStore(path, **options))

        yield opened


@contextmanager
def child(work: Callable[..., None], *arguments: Any) -> Generator[BaseProcess]:
    """Run a function of this module in a process of its own, which ends with the test."""
    process = SPAWN.Process(target=work, args=arguments)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        process.close()


def finished(process: BaseProcess) -> bool:
    """Wait until a process has ended well."""
    process.join(30)
    return process.exitcode == 0


def record(visitor_id: str = "visitor") -> Record:
    """Make a record."""
    return Record(VisitIds(visitor_id, "session", "page"))


def written(path: Path, statement: str, *values: Any) -> list[Any]:
    """Change a database past the store."""
    with closing(sqlite3.connect(path)) as database, database:
        return database.execute(statement, values).fetchall()


def call_as_threads_and_tasks(url: str, path: Path, barrier: Barrier, found: Any) -> None:
    """As a process: start four threads and four tasks on one key at once."""

    def threaded(_: int) -> str:
        return client.visit("shopper").create_session(BODY).visitor_id

    async def tasks() -> list[str]:
        async with AsyncEngagementClient("demo", base_url=url, store=store) as twin:
            sessions = await asyncio.gather(*(twin.visit("shopper").create_session(BODY) for _ in range(4)))
            return [session.visitor_id for session in sessions]

    with (
        SQLiteStore(path) as store,
        EngagementClient("demo", base_url=url, store=store) as client,
        ThreadPoolExecutor(5) as pool,
    ):
        barrier.wait(30)
        loop = pool.submit(asyncio.run, tasks())
        found.put([*pool.map(threaded, range(4)), *loop.result()])


def test_processes_threads_and_tasks_make_one_visitor(sandbox: Sandbox, path: Path) -> None:
    """One key is one visitor, however many callers of whatever kind ask at once."""
    sandbox.slow(0.3)
    barrier, found = SPAWN.Barrier(4), SPAWN.SimpleQueue()
    arguments = call_as_threads_and_tasks, sandbox.url, path, barrier, found
    with child(*arguments) as one, child(*arguments) as two, child(*arguments) as three, child(*arguments) as four:
        assert all(finished(process) for process in (one, two, three, four))
    ids = [visitor_id for _ in range(4) for visitor_id in found.get()]
    assert len(ids) == 32
    assert set(ids) == {visitor.visitor_id for visitor in sandbox.visitors}
    assert len(sandbox.visitors) == 1


def call_and_hang(url: str, path: Path, backend: str, pausing: Event) -> None:
    """As a process: start a visit with a short lease, and stop in the first pause."""
    _deadline.LEASE = 0.2

    def hang(_: float) -> None:
        pausing.set()
        time.sleep(60)

    async def ahang(_: float) -> None:
        hang(0)

    async def main() -> None:
        await AsyncEngagementClient("demo", sleep=ahang, **options).visit("shopper").create_session(BODY)

    options: Any = {"base_url": url, "store": SQLiteStore(path), "timeout": None, "retry": RetryPolicy(pauses=(0.6,))}
    if backend == "async":
        asyncio.run(main())
    else:
        EngagementClient("demo", sleep=hang, **options).visit("shopper").create_session(BODY)


@pytest.mark.parametrize("moment", ["slow answer", "pause"])
def test_a_process_that_is_killed_frees_its_key(
    backend: Backend, sandbox: Sandbox, opened: Callable[..., SQLiteStore], path: Path, moment: str
) -> None:
    """Once its lease has run out the next one goes on."""
    sandbox.slow(60) if moment == "slow answer" else sandbox.fail_next(503)
    pausing = SPAWN.Event()
    with child(call_and_hang, sandbox.url, path, backend.name, pausing) as holder:
        while not sandbox.requests:
            assert holder.is_alive()
            time.sleep(0.005)
        assert moment == "slow answer" or pausing.wait(10)
        holder.kill()
        holder.join()
        assert written(path, "SELECT count(*) FROM turns") == [(1,)]
        client = backend.client(base_url=sandbox.url, store=opened())
        session = client.visit("shopper").create_session(BODY, deadline=10)
    assert written(path, "SELECT count(*) FROM turns") == [(0,)]
    assert session.visitor_id == sandbox.visitors[-1].visitor_id
    assert len(sandbox.requests) == 2
    client.visit("shopper").create_session(BODY)
    assert sandbox.requests[-1].operation_id == "continueSession"


def kill_savers(path: Path, times: int) -> None:
    """As a process: fork processes that save in a loop, and kill each at some moment."""
    store, acknowledged, number = SQLiteStore(path), mmap.mmap(-1, 8), 0
    for _ in range(times):
        saver = os.fork()
        if not saver:
            while True:
                known = store.load(KEY)
                number = int(known.record.ids.visitor_id) + 1 if known else 1
                assert store.compare_and_set(KEY, known and known.version, record(str(number)))
                acknowledged[:] = struct.pack("q", number)
        time.sleep(random.uniform(0, 0.02))  # noqa: S311
        os.kill(saver, signal.SIGKILL)
        os.waitpid(saver, 0)
        [number], known = struct.unpack("q", acknowledged), store.load(KEY)
        saved = int(known.record.ids.visitor_id) if known else 0
        assert number <= saved <= number + 1
        acknowledged[:] = struct.pack("q", saved)  # the next one may be killed before it acknowledges, too
    store.close()
    assert number > times
    assert written(path, "PRAGMA integrity_check") == [("ok",)]


@posix
def test_a_process_that_is_killed_leaves_a_database_that_can_be_read(path: Path) -> None:
    """Whatever moment it is: each save that was acknowledged is there, and nothing is half written."""
    with child(kill_savers, path, 50) as process:
        assert finished(process)


def test_a_holder_that_was_too_slow_leaves_the_newer_visit_alone(
    sandbox: Sandbox, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its caller gets the answer, and the key stays with whoever came after it."""
    monkeypatch.setattr("liveperson_engagement._deadline.LEASE", 0.02)
    sandbox.slow(1)
    with SQLiteStore(path) as one, SQLiteStore(path) as other, ThreadPoolExecutor() as pool:
        slow = EngagementClient("demo", base_url=sandbox.url, store=one, timeout=None)
        quick = EngagementClient("demo", base_url=sandbox.url, store=other)
        with slow, quick, caplog.at_level(logging.INFO):
            late = pool.submit(slow.visit("shopper").create_session, BODY)
            while not sandbox.requests:
                time.sleep(0.005)
            newer = quick.visit("shopper").create_session(BODY)
            assert not late.done()
            assert late.result().visitor_id != newer.visitor_id
            assert quick.visit("shopper").create_session(BODY).visitor_id == newer.visitor_id
    assert len(sandbox.visitors) == 2
    assert "session store: a newer visit is remembered for this key; it is left as it is" in caplog.messages


def ask_for_engagement(url: str, path: Path, seconds: float) -> None:
    """As a process: ask with clocks that are ahead by some seconds."""
    store = SQLiteStore(path, clock=lambda: time.time() + seconds, monotonic=lambda: time.monotonic() + seconds)
    with store, EngagementClient("demo", base_url=url, store=store) as client:
        client.visit("shopper").engagement(BODY)


def test_what_one_process_saves_another_finds(
    backend: Backend, sandbox: Sandbox, opened: Callable[..., SQLiteStore], path: Path
) -> None:
    """Also the engagement, and how long it is valid."""
    visit = backend.client(base_url=sandbox.url, store=opened()).visit("shopper")
    visit.engagement(BODY)
    with child(ask_for_engagement, sandbox.url, path, 0) as early:
        assert finished(early)
    assert len(sandbox.requests) == 1
    with child(ask_for_engagement, sandbox.url, path, 1000) as late:
        assert finished(late)
    assert [request.operation_id for request in sandbox.requests] == ["createSession", "continueSession"]
    assert visit.create_session(BODY).visitor_id == sandbox.visitors[0].visitor_id
    assert len(sandbox.visitors) == 1


class Clock:
    """Time that a test moves."""

    now = 1_700_000_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.mark.parametrize(
    ("wall", "monotonic", "rebooted", "requests"),
    [
        (0, 0, False, 1),
        (899, 899, False, 1),
        (900, 900, False, 2),
        (10, 900, False, 2),  # set back by less than what has passed
        (-1, 900, False, 2),
        (-1, 10, False, 2),
        (-1e6, 1, False, 2),
        (900, 10, False, 2),  # the machine slept
        (10, -5, False, 2),  # a boot that has no number
        (10, 10, True, 2),
    ],
)
def test_no_clock_makes_an_engagement_valid_again(
    backend: Backend,
    sandbox: Sandbox,
    opened: Callable[..., SQLiteStore],
    path: Path,
    wall: float,
    monotonic: float,
    rebooted: bool,
    requests: int,
) -> None:
    """An engagement is valid if both clocks say so and neither has gone back; the visit goes on in any case."""
    clocks = Clock(), Clock()
    store = opened(clock=clocks[0], monotonic=clocks[1])
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    visit.engagement(BODY)
    clocks[0].now += wall
    clocks[1].now += monotonic
    if rebooted:
        written(path, "UPDATE visits SET boot = boot + 1")
    visit.engagement(BODY)
    assert len(sandbox.requests) == requests
    assert len(sandbox.visitors) == 1
    store.close()


@pytest.mark.parametrize(("later", "free"), [(0, False), (29, False), (30, True), (-1, True), (-1000, True)])
def test_a_lease_ends_with_its_time_or_with_the_boot(path: Path, later: float, free: bool) -> None:
    """The clock of leases never goes back but by a reboot."""
    clock = Clock()
    with SQLiteStore(path, monotonic=clock) as one, SQLiteStore(path, monotonic=clock) as other:
        assert one.acquire(KEY, "one", 0, 30)
        clock.now += later
        assert other.acquire(KEY, "other", 0, 30) is free


def use_after_fork(path: Path) -> None:
    """As a process: fork while a thread holds a key and another one is in the store."""
    store, done = SQLiteStore(path), threading.Event()
    assert store.compare_and_set(KEY, None, record("parent"))
    asyncio.run(store.aload(KEY))
    assert store.acquire("held", "parent", 0, 0.3)

    def work() -> None:
        while not done.is_set():
            store.load(KEY)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(work)
        pool.submit(asyncio.run, store.aacquire("other", "parent", None, 30)).result()
        read, write = os.pipe()
        if not (forked := os.fork()):
            known = store.load(KEY)
            assert known
            assert asyncio.run(store.acompare_and_set(KEY, known.version, record("child")))
            assert store.acquire("held", "child", 5, 30)  # as soon as the lease has run out
            assert not store.acquire("other", "child", 0, 30)
            os.read(read, 1)  # the parent has closed its connections
            known = store.load(KEY)
            assert known
            assert store.compare_and_set(KEY, known.version, record("orphan"))
            store.close()
            os._exit(0)
        time.sleep(0.4)
        known = store.load(KEY)
        assert known
        assert known.record == record("child")
        store.release("held", "parent")
        done.set()
        store.close()
        os.write(write, b".")
        assert os.waitpid(forked, 0)[1] == 0
        known = asyncio.run(store.aload(KEY))
        assert known
        assert known.record == record("orphan")
        store.close()
    assert written(path, "PRAGMA integrity_check") == [("ok",)]


@posix
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_store_can_be_used_on_both_sides_of_a_fork(path: Path) -> None:
    """Neither side uses or closes what is the other's."""
    with child(use_after_fork, path) as process:
        assert finished(process)


@posix
@pytest.mark.parametrize("before", [None, 0o600, 0o640])
def test_only_the_owner_may_read_what_is_remembered(path: Path, before: int | None) -> None:
    """The file and those beside it are made with mode 0600; a mode that is there is kept."""
    if before:
        path.touch()
        path.chmod(before)
    umask = os.umask(0)
    try:
        with SQLiteStore(path) as store:
            store.compare_and_set(KEY, None, record())
            found = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(umask)
    assert found == dict.fromkeys(("visits.db", "visits.db-wal", "visits.db-shm"), before or 0o600)


DAMAGED = to_json(record("..")), to_json(record()).replace('"session"', "[1]")


@pytest.mark.parametrize("text", ["", "{", b"\xff", "null", "[]", '{"v":1}', 'x"', None, 5, *DAMAGED])
def test_a_corrupt_record_is_replaced_with_a_warning(
    backend: Backend,
    sandbox: Sandbox,
    opened: Callable[..., SQLiteStore],
    path: Path,
    caplog: pytest.LogCaptureFixture,
    text: Any,
) -> None:
    """The visit starts anew."""
    store = opened()
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    first = visit.create_session(BODY)
    written(path, "UPDATE visits SET record = ?", text.encode() if isinstance(text, str) else text)
    assert visit.create_session(BODY).visitor_id != first.visitor_id
    assert [entry.levelname for entry in caplog.records if entry.name == "liveperson_engagement"] == ["WARNING"]
    known = store.load(KEY)
    assert known
    assert known.record.ids.visitor_id == sandbox.visitors[-1].visitor_id
    store.close()


def test_a_record_of_a_newer_release_is_left_alone(
    backend: Backend, sandbox: Sandbox, opened: Callable[..., SQLiteStore], path: Path
) -> None:
    """Two releases may share a file while one replaces the other."""
    visit = backend.client(base_url=sandbox.url, store=opened()).visit("shopper")
    visit.create_session(BODY)
    written(path, "UPDATE visits SET record = ?", b'{"v":2}')
    with pytest.raises(StoreError, match="upgrade to read it"):
        visit.create_session(BODY)
    assert len(sandbox.requests) == 1
    assert written(path, "SELECT record FROM visits") == [(b'{"v":2}',)]


def test_a_database_of_a_newer_release_is_left_alone(
    backend: Backend, sandbox: Sandbox, opened: Callable[..., SQLiteStore], path: Path
) -> None:
    """One clear line says what to do."""
    with SQLiteStore(path) as store:
        store.compare_and_set(KEY, None, record())
    written(path, "PRAGMA user_version = 2")
    content = path.read_bytes()
    client = backend.client(base_url=sandbox.url, store=opened())
    with pytest.raises(StoreError) as raised:
        client.visit("shopper").create_session(BODY)
    assert str(raised.value) == ("session store: a newer liveperson-engagement made this database; upgrade to use it")
    assert sandbox.requests == ()
    assert path.read_bytes() == content


@pytest.mark.parametrize("broken", ["no folder", "a folder", "not a database", "another's database"])
def test_a_path_that_cannot_be_used_is_reported_before_anything_is_sent(
    backend: Backend, sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    """Or the call goes on without it, if the caller wants that."""
    path = tmp_path / "visits" / "visits.db" if broken == "no folder" else tmp_path / "visits.db"
    if broken == "a folder":
        path.mkdir()
    elif broken == "not a database":
        path.write_text("my diary, page one " * 100)
    elif broken == "another's database":
        written(path, "CREATE TABLE diary (page TEXT)")
    content = path.read_bytes() if path.is_file() else None
    client = backend.client(base_url=sandbox.url, store=SQLiteStore(path))
    with pytest.raises(StoreError):
        client.visit("shopper").create_session(BODY)
    assert sandbox.requests == ()
    lenient = backend.client(base_url=sandbox.url, store=SQLiteStore(path), on_store_error="continue")
    assert lenient.visit("shopper").create_session(BODY).status == "Available"
    assert len(sandbox.requests) == 1
    assert "going on without it" in caplog.text
    assert (path.read_bytes() if path.is_file() else None) == content


def test_a_store_waits_for_other_writers_without_keeping_the_event_loop(path: Path) -> None:
    """As long as `timeout`, then the error surfaces."""

    async def main() -> tuple[int, object]:
        saving = asyncio.create_task(store.acompare_and_set(KEY, None, record()))
        ticks = 0
        while not saving.done():
            await asyncio.sleep(0.01)
            ticks += 1
            if ticks == 20:
                writer.rollback()
        return ticks, saving.result()

    with SQLiteStore(path) as store, SQLiteStore(path, timeout=0.05) as hasty:
        store.load(KEY)
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="OperationalError: database is locked"):
                hasty.compare_and_set(KEY, None, record())
            assert hasty.load(KEY) is None
            ticks, version = asyncio.run(main())
        assert ticks >= 20
        assert version is not None


def test_visits_that_nobody_uses_any_more_can_be_forgotten(path: Path) -> None:
    """By the age of the last save; a lease that nobody gave back goes with them."""
    clock = Clock()
    with SQLiteStore(path, clock=clock, monotonic=clock) as store:
        for number in range(10):
            store.compare_and_set(str(number), None, record())
            clock.now += 60
        store.acquire("crashed", "nobody", 0, 30)
        clock.now += 30
        assert store.forget_older_than(300) == 6
        assert [number for number in range(10) if store.load(str(number))] == [6, 7, 8, 9]
        assert asyncio.run(store.aforget_older_than(120)) == 3
        assert store.forget_older_than(120) == 0
        assert written(path, "SELECT count(*) FROM turns") == [(0,)]


def test_a_store_opens_when_it_is_used_and_again_after_it_was_closed(path: Path) -> None:
    """Either as a context manager or not, in any event loop, by text or Path; a closed one leaves a single file."""

    async def main() -> None:
        async with store:
            assert await store.aload(KEY) is not None

    store = SQLiteStore(str(path))
    store.close()
    assert list(path.parent.iterdir()) == []
    with store:
        store.compare_and_set(KEY, None, record())
    assert list(path.parent.iterdir()) == [path]
    for _ in range(2):
        asyncio.run(main())
    assert list(path.parent.iterdir()) == [path]
    assert repr(store) == f"SQLiteStore({str(path.resolve())!r})"
    with pytest.raises(InvalidRequest, match="timeout"):
        SQLiteStore(path, timeout=-1)


def test_closing_takes_nothing_from_those_who_use_it(path: Path) -> None:
    """A store that one loop closes goes on for the others."""
    store, ends = SQLiteStore(path), time.monotonic() + 1

    async def use() -> int:
        used = 0
        while time.monotonic() < ends:
            assert await store.aload("key") is None
            used += 1
        return used

    async def close() -> int:
        closed = 0
        while time.monotonic() < ends:
            await store.aclose()
            closed += 1
        return closed

    with ThreadPoolExecutor(4) as pool:
        counts = [pool.submit(asyncio.run, work()) for work in (use, use, close, close)]
        assert min(count.result() for count in counts) > 10
    store.close()
