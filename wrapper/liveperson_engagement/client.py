"""The client: settings and connections, shared by all visits.

What the contract could not express: limits in time, where sessions are remembered, and the environment variables.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, Self, TypeAlias, TypedDict, TypeVar, Unpack

import httpx

from . import http
from .contract import contract
from .domain import Site, checked_url
from .errors import InvalidRequest
from .flow import AsyncPorts, Flow, Ports
from .jsontext import Breach
from .logs import log_as_environment_asks
from .retry import Budget, RetryEvent, RetryPolicy, check_seconds
from .stores import AsyncSessionStore, MemoryStore, SessionStore, VisitIds
from .visit import AsyncVisit, Visit

if TYPE_CHECKING:
    from .outage import OutageGuard

StoreT = TypeVar("StoreT")
TransportT = TypeVar("TransportT")
SleepT = TypeVar("SleepT")
OnRetryT = TypeVar("OnRetryT")


OnStoreError: TypeAlias = Literal["raise", "continue"]


class Telemetry(Protocol):
    """Watches a client's calls: see `liveperson_engagement.otel`."""

    def watch(self, ports: Any) -> Any:
        """Return ports that do what `ports` do, and take note of it."""
        ...


class Options(TypedDict, total=False):
    """What `with_options` can change; see `EngagementClient`."""

    account_id: str
    base_url: str | None
    domain_api: str
    store: SessionStore | AsyncSessionStore
    retry: RetryPolicy
    timeout: float | None
    deadline: float | None
    sleep: Callable[[float], Any]
    on_store_error: OnStoreError
    on_retry: Callable[[RetryEvent], Any] | None
    telemetry: Telemetry | None
    outage_guard: OutageGuard | None


class _Client(Generic[StoreT, TransportT, SleepT, OnRetryT]):
    """What both kinds of client decide."""

    _http_class: ClassVar[Any]
    _ports_class: ClassVar[Any]

    def __init__(
        self,
        account_id: str | None = None,
        *,
        base_url: str | None = None,
        domain_api: str = "https://api.liveperson.net",
        store: StoreT | None = None,
        retry: RetryPolicy | None = None,
        timeout: float | None = 10.0,
        deadline: float | None = None,
        transport: TransportT | Literal["fast"] | None = None,
        sleep: SleepT | None = None,
        on_store_error: OnStoreError = "raise",
        on_retry: OnRetryT | None = None,
        telemetry: Telemetry | None = None,
        outage_guard: OutageGuard | None = None,
    ) -> None:
        log_as_environment_asks()
        self._http = self._http_class(transport)
        self._configure(
            account_id=_from_environment("LIVEPERSON_ACCOUNT_ID", account_id),
            base_url=_from_environment("LIVEPERSON_BASE_URL", base_url),
            domain_api=domain_api,
            store=MemoryStore() if store is None else store,
            retry=RetryPolicy() if retry is None else retry,
            timeout=timeout,
            deadline=deadline,
            sleep=sleep,
            on_store_error=on_store_error,
            on_retry=on_retry,
            telemetry=telemetry,
            outage_guard=outage_guard,
        )

    def with_options(self, **changes: Unpack[Options]) -> Self:
        """Return a copy with other settings that shares the connections; closing either closes them for both."""
        if unknown := changes.keys() - Options.__annotations__.keys():
            raise TypeError(f"with_options() got an unexpected keyword argument {min(unknown)!r}")
        copy = object.__new__(type(self))
        copy._http = self._http
        copy._configure(**{**self._options, **changes})
        if not changes.keys() & {"account_id", "base_url", "domain_api"}:
            copy.site = self.site
        return copy

    def __repr__(self) -> str:
        """Name the account."""
        return f"{type(self).__name__}({self.site.account_id!r})"

    def _configure(self, **options: Any) -> None:
        """Check all `Options`, and set up what calls read of them."""
        self._options, account_id, base_url = options, options["account_id"], options["base_url"]
        self.store: StoreT = options["store"]
        self.retry: RetryPolicy = options["retry"]
        self.timeout: float | None = options["timeout"]
        self.deadline: float | None = options["deadline"]
        if account_id is None:
            raise InvalidRequest("account_id", "is required: pass it, or set LIVEPERSON_ACCOUNT_ID")
        try:
            contract().check_value("AccountId", account_id)
        except Breach as breach:
            raise InvalidRequest("account_id", breach.reason) from None
        for path in ("timeout", "deadline"):
            if options[path] is not None:
                check_seconds(path, options[path])
        if options["store"] is None:
            raise InvalidRequest("store", "must be a session store")
        if not isinstance(options["retry"], RetryPolicy):
            raise InvalidRequest("retry", f"must be a RetryPolicy, not {type(options['retry']).__name__}")
        if options["on_store_error"] not in ("raise", "continue"):
            raise InvalidRequest("on_store_error", "must be raise or continue")
        for path in ("sleep", "on_retry"):
            if options[path] is not None and not callable(options[path]):
                raise InvalidRequest(path, f"must be callable, not {type(options[path]).__name__}")
            if self._ports_class is Ports and inspect.iscoroutinefunction(options[path]):
                raise InvalidRequest(path, "must be a plain function: only AsyncEngagementClient awaits one")
        self.outage_guard: OutageGuard | None = options["outage_guard"]
        if self.outage_guard is not None and not hasattr(self.outage_guard, "around"):
            raise InvalidRequest("outage_guard", f"must be an OutageGuard, not {type(self.outage_guard).__name__}")
        if options["telemetry"] is not None and not hasattr(options["telemetry"], "watch"):
            raise InvalidRequest("telemetry", "must be a telemetry, such as liveperson_engagement.otel.OpenTelemetry()")
        base_url = None if base_url is None else checked_url("base_url", base_url)
        self.site = Site(account_id, checked_url("domain_api", options["domain_api"]), base_url)
        lenient = options["on_store_error"] == "continue"
        ports = self._ports_class(self._http, options["sleep"], options["on_retry"], lenient=lenient)
        self.ports: Any = options["telemetry"].watch(ports) if options["telemetry"] else ports

    def _found_domain(self, deadline: float | None) -> Flow[str]:
        budget = Budget(self.deadline if deadline is None else deadline)
        return self.site.locate(self.retry, self.timeout, budget)


