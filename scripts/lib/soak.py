"""Many processes share a store while answers are lost and processes are killed; every visitor is accounted for.

The parent plays the service, kills workers and restarts Redis. Workers write what they do into journals that survive
them; in the end the parent compares these with the service's own list. One key must stay one visitor, except where an
answer never reached the store: its connection was lost, or its worker was killed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import contextvars
import itertools
import json
import math
import multiprocessing
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from liveperson_engagement import (
    AsyncEngagementClient,
    EngagementClient,
    EngagementError,
    MemoryStore,
    RetryPolicy,
    _deadline,
)
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record
from liveperson_engagement.transports import AsyncTransport, Options, Transport, make_transport
from liveperson_engagement_api.http import Request, Response

ACCOUNT = "soak"
OPERATIONS = {"create_session": 50, "engagement": 35, "report_impressions": 15}
"""How often each call is made, of a hundred."""
KEPT_VISITS = 4
"""How many visit objects a caller goes on using; others are made for each call."""
GRACE = 15.0
"""Seconds that workers get to end their calls before they are killed."""

UNSIGNED = "?" * 30
"""Stands in bodies where the name of the call is put in."""
OPTIONS: Options = {"proxy": None, "ssl_context": None, "max_connections": None}
UNBALANCED = "the service has visitors that none of its requests has made; nothing can be said"

CONTEXT = multiprocessing.get_context("forkserver")
"""Starts a worker in no time, from a process that has imported everything and has no threads."""
CONTEXT.set_forkserver_preload(
    [
        "liveperson_engagement.sandbox",
        "liveperson_engagement.stores.redis",
        "liveperson_engagement.stores.sqlite",
        "liveperson_engagement_api.requests",
        "rich.progress",
    ]
)

running: contextvars.ContextVar[str] = contextvars.ContextVar("running")
"""The call that this thread or task is making."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker has to do."""

    run: str
    number: int
    store: str
    where: str
    url: str
    folder: str
    tasks: int
    threads: int
    keys: int
    seconds: float
    lease: float
    timeout: float
    think: float
    forgets: float
    seed: str
    sabotage: str | None


# --- In a worker -----------------------------------------------------------------------------------------------------


class Journal:
    """Appends a line an event, with no buffer that a kill could empty."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, event: str, **details: Any) -> None:
        """Write an event of the running call."""
        line = {"at": time.monotonic(), "event": event, "call": running.get(), **details}
        os.write(self._file, json.dumps(line).encode() + b"\n")


class Journaled:
    """A store that writes down what it has to save, before and after."""

    def __init__(self, store: Any, journal: Journal) -> None:
        self._store, self._journal = store, journal

    def __getattr__(self, name: str) -> Any:
        """Pass on to the store."""
        return getattr(self._store, name)

    def compare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Save or forget, and say so."""
        visitor = record and record.ids.visitor_id
        self._journal.write("saving", visitor=visitor)
        version: object | None = self._store.compare_and_set(key, expected, record, timeout)
        self._journal.write("refused" if version is None else "saved", visitor=visitor)
        return version

    async def acompare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Save or forget, and say so."""
        visitor = record and record.ids.visitor_id
        self._journal.write("saving", visitor=visitor)
        version: object | None = await self._store.acompare_and_set(key, expected, record, timeout)
        self._journal.write("refused" if version is None else "saved", visitor=visitor)
        return version


class Amnesia(MemoryStore):
    """Sabotage: remembers nothing."""

    def compare_and_set(
        self,
        key: str,  # noqa: ARG002
        expected: object | None,  # noqa: ARG002
        record: Record | None,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
    ) -> object | None:
        """Say that it was saved."""
        return True


class Shared(MemoryStore):
    """Sabotage: takes two keys for one."""

    def load(self, key: str, timeout: float | None = None) -> Any:
        """Load what either of them saved."""
        return super().load(_halved(key), timeout)

    def compare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Save for both."""
        return super().compare_and_set(_halved(key), expected, record, timeout)


def _halved(key: str) -> str:
    name, number = key.rsplit("-", 1)
    return f"{name}-{int(number) // 2}"


