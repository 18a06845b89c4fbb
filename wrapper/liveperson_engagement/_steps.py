"""The steps of a call as data, and the two drivers that carry them out, sync and async.

A flow is a generator that yields steps and gets their results: `record = yield from Load(store, key)`. Every decision
of a call stands in a flow, once; a driver decides nothing.
"""

from __future__ import annotations

import logging
from _thread import start_new_thread
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeAlias, TypeVar, assert_never, cast

from liveperson_engagement_api.http import Request, Response

from ._keyed_lock import KeyedLock
from .errors import StoreError
from .events import CallObserver, Event, RequestEvent, ResponseEvent, RetryEvent, Telemetry
from .stores import AsyncSessionStore, Record, Remembered, SessionStore
from .transports import AsyncTransport, Transport

T = TypeVar("T")
ResultT_co = TypeVar("ResultT_co", covariant=True)
TransportT = TypeVar("TransportT")
Store: TypeAlias = SessionStore | AsyncSessionStore
LockStore: TypeAlias = Store | KeyedLock
Hooks: TypeAlias = Mapping[type, tuple[Callable[..., Awaitable[None] | None], ...]]
"""What is called for each kind of event."""

logger = logging.getLogger("liveperson_engagement")


class Step(Generic[ResultT_co]):
    """Something to be done; `yield from` it gives the result."""

    __slots__ = ()

    def __iter__(self) -> Generator[AnyStep, object, ResultT_co]:
        result: ResultT_co = yield self  # type: ignore[assignment, misc]
        return result


class LockLost(Exception):
    """The lock expired while we held it; acquire it again and read the record again."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Send(Step[Response]):
    """Send a request, within so many seconds."""

    base_url: str
    request: Request
    timeout: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sleep(Step[None]):
    """Wait before the next attempt."""

    seconds: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Notify(Step[None]):
    """Call the hooks of an event."""

    event: Event


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StoreStep(Step[ResultT_co]):
    """Something that a session store does for a key, within the seconds that the call has left."""

    method: ClassVar[str]
    store: LockStore
    key: str
    timeout: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Load(StoreStep[Remembered | None]):
    """Read the key's record."""

    method = "load"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CompareAndSet(StoreStep[object | None]):
    """Save a record, or delete it where that is None, unless the version has changed; the new version, or None."""

    method = "compare_and_set"
    expected: object | None
    record: Record | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Acquire(StoreStep[bool | None]):
    """Wait for the key's lock and hold it for `ttl` seconds; False when the time is up, None without a store."""

    method = "acquire"
    token: str
    ttl: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Renew(StoreStep[bool]):
    """Hold the key's lock for `ttl` seconds from now; False if it was lost."""

    method = "extend"
    token: str
    ttl: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Release(StoreStep[None]):
    """Give the key's lock back."""

    method = "release"
    token: str


AnyStep: TypeAlias = Send | Sleep | Notify | Load | CompareAndSet | Acquire | Renew | Release
Flow: TypeAlias = Generator[AnyStep, object, T]
"""Yields steps, gets their results, returns a T."""
Renewal: TypeAlias = Callable[[float], Flow[bool]]
"""Holds a lock for some more seconds; False if it was lost."""


