"""Nobody who waits for a busy SQLite file holds up anybody else, and nobody waits for longer than was said."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
import traceback
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from test_sqlite_store import KEY, SPAWN, child, finished, record, written

from conftest import BODY
from liveperson_engagement import AsyncEngagementClient, DeadlineExceeded, EngagementClient, SQLiteStore, StoreError
from liveperson_engagement.sandbox import Sandbox

CALLERS = 30
TIMEOUT = 0.5
LOCKED = r"^OperationalError: database is locked$"
SLACK = CALLERS * TIMEOUT / 2
"""Seconds; one after another would take twice as long."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a database."""
    return tmp_path / "visits.db"


def hold(path: Path, holding: Event, ending: Event) -> None:
    """As a process: keep all others from writing."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        holding.set()
        assert ending.wait(120)


@contextmanager
def held(path: Path) -> Generator[Event]:
    """Have another process keep all others from writing, until the event that is given is set."""
    with SQLiteStore(path) as store:
        store.load(KEY)
    holding, ending = SPAWN.Event(), SPAWN.Event()
    with child(hold, path, holding, ending) as holder:
        assert holding.wait(60)
        yield ending
        ending.set()
        assert finished(holder)


@pytest.fixture
def busy(path: Path) -> Iterator[Event]:
    """Have a file that another process writes to, as long as the test wants."""
    with held(path) as ending:
        yield ending


@pytest.mark.usefixtures("busy")
def test_threads_end_each_in_its_own_time(sandbox: Sandbox, path: Path) -> None:
    """However many ask at once, the last one is told as soon as the first one."""
    began = time.monotonic()

    def call(number: int) -> float:
        with pytest.raises((StoreError, DeadlineExceeded)):
            client.visit(f"shopper-{number}").create_session(BODY, deadline=2 * TIMEOUT)
        return time.monotonic() - began

    with ExitStack() as stack:
        store = stack.enter_context(SQLiteStore(path, timeout=TIMEOUT))
        client = stack.enter_context(EngagementClient("demo", base_url=sandbox.url, store=store))
        pool = stack.enter_context(ThreadPoolExecutor(CALLERS))
        ended = [*pool.map(call, range(CALLERS))]
    assert min(ended) >= TIMEOUT * 0.9
    assert max(ended) < TIMEOUT + SLACK
    assert sandbox.requests == ()


@pytest.mark.usefixtures("busy")
def test_tasks_end_each_in_its_own_time(sandbox: Sandbox, path: Path) -> None:
    """However many ask at once, and the event loop goes on."""

    async def main() -> None:
        store = SQLiteStore(path, timeout=TIMEOUT)
        async with store, AsyncEngagementClient("demo", base_url=sandbox.url, store=store) as client:
            began = time.monotonic()
            calls = (client.visit(f"{n}").create_session(BODY, deadline=2 * TIMEOUT) for n in range(CALLERS))
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert time.monotonic() - began < TIMEOUT + SLACK
            assert {type(result) for result in results} <= {StoreError, DeadlineExceeded}

    asyncio.run(main())
    assert sandbox.requests == ()


@pytest.mark.usefixtures("busy")
def test_a_step_waits_no_longer_than_the_call_has_left(path: Path) -> None:
    """The time that is left for a step ends it, though the store would wait for longer; the error says why."""

    async def main() -> None:
        with pytest.raises(StoreError, match=LOCKED):
            await store.acompare_and_set(KEY, None, record(), 0.05)
        with pytest.raises(StoreError, match=LOCKED):
            await store.aacquire(KEY, "token", 0.05, 30)

    with SQLiteStore(path, timeout=300) as store:
        began = time.monotonic()
        with pytest.raises(StoreError, match=LOCKED) as raised:
            store.compare_and_set(KEY, None, record(), 0.05)
        assert isinstance(raised.value.__cause__, sqlite3.OperationalError)
        with pytest.raises(StoreError, match=LOCKED):
            store.acquire(KEY, "token", 0.05, 30)
        asyncio.run(main())
        assert time.monotonic() - began < 150
        assert store.load(KEY) is None


def test_cancelled_tasks_end_at_once(path: Path, busy: Event) -> None:
    """What waits for the file ends while it is still busy, and nothing is saved or held in its name."""

    async def main() -> None:
        async with SQLiteStore(path, timeout=300) as store:
            tasks: list[asyncio.Task[object]]
            tasks = [asyncio.create_task(store.aacquire(f"{n}", "token", None, 30)) for n in range(CALLERS)]
            tasks += [asyncio.create_task(store.acompare_and_set(f"{n}", None, record())) for n in range(CALLERS)]
            await asyncio.wait(tasks, timeout=0.2)
            began = time.monotonic()
            assert [task.cancel() for task in tasks] == [True] * len(tasks)
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(result) for result in results} == {asyncio.CancelledError}
            assert time.monotonic() - began < 150
            assert await store.aload("0") is None
            busy.set()
            for number in range(CALLERS):
                await store.arelease(f"{number}", "token")
                assert await store.aacquire(f"{number}", "another", 60, 30)
            assert store.keys() == []

    asyncio.run(main())


def test_a_store_on_another_file_goes_on(path: Path, busy: Event) -> None:
    """Threads and tasks that wait for one file leave those on another alone, and end once theirs is free."""

    async def wait_as_tasks() -> list[object]:
        return await asyncio.gather(*(store.acompare_and_set(f"task {n}", None, record()) for n in range(CALLERS)))

    with SQLiteStore(path, timeout=300) as store, SQLiteStore(path.with_name("other.db")) as other:
        with ThreadPoolExecutor(CALLERS + 1) as pool:
            waiting = [pool.submit(store.compare_and_set, f"thread {n}", None, record()) for n in range(CALLERS)]
            tasks = pool.submit(asyncio.run, wait_as_tasks())
            for number in range(200):
                assert other.acquire(f"{number}", "token", 0, 30)
                assert other.compare_and_set(f"{number}", None, record())
                other.release(f"{number}", "token")
                assert asyncio.run(other.aload(f"{number}"))
                assert store.load(KEY) is None
            assert not tasks.done()
            assert not any(waiter.done() for waiter in waiting)
            busy.set()
            assert all(tasks.result())
            assert all(waiter.result() for waiter in waiting)
        assert len(store.keys()) == 2 * CALLERS


def test_a_key_is_not_freed_before_it_is_taken(path: Path) -> None:
    """A task that is cancelled amid taking a key, and gives it back, leaves it free."""

    async def main() -> None:
        async with SQLiteStore(path) as store, SQLiteStore(path) as other:
            for number in range(200):
                taking = asyncio.create_task(store.aacquire(KEY, f"{number}", None, 300))
                for _ in range(number % 8):
                    await asyncio.sleep(0)
                taking.cancel()
                await asyncio.gather(taking, return_exceptions=True)
                await store.arelease(KEY, f"{number}")
                assert await other.aacquire(KEY, "other", 0, 300)
                await other.arelease(KEY, "other")

    asyncio.run(main())


def test_many_may_open_a_file_that_is_not_there_yet(path: Path) -> None:
    """Whoever comes first makes it, and all share it."""
    barrier = threading.Barrier(8)

    def save(number: int) -> object:
        with SQLiteStore(path) as store:
            barrier.wait(60)
            return store.compare_and_set(f"{number}", None, record())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(save, range(8)))
    with SQLiteStore(path) as store:
        assert sorted(store.keys()) == [f"{number}" for number in range(8)]


def fork_amid_use(folder: Path) -> None:
    """As a process: fork again and again, from two threads, while others use several stores; children use them, too."""
    stores, done = [SQLiteStore(folder / f"{number}.db") for number in range(4)], threading.Event()

    def use(store: SQLiteStore) -> int:
        used = 0
        while not done.is_set():
            assert store.compare_and_set(f"{os.getpid()} {used}", None, record())
            used += 1
        return used

    def fork(_: int) -> None:
        for _ in range(10):
            if not (forked := os.fork()):
                try:
                    for store in stores:
                        assert store.compare_and_set(f"{os.getpid()}", None, record())
                        store.close()
                except BaseException:  # noqa: BLE001 - the process ends here
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            assert os.waitpid(forked, 0)[1] == 0

    with ThreadPoolExecutor(6) as pool, ExitStack() as stack:
        stack.callback(done.set)
        using = [pool.submit(use, store) for store in stores]
        assert [*pool.map(fork, range(2))] == [None, None]
        done.set()
        for store, used in zip(stores, using, strict=True):
            saved = used.result() + 20
            assert len(store.keys()) == saved
            store.close()
    for path in folder.glob("*.db"):
        assert written(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_several_stores_survive_forks(tmp_path: Path) -> None:
    """Whatever their threads do at that moment, and whichever thread forks."""
    with child(fork_amid_use, tmp_path) as process:
        process.join(120)
        assert process.exitcode == 0