def open_store(kind: str, where: str) -> Any:
    """Open the store under test."""
    if kind == "redis":
        from liveperson_engagement import RedisStore  # noqa: PLC0415

        return RedisStore(where)
    from liveperson_engagement import SQLiteStore  # noqa: PLC0415

    return SQLiteStore(where)


def signed(request: Request) -> Request:
    """Name the call in a request, so that the service's journal and visitor list can be compared with the workers'.

    Not before: engagement() answers bodies from the store that are equal.
    """
    body = (request.body or b"").replace(UNSIGNED.encode(), f"{running.get():{len(UNSIGNED)}}".encode())
    return request._replace(headers={**request.headers, "soak-call": running.get()}, body=body)


class Signed(Transport):
    """Signs each request, and sends it by the default transport."""

    def __init__(self) -> None:
        self._inner = make_transport(None, asynchronous=False, **OPTIONS)

    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Send the request."""
        return self._inner.send(base_url, signed(request), timeout)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class AsyncSigned(AsyncTransport):
    """The same for asyncio."""

    def __init__(self) -> None:
        self._inner = make_transport(None, asynchronous=True, **OPTIONS)

    async def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Send the request."""
        return await self._inner.send(base_url, signed(request), timeout)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class Caller:
    """Decides what one thread or task does next, and writes it down."""

    def __init__(self, job: Job, number: int, client: Any, journal: Journal, stop: threading.Event) -> None:
        self._job, self._name, self._client, self._journal, self._stop = job, number, client, journal, stop
        self._begins = float(Path(job.folder, "begins").read_text())
        self._random = random.Random(f"{job.seed}/{job.run}/{number}")  # noqa: S311 - a load, not a secret
        self._visits: deque[tuple[str, Any]] = deque(maxlen=KEPT_VISITS)

    def calls(self) -> Iterator[Callable[[], Any]]:
        """Yield calls until it is time to stop."""
        for number in itertools.count():
            if self._stop.is_set() or time.monotonic() >= self._begins + self._job.seconds:
                return
            call = f"{self._job.run}.{self._name}.{number}"
            running.set(call)
            yield self._chosen()

    def returned(self, result: Any) -> None:
        """Note an answer."""
        self._journal.write("returned", visitor=getattr(result, "visitor_id", None))

    def failed(self, error: EngagementError) -> None:
        """Note an error."""
        self._journal.write("failed", error=type(error).__name__, cause=type(error.__cause__).__name__)

    def pause(self) -> float:
        """Return the seconds to think before the next call."""
        return self._random.uniform(0, 2 * self._job.think)

    def _chosen(self) -> Callable[[], Any]:
        key, visit = self._visit()
        operation = self._random.choices([*OPERATIONS], [*OPERATIONS.values()])[0]
        if self._random.random() < self._job.forgets:
            operation = "forget"
        elif operation == "report_impressions" and not visit.ids:
            operation = "create_session"
        self._journal.write("began", key=key, operation=operation)
        if operation == "forget":
            return cast("Callable[[], Any]", visit.forget)
        if operation == "report_impressions":
            return lambda: visit.report_impressions("impDisplay")
        lead = {"type": "lead", "lead": {"topic": f"{key} {UNSIGNED}"}}
        body = {"appType": "EXTERNAL", "consumerSections": [key], "engagementAttributes": [lead]}
        return lambda: getattr(visit, operation)(body)

    def _visit(self) -> tuple[str, Any]:
        if self._visits and self._random.random() < 0.4:
            return self._random.choice(self._visits)
        # New keys come up all the time, and half of the calls are about the newest, so that many race to create.
        known = (time.monotonic() - self._begins) / (0.9 * self._job.seconds) * self._job.keys
        newest = max(1, min(self._job.keys, math.ceil(known)))
        oldest = max(0, newest - 10) if self._random.random() < 0.5 else 0
        key = f"key-{self._random.randrange(oldest, newest)}"
        self._visits.append((key, self._client.visit(key)))
        return self._visits[-1]


async def run_task(caller: Caller) -> None:
    """Make calls as a task."""
    for call in caller.calls():
        try:
            caller.returned(await call())
        except EngagementError as error:
            caller.failed(error)
        await asyncio.sleep(caller.pause())


