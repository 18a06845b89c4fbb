"""A client's account: which hosts its calls go to, and the call of any operation of the contract.

An answer of the Domain API must not send a visitor's data to a loopback or private address, and plain http never leaves
the machine.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ._call import Attempt, Call, CallSettings
from ._contract import ACCOUNT_ID, VISITOR_ID, Operation, contract
from ._deadline import CallDeadline
from ._json import SchemaViolation
from ._keyed_lock import KeyedLock
from ._locking import key_lock
from ._steps import Flow, Store
from .errors import (
    AccountLoading,
    ApiError,
    ConnectionFailed,
    DomainLookupFailed,
    EngagementError,
    InvalidRequest,
    InvalidResponse,
    one_line,
)
from .retry import RetryPolicy

if TYPE_CHECKING:
    from .outage import OutageGuard

SERVICE = "msdkgw"
"""What the Domain API calls the App Engagement API."""
REFRESH_AFTER = 4 * 3600.0
"""Seconds after which the Domain API is asked again."""
REFRESH_SUSPECT_AFTER = 60.0
"""The same, once the host could not be reached or has redirected."""

MOST_WARNINGS = 100
"""Members that are warned of; a program that makes names up is not one that misspells."""
_INDEX = re.compile(r"\[\d+\]")
_warned: set[tuple[str, str]] = set()

logger = logging.getLogger("liveperson_engagement")


class DomainResolver:
    """An account's host, looked up once for all callers that share the resolver."""

    def __init__(self, account_id: str, domain_api: str, base_url: str | None = None) -> None:
        self._account_id, self.domain_api = account_id, domain_api
        self._base_url, self._is_given = base_url, base_url is not None
        self._looked_up_at, self._suspect = -math.inf, False
        self._lock = KeyedLock()

    def resolve(self, call: Call, *, refresh: bool = False) -> Flow[str]:
        """Return the base URL; the first caller asks the Domain API, and the others wait for its answer."""
        if self._base_url is not None:
            fresh_until = self._looked_up_at + (REFRESH_SUSPECT_AFTER if self._suspect else REFRESH_AFTER)
            if self._is_given or (time.monotonic() < fresh_until and not refresh):
                return self._base_url
        before = self._looked_up_at

        def look_up_once(_: object) -> Flow[str]:
            if self._base_url is not None and self._looked_up_at != before:  # by the caller that came first
                return self._base_url
            return (yield from self._look_up(call))

        return (yield from key_lock(self._lock, "", call.deadline, look_up_once))

    def note_failure(self, failure: EngagementError) -> None:
        """Look the host up again soon if an attempt shows that it may have moved."""
        redirected = isinstance(failure, ApiError) and failure.status_code < 400
        unreached = isinstance(failure, ConnectionFailed) and not failure.may_have_arrived
        self._suspect = self._suspect or redirected or unreached

    def _look_up(self, call: Call) -> Flow[str]:
        """Ask the Domain API. An account that was found before keeps its host if that fails."""
        known = self._base_url

        def build_attempt() -> Flow[Attempt]:
            yield from ()  # a flow without steps
            arguments = {"account_id": self._account_id, "service_name": SERVICE}
            return call.attempt(contract().operations["findDomain"], self.domain_api, arguments)

        try:
            attempt = yield from call.send(build_attempt, retry=RetryPolicy.none() if known else None)
            self._base_url = self._check_base_uri(attempt)
        except (ApiError, ConnectionFailed, InvalidResponse) as failure:
            if known is None:
                error = DomainLookupFailed(
                    f"domain_api: no host for the account ({failure}); check account_id or give base_url"
                )
                error.attempts = failure.attempts
                raise error from failure
            logger.warning("domain: looking the host up again failed (%s); the known one is kept", failure)
        self._looked_up_at, self._suspect = time.monotonic(), False
        return self._base_url or ""

    def _check_base_uri(self, attempt: Attempt) -> str:
        """Make a base URL of a bare host name, as the contract's pattern has checked it."""
        base_uri: str = attempt.value.base_uri
        host = split_host(f"https://{base_uri}")
        address = _address(host or "")
        if host is None or (address is None and host.rpartition(".")[2][0].isdigit()):
            raise attempt.invalid_response("baseURI", "is neither a host name nor an address")
        asked, local = urlsplit(self.domain_api), is_loopback(host)
        if (local or (address and not address.is_global)) and not is_loopback(asked.hostname or ""):
            raise attempt.invalid_response("baseURI", "is an address that only a Domain API on loopback may give")
        return f"{asked.scheme if local else 'https'}://{base_uri}"


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

    def guard(
        self, operation: Operation, deadline: CallDeadline, send: Callable[[RetryPolicy | None], Flow[Attempt]]
    ) -> Flow[Attempt]:
        """Send, unless an outage holds calls back."""
        if self.outage_guard is None or not operation.is_served_as_account:
            return send(None)
        return self.outage_guard.around(operation, self.store, self.id, deadline, send)

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
        content = encode_body(operation, body, strict=self.calls.strict)

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

        def send(retry: RetryPolicy | None) -> Flow[Attempt]:
            return call.send(build_attempt, retry=retry, on_failure=on_failure)

        return (yield from self.guard(operation, call.deadline, send)).value


