"""RedisStore against a real server: several processes, crashes, restarts, clocks, passwords and TLS."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import math
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

from conftest import BODY, Backend
from liveperson_engagement import InvalidRequest, RedisStore, StoreError, Visit, VisitIds
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import UNREADABLE, Record, to_json
from liveperson_engagement.stores.conformance import StoreConformance
from liveperson_engagement.stores.redis import REPLACE
from redis_server import RedisServer, wait_until

VISIT, LOCK = "liveperson-engagement:visit:demo:shopper", "liveperson-engagement:lock:demo:shopper"
KEY = "demo:shopper"
RECORD = Record(VisitIds("visitor", "session", "page"))

Connect = Callable[..., Visit]


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

    def connect(url: str, on_store_error: Any = "raise", **options: Any) -> Visit:
        store = backend.store(RedisStore(url, **options))
        return backend.client(base_url=sandbox.url, store=store, on_store_error=on_store_error).visit("shopper")

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


# Locks and connections

HOLDER = """
import sys, time
from liveperson_engagement import RedisStore
assert RedisStore(sys.argv[1]).acquire("demo:shopper", "token", 0, 1.5)
print("held", flush=True)
time.sleep(60)
"""


def test_a_killed_process_frees_its_key(visit: Visit, server: RedisServer, sandbox: Sandbox) -> None:
    """Whoever waits goes on when the lease has run out, and not before."""
    started = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", HOLDER, server.url], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
    visit.create_session(BODY, deadline=60)
    assert time.monotonic() - started > 1.5
    assert len(sandbox.visitors) == 1


def test_threads_wait_for_a_connection(server: RedisServer, raw: Any) -> None:
    """They get one in turn, and no more are opened than were allowed."""
    before = len(raw.client_list())
    with RedisStore(server.url, max_connections=2, timeout=60) as store, ThreadPoolExecutor(16) as pool:

        def work(number: int) -> bool:
            return all(store.compare_and_set(f"{number} {each}", None, RECORD) for each in range(20))

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
    wait_until(lambda: len(raw.client_list()) <= before)
    assert not vars(store)["_of_loops"]


# Outages


@pytest.mark.backends("sync", "async")
def test_without_redis_nothing_is_sent(
    connect: Connect, sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """StoreError comes before the request, unless a caller goes on; after a restart what Redis kept is reused."""
    with RedisServer(tmp_path, appendonly="yes", appendfsync="always") as server, RedisStore(server.url) as holder:
        visit, going_on = connect(server.url), connect(server.url, on_store_error="continue")
        first = visit.create_session(BODY)
        assert holder.acquire("key", "token", 0, 300)
        server.kill()
        for method in (visit.create_session, visit.engagement):
            with pytest.raises(StoreError) as raised:
                method(BODY)
            assert isinstance(raised.value.__cause__, redis.ConnectionError)
        for step in (partial(holder.release, "key", "token"), holder.keys):
            with pytest.raises(StoreError, match="ConnectionError"):
                step()
        assert len(sandbox.requests) == 1
        assert going_on.create_session(BODY).visitor_id != first.visitor_id
        assert {record.levelname for record in caplog.records} == {"WARNING"}
        assert "session store: load failed (ConnectionError); going on without it" in caplog.text
        server.start()
        caplog.clear()
        for again in (visit, connect(server.url)):
            assert again.create_session(BODY).session_id == first.session_id
        assert not caplog.records
        assert len(sandbox.visitors) == 2
        assert holder.acquire("key", "token", 0, 300)  # at once: nobody in this process holds it any more


@pytest.mark.backends("sync", "async")
def test_scripts_that_redis_has_forgotten_are_sent_again(visit: Visit, sandbox: Sandbox, raw: Any) -> None:
    """As after a restart or a failover; a visit that is gone starts again."""
    for forget, visitors in ((raw.script_flush, 1), (raw.script_flush, 1), (raw.flushall, 2)):
        visit.create_session(BODY)
        forget()
        visit.create_session(BODY)
        assert len(sandbox.visitors) == visitors


def test_a_full_server_is_a_store_error_until_there_is_room(connect: Connect, sandbox: Sandbox, tmp_path: Path) -> None:
    """Nobody can hold a key then, so that no visitor is made that could not be saved."""
    with RedisServer(tmp_path, maxmemory_policy="noeviction") as server, server.client as raw:
        visit = connect(server.url)
        raw.config_set("maxmemory", "1mb")
        with suppress(redis.OutOfMemoryError):
            for number in range(10_000):
                raw.set(f"other {number}", "x" * 10_000)
        for _ in range(2):
            with pytest.raises(StoreError, match=r"acquire failed \(OutOfMemoryError\)"):
                visit.create_session(BODY)
        assert sandbox.requests == ()
        raw.config_set("maxmemory", "100mb")
        assert visit.create_session(BODY).visitor_id
        assert len(sandbox.visitors) == 1


@pytest.mark.backends("sync", "async")
@pytest.mark.parametrize("answer", [None, b":number\r\n", b"$long\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_server_that_is_not_redis_is_a_store_error(connect: Connect, sandbox: Sandbox, answer: bytes | None) -> None:
    """Whatever redis-py makes of what it says; silence is a timeout, and not taken for a key that somebody holds."""

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection, suppress(OSError):
                    while connection.recv(10_000) and answer is None:
                        pass
                    connection.sendall(answer or b"")

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(serve, server)
        timeout = 0.2 if answer is None else 30
        with pytest.raises(StoreError, match="failed") as raised:
            connect(f"redis://127.0.0.1:{server.getsockname()[1]}", timeout=timeout).create_session(BODY)
        assert isinstance(raised.value.__cause__, redis.TimeoutError) == (answer is None)
        server.shutdown(socket.SHUT_RDWR)
    assert sandbox.requests == ()


# Passwords, TLS and settings


@pytest.mark.backends("sync", "async")
def test_a_password_opens_and_is_never_shown(
    connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by the store, nor by an error, nor in a log."""
    with RedisServer(tmp_path, password="s3cret/word") as server, caplog.at_level(logging.DEBUG):  # noqa: S106
        assert connect(server.url).create_session(BODY).visitor_id
        shown = [repr(RedisStore(server.url))]
        assert shown == [f"<RedisStore 127.0.0.1:{server.port}/0 liveperson-engagement:>"]
        for url in (server.address, server.url.replace("s3", "wrong-s3"), server.url.replace("//:", "//someone:")):
            with pytest.raises(StoreError) as raised:
                connect(url).create_session(BODY)
            assert isinstance(raised.value.__cause__, redis.AuthenticationError)
            shown += [repr(RedisStore(url)), repr(raised.value), str(raised.value), repr(raised.value.__cause__)]
        assert "cret" not in " ".join([*shown, caplog.text])