def run_thread(caller: Caller) -> None:
    """Make calls as a thread."""
    for call in caller.calls():
        try:
            caller.returned(call())
        except EngagementError as error:
            caller.failed(error)
        time.sleep(caller.pause())


def start(job: Job) -> None:
    """Be a worker; what it complains of goes into a file."""
    with Path(job.folder, f"{job.run}.err").open("wb") as errors:
        os.dup2(errors.fileno(), 1)
        os.dup2(errors.fileno(), 2)
    asyncio.run(work(job))


async def work(job: Job) -> None:
    """Run a worker's tasks and threads to their end."""
    _deadline.LEASE = job.lease
    stop = threading.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which stops the workers
    journal = Journal(Path(job.folder, f"{job.run}.jsonl"))
    sabotaged = {"amnesia": Amnesia, "shared": Shared}.get(job.sabotage or "")
    store: Any = Journaled(sabotaged() if sabotaged else open_store(job.store, job.where), journal)
    options: Any = {"base_url": job.url, "store": store, "retry": RetryPolicy((0.05, 0.1, 0.2)), "timeout": job.timeout}
    with EngagementClient(ACCOUNT, transport=Signed(), deadline=GRACE, **options) as client:
        while not Path(job.folder, "begins").exists():  # noqa: ASYNC110, ASYNC240 - the parent waits for all workers
            await asyncio.sleep(0.01)
        callers = [Caller(job, job.tasks + number, client, journal, stop) for number in range(job.threads)]
        threads = [threading.Thread(target=run_thread, args=(caller,), daemon=True) for caller in callers]
        for thread in threads:
            thread.start()
        async with AsyncEngagementClient(ACCOUNT, transport=AsyncSigned(), deadline=GRACE, **options) as twin:
            callers = [Caller(job, number, twin, journal, stop) for number in range(job.tasks)]
            await asyncio.gather(*map(run_task, callers))
        for thread in threads:
            await asyncio.to_thread(thread.join)


# --- In the parent ---------------------------------------------------------------------------------------------------


class RedisServer:
    """A redis-server of our own, whose data outlives it if it is durable."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port: int = free.getsockname()[1]
        self._folder, self._durable = folder, durable
        self.start()

    def url(self, database: int = 0) -> str:
        """Say what clients connect to."""
        return f"redis://127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = {"port": self._port, "bind": "127.0.0.1", "dir": self._folder, "save": ""}
        options["appendonly"] = "yes" if self._durable else "no"
        command = ["redis-server", *itertools.chain(*((f"--{name}", str(value)) for name, value in options.items()))]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        ends = time.monotonic() + 10
        while not self._answers():
            if time.monotonic() > ends or self._process.poll() is not None:
                raise RuntimeError("redis-server does not start")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, or kill it."""
        self._process.send_signal(how)
        self._process.wait()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        return False


@dataclass
class Worker:
    """A process, and what became of it."""

    run: str
    process: ForkServerProcess
    killed_at: float | None = None
    complaint: str = ""

    @property
    def crashed(self) -> bool:
        """Whether it ended by itself; one that was asked to stop before it could listen did not."""
        return self.process.exitcode not in {0, -signal.SIGTERM}

    def kill(self) -> None:
        """Give it no time for anything."""
        self.killed_at = time.monotonic()
        self.process.kill()
        self.process.join()


