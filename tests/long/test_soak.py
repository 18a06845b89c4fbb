"""A short soak of each shared store: processes are killed and answers lost, and every visitor is accounted for."""

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from checkout import ROOT
from soak import Call, outage_figures, visitor_figures


def soak(*options: str) -> tuple[int, dict[str, Any]]:
    """Run a short soak; return its exit status and its figures."""
    load = ["--processes", "2", "--tasks", "10", "--keys", "20", "--seconds", "6", *options]
    command = [sys.executable, str(ROOT / "scripts/lib/soak.py"), *load]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_one_key_stays_one_visitor_whatever_is_lost_or_killed(store: str) -> None:
    """Visitors are one a key, and those whose answer was lost on the way to the store."""
    status, figures = soak("--store", store, "--kill-every", "2", "--restarts", "1")
    assert (status, figures["findings"]) == (0, []), figures
    assert figures["kills"] >= 1
    assert figures["restarts"] == (store == "redis")
    assert figures["keys_with_visitor"] > 1
    assert figures["visitors"] == figures["keys_with_visitor"] + sum(figures["explained"].values())


def test_a_store_that_is_not_shared_is_found_out() -> None:
    """The soak fails where visits are forgotten."""
    status, figures = soak("--store", "memory", "--kill-every", "0")
    assert status == 1
    assert figures["lost"] > 0


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_during_an_outage_one_call_at_a_time_tries_again(store: str) -> None:
    """Of all processes; the others are held back at once, and all go on when it is over."""
    status, figures = soak("outage", "--store", store)
    assert (status, figures["findings"]) == (0, []), figures
    assert figures["held_back"] > 20


def request(call: Call, visitor: str = "", operation: str = "createSession") -> Any:
    """Make a request of a call, as the service has noted it."""
    body = f'{{"visitorId": "{visitor}"}}'.encode()
    headers = {"soak-call": call.name}
    return SimpleNamespace(operation_id=operation, status=200, response_body=body, headers=headers, at=call.began)


@pytest.mark.parametrize(
    ("one", "two", "remembered", "found"),
    [
        ("vid-1", "vid-2", {"a": "vid-1", "b": "vid-2"}, ""),
        ("vid-2", "vid-1", {"a": "vid-2", "b": "vid-1"}, "mixed_up"),
        ("vid-1", "vid-1", {"a": "vid-1"}, "mixed_up"),
        ("vid-1", "vid-2", {"a": "vid-1"}, "lost"),
        ("vid-1", "", {"a": "vid-1"}, "unexplained"),
    ],
)
def test_the_account_of_two_calls(one: str, two: str, remembered: dict[str, str], found: str) -> None:
    """Each key has made a visitor: the account names those that calls have mixed up, lost or cannot explain."""
    calls = {key: Call(key, key, "create_session", 1, 2, "answered", seen) for key, seen in (("a", one), ("b", two))}
    requests = [request(calls["a"], "vid-1"), request(calls["b"], "vid-2")]
    figures = visitor_figures(calls, requests, ["vid-1", "vid-2"], remembered)
    assert bool(figures["findings"]) == bool(found)
    assert not found or figures[found] > 0


def test_calls_that_nobody_holds_back_are_found_out() -> None:
    """The account names tries that come too early, and attempts beyond one."""
    calls = {
        name: Call(name, "key", "create_session", 10 + at / 10, 10.01 + at / 10, "ServerError")
        for at, name in enumerate("abcde")
    }
    requests = [request(call) for call in calls.values() for _ in range(2)]
    found = " ".join(outage_figures(calls, requests, 10, 20)["findings"])
    assert all(part in found for part in ("several attempts", "too early", "nothing of this: ['held_back'"))
