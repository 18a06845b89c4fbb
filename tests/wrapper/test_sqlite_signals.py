"""Signal handlers that raise amid a step of the SQLite store leave nothing behind."""

from __future__ import annotations

import signal
import sqlite3
import threading
from contextlib import closing
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from test_sqlite_store import KEY, SPAWN, child, finished, record

from interrupted import Interruptions, SoftTimeLimit
from liveperson_engagement import SQLiteStore

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
KEYS = [f"key {number}" for number in range(20)]
ROUNDS = 2000


def interrupt_steps(path: Path, ended: Event, checked: Event) -> None:
    """As a process: interrupt many steps, then stay until the file has been looked at."""
    store = SQLiteStore(path)
    store.load(KEY)

    def take(key: str, token: str) -> None:
        assert store.acquire(key, token, 0, 3000)

    def save(key: str) -> None:
        known = store.load(key)
        assert store.compare_and_set(key, known and known.version, record())

    for kind in (SoftTimeLimit, KeyboardInterrupt):
        interruptions = Interruptions(kind, first=(5e-6, 2e-4), every=(0, 0))
        for number in range(ROUNDS):
            key, token = KEYS[number % len(KEYS)], f"token {kind} {number}"
            if not interruptions.run(partial(take, key, token)):
                interruptions.run(partial(save, key))
                interruptions.run(partial(store.load, key))
            while interruptions.run(partial(store.release, key, token)):
                pass
        assert interruptions.count > 100
    assert threading.active_count() == 1
    ended.set()
    assert checked.wait(120)
    with SQLiteStore(path) as other:
        for key in KEYS:
            assert other.acquire(key, "another", 0, 30)
            other.release(key, "another")
            assert store.acquire(key, "the same", 0, 30)
    store.close()


def test_interrupted_steps_leave_nothing_behind(path: Path) -> None:
    """Whatever byte code it is: no transaction is open, and every key can be taken at once, here and elsewhere."""
    ended, checked = SPAWN.Event(), SPAWN.Event()
    with child(interrupt_steps, path, ended, checked) as process:
        assert ended.wait(300)
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert other.execute("SELECT count(*) FROM turns").fetchall() == [(0,)]
            assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            other.execute("ROLLBACK")
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall() == [(0, 0, 0)]  # nobody reads
        with SQLiteStore(path) as store:
            for key in KEYS:
                assert store.acquire(key, "elsewhere", 0, 30)
                store.release(key, "elsewhere")
        checked.set()
        assert finished(process)


@pytest.mark.parametrize("kind", [SoftTimeLimit, KeyboardInterrupt, TimeoutError])
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
