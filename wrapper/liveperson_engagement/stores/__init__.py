"""What is remembered of a visit, and where."""

from __future__ import annotations

import base64
import json
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, Self
from weakref import WeakValueDictionary

from .._keyed_lock import KeyedLock
from ..errors import InvalidRequest, StoreError, check_count, check_seconds

logger = logging.getLogger("liveperson_engagement")


@dataclass(frozen=True, slots=True)
class VisitIds:
    """The ids that name a visit to the service. Keep them as long as the visit lasts; their values are not printed.

    Whoever has them can act as the visitor: keep them out of logs, and from scripts of a page (HttpOnly).
    """

    visitor_id: str = field(repr=False)
    session_id: str | None = field(default=None, repr=False)
    """None after "Loading account", when only the visitor is known."""
    page_id: str | None = field(default=None, repr=False)

    def to_text(self) -> str:
        """Return a text for a cookie or a URL, of some 120 characters: `from_text` makes the ids of it again."""
        ids = json.dumps([self.visitor_id, self.session_id, self.page_id], separators=(",", ":"))
        return base64.urlsafe_b64encode(ids.encode()).decode().rstrip("=")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the ids of a text that `to_text` has made; raise `InvalidRequest` for any other.

        Whether ids are such as the service gives, `visit(ids=)` says.
        """
        try:
            written = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            visitor_id, session_id, page_id = json.loads(written)
        except (TypeError, ValueError, RecursionError):
            visitor_id = session_id = page_id = None
        if not isinstance(visitor_id, str) or not all(isinstance(each, str | None) for each in (session_id, page_id)):
            raise InvalidRequest("text", "must be what VisitIds.to_text has returned; start a new visit")
        return cls(visitor_id, session_id, page_id)


@dataclass(frozen=True, slots=True)
class Record:
    """What a store keeps for a visit: ids and the last answers, no request bodies."""

    ids: VisitIds
    engagement: str | None = field(default=None, repr=False)
    """The last Available answer of this session, the JSON text that came."""
    answers: str | None = field(default=None, repr=False)
    """Hash of the request body that the last answer was given to."""
    not_available: str | None = field(default=None, repr=False)
    """The last answer, the JSON text that came, if it was NotAvailable."""


class Remembered(NamedTuple):
    """What a store found."""

    record: Record
    """What was saved last."""
    age: float
    """Seconds since it was saved, by the store's own clock; infinite where that cannot be told."""
    version: object
    """Stands for this state of the key and no other: see `SessionStore.compare_and_set`."""


class SessionStore(Protocol):
    """Where visits are remembered, for one or many processes. A key stands for one visit of one account.

    A key's lock has a holder, who is named by a token that nobody else has, and a lease: it frees itself after `ttl`
    seconds. `timeout` is the time, in seconds, that the caller has left for a step; None: as long as the store allows.

    Where its database fails a store raises `StoreError` from what it has caught. Whatever else is raised within a step,
    such as the exception of a signal handler, is none of the store's business, and goes through.
    """

    def load(self, key: str, timeout: float | None = None) -> Remembered | None:
        """Return what was saved last."""
        ...

    def compare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Save a record, or forget the key if it is None, unless the key has changed; in one step.

        `expected` is the version that was loaded, or None where nothing was. Return the new version (anything but
        None), or None if nothing was changed because another version is there.
        """
        ...

    def acquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Wait, at most `timeout` seconds, until nobody else holds the key's lock; hold it for at most `ttl` seconds.

        Return whether `token` holds it now. After an exception other than StoreError the caller has to `release`.
        """
        ...

    def extend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
        """Hold the lock for `ttl` seconds from now; return False if it was lost."""
        ...

    def release(self, key: str, token: str, timeout: float | None = None) -> None:
        """Give the lock back, or stop waiting for it; do nothing if `token` does neither."""
        ...


class AsyncSessionStore(Protocol):
    """The same for asyncio: see `SessionStore`."""

    async def aload(self, key: str, timeout: float | None = None) -> Remembered | None:
        """Return what was saved last."""
        ...

    async def acompare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Save a record, or forget the key if it is None, unless the key has changed; in one step."""
        ...

    async def aacquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Wait, at most `timeout` seconds, until nobody else holds the lock; hold it for at most `ttl` seconds."""
        ...

    async def aextend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
        """Hold the lock for `ttl` seconds from now; return False if it was lost."""
        ...

    async def arelease(self, key: str, token: str, timeout: float | None = None) -> None:
        """Give the lock back, or stop waiting for it; do nothing if `token` does neither."""
        ...


