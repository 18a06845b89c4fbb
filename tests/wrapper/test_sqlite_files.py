"""The SQLite store notices that its file is another one than it opened, and keeps what is its own."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
from test_sqlite_store import KEY, SPAWN, child, finished, record, written

from liveperson_engagement import InvalidRequest, SQLiteStore, StoreError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody remove a file that is open")
needs_lock = pytest.mark.skipif(sys.platform != "linux", reason="needs locks that a process does not lose: Linux only")
WARNING = "session store: the file is another one than was opened, or its -wal is; opening it again"


class Steps:
    """Asks a store as a thread, or as a task."""

    def __init__(self, store: SQLiteStore, runner: asyncio.Runner | None) -> None:
        self.store, self._runner = store, runner

    def load(self, key: str = KEY) -> str | None:
        """Return the visitor's id."""
        found = self.store.load(key) if self._runner is None else self._runner.run(self.store.aload(key))
        return found.record.ids.visitor_id if found else None

    def save(self, visitor_id: str, key: str = KEY) -> None:
        """Remember a visitor under a key, whatever is there."""
        if self._runner is None:
            known = self.store.load(key)
            assert self.store.compare_and_set(key, known and known.version, record(visitor_id))
        else:
            known = self._runner.run(self.store.aload(key))
            assert self._runner.run(self.store.acompare_and_set(key, known and known.version, record(visitor_id)))

    def take(self, token: str) -> bool:
        """Hold the key, if it is free."""
        if self._runner is None:
            return self.store.acquire(KEY, token, 0, 300)
        return self._runner.run(self.store.aacquire(KEY, token, 0, 300))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a database."""
    return tmp_path / "visits.db"


@pytest.fixture(params=["sync", "async"])
def steps(request: pytest.FixtureRequest, path: Path) -> Iterator[Steps]:
    """Have a store that remembers one visitor, and is open."""
    with SQLiteStore(path) as store, asyncio.Runner() as runner:
        steps = Steps(store, None if request.param == "sync" else runner)
        steps.save("first")
        yield steps


def look(path: Path, visitor_id: str | None, found: Any) -> None:
    """As a process: report who is remembered, remember somebody else if that is asked for, and end."""
    with SQLiteStore(path) as store:
        steps = Steps(store, None)
        found.put(steps.load())
        if visitor_id is not None:
            steps.save(visitor_id)


def elsewhere(path: Path, visitor_id: str | None = None) -> str | None:
    """Have another process look."""
    found = SPAWN.SimpleQueue()
    with child(look, path, visitor_id, found) as process:
        assert finished(process)
        result: str | None = found.get()
    return result


def is_whole(path: Path) -> bool:
    """Return whether a database is in order."""
    return written(path, "PRAGMA integrity_check") == [("ok",)]


def delete(path: Path) -> None:
    """Remove the file alone, as people do."""
    path.unlink()


def delete_all(path: Path) -> None:
    """Remove the file and those beside it."""
    for file in path.parent.iterdir():
        file.unlink()


def rename(path: Path) -> None:
    """Move the file away."""
    path.rename(path.with_name("moved.db"))


@pytest.mark.parametrize("first", ["this process", "another process"])
@pytest.mark.parametrize("lose", [delete, delete_all, rename])
def test_a_file_that_is_gone_is_noticed(
    steps: Steps, path: Path, caplog: pytest.LogCaptureFixture, lose: Callable[[Path], None], first: str
) -> None:
    """Old and new processes share the next file, and one warning is logged."""
    lose(path)
    if first == "another process":
        assert elsewhere(path, "second") is None
        assert steps.load() == "second"
    else:
        assert steps.load() is None
        steps.save("second")
        assert elsewhere(path) == "second"
    assert steps.take("token")
    with SQLiteStore(path) as other:
        assert not other.acquire(KEY, "another", 0, 300)
    assert elsewhere(path, "third") == "second"
    assert steps.load() == "third"
    assert caplog.messages == [WARNING]
    steps.store.close()
    assert is_whole(path)


def test_a_renamed_file_has_all_that_was_saved(steps: Steps, path: Path) -> None:
    """Also what had not been moved from the -wal into the file."""
    for number in range(100):
        steps.save(f"{number}", f"key {number}")
    moved = path.with_name("moved.db")
    path.rename(moved)
    assert steps.load() is None
    with SQLiteStore(moved) as store:
        assert len(store.keys()) == 101
    assert is_whole(moved)


def test_a_backup_that_is_put_back_is_noticed(steps: Steps, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What the copy says counts from then on, for old and new processes."""
    copy = path.with_name("copy.db")
    steps.store.backup(copy)
    for number in range(300):
        steps.save(f"{number}", f"key {number}")
    steps.save("forgotten")
    os.replace(copy, path)
    assert steps.load() == "first"
    assert elsewhere(path, "second") == "first"
    assert steps.load() == "second"
    assert steps.load("key 1") is None
    steps.save("third")
    assert elsewhere(path) == "third"
    assert caplog.messages == [WARNING]
    steps.store.close()
    assert is_whole(path)


def stay(path: Path, looked: Event, go: Event, found: Any) -> None:
    """As a process: remember somebody, stay until told to go on, and report who is remembered."""
    with SQLiteStore(path) as store:
        Steps(store, None).save("stays")
        looked.set()
        assert go.wait(120)
        found.put(Steps(store, None).load())
        found.put(Steps(store, None).load("key"))


