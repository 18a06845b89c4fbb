"""A process that measures one client whenever it is asked: what a library imports or leaves behind disturbs no other.

Reads one JSON object a line, `{"url", "at_once", "calls"}`, and writes what a call took.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from bench_case import CAMPAIGN, campaign_of
from bench_contestants import ASYNC, SYNC, AsyncCall, Call


@contextmanager
def opened(name: str, url: str, calls: int) -> Generator[Call, None, None]:
    """Open a client that has been seen to decode the answer, and warm it up for so many calls."""
    with SYNC[name](url) as call:
        _verify(name, call(0))
        for _ in range(calls // 4):
            call(0)
        yield call


@asynccontextmanager
async def opened_async(name: str, url: str, calls: int, at_once: int) -> AsyncGenerator[AsyncCall, None]:
    """Do the same with an async client, which opens its connections by that."""
    async with ASYNC[name](url) as call:
        _verify(name, await call(0))
        await in_flight(call, at_once, max(calls // 4, at_once))
        yield call


async def in_flight(call: AsyncCall, at_once: int, calls: int) -> None:
    """Make so many calls, with so many at once from the first to the last."""
    left = iter(range(calls))

    async def caller(number: int) -> None:
        for _ in left:
            await call(number)

    async with asyncio.TaskGroup() as group:
        for number in range(at_once):
            group.create_task(caller(number))


def measure(name: str, url: str, calls: int) -> tuple[float, float]:
    """Return the median wall time and the mean processor time of a call, in seconds."""
    with opened(name, url, calls) as call:
        taken: list[float] = []
        gc.collect()
        processor = time.process_time()
        for _ in range(calls):
            began = time.perf_counter()
            call(0)
            taken.append(time.perf_counter() - began)
        return statistics.median(taken), (time.process_time() - processor) / calls


async def measure_async(name: str, url: str, calls: int, at_once: int) -> tuple[float, float]:
    """Return wall and processor time of so many calls, divided by their number, in seconds."""
    async with opened_async(name, url, calls, at_once) as call:
        gc.collect()
        processor, began = time.process_time(), time.perf_counter()
        await in_flight(call, at_once, calls)
        return (time.perf_counter() - began) / calls, (time.process_time() - processor) / calls


def _verify(name: str, answer: Any) -> None:
    if campaign_of(answer) != CAMPAIGN:
        raise RuntimeError(f"{name} made something else of the answer: {answer!r}")


def main() -> None:
    """Measure until there is nothing more to read."""
    name = sys.argv[1]
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["at_once"] is None:
            wall, processor = measure(name, asked["url"], asked["calls"])
        else:
            wall, processor = asyncio.run(measure_async(name, asked["url"], asked["calls"], asked["at_once"]))
        print(json.dumps({"wall": wall, "processor": processor}), flush=True)


if __name__ == "__main__":
    main()
