"""MemoryStore: bounded, with a time to live, by clocks that a sleeping machine does not stop, and with leases."""

from __future__ import annotations

import asyncio
import gc
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conftest import BODY, Backend, Clock
from liveperson_engagement import EngagementClient, InvalidRequest, MemoryStore, VisitIds, _deadline
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record


def record(name: object) -> Record:
    """Make a record."""
    return Record(VisitIds(f"visitor {name}"))


def test_the_least_recently_used_visit_goes_first() -> None:
    """Reading counts as use, and so does saving."""
    store = MemoryStore(max_visits=3)
    for key in "abc":
        store.compare_and_set(key, None, record(key))
    assert store.load("a")
    known = store.load("b")
    assert known
    assert store.compare_and_set("b", known.version, record("b again"))
    store.compare_and_set("d", None, record("d"))
    assert store.keys() == ["a", "b", "d"]
    assert store.load("c") is None
    store.compare_and_set("e", None, record("e"))
    assert store.keys() == ["b", "d", "e"]


def test_a_million_keys_take_the_room_of_a_hundred() -> None:
    """What is thrown out leaves nothing behind."""
    store = MemoryStore(max_visits=100)
    for number in range(20_000):
        store.compare_and_set(str(number), None, record(number))
    assert store.keys() == [str(number) for number in range(19_900, 20_000)]
    gc.collect()
    assert [len(vars(store)[name]) for name in ("_saved", "_evicted", "_queues")] == [100, 0, 0]


def test_a_visit_in_use_is_not_thrown_out(backend: Backend, sandbox: Sandbox) -> None:
    """While a call is under way others fill the store; its visit goes on all the same."""
    store = MemoryStore(max_visits=1)
    client = backend.client(base_url=sandbox.url, store=store)
    ours = client.visit("ours").create_session(BODY).visitor_id
    sandbox.slow(0.5)
    with ThreadPoolExecutor(1) as pool:
        before = len(sandbox.requests)
        again = pool.submit(client.visit("ours").create_session, BODY)
        while len(sandbox.requests) == before:
            time.sleep(0.01)
        for number in range(5):
            store.compare_and_set(f"demo:{number}", None, record(number))
        assert again.result().visitor_id == ours
    assert client.visit("ours").create_session(BODY).visitor_id == ours


@pytest.mark.parametrize("later", [(60, 60), (60, 0), (0, 60)], ids=["both", "slept", "clock set back"])
def test_a_visit_ends_with_its_time_to_live(later: tuple[float, float]) -> None:
    """By whichever clock says so first; it counts from the last save."""
    wall, monotonic = Clock(), Clock()
    store = MemoryStore(time_to_live=60, clock=wall, monotonic=monotonic)
    version = store.compare_and_set("key", None, record(1))
    wall.now += 59
    monotonic.now += 59
    assert store.load("key")
    assert store.compare_and_set("key", version, record(2))
    wall.now += later[0] - 0.001
    monotonic.now += later[1] - 0.001
    assert store.load("key")
    wall.now += 0.001
    monotonic.now += 0.001
    assert store.load("key") is None
    assert store.keys() == []


def test_an_engagement_ends_while_the_machine_sleeps(backend: Backend, sandbox: Sandbox) -> None:
    """Eight hours went by that the monotonic clock has not seen."""
    wall = Clock()
    visit = backend.client(base_url=sandbox.url, store=MemoryStore(clock=wall)).visit("shopper")
    visit.engagement(BODY)
    wall.now += 8 * 3600
    visit.engagement(BODY)
    assert [request.operation_id for request in sandbox.requests] == ["createSession", "continueSession"]


@pytest.mark.parametrize("options", [{"max_visits": 0}, {"max_visits": True}, {"max_visits": 1.5}, {"time_to_live": 0}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """By name."""
    with pytest.raises(InvalidRequest) as raised:
        MemoryStore(**options)
    assert [raised.value.path] == [*options]


def test_a_loop_closed_by_hand_keeps_no_key(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tasks never end: the lease does."""
    monkeypatch.setattr(_deadline, "LEASE", 0.1)
    store = MemoryStore()
    loop = asyncio.new_event_loop()
    acquired = loop.create_task(store.aacquire("demo:shopper", "vanished", None, _deadline.LEASE))
    waiting = loop.create_task(store.aacquire("demo:shopper", "waiting", None, 30))
    loop.run_until_complete(acquired)
    loop.run_until_complete(asyncio.sleep(0))
    assert not waiting.done()
    loop.close()
    with EngagementClient("demo", base_url=sandbox.url, store=store) as client:
        assert client.visit("shopper").create_session(BODY).status == "Available"


def test_thousands_wait_for_a_key_and_each_gets_it() -> None:
    """Tasks and threads, in order of arrival."""
    store, order = MemoryStore(), list[int]()

    async def hold(number: int) -> None:
        assert await store.aacquire("key", str(number), None, 60)
        order.append(number)
        await store.arelease("key", str(number))

    async def main() -> None:
        assert store.acquire("key", "first", None, 60)
        tasks = [asyncio.create_task(hold(number)) for number in range(5_000)]
        await asyncio.sleep(0)
        store.release("key", "first")
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert order == [*range(5_000)]
    assert store.acquire("key", "last", 0, 60)
