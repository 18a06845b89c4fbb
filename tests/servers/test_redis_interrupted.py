"""RedisStore amid signals and cancellations: no key, connection or answer is lost, and none is given to another."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Self

import pytest
import redis
import redis.asyncio

from conftest import BODY
from liveperson_engagement import EngagementClient, RedisStore, StoreError, VisitIds
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record
from redis_server import RedisServer, wait_until

INTERRUPTIONS = 1_000
"""How many signals come amid the steps of a store; between two of them there are a few dozen steps, or none."""


unclosed = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
"""For a socket that redis-py was just about to keep when a signal came: Python closes it, and warns."""


class SoftLimit(Exception):
    """What a task queue raises in a signal handler."""


def connections(raw: Any) -> int:
    """Count the connections of others."""
    return len(raw.client_list()) - 1


def record(number: int) -> Record:
    """Make one that can be told from others."""
    return Record(VisitIds(f"visitor {number}"), f'{{"number": {number}}}')


def nothing(*_: object) -> None:
    """Do nothing."""


class Signals:
    """Raises an error in a signal handler, but only amid what is given to `run`.

    Times between signals go from 50 microseconds, which is less than a step takes, to 20 milliseconds, in which a
    connection can be made; as many are from 50 to 500 microseconds as from 2 to 20 milliseconds.
    """

    def __init__(self, error: type[BaseException]) -> None:
        self.error, self.raised, self.armed = error, 0, False

    def __enter__(self) -> Self:
        self.before = signal.signal(signal.SIGALRM, self.handle)
        self.hook, sys.unraisablehook = sys.unraisablehook, nothing  # what is raised in a finalizer goes nowhere
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.before)
        gc.collect()
        sys.unraisablehook = self.hook

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        """Set the next alarm, and raise."""
        signal.setitimer(signal.ITIMER_REAL, 10 ** random.uniform(-4.3, -1.7))  # noqa: S311
        if self.armed:
            self.raised += 1
            raise self.error

    def run(self, work: Callable[[], object]) -> bool:
        """Return whether it came to its end."""
        try:
            self.armed = True
            work()
            self.armed = False
        except self.error:
            self.armed = False  # nothing is called before: Python would look for signals
            return False
        return True


# Signals: an exception of a handler may come between any two byte codes, also within a clean-up of redis-py


@unclosed
@pytest.mark.parametrize("error", [SoftLimit, KeyboardInterrupt])
def test_signals_at_any_moment_lose_nothing(server: RedisServer, error: type[BaseException]) -> None:
    """Each key can be taken at once, answers are right, and connections do not pile up."""
    threads = threading.active_count()
    saved: dict[str, set[str]] = {f"key {number}": set() for number in range(7)}
    wrong: list[object] = []
    most = 0

    def use(key: str, token: str, number: int) -> None:
        if not store.acquire(key, token, 5, 30):
            wrong.append(key)
        found = store.load(key)
        if found and found.record.ids.visitor_id not in saved[key]:
            wrong.append(found)
        saved[key].add(f"visitor {number}")
        store.compare_and_set(key, found.version if found else None, record(number))

    with server.client as raw, RedisStore(server.url, max_connections=3) as store:
        before = connections(raw)
        with Signals(error) as signals:
            number = 0
            while signals.raised < INTERRUPTIONS:
                number += 1
                key, token = f"key {number % 7}", f"token {number}"
                signals.run(partial(use, key, token, number))
                while not signals.run(partial(store.release, key, token)):  # as the driver does
                    pass
                if number % 100 == 0:
                    most = max(most, connections(raw))
        assert wrong == []
        assert number > INTERRUPTIONS / 10
        started = time.monotonic()
        for key, visitors in saved.items():
            assert store.acquire(key, "last", 0, 30)
            store.release(key, "last")
            found = store.load(key)
            assert found is None or found.record.ids.visitor_id in visitors
        assert time.monotonic() - started < 20
        assert not raw.keys("*lock*")
        gc.collect()
        wait_until(lambda: connections(raw) <= before + 3)
        assert most <= before + 10
    assert threading.active_count() == threads


@unclosed
@pytest.mark.parametrize("error", [TimeoutError, SoftLimit, KeyboardInterrupt])
@pytest.mark.parametrize("on_store_error", ["raise", "continue"])
def test_the_exception_of_a_signal_handler_goes_through(
    server: RedisServer, sandbox: Sandbox, error: type[BaseException], on_store_error: Any
) -> None:
    """Even TimeoutError, which redis-py takes for one of the socket's; a time limit is no outage of the store."""
    with (
        server.client as raw,
        RedisStore(server.url, timeout=60) as store,
        EngagementClient("demo", base_url=sandbox.url, store=store, on_store_error=on_store_error) as client,
    ):
        raw.client_pause(60_000, all=False)
        with Signals(error) as signals:
            assert not signals.run(lambda: client.visit("shopper").create_session(BODY))
        raw.client_unpause()
        assert sandbox.requests == ()
        assert client.visit("shopper").create_session(BODY, deadline=20).visitor_id
        assert len(sandbox.visitors) == 1


