"""Whole calls on each store, while a signal handler raises every few hundred microseconds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkout import ROOT
from liveperson_engagement.sandbox import Sandbox
from redis_server import RedisServer

PROGRAM = ROOT / "tests/interrupted.py"


@pytest.fixture
def places(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Say where each store keeps its visits."""
    with RedisServer(tmp_path / "redis") as server:
        yield {"memory": "", "sqlite": str(tmp_path / "visits.db"), "redis": server.url}


@pytest.mark.parametrize("raised", ["SoftTimeLimit", "KeyboardInterrupt"])
@pytest.mark.parametrize("store", ["memory", "sqlite", "redis"])
def test_signals_lose_nothing(sandbox: Sandbox, places: dict[str, str], store: str, raised: str) -> None:
    """No key, no visit, no transaction, no connection and no thread; the exception goes through."""
    command = [sys.executable, str(PROGRAM), store, places[store], sandbox.url, "1500", raised]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    found = json.loads(done.stdout)
    assert found.pop("interrupted") > 100
    assert found.pop("signals") > 100
    assert found.pop("calls") == 1500
    assert {name for name, count in found.items() if count} == set(), found
