"""What docs/sharing.md says is true: each cell of its table, its claims, and the examples, which are run for real."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import multiprocessing
import os
import pickle
import re
import runpy
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from checkout import ROOT
from conftest import BODY
from liveperson_engagement import (
    AsyncEngagementClient,
    AsyncVisit,
    EngagementClient,
    MemoryStore,
    RedisStore,
    SQLiteStore,
    Visit,
)
from liveperson_engagement._deadline import LEASE, PHASES
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores.conformance import StoreConformance, running_loop
from redis_server import wait_until

T = TypeVar("T")
FORK = multiprocessing.get_context("fork")

DOC = (ROOT / "docs" / "sharing.md").read_text()
WAYS = ("threads", "tasks of one loop", "several loops", "processes", "after a fork")
THINGS = {
    "EngagementClient": ("yes", "through `to_thread`", "through `to_thread`", "no", "yes"),
    "AsyncEngagementClient": ("yes", "yes", "yes", "no", "yes"),
    "Visit": ("yes", "through `to_thread`", "through `to_thread`", "no", "yes"),
    "AsyncVisit": ("yes", "yes", "yes", "no", "yes"),
    "MemoryStore": ("yes", "yes", "yes", "no", "as a copy"),
    "SQLiteStore": ("yes",) * 5,
    "RedisStore": ("yes",) * 5,
}

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),  # Python 3.12 warns of threads: they are meant
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # of an event loop that was closed before its client
]


class TestFileStore(StoreConformance):
    """The store of the documentation does what every store has to do."""

    def make_store(self, folder: Path) -> Any:
        """Make one on the folder."""
        return runpy.run_path(str(ROOT / "examples/custom_store.py"))["FileStore"](folder / "visits")


# Ways to share something


def in_threads(*work: Callable[[], T]) -> list[T]:
    """Run each in a thread, all at once."""
    barrier = threading.Barrier(len(work))

    def start(each: Callable[[], T]) -> T:
        barrier.wait()
        return each()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(start, work))


def in_child(work: Callable[[], Any]) -> Callable[[], Any]:
    """Start to run it in a forked child; return what waits for its result."""
    reader, writer = FORK.Pipe(duplex=False)
    child = FORK.Process(target=lambda: writer.send(work()), daemon=True)
    child.start()
    writer.close()

    def result() -> Any:
        assert reader.poll(120)
        found = reader.recv()
        child.join()
        return found

    return result


WORKER = """
import sys
from liveperson_engagement import *
kind, place, url = sys.argv[1:]
with EngagementClient("demo", base_url=url, store=globals()[kind](place)) as client:
    print("ready", flush=True)
    sys.stdin.readline()
    print(client.visit("shopper").create_session({"appType": "EXTERNAL"}).visitor_id)
"""


def in_processes(number: int, kind: str, place: str, url: str) -> list[str]:
    """Let each of some new processes open the store and ask, all at once."""
    command = [sys.executable, "-c", WORKER, kind, place, url]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers: list[Any] = [subprocess.Popen(command, **pipes) for _ in range(number)]
    assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * number
    return [
        found.strip() for found in in_threads(*(lambda each=each: each.communicate("\n", 120)[0] for each in workers))
    ]


# The table


@pytest.fixture
def place(thing: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Say where the store that a test is about keeps its visits."""
    return request.getfixturevalue("server").url if thing == "RedisStore" else str(tmp_path / "visits.db")


@pytest.fixture
def store(thing: str, place: str) -> Iterator[Any]:
    """Make the store that a test is about."""
    kinds: dict[str, Any] = {"SQLiteStore": SQLiteStore, "RedisStore": RedisStore}
    with kinds[thing](place) if thing in kinds else contextlib.nullcontext(MemoryStore()) as store:
        yield store