class Faults:
    """Plans the service's faults, in proportion to the requests that come in."""

    def __init__(self, sandbox: Sandbox, options: argparse.Namespace) -> None:
        self._sandbox, self._seen, self.planned = sandbox, 0, Counter[str]()
        self._random = random.Random(f"{options.seed}/faults")  # noqa: S311 - a load, not a secret
        drops = [(when, self._drop(when)) for when in ("before", "during", "after")]
        self._kinds: list[tuple[str, float, Callable[[str | None], None]]] = [
            ("5xx", options.errors, self._error),
            ("slow answer", options.slow, lambda operation: sandbox.slow(0.2, operation=operation)),
            ("no answer in time", options.late, lambda op: sandbox.slow(2 * options.timeout, operation=op)),
            ("loading account", options.loading, lambda _: sandbox.loading_account(operation="createSession")),
            ("404", options.not_found, lambda _: sandbox.fail_next(404, operation="continueSession")),
            *((f"connection dropped {when}", options.drops / 3, drop) for when, drop in drops),
        ]

    def plan(self) -> None:
        """Plan faults for as many requests as came in since the last time, and as many that create visitors."""
        requests = self._sandbox.requests[self._seen :]
        self._seen += len(requests)
        creating = sum(request.operation_id == "createSession" for request in requests)
        for name, share, fail in self._kinds:
            for operation, count in (("createSession", 3 * creating), (None, len(requests) - creating)):
                if name == ("404" if operation else "loading account"):
                    continue
                for _ in range(sum(self._random.random() < share for _ in range(count))):
                    fail(operation)
                    self.planned[name] += 1

    def _drop(self, when: Any) -> Callable[[str | None], None]:
        return lambda operation: self._sandbox.drop_connection(when=when, operation=operation)

    def _error(self, operation: str | None) -> None:
        status = self._random.choice([502, 503, 504, 520])
        if self._random.random() < 0.5:
            self._sandbox.fail_next(status, operation=operation)
        else:
            self._sandbox.html_error(status, operation=operation)


