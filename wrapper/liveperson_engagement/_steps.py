"""Every decision of a call, once: flows yield what is to be done, and two short drivers do it, sync or async.

What the contract could not express: a call that takes several requests, with pauses and memory between them.
"""

from __future__ import annotations

import copyreg
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Generator
from operator import methodcaller
from typing import Any, ClassVar, TypeAlias, TypeVar

from .errors import AccountLoading, ApiError, ConnectionFailed, EngagementError, StoreError
from .exchange import Exchange, current
from .http import AsyncHttp, Http
from .retry import Budget, RetryEvent, RetryPolicy

T = TypeVar("T")
Flow: TypeAlias = Generator[Callable[[Any], Any], Any, T]
"""Yields steps, each a call on the ports below; gets their results; returns a T."""

Hold: TypeAlias = Callable[[float], Flow[bool]]
"""Keeps a key for some more seconds; tells whether it was still held."""

LEASE = 30.0
"""Seconds that a key stays taken when its holder has crashed, besides what it was about to do."""
NO_LEASE = object()
"""Stands for the lease of a store that is done without."""
PHASES = 3
"""An attempt connects, sends and waits for an answer, each within the timeout."""

logger = logging.getLogger("liveperson_engagement")


class LostTurn(Exception):
    """Somebody else may have started the visit meanwhile: to be taken up from the wait for the turn."""


class _Ports:
    """What both ways share."""

    _attach: ClassVar[str]
    watched: ClassVar[bool] = False
    """Whether every call is to pass through `call`, even one that is answered at once."""

    def __init__(self, http: Any, on_retry: Callable[[RetryEvent], Any] | None, *, lenient: bool) -> None:
        self._http, self._on_retry, self._lenient = http, on_retry, lenient

    @functools.cached_property
    def _generated(self) -> tuple[Any, dict[str, Any]]:
        """Import the generated functions with the first call: their models take long."""
        from liveperson_engagement_api import Client  # noqa: PLC0415
        from liveperson_engagement_api.api.domain import find_domain  # noqa: PLC0415
        from liveperson_engagement_api.api.session import (  # noqa: PLC0415
            continue_session,
            create_session,
            update_session,
        )
        from liveperson_engagement_api.types import Unset  # noqa: PLC0415

        copyreg.pickle(Unset, lambda _: "UNSET")  # a copied model needs this very object
        return getattr(Client(base_url=""), self._attach)(self._http), {
            "createSession": create_session,
            "continueSession": continue_session,
            "updateSession": update_session,
            "findDomain": find_domain,
        }


class Ports(_Ports):
    """What a flow can have done, in the sync way."""

    _attach = "set_httpx_client"

    def __init__(
        self,
        http: Http,
        sleep: Callable[[float], None] | None,
        on_retry: Callable[[RetryEvent], None] | None,
        *,
        lenient: bool,
    ) -> None:
        super().__init__(http, on_retry, lenient=lenient)
        self._sleep = sleep or time.sleep

    def call(self, name: str, flow: Flow[T]) -> T:  # noqa: ARG002 - for those who watch
        """Make a call of the public methods."""
        return run(flow, self)

    def pause(self, event: RetryEvent) -> None:
        """Tell the caller, and wait."""
        if self._on_retry:
            self._on_retry(event)
        self._sleep(event.pause)

    def send(self, exchange: Exchange) -> Any:
        """Run the generated function."""
        token = current.set(exchange)
        try:
            client, operations = self._generated
            return operations[exchange.operation_id].sync_detailed(client=client, **exchange.call).parsed
        finally:
            current.reset(token)

    def store(self, store: Any, method: str, *arguments: Any) -> Any:
        """Call a session store."""
        try:
            return getattr(store, method)(*arguments)
        except Exception as error:  # noqa: BLE001 - a store may raise anything
            return _without_store(error, method, lenient=self._lenient)


class AsyncPorts(_Ports):
    """What a flow can have done, in the async way."""

    _attach = "set_async_httpx_client"

    def __init__(
        self,
        http: AsyncHttp,
        sleep: Callable[[float], Awaitable[None]] | None,
        on_retry: Callable[[RetryEvent], Awaitable[None] | None] | None,
        *,
        lenient: bool,
    ) -> None:
        import asyncio  # noqa: PLC0415 - takes long, and sync callers do without

        super().__init__(http, on_retry, lenient=lenient)
        self._sleep = sleep or asyncio.sleep

    async def call(self, name: str, flow: Flow[T]) -> T:  # noqa: ARG002 - for those who watch
        """Make a call of the public methods."""
        return await run_async(flow, self)

    async def pause(self, event: RetryEvent) -> None:
        """Tell the caller, and wait."""
        if self._on_retry and (told := self._on_retry(event)) is not None:
            await told
        await self._sleep(event.pause)

    async def send(self, exchange: Exchange) -> Any:
        """Run the generated function."""
        token = current.set(exchange)
        try:
            client, operations = self._generated
            return (await operations[exchange.operation_id].asyncio_detailed(client=client, **exchange.call)).parsed
        finally:
            current.reset(token)

    async def store(self, store: Any, method: str, *arguments: Any) -> Any:
        """Call a session store."""
        try:
            return await getattr(store, f"a{method}")(*arguments)
        except Exception as error:  # noqa: BLE001 - a store may raise anything
            return _without_store(error, method, lenient=self._lenient)


