"""Single flight: one caller at a time works for a key, whatever processes the others are in."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import TypeVar

from ._deadline import CallDeadline, lock_seconds
from ._steps import Acquire, Flow, LockLost, LockStore, Release, Renew, Renewal

T = TypeVar("T")

logger = logging.getLogger("liveperson_engagement")


def key_lock(
    store: LockStore, key: str, deadline: CallDeadline, critical_section: Callable[[Renewal | None], Flow[T]]
) -> Flow[T]:
    """Run a flow while nobody else holds the key's lock; raise `DeadlineExceeded` where the wait is too long.

    However the flow ends, the driver gives the lock back.
    """
    token = secrets.token_hex(16)
    held = yield from Acquire(store, key, deadline.remaining(), token, lock_seconds())
    if held is None:
        return (yield from critical_section(None))
    if not held:
        raise deadline.exceeded()

    def renew(seconds: float) -> Flow[bool]:
        still_held = yield from Renew(store, key, deadline.left(), token, lock_seconds(seconds))
        if not still_held:
            logger.warning("session store: a call was too slow and lost its lock")
        return still_held

    try:
        result = yield from critical_section(renew)
    except LockLost:
        yield from Release(store, key, deadline.left(), token)
        raise
    yield from Release(store, key, deadline.left(), token)
    return result
