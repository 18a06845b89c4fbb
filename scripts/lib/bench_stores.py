"""What it costs to remember visits: few and many of them, and beyond Redis's own round trips."""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench_case import ACCOUNT, BODY
from bench_own import URL, AtOnce, interleaved
from bench_report import into_document
from liveperson_engagement import EngagementClient, MemoryStore, RedisStore, SQLiteStore, VisitIds
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record, Remembered, to_json
from liveperson_engagement.stores.redis import LOAD, REPLACE
from soak import RedisServer

WITHIN = (0.9, 1.1)
"""How much dearer or cheaper the large store may be."""
REDIS_TO_MEMORY = 1.6
"""A whole call with Redis, without Redis's own two round trips, to one from memory: at most."""


@dataclass
class Filled:
    """A store with so many visits, and what its calls took, in seconds."""

    kind: str
    visits: int
    store: Any
    bytes_per_visit: float = 0
    times: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    """By call, and by which visits were asked for."""


def example() -> Record:
    """Have a record made by the package itself, which answers `BODY` for a day."""
    with Sandbox(valid_for_seconds=86_400) as sandbox, EngagementClient(ACCOUNT, base_url=sandbox.url) as client:
        client.visit("example").create_session(BODY)  # type: ignore[arg-type]
        remembered: Remembered | None = client.store.load(f"{ACCOUNT}:example")
    if remembered is None:
        raise RuntimeError("nothing was remembered")
    return remembered.record


def records(count: int, example: Record) -> Iterator[tuple[str, Record]]:
    """Make visits of other visitors."""
    chance = random.Random(1)  # noqa: S311 - ids of nobody
    for number in range(count):
        ids = VisitIds(*(f"{prefix}-{chance.getrandbits(128):032x}" for prefix in ("vid", "sid", "pid")))
        named = {"visitorId": ids.visitor_id, "sessionId": ids.session_id, "pageId": ids.page_id}
        engagement = {**json.loads(example.engagement or "{}"), **named}
        yield f"{ACCOUNT}:key-{number}", Record(ids, json.dumps(engagement), example.answers)


def fill(filled: Filled, record: Record) -> Filled:
    """Save so many visits."""
    for key, each in records(filled.visits, record):
        if filled.store.compare_and_set(key, None, each) is None:
            raise RuntimeError("the store is not empty")
    return filled


def measure(filled: Filled, calls: int, chance: random.Random, which: str, step: int) -> None:
    """Make some calls of each kind, on every so manieth visit."""
    body: Any = BODY
    keys = [f"key-{chance.randrange(0, filled.visits, step)}" for _ in range(calls)]
    with EngagementClient(ACCOUNT, base_url=URL, store=filled.store, transport=AtOnce()) as client:
        visits = [client.visit(key) for key in keys]
        remembered = filled.store.load(f"{ACCOUNT}:{keys[0]}")
        if visits[0].engagement(body).visitor_id != remembered.record.ids.visitor_id:
            raise RuntimeError("the answer did not come from the store")
        filled.times["engagement", which].append(_timed(lambda number: visits[number].engagement(body), calls))

    def save_again(number: int) -> None:
        remembered = filled.store.load(f"{ACCOUNT}:{keys[number]}")
        if filled.store.compare_and_set(f"{ACCOUNT}:{keys[number]}", remembered.version, remembered.record) is None:
            raise RuntimeError("somebody else has changed the store")

    filled.times["load + save", which].append(_timed(save_again, calls))


