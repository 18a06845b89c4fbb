"""Whatever is damaged in a SQLite file counts as nothing, and a file that cannot be used is reported in time."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
from test_sqlite_store import KEY, SPAWN, child, finished, record, written

from conftest import BODY, Backend
from liveperson_engagement import EngagementClient, SQLiteStore, StoreError
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import UNREADABLE
from liveperson_engagement.stores.sqlite import FORGET_ROW, LARGEST, place

LARGE = LARGEST + 1
NUMBERS: tuple[Any, ...] = (float("inf"), float("-inf"), -1, -1e300)
NO_NUMBERS: tuple[Any, ...] = (None, "text", b"\xff", b"x" * LARGE, "x" * LARGE)
DAMAGE: dict[str, tuple[Any, ...]] = {
    "key": (*NO_NUMBERS, *NUMBERS, 0, b"demo:another", "demo:shopper"),
    "version": (*NO_NUMBERS, *NUMBERS, 0.5, 1e300),
    "wall": (*NO_NUMBERS, *NUMBERS, 1e300, 2**63 - 1),
    "monotonic": (*NO_NUMBERS, *NUMBERS, 1e300, 2**63 - 1),
    "boot": (*NO_NUMBERS, *NUMBERS, 0.5, 2**63 - 1),
    "record": (*NO_NUMBERS, *NUMBERS, 0, b"", b"{", b"[" * 100_000, '{"v":1}'),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a database."""
    return tmp_path / "visits.db"


def put(path: Path, table: str, column: str, value: Any, key: str | None = None) -> None:
    """Damage a column of one visit, or of all rows."""
    which = "" if key is None else f" WHERE hash = {place(key)[0]}"
    written(path, f"UPDATE {table} SET {column} = ?{which}", value)  # noqa: S608 - literals


def save_many(store: SQLiteStore, count: int) -> None:
    """Save visits of a thousand bytes each."""
    for number in range(count):
        assert store.compare_and_set(f"{number}", None, record("x" * 1000))


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    """Open a store."""
    with SQLiteStore(path) as store:
        yield store


@pytest.mark.parametrize("column", [*DAMAGE])
def test_a_damaged_visit_starts_again(
    backend: Backend, sandbox: Sandbox, store: SQLiteStore, path: Path, caplog: pytest.LogCaptureFixture, column: str
) -> None:
    """Each column may have any type and size: there is one warning, a new visitor, and no trouble afterwards."""
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    for value in DAMAGE[column]:
        session = visit.create_session(BODY)
        put(path, "visits", column, value, KEY)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            again = visit.create_session(BODY)
            assert again.visitor_id != session.visitor_id
            assert visit.create_session(BODY).visitor_id == again.visitor_id
        assert caplog.messages == [UNREADABLE]
    assert store.keys().count(KEY) == 1
    assert written(path, "SELECT count(*) FROM turns") == [(0,)]
    store.close()


@pytest.mark.parametrize("column", [*DAMAGE])
def test_damage_that_is_not_loaded_harms_nobody(store: SQLiteStore, path: Path, column: str) -> None:
    """Listing keys and forgetting old visits go through rows of any kind."""
    for value in DAMAGE[column]:
        store.compare_and_set(KEY, None, record())
        store.compare_and_set("another", None, record())
        put(path, "visits", column, value, KEY)
        assert store.keys().count("another") == 1
        assert store.forget_older_than(-60) >= 1
        assert store.keys().count("another") == 0
        written(path, "DELETE FROM visits")