@pytest.mark.backends("sync", "async")
def test_connections_can_be_encrypted(connect: Connect, tmp_path: Path) -> None:
    """Rediss checks the server's certificate."""
    with RedisServer(tmp_path, tls=True) as server:
        visit = connect(server.url)
        assert visit.create_session(BODY).visitor_id == visit.create_session(BODY).visitor_id
        with pytest.raises(StoreError):
            connect(server.url.partition("?")[0]).create_session(BODY)


LIKE = "must be like rediss://"
PASSWORDS = "s3/cret", "12/cret", "12#cret", "12?cret", "[cret"
NO_URLS = None, 5, b"redis://localhost", Path("visits"), ["redis://localhost"], "localhost:6379"
WRONG = "db=first", "protocol=4", "protocol=new", "socket_timeout=long", "encoding=klingon", "max_connections=-1"
NOT_FOR_URLS = "queue_class=x", "connection_class=x", "retry=3"
UNKNOWN = ("socket_timeuot=3", "socket_timeuot"), ("db=0&db=1&sockettimeout=3", "sockettimeout")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        *((url, LIKE) for url in (*NO_URLS, "http://:s3cret@localhost", "redis://:s3cret@a..b")),
        *((f"redis://:{password}@localhost", LIKE) for password in PASSWORDS),
        *((f"redis://:s3cret@localhost/0?{query}", LIKE) for query in (*WRONG, *NOT_FOR_URLS)),
        *((f"redis://:s3cret@localhost/0?{query}", f"redis-py has no setting {name}") for query, name in UNKNOWN),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused(url: Any, shown: str) -> None:
    """At once, and without its password, whose special characters may end up in the host, the port or the path."""
    with pytest.raises(InvalidRequest) as raised:
        RedisStore(url)
    assert raised.value.path == "url"
    assert raised.value.reason.startswith(shown)
    assert "cret" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


DECODED = "decode_responses=yes&encoding=latin-1", "protocol=3&decode_responses=True", "protocol=2"
SETTINGS = *DECODED, "client_name=shop", "socket_timeout=30&timeout=30", "max_connections=1", "health_check_interval=1"


