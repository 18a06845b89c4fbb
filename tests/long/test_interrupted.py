# ruff: noqa: S311 - which call comes next is no secret
"""Whole calls on each store, while a signal handler raises every few hundred microseconds.

`INTERRUPTED_CALLS=50000 python -m pytest tests/long/test_interrupted.py` tries for longer.
"""

import gc
import os
import random
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from liveperson_engagement import EngagementClient, MemoryStore, RedisStore, SQLiteStore
from liveperson_engagement.sandbox import Sandbox
from redis_server import RedisServer

CALLS = int(os.environ.get("INTERRUPTED_CALLS", "1500"))
BODIES: list[Any] = [{"appType": "EXTERNAL"}, {"appType": "EXTERNAL", "consumerSections": ["Support"]}]
VISITS = [f"{number}" for number in range(40)]


class SoftTimeLimit(Exception):
    """What task queues raise."""


class Interruptions:
    """Raises in the main thread while a call lasts, again and again."""

    def __init__(self, kind: type[BaseException]) -> None:
        self._kind, self._armed, self.count = kind, False, 0
        signal.signal(signal.SIGALRM, self._interrupt)

    def _interrupt(self, _: int, frame: FrameType | None) -> None:
        if self._armed and frame and frame.f_code is not Interruptions.run.__code__:  # there nobody would catch it
            self.count += 1
            raise self._kind

    def run(self, call: Callable[[], object]) -> bool:
        """Make a call; return whether it was interrupted."""
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-4, 9e-4), random.uniform(1e-4, 9e-4))
        try:
            self._armed = True
            call()
        except self._kind:
            return True
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
        return False


def interrupt_calls(name: str, place: str, url: str, kind: type[BaseException]) -> dict[str, int]:
    """As a process: make calls; return what was lost."""
    lost: Counter[str] = Counter()
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    store: Any = {"memory": MemoryStore, "sqlite": SQLiteStore, "redis": RedisStore}[name](*[place] if place else [])
    interruptions = Interruptions(kind)
    with EngagementClient("demo", base_url=url, store=store, max_connections=4) as client:
        client.visit("0").create_session(BODIES[0])
        for _ in range(CALLS):
            key, body = random.choice(VISITS), random.choice(BODIES)
            visit = client.visit(key)
            fetch, create = partial(visit.engagement, body), partial(visit.create_session, body)
            calls: list[Callable[[], object]] = [fetch, fetch, create, visit.forget]
            if interruptions.run(random.choice(calls)):
                lost["keys"] += not store.acquire(f"demo:{key}", "check", 5, 30)
                store.release(f"demo:{key}", "check")
        for key in VISITS:  # and all of it works as ever
            visitors = {client.visit(key).create_session(BODIES[0]).visitor_id for _ in range(2)}
            lost["visits"] += len(visitors) - 1
    if name == "sqlite":
        with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert other.execute("SELECT count(*) FROM turns").fetchall() == [(0,)]
            other.execute("ROLLBACK")
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall() == [(0, 0, 0)]  # nobody reads
    if name != "memory":
        store.close()
    gc.collect()  # what an interruption has left in a cycle
    lost["descriptors"] = max(0, len(os.listdir("/proc/self/fd")) - descriptors)
    lost["threads"] = threading.active_count() - threads
    assert interruptions.count > CALLS / 15
    return +lost


@pytest.mark.parametrize("kind", [SoftTimeLimit, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["memory", "sqlite", "redis"])
def test_signals_lose_nothing(
    sandbox: Sandbox, tmp_path: Path, processes: ProcessPoolExecutor, name: str, kind: type[BaseException]
) -> None:
    """No key, no visit, no transaction, no connection and no thread; the exception goes through."""
    with RedisServer(tmp_path / "redis") as server:
        places = {"memory": "", "sqlite": str(tmp_path / "visits.db"), "redis": server.url}
        assert processes.submit(interrupt_calls, name, places[name], sandbox.url, kind).result() == {}
