"""Processes, threads and tasks share a SQLite file, whatever is killed, forks, is interrupted or cancelled."""

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
from pathlib import Path
from typing import Any

import pytest

from conftest import BODY
from liveperson_engagement import DeadlineExceeded, EngagementClient, SQLiteStore, StoreError
from liveperson_engagement.sandbox import Sandbox
from stored import KEY, is_whole, record, save, visitor

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


# Crashes and forks


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


@pytest.mark.parametrize("way", ["threads", "tasks"])
def test_each_ends_in_its_own_time(sandbox: Sandbox, path: Path, writer: sqlite3.Connection, way: str) -> None:
    """However many wait; those who read, and those of another file, go on. Nothing is done in the name of who left."""

    def ask(store: SQLiteStore, name: str, *arguments: Any) -> Any:
        if way == "tasks":
            return getattr(store, f"a{name}")(*arguments)
        return asyncio.to_thread(getattr(store, name), *arguments)

    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(24))
        waiting = [asyncio.create_task(ask(store, "compare_and_set", f"{n}", None, record())) for n in range(12)]
        leaving: list[asyncio.Task[Any]]
        leaving = [asyncio.create_task(store.aacquire(f"{n}", "token", None, 300)) for n in range(12)]
        leaving += [asyncio.create_task(store.acompare_and_set(KEY, None, record())) for _ in range(12)]
        for each, step, *arguments in (
            (store, "compare_and_set", KEY, None, record(), 0.05),
            (store, "acquire", KEY, "token", 0.05, 30),
            (hasty, "compare_and_set", KEY, None, record()),
        ):
            with pytest.raises(StoreError, match=r"^OperationalError: database is locked$") as raised:
                await ask(each, step, *arguments)
            assert isinstance(raised.value.__cause__, sqlite3.OperationalError)
        assert all(task.cancel() for task in leaving)
        results = await asyncio.gather(*leaving, return_exceptions=True)
        assert {type(result) for result in results} == {asyncio.CancelledError}
        assert await ask(store, "load", KEY) is None
        assert await ask(other, "acquire", KEY, "token", 0, 30)
        assert not any(task.done() for task in waiting)
        writer.execute("ROLLBACK")
        assert all(await asyncio.gather(*waiting))
        assert sorted(store.keys()) == sorted(f"{n}" for n in range(12))
        for number in range(12):
            await store.arelease(f"{number}", "token")
            assert await store.aacquire(f"{number}", "another", 0, 30)

    with (
        SQLiteStore(path, timeout=300) as store,
        SQLiteStore(path, timeout=0.05) as hasty,
        SQLiteStore(path.with_name("other.db")) as other,
        EngagementClient("demo", base_url=sandbox.url, store=store) as client,
    ):
        with pytest.raises((StoreError, DeadlineExceeded)):
            client.visit("shopper").create_session(BODY, deadline=0.1)
        assert sandbox.requests == ()
        asyncio.run(main())


@pytest.mark.parametrize("kind", [KeyboardInterrupt, TimeoutError])
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
