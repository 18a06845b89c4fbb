"""What every transport promises, over real sockets: answers, limits, connections, forks, cancellations."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from faults_service import GOOD, SESSION, Act, Service, Wire, answer, drips, endless, head, resets, says, silent
from liveperson_engagement.errors import InvalidRequest
from liveperson_engagement.transports import MAX_RESPONSE_BYTES, NoResponse, UnreadableBody, fast, sockets
from liveperson_engagement_api.http import Headers, Request, Response
from senders import REQUEST, SENDERS, Sender, make

every_transport = pytest.mark.parametrize("name", SENDERS)
default_transport = pytest.mark.parametrize("name", ["sync", "async"])
BODY = json.dumps(SESSION).encode()
WHOLE = f"Content-Length: {len(BODY)}"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close what a test opens."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def service() -> Iterator[Service]:
    """Serve over a bare socket."""
    with Service() as service:
        yield service


def url(service: Service) -> str:
    """Return a service's address."""
    return f"http://127.0.0.1:{service.port}"


def noting(peers: list[Any], act: Act = GOOD) -> Act:
    """Do something, and note the connection that asked for it."""

    def noted(wire: Wire) -> bool | None:
        peers.append(wire.getpeername())
        return act(wire)

    return noted


def failure(sender: Sender, base_url: str, timeout: float | None = 30) -> NoResponse:
    """Send a request that gets no complete answer."""
    with pytest.raises(NoResponse) as raised:
        sender.send(base_url, timeout=timeout)
    return raised.value


