"""Processes, threads and tasks share a SQLite file, whatever is killed, forks, is interrupted or cancelled."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from conftest import BODY
from liveperson_engagement import (
    AsyncEngagementClient,
    DeadlineExceeded,
    EngagementClient,
    RetryPolicy,
    SQLiteStore,
    StoreError,
    _deadline,
)
from liveperson_engagement.sandbox import Sandbox
from stored import KEY, execute, is_whole, record, save, visitor

CALLERS = 12
LOCKED = r"^OperationalError: database is locked$"
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def call_as_threads_and_tasks(url: str, path: Path) -> list[str]:
    """As a process: start four threads and four tasks on one key at once."""

    def call(_: int) -> str:
        return client.visit("shopper").create_session(BODY).visitor_id

    async def call_as_tasks() -> list[str]:
        async with AsyncEngagementClient("demo", base_url=url, store=store) as twin:
            sessions = await asyncio.gather(*(twin.visit("shopper").create_session(BODY) for _ in range(4)))
            return [session.visitor_id for session in sessions]

    with ExitStack() as stack:
        store = stack.enter_context(SQLiteStore(path))
        client = stack.enter_context(EngagementClient("demo", base_url=url, store=store))
        pool = stack.enter_context(ThreadPoolExecutor(5))
        save(store, key=f"{os.getpid()} is there")
        tasks = pool.submit(asyncio.run, call_as_tasks())
        return [*pool.map(call, range(4)), *tasks.result()]


def test_processes_threads_and_tasks_make_one_visitor(
    sandbox: Sandbox, path: Path, processes: ProcessPoolExecutor
) -> None:
    """One key is one visitor, however many callers of whatever kind ask at once."""
    with SQLiteStore(path) as store:
        assert store.acquire(KEY, "all wait for this one", 0, 300)
        calling = [processes.submit(call_as_threads_and_tasks, sandbox.url, path) for _ in range(2)]
        while len(store.keys()) < 2:
            assert not any(process.done() for process in calling)
            time.sleep(0.005)
        store.release(KEY, "all wait for this one")
        found = [visitor_id for process in calling for visitor_id in process.result(60)]
    assert len(found) == 16
    assert set(found) == {visitor.visitor_id for visitor in sandbox.visitors}
    assert len(sandbox.visitors) == 1
    requests = len(sandbox.requests)
    with SQLiteStore(path) as store, EngagementClient("demo", base_url=sandbox.url, store=store) as client:
        assert client.visit("shopper").engagement(BODY).visitor_id in found
    assert len(sandbox.requests) == requests


# Crashes and forks


def call_and_hang(url: str, path: Path) -> None:
    """As a process with short leases: in the pause of one call make another one, whose answer does not come."""
    _deadline.LEASE = 0.2

    def hang(_: float) -> None:
        client.visit("answer").create_session(BODY)

    retry = RetryPolicy(pauses=(0.6,))
    client = EngagementClient("demo", base_url=url, store=SQLiteStore(path), sleep=hang, timeout=None, retry=retry)
    client.visit("pause").create_session(BODY)


def test_a_process_that_is_killed_frees_its_keys(sandbox: Sandbox, path: Path) -> None:
    """Once their leases have run out the next one goes on, whether it was in a pause or waited for an answer."""
    sandbox.fail_next(503)
    sandbox.slow(300)
    holder = get_context("spawn").Process(target=call_and_hang, args=(sandbox.url, path))
    holder.start()
    try:
        while len(sandbox.requests) < 2:
            assert holder.is_alive()
            time.sleep(0.005)
    finally:
        holder.kill()
        holder.join()
    assert execute(path, "SELECT count(*) FROM turns") == [(2,)]
    with SQLiteStore(path) as store, EngagementClient("demo", base_url=sandbox.url, store=store) as client:
        for key in ("pause", "answer"):
            session = client.visit(key).create_session(BODY, deadline=60)
            assert client.visit(key).create_session(BODY).visitor_id == session.visitor_id
    assert execute(path, "SELECT count(*) FROM turns") == [(0,)]
    assert len(sandbox.requests) == 6


def forked(work: Callable[[], Any]) -> int:
    """Do some work in a fork of this process, which ends then with 0, or 1 if it failed."""
    if process := os.fork():
        return process
    try:
        work()
    except BaseException:  # noqa: BLE001 - the process ends here
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def kill_savers(path: Path) -> None:
    """As a process: fork processes that save in a loop, and kill each at some moment."""
    read, write = os.pipe()

    def save_in_a_loop() -> None:
        while True:
            save(store, str(int(visitor(store) or 0) + 1))
            os.write(write, b".")

    with SQLiteStore(path) as store:
        for _ in range(12):
            before, saver = int(visitor(store) or 0), forked(save_in_a_loop)
            os.read(read, 1)  # it has begun
            time.sleep(random.uniform(0, 0.01))  # noqa: S311
            os.kill(saver, signal.SIGKILL)
            os.waitpid(saver, 0)
            os.write(write, b".")  # in place of the one that was read
            acknowledged = len(os.read(read, 65_536))
            assert acknowledged <= int(visitor(store) or 0) - before <= acknowledged + 1
    assert is_whole(path)


@forks
def test_a_process_that_is_killed_loses_nothing(path: Path, processes: ProcessPoolExecutor) -> None:
    """Whatever moment it is: each save that was acknowledged is there, and nothing is half written."""
    processes.submit(kill_savers, path).result(60)


def fork_amid_use(folder: Path) -> None:
    """As a process: fork again and again, from two threads, while others use several stores; children use them, too."""
    stores, done = [SQLiteStore(folder / f"{number}.db", timeout=60) for number in range(3)], threading.Event()

    def use(store: SQLiteStore) -> int:
        used = 0
        while not done.is_set():
            save(store, key=f"{(used := used + 1)}")
        return used

    def use_in_child() -> None:
        for store in stores:
            assert visitor(store, "first")
            with suppress(StoreError):  # the file may be busy for so long
                assert not store.acquire("held", "child", 0.05, 30)
            assert asyncio.run(store.acompare_and_set(f"child {os.getpid()}", None, record()))
            store.close()

    def fork(_: int) -> None:
        for _ in range(5):
            assert os.waitpid(forked(use_in_child), 0)[1] == 0

    for store in stores:
        save(store, key="first")
        assert asyncio.run(store.aacquire("held", "parent", None, 300))
    with ThreadPoolExecutor(5) as pool, ExitStack() as stack:
        stack.callback(done.set)
        using = [pool.submit(use, store) for store in stores]
        assert [*pool.map(fork, range(2))] == [None, None]
        done.set()
        assert [used.result() + 11 for used in using] == [len(store.keys()) for store in stores]
    for store in stores:
        assert asyncio.run(store.aload("first"))
        assert store.extend("held", "parent", 300)
        store.close()
    assert all(is_whole(path) for path in folder.glob("*.db"))


@forks
def test_stores_can_be_used_on_both_sides_of_a_fork(tmp_path: Path, processes: ProcessPoolExecutor) -> None:
    """Neither side uses or closes what is the other's, whatever threads do at that moment, and whichever forks."""
    processes.submit(fork_amid_use, tmp_path).result(120)