@pytest.mark.backends("sync", "async")
@pytest.mark.parametrize("query", SETTINGS)
def test_a_url_may_have_settings(connect: Connect, server: RedisServer, sandbox: Sandbox, query: str) -> None:
    """What redis-py reads in a URL; answers are read as bytes whatever they say."""
    url = f"{server.url}?{query}"
    visit = connect(url)
    assert visit.create_session(BODY).visitor_id == visit.create_session(BODY).visitor_id
    assert visit.engagement(BODY)
    assert len(sandbox.visitors) == 1
    with RedisStore(url) as store:
        assert store.keys() == [KEY]


# What is kept


def test_a_visit_is_forgotten_when_its_time_to_live_is_over(
    connect: Connect, visit: Visit, server: RedisServer, sandbox: Sandbox, raw: Any
) -> None:
    """It counts from the last save; without it a visit stays."""
    visit.create_session(BODY)
    assert raw.pttl(VISIT) == -1
    visit = connect(server.url, time_to_live=3600)
    visit.create_session(BODY)
    assert 0 < raw.pttl(VISIT) <= 3_600_000
    raw.pexpire(VISIT, 600_000)
    visit.create_session(BODY)
    assert 600_000 < raw.pttl(VISIT) <= 3_600_000
    assert len(sandbox.visitors) == 1
    raw.pexpire(VISIT, 1)
    wait_until(lambda: not raw.exists(VISIT))
    visit.create_session(BODY)
    assert len(sandbox.visitors) == 2


FOREIGN = "RPUSH a b", "HSET field value", "SADD a b", "ZADD 1 a", "XADD * field value", "SETRANGE 8388608 x"
"""What somebody else may have written under a name of ours: a command, without the name that follows its first word."""
VALUES = *FOREIGN, "SETBIT 7 1"
LOCKS = *VALUES, "SET a", "SET a EX 172800", "SET a EX 1000000000000"
JUNK = b"", b" ", b"hello\nworld", b"\x00\xff \x00", b"v 1 2", b"x" * 1_000_000
NO_TIMES = b"1 x", b"nan 2", b"1 inf"
NO_RECORDS = b"{}", b'{"v":1}', b"null", b"\xff", b"{} {}", b'{"v":null}', b'{"v":[]}', b'{"v":1,"visitorId":5}'
NUMBERS = b"v 1 -%b {}", b"v %b 2 {}", b"v %b 2 " + to_json(RECORD).encode()
DAMAGED = [*JUNK, *(b"v %b {}" % times for times in NO_TIMES), *(text % (b"9" * 4000) for text in NUMBERS)]
NO_JSON = [b"v 1 2 " + text for text in (*NO_RECORDS, b"[" * 100_000)]
RECORDS = [*VALUES, *DAMAGED, *NO_JSON]


def write(raw: Any, name: str, foreign: str | bytes) -> None:
    """Write something else under a name."""
    raw.delete(name)
    if isinstance(foreign, bytes):
        raw.set(name, foreign)
    else:
        command, *arguments = foreign.split()
        raw.execute_command(command, name, *arguments)