class EngagementClient(
    _Client[SessionStore, httpx.BaseTransport, Callable[[float], None], Callable[[RetryEvent], None]]
):
    """Starts visitor sessions and learns whether an engagement may be shown. Threads may share it.

    - `account_id`: the brand's LivePerson account; default: the environment variable LIVEPERSON_ACCOUNT_ID.
    - `base_url`: where the account is served; default: LIVEPERSON_BASE_URL, else `domain_api` is asked.
    - `store`: where sessions are remembered; default: in memory, as long as the client lives.
    - `retry`: default: the documented policy, pauses of 5, 10 and 15 seconds after a 5xx.
    - `timeout`: seconds that connecting, and each wait for data, may take; None for no limit.
    - `deadline`: seconds that each whole call may take, pauses included; default: no limit.
    - `transport`: any httpx transport, or "fast" for connections in Rust (extra `fast`); default: httpx's own.
    - `sleep`: what a pause calls, with seconds; default: real time.
    - `on_store_error`: "raise" StoreError where the store fails, before anything is sent if it cannot be read; or
      "continue" without reuse, which makes a new visitor of each call, and log a warning.
    - `on_retry`: called with a `RetryEvent` before each pause; what it raises ends the call.
    - `telemetry`: `liveperson_engagement.otel.OpenTelemetry()` for spans and metrics (extra `otel`); default: none.
    - `outage_guard`: `OutageGuard()` holds calls back while the service is down for long; default: none.

    LIVEPERSON_LOG=debug (info, warning, error) prints the log on standard error.

    Raises `InvalidRequest` for a wrong argument. Nothing is sent before the first call.
    """

    _http_class, _ports_class = http.Http, Ports

    def visit(self, key: str | None = None, *, ids: VisitIds | None = None) -> Visit:
        """Return the visit of `key`: the same key is the same visitor and session.

        Without a key the visit is nobody else's. `ids` takes up a visit whose ids the caller has kept.
        """
        return Visit(self, key, ids)

    def find_domain(self, *, deadline: float | None = None) -> str:
        """Return the base URL that calls go to, asking the Domain API if that has not been done yet.

        Any call does so by itself; this one does it ahead of time, or to see it. Raises DomainLookupFailed,
        DeadlineExceeded. Source: the vendor's page "Domain API".
        """
        found: str = self.ports.call("find_domain", self._found_domain(deadline))
        return found

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncEngagementClient(
    _Client[
        AsyncSessionStore,
        httpx.AsyncBaseTransport,
        Callable[[float], Awaitable[None]],
        Callable[[RetryEvent], Awaitable[None] | None],
    ]
):
    """The asyncio twin of `EngagementClient`: the same names, awaited. The tasks of one event loop may share it."""

    _http_class, _ports_class = http.AsyncHttp, AsyncPorts

    def visit(self, key: str | None = None, *, ids: VisitIds | None = None) -> AsyncVisit:
        """See `EngagementClient.visit`."""
        return AsyncVisit(self, key, ids)

    async def find_domain(self, *, deadline: float | None = None) -> str:
        """See `EngagementClient.find_domain`."""
        found: str = await self.ports.call("find_domain", self._found_domain(deadline))
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _from_environment(name: str, value: str | None) -> str | None:
    return os.environ.get(name) or None if value is None else value