def test_an_outage_while_a_signal_is_handled_is_an_outage(tmp_path: Path) -> None:
    """The exception that is being handled is not raised again for it."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    with RedisServer(tmp_path) as server:
        store = RedisStore(server.url)
        store.load("key")
    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.raise_signal(signal.SIGALRM)
    except TimeoutError:
        with pytest.raises(StoreError, match="ConnectionError"):
            store.load("key")
    finally:
        signal.signal(signal.SIGALRM, before)


@unclosed
def test_an_interrupted_thread_leaves_the_others_alone(server: RedisServer) -> None:
    """They go on with the connections that they have, while the main thread is interrupted again and again."""
    ended = threading.Event()

    def work(store: RedisStore, name: str) -> int:
        number = 0
        while not ended.is_set():
            key = f"{name} {number}"
            assert store.compare_and_set(key, None, record(number))
            found = store.load(key)
            assert found
            assert found.record == record(number)
            number += 1
        return number

    with RedisStore(server.url, max_connections=4) as store, ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work, store, name) for name in "abc"]
        with Signals(SoftLimit) as signals:
            while signals.raised < INTERRUPTIONS / 2:
                signals.run(lambda: store.load("key"))
        ended.set()
        assert all(each.result(30) > 10 for each in working)


# Answers


@pytest.mark.parametrize("protocol", [2, 3])
def test_an_answer_to_another_question_is_not_taken(server: RedisServer, protocol: int) -> None:
    """StoreError says so, and the next question is asked on another connection."""
    kind: Any = redis.Redis
    with kind.from_url(server.url, protocol=protocol) as client:
        store = RedisStore(client=client)
        assert store.compare_and_set("key", None, record(1))
        connection = client.connection_pool.get_connection()
        connection.send_command("EVAL", "return {'nonce of another', 'another value', '1', 0}", 0)
        client.connection_pool.release(connection)
        with (
            suppress(StoreError) if protocol == 2 else pytest.raises(StoreError, match="an answer to another question")
        ):
            store.load("key")  # with RESP2 redis-py looks for unread answers itself
        for _ in range(3):
            found = store.load("key")
            assert found
            assert found.record == record(1)


def test_a_task_does_not_take_an_answer_to_another_question(server: RedisServer) -> None:
    """StoreError says so, and the next question is asked on another connection."""

    async def main() -> None:
        kind: Any = redis.asyncio.Redis
        async with kind.from_url(server.url, protocol=3) as client:
            store = RedisStore(async_client=client)
            assert await store.acompare_and_set("key", None, record(1))
            connection = await client.connection_pool.get_connection()
            await connection.send_command("EVAL", "return {'nonce of another', 'another value', '1', 0}", 0)
            await client.connection_pool.release(connection)
            with pytest.raises(StoreError, match="an answer to another question"):
                await store.aload("key")
            found = await store.aload("key")
            assert found
            assert found.record == record(1)

    asyncio.run(main())


# Cancellations


def test_cancellations_lose_no_connection_and_mix_no_answers(server: RedisServer) -> None:
    """After 2,000 of them all connections can be used at once, each answer is right, and no key is held."""
    slots = 8

    async def use(store: RedisStore, number: int) -> None:
        key, token = f"key {number % 40}", f"token {number}"
        try:
            if await store.aacquire(key, token, 30, 30):
                found = await store.aload(key)
                assert found is None or found.record.engagement == f'{{"key": {number % 40}}}'
                saved = Record(VisitIds(f"visitor {number}"), f'{{"key": {number % 40}}}')
                assert await store.acompare_and_set(key, found.version if found else None, saved)
        finally:
            await asyncio.shield(asyncio.ensure_future(store.arelease(key, token)))

    async def main() -> None:
        async with RedisStore(server.url, max_connections=slots, timeout=60) as store:
            tasks: set[asyncio.Task[None]] = set()
            cancelled = number = 0
            while cancelled < 2_000:
                number += 1
                tasks.add(asyncio.create_task(use(store, number)))
                if len(tasks) >= 24:
                    await asyncio.sleep(random.uniform(0, 0.003))  # noqa: S311
                    for task in random.sample([*tasks], 8):
                        cancelled += task.cancel()
                    done = {task for task in tasks if task.done()}
                    tasks -= done
                    for task in done:
                        assert task.cancelled() or task.result() is None
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert [each for each in outcomes if each and not isinstance(each, asyncio.CancelledError)] == []
            for key in range(40):
                assert await store.aacquire(f"key {key}", "last", 5, 30)
                await store.arelease(f"key {key}", "last")
            async with asyncio.timeout(20):
                assert await in_use_at_once(store) == slots

    async def in_use_at_once(store: RedisStore) -> int:
        """Ask more than there are connections for while the server answers nobody; return how many it has then."""
        async with server.async_client as raw:
            await raw.client_pause(60_000, all=False)
            writes = [
                asyncio.create_task(store.acompare_and_set(f"new {each}", None, record(each))) for each in range(30)
            ]
            names = 0
            while names < slots:
                names = sum(client["cmd"] == "evalsha" for client in await raw.client_list())
                await asyncio.sleep(0.01)
            assert not any(task.done() for task in writes)
            await raw.client_unpause()
            assert all(await asyncio.gather(*writes))
            return names

    asyncio.run(main())


def test_who_waits_for_a_connection_may_be_cancelled(server: RedisServer) -> None:
    """Each cancellation arrives, and the others get answers: redis-py swallows some, and loses its turn with others."""

    async def main() -> None:
        async with RedisStore(server.url, max_connections=2, timeout=60) as store:
            for _ in range(60):
                tasks = [asyncio.create_task(store.aload(f"key {number}")) for number in range(40)]
                await asyncio.sleep(random.uniform(0, 0.008))  # noqa: S311
                cancelled = [task for task in random.sample(tasks, 30) if task.cancel()]
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
                assert all(task.cancelled() for task in cancelled)
                assert [each for each in outcomes if isinstance(each, Exception)] == []

    asyncio.run(main())


def test_a_cancelled_task_ends_at_once_and_frees_its_lock(server: RedisServer) -> None:
    """Also if Redis answers late; the lock is given back after it was taken, in this order."""

    async def main() -> None:
        async with RedisStore(server.url, timeout=30) as store, server.async_client as raw:
            await store.aload("key")
            await raw.client_pause(60_000, all=False)
            taking = asyncio.create_task(store.aacquire("key", "token", None, 30))
            await asyncio.sleep(0.1)
            started = time.monotonic()
            taking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await taking
            assert time.monotonic() - started < 5
            releasing = asyncio.create_task(store.arelease("key", "token"))
            await asyncio.sleep(0.1)
            assert not releasing.done()
            await raw.client_unpause()
            await releasing
            assert await raw.keys("*lock*") == []
            assert await store.aacquire("key", "next", 0, 30)

    asyncio.run(main())


def test_a_task_waits_no_longer_than_its_call_may_last(server: RedisServer) -> None:
    """Each async step; the store itself would wait for half a minute."""

    async def main() -> None:
        async with RedisStore(server.url, timeout=30) as store, server.async_client as raw:
            await store.aload("key")
            await raw.client_pause(60_000, all=False)
            for step in (
                store.aload("key", 0.1),
                store.acompare_and_set("key", None, record(1), 0.1),
                store.aacquire("key", "token", 0.1, 30),
                store.aextend("key", "token", 30, 0.1),
            ):
                started = time.monotonic()
                with pytest.raises(StoreError, match=r"^TimeoutError$") as raised:
                    await step
                assert isinstance(raised.value.__cause__, TimeoutError)
                assert time.monotonic() - started < 10
            await raw.client_unpause()
            assert await store.acompare_and_set("other", None, record(1), 0)

    asyncio.run(main())