@dataclass(slots=True, eq=False, repr=False)
class Connections(Generic[TransportT]):
    """The transport that a client and its copies share until one of them is closed."""

    _transport: TransportT
    is_closed: bool = False

    @property
    def transport(self) -> TransportT:
        """The transport; raises RuntimeError after closing."""
        self.check()
        return self._transport

    def check(self) -> None:
        """Raise RuntimeError after closing."""
        if self.is_closed:
            raise RuntimeError("the client is closed: make another")

    def close(self) -> TransportT:
        """Return the transport, to be closed."""
        self.is_closed = True
        return self._transport


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Driver:
    """Carries out the steps of a flow."""

    connections: Connections[Transport]
    sleep: Callable[[float], object]
    hooks: Hooks
    ignore_store_errors: bool
    telemetry: Telemetry | None

    def call(self, name: str, flow: Flow[T]) -> T:
        """Run the flow of a public method."""
        self.connections.check()
        if self.telemetry is None:
            return self.run(flow)
        with self.telemetry.call(name) as observer:
            result = replace(self, hooks=_with_observer(self.hooks, observer)).run(flow)
            observer.on_result(result)
            return result

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end; give back what locks it still holds then."""
        locks: list[Release] = []
        try:
            step = next(flow)
            while True:
                try:
                    result = self._perform(step, locks)
                except BaseException as error:  # noqa: BLE001 - the flow decides
                    step = flow.throw(error)
                else:
                    step = flow.send(result)
        except StopIteration as end:
            return cast(T, end.value)
        finally:
            try:
                if locks:
                    self._give_back(locks)
            finally:
                if locks:  # a signal handler has raised amid that; it interrupts the main thread alone
                    start_new_thread(self._give_back, (locks,))

    def _give_back(self, locks: list[Release]) -> None:
        while locks:
            self._perform(locks[0], locks)

    def _perform(self, step: AnyStep, locks: list[Release]) -> object:  # noqa: PLR0912 - one case for each step
        result: object = None
        try:
            match step:
                case Send(base_url, request, timeout):
                    result = self.connections.transport.send(base_url, request, timeout)
                case Load(store, key, timeout):
                    result = _sync(store).load(key, timeout)
                case CompareAndSet(store, key, timeout, expected, record):
                    result = _sync(store).compare_and_set(key, expected, record, timeout)
                case Acquire(store, key, timeout, token, ttl):
                    locks.append(Release(store, key, None, token))
                    result = _sync(store).acquire(key, token, timeout, ttl)
                    if not result:
                        _drop(locks, token)
                case Renew(store, key, timeout, token, ttl):
                    result = _sync(store).extend(key, token, ttl, timeout)
                case Release(store, key, timeout, token):
                    _sync(store).release(key, token, timeout)
                    _drop(locks, token)
                case Notify(event):
                    for hook in self.hooks.get(type(event), ()):
                        hook(event)
                case Sleep(seconds):
                    self.sleep(seconds)
                case _:
                    assert_never(step)
        except StoreError as error:
            if not isinstance(step, StoreStep):
                raise
            if isinstance(step, Acquire | Release):
                _drop(locks, step.token)
            result = result_without_store(step, error, ignore=self.ignore_store_errors)
        return result


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AsyncDriver:
    """Carries out the steps of a flow, awaiting each."""

    connections: Connections[AsyncTransport]
    sleep: Callable[[float], Awaitable[object]]
    hooks: Hooks
    ignore_store_errors: bool
    telemetry: Telemetry | None

    async def call(self, name: str, flow: Flow[T]) -> T:
        """Run the flow of a public method."""
        self.connections.check()
        if self.telemetry is None:
            return await self.run(flow)
        with self.telemetry.call(name) as observer:
            result = await replace(self, hooks=_with_observer(self.hooks, observer)).run(flow)
            observer.on_result(result)
            return result

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end; give back what locks it still holds then."""
        locks: list[Release] = []
        try:
            step = next(flow)
            while True:
                try:
                    result = await self._perform(step, locks)
                except BaseException as error:  # noqa: BLE001 - the flow decides
                    step = flow.throw(error)
                else:
                    step = flow.send(result)
        except StopIteration as end:
            return cast(T, end.value)
        except GeneratorExit:  # a task that is thrown away: nobody awaits anything any more, and leases run out
            locks.clear()
            raise
        finally:
            if locks:
                import asyncio  # noqa: PLC0415 - takes long, and sync callers do without

                await asyncio.shield(asyncio.ensure_future(self._give_back(locks)))

    async def _give_back(self, locks: list[Release]) -> None:
        while locks:
            await self._perform(locks[0], locks)

    async def _perform(self, step: AnyStep, locks: list[Release]) -> object:  # noqa: PLR0912 - one case for each step
        result: object = None
        try:
            match step:
                case Send(base_url, request, timeout):
                    result = await self.connections.transport.send(base_url, request, timeout)
                case Load(store, key, timeout):
                    result = await _async(store).aload(key, timeout)
                case CompareAndSet(store, key, timeout, expected, record):
                    result = await _async(store).acompare_and_set(key, expected, record, timeout)
                case Acquire(store, key, timeout, token, ttl):
                    locks.append(Release(store, key, None, token))
                    result = await _async(store).aacquire(key, token, timeout, ttl)
                    if not result:
                        _drop(locks, token)
                case Renew(store, key, timeout, token, ttl):
                    result = await _async(store).aextend(key, token, ttl, timeout)
                case Release(store, key, timeout, token):
                    await _async(store).arelease(key, token, timeout)
                    _drop(locks, token)
                case Notify(event):
                    for hook in self.hooks.get(type(event), ()):
                        if (awaitable := hook(event)) is not None:
                            await awaitable
                case Sleep(seconds):
                    await self.sleep(seconds)
                case _:
                    assert_never(step)
        except StoreError as error:
            if not isinstance(step, StoreStep):
                raise
            if isinstance(step, Acquire | Release):
                _drop(locks, step.token)
            result = result_without_store(step, error, ignore=self.ignore_store_errors)
        return result


def _drop(locks: list[Release], token: str) -> None:
    """Count a lock as given back."""
    locks[:] = [lock for lock in locks if lock.token != token]


def result_without_store(step: StoreStep[object], error: StoreError, *, ignore: bool) -> object:
    """Return what a step gives where the client goes on without its store; raise `StoreError` where it does not.

    A lock that cannot be given back is only logged: it expires by itself.
    """
    what = f"session store: {step.method} failed ({error})" if error.__cause__ else str(error)
    if ignore or isinstance(step, Release):
        logger.warning("%s; going on without it", what)
        return True if isinstance(step, CompareAndSet | Renew) else None
    if error.__cause__ is None:
        raise error
    raise StoreError(f"{what}; see on_store_error to go on without it") from error.__cause__


def _with_observer(hooks: Hooks, observer: CallObserver) -> Hooks:
    """Return hooks that call an observer before the caller's own."""
    first: Hooks = {
        RequestEvent: (observer.on_request,),
        ResponseEvent: (observer.on_response,),
        RetryEvent: (observer.on_retry,),
    }
    return {kind: (*observing, *hooks.get(kind, ())) for kind, observing in first.items()}


def _sync(store: LockStore) -> SessionStore:
    return store  # type: ignore[return-value]


def _async(store: LockStore) -> AsyncSessionStore:
    return store  # type: ignore[return-value]