class Soak:
    """One run."""

    def __init__(self, options: argparse.Namespace, folder: Path, console: Console) -> None:
        self.options, self.folder, self.console = options, folder, console
        self.random = random.Random(f"{options.seed}/kills")  # noqa: S311 - a load, not a secret
        self.workers: list[Worker] = []
        self.current: dict[int, Worker] = {}
        self.restarts: list[tuple[float, float]] = []
        self.redis = RedisServer(folder) if options.store == "redis" else None
        self.where = self.redis.url() if self.redis else str(folder / "visits.db")
        self.interrupted = False
        self.begins = time.monotonic()
        self.planned = Counter[str]()

    def run(self) -> Account:
        """Run everything, and return the account of it."""
        options = self.options
        try:
            # Engagements end within the run, so that calls are answered from the store and others ask again.
            with Sandbox(valid_for_seconds=3.0) as sandbox:
                try:
                    self._begin(sandbox)
                    self._load(sandbox)
                except KeyboardInterrupt:
                    self.interrupted = True
                self._stop()
                return Account(self, sandbox, {} if options.sabotage else self._remembered())
        finally:
            for worker in self.current.values():
                if worker.process.is_alive():
                    worker.kill()
            if self.redis:
                self.redis.stop()

    def _remembered(self) -> dict[str, str]:
        """Look up which visitor each key has in the end."""
        store, ids = open_store(self.options.store, self.where), dict[str, str]()
        for key in (f"key-{number}" for number in range(self.options.keys)):
            if found := store.load(f"{ACCOUNT}:{key}"):
                ids[key] = found.record.ids.visitor_id
        store.close()
        return ids

    def _begin(self, sandbox: Sandbox) -> None:
        """Start the clock when all workers are ready."""
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for this process alone
        try:
            forkserver.ensure_running()
        finally:
            signal.signal(signal.SIGINT, interrupt)
        for number in range(self.options.processes):
            self._start(number, sandbox)
        ends = time.monotonic() + 60
        while not all((self.folder / f"{worker.run}.jsonl").exists() for worker in self.workers):
            if time.monotonic() > ends or any(not worker.process.is_alive() for worker in self.workers):
                raise RuntimeError("workers do not start: " + (self.folder / "0.0.err").read_text())
            time.sleep(0.02)
        self.begins = time.monotonic()
        (self.folder / "begins.new").write_text(repr(self.begins))
        (self.folder / "begins.new").rename(self.folder / "begins")

    def _load(self, sandbox: Sandbox) -> None:
        options, faults, ends = self.options, Faults(sandbox, self.options), self.begins + self.options.seconds
        self.planned = faults.planned
        chores: list[tuple[float, Callable[[], None]]] = [(0.1, faults.plan), (5.0, sandbox.expire_sessions)]
        if options.kill_every:
            chores.append((options.kill_every, lambda: self._kill(sandbox)))
        due = {number: self.begins + every for number, (every, _) in enumerate(chores)}
        outages = deque((index + 1) / (options.restarts + 1) for index in range(options.restarts if self.redis else 0))
        columns = (
            TextColumn("{task.description}"),
            BarColumn(30),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            shown = progress.add_task(f"{options.store}", total=options.seconds, figures="")
            while (now := time.monotonic()) < ends and len(sandbox.requests) < options.requests:
                for number, (every, chore) in enumerate(chores):
                    if now >= due[number]:
                        chore()
                        due[number] = now + every
                if outages and now >= self.begins + outages[0] * options.seconds:
                    self._restart_redis(signal.SIGKILL if len(outages) % 2 else signal.SIGTERM)
                    outages.popleft()
                figures = f"{len(sandbox.requests)} requests, {faults.planned.total()} faults, {self._kills} kills"
                progress.update(shown, completed=now - self.begins, figures=figures)
                time.sleep(0.05)

    @property
    def _kills(self) -> int:
        return sum(worker.killed_at is not None for worker in self.workers)

    def _start(self, number: int, sandbox: Sandbox) -> None:
        options = self.options
        run = f"{number}.{sum(worker.run.startswith(f'{number}.') for worker in self.workers)}"
        job = Job(
            run=run,
            number=number,
            store=options.store,
            where=self.where,
            url=sandbox.url,
            folder=str(self.folder),
            tasks=options.tasks,
            threads=0 if number else math.ceil(options.tasks / 5),
            keys=options.keys,
            seconds=options.seconds,
            lease=options.lease,
            timeout=options.timeout,
            think=options.think,
            forgets=options.forgets,
            seed=str(options.seed),
            sabotage=options.sabotage,
        )
        process = CONTEXT.Process(target=start, args=(job,), daemon=True)
        process.start()
        self.current[number] = Worker(run, process)
        self.workers.append(self.current[number])

    def _kill(self, sandbox: Sandbox) -> None:
        number = self.random.randrange(self.options.processes)
        self.current[number].kill()
        self._start(number, sandbox)

    def _restart_redis(self, how: signal.Signals) -> None:
        if self.redis:
            began = time.monotonic()
            self.redis.stop(how)
            time.sleep(0.3)
            self.redis.start()
            self.restarts.append((began, time.monotonic()))

    def _stop(self) -> None:
        for worker in self.current.values():
            worker.process.terminate()
        ends = time.monotonic() + GRACE + 5
        for worker in self.current.values():
            worker.process.join(max(0.0, ends - time.monotonic()))
            if worker.process.is_alive():
                worker.kill()


@dataclass
class Call:
    """A call, as a worker has written it down."""

    run: str
    key: str
    operation: str
    began: float
    ended: float = math.inf
    visitor: str | None = None
    error: str | None = None
    cause: str | None = None


@dataclass
class Change:
    """A record that was saved, or forgotten if there is no visitor; `done` is infinite if its worker was killed."""

    call: Call
    visitor: str | None
    began: float
    done: float = math.inf
    refused: bool = False


@dataclass
class Key:
    """All that happened to a key."""

    calls: list[Call] = field(default_factory=list[Call])
    changes: list[Change] = field(default_factory=list[Change])
    visitors: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    """Those that the service has made for the key, in order, and when."""

    def forgotten(self, after: float, before: float) -> bool:
        """Return whether the key may have been forgotten in a span of time."""
        return any(
            change.visitor is None and not change.refused and change.done >= after and change.began <= before
            for change in self.changes
        )


class Account:
    """Compares what the service has with what the workers did."""

    def __init__(self, soak: Soak, sandbox: Sandbox, remembered: dict[str, str]) -> None:
        self._soak = soak
        self.keys: defaultdict[str, Key] = defaultdict(Key)
        self.calls: dict[str, Call] = {}
        self.runs = {worker.run: worker for worker in soak.workers}
        self.crashed = [worker for worker in soak.workers if worker.killed_at is None and worker.crashed]
        for worker in soak.workers:
            self._read(soak.folder / f"{worker.run}.jsonl")
        for worker in self.crashed:
            worker.complaint = (soak.folder / f"{worker.run}.err").read_text()[-2000:]
        self.requests = sandbox.requests
        self.maker = self._makers(sandbox)
        self.lost, self.mixed = list[str](), list[str]()
        self.explained, self.unexplained = Counter[str](), list[str]()
        self.keys_with_visitor = 0
        for name, key in self.keys.items():
            self._check(name, key, remembered.get(name))

    def _read(self, path: Path) -> None:
        if not path.exists():
            return
        pending: dict[str, Change] = {}
        for line in path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                continue  # the worker was killed while it wrote
            event = json.loads(line)
            name, at = event["call"], event["at"]
            match event["event"]:
                case "began":
                    call = self.calls[name] = Call(path.stem, event["key"], event["operation"], at)
                    self.keys[call.key].calls.append(call)
                case "returned":
                    self.calls[name].ended, self.calls[name].visitor = at, event["visitor"]
                case "failed":
                    call = self.calls[name]
                    call.ended, call.error, call.cause = at, event["error"], event["cause"]
                case "saving":
                    pending[name] = Change(self.calls[name], event["visitor"], at)
                    self.keys[self.calls[name].key].changes.append(pending[name])
                case outcome:
                    pending[name].done, pending[name].refused = at, outcome == "refused"

    def _makers(self, sandbox: Sandbox) -> dict[str, tuple[Any, str]]:
        """Find the request that made each visitor, by their order, and its key."""
        makers: dict[str, tuple[Any, str]] = {}
        visitors = deque((each.visitor_id, _topic(each)) for each in sandbox.visitors)
        for request in self.requests:
            if request.operation_id != "createSession" or request.status not in {200, 500, None}:
                continue
            topic = request.body["engagementAttributes"][0]["lead"]["topic"]
            if request.status is None and (not visitors or visitors[0][1] != topic):
                continue  # its connection was dropped before it was handled
            visitor, noted = visitors.popleft()
            key = topic.split()[0]
            if request.status != 500 and (noted or "").split()[:1] != [key]:
                raise RuntimeError(UNBALANCED)
            makers[visitor] = request, key
            self.keys[key].visitors.append((visitor, request.at))
        if visitors:
            raise RuntimeError(UNBALANCED)
        return makers

    def _check(self, name: str, key: Key, remembered: str | None) -> None:
        own = {visitor for visitor, _ in key.visitors}
        seen = [(call.visitor, f"a call in {call.run}") for call in key.calls if call.visitor]
        seen += [(change.visitor, f"a save in {change.call.run}") for change in key.changes if change.visitor]
        if remembered:
            seen.append((remembered, "the store"))
        self.mixed += [f"{name}: {who} had another key's visitor" for visitor, who in seen if visitor not in own]
        saves = sorted(
            (each for each in key.changes if each.visitor and not each.refused and each.done < math.inf),
            key=lambda each: each.done,
        )
        self._check_lost(name, key, saves, remembered)
        kept = {each.visitor for each in saves} | {call.visitor for call in key.calls} | {remembered}
        last: tuple[str, float] | None = None
        for visitor, at in key.visitors:
            if visitor not in kept:
                self._explain(name, key, visitor)
                continue
            saved = min((each.began for each in saves if each.visitor == visitor), default=at)
            if last and not key.forgotten(last[1], saved):
                self.unexplained.append(f"{name}: a second visitor was remembered")
            elif last:
                self.explained["the key was forgotten, by forget() or after a 404"] += 1
            last = visitor, at
        self.keys_with_visitor += last is not None

    def _check_lost(self, name: str, key: Key, saves: list[Change], remembered: str | None) -> None:
        later = [(call.began, call.ended, call.visitor) for call in key.calls if call.visitor]
        if remembered:
            later.append((math.inf, math.inf, remembered))
        for began, ended, visitor in later:
            save = next((each for each in reversed(saves) if each.done < began), None)
            if save and save.visitor != visitor and not key.forgotten(save.began, ended):
                self.lost.append(f"{name}: a call no longer used the visitor that was saved before it began")

    def _explain(self, name: str, key: Key, visitor: str) -> None:
        """Say why an answer never reached the store."""
        request, _ = self.maker[visitor]
        call = self.calls.get(request.headers["soak-call"])
        if request.status is None:
            why = "the connection was dropped"
        elif call is None or (call.ended == math.inf and self.runs[call.run].killed_at is not None):
            # The name of a call is written before it begins; without it the request came from nowhere.
            why = "its worker was killed before the save" if call else ""
        elif {call.error, call.cause} & {"Timeout", "ConnectionFailed"}:
            why = "the answer came too late"
        elif call.error == "StoreError":
            why = "the store was down"
        else:
            why = ""
        if why:
            self.explained[why] += 1
        else:
            outcome = "never ended" if call is None or call.ended == math.inf else call.error or "returned"
            saves = [each for each in key.changes if each.visitor == visitor]
            self.unexplained.append(
                f"{name}: a visitor was not kept; its call {outcome}, {len(saves)} saves were tried"
            )

    def story(self, name: str) -> Iterator[str]:
        """Report all that happened to a key, in order, with its visitors numbered."""
        key = self.keys[name]
        numbers = {visitor: f"v{number}" for number, (visitor, _) in enumerate(key.visitors, 1)}
        events = [(at, f"the service makes {numbers[visitor]}") for visitor, at in key.visitors]
        for change in key.changes:
            what = f"saves {numbers.get(change.visitor, '?')}" if change.visitor else "forgets"
            events.append((change.began, f"{change.call.run} {what}"))
            events.append((change.done, f"{change.call.run} {what}: {'refused' if change.refused else 'done'}"))
        for call in key.calls:
            events.append((call.began, f"{call.run} {call.operation} begins"))
            outcome = numbers.get(call.visitor or "") or call.error or "done"
            events.append((call.ended, f"{call.run} {call.operation}, begun at {self._at(call.began)}: {outcome}"))
        for worker in self.runs.values():
            if worker.killed_at and any(call.run == worker.run for call in key.calls):
                events.append((worker.killed_at, f"{worker.run} is killed"))
        for at, what in sorted(events):
            if at < math.inf:
                yield f"{self._at(at)} {what}"

    def _at(self, moment: float) -> str:
        return f"{moment - self._soak.begins:.3f}"

    @property
    def good(self) -> bool:
        """Whether every visitor is accounted for."""
        return not (self.lost or self.mixed or self.unexplained or self.crashed) and len(self.calls) > 0

    def summary(self) -> dict[str, Any]:
        """Give all figures, as JSON can carry them."""
        errors = Counter(call.error for call in self.calls.values() if call.error)
        attempts = Counter(request.headers["soak-call"] for request in self.requests)
        timed = defaultdict[str, list[float]](list)
        for call in self.calls.values():
            if call.ended < math.inf:
                timed[call.operation].append(call.ended - call.began)
                timed["all"].append(call.ended - call.began)
        used = sum(bool(key.calls) for key in self.keys.values())
        return {
            "store": self._soak.options.store,
            "seconds": self._soak.options.seconds,
            "calls": len(self.calls),
            "requests": len(self.requests),
            "retries": sum(count - 1 for count in attempts.values()),
            "kills": sum(worker.killed_at is not None for worker in self._soak.workers),
            "restarts": len(self._soak.restarts),
            "faults": dict(self._soak.planned),
            "errors": dict(errors),
            "store_errors": errors["StoreError"],
            "keys": used,
            "keys_with_visitor": self.keys_with_visitor,
            "visitors": len(self.maker),
            "explained": dict(self.explained),
            "lost": len(self.lost),
            "mixed_up": len(self.mixed),
            "unexplained": len(self.unexplained),
            "crashed": len(self.crashed),
            "latency_ms": {name: percentiles(values) for name, values in sorted(timed.items())},
        }


def percentiles(values: list[float]) -> dict[str, float]:
    """Return the usual ones, in milliseconds."""
    cuts = statistics.quantiles(values, n=100, method="inclusive") if len(values) > 1 else values * 99
    named = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(values)}
    return {"calls": len(values), **{name: round(1000 * value, 1) for name, value in named.items()}}


