"""When to try again, and after how long.

The rule is the contract's `x-retry-policy` (the vendor's Create Session page, "Retry Policy Recommendation"):

    3xx, 4xx     never
    5xx          up to 3 more attempts, after pauses of 5, 10 and 15 seconds

What the contract could not express: a caller who cannot wait as long, or at all.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from .contract import DocumentedPolicy, contract
from .errors import ConnectionFailed, DeadlineExceeded, EngagementError, InvalidRequest, ServerError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How many more attempts a call gets, and the pause before each, in seconds; default: the contract's."""

    pauses: tuple[float, ...] = field(default_factory=lambda: contract().policy("createSession").pauses)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pauses", tuple(self.pauses))
        for index, pause in enumerate(self.pauses):
            check_seconds(f"retry.pauses[{index}]", pause)

    @classmethod
    def none(cls) -> RetryPolicy:
        """Try once: for callers that cannot wait."""
        return cls(pauses=())

    def pause_after(
        self, attempt: int, failure: EngagementError, *, documented: DocumentedPolicy, repeatable: bool
    ) -> float | None:
        """Decide what follows the failure of attempt number `attempt`: a pause in seconds, or None to give up.

        `repeatable` says that the request can arrive twice without putting a second visitor on the list.
        """
        if attempt > len(self.pauses):
            return None
        match failure:
            case ServerError():
                longer = min(retry_after(failure.response.headers), documented.longest_retry_after)
                return max(self.pauses[attempt - 1], longer)
            case ConnectionFailed() if repeatable or not failure.may_have_arrived:
                return self.pauses[attempt - 1]
            case _:
                return None


@dataclass(frozen=True, slots=True)
class RetryEvent:
    """An attempt has failed, and another one follows: what `on_retry` is told before the pause."""

    operation_id: str
    """The operation's name in the contract, such as `createSession`."""
    attempt: int
    """Number of the attempt that failed, from 1."""
    error: EngagementError
    """Its failure: what would have been raised had it been the last one."""
    pause: float
    """Seconds until the next attempt."""


def retry_after(headers: Mapping[str, str]) -> float:
    """Read a Retry-After header in either of its forms (RFC 9110, 10.2.3); 0 where there is none to go by."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0


LONGEST = 10**9
"""Seconds, some thirty years: what waits for longer overflows on some machines."""


def check_seconds(path: str, value: object, *, least: float = 0) -> None:
    """Raise `InvalidRequest` unless a value is a number of seconds that can be waited for."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= LONGEST:
        raise InvalidRequest(path, f"must be a number of seconds, at least {least:g} and at most {LONGEST:,}")


class Budget:
    """The time that a call has left. A pause counts for at least its length, so that a faked sleep fools nobody."""

    def __init__(self, deadline: float | None) -> None:
        if deadline is not None:
            check_seconds("deadline", deadline)
        self._deadline = deadline
        self._started = time.monotonic()
        self._skipped = 0.0

    def left(self) -> float | None:
        """Seconds until the deadline, or None without one; raise `DeadlineExceeded` when it has passed."""
        if not self.allows(0):
            raise self.exceeded()
        return self._left()

    def limit(self, timeout: float | None) -> float | None:
        """Return the lesser of a timeout and what is left."""
        return min((limit for limit in (timeout, self.left()) if limit is not None), default=None)

    def allows(self, pause: float) -> bool:
        """Tell whether a pause ends before the deadline."""
        left = self._left()
        return left is None or pause < left

    def paused(self, pause: float, took: float) -> None:
        """Count a pause that is over."""
        self._skipped += max(0.0, pause - took)

    def exceeded(self) -> DeadlineExceeded:
        """Build the error to raise."""
        return DeadlineExceeded(
            f"deadline: the call did not end within {self._deadline} seconds; allow more, or try again later"
        )

    def _left(self) -> float | None:
        if self._deadline is None:
            return None
        return self._deadline - (time.monotonic() - self._started) - self._skipped
