"""Visits remembered in a SQLite file, for the processes of one machine."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import secrets
import sqlite3
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from io import FileIO
from math import inf
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast
from weakref import WeakSet

from .._keyed_lock import Patience
from ..errors import InvalidRequest, StoreError, check_seconds
from . import UNREADABLE, Record, Remembered, age, check_time_to_live, from_json, logger, to_json
from .leased import LeasedStore

if sys.platform == "linux":
    import fcntl

P = ParamSpec("P")
T = TypeVar("T")
Identity: TypeAlias = tuple[int, int] | None
"""Device and inode of a file; None where it cannot be seen."""
Step: TypeAlias = Callable[[sqlite3.Connection, str, Any], T]
"""Carries out a statement with its values."""

APPLICATION = 0x4C50454E
"""Marks a file as this store's: "LPEN"."""
SCHEMA = 1
CACHE = 16_000
"""KiB that a connection may keep of the file: all of the tree above some ten million visits, but for its leaves."""
LARGEST = 8 * 2**20
"""Bytes of a record; a larger one is damage, and is not read."""
LATEST = 1e11
"""A time of either clock beyond this is damage."""
DAY = 86_400.0
"""Seconds; no lease lasts longer, and one that would is damage."""
BATCH = 1000
"""Rows that one statement goes through, where all are asked for: others have their turn in between."""
PAUSES = (0.001, 0.05)
"""Seconds between two tries while another process writes, at first and at most."""
SHARED_LOCK = (0x40000002, 510)
"""Where SQLite locks a file that is open: first byte and length, by its file format."""
MOUNTS = Path("/proc/self/mountinfo")
NETWORK = {
    *("afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs"),
    *("nfs4", "ocfs2", "orangefs", "pvfs2", "smb3", "smbfs", "fuse.ceph", "fuse.ceph-fuse", "fuse.curlftpfs"),
    *("fuse.davfs", "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs", "fuse.goofys", "fuse.juicefs", "fuse.rclone"),
    *("fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs", "fuse.blobfuse", "fuse.blobfuse2"),
}
"""File systems whose locks or shared memory do not hold between machines."""

TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE visits (
hash INTEGER PRIMARY KEY, key BLOB, version INTEGER, wall REAL, monotonic REAL, boot INTEGER, record BLOB);
CREATE TABLE turns (key BLOB PRIMARY KEY, token BLOB, since REAL, until REAL) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {SCHEMA};
COMMIT;
"""
INDEX = "CREATE INDEX IF NOT EXISTS visits_by_wall ON visits (wall)"
# What is damaged comes as NULL. A visit lies at the hash of its key, so that it is found at once; see `place`.
KEY = f"CASE WHEN typeof(key) = 'blob' AND length(key) <= {LARGEST} THEN key END"
LOAD = f"""
SELECT CASE WHEN typeof(version) = 'integer' AND version >= 0 THEN version END, {KEY},
CASE WHEN typeof(wall) = 'real' AND wall BETWEEN 0 AND {LATEST} THEN wall END,
CASE WHEN typeof(monotonic) = 'real' AND monotonic BETWEEN 0 AND {LATEST} THEN monotonic END,
CASE WHEN typeof(boot) = 'integer' AND boot BETWEEN 0 AND 0xFFFFFFFF THEN boot END,
CASE WHEN typeof(record) = 'blob' AND length(record) <= {LARGEST} THEN record END
FROM visits WHERE hash = ?
"""  # noqa: S608 - no value of a caller
MISSING = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM visits WHERE hash = ?)"
INSERT = """
INSERT INTO visits (version, wall, monotonic, boot, record, hash, key) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
UPDATE = """
UPDATE visits SET version = ?, wall = ?, monotonic = ?, boot = ?, record = ? WHERE hash = ? AND key = ? AND version = ?
"""
FORGET = "DELETE FROM visits WHERE hash = ? AND key = ? AND version = ?"
FORGET_ROW = """
DELETE FROM visits WHERE hash = ? AND CASE WHEN typeof(version) = 'integer' AND version >= 0 THEN version END IS ?
"""
FORGET_EXPIRED = "DELETE FROM visits WHERE hash IN (SELECT hash FROM visits WHERE wall <= ? ORDER BY wall LIMIT 10)"
FORGET_OLD = "DELETE FROM visits WHERE hash BETWEEN ? AND ? AND wall <= ?"
KEYS = f"SELECT hash, {KEY} FROM visits WHERE hash >= ? ORDER BY hash LIMIT {BATCH}"  # noqa: S608 - the same
# A lease of these times still runs; whatever is damaged makes it false or NULL. A time before `since` is of another
# boot, as the monotonic clock never goes back.
RUNS = f"(turns.since <= {{now}} AND turns.until > {{now}} AND turns.until <= {{now}} + {DAY})"
# now() is called once nobody else can write. `since` and `until` are never before it, so that nobody else is earlier.
TAKE = f"""
INSERT INTO turns (key, token, since, until) VALUES (:key, :token, now(), now() + :ttl)
ON CONFLICT (key) DO UPDATE SET token = excluded.token, since = excluded.since, until = excluded.until
WHERE turns.token = excluded.token OR {RUNS.format(now="excluded.since")} IS NOT TRUE
"""  # noqa: S608 - the same
KEEP = "UPDATE turns SET since = now(), until = now() + :ttl WHERE key = :key AND token = :token"
FREE = "DELETE FROM turns WHERE key = :key AND token = :token"
FREE_LATE = f"DELETE FROM turns WHERE {RUNS.format(now='now()')} IS NOT TRUE"  # noqa: S608 - the same