def _topic(visitor: Any) -> str | None:
    attributes = [attribute for session in visitor.sessions for attribute in session.attributes]
    return attributes[0]["lead"]["topic"] if attributes else None


def show(account: Account, console: Console) -> None:
    """Print the figures."""
    figures = account.summary()
    table = Table(title=f"{figures['store']}, {figures['seconds']:g} seconds", title_justify="left", show_header=False)
    rows: list[tuple[str, Any]] = [
        ("calls", figures["calls"]),
        ("requests, retries among them", f"{figures['requests']}, {figures['retries']}"),
        ("workers killed", figures["kills"]),
        ("restarts of Redis", figures["restarts"]),
        ("faults planned", _counts(figures["faults"])),
        ("errors raised", _counts(figures["errors"])),
        ("store errors", figures["store_errors"]),
        ("keys used, keys whose visitor was remembered", f"{figures['keys']}, {figures['keys_with_visitor']}"),
        ("visitors", figures["visitors"]),
        ("visitors beyond one for each of these", figures["visitors"] - figures["keys_with_visitor"]),
        ("their explanation", _counts(figures["explained"])),
    ]
    for name, value in rows:
        table.add_row(name, str(value))
    for name, label in (("lost", "ids lost"), ("mixed_up", "ids mixed up"), ("unexplained", "visitors unexplained")):
        table.add_row(label, f"[{'red' if figures[name] else 'green'}]{figures[name]}[/]")
    table.add_row("workers crashed", f"[{'red' if figures['crashed'] else 'green'}]{figures['crashed']}[/]")
    console.print(table)
    times = Table("latency, ms", "calls", "p50", "p95", "p99", "max")
    for name, values in figures["latency_ms"].items():
        times.add_row(name, *(f"{value:g}" for value in values.values()))
    console.print(times)
    for finding, count in Counter([*account.lost, *account.mixed, *account.unexplained]).most_common(20):
        console.print(f"[red]{count}x {finding}[/]")
    for name in dict.fromkeys(finding.split(":")[0] for finding in account.unexplained[:2]):
        console.print(f"What happened to {name}:", *list(account.story(name))[:60], sep="\n  ")
    for worker in account.crashed[:3]:
        console.print(f"[red]worker {worker.run} crashed[/]", worker.complaint)


