"""One attempt: a request by generated code, the transport, the status, the contract's check, a model or an error."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import errors
from ._json import SchemaViolation, is_object
from ._redaction import redact, redact_ids
from ._steps import Flow, Send
from .transports import NoResponse, UnreadableBody

if TYPE_CHECKING:
    from liveperson_engagement_api.http import Request, Response

    from ._contract import Operation


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer."""

    value: Any
    """The generated model; None where the contract has no body."""
    response: Response


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of a call, and what is needed to read its answer."""

    operation: Operation
    base_url: str
    request: Request
    timeout: float | None
    """Seconds from connecting to the end of the answer."""
    secrets: Iterable[str]
    """The ids that the call has sent by now: never to be printed."""

    def send(self) -> Flow[Answer]:
        """Send the request and return its answer; raise unless it is good. A status counts even without its body."""
        try:
            response = yield from Send(self.base_url, self.request, self.timeout)
        except NoResponse as failure:
            if failure.response is None or is_success(failure.response):
                raise self._to_connection_error(failure) from failure.__cause__
            response = failure.response
        except UnreadableBody as failure:
            if is_success(failure.response):
                raise errors.InvalidResponse("body", failure.reason, failure.response) from failure.__cause__
            response = failure.response
        if response.status == 101:
            raise errors.ConnectionFailed("the protocol was switched, unasked", may_have_arrived=True)
        return Answer(self._parse(response), response)

    def _parse(self, response: Response) -> Any:
        if not is_success(response):
            raise self._to_api_error(response)
        if response.status != 200:
            raise errors.InvalidResponse(
                "status", f"{response.status} is not an answer that the contract has", response
            )
        try:
            return self.operation.parse(response.body)
        except SchemaViolation as violation:
            raise errors.InvalidResponse(violation.path, violation.reason, response) from None

    def _to_connection_error(self, failure: NoResponse) -> errors.ConnectionFailed:
        kind = errors.Timeout if failure.timed_out else errors.ConnectionFailed
        reason = redact_ids(failure.reason, self.secrets)
        return kind(reason, may_have_arrived=failure.may_have_arrived)

    def _to_api_error(self, response: Response) -> errors.ApiError:
        status, policy, entity = response.status, self.operation.policy, _error_entity(response.body)
        code, message = entity.get("internalCode"), entity.get("message")
        code = code if isinstance(code, int) and not isinstance(code, bool) and -(2**63) <= code < 2**63 else None
        message = message if isinstance(message, str) else None
        kind = _KINDS.get(status, errors.ServerError if status in policy.statuses else errors.ApiError)
        if (status, code) == policy.account_loading:
            kind = errors.AccountLoading
        secrets = [*self.secrets, *policy.visitor_in_message.findall(message or "")]
        return kind(status, code, message, redact(message or "", secrets, self.request.body), response)


_KINDS: dict[int, type[errors.ApiError]] = {400: errors.BadRequest, 401: errors.Unauthorized, 404: errors.NotFound}


def is_success(response: Response) -> bool:
    """Return whether a status says so."""
    return 200 <= response.status < 300


def _error_entity(body: bytes) -> dict[str, Any]:
    """Read the error entity, plain or wrapped; empty where there is none."""
    try:
        entity = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    entity = entity.get("error", entity) if is_object(entity) else None
    return entity if is_object(entity) else {}
