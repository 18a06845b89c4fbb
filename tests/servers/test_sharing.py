"""What docs/sharing.md says is true: each cell of its table, its claims, and the examples, which are run for real."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.util
import json
import os
import pickle
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from checkout import ROOT
from conftest import BODY
from liveperson_engagement import (
    AsyncEngagementClient,
    EngagementClient,
    MemoryStore,
    RedisStore,
    SQLiteStore,
    StoreError,
)
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores.conformance import StoreConformance, running_loop
from redis_server import RedisServer

T = TypeVar("T")

DOC = (ROOT / "docs" / "sharing.md").read_text()

pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:.*fork.*:DeprecationWarning"
    ),  # Python 3.12 warns of threads; they are the point
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # of an event loop that was closed before its client
]


def example(name: str) -> Any:
    """Import an example."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestFileStore(StoreConformance):
    """The store of the documentation does what every store has to do."""

    def make_store(self, folder: Path) -> Any:
        """Make one on the folder."""
        return example("custom_store").FileStore(folder / "visits")


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
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # a child that hangs fails the test
        try:
            os.write(writer, json.dumps(work()).encode())
        except BaseException as error:  # noqa: BLE001
            os.write(writer, json.dumps(f"{type(error).__name__}: {error}").encode())
        finally:
            os._exit(0)
    os.close(writer)

    def result() -> Any:
        with open(reader, "rb") as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        return json.loads(text or b'"killed"')

    return result


WORKER = """
import sys
from liveperson_engagement import *
kind, place, url = sys.argv[1:]
with EngagementClient("demo", base_url=url, store=globals()[kind](place)) as client:
    sys.stdin.readline()
    print(client.visit("shopper").create_session({"appType": "EXTERNAL"}).visitor_id)
"""


def in_processes(number: int, kind: str, place: str, url: str) -> list[str]:
    """Let each of some new processes open the store and ask, all at once."""
    command = [sys.executable, "-c", WORKER, kind, place, url]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(number)
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    return [worker.communicate(timeout=20)[0].strip() for worker in workers]


async def gathered(number: int, ask: Callable[[], Any]) -> list[Any]:
    """Run some tasks at once."""
    return list(await asyncio.gather(*(ask() for _ in range(number))))


def until(condition: Callable[[], object]) -> None:
    """Wait, not for long."""
    ends = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


# The cells of the table

TIMES = 25
"""Calls at once in a parent and its child; two suffice to mix up answers on a connection that both have."""


@dataclass
class Place:
    """What a cell is tried with."""

    sandbox: Sandbox
    folder: Path
    redis: str | None = None

    def client(self, store: Any = None) -> EngagementClient:
        """Make a sync client."""
        return EngagementClient("demo", base_url=self.sandbox.url, store=store)

    def async_client(self, store: Any = None) -> AsyncEngagementClient:
        """Make an async client."""
        return AsyncEngagementClient("demo", base_url=self.sandbox.url, store=store)

    def assert_one_visitor(self, ids: list[str]) -> None:
        """Check that all callers were one visitor."""
        assert set(ids) == {visitor.visitor_id for visitor in self.sandbox.visitors}
        assert len(set(ids)) == 1


@pytest.fixture
def place(sandbox: Sandbox, tmp_path: Path) -> Place:
    """Give a sandbox and a folder."""
    sandbox.slow(0.1)  # so that the others come while the first caller waits
    return Place(sandbox, tmp_path)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a Redis server."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


def asking(client: EngagementClient) -> Callable[[], str]:
    """Return what asks for the one visit, each time through a new visit object."""
    return lambda: client.visit("shopper").create_session(BODY, deadline=5).visitor_id


def asking_async(client: AsyncEngagementClient) -> Callable[[], Any]:
    """Return the same for tasks."""

    async def ask() -> str:
        return (await client.visit("shopper").create_session(BODY, deadline=5)).visitor_id

    return ask


def client_threads(place: Place) -> None:
    """Threads use one client."""
    with place.client() as client:
        place.assert_one_visitor(in_threads(*[asking(client)] * 8))


def client_tasks(place: Place) -> None:
    """Tasks use one client in threads; called directly it blocks their loop."""

    async def main(client: EngagementClient) -> tuple[list[str], float]:
        ids = await gathered(8, lambda: asyncio.to_thread(asking(client)))
        place.sandbox.slow(0.2)
        started = time.monotonic()
        ticked = asyncio.ensure_future(asyncio.sleep(0, time.monotonic))
        asking(client)()
        return ids, (await ticked)() - started

    with place.client() as client:
        ids, blocked = asyncio.run(main(client))
        place.assert_one_visitor(ids)
        assert blocked >= 0.2


