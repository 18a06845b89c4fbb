"""The client: settings and connections, shared by all visits."""

from __future__ import annotations

import inspect
import os
import re
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeAlias, TypedDict, TypeVar, Unpack, cast

from ._account import Account, DomainResolver, check_base_url
from ._call import Call, CallSettings
from ._contract import contract
from ._json import SchemaViolation, plain_text
from ._log import configure_logging
from ._steps import AsyncDriver, Connections, Driver, Flow, Hooks
from ._version import __version__
from .errors import InvalidRequest, check_seconds
from .events import RequestEvent, ResponseEvent, RetryEvent, Telemetry
from .retry import RetryPolicy
from .stores import AsyncSessionStore, MemoryStore, SessionStore, VisitIds
from .transports import AsyncTransport, Transport, make_transport
from .visit import AsyncVisit, Visit, open_session

if TYPE_CHECKING:
    import ssl

    import httpx

    from liveperson_engagement_api.api import AsyncCallOperation, CallOperation

    from .outage import OutageGuard

    AnyTransport: TypeAlias = Transport | httpx.BaseTransport
    AnyAsyncTransport: TypeAlias = AsyncTransport | httpx.AsyncBaseTransport

StoreT = TypeVar("StoreT")
TransportT = TypeVar("TransportT")
DriverT = TypeVar("DriverT")
ResultT = TypeVar("ResultT")
"""What `sleep` returns: None, or something to be awaited. Hooks may return None either way."""
OnStoreError: TypeAlias = Literal["raise", "continue"]

MOMENT = 0.001
"""Seconds, the shortest timeout: with none at all nothing can be sent."""
VARIABLES = {
    "account_id": "LIVEPERSON_ACCOUNT_ID",
    "base_url": "LIVEPERSON_BASE_URL",
    "domain_api": "LIVEPERSON_DOMAIN_API",
}
"""Of the environment, for what was not given."""
HEADERS = {"Accept-Encoding": "gzip, deflate", "User-Agent": f"liveperson-engagement/{__version__}"}


class Options(TypedDict, total=False):
    """What `with_options` can change; see `EngagementClient`."""

    account_id: str
    base_url: str | None
    domain_api: str | None
    server_variables: Mapping[str, str] | None
    store: SessionStore | AsyncSessionStore
    retry: RetryPolicy
    timeout: float | httpx.Timeout | None
    deadline: float | None
    headers: Mapping[str, str] | None
    strict: bool
    sleep: Callable[[float], Any]
    on_store_error: OnStoreError
    on_request: Callable[[RequestEvent], Any] | None
    on_response: Callable[[ResponseEvent], Any] | None
    on_retry: Callable[[RetryEvent], Any] | None
    telemetry: Telemetry | None
    outage_guard: OutageGuard | None


