"""What can go wrong, as one tree.

    EngagementError
    ├── InvalidRequest            the call is wrong; nothing was sent (also a ValueError)
    ├── ApiError                  the service said no: any 3xx, 4xx or 5xx
    │   ├── BadRequest            400
    │   ├── Unauthorized          401
    │   ├── NotFound              404; remembered ids were forgotten, so the next call starts afresh
    │   └── ServerError           5xx after the last attempt
    │       └── AccountLoading    500 with internal code 20; the visitor was remembered, so call again later
    ├── InvalidResponse           a 2xx answer without what is needed of it; the ids that it names are remembered
    ├── ConnectionFailed          no answer
    │   └── Timeout               no answer in time
    ├── DeadlineExceeded          the call's own deadline
    ├── DomainLookupFailed        the Domain API gave no usable host
    └── StoreError                the session store failed

Every error prints one line without visitor ids, session ids or personal data, and can be pickled. A task queue
that keeps only its `args` makes it again by `type(error)(*error.args)`, as far as its line says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from liveperson_engagement_api.http import Response


MAX_BODY_BYTES = 10_000
_STATUS = re.compile(r"\[(\d+)\](?:.* \(internal code (-?\d+)\)$)?")
_BREAKS = "the service's answer breaks the contract: "
_ARRIVED, _NOT_SENT = "no answer to the request (it may have arrived): ", "no answer to the request (it was not sent): "


def one_line(text: str, length: int = 200) -> str:
    """Make a text from elsewhere fit to print: what does not print becomes a space, and what is too long is cut."""
    return " ".join("".join(each if each.isprintable() else " " for each in text[: 4 * length]).split())[:length]


def api_error_line(status: int, said: str, internal_code: int | None) -> str:
    """Return the line of an `ApiError`, of which it can be made again."""
    return f"[{status}] {said}" + ("" if internal_code is None else f" (internal code {internal_code})")


def _cut(response: Response) -> Response:
    """Return a response whose body is not too large to be kept, pickled and sent about."""
    return response if len(response.body) <= MAX_BODY_BYTES else response._replace(body=response.body[:MAX_BODY_BYTES])


def _response(status: int) -> Response:
    from liveperson_engagement_api.http import Response  # noqa: PLC0415 - only an error that was made again has none

    return Response(status)


def _restore(cls: type[EngagementError], args: tuple[Any, ...], state: dict[str, Any]) -> EngagementError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class EngagementError(Exception):
    """Any failure of this package."""

    attempts: int = 0
    """How many requests of the call's own were sent; those that looked the host up do not count."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without calling `__init__` again."""
        return _restore, (type(self), self.args, self.__dict__)


class InvalidRequest(EngagementError, ValueError):
    """The call cannot be made as asked; nothing was sent. Fix what `path` names."""

    def __init__(self, path: str, reason: str | None = None) -> None:
        if reason is None:
            path, _, reason = path.partition(": ")
        super().__init__(f"{one_line(path)}: {reason}")
        self.path = path
        """The part that is wrong, such as `engagementAttributes[0].personal.age.month`."""
        self.reason = reason
        """What is wrong with it, and what would be right."""


class ApiError(EngagementError):
    """The service answered with an error status."""

    def __init__(
        self,
        line: str,
        response: Response | None = None,
        internal_code: int | None = None,
        message: str | None = None,
    ) -> None:
        super().__init__(line)
        found = None if response else _STATUS.match(line)
        self.status_code = response.status if response else int(found[1]) if found else 0
        """The HTTP status."""
        self.internal_code = int(found[2]) if found and found[2] else internal_code
        """The service's own code, where its answer had one."""
        self.message = message
        """What the service said, word for word: may contain a visitor id, so keep it out of logs."""
        self.response = _cut(response) if response else _response(self.status_code)
        """The answer: `status`, `headers`, and the first 10,000 bytes of `body`."""

    @property
    def body(self) -> str:
        """The first 2,000 characters of the answer's body."""
        return self.response.body.decode("utf-8", "replace")[:2000]

    def __str__(self) -> str:
        """Say how often it was tried, where more than once."""
        return f"{self.args[0]} after {self.attempts} attempts" if self.attempts > 1 else str(self.args[0])


class BadRequest(ApiError):
    """400: the service refuses the request's content."""


class Unauthorized(ApiError):
    """401: the account may not be used this way."""


class NotFound(ApiError):
    """404: what the request names does not exist. Remembered ids were forgotten: the next call starts a new visit."""


class ServerError(ApiError):
    """5xx, after the last attempt that the retry policy allows."""


class AccountLoading(ServerError):
    """500 with internal code 20: the account is still being loaded. Call again later: the visitor was remembered."""


class InvalidResponse(EngagementError):
    """A 2xx answer without what is needed of it. The ids that it names are remembered, for the next call to send."""

    def __init__(self, path: str, reason: str | None = None, response: Response | None = None) -> None:
        if reason is None:
            path, _, reason = path.removeprefix(_BREAKS).partition(": ")
        super().__init__(f"{_BREAKS}{one_line(path)}: {reason}")
        self.path = path
        """The part of the answer that is wrong."""
        self.reason = reason
        """What is wrong with it."""
        self.response = _cut(response) if response else _response(0)
        """The answer: `status`, `headers`, and the first 10,000 bytes of `body`."""


class ConnectionFailed(EngagementError):
    """No answer. `__cause__` is what the system or the HTTP library raised.

    The line says where it failed: at the host's name, the connection, TLS or the proxy.
    """

    def __init__(self, reason: str, *, may_have_arrived: bool | None = None, permanent: bool = False) -> None:
        if may_have_arrived is None:
            may_have_arrived, reason = not reason.startswith(_NOT_SENT), reason.partition("): ")[2] or reason
        super().__init__(f"{_ARRIVED if may_have_arrived else _NOT_SENT}{reason}")
        self.may_have_arrived = may_have_arrived
        """Whether the service may have acted on the request; False if it was certainly not sent."""
        self.permanent = permanent
        """Whether trying again does not help: there is no such host, its certificate or the proxy's user is refused."""


class Timeout(ConnectionFailed):
    """No answer within `timeout` seconds."""


class DeadlineExceeded(EngagementError):
    """The call would have lasted longer than its `deadline`. `__cause__` is the last failure, where there was one."""


class DomainLookupFailed(EngagementError):
    """The Domain API gave no host for the account. `__cause__` says why; `base_url=` does without the lookup."""


class StoreError(EngagementError):
    """The session store failed. `__cause__` is what its database raised."""


def check_count(path: str, number: object, *, least: int = 1) -> None:
    """Raise `InvalidRequest` unless a value is a whole number that is large enough."""
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise InvalidRequest(path, f"must be a whole number, at least {least}")


def check_pauses(path: str, pauses: Iterable[float]) -> tuple[float, ...]:
    """Return pauses in seconds; raise `InvalidRequest` unless they are some that can be waited for."""
    try:
        found = tuple(pauses)
    except TypeError:
        raise InvalidRequest(path, "must be numbers of seconds, such as (5, 10, 15)") from None
    for index, pause in enumerate(found):
        check_seconds(f"{path}[{index}]", pause)
    return found


LONGEST = 10**9
"""Seconds, some thirty years: what waits for longer overflows on some machines."""


def check_seconds(path: str, value: object, *, least: float = 0) -> None:
    """Raise `InvalidRequest` unless a value is a number of seconds that can be waited for."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= LONGEST:
        raise InvalidRequest(path, f"must be a number of seconds, at least {least:g} and at most {LONGEST:,}")
