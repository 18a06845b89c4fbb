"""A process that cancels half of 2,000 calls, 200 at once, at random points, and measures what that leaves behind.

Called with the name of a client, the server's URL and its folder; writes one JSON object. Connections and descriptors
are counted in /proc, whatever the client keeps count of itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from bench_contestants import ASYNC, AsyncCall
from bench_nginx import worker_process
from bench_worker import in_flight

CALLS, AT_ONCE = 2_000, 200
IDLE_SECONDS = 11.0
"""Clients close connections that were idle for 5 seconds, and look for them at least as often: after both, only what is
in use is left."""
ROUNDS = 9
PAUSE = 0.1
"""Seconds for which the server is stopped at a time."""


async def speeds(call: AsyncCall) -> dict[str, float]:
    """Return the median time of a call, in seconds, one after another and with 200 at once."""
    taken: dict[int, list[float]] = {1: [], AT_ONCE: []}
    await in_flight(call, AT_ONCE, AT_ONCE)
    for _ in range(ROUNDS):
        for at_once, times in taken.items():
            began = time.perf_counter()
            await in_flight(call, at_once, AT_ONCE)
            times.append((time.perf_counter() - began) / AT_ONCE)
    return {"alone": statistics.median(taken[1]), "at_once": statistics.median(taken[AT_ONCE])}


async def cancel_half(call: AsyncCall, server: int) -> int:
    """Make the calls, and cancel every other one at a random time; return how many ended by that.

    The server is stopped and continued all the while: otherwise most answers come before the event loop's next turn.
    """
    left, chance, cancelled = iter(range(CALLS)), random.Random(1), 0  # noqa: S311 - points in time, no secret
    loop = asyncio.get_running_loop()

    async def caller(number: int) -> None:
        nonlocal cancelled
        for place in left:
            task = asyncio.ensure_future(call(number))
            if place % 2:
                loop.call_later(chance.uniform(0, PAUSE), task.cancel)
            try:
                await task
            except asyncio.CancelledError:
                cancelled += 1

    async def interrupt() -> None:
        try:
            while True:
                os.kill(server, signal.SIGSTOP)
                await asyncio.sleep(PAUSE)
                os.kill(server, signal.SIGCONT)
                await asyncio.sleep(chance.uniform(0, PAUSE / 5))
        finally:
            os.kill(server, signal.SIGCONT)

    interrupting = asyncio.create_task(interrupt())
    await asyncio.gather(*map(caller, range(AT_ONCE)))
    interrupting.cancel()
    await asyncio.wait([interrupting])
    return cancelled


def descriptors() -> list[str]:
    """List what this process has open."""
    found: list[str] = []
    for entry in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{entry}"))
        except FileNotFoundError:  # that of the listing itself
            continue
    return found


def connections(port: int) -> int:
    """Count this process's connections to a port of loopback, in whatever state they are."""
    own = set(descriptors())
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and f"socket:[{row[9]}]" in own for row in rows)


async def stress(name: str, url: str, folder: Path) -> dict[str, float]:
    """Run the case with one client."""
    port = urlsplit(url).port or 80
    async with ASYNC[name](url) as call:  # imports, and starts threads, that stay
        await call(0)
    await asyncio.sleep(0.2)
    empty = len(descriptors())
    async with ASYNC[name](url) as call:
        before = await speeds(call)
        cancelled = await cancel_half(call, worker_process(folder))
        after = await speeds(call)
        ends = time.monotonic() + IDLE_SECONDS
        while time.monotonic() < ends:
            await call(0)
            await asyncio.sleep(0.01)
        connected = connections(port)
    await asyncio.sleep(0.2)
    ratios = {kind: after[kind] / before[kind] for kind in before}
    return {**ratios, "cancelled": cancelled, "connections": connected, "descriptors": len(descriptors()) - empty}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(stress(sys.argv[1], sys.argv[2], Path(sys.argv[3])))))