def client_loops(place: Place) -> None:
    """Tasks of several loops do the same."""
    with place.client() as client:
        ask = asking(client)
        ids = in_threads(*[lambda: asyncio.run(gathered(3, lambda: asyncio.to_thread(ask)))] * 3)
        place.assert_one_visitor([each for some in ids for each in some])


def client_processes(place: Place) -> None:
    """Clients and visits cannot be handed to another process."""
    with place.client() as client:
        for thing in (client, client.visit("shopper")):
            with pytest.raises(TypeError):
                pickle.dumps(thing)
        asking(client)()
        assert pickle.loads(pickle.dumps(client.visit("shopper").ids)) == client.visit("shopper").ids  # noqa: S301


def client_fork(place: Place) -> None:
    """Parent and child get their own answers, many at a time, and each may close the client."""

    def loop(key: str) -> list[str]:
        visits = [client.visit(key) for _ in range(TIMES)]
        return [visit.create_session(BODY, deadline=5).visitor_id for visit in visits]

    with place.client() as client:
        asking(client)()  # leaves an open connection
        others = [in_child(lambda key=key: loop(key)) for key in ("one", "two")]  # type: ignore[misc]
        mine, one, two = loop("mine"), *(other() for other in others)
        in_child(client.close)()
        loop("mine")
    for ids in (mine, one, two):
        assert len(ids) == TIMES, ids
        assert len(set(ids)) == 1, "another visitor's answer"
    assert len({mine[0], one[0], two[0]}) == 3
    assert len(place.sandbox.visitors) == 4


def async_client_threads(place: Place) -> None:
    """Threads hand coroutines to the client's loop, or run a loop of their own meanwhile."""
    client = place.async_client()
    ask = asking_async(client)
    with running_loop() as loop:
        ids = in_threads(*[lambda: asyncio.run_coroutine_threadsafe(ask(), loop).result()] * 8)
        ids += in_threads(*[lambda: asyncio.run(ask())] * 4)
        ids.append(asyncio.run_coroutine_threadsafe(ask(), loop).result())
        place.assert_one_visitor(ids)
        asyncio.run_coroutine_threadsafe(client.close(), loop).result()


def async_client_tasks(place: Place) -> None:
    """Tasks of one loop use one client."""

    async def main() -> list[str]:
        async with place.async_client() as client:
            return await gathered(20, asking_async(client))

    place.assert_one_visitor(asyncio.run(main()))


def async_client_loops(place: Place) -> None:
    """Loops use one client one after the other, or by turns."""
    client = place.async_client()
    ask = asking_async(client)
    ids = [asyncio.run(ask()) for _ in range(3)]
    with asyncio.Runner() as first, asyncio.Runner() as second:
        ids += [runner.run(ask()) for runner in (first, second, first, second)]
    place.assert_one_visitor(ids)
    asyncio.run(client.close())
    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(ask())


def async_client_processes(place: Place) -> None:
    """Async clients and visits cannot be handed to another process."""
    client = place.async_client()
    for thing in (client, client.visit("shopper")):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
    asyncio.run(client.close())


def async_client_fork(place: Place) -> None:
    """Parent and child, each in a loop of its own, get their own answers."""

    async def loop(key: str) -> list[str]:
        return [(await client.visit(key).create_session(BODY, deadline=5)).visitor_id for _ in range(TIMES)]

    client = place.async_client()
    with asyncio.Runner() as runner:
        runner.run(asking_async(client)())
        other = in_child(lambda: asyncio.run(loop("other")))
        mine, others = runner.run(loop("mine")), other()
        runner.run(client.close())
    for ids in (mine, others):
        assert len(ids) == TIMES, ids
        assert len(set(ids)) == 1, "another visitor's answer"
    assert len(place.sandbox.visitors) == 3


def visit_threads(place: Place) -> None:
    """Threads use one visit, with a key and without."""
    with place.client() as client:
        for key in ("shopper", None):
            place.sandbox.reset()
            place.sandbox.slow(0.1)
            visit = client.visit(key)
            place.assert_one_visitor(in_threads(*[lambda: visit.create_session(BODY).visitor_id] * 8))  # noqa: B023
            in_threads(*[lambda: visit.report_impressions("impDisplay")] * 4)  # noqa: B023


def visit_fork(place: Place) -> None:
    """What is remembered at the fork goes with the child."""
    with place.client() as client:
        visit = client.visit()
        mine = visit.create_session(BODY).visitor_id
        place.assert_one_visitor([mine, in_child(lambda: visit.create_session(BODY, deadline=5).visitor_id)()])