class Shared:
    """What is shared: a client, an async client, a visit of theirs, or their store, of which each caller makes one."""

    def __init__(self, thing: str, store: Any, url: str) -> None:
        self.options: Any = {"base_url": url, "store": store, "deadline": 120}
        self.client, self.twin = EngagementClient("demo", **self.options), AsyncEngagementClient("demo", **self.options)
        things: dict[str, Any] = {"EngagementClient": self.client, "AsyncEngagementClient": self.twin}
        things |= {"Visit": self.client.visit("shopper"), "AsyncVisit": self.twin.visit("shopper")}
        self.thing: Any = things.get(thing, store)
        self.is_async = thing.startswith("Async")

    def close(self) -> None:
        """Close the clients."""
        self.client.close()
        asyncio.run(self.twin.close())

    def call(self, client: Any, key: str) -> Any:
        """Call once: this gives a session, or a coroutine."""
        visit = self.thing if isinstance(self.thing, Visit | AsyncVisit) else client.visit(key)
        return visit.create_session(BODY)

    def ask(self, key: str = "shopper") -> str:
        """Ask through it as a thread."""
        if self.is_async:
            return asyncio.run(self.ask_as_task(key))
        if not isinstance(self.thing, EngagementClient | Visit):
            with EngagementClient("demo", **self.options) as client:
                return str(self.call(client, key).visitor_id)
        return str(self.call(self.client, key).visitor_id)

    async def ask_as_task(self, key: str = "shopper") -> str:
        """Ask through it as a task."""
        if self.is_async:
            return str((await self.call(self.twin, key)).visitor_id)
        if isinstance(self.thing, EngagementClient | Visit):
            return await asyncio.to_thread(self.ask, key)
        async with AsyncEngagementClient("demo", **self.options) as client:
            return str((await self.call(client, key)).visitor_id)

    async def ask_as_tasks(self) -> list[str]:
        """Ask by several tasks of one loop."""
        return await asyncio.gather(*(self.ask_as_task() for _ in range(8)))


@pytest.fixture
def shared(thing: str, store: Any, sandbox: Sandbox) -> Iterator[Shared]:
    """Share a thing; callers come while the first one waits for its answer."""
    sandbox.slow(0.1)
    shared = Shared(thing, store, sandbox.url)
    yield shared
    shared.close()
    gc.collect()  # connections of a closed event loop: their warnings belong to this test


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("thing", "way"), [(thing, way) for thing in THINGS for way in WAYS])
def test_a_cell_of_the_table(thing: str, way: str, shared: Shared, sandbox: Sandbox, place: str) -> None:
    """The document says what is found when it is tried."""
    said, row = THINGS[thing][WAYS.index(way)], re.search(rf"^\| `{thing}` \|(.*)\|$", DOC, re.MULTILINE)
    assert row
    assert row[1].split("|")[WAYS.index(way)].strip().startswith(said)
    ids: list[str] = []
    if way == "threads":
        with running_loop() as loop:
            in_loop = partial(asyncio.run_coroutine_threadsafe, loop=loop)
            ids = in_threads(*[shared.ask] * 8, *[lambda: in_loop(shared.ask_as_task()).result()] * 4)
    elif way == "tasks of one loop":
        ids = asyncio.run(shared.ask_as_tasks())
    elif way == "several loops" and shared.is_async:  # one after the other, and by turns
        with asyncio.Runner() as one, asyncio.Runner() as two:
            ids = [runner.run(shared.ask_as_task()) for runner in (one, two, one, two)] + [shared.ask(), shared.ask()]
    elif way == "several loops":
        ids = [each for found in in_threads(*[lambda: asyncio.run(shared.ask_as_tasks())] * 3) for each in found]
    elif way == "after a fork":
        ids = [shared.ask()]  # leaves an open connection, and is remembered
        others = [in_child(lambda: [shared.ask() for _ in range(10)]) for _ in range(2)]
        ids += [*(shared.ask() for _ in range(10)), *others[0](), *others[1]()]
    elif said == "yes":
        ids = in_processes(3, thing, place, sandbox.url)
    else:
        with pytest.raises(TypeError):
            pickle.dumps(shared.thing)
    assert {*ids} == {visitor.visitor_id for visitor in sandbox.visitors}
    assert len({*ids}) == (said != "no")


def test_the_table_has_these_columns() -> None:
    """In this order."""
    assert f"| | {' | '.join(WAYS)} |" in DOC


