"""A short soak of each shared store: processes are killed and answers lost, and every visitor is accounted for."""

import json
import subprocess
import sys
from typing import Any

import pytest

from checkout import ROOT


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


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_during_an_outage_one_call_at_a_time_tries_again(store: str) -> None:
    """Of all processes; the others are held back at once, and all go on when it is over."""
    status, figures = soak("outage", "--store", store)
    assert (status, figures["findings"]) == (0, []), figures
    assert figures["held_back"] > 20


def test_a_store_that_is_not_shared_is_found_out() -> None:
    """The soak fails where visits are forgotten."""
    status, figures = soak("--store", "memory", "--kill-every", "0")
    assert status == 1
    assert figures["lost"] > 0