RECORD_VERSION = 1
UNREADABLE = "session store: a record cannot be read and is replaced; its visit starts again"


def to_json(record: Record) -> str:
    """Write a record as text for a store outside of this process."""
    ids = record.ids
    return _ENCODER.encode(
        {
            "v": RECORD_VERSION,
            "visitorId": ids.visitor_id,
            "sessionId": ids.session_id,
            "pageId": ids.page_id,
            "engagement": record.engagement,
            "answers": record.answers,
            "notAvailable": record.not_available,
        }
    )


_ENCODER = json.JSONEncoder(separators=(",", ":"))


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
    if not isinstance(found["v"], int):
        raise TypeError
    if found["v"] > RECORD_VERSION:
        raise StoreError("session store: a newer liveperson-engagement wrote this record; upgrade to read it")
    texts = found["engagement"], found["answers"], found["notAvailable"]
    if not isinstance(found["visitorId"], str) or not all(isinstance(text, str | None) for text in texts):
        raise TypeError
    return Record(VisitIds(found["visitorId"], found["sessionId"], found["pageId"]), *texts)


def age(*elapsed: float) -> float:
    """Return the age that several clocks agree on at least; infinite if one of them has gone backwards."""
    return max(elapsed) if min(elapsed) >= 0 else math.inf


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class _Saved:
    """A record in memory, and when it was saved by both clocks. It is its own version."""

    record: Record
    wall: float
    monotonic: float


class MemoryStore(KeyedLock):
    """Remembers visits in this process, for sync and async clients alike; the default.

    - `max_visits`: how many visits are remembered; those that were not used for the longest time go first. One that a
      call in progress has loaded stays until the call ends.
    - `time_to_live`: seconds after which a visit that is not saved again is forgotten; default: never.
    - `clock`, `monotonic`: the time of day, which runs on while the machine sleeps, and a time that nobody sets; for
      tests.

    An engagement is as old as the clock says that makes it older; if one went back, it is asked for again.
    """

    def __init__(
        self,
        *,
        max_visits: int = 100_000,
        time_to_live: float | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        check_count("max_visits", max_visits)
        self._max_visits, self._time_to_live = max_visits, check_time_to_live(time_to_live)
        self._clock, self._monotonic = clock, monotonic
        self._saved: OrderedDict[str, _Saved] = OrderedDict()
        """The least recently used first."""
        self._evicted: WeakValueDictionary[str, _Saved] = WeakValueDictionary()
        """Those that went for want of room, while a call in progress still has them."""

    def load(self, key: str, timeout: float | None = None) -> Remembered | None:  # noqa: ARG002
        """Return what was saved last."""
        with self._guard:
            saved = self._saved.get(key) or self._evicted.get(key)
            if saved is None:
                return None
            elapsed = self._clock() - saved.wall, self._monotonic() - saved.monotonic
            if max(elapsed) >= self._time_to_live:
                self._drop(key)
                return None
            if key in self._saved:
                self._saved.move_to_end(key)
            return Remembered(saved.record, age(*elapsed), saved)

    def compare_and_set(
        self,
        key: str,
        expected: object | None,
        record: Record | None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> object | None:
        """Save or forget, unless the key has changed."""
        with self._guard:
            if (self._saved.get(key) or self._evicted.get(key)) is not expected:
                return None
            self._drop(key)
            if record is None:
                return True
            saved = self._saved[key] = _Saved(record, self._clock(), self._monotonic())
            while len(self._saved) > self._max_visits:
                oldest, evicted = self._saved.popitem(last=False)
                self._evicted[oldest] = evicted
            return saved

    async def aload(self, key: str, timeout: float | None = None) -> Remembered | None:
        """Return what was saved last."""
        return self.load(key, timeout)

    async def acompare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Save or forget, unless the key has changed."""
        return self.compare_and_set(key, expected, record, timeout)

    def keys(self) -> list[str]:
        """Return the keys of which something is kept, the least recently used first."""
        with self._guard:
            return [*self._saved]

    def _drop(self, key: str) -> None:
        self._saved.pop(key, None)
        self._evicted.pop(key, None)


def check_time_to_live(seconds: float | None) -> float:
    """Return the seconds, infinite for None; raise `InvalidRequest` unless they are some."""
    if seconds is None:
        return math.inf
    check_seconds("time_to_live", seconds, least=0.001)
    return seconds
