"""What every transport promises, over real sockets: requests, answers, connections, forks, cancellations.

What it makes of answers that no service should give is in test_faults.py.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from conftest import Clock
from faults_service import GOOD, GOOD_BODY, WHOLE, Act, Service, Wire, answer, head, says, silent
from liveperson_engagement.errors import InvalidRequest
from liveperson_engagement.transports import NoResponse, fast, sockets
from liveperson_engagement_api.http import Headers, Request
from senders import REQUEST, Sender, make

pytestmark = pytest.mark.backends
default_transport = pytest.mark.backends("sync", "async")
Connect = Callable[..., Sender]


class Noting:
    """Does something, and notes the connection that asked for it."""

    def __init__(self, act: Act = GOOD) -> None:
        self.act = act
        self.peers: list[Any] = []

    def __call__(self, wire: Wire) -> bool | None:
        self.peers.append(wire.getpeername())
        return self.act(wire)


def echo(wire: Wire) -> bool:
    """Answer with the path that was asked for, on a service that is `early`."""
    if not (request := wire.recv(65536)):
        return False
    path = request.split()[1]
    wire.sendall(head(200, f"Content-Length: {len(path)}") + path)
    return True


def gathering(calls: int) -> Act:
    """Answer as soon as so many requests wait for it."""
    barrier = threading.Barrier(calls)

    def act(wire: Wire) -> bool | None:
        barrier.wait(60)
        return GOOD(wire)

    return act


def open_descriptors() -> int:
    """Count what this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_an_answer_has_status_headers_and_body(connect: Connect, service: Service) -> None:
    """Interim answers are skipped; headers of one name are joined, and one that is no text does not spoil the others."""
    interim = head(100) + head(102) + head(103, "Link: x")
    service.act = says(interim + head(404, "Content-Length: 2", "Via: tea", "Via: pot", "X: \xff\xfe") + b"{}")
    response = connect().send(service.url)
    assert (response.status, response.headers["VIA"], response.body) == (404, "tea, pot", b"{}")
    assert response.headers["content-length"] == "2"


