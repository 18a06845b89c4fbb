# ruff: noqa: S311 - chance makes a load, not secrets
"""Many processes share a store while answers are lost and processes are killed; every visitor is accounted for.

Workers write down what they do; the parent plays the service, and compares this with what it has seen. A key must stay
one visitor, unless an answer never reached the store. With `outage` the service goes down instead, and workers share an
`OutageGuard`: calls under way may spend their retries, and then there is one attempt a pause, whoever calls.
"""

import argparse
import asyncio
import contextvars
import itertools
import json
import logging
import math
import multiprocessing
import os
import random
import re
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from liveperson_engagement import (
    AsyncEngagementClient,
    EngagementClient,
    EngagementError,
    MemoryStore,
    OutageGuard,
    RedisStore,
    RetryPolicy,
    SQLiteStore,
    _deadline,
)
from liveperson_engagement.sandbox import Sandbox
from redis_server import RedisServer

ACCOUNT, LEASE, TIMEOUT, DEADLINE = "soak", 1.0, 1.0, 15.0
RETRIES, PAUSES = RetryPolicy((0.05, 0.1, 0.2)), (0.3, 0.6, 1.2)
"""In place of 5, 10 and 15 seconds, and of 2, 4 and 8 minutes."""
THINK = {"visits": 0.25, "outage": 0.02}  # seconds between two calls of a caller, at the mean
OPERATIONS = {"create_session": 50, "engagement": 35, "report_impressions": 15, "forget": 0.5}
"""How often each call is made, of a hundred."""
FAULTS: dict[str, tuple[float, Callable[[Sandbox, str], None]]] = {
    "5xx": (0.05, lambda sandbox, operation: sandbox.html_error(503, operation=operation)),
    "slow answer": (0.03, lambda sandbox, operation: sandbox.slow(0.2, operation=operation)),
    "no answer in time": (0.005, lambda sandbox, operation: sandbox.slow(2 * TIMEOUT, operation=operation)),
    "dropped before": (0.007, lambda sandbox, operation: sandbox.drop_connection(operation=operation)),
    "dropped during": (0.007, lambda sandbox, operation: sandbox.drop_connection(when="during", operation=operation)),
    "dropped after": (0.007, lambda sandbox, operation: sandbox.drop_connection(when="after", operation=operation)),
    "loading account": (0.02, lambda sandbox, _: sandbox.loading_account(operation="createSession")),
    "404": (0.002, lambda sandbox, _: sandbox.fail_next(404, operation="continueSession")),
}
"""The service's faults, and the share of requests that has each; of those that create visitors three times as many."""
STORES: dict[str, Any] = {"sqlite": SQLiteStore, "redis": RedisStore, "memory": MemoryStore}
FORGOTTEN, LATE = "the key was forgotten, by forget() or as it was refused", "the answer came too late"
KILLED, DOWN = "its process was killed before the save", "the store was down"
EXPLAINED = {"killed": KILLED, "Timeout": LATE, "ConnectionFailed": LATE, "DeadlineExceeded": LATE, "StoreError": DOWN}
"""Why the visitor of a call never reached the store, by the call's outcome."""

running: contextvars.ContextVar[str] = contextvars.ContextVar("running", default="")  # a call
CONTEXT = multiprocessing.get_context("forkserver")
"""Starts a worker in no time, from a process that has imported everything and has no threads."""
CONTEXT.set_forkserver_preload(["__main__", "liveperson_engagement_api.requests"])


def open_store(kind: str, where: str) -> Any:
    """Open the store under test."""
    return MemoryStore() if kind == "memory" else STORES[kind](where)


