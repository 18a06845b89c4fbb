"""Visits remembered in a SQLite file, for the processes of one machine."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

from ..errors import StoreError, check_seconds
from . import Record, Remembered, age, from_json, to_json
from .leased import LeasedStore

P = ParamSpec("P")
T = TypeVar("T")

APPLICATION = 0x4C50454E
"""Marks a file as this store's: "LPEN"."""
SCHEMA = 1
CACHE = 16_000
"""KiB that a connection may keep of the file: all of the tree above some ten million visits, but for its leaves."""
TABLES = (
    "CREATE TABLE visits ("
    "hash INTEGER PRIMARY KEY, key TEXT, version INTEGER, wall REAL, monotonic REAL, boot INTEGER, record TEXT)",
    "CREATE TABLE turns (key TEXT PRIMARY KEY, token TEXT, since REAL, until REAL) WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {SCHEMA}",
)
# A visit lies at the hash of its key, so that it is found at once, however many there are; see `place`.
LOAD = "SELECT record, version, wall, monotonic, boot FROM visits WHERE hash = ? AND key = ?"
INSERT = """
INSERT INTO visits (version, wall, monotonic, boot, record, hash, key) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
UPDATE = """
UPDATE visits SET version = ?, wall = ?, monotonic = ?, boot = ?, record = ? WHERE hash = ? AND key = ? AND version = ?
"""
FORGET = "DELETE FROM visits WHERE hash = ? AND key = ? AND version = ?"
# A time before `since` is of another boot, as the monotonic clock never goes back.
TAKE = """
INSERT INTO turns (key, token, since, until) VALUES (:key, :token, :now, :now + :seconds)
ON CONFLICT (key) DO UPDATE SET token = :token, since = :now, until = :now + :seconds
WHERE token = :token OR :now >= until OR :now < since
"""
KEEP = "UPDATE turns SET since = :now, until = :now + :seconds WHERE key = :key AND token = :token"
FREE = "DELETE FROM turns WHERE key = ? AND token = ?"
FREE_LATE = "DELETE FROM turns WHERE until <= ?"
FORGET_OLD = "DELETE FROM visits WHERE wall <= ?"


class SQLiteStore(LeasedStore):
    """Remembers visits in a file. Threads, tasks, forks and processes of one machine may share it, sync and async.

    - `path`: the file, made where it is missing, for its owner alone; its folder has to exist and be on a local disk.
    - `timeout`: seconds to wait while another process writes.
    - `clock`, `monotonic`: the time of day, and one that all processes share and nobody sets; for tests.

    A record survives a crash of the process at any moment; after a power failure the last moments may be missing.
    How old a record is say both clocks, whichever makes it older; after a reboot, or when the time of day was set back,
    it is infinitely old: the visit goes on, and its engagement is asked for again. A lease does not survive a reboot.
    Where the system does not tell its boots apart (other than Linux), the time of day alone notices a reboot that took
    the machine to a longer uptime.

    `close()`, `aclose()`, `with` or `async with` close the file; the next use would open it again.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        check_seconds("timeout", timeout)
        self._database = _Database(os.path.realpath(path), timeout)
        self._clock, self._monotonic, self._boot = clock, monotonic, _boot()

    def __repr__(self) -> str:
        """Name the file."""
        return f"SQLiteStore({self._database.path!r})"

    def load(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        with self._database.connected() as database:
            found = database.execute(LOAD, place(key)).fetchone()
        if found is None:
            return None
        text, version, wall, monotonic, boot = found
        record = from_json(text)
        if record is None:
            self.compare_and_set(key, version, None)
            return None
        same_boot = (self._monotonic() - monotonic) if boot == self._boot else -1
        return Remembered(record, age(self._clock() - wall, same_boot), version)

    def compare_and_set(self, key: str, expected: object | None, record: Record | None) -> object | None:
        """Save or forget, unless the key has changed."""
        version = secrets.randbits(63)
        values = (version, self._clock(), self._monotonic(), self._boot, record and to_json(record), *place(key))
        with self._database.connected() as database:
            if record is None and expected is None:
                return None if database.execute(LOAD, place(key)).fetchone() else version
            if record is None:
                changed = database.execute(FORGET, (*place(key), expected))
            elif expected is None:
                changed = database.execute(INSERT, values)
            else:
                changed = database.execute(UPDATE, (*values, expected))
            return version if changed.rowcount else None

    def forget_older_than(self, seconds: float) -> int:
        """Forget visits that were last saved so long ago, by the time of day, and return how many.

        The file does not get smaller: new visits take their room.
        """
        with self._database.connected() as database:
            database.execute(FREE_LATE, (self._monotonic(),))
            return database.execute(FORGET_OLD, (self._clock() - seconds,)).rowcount

    async def aload(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        return await self._database.threaded(self.load, key)

    async def acompare_and_set(self, key: str, expected: object | None, record: Record | None) -> object | None:
        """Save or forget, unless the key has changed."""
        return await self._database.threaded(self.compare_and_set, key, expected, record)

    async def aforget_older_than(self, seconds: float) -> int:
        """See `forget_older_than`."""
        return await self._database.threaded(self.forget_older_than, seconds)

    def close(self) -> None:
        """Close the file, once all that was begun is done."""
        self._database.close()

    async def aclose(self) -> None:
        """See `close`."""
        await asyncio.to_thread(self.close)

    def _take(self, key: str, token: str, seconds: float) -> bool:
        with self._database.connected() as database:
            database.execute("BEGIN IMMEDIATE")
            with database:  # the time is read once nobody else can take the key
                turn = {"key": key, "token": token, "now": self._monotonic(), "seconds": seconds}
                return database.execute(TAKE, turn).rowcount == 1

    def _keep(self, key: str, token: str, seconds: float) -> bool:
        with self._database.connected() as database:
            turn = {"key": key, "token": token, "now": self._monotonic(), "seconds": seconds}
            return database.execute(KEEP, turn).rowcount == 1

    def _free(self, key: str, token: str) -> None:
        with self._database.connected() as database:
            database.execute(FREE, (key, token))

    async def _atake(self, key: str, token: str, seconds: float) -> bool:
        return await self._database.threaded(self._take, key, token, seconds)

    async def _akeep(self, key: str, token: str, seconds: float) -> bool:
        return await self._database.threaded(self._keep, key, token, seconds)

    async def _afree(self, key: str, token: str) -> None:
        await self._database.threaded(self._free, key, token)


class _Database:
    """One connection for the threads of this process, and one thread for its event loops."""

    def __init__(self, path: str, timeout: float) -> None:
        self.path, self._timeout = path, timeout
        self._connection: sqlite3.Connection | None = None
        self.start()
        _databases.add(self)

    def start(self) -> None:
        """Get a new thread: a fork leaves the old one behind."""
        self._executor = ThreadPoolExecutor(1, "liveperson-engagement")

    async def threaded(self, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Work without keeping the event loop, one after another, so that a key is not freed before it is taken."""
        while True:
            executor = self._executor
            try:
                todo = executor.submit(work, *arguments, **options)
            except RuntimeError:
                if executor is self._executor:
                    raise
                continue  # closed by somebody else just now: there is a new thread
            return await asyncio.wrap_future(todo)

    @contextmanager
    def connected(self) -> Generator[sqlite3.Connection]:
        """Have the connection to oneself."""
        with _lock:
            if self._connection is None:
                self._connection = self._connect()
            yield self._connection

    def disconnect(self) -> None:
        """Close the file until it is used again."""
        with _lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def close(self) -> None:
        """Finish what was begun, then close the file."""
        executor = self._executor
        self.start()
        executor.shutdown()
        self.disconnect()

    def _connect(self) -> sqlite3.Connection:
        with suppress(FileExistsError):  # nothing else is opened: closing it would drop this process's locks on it
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o600))
        connection = sqlite3.connect(self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False)
        try:
            connection.text_factory = bytes  # what is not UTF-8 is corrupt, and left to `from_json`
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection) -> None:
    if _is_new(connection):
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            if _is_new(connection):  # still, now that nobody else can write
                for statement in TABLES:
                    connection.execute(statement)
    if _pragma(connection, "application_id") != APPLICATION:
        raise StoreError("session store: the file is another program's database")
    if _pragma(connection, "user_version") > SCHEMA:
        raise StoreError("session store: a newer liveperson-engagement made this database; upgrade to use it")
    with suppress(sqlite3.OperationalError):  # somebody writes: slower without, and the next to open tries again
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{CACHE}")


def _is_new(connection: sqlite3.Connection) -> bool:
    return not connection.execute("SELECT 1 FROM sqlite_master").fetchone() and not _pragma(connection, "user_version")


def _pragma(connection: sqlite3.Connection, name: str) -> Any:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def place(key: str) -> tuple[int, str]:
    """Say where a key's visit lies: its hash, and the key. Were two to share a hash, one would not be remembered."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True), key


def _boot() -> int:
    """Return a number of this boot, or 0 where the system has none."""
    try:
        return int(Path("/proc/sys/kernel/random/boot_id").read_text()[:8], 16)
    except (OSError, ValueError):
        return 0


_databases: WeakSet[_Database] = WeakSet()
_lock = threading.RLock()
"""Held for each statement of this process, so that no fork comes amid one."""


def _before_fork() -> None:
    """Close the files: SQLite lets a child neither use nor close the connections of its parent."""
    _lock.acquire()
    for database in _databases:
        database.disconnect()


def _forked() -> None:
    """Let parent and child open the files again, each for itself."""
    for database in _databases:
        database.start()
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_lock.release, after_in_child=_forked)
