"""What it costs to remember visits, when few and when many are remembered already."""

from __future__ import annotations

import argparse
import itertools
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

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench_report import into_document
from liveperson_engagement import EngagementClient, RedisStore, SQLiteStore, VisitIds
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record, Remembered, to_json
from liveperson_engagement.stores.sqlite import INSERT, place
from liveperson_engagement.transports import NoResponse, Transport
from liveperson_engagement_api.http import Request, Response
from soak import RedisServer

ACCOUNT = "bench"
BODY: Any = {"appType": "EXTERNAL", "consumerSections": ["Support"]}
BATCH = 10_000
WITHIN = (0.9, 1.1)
"""How much dearer or cheaper the large store may be."""


@dataclass
class Filled:
    """A store with so many visits, and what its calls took, in seconds."""

    kind: str
    visits: int
    store: Any
    bytes_per_visit: float
    times: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    """By call, and by which visits were asked for."""


class Nowhere(Transport):
    """Fails if a call was not answered from the store."""

    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:  # noqa: ARG002
        """Refuse."""
        raise NoResponse("the bench sends nothing", may_have_arrived=False)

    def close(self) -> None:
        """Do nothing."""


def example() -> Record:
    """Have a record made by the package itself, which answers `BODY` for a day."""
    with Sandbox(valid_for_seconds=86_400) as sandbox, EngagementClient(ACCOUNT, base_url=sandbox.url) as client:
        client.visit("example").create_session(BODY)
        remembered: Remembered | None = client.store.load(f"{ACCOUNT}:example")
    if remembered is None:
        raise RuntimeError("nothing was remembered")
    return remembered.record


def records(count: int, example: Record) -> Iterator[tuple[str, str]]:
    """Make visits of other visitors, as text."""
    chance = random.Random(1)  # noqa: S311 - ids of nobody
    for number in range(1, count):
        ids = VisitIds(*(f"{prefix}-{chance.getrandbits(128):032x}" for prefix in ("vid", "sid", "pid")))
        named = {"visitorId": ids.visitor_id, "sessionId": ids.session_id, "pageId": ids.page_id}
        engagement = {**json.loads(example.engagement or "{}"), **named}
        yield f"{ACCOUNT}:key-{number}", to_json(Record(ids, json.dumps(engagement), example.answers))


def fill_sqlite(path: Path, count: int, record: Record) -> Filled:
    """Fill a file with copies of a row that the store has written itself."""
    store = SQLiteStore(path)
    store.compare_and_set(f"{ACCOUNT}:key-0", None, record)
    with store._database.connected() as database:  # pyright: ignore[reportPrivateUsage]
        *middle, _ = database.execute("SELECT version, wall, monotonic, boot, record FROM visits").fetchone()
        rows = ((*middle, text, *place(key)) for key, text in records(count, record))
        while batch := list(itertools.islice(rows, BATCH)):
            database.execute("BEGIN")
            with database:
                database.executemany(INSERT, batch)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Filled("SQLite", count, store, path.stat().st_size / count)


def fill_redis(url: str, count: int, record: Record) -> Filled:
    """Fill a database with copies of a value that the store has written itself."""
    store = RedisStore(url)
    store.compare_and_set(f"{ACCOUNT}:key-0", None, record)
    client: Any = store._client  # pyright: ignore[reportPrivateUsage]
    (name,) = client.keys("*")
    prefix = name.removesuffix(b"key-0").removesuffix(f"{ACCOUNT}:".encode())
    head = b" ".join(client.get(name).split(b" ", 3)[:3]) + b" "
    rows = ((prefix + key.encode(), head + text.encode()) for key, text in records(count, record))
    while batch := dict(itertools.islice(rows, BATCH)):
        client.mset(batch)
    size = statistics.fmean(client.memory_usage(name) for name in itertools.islice(client.scan_iter(count=1000), 1000))
    return Filled("Redis", count, store, size)