class Caller:
    """Says what comes next, and writes a line when a call begins and when it has ended; a kill loses none of them."""

    def __init__(self, job: argparse.Namespace) -> None:
        self.job, self.stopped, self.numbers = job, False, itertools.count()
        self.journal = os.open(job.folder / f"{job.name}.calls", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def calls(self, client: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Yield what a thread or task calls, by name, until it is time to stop."""
        job = self.job
        while not self.stopped:
            # New keys come up all the time, and half of the calls are about the newest, so that many race to create.
            newest = max(1, min(job.keys, math.ceil((time.monotonic() - job.began) / job.seconds * job.keys)))
            key = f"key-{random.randrange(max(0, newest - 10) if random.random() < 0.5 else 0, newest)}"
            running.set(name := f"{job.name}.{next(self.numbers)}")
            operation = random.choices([*OPERATIONS], [*OPERATIONS.values()])[0]
            visit = client.with_options(headers={"soak-call": name}).visit(key)
            self._write(name=name, key=key, operation=operation, began=time.monotonic())
            arguments: dict[str, list[Any]] = {"forget": [], "report_impressions": ["impDisplay"]}
            body = {"appType": "EXTERNAL", "consumerSections": [key]}
            yield name, partial(getattr(visit, operation), *arguments.get(operation, [body]))

    def ended(self, name: str, session: Any = None, error: EngagementError | None = None) -> float:
        """Note how a call has ended; return the seconds to think before the next one."""
        outcome = "held back" if "not sent, as" in str(error) else type(error).__name__ if error else "answered"
        self._write(name=name, ended=time.monotonic(), outcome=outcome, visitor=getattr(session, "visitor_id", None))
        return random.uniform(0, 2 * THINK[self.job.what])

    async def run(self, client: EngagementClient | AsyncEngagementClient) -> None:
        """Call as a task, or in threads."""
        in_threads = isinstance(client, EngagementClient)
        for name, call in self.calls(client):
            try:
                pause = self.ended(name, await (asyncio.to_thread(call) if in_threads else call()))
            except EngagementError as error:
                pause = self.ended(name, error=error)
            await asyncio.sleep(pause)

    def note(self, record: logging.LogRecord) -> bool:
        """Note that a call was overtaken, as its lock had expired; nothing is logged."""
        if "lost its lock" in record.msg or "a newer visit" in record.msg:
            self._write(name=running.get(), overtaken=True)
        return False

    def _write(self, **line: Any) -> None:
        os.write(self.journal, json.dumps(line).encode() + b"\n")


async def work(job: argparse.Namespace) -> None:
    """Be a worker: run callers until SIGTERM comes."""
    caller, store = Caller(job), open_store(job.store, job.where)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, setattr, caller, "stopped", True)
    settings: Any = {"base_url": job.url, "store": store, "retry": RETRIES, "timeout": TIMEOUT, "deadline": DEADLINE}
    logger = logging.getLogger("liveperson_engagement")
    logger.setLevel(logging.INFO)
    logger.addFilter(caller.note)
    settings["outage_guard"] = OutageGuard(PAUSES) if job.what == "outage" else None
    with EngagementClient(ACCOUNT, **settings) as client:
        async with AsyncEngagementClient(ACCOUNT, **settings) as twin:
            await asyncio.gather(caller.run(client), caller.run(client), *(caller.run(twin) for _ in range(job.tasks)))


def start(job: argparse.Namespace) -> None:
    """Be a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends the workers
    _deadline.LEASE = LEASE
    asyncio.run(work(job))


def wait_until(is_so: Callable[[], object], complaint: str) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > ends:
            raise RuntimeError(complaint)
        time.sleep(0.02)


@dataclass(frozen=True)
class Call:
    """A call, as a worker has written it down."""

    name: str
    key: str
    operation: str
    began: float
    ended: float = math.inf
    outcome: str = ""
    visitor: str | None = None
    overtaken: bool = False


class Soak:
    """The workers, and the store that they share."""

    def __init__(self, options: argparse.Namespace, folder: Path, sandbox: Sandbox) -> None:
        self.options, self.folder, self.sandbox, self.began = options, folder, sandbox, time.monotonic()
        self.redis = RedisServer(folder, appendonly="yes") if options.store == "redis" else None
        self.where = self.redis.url if self.redis else str(folder / "visits.db")
        self.workers: dict[str, Any] = {}
        self.killed, self.faults, self.restarts, self.crashed = set[str](), Counter[str](), 0, 0

    def __enter__(self) -> Self:
        """Start the store's server, and the workers."""
        if self.redis:
            self.redis.start()
        for number in range(self.options.processes):
            self._start(number)
        return self

    def __exit__(self, *_: object) -> None:
        """End all that runs."""
        for process in self.workers.values():
            process.kill()
        if self.redis:
            self.redis.stop()

    def load(self) -> None:
        """Let the workers go on while things go wrong."""
        options, seen, begins = self.options, 0, time.monotonic()
        while (passed := time.monotonic() - begins) < options.seconds:
            if options.kill_every and len(self.killed) < passed // options.kill_every:
                self._kill()
            if self.redis and self.restarts < passed / options.seconds * (options.restarts + 1) // 1:
                self.redis.stop(signal.SIGTERM if self.restarts % 2 else signal.SIGKILL)
                time.sleep(0.3)
                self.redis.start()
                self.restarts += 1
            if random.random() < 0.01:  # each five seconds, at the mean
                self.sandbox.expire_sessions()
            operations = [request.operation_id or "" for request in self.sandbox.requests[seen:]]
            seen += len(operations)
            for operation, (name, (share, plan)) in itertools.product(operations, FAULTS.items()):
                if random.random() < share * (3 if operation == "createSession" else 1):
                    plan(self.sandbox, operation)
                    self.faults[name] += 1
            time.sleep(0.05)

    def take_down(self) -> tuple[float, float, Sequence[Any]]:
        """Let the service be down for a while; return from when to when, and the requests. End when it has answered."""
        wait_until(lambda: len(self.sandbox.requests) > 20, "no calls are made")
        down = time.monotonic()
        self.sandbox.html_error(503, times=10**9)
        time.sleep(self.options.seconds)
        up, requests = time.monotonic(), self.sandbox.requests
        self.sandbox.reset()
        wait_until(lambda: len(self.sandbox.requests) > 50, "no calls are made after the outage")
        return down, up, requests

    def finish(self) -> dict[str, Call]:
        """Let the workers end their calls; return all that were made."""
        for process in self.workers.values():
            process.terminate()
        for process in self.workers.values():
            process.join(DEADLINE + 45)
        self.crashed = sum(each.exitcode not in {0, -signal.SIGTERM} for each in self.workers.values()) - len(
            self.killed
        )
        written = defaultdict[str, dict[str, Any]](dict)
        for path in self.folder.glob("*.calls"):
            for line in path.read_text().splitlines(keepends=True):
                if line.endswith("\n"):  # else the worker was killed while it wrote
                    event = json.loads(line)
                    written[event["name"]] |= {"outcome": "killed" if path.stem in self.killed else "", **event}
        return {name: Call(**event) for name, event in written.items()}

    def remembered(self) -> dict[str, str]:
        """Look up which visitor each key has in the end."""
        store = open_store(self.options.store, self.where)
        found = {f"key-{each}": store.load(f"{ACCOUNT}:key-{each}") for each in range(self.options.keys)}
        return {key: each.record.ids.visitor_id for key, each in found.items() if each}

    def _start(self, number: int) -> None:
        name = f"{number}.{sum(each.startswith(f'{number}.') for each in self.workers)}"
        place = {"name": name, "where": self.where, "url": self.sandbox.url, "folder": self.folder, "began": self.began}
        job = argparse.Namespace(**vars(self.options), **place)
        self.workers[name] = CONTEXT.Process(target=start, args=(job,), daemon=True)
        self.workers[name].start()

    def _kill(self) -> None:
        name = random.choice([each for each in self.workers if each not in self.killed])
        self.killed.add(name)
        self.workers[name].kill()
        self.workers[name].join()
        self._start(int(name.partition(".")[0]))


def visitor_figures(
    calls: Mapping[str, Call], requests: Iterable[Any], visitors: Sequence[str], remembered: Mapping[str, str]
) -> dict[str, Any]:
    """Put each visitor that the service has down to a call; say why there is more than one a key, and what is wrong."""
    makers, drops = dict[str, Call](), 0
    forgets = [(call.key, call.began, call.ended) for call in calls.values() if call.operation == "forget"]
    for request in requests:
        call = calls[request.headers["soak-call"]]  # a call is written down before it begins
        if request.operation_id == "createSession":
            makers |= {found.decode(): call for found in re.findall(rb"vid-\w+", request.response_body)}
            drops += request.status is None
        elif request.status in {400, 404}:  # 400: of a visitor without a session, as the answer with its first was lost
            forgets.append((call.key, request.at, call.ended))

    def forgotten(key: str, after: float, before: float = math.inf) -> str:
        return FORGOTTEN * any(each == key and began <= before and ended >= after for each, began, ended in forgets)

    used, made = defaultdict[str, set[str]](set), defaultdict[str, list[str]](list)
    for key, visitor in [*((call.key, call.visitor) for call in calls.values() if call.visitor), *remembered.items()]:
        used[key].add(visitor)
    explained, unexplained = Counter({"the connection was dropped": len({*visitors} - {*makers})}), list[str]()
    for visitor, call in ((visitor, makers[visitor]) for visitor in visitors if visitor in makers):
        known = made[call.key]
        if visitor not in used[call.key]:
            why = EXPLAINED.get(call.outcome) or (call.outcome != "answered") * forgotten(call.key, call.began)
        elif call.overtaken:
            why = "its lock had expired, and a newer visit stays"
        else:
            why = forgotten(call.key, makers[known[-1]].began, call.ended) if known else "first"
            known.append(visitor)
        if why:
            explained[why] += 1
        else:
            unexplained.append(call.key)
    last = [(key, known[-1]) for key, known in made.items() if known]
    found = {
        "lost": [key for key, each in last if remembered.get(key) != each and not forgotten(key, makers[each].began)],
        "mixed_up": [
            key for key, seen in used.items() if any(each not in makers or makers[each].key != key for each in seen)
        ],
        "unexplained": unexplained + ["visitors that no request has made"] * (len({*visitors} - {*makers}) > drops),
    }
    return {
        "keys_with_visitor": explained.pop("first", 0),
        "visitors": len(visitors),
        "explained": explained,
        **{name: len(each) for name, each in found.items()},
        "findings": [f"{name}: {each[:10]}" for name, each in found.items() if each],
    }


def outage_figures(calls: Mapping[str, Call], requests: Iterable[Any], down: float, up: float) -> dict[str, Any]:
    """Put each request that came during an outage down to a call, and say what should not be."""
    failed = [request for request in requests if request.at >= down]
    noticed = min((call.ended for call in calls.values() if call.outcome == "ServerError"), default=up)
    tries = [request for request in failed if calls[request.headers["soak-call"]].began > noticed]
    repeated = [count for count in Counter(each.headers["soak-call"] for each in tries).values() if count > 1]
    least = itertools.accumulate([*PAUSES, *[PAUSES[-1]] * len(tries)], initial=down)
    early = [each.at for each, at in zip(tries, itertools.islice(least, 1, None), strict=False) if each.at < at]
    answered = min((call.ended for call in calls.values() if call.began > up and call.visitor), default=math.inf)
    held = sum(call.outcome == "held back" for call in calls.values())
    after = Counter(call.outcome for call in calls.values() if call.began > answered)
    found = {"tries_during_outage": len(tries), "held_back": held, "answered_after": after["answered"]}
    findings = {
        "nothing of this": [name for name, count in found.items() if not count],
        "several attempts of one call": repeated,
        "tries that came too early": [round(at - down, 2) for at in early],
        "after the outage": [each for each in after if each in {"held back", "ServerError"}],
    }
    return {**found, "findings": [f"{name}: {each}" for name, each in findings.items() if each]}


def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run the soak, and return its figures; what is wrong stands under `findings`."""
    # Engagements end within the run, so that calls are answered from the store and others ask again.
    with Sandbox(valid_for_seconds=3.0) as sandbox, Soak(options, folder, sandbox) as soak:
        wait_until(lambda: len([*folder.glob("*.calls")]) == options.processes, "workers do not start")
        if options.what == "outage":
            down, up, requests = soak.take_down()
            calls = soak.finish()
            found = outage_figures(calls, requests, down, up)
        else:
            soak.load()
            calls, visitors = soak.finish(), [each.visitor_id for each in sandbox.visitors]
            found = visitor_figures(calls, sandbox.requests, visitors, soak.remembered())
    took = statistics.quantiles(
        (1000 * (call.ended - call.began) for call in calls.values() if call.ended < math.inf), n=100
    )
    return {
        "calls": len(calls),
        "outcomes": Counter(call.outcome for call in calls.values()),
        "faults": soak.faults,
        "kills": len(soak.killed),
        "restarts": soak.restarts,
        "latency_ms": {f"p{share}": round(took[share - 1]) for share in (50, 95, 99)},
        **found,
        "crashed": soak.crashed,
    }


def main() -> int:
    """Print the figures; return 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("what", nargs="?", choices=THINK, default="visits", help="outage: take the service down")
    add("--store", choices=STORES, default="sqlite", help="memory is not shared: it shows that this is noticed")
    add("--processes", type=int, default=4, metavar="N")
    add("--tasks", type=int, default=50, metavar="N", help="callers a process, and two threads besides")
    add("--keys", type=int, default=500, metavar="N")
    add("--seconds", type=float, default=30.0, metavar="S", help="how long the load, or the outage, lasts")
    add("--kill-every", type=float, default=1.0, metavar="S", help="kill a worker each S seconds; 0: never")
    add("--restarts", type=int, default=2, metavar="N", help="restarts of Redis; every other one is a kill")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        figures = run(options, Path(folder))
    print(json.dumps(figures, indent=2))
    return 1 if figures["findings"] or figures["crashed"] else 0


if __name__ == "__main__":
    sys.exit(main())
