"""The two drivers, to the letter: what each step does, within which time, and what it gives without its store."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock, call

import pytest

from liveperson_engagement import MemoryStore, StoreError, VisitIds
from liveperson_engagement import _keyed_lock as keyed_lock
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
from waiting import until

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
STORE = ("load", "compare_and_set", "acquire", "extend", "release")
both_drivers = pytest.mark.parametrize("driver", ["sync", "async"])


def everything(driver: str, *, fails: StoreError | None = None, locked: bool = True) -> Any:
    """Stand for a transport, a store and a sleep: what is asked returns its name, or fails if a store does it."""
    made = AsyncMock() if driver == "async" else Mock()
    made.send.return_value = "send"
    for step in STORE:
        method = getattr(made, f"a{step}" if driver == "async" else step)
        method.side_effect, method.return_value = fails, locked if step == "acquire" else step
    return made


def asked(made: Any) -> list[Any]:
    """Return what was asked, by the names of a sync store, and with what."""
    names = {f"a{step}": step for step in STORE}
    return [(names.get(name, name), *arguments) for name, arguments, _ in made.mock_calls]


def run(made: Any, flow: Flow[Any], *, ignore: bool = False) -> Any:
    """Drive a flow."""
    driver: Any = (Connections[Any](made), made.sleep, {}, ignore, None)
    return asyncio.run(AsyncDriver(*driver).run(flow)) if isinstance(made, AsyncMock) else Driver(*driver).run(flow)


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


@both_drivers
def test_each_step_is_done_with_all_that_it_says(driver: str) -> None:
    """Its result goes back into the flow."""
    made = everything(driver)
    assert run(made, all_steps(made)) == ["send", "load", "compare_and_set", True, "extend"]
    assert asked(made) == STEPS


@both_drivers
@pytest.mark.parametrize("caused", [True, False])
def test_without_its_store_a_flow_goes_on_if_it_may(driver: str, caplog: Any, *, caused: bool) -> None:
    """Each step has a result that stands for none. If it must end, only a lock that stays is not worth it."""
    failure = StoreError("OSError")
    failure.__cause__ = cause = OSError() if caused else None
    made = everything(driver, fails=failure)
    assert run(made, all_steps(made), ignore=True) == ["send", None, True, None, True]
    assert asked(made) == STEPS
    told = "session store: {} failed (OSError)" if caused else "OSError"
    names = ("load", "compare_and_set", "acquire", "extend", "release")
    assert caplog.messages == [f"{told.format(name)}; going on without it" for name in names]
    made.reset_mock()
    with pytest.raises(StoreError) as raised:
        run(made, all_steps(made))
    more = "session store: load failed (OSError); see on_store_error to go on without it"
    assert str(raised.value) == (more if caused else "OSError")
    assert raised.value.__cause__ is cause
    run(made, iter(Release(made, "k", 6.0, "t")))
    assert asked(made) == [*STEPS[:2], ("release", "k", "t", 6.0)]


@both_drivers
@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize("locked", [True, False])
def test_a_lock_that_was_got_is_given_back(driver: str, *, raises: bool, locked: bool) -> None:
    """However the flow ends, and only then."""

    def forgetful(store: Any) -> Flow[object]:
        got = yield from Acquire(store, "k", 4.0, "t", 40.0)
        if raises:
            raise KeyError
        return got

    made = everything(driver, locked=locked)
    if raises:
        with pytest.raises(KeyError):
            run(made, forgetful(made))
    else:
        assert run(made, forgetful(made)) is locked
    given_back = [("release", "k", "t", None)] if locked else []
    assert asked(made) == [("acquire", "k", "t", 4.0, 40.0), *given_back]


@both_drivers
def test_telemetry_learns_the_result_of_a_call(driver: str) -> None:
    """By the call's name."""
    made, telemetry = everything(driver), MagicMock()
    kind: Any = AsyncDriver if driver == "async" else Driver
    found = kind(Connections[Any](made), made.sleep, {}, False, telemetry).call("name", iter(Load(made, "k", 2.0)))
    assert (asyncio.run(found) if driver == "async" else found) == "load"
    assert telemetry.call.mock_calls[:1] == [call("name")]
    telemetry.call.return_value.__enter__.return_value.on_result.assert_called_once_with("load")


@both_drivers
def test_what_fails_beside_the_store_is_the_callers(driver: str) -> None:
    """Even if it looks like a store's failure, and those are passed over."""
    made, failure = everything(driver), StoreError("of a hook")
    made.send.side_effect = failure
    with pytest.raises(StoreError) as raised:
        run(made, all_steps(made), ignore=True)
    assert raised.value is failure


def test_a_signal_loses_no_lock() -> None:
    """What its handler raises while a lock is given back goes through; a thread tries again."""
    store: Any = Mock(release=Mock(side_effect=[KeyboardInterrupt, None]))
    with pytest.raises(KeyboardInterrupt):
        run(store, iter(Acquire(store, "k", 4.0, "t", 40.0)))
    until(lambda: store.release.mock_calls == [call("k", "t", None)] * 2)


def test_a_child_process_has_locks_of_its_own() -> None:
    """After a fork, those who held or awaited one are threads of the parent."""
    lock = keyed_lock.KeyedLock()
    assert lock.acquire("k", "parent", 0, 40.0)
    keyed_lock.after_fork_in_child()
    assert lock.acquire("k", "child", 0, 40.0)
    assert not lock.acquire("k", "another", 0, 40.0)


def test_a_call_that_is_thrown_away_asks_for_nothing_more() -> None:
    """A coroutine whose event loop is gone is closed where it stands; nobody would take its steps."""
    pause = Sleep(1.0)

    def work(_: object) -> Flow[None]:
        yield from pause

    flow = key_lock(MemoryStore(), "key", CallDeadline(None), work)
    assert isinstance(next(flow), Acquire)
    assert flow.send(True) is pause
    flow.close()
    assert list(flow) == []
