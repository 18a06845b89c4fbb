"""SQLiteStore: what it accepts, keeps and forgets, by which clock and in which file, and who shares it and waits."""

import asyncio
import os
import sqlite3
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from math import inf, nan
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from conftest import BODY, Clock
from liveperson_engagement import DeadlineExceeded, EngagementClient, InvalidRequest, SQLiteStore, StoreError
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record, VisitIds
from stored import KEY, execute, is_whole, record, save, visitor

WARNING = "session store: the file is another one than was opened, or its -wal is; opening it again"
needs_modes = pytest.mark.skipif(os.name == "nt", reason="needs modes, and files that are removed while they are open")
needs_lock = pytest.mark.skipif(sys.platform != "linux", reason="needs locks that a process does not lose: Linux only")


def test_what_is_no_path_or_time_is_refused(path: Path) -> None:
    """A store that remembers nothing, or elsewhere, would be noticed late."""
    paths, seconds = (":memory:", "", None, b"visits.db", "a\0b"), (0, nan, inf, "60")
    for option, values in {"path": paths, "timeout": (-1,), "time_to_live": seconds}.items():
        for value in values:
            options: dict[str, Any] = {"path": path, option: value}
            with pytest.raises(InvalidRequest, match=f"^{option}: "):
                SQLiteStore(**options)
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
        (10, 899, False, 899),  # set back by less than what has passed
        (899, 10, False, 899),  # the machine slept
        (-1, 10, False, inf),
        (10, -5, False, inf),  # a boot that has no number
        (0, 1e6, True, inf),  # says nothing, in another boot
        (900, 0, False, None),
        (0, 900, False, None),
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
        assert store.acquire("crashed", "nobody", 0, 5)
        clock.now += 5
        assert asyncio.run(store.aforget_older_than(15)) == 22
    assert [file for file in path.parent.iterdir() if b"c0ffee" in file.read_bytes()] == []
    assert execute(path, "SELECT count(*) FROM turns") == [(0,)]
    assert execute(path, "SELECT name FROM sqlite_master WHERE type = 'index'") == [("visits_by_wall",)]


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
    opened: SQLiteStore,
    path: Path,
    processes: ProcessPoolExecutor,
    caplog: pytest.LogCaptureFixture,
    how: str,
    first: str,
) -> None:
    """Old and new processes share the next file, one warning is logged, and what was moved away is all there."""

    def elsewhere(*visitor_id: str) -> str | None:
        return processes.submit(look, path, *visitor_id).result(60)

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
    for target in (path, path.parent / "." / path.name, ""):
        with pytest.raises(InvalidRequest, match="another file" if target else "path"):
            opened.backup(target)
    for target in (path.parent / "missing" / "copy.db", path.parent):
        with pytest.raises(StoreError, match=r"FileNotFoundError|IsADirectoryError"):
            opened.backup(target)
    opened.close()
    assert list(path.parent.iterdir()) == [path]
    assert visitor(opened) == "first"


# Forks