class _Client(ABC, Generic[StoreT, TransportT, DriverT, ResultT]):
    """What both kinds of client decide."""

    _is_async: ClassVar[bool]
    _account_id: str | None = None

    def __init__(
        self,
        account_id: str | None = None,
        *,
        base_url: str | None = None,
        domain_api: str | None = None,
        server_variables: Mapping[str, str] | None = None,
        store: StoreT | None = None,
        retry: RetryPolicy | None = None,
        timeout: float | httpx.Timeout | None = 10.0,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
        strict: bool = False,
        transport: TransportT | Literal["fast"] | None = None,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        max_connections: int | None = None,
        sleep: Callable[[float], ResultT] | None = None,
        on_store_error: OnStoreError = "raise",
        on_request: Callable[[RequestEvent], ResultT | None] | None = None,
        on_response: Callable[[ResponseEvent], ResultT | None] | None = None,
        on_retry: Callable[[RetryEvent], ResultT | None] | None = None,
        telemetry: Telemetry | None = None,
        outage_guard: OutageGuard | None = None,
    ) -> None:
        configure_logging()
        self._resolvers: dict[tuple[str, str], DomainResolver] = {}
        self._connections: Connections[Any] = Connections(
            make_transport(
                transport,
                proxy=proxy,
                ssl_context=ssl_context,
                max_connections=max_connections,
                asynchronous=self._is_async,
            )
        )
        given = {"account_id": account_id, "base_url": base_url, "domain_api": domain_api}
        found = {name: os.environ.get(VARIABLES[name]) or None for name, value in given.items() if value is None}
        try:
            self._configure(
                **{**given, **found},
                server_variables=server_variables,
                store=MemoryStore() if store is None else store,
                retry=RetryPolicy() if retry is None else retry,
                timeout=timeout,
                deadline=deadline,
                headers=headers,
                strict=strict,
                sleep=sleep,
                on_store_error=on_store_error,
                on_request=on_request,
                on_response=on_response,
                on_retry=on_retry,
                telemetry=telemetry,
                outage_guard=outage_guard,
            )
        except InvalidRequest as error:
            if not found.get(error.path):
                raise
            raise InvalidRequest(VARIABLES[error.path], error.reason) from None

    def with_options(self, **changes: Unpack[Options]) -> Self:
        """Return a copy with other settings that shares the connections; closing either closes them for both."""
        if unknown := changes.keys() - Options.__annotations__.keys():
            raise TypeError(f"with_options() got an unexpected keyword argument {min(unknown)!r}")
        copy = object.__new__(type(self))
        vars(copy).update(vars(self))
        copy._configure(**{**self._options, **changes})
        return copy

    @property
    def is_closed(self) -> bool:
        """Whether this client, or a copy that shares its connections, was closed."""
        return self._connections.is_closed

    def __repr__(self) -> str:
        """Name the account."""
        return f"{type(self).__name__}({self._account_id!r})"

    def _configure(self, **options: Any) -> None:
        """Check all `Options`, and set up what calls read of them."""
        options["timeout"] = _whole_timeout(options["timeout"])
        _check_options(options, is_async=self._is_async)
        self._options = options
        self._account_id = account_id = plain_text(options["account_id"])
        self.store: StoreT = options["store"]
        self.retry: RetryPolicy = options["retry"]
        self.timeout: float | None = options["timeout"]
        self.deadline: float | None = options["deadline"]
        self.outage_guard: OutageGuard | None = options["outage_guard"]
        documented = contract().operations["findDomain"].server_url({})
        given = options["domain_api"]
        domain_api = check_base_url("domain_api", documented if given is None else given)
        base_url, variables = options["base_url"], _server_variables(options["server_variables"])
        if base_url is None:
            resolver = self._resolvers.setdefault((domain_api, account_id), DomainResolver(account_id, domain_api))
        else:
            resolver = DomainResolver(account_id, domain_api, check_base_url("base_url", base_url))
        events = {RequestEvent: "on_request", ResponseEvent: "on_response", RetryEvent: "on_retry"}
        hooks = {kind: (options[name],) for kind, name in events.items() if options[name]}
        observed = options["telemetry"] is not None or not hooks.keys() <= {RetryEvent}
        headers = _with_default_headers(options["headers"] or {})
        calls = CallSettings(self.retry, self.timeout, self.deadline, headers, observed, options["strict"])
        self._account = Account(account_id, resolver, variables, options["store"], calls, self.outage_guard)
        self._driver = self._make_driver(hooks, options["on_store_error"] == "continue", options)

    @abstractmethod
    def _make_driver(self, hooks: Hooks, ignore_store_errors: bool, options: dict[str, Any]) -> DriverT:
        """Return what carries out the client's flows."""

    def _find_domain(self, deadline: float | None, *, refresh: bool) -> Flow[str]:
        return self._account.domain.resolve(Call(self._account.calls, deadline), refresh=refresh)


