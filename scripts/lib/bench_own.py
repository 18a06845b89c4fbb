"""What the package costs by itself: its work without a network, its import, its size."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from bench_case import ACCOUNT, ANSWER_BYTES, BODY, CAMPAIGN, campaign_of
from bench_report import Figure
from bench_targets import CALL_TO_WORK, ENGAGEMENT_MEMORY, ENGAGEMENT_SQLITE, IMPORT
from liveperson_engagement import EngagementClient, SQLiteStore
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


def interleaved(calls: dict[str, Callable[[], Any]], rounds: int, number: int) -> dict[str, float]:
    """Make one call of each in turn, again and again; return the least of the rounds' medians, in microseconds.

    In a loop of its own a short call would stay in the processor's caches, as it does in no program.
    """
    medians: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        taken: dict[str, list[float]] = {name: [] for name in calls}
        gc.collect()
        for _ in range(number):
            for name, call in calls.items():
                began = time.perf_counter()
                call()
                taken[name].append(time.perf_counter() - began)
        for name, times in taken.items():
            medians[name].append(statistics.median(times))
    return {name: 1e6 * min(each) for name, each in medians.items()}


def calls(folder: Path, rounds: int, number: int) -> list[Figure]:
    """Time whole calls and answers from the store, and what must be done for them."""
    with ExitStack() as stack:
        client = stack.enter_context(EngagementClient(ACCOUNT, base_url=URL, transport=AtOnce()))
        database = SQLiteStore(folder / "visits.db")
        stack.callback(database.close)
        shared = client.with_options(store=database)
        operation = contract().operations["continueSession"]
        for each in (client, shared):
            if campaign_of(each.visit("shopper").create_session(BODY)) != CAMPAIGN:  # type: ignore[arg-type]
                raise RuntimeError("the answer was not decoded")
        took = interleaved(
            {
                "body": lambda: operation.encode_body(BODY),
                "answer": lambda: operation.parse(ANSWER_BYTES),
                "call": lambda: client.visit("shopper").create_session(BODY),  # type: ignore[arg-type]
                "memory": lambda: client.visit("shopper").engagement(BODY),  # type: ignore[arg-type]
                "sqlite": lambda: shared.visit("shopper").engagement(BODY),  # type: ignore[arg-type]
            },
            rounds,
            number,
        )
    work = took["body"] + took["answer"]
    return [
        Figure("encode and check the body", took["body"], "µs"),
        Figure("decode and check the answer, make the model", took["answer"], "µs"),
        Figure("create_session, a transport that answers at once", took["call"], "µs"),
        Figure("the same / the work: body and answer", took["call"] / work, "", CALL_TO_WORK),
        Figure("engagement from memory", took["memory"], "µs"),
        Figure("engagement from memory / body", took["memory"] / took["body"], "", ENGAGEMENT_MEMORY),
        Figure("engagement from SQLite", took["sqlite"], "µs"),
        Figure("engagement from SQLite / body", took["sqlite"] / took["body"], "", ENGAGEMENT_SQLITE),
    ]


THEIRS, OURS = "import httpx", "from liveperson_engagement import EngagementClient"
OPENED = (f"{THEIRS}; httpx.Client()", f"{OURS}; EngagementClient('demo', base_url='http://127.0.0.1')")


def imports(rounds: int) -> list[Figure]:
    """Import in fresh interpreters, in turns, with bytecode kept, as an installed package has it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    code = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"
    taken: dict[str, list[float]] = {each: [] for each in (THEIRS, OURS, *OPENED)}
    for number in range(rounds + 1):
        for what, times in taken.items():
            command = [sys.executable, "-c", code.format(what)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            if number:  # the first time compiles, and reads files that the system has not at hand yet
                times.append(1e3 * float(done.stdout))
    theirs, ours, their_client, our_client = (min(times) for times in taken.values())
    return [
        Figure(THEIRS, theirs, "ms"),
        Figure(f"{THEIRS}, and make a client", their_client, "ms"),
        Figure("import liveperson_engagement", ours, "ms"),
        Figure("import liveperson_engagement, and make a client", our_client, "ms"),
        Figure("import liveperson_engagement / import httpx", ours / theirs, "", IMPORT),
    ]


def sizes() -> list[Figure]:
    """Weigh what an installation brings, without bytecode; of the package itself, what the wheel has."""
    own = [file for folder in ("generated", "wrapper") for file in (ROOT / folder).rglob("*")]
    weights = {"liveperson-engagement": _bytes(own)}
    figures: list[Figure] = []
    for extras in ("", "fast"):
        needed = _needed("liveperson-engagement", extras)
        for name in needed - weights.keys():
            weights[name] = _bytes(Path(str(file.locate())) for file in metadata.files(name) or ())
        what = f"liveperson-engagement[{extras}]" if extras else "liveperson-engagement"
        figures += [
            Figure(f"packages of {what}, itself among them", len(needed), ""),
            Figure(f"installed size of {what} with all of them", sum(weights[name] for name in needed) / 1e6, "MB"),
        ]
    return [Figure("size of liveperson-engagement itself", weights["liveperson-engagement"] / 1e6, "MB"), *figures]


def _needed(name: str, extra: str = "") -> set[str]:
    """Return a package and all that it needs on this machine."""
    needed = {name}
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            needed |= _needed(requirement.name)
    return needed


def _bytes(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.suffix != ".pyc" and file.is_file())
