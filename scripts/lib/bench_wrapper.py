"""What the hand-written part costs by itself: a null transport gives the documented answer, and nothing is sent."""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
from rich.console import Console
from rich.table import Table

from bench_case import ACCOUNT, ANSWER_BYTES, BODY, CAMPAIGN, SESSION, VISITOR, campaign_of
from bench_report import into_document, terminal
from bench_targets import (
    BYTES_PER_VISIT,
    ENGAGEMENT_MEMORY_US,
    ENGAGEMENT_SQLITE_US,
    GENERATE_SECONDS,
    GROWTH_BYTES_PER_CALL,
    IMPORT_RATIO,
    OWN_SHARE_US,
    VALIDATION_US,
)
from liveperson_engagement import EngagementClient, MemoryStore, SQLiteStore
from liveperson_engagement.contract import contract
from liveperson_engagement_api import Client
from liveperson_engagement_api.api.session import continue_session
from liveperson_engagement_api.models import AvailableSession, CreateSessionBody

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1"
HEADERS = {"content-type": "application/json"}


class Figure(NamedTuple):
    """Something that was measured, and what it may be at most; None where nobody has set a target."""

    what: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the target, if there is one, is met."""
        return self.at_most is None or self.value <= self.at_most


class Null(httpx.BaseTransport):
    """Answers at once."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Give the documented answer."""
        return httpx.Response(200, headers=HEADERS, content=ANSWER_BYTES, request=request)


class Bare(httpx.Client):
    """Sends a request with the least that httpx needs, past all else that its client does."""

    def request(self, method: str, url: httpx.URL | str, **sent: Any) -> httpx.Response:
        """Give the request to the transport."""
        content, query = json.dumps(sent["json"]).encode(), urlencode(sent["params"])
        limits = dict.fromkeys(("connect", "read", "write", "pool"), 10.0)
        target = f"{URL}{url}?{query}"
        request = httpx.Request(method, target, headers=HEADERS, content=content, extensions={"timeout": limits})
        response = Null().handle_request(request)
        response.read()
        return response


def interleaved(calls: dict[str, Callable[[], Any]], rounds: int, number: int) -> dict[str, float]:
    """Time each call in turn, round after round; return the medians of the rounds' medians, in microseconds."""
    medians: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(number):
            call()
    for _ in range(rounds):
        for name, call in calls.items():
            gc.collect()
            taken: list[float] = []
            for _ in range(number):
                began = time.perf_counter()
                call()
                taken.append(time.perf_counter() - began)
            medians[name].append(statistics.median(taken))
    return {name: 1e6 * statistics.median(each) for name, each in medians.items()}


