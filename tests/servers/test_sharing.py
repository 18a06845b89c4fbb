"""What docs/sharing.md says is true: each cell of its table, and its claims."""

import asyncio
import gc
import multiprocessing
import os
import pickle
import re
import runpy
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT
from conftest import BODY
from liveperson_engagement import (
    AsyncEngagementClient,
    AsyncVisit,
    EngagementClient,
    MemoryStore,
    RedisStore,
    RetryPolicy,
    SQLiteStore,
    Visit,
    _deadline,
)
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores.conformance import StoreConformance, running_loop
from stored import KEY, execute, record
from waiting import until

FORK = multiprocessing.get_context("fork")

DOC = (ROOT / "docs" / "sharing.md").read_text()
HEADS, _, *ROWS = [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in re.findall(r"^\|.*", DOC, re.M)][:9]
CELLS = [(row[0], way, said) for row in ROWS for way, said in zip(HEADS[1:], row[1:], strict=True)]
STORES: dict[str, Any] = {"SQLiteStore": SQLiteStore, "RedisStore": RedisStore}

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


def in_threads(*work: Callable[[], list[str]]) -> list[str]:
    """Run each in a thread, all at once; return what they have found."""
    with ThreadPoolExecutor(len(work)) as pool:
        return [each for call in [pool.submit(each) for each in work] for each in call.result()]


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


class Shared:
    """A client, a visit of it, or a store of which each caller makes a client; and ways to ask for the visitor."""

    def __init__(self, thing: str, store: Any, url: str) -> None:
        self.options: Any = {"base_url": url, "store": store, "deadline": 120}
        self.store, self.is_async, self.is_store = store, thing.startswith("Async"), thing.endswith("Store")
        kind = AsyncEngagementClient if self.is_async else EngagementClient
        self.client: Any = kind("demo", **self.options)
        self.thing = store if self.is_store else self.client
        if thing.endswith("Visit"):
            self.thing = self.client.visit("shopper")

    def call(self, client: Any) -> Any:
        """Call once: this gives a session, or a coroutine."""
        visit = self.thing if isinstance(self.thing, Visit | AsyncVisit) else client.visit("shopper")
        return visit.create_session(BODY)

    def ask(self) -> str:
        """Ask as a thread."""
        if self.is_async:
            return asyncio.run(self.ask_as_task())
        with EngagementClient("demo", **self.options) if self.is_store else nullcontext(self.client) as client:
            return str(self.call(client).visitor_id)

    async def ask_as_task(self) -> str:
        """Ask as a task."""
        if not (self.is_async or self.is_store):
            return await asyncio.to_thread(self.ask)
        made = AsyncEngagementClient("demo", **self.options) if self.is_store else nullcontext(self.client)
        async with made as client:
            return str((await self.call(client)).visitor_id)

    async def ask_as_tasks(self, number: int = 8) -> list[str]:
        """Ask by several tasks of one loop, which closes what it has opened."""
        found = await asyncio.gather(*(self.ask_as_task() for _ in range(number)))
        if isinstance(self.store, RedisStore):
            await self.store.aclose()
        return found

    def close(self) -> None:
        """Close the client."""
        if self.is_async:
            asyncio.run(self.client.close())
        else:
            self.client.close()


