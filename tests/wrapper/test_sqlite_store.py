"""SQLiteStore: what it accepts, keeps and forgets, by which clock, and whether its file is the one that it opened."""

import asyncio
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, closing
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from conftest import Clock
from liveperson_engagement import InvalidRequest, SQLiteStore, StoreError
from liveperson_engagement.stores import Record, VisitIds
from stored import KEY, execute, is_whole, record, save, visitor

WARNING = "session store: the file is another one than was opened, or its -wal is; opening it again"
needs_modes = pytest.mark.skipif(os.name == "nt", reason="needs modes, and files that are removed while they are open")
needs_lock = pytest.mark.skipif(sys.platform != "linux", reason="needs locks that a process does not lose: Linux only")


@pytest.mark.parametrize("path", [":memory:", "", None, 5, b"visits.db", "a\0b"])
def test_what_is_no_path_is_refused(path: Any) -> None:
    """A store that remembers nothing, or elsewhere, would be noticed late."""
    with pytest.raises(InvalidRequest) as raised:
        SQLiteStore(path)
    assert raised.value.path == "path"


@pytest.mark.parametrize("option", [{"timeout": -1}, *({"time_to_live": seconds} for seconds in (0, nan, inf, "60"))])
def test_what_is_no_time_is_refused(path: Path, option: dict[str, Any]) -> None:
    """Before the file is made."""
    with pytest.raises(InvalidRequest, match=next(iter(option))):
        SQLiteStore(path, **option)
    assert not path.exists()


def test_any_text_is_a_key(path: Path) -> None:
    """It is listed as it was, however many there are."""
    keys = ["", "a\x00b", "a\x00", "\udfff a", "\ud83d\ude00", "\U0001f600", "%", *map(str, range(2100))]
    with SQLiteStore(path) as store:
        for key in keys:
            assert store.compare_and_set(key, None, record())
        assert sorted(store.keys()) == sorted(keys)
        assert store.forget_older_than(-60) == len(keys)
        assert store.keys() == []


def test_it_opens_when_it_is_used(tmp_path: Path) -> None:
    """Again after it was closed, in any event loop; a closed one leaves a single file, whatever its name looks like."""

    async def main() -> None:
        async with store:
            assert await store.aload(KEY)

    path = tmp_path / "file:a?mode=memory"
    store = SQLiteStore(path)
    store.close()
    assert list(tmp_path.iterdir()) == []
    with SQLiteStore(str(path)) as other:
        save(other)
    for _ in range(2):
        asyncio.run(main())
        assert list(tmp_path.iterdir()) == [path]
    assert repr(store) == f"SQLiteStore({str(path.resolve())!r})"


def test_closing_takes_nothing_from_those_who_use_it(path: Path) -> None:
    """A store that one loop closes goes on for the others."""
    store, ready = SQLiteStore(path), threading.Barrier(3)

    async def use() -> None:
        ready.wait(60)
        for _ in range(200):
            assert await store.aload(KEY) is None

    async def close() -> None:
        ready.wait(60)
        for _ in range(50):
            await store.aclose()

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(asyncio.run, work()) for work in (use, use, close)]:
            done.result()
    store.close()
    assert list(path.parent.iterdir()) == [path]


@needs_modes
@pytest.mark.parametrize("before", [None, 0o600, 0o640])
def test_only_the_owner_may_read_what_is_remembered(path: Path, before: int | None) -> None:
    """The file and those beside it are made with mode 0600; an empty file that is there is used, and its mode kept."""
    if before:
        path.touch()
        path.chmod(before)
    with SQLiteStore(path) as store:
        save(store)
        found = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert found == dict.fromkeys(("visits.db", "visits.db-wal", "visits.db-shm"), before or 0o600)


MOUNTS = """
27 1 0:1 / / rw,relatime shared:1 - nfs4 /dev/sda1 rw
-
rubbish
{device}1 / /longer rw - nfs4 server:/ rw
31 27 {device} / /mnt/with\\040space rw,relatime shared:16 master:2 - {kind} server:/nfs rw,vers=4.2,addr=10.0.0.1
"""


