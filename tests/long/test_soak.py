"""A short soak of each shared store: processes are killed and answers lost, and every visitor is accounted for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import soak_outage
from checkout import ROOT

LIB = ROOT / "scripts" / "lib"
SOAK = LIB / "soak.py"


def soak(folder: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Run a soak for some seconds; return its exit status, its figures and what it printed."""
    figures = folder / "figures.json"
    load = ["--processes", "2", "--tasks", "10", "--keys", "20", "--think", "0.05", "--lease", "2", "--timeout", "0.5"]
    done = subprocess.run(
        [sys.executable, SOAK, *load, *options, "--json", figures],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert figures.exists(), done.stdout + done.stderr
    return done.returncode, json.loads(figures.read_text()), done.stdout


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_one_key_stays_one_visitor_whatever_is_lost_or_killed(tmp_path: Path, store: str) -> None:
    """Visitors are one a key, and those whose answer was lost on the way to the store."""
    status, figures, printed = soak(
        tmp_path, "--store", store, "--seconds", "4", "--kill-every", "0.8", "--restarts", "1"
    )
    assert (figures["lost"], figures["mixed_up"], figures["unexplained"], figures["crashed"]) == (0, 0, 0, 0), printed
    assert status == 0
    assert figures["kills"] >= 2
    assert figures["restarts"] == (store == "redis")
    assert figures["calls"] > 20
    assert figures["keys_with_visitor"] > 10
    assert figures["visitors"] == figures["keys_with_visitor"] + sum(figures["explained"].values())


@pytest.mark.parametrize(("sabotage", "found"), [("amnesia", "unexplained"), ("shared", "mixed_up")])
def test_a_store_that_does_not_work_is_found_out(tmp_path: Path, sabotage: str, found: str) -> None:
    """The soak fails where visits are forgotten, or taken for one another."""
    status, figures, _ = soak(tmp_path, "--sabotage", sabotage, "--seconds", "4", "--kill-every", "0")
    assert status == 1
    assert figures[found] > 0


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_during_an_outage_one_call_at_a_time_tries_again_among_all_processes(tmp_path: Path, store: str) -> None:
    """The others are held back at once, and all go on when it is over."""
    written = tmp_path / "figures.json"
    load = ["--processes", "2", "--threads", "4", "--seconds", "7", "--pause", "0.3", "--store", store]
    done = subprocess.run(
        [sys.executable, LIB / "soak_outage.py", *load, "--json", written],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(written.read_text())
    assert figures["findings"] == {}
    assert figures["tries_during_outage"] >= 2
    assert figures["held_back"] > 50
    assert figures["answered_after"] > 10


def test_calls_that_nobody_holds_back_are_found_out() -> None:
    """The account names tries that come too early, and attempts beyond one."""
    calls = [soak_outage.Call(str(number), 10 + number / 10, 0.01, "ServerError") for number in range(5)]
    requests = [SimpleNamespace(at=call.began, headers={"soak-call": call.name}) for call in calls for _ in range(2)]
    found = soak_outage.figures(calls, requests, 10, 20, (0.6, 1.2))["findings"]
    assert any("not one each" in finding for finding in found)
    assert any("after a try came the next one" in finding for finding in found)
    assert "nothing was held back" in found
