"""A store of one's own: a file for each visit, in one directory, for the processes of one machine (not Windows).

`LeasedStore` does the waiting. What is left is to take and free a lock, and to load and save a record. Each of these is
one step that no other process may come between; here a lock on a file sees to that. It takes microseconds, so an event
loop does it itself. Steps that take longer are overridden for tasks: `aload`, `_atake` and so on.
"""

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from liveperson_engagement import StoreError
from liveperson_engagement.stores import Record, Remembered, age, from_json, to_json
from liveperson_engagement.stores.leased import LeasedStore


class FileStore(LeasedStore):
    """Remembers visits in the files of a directory that only its owner may read."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        super().__init__()
        self._directory = Path(directory)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def load(self, key: str, timeout: float | None = None) -> Remembered | None:
        """Return what was saved last."""
        with self._alone(key) as path:
            return self._read(path)

    def compare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
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

    def _take(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:
        with self._alone(f"lock of {key}") as path:
            holder, until = self._holder(path)
            if holder == token or until < time.time():
                self._write(path, f"{token} {time.time() + ttl}")
                return True
            return False

    def _keep(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:
        with self._alone(f"lock of {key}") as path:
            if self._holder(path)[0] == token:
                self._write(path, f"{token} {time.time() + ttl}")
                return True
            return False

    def _free(self, key: str, token: str, timeout: float | None) -> None:
        with self._alone(f"lock of {key}") as path:
            if self._holder(path)[0] == token:
                path.unlink()

    def _holder(self, path: Path) -> tuple[str, float]:
        holder, until = path.read_text().split() if path.exists() else ("", "0")
        return holder, float(until)

    @contextmanager
    def _alone(self, name: str) -> Generator[Path]:
        """Find the file of a name while nobody else may touch it. A crash lets go of the lock, as closing does."""
        digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()  # a key may hold any character
        try:
            with open(self._directory / "lock", "a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield self._directory / digest
        except OSError as error:
            raise StoreError(type(error).__name__) from error

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
