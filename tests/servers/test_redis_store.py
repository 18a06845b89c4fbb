"""RedisStore against a real server: several processes, crashes, restarts, clocks, passwords and TLS."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from conftest import BODY, Backend
from liveperson_engagement import (
    AsyncEngagementClient,
    EngagementClient,
    InvalidRequest,
    RedisStore,
    StoreError,
    Visit,
    VisitIds,
)
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import UNREADABLE, Record, to_json
from liveperson_engagement.stores.conformance import StoreConformance
from liveperson_engagement.stores.redis import REPLACE
from redis_server import RedisServer

VISIT = "liveperson-engagement:visit:demo:shopper"
RECORD = Record(VisitIds("visitor", "session", "page"))


@pytest.fixture
def raw(server: RedisServer) -> Iterator[Any]:
    """Ask the server itself."""
    with server.client as client:
        yield client


@pytest.fixture
def store(server: RedisServer) -> Iterator[RedisStore]:
    """Make a store."""
    with RedisStore(server.url) as store:
        yield store


@pytest.fixture
def visit(backend: Backend, server: RedisServer, sandbox: Sandbox) -> Visit:
    """Make a visit of either backend that is remembered in Redis."""
    return backend.client(base_url=sandbox.url, store=backend.store(RedisStore(server.url))).visit("shopper")


class TestRedisStore(StoreConformance):
    """What every store has to do."""

    @pytest.fixture(autouse=True)
    def _server(self, server: RedisServer) -> None:
        self.server = server

    def make_store(self, folder: Path) -> RedisStore:
        """Share what is kept below one prefix."""
        return RedisStore(self.server.url, prefix=f"{folder.name}:")

    async def close_store(self, store: RedisStore) -> None:
        """Close both kinds of connections."""
        store.close()
        await store.aclose()


# Several processes

CALLERS = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
from liveperson_engagement import AsyncEngagementClient, EngagementClient, RedisStore

redis_url, base_url = sys.argv[1:]
body = {"appType": "EXTERNAL"}
store = RedisStore(redis_url)
print("ready", flush=True)
sys.stdin.readline()

def as_a_thread(_):
    with EngagementClient("demo", base_url=base_url, store=store) as client:
        return client.visit("shopper").create_session(body).visitor_id

async def as_tasks():
    async with AsyncEngagementClient("demo", base_url=base_url, store=store) as client, store:
        calls = (client.visit("shopper").create_session(body) for _ in range(3))
        return [session.visitor_id for session in await asyncio.gather(*calls)]

with ThreadPoolExecutor(4) as pool:
    tasks = pool.submit(asyncio.run, as_tasks())
    print(*pool.map(as_a_thread, range(3)), *tasks.result())
"""


def test_processes_threads_and_tasks_make_one_visitor(server: RedisServer, sandbox: Sandbox) -> None:
    """The first caller creates while all others wait; what it was offered, another process need not ask for."""
    command = [sys.executable, "-c", CALLERS, server.url, sandbox.url]
    callers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for caller in callers:
        assert caller.stdout
        assert caller.stdout.readline() == "ready\n"
    sandbox.slow(0.05)

    def go(caller: subprocess.Popen[str]) -> list[str]:
        return caller.communicate("go\n", timeout=30)[0].split()

    with ThreadPoolExecutor(4) as pool:
        found = [visitor for each in pool.map(go, callers) for visitor in each]
    assert len(found) == len(sandbox.requests) == 24
    assert set(found) == {visitor.visitor_id for visitor in sandbox.visitors}
    assert [request.operation_id for request in sandbox.requests].count("createSession") == 1
    with RedisStore(server.url) as store, EngagementClient("demo", base_url=sandbox.url, store=store) as client:
        assert client.visit("shopper").engagement(BODY).visitor_id == found[0]
    assert len(sandbox.requests) == 24


HOLDER = """
import sys, time
from liveperson_engagement import RedisStore
assert RedisStore(sys.argv[1]).acquire("demo:shopper", "token", 0, 0.8)
print("held", flush=True)
time.sleep(60)
"""


