"""What all calls of a client share, and the call of any operation of the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._call import Attempt, Call, CallSettings
from ._contract import ACCOUNT_ID, VISITOR_ID, Operation, contract
from ._domain import DomainResolver, check_base_url
from ._json import SchemaViolation
from ._steps import Flow, Store
from .errors import AccountLoading, EngagementError, InvalidRequest
from .retry import RetryPolicy

if TYPE_CHECKING:
    from .outage import OutageGuard


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Account:
    """A client's account, and how its calls are made."""

    id: str
    domain: DomainResolver
    server_variables: Mapping[str, str]
    store: Store
    calls: CallSettings
    outage_guard: OutageGuard | None

    def base_url(self, operation: Operation, call: Call) -> Flow[str]:
        """Return where an operation is sent: to the account's host, or to a server of its own."""
        if operation.is_served_as_account:
            return (yield from self.domain.resolve(call))
        url = operation.server_url(self.server_variables)
        if url == contract().operations["findDomain"].server_url({}):
            return self.domain.domain_api
        return check_base_url("server_variables", url)

    def guard(self, operation: Operation, send: Callable[[RetryPolicy], Flow[Attempt]]) -> Flow[Attempt]:
        """Send, unless an outage holds calls back."""
        if self.outage_guard is None:
            return send(self.calls.retry)
        return self.outage_guard.around(operation, self.store, self.id, self.calls.retry, send)

    def note_failure(self, operation: Operation, failure: EngagementError) -> None:
        """Look the account's host up again soon if an attempt shows that it may have moved."""
        if operation.is_served_as_account:
            self.domain.note_failure(failure)

    def call(self, operation_id: str, body: Any, parameters: Mapping[str, Any], deadline: float | None) -> Flow[Any]:
        """Send any operation of the contract, and return the model of its answer; no visit is remembered."""
        operations = contract().operations
        if operation_id not in [*operations]:
            raise InvalidRequest("operation_id", f"must be one of {', '.join(operations)}")
        operation, call = operations[operation_id], Call(self.calls, deadline)
        given = {name: value for name, value in parameters.items() if value is not None}
        names = operation.generated.PARAMETERS
        arguments = {names[ACCOUNT_ID]: self.id, **given} if ACCOUNT_ID in names else given
        try:
            operation.check_arguments(arguments)
        except SchemaViolation as violation:
            raise InvalidRequest(violation.path, violation.reason) from None
        content = encode_body(operation, body)

        def build_attempt() -> Flow[Attempt]:
            base_url = yield from self.base_url(operation, call)
            return call.attempt(operation, base_url, arguments, content)

        def on_failure(attempt: Attempt, failure: EngagementError) -> Flow[None]:
            nonlocal operation, arguments
            self.note_failure(operation, failure)
            if visitor_id := visitor_in(attempt, failure):
                operation = operation.for_known_visitor
                names = operation.generated.PARAMETERS
                kept = {name: value for name, value in arguments.items() if name in names.values()}
                arguments = {**kept, names[VISITOR_ID]: visitor_id}
            yield from ()  # a flow without steps

        def send(retry: RetryPolicy) -> Flow[Attempt]:
            return call.send(build_attempt, retry=retry, on_failure=on_failure)

        return (yield from self.guard(operation, send)).value


def encode_body(operation: Operation, body: Any) -> bytes | None:
    """Encode what is to be sent; raise `InvalidRequest` unless the contract takes it."""
    try:
        return operation.encode_body(to_json(body))
    except SchemaViolation as violation:
        raise InvalidRequest(violation.path, violation.reason) from None


def to_json(body: Any) -> Any:
    """Turn a generated model into the JSON that it stands for."""
    if not hasattr(body, "to_dict"):
        return body
    try:
        return body.to_dict()
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidRequest("body", f"the model {type(body).__name__} holds a value of the wrong type") from error


def visitor_in(attempt: Attempt, failure: EngagementError) -> str | None:
    """Return the visitor id that a "Loading account" message names, if it can stand in a URL."""
    loading = attempt.operation.policy.account_loading
    if not isinstance(failure, AccountLoading) or loading is None:
        return None
    found = loading.visitor_in_message.search(failure.message or "")
    return found[1] if found and contract().component("VisitorId").accepts(found[1]) else None