class EngagementClient(_Client[SessionStore, "AnyTransport", Driver, None]):
    """Starts visitor sessions and learns whether an engagement may be shown. Threads may share it.

    - `account_id`: the brand's LivePerson account; default: the environment variable LIVEPERSON_ACCOUNT_ID.
    - `base_url`: where the account is served; default: LIVEPERSON_BASE_URL, else `domain_api` is asked, and asked again
      after four hours, or from a minute on where the host cannot be reached or redirects.
    - `domain_api`: where that is asked; default: LIVEPERSON_DOMAIN_API, else the contract's public Domain API.
    - `server_variables`: values for the URLs of operations with servers of their own; default: the contract's.
    - `store`: where sessions are remembered; default: in memory, as long as the client lives.
    - `retry`: default: each operation's documented policy, at present pauses of 5, 10 and 15 seconds after a 5xx.
    - `timeout`: seconds that an attempt may take, from looking the host up to the end of the answer; None for no limit.
      Of an `httpx.Timeout` the longest part counts.
    - `deadline`: seconds that each whole call may take, pauses included; default: no limit.
    - `headers`: further header fields of each request; one of them may be User-Agent.
    - `strict`: True refuses members of a body that the contract does not have, such as misspelt ones; default: each is
      logged once, as a warning with the name that may be meant, and sent.
    - `transport`: "fast" for connections in Rust (extra `fast`), any httpx transport, or a
      `liveperson_engagement.transports.Transport`; default: connections of our own.
    - `proxy`: URL of a proxy, http, https or socks5; default: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY.
    - `ssl_context`: for certificates of your own; default: certifi's, or what SSL_CERT_FILE and SSL_CERT_DIR name.
    - `max_connections`: how many requests may be under way at once; default: no limit.
    - `sleep`: what a pause calls, with seconds; default: real time.
    - `on_store_error`: "raise" StoreError where the store fails, before anything is sent if it cannot be read; or
      "continue" without reuse, which makes a new visitor of each call, and log a warning.
    - `on_request`, `on_response`, `on_retry`: called with a `RequestEvent` before each attempt, a `ResponseEvent` after
      it and a `RetryEvent` before each pause.
    - `telemetry`: `liveperson_engagement.otel.OpenTelemetry()` for spans and metrics (extra `otel`); default: none.
    - `outage_guard`: `OutageGuard()` holds calls back while the service is down for long; default: none.

    LIVEPERSON_LOG=debug (info, warning, error) prints the log on standard error.

    Raises `InvalidRequest` for a wrong argument. Nothing is sent before the first call.
    """

    _is_async = False

    def visit(self, key: str | None = None, *, ids: VisitIds | None = None) -> Visit:
        """Return the visit of `key`: the same key is the same visitor and session.

        A visit created without a key is private to that object. `ids` continues a visit whose ids the caller has kept.
        """
        return Visit(self._driver, open_session(self._account, key, ids))

    def find_domain(self, *, refresh: bool = False, deadline: float | None = None) -> str:
        """Return the base URL that calls go to; asks the Domain API if that was not done yet, or to `refresh` it.

        Any call does so by itself; this one does it ahead of time, or to see it. Raises DomainLookupFailed,
        DeadlineExceeded. Source: the vendor's page "Domain API".
        """
        return self._driver.call("find_domain", self._find_domain(deadline, refresh=refresh))

    @property
    def call(self) -> CallOperation:
        """Send any operation of the contract, by its operationId: `client.call("createSession", body)`.

        Takes the body (a dict or the generated model), the operation's parameters by name, of which `account_id` is
        the client's if left out, and `deadline=` in seconds. Returns the generated model of the answer. The request is
        checked, sent to the operation's own server, and tried again by the operation's own policy; nothing is
        remembered, so that ids are yours to pass on.

        Raises InvalidRequest (nothing was sent), ApiError, InvalidResponse, ConnectionFailed, DeadlineExceeded,
        DomainLookupFailed.
        """
        return cast("CallOperation", self._call)

    def _call(self, operation_id: str, body: Any = None, *, deadline: float | None = None, **parameters: Any) -> Any:
        return self._driver.call("call", self._account.call(operation_id, body, parameters, deadline))

    def close(self) -> None:
        """Close the connections, of copies too."""
        self._connections.close().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _make_driver(self, hooks: Hooks, ignore_store_errors: bool, options: dict[str, Any]) -> Driver:
        sleep = options["sleep"] or time.sleep
        return Driver(self._connections, sleep, hooks, ignore_store_errors, options["telemetry"])


class AsyncEngagementClient(_Client[AsyncSessionStore, "AnyAsyncTransport", AsyncDriver, Awaitable[None]]):
    """The asyncio twin of `EngagementClient`: the same names, awaited. The tasks of one event loop may share it."""

    _is_async = True

    def visit(self, key: str | None = None, *, ids: VisitIds | None = None) -> AsyncVisit:
        """See `EngagementClient.visit`."""
        return AsyncVisit(self._driver, open_session(self._account, key, ids))

    async def find_domain(self, *, refresh: bool = False, deadline: float | None = None) -> str:
        """See `EngagementClient.find_domain`."""
        return await self._driver.call("find_domain", self._find_domain(deadline, refresh=refresh))

    @property
    def call(self) -> AsyncCallOperation:
        """See `EngagementClient.call`."""
        return cast("AsyncCallOperation", self._call)

    async def _call(
        self, operation_id: str, body: Any = None, *, deadline: float | None = None, **parameters: Any
    ) -> Any:
        return await self._driver.call("call", self._account.call(operation_id, body, parameters, deadline))

    async def aclose(self) -> None:
        """Close the connections, of copies too."""
        await self._connections.close().aclose()

    close = aclose

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _make_driver(self, hooks: Hooks, ignore_store_errors: bool, options: dict[str, Any]) -> AsyncDriver:
        import asyncio  # noqa: PLC0415 - takes long, and sync callers do without

        sleep = options["sleep"] or asyncio.sleep
        return AsyncDriver(self._connections, sleep, hooks, ignore_store_errors, options["telemetry"])


