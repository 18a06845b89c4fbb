"""What is remembered of a visit, and where.

What the contract could not express: that the ids of an answer outlive the call, and that the first call of a visit is
made once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol


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
    engagement: dict[str, Any] | None = field(default=None, repr=False)
    """The last Available answer of this session, as JSON."""
    answers: bytes | None = field(default=None, repr=False)
    """Hash of the request body that the engagement still answers; None once a later answer was NotAvailable."""


class Remembered(NamedTuple):
    """A record and its age in seconds, by the store's own clock."""

    record: Record
    age: float


class SessionStore(Protocol):
    """Where visits are remembered. A key stands for one visit of one account."""

    def load(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        ...

    def save(self, key: str, record: Record) -> None:
        """Replace what is remembered."""
        ...

    def delete(self, key: str) -> None:
        """Forget the key."""
        ...

    def acquire(self, key: str, timeout: float | None) -> object:
        """Wait, at most `timeout` seconds, until nobody else holds the key; raise TimeoutError after that."""
        ...

    def release(self, key: str, lease: object) -> None:
        """Let the next one in; `lease` is what `acquire` returned."""
        ...


class AsyncSessionStore(Protocol):
    """The same for asyncio."""

    async def aload(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        ...

    async def asave(self, key: str, record: Record) -> None:
        """Replace what is remembered."""
        ...

    async def adelete(self, key: str) -> None:
        """Forget the key."""
        ...

    async def aacquire(self, key: str, timeout: float | None) -> object:
        """Wait, at most `timeout` seconds, until nobody else holds the key; raise TimeoutError after that."""
        ...

    async def arelease(self, key: str, lease: object) -> None:
        """Let the next one in; `lease` is what `aacquire` returned."""
        ...


class Turns:
    """One holder a key, in order of arrival, whether threads or tasks of any event loop ask."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._queues: dict[str, deque[Future[None]]] = {}

    def acquire(self, key: str, timeout: float | None) -> None:
        """Wait for the key as a thread."""
        turn = self._join(key)
        try:
            turn.result(timeout)
        except BaseException:
            self._give_up(key, turn)
            raise

    async def aacquire(self, key: str, timeout: float | None) -> None:
        """Wait for the key as a task."""
        turn = self._join(key)
        if turn.done():
            return
        try:
            async with asyncio.timeout(timeout):
                await asyncio.wrap_future(turn)
        except BaseException:
            self._give_up(key, turn)
            raise

    def release(self, key: str, lease: object = None) -> None:  # noqa: ARG002
        """Hand the key to the next one that still waits."""
        with self._guard:
            queue = self._queues[key]
            while queue:
                turn = queue.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            del self._queues[key]

    async def arelease(self, key: str, lease: object = None) -> None:
        """Hand the key to the next one that still waits."""
        self.release(key, lease)

    def _join(self, key: str) -> Future[None]:
        turn: Future[None] = Future()
        with self._guard:
            if key in self._queues:
                self._queues[key].append(turn)
            else:
                self._queues[key] = deque()
                turn.set_result(None)
        return turn

    def _give_up(self, key: str, turn: Future[None]) -> None:
        if not turn.cancel():  # it came after all, while we were leaving
            self.release(key)


class MemoryStore(Turns):
    """Remembers visits in this process, for sync and async clients alike; the default."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._records: dict[str, tuple[Record, float]] = {}

    def load(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        found = self._records.get(key)
        return None if found is None else Remembered(found[0], self._clock() - found[1])

    def save(self, key: str, record: Record) -> None:
        """Replace what is remembered."""
        self._records[key] = record, self._clock()

    def delete(self, key: str) -> None:
        """Forget the key."""
        self._records.pop(key, None)

    async def aload(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        return self.load(key)

    async def asave(self, key: str, record: Record) -> None:
        """Replace what is remembered."""
        self.save(key, record)

    async def adelete(self, key: str) -> None:
        """Forget the key."""
        self.delete(key)
