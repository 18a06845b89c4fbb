"""Single flight: one caller at a time works for a key, whatever processes the others are in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from ._deadline import CallDeadline
from ._steps import NO_LEASE, Acquire, Flow, LockStore, Release, Renew

T = TypeVar("T")
Renewal: TypeAlias = Callable[[float], Flow[bool]]
"""Holds a lock for some more seconds; False if it was lost."""

LEASE = 30.0
"""Seconds that a lock outlives a crash of its holder, besides what the holder was about to do."""
PHASES = 3
"""An attempt connects, sends and waits for an answer, each within the timeout."""

logger = logging.getLogger("liveperson_engagement")


def attempt_seconds(timeout: float | None) -> float:
    """Return how long a lock is needed for one attempt."""
    return PHASES * (timeout or LEASE)


class LockLost(Exception):
    """The lock expired while we held it; acquire it again and read the record again."""


def key_lock(
    store: LockStore, key: str, deadline: CallDeadline, critical_section: Callable[[Renewal | None], Flow[T]]
) -> Flow[T]:
    """Run a flow while nobody else holds the key's lock; raise `DeadlineExceeded` where the wait is too long."""
    lease = yield from Acquire(store, key, deadline.remaining(), LEASE)
    if lease is None:
        raise deadline.exceeded()
    if lease is NO_LEASE:
        return (yield from critical_section(None))

    def renew(seconds: float) -> Flow[bool]:
        held = yield from Renew(store, key, lease, LEASE + seconds)
        if not held:
            logger.warning("session store: a call was too slow and lost its lock")
        return held

    try:
        result = yield from critical_section(renew)
    except GeneratorExit:  # a task that is thrown away: nobody takes its steps any more, and the lock expires
        raise
    except BaseException:
        yield from Release(store, key, lease)
        raise
    yield from Release(store, key, lease)
    return result