class SQLiteStore(LeasedStore):
    """Remembers visits in a file. Threads, tasks, forks and processes of one machine may share it, sync and async.

    - `path`: the file, made where it is missing, for its owner alone; its folder has to exist and be on a local disk.
      A network file system (NFS, SMB, sshfs, ...) is refused where the system tells: use `RedisStore`.
    - `timeout`: seconds that a step waits at most while another process writes; less if the call has less left.
    - `time_to_live`: seconds after which a visit that is not saved again is forgotten; default: never. Saving another
      one then removes what has expired from the file. The first use of it on a large file takes a moment.
    - `clock`, `monotonic`: the time of day, and one that all processes share and nobody sets; for tests.

    A record survives a crash of the process at any moment; after a power failure the last moments may be missing.
    How old a record is say both clocks, whichever makes it older; after a reboot, or when the time of day was set back,
    it is infinitely old: the visit goes on, and its engagement is asked for again. A lease does not survive a reboot.
    Where the system does not tell its boots apart (other than Linux), the time of day alone notices a reboot that took
    the machine to a longer uptime.

    Copy the file with `backup`, and in no other way from a process that uses the store: when it closes the file, or the
    `-shm` beside it, SQLite loses its locks, and another process may take what is in use away. On Linux a lock of the
    store's own protects the file, but not the `-shm`. To put a copy back, end all processes that use the store, or at
    least remove the `-wal` and `-shm` together with the old file. A store whose file was deleted, renamed or replaced
    logs a warning at its next step, and goes on with the file that is at `path` then.

    `close()`, `aclose()`, `with` or `async with` close the file; the next use would open it again.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        timeout: float = 5.0,
        time_to_live: float | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        check_seconds("timeout", timeout)
        self._time_to_live = check_time_to_live(time_to_live)
        self._database = _Database(_real_path(path), timeout, monotonic, indexed=time_to_live is not None)
        self._clock, self._monotonic, self._boot = clock, monotonic, _boot()

    def __repr__(self) -> str:
        """Name the file."""
        return f"SQLiteStore({self._database.path!r})"

    def load(self, key: str, timeout: float | None = None) -> Remembered | None:
        """Return what was saved last."""
        patience, (number, name) = Patience(timeout), place(key)
        row = self._database.run(timeout, _fetch, LOAD, (number,))
        remembered = self._remembered(name, row)
        if row and remembered is None:
            self._database.run(patience.left(), _change, FORGET_ROW, (number, row[0]))
        return remembered

    def compare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Save or forget, unless the key has changed."""
        version = secrets.randbits(63)
        if not self._database.run(timeout, *self._change_of(key, version, expected, record)):
            return None
        if record is not None and self._time_to_live < inf:
            with suppress(StoreError):  # the next save does it
                self._database.run(0, _change, FORGET_EXPIRED, (self._clock() - self._time_to_live,))
        return version

    def keys(self) -> list[str]:
        """Return the keys of which something is kept, in no particular order."""
        names = [
            name for rows in self._batches() for number, name in rows if name is not None and _hash(name) == number
        ]
        return [name.decode("utf-8", "surrogatepass") for name in names]

    def forget_older_than(self, seconds: float) -> int:
        """Forget visits that were last saved so long ago, by the time of day, and return how many.

        The file does not get smaller: new visits take their room.
        """
        self._database.run(None, _change, FREE_LATE, ())
        then, forgotten = self._clock() - seconds, 0
        for rows in self._batches():
            forgotten += self._database.run(None, _change, FORGET_OLD, (rows[0][0], rows[-1][0], then))
        return forgotten

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Write a copy of the file as it is at this moment, for its owner alone, while others go on using the store.

        What was at `path` is replaced once the copy is complete.
        """
        target = _real_path(path)
        if target == self._database.path:
            raise InvalidRequest("path", "must be another file than the store's")
        self._database.backup(target)

    async def aload(self, key: str, timeout: float | None = None) -> Remembered | None:
        """Return what was saved last."""
        patience, (number, name) = Patience(timeout), place(key)
        row = await self._database.arun(timeout, _fetch, LOAD, (number,))
        remembered = self._remembered(name, row)
        if row and remembered is None:
            await self._database.arun(patience.left(), _change, FORGET_ROW, (number, row[0]))
        return remembered

    async def acompare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Save or forget, unless the key has changed."""
        version = secrets.randbits(63)
        if not await self._database.arun(timeout, *self._change_of(key, version, expected, record)):
            return None
        if record is not None and self._time_to_live < inf:
            with suppress(StoreError):  # the next save does it
                await self._database.arun(0, _change, FORGET_EXPIRED, (self._clock() - self._time_to_live,))
        return version

    async def aforget_older_than(self, seconds: float) -> int:
        """See `forget_older_than`."""
        return await asyncio.to_thread(self.forget_older_than, seconds)

    def close(self) -> None:
        """Close the file, once all that was begun is done."""
        self._database.close()

    async def aclose(self) -> None:
        """See `close`."""
        await asyncio.to_thread(self.close)

    def _remembered(self, name: bytes, row: tuple[Any, ...] | None) -> Remembered | None:
        """Return what a row says; None if it is to be forgotten, as it is damaged or has expired."""
        if row is None:
            return None
        version, kept, wall, monotonic, boot, text = row
        if kept != name or None in row:
            logger.warning(UNREADABLE)
            return None
        record = from_json(text)
        elapsed = self._clock() - wall, self._monotonic() - monotonic if boot == self._boot else -1.0
        if record is None or max(elapsed) >= self._time_to_live:
            return None
        return Remembered(record, age(*elapsed), version)

    def _change_of(
        self, key: str, version: int, expected: object | None, record: Record | None
    ) -> tuple[Step[object], str, tuple[object, ...]]:
        """Return what saves or forgets a key: a statement whose result is true if it could."""
        number, name = place(key)
        if record is None and expected is None:
            return _fetch, MISSING, (number,)
        if record is None:
            return _change, FORGET, (number, name, expected)
        times = max(0.0, self._clock()), max(0.0, self._monotonic())
        values = (version, *times, self._boot, to_json(record).encode(), number, name)
        return (_change, INSERT, values) if expected is None else (_change, UPDATE, (*values, expected))

    def _batches(self) -> Iterator[list[tuple[int, bytes | None]]]:
        """Yield all rows of visits, by hash, some at once, each with its hash and key."""
        first = -(2**63)
        while first < 2**63 and (rows := self._database.run(None, _fetch_all, KEYS, (first,))):
            yield rows
            first = rows[-1][0] + 1

    def _take(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:
        return self._database.run(timeout, _change, TAKE, _lease(key, token, ttl)) == 1

    def _keep(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:
        return self._database.run(timeout, _change, KEEP, _lease(key, token, ttl)) == 1

    def _free(self, key: str, token: str, timeout: float | None) -> None:
        self._database.run(timeout, _change, FREE, _lease(key, token))

    async def _atake(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:
        return await self._database.arun(timeout, _change, TAKE, _lease(key, token, ttl)) == 1

    async def _akeep(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:
        return await self._database.arun(timeout, _change, KEEP, _lease(key, token, ttl)) == 1

    async def _afree(self, key: str, token: str, timeout: float | None) -> None:
        await self._database.arun(timeout, _change, FREE, _lease(key, token))


class _Patience(Patience):
    """How long a step goes on trying, and the pauses between its tries, which get longer."""

    def __init__(self, most: float, timeout: float | None) -> None:
        super().__init__(most if timeout is None else min(most, timeout))
        self._pause = PAUSES[0]

    def pause(self, busy: sqlite3.Error) -> float:
        """Return the seconds to the next try; raise `StoreError` if there is no time for one."""
        pause = self.cap(self._pause * random.uniform(0.5, 1.5))  # noqa: S311 - so that waiters do not march in step
        self._pause = min(self._pause * 1.5, PAUSES[1])
        if not pause:
            raise StoreError(_reason(busy)) from busy
        return pause


class _Pin:
    """A lock on the open file beside SQLite's own, which a process loses when it closes the file anywhere else.

    While it is held no process, not even this one, removes the -wal as the last to close. Linux only.
    """

    _file: FileIO | None = None
    _locked = False

    def __init__(self, path: str) -> None:
        self._file = FileIO(path)
        try:
            self._lock(shared=True)
            self._locked = True
        except OSError as error:  # no such locks here; the file stays open, as to close it now would lose SQLite's
            _check_system_failed(error)

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def release(self) -> None:
        """Give the lock up, and leave the file open until SQLite has closed it."""
        if self._locked:
            self._lock(shared=False)

    def _lock(self, *, shared: bool) -> None:
        if sys.platform == "linux" and self._file is not None:
            kind, (start, length) = fcntl.F_RDLCK if shared else fcntl.F_UNLCK, SHARED_LOCK
            flock = struct.pack("hhqqi", kind, os.SEEK_SET, start, length, 0)
            fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, flock)


@dataclass(eq=False, repr=False)
class _Open:
    """A file that is open, and which one it is."""

    pin: _Pin | None
    connection: sqlite3.Connection
    file: Identity
    wal: Identity
    """None unless there is one: not every file system can."""
    shm: Identity

    def close(self) -> None:
        """Close the file. The last one to do so moves the -wal into it."""
        if self.pin is not None:
            self.pin.release()
        self.connection.close()

    def abandon(self) -> None:
        """Close the file, but leave it and the -wal alone: there may be others by the same names."""
        if sys.version_info >= (3, 12):  # before, the pin alone keeps SQLite from it, where there is one
            self.connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
        self.connection.close()


class _Database:
    """One connection for the threads of this process, and one thread for its event loops.

    Nobody waits for another process in here: a busy database is left to the caller, who waits without any lock.
    """

    def __init__(self, path: str, timeout: float, monotonic: Callable[[], float], *, indexed: bool) -> None:
        self.path, self._wal, self._shm = path, f"{path}-wal", f"{path}-shm"
        self._timeout, self._monotonic, self._indexed = timeout, monotonic, indexed
        self._opened: _Open | None = None
        self.guard = threading.RLock()
        """Held for each statement, so that no fork comes amid one; a signal handler may ask amid one, too."""
        self.start()
        with _forks:
            _databases.add(self)

    def start(self) -> None:
        """Get a new thread: a fork leaves the old one behind."""
        self._executor = ThreadPoolExecutor(1, "liveperson-engagement")

    def run(self, timeout: float | None, step: Step[T], sql: str, values: Any) -> T:
        """Carry out a statement, waiting while the database is busy."""
        patience = None
        while True:
            try:
                return self._try(step, sql, values)
            except sqlite3.Error as busy:
                patience = patience or _Patience(self._timeout, timeout)
                pause = patience.pause(busy)
            time.sleep(pause)

    async def arun(self, timeout: float | None, step: Step[T], sql: str, values: Any) -> T:
        """Carry out a statement without keeping the event loop, waiting while the database is busy."""
        patience = None
        while True:
            try:
                return await self._threaded(self._try, step, sql, values)
            except sqlite3.Error as busy:
                patience = patience or _Patience(self._timeout, timeout)
                pause = patience.pause(busy)
            await asyncio.sleep(pause)

    async def _threaded(self, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Work one after another, so that a key is not freed before it is taken, even if that was cancelled."""
        while True:
            executor = self._executor
            try:
                todo = executor.submit(work, *arguments, **options)
            except RuntimeError:
                if executor is self._executor:
                    raise
                continue  # closed by somebody else just now: there is a new thread
            return await asyncio.wrap_future(todo)

    def _try(self, step: Step[T], sql: str, values: Any) -> T:
        """Carry out a statement at once; raise what SQLite does if the database is busy, else `StoreError`."""
        with self.guard:
            try:
                return step(self._current(), sql, values)
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                    raise
                if code != sqlite3.SQLITE_FULL:  # nothing that was read may be trusted any more
                    self._abandon()
                raise StoreError(_reason(error)) from error
            except OSError as error:
                _check_system_failed(error)
                raise StoreError(_reason(error)) from error

    def _current(self) -> sqlite3.Connection:
        """Return the connection to the file that is there now."""
        opened = self._opened
        if opened is not None and not self._is_same(opened):
            logger.warning("session store: the file is another one than was opened, or its -wal is; opening it again")
            self._leave(opened)
            opened = None
        if opened is None:
            opened = self._opened = self._open()
        return opened.connection

    def _is_same(self, opened: _Open) -> bool:
        return _identity(self.path) == opened.file and (opened.wal is None or _identity(self._wal) == opened.wal)

    def _leave(self, opened: _Open) -> None:
        """Close a file that is not at `path` any more, so that the one that is there is not changed."""
        moved = _identity(self.path) != opened.file
        if moved:
            with suppress(sqlite3.Error):  # all that was saved goes with it: there may be another name for it
                opened.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._abandon()
        if moved:  # and what SQLite has put beside it belongs to no other
            for path, identity in ((self._wal, opened.wal), (self._shm, opened.shm)):
                if identity is not None and _identity(path) == identity:
                    _unlink(path)

    def _abandon(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.abandon()

    def disconnect(self) -> None:
        """Close the file until it is used again."""
        with self.guard:
            opened = self._opened
            if opened is not None and not self._is_same(opened):
                self._leave(opened)
            elif opened is not None:
                self._opened = None
                opened.close()

    def close(self) -> None:
        """Finish what was begun, then close the file."""
        executor = self._executor
        self.start()
        executor.shutdown()
        self.disconnect()

    def backup(self, target: str) -> None:
        """Copy the file by a connection of its own, which holds up nobody."""
        self.run(None, _fetch, MISSING, (0,))  # it is there, and ours
        patience, part = _Patience(self._timeout, None), f"{target}.{secrets.token_hex(4)}.part"

        def wait(status: int, *_: int) -> None:
            if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                patience.pause(sqlite3.OperationalError("database is locked"))

        try:
            os.close(os.open(part, os.O_CREAT | os.O_EXCL, 0o600))
            with closing(sqlite3.connect(self.path, timeout=0)) as source, closing(sqlite3.connect(part)) as copy:
                source.backup(copy, progress=wait, sleep=PAUSES[1])
                copy.execute("PRAGMA journal_mode = DELETE").fetchone()  # one file, whole
            os.replace(part, target)
        except sqlite3.Error as error:
            raise StoreError(_reason(error)) from error
        except OSError as error:
            _check_system_failed(error)
            raise StoreError(_reason(error)) from error
        finally:
            _unlink(part)

    def _open(self) -> _Open:
        self._make_file()
        file = _identity(self.path)
        connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            connection.text_factory = bytes  # what is not UTF-8 is damage
            connection.create_function("now", 0, self._monotonic)
            has_wal = _prepare(connection, indexed=self._indexed)
            pin = _Pin(self.path) if has_wal and sys.platform == "linux" else None
            beside = (_identity(self._wal), _identity(self._shm)) if has_wal else (None, None)
            return _Open(pin, connection, file, *beside)
        except BaseException:
            connection.close()
            raise

    def _make_file(self) -> None:
        """Make the file where it is missing, and nothing where it could not be shared."""
        beside = [path for path in (self._wal, self._shm) if os.path.exists(path)]
        exists = os.path.exists(self.path)
        kind = _network(os.stat(self.path if exists else os.path.dirname(self.path)).st_dev)
        if kind is not None:
            raise StoreError(
                f"session store: the file is on a network file system ({kind}), where processes cannot share it; "
                "choose a local disk, or use RedisStore"
            )
        if not exists:
            for path in beside:  # of a file that was deleted while it was in use
                _unlink(path)
            with suppress(FileExistsError):  # nothing else is opened: closing it would drop this process's locks on it
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o600))


def _fetch(connection: sqlite3.Connection, sql: str, values: Any) -> tuple[Any, ...] | None:
    # In one expression, here and below: a cursor in a variable would live as long as a traceback, and read on.
    row: tuple[Any, ...] | None = connection.execute(sql, values).fetchone()
    return row


def _fetch_all(connection: sqlite3.Connection, sql: str, values: Any) -> list[Any]:
    return connection.execute(sql, values).fetchall()


def _change(connection: sqlite3.Connection, sql: str, values: Any) -> int:
    return connection.execute(sql, values).rowcount


def _prepare(connection: sqlite3.Connection, *, indexed: bool) -> bool:
    """Make the tables, unless they are there, and set what a connection needs; return whether there is a -wal."""
    if _is_new(connection):
        try:
            connection.executescript(TABLES)
        except sqlite3.OperationalError:
            connection.rollback()
            if _is_new(connection):  # else somebody else was quicker
                raise
    if _pragma(connection, "application_id") != APPLICATION:
        raise StoreError("session store: the file is another program's database")
    if _pragma(connection, "user_version") > SCHEMA:
        raise StoreError("session store: a newer liveperson-engagement made this database; upgrade to use it")
    has_wal: bool = _pragma(connection, "journal_mode = WAL") == b"wal"
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{CACHE}")
    if indexed:
        connection.execute(INDEX)
    _is_new(connection)  # reads, which makes the -wal
    return has_wal


def _is_new(connection: sqlite3.Connection) -> bool:
    return not connection.execute("SELECT 1 FROM sqlite_master").fetchone() and not _pragma(connection, "user_version")


def _pragma(connection: sqlite3.Connection, name: str) -> Any:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def place(key: str) -> tuple[int, bytes]:
    """Say where a key's visit lies: its hash, and the key. Were two to share a hash, one would not be remembered."""
    name = key.encode("utf-8", "surrogatepass")
    return _hash(name), name


def _hash(name: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big", signed=True)


def _lease(key: str, token: str, ttl: float = 0.0) -> dict[str, object]:
    """Return the values of a statement about a lease."""
    key_name, token_name = (text.encode("utf-8", "surrogatepass") for text in (key, token))
    return {"key": key_name, "token": token_name, "ttl": min(ttl, DAY)}


def _real_path(path: object) -> str:
    """Return the path of a file without links; raise `InvalidRequest` if it names none."""
    name: object = os.fspath(cast(str, path)) if isinstance(path, str | os.PathLike) else None
    if not isinstance(name, str) or name in {"", ":memory:"} or "\0" in name:
        raise InvalidRequest("path", "must name a file, as str or os.PathLike[str]; without one, use MemoryStore")
    return os.path.realpath(name)


def _identity(path: str) -> Identity:
    try:
        found = os.stat(path)
    except OSError as error:
        _check_system_failed(error)
        return None
    return found.st_dev, found.st_ino


def _unlink(path: str) -> None:
    """Remove a file, if it is there and may be removed."""
    try:
        os.unlink(path)
    except OSError as error:
        _check_system_failed(error)


def _check_system_failed(error: OSError) -> None:
    """Raise an error that is not the system's: a signal handler's, such as TimeoutError, has no number."""
    if error.errno is None:
        raise error


def _network(device: int) -> str | None:
    """Return which network file system a device is; None if it is another, or the system does not tell."""
    try:
        mounts = MOUNTS.read_text(errors="replace")
    except FileNotFoundError:
        return None
    return network_file_system(mounts, f"{os.major(device)}:{os.minor(device)}")


def network_file_system(mounts: str, device: str) -> str | None:
    """Return the type of a device ("major:minor") in the text of /proc/self/mountinfo if it is a network's."""
    for line in mounts.splitlines():
        mount, _, source = line.partition(" - ")
        if mount.split(" ")[2:3] == [device] and (kind := source.split(" ")[0]) in NETWORK:
            return kind
    return None


def _boot() -> int:
    """Return a number of this boot, or 0 where the system has none."""
    try:
        return int(Path("/proc/sys/kernel/random/boot_id").read_text()[:8], 16)
    except (OSError, ValueError):
        return 0


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


_forks = threading.RLock()
"""One fork after another, and none while a database is added."""
_databases: WeakSet[_Database] = WeakSet()
_held: list[_Database] = []
"""Those whose statements wait for a fork."""


def _before_fork() -> None:
    """Close the files: SQLite lets a child neither use nor close the connections of its parent."""
    _forks.acquire()
    for database in [*_databases]:
        _held.append(database)
        database.guard.acquire()
        with suppress(sqlite3.Error, OSError):
            database.disconnect()


def _after_fork() -> None:
    """Let parent and child open the files again, each for itself."""
    while _held:
        with suppress(RuntimeError):  # a signal handler has raised before it was acquired
            _held[-1].guard.release()
        _held.pop()
    _forks.release()


def _after_fork_in_child() -> None:
    for database in _held:
        database.start()
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
