"""The two drivers, to the letter: what each step does, within which time, and what it gives without its store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from liveperson_engagement import MemoryStore, StoreError, VisitIds
from liveperson_engagement._deadline import CallDeadline
from liveperson_engagement._locking import key_lock
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


@pytest.fixture(params=["sync", "async"])
def driver(request: pytest.FixtureRequest) -> str:
    """Choose one of the two drivers."""
    chosen: str = request.param
    return chosen


class Everything:
    """Stands for a transport, a store and a sleep: notes what it is asked, and answers with the name of that or fails.

    What an async driver calls is awaited, and a store's methods have another name there.
    """

    def __init__(self, driver: str, *, fails: StoreError | None = None, locked: bool = True) -> None:
        self.asked: list[Any] = []
        self._is_async, self._fails, self._locked = driver == "async", fails, locked

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Take the call of any method."""
        step = name[1:] if self._is_async and name not in ("send", "sleep") else name

        def call(*arguments: Any) -> Any:
            self.asked.append((step, *arguments))
            if self._fails and step not in ("send", "sleep"):
                raise self._fails
            return self._locked if step == "acquire" else step

        async def acall(*arguments: Any) -> Any:
            return call(*arguments)

        return acall if self._is_async else call


def run(driver: str, everything: Any, flow: Flow[Any], *, ignore: bool = False) -> Any:
    """Drive a flow."""
    connections: Connections[Any] = Connections(everything)
    if driver == "sync":
        return Driver(connections, everything.sleep, {}, ignore, None).run(flow)
    return asyncio.run(AsyncDriver(connections, everything.sleep, {}, ignore, None).run(flow))


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


def test_each_step_is_done_with_all_that_it_says(driver: str) -> None:
    """Its result goes back into the flow."""
    everything = Everything(driver)
    assert run(driver, everything, all_steps(everything)) == ["send", "load", "compare_and_set", True, "extend"]
    assert everything.asked == STEPS


@pytest.mark.parametrize("caused", [True, False])
def test_without_its_store_a_flow_goes_on_if_it_may(
    driver: str, caplog: pytest.LogCaptureFixture, *, caused: bool
) -> None:
    """Each step has a result that stands for none; nothing is given back that was not got."""
    failure = StoreError("OSError")
    failure.__cause__ = OSError() if caused else None
    everything = Everything(driver, fails=failure)
    assert run(driver, everything, all_steps(everything), ignore=True) == ["send", None, True, None, True]
    assert everything.asked == STEPS
    told = "session store: {} failed (OSError)" if caused else "OSError"
    names = ("load", "compare_and_set", "acquire", "extend", "release")
    assert caplog.messages == [f"{told.format(name)}; going on without it" for name in names]


@pytest.mark.parametrize("caused", [True, False])
def test_without_its_store_a_flow_ends_if_it_must(driver: str, *, caused: bool) -> None:
    """Only a lock that cannot be given back is not worth it: it expires by itself."""
    failure = StoreError("OSError")
    failure.__cause__ = cause = OSError() if caused else None
    everything = Everything(driver, fails=failure)
    with pytest.raises(StoreError) as raised:
        run(driver, everything, all_steps(everything))
    more = "session store: load failed (OSError); see on_store_error to go on without it"
    assert str(raised.value) == (more if caused else "OSError")
    assert raised.value.__cause__ is cause
    assert everything.asked == STEPS[:2]
    everything.asked.clear()
    store: Any = everything
    run(driver, everything, iter(Release(store, "k", 6.0, "t")))
    assert everything.asked == [("release", "k", "t", 6.0)]


@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize("locked", [True, False])
def test_a_lock_that_was_got_is_given_back(driver: str, *, raises: bool, locked: bool) -> None:
    """However the flow ends, and only then."""

    def forgetful(store: Any) -> Flow[object]:
        got = yield from Acquire(store, "k", 4.0, "t", 40.0)
        if raises:
            raise KeyError
        return got

    everything = Everything(driver, locked=locked)
    if raises:
        with pytest.raises(KeyError):
            run(driver, everything, forgetful(everything))
    else:
        assert run(driver, everything, forgetful(everything)) is locked
    given_back = [("release", "k", "t", None)] if locked else []
    assert everything.asked == [("acquire", "k", "t", 4.0, 40.0), *given_back]


def test_a_call_that_is_thrown_away_asks_for_nothing_more() -> None:
    """A coroutine whose event loop is gone is closed where it stands; nobody would take its steps."""
    pause = Sleep(1.0)

    def work(_: object) -> Flow[None]:
        yield from pause

    call = key_lock(MemoryStore(), "key", CallDeadline(None), work)
    assert isinstance(next(call), Acquire)
    assert call.send(True) is pause
    call.close()
    assert list(call) == []
