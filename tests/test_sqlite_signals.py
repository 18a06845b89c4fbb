"""Signal handlers that raise amid a step of the SQLite store leave nothing behind."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from liveperson_engagement import SQLiteStore
from test_sqlite_store import KEY, record

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
KEYS = [f"key {number}" for number in range(20)]
ROUNDS = 4000


class Interruption(Exception):
    """What a soft time limit raises."""


def attempted(work: Callable[[], object], raised: list[BaseException]) -> bool:
    """Call something, and have a signal handler raise once at some moment of it, if it lasts until then."""
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-6, 2e-4))  # noqa: S311
        work()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except (Interruption, KeyboardInterrupt) as error:
        raised.append(error)
        del raised[:-50]  # those that are kept keep the variables of all frames
        return False
    return True


def interrupt_steps(path: Path, ended: Event, checked: Event) -> None:
    """As a process: interrupt many steps, then stay until the file has been looked at."""
    raised: list[BaseException] = []
    interrupted = 0

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted += 1
        raise Interruption if interrupted % 2 else KeyboardInterrupt

    def take(key: str, token: str) -> None:
        assert store.acquire(key, token, 0, 3000)

    def save(key: str) -> None:
        known = store.load(key)
        assert store.compare_and_set(key, known and known.version, record())

    signal.signal(signal.SIGALRM, interrupt)
    store = SQLiteStore(path)
    store.load(KEY)
    for number in range(ROUNDS):
        key, token = KEYS[number % len(KEYS)], f"token {number}"
        if attempted(partial(take, key, token), raised):
            attempted(partial(save, key), raised)
            attempted(partial(store.load, key), raised)
        while not attempted(partial(store.release, key, token), raised):
            pass
    assert interrupted > 100
    assert raised
    assert threading.active_count() == 1
    ended.set()
    assert checked.wait(120)
    with SQLiteStore(path) as other:
        for key in KEYS:
            assert other.acquire(key, "another", 0, 30)
            other.release(key, "another")
            assert store.acquire(key, "the same", 0, 30)
    store.close()


@pytest.mark.parametrize("kind", [Interruption, KeyboardInterrupt, TimeoutError])
def test_an_interrupted_wait_for_a_writer_ends(path: Path, kind: type[BaseException]) -> None:
    """The exception goes through as it is, the file can be written to at once, and the key is free."""

    def interrupt(*_: object) -> None:
        raise kind

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with SQLiteStore(path, timeout=300) as store, SQLiteStore(path) as other:
            store.load(KEY)
            with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as writer:
                writer.execute("BEGIN IMMEDIATE")
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                with pytest.raises(kind) as raised:
                    store.acquire(KEY, "token", None, 300)
                writer.execute("ROLLBACK")
                writer.execute("BEGIN IMMEDIATE")
                writer.execute("ROLLBACK")
            store.release(KEY, "token")
            assert other.acquire(KEY, "another", 0, 30)
            assert raised.value.__cause__ is None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a database."""
    return tmp_path / "visits.db"