def measure(filled: Filled, calls: int, chance: random.Random, which: str, step: int, *, url: str) -> None:
    """Make some calls of each kind, on every so manieth visit."""
    with EngagementClient(ACCOUNT, base_url=url, store=filled.store) as client:
        visits = [client.visit(f"key-{chance.randrange(0, filled.visits, step)}") for _ in range(calls)]
        visits[0].create_session(BODY)  # connects
        filled.times["create_session", which].append(_timed(lambda number: visits[number].create_session(BODY), calls))
    with EngagementClient(ACCOUNT, base_url="http://127.0.0.1", store=filled.store, transport=Nowhere()) as client:
        visits = [client.visit(f"key-{chance.randrange(0, filled.visits, step)}") for _ in range(calls)]
        filled.times["engagement", which].append(_timed(lambda number: visits[number].engagement(BODY), calls))
    keys = [f"{ACCOUNT}:key-{chance.randrange(0, filled.visits, step)}" for _ in range(calls)]

    def save_again(number: int) -> None:
        remembered = filled.store.load(keys[number])
        if filled.store.compare_and_set(keys[number], remembered.version, remembered.record) is None:
            raise RuntimeError("somebody else has changed the store")

    filled.times["load + save", which].append(_timed(save_again, calls))


def _timed(call: Callable[[int], Any], calls: int) -> float:
    """Return the median time of a call."""
    taken: list[float] = []
    for number in range(calls):
        began = time.perf_counter()
        call(number)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def run(options: argparse.Namespace, folder: Path, stack: ExitStack, console: Console) -> list[Filled]:
    """Fill the stores, then measure them in turns, so that whatever else the machine does hits all alike."""
    record, filled = example(), list[Filled]()
    server = RedisServer(folder, durable=False) if "redis" in options.stores else None
    if server:
        stack.callback(server.stop)
    for database, visits in enumerate((options.few, options.many)):
        if "sqlite" in options.stores:
            with console.status(f"SQLite: {visits:,} visits"):
                filled.append(fill_sqlite(folder / f"{visits}.db", visits, record))
        if server:
            with console.status(f"Redis: {visits:,} visits"):
                filled.append(fill_redis(server.url(database), visits, record))
    for each in filled:
        stack.callback(each.store.close)
    sandbox = stack.enter_context(Sandbox())
    sandbox.answer_next(times=sys.maxsize, body=record.engagement or "")
    chance = random.Random(options.seed)  # noqa: S311 - which keys are asked for
    for _ in track(range(1 + options.rounds), "Measuring", console=console, transient=True):
        for each in chance.sample(filled, len(filled)):
            measure(
                each, options.calls, chance, f"{options.few:,} of them", each.visits // options.few, url=sandbox.url
            )
            measure(each, options.calls, chance, "all of them", 1, url=sandbox.url)
    for times in (times for each in filled for times in each.times.values()):
        del times[0]  # that was to warm up
    return filled


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
            {"store": each.kind, "visits": each.visits, "bytes": round(each.bytes_per_visit)} for each in filled
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
    machine = f"Python {found['python']}, {found['cores']} cores; {found['rounds']} rounds of {found['calls']} calls."
    return "\n".join([*lines, "", machine])


def main() -> None:
    """Run the bench; exit non-zero if many visits make a call dearer than few."""
    parser = argparse.ArgumentParser(prog="scripts/bench stores", description=__doc__)
    add = parser.add_argument
    add("--few", type=int, default=1_000, metavar="N", help="visits in the small store")
    add("--many", type=int, default=1_000_000, metavar="N", help="visits in the large store")
    add("--rounds", type=int, default=21, metavar="N", help="each measures everything")
    add("--calls", type=int, default=500, metavar="N", help="calls of a kind in a round")
    add("--stores", nargs="+", choices=["sqlite", "redis"], default=["sqlite", "redis"])
    add("--seed", default="1")
    add("--json", type=Path, metavar="FILE", help="write the figures")
    add("--into", type=Path, metavar="FILE", help="write them as tables into a Markdown file, between its markers")
    options, console = parser.parse_args(), Console(highlight=False)
    if "redis" in options.stores and not shutil.which("redis-server"):
        console.print("[yellow]redis-server is not on PATH; Redis is left out[/]")
        options.stores = ["sqlite"]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        found = figures(run(options, Path(folder), stack, console), options)
    show(found, console)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    if options.into:
        into_document(options.into, "stores", markdown(found))
    if not all(WITHIN[0] <= each["ratio"] <= WITHIN[1] for each in found["results"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
