# ruff: noqa: S101 - these are tests
"""What every store has to do, as tests to inherit: `class TestMyStore(StoreConformance)` with a `make_store`.

Needs pytest. `pytest.register_assert_rewrite("liveperson_engagement.stores.conformance")` in a conftest.py makes
failures print the values that differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from . import AsyncSessionStore, Record, Remembered, SessionStore, VisitIds

T = TypeVar("T")

RECORDS = {
    "visitor": Record(VisitIds("visitor")),
    "ids": Record(VisitIds("visitor", "session", "page")),
    "empty": Record(VisitIds("", "", ""), "", ""),
    "unicode": Record(
        VisitIds("Zoë", "🛍️ \ud800 \x00 '\"\\", "\u2028\r\n"), '{"ключ": "値\\ud800", "": "\x7f"}', "e\u0301"
    ),
    "numbers": Record(VisitIds("visitor"), '{"whole": 18446744073709551616, "real": 1.0, "no": [true, null]}'),
    "not available": Record(VisitIds("visitor", "session"), None, "0" * 64, '{"status": "NotAvailable"}'),
    "spaced": Record(VisitIds("visitor"), '\t{"a": [{"b":\r\n[[], {}]}]}\n', "0" * 64),
    "large": Record(VisitIds("v" * 1000), "x" * 200_000),
}

KEYS = (
    *(
        "",
        " ",
        "a",
        "A",
        "a ",
        " a",
        "a:b",
        "a:",
        "0",
        "00",
        "0.0",
        "1e0",
        "1",
        "NULL",
        "None",
        "*",
        "a*",
        "%",
        "?",
        "\\",
    ),
    *("'; DROP TABLE visits; --", '"', "{a}", "[a]", "../a", "/a", "\n", "\r\n", "\t", "\x01", "\x7f", "\u2028"),
    *(
        "\u00e9",
        "e\u0301",
        "ß",
        "ss",
        "İ",
        "i",
        "Ⅳ",
        "IV",
        "🛍️",
        "\u202ea",
        "\ufeff",
        "\ud800",
        "a\udfff",
        "x" * 10_000,
        "x" * 9_999,
    ),
)


@contextlib.contextmanager
def running_loop() -> Generator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread of its own."""
    with asyncio.Runner() as runner, ThreadPoolExecutor(1) as pool:
        loop = runner.get_loop()
        running = pool.submit(loop.run_forever)
        yield loop
        loop.call_soon_threadsafe(loop.stop)
        running.result()


