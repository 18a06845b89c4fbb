"""RedisStore against a real server: connections, outages, interruptions, clocks, TLS, and what others have written."""

import asyncio
import gc
import json
import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

from conftest import BODY, Backend
from faults_service import Service, Wire, silent
from liveperson_engagement import EngagementClient, InvalidRequest, RedisStore, StoreError, Visit
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import UNREADABLE, to_json
from liveperson_engagement.stores.conformance import StoreConformance
from liveperson_engagement.stores.redis import REPLACE
from redis_server import RedisServer, free_port
from stored import KEY, record
from waiting import until

VISIT, LOCK = f"liveperson-engagement:visit:{KEY}", f"liveperson-engagement:lock:{KEY}"

Connect = Callable[..., Visit]
both = pytest.mark.backends("sync", "async")


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
def connect(backend: Backend, sandbox: Sandbox) -> Connect:
    """Make visits of either kind of client, each with a store of its own."""

    def connect(url: str, **options: Any) -> Visit:
        store = backend.store(RedisStore(url, **options))
        return backend.client(base_url=sandbox.url, store=store).visit("shopper")

    return connect


@pytest.fixture
def visit(connect: Connect, server: RedisServer) -> Visit:
    """Make a visit that is remembered in Redis."""
    return connect(server.url)


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


# Connections


def test_threads_wait_for_a_connection(server: RedisServer, raw: Any) -> None:
    """They get one in turn, and no more are opened than were allowed."""
    before = len(raw.client_list())
    with RedisStore(server.url, max_connections=2, timeout=60) as store, ThreadPoolExecutor(16) as pool:

        def work(number: int) -> bool:
            return all(store.compare_and_set(f"{number} {each}", None, record()) for each in range(20))

        assert all(pool.map(work, range(16)))
        assert len(raw.client_list()) == before + 2