class Echo(BaseHTTPRequestHandler):
    """Answers with the path that was asked for, after the seconds that its first part names."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        time.sleep(float(self.path.split("/")[1]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.path)))
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def echo() -> Iterator[str]:
    """Serve `Echo`."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 512
        block_on_close = False

    with Server(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def get(path: str) -> Request:
    """Make a request without a body."""
    return Request("GET", path)


def open_descriptors() -> int:
    """Count what this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@every_transport
def test_an_answer_has_status_headers_and_body(name: str, service: Service, stack: ExitStack) -> None:
    """Several headers of one name are joined; one that is no text does not spoil the others."""
    service.act = answer(404, b"{}", "Via: tea", "Via: pot", "X: \xff\xfe")
    response = Sender(name, stack).send(url(service))
    assert (response.status, response.headers["VIA"], response.body) == (404, "tea, pot", b"{}")
    assert response.headers["content-length"] == "2"


@every_transport
@pytest.mark.parametrize("body", [None, b"", b"{}"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_is_sent_as_it_is(name: str, method: str, body: bytes | None, stack: ExitStack) -> None:
    """Behind the base URL's own path, with Host and the body's length."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            wire, _ = listener.accept()
            with wire:
                received.append(wire.recv(65536))
                time.sleep(0.05)
                wire.setblocking(False)
                with suppress(BlockingIOError):
                    received.append(wire.recv(65536))
                wire.sendall(head(200, "Content-Length: 0", "Connection: close"))

        thread = threading.Thread(target=serve)
        thread.start()
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        request = Request(method, "/a%2Fb", "v=1.0&c=%20", Headers([("X-One", "1")]), body)
        Sender(name, stack).send(f"http://{host}/prefix", request)
        thread.join()
    first, *fields = b"".join(received).removesuffix(body or b"").decode().lower().split("\r\n")
    assert first == f"{method} /prefix/a%2fb?v=1.0&c=%20 http/1.1".lower()
    assert {f"host: {host}", "x-one: 1"} <= set(fields)
    length = [field for field in fields if field.startswith("content-length")]
    assert length == ([f"content-length: {len(body or b'')}"] if body or method == "POST" else [])


@every_transport
@pytest.mark.parametrize(
    ("begin", "status"),
    [
        (head(100) + head(102) + head(103, "Link: x"), 200),
        (b"", 200),
    ],
)
def test_interim_answers_are_skipped(name: str, begin: bytes, status: int, service: Service, stack: ExitStack) -> None:
    """Any 1xx but 101."""
    service.act = says(begin + head(200, WHOLE) + BODY, keep=True)
    assert Sender(name, stack).send(url(service)).status == status


@every_transport
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(name: str, status: int, service: Service, stack: ExitStack) -> None:
    """They are answers like others; nor are cookies kept."""
    service.act = answer(status, b"", "Location: /else", "Set-Cookie: a=b")
    assert Sender(name, stack).send(url(service)).status == status
    assert service.requests == 1


NO_ANSWERS: dict[str, Act] = {
    "switches the protocol": says(head(101, "Connection: upgrade", "Upgrade: x")),
    "is not HTTP": says(b"SSH-2.0-secret\r\n\r\n"),
    "closes": says(),
    "closes within the head": says(b"HTTP/1.1 200 OK\r\nX: secret"),
    "resets": resets(),
    "resets within the head": resets(b"HTTP/1.1 20"),
    "has two lengths": says(head(200, WHOLE, "Content-Length: 5") + BODY),
    "has a header of 1 MB": says(head(200, f"X: {'x' * 2**20}")),
    "has a line without a colon": says(head(200, "secret") + BODY),
}
CUT_BODIES: dict[str, Act] = {
    "closes within the body": says(head(503, "Retry-After: 3", WHOLE) + BODY[:9]),
    "resets within the body": resets(head(503, "Retry-After: 3", WHOLE) + BODY[:9]),
    "has broken chunks": says(head(503, "Retry-After: 3", "Transfer-Encoding: chunked") + b"secret\r\n"),
}


@every_transport
@pytest.mark.parametrize("kind", NO_ANSWERS)
def test_no_answer_may_have_arrived(name: str, kind: str, service: Service, stack: ExitStack) -> None:
    """The reason is one line, and quotes nothing that came; the next request is sent on another connection."""
    sender = Sender(name, stack)
    sender.send(url(service))
    service.act = NO_ANSWERS[kind]
    error = failure(sender, url(service))
    assert (error.may_have_arrived, error.timed_out, error.response) == (True, False, None)
    assert error.reason.isprintable()
    assert error.__cause__
    assert "secret" not in f"{error} {error.__cause__} {error.__cause__!r}"
    assert "http://" not in f"{error} {error.__cause__} {error.__cause__!r}"
    service.act = None
    assert sender.send(url(service)).body == BODY


@every_transport
@pytest.mark.parametrize("kind", CUT_BODIES)
def test_a_cut_body_leaves_status_and_headers(name: str, kind: str, service: Service, stack: ExitStack) -> None:
    """So that a 503 is tried again like any other."""
    service.act = CUT_BODIES[kind]
    error = failure(Sender(name, stack), url(service))
    assert error.may_have_arrived
    assert error.response
    assert (error.response.status, error.response.headers["Retry-After"]) == (503, "3")
    assert "secret" not in f"{error} {error.__cause__}"


@every_transport
def test_a_refused_connection_was_not_sent(name: str, service: Service, stack: ExitStack) -> None:
    """The reason is the operating system's."""
    service.__exit__()
    error = failure(Sender(name, stack), url(service))
    assert (error.may_have_arrived, error.timed_out) == (False, False)
    assert "Connection refused" in error.reason or "Connect call failed" in error.reason


LATE: dict[str, tuple[Act, bool]] = {
    "silence": (silent(), False),
    "silence after the head": (silent(head(200, "Content-Length: 9")), True),
    "a head byte by byte": (drips(b"HTTP/1.1 200 OK\r\n", b"x"), False),
    "a body byte by byte": (drips(head(200, "Content-Length: 1000000")), True),
    "a chunk's first line byte by byte": (drips(head(200, "Transfer-Encoding: chunked") + b"5;", b"x"), True),
    "100 again and again": (drips(b"", head(100)), False),
    "100 as fast as can be": (endless(b"", head(100) * 50), False),
}


@every_transport
@pytest.mark.parametrize("kind", LATE)
def test_an_answer_ends_with_the_timeout(name: str, kind: str, service: Service, stack: ExitStack) -> None:
    """However slowly or busily the other side goes on."""
    sender = Sender(name, stack)
    sender.send(url(service))
    started = time.monotonic()
    service.act, headed = LATE[kind]
    error = failure(sender, url(service), timeout=0.5)
    assert time.monotonic() - started < 60
    assert (error.may_have_arrived, error.timed_out, bool(error.response)) == (True, True, headed)
    if "fast" not in name:
        assert error.reason == "the request took longer than 0.5 seconds"
    service.__exit__()


@every_transport
def test_a_service_that_does_not_read_ends_with_the_timeout(name: str, stack: ExitStack) -> None:
    """A large body fills what lies between."""
    over = threading.Event()
    stack.callback(over.set)
    service = stack.enter_context(Service(early=True))
    service.act = lambda _: not over.wait(20)
    large = REQUEST._replace(body=b" " * 30_000_000)
    with pytest.raises(NoResponse) as raised:
        Sender(name, stack).send(url(service), large, timeout=0.5)
    assert (raised.value.may_have_arrived, raised.value.timed_out) == (True, True)
    over.set()


def packed_without_header(content: bytes) -> bytes:
    """Pack as some servers do: without the header that zlib puts there."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


@every_transport
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", packed_without_header),
        ("identity", bytes),
        ("", bytes),
        ("utf-8", bytes),
    ],
)
def test_a_body_is_decompressed(
    name: str, encoding: str, pack: Callable[[bytes], bytes], service: Service, stack: ExitStack
) -> None:
    """In the ways that were asked for; what is empty is not looked at."""
    service.act = answer(200, pack(BODY), f"Content-Encoding: {encoding}")
    sender = Sender(name, stack)
    response = sender.send(url(service))
    assert response.body == BODY
    assert ("content-encoding" in response.headers) == (pack is bytes)
    service.act = answer(200, b"", f"Content-Encoding: {encoding}")
    assert sender.send(url(service)).body == b""


@every_transport
@pytest.mark.parametrize("packed", [False, True])
def test_a_body_of_a_mebibyte_is_read(name: str, packed: bool, service: Service, stack: ExitStack) -> None:
    """The limit itself is allowed."""
    body = BODY.ljust(MAX_RESPONSE_BYTES)
    service.act = answer(200, gzip.compress(body) if packed else body, *(["Content-Encoding: gzip"] if packed else []))
    assert Sender(name, stack).send(url(service)).body == body


TOO_LARGE = "is larger than 1,048,576 bytes"
MORE = BODY.ljust(MAX_RESPONSE_BYTES + 1)
UNREADABLE: list[tuple[str, str, Act]] = [
    ("one byte more", TOO_LARGE, answer(503, MORE)),
    ("one byte more, packed", TOO_LARGE, answer(503, gzip.compress(MORE), "Content-Encoding: gzip")),
    ("announced, and never sent", TOO_LARGE, silent(head(503, f"Content-Length: {MAX_RESPONSE_BYTES + 1}"))),
    ("without an end", TOO_LARGE, endless(head(503))),
    ("half of gzip", "cannot be decompressed", answer(503, gzip.compress(BODY)[:-9], "Content-Encoding: gzip")),
    ("not packed", "cannot be decompressed", answer(503, BODY, "Content-Encoding: deflate")),
]


@every_transport
@pytest.mark.parametrize(("reason", "act"), [each[1:] for each in UNREADABLE], ids=[each[0] for each in UNREADABLE])
def test_a_body_that_cannot_be_read_has_a_status(
    name: str, reason: str, act: Act, service: Service, stack: ExitStack
) -> None:
    """And the next request goes well."""
    sender, service.act = Sender(name, stack), act
    with pytest.raises(UnreadableBody) as raised:
        sender.send(url(service))
    assert (raised.value.reason, raised.value.response.status) == (reason, 503)
    service.act = None
    assert sender.send(url(service)).status == 200


@every_transport
def test_a_connection_is_used_again(name: str, service: Service, stack: ExitStack) -> None:
    """By one call after the other, unless the service says that it closes it."""
    peers: list[Any] = []
    service.act = noting(peers)
    sender = Sender(name, stack)
    for _ in range(5):
        sender.send(url(service))
    assert len(set(peers)) == 1
    service.act = noting(peers, says(head(200, WHOLE, "Connection: close") + BODY))
    sender.send(url(service))
    service.act = noting(peers)
    sender.send(url(service))
    assert len(set(peers)) == 2


@every_transport
def test_bytes_behind_an_answer_reach_no_other(name: str, service: Service, stack: ExitStack) -> None:
    """The connection is given up."""
    peers: list[Any] = []
    another = head(200, WHOLE) + BODY.replace(b"of-the-shopper", b"of-another-one")
    sender = Sender(name, stack)
    for _ in range(3):
        service.act = noting(peers, says(head(200, WHOLE) + BODY + another, keep=True))
        assert sender.send(url(service)).body == BODY
        time.sleep(0.05)  # reqwest notices in a thread of its own
    assert len(set(peers)) == 3


@default_transport
@pytest.mark.parametrize("late", [b"", head(408) + b"secret"])
def test_an_idle_connection_is_looked_at(name: str, late: bytes, service: Service, stack: ExitStack) -> None:
    """One that was closed, or on which something came, is not used again."""

    def act(wire: Wire) -> bool:
        GOOD(wire)
        time.sleep(0.05)
        wire.sendall(late)
        return bool(late)

    service.act = act
    sender = Sender(name, stack)
    for _ in range(3):
        assert sender.send(url(service)).body == BODY
        time.sleep(0.3)


@every_transport
def test_idle_connections_are_given_up(
    name: str, service: Service, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few seconds, before a balancer forgets them without a word."""
    assert sockets.IDLE_SECONDS == 5.0
    for module in (sockets, fast):
        monkeypatch.setattr(module, "IDLE_SECONDS", 0.2)
    peers: list[Any] = []
    service.act = noting(peers)
    sender = Sender(name, stack)
    for _ in range(3):
        sender.send(url(service))
        time.sleep(0.6)
    assert len(set(peers)) == 3


def test_connections_of_a_burst_are_closed(echo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that nobody has needed for a while, beside one that is in constant use."""

    async def burst() -> None:
        transport = make()
        await asyncio.gather(*(transport.send(echo, get("/0.2"), 30) for _ in range(30)))
        before = open_descriptors()
        monkeypatch.setattr("liveperson_engagement.transports.sockets.IDLE_SECONDS", 0.2)
        for _ in range(5):
            await transport.send(echo, get("/0.1"), 30)
        assert open_descriptors() <= before - 29
        await transport.aclose()

    asyncio.run(burst())


@every_transport
def test_threads_or_tasks_get_their_own_answers(name: str, echo: str, stack: ExitStack) -> None:
    """However many share a transport."""
    sender, paths = Sender(name, stack), [f"/0/{number}" for number in range(200)]
    if name.startswith("async"):

        async def call() -> list[bytes]:
            answers = await asyncio.gather(*(sender.transport.send(echo, get(path), 30) for path in paths))
            return [each.body for each in answers]

        bodies = sender.run(call())
    else:
        with ThreadPoolExecutor(16) as pool:
            bodies = [each.body for each in pool.map(sender.send, [echo] * len(paths), map(get, paths))]
    assert bodies == [path.encode() for path in paths]


@pytest.mark.parametrize("name", ["async", "async fast"])
def test_260_tasks_at_once_are_answered(name: str, echo: str, stack: ExitStack) -> None:
    """None waits for another, since connections have no limit of their own."""
    sender = Sender(name, stack)

    async def call() -> list[int]:
        answers = await asyncio.gather(*(sender.transport.send(echo, get("/1"), 30) for _ in range(260)))
        return [each.status for each in answers]

    assert sender.run(call()) == [200] * 260


def test_cancelled_calls_hold_nothing(echo: str) -> None:
    """300 at once that give up before the answer comes, twice, and then one that does not."""

    async def call() -> None:
        transport = make()

        async def impatient() -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await transport.send(echo, get("/1"), 30)

        for _ in range(2):
            await asyncio.gather(*(impatient() for _ in range(300)))
        assert (await transport.send(echo, get("/0"), 30)).status == 200
        await transport.aclose()

    asyncio.run(call())


@pytest.mark.parametrize("max_connections", [None, 20])
def test_10000_cancellations_lose_no_descriptor(max_connections: int | None) -> None:
    """At whatever await they come: the lookup, the connection, writing, reading, waiting for a place."""
    chance = random.Random(7)  # noqa: S311 - no secret

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while await reader.readuntil(b"\r\n\r\n"):
                if chance.random() < 0.2:
                    await asyncio.sleep(0.001)
                writer.write(head(200, WHOLE) + BODY)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def storm() -> None:
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
        port = server.sockets[0].getsockname()[1]
        transport = make(max_connections=max_connections)
        outcomes: list[Any] = []
        for _ in range(50):
            tasks: list[asyncio.Task[Response]] = []
            for _ in range(200):
                host = chance.choice(("localhost", "127.0.0.1"))
                tasks.append(loop.create_task(transport.send(f"http://{host}:{port}", get("/"), 30)))
                loop.call_later(chance.choice((0, 0.005, 0.05)) * chance.random(), tasks[-1].cancel)
            outcomes += await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each).__name__ for each in outcomes} == {"CancelledError", "Response"}
        assert (await transport.send(f"http://127.0.0.1:{port}", get("/"), 30)).body == BODY
        await transport.aclose()
        server.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)

    before = open_descriptors()
    asyncio.run(storm())
    assert open_descriptors() <= before


@default_transport
def test_waiting_for_a_connection_is_not_sending(name: str, echo: str, stack: ExitStack) -> None:
    """It ends with the timeout, and gives no place away."""
    sender = Sender(name, stack, max_connections=1)

    outcomes: list[Any]

    async def both() -> tuple[Response, list[Any]]:
        first = asyncio.ensure_future(sender.transport.send(echo, get("/2"), 30))
        await asyncio.sleep(0.3)
        late = [sender.transport.send(echo, get("/0"), 0.2) for _ in range(5)]
        outcomes = await asyncio.gather(*late, return_exceptions=True)
        return await first, outcomes

    if name == "async":
        response, outcomes = sender.run(both())
    else:
        with ThreadPoolExecutor(2) as pool:
            waiting = pool.submit(sender.send, echo, get("/2"))
            time.sleep(0.3)
            outcomes = [pool.submit(sender.send, echo, get("/0"), 0.2).exception() for _ in range(2)]
            response = waiting.result()
    assert response.status == 200
    assert {(each.may_have_arrived, each.timed_out) for each in outcomes} == {(False, True)}
    assert sender.send(echo, get("/0")).status == 200


@default_transport
def test_max_connections_limits_them(name: str, echo: str, stack: ExitStack) -> None:
    """The others wait for their turn."""
    sender, started = Sender(name, stack, max_connections=2), time.monotonic()

    async def six() -> list[Any]:
        return await asyncio.gather(*(sender.transport.send(echo, get("/0.2"), 30) for _ in range(6)))

    if name == "async":
        answers = sender.run(six())
    else:
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(sender.send, [echo] * 6, [get("/0.2")] * 6))
    assert len(answers) == 6
    assert time.monotonic() - started > 0.55


@default_transport
def test_a_name_server_that_never_answers(
    name: str, service: Service, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends with the timeout; many attempts wait for one lookup, and once it ends all is well."""
    over, lookup, asked = threading.Event(), socket.getaddrinfo, Mock()

    def stuck(*arguments: Any, **options: Any) -> Any:
        asked()
        over.wait(30)
        return lookup(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    sender, base_url = Sender(name, stack), f"http://localhost:{service.port}"
    for _ in range(3):
        started = time.monotonic()
        error = failure(sender, base_url, timeout=0.3)
        assert time.monotonic() - started < 3
        assert (error.may_have_arrived, error.timed_out) == (False, True)
    assert asked.call_count == 1
    over.set()
    assert sender.send(base_url).status == 200


@default_transport
@pytest.mark.parametrize("problem", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_a_name_that_is_unknown(
    name: str, problem: Exception, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent."""
    monkeypatch.setattr(socket, "getaddrinfo", Mock(side_effect=problem))
    error = failure(Sender(name, stack), "http://shop.test")
    assert not error.may_have_arrived
    assert str(problem) in error.reason


@pytest.fixture
def deaf(stack: ExitStack) -> tuple[str, int]:
    """Listen on an address, and take no more connections: what comes is swallowed, as by a firewall."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    address = listener.getsockname()
    for _ in range(8):
        filler = stack.enter_context(socket.socket())
        filler.setblocking(False)
        filler.connect_ex(address)
    return str(address[0]), int(address[1])


@default_transport
def test_addresses_that_swallow_packets_share_the_time(
    name: str, deaf: tuple[str, int], stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six of them take no longer than one."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", deaf)] * 6
    monkeypatch.setattr(socket, "getaddrinfo", Mock(return_value=found))
    started = time.monotonic()
    error = failure(Sender(name, stack), "http://shop.test", timeout=1)
    assert 0.9 < time.monotonic() - started < 3
    assert (error.may_have_arrived, error.timed_out) == (False, True)


@default_transport
def test_each_address_is_tried(
    name: str, deaf: tuple[str, int], service: Service, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind one that refuses and one that is deaf, the third answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing = listener.getsockname()
    addresses = [refusing, deaf, ("127.0.0.1", service.port)]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", Mock(return_value=found))
    assert Sender(name, stack).send("http://shop.test", timeout=2).status == 200


FORKED = """
import asyncio, os, sys
from liveperson_engagement.transports import make_transport
from liveperson_engagement_api.http import Request
url, kind, chosen = sys.argv[1], sys.argv[2], sys.argv[3] or None
options = {"proxy": None, "ssl_context": None, "max_connections": int(sys.argv[4]) or None}
transport = make_transport(chosen, asynchronous=kind == "async", **options)
def call():
    result = transport.send(url, Request("POST", "/", body=b"{}"), 30)
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


@every_transport
@pytest.mark.parametrize("max_connections", ["0", "1"])
def test_a_forked_child_has_its_own_connections(name: str, max_connections: str, service: Service) -> None:
    """Its parent goes on as before; reqwest does not survive a fork, so that the default transport takes its place."""
    peers: list[Any] = []
    service.act = noting(peers)
    kind, _, chosen = name.partition(" ")
    limit = "0" if chosen else max_connections
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED, url(service), kind, chosen, limit],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    warning = "transport: fast connections do not survive a fork; this process uses the default ones"
    assert done.stderr.splitlines() == ([warning] if chosen else [])
    first, child, last = peers
    assert child not in (first, last)
    assert kind == "async" or first == last


@pytest.mark.parametrize("chosen", [None, "fast"])
@pytest.mark.parametrize("max_connections", [None, 1])
def test_an_event_loop_may_end_before_its_transport(
    chosen: str | None, max_connections: int | None, service: Service
) -> None:
    """The next one opens connections of its own, and closes those of the first."""
    before = open_descriptors()
    transport = make(chosen, max_connections=None if chosen else max_connections)

    async def three() -> None:
        await asyncio.gather(*(transport.send(url(service), REQUEST, 30) for _ in range(3)))

    for _ in range(3):
        asyncio.run(three())
    asyncio.run(transport.aclose())
    service.__exit__()
    assert chosen or open_descriptors() <= before


def test_two_event_loops_may_share_a_transport(echo: str) -> None:
    """Each opens connections of its own."""
    transport = make()

    async def calls() -> list[bytes]:
        answers = await asyncio.gather(*(transport.send(echo, get(f"/0/{number}"), 30) for number in range(100)))
        return [each.body for each in answers]

    with ThreadPoolExecutor(2) as pool:
        for running in [pool.submit(asyncio.run, calls()) for _ in range(4)]:
            assert running.result() == [b"/0/%d" % number for number in range(100)]
    asyncio.run(transport.aclose())


def test_closing_needs_no_event_loop_of_its_own(service: Service) -> None:
    """A call that a closed loop has left behind holds no descriptor."""
    before = open_descriptors()
    transport = make()
    service.act = silent()
    loop = asyncio.new_event_loop()
    task = loop.create_task(transport.send(url(service), REQUEST, None))
    loop.run_until_complete(asyncio.sleep(0.2))
    assert not task.done()
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))
    loop.close()
    service.__exit__()
    assert open_descriptors() <= before


@pytest.mark.parametrize("chosen", [None, "fast"])
def test_without_asyncio_one_line_says_so(chosen: str | None) -> None:
    """As under trio."""
    call: Coroutine[Any, Any, Any] = make(chosen).send("http://a", REQUEST, 1)
    with pytest.raises(InvalidRequest, match=r"^transport: needs asyncio: under trio, call a sync client in a worker"):
        call.send(None)


def test_fast_copies_share_connections(service: Service, stack: ExitStack) -> None:
    """Whatever timeout each of them has."""
    peers: list[Any] = []
    service.act = noting(peers)
    sender = Sender("sync fast", stack)
    for number in range(40):
        sender.send(url(service), timeout=10 + number)
    assert len(set(peers)) == 1
    for timeout in (*repeat(None, 3), 0.001, 1e-9, 1e12, *(0.3 + number / 8 for number in range(90))):
        with suppress(NoResponse):
            sender.send(url(service), timeout=timeout)
    assert len(set(peers)) <= 10


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