# What the prose claims


class Counting(httpx.HTTPTransport):
    """Counts what it sends."""

    sent = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Count, and send."""
        self.sent += 1
        return super().handle_request(request)


def test_a_transport_of_the_callers_own_is_kept_in_a_child(sandbox: Sandbox) -> None:
    """It cannot be made anew: such a client is to be made after the fork."""
    with Counting() as transport, EngagementClient("demo", base_url=sandbox.url, transport=transport) as client:
        ask = client.visit("shopper").create_session
        assert in_child(lambda: (ask(BODY).visitor_id, transport.sent)[1])() == 1


def test_the_numbers_of_the_lease_are_those_of_the_code() -> None:
    """30 seconds and three times the timeout."""
    prose = " ".join(DOC.split())
    assert f"That is {LEASE:g} seconds and" in prose
    assert {1: "once", 2: "twice", 3: "three times"}[PHASES] + " the timeout" in prose


# The examples


@contextlib.contextmanager
def serving(folder: Path, sandbox: Sandbox, *commands: list[str]) -> Generator[list[httpx.Client]]:
    """Run commands, each with a port of its own in place of PORT, until they answer; return clients of them."""
    visits = str(folder / "visits.db")
    settings = {"ACCOUNT_ID": "demo", "BASE_URL": sandbox.url, "STORE": f"sqlite:{visits}", "SQLITE": visits}
    environment = {**os.environ, **{f"LIVEPERSON_{name}": value for name, value in settings.items()}}
    with contextlib.ExitStack() as stack:
        clients: list[httpx.Client] = []
        log = stack.enter_context((folder / "log").open("w"))
        for command in commands:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            filled = [sys.executable, *(part.replace("PORT", str(port)) for part in command)]
            server = subprocess.Popen(filled, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(server.wait, 60)
            stack.callback(server.terminate)
            clients.append(stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120)))
        for client in clients:
            wait_until(lambda client=client: is_served(client), 120)  # type: ignore[misc]
        yield clients


def is_served(client: httpx.Client) -> bool:
    """Return whether a server answers anything."""
    with contextlib.suppress(httpx.TransportError):
        client.get("/")
        return True
    return False


UVICORN = ["-m", "uvicorn", "--app-dir", "examples", "fastapi_app:app", "--port", "PORT"]

EXAMPLES = {  # one of several workers may take every connection of a port: so a second port
    "fastapi": [[*UVICORN, "--workers", "2"], UVICORN],
    "django": [["examples/django_app.py", "runserver", "--noreload", "PORT"]] * 2,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """Two processes at least: many requests for one shopper make one visitor; no error reaches the page."""
    with serving(tmp_path, sandbox, *EXAMPLES[name]) as clients:
        shoppers, client = itertools.count(), clients[-1]

        def are_one_visitor() -> bool:
            shopper = next(shoppers)
            sandbox.reset()
            sandbox.slow(0.2)
            answers = in_threads(*[partial(each.get, f"/engagement/{shopper}") for each in clients * 6])
            assert {answer.status_code for answer in answers} == {200}, (tmp_path / "log").read_text()
            shown = all(answer.json()["show"] for answer in answers)  # in the 1.5 seconds that the examples give them
            assert not shown or (len(sandbox.visitors), len(sandbox.requests)) == (1, 1)
            return shown

        wait_until(are_one_visitor, 300)
        path = f"/engagement/{next(shoppers) - 1}/impressions"
        wait_until(lambda: client.post(f"{path}/impDisplay").status_code == 204)
        assert client.post("/engagement/stranger/impressions/impDisplay").status_code == 422

        hidden = {"show": False, "engagementId": None}
        sandbox.not_available()
        assert client.get("/engagement/s3").json() == hidden
        sandbox.available()
        sandbox.fail_next(503)
        sandbox.drop_connection()
        assert [client.get(f"/engagement/s{number}").json() for number in (4, 5)] == [hidden] * 2
        sandbox.fail_next(503)
        assert client.post(f"{path}/impAccept").status_code == 503
        wait_until(lambda: client.get("/engagement/s4").json()["show"])
