"""What 2,000 calls, 200 at once, of which half are cancelled at random, leave behind in a client."""

import asyncio
import os
import random
import time

from bench_contestants import Call, Contestant
from bench_measure import in_flight, opened

CALLS, AT_ONCE, ROUNDS = 2_000, 200, 9
LONGEST = 0.1
"""Seconds after which a call is cancelled at the latest: about what one takes beside 199 others."""
IDLE_SECONDS = 11.0
"""Clients close connections that were idle for 5 seconds, and look for them at least as often."""


async def stress(row: Contestant, url: str) -> dict[str, float]:
    """Give how many calls were cancelled, how much longer others take after that, and what is left open."""
    async with opened(row, url):  # imports, and starts threads, that stay
        pass
    empty = _descriptors()
    async with opened(row, url) as call:
        before = await _least(call)
        cancelled = await _cancel_half(call)
        after = await _least(call)
        ends = time.monotonic() + IDLE_SECONDS
        while time.monotonic() < ends:
            await call(0)
            await asyncio.sleep(0.01)
        in_use = _descriptors() - empty
    await asyncio.sleep(0.2)
    return {"cancelled": cancelled, "slower": after / before, "in use": in_use, "left": _descriptors() - empty}


async def _least(call: Call) -> float:
    """Give the least time of a call, 200 at once, in seconds."""
    taken: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await in_flight(call, AT_ONCE, AT_ONCE)
        taken.append((time.perf_counter() - began) / AT_ONCE)
    return min(taken)


async def _cancel_half(call: Call) -> int:
    left, chance, cancelled = iter(range(CALLS)), random.Random(1), 0  # noqa: S311 - points in time, no secret
    loop = asyncio.get_running_loop()

    async def caller(number: int) -> None:
        nonlocal cancelled
        for place in left:
            task = asyncio.ensure_future(call(number))
            if place % 2:
                loop.call_later(chance.uniform(0, LONGEST), task.cancel)
            try:
                await task
            except asyncio.CancelledError:
                cancelled += 1

    await asyncio.gather(*map(caller, range(AT_ONCE)))
    return cancelled


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