@pytest.mark.skipif(not hasattr(os, "major"), reason="needs device numbers")
@pytest.mark.parametrize("kind", ["nfs4", "fuse.sshfs", "ext4", "fuse.ntfs-3g"])
@pytest.mark.parametrize("exists", [False, True])
def test_a_network_file_system_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool, kind: str) -> None:
    """Before a file is made, with a word on what to do; the device of the file says which mount counts."""
    if exists:
        path.touch()
    device, mounts = os.stat(path.parent).st_dev, path.parent / "mountinfo"
    mounts.write_text(MOUNTS.format(device=f"{os.major(device)}:{os.minor(device)}", kind=kind))
    monkeypatch.setattr("liveperson_engagement.stores.sqlite.MOUNTS", mounts)
    with SQLiteStore(path) as store:
        if kind in {"nfs4", "fuse.sshfs"}:
            with pytest.raises(StoreError, match=rf"^session store: the file is on a network .*\({kind}\).*RedisStore"):
                store.load(KEY)
            assert path.exists() is exists
            mounts.unlink()
        save(store)


# What it forgets, and by which clock


@pytest.mark.parametrize(
    ("wall", "monotonic", "rebooted", "age"),
    [
        (0, 0, False, 0),
        (899, 899, False, 899),
        (10, 899, False, 899),  # set back by less than what has passed
        (899, 10, False, 899),  # the machine slept
        (-1, 10, False, inf),
        (10, -5, False, inf),  # a boot that has no number
        (0, 1e6, True, inf),  # says nothing, in another boot
        (900, 0, False, None),
        (0, 900, False, None),
        (-1000, 900, False, None),
        (900, -1000, True, None),
    ],
)
def test_no_clock_makes_a_record_younger(
    path: Path, wall: float, monotonic: float, rebooted: bool, age: float | None
) -> None:
    """Both say how old it is, and whether it has expired; if one has gone back, it is infinitely old."""
    clocks = Clock(), Clock()
    with SQLiteStore(path, time_to_live=900, clock=clocks[0], monotonic=clocks[1]) as store:
        for clock in clocks:
            clock.now = 1e7
            save(store)
            clock.now += 800
        save(store)
        if rebooted:
            execute(path, "UPDATE visits SET boot = (boot + 1) % 1000")
        for clock, passed in zip(clocks, (wall, monotonic), strict=True):
            clock.now += passed
        found = store.load(KEY)
        assert (found and found.age) == age
        assert store.keys() == [KEY] * (age is not None)


@pytest.mark.parametrize(("later", "free"), [(0, False), (29, False), (30, True), (-1, True), (-1000, True)])
def test_a_lease_ends_with_its_time_or_with_the_boot(path: Path, clock: Clock, later: float, free: bool) -> None:
    """The clock of leases never goes back but by a reboot."""
    with SQLiteStore(path, monotonic=clock) as one, SQLiteStore(path, monotonic=clock) as other:
        assert one.acquire(KEY, "one", 0, 30)
        clock.now += later
        assert other.acquire(KEY, "other", 0, 30) is free