@needs_lock
def test_closing_a_file_that_is_gone_leaves_the_next_one_alone(steps: Steps, path: Path) -> None:
    """Neither are old pages written into the new file, nor is its -wal removed."""
    delete_all(path)
    looked, go, found = SPAWN.Event(), SPAWN.Event(), SPAWN.SimpleQueue()
    with child(stay, path, looked, go, found) as process:
        assert looked.wait(60)
        wal = os.stat(f"{path}-wal")
        steps.store.close()
        assert os.path.samestat(os.stat(f"{path}-wal"), wal)
        steps.save("remembered", "key")
        steps.store.close()
        assert os.path.samestat(os.stat(f"{path}-wal"), wal)
        go.set()
        assert finished(process)
        assert [found.get(), found.get()] == ["stays", "remembered"]
    assert is_whole(path)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_wal_that_is_gone_is_noticed(
    steps: Steps, path: Path, caplog: pytest.LogCaptureFixture, replaced: bool
) -> None:
    """Old and new processes agree again; what was in the -wal alone is lost with it."""
    steps.store.close()
    assert steps.load() == "first"
    for suffix in ("-wal", "-shm"):
        os.unlink(f"{path}{suffix}")
    if replaced:
        assert elsewhere(path, "second") == "first"
    assert steps.load() == ("second" if replaced else "first")
    steps.save("third")
    assert elsewhere(path, "fourth") == "third"
    assert steps.load() == "fourth"
    assert caplog.messages == [WARNING]
    steps.store.close()
    assert is_whole(path)


def save_shortly(path: Path, times: int) -> None:
    """As a process: open, save and close again and again, each time as the last to close, unless others are there."""
    for number in range(times):
        with SQLiteStore(path) as store:
            assert store.compare_and_set(f"{os.getpid()} {number}", None, record())


@needs_lock
def test_reading_the_file_does_not_lose_rows(steps: Steps, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A process that opens and closes the file of its store keeps what it has saved, while others come and go."""
    done, saved = threading.Event(), 0

    def read() -> None:
        while not done.is_set():
            with path.open("rb") as file:
                assert file.read(100).startswith(b"SQLite format 3")

    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        stack.callback(done.set)
        reading = pool.submit(read)
        with child(save_shortly, path, 40) as one, child(save_shortly, path, 40) as other:
            while one.is_alive() or other.is_alive():
                steps.save("visitor", f"here {saved}")
                saved += 1
            assert finished(one)
            assert finished(other)
        done.set()
        reading.result()
    assert {f"here {number}" for number in range(saved)} < {*steps.store.keys()}
    assert len(steps.store.keys()) == saved + 81
    assert caplog.messages == []
    steps.store.close()
    assert is_whole(path)


def test_a_backup_is_whole_and_for_its_owner(steps: Steps, path: Path) -> None:
    """Others go on saving while it is made; what was at its place is replaced, and nothing lies beside it."""
    copy, done = path.with_name("copy.db"), threading.Event()
    copy.write_text("yesterday's")

    def save() -> int:
        number = 0
        while not done.is_set():
            steps.save("visitor", f"key {number}")
            number += 1
        return number

    umask = os.umask(0)
    try:
        with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
            stack.callback(done.set)
            saving = pool.submit(save)
            for _ in range(5):
                steps.store.backup(copy)
                assert is_whole(copy)
                assert copy.stat().st_mode & 0o777 == 0o600
            done.set()
            assert saving.result() > 0
    finally:
        os.umask(umask)
    steps.store.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["copy.db", "visits.db"]
    with SQLiteStore(copy) as store:
        assert Steps(store, None).load() == "first"


def test_a_backup_that_cannot_be_made_is_reported(steps: Steps, path: Path) -> None:
    """It leaves the store as it is."""
    for target in (path, str(path), path.parent / "." / path.name):
        with pytest.raises(InvalidRequest, match="another file"):
            steps.store.backup(target)
    with pytest.raises(StoreError, match="FileNotFoundError"):
        steps.store.backup(path.parent / "missing" / "copy.db")
    with pytest.raises(StoreError, match="IsADirectoryError"):
        steps.store.backup(path.parent)
    with pytest.raises(InvalidRequest, match="path"):
        steps.store.backup("")
    assert steps.load() == "first"
    steps.store.close()
    assert list(path.parent.iterdir()) == [path]
    with SQLiteStore(path.parent) as nothing, pytest.raises(StoreError):
        nothing.backup(path.with_name("copy.db"))
    with closing(sqlite3.connect(path.with_name("others.db"))) as other, other:
        other.execute("CREATE TABLE diary (page TEXT)")
    with SQLiteStore(path.with_name("others.db")) as others, pytest.raises(StoreError, match="another program's"):
        others.backup(path.with_name("copy.db"))


def test_the_same_file_is_not_taken_for_another(steps: Steps, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a checkpoint, nor other processes, nor closing and opening again count as another file."""
    for _ in range(3):
        assert elsewhere(path) == "first"
        written(path, "PRAGMA wal_checkpoint(TRUNCATE)")
        written(path, "VACUUM")
        assert steps.load() == "first"
        steps.store.close()
    with caplog.at_level(logging.DEBUG):
        assert steps.load() == "first"
    assert caplog.messages == []