def _counts(counts: dict[str, int]) -> str:
    return "\n".join(f"{count}x {name}" for name, count in sorted(counts.items())) or "none"


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--store", choices=["sqlite", "redis"], default="sqlite")
    add("--processes", type=int, default=4, metavar="N")
    add(
        "--tasks",
        type=int,
        default=50,
        metavar="N",
        help="tasks a process; one process has a fifth as many threads too",
    )
    add("--keys", type=int, default=500, metavar="N")
    add("--seconds", type=float, default=30.0, metavar="S")
    add("--requests", type=int, default=200_000, metavar="N", help="stop after so many")
    add("--kill-every", type=float, default=1.0, metavar="S", help="kill a worker each S seconds; 0: never")
    add("--restarts", type=int, default=2, metavar="N", help="restarts of Redis; every other one is a kill")
    for name, share, what in (
        ("errors", 0.05, "5xx"),
        ("slow", 0.03, "answers that take 0.2 s"),
        ("late", 0.005, "answers that take twice --timeout"),
        ("drops", 0.02, "dropped connections"),
        ("loading", 0.02, "new visitors whose account is being loaded"),
        ("not-found", 0.002, "404s of a visitor that is known"),
    ):
        add(f"--{name}", type=float, default=share, metavar="SHARE", help=f"{what}; default {share}")
    add("--forgets", type=float, default=0.005, metavar="SHARE", help="calls of forget()")
    add("--lease", type=float, default=1.0, metavar="S", help="instead of the 30 s that a killed holder keeps a key")
    add("--timeout", type=float, default=1.0, metavar="S")
    add("--think", type=float, default=0.25, metavar="S", help="mean pause of a caller between calls")
    add("--seed", default="1")
    add("--json", type=Path, metavar="FILE", help="write the figures")
    add("--sabotage", choices=["amnesia", "shared"], help="break the store, to see that it is noticed")
    return parser.parse_args()


def main() -> None:
    """Run the soak; exit non-zero unless every visitor is accounted for."""
    chosen = options()
    console = Console(highlight=False)
    if chosen.store == "redis" and not shutil.which("redis-server"):
        sys.exit("scripts/soak: redis-server is not on PATH; install it, or choose --store sqlite")
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soak = Soak(chosen, Path(folder), console)
        account = soak.run()
        show(account, console)
    if chosen.json:
        chosen.json.write_text(json.dumps(account.summary(), indent=2) + "\n")
    if not account.good:
        sys.exit(1)
    if soak.interrupted:
        sys.exit(130)


if __name__ == "__main__":
    main()