@pytest.mark.parametrize("way", ["sync", "async"])
def test_nothing_is_left_of_what_was_forgotten(path: Path, clock: Clock, way: str) -> None:
    """Not even where SQLite leaves what it deletes as it is. Saving removes a few of the oldest that have expired."""

    def add(number: object) -> None:
        secret = Record(VisitIds(f"visitor c0ffee {number}", "c0ffee", "c0ffee"), "x" * 5000 + "c0ffee")
        arguments = f"{number}", None, secret if isinstance(number, int) else record()
        saved = store.compare_and_set(*arguments) if way == "sync" else asyncio.run(store.acompare_and_set(*arguments))
        assert saved is not None
        clock.now += 1

    with SQLiteStore(path, time_to_live=60, clock=clock, monotonic=clock) as store:
        for number in range(60):
            add(number)
        store.close()
        assert b"c0ffee" in path.read_bytes()
        with closing(sqlite3.connect(path)) as careless:  # it does not matter what others have set
            careless.execute("PRAGMA secure_delete = OFF").fetchone()
        for number in range(40, 50):
            found = store.load(f"{number}")
            assert store.compare_and_set(f"{number}", found and found.version, None)
        clock.now += 24  # 0 to 24 have expired, then one more each time
        for turn, left in enumerate((41, 32, 26, 26)):
            add(f"turn {turn}")
            assert len(store.keys()) == left
        assert {"28", "59"} < {*store.keys()}
        assert store.forget_older_than(10) == 22
    assert [file for file in path.parent.iterdir() if b"c0ffee" in file.read_bytes()] == []
    assert execute(path, "SELECT name FROM sqlite_master WHERE type = 'index'") == [("visits_by_wall",)]


def test_old_visits_can_be_forgotten(path: Path, clock: Clock) -> None:
    """By the age of the last save; a lease that nobody gave back goes with them; by itself nothing goes."""
    with SQLiteStore(path, clock=clock, monotonic=clock) as store:
        for number in range(10):
            save(store, key=f"{number}")
            clock.now += 1e6
        assert len(store.keys()) == 10
        assert store.acquire("crashed", "nobody", 0, 30)
        clock.now += 30
        assert store.forget_older_than(5e6) == 6
        assert asyncio.run(store.aforget_older_than(2e6)) == 3
        assert store.keys() == ["9"]
    assert execute(path, "SELECT count(*) FROM turns") == [(0,)]
    assert execute(path, "SELECT name FROM sqlite_master WHERE type = 'index'") == []


# Whether the file is the one that it opened


@pytest.fixture
def opened(path: Path) -> Iterator[SQLiteStore]:
    """Open a store that remembers one visitor; in the end its file is whole."""
    with SQLiteStore(path) as store:
        save(store, "first")
        yield store
    assert is_whole(path)


def look(path: Path, visitor_id: str | None = None) -> str | None:
    """As a process: return who is remembered, and remember somebody else if that is asked for."""
    with SQLiteStore(path) as store:
        found = visitor(store)
        if visitor_id is not None:
            save(store, visitor_id)
    return found


Look = Callable[..., str | None]


@pytest.fixture
def elsewhere(path: Path, processes: ProcessPoolExecutor) -> Look:
    """Have another process `look`."""
    return lambda *visitor_id: processes.submit(look, path, *visitor_id).result(60)


def lose(opened: SQLiteStore, path: Path, how: str) -> None:
    """Remove the file alone, as people do, or those beside it, or both; move it away, or put the backup back."""
    if how == "-wal":
        opened.close()
        assert visitor(opened) == "first"
    elif how == "rename":
        path.rename(path.with_name("moved.db"))
    elif how == "put back":
        path.with_name("copy.db").replace(path)
    else:
        path.unlink()
    for suffix in ("-wal", "-shm") if how in {"delete all", "-wal"} else ():
        os.unlink(f"{path}{suffix}")


@needs_modes
@pytest.mark.parametrize(
    ("how", "first"),
    [(how, first) for how in ("delete", "delete all", "rename", "-wal") for first in ("this process", "another")]
    + [("put back", "this process")],
)
def test_a_file_that_is_gone_is_noticed(
    opened: SQLiteStore, path: Path, elsewhere: Look, caplog: pytest.LogCaptureFixture, how: str, first: str
) -> None:
    """Old and new processes share the next file, one warning is logged, and what was moved away is all there."""
    opened.backup(path.with_name("copy.db"))
    for number in range(100):
        save(opened, key=f"key {number}")
    left = "first" if how in {"put back", "-wal"} else None
    lose(opened, path, how)
    if first == "another":
        assert elsewhere("second") == left
        assert visitor(opened) == "second"
    else:
        found = asyncio.run(opened.aload(KEY))
        assert (found and found.record.ids.visitor_id) == left
        assert len(opened.keys()) == {"put back": 1, "-wal": 101}.get(how, 0)
        save(opened, "second")
        assert elsewhere() == "second"
    assert opened.acquire(KEY, "token", 0, 300)
    with SQLiteStore(path) as other:
        assert not other.acquire(KEY, "another", 0, 300)
    assert elsewhere("third") == "second"
    assert visitor(opened) == "third"
    assert caplog.messages == [WARNING]
    if how == "rename":
        with SQLiteStore(path.with_name("moved.db")) as moved:
            assert len(moved.keys()) == 101


