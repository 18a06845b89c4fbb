"""The two drivers, to the letter: what each step does, within which time, and what it gives without its store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from liveperson_engagement import StoreError, VisitIds
from liveperson_engagement._steps import (
    Acquire,
    AsyncDriver,
    CompareAndSet,
    Connections,
    Driver,
    Flow,
    Load,
    Release,
    Renew,
    Send,
    Sleep,
)
from liveperson_engagement.stores import Record
from liveperson_engagement_api.http import Request

RECORD = Record(VisitIds("v"))
REQUEST = Request("GET", "/")
STEPS = [
    ("send", "https://a.example", REQUEST, 1.0),
    ("load", "k", 2.0),
    ("compare_and_set", "k", "old", RECORD, 3.0),
    ("acquire", "k", "t", 4.0, 40.0),
    ("extend", "k", "t", 50.0, 5.0),
    ("release", "k", "t", 6.0),
    ("sleep", 7.0),
]


class Everything:
    """Stands for a transport, a store and a sleep: notes what it is asked, and answers or fails."""

    def __init__(self, *, fails: StoreError | None = None, locked: bool = True) -> None:
        self.asked: list[Any] = []
        self._fails, self._locked = fails, locked

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Take the call of any method."""

        def call(*arguments: Any) -> Any:
            self.asked.append((name, *arguments))
            if self._fails and name not in ("send", "sleep"):
                raise self._fails
            return self._locked if name == "acquire" else name

        async def acall(*arguments: Any) -> Any:
            return call(*arguments)

        def of_async(*arguments: Any) -> Any:
            nonlocal name
            name = name.removeprefix("a") if name != "acquire" else name
            return acall(*arguments)

        is_async = name in ("aload", "acompare_and_set", "aacquire", "aextend", "arelease")
        return of_async if is_async else call


class Awaited(Everything):
    """The same, where all is awaited."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Take the call of any method."""
        call = super().__getattr__(name)

        async def acall(*arguments: Any) -> Any:
            return call(*arguments)

        return acall if name in ("send", "sleep") else call


def run(backend: str, everything: Any, flow: Flow[Any], *, ignore: bool = False) -> Any:
    """Drive a flow."""
    connections: Connections[Any] = Connections(everything)
    if backend == "sync":
        return Driver(connections, everything.sleep, {}, ignore, None).run(flow)
    return asyncio.run(AsyncDriver(connections, everything.sleep, {}, ignore, None).run(flow))


def made(backend: str, **options: Any) -> Everything:
    """Make what a driver works with."""
    return Everything(**options) if backend == "sync" else Awaited(**options)


def all_steps(store: Any) -> Flow[list[Any]]:
    """Take each step once, and return what they give."""
    got: list[Any] = []
    got.append((yield from Send("https://a.example", REQUEST, 1.0)))
    got.append((yield from Load(store, "k", 2.0)))
    got.append((yield from CompareAndSet(store, "k", 3.0, "old", RECORD)))
    got.append((yield from Acquire(store, "k", 4.0, "t", 40.0)))
    got.append((yield from Renew(store, "k", 5.0, "t", 50.0)))
    yield from Release(store, "k", 6.0, "t")
    yield from Sleep(7.0)
    return got


@pytest.mark.parametrize("backend", ["sync", "async"])
def test_each_step_is_done_with_all_that_it_says(backend: str) -> None:
    """Its result goes back into the flow."""
    everything = made(backend)
    assert run(backend, everything, all_steps(everything)) == ["send", "load", "compare_and_set", True, "extend"]
    assert everything.asked == STEPS


@pytest.mark.parametrize("backend", ["sync", "async"])
@pytest.mark.parametrize("caused", [True, False])
def test_without_its_store_a_flow_goes_on_if_it_may(
    backend: str, caplog: pytest.LogCaptureFixture, *, caused: bool
) -> None:
    """Each step has a result that stands for none; nothing is given back that was not got."""
    failure = StoreError("OSError")
    failure.__cause__ = OSError() if caused else None
    everything = made(backend, fails=failure)
    assert run(backend, everything, all_steps(everything), ignore=True) == ["send", None, True, None, True]
    assert everything.asked == STEPS
    told = "session store: {} failed (OSError)" if caused else "OSError"
    names = ("load", "compare_and_set", "acquire", "extend", "release")
    assert caplog.messages == [f"{told.format(name)}; going on without it" for name in names]


@pytest.mark.parametrize("backend", ["sync", "async"])
def test_without_its_store_a_flow_ends_if_it_must(backend: str) -> None:
    """Only a lock that cannot be given back is not worth it."""
    for caused in (True, False):
        failure = StoreError("OSError")
        failure.__cause__ = cause = OSError() if caused else None
        everything = made(backend, fails=failure)
        with pytest.raises(StoreError) as raised:
            run(backend, everything, all_steps(everything))
        more = "session store: load failed (OSError); see on_store_error to go on without it"
        assert str(raised.value) == (more if caused else "OSError")
        assert raised.value.__cause__ is cause
        assert everything.asked == STEPS[:2]
        everything.asked.clear()
        run(backend, everything, iter_release(everything))
        assert everything.asked == [("release", "k", "t", 6.0)]


def iter_release(store: Any) -> Flow[None]:
    """Give a lock back."""
    yield from Release(store, "k", 6.0, "t")


def locking(store: Any, *, raises: bool) -> Flow[object]:
    """Take a lock, and forget to give it back."""
    got = yield from Acquire(store, "k", 4.0, "t", 40.0)
    if raises:
        raise KeyError
    return got


@pytest.mark.parametrize("backend", ["sync", "async"])
@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize("locked", [True, False])
def test_a_lock_that_was_got_is_given_back(backend: str, *, raises: bool, locked: bool) -> None:
    """However the flow ends, and only then."""
    everything = made(backend, locked=locked)
    if raises:
        with pytest.raises(KeyError):
            run(backend, everything, locking(everything, raises=True))
    else:
        assert run(backend, everything, locking(everything, raises=False)) is locked
    given_back = [("release", "k", "t", None)] if locked else []
    assert everything.asked == [("acquire", "k", "t", 4.0, 40.0), *given_back]