# Waiting for a file that is busy


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    """Have a file that nobody else may write to, until the test rolls back."""
    with SQLiteStore(path) as store:
        store.load(KEY)
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN EXCLUSIVE")
            yield writer


def test_threads_end_each_in_its_own_time(sandbox: Sandbox, path: Path, writer: sqlite3.Connection) -> None:
    """However many wait; those who read, and those of another file, go on."""
    with ExitStack() as stack:
        store = stack.enter_context(SQLiteStore(path, timeout=300))
        hasty = stack.enter_context(SQLiteStore(path, timeout=0.05))
        other = stack.enter_context(SQLiteStore(path.with_name("other.db")))
        client = stack.enter_context(EngagementClient("demo", base_url=sandbox.url, store=store))
        pool = stack.enter_context(ThreadPoolExecutor(CALLERS))
        waiting = [pool.submit(store.compare_and_set, f"{n}", None, record()) for n in range(CALLERS)]
        with pytest.raises(StoreError, match=LOCKED) as raised:
            store.compare_and_set(KEY, None, record(), 0.05)
        assert isinstance(raised.value.__cause__, sqlite3.OperationalError)
        with pytest.raises(StoreError, match=LOCKED):
            store.acquire(KEY, "token", 0.05, 30)
        with pytest.raises(StoreError, match=LOCKED):
            hasty.compare_and_set(KEY, None, record())
        with pytest.raises((StoreError, DeadlineExceeded)):
            client.visit("shopper").create_session(BODY, deadline=0.1)
        assert sandbox.requests == ()
        assert other.acquire(KEY, "token", 0, 30)
        save(other)
        assert asyncio.run(other.aload(KEY))
        assert store.load(KEY) is None
        assert not any(waiter.done() for waiter in waiting)
        writer.execute("ROLLBACK")
        assert all(waiter.result(60) for waiter in waiting)
        assert sorted(store.keys()) == sorted(f"{n}" for n in range(CALLERS))