def forked(work: Callable[[], Any]) -> int:
    """Do some work in a fork of this process, which ends then with 0, or 1 if it failed."""
    if process := os.fork():
        return process
    try:
        work()
    except BaseException:  # noqa: BLE001 - the process ends here
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def fork_amid_use(folder: Path) -> None:
    """As a process: fork again and again, from two threads, while others use two stores; children use them, too."""
    stores, done = [SQLiteStore(folder / f"{number}.db", timeout=60) for number in range(2)], threading.Event()

    def use(store: SQLiteStore) -> None:
        while not done.is_set():
            save(store, key="used")

    def use_in_child() -> None:
        for store in stores:
            with suppress(StoreError):  # the file may be busy for so long
                assert not store.acquire("held", "child", 0.05, 30)
            assert asyncio.run(store.acompare_and_set(f"child {os.getpid()}", None, record()))
            store.close()

    def fork(_: int) -> None:
        for _ in range(5):
            assert os.waitpid(forked(use_in_child), 0)[1] == 0

    for store in stores:
        assert asyncio.run(store.aacquire("held", "parent", None, 300))
    with ThreadPoolExecutor(4) as pool, ExitStack() as stack:
        stack.callback(done.set)
        using = [pool.submit(use, store) for store in stores]
        assert [*pool.map(fork, range(2))] == [None, None]
        done.set()
        assert [each.result() for each in using] == [None, None]
    for store in stores:
        assert len(store.keys()) == 11
        assert store.extend("held", "parent", 300)
        store.close()
    assert all(is_whole(path) for path in folder.glob("*.db"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_stores_can_be_used_on_both_sides_of_a_fork(tmp_path: Path, processes: ProcessPoolExecutor) -> None:
    """Neither side uses or closes what is the other's, whatever threads do at that moment, and whichever forks."""
    processes.submit(fork_amid_use, tmp_path).result(120)


# Waiting for a file that is busy


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    """Have a file that nobody else may write to, until the test rolls back."""
    with SQLiteStore(path) as store:
        store.load(KEY)
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN EXCLUSIVE")
            yield writer


@pytest.mark.parametrize("way", ["threads", "tasks"])
def test_each_ends_in_its_own_time(sandbox: Sandbox, path: Path, writer: sqlite3.Connection, way: str) -> None:
    """However many wait; those who read, and those of another file, go on. Nothing is done in the name of who left."""

    def ask(store: SQLiteStore, name: str, *arguments: Any) -> Any:
        if way == "tasks":
            return getattr(store, f"a{name}")(*arguments)
        return asyncio.to_thread(getattr(store, name), *arguments)

    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(24))
        waiting = [asyncio.create_task(ask(store, "compare_and_set", f"{n}", None, record())) for n in range(12)]
        leaving: list[asyncio.Task[Any]]
        leaving = [asyncio.create_task(store.aacquire(f"{n}", "token", None, 300)) for n in range(12)]
        leaving += [asyncio.create_task(store.acompare_and_set(KEY, None, record())) for _ in range(12)]
        for each, step, *arguments in (
            (store, "compare_and_set", KEY, None, record(), 0.05),
            (store, "acquire", KEY, "token", 0.05, 30),
            (hasty, "compare_and_set", KEY, None, record()),
        ):
            with pytest.raises(StoreError, match=r"^OperationalError: database is locked$") as raised:
                await ask(each, step, *arguments)
            assert isinstance(raised.value.__cause__, sqlite3.OperationalError)
        assert all(task.cancel() for task in leaving)
        results = await asyncio.gather(*leaving, return_exceptions=True)
        assert {type(result) for result in results} == {asyncio.CancelledError}
        assert await ask(store, "load", KEY) is None
        assert await ask(other, "acquire", KEY, "token", 0, 30)
        assert not any(task.done() for task in waiting)
        writer.execute("ROLLBACK")
        assert all(await asyncio.gather(*waiting))
        assert sorted(store.keys()) == sorted(f"{n}" for n in range(12))
        for number in range(12):
            await store.arelease(f"{number}", "token")
            assert await store.aacquire(f"{number}", "another", 0, 30)

    with (
        SQLiteStore(path, timeout=300) as store,
        SQLiteStore(path, timeout=0.05) as hasty,
        SQLiteStore(path.with_name("other.db")) as other,
        EngagementClient("demo", base_url=sandbox.url, store=store) as client,
    ):
        with pytest.raises((StoreError, DeadlineExceeded)):
            client.visit("shopper").create_session(BODY, deadline=0.1)
        assert sandbox.requests == ()
        asyncio.run(main())


def test_an_interrupted_wait_ends(path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a signal handler raises goes through as it is, and the key is free."""
    monkeypatch.setattr("time.sleep", Mock(side_effect=TimeoutError))
    with SQLiteStore(path, timeout=300) as store, SQLiteStore(path) as other:
        with pytest.raises(TimeoutError):
            store.acquire(KEY, "token", None, 300)
        writer.execute("ROLLBACK")
        store.release(KEY, "token")
        assert other.acquire(KEY, "another", 0, 30)
