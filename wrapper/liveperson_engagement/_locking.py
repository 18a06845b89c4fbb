"""Single flight: one caller at a time works for a key, whatever processes the others are in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from ._deadline import CallDeadline, lock_seconds
from ._steps import NO_LEASE, Acquire, Flow, LockStore, Release, Renew, Renewal

T = TypeVar("T")

logger = logging.getLogger("liveperson_engagement")


def key_lock(
    store: LockStore, key: str, deadline: CallDeadline, critical_section: Callable[[Renewal | None], Flow[T]]
) -> Flow[T]:
    """Run a flow while nobody else holds the key's lock; raise `DeadlineExceeded` where the wait is too long."""
    lease = yield from Acquire(store, key, deadline.remaining(), lock_seconds())
    if lease is None:
        raise deadline.exceeded()
    if lease is NO_LEASE:
        return (yield from critical_section(None))

    def renew(seconds: float) -> Flow[bool]:
        held = yield from Renew(store, key, lease, lock_seconds(seconds))
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
