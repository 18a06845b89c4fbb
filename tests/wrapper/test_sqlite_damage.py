"""Whatever is damaged in a SQLite file counts as nothing, and a file that cannot be used is reported in time."""

import sqlite3
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path
from typing import Any

import pytest

from conftest import BODY, Backend, Clock
from liveperson_engagement import SQLiteStore, StoreError
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import UNREADABLE, to_json
from liveperson_engagement.stores.sqlite import LARGEST, place
from stored import KEY, execute, record, save, visitor

LARGE, TEXT = b"x" * (LARGEST + 1), to_json(record())
NO_NUMBERS: list[Any] = [None, "text", b"\xff"]
NO_TIMES: list[Any] = [*NO_NUMBERS, inf, -1, 1.001e11]
NO_JSON = "", "null", "{}", '{"v":null}', '{"v":1}', "[" * 100_000
NO_RECORDS = *NO_JSON, TEXT.replace('"visitor"', "5"), TEXT.replace("null", "5")
DAMAGE: dict[str, list[Any]] = {
    "key": [*NO_NUMBERS, LARGE, b"demo:another", KEY],
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