def run(flow: Flow[T], ports: Ports) -> T:
    """Drive a flow."""
    resume: Callable[[Any], Callable[[Any], Any]] = flow.send
    result: Any = None
    while True:
        try:
            todo = resume(result)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        try:
            resume, result = flow.send, todo(ports)
        except BaseException as error:  # noqa: BLE001
            resume, result = flow.throw, error


async def run_async(flow: Flow[T], ports: AsyncPorts) -> T:
    """Drive a flow, awaiting each step."""
    resume: Callable[[Any], Callable[[Any], Any]] = flow.send
    result: Any = None
    while True:
        try:
            todo = resume(result)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        try:
            resume, result = flow.send, await todo(ports)
        except BaseException as error:  # noqa: BLE001
            resume, result = flow.throw, error


def attempts(
    prepare: Callable[[], Exchange],
    retry: RetryPolicy,
    budget: Budget,
    *,
    learn: Callable[[AccountLoading], Flow[None]] | None = None,
    hold: Hold | None = None,
) -> Flow[tuple[Any, Exchange]]:
    """Send what `prepare` builds until an answer is good; return it parsed, and the exchange that brought it.

    Between attempts `learn` may change what `prepare` builds next. `hold` keeps the key for an attempt or a pause.
    """
    attempt = 0
    while True:
        budget.left()
        attempt += 1
        exchange = prepare()
        if hold and not (yield from hold(PHASES * (exchange.timeout or LEASE))) and not exchange.repeatable:
            raise LostTurn
        sent = time.monotonic()
        try:
            answer = yield methodcaller("send", exchange)
        except EngagementError as error:
            failure = error
        else:
            _log_attempt(exchange, None, attempt, sent)
            return answer, exchange
        _log_attempt(exchange, failure, attempt, sent)
        failure.attempts = attempt
        if learn and isinstance(failure, AccountLoading):
            yield from learn(failure)
        pause = retry.pause_after(attempt, failure, documented=exchange.policy, repeatable=exchange.repeatable)
        if pause is None and not (isinstance(failure, ConnectionFailed) and not budget.allows(0)):
            raise failure
        if pause is None or not budget.allows(pause):
            late = budget.exceeded()
            late.attempts = attempt
            raise late from failure
        logger.info(
            "%s: attempt %d failed (%s); trying again in %g s", exchange.operation_id, attempt, outcome(failure), pause
        )
        if hold:
            yield from hold(pause)
        started = time.monotonic()
        yield methodcaller("pause", RetryEvent(exchange.operation_id, attempt, failure, pause))
        budget.paused(pause, time.monotonic() - started)


def turn(store: Any, key: str, budget: Budget, work: Callable[[Hold | None], Flow[T]]) -> Flow[T]:
    """Run a flow while nobody else holds the key."""
    lease = yield methodcaller("store", store, "acquire", key, budget.left(), LEASE)
    if lease is None:
        raise budget.exceeded()
    if lease is NO_LEASE:
        return (yield from work(None))

    def hold(seconds: float) -> Flow[bool]:
        held: bool = yield methodcaller("store", store, "extend", key, lease, LEASE + seconds)
        if not held:
            logger.warning("session store: a call was too slow and lost its turn")
        return held

    try:
        result = yield from work(hold)
    except GeneratorExit:  # a task that is thrown away: nobody takes its steps any more, and the lease ends by itself
        raise
    except BaseException:
        yield methodcaller("store", store, "release", key, lease)
        raise
    yield methodcaller("store", store, "release", key, lease)
    return result


def _without_store(error: Exception, method: str, *, lenient: bool) -> Any:
    """Go on without the store if the caller wants that; a key that cannot be given back frees itself."""
    if not lenient and method != "release":
        if isinstance(error, EngagementError):
            raise error
        reason = f"{method} failed ({type(error).__name__}); see on_store_error to go on without it"
        raise StoreError(f"session store: {reason}") from error
    logger.warning("session store: %s failed (%s); going on without it", method, type(error).__name__)
    return {"load": None, "acquire": NO_LEASE}.get(method, True)


def outcome(failure: EngagementError | None) -> str:
    """Say how an attempt ended, without a word of the server's."""
    if isinstance(failure, ApiError):
        code = "" if failure.internal_code is None else f", internal code {failure.internal_code}"
        return f"status {failure.status_code}{code}"
    return type(failure).__name__ if failure else "status 200"


def _log_attempt(exchange: Exchange, failure: EngagementError | None, attempt: int, sent: float) -> None:
    if logger.isEnabledFor(logging.DEBUG):
        took = time.monotonic() - sent
        logger.debug("%s: attempt %d: %s after %.3f s", exchange.operation_id, attempt, outcome(failure), took)