def test_tasks_end_each_in_its_own_time(path: Path, writer: sqlite3.Connection) -> None:
    """However many wait, and when they are cancelled; nothing is saved or held in the name of those."""

    async def main() -> None:
        async with SQLiteStore(path, timeout=300) as store, SQLiteStore(path, timeout=0.05) as hasty:
            waiting: list[asyncio.Task[Any]]
            waiting = [asyncio.create_task(store.acompare_and_set(f"{n}", None, record())) for n in range(CALLERS)]
            leaving: list[asyncio.Task[Any]]
            leaving = [asyncio.create_task(store.aacquire(f"{n}", "token", None, 300)) for n in range(CALLERS)]
            leaving += [asyncio.create_task(store.acompare_and_set(KEY, None, record())) for _ in range(CALLERS)]
            with pytest.raises(StoreError, match=LOCKED):
                await store.acompare_and_set(KEY, None, record(), 0.05)
            with pytest.raises(StoreError, match=LOCKED):
                await store.aacquire(KEY, "token", 0.05, 30)
            with pytest.raises(StoreError, match=LOCKED):
                await hasty.acompare_and_set(KEY, None, record())
            assert all(task.cancel() for task in leaving)
            results = await asyncio.gather(*leaving, return_exceptions=True)
            assert {type(result) for result in results} == {asyncio.CancelledError}
            assert await store.aload(KEY) is None
            assert not any(task.done() for task in waiting)
            writer.execute("ROLLBACK")
            assert all(await asyncio.gather(*waiting))
            assert sorted(store.keys()) == sorted(f"{n}" for n in range(CALLERS))
            for number in range(CALLERS):
                await store.arelease(f"{number}", "token")
                assert await store.aacquire(f"{number}", "another", 0, 30)

    asyncio.run(main())


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt, TimeoutError])
def test_an_interrupted_wait_ends(
    path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    """What a signal handler raises goes through as it is, and the key is free."""

    def interrupt(_: float) -> None:
        raise kind

    monkeypatch.setattr("time.sleep", interrupt)
    with SQLiteStore(path, timeout=300) as store, SQLiteStore(path) as other:
        with pytest.raises(kind) as raised:
            store.acquire(KEY, "token", None, 300)
        assert (raised.type, raised.value.__cause__) == (kind, None)
        writer.execute("ROLLBACK")
        store.release(KEY, "token")
        assert other.acquire(KEY, "another", 0, 30)


def test_many_may_open_a_file_that_is_not_there_yet(path: Path) -> None:
    """Whoever comes first makes it, and all share it."""
    barrier = threading.Barrier(8)

    def add(number: int) -> None:
        with SQLiteStore(path) as store:
            barrier.wait(60)
            save(store, key=f"{number}")

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(add, range(8))] == [None] * 8
    with SQLiteStore(path) as store:
        assert sorted(store.keys()) == [f"{number}" for number in range(8)]