def whole_calls(url: str, folder: Path, record: Record, rounds: int, calls: int) -> dict[str, float]:
    """Time whole calls of a known visit with each store, and Redis's own round trips, in microseconds.

    The transport answers at once. A round trip is what the store asks, by redis-py alone: the script that loads, and
    the one that saves.
    """
    with ExitStack() as stack:
        stores: dict[str, Any] = {
            "memory": MemoryStore(),
            "SQLite": SQLiteStore(folder / "calls.db"),
            "Redis": RedisStore(url),
        }
        stack.callback(stores["SQLite"].close)
        stack.callback(stores["Redis"].close)
        timed: dict[str, Callable[[], Any]] = {}
        for name, store in stores.items():
            client = stack.enter_context(EngagementClient(ACCOUNT, base_url=URL, store=store, transport=AtOnce()))
            timed[name] = lambda client=client: client.visit("shopper").create_session(BODY)  # type: ignore[misc]
            timed[name]()
        plain = stack.enter_context(_plain(url))
        text, versions = to_json(record).encode(), [b"", *(b"%d" % number for number in range(2 * rounds * calls))]

        def round_trips() -> None:
            before = versions.pop(0)
            plain.execute_command("EVALSHA", LOAD.digest, 1, b"plain", b"nonce")
            plain.execute_command("EVALSHA", REPLACE.digest, 1, b"plain", b"nonce", before, versions[0], 0, 0, text)

        return interleaved({**timed, "two round trips": round_trips}, rounds, calls)


