"""What every transport promises, over real sockets; what it makes of bad answers is in test_faults.py."""

import asyncio
import os
import random
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from conftest import Clock
from faults_service import GOOD, GOOD_BODY, WHOLE, Act, Service, Wire, head, says
from liveperson_engagement.errors import InvalidRequest
from liveperson_engagement.transports import NoResponse, fast
from liveperson_engagement_api.http import Headers, Request
from senders import ANSWERED, LATE, LATE_UNSENT, REQUEST, TIMEOUTS, Connect, make, outcome
from waiting import until

pytestmark = pytest.mark.backends
default_transport = pytest.mark.backends("sync", "async")
either = pytest.mark.parametrize("chosen", [None, "fast"])


def echo(together: int = 1) -> Act:
    """Answer with the path that was asked for, as soon as so many requests have come, on a service that is `early`."""
    barrier = threading.Barrier(together)

    def act(wire: Wire) -> bool:
        if not (request := wire.recv(65536)):
            return False
        barrier.wait(60)
        path = request.split()[1]
        wire.sendall(head(200, f"Content-Length: {len(path)}") + path)
        return True

    return act


def open_descriptors() -> int:
    """Count what this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_an_answer_has_status_headers_and_body(connect: Connect, service: Service) -> None:
    """Interim answers are skipped; headers of one name are joined, and one that is no text spoils no others."""
    interim = head(100) + head(102) + head(103, "Link: x")
    service.act = says(interim + head(404, "Content-Length: 2", "Via: tea", "Via: pot", "X: \xff\xfe") + b"{}")
    response = connect().send(service.url)
    assert (response.status, response.headers["VIA"], response.body) == (404, "tea, pot", b"{}")
    assert response.headers["content-length"] == "2"


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("GET", b"{}"), ("POST", b""), ("POST", b"{}")])
def test_a_request_is_sent_as_it_is(connect: Connect, service: Service, method: str, body: bytes | None) -> None:
    """Behind the base URL's own path, with Host and the body's length."""
    request = Request(method, "/a%2Fb", "v=1.0&c=%20", Headers([("X-One", "1")]), body)
    connect().send(f"{service.url}/prefix", request)
    first, *fields = service.request.removesuffix(body or b"").decode().lower().split("\r\n")
    assert first == f"{method} /prefix/a%2fb?v=1.0&c=%20 http/1.1".lower()
    assert {f"host: 127.0.0.1:{service.port}", "x-one: 1"} <= set(fields)
    length = [field for field in fields if field.startswith("content-length")]
    assert length == ([f"content-length: {len(body or b'')}"] if body or method == "POST" else [])


def test_a_service_that_does_not_read_ends_with_the_timeout(connect: Connect) -> None:
    """A large body fills what lies between."""
    over, large, sender = threading.Event(), REQUEST._replace(body=b" " * 30_000_000), connect()
    with Service(early=True) as service:
        service.act = lambda _: not over.wait(60)
        assert LATE in (sender.outcome(service.url, large, timeout) for timeout in TIMEOUTS)
        over.set()


def test_a_connection_is_used_again(connect: Connect, service: Service) -> None:
    """By one call after the other, unless the service says that it closes it."""
    sender = connect()
    for _ in range(5):
        sender.send(service.url)
    assert len(set(service.peers)) == 1
    service.act = says(head(200, WHOLE, "Connection: close") + GOOD_BODY)
    sender.send(service.url)
    sender.send(service.url)
    assert len(set(service.peers)) == 2


@default_transport
@pytest.mark.parametrize("late", [b"", head(408) + b"secret"])
def test_an_idle_connection_is_looked_at(connect: Connect, service: Service, late: bytes) -> None:
    """One that was closed, or on which something came, is not used again."""
    sent = threading.Event()

    def act(wire: Wire) -> bool:
        GOOD(wire)
        wire.sendall(late) if late else wire.shutdown(socket.SHUT_RDWR)
        sent.set()
        return bool(late)

    service.act, sender = act, connect()
    for _ in range(3):
        assert sender.outcome(service.url) == ANSWERED
        assert sent.wait(60)
        sent.clear()
    assert len(set(service.peers)) == 3


@default_transport
def test_idle_connections_are_given_up(
    connect: Connect, service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five seconds, those of a burst beside one in use as well: a balancer forgets them without a word."""
    for module in ("sockets", "_conversations"):
        monkeypatch.setattr(f"liveperson_engagement.transports.{module}.time", Mock(monotonic=clock))
    burst, sender = threading.Barrier(30), connect()
    service.act = lambda wire: burst.wait(60) >= 0 and GOOD(wire)
    for call in [sender.submit(service.url) for _ in range(30)]:
        call.result()
    service.act = None
    for _ in range(3):
        clock.now += 2
        sender.send(service.url)
    assert service.wait_for(lambda: len(service.wires) == 1)
    for seconds in (4.9, 5.1):
        clock.now += seconds
        sender.send(service.url)
    assert (len(set(service.peers[:-1])), len(set(service.peers))) == (30, 31)


