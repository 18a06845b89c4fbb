"""A guard for long outages: while the service is down, calls fail at once, and one at a time tries again."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

from liveperson_engagement_api.http import Headers, Response

from ._contract import Operation
from ._deadline import CallDeadline
from ._steps import CompareAndSet, Flow, Load, Store
from .errors import ApiError, InvalidRequest, InvalidResponse, ServerError, api_error_line, check_pauses
from .retry import RetryPolicy
from .stores import Record, Remembered, VisitIds

T = TypeVar("T")

logger = logging.getLogger("liveperson_engagement")


class _Outage(NamedTuple):
    """What is remembered of an outage: how often the service was found down, and how it said so."""

    failures: int
    status: int
    internal_code: int | None


class OutageGuard:
    """Holds an account's calls back once the documented retries are spent: `EngagementClient(outage_guard=...)`.

    An outage begins when a call has failed with `ServerError`. From then on the account's calls raise `ServerError` at
    once, without sending anything; its line names the time of the next try, its response's Retry-After the seconds.
    After the first of `pauses` one call is let through, as a single attempt. If that fails the next pause begins, and
    the last one repeats; if it is answered with anything but a 5xx, the outage is over.

    What is known of an outage lies in the client's store, beside the visits: all who share the store share the guard.
    A call that its deadline has ended begins no outage. Calls that are answered from memory go on.

    - `pauses`: seconds; default: what the contract says for each operation, at present 2, 4 and 8 minutes for all.

    Raises `InvalidRequest` for pauses that are none. Source: the vendor's guide on retries.
    """

    def __init__(self, pauses: Iterable[float] | None = None) -> None:
        self.pauses = None if pauses is None else check_pauses("pauses", pauses)
        if self.pauses == ():
            raise InvalidRequest("pauses", "must be one or more numbers of seconds")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(pauses={self.pauses})"

    def around(
        self,
        operation: Operation,
        store: Store,
        account_id: str,
        deadline: CallDeadline,
        attempts: Callable[[RetryPolicy | None], Flow[T]],
    ) -> Flow[T]:
        """Run an operation's attempts, unless an outage holds them back; note how they end."""
        pauses = operation.policy.outage_pauses if self.pauses is None else self.pauses
        if not pauses:
            return (yield from attempts(None))
        key = f"!outage:{account_id}"  # no account has such a name, so no visit has this key
        before = yield from Load(store, key, deadline.left())
        version = None
        if before:
            version = yield from _probe(store, key, deadline, before, pauses)
        try:
            answer = yield from attempts(RetryPolicy.none() if before else None)
        except (ApiError, InvalidResponse) as failure:
            if not failure.attempts:  # a hook has raised it, and nothing was sent
                raise
            if not isinstance(failure, ApiError) or failure.status_code not in operation.policy.statuses:
                yield from _end(store, key, deadline, version)  # it answers again
            elif not before:
                outage = _Outage(1, failure.status_code, failure.internal_code)
                if (yield from CompareAndSet(store, key, deadline.left(), None, _to_record(outage))) is not None:
                    logger.warning("outage: the service fails; calls are held back for %g s", pauses[0])
            raise
        yield from _end(store, key, deadline, version)
        return answer


def _probe(store: Store, key: str, deadline: CallDeadline, before: Remembered, pauses: Sequence[float]) -> Flow[object]:
    """Raise `ServerError` unless it is time to try and nobody else does; begin the pause that follows a failure.

    It begins before the attempt: so nobody else tries as well, nor soon if this process does not survive it.
    """
    outage = _from_record(before.record)
    wait = _pause(outage, pauses) - before.age
    if wait > 0:
        raise _held_back(outage, wait)
    outage = outage._replace(failures=outage.failures + 1)
    version = yield from CompareAndSet(store, key, deadline.left(), before.version, _to_record(outage))
    if version is None:
        raise _held_back(outage, _pause(outage, pauses))
    return version


def _pause(outage: _Outage, pauses: Sequence[float]) -> float:
    return pauses[min(outage.failures, len(pauses)) - 1]


def _end(store: Store, key: str, deadline: CallDeadline, version: object | None) -> Flow[None]:
    if version is not None:
        logger.info("outage: the service answers again")
        yield from CompareAndSet(store, key, deadline.left(), version, None)


def _to_record(outage: _Outage) -> Record:
    """Put what is known of an outage into what stores keep; the ids stand for none."""
    return Record(VisitIds("outage"), json.dumps(outage))


def _from_record(record: Record) -> _Outage:
    """Read it; a record that somebody has damaged counts as an outage that has just begun."""
    try:
        failures, status, code = json.loads(record.engagement or "")
        return _Outage(max(1, int(failures)), int(status), None if code is None else int(code))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return _Outage(1, 503, None)


def _held_back(outage: _Outage, wait: float) -> ServerError:
    seconds = math.ceil(wait)
    next_try = datetime.now(UTC) + timedelta(seconds=seconds)
    said = f"not sent, as the service is down: next try at {next_try:%H:%M:%S} UTC, in {seconds} s"
    line = api_error_line(outage.status, said, outage.internal_code)
    response = Response(outage.status, Headers([("Retry-After", str(seconds))]))
    return ServerError(line, response, outage.internal_code)
