"""What the package costs by itself: its work without a network, its import, its size, what it remembers and leaves."""

import gc
import os
import re
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from bench_contestants import ACCOUNT, ANSWER_BYTES, BODY, Call, Contestant
from bench_measure import measure
from bench_report import Figure
from installed import needed
from liveperson_engagement import EngagementClient, MemoryStore, SQLiteStore
from liveperson_engagement._contract import contract
from liveperson_engagement.transports import Transport
from liveperson_engagement_api.http import Headers, Request, Response

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1"


class AtOnce(Transport):
    """Answers at once, with an answer made beforehand."""

    _answer = Response(200, Headers([("content-type", "application/json")]), ANSWER_BYTES)

    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:  # noqa: ARG002
        """Return the documented answer."""
        return self._answer

    def close(self) -> None:
        """Do nothing."""


def client_of(store: Any, stack: ExitStack) -> EngagementClient:
    """Open a client that needs no network."""
    return stack.enter_context(EngagementClient(ACCOUNT, base_url=URL, transport=AtOnce(), store=store))


def whole_call(store: Any, _: str, stack: ExitStack) -> Call:
    """Make calls of a known visit."""
    client = client_of(store, stack)
    return lambda _: client.visit("shopper").create_session(BODY)


def engagement(store: Any, _: str, stack: ExitStack) -> Call:
    """Answer from the store; nothing is sent."""
    client = client_of(store, stack)
    client.visit("shopper").create_session(BODY)
    return lambda _: client.visit("shopper").engagement(BODY)


def timed(rows: list[Contestant], rounds: int, calls: int) -> dict[str, float]:
    """Measure rows in turns; give the least of the rounds' medians, in microseconds."""
    found = [[each["wall"] for each in measure(rows, URL, calls)] for _ in range(rounds)]
    return {row.name: 1e6 * min(times) for row, times in zip(rows, zip(*found, strict=True), strict=True)}


def calls(folder: Path, rounds: int, number: int) -> list[Figure]:
    """Time whole calls and answers from the store, and what must be done for them."""
    operation, database = contract().operations["continueSession"], SQLiteStore(folder / "visits.db")

    def encode(*_: Any) -> Call:
        return lambda _: operation.encode_body(BODY)

    def parse(*_: Any) -> Call:
        return lambda _: operation.parse(ANSWER_BYTES)

    rows = [
        Contestant("body", "sync", encode, decodes=False),
        Contestant("answer", "sync", parse, decodes=False),
        Contestant("call", "sync", partial(whole_call, None)),
        Contestant("memory", "sync", partial(engagement, None)),
        Contestant("SQLite", "sync", partial(engagement, database)),
    ]
    took = timed(rows, rounds, number)
    database.close()
    work = took["body"] + took["answer"]
    return [
        Figure("encode and check the body", took["body"], "µs"),
        Figure("decode and check the answer, make the model", took["answer"], "µs"),
        Figure("create_session, a transport that answers at once", took["call"], "µs"),
        Figure("the same / the work: body and answer", took["call"] / work, "", 2.2),
        Figure("engagement from memory", took["memory"], "µs"),
        Figure("engagement from memory / body", took["memory"] / took["body"], "", 4.0),
        Figure("engagement from SQLite", took["SQLite"], "µs"),
        Figure("engagement from SQLite / body", took["SQLite"] / took["body"], "", 8.0),
    ]


def imports(rounds: int) -> list[Figure]:
    """Import in fresh interpreters, in turns, with bytecode kept, as an installed package has it."""
    theirs, ours = "import httpx", "from liveperson_engagement import EngagementClient"
    opened = (f"{theirs}; httpx.Client()", f"{ours}; EngagementClient('demo', base_url='{URL}')")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    code = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"
    taken: dict[str, list[float]] = {each: [] for each in (theirs, ours, *opened)}
    for number in range(rounds + 1):
        for what, times in taken.items():
            command = [sys.executable, "-c", code.format(what)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            if number:  # the first time compiles, and reads files that the system has not at hand yet
                times.append(1e3 * float(done.stdout))
    least = [min(times) for times in taken.values()]
    return [
        Figure("import httpx", least[0], "ms"),
        Figure("import httpx, and make a client", least[2], "ms"),
        Figure("import liveperson_engagement", least[1], "ms"),
        Figure("import liveperson_engagement, and make a client", least[3], "ms"),
        Figure("import liveperson_engagement / import httpx", least[1] / least[0], "", 1.0),
    ]


def sizes() -> list[Figure]:
    """Weigh what an installation brings, without bytecode; of the package itself, what the wheel has."""
    own = "liveperson-engagement"
    weights = {own: _bytes(file for folder in ("generated", "wrapper") for file in (ROOT / folder).rglob("*"))}
    figures = [Figure(f"size of {own} itself", weights[own] / 1e6, "MB")]
    for what, extras in ((own, ()), (f"{own}[fast]", ("fast",))):
        names = needed(own, extras)
        for name in names - weights.keys():
            weights[name] = _bytes(Path(str(file.locate())) for file in metadata.files(name) or ())
        figures += [
            Figure(f"packages of {what}, itself among them", len(names), ""),
            Figure(f"installed size of {what} with all of them", sum(weights[name] for name in names) / 1e6, "MB"),
        ]
    return figures


def _bytes(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.suffix != ".pyc" and file.is_file())


def memory(visits: int) -> list[Figure]:
    """Weigh what is remembered of many visits."""
    with ExitStack() as stack:
        client = client_of(MemoryStore(), stack)
        client.visit("first").create_session(BODY)
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(visits):
            client.visit(f"shopper-{number}").create_session(BODY)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    return [Figure(f"a remembered visit in memory, of {visits:,}", grown / visits, "bytes", 2048)]


def generate(folder: Path) -> list[Figure]:
    """Time the generator, and read off what its steps took."""
    command: list[str | Path] = [sys.executable, ROOT / "scripts/lib/generate.py", "--output", folder / "generated"]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    taken = time.perf_counter() - began
    steps = re.findall(r"^(\S.*?) +(\d+\.\d) s$", done.stdout, re.MULTILINE)
    return [
        Figure("scripts/generate", taken, "s", 15),
        *(Figure(f"its step: {step}", float(seconds), "s") for step, seconds in steps),
    ]