def async_visit_tasks(place: Place) -> None:
    """Tasks use one visit, with a key and without."""

    async def main(key: str | None) -> list[str]:
        async with place.async_client() as client:
            visit = client.visit(key)
            sessions = await gathered(8, lambda: visit.create_session(BODY))
            return [session.visitor_id for session in sessions]

    for key in ("shopper", None):
        place.sandbox.reset()
        place.sandbox.slow(0.1)
        place.assert_one_visitor(asyncio.run(main(key)))


def store_threads(place: Place, store: Any) -> None:
    """Threads, each with a client of its own, use one store."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(place.client(store)) for _ in range(6)]
        place.assert_one_visitor(in_threads(*map(asking, clients)))


def store_tasks(place: Place, store: Any) -> None:
    """Tasks, each with a client of its own, use one store."""

    async def main() -> list[str]:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(closed, store)
            clients = [await stack.enter_async_context(place.async_client(store)) for _ in range(6)]
            return list(await asyncio.gather(*(asking_async(client)() for client in clients)))

    place.assert_one_visitor(asyncio.run(main()))


def store_loops(place: Place, store: Any) -> None:
    """Loops and threads use one store at once, and loops that come later."""

    async def main() -> str:
        async with place.async_client(store) as client:
            visitor_id: str = await asking_async(client)()
        await closed(store)
        return visitor_id

    with place.client(store) as client:
        ids = in_threads(*[lambda: asyncio.run(main())] * 3, asking(client))
        place.assert_one_visitor([*ids, asyncio.run(main())])


def store_fork(place: Place, store: Any) -> None:
    """Parent and children go on with one store and client, also if the parent held the key when it forked."""
    with place.client(store) as client:
        client.visit("another").create_session(BODY)  # leaves open connections
        place.sandbox.reset()
        place.sandbox.slow(0.3)
        with ThreadPoolExecutor(1) as pool:
            mine = pool.submit(asking(client))
            until(lambda: place.sandbox.requests)
            others = [in_child(asking(client)) for _ in range(2)]
            place.assert_one_visitor([mine.result(), *(other() for other in others)])


async def closed(store: Any) -> None:
    """Close what a store has opened in this loop."""
    if hasattr(store, "aclose"):
        await store.aclose()


def memory_processes(_: Place) -> None:
    """It cannot be handed to another process."""
    with pytest.raises(TypeError):
        pickle.dumps(MemoryStore())


def memory_fork(place: Place) -> None:
    """The child has a copy: it knows what was known, learns nothing new, and waits for no thread of its parent."""
    with place.client() as client:
        known = asking(client)()
        place.assert_one_visitor([known, in_child(asking(client))()])
        other = client.visit("other").create_session
        place.sandbox.slow(0.3)
        with ThreadPoolExecutor(1) as pool:
            mine = pool.submit(other, BODY)
            until(lambda: len(place.sandbox.requests) == 3)
            theirs = in_child(lambda: other(BODY, deadline=3).visitor_id)()
            assert theirs in {visitor.visitor_id for visitor in place.sandbox.visitors}
            assert theirs != mine.result().visitor_id


def with_store(kind: str, cell: Callable[[Place, Any], None]) -> Callable[[Place], None]:
    """Try a cell with a store of some kind."""

    def tried(place: Place) -> None:
        if kind == "MemoryStore":
            cell(place, MemoryStore())
        else:
            with (
                SQLiteStore(place.folder / "visits.db") if kind == "SQLiteStore" else RedisStore(redis(place)) as store
            ):
                cell(place, store)

    return tried


def redis(place: Place) -> str:
    """Use a part of the server's keys."""
    assert place.redis is not None
    return place.redis


def sqlite_processes(place: Place) -> None:
    """Each process opens the file."""
    place.assert_one_visitor(in_processes(2, "SQLiteStore", str(place.folder / "visits.db"), place.sandbox.url))


def redis_processes(place: Place) -> None:
    """Each process connects."""
    place.assert_one_visitor(in_processes(2, "RedisStore", redis(place), place.sandbox.url))


WAYS = ("threads", "tasks of one loop", "several loops", "processes", "after a fork")