class LocalStoreConformance:
    """The protocols `SessionStore` and `AsyncSessionStore`, tested on a store that shares nothing with others."""

    shared: ClassVar[bool] = False
    """Whether stores made for one folder share what they remember and who holds which lock."""
    moment: ClassVar[float] = 0.3
    """Seconds of a lease that a test lets run out."""

    def make_store(self, folder: Path) -> Any:
        """Return a new store; stores made for one folder share a database, or part of one, which is empty at first."""
        raise NotImplementedError

    async def close_store(self, store: Any) -> None:
        """Close a store on the event loop that used it; default: its `aclose` or `close`, where there is one."""
        if hasattr(store, "aclose"):
            await store.aclose()
        elif hasattr(store, "close"):
            store.close()

    @pytest.fixture
    def loop(self) -> Iterator[asyncio.AbstractEventLoop]:
        """Run an event loop in a thread of its own."""
        with running_loop() as loop:
            yield loop

    @pytest.fixture
    def make(self, tmp_path: Path, loop: asyncio.AbstractEventLoop) -> Iterator[Callable[[], Any]]:
        """Make stores that are closed at the end of the test."""
        made: list[Any] = []

        def make() -> Any:
            made.append(self.make_store(tmp_path))
            return made[-1]

        yield make
        for store in made:
            asyncio.run_coroutine_threadsafe(self.close_store(store), loop).result()

    @pytest.fixture(params=["sync", "async"])
    def store(
        self, request: pytest.FixtureRequest, make: Callable[[], Any], loop: asyncio.AbstractEventLoop
    ) -> SessionStore:
        """Make a store that is asked in either way."""
        return _user(request.param, make(), loop)

    @pytest.fixture(params=["sync and sync", "async and async", "sync and async"])
    def together(
        self, request: pytest.FixtureRequest, make: Callable[[], Any], loop: asyncio.AbstractEventLoop
    ) -> list[SessionStore]:
        """Make one store for two users."""
        store = make()
        return [_user(kind, store, loop) for kind in request.param.split(" and ")]

    def test_nothing_is_known_at_first(self, store: SessionStore) -> None:
        """A key that was never saved is not found."""
        assert store.load("key") is None

    @pytest.mark.parametrize("name", RECORDS)
    def test_a_record_comes_back_as_it_was_saved(self, store: SessionStore, name: str) -> None:
        """Every digit and every character, and whole numbers as whole numbers."""
        record = RECORDS[name]
        assert store.compare_and_set("key", None, record) is not None
        assert _known(store).record == record
        assert _known(store).record.engagement == record.engagement

    def test_a_saved_version_is_the_loaded_one(self, store: SessionStore) -> None:
        """A caller that has saved can save again without loading."""
        version = store.compare_and_set("key", None, _record(1))
        version = store.compare_and_set("key", version, _record(2))
        assert version is not None
        assert store.compare_and_set("key", version, _record(3)) is not None
        assert _known(store).record == _record(3)
        assert store.compare_and_set("key", _known(store).version, _record(4)) is not None
        assert _known(store).record == _record(4)

    def test_nothing_is_saved_over_another_version(self, store: SessionStore) -> None:
        """Neither over a newer one, nor over one that the caller does not know of."""
        old = store.compare_and_set("key", None, _record(1))
        store.compare_and_set("key", old, _record(2))
        for expected in (old, None):
            assert store.compare_and_set("key", expected, _record(3)) is None
            assert store.compare_and_set("key", expected, None) is None
        assert _known(store).record == _record(2)

    def test_nothing_is_saved_after_a_version_that_is_gone(self, store: SessionStore) -> None:
        """What was forgotten stays forgotten."""
        version = store.compare_and_set("key", None, _record(1))
        assert store.compare_and_set("key", version, None) is not None
        assert store.load("key") is None
        assert store.compare_and_set("key", version, _record(2)) is None
        assert store.compare_and_set("key", version, None) is None
        assert store.load("key") is None

    @pytest.mark.parametrize("forgotten", [True, False])
    def test_the_same_record_again_is_another_version(self, store: SessionStore, forgotten: bool) -> None:
        """A version stands for one save, not for what was saved."""
        first = store.compare_and_set("key", None, _record(1))
        again = store.compare_and_set("key", first, None if forgotten else _record(2))
        second = store.compare_and_set("key", None if forgotten else again, _record(1))
        assert second is not None
        assert store.compare_and_set("key", first, _record(3)) is None
        assert store.compare_and_set("key", second, _record(3)) is not None

    def test_age_counts_from_the_last_save(self, store: SessionStore) -> None:
        """It grows, and is never negative."""
        version = store.compare_and_set("key", None, _record(1))
        ages = [_known(store).age]
        for _ in range(3):
            time.sleep(0.05)
            ages.append(_known(store).age)
        assert ages == sorted(ages)
        assert 0 <= ages[0] < 5
        assert 0.1 < ages[-1] - ages[0] < 5
        started = time.monotonic()
        store.compare_and_set("key", version, _record(2))
        assert 0 <= _known(store).age < time.monotonic() - started + 0.05

    def test_keys_are_any_text_and_independent(self, store: SessionStore) -> None:
        """No two texts are one key, whatever is in them."""
        versions = {key: store.compare_and_set(key, None, _record(number)) for number, key in enumerate(KEYS)}
        assert None not in versions.values()
        for number, key in enumerate(KEYS):
            assert _known(store, key).record == _record(number), repr(key)
        assert store.compare_and_set(KEYS[0], versions[KEYS[0]], None) is not None
        assert [key for key in KEYS if store.load(key) is None] == [KEYS[0]]

    def test_keys_are_held_independently(self, store: SessionStore) -> None:
        """Holding one key keeps nobody from another."""
        assert [key for key in KEYS if not store.acquire(key, "ours", 0, 30)] == []
        assert [key for key in KEYS if store.acquire(key, "theirs", 0, 30)] == []
        for key in KEYS:
            store.release(key, "ours")
            _assert_free(store, key)

    def test_records_and_locks_are_apart(self, store: SessionStore) -> None:
        """Whoever holds the key: it can be read and saved, and holding it saves nothing."""
        assert store.acquire("key", "ours", 0, 30)
        assert store.load("key") is None
        version = store.compare_and_set("key", None, _record(1))
        assert store.extend("key", "ours", 30)
        assert store.compare_and_set("key", version, _record(2)) is not None
        store.release("key", "ours")
        assert _known(store).record == _record(2)

    def test_of_many_that_save_at_once_one_does(self, together: list[SessionStore]) -> None:
        """The others learn that another version is there."""

        def save(store: SessionStore, number: int) -> bool:
            return store.compare_and_set("key", None, _record(number)) is not None

        won = _at_once(together, save)
        assert won.count(True) == 1
        assert _known(together[0]).record == _record(won.index(True))

    def test_no_save_is_lost(self, together: list[SessionStore]) -> None:
        """Many that load, change and save, again until they may, count every change."""
        together[0].compare_and_set("key", None, Record(VisitIds("visitor"), "0"))

        def count(store: SessionStore, _: int) -> None:
            for _ in range(5):
                saved = None
                while saved is None:
                    known = _known(store)
                    assert known.record.engagement is not None
                    more = Record(VisitIds("visitor"), str(int(known.record.engagement) + 1))
                    saved = store.compare_and_set("key", known.version, more)

        users = len(_at_once(together, count))
        assert _known(together[0]).record.engagement == str(5 * users)

    def test_one_at_a_time_holds_a_key(self, together: list[SessionStore]) -> None:
        """However many threads and tasks ask, each of them holds it alone."""
        inside: list[int] = []
        most: list[int] = []

        def hold(store: SessionStore, number: int) -> None:
            assert store.acquire("key", str(number), 30, 30)
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.005)
            inside.remove(number)
            store.release("key", str(number))

        assert len(_at_once(together, hold)) == len(most)
        assert set(most) == {1}

    @pytest.mark.parametrize("timeout", [0, 0.05])
    def test_waiting_ends_in_time(self, together: list[SessionStore], timeout: float) -> None:
        """Whoever has waited in vain gets nothing, and the key goes to the next one."""
        one, *_, other = together
        assert one.acquire("key", "one", timeout, 30)
        started = time.monotonic()
        assert not other.acquire("key", "other", timeout, 30)
        assert timeout <= time.monotonic() - started < timeout + 5
        one.release("key", "one")
        _assert_free(other)

    def test_without_a_timeout_one_waits_until_the_key_is_free(self, together: list[SessionStore]) -> None:
        """None stands for any time."""
        one, *_, other = together
        assert one.acquire("key", "one", None, 30)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(other.acquire, "key", "other", None, 30)
            time.sleep(0.1)
            assert not waiting.done()
            one.release("key", "one")
            assert waiting.result(5)
            other.release("key", "other")
        _assert_free(one)

    def test_what_was_given_back_is_not_given_back_again(self, together: list[SessionStore]) -> None:
        """A lock that is released twice, or by a token that never held it, stays the next holder's."""
        one, *_, other = together
        assert one.acquire("key", "one", 0, 30)
        one.release("key", "one")
        assert other.acquire("key", "other", 5, 30)
        one.release("key", "one")
        one.release("key", "nobody")
        assert not one.acquire("key", "one again", 0, 30)
        assert other.extend("key", "other", 30)
        other.release("key", "other")
        _assert_free(one)

    def test_whoever_asks_twice_holds_a_lock_once(self, store: SessionStore) -> None:
        """A caller that was interrupted may ask again, and gives the lock back once."""
        assert store.acquire("key", "ours", 0, 30)
        assert store.acquire("key", "ours", 0, 30)
        store.release("key", "ours")
        _assert_free(store)

    def test_whoever_waits_can_leave(self, store: SessionStore) -> None:
        """A waiter that is interrupted is released by its token; the holder stays."""
        assert store.acquire("key", "holder", 0, 30)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(store.acquire, "key", "waiter", 0.3, 30)
            time.sleep(0.1)
            store.release("key", "waiter")
            waiting.result()
        store.release("key", "waiter")
        assert store.extend("key", "holder", 30)
        store.release("key", "holder")
        _assert_free(store)

    def test_a_lease_that_has_run_out_lets_the_next_one_in(self, together: list[SessionStore]) -> None:
        """A holder that has vanished keeps the others waiting no longer than that."""
        one, *_, other = together
        started = time.monotonic()
        assert one.acquire("key", "one", 0, self.moment)
        assert other.acquire("key", "other", 10 + self.moment, 30)
        assert time.monotonic() - started > 0.9 * self.moment
        assert not one.extend("key", "one", 30)
        one.release("key", "one")
        assert not one.acquire("key", "one again", 0, 30)
        other.release("key", "other")
        _assert_free(one)

    def test_a_lease_can_be_extended(self, together: list[SessionStore]) -> None:
        """The time counts again from then on, longer or shorter."""
        one, *_, other = together
        assert one.acquire("key", "one", 0, self.moment)
        assert one.extend("key", "one", 30)
        time.sleep(1.5 * self.moment)
        assert not other.acquire("key", "other", 0, 30)
        assert one.extend("key", "one", self.moment)
        assert other.acquire("key", "other", 10 + self.moment, 30)

    def test_a_lease_that_somebody_else_has_had_since_is_not_extended(self, together: list[SessionStore]) -> None:
        """The lock is free again, but what its holder knew of the key may be old."""
        one, *_, other = together
        assert one.acquire("key", "one", 0, self.moment)
        assert other.acquire("key", "other", 10 + self.moment, 30)
        other.release("key", "other")
        assert not one.extend("key", "one", 30)
        _assert_free(other)

    def test_many_wait_for_a_lock_and_each_gets_it(
        self, make: Callable[[], Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        """In one process nobody is left behind, however long the queue is."""
        store: AsyncSessionStore = make()

        async def hold(token: str) -> bool:
            held = await store.aacquire("key", token, 60, 60)
            await store.arelease("key", token)
            return held

        async def main() -> list[bool]:
            return await asyncio.gather(*(hold(str(number)) for number in range(200)))

        assert all(_wait_for(main(), loop))

    def test_a_key_is_free_once_its_waiter_or_holder_is_cancelled(
        self, make: Callable[[], Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        """Whatever moment it is: the key does not stay taken until the lease runs out."""
        store: AsyncSessionStore = make()
        other: AsyncSessionStore = make() if self.shared else store

        async def hold(token: str) -> None:
            try:
                await store.aacquire("key", token, None, 30)
                await asyncio.sleep(60)
            finally:
                await store.arelease("key", token)

        async def main() -> None:
            for _ in range(20):
                tasks = [asyncio.create_task(hold(str(number))) for number in range(3)]
                await asyncio.sleep(random.uniform(0, 0.004))  # noqa: S311
                for task in random.sample(tasks, 3):
                    task.cancel()
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
                assert [outcome for outcome in outcomes if not isinstance(outcome, asyncio.CancelledError)] == []
                assert await other.aacquire("key", "next", 5, 30)
                await other.arelease("key", "next")

        _wait_for(main(), loop)

    def test_a_cancelled_waiter_leaves_the_holder_alone(
        self, make: Callable[[], Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        """Only the waiter stops waiting."""
        store: AsyncSessionStore = make()
        other: AsyncSessionStore = make() if self.shared else store

        async def main() -> None:
            assert await store.aacquire("key", "holder", None, 30)
            for waited in (store, other):
                waiter = asyncio.create_task(waited.aacquire("key", "waiter", None, 30))
                await asyncio.sleep(0.05)
                waiter.cancel()
                assert isinstance((await asyncio.gather(waiter, return_exceptions=True))[0], asyncio.CancelledError)
                await waited.arelease("key", "waiter")
                assert not await waited.aacquire("key", "next", 0, 30)
            assert await store.aextend("key", "holder", 30)
            await store.arelease("key", "holder")

        _wait_for(main(), loop)


class StoreConformance(LocalStoreConformance):
    """The same, and what two stores on one database owe each other."""

    shared = True

    @pytest.fixture(params=["sync and sync", "async and async", "sync and async"])
    def apart(
        self, request: pytest.FixtureRequest, make: Callable[[], Any], loop: asyncio.AbstractEventLoop
    ) -> list[SessionStore]:
        """Make two stores on one database."""
        return [_user(kind, make(), loop) for kind in request.param.split(" and ")]

    @pytest.fixture(params=["sync and sync", "async and async", "sync and async", "apart"])
    def together(
        self, request: pytest.FixtureRequest, make: Callable[[], Any], loop: asyncio.AbstractEventLoop
    ) -> list[SessionStore]:
        """Make one store for two users, or for four on two stores."""
        if request.param != "apart":
            store = make()
            return [_user(kind, store, loop) for kind in request.param.split(" and ")]
        stores = make(), make()
        return [_user(kind, store, loop) for store in stores for kind in ("sync", "async")]

    def test_stores_on_one_database_share_records(self, apart: list[SessionStore]) -> None:
        """Records, versions and ages are the database's, not the object's."""
        one, other = apart
        version = one.compare_and_set("key", None, _record(1))
        assert _known(other).record == _record(1)
        assert 0 <= _known(other).age < 5
        assert other.compare_and_set("key", None, _record(2)) is None
        assert other.compare_and_set("key", version, _record(2)) is not None
        assert one.compare_and_set("key", version, _record(3)) is None
        assert one.compare_and_set("key", _known(one).version, None) is not None
        assert other.load("key") is None


class _Awaiting:
    """The async protocol of a store, asked by threads: each question is a task of one event loop."""

    def __init__(self, store: AsyncSessionStore, loop: asyncio.AbstractEventLoop) -> None:
        self._store, self._loop = store, loop

    def load(self, key: str, timeout: float | None = None) -> Remembered | None:
        return _wait_for(self._store.aload(key, timeout), self._loop)

    def compare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        return _wait_for(self._store.acompare_and_set(key, expected, record, timeout), self._loop)

    def acquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        return _wait_for(self._store.aacquire(key, token, timeout, ttl), self._loop)

    def extend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
        return _wait_for(self._store.aextend(key, token, ttl, timeout), self._loop)

    def release(self, key: str, token: str, timeout: float | None = None) -> None:
        _wait_for(self._store.arelease(key, token, timeout), self._loop)


def _user(kind: str, store: Any, loop: asyncio.AbstractEventLoop) -> SessionStore:
    return _Awaiting(store, loop) if kind == "async" else store


def _wait_for(todo: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    asked: Future[T] = asyncio.run_coroutine_threadsafe(todo, loop)
    return asked.result()


def _at_once(stores: list[SessionStore], work: Callable[[SessionStore, int], T], users: int = 8) -> list[T]:
    """Start work in several threads at the same moment, each on one of the stores."""
    barrier = threading.Barrier(users)

    def start(number: int) -> T:
        barrier.wait()
        return work(stores[number % len(stores)], number)

    with ThreadPoolExecutor(users) as pool:
        return list(pool.map(start, range(users)))


def _record(number: int) -> Record:
    return Record(VisitIds(f"visitor {number}", "session", "page"))


def _known(store: SessionStore, key: str = "key") -> Remembered:
    known = store.load(key)
    assert known is not None
    return known


def _assert_free(store: SessionStore, key: str = "key") -> None:
    assert store.acquire(key, "anybody", 0, 30)
    store.release(key, "anybody")
