"""The time that a call may take, and that it holds a key's lock for."""

from __future__ import annotations

import time

from .errors import DeadlineExceeded, EngagementError, check_seconds

LEASE = 30.0
"""Seconds that a lock outlives a crash of its holder, besides what the holder was about to do."""
PHASES = 3
"""Through an httpx transport of the caller's, connecting, sending and waiting may take the timeout each."""


def lock_seconds(work: float = 0.0) -> float:
    """Return how long to hold a lock for something that takes so many seconds."""
    return LEASE + work


def attempt_seconds(timeout: float | None) -> float:
    """Return how long a lock is needed for one attempt."""
    return PHASES * (timeout or LEASE)


class CallDeadline:
    """The time that a call has left. A pause counts for at least its length, even if a test's sleep takes no time."""

    def __init__(self, seconds: float | None) -> None:
        if seconds is not None:
            check_seconds("deadline", seconds)
        self._seconds, self._started, self._skipped = seconds, time.monotonic(), 0.0

    def remaining(self) -> float | None:
        """Return the seconds that are left, or None without a deadline; raise `DeadlineExceeded` when it has passed."""
        self.check()
        return self.left()

    def left(self) -> float | None:
        """Return the seconds that are left, 0 when the deadline has passed, or None without one."""
        return None if self._seconds is None else max(0.0, self._left())

    def cap(self, timeout: float | None) -> float | None:
        """Return the lesser of a timeout and what is left."""
        left = self.remaining()
        return timeout if left is None else left if timeout is None else min(timeout, left)

    def can_wait(self, pause: float) -> bool:
        """Return whether a pause ends before the deadline."""
        return self._seconds is None or pause < self._left()

    def add_skipped(self, seconds: float) -> None:
        """Count the part of a pause that a test's sleep has skipped."""
        self._skipped += max(0.0, seconds)

    def check(self, attempts: int = 0, failure: EngagementError | None = None, pause: float = 0) -> None:
        """Raise `DeadlineExceeded`, after so many attempts and the last one's failure, unless a pause ends before."""
        if not self.can_wait(pause):
            raise self.exceeded(attempts) from failure

    def exceeded(self, attempts: int = 0) -> DeadlineExceeded:
        """Return the error to raise."""
        line = f"deadline: the call did not end within {self._seconds} seconds; allow more, or try again later"
        error = DeadlineExceeded(line)
        error.attempts = attempts
        return error

    def _left(self) -> float:
        return (self._seconds or 0) - (time.monotonic() - self._started) - self._skipped
