# ruff: noqa: S311 - which call comes next is no secret
"""Calls of a visit while a signal handler raises every few hundred microseconds; nothing may be lost by that.

`python tests/interrupted.py --calls 100000` tries each store with an exception of either kind, against a sandbox and a
Redis of its own, and prints what it found.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from liveperson_engagement import EngagementClient, MemoryStore, RedisStore, SQLiteStore

KEYS = 40
BODIES: list[Any] = [{"appType": "EXTERNAL"}, {"appType": "EXTERNAL", "consumerSections": ["Support"]}]
EVERY = 100e-6, 900e-6
"""Seconds between two signals, and before the first, at least and at most."""


class SoftTimeLimit(Exception):
    """What task queues raise."""


class Interruptions:
    """Raises in the main thread, again and again, while a call lasts."""

    def __init__(
        self, kind: type[BaseException], first: tuple[float, float] = EVERY, every: tuple[float, float] = EVERY
    ) -> None:
        self._kind, self._first, self._every = kind, first, every
        self._armed, self.count = False, 0
        signal.signal(signal.SIGALRM, self._interrupt)

    def _interrupt(self, _: int, frame: FrameType | None) -> None:
        if self._armed and frame and frame.f_code is not Interruptions.run.__code__:  # there nobody would catch it
            self.count += 1
            raise self._kind

    def run(self, call: Any) -> bool:
        """Make a call; return whether it was interrupted."""
        signal.setitimer(signal.ITIMER_REAL, random.uniform(*self._first), random.uniform(*self._every))
        try:
            self._armed = True
            call()
        except self._kind:
            return True
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
        return False


def open_store(kind: str, place: str) -> Any:
    """Open the store under test."""
    return {"memory": MemoryStore, "sqlite": SQLiteStore, "redis": RedisStore}[kind](*[place] if place else [])


def main(kind: str, place: str, url: str, calls: int, raised: type[BaseException]) -> dict[str, Any]:
    """Make the calls; return what was lost."""
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    store = open_store(kind, place)
    found: Counter[str] = Counter()
    with EngagementClient("demo", base_url=url, store=store, max_connections=4) as client:
        client.visit("0").create_session(BODIES[0])
        interruptions = Interruptions(raised)
        for _ in range(calls):
            key = str(random.randrange(KEYS))
            visit = client.visit(key)
            body = random.choice(BODIES)
            fetch, *others = partial(visit.engagement, body), partial(visit.create_session, body), visit.forget
            if not interruptions.run(random.choice([fetch, fetch, *others])):
                continue
            found["interrupted"] += 1
            if not store.acquire(f"demo:{key}", "check", 5, 30):
                found["keys lost"] += 1
            store.release(f"demo:{key}", "check")
        for number in range(KEYS):  # and all of it works as ever
            visitor = client.visit(str(number)).create_session(BODIES[0]).visitor_id
            if client.visit(str(number)).create_session(BODIES[0]).visitor_id != visitor:
                found["visits lost"] += 1
    if kind != "memory":
        store.close()
    gc.collect()  # what an interruption has left in a cycle
    found["descriptors left"] = max(0, len(os.listdir("/proc/self/fd")) - descriptors)
    found["threads left"] = threading.active_count() - threads
    if kind == "sqlite":
        other = f"import sqlite3; sqlite3.connect({place!r}, timeout=0).execute('BEGIN IMMEDIATE')"
        found["transactions left"] = subprocess.run([sys.executable, "-c", other], check=False).returncode
    return {"calls": calls, "signals": interruptions.count, **found}


def run_all(calls: int) -> None:
    """Try each store with both kinds of exception."""
    from liveperson_engagement.sandbox import Sandbox  # noqa: PLC0415 - the calls themselves need none of it
    from redis_server import RedisServer  # noqa: PLC0415

    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as server:
        places = {"memory": "", "sqlite": f"{folder}/visits.db", "redis": server.url}
        for kind, place in places.items():
            for raised in ("SoftTimeLimit", "KeyboardInterrupt"):
                started = time.monotonic()
                command = [sys.executable, __file__, kind, place, sandbox.url, str(calls), raised]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                print(f"{kind} {raised} {time.monotonic() - started:.0f} s: {done.stdout}", end="", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 6:
        kinds = {"SoftTimeLimit": SoftTimeLimit, "KeyboardInterrupt": KeyboardInterrupt}
        _, chosen, where, service, number, exception = sys.argv
        print(json.dumps(main(chosen, where, service, int(number), kinds[exception])))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--calls", type=int, default=2000)
        run_all(parser.parse_args().calls)
