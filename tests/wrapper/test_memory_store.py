"""The memory store: its room, how long it remembers, and its locks."""

import asyncio
import gc
from typing import Any

import pytest

from conftest import BODY, Backend, Clock
from liveperson_engagement import InvalidRequest, MemoryStore
from liveperson_engagement._keyed_lock import KeyedLock, Patience
from liveperson_engagement.sandbox import Sandbox
from stored import KEY, record


def test_the_least_recently_used_visit_goes_first() -> None:
    """Reading counts as use, and so does saving; what is thrown out leaves nothing behind."""
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
    for number in range(5_000):
        store.compare_and_set(str(number), None, record())
    del known
    gc.collect()
    assert [len(vars(store)[name]) for name in ("_saved", "_evicted", "_queues")] == [3, 0, 0]


@pytest.mark.backends("sync", "async")
def test_a_visit_in_use_is_not_thrown_out(backend: Backend, sandbox: Sandbox) -> None:
    """While a call is under way others fill the store; its visit goes on all the same."""
    store, requests = MemoryStore(max_visits=1), list[Any]()

    def fill(_: object) -> None:
        requests.append(store.keys())
        for number in range(5):
            store.compare_and_set(f"demo:{number}", None, record())

    client = backend.client(base_url=sandbox.url, store=store, on_request=fill)
    visitors = {client.visit("shopper").create_session(BODY).visitor_id for _ in range(3)}
    assert requests == [[], [KEY], [KEY]]
    assert len(visitors) == 1


@pytest.mark.parametrize("later", [(60, 60), (60, 0), (0, 60)], ids=["both", "slept", "clock set back"])
def test_a_visit_ends_with_its_time_to_live(later: tuple[float, float]) -> None:
    """By whichever clock says so first; it counts from the last save."""
    clocks = Clock(), Clock()
    store = MemoryStore(time_to_live=60, clock=clocks[0], monotonic=clocks[1])

    def pass_time(wall: float, monotonic: float) -> None:
        clocks[0].now += wall
        clocks[1].now += monotonic

    version = store.compare_and_set("key", None, record())
    pass_time(59, 59)
    assert store.load("key")
    assert store.compare_and_set("key", version, record())
    pass_time(later[0] - 0.001, later[1] - 0.001)
    assert store.load("key")
    pass_time(0.001, 0.001)
    assert store.load("key") is None
    assert store.keys() == []


@pytest.mark.parametrize("option", [{"max_visits": 0}, {"max_visits": True}, {"max_visits": 1.5}, {"time_to_live": 0}])
def test_options_that_make_no_sense_are_refused(option: dict[str, Any]) -> None:
    """By name."""
    with pytest.raises(InvalidRequest) as raised:
        MemoryStore(**option)
    assert [raised.value.path] == [*option]


def test_patience_ends() -> None:
    """Or it does not, where no time was given."""
    assert (Patience(None).left(), Patience(None).cap(7.0)) == (None, 7.0)
    assert (Patience(0.0).left(), Patience(0.0).cap(7.0), Patience(-5.0).left()) == (0, 0, 0)
    assert 40 < (Patience(50.0).left() or 0) <= 50
    assert Patience(50.0).cap(7.0) == 7.0


def test_a_lease_that_was_extended_ends_too() -> None:
    """From then on it lasts as long as was asked for."""
    lock = KeyedLock()
    assert lock.acquire("key", "a", 0, 100)
    assert lock.extend("key", "a", 0.01)
    assert lock.acquire("key", "b", 5, 100)
    assert not lock.is_held("key", "a")


@pytest.mark.parametrize("short", [0, 1])
def test_of_two_holders_the_one_whose_lease_ends_makes_room(short: int) -> None:
    """Whichever came first; a forked process begins without them, since its parent's threads are not there."""
    lock = KeyedLock(holders=2)
    for place, token in enumerate("ab"):
        assert lock.acquire("key", token, 0, 0.05 if place == short else 100)
    assert lock.acquire("key", "c", 5, 100)
    assert [lock.is_held("key", token) for token in "abc"] == [short == 1, short == 0, True]
    assert not lock.acquire("key", "d", 0.05, 100)
    lock.forked()
    assert not lock.is_held("key", "c")
    assert lock.acquire("key", "d", 0, 100)


@pytest.mark.parametrize("released", [False, True], ids=["its lease ends", "it is given back"])
def test_a_loop_closed_by_hand_keeps_no_key(released: bool) -> None:
    """Its tasks never end, those that hold a key and those that wait for it."""
    store, loop = MemoryStore(), asyncio.new_event_loop()
    holder = loop.create_task(store.aacquire(KEY, "holder", None, 0.3))
    waiter = loop.create_task(store.aacquire(KEY, "waiter", None, 30))
    assert loop.run_until_complete(holder)
    loop.run_until_complete(asyncio.sleep(0))
    assert not waiter.done()
    loop.close()
    if released:
        store.release(KEY, "holder")
        assert vars(store)["_queues"] == {}
    assert store.acquire(KEY, "next", 60, 30)


def test_many_wait_for_a_key_and_each_gets_it() -> None:
    """In order of arrival."""
    store, order = MemoryStore(), list[int]()

    async def hold(number: int) -> None:
        assert await store.aacquire("key", str(number), None, 60)
        order.append(number)
        await store.arelease("key", str(number))

    async def main() -> None:
        assert store.acquire("key", "first", None, 60)
        tasks = [asyncio.create_task(hold(number)) for number in range(1_000)]
        await asyncio.sleep(0)
        store.release("key", "first")
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert order == [*range(1_000)]
    assert store.acquire("key", "last", 0, 60)