@needs_lock
def test_closing_a_file_that_is_gone_leaves_the_next_one_alone(opened: SQLiteStore, path: Path) -> None:
    """Neither are old pages written into the new file, nor is its -wal removed."""
    lose(opened, path, "delete all")
    with SQLiteStore(path) as other:
        save(other, "other")
        wal = os.stat(f"{path}-wal")
        opened.close()
        assert os.path.samestat(os.stat(f"{path}-wal"), wal)
        save(opened, "remembered", "key")
        opened.close()
        assert os.path.samestat(os.stat(f"{path}-wal"), wal)
        assert (visitor(other), visitor(other, "key")) == ("other", "remembered")


def save_shortly(path: Path, name: str) -> None:
    """As a process: open, save and close again and again, each time as the last to close, unless others are there."""
    for number in range(20):
        with SQLiteStore(path) as store:
            save(store, key=f"{name} {number}")


@needs_lock
def test_reading_the_file_does_not_lose_rows(
    opened: SQLiteStore, path: Path, processes: ProcessPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    """A process may open and close the file of its store while others come and go; it is not taken for another one."""
    others, saved = [processes.submit(save_shortly, path, name) for name in ("one", "other")], 0
    while saved < 50 or not all(other.done() for other in others):
        assert path.read_bytes().startswith(b"SQLite format 3")
        save(opened, key=f"here {saved}")
        saved += 1
    assert [other.result() for other in others] == [None, None]
    assert {f"here {number}" for number in range(saved)} < {*opened.keys()}
    assert len(opened.keys()) == saved + 41
    for _ in range(2):
        execute(path, "PRAGMA wal_checkpoint(TRUNCATE)")
        execute(path, "VACUUM")
        assert visitor(opened) == "first"
        opened.close()
    assert caplog.messages == []


def test_a_backup_is_whole_and_for_its_owner(opened: SQLiteStore, path: Path) -> None:
    """Others go on saving while it is made; what was at its place is replaced, and nothing lies beside it."""
    copy, done = path.with_name("copy.db"), threading.Event()
    copy.write_text("yesterday's")

    def add() -> None:
        while not done.is_set():
            save(opened, key=f"{len(opened.keys())}")

    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        stack.callback(done.set)
        pool.submit(add)
        for _ in range(3):
            opened.backup(copy)
            assert is_whole(copy)
            assert os.name == "nt" or copy.stat().st_mode & 0o777 == 0o600
    opened.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["copy.db", "visits.db"]
    assert look(copy) == "first"


def test_a_backup_that_cannot_be_made_is_reported(opened: SQLiteStore, path: Path) -> None:
    """It leaves the store as it is."""
    targets: list[Any] = [path, str(path), path.parent / "." / path.name, ""]
    for target in targets:
        with pytest.raises(InvalidRequest, match="another file" if target else "path"):
            opened.backup(target)
    with pytest.raises(StoreError, match="FileNotFoundError"):
        opened.backup(path.parent / "missing" / "copy.db")
    with pytest.raises(StoreError, match="IsADirectoryError"):
        opened.backup(path.parent)
    opened.close()
    assert list(path.parent.iterdir()) == [path]
    assert visitor(opened) == "first"
    execute(path.with_name("others.db"), "CREATE TABLE diary (page TEXT)")
    for unusable in (path.parent, path.with_name("others.db")):
        with SQLiteStore(unusable) as other, pytest.raises(StoreError):
            other.backup(path.with_name("copy.db"))
