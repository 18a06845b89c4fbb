"""A store of one's own: a file for each visit, in one directory, for the processes of one machine (not Windows).

`LeasedStore` does the waiting. What is left is to take and free a key, and to load and save a record. Each of
these is one step that no other thread or process may come between; here a lock on a file sees to that. A step takes
microseconds, so an event loop does it itself. In a thread it could outlive its task: a cancelled `_atake` has to end
before its `_afree` begins.
"""

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from liveperson_engagement.stores import Record, Remembered, age, from_json, to_json
from liveperson_engagement.stores.leased import LeasedStore


class FileStore(LeasedStore):
    """Remembers visits in the files of a directory that only its owner may read."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        super().__init__()
        self._directory = Path(directory)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def load(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        with self._alone(key) as path:
            return self._read(path)

    def compare_and_set(self, key: str, expected: object | None, record: Record | None) -> object | None:
        """Save or forget, unless the key has changed."""
        with self._alone(key) as path:
            before = self._read(path)
            if (before and before.version) != expected:
                return None
            version = secrets.token_hex(16)  # never the same again
            if record is None:
                path.unlink(missing_ok=True)
            else:
                self._write(path, f"{version} {time.time()}\n{to_json(record)}")
            return version

    def _take(self, key: str, token: str, seconds: float) -> bool:
        with self._alone(f"lease of {key}") as path:
            holder, until = path.read_text().split() if path.exists() else (token, 0)
            if holder != token and float(until) > time.time():
                return False
            self._write(path, f"{token} {time.time() + seconds}")
            return True

    def _keep(self, key: str, token: str, seconds: float) -> bool:
        with self._alone(f"lease of {key}") as path:
            held = path.exists() and path.read_text().split()[0] == token
            if held:
                self._write(path, f"{token} {time.time() + seconds}")
            return held

    def _free(self, key: str, token: str) -> None:
        with self._alone(f"lease of {key}") as path:
            if path.exists() and path.read_text().split()[0] == token:
                path.unlink()

    async def aload(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        return self.load(key)

    async def acompare_and_set(self, key: str, expected: object | None, record: Record | None) -> object | None:
        """Save or forget, unless the key has changed."""
        return self.compare_and_set(key, expected, record)

    async def _atake(self, key: str, token: str, seconds: float) -> bool:
        return self._take(key, token, seconds)

    async def _akeep(self, key: str, token: str, seconds: float) -> bool:
        return self._keep(key, token, seconds)

    async def _afree(self, key: str, token: str) -> None:
        self._free(key, token)

    @contextmanager
    def _alone(self, name: str) -> Generator[Path]:
        """Find the file of a name while nobody else may touch it. A crash lets go of the lock, as closing does."""
        with open(self._directory / "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self._directory / hashlib.sha256(name.encode()).hexdigest()  # a key may hold any character

    def _read(self, path: Path) -> Remembered | None:
        try:
            head, text = path.read_text().split("\n", 1)
        except FileNotFoundError:
            return None
        version, saved = head.split()
        record = from_json(text)  # None where the text is damaged: then it counts as nothing
        return Remembered(record, age(time.time() - float(saved)), version) if record else None

    def _write(self, path: Path, text: str) -> None:
        """Put the whole text in place at once, so that a crash leaves the old one or the new one."""
        fresh = path.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(path)
