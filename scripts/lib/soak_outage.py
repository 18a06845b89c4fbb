"""Many processes share an `OutageGuard` while the service is down: of all their calls, one at a time tries again.

The parent plays the service, and takes it down and up again. Workers call without a break and note how each call went.
In the end each request that came during the outage is put down to a call: those that were under way when the outage
began may spend their retries; after that there is one attempt a pause, however many callers there are.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from liveperson_engagement import EngagementClient, EngagementError, OutageGuard, RetryPolicy
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.transports import Transport, make_transport
from liveperson_engagement_api.http import Request, Response
from soak import CONTEXT, OPTIONS, RedisServer, open_store

RETRIES = (0.05, 0.1, 0.15)
"""In place of 5, 10 and 15 seconds."""
THINK = 0.02
"""Seconds between two calls of a thread."""


@dataclass(frozen=True)
class Call:
    """How a call went; times are monotonic."""

    name: str
    began: float
    took: float
    outcome: str


class Named(Transport):
    """Names the call in each request, so that the service's journal can be compared with the workers' notes."""

    calls = threading.local()

    def __init__(self) -> None:
        self._inner = make_transport(None, asynchronous=False, **OPTIONS)

    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Send the request."""
        named = request._replace(headers={**request.headers, "soak-call": self.calls.name})
        return self._inner.send(base_url, named, timeout)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker has to do."""

    number: int
    threads: int
    store: str
    where: str
    url: str
    seconds: float
    notes: Path
    pauses: tuple[float, ...]


def work(job: Job, ready: Any) -> None:
    """Be a worker: call until it is time to end, from the moment when all are ready."""
    calls: list[Call] = []

    def call_on(client: EngagementClient, thread: int) -> None:
        count = 0
        while (began := time.monotonic()) < ends:
            count += 1
            name = Named.calls.name = f"{job.number}.{thread}.{count}"
            outcome = "answered"
            try:
                client.visit(f"key-{job.number}-{thread}").create_session({"appType": "EXTERNAL"})
            except EngagementError as error:
                outcome = type(error).__name__ if error.attempts else "held back"
            calls.append(Call(name, began, time.monotonic() - began, outcome))
            time.sleep(THINK)

    store = open_store(job.store, job.where)
    options: dict[str, Any] = {"base_url": job.url, "store": store, "retry": RetryPolicy(RETRIES), "transport": Named()}
    with EngagementClient("soak", outage_guard=OutageGuard(job.pauses), **options) as client:
        Named.calls.name = "warming up"
        client.visit().create_session({"appType": "EXTERNAL"})
        ready.wait()
        ends = time.monotonic() + job.seconds
        callers = [threading.Thread(target=call_on, args=(client, thread)) for thread in range(job.threads)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    job.notes.write_text(json.dumps([vars(call) for call in calls]))


def soak(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run everything, and return the figures; what is wrong stands under `findings`."""
    pauses = tuple(options.pause * factor for factor in (1, 2, 4))
    redis = RedisServer(folder) if options.store == "redis" else None
    where = redis.url() if redis else str(folder / "visits.db")
    ready = CONTEXT.Barrier(options.processes + 1)
    try:
        with Sandbox() as sandbox:
            jobs = [
                Job(
                    number=number,
                    threads=options.threads,
                    store=options.store,
                    where=where,
                    url=sandbox.url,
                    seconds=options.seconds,
                    notes=folder / f"{number}.json",
                    pauses=pauses,
                )
                for number in range(options.processes)
            ]
            workers = [CONTEXT.Process(target=work, args=(job, ready)) for job in jobs]
            for worker in workers:
                worker.start()
            ready.wait(60)
            time.sleep(0.2 * options.seconds)
            down = time.monotonic()
            sandbox.html_error(503, times=10**9)
            time.sleep(0.5 * options.seconds)
            requests = sandbox.requests
            up = time.monotonic()
            sandbox.reset()
            for worker in workers:
                worker.join()
            calls = [Call(**call) for job in jobs for call in json.loads(job.notes.read_text())]
    finally:
        if redis:
            redis.stop()
    return figures(calls, [request for request in requests if request.at >= down], down, up, pauses)


def figures(calls: list[Call], failed: list[Any], down: float, up: float, pauses: tuple[float, ...]) -> dict[str, Any]:
    """Put each request that failed down to a call, and say what should not be."""
    by_name = {call.name: call for call in calls}
    spent = [call.began + call.took for call in calls if call.outcome == "ServerError" and call.began >= down - 1]
    trip = min(spent, default=up)
    seen = trip + 0.1  # a call may look into the store just before the outage is noted there
    late = [request.at for request in failed if by_name[request.headers["soak-call"]].began > seen]
    attempts = Counter(request.headers["soak-call"] for request in failed)
    tries = Counter(attempts[call.name] for call in calls if call.began > seen and attempts[call.name])
    gaps = [after - before for before, after in itertools.pairwise(late)]
    held = [call for call in calls if call.outcome == "held back"]
    after = [call for call in calls if call.began > up + pauses[-1] + 0.5]
    findings = [
        *([f"{tries} attempts of calls that began during the outage, not one each"] if set(tries) - {1} else []),
        *(f"{gap:.2f} s after a try came the next one" for gap in gaps if gap < 0.9 * pauses[0]),
        *(f"{call.outcome} after the outage was over" for call in after if call.outcome != "answered"),
        *([] if late else ["nothing tried again"]),
        *([] if held else ["nothing was held back"]),
        *([] if after else ["no call came after the outage"]),
    ]
    return {
        "calls": len(calls),
        "outcomes": dict(Counter(call.outcome for call in calls)),
        "requests_during_outage": len(failed),
        "tries_during_outage": len(late),
        "seconds_between_tries": [round(gap, 2) for gap in gaps],
        "held_back": len(held),
        "held_back_ms_max": round(1000 * max((call.took for call in held), default=0), 1),
        "answered_after": len(after),
        "findings": dict(Counter(findings)),
    }


def main() -> int:
    """Run it; return 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="scripts/soak outage", description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--store", choices=["sqlite", "redis"], default="sqlite")
    add("--processes", type=int, default=4, metavar="N")
    add("--threads", type=int, default=8, metavar="N", help="callers a process")
    add("--seconds", type=float, default=20.0, metavar="S", help="half of them the service is down")
    add(
        "--pause",
        type=float,
        default=0.6,
        metavar="S",
        help="in place of 2 minutes; twice and four times as long follow",
    )
    add("--json", type=Path, metavar="FILE", help="write the figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        found = soak(options, Path(folder))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    table = Table(title=f"{options.store}, {options.processes} processes", title_justify="left", show_header=False)
    for name, value in found.items():
        table.add_row(name.replace("_", " "), json.dumps(value))
    Console(highlight=False).print(table)
    return 1 if found["findings"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