def test_a_row_of_another_key_is_replaced(store: SQLiteStore, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Were two keys to have one hash, the one that is used last would be remembered."""
    store.compare_and_set("another", None, record("another"))
    written(path, "UPDATE visits SET hash = ?", place(KEY)[0])
    assert store.load(KEY) is None
    assert caplog.messages == [UNREADABLE]
    assert store.compare_and_set(KEY, None, record("mine"))
    found = store.load(KEY)
    assert found
    assert found.record == record("mine")


def test_what_others_have_saved_since_is_not_forgotten(store: SQLiteStore, path: Path) -> None:
    """Only the row that was read counts as damaged."""
    store.compare_and_set(KEY, None, record())
    written(path, "UPDATE visits SET version = NULL")
    before = (place(KEY)[0], None)
    assert store.load(KEY) is None
    assert store.compare_and_set(KEY, None, record("newer"))
    written(path, FORGET_ROW, *before)  # what a slow process still does
    assert store.load(KEY)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("key", (*NO_NUMBERS, -1)),
        ("since", (*NO_NUMBERS, float("inf"), 1e300)),
        ("until", (*NO_NUMBERS, *NUMBERS, 1e300, 2**63 - 1, 0)),
    ],
)
def test_a_damaged_lease_holds_nothing(path: Path, column: str, values: tuple[Any, ...]) -> None:
    """Its key can be taken at once, and what is left of it goes with old visits."""
    for value in values:
        if column == "key" and value is None:
            continue  # SQLite lets no key be NULL
        with SQLiteStore(path) as one, SQLiteStore(path) as other:
            assert one.acquire(KEY, "one", 0, 300)
            put(path, "turns", column, value)
            assert other.acquire(KEY, "other", 0, 300)
            assert not one.extend(KEY, "one", 300)
            one.release(KEY, "one")
            assert not one.acquire(KEY, "one", 0, 300)
            other.release(KEY, "other")
            if column != "key":
                assert one.acquire(KEY, "one", 0, 300)
            put(path, "turns", column, value)
            written(path, "UPDATE turns SET until = 0 WHERE key <> ?", KEY.encode())
            one.forget_older_than(0)
            assert written(path, "SELECT count(*) FROM turns") == [(0,)]


@pytest.mark.parametrize("token", NO_NUMBERS)
def test_a_lease_without_its_holder_runs_out(path: Path, token: Any) -> None:
    """A damaged token holds the key no longer than the lease says."""
    now = 1000.0
    with SQLiteStore(path, monotonic=lambda: now) as one, SQLiteStore(path, monotonic=lambda: now) as other:
        assert one.acquire(KEY, "one", 0, 10**9)
        written(path, "UPDATE turns SET token = ?", token)
        assert not one.extend(KEY, "one", 300)
        assert not other.acquire(KEY, "other", 0, 300)
        now += 86_400
        assert other.acquire(KEY, "other", 0, 300)


def cut(path: Path) -> None:
    """Leave the first pages of a file."""
    os.truncate(path, 3 * 4096)


def overwrite(path: Path) -> None:
    """Write over a file's beginning."""
    with path.open("r+b") as file:
        file.write(b"rubbish " * 4000)


def overwrite_rows(path: Path) -> None:
    """Write over all but a file's beginning."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"rubbish " * (path.stat().st_size // 8))


def damage(path: Path, how: str) -> None:
    """As a process, since a process that closes the file loses its locks: damage it."""
    {"cut": cut, "overwrite": overwrite, "overwrite rows": overwrite_rows}[how](path)


@pytest.mark.parametrize("how", ["cut", "overwrite", "overwrite rows"])
def test_a_file_that_is_damaged_amid_its_use(
    backend: Backend, sandbox: Sandbox, store: SQLiteStore, path: Path, how: str
) -> None:
    """Each call finds what was saved or is a StoreError; no other visitor is made, and once mended it goes on."""
    client = backend.client(base_url=sandbox.url, store=store)
    for number in range(100):
        store.compare_and_set(f"demo:{number}", None, record())
    client.visit("shopper").create_session(BODY)
    store.backup(path.with_name("copy.db"))
    written(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    with child(damage, path, how) as process:
        assert finished(process)
    failures = 0
    for opened in (store, SQLiteStore(path)):
        visit = backend.client(base_url=sandbox.url, store=opened).visit("shopper")
        for _ in range(3):
            try:
                visit.create_session(BODY)
            except StoreError:
                failures += 1
        opened.close()
    assert failures > 0
    assert len(sandbox.visitors) == 1
    for suffix in ("-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    os.replace(path.with_name("copy.db"), path)
    assert client.visit("shopper").create_session(BODY).visitor_id == sandbox.visitors[0].visitor_id
    assert len(sandbox.visitors) == 1
    store.close()
    assert written(path, "PRAGMA integrity_check") == [("ok",)]


def fill(url: str, path: Path) -> None:
    """As a process that may only write files of a certain size: save until that fails, then with more room again."""
    import resource  # noqa: PLC0415 - not on Windows

    with SQLiteStore(path) as store, EngagementClient("demo", base_url=url, store=store) as client:
        first = client.visit("first").create_session(BODY)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, hard))
        with pytest.raises(StoreError):
            save_many(store, 10_000)
        for _ in range(3):
            with pytest.raises(StoreError, match="see on_store_error"):
                client.visit("another").create_session(BODY)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        assert client.visit("another").create_session(BODY).visitor_id != first.visitor_id
        assert client.visit("first").create_session(BODY).visitor_id == first.visitor_id


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits")
def test_a_full_disk_is_reported_before_anything_is_sent(sandbox: Sandbox, path: Path) -> None:
    """Nothing is lost, and with room on the disk the store goes on."""
    with child(fill, sandbox.url, path) as process:
        assert finished(process)
    assert len(sandbox.visitors) == 2
    assert written(path, "PRAGMA integrity_check") == [("ok",)]


def test_no_room_in_the_file_is_reported(backend: Backend, sandbox: Sandbox, store: SQLiteStore, path: Path) -> None:
    """What is remembered can still be read while nothing can be saved."""
    client = backend.client(base_url=sandbox.url, store=store)
    client.visit("shopper").create_session(BODY)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        connect = sqlite3.connect

        def small(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **options)
            connection.execute("PRAGMA max_page_count = 20")
            return connection

        patch.setattr(sqlite3, "connect", small)
        full = stack.enter_context(SQLiteStore(path))
        with pytest.raises(StoreError, match="OperationalError: database or disk is full"):
            save_many(full, 1000)
        assert full.load(KEY)
    assert store.compare_and_set("another", None, record("x" * 1000))
    assert client.visit("shopper").create_session(BODY).visitor_id == sandbox.visitors[0].visitor_id


def use_as_nobody(url: str, path: Path, tried: Event, mended: Event) -> None:
    """As a process that may not write to the file: call, and again once it may."""
    os.environ.pop("SSL_CERT_FILE", None)  # it may name a file that others may not read
    if os.geteuid() == 0:
        os.setegid(65534)
        os.seteuid(65534)
    with SQLiteStore(path) as store, EngagementClient("demo", base_url=url, store=store) as client:
        for _ in range(3):
            with pytest.raises(StoreError):
                client.visit("shopper").create_session(BODY)
        tried.set()
        assert mended.wait(60)
        client.visit("shopper").create_session(BODY)


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """Make a folder that all users may see."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs modes")
@pytest.mark.parametrize("readable", [0o444, 0o000])
def test_a_file_that_may_not_be_written_is_reported(sandbox: Sandbox, shared_folder: Path, readable: int) -> None:
    """Nothing is sent until it may be written."""
    path, tried, mended = shared_folder / "visits.db", SPAWN.Event(), SPAWN.Event()
    with SQLiteStore(path) as store:
        store.compare_and_set(KEY, None, record("not a visitor of the sandbox"))
        store.forget_older_than(-1)
    path.chmod(readable)
    shared_folder.chmod(0o555)
    with child(use_as_nobody, sandbox.url, path, tried, mended) as process:
        assert tried.wait(60)
        assert sandbox.requests == ()
        path.chmod(0o666)
        shared_folder.chmod(0o777)
        mended.set()
        assert finished(process)
    assert len(sandbox.visitors) == 1


def test_an_empty_file_is_made_use_of(store: SQLiteStore, path: Path) -> None:
    """It is what SQLite makes of a database that nobody has written to."""
    path.touch()
    assert store.compare_and_set(KEY, None, record())
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM visits").fetchone() == (1,)