@pytest.mark.backends("sync", "async")
@pytest.mark.parametrize("foreign", RECORDS, ids=range(len(RECORDS)))
def test_a_value_that_is_no_record_is_replaced(
    visit: Visit, raw: Any, sandbox: Sandbox, foreign: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It counts as nothing: one warning, and the visit starts again."""
    visit.create_session(BODY)
    write(raw, VISIT, foreign)
    again = visit.create_session(BODY)
    assert visit.create_session(BODY).visitor_id == again.visitor_id
    assert [record.message for record in caplog.records] == [UNREADABLE]
    assert len(sandbox.visitors) == 2


@pytest.mark.parametrize("foreign", LOCKS)
def test_a_value_that_is_no_lock_is_taken(
    visit: Visit, raw: Any, foreign: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It counts as nobody's: one warning, and no wait."""
    write(raw, LOCK, foreign)
    visit.create_session(BODY, deadline=60)
    assert raw.exists(LOCK) == 0
    visit.create_session(BODY)
    assert [record.message for record in caplog.records] == [UNREADABLE]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_value_of_another_kind_does_not_keep_from_saving(store: RedisStore, raw: Any, foreign: str) -> None:
    """Nor from forgetting what is not there; a version that is gone is still gone; a lock is lost, not given back."""
    write(raw, VISIT, foreign)
    assert store.compare_and_set(KEY, b"version", RECORD) is None
    assert store.compare_and_set(KEY, b"version", None) is None
    assert store.compare_and_set(KEY, None, None)
    assert raw.exists(VISIT) == 0
    write(raw, VISIT, foreign)
    assert store.compare_and_set(KEY, None, RECORD)
    assert known(store).record == RECORD
    assert store.acquire(KEY, "token", 0, 300)
    write(raw, LOCK, foreign)
    assert not store.extend(KEY, "token", 300)
    store.release(KEY, "token")
    assert raw.exists(LOCK) == 1


def known(store: RedisStore) -> Any:
    """Load what has to be there."""
    found = store.load(KEY)
    assert found
    return found


def test_a_lock_lasts_a_day_at_most(store: RedisStore, server: RedisServer, raw: Any) -> None:
    """A longer lease is cut; else another caller would take it for nobody's."""
    with RedisStore(server.url) as other:
        for take in (partial(store.acquire, KEY, "token", 0), partial(store.extend, KEY, "token")):
            assert take(10**9)
            assert 0 < raw.pttl(LOCK) <= 24 * 3600 * 1000
            assert not other.acquire(KEY, "other", 0, 30)


def test_keys_are_those_of_a_prefix(server: RedisServer, raw: Any) -> None:
    """All of them, whatever is in them; what is no text is no key. Stores with other prefixes know nothing of them."""
    keys = ["", "a", "a*", "[a]", "a:b", "\\", "\n", "🛍️", "\ud800", "a\udfff", *(f"{number}" for number in range(2000))]
    with RedisStore(server.url, prefix="sh*p[1]?\\:") as store, RedisStore(server.url, prefix="shop1x:") as other:
        for key in keys:
            assert store.compare_and_set(key, None, RECORD)
        raw.set(b"sh*p[1]?\\:visit:\xff", "no text")
        assert store.acquire("held", "token", 0, 300)
        assert sorted(store.keys()) == sorted(keys)
        assert other.keys() == []
        assert other.load("a") is None
        assert other.acquire("held", "token", 0, 300)
        other.release("held", "token")
        assert raw.exists("shop1x:lock:held") == 0


def test_only_the_corrupt_version_is_dropped(store: RedisStore, raw: Any) -> None:
    """What somebody else saves meanwhile stays."""
    raw.set(VISIT, "rubbish")
    assert not store.compare_and_set(KEY, b"other", None)
    assert store.compare_and_set(KEY, b"rubbish", RECORD)
    assert not store.compare_and_set(KEY, b"rubbish", None)
    assert known(store).record == RECORD


@pytest.mark.backends("sync", "async")
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
        assert raw.eval(REPLACE.text, 1, VISIT, *arguments) == [b"nonce", 1]
    assert (known(store).record, known(store).version) == (RECORD, b"version")


AGES = [(0, 0, 0), (60, 60, 60), (60, 55, 60), (60, 65, 65), (0, -8, 0), (60, -8, 60), (0, 900, 900)]
TOO_OLD = (0, -20), (60, -3600), (-20, 60), (-3600, 3600)


@pytest.mark.parametrize(("by_redis", "by_hosts", "age"), [*AGES, *((*moved, math.inf) for moved in TOO_OLD)])
def test_a_record_is_never_younger_than_a_clock_says(
    store: RedisStore, raw: Any, by_redis: int, by_hosts: int, age: float
) -> None:
    """By Redis's clock; the hosts' clocks can only add, and differ a little; what went backwards tells nothing."""
    started = time.monotonic()
    store.compare_and_set(KEY, None, RECORD)
    version, saved, host, text = raw.get(VISIT).split(b" ", 3)
    moved = f"{int(saved) - by_redis * 1_000_000} {int(host) - by_hosts * 1_000_000}".encode()
    raw.set(VISIT, b" ".join([version, moved, text]))
    found = known(store).age
    assert age <= found <= age + time.monotonic() - started + 0.01


def test_nothing_but_ids_and_the_engagement_is_kept(visit: Visit, raw: Any) -> None:
    """No request body, and no lock once the call is over."""
    body: Any = {**BODY, "engagementAttributes": [{"type": "personal", "personal": {"firstname": "Sarah"}}]}
    visit.create_session(body)
    assert raw.keys() == [VISIT.encode()]
    assert b"Sarah" not in raw.get(VISIT)
    assert json.loads(raw.get(VISIT).split(b" ", 3)[3])["v"] == 1


def test_without_redis_py_the_error_names_the_extra() -> None:
    """One line, at the import."""
    code = "import sys; sys.modules['redis'] = None\nfrom liveperson_engagement import RedisStore"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last == "ImportError: RedisStore needs one more package: pip install 'liveperson-engagement[redis]'"