def calls(folder: Path, rounds: int, number: int) -> list[Figure]:
    """Time whole calls, their parts, and answers from the store."""
    with ExitStack() as stack:
        ours = stack.enter_context(EngagementClient(ACCOUNT, base_url=URL, transport=Null()))
        database = SQLiteStore(folder / "visits.db")
        stack.callback(database.close)
        shared = stack.enter_context(EngagementClient(ACCOUNT, base_url=URL, transport=Null(), store=database))
        generated = stack.enter_context(Client(base_url=URL, httpx_args={"transport": Null()}))
        plain = stack.enter_context(httpx.Client(base_url=URL, transport=Null()))
        body = CreateSessionBody.from_dict(BODY)
        visit, saved = ours.visit("shopper"), shared.visit("shopper")
        for each in (visit, saved):
            if campaign_of(each.create_session(BODY)) != CAMPAIGN:  # type: ignore[arg-type]
                raise RuntimeError("the answer was not decoded")

        def call_generated() -> Any:
            return continue_session.sync(ACCOUNT, VISITOR, client=generated, body=body, sid=SESSION)

        bare = Client(base_url=URL).set_httpx_client(Bare())

        def call_bare() -> Any:
            return continue_session.sync(ACCOUNT, VISITOR, client=bare, body=body, sid=SESSION)

        took = interleaved(
            {
                "bare": call_bare,
                "decoding": lambda: AvailableSession.from_dict(json.loads(ANSWER_BYTES)),
                "ours": lambda: visit.create_session(BODY),  # type: ignore[arg-type]
                "generated": call_generated,
                "httpx": lambda: plain.post("/", json=BODY).json(),
                "body": lambda: contract().check_body("continueSession", BODY),
                "answer": lambda: contract().check_answer("continueSession", ANSWER_BYTES),
                "json": lambda: (json.dumps(BODY), json.loads(ANSWER_BYTES)),
                "memory": lambda: visit.engagement(BODY),  # type: ignore[arg-type]
                "memory, visit made anew": lambda: ours.visit("shopper").engagement(BODY),  # type: ignore[arg-type]
                "sqlite": lambda: saved.engagement(BODY),  # type: ignore[arg-type]
                "sqlite, visit made anew": lambda: shared.visit("shopper").engagement(BODY),  # type: ignore[arg-type]
            },
            rounds,
            number,
        )
    return [
        Figure("create_session, null transport", took["ours"], "µs"),
        Figure("the same by the generated client alone", took["generated"], "µs"),
        Figure("the same by httpx with a dict", took["httpx"], "µs"),
        Figure("the generated function on the bare transport", took["bare"], "µs"),
        Figure("decoding the answer", took["decoding"], "µs"),
        Figure(
            "the wrapper's own share: the first less the fourth, and decoding",
            took["ours"] - took["bare"] + took["decoding"],
            "µs",
            OWN_SHARE_US,
        ),
        Figure("check_body and check_answer", took["body"] + took["answer"], "µs"),
        Figure("encoding and decoding alone, by json", took["json"], "µs"),
        Figure(
            "validation: the former less the latter", took["body"] + took["answer"] - took["json"], "µs", VALIDATION_US
        ),
        Figure("engagement from memory", took["memory"], "µs", ENGAGEMENT_MEMORY_US),
        Figure("the same, client.visit(key) included", took["memory, visit made anew"], "µs"),
        Figure("engagement from SQLite", took["sqlite"], "µs", ENGAGEMENT_SQLITE_US),
        Figure("the same, client.visit(key) included", took["sqlite, visit made anew"], "µs"),
    ]


def imports(rounds: int) -> list[Figure]:
    """Import in fresh processes, in turns, with bytecode kept, as an installed package has it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    code = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"
    theirs, ours = "import httpx", "from liveperson_engagement import EngagementClient"
    taken: dict[str, list[float]] = {theirs: [], ours: []}
    for number in range(rounds + 1):
        for name, times in taken.items():
            command = [sys.executable, "-c", code.format(name)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            seconds = float(done.stdout)
            if number:  # the first time compiles, and reads files that the system has not at hand yet
                times.append(seconds)
    medians = {name: 1e3 * statistics.median(times) for name, times in taken.items()}
    return [
        *(Figure(name, median, "ms") for name, median in medians.items()),
        Figure("ratio of the two", medians[ours] / medians[theirs], "", IMPORT_RATIO),
    ]


def memory(visits: int) -> list[Figure]:
    """Weigh what is remembered of many visits."""
    store = MemoryStore()
    with EngagementClient(ACCOUNT, base_url=URL, transport=Null(), store=store) as client:
        client.visit("first").create_session(BODY)  # type: ignore[arg-type]
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(visits):
            client.visit(f"shopper-{number}").create_session(BODY)  # type: ignore[arg-type]
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    return [Figure(f"a remembered visit in memory, of {visits:,}", grown / visits, "bytes", BYTES_PER_VISIT)]


def growth(number: int) -> list[Figure]:
    """Look for what calls leave behind that go on with a visit, ask the store, or make a visit that is nobody's."""
    with EngagementClient(ACCOUNT, base_url=URL, transport=Null()) as client:
        visit = client.visit("shopper")

        def call(times: int) -> None:
            for _ in range(times):
                visit.create_session(BODY)  # type: ignore[arg-type]
                visit.engagement(BODY)  # type: ignore[arg-type]
                client.visit().create_session(BODY)  # type: ignore[arg-type]

        call(min(number, 2_000))
        resident = _resident()
        call(number)
        resident = _resident() - resident
        traced = number // 3
        tracemalloc.start()
        call(traced // 5)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        call(traced)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    return [
        Figure(f"growth of the process over {3 * number:,} calls", resident / 1024, "KB"),
        Figure("the same for each call", resident / 3 / number, "bytes", GROWTH_BYTES_PER_CALL),
        Figure(
            f"growth by tracemalloc over {3 * traced:,} calls",
            grown / 3 / traced,
            "bytes a call",
            GROWTH_BYTES_PER_CALL,
        ),
    ]