def test_a_killed_process_frees_its_key_when_the_lease_runs_out(
    visit: Visit, server: RedisServer, sandbox: Sandbox
) -> None:
    """Whoever waits goes on then, and not before."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, server.url], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == b"held\n"
    started = time.monotonic()
    holder.kill()
    holder.wait()
    visit.create_session(BODY, deadline=5)
    assert 0.3 < time.monotonic() - started < 3
    assert len(sandbox.visitors) == 1


FORKS = """
import os, sys
from liveperson_engagement import RedisStore
from liveperson_engagement.stores import Record, VisitIds
store = RedisStore(sys.argv[1])
version = store.compare_and_set("key", None, Record(VisitIds("parent")))
children = []
for _ in range(4):
    child = os.fork()
    if not child:
        good = all(store.load("key").record.ids.visitor_id == "parent" for _ in range(200))
        token = str(os.getpid())
        held = store.acquire("key", token, 10, 10)
        store.release("key", token)
        os._exit(0 if good and held else 1)
    children.append(child)
good = all(store.load("key").version == version for _ in range(200))
sys.exit(not good or any(os.waitpid(child, 0)[1] for child in children))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_forks_do_not_share_connections(server: RedisServer) -> None:
    """Parent and children use the same store at the same time."""
    subprocess.run([sys.executable, "-c", FORKS, server.url], check=True, timeout=20)


ON_FORTY_KEYS = """
import asyncio, sys
from liveperson_engagement import AsyncEngagementClient, RedisStore

async def main():
    redis_url, base_url = sys.argv[1:]
    async with RedisStore(redis_url) as store, AsyncEngagementClient("demo", base_url=base_url, store=store) as client:
        visits = (client.visit(f"shopper {number % 40}") for number in range(200))
        calls = (visit.create_session({"appType": "EXTERNAL"}) for visit in visits)
        found = await asyncio.gather(*calls)
        print(*{f"{number % 40}={session.visitor_id}" for number, session in enumerate(found)})

asyncio.run(main())
"""


def test_many_tasks_of_several_processes_wait_for_connections(server: RedisServer, sandbox: Sandbox) -> None:
    """200 tasks in each of four processes, 40 keys: 40 visitors, and no error for want of a connection."""
    command = [sys.executable, "-c", ON_FORTY_KEYS, server.url, sandbox.url]
    callers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    found = [caller.communicate(timeout=120)[0].split() for caller in callers]
    assert [caller.returncode for caller in callers] == [0, 0, 0, 0]
    assert len({visitor for each in found for visitor in each}) == len(sandbox.visitors) == 40
    assert [len(each) for each in found] == [40, 40, 40, 40]


def test_threads_wait_for_a_connection(server: RedisServer, raw: Any) -> None:
    """They get one in turn, and no more are opened than were allowed."""
    before = len(raw.client_list())
    with RedisStore(server.url, max_connections=2) as store, ThreadPoolExecutor(16) as pool:

        def work(number: int) -> bool:
            return all(store.compare_and_set(f"{number} {each}", None, RECORD) for each in range(20))

        assert all(pool.map(work, range(16)))
        assert len(raw.client_list()) == before + 2


# Fencing


