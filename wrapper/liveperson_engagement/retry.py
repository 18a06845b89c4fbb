"""When to try again, after how long, and when to give up.

The rule is each operation's `x-retry-policy` in the contract (the vendor's Create Session page, "Retry Policy
Recommendation"); that of all operations today:

    3xx, 4xx     never
    5xx          up to 3 more attempts, after pauses of 5, 10 and 15 seconds
    not sent     the same
    no answer    the same, if the request can arrive twice without making a second visitor
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ._contract import Operation
from .errors import ApiError, ConnectionFailed, EngagementError, check_seconds


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How many more attempts a call gets, and the pause before each, in seconds.

    Default: what the contract says for each operation, at present 5, 10 and 15 seconds for all of them.
    """

    pauses: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if self.pauses is None:
            return
        object.__setattr__(self, "pauses", tuple(self.pauses))
        for index, pause in enumerate(self.pauses):
            check_seconds(f"retry.pauses[{index}]", pause)

    @classmethod
    def none(cls) -> RetryPolicy:
        """Try once: for callers that cannot wait."""
        return cls(pauses=())


def pause_after(retry: RetryPolicy, number: int, failure: EngagementError, operation: Operation) -> float | None:
    """Return the pause in seconds that follows the failure of attempt `number`, or None to give up."""
    policy = operation.policy
    pauses = policy.pauses if retry.pauses is None else retry.pauses
    if number > len(pauses):
        return None
    match failure:
        case ApiError() if failure.status_code in policy.statuses:
            longer = min(retry_after(failure.response.headers), policy.longest_retry_after)
            return max(pauses[number - 1], longer)
        case ConnectionFailed() if operation.idempotent or not failure.may_have_arrived:
            return pauses[number - 1]
        case _:
            return None


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3), or 0 without a readable one.

    A date is compared with the answer's own Date header, so that clocks that differ do no harm.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    asked, now = _date(text), _date(headers.get("Date", ""))
    return (asked - (now or datetime.now(UTC))).total_seconds() if asked else 0.0


def _date(text: str) -> datetime | None:
    """Read an HTTP date in any of its forms; one without a zone is UTC."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - importing it takes long

    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
