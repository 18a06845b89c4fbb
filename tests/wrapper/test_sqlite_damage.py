"""Whatever is damaged in a SQLite file counts as nothing, and a file that cannot be used is reported in time."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from math import inf
from pathlib import Path
from typing import Any

import pytest

from conftest import BODY, Backend, Clock
from liveperson_engagement import EngagementClient, SQLiteStore, StoreError
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import UNREADABLE, to_json
from liveperson_engagement.stores.sqlite import FORGET_ROW, LARGEST, place
from stored import KEY, execute, is_whole, record, save, visitor

LARGE, TEXT = b"x" * (LARGEST + 1), to_json(record())
NO_NUMBERS: list[Any] = [None, "text", b"\xff"]
NO_TIMES: list[Any] = [*NO_NUMBERS, inf, -1, 1.001e11]
NO_JSON = "", "null", "{}", '{"v":null}', '{"v":1}', "[" * 100_000
NO_RECORDS = *NO_JSON, TEXT.replace('"visitor"', "5"), TEXT.replace("null", "5")
DAMAGE: dict[str, list[Any]] = {
    "key": [*NO_NUMBERS, LARGE, 0, b"demo:another", KEY],
    "version": [*NO_NUMBERS, -1, 0.5],
    "wall": NO_TIMES,
    "monotonic": NO_TIMES,
    "boot": [*NO_NUMBERS, -1, 0.5, 2**32],
    "record": [*NO_NUMBERS, LARGE, TEXT, *(text.encode() for text in NO_RECORDS)],
}
LEASES: dict[str, list[Any]] = {
    "key": ["text", b"\xff", LARGE, -1],  # SQLite lets no key be NULL
    "since": [*NO_NUMBERS, inf, 1e300],
    "until": [*NO_NUMBERS, inf, 1e300, 0],
}


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    """Open a store."""
    with SQLiteStore(path) as store:
        yield store


def put(path: Path, column: str, value: Any) -> None:
    """Damage a column of the visit."""
    execute(path, f"UPDATE visits SET {column} = ? WHERE hash = ?", value, place(KEY)[0])  # noqa: S608 - literals


@pytest.mark.backends("sync", "async")
@pytest.mark.parametrize("column", DAMAGE)
def test_a_damaged_visit_starts_again(
    backend: Backend, sandbox: Sandbox, store: SQLiteStore, path: Path, caplog: pytest.LogCaptureFixture, column: str
) -> None:
    """Each column may have any type and size: there is one warning, a new visitor, and no harm to other visits."""
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    for value in DAMAGE[column]:
        save(store)
        save(store, key="another")
        put(path, column, value)
        assert store.keys().count("another") == 1
        again = visit.create_session(BODY)
        assert visit.create_session(BODY).visitor_id == again.visitor_id != "visitor"
        assert caplog.messages == [UNREADABLE]
        assert sorted(store.keys()) == ["another", KEY]
        put(path, column, value)
        assert store.forget_older_than(-60) >= 1
        assert store.keys().count("another") == 0
        execute(path, "DELETE FROM visits")
        caplog.clear()


def test_a_row_of_another_key_is_replaced(store: SQLiteStore, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Were two keys to have one hash, the one that is used last would be remembered."""
    save(store, key="another")
    execute(path, "UPDATE visits SET hash = ?", place(KEY)[0])
    save(store, "mine")
    assert caplog.messages == [UNREADABLE]
    assert visitor(store) == "mine"


def test_what_others_have_saved_since_is_not_forgotten(store: SQLiteStore, path: Path) -> None:
    """Only the row that was read counts as damaged."""
    save(store)
    put(path, "version", None)
    save(store, "newer")
    execute(path, FORGET_ROW, place(KEY)[0], None)  # what a slow process still does
    assert visitor(store) == "newer"


@pytest.mark.parametrize("column", LEASES)
def test_a_damaged_lease_holds_nothing(path: Path, column: str) -> None:
    """Its key can be taken at once, and what is left of it goes with old visits."""
    damage = f"UPDATE turns SET {column} = ?"  # noqa: S608 - literals
    with SQLiteStore(path) as one, SQLiteStore(path) as other:
        for value in LEASES[column]:
            assert one.acquire(KEY, "one", 0, 300)
            execute(path, damage, value)
            assert other.acquire(KEY, "other", 0, 300)
            assert not one.extend(KEY, "one", 300)
            one.release(KEY, "one")
            assert not one.acquire(KEY, "one", 0, 300)
            execute(path, "DELETE FROM turns WHERE key = ?", KEY.encode())
            if column != "key":
                assert one.acquire(KEY, "one", 0, 300)
            execute(path, damage, value)
            execute(path, "UPDATE turns SET until = 0 WHERE key <> ?", KEY.encode())
            one.forget_older_than(0)
            assert execute(path, "SELECT count(*) FROM turns") == [(0,)]
            other.release(KEY, "other")
            one.release(KEY, "one")


def test_a_lease_without_its_holder_runs_out(path: Path, clock: Clock) -> None:
    """A damaged token holds the key no longer than the lease says, which is a day at most."""
    with SQLiteStore(path, monotonic=clock) as one, SQLiteStore(path, monotonic=clock) as other:
        for token in (*NO_NUMBERS, LARGE):
            assert one.acquire(KEY, "one", 0, 10**9)
            execute(path, "UPDATE turns SET token = ?", token)
            assert not one.extend(KEY, "one", 300)
            assert not other.acquire(KEY, "other", 0, 300)
            clock.now += 86_400
            assert other.acquire(KEY, "other", 0, 300)
            other.release(KEY, "other")
            one.release(KEY, "one")