@pytest.mark.backends("sync fast", "async fast")
def test_idle_connections_of_reqwest_are_given_up(
    connect: Connect, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told the same number."""
    assert vars(fast)["IDLE_SECONDS"] == 5.0
    monkeypatch.setattr(fast, "IDLE_SECONDS", 0.001)
    sender = connect()
    until(lambda: sender.send(service.url) and len(set(service.peers)) == 3)


def test_threads_or_tasks_get_their_own_answers(connect: Connect) -> None:
    """However many share a transport: none waits for another, since connections have no limit of their own."""
    paths = [f"/{number}" for number in range(260)]
    with Service(early=True) as service:
        service.act, sender = echo(len(paths)), connect()
        calls = [sender.submit(service.url, Request("GET", path)) for path in paths]
        assert [call.result().body.decode() for call in calls] == paths


@pytest.mark.parametrize(("chosen", "limits"), [(None, (None, 20)), ("fast", (None,))])
def test_2000_cancellations_lose_no_descriptor(service: Service, chosen: str | None, limits: Any) -> None:
    """At whatever await they come; one that comes at the same time as the answer counts, which pyreqwest would drop."""
    chance, before = random.Random(7), open_descriptors()  # noqa: S311 - no secret

    async def call(transport: Any, number: int) -> object:
        host = chance.choice(("localhost", "127.0.0.1"))
        task = asyncio.ensure_future(transport.send(f"http://{host}:{service.port}", REQUEST, 60))
        asked = False
        if number % 11:  # the others are answered however busy the machine is
            turns, pause = chance.randrange(9), chance.choice((0, 0.005, 0.05)) * chance.random()
            for seconds in [0] * turns + [pause] * (pause > 0):  # some are cancelled before they begin
                await asyncio.sleep(seconds)
            asked = task.cancel()
        await asyncio.wait([task])
        return "cancelled" if task.cancelled() else "dropped" if asked else task.result().status

    async def storm(limit: int | None) -> None:
        transport = make(chosen, max_connections=limit)
        for _ in range(5):
            outcomes = await asyncio.gather(*(call(transport, number) for number in range(220)))
            assert set(outcomes) == {"cancelled", 200}
        await transport.aclose()

    for limit in limits:
        asyncio.run(storm(limit))
    service.__exit__()
    assert chosen or open_descriptors() <= before


def test_fast_copies_share_connections(service: Service) -> None:
    """Whatever timeout each of them has."""
    transport = make("fast", asynchronous=False)
    for number in range(40):
        transport.send(service.url, REQUEST, 10 + number)
    assert len(set(service.peers)) == 1
    for timeout in (None, 0.001, 1e-9, 1e12, *(0.3 + number / 8 for number in range(90))):
        with suppress(NoResponse):
            transport.send(service.url, REQUEST, timeout)
    transport.close()
    assert len(set(service.peers)) <= 10


@default_transport
def test_max_connections_limits_them(connect: Connect, service: Service) -> None:
    """To wait for one is not to send: it ends with the timeout, and gives no place away."""
    over, sender = threading.Event(), connect(max_connections=2)
    service.act = lambda wire: over.wait(60) and GOOD(wire)
    first = [sender.submit(service.url) for _ in range(2)]
    assert service.wait_for(lambda: service.requests == 2)
    late = [sender.submit(service.url, timeout=0.05) for _ in range(3)]
    assert [outcome(call) for call in late] == [LATE_UNSENT] * 3
    waiting = [sender.submit(service.url) for _ in range(3)]
    assert service.requests == 2
    over.set()
    assert [outcome(call) for call in [*first, *waiting]] == [ANSWERED] * 5
    assert (service.requests, len(set(service.peers))) == (5, 2)


@default_transport
def test_a_name_server_that_never_answers(connect: Connect, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with the timeout; many attempts wait for one lookup, and once it ends all is well."""
    over, found = threading.Event(), socket.getaddrinfo("127.0.0.1", service.port, type=socket.SOCK_STREAM)
    stuck = Mock(side_effect=lambda *_, **__: over.wait(60) and found)  # pyright: ignore
    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    sender, base_url = connect(), f"http://localhost:{service.port}"
    late = [sender.submit(base_url, timeout=0.05) for _ in range(3)]
    assert [outcome(call) for call in late] == [LATE_UNSENT] * 3
    until(lambda: stuck.call_count == 1)
    over.set()
    assert sender.outcome(base_url) == ANSWERED


@default_transport
def test_addresses_that_swallow_packets_share_the_time(
    connect: Connect, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six of them end with the timeout; behind one that refuses and one that is deaf, the third answers."""
    with ExitStack() as stack:
        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0)).getsockname()
        for _ in range(8):  # they fill its queue: what comes is swallowed, as by a firewall
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(deaf)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            refusing = listener.getsockname()
        names = {"deaf.test": [deaf] * 6, "third.test": [refusing, deaf, ("127.0.0.1", service.port)]}

        def resolve(name: str, *_: Any, **__: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in names[name]]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        sender = connect()
        assert sender.outcome("http://deaf.test", timeout=0.1) == LATE_UNSENT
        assert sender.outcome("http://third.test", timeout=1e-9) == LATE_UNSENT
        assert ANSWERED in (sender.outcome("http://third.test", timeout=timeout) for timeout in TIMEOUTS)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("asynchronous", [False, True])
@either
def test_a_forked_child_has_its_own_connections(
    chosen: str | None, asynchronous: bool, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """Its parent goes on as before; reqwest does not survive a fork, so that the default transport takes its place."""
    transport = make(chosen, asynchronous=asynchronous, max_connections=None if chosen else 1)

    def call() -> int:
        result = transport.send(service.url, REQUEST, 60)
        status: int = (asyncio.run(result) if asynchronous else result).status
        return status

    assert call() == 200
    if not (child := os.fork()):
        warning = ["transport: fast connections do not survive a fork; this process uses the default ones"]
        os._exit(0 if call() == 200 and caplog.messages == (warning if chosen else []) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert call() == 200
    first, other, last = service.peers
    assert other not in (first, last)
    assert asynchronous or first == last
    asyncio.run(transport.aclose()) if asynchronous else transport.close()


@pytest.mark.parametrize(("chosen", "max_connections"), [(None, None), (None, 1), ("fast", None)])
def test_event_loops_may_share_a_transport(chosen: str | None, max_connections: int | None) -> None:
    """Two at once, and one after the other has ended: each opens connections of its own, and gets its own answers."""
    before = open_descriptors()
    transport, paths = make(chosen, max_connections=max_connections), [f"/{number}" for number in range(50)]

    async def calls() -> list[str]:
        answers = await asyncio.gather(*(transport.send(service.url, Request("GET", path), 60) for path in paths))
        return [each.body.decode() for each in answers]

    with Service(early=True) as service, ThreadPoolExecutor(2) as pool:
        service.act = echo()
        assert list(pool.map(asyncio.run, [calls() for _ in range(4)])) == [paths] * 4
        asyncio.run(transport.aclose())
    assert chosen or open_descriptors() <= before


@either
def test_without_asyncio_one_line_says_so(chosen: str | None) -> None:
    """As under trio."""
    call: Coroutine[Any, Any, Any] = make(chosen).send("http://a", REQUEST, 1)
    with pytest.raises(InvalidRequest, match=r"^transport: needs asyncio: under trio, call a sync client in a worker"):
        call.send(None)
