"""What is remembered of a visit, and where."""

from __future__ import annotations

import json
import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from weakref import WeakSet

from ..errors import StoreError

logger = logging.getLogger("liveperson_engagement")


@dataclass(frozen=True, slots=True)
class VisitIds:
    """The ids that name a visit to the service. Keep them as long as the visit lasts; their values are not printed."""

    visitor_id: str = field(repr=False)
    session_id: str | None = field(default=None, repr=False)
    """None after "Loading account", when only the visitor is known."""
    page_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """What a store keeps for a visit: ids and the last engagement, no request bodies."""

    ids: VisitIds
    engagement: str | None = field(default=None, repr=False)
    """The last Available answer of this session, the JSON text that came."""
    answers: str | None = field(default=None, repr=False)
    """Hash of the request body that the engagement still answers; None once a later answer was NotAvailable."""


class Remembered(NamedTuple):
    """What a store found."""

    record: Record
    """What was saved last."""
    age: float
    """Seconds since it was saved, by the store's own clock; infinite where that cannot be told."""
    version: object
    """Stands for this state of the key and no other: see `SessionStore.compare_and_set`."""


class SessionStore(Protocol):
    """Where visits are remembered, for one or many processes. A key stands for one visit of one account."""

    def load(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        ...

    def compare_and_set(self, key: str, expected: object | None, record: Record | None) -> object | None:
        """Save a record, or forget the key if it is None, unless the key has changed; in one step.

        `expected` is the version that was loaded, or None where nothing was. Return the new version (anything but
        None), or None if nothing was changed because another version is there.
        """
        ...

    def acquire(self, key: str, timeout: float | None, ttl: float) -> object | None:
        """Wait, at most `timeout` seconds, until nobody else holds the key; hold it for at most `ttl` seconds.

        Return a lease for `extend` and `release`, or None when the time is up.
        """
        ...

    def extend(self, key: str, lease: object, ttl: float) -> bool:
        """Hold the key for `ttl` seconds from now; return False if somebody else has got it."""
        ...

    def release(self, key: str, lease: object) -> None:
        """Let the next one in, if the lease still holds."""
        ...


class AsyncSessionStore(Protocol):
    """The same for asyncio: see `SessionStore`."""

    async def aload(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        ...

    async def acompare_and_set(self, key: str, expected: object | None, record: Record | None) -> object | None:
        """Save a record, or forget the key if it is None, unless the key has changed; in one step."""
        ...

    async def aacquire(self, key: str, timeout: float | None, ttl: float) -> object | None:
        """Wait, at most `timeout` seconds, until nobody else holds the key; hold it for at most `ttl` seconds."""
        ...

    async def aextend(self, key: str, lease: object, ttl: float) -> bool:
        """Hold the key for `ttl` seconds from now; return False if somebody else has got it."""
        ...

    async def arelease(self, key: str, lease: object) -> None:
        """Let the next one in, if the lease still holds."""
        ...


RECORD_VERSION = 1
UNREADABLE = "session store: a record cannot be read and is replaced; its visit starts again"


def to_json(record: Record) -> str:
    """Write a record as text for a store outside of this process."""
    ids = record.ids
    return json.dumps(
        {
            "v": RECORD_VERSION,
            "visitorId": ids.visitor_id,
            "sessionId": ids.session_id,
            "pageId": ids.page_id,
            "engagement": record.engagement,
            "answers": record.answers,
        },
        separators=(",", ":"),
    )


def from_json(text: str | bytes) -> Record | None:
    """Read what `to_json` wrote. Return None, and log a warning, where it is corrupt: then forget it.

    Raises StoreError where a newer version of this package wrote it: then leave it alone.
    """
    try:
        return _parsed(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError):
        logger.warning(UNREADABLE)
        return None


def _parsed(found: Any) -> Record:
    if found["v"] > RECORD_VERSION:
        raise StoreError("session store: a newer liveperson-engagement wrote this record; upgrade to read it")
    if not isinstance(found["visitorId"], str) or not isinstance(found["engagement"], str | None):
        raise TypeError
    return Record(
        VisitIds(found["visitorId"], found["sessionId"], found["pageId"]), found["engagement"], found["answers"]
    )


def age(*elapsed: float) -> float:
    """Return the age that several clocks agree on at least; infinite if one of them has gone backwards."""
    return max(elapsed) if min(elapsed) >= 0 else math.inf


class KeyedLock:
    """One holder a key, in order of arrival, whether threads or tasks of any event loop ask."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._queues: dict[str, deque[Future[None]]] = {}
        """The holder of each key, and those who wait behind it."""
        _locks.add(self)

    def acquire(self, key: str, timeout: float | None, ttl: float) -> object | None:  # noqa: ARG002
        """Wait for the key as a thread."""
        place = self._join(key)
        try:
            place.result(timeout)
        except TimeoutError:
            self._give_up(key, place)
            return None
        except BaseException:
            self._give_up(key, place)
            raise
        return place

    async def aacquire(self, key: str, timeout: float | None, ttl: float) -> object | None:  # noqa: ARG002
        """Wait for the key as a task."""
        place = self._join(key)
        if place.done():
            return place
        import asyncio  # noqa: PLC0415 - takes long, and sync callers do without

        try:
            async with asyncio.timeout(timeout):
                await asyncio.wrap_future(place)
        except TimeoutError:
            self._give_up(key, place)
            return None
        except BaseException:
            self._give_up(key, place)
            raise
        return place

    def extend(self, key: str, lease: object, ttl: float) -> bool:  # noqa: ARG002
        """Keep the key: within a process it is held until it is released."""
        return True

    async def aextend(self, key: str, lease: object, ttl: float) -> bool:
        """Keep the key: within a process it is held until it is released."""
        return self.extend(key, lease, ttl)

    def release(self, key: str, lease: object) -> None:
        """Hand the key, if the lease holds it, to the next one that still waits."""
        with self._guard:
            queue = self._queues.get(key)
            if not queue or queue[0] is not lease:
                return
            queue.popleft()
            while queue:
                if queue[0].set_running_or_notify_cancel():
                    queue[0].set_result(None)
                    return
                queue.popleft()
            del self._queues[key]

    async def arelease(self, key: str, lease: object) -> None:
        """Hand the key to the next one that still waits."""
        self.release(key, lease)

    def _join(self, key: str) -> Future[None]:
        place: Future[None] = Future()
        with self._guard:
            queue = self._queues.setdefault(key, deque())
            queue.append(place)
            if queue[0] is place:
                place.set_result(None)
        return place

    def _give_up(self, key: str, place: Future[None]) -> None:
        if not place.cancel():  # it came after all, while we were leaving
            self.release(key, place)

    def forked(self) -> None:
        """Forget the waiters and holders that are threads of the parent process."""
        self._guard = threading.Lock()
        self._queues = {}


_locks: WeakSet[KeyedLock] = WeakSet()


def _forked() -> None:
    for lock in _locks:
        lock.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class MemoryStore(KeyedLock):
    """Remembers visits in this process, for sync and async clients alike; the default."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._records: dict[str, tuple[Record, float]] = {}

    def load(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        found = self._records.get(key)
        if found is None:
            return None
        elapsed = self._clock() - found[1]
        return Remembered(found[0], elapsed if elapsed >= 0 else math.inf, found)

    def compare_and_set(self, key: str, expected: object | None, record: Record | None) -> object | None:
        """Save or forget, unless the key has changed."""
        with self._guard:
            if self._records.get(key) is not expected:
                return None
            if record is None:
                self._records.pop(key, None)
                return True
            saved = self._records[key] = record, self._clock()
            return saved

    async def aload(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        return self.load(key)

    async def acompare_and_set(self, key: str, expected: object | None, record: Record | None) -> object | None:
        """Save or forget, unless the key has changed."""
        return self.compare_and_set(key, expected, record)