# The file


def overwrite(path: Path, first: int, rubbish: bytes) -> None:
    """As a process, since one that closes the file loses its locks: write to it behind its first bytes, or cut it."""
    with path.open("r+b") as file:
        file.seek(first)
        file.write(rubbish * (path.stat().st_size // 8))
        if not rubbish:
            file.truncate()


@pytest.mark.parametrize("damage", [(3 * 4096, b""), (0, b"rubbish "), (4096, b"rubbish ")])
def test_a_file_that_is_damaged_amid_its_use(
    store: SQLiteStore, path: Path, processes: ProcessPoolExecutor, damage: Any
) -> None:
    """Each step finds what was saved or is a StoreError; once mended it goes on."""
    copy, failures = path.with_name("copy.db"), 0
    for number in range(100):
        save(store, key=f"demo:{number}")
    save(store)
    store.backup(copy)
    execute(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    processes.submit(overwrite, path, *damage).result(60)
    for opened in (store, SQLiteStore(path)):
        for _ in range(3):
            try:
                assert visitor(opened) == "visitor"
            except StoreError:
                failures += 1
        opened.close()
    assert failures > 0
    for suffix in ("-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    os.replace(copy, path)
    assert visitor(store) == "visitor"
    store.close()
    assert is_whole(path)


@pytest.mark.parametrize("unusable", ["no folder", "a folder", "not a database", "another's database"])
def test_a_path_that_cannot_be_used_is_reported(path: Path, unusable: str) -> None:
    """And what is there is left as it is."""
    if unusable == "a folder":
        path.mkdir()
    elif unusable == "not a database":
        path.write_text("my diary, page one " * 100)
    elif unusable == "another's database":
        execute(path, "CREATE TABLE diary (page TEXT)")
    content = path.read_bytes() if path.is_file() else None
    with SQLiteStore(path / "visits.db" if unusable == "no folder" else path) as store, pytest.raises(StoreError):
        store.load(KEY)
    assert (path.read_bytes() if path.is_file() else None) == content


NEWER = {
    "PRAGMA user_version = 2": "made this database; upgrade to use it",
    "UPDATE visits SET record = CAST('{\"v\":2}' AS BLOB)": "wrote this record; upgrade to read it",
}


@pytest.mark.parametrize("statement", NEWER)
def test_what_a_newer_release_has_made_is_left_alone(store: SQLiteStore, path: Path, statement: str) -> None:
    """Two releases may share a file while one replaces the other."""
    save(store)
    store.close()
    execute(path, statement)
    content = path.read_bytes()
    with pytest.raises(StoreError, match=f"^session store: a newer liveperson-engagement {NEWER[statement]}$"):
        store.load(KEY)
    store.close()
    assert path.read_bytes() == content


# No room, and no right


def test_no_room_in_the_file_is_reported(store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered can still be read."""
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def connect_small(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.execute("PRAGMA max_page_count = 20")
        return connection

    save(store)
    monkeypatch.setattr(sqlite3, "connect", connect_small)
    with SQLiteStore(path) as full:
        save(full, "x" * 40_000, "another")
        with pytest.raises(StoreError, match="OperationalError: database or disk is full"):
            save(full, "x" * 40_000, "one more")
        assert visitor(full) == "visitor"
    save(store, "x" * 40_000, "one more")


def call_in_vain(url: str, path: Path, mode: int) -> None:
    """As a process: call while nothing can be written, as the file's mode says; then that is mended."""
    user = os.geteuid()
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.delenv("SSL_CERT_FILE", raising=False)  # it may name a file that others may not read
        store = stack.enter_context(SQLiteStore(path))
        client = stack.enter_context(EngagementClient("demo", base_url=url, store=store))
        path.chmod(mode)
        path.parent.chmod(0o555)
        os.seteuid(user or 65534)
        try:
            for _ in range(3):
                with pytest.raises(StoreError, match="see on_store_error"):
                    client.visit("shopper").create_session(BODY)
        finally:
            os.seteuid(user)
            path.parent.chmod(0o755)
            path.chmod(0o644)
        client.visit("shopper").create_session(BODY)
        assert visitor(store, "another") == "visitor"


@pytest.mark.skipif(os.name == "nt", reason="needs modes")
@pytest.mark.parametrize("mode", [0o444, 0o000])
def test_a_file_that_cannot_be_written_is_reported_before_a_call(
    sandbox: Sandbox, processes: ProcessPoolExecutor, mode: int
) -> None:
    """Nothing is lost, and once there is the right to write, the store goes on."""
    with tempfile.TemporaryDirectory() as folder:  # those of pytest are for their owner alone
        path = Path(folder) / "visits.db"
        path.parent.chmod(0o755)
        with SQLiteStore(path) as store:
            save(store, key="another")
        processes.submit(call_in_vain, sandbox.url, path, mode).result(60)
        assert is_whole(path)
    assert [request.operation_id for request in sandbox.requests] == ["createSession"]