def _timed(call: Callable[[int], Any], calls: int) -> float:
    """Return the median time of a call."""
    taken: list[float] = []
    for number in range(calls):
        began = time.perf_counter()
        call(number)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def run(options: argparse.Namespace, folder: Path, stack: ExitStack, console: Console) -> dict[str, Any]:
    """Fill the stores, then measure them in turns, so that whatever else the machine does hits all alike."""
    record, filled = example(), list[Filled]()
    server = RedisServer(folder, durable=False)
    stack.callback(server.stop)
    for database, visits in enumerate((options.few, options.many)):
        path, plain = folder / f"{visits}.db", _plain(server.url(database))
        before = int(plain.info("memory")["used_memory"])
        stores: dict[str, Any] = {
            "memory": MemoryStore(max_visits=visits),
            "SQLite": SQLiteStore(path),
            "Redis": RedisStore(server.url(database)),
        }
        for kind, store in stores.items():
            with console.status(f"{kind}: {visits:,} visits"):
                filled.append(fill(Filled(kind, visits, store), record))
            if kind != "memory":
                stack.callback(store.close)
        stores["SQLite"].close()  # moves the -wal into the file
        filled[-2].bytes_per_visit = path.stat().st_size / visits
        filled[-1].bytes_per_visit = (int(plain.info("memory")["used_memory"]) - before) / visits
        plain.close()
    chance = random.Random(options.seed)  # noqa: S311 - which keys are asked for
    for _ in track(range(1 + options.rounds), "Measuring", console=console, transient=True):
        for each in chance.sample(filled, len(filled)):
            measure(each, options.calls, chance, f"{options.few:,} of them", each.visits // options.few)
            measure(each, options.calls, chance, "all of them", 1)
    for times in (times for each in filled for times in each.times.values()):
        del times[0]  # that was to warm up
    calls = whole_calls(server.url(2), folder, record, options.rounds, options.calls)
    return {**figures(filled, options), "whole_calls": {name: round(time, 1) for name, time in calls.items()}}


def _plain(url: str) -> Any:
    """Ask Redis without a store."""
    kind: Any = redis.Redis
    return kind.from_url(url)


def redis_to_memory(found: dict[str, Any]) -> float:
    """Return a whole call with Redis without its round trips, to one from memory."""
    calls = found["whole_calls"]
    return float((calls["Redis"] - calls["two round trips"]) / calls["memory"])


def figures(filled: list[Filled], options: argparse.Namespace) -> dict[str, Any]:
    """Compare few with many; a ratio is the median over the rounds, each of which measured both."""
    results: list[dict[str, Any]] = []
    for few in (each for each in filled if each.visits == options.few):
        many = next(each for each in filled if each.kind == few.kind and each.visits == options.many)
        for (call, which), times in few.times.items():
            ratios = [large / small for small, large in zip(times, many.times[call, which], strict=True)]
            results.append(
                {
                    "store": few.kind,
                    "call": call,
                    "asked_for": which,
                    "few_us": round(1e6 * statistics.median(times), 1),
                    "many_us": round(1e6 * statistics.median(many.times[call, which]), 1),
                    "ratio": round(statistics.median(ratios), 3),
                }
            )
    return {
        "few": options.few,
        "many": options.many,
        "rounds": options.rounds,
        "calls": options.calls,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "results": results,
        "bytes_per_visit": [
            {"store": each.kind, "visits": each.visits, "bytes": round(each.bytes_per_visit)}
            for each in filled
            if each.bytes_per_visit
        ],
    }


def show(found: dict[str, Any], console: Console) -> None:
    """Print the figures."""
    few, many = f"{found['few']:,} visits", f"{found['many']:,} visits"
    table = Table(
        "store", "call", "visits asked for", few, many, "ratio", title="Median time of a call", title_justify="left"
    )
    for each in found["results"]:
        colour = "green" if WITHIN[0] <= each["ratio"] <= WITHIN[1] else "red"
        times = (f"{each['few_us']:g} µs", f"{each['many_us']:g} µs")
        table.add_row(each["store"], each["call"], each["asked_for"], *times, f"[{colour}]{each['ratio']:.3f}[/]")
    console.print(table)
    sizes = Table("store", "visits", "bytes a visit", title="Size", title_justify="left")
    for each in found["bytes_per_visit"]:
        sizes.add_row(each["store"], f"{each['visits']:,}", f"{each['bytes']:,}")
    console.print(sizes)
    console.print(f"Whole calls of a known visit, µs: {found['whole_calls']}")
    console.print(
        f"Redis without its two round trips / memory: {redis_to_memory(found):.2f} (at most {REDIS_TO_MEMORY})"
    )
    machine = f"Python {found['python']}, {found['cores']} cores"
    console.print(f"{found['rounds']} rounds of {found['calls']} calls; {machine}")


def markdown(found: dict[str, Any]) -> str:
    """Write the figures as tables."""
    few, many = f"{found['few']:,} remembered", f"{found['many']:,} remembered"
    lines = [
        f"| store | call | visits asked for | {few} | {many} | ratio |",
        "| --- | --- | --- | ---: | ---: | ---: |",
    ]
    for each in found["results"]:
        times = f"{each['few_us']:,.0f} µs | {each['many_us']:,.0f} µs | {each['ratio']:.2f}"
        lines.append(f"| {each['store']} | {each['call']} | {each['asked_for']} | {times} |")
    lines += ["", "| store | visits | bytes a visit |", "| --- | ---: | ---: |"]
    sizes = found["bytes_per_visit"]
    lines += [f"| {each['store']} | {each['visits']:,} | {each['bytes']:,} |" for each in sizes]
    lines += ["", "| a whole call of a known visit, a transport that answers at once | |", "| --- | ---: |"]
    lines += [f"| {name} | {time:,.0f} µs |" for name, time in found["whole_calls"].items()]
    share = f"{redis_to_memory(found):.2f} (at most {REDIS_TO_MEMORY})"
    lines.append(f"| Redis without its two round trips / memory | {share} |")
    machine = f"Python {found['python']}, {found['cores']} cores; {found['rounds']} rounds of {found['calls']} calls."
    return "\n".join([*lines, "", machine])


def main() -> None:
    """Run the bench; exit non-zero if many visits make a call dearer than few, or Redis one dearer than it may be."""
    parser = argparse.ArgumentParser(prog="scripts/bench stores", description=__doc__)
    add = parser.add_argument
    add("--few", type=int, default=1_000, metavar="N", help="visits in the small store")
    add("--many", type=int, default=1_000_000, metavar="N", help="visits in the large store")
    add("--rounds", type=int, default=21, metavar="N", help="each measures everything")
    add("--calls", type=int, default=500, metavar="N", help="calls of a kind in a round")
    add("--seed", default="1")
    add("--json", type=Path, metavar="FILE", help="write the figures")
    add("--into", type=Path, metavar="FILE", help="write them as tables into a Markdown file, between its markers")
    options, console = parser.parse_args(), Console(highlight=False)
    if not shutil.which("redis-server"):
        sys.exit("scripts/bench stores: redis-server is not on PATH")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        found = run(options, Path(folder), stack, console)
    show(found, console)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    if options.into:
        into_document(options.into, "stores", markdown(found))
    flat = all(each["ratio"] <= WITHIN[1] for each in found["results"])
    if not flat or redis_to_memory(found) > REDIS_TO_MEMORY:
        sys.exit(1)


if __name__ == "__main__":
    main()