CELLS: dict[str, list[tuple[str, Callable[[Place], None]]]] = {
    "EngagementClient": [
        ("yes", client_threads),
        ("through `to_thread`", client_tasks),
        ("through `to_thread`", client_loops),
        ("no", client_processes),
        ("yes", client_fork),
    ],
    "AsyncEngagementClient": [
        ("yes", async_client_threads),
        ("yes", async_client_tasks),
        ("yes", async_client_loops),
        ("no", async_client_processes),
        ("yes", async_client_fork),
    ],
    "Visit": [
        ("yes", visit_threads),
        ("through `to_thread`", client_tasks),
        ("through `to_thread`", client_loops),
        ("no", client_processes),
        ("yes", visit_fork),
    ],
    "AsyncVisit": [
        ("yes", async_client_threads),
        ("yes", async_visit_tasks),
        ("yes", async_client_loops),
        ("no", async_client_processes),
        ("yes", async_client_fork),
    ],
    "MemoryStore": [
        *[("yes", with_store("MemoryStore", cell)) for cell in (store_threads, store_tasks, store_loops)],
        ("no", memory_processes),
        ("as a copy", memory_fork),
    ],
    "SQLiteStore": [
        *[("yes", with_store("SQLiteStore", cell)) for cell in (store_threads, store_tasks, store_loops)],
        ("yes", sqlite_processes),
        ("yes", with_store("SQLiteStore", store_fork)),
    ],
    "RedisStore": [
        *[("yes", with_store("RedisStore", cell)) for cell in (store_threads, store_tasks, store_loops)],
        ("yes", redis_processes),
        ("yes", with_store("RedisStore", store_fork)),
    ],
}


@pytest.mark.parametrize(
    ("thing", "way"), [(thing, way) for thing in CELLS for way in WAYS], ids=lambda name: name.replace(" ", "-")
)
def test_a_cell_of_the_table(place: Place, thing: str, way: str, request: pytest.FixtureRequest) -> None:
    """The document says what is found when it is tried."""
    if thing == "RedisStore":
        server: RedisServer = request.getfixturevalue("redis_server")
        server.client.flushall()
        place.redis = server.url
    said, cell = CELLS[thing][WAYS.index(way)]
    row = re.search(rf"^\| `{thing}` \|(.*)\|$", DOC, re.MULTILINE)
    assert row is not None
    assert row[1].split("|")[WAYS.index(way)].strip().startswith(said)
    cell(place)
    gc.collect()  # connections of a closed event loop: their warnings belong to this test


def test_the_table_has_these_columns() -> None:
    """In this order."""
    assert f"| | {' | '.join(WAYS)} |" in DOC


# What the prose claims


def test_a_cancelled_task_frees_the_key_and_may_leave_a_visitor(sandbox: Sandbox, tmp_path: Path) -> None:
    """The request had arrived; nobody read its answer."""

    async def main(store: Any) -> None:
        async with AsyncEngagementClient("demo", base_url=sandbox.url, store=store) as client:
            sandbox.slow(5)
            task = asyncio.create_task(client.visit("shopper").create_session(BODY))
            await asyncio.to_thread(until, lambda: sandbox.requests)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            session = await client.visit("shopper").create_session(BODY, deadline=1)
            assert [visitor.visitor_id for visitor in sandbox.visitors][1:] == [session.visitor_id]

    for store in (MemoryStore(), SQLiteStore(tmp_path / "visits.db")):
        sandbox.reset()
        asyncio.run(main(store))
        if isinstance(store, SQLiteStore):
            store.close()