def encode_body(operation: Operation, body: Any, *, strict: bool) -> bytes | None:
    """Encode what is to be sent; raise `InvalidRequest` unless the contract takes it.

    A member that the contract does not have, such as a misspelt one, is warned of once, and refused if `strict`.
    """
    value = to_json(body)
    try:
        content = operation.encode_body(value)
    except SchemaViolation as violation:
        raise InvalidRequest(violation.path, violation.reason) from None
    unknown = None if content is None else operation.unknown_member(value)
    if unknown and strict:
        raise InvalidRequest(unknown.path, unknown.reason)
    if unknown:
        _warn_once(operation.id, unknown)
    return content


def _warn_once(operation_id: str, unknown: SchemaViolation) -> None:
    name = _INDEX.sub("[]", unknown.path)
    if (operation_id, name) not in _warned and len(_warned) < MOST_WARNINGS:
        _warned.add((operation_id, name))
        logger.warning("%s: %s %s (it is sent as it is)", operation_id, one_line(name), unknown.reason)


def to_json(body: Any) -> Any:
    """Turn a generated model into the JSON that it stands for."""
    if not hasattr(body, "to_dict"):
        return body
    try:
        return body.to_dict()
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidRequest("body", f"to_dict() raised {type(error).__name__}: pass a dict or a model") from error


def visitor_in(attempt: Attempt, failure: EngagementError) -> str | None:
    """Return the visitor id that a "Loading account" message names, if what is sent again takes it."""
    operation, loading = attempt.operation, attempt.operation.policy.account_loading
    if not isinstance(failure, AccountLoading) or loading is None:
        return None
    if operation.for_known_visitor.id != loading.retry_operation_id:
        return None
    found = loading.visitor_in_message.search(failure.message or "")
    return found[1] if found and contract().component("VisitorId").accepts(found[1]) else None


def check_base_url(path: str, url: object) -> str:
    """Return a base URL without its last slash; raise `InvalidRequest` unless it is https, or http on loopback."""
    refused = InvalidRequest(path, "must be a URL such as https://host.liveperson.net, without user, query or fragment")
    if not isinstance(url, str) or not _BASE_URL.fullmatch(url.lower()):
        raise refused
    host = split_host(url)
    if host is None:
        raise refused
    scheme = url.partition(":")[0].lower()
    if scheme != "https" and not (scheme == "http" and is_loopback(host)):
        raise InvalidRequest(path, "must be an https URL; plain http is for loopback addresses")
    return url.rstrip("/")


_NAME = r"[a-z0-9_-]{1,63}"
_BASE_URL = re.compile(rf"[a-z]+://(\[[0-9a-f:.]+\]|{_NAME}(\.{_NAME})*\.?)(:[0-9]+)?(/[!-~]{{0,2000}})?", re.ASCII)
"""A base URL, in lower case: what libraries read differently is refused."""


def split_host(url: str) -> str | None:
    """Return a URL's host; None unless it has one, and a port that exists."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        if ":" in host:
            ipaddress.IPv6Address(host)
        foreign = [label[4:].encode().decode("punycode") for label in host.split(".") if label.startswith("xn--")]
    except ValueError:
        return None
    return host if host and port != 0 and all(label and label.isprintable() for label in foreign) else None


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    address = _address(host)
    return address.is_loopback if address else host.lower() == "localhost" or host.lower().endswith(".localhost")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
