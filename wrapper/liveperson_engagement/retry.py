"""When to try again, after how long, and when to give up.

The rule is each operation's `x-retry-policy` in the contract (the vendor's Create Session page, "Retry Policy
Recommendation"); that of all operations today:

    3xx, 4xx     never
    5xx          up to 3 more attempts, after pauses of 5, 10 and 15 seconds
    not sent     the same; never where there is no such host, or its certificate or the proxy's user is refused
    no answer    the same, if the request can arrive twice without making a second visitor
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ._contract import Operation
from .errors import ApiError, ConnectionFailed, EngagementError, InvalidRequest, check_count, check_pauses


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How many more attempts a call gets, and the pause before each, in seconds.

    - `pauses`: default: what the contract says for each operation, at present 5, 10 and 15 seconds for all of them.
    - `max_retries`: default: as many as there are pauses. The last pause is repeated for those beyond.
    """

    pauses: Sequence[float] | None = None
    max_retries: int | None = None

    def __post_init__(self) -> None:
        if self.max_retries is not None:
            check_count("retry.max_retries", self.max_retries, least=0)
        if self.pauses is None:
            return
        object.__setattr__(self, "pauses", check_pauses("retry.pauses", self.pauses))
        if self.max_retries and not self.pauses:
            raise InvalidRequest("retry.pauses", "must have at least one pause for max_retries to repeat")

    @classmethod
    def none(cls) -> RetryPolicy:
        """Try once: for callers that cannot wait."""
        return cls(pauses=())

    def pause_before(self, retry: int, documented: Sequence[float]) -> float | None:
        """Return the pause before a retry, counted from 1, or None if it is one too many."""
        pauses = documented if self.pauses is None else self.pauses
        most = len(pauses) if self.max_retries is None else self.max_retries
        return pauses[min(retry, len(pauses)) - 1] if retry <= most and pauses else None


def pause_after(retry: RetryPolicy, number: int, failure: EngagementError, operation: Operation) -> float | None:
    """Return the pause in seconds that follows the failure of attempt `number`, or None to give up."""
    policy = operation.policy
    pause = retry.pause_before(number, policy.pauses)
    match failure:
        case ApiError() if pause is not None and failure.status_code in policy.statuses:
            longer = min(retry_after(failure.response.headers), policy.longest_retry_after)
            return max(pause, longer)
        case ConnectionFailed() if not failure.permanent and (operation.idempotent or not failure.may_have_arrived):
            return pause
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