def _resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def generate(folder: Path) -> list[Figure]:
    """Time the generator as it is called, its environment being there, and read off what its steps took."""
    program = ROOT / "scripts" / "generate"
    subprocess.run([program, "--help"], check=True, capture_output=True)  # installs what is missing
    began = time.perf_counter()
    done = subprocess.run([program, "--output", folder / "generated"], check=True, capture_output=True, text=True)
    taken = time.perf_counter() - began
    steps = re.findall(r"^(\S.*?) +(\d+\.\d) s$", done.stdout, re.MULTILINE)
    return [
        Figure("scripts/generate", taken, "s", GENERATE_SECONDS),
        *(Figure(f"its step: {step}", float(seconds), "s") for step, seconds in steps),
    ]


def show(figures: list[Figure], console: Console) -> None:
    """Print what was measured, and which targets are met."""
    table = Table("what", title="The wrapper by itself", title_justify="left")
    for heading in ("is", "at most"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for each in figures:
        met = "" if each.at_most is None else "[green]met[/]" if each.met else "[red]missed[/]"
        table.add_row(each.what, _written(each.value, each.unit), _bound(each), met)
    console.print(table)


def markdown(figures: list[Figure]) -> str:
    """Write what was measured as a table."""
    lines = ["| what | is | at most | |", "| --- | ---: | ---: | --- |"]
    for each in figures:
        met = "" if each.at_most is None else "met" if each.met else "missed"
        lines.append(f"| {each.what} | {_written(each.value, each.unit)} | {_bound(each)} | {met} |")
    return "\n".join(lines)


def _written(value: float, unit: str) -> str:
    return f"{value:,.{0 if value >= 100 else 2}f} {unit}".rstrip()


def _bound(figure: Figure) -> str:
    return "" if figure.at_most is None else f"{figure.at_most:g} {figure.unit}".rstrip()


def main() -> None:
    """Run the bench; exit non-zero if a target is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench wrapper", description=__doc__)
    add = parser.add_argument
    add("--full", action="store_true", help="a million calls to look for growth, about ten minutes, instead of 30,000")
    add("--quick", action="store_true", help="few calls, to see that everything works; judges nothing")
    add("--json", type=Path, metavar="FILE", help="write the figures")
    add("--into", type=Path, metavar="FILE", help="write them as a table into a Markdown file, between its markers")
    options, console = parser.parse_args(), terminal()
    rounds, number = (1, 20) if options.quick else (25, 400)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        parts: dict[str, Callable[[], list[Figure]]] = {
            "calls": lambda: calls(folder, rounds, number),
            "imports": lambda: imports(2 if options.quick else 21),
            "memory": lambda: memory(200 if options.quick else 10_000),
            "growth": lambda: growth(50 if options.quick else 333_334 if options.full else 10_000),
            "scripts/generate": lambda: generate(folder),
        }
        for part, measure in parts.items():
            with console.status(part):
                figures += measure()
    show(figures, console)
    if options.json:
        found = [{**each._asdict(), "met": each.met} for each in figures]
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    if options.into:
        into_document(options.into, "wrapper", markdown(figures))
    if not options.quick and not all(each.met for each in figures):
        sys.exit(1)


if __name__ == "__main__":
    main()