class Impatient(SQLiteStore):
    """Holds a key for a moment only, whatever is asked for."""

    def _take(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:  # noqa: ARG002
        return super()._take(key, token, 0.6, timeout)

    def _keep(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:  # noqa: ARG002
        return super()._keep(key, token, 0.6, timeout)


def test_a_crash_frees_the_key_when_the_lease_has_run_out(sandbox: Sandbox, tmp_path: Path) -> None:
    """A process that is killed in its call keeps the key for its lease, no longer."""
    sandbox.slow(30)
    with (
        Impatient(tmp_path / "visits.db") as store,
        EngagementClient("demo", base_url=sandbox.url, store=store) as client,
    ):
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            asking(client)()
            os._exit(0)
        until(lambda: sandbox.requests)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert not store.acquire("demo:shopper", "next", 0, 30)
        started = time.monotonic()
        asking(client)()
        assert time.monotonic() - started < 1.5
    assert len(sandbox.visitors) == 2


@pytest.mark.parametrize(("timeout", "deadline"), [(0.4, 30), (30, 0.4)])
def test_a_database_that_hangs_is_waited_for_no_longer_than_either_says(
    sandbox: Sandbox, tmp_path: Path, timeout: float, deadline: float
) -> None:
    """The store's timeout, and the call's deadline."""
    path = tmp_path / "visits.db"
    with (
        SQLiteStore(path, timeout=timeout) as store,
        EngagementClient("demo", base_url=sandbox.url, store=store, deadline=deadline) as client,
        contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        client.visit("shopper").create_session(BODY, deadline=5)
        other.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        with pytest.raises(StoreError):
            client.visit("another").create_session(BODY)
        assert 0.3 < time.monotonic() - started < 15


def test_a_file_is_for_its_owner_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    """Also the two that SQLite puts beside it."""
    with (
        SQLiteStore(tmp_path / "visits.db") as store,
        EngagementClient("demo", base_url=sandbox.url, store=store) as client,
    ):
        asking(client)()
        assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
            f"visits.db{suffix}": 0o600 for suffix in ("", "-wal", "-shm")
        }


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
        assert in_child(lambda: (asking(client)(), transport.sent)[1])() == 1


def test_the_numbers_of_the_lease_are_those_of_the_code() -> None:
    """30 seconds and three times the timeout."""
    from liveperson_engagement._deadline import LEASE, PHASES  # noqa: PLC0415

    prose = " ".join(DOC.split())
    assert f"That is {LEASE:g} seconds and" in prose
    assert {1: "once", 2: "twice", 3: "three times"}[PHASES] + " the timeout" in prose


# The examples


@contextlib.contextmanager
def serving(folder: Path, sandbox: Sandbox, *commands: list[str]) -> Generator[list[httpx.Client]]:
    """Run commands, each with a port of its own in place of PORT, until they answer; return clients of them."""
    settings = {
        **os.environ,
        "LIVEPERSON_ACCOUNT_ID": "demo",
        "LIVEPERSON_BASE_URL": sandbox.url,
        "LIVEPERSON_STORE": f"sqlite:{folder / 'visits.db'}",
        "LIVEPERSON_SQLITE": str(folder / "visits.db"),
    }
    with contextlib.ExitStack() as stack:
        clients: list[httpx.Client] = []
        log = stack.enter_context((folder / "log").open("w"))
        for command in commands:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            filled = [part.replace("PORT", str(port)) for part in command]
            server = subprocess.Popen(
                [sys.executable, *filled], cwd=ROOT, env=settings, stdout=log, stderr=subprocess.STDOUT
            )
            stack.callback(server.wait, 10)
            stack.callback(server.terminate)
            clients.append(stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)))
        for client in clients:
            until_served(client, folder / "log")
        yield clients


def until_served(client: httpx.Client, log: Path) -> None:
    """Wait until a server answers anything."""
    ends = time.monotonic() + 60
    while True:
        try:
            client.get("/")
        except httpx.TransportError:
            assert time.monotonic() < ends, log.read_text()
            time.sleep(0.05)
        else:
            return


UVICORN = ["-m", "uvicorn", "--app-dir", "examples", "fastapi_app:app", "--port", "PORT"]

EXAMPLES = {  # one of several workers may take every connection of a port: so a second port
    "fastapi": [[*UVICORN, "--workers", "2"], UVICORN],
    "django": [["examples/django_app.py", "runserver", "--noreload", "PORT"]] * 2,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """Two processes at least: many requests for one shopper make one visitor; no error reaches the page."""
    with serving(tmp_path, sandbox, *EXAMPLES[name]) as clients:
        sandbox.slow(0.2)
        answers = in_threads(
            *[lambda client=client: client.get("/engagement/s1") for client in clients * (24 // len(clients))]
        )
        assert {answer.status_code for answer in answers} == {200}, (tmp_path / "log").read_text()
        assert {(answer.json()["show"], type(answer.json()["engagementId"])) for answer in answers} == {(True, str)}
        assert len(sandbox.visitors) == 1
        assert len(sandbox.requests) == 1

        client = clients[-1]
        assert client.post("/engagement/s1/impressions/impDisplay").status_code == 204
        assert client.post("/engagement/s1/impressions/impNothing").status_code == 422
        assert client.post("/engagement/s2/impressions/impDisplay").status_code == 422
        assert len(sandbox.requests) == 2

        hidden = {"show": False, "engagementId": None}
        sandbox.not_available()
        assert client.get("/engagement/s3").json() == hidden
        sandbox.available()
        sandbox.fail_next(503)
        sandbox.drop_connection()
        started = time.monotonic()
        assert [client.get(f"/engagement/s{number}").json() for number in (4, 5)] == [hidden] * 2
        assert time.monotonic() - started < 2
        sandbox.fail_next(503)
        assert client.post("/engagement/s1/impressions/impAccept").status_code == 503
        assert client.get("/engagement/s4").json()["show"]
