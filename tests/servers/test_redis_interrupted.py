"""RedisStore amid signals and cancellations: no key, connection or answer is lost, and none is given to another."""

import asyncio
import os
import random
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conftest import BODY
from liveperson_engagement import EngagementClient, RedisStore, StoreError
from liveperson_engagement.sandbox import Sandbox
from redis_server import RedisServer
from stored import record
from waiting import until


@contextmanager
def handler(error: type[BaseException]) -> Generator[None]:
    """Raise an error in a signal handler."""

    def handle(*_: object) -> None:
        raise error

    before = signal.signal(signal.SIGALRM, handle)
    yield
    signal.signal(signal.SIGALRM, before)


def asked(raw: Any, number: int = 1) -> None:
    """Wait until so many questions wait for a server that pauses."""
    until(lambda: sum("b" in client["flags"] for client in raw.client_list()) == number)


@pytest.mark.parametrize("error", [TimeoutError, ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("on_store_error", ["raise", "continue"])
def test_the_exception_of_a_signal_handler_goes_through(
    server: RedisServer, sandbox: Sandbox, error: type[BaseException], on_store_error: Any
) -> None:
    """Even TimeoutError, which redis-py takes for one of the socket's; a time limit is no outage of the store."""

    def interrupt() -> None:
        asked(raw)
        os.kill(os.getpid(), signal.SIGALRM)

    with (
        server.client as raw,
        RedisStore(server.url, timeout=60) as store,
        EngagementClient("demo", base_url=sandbox.url, store=store, on_store_error=on_store_error) as client,
        handler(error),
    ):
        store.load("key")
        raw.client_pause(600_000, all=False)
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(error):
            client.visit("shopper").create_session(BODY)
        thread.join()
        raw.client_unpause()
        assert sandbox.requests == ()
        assert client.visit("shopper").create_session(BODY, deadline=60).visitor_id
        assert len(sandbox.visitors) == 1


def test_an_outage_while_a_signal_is_handled_is_an_outage(tmp_path: Path) -> None:
    """The exception that is being handled is not raised again for it."""
    with RedisServer(tmp_path) as server:
        store = RedisStore(server.url)
        store.load("key")
    with handler(TimeoutError):
        try:
            signal.raise_signal(signal.SIGALRM)
        except TimeoutError:
            with pytest.raises(StoreError, match="ConnectionError"):
                store.load("key")


def test_cancellations_lose_no_connection_and_mix_no_answers(server: RedisServer) -> None:
    """After many of them all connections can be used at once, each answer is right, and no key is held."""

    async def use(store: RedisStore, key: str, token: str) -> None:
        try:
            assert await store.aacquire(key, token, 300, 300)
            found = await store.aload(key)
            assert found is None or found.record == record(key)
            # Nothing is saved if what a cancelled task had sent has come in between.
            await store.acompare_and_set(key, found and found.version, record(key))
        finally:
            await asyncio.shield(asyncio.ensure_future(store.arelease(key, token)))

    async def main() -> None:
        async with RedisStore(server.url, max_connections=8, timeout=60) as store:
            for turn in range(40):
                tasks = [asyncio.create_task(use(store, f"{each % 40}", f"{turn} {each}")) for each in range(60)]
                await asyncio.sleep(random.uniform(0, 0.02))  # noqa: S311
                cancelled = [task for task in random.sample(tasks, 40) if task.cancel()]
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
                assert all(task.cancelled() for task in cancelled)
                assert [each for each in outcomes if isinstance(each, Exception)] == []
            for key in range(40):
                assert await store.aacquire(f"{key}", "last", 0, 300)
            raw.client_pause(600_000, all=False)
            saves = asyncio.gather(*(store.acompare_and_set(f"new {each}", None, record()) for each in range(30)))
            await asyncio.to_thread(asked, raw, 8)
            raw.client_unpause()
            assert all(await saves)

    with server.client as raw:
        asyncio.run(main())


def test_a_cancelled_task_ends_at_once_and_frees_its_lock(server: RedisServer) -> None:
    """Also if Redis answers late; the lock is given back after it was taken, in this order. A deadline ends it too."""

    async def main() -> None:
        async with RedisStore(server.url, timeout=300) as store:
            await store.aload("key")
            raw.client_pause(600_000, all=False)
            taking = asyncio.create_task(store.aacquire("key", "token", None, 300))
            await asyncio.to_thread(asked, raw)
            taking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(taking, 60)
            releasing = asyncio.create_task(store.arelease("key", "token"))
            for step in (
                store.aload("key", 0.1),
                store.acompare_and_set("other", None, record(), 0.1),
                store.aacquire("other", "token", 0.1, 30),
                store.aextend("other", "token", 30, 0.1),
            ):
                with pytest.raises(StoreError, match=r"^TimeoutError$") as raised:
                    await asyncio.wait_for(step, 60)
                assert isinstance(raised.value.__cause__, TimeoutError)
            assert not releasing.done()
            raw.client_unpause()
            await releasing
            assert await store.aacquire("key", "next", 0, 300)
            assert await store.acompare_and_set("third", None, record(), 0)
            late = asyncio.create_task(store.aload("key"))
            await asyncio.sleep(0)
            late.cancel()  # and its answer is waited for when the store is closed

    with server.client as raw:
        before = len(raw.client_list())
        asyncio.run(main())
        until(lambda: len(raw.client_list()) == before)
