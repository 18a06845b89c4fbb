"""What the tests of stores share: a key, records, and a way into SQLite's file past the store."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from liveperson_engagement import SQLiteStore, VisitIds
from liveperson_engagement.stores import Record

KEY = "demo:shopper"


def record(visitor_id: str = "visitor") -> Record:
    """Make a record."""
    return Record(VisitIds(visitor_id, "session", "page"))


def visitor(store: SQLiteStore, key: str = KEY) -> str | None:
    """Return the visitor that is remembered for a key."""
    known = store.load(key)
    return known.record.ids.visitor_id if known else None


def save(store: SQLiteStore, visitor_id: str = "visitor", key: str = KEY) -> None:
    """Remember a visitor for a key, whatever is there."""
    known = store.load(key)
    assert store.compare_and_set(key, known and known.version, record(visitor_id))


def execute(path: Path, statement: str, *values: Any) -> list[Any]:
    """Carry out a statement past the store."""
    with closing(sqlite3.connect(path)) as database, database:
        return database.execute(statement, values).fetchall()


def is_whole(path: Path) -> bool:
    """Return whether a database is in order."""
    return execute(path, "PRAGMA integrity_check") == [("ok",)]