@pytest.fixture
def place(thing: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Say where the store that a test is about keeps its visits."""
    return request.getfixturevalue("server").url if thing == "RedisStore" else str(tmp_path / "visits.db")


@pytest.fixture
def shared(thing: str, place: str, sandbox: Sandbox) -> Iterator[Shared]:
    """Share a thing; callers come while the first one waits for its answer."""
    sandbox.slow(0.1)
    with STORES[thing](place) if thing in STORES else nullcontext(MemoryStore()) as store:
        shared = Shared(thing, store, sandbox.url)
        yield shared
        shared.close()
    gc.collect()  # connections of a closed event loop: their warnings belong to this test


def ask_in_process(thing: str, place: str, url: str) -> list[str]:
    """As a process: open the store, say so in it, and ask by threads and tasks at once."""
    with STORES[thing](place) as store:
        shared = Shared(thing, store, url)
        assert store.compare_and_set(f"{os.getpid()} is there", None, record())
        found = in_threads(*[lambda: [shared.ask()]] * 4, lambda: asyncio.run(shared.ask_as_tasks(4)))
        shared.close()
        return found


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("thing", "way", "said"), CELLS)
def test_a_cell_of_the_table(
    thing: str, way: str, said: str, shared: Shared, sandbox: Sandbox, place: str, processes: ProcessPoolExecutor
) -> None:
    """The document says what is found when it is tried."""
    ids: list[str] = []
    if way == "threads":
        with running_loop() as loop:
            as_tasks = partial(asyncio.run_coroutine_threadsafe, loop=loop)
            ids = in_threads(*[lambda: [shared.ask()]] * 8, lambda: as_tasks(shared.ask_as_tasks(4)).result())
    elif way == "tasks of one loop":
        ids = asyncio.run(shared.ask_as_tasks())
    elif way == "several loops" and shared.is_async:  # one after the other, and by turns
        with asyncio.Runner() as one, asyncio.Runner() as two:
            ids = [runner.run(shared.ask_as_task()) for runner in (one, two, one, two)] + [shared.ask(), shared.ask()]
    elif way == "several loops":
        ids = in_threads(*[lambda: asyncio.run(shared.ask_as_tasks())] * 3)
    elif way == "after a fork":
        ids = [shared.ask()]  # leaves an open connection, and is remembered
        others = [in_child(lambda: [shared.ask() for _ in range(10)]) for _ in range(2)]
        ids += [*(shared.ask() for _ in range(10)), *others[0](), *others[1]()]
    elif said.startswith("yes"):
        assert shared.store.acquire(KEY, "all wait for this one", 0, 300)
        asking = [processes.submit(ask_in_process, thing, place, sandbox.url) for _ in range(2)]
        until(lambda: len(shared.store.keys()) == 2 or any(process.done() for process in asking))
        shared.store.release(KEY, "all wait for this one")
        ids = [visitor_id for process in asking for visitor_id in process.result(60)]
    else:
        assert (way, said[:2]) == ("processes", "no")
        with pytest.raises(TypeError):
            pickle.dumps(shared.thing)
    assert {*ids} == {visitor.visitor_id for visitor in sandbox.visitors}
    assert len({*ids}) == (not said.startswith("no"))


def ask_and_hang(thing: str, place: str, url: str) -> None:
    """As a process with short leases: in the pause of one call make another one, whose answer does not come."""
    _deadline.LEASE = 0.2

    def hang(_: float) -> None:
        client.visit("answer").create_session(BODY)

    options: Any = {"store": STORES[thing](place), "sleep": hang, "timeout": None, "retry": RetryPolicy(pauses=(0.6,))}
    client = EngagementClient("demo", base_url=url, **options)
    client.visit("pause").create_session(BODY)


@pytest.mark.parametrize("thing", STORES)
def test_a_process_that_is_killed_frees_its_keys(thing: str, place: str, sandbox: Sandbox) -> None:
    """Once their leases have run out the next one goes on, whether it was in a pause or waited for an answer."""
    sandbox.fail_next(503)
    sandbox.slow(300)
    holder = multiprocessing.get_context("spawn").Process(target=ask_and_hang, args=(thing, place, sandbox.url))
    holder.start()
    try:
        until(lambda: len(sandbox.requests) == 2)
    finally:
        holder.kill()
        holder.join()
    assert thing != "SQLiteStore" or execute(Path(place), "SELECT count(*) FROM turns") == [(2,)]
    with STORES[thing](place) as store, EngagementClient("demo", base_url=sandbox.url, store=store) as client:
        for key in ("pause", "answer"):
            session = client.visit(key).create_session(BODY, deadline=60)
            assert client.visit(key).create_session(BODY).visitor_id == session.visitor_id
    assert len(sandbox.requests) == 6


# What the prose claims


def test_the_numbers_of_the_lease_are_those_of_the_code() -> None:
    """30 seconds and three times the timeout."""
    prose = " ".join(DOC.split())
    assert f"That is {_deadline.LEASE:g} seconds and" in prose
    assert {1: "once", 2: "twice", 3: "three times"}[_deadline.PHASES] + " the timeout" in prose
