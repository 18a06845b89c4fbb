"""The lock for each key, to the letter: who holds it, for how long, and that nothing of it stays."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from liveperson_engagement import MemoryStore
from liveperson_engagement._keyed_lock import KeyedLock, Patience


def queues(lock: KeyedLock) -> dict[str, Any]:
    """Look at what a lock keeps."""
    kept: dict[str, Any] = vars(lock)["_queues"]
    return kept


def test_patience_ends() -> None:
    """Or it does not, where no time was given."""
    assert Patience(None).left() is None
    assert Patience(None).cap(7.0) == 7.0
    assert Patience(0.0).left() == 0
    assert Patience(-5.0).left() == 0
    assert Patience(0.0).cap(7.0) == 0
    left = Patience(50.0).left()
    assert left is not None
    assert 40 < left <= 50
    assert Patience(50.0).cap(7.0) == 7.0


def test_a_lock_that_is_extended_is_still_held() -> None:
    """For as long as was asked for, from then on."""
    lock = KeyedLock()
    assert lock.acquire("key", "a", 0, 0.01)
    assert lock.extend("key", "a", 100)
    assert not lock.acquire("key", "b", 0.05, 100)
    assert lock.is_held("key", "a")
    assert not lock.extend("key", "b", 100)
    assert lock.extend("key", "a", -1)
    assert lock.acquire("key", "b", 5, 100)
    assert not lock.is_held("key", "a")
    assert not lock.extend("key", "a", 100)


@pytest.mark.parametrize("short", [0, 1])
def test_of_two_holders_the_one_whose_lease_ends_makes_room(short: int) -> None:
    """Whichever came first."""
    lock = KeyedLock(holders=2)
    for place, token in enumerate(("a", "b")):
        assert lock.acquire("key", token, 0, 0.05 if place == short else 100)
    assert lock.acquire("key", "c", 5, 100)
    assert [lock.is_held("key", token) for token in ("a", "b", "c")] == [short == 1, short == 0, True]
    assert not lock.acquire("key", "d", 0.05, 100)


def test_nothing_stays_of_a_lock_that_is_given_back() -> None:
    """Whoever held it or waited for it."""
    lock = KeyedLock()
    assert lock.acquire("key", "a", 0, 100)
    assert not lock.acquire("key", "b", 0, 100)
    assert list(queues(lock)) == ["key"]
    lock.release("key", "a")
    assert queues(lock) == {}
    lock.release("key", "a")
    assert queues(lock) == {}


def test_a_waiter_whose_loop_is_closed_is_passed_over() -> None:
    """And leaves nothing."""
    lock, loop = KeyedLock(), asyncio.new_event_loop()
    assert lock.acquire("key", "a", 0, 100)

    async def begin() -> asyncio.Task[bool]:
        task = asyncio.ensure_future(lock.aacquire("key", "b", None, 100))
        await asyncio.sleep(0)
        return task

    task = loop.run_until_complete(begin())
    loop.close()
    lock.release("key", "a")
    assert queues(lock) == {}
    setattr(task, "_log_destroy_pending", False)  # noqa: B010 - it is meant to be thrown away


@pytest.mark.parametrize("lock", [KeyedLock(), MemoryStore()])
def test_a_process_that_is_forked_begins_without_locks(lock: KeyedLock) -> None:
    """Its parent's threads are not there."""
    assert lock.acquire("key", "a", 0, 100)
    lock.forked()
    assert not lock.is_held("key", "a")
    assert lock.acquire("key", "b", 0, 100)
    lock.release("key", "b")
    assert queues(lock) == {}
