"""A lock for each key, with a queue and a lease, for threads and tasks alike."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from weakref import WeakSet


class Patience:
    """The seconds that a caller is willing to wait, or None for any time, in pauses."""

    def __init__(self, seconds: float | None) -> None:
        self._ends = math.inf if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Return the seconds that are left, 0 when the time is up."""
        return None if self._ends == math.inf else max(0.0, self._ends - time.monotonic())

    def cap(self, pause: float) -> float:
        """Return the lesser of a pause and what is left."""
        return max(0.0, min(pause, self._ends - time.monotonic()))


def _nobody() -> None:
    """Wake nobody: the caller does not sleep yet."""


@dataclass(slots=True, eq=False, repr=False)
class _Place:
    """A caller's place in the queue for a lock."""

    ttl: float
    until: float | None = None
    """When the lease ends, once it holds the lock: which is when it comes first in the queue."""
    wake: Callable[[], object] = _nobody


class KeyedLock:
    """One holder a key, or some, in order of arrival, whether threads or tasks of any event loop ask.

    A holder is named by a token that nobody else has. Whoever is interrupted, by a signal handler or a cancellation,
    calls `release`, in whatever moment that was.
    """

    def __init__(self, holders: int = 1) -> None:
        self._holders = holders
        self._guard = threading.Lock()
        self._queues: dict[str, OrderedDict[str, _Place]] = {}
        """By key and token: the holders, and those who wait behind them."""
        _locks.add(self)

    def acquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Wait for the lock as a thread."""
        pause = self._claim(key, token, ttl)
        if not pause:
            return True
        patience = Patience(timeout)
        asleep = threading.Lock()  # an Event does not bear the exception of a signal handler
        asleep.acquire()

        def wake() -> None:
            with suppress(RuntimeError):  # it is awake already
                asleep.release()

        while pause := self._claim(key, token, ttl, wake):
            if not (pause := patience.cap(pause)):
                self.release(key, token)
                return False
            asleep.acquire(timeout=pause)
        return True

    async def aacquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Wait for the lock as a task."""
        pause = self._claim(key, token, ttl)
        if not pause:
            return True
        import asyncio  # noqa: PLC0415 - takes long, and sync callers do without

        patience, woken, loop = Patience(timeout), asyncio.Event(), asyncio.get_running_loop()
        while pause := self._claim(key, token, ttl, lambda: loop.call_soon_threadsafe(woken.set)):
            if not (pause := patience.cap(pause)):
                self.release(key, token)
                return False
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await woken.wait()
            woken.clear()
        return True

    def is_held(self, key: str, token: str) -> bool:
        """Return whether the token holds the lock."""
        with self._guard:
            return self._holds(key, token)

    def extend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:  # noqa: ARG002
        """Hold the lock for `ttl` seconds from now, unless somebody else has got it."""
        with self._guard:
            if not self._holds(key, token):
                return False
            self._queues[key][token].until = time.monotonic() + ttl
            return True

    async def aextend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
        """Hold the lock for `ttl` seconds from now, unless somebody else has got it."""
        return self.extend(key, token, ttl, timeout)

    def release(self, key: str, token: str, timeout: float | None = None) -> None:  # noqa: ARG002
        """Leave the queue; if the lock was held, the next one has it."""
        with self._guard:
            queue = self._queues.get(key)
            if queue is not None:
                queue.pop(token, None)
                self._serve(key, queue)

    async def arelease(self, key: str, token: str, timeout: float | None = None) -> None:
        """Leave the queue; if the lock was held, the next one has it."""
        self.release(key, token, timeout)

    def _holds(self, key: str, token: str) -> bool:
        return token in islice(self._queues.get(key, ()), self._holders)

    def _claim(self, key: str, token: str, ttl: float, wake: Callable[[], object] = _nobody) -> float:
        """Return 0 if the token holds the lock, else the seconds that another's lease still runs.

        Queues up first, if that is not done yet, and ends leases that have run out.
        """
        with self._guard:
            queue = self._queues.setdefault(key, OrderedDict())
            if token not in queue:
                queue[token] = _Place(ttl)
            queue[token].wake = wake
            self._serve(key, queue)
            while not self._holds(key, token):
                holder, place = min(islice(queue.items(), self._holders), key=_by_end_of_lease)
                left = (place.until or 0) - time.monotonic()
                if left > 0:
                    return left
                del queue[holder]
                self._serve(key, queue)
            return 0

    def _serve(self, key: str, queue: OrderedDict[str, _Place]) -> None:
        """Begin the leases of those who come first now, if they have not begun."""
        for token, place in [*islice(queue.items(), self._holders)]:
            if place.until is None:
                try:
                    place.wake()
                except RuntimeError:  # its event loop is closed
                    del queue[token]
                    self._serve(key, queue)
                    return
                place.until = time.monotonic() + place.ttl
        if not queue:
            self._queues.pop(key, None)

    def forked(self) -> None:
        """Forget the waiters and holders that are threads of the parent process."""
        self._guard = threading.Lock()
        self._queues = {}


def _by_end_of_lease(item: tuple[str, _Place]) -> float:
    return item[1].until or 0


_locks: WeakSet[KeyedLock] = WeakSet()


def after_fork_in_child() -> None:
    """Let no lock of this process be held by a thread of its parent."""
    for lock in _locks:
        lock.forked()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no forks
    os.register_at_fork(after_in_child=after_fork_in_child)