@pytest.mark.filterwarnings("ignore:unclosed", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_event_loops_that_have_ended_leave_no_connections(server: RedisServer, raw: Any) -> None:
    """Even if nobody closed the store in them."""
    store = RedisStore(server.url)
    before = len(raw.client_list())
    for _ in range(5):
        asyncio.run(store.aload("key"))

    async def last() -> None:
        async with store:
            await store.aload("key")

    asyncio.run(last())
    gc.collect()
    until(lambda: len(raw.client_list()) <= before)
    assert not vars(store)["_of_loops"]


PASSWORDS = "s3cret/word", "s3/cret", "12/cret", "12#cret", "12?cret", "[cret"


@both
def test_a_password_opens_and_is_never_shown(
    connect: Connect, tmp_path: Path, certificates: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by the store, nor by an error, nor in a log; rediss checks the server's certificate."""
    caplog.set_level(logging.DEBUG)
    with RedisServer(tmp_path) as server, server.client as raw:
        settings: dict[str, Any] = {"tls-cert-file": certificates / "trusted.pem", "tls-key-file": certificates / "key"}
        settings |= {"requirepass": PASSWORDS[0], "tls-auth-clients": "no", "tls-port": (port := free_port())}
        for setting, value in settings.items():
            raw.config_set(setting, str(value))
        place = f"localhost:{port}/0?ssl_ca_certs={certificates / 'authority.pem'}"
        visit = connect(right := f"rediss://:s3cret%2Fword@{place}")
        assert visit.create_session(BODY).visitor_id == visit.create_session(BODY).visitor_id
        with pytest.raises(StoreError):
            connect(right.partition("?")[0]).create_session(BODY)
        shown = [repr(RedisStore(right))]
        assert shown == [f"<RedisStore localhost:{port}/0 liveperson-engagement:>"]
        for who in ("", ":wrong-s3cret@", "me:s3cret%2Fword@"):
            url = f"rediss://{who}{place}"
            with pytest.raises(StoreError) as raised:
                connect(url).create_session(BODY)
            assert isinstance(raised.value.__cause__, redis.AuthenticationError)
            shown += [repr(RedisStore(url)), repr(raised.value), str(raised.value), repr(raised.value.__cause__)]
    assert "cret" not in " ".join([*shown, caplog.text])


NO_URLS = None, Path("visits"), "localhost:6379", "http://:s3cret@localhost", "redis://:s3cret@a..b"
WRONG = "db=first", "protocol=4", "encoding=klingon", "max_connections=-1", "queue_class=x", "retry=3"
UNKNOWN = "socket_timeuot=3", "db=0&db=1&socket_timeuot=3"
QUERIES = [f"redis://:s3cret@localhost/0?{query}" for query in (*WRONG, *UNKNOWN)]


@pytest.mark.parametrize("url", [*NO_URLS, *(f"redis://:{password}@localhost" for password in PASSWORDS), *QUERIES])
def test_a_url_that_cannot_be_meant_is_refused(url: Any) -> None:
    """At once, and without its password, whose special characters may end up in the host, the port or the path."""
    with pytest.raises(InvalidRequest) as raised:
        RedisStore(url)
    assert raised.value.path == "url"
    wrong = "redis-py has no setting socket_timeuot" if "timeuot" in str(url) else "must be like rediss://"
    assert raised.value.reason.startswith(wrong)
    assert "cret" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@both
@pytest.mark.parametrize("query", ["decode_responses=yes&encoding=latin-1", "protocol=3&timeout=30&max_connections=1"])
def test_a_url_may_have_settings(connect: Connect, server: RedisServer, sandbox: Sandbox, query: str) -> None:
    """What redis-py reads in a URL; answers are read as bytes whatever they say."""
    visit = connect(f"{server.url}?{query}")
    assert visit.create_session(BODY).visitor_id == visit.create_session(BODY).visitor_id
    assert visit.engagement(BODY)
    assert len(sandbox.visitors) == 1
    with RedisStore(f"{server.url}?{query}") as store:
        assert store.keys() == [KEY]


def test_without_redis_py_the_error_names_the_extra() -> None:
    """One line, at the import."""
    code = "import sys; sys.modules['redis'] = None\nfrom liveperson_engagement import RedisStore"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last == "ImportError: RedisStore needs one more package: pip install 'liveperson-engagement[redis]'"


# Outages


@both
def test_without_redis_nothing_is_sent(connect: Connect, sandbox: Sandbox, tmp_path: Path) -> None:
    """StoreError comes before the request; after a restart what Redis kept is reused."""
    with RedisServer(tmp_path, appendonly="yes", appendfsync="always") as server, RedisStore(server.url) as holder:
        visit = connect(server.url)
        first = visit.create_session(BODY)
        assert holder.acquire("key", "token", 0, 300)
        server.stop()
        for method in (visit.create_session, visit.engagement):
            with pytest.raises(StoreError) as raised:
                method(BODY)
            assert isinstance(raised.value.__cause__, redis.ConnectionError)
        for step in (partial(holder.release, "key", "token"), holder.keys):
            with pytest.raises(StoreError, match="ConnectionError"):
                step()
        assert len(sandbox.requests) == 1
        server.start()
        for again in (visit, connect(server.url)):
            assert again.create_session(BODY).session_id == first.session_id
        assert holder.acquire("key", "token", 0, 300)  # at once: nobody in this process holds it any more


def test_a_full_server_is_a_store_error_until_there_is_room(connect: Connect, sandbox: Sandbox, tmp_path: Path) -> None:
    """Nobody can hold a key then, so that no visitor is made that could not be saved."""
    with RedisServer(tmp_path, maxmemory="1") as server, server.client as raw:
        visit = connect(server.url)
        for _ in range(2):
            with pytest.raises(StoreError, match=r"acquire failed \(OutOfMemoryError\)"):
                visit.create_session(BODY)
        assert sandbox.requests == ()
        raw.config_set("maxmemory", "100mb")
        first = visit.create_session(BODY)
        raw.flushall()
        assert visit.create_session(BODY).visitor_id != first.visitor_id


@both
@pytest.mark.parametrize("answer", [None, b":number\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_server_that_is_not_redis_is_a_store_error(connect: Connect, sandbox: Sandbox, answer: bytes | None) -> None:
    """Whatever redis-py makes of what it says; silence is a timeout, and not taken for a key that somebody holds."""

    def say(wire: Wire) -> None:
        wire.recv(10_000)
        wire.sendall(answer or b"")

    with Service(early=True) as service:
        service.act, timeout = (silent(), 0.2) if answer is None else (say, 30)
        with pytest.raises(StoreError, match="failed") as raised:
            connect(f"redis://127.0.0.1:{service.port}", timeout=timeout).create_session(BODY)
    assert isinstance(raised.value.__cause__, redis.TimeoutError) == (answer is None)
    assert sandbox.requests == ()


# Interruptions


def asked(raw: Any, number: int = 1) -> None:
    """Wait until so many questions wait for a server that pauses."""
    until(lambda: sum("b" in client["flags"] for client in raw.client_list()) == number)


@pytest.mark.parametrize("on_store_error", ["raise", "continue"])
def test_the_exception_of_a_signal_handler_goes_through(
    server: RedisServer, sandbox: Sandbox, raw: Any, on_store_error: Any, request: pytest.FixtureRequest
) -> None:
    """Even TimeoutError, which redis-py takes for one of the socket's; an outage while it is handled is an outage."""

    def interrupt() -> None:
        asked(raw)
        os.kill(os.getpid(), signal.SIGALRM)

    def handle(*_: object) -> None:
        raise TimeoutError

    request.addfinalizer(partial(signal.signal, signal.SIGALRM, signal.signal(signal.SIGALRM, handle)))
    store = RedisStore(server.url, timeout=60)
    store.load("key")
    raw.client_pause(600_000, all=False)
    thread = threading.Thread(target=interrupt)
    thread.start()
    with store, EngagementClient("demo", base_url=sandbox.url, store=store, on_store_error=on_store_error) as client:
        try:
            client.visit("shopper").create_session(BODY)
        except TimeoutError:
            with pytest.raises(StoreError, match="ConnectionError"):
                RedisStore(f"redis://127.0.0.1:{free_port()}").load("key")
        thread.join()
        raw.client_unpause()
        assert sandbox.requests == ()
        assert client.visit("shopper").create_session(BODY, deadline=60).visitor_id
    assert len(sandbox.visitors) == 1


def test_a_cancelled_task_ends_at_once_and_frees_its_lock(server: RedisServer, raw: Any) -> None:
    """Also if Redis answers late; the lock is given back after it was taken, in this order. A deadline ends it too."""

    async def main() -> None:
        async with RedisStore(server.url, timeout=300, max_connections=8) as store:
            await store.aload("key")
            raw.client_pause(600_000, all=False)
            taking = asyncio.create_task(store.aacquire("key", "token", None, 300))
            await asyncio.to_thread(asked, raw)
            taking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(taking, 60)
            releasing = asyncio.create_task(store.arelease("key", "token"))
            for step in (
                store.aload("key", 0.1),
                store.acompare_and_set("other", None, record(), 0.1),
                store.aacquire("other", "token", 0.1, 30),
                store.aextend("other", "token", 30, 0.1),
            ):
                with pytest.raises(StoreError, match=r"^TimeoutError$") as raised:
                    await asyncio.wait_for(step, 60)
                assert isinstance(raised.value.__cause__, TimeoutError)
            assert not releasing.done()
            raw.client_unpause()
            await releasing
            assert await store.aacquire("key", "next", 0, 300)
            raw.client_pause(600_000, all=False)
            saves = asyncio.gather(*(store.acompare_and_set(f"new {each}", None, record()) for each in range(30)))
            await asyncio.to_thread(asked, raw, 8)  # no connection is lost: all can be used at once
            raw.client_unpause()
            assert all(await saves)
            late = asyncio.create_task(store.aload("key"))
            await asyncio.sleep(0)
            late.cancel()  # and its answer is waited for when the store is closed

    before = len(raw.client_list())
    asyncio.run(main())
    until(lambda: len(raw.client_list()) == before)


# What is kept


def test_a_visit_is_forgotten_when_its_time_to_live_is_over(
    connect: Connect, visit: Visit, server: RedisServer, sandbox: Sandbox, raw: Any
) -> None:
    """It counts from the last save; without it a visit stays."""
    visit.create_session(BODY)
    assert raw.pttl(VISIT) == -1
    visit = connect(server.url, time_to_live=3600)
    for _ in range(2):
        visit.create_session(BODY)
        assert 600_000 < raw.pttl(VISIT) <= 3_600_000
        raw.pexpire(VISIT, 600_000)
    assert len(sandbox.visitors) == 1


OTHER, LARGE = "RPUSH NAME a b", "SETRANGE NAME 8388608 x"
"""What somebody else may have written under a name of ours: a command."""
NINES, GOOD = b"9" * 4000, to_json(record()).encode()
TEXTS = b"", b"\x00\xff \x00", b"v 1 2", b"v 1 2 {}", b"v nan 2 " + GOOD, b"v 1 inf " + GOOD
NUMBERS = b"v 1 -%b %b" % (NINES, GOOD), b"v %b 2 %b" % (NINES, GOOD)


def write(raw: Any, name: str, foreign: str | bytes) -> None:
    """Write something else under a name."""
    raw.delete(name)
    if isinstance(foreign, bytes):
        raw.set(name, foreign)
    else:
        raw.execute_command(*foreign.replace("NAME", name).split())


@both
@pytest.mark.parametrize("foreign", [OTHER, LARGE, *TEXTS, *NUMBERS], ids=range(10))
def test_a_value_that_is_no_record_is_replaced(
    visit: Visit, raw: Any, sandbox: Sandbox, foreign: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It counts as nothing: one warning, and the visit starts again."""
    write(raw, VISIT, foreign)
    again = visit.create_session(BODY)
    assert visit.create_session(BODY).visitor_id == again.visitor_id
    assert [record.message for record in caplog.records] == [UNREADABLE]
    assert len(sandbox.visitors) == 1


@pytest.mark.parametrize("foreign", [OTHER, LARGE, "SET NAME a", "SET NAME a EX 86460"])
def test_a_value_that_is_no_lock_is_taken(
    visit: Visit, raw: Any, foreign: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It counts as nobody's: one warning, and no wait."""
    write(raw, LOCK, foreign)
    visit.create_session(BODY, deadline=60)
    assert raw.exists(LOCK) == 0
    visit.create_session(BODY)
    assert [record.message for record in caplog.records] == [UNREADABLE]


@pytest.mark.parametrize("foreign", [OTHER, LARGE])
def test_a_value_of_another_kind_does_not_keep_from_saving(store: RedisStore, raw: Any, foreign: str) -> None:
    """Nor from forgetting what is not there; a version that is gone is still gone; a lock is lost, not given back."""
    write(raw, VISIT, foreign)
    assert store.compare_and_set(KEY, b"version", record()) is None
    assert store.compare_and_set(KEY, b"version", None) is None
    assert store.compare_and_set(KEY, None, None)
    assert raw.exists(VISIT) == 0
    write(raw, VISIT, foreign)
    assert store.compare_and_set(KEY, None, record())
    assert (found := store.load(KEY))
    assert found.record == record()
    assert store.acquire(KEY, "token", 0, 300)
    write(raw, LOCK, foreign)
    assert not store.extend(KEY, "token", 300)
    store.release(KEY, "token")
    assert raw.exists(LOCK) == 1


def test_a_lock_lasts_a_day_at_most(store: RedisStore, server: RedisServer, raw: Any) -> None:
    """A longer lease is cut; else another caller would take it for nobody's."""
    with RedisStore(server.url) as other:
        for take in (partial(store.acquire, KEY, "token", 0), partial(store.extend, KEY, "token")):
            assert take(10**9)
            assert 0 < raw.pttl(LOCK) <= 24 * 3600 * 1000
            assert not other.acquire(KEY, "other", 0, 30)


def test_keys_are_those_of_a_prefix(server: RedisServer, raw: Any) -> None:
    """All of them, whatever is in them; what is no text is no key. Stores with other prefixes know nothing of them."""
    keys = ["", "a*", "[a]", "a:b", "\\", "\n", "\ud800", "a\udfff", *(f"{number}" for number in range(2000))]
    with RedisStore(server.url, prefix="sh*p[1]?\\:") as store, RedisStore(server.url, prefix="shop1x:") as other:
        for key in keys:
            assert store.compare_and_set(key, None, record())
        raw.set(b"sh*p[1]?\\:visit:\xff", "no text")
        assert store.acquire("held", "token", 0, 300)
        assert sorted(store.keys()) == sorted(keys)
        assert other.keys() == []
        assert other.load("a*") is None
        assert other.acquire("held", "token", 0, 300)
        other.release("held", "token")
        assert raw.exists("shop1x:lock:held") == 0


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
        assert raw.eval(REPLACE.text, 1, VISIT, b"nonce", b"", b"version", 0, 0, GOOD) == [b"nonce", 1]
    assert (found := store.load(KEY))
    assert (found.record, found.version) == (record(), b"version")


@pytest.mark.parametrize(
    ("by_redis", "by_hosts", "age"),
    [
        *((0, 0, 0), (60, 55, 60), (60, 65, 65), (60, -8, 60)),
        *((60, -20, math.inf), (-20, 60, math.inf)),
    ],
)
def test_a_record_is_never_younger_than_a_clock_says(
    store: RedisStore, raw: Any, by_redis: int, by_hosts: int, age: float
) -> None:
    """By Redis's clock; the hosts' clocks can only add, and differ a little; what went backwards tells nothing."""
    started = time.monotonic()
    store.compare_and_set(KEY, None, record())
    version, saved, host, text = raw.get(VISIT).split(b" ", 3)
    moved = f"{int(saved) - by_redis * 1_000_000} {int(host) - by_hosts * 1_000_000}".encode()
    raw.set(VISIT, b" ".join([version, moved, text]))
    assert (found := store.load(KEY))
    assert age <= found.age <= age + time.monotonic() - started + 0.01


def test_nothing_but_ids_and_the_engagement_is_kept(visit: Visit, raw: Any) -> None:
    """No request body, and no lock once the call is over."""
    body: Any = {**BODY, "engagementAttributes": [{"type": "personal", "personal": {"firstname": "Sarah"}}]}
    visit.create_session(body)
    assert raw.keys() == [VISIT.encode()]
    assert b"Sarah" not in raw.get(VISIT)
    assert json.loads(raw.get(VISIT).split(b" ", 3)[3])["v"] == 1
