"""Ready answers and errors, for unit tests that replace the client by a mock.

    visit = create_autospec(Visit, instance=True)
    visit.engagement.side_effect = [answers.available(skill_name="Sales"), answers.server_error(503)]

Answers are the contract's examples. Errors are what a client really raises when it gets the contract's examples, with
the number of attempts and the `__cause__` that go with them.
"""

from __future__ import annotations

import errno
import functools
import json
import logging
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http import HTTPStatus
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from liveperson_engagement_api.http import Headers, Request, Response

from .. import errors
from .._contract import contract
from .._json import SchemaViolation, is_object
from ..client import EngagementClient
from ..retry import RetryPolicy
from ..stores import MemoryStore, Remembered
from ..transports import Transport
from ..transports._pending import PendingResponse

if TYPE_CHECKING:
    from liveperson_engagement_api.models import AvailableSession, EngagementDetails, NotAvailableSession

__all__ = [
    "account_loading",
    "api_error",
    "available",
    "bad_request",
    "connection_failed",
    "deadline_exceeded",
    "domain_lookup_failed",
    "engagement_details",
    "invalid_request",
    "invalid_response",
    "not_available",
    "not_found",
    "server_error",
    "store_error",
    "timeout",
    "unauthorized",
]

ErrorT = TypeVar("ErrorT", bound=errors.EngagementError)


def available(**changes: Any) -> AvailableSession:
    """Return an answer that an engagement may be shown.

    `changes` are fields of `AvailableSession` or of its `EngagementDetails`, such as `valid_for_seconds=5`. Raises
    ValueError where the service cannot give such an answer, TypeError for a field that there is not.
    """
    from liveperson_engagement_api.models import EngagementDetails  # noqa: PLC0415 - takes long

    example: AvailableSession = _parsed(_examples(200)["available"])
    names = {field.name for field in attrs.fields(EngagementDetails)}
    inner = {name: value for name, value in changes.items() if name in names}
    outer = {name: value for name, value in changes.items() if name not in names}
    details = attrs.evolve(outer.pop("engagement_details", example.engagement_details), **inner)
    changed: AvailableSession = _parsed(attrs.evolve(example, engagement_details=details, **outer).to_dict())
    return changed


def not_available(**changes: Any) -> NotAvailableSession:
    """Return an answer that there is nothing to show; `changes` as in `available`."""
    example: NotAvailableSession = _parsed(_examples(200)["notAvailable"])
    changed: NotAvailableSession = _parsed(attrs.evolve(example, **changes).to_dict())
    return changed


def engagement_details(**changes: Any) -> EngagementDetails:
    """Return the `engagement_details` of `available(**changes)`."""
    return available(**changes).engagement_details


def invalid_request() -> errors.InvalidRequest:
    """Return what a client raises for a body that the contract refuses."""
    return _raised(errors.InvalidRequest, _never, body={})


def api_error(status: int, example: str | None = None) -> errors.ApiError:
    """Return what a client raises for an error status, such as 429, with the class that goes with it.

    `example` is the name of one that the contract has for this status, such as `"invalidSession"` for 404; default:
    the first, and an empty body where it has none. Raises ValueError for a name or a status that is none.
    """
    if not 300 <= status <= 999:
        raise ValueError("status must be at least 300 and at most 999")
    return _raised(errors.ApiError, _documented(status, example))


def bad_request(example: str | None = None) -> errors.BadRequest:
    """Return what a client raises for a 400; see `api_error`."""
    return _of(errors.BadRequest, api_error(HTTPStatus.BAD_REQUEST, example))


def unauthorized(example: str | None = None) -> errors.Unauthorized:
    """Return what a client raises for a 401; see `api_error`."""
    return _of(errors.Unauthorized, api_error(HTTPStatus.UNAUTHORIZED, example))


def not_found(example: str | None = None) -> errors.NotFound:
    """Return what a client raises for a 404; see `api_error`."""
    return _of(errors.NotFound, api_error(HTTPStatus.NOT_FOUND, example))


def server_error(status: int = 503, example: str | None = None) -> errors.ServerError:
    """Return what a client raises for a 5xx, after its last attempt; see `api_error`."""
    return _of(errors.ServerError, api_error(status, example))


def account_loading() -> errors.AccountLoading:
    """Return what a client raises for an account that is still being loaded, after its last attempt."""
    return _of(errors.AccountLoading, api_error(HTTPStatus.INTERNAL_SERVER_ERROR, "loadingAccount"))


def invalid_response() -> errors.InvalidResponse:
    """Return what a client raises for an answer that breaks the contract."""
    return _raised(errors.InvalidResponse, lambda _: Response(200, body=b"{}"))


def connection_failed(*, may_have_arrived: bool = False) -> errors.ConnectionFailed:
    """Return what a client raises where nobody listens, or where the connection was lost before the answer."""
    number = errno.ECONNRESET if may_have_arrived else errno.ECONNREFUSED  # OSError makes the subclass of it
    return _raised(errors.ConnectionFailed, _failing(OSError(number, os.strerror(number)), may_have_arrived))