@pytest.mark.parametrize("body", [None, b"", b"{}"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_is_sent_as_it_is(connect: Connect, service: Service, method: str, body: bytes | None) -> None:
    """Behind the base URL's own path, with Host and the body's length."""
    request = Request(method, "/a%2Fb", "v=1.0&c=%20", Headers([("X-One", "1")]), body)
    connect().send(f"{service.url}/prefix", request)
    first, *fields = service.request.removesuffix(body or b"").decode().lower().split("\r\n")
    assert first == f"{method} /prefix/a%2fb?v=1.0&c=%20 http/1.1".lower()
    assert {f"host: 127.0.0.1:{service.port}", "x-one: 1"} <= set(fields)
    length = [field for field in fields if field.startswith("content-length")]
    assert length == ([f"content-length: {len(body or b'')}"] if body or method == "POST" else [])


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("", bytes)])
def test_a_body_is_decompressed(
    connect: Connect, service: Service, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """Then no header says that it is compressed; what is empty is not looked at."""
    sender = connect()
    service.act = answer(200, pack(GOOD_BODY), f"Content-Encoding: {encoding}")
    response = sender.send(service.url)
    assert (response.body, "content-encoding" in response.headers) == (GOOD_BODY, not encoding)
    service.act = answer(200, b"", f"Content-Encoding: {encoding}")
    assert sender.send(service.url).body == b""


def test_a_service_that_does_not_read_ends_with_the_timeout(connect: Connect) -> None:
    """A large body fills what lies between."""
    over = threading.Event()
    with Service(early=True) as service:
        service.act = lambda _: not over.wait(60)
        with pytest.raises(NoResponse) as raised:
            connect().send(service.url, REQUEST._replace(body=b" " * 30_000_000), timeout=0.5)
        over.set()
    assert (raised.value.may_have_arrived, raised.value.timed_out) == (True, True)


@default_transport
def test_the_timeout_is_named(connect: Connect, service: Service) -> None:
    """What has come of the answer is kept."""
    service.act = silent(head(503, "Retry-After: 3", WHOLE))
    with pytest.raises(NoResponse) as raised:
        connect().send(service.url, timeout=0.5)
    assert raised.value.reason == "the request took longer than 0.5 seconds"
    assert raised.value.response
    assert raised.value.response.headers["Retry-After"] == "3"


def test_a_connection_is_used_again(connect: Connect, service: Service) -> None:
    """By one call after the other, unless the service says that it closes it."""
    service.act = noting = Noting()
    sender = connect()
    for _ in range(5):
        sender.send(service.url)
    assert len(set(noting.peers)) == 1
    noting.act = says(head(200, WHOLE, "Connection: close") + GOOD_BODY)
    sender.send(service.url)
    noting.act = GOOD
    sender.send(service.url)
    assert len(set(noting.peers)) == 2


def test_bytes_behind_an_answer_reach_no_other(connect: Connect, service: Service) -> None:
    """The connection is given up."""
    another = head(200, WHOLE) + GOOD_BODY.replace(b"of-the-shopper", b"of-another-one")
    service.act = noting = Noting(says(head(200, WHOLE) + GOOD_BODY + another, keep=True))
    sender = connect()
    for _ in range(3):
        assert sender.send(service.url).body == GOOD_BODY
        time.sleep(0.1)  # reqwest notices in a thread of its own
    assert len(set(noting.peers)) == 3


@default_transport
@pytest.mark.parametrize("late", [b"", head(408) + b"secret"])
def test_an_idle_connection_is_looked_at(connect: Connect, service: Service, late: bytes) -> None:
    """One that was closed, or on which something came, is not used again."""
    sent = threading.Event()

    def act(wire: Wire) -> bool:
        GOOD(wire)
        wire.sendall(late)
        if not late:
            wire.shutdown(socket.SHUT_RDWR)
        sent.set()
        return bool(late)

    service.act = noting = Noting(act)
    sender = connect()
    for _ in range(3):
        assert sender.send(service.url).body == GOOD_BODY
        assert sent.wait(60)
        sent.clear()
    assert len(set(noting.peers)) == 3


class TestIdleConnections:
    """They are given up after a few seconds, before a balancer forgets them without a word."""

    @default_transport
    def test_after_5_seconds(
        self, connect: Connect, service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Counted from the last answer."""
        stopped(clock, monkeypatch)
        service.act = noting = Noting()
        sender = connect()
        for seconds in (0, 4.9, 4.9, 5.1):
            clock.now += seconds
            sender.send(service.url)
        assert len(set(noting.peers)) == 2

    @pytest.mark.backends("sync fast", "async fast")
    def test_reqwests(self, connect: Connect, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is told the same number."""
        assert fast.IDLE_SECONDS == sockets.IDLE_SECONDS == 5.0
        monkeypatch.setattr(fast, "IDLE_SECONDS", 0.01)
        service.act = noting = Noting()
        sender = connect()
        for _ in range(3):
            sender.send(service.url)
            time.sleep(0.1)
        assert len(set(noting.peers)) == 3

    @default_transport
    def test_of_a_burst(
        self, connect: Connect, service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Those that nobody has needed for a while, beside one that is in constant use."""
        stopped(clock, monkeypatch)
        service.act = gathering(30)
        sender = connect()
        for call in [sender.submit(service.url) for _ in range(30)]:
            call.result()
        service.act = None
        for _ in range(3):
            clock.now += 2
            sender.send(service.url)
        assert service.has_connections(1)


def stopped(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a clock say how long connections were idle."""
    for module in ("sockets", "_conversations"):
        monkeypatch.setattr(f"liveperson_engagement.transports.{module}.time", Mock(monotonic=clock))


def test_threads_or_tasks_get_their_own_answers(connect: Connect) -> None:
    """However many share a transport."""
    with Service(early=True) as service:
        service.act, sender = echo, connect()
        paths = [f"/{number}" for number in range(200)]
        calls = [sender.submit(service.url, Request("GET", path)) for path in paths]
        assert [call.result().body.decode() for call in calls] == paths


@pytest.mark.backends("async", "async fast")
def test_260_tasks_at_once_are_answered(connect: Connect, service: Service) -> None:
    """None waits for another, since connections have no limit of their own."""
    service.act, sender = gathering(260), connect()
    calls = [sender.submit(service.url) for _ in range(260)]
    assert {call.result().status for call in calls} == {200}


@pytest.mark.backends("async")
def test_cancelled_calls_hold_nothing(connect: Connect, service: Service) -> None:
    """300 at once that give up before the answer comes, twice, and each time one that does not."""
    sender = connect()
    sender.send(service.url)
    before = open_descriptors()
    for round_ in (1, 2):
        service.act = silent()
        calls = [sender.submit(service.url) for _ in range(300)]
        assert service.has_read(300 * round_ + round_)
        assert all(call.cancel() for call in calls)
        assert service.is_calm()
        service.act = None
        assert sender.send(service.url).status == 200
    assert open_descriptors() <= before


@default_transport
def test_max_connections_limits_them(connect: Connect, service: Service) -> None:
    """To wait for one is not to send: it ends with the timeout, and gives no place away."""
    over, sender = threading.Event(), connect(max_connections=2)
    service.act = lambda wire: over.wait(60) and GOOD(wire)
    first = [sender.submit(service.url) for _ in range(2)]
    assert service.has_read(2)
    late = [sender.submit(service.url, timeout=0.2) for _ in range(3)]
    for error in [call.exception() for call in late]:
        assert isinstance(error, NoResponse)
        assert (error.may_have_arrived, error.timed_out) == (False, True)
    waiting = [sender.submit(service.url) for _ in range(3)]
    assert service.requests == 2
    over.set()
    assert {call.result().status for call in [*first, *waiting]} == {200}
    assert service.requests == 5


@default_transport
def test_a_name_server_that_never_answers(
    connect: Connect, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends with the timeout; many attempts wait for one lookup, and once it ends all is well."""
    over, lookup, asked = threading.Event(), socket.getaddrinfo, Mock()

    def stuck(*arguments: Any, **options: Any) -> Any:
        asked()
        over.wait(60)
        return lookup(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    sender, base_url = connect(), f"http://localhost:{service.port}"
    for call in [sender.submit(base_url, timeout=0.3) for _ in range(3)]:
        error = call.exception(30)
        assert isinstance(error, NoResponse)
        assert (error.may_have_arrived, error.timed_out) == (False, True)
    assert asked.call_count == 1
    over.set()
    assert sender.send(base_url).status == 200


@pytest.fixture
def deaf() -> Any:
    """Listen on an address, and take no more connections: what comes is swallowed, as by a firewall."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()


def resolve(addresses: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every name stand for some addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", Mock(return_value=found))


@default_transport
def test_addresses_that_swallow_packets_share_the_time(
    connect: Connect, deaf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six of them take no longer than one."""
    resolve([deaf] * 6, monkeypatch)
    error = connect().submit("http://shop.test", timeout=0.5).exception(30)
    assert isinstance(error, NoResponse)
    assert (error.may_have_arrived, error.timed_out) == (False, True)


@default_transport
def test_each_address_is_tried(
    connect: Connect, deaf: Any, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind one that refuses and one that is deaf, the third answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing = listener.getsockname()
    resolve([refusing, deaf, ("127.0.0.1", service.port)], monkeypatch)
    assert connect().send("http://shop.test", timeout=3).status == 200


FORKED = """
import asyncio, os, sys
from liveperson_engagement.transports import make_transport
from liveperson_engagement_api.http import Request
url, kind, chosen = sys.argv[1], sys.argv[2], sys.argv[3] or None
options = {"proxy": None, "ssl_context": None, "max_connections": None if chosen else 1}
transport = make_transport(chosen, asynchronous=kind == "async", **options)
def call():
    result = transport.send(url, Request("POST", "/", body=b"{}"), 60)
    return asyncio.run(result) if kind == "async" else result
assert call().status == 200
child = os.fork()
if not child:
    os._exit(0 if call().status == 200 else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert call().status == 200
result = transport.aclose() if kind == "async" else transport.close()
kind == "async" and asyncio.run(result)
os._exit(status)  # threads of pyreqwest may still run, and Python's end does not wait for them
"""


def test_a_forked_child_has_its_own_connections(backend_name: str, service: Service) -> None:
    """Its parent goes on as before; reqwest does not survive a fork, so that the default transport takes its place."""
    service.act = noting = Noting()
    kind, _, chosen = backend_name.partition(" ")
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED, service.url, kind, chosen]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    warning = "transport: fast connections do not survive a fork; this process uses the default ones"
    assert done.stderr.splitlines() == ([warning] if chosen else [])
    first, child, last = noting.peers
    assert child not in (first, last)
    assert kind == "async" or first == last


@pytest.mark.parametrize(("chosen", "max_connections"), [(None, None), (None, 1), ("fast", None)])
def test_an_event_loop_may_end_before_its_transport(
    chosen: str | None, max_connections: int | None, service: Service
) -> None:
    """The next one opens connections of its own, and closes those of the first."""
    before = open_descriptors()
    transport = make(chosen, max_connections=max_connections)

    async def three() -> None:
        await asyncio.gather(*(transport.send(service.url, REQUEST, 60) for _ in range(3)))

    for _ in range(3):
        asyncio.run(three())
    asyncio.run(transport.aclose())
    service.__exit__()
    assert service.requests == 9
    assert chosen or open_descriptors() <= before


def test_two_event_loops_may_share_a_transport() -> None:
    """Each opens connections of its own."""
    transport, paths = make(), [f"/{number}" for number in range(100)]

    async def calls() -> list[str]:
        answers = await asyncio.gather(*(transport.send(service.url, Request("GET", path), 60) for path in paths))
        return [each.body.decode() for each in answers]

    with Service(early=True) as service, ThreadPoolExecutor(2) as pool:
        service.act = echo
        for running in [pool.submit(asyncio.run, calls()) for _ in range(4)]:
            assert running.result() == paths
        asyncio.run(transport.aclose())


def test_closing_needs_no_event_loop_of_its_own(service: Service) -> None:
    """A call that a closed loop has left behind holds no descriptor."""
    before = open_descriptors()
    transport, service.act = make(), silent()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        task = loop.create_task(transport.send(service.url, REQUEST, None))
        assert runner.run(asyncio.to_thread(service.has_read, 1))
        assert not task.done()
    service.__exit__()
    assert open_descriptors() <= before


@pytest.mark.parametrize("chosen", [None, "fast"])
def test_without_asyncio_one_line_says_so(chosen: str | None) -> None:
    """As under trio."""
    call: Coroutine[Any, Any, Any] = make(chosen).send("http://a", REQUEST, 1)
    with pytest.raises(InvalidRequest, match=r"^transport: needs asyncio: under trio, call a sync client in a worker"):
        call.send(None)


def test_only_what_is_needed_is_imported() -> None:
    """A sync client does without asyncio, and neither needs httpx or pyreqwest."""
    program = """
import sys
import liveperson_engagement.transports as transports
before = set(sys.modules)
transports.make_transport(None, asynchronous=False, proxy=None, ssl_context=None, max_connections=None)
print({"asyncio", "httpx", "pyreqwest"} & (set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
