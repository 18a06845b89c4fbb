"""What stores outside of the process have in common: a lock has a lease, so that a crash frees it.

Within a process callers wait in a queue; only the first of them asks the store, again and again until the lock is free.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Generator
from typing import Self

from .._keyed_lock import KeyedLock, Patience
from ..errors import StoreError
from . import Record, Remembered

POLL = 0.02
"""Seconds between two looks at a lock that is taken, at first; up to ten times that later."""


class LeasedStore:
    """Base of stores that several processes share: it does the waiting.

    A subclass says how a record is loaded and saved, and how a lock is taken, kept and freed: for threads, and for
    tasks unless all of that is quick enough to be done on the event loop. Each is one step of the database, and may be
    asked for again: a second `_take` of the same token holds the lock just as the first. Where the database fails, it
    raises `StoreError`. `timeout` is the time in seconds that the caller has left.
    """

    def __init__(self) -> None:
        self._queue = KeyedLock()

    def load(self, key: str, timeout: float | None = None) -> Remembered | None:
        """Return what was saved last."""
        raise NotImplementedError

    def compare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Save or forget, unless the key has changed."""
        raise NotImplementedError

    def _take(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:
        """Hold a lock that is free, or that `token` holds already, for `ttl` seconds; False if it is another's."""
        raise NotImplementedError

    def _keep(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:
        """Hold a lock for `ttl` seconds from now if `token` still holds it; False otherwise, even if it is free."""
        raise NotImplementedError

    def _free(self, key: str, token: str, timeout: float | None) -> None:
        """Give a lock back, if `token` holds it."""
        raise NotImplementedError

    async def aload(self, key: str, timeout: float | None = None) -> Remembered | None:
        """Return what was saved last."""
        return self.load(key, timeout)

    async def acompare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Save or forget, unless the key has changed."""
        return self.compare_and_set(key, expected, record, timeout)

    async def _atake(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:
        return self._take(key, token, ttl, timeout)

    async def _akeep(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:
        return self._keep(key, token, ttl, timeout)

    async def _afree(self, key: str, token: str, timeout: float | None) -> None:
        self._free(key, token, timeout)

    def close(self) -> None:
        """Let go of what threads use of the database; nothing, unless a subclass says what."""

    async def aclose(self) -> None:
        """Let go of what the running event loop uses of the database; nothing, unless a subclass says what."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def acquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Wait for the lock as a thread."""
        patience, pauses = Patience(timeout), _pauses()
        if not self._queue.acquire(key, token, timeout, ttl):
            return False
        try:
            while not self._take(key, token, ttl, patience.left()):
                if not (pause := patience.cap(next(pauses))):
                    self._queue.release(key, token)
                    return False
                time.sleep(pause)
                self._queue.extend(key, token, ttl)
        except StoreError:
            self._queue.release(key, token)
            raise
        return True

    async def aacquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Wait for the lock as a task."""
        patience, pauses = Patience(timeout), _pauses()
        if not await self._queue.aacquire(key, token, timeout, ttl):
            return False
        try:
            while not await self._atake(key, token, ttl, patience.left()):
                if not (pause := patience.cap(next(pauses))):
                    self._queue.release(key, token)
                    return False
                await asyncio.sleep(pause)
                self._queue.extend(key, token, ttl)
        except StoreError:
            self._queue.release(key, token)
            raise
        return True

    def extend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
        """Hold the lock for `ttl` seconds from now."""
        self._queue.extend(key, token, ttl)
        return self._keep(key, token, ttl, timeout)

    async def aextend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
        """Hold the lock for `ttl` seconds from now."""
        self._queue.extend(key, token, ttl)
        return await self._akeep(key, token, ttl, timeout)

    def release(self, key: str, token: str, timeout: float | None = None) -> None:
        """Let the next one in."""
        try:
            if self._queue.is_held(key, token):
                self._free(key, token, timeout)
        except StoreError:
            self._queue.release(key, token)
            raise
        self._queue.release(key, token)

    async def arelease(self, key: str, token: str, timeout: float | None = None) -> None:
        """Let the next one in."""
        try:
            if self._queue.is_held(key, token):
                await self._afree(key, token, timeout)
        except StoreError:
            self._queue.release(key, token)
            raise
        self._queue.release(key, token)


def _pauses() -> Generator[float]:
    """Yield the seconds between two looks at a lock that is taken."""
    pause = POLL
    while True:
        yield pause * random.uniform(0.5, 1.5)  # noqa: S311 - so that waiters do not march in step
        pause = min(pause * 1.2, 10 * POLL)
