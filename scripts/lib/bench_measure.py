"""Times the calls of contestants."""

import asyncio
import gc
import statistics
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Any

from bench_contestants import CAMPAIGN, Call, Contestant, campaign_of


def measure(rows: Sequence[Contestant], url: str, calls: int) -> list[dict[str, float]]:
    """Give, of each row, the median wall time and the mean processor time of a call, in seconds.

    Several rows make one call each in turn: in a loop of its own a short call would stay in the processor's caches.
    """
    with ExitStack() as stack:
        made: list[Call] = [row.make(url, stack) for row in rows]
        for row, call in zip(rows, made, strict=True):
            _verify(row, call(0))
            for _ in range(calls // 4):
                call(0)
        taken: list[list[float]] = [[] for _ in rows]
        pairs = list(zip(made, taken, strict=True))
        gc.collect()
        processor = time.process_time()
        for _ in range(calls):
            for call, times in pairs:
                began = time.perf_counter()
                call(0)
                times.append(time.perf_counter() - began)
        processor = (time.process_time() - processor) / calls / len(rows)
    return [{"wall": statistics.median(times), "processor": processor} for times in taken]


@asynccontextmanager
async def opened(row: Contestant, url: str) -> AsyncGenerator[Call]:
    """Open an async client that has been seen to decode the answer."""
    async with AsyncExitStack() as stack:
        call: Call = await row.make(url, stack)
        _verify(row, await call(0))
        yield call


async def measure_async(row: Contestant, url: str, calls: int, at_once: int) -> dict[str, float]:
    """Give wall and processor time of so many calls, divided by their number, in seconds."""
    async with opened(row, url) as call:
        await in_flight(call, at_once, max(calls // 4, at_once))  # opens the connections
        gc.collect()
        processor, began = time.process_time(), time.perf_counter()
        await in_flight(call, at_once, calls)
        wall = time.perf_counter() - began
        return {"wall": wall / calls, "processor": (time.process_time() - processor) / calls}


async def in_flight(call: Call, at_once: int, calls: int) -> None:
    """Make so many calls, with so many at once from the first to the last."""
    left = iter(range(calls))

    async def caller(number: int) -> None:
        for _ in left:
            await call(number)

    async with asyncio.TaskGroup() as group:
        for number in range(at_once):
            group.create_task(caller(number))


def _verify(row: Contestant, answer: Any) -> None:
    if row.decodes and campaign_of(answer) != CAMPAIGN:
        raise RuntimeError(f"{row.name} made something else of the answer: {answer!r}")