def timeout(*, may_have_arrived: bool = True) -> errors.Timeout:
    """Return what a client raises where an answer, or else the connection, did not come in time."""
    return _raised(errors.Timeout, _failing(TimeoutError(), may_have_arrived))


def deadline_exceeded(seconds: float = 5) -> errors.DeadlineExceeded:
    """Return what a client raises where a 503 is not over within a deadline."""
    answer, retry = _documented(HTTPStatus.SERVICE_UNAVAILABLE), RetryPolicy(pauses=(seconds,))
    return _raised(errors.DeadlineExceeded, answer, deadline=seconds, retry=retry)


def domain_lookup_failed(status: int = 401) -> errors.DomainLookupFailed:
    """Return what a client raises where the Domain API answers with an error status."""
    return _raised(errors.DomainLookupFailed, _documented(status), base_url=None)


def store_error() -> errors.StoreError:
    """Return what a client raises where the session store fails."""
    return _raised(errors.StoreError, _never, key="shopper", store=_BrokenStore())


def _raised(
    kind: type[ErrorT],
    answer: Callable[[PendingResponse], Response],
    *,
    body: Any = None,
    key: str | None = None,
    **options: Any,
) -> ErrorT:
    """Let a client make a call, and return the error that it raises."""
    body = {"appType": "EXTERNAL"} if body is None else body
    transport = _Answering(answer)
    with _unlogged(), EngagementClient("demo", base_url=_HOST, transport=transport, sleep=_at_once) as client:
        try:
            client.with_options(**options).visit(key).create_session(body)
        except errors.EngagementError as error:
            return _of(kind, error.with_traceback(None))
    raise AssertionError(f"no {kind.__name__} was raised")


def _of(kind: type[ErrorT], error: errors.EngagementError) -> ErrorT:
    if not isinstance(error, kind):
        raise ValueError(f"status makes this a {type(error).__name__}, not a {kind.__name__}")  # noqa: TRY004
    return error


_HOST = "http://127.0.0.1"


def _at_once(_: float) -> None:
    """Pause for no time."""


@contextmanager
def _unlogged() -> Generator[None]:
    """Keep this thread's lines out of the log, which may be what the test looks at."""
    logger, thread = logging.getLogger("liveperson_engagement"), threading.get_ident()

    def elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(elsewhere)
    try:
        yield
    finally:
        logger.removeFilter(elsewhere)


class _Answering(Transport):
    """Answers at once."""

    def __init__(self, answer: Callable[[PendingResponse], Response]) -> None:
        self._answer = answer

    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:  # noqa: ARG002
        """Return or raise what an attempt ends with."""
        return self._answer(PendingResponse(timeout))

    def close(self) -> None:
        """Close nothing."""


def _documented(status: int, example: str | None = None) -> Callable[[PendingResponse], Response]:
    """Answer with an error status, and what the contract has for it."""
    if not 300 <= status <= 999:
        raise ValueError("status must be at least 300 and at most 999")
    examples = _examples(status)
    name = example or next(iter(examples), None)
    if name is None:
        return lambda _: Response(status)
    if name not in examples:
        raise ValueError(f"example must be one of {', '.join(examples) or 'none'} for status {status}")
    headers, body = Headers([("content-type", "application/json")]), json.dumps(examples[name]).encode()
    return lambda _: Response(status, headers, body)


def _failing(error: OSError, may_have_arrived: bool) -> Callable[[PendingResponse], Response]:
    """Fail as the default transport does for an error of the operating system."""

    def answer(pending: PendingResponse) -> Response:
        pending.may_have_arrived, pending.stage = may_have_arrived, "connection"
        raise pending.failure(error) from error

    return answer


def _never(_: PendingResponse) -> Response:
    raise AssertionError("this call sends nothing")


class _BrokenStore(MemoryStore):
    """Cannot be read."""

    def load(self, key: str, timeout: float | None = None) -> Remembered | None:  # noqa: ARG002
        """Fail."""
        raise errors.StoreError("OSError") from OSError("the store cannot be read")


def _parsed(answer: Any) -> Any:
    """Return an answer as the wrapper reads it; raise ValueError where the service cannot give it."""
    try:
        return contract().operations["createSession"].parse(json.dumps(answer).encode())
    except SchemaViolation as violation:
        raise ValueError(f"no such answer: {violation.path}: {violation.reason}") from None


@functools.cache
def _document() -> Any:
    return json.loads(resources.files("liveperson_engagement_api").joinpath("openapi.json").read_bytes())


def _examples(status: int) -> dict[str, Any]:
    """Return the contract's examples of createSession's answers with a status; the names are the contract's."""
    operations = (each for item in _document()["paths"].values() for each in item.values() if is_object(each))
    [operation] = [each for each in operations if each["operationId"] == "createSession"]
    answer: Any = operation["responses"].get(str(status), {})
    if "$ref" in answer:
        answer = _document()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    examples = answer.get("content", {}).get("application/json", {}).get("examples", {})
    return {name: example["value"] for name, example in examples.items()}