def test_a_holder_whose_lease_ran_out_does_not_overwrite_the_newer_visit(
    server: RedisServer, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Its caller gets an answer, but what is remembered stays."""
    sandbox.slow(0.5)
    newer = Record(VisitIds("someone", "newer", "page"))
    with (
        RedisStore(server.url) as store,
        RedisStore(server.url) as other,
        EngagementClient("demo", base_url=sandbox.url, store=store) as client,
        ThreadPoolExecutor() as pool,
        server.client as raw,
        caplog.at_level(logging.INFO),
    ):
        slow = pool.submit(client.visit("shopper").create_session, BODY)
        while not sandbox.requests:
            time.sleep(0.01)
        raw.delete("liveperson-engagement:lock:demo:shopper")  # as if its time had run out
        assert other.acquire("demo:shopper", "other", 0, 30)
        assert other.compare_and_set("demo:shopper", None, newer)
        assert slow.result().visitor_id == sandbox.visitors[0].visitor_id
        assert client.visit("shopper").ids == newer.ids
        assert not store.acquire("demo:shopper", "one", 0, 30)
    assert "a newer visit is remembered" in caplog.text


def test_sync_and_async_callers_of_a_store_exclude_each_other(server: RedisServer, store: RedisStore) -> None:
    """In both orders, and for another store's callers as well."""
    with RedisStore(server.url) as other:

        async def main() -> None:
            async with store, other:
                for one in (store, other):
                    assert await store.aacquire("key", "task", 0, 30)
                    assert not one.acquire("key", "thread", 0, 30)
                    await store.arelease("key", "task")
                    assert one.acquire("key", "thread", 0, 30)
                    assert not await store.aacquire("key", "task", 0.05, 30)
                    assert not await store.aextend("key", "another's", 30)
                    one.release("key", "thread")

        asyncio.run(main())


def test_event_loops_in_several_threads_share_a_store(server: RedisServer, sandbox: Sandbox) -> None:
    """Each loop has connections of its own."""
    sandbox.slow(0.1)
    store = RedisStore(server.url)

    async def tasks() -> set[str]:
        async with AsyncEngagementClient("demo", base_url=sandbox.url, store=store) as client, store:
            sessions = await asyncio.gather(*(client.visit("shopper").create_session(BODY) for _ in range(4)))
            return {session.visitor_id for session in sessions}

    with ThreadPoolExecutor() as pool:
        loops = [pool.submit(asyncio.run, tasks()) for _ in range(2)]
        assert {found for loop in loops for found in loop.result()} == {sandbox.visitors[0].visitor_id}
    assert len(sandbox.visitors) == 1
    assert not vars(store)["_of_loops"]


@pytest.mark.filterwarnings("ignore:unclosed", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_event_loops_that_have_ended_leave_no_connections_behind(server: RedisServer, raw: Any) -> None:
    """Even if nobody closed the store in them."""
    store = RedisStore(server.url)
    before = raw.info("clients")["connected_clients"]
    for _ in range(5):
        asyncio.run(store.aload("key"))

    async def last() -> None:
        async with store:
            await store.aload("key")

    asyncio.run(last())
    gc.collect()
    assert raw.info("clients")["connected_clients"] <= before
    assert not vars(store)["_of_loops"]


# Outages


def test_without_redis_nothing_is_sent_and_after_a_restart_all_works(
    backend: Backend, sandbox: Sandbox, tmp_path: Path
) -> None:
    """StoreError comes before the request; records that Redis kept are reused."""
    with RedisServer(tmp_path, keeps=True) as server:
        visit = backend.client(base_url=sandbox.url, store=backend.store(RedisStore(server.url))).visit("shopper")
        first = visit.create_session(BODY)
        server.client.config_set("appendfsync", "always")
        server.kill()
        sent = sandbox.requests
        for method in (visit.create_session, visit.engagement):
            with pytest.raises(StoreError) as raised:
                method(BODY)
            assert isinstance(raised.value.__cause__, redis.ConnectionError)
        assert sandbox.requests == sent
        server.start()
        assert visit.create_session(BODY).session_id == first.session_id
        assert len(sandbox.visitors) == 1


def test_a_caller_may_go_on_without_redis(
    backend: Backend, sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each call makes its own visitor then, and a warning is logged; after the restart the visit is shared again."""
    with RedisServer(tmp_path) as server:
        store = backend.store(RedisStore(server.url))
        visit = backend.client(base_url=sandbox.url, store=store, on_store_error="continue").visit("shopper")
        visit.create_session(BODY)
        server.kill()
        assert visit.create_session(BODY).visitor_id != visit.create_session(BODY).visitor_id
        assert {record.levelname for record in caplog.records if "session store" in record.message} == {"WARNING"}
        assert "session store: load failed (ConnectionError); going on without it" in caplog.text
        server.start()
        caplog.clear()
        again = visit.create_session(BODY)
        assert visit.create_session(BODY).visitor_id == again.visitor_id
        assert not caplog.records
    assert len(sandbox.visitors) == 4


def test_a_server_that_does_not_answer_is_a_store_error_in_time(
    backend: Backend, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A timeout is not taken for a key that somebody else holds."""
    with RedisServer(tmp_path) as server:
        client = backend.client(base_url=sandbox.url, store=backend.store(RedisStore(server.url, timeout=0.2)))
        client.visit("shopper").create_session(BODY)
        sent = sandbox.requests
        with server.client as raw:
            raw.client_pause(60_000)
        started = time.monotonic()
        with pytest.raises(StoreError) as raised:
            client.visit("other").create_session(BODY)
        assert isinstance(raised.value.__cause__, redis.TimeoutError)
        assert time.monotonic() - started < 1
        assert sandbox.requests == sent


def forget_scripts(raw: Any) -> None:
    """Forget the scripts only."""
    raw.script_flush()


def forget_all(raw: Any) -> None:
    """Forget scripts, records and locks."""
    raw.script_flush()
    raw.flushall()


@pytest.mark.parametrize(("forget", "visitors"), [(forget_scripts, 1), (forget_all, 2)])
def test_scripts_that_redis_has_forgotten_are_sent_again(
    backend: Backend, server: RedisServer, sandbox: Sandbox, raw: Any, forget: Callable[[Any], None], visitors: int
) -> None:
    """As after a restart or a failover; a visit that is gone starts again."""
    visit = backend.client(base_url=sandbox.url, store=backend.store(RedisStore(server.url))).visit("shopper")
    visit.create_session(BODY)
    forget(raw)
    visit.create_session(BODY)
    visit.create_session(BODY)
    assert len(sandbox.visitors) == visitors


def test_a_full_server_is_a_store_error_until_there_is_room(backend: Backend, sandbox: Sandbox, tmp_path: Path) -> None:
    """Nobody can hold a key then, so that no visitor is made that could not be saved."""
    with RedisServer(tmp_path, maxmemory_policy="noeviction") as server, server.client as raw:
        client = backend.client(base_url=sandbox.url, store=backend.store(RedisStore(server.url)))
        raw.config_set("maxmemory", "1mb")
        with suppress(redis.OutOfMemoryError):
            for number in range(10_000):
                raw.set(f"other {number}", "x" * 10_000)
        for _ in range(2):
            with pytest.raises(StoreError, match=r"acquire failed \(OutOfMemoryError\)"):
                client.visit("shopper").create_session(BODY)
        assert sandbox.requests == ()
        raw.config_set("maxmemory", "100mb")
        assert client.visit("shopper").create_session(BODY).visitor_id
        assert len(sandbox.visitors) == 1


@pytest.mark.parametrize("answer", [b":number\r\n", b"$long\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_server_that_is_not_redis_is_a_store_error(backend: Backend, sandbox: Sandbox, answer: bytes) -> None:
    """Whatever redis-py makes of what it says."""

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection, suppress(OSError):
                    connection.recv(10_000)
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(serve, server)
        store = backend.store(RedisStore(f"redis://127.0.0.1:{server.getsockname()[1]}"))
        with pytest.raises(StoreError, match="failed"):
            backend.client(base_url=sandbox.url, store=store).visit("shopper").create_session(BODY)
        server.shutdown(socket.SHUT_RDWR)
    assert sandbox.requests == ()


def test_a_cancellation_stays_one_when_redis_is_gone(tmp_path: Path) -> None:
    """A waiter that is cancelled tries to give back what it may have got, and that may fail."""

    async def main() -> None:
        with RedisServer(tmp_path) as server:
            async with RedisStore(server.url) as store, RedisStore(server.url) as other:
                assert await store.aacquire("key", "holder", 0, 30)
                waiter = asyncio.create_task(other.aacquire("key", "waiter", None, 30))
                await asyncio.sleep(0.1)
                server.kill()
                waiter.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiter

    asyncio.run(main())


# Passwords and TLS


def test_a_password_opens_and_is_never_shown(
    backend: Backend, sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by the store, nor by an error, nor in a log."""
    with RedisServer(tmp_path, password="s3cret/word") as server, caplog.at_level(logging.DEBUG):  # noqa: S106
        good = backend.store(RedisStore(server.url))
        assert backend.client(base_url=sandbox.url, store=good).visit("shopper").create_session(BODY).visitor_id
        shown = [repr(good)]
        for url in (server.address, server.url.replace("s3", "wrong-s3"), server.url.replace("//:", "//someone:")):
            bad = backend.store(RedisStore(url))
            with pytest.raises(StoreError) as raised:
                backend.client(base_url=sandbox.url, store=bad).visit("shopper").create_session(BODY)
            assert isinstance(raised.value.__cause__, redis.AuthenticationError)
            shown += [repr(bad), repr(raised.value), str(raised.value), repr(raised.value.__cause__)]
        assert shown[0] == f"<RedisStore 127.0.0.1:{server.port}/0 liveperson-engagement:>"
        assert "cret" not in " ".join([*shown, caplog.text])


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://:s3cret@localhost",
        "redis://:s3/cret@localhost",
        "redis://:12/cret@localhost",
        "redis://:12#cret@localhost",
        "redis://:12?cret@localhost",
        "redis://:[cret@localhost",
        "redis://:s3cret@a..b",
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_without_its_password(url: str) -> None:
    """A special character in a password would otherwise end up in the host, the port or the path."""
    with pytest.raises(InvalidRequest) as raised:
        RedisStore(url)
    assert raised.value.path == "url"
    assert "cret" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize("option", ["time_to_live", "timeout"])
def test_seconds_have_to_be_some(option: str) -> None:
    """Zero would mean something else to Redis."""
    with pytest.raises(InvalidRequest) as raised:
        RedisStore(**{option: 0})  # type: ignore[arg-type]
    assert raised.value.path == option


@pytest.mark.parametrize(
    "query",
    [
        *("decode_responses=True", "decode_responses=yes&encoding=latin-1", "protocol=3", "protocol=2"),
        *("protocol=3&decode_responses=True", "socket_timeout=3", "max_connections=1", "client_name=shop"),
        *("health_check_interval=1", "timeout=3"),
    ],
)
def test_a_url_may_have_settings(backend: Backend, server: RedisServer, sandbox: Sandbox, query: str) -> None:
    """What redis-py reads in a URL; answers are read as bytes whatever they say."""
    store = backend.store(RedisStore(f"{server.url}?{query}"))
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    assert visit.create_session(BODY).visitor_id == visit.create_session(BODY).visitor_id
    assert visit.engagement(BODY)
    assert len(sandbox.visitors) == 1
    if backend.name == "sync":
        assert store.keys() == ["demo:shopper"]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("encoding=klingon", "must be like"),
        ("socket_timeuot=3", "redis-py has no setting socket_timeuot"),
        ("db=0&db=1&sockettimeout=3", "redis-py has no setting sockettimeout"),
        *((query, "must be like") for query in ("db=first", "protocol=4", "protocol=new", "socket_timeout=long")),
        *(
            (query, "must be like")
            for query in ("queue_class=x", "connection_class=x", "retry=3", "max_connections=-1")
        ),
    ],
)
def test_a_setting_that_redis_py_does_not_know_is_refused(query: str, shown: str) -> None:
    """At once, by its name, and without the password."""
    with pytest.raises(InvalidRequest) as raised:
        RedisStore(f"redis://someone:s3cret@localhost/0?{query}")
    assert raised.value.path == "url"
    assert raised.value.reason.startswith(shown)
    assert "cret" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize("url", [None, 5, b"redis://localhost", Path("visits"), ["redis://localhost"]])
def test_a_url_is_text(url: Any) -> None:
    """Anything else is refused at once."""
    with pytest.raises(InvalidRequest) as raised:
        RedisStore(url)
    assert raised.value.path == "url"


def test_connections_can_be_encrypted(backend: Backend, sandbox: Sandbox, tmp_path: Path) -> None:
    """Rediss checks the server's certificate."""
    with RedisServer(tmp_path, tls=True) as server:
        visit = backend.client(base_url=sandbox.url, store=backend.store(RedisStore(server.url))).visit("shopper")
        assert visit.create_session(BODY).visitor_id == visit.create_session(BODY).visitor_id
        unknown = backend.store(RedisStore(server.url.partition("?")[0]))
        with pytest.raises(StoreError):
            backend.client(base_url=sandbox.url, store=unknown).visit("shopper").create_session(BODY)


# What is kept


def test_a_visit_is_forgotten_when_its_time_to_live_is_over(
    backend: Backend, visit: Visit, server: RedisServer, sandbox: Sandbox, raw: Any
) -> None:
    """It counts from the last save; without it a visit stays."""
    backend.client(base_url=sandbox.url, store=backend.store(RedisStore(server.url))).visit("shopper").create_session(
        BODY
    )
    assert raw.pttl(VISIT) == -1
    visit = backend.client(base_url=sandbox.url, store=backend.store(RedisStore(server.url, time_to_live=0.4))).visit(
        "shopper"
    )
    visit.create_session(BODY)
    assert 0 < raw.pttl(VISIT) <= 400
    time.sleep(0.3)
    visit.create_session(BODY)
    time.sleep(0.2)
    assert len(sandbox.visitors) == 1
    time.sleep(0.3)
    visit.create_session(BODY)
    assert len(sandbox.visitors) == 2


def test_stores_with_other_prefixes_know_nothing_of_each_other(server: RedisServer, raw: Any) -> None:
    """Neither records nor turns; and nothing is kept outside of the prefix, nor after it was given back."""
    with RedisStore(server.url, prefix="a:") as one, RedisStore(server.url, prefix="b:") as other:
        assert one.acquire("key", "token", 0, 30)
        version = one.compare_and_set("key", None, RECORD)
        assert other.load("key") is None
        assert other.acquire("key", "token", 0, 30)
        assert set(raw.keys()) == {b"a:lock:key", b"a:visit:key", b"b:lock:key"}
        one.release("key", "token")
        one.compare_and_set("key", version, None)
        assert raw.keys() == [b"b:lock:key"]


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b" ", b"hello", b"hello\nworld", b"\x00\xff \x00", b"v 1 2 {}", b"v 1 x {}", b'v 1 2 {"v":1}', b"v 1 2"),
        *(
            b"x" * 1_000_000,
            b"v " + b"9" * 4000 + b" 2 {}",
            b"v 1 -" + b"9" * 4000 + b" {}",
            b"v 1 2 " + b"[" * 100_000,
        ),
        *(b"v " + b"9" * 4000 + b" 2 " + to_json(RECORD).encode(), b"v 1 2 null", b"v 1 2 \xff", b"v 1 2 {} {}"),
        *(b'v 1 2 {"v":null}', b'v 1 2 {"v":[]}', b'v 1 2 {"v":1,"visitorId":5}', b"v nan 2 {}", b"v 1 inf {}"),
    ],
)
def test_a_corrupt_record_is_replaced(
    visit: Visit,
    raw: Any,
    text: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The visit starts again, and a warning is logged."""
    raw.set(VISIT, text)
    assert visit.create_session(BODY).visitor_id == visit.create_session(BODY).visitor_id
    assert [record.message for record in caplog.records] == [UNREADABLE]


LONG = "x" * (8 * 1024 * 1024 + 1)
FOREIGN: dict[str, tuple[Any, ...]] = {
    "list": ("RPUSH", "a", "b"),
    "hash": ("HSET", "field", "value"),
    "set": ("SADD", "a", "b"),
    "sorted set": ("ZADD", 1, "a"),
    "stream": ("XADD", "*", "field", "value"),
    "too long": ("SET", LONG),
    "bits": ("SETBIT", 7, 1),
}
"""What somebody else may have written under a name of ours: a command, without the name that follows its first word."""


def write(raw: Any, name: str, foreign: str) -> None:
    """Write it."""
    command, *arguments = FOREIGN[foreign]
    raw.execute_command(command, name, *arguments)


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_value_of_another_kind_is_replaced(
    visit: Visit, raw: Any, sandbox: Sandbox, foreign: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It counts as nothing: one warning, and the visit starts again."""
    visit.create_session(BODY)
    raw.delete(VISIT)
    write(raw, VISIT, foreign)
    again = visit.create_session(BODY)
    assert visit.create_session(BODY).visitor_id == again.visitor_id
    assert [record.message for record in caplog.records] == [UNREADABLE]
    assert len(sandbox.visitors) == 2


@pytest.mark.parametrize("foreign", [each for each in FOREIGN if each != "bits"])
def test_a_value_of_another_kind_does_not_keep_from_saving(store: RedisStore, raw: Any, foreign: str) -> None:
    """Nor from forgetting what is not there; a version that is gone is still gone."""
    name = "liveperson-engagement:visit:key"
    write(raw, name, foreign)
    assert store.compare_and_set("key", b"version", RECORD) is None
    assert store.compare_and_set("key", b"version", None) is None
    assert store.compare_and_set("key", None, None)
    assert raw.exists(name) == 0
    write(raw, name, foreign)
    assert store.compare_and_set("key", None, RECORD)
    found = store.load("key")
    assert found
    assert found.record == RECORD


@pytest.mark.parametrize("foreign", [*FOREIGN, "without expiry", "for two days", "for ever, almost"])
def test_a_lock_of_another_kind_is_taken(
    visit: Visit, raw: Any, sandbox: Sandbox, foreign: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It counts as nobody's: one warning, and no wait."""
    lock = "liveperson-engagement:lock:demo:shopper"
    expiry = {"for two days": 2 * 24 * 3600, "for ever, almost": 10**12}
    if foreign in FOREIGN:
        write(raw, lock, foreign)
    else:
        raw.set(lock, "someone", ex=expiry.get(foreign))
    visit.create_session(BODY, deadline=20)
    assert raw.exists(lock) == 0
    visit.create_session(BODY)
    assert [record.message for record in caplog.records] == [UNREADABLE]
    assert len(sandbox.visitors) == 1


@pytest.mark.parametrize("foreign", [each for each in FOREIGN if each != "bits"])
def test_a_lock_that_was_overwritten_is_lost(store: RedisStore, raw: Any, foreign: str) -> None:
    """Its holder learns it; giving it back does nothing, and raises nothing."""
    lock = "liveperson-engagement:lock:key"
    assert store.acquire("key", "token", 0, 30)
    raw.delete(lock)
    write(raw, lock, foreign)
    assert not store.extend("key", "token", 30)
    store.release("key", "token")
    assert raw.exists(lock) == 1


def test_a_lock_lasts_a_day_at_most(store: RedisStore, server: RedisServer, raw: Any) -> None:
    """A longer lease is cut; else another caller would take it for nobody's."""
    lock = "liveperson-engagement:lock:key"
    with RedisStore(server.url) as other:
        assert store.acquire("key", "token", 0, 10**9)
        assert 0 < raw.pttl(lock) <= 24 * 3600 * 1000
        assert not other.acquire("key", "other", 0, 30)
        assert store.extend("key", "token", 10**9)
        assert 0 < raw.pttl(lock) <= 24 * 3600 * 1000
        assert not other.acquire("key", "other", 0, 30)


def test_keys_are_listed(server: RedisServer, raw: Any) -> None:
    """All that something is kept of, of this prefix, whatever is in them; what is no text is no key."""
    keys = ["", "a", "a*", "[a]", "a:b", "\\", "\n", "🛍️", "\ud800", "a\udfff", *(f"{number}" for number in range(3000))]
    with RedisStore(server.url, prefix="sh*p[1]?\\:") as store, RedisStore(server.url, prefix="shop1x:") as other:
        for key in keys:
            assert store.compare_and_set(key, None, RECORD)
        other.compare_and_set("other", None, RECORD)
        assert store.acquire("held", "token", 0, 30)
        raw.set(b"sh*p[1]?\\:visit:\xff", "no text")
        assert sorted(store.keys()) == sorted(keys)
        assert other.keys() == ["other"]


def test_keys_cannot_be_listed_without_redis(tmp_path: Path) -> None:
    """StoreError, as of any step."""
    with RedisServer(tmp_path) as server:
        store = RedisStore(server.url)
        assert store.keys() == []
    with pytest.raises(StoreError, match="ConnectionError"):
        store.keys()
    store.close()


@pytest.mark.parametrize("key", ["\ud800", "a\udfff\x00"])
def test_keys_with_lone_surrogates_work(backend: Backend, server: RedisServer, sandbox: Sandbox, key: str) -> None:
    """They are keys like others."""
    store = backend.store(RedisStore(server.url))
    client = backend.client(base_url=sandbox.url, store=store)
    first = client.visit(key).create_session(BODY)
    assert client.visit(key).create_session(BODY).visitor_id == first.visitor_id
    assert client.visit("other").create_session(BODY).visitor_id != first.visitor_id


def test_only_the_corrupt_version_is_dropped(store: RedisStore, raw: Any) -> None:
    """What somebody else saves meanwhile stays."""
    raw.set("liveperson-engagement:visit:key", "rubbish")
    assert not store.compare_and_set("key", b"other", None)
    assert store.compare_and_set("key", b"rubbish", RECORD)
    assert not store.compare_and_set("key", b"rubbish", None)
    known = store.load("key")
    assert known
    assert known.record == RECORD


def test_a_record_of_a_newer_release_is_left_alone(visit: Visit, sandbox: Sandbox, raw: Any) -> None:
    """StoreError says so, and nothing is sent."""
    text = b'v 1 2 {"v":1000,"more":true}'
    raw.set(VISIT, text)
    with pytest.raises(StoreError, match="upgrade"):
        visit.create_session(BODY)
    assert sandbox.requests == ()
    assert raw.get(VISIT) == text


def test_a_save_that_is_sent_twice_counts_once(store: RedisStore, raw: Any) -> None:
    """If the first answer was lost, the second one says what the first one would have said."""
    for _ in range(2):
        arguments = b"nonce", b"", b"version", 0, 0, to_json(RECORD)
        assert raw.eval(REPLACE.text, 1, "liveperson-engagement:visit:key", *arguments) == [b"nonce", 1]
    known = store.load("key")
    assert known
    assert (known.record, known.version) == (RECORD, b"version")


@pytest.mark.parametrize(
    ("by_redis", "by_hosts", "age"),
    [
        (0, 0, 0),
        (60, 60, 60),
        (60, 55, 60),
        (60, 65, 65),
        (0, -8, 0),
        (60, -8, 60),
        (0, 900, 900),
        (0, -12, math.inf),
        (60, -3600, math.inf),
        (-1, 60, math.inf),
        (-3600, 3600, math.inf),
    ],
)
def test_a_record_is_never_younger_than_a_clock_says(
    store: RedisStore, raw: Any, by_redis: int, by_hosts: int, age: float
) -> None:
    """By Redis's clock; the hosts' clocks can only add, and differ a little; what went backwards tells nothing."""
    store.compare_and_set("key", None, RECORD)
    version, saved, host, text = raw.get("liveperson-engagement:visit:key").split(b" ", 3)
    moved = f"{int(saved) - by_redis * 1_000_000} {int(host) - by_hosts * 1_000_000}".encode()
    raw.set("liveperson-engagement:visit:key", b" ".join([version, moved, text]))
    known = store.load("key")
    assert known
    assert known.age == pytest.approx(age, abs=0.5)


def test_an_engagement_is_reused_while_it_is_valid(
    backend: Backend, visit: Visit, server: RedisServer, sandbox: Sandbox, raw: Any
) -> None:
    """By every client; once its time is over it is asked for again."""
    first = (
        backend.client(base_url=sandbox.url, store=backend.store(RedisStore(server.url)))
        .visit("shopper")
        .engagement(BODY)
    )
    visit = backend.client(base_url=sandbox.url, store=backend.store(RedisStore(server.url))).visit("shopper")
    assert visit.engagement(BODY) == first
    assert len(sandbox.requests) == 1
    version, saved, rest = raw.get(VISIT).split(b" ", 2)
    raw.set(VISIT, b" ".join([version, str(int(saved) - 900_000_000).encode(), rest]))
    assert visit.engagement(BODY) != first
    assert len(sandbox.requests) == 2


def test_nothing_but_ids_and_the_engagement_is_kept(server: RedisServer, sandbox: Sandbox, raw: Any) -> None:
    """No request body, and no lock once the call is over."""
    body: Any = {**BODY, "engagementAttributes": [{"type": "personal", "personal": {"firstname": "Sarah"}}]}
    with EngagementClient("demo", base_url=sandbox.url, store=RedisStore(server.url)) as client:
        client.visit("shopper").create_session(body)
    assert raw.keys() == [VISIT.encode()]
    assert b"Sarah" not in raw.get(VISIT)
    assert json.loads(raw.get(VISIT).split(b" ", 3)[3])["v"] == 1


def test_without_redis_py_the_error_names_the_extra() -> None:
    """One line, at the import."""
    code = "import sys; sys.modules['redis'] = None\nfrom liveperson_engagement import RedisStore"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last == "ImportError: RedisStore needs one more package: pip install 'liveperson-engagement[redis]'"
