"""What stores outside of the process have in common: a key is held for a time, so that a crash frees it.

Within a process callers wait in a queue; only the first of them asks the store, again and again until the key is free.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from contextlib import suppress
from typing import NamedTuple, Self

from . import KeyedLock

POLL = 0.02
"""Seconds between two looks at a key that is taken, at first; up to ten times that later."""


class _Lease(NamedTuple):
    """What a holder has: a token in the database, and a place in this process."""

    token: str
    place: object


class LeasedStore:
    """Base of stores that several processes share. A subclass says how a key is taken, kept and given back."""

    def __init__(self) -> None:
        self._queue = KeyedLock()

    def _take(self, key: str, token: str, seconds: float) -> bool:
        """Hold a key that is free, or that `token` holds already, for `seconds` from now; False if it is another's."""
        raise NotImplementedError

    def _keep(self, key: str, token: str, seconds: float) -> bool:
        """Hold a key for `seconds` from now if `token` still holds it, False otherwise, even if it is free by now."""
        raise NotImplementedError

    def _free(self, key: str, token: str) -> None:
        """Give a key back, if `token` holds it."""
        raise NotImplementedError

    async def _atake(self, key: str, token: str, seconds: float) -> bool:
        raise NotImplementedError

    async def _akeep(self, key: str, token: str, seconds: float) -> bool:
        raise NotImplementedError

    async def _afree(self, key: str, token: str) -> None:
        raise NotImplementedError

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

    def acquire(self, key: str, timeout: float | None, ttl: float) -> object | None:
        """Wait for the key as a thread."""
        wait = _Wait(timeout)
        place = self._queue.acquire(key, timeout, ttl)
        if place is None:
            return None
        token, taken = secrets.token_hex(16), False
        try:
            while not (taken := self._take(key, token, ttl)) and (pause := wait.next()) is not None:
                time.sleep(pause)
        finally:
            if not taken:
                self._queue.release(key, place)
        return _Lease(token, place) if taken else None

    async def aacquire(self, key: str, timeout: float | None, ttl: float) -> object | None:
        """Wait for the key as a task."""
        wait = _Wait(timeout)
        place = await self._queue.aacquire(key, timeout, ttl)
        if place is None:
            return None
        token, taken = secrets.token_hex(16), False
        try:
            while not (taken := await self._atake(key, token, ttl)) and (pause := wait.next()) is not None:  # noqa: ASYNC110
                await asyncio.sleep(pause)
        except asyncio.CancelledError:
            with suppress(Exception):  # a failure would take the place of the cancellation
                await asyncio.shield(self._afree(key, token))  # the store may have heard the question
            raise
        finally:
            if not taken:
                self._queue.release(key, place)
        return _Lease(token, place) if taken else None

    def extend(self, key: str, lease: object, ttl: float) -> bool:
        """Hold the key for `ttl` seconds from now."""
        return isinstance(lease, _Lease) and self._keep(key, lease.token, ttl)

    async def aextend(self, key: str, lease: object, ttl: float) -> bool:
        """Hold the key for `ttl` seconds from now."""
        return isinstance(lease, _Lease) and await self._akeep(key, lease.token, ttl)

    def release(self, key: str, lease: object) -> None:
        """Let the next one in."""
        if isinstance(lease, _Lease):  # whoever goes on without the store has none
            try:
                self._free(key, lease.token)
            finally:
                self._queue.release(key, lease.place)

    async def arelease(self, key: str, lease: object) -> None:
        """Let the next one in, even if this task is cancelled meanwhile."""
        if isinstance(lease, _Lease):
            try:
                await asyncio.shield(self._afree(key, lease.token))
            finally:
                self._queue.release(key, lease.place)


class _Wait:
    """The pauses of a wait that ends in time."""

    def __init__(self, timeout: float | None) -> None:
        self._ends = None if timeout is None else time.monotonic() + timeout
        self._pause = POLL

    def next(self) -> float | None:
        """Return how long to wait before the next look, or None when the time is up."""
        pause = self._pause * random.uniform(0.5, 1.5)  # noqa: S311 - so that waiters do not march in step
        self._pause = min(self._pause * 1.2, 10 * POLL)
        if self._ends is None:
            return pause
        left = self._ends - time.monotonic()
        return min(pause, left) if left > 0 else None