def _check_options(options: dict[str, Any], *, is_async: bool) -> None:
    """Raise `InvalidRequest` for a wrong option."""
    if options["account_id"] is None:
        raise InvalidRequest("account_id", "is required: pass it, or set LIVEPERSON_ACCOUNT_ID")
    try:
        contract().component("AccountId")(options["account_id"])
    except SchemaViolation as violation:
        raise InvalidRequest("account_id", violation.reason) from None
    for path, least in (("timeout", MOMENT), ("deadline", 0)):
        if options[path] is not None:
            check_seconds(path, options[path], least=least)
    _check_store(options["store"], is_async=is_async)
    if not isinstance(options["retry"], RetryPolicy):
        raise InvalidRequest("retry", f"must be a RetryPolicy, not {type(options['retry']).__name__}")
    if not isinstance(options["strict"], bool):
        raise InvalidRequest("strict", "must be True or False")
    if options["on_store_error"] not in ("raise", "continue"):
        raise InvalidRequest("on_store_error", "must be raise or continue")
    for path in ("headers", "server_variables"):
        if not isinstance(options[path], Mapping | None):
            raise InvalidRequest(path, "must be a mapping of names to texts")
    for path in ("sleep", "on_request", "on_response", "on_retry"):
        _check_function(path, options[path], is_async=is_async)
    guard, telemetry = options["outage_guard"], options["telemetry"]
    if guard is not None and (isinstance(guard, type) or not hasattr(guard, "around")):
        raise InvalidRequest("outage_guard", f"must be an OutageGuard, not {type(guard).__name__}")
    if telemetry is not None and (isinstance(telemetry, type) or not hasattr(telemetry, "call")):
        raise InvalidRequest("telemetry", "must be a telemetry, such as liveperson_engagement.otel.OpenTelemetry()")


def _check_function(path: str, function: Any, *, is_async: bool) -> None:
    if function is None:
        return
    if not callable(function):
        raise InvalidRequest(path, f"must be callable, not {type(function).__name__}")
    if not is_async and any(map(inspect.iscoroutinefunction, (function, type(function).__call__))):
        raise InvalidRequest(path, "must be a plain function: only AsyncEngagementClient awaits one")


def _whole_timeout(timeout: Any) -> Any:
    """Return the longest part of an `httpx.Timeout`; anything else as it is."""
    kind: Any = getattr(sys.modules.get("httpx"), "Timeout", ())
    if not isinstance(timeout, kind):
        return timeout
    parts = timeout.as_dict().values()
    return None if None in parts else max(parts)


def _check_store(store: object, *, is_async: bool) -> None:
    for name in ("load", "compare_and_set", "acquire", "extend", "release"):
        method = f"a{name}" if is_async else name
        if isinstance(store, type) or not callable(getattr(store, method, None)):
            kind = type(store).__name__
            raise InvalidRequest("store", f"must be a store such as SQLiteStore(...): {kind} has no {method}")


_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):(|[!-~]|[!-~][ \t!-~]*[!-~])")
_OWN_HEADERS = {
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
}


def _server_variables(variables: Mapping[Any, Any] | None) -> dict[str, str]:
    """Return the values; raise `InvalidRequest` for a name that no server has, or a value that is no text."""
    known = {name for operation in contract().operations.values() for name in operation.server_variables}
    for name, text in (variables or {}).items():
        if name not in known or not isinstance(text, str):
            raise InvalidRequest("server_variables", f"must be texts for {', '.join(sorted(known)) or 'nothing'}")
    return {**(variables or {})}


def _with_default_headers(headers: Mapping[Any, Any]) -> dict[str, str]:
    """Return the headers of every request; raise `InvalidRequest` for one that cannot be sent, or is ours to send."""
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str) or not _FIELD.fullmatch(f"{name}:{value}"):
            raise InvalidRequest("headers", "must have names and values that are printable ASCII text")
        if name.lower() in _OWN_HEADERS:
            raise InvalidRequest("headers", f"must not have {name}: the client sends its own")
    given = {name.lower() for name in headers}
    return {**{name: value for name, value in HEADERS.items() if name.lower() not in given}, **headers}
