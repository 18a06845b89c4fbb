"""What a client's options may choose, and transports of httpx that a caller hands in."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from itertools import repeat
from typing import Any

import httpx
import pytest

from faults_service import Service
from liveperson_engagement.errors import InvalidRequest
from liveperson_engagement.transports import (
    MAX_RESPONSE_BYTES,
    AsyncTransport,
    NoResponse,
    Transport,
    UnreadableBody,
)
from liveperson_engagement_api.http import Request, Response
from senders import Sender, make

both = pytest.mark.parametrize("name", ["sync", "async"])
NEEDS = "needs the default transport: leave out transport='fast'"
HANDED_IN = "is for the default transport: configure the one that you hand in instead"


class Own(Transport):
    """A transport that a caller wrote."""

    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Answer."""
        return Response(200, body=f"{base_url}{request.target} {timeout}".encode())

    def close(self) -> None:
        """Do nothing."""


class AsyncOwn(AsyncTransport):
    """The same for asyncio."""

    async def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Answer."""
        return Response(200, body=f"{base_url}{request.target} {timeout}".encode())

    async def aclose(self) -> None:
        """Do nothing."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close what a test opens."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize(
    ("asynchronous", "chosen", "options", "line"),
    [
        (False, "slow", {}, "transport: must be 'fast', a Transport or an httpx.BaseTransport, not str"),
        (False, httpx.Client, {}, "transport: must be 'fast', a Transport or an httpx.BaseTransport, not type"),
        (False, AsyncOwn(), {}, "transport: must be 'fast', a Transport or an httpx.BaseTransport, not AsyncOwn"),
        (
            False,
            httpx.AsyncHTTPTransport(),
            {},
            "transport: must be 'fast', a Transport or an httpx.BaseTransport, not AsyncHTTPTransport",
        ),
        (
            True,
            httpx.HTTPTransport(),
            {},
            "transport: must be 'fast', an AsyncTransport or an httpx.AsyncBaseTransport, not HTTPTransport",
        ),
        (True, Own(), {}, "transport: must be 'fast', an AsyncTransport or an httpx.AsyncBaseTransport, not Own"),
        (False, "fast", {"max_connections": 5}, f"max_connections: {NEEDS}"),
        (True, "fast", {"ssl_context": ssl.create_default_context()}, f"ssl_context: {NEEDS}"),
        (False, Own(), {"proxy": "http://a"}, f"proxy: {HANDED_IN}"),
        (True, AsyncOwn(), {"max_connections": 5}, f"max_connections: {HANDED_IN}"),
        (False, httpx.HTTPTransport(), {"proxy": "http://a"}, f"proxy: {HANDED_IN}"),
        (False, None, {"max_connections": 0}, "max_connections: must be a whole number from 1"),
        (True, None, {"max_connections": True}, "max_connections: must be a whole number from 1"),
        (True, None, {"max_connections": 1.5}, "max_connections: must be a whole number from 1"),
        (
            False,
            None,
            {"proxy": 5},
            "proxy: must be the URL of an http, https or socks5 proxy, such as http://host:8080",
        ),
        (False, None, {"ssl_context": "a.pem"}, "ssl_context: must be an ssl.SSLContext"),
    ],
)
def test_what_cannot_be_chosen_is_refused(asynchronous: Any, chosen: Any, options: dict[str, Any], line: str) -> None:
    """At once, by the option's name."""
    with pytest.raises(InvalidRequest) as raised:
        make(chosen, asynchronous=asynchronous, **options)
    assert str(raised.value) == line


def test_a_client_of_httpx_is_no_transport() -> None:
    """One line says what would be."""
    with httpx.Client() as client, pytest.raises(InvalidRequest, match=r"not Client$"):
        make(client, asynchronous=False)


def test_an_own_transport_is_used_as_it_is() -> None:
    """Nothing is put around it."""
    own, async_own = Own(), AsyncOwn()
    assert make(own, asynchronous=False) is own
    assert make(async_own) is async_own


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in chunks, one every so often."""

    def __init__(self, chunks: Iterator[bytes], gap: float = 0) -> None:
        self.chunks, self._gap = chunks, gap
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            time.sleep(self._gap)
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            await asyncio.sleep(self._gap)
            yield chunk

    def close(self) -> None:
        """Count."""
        self.closed += 1

    async def aclose(self) -> None:
        """Count."""
        self.close()


class Handed(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport of httpx's kind that answers, or raises, what it was told."""

    def __init__(
        self, outcome: Any, headers: dict[str, str] | None = None, *, read: bool = False, status: int = 200
    ) -> None:
        self._outcome, self._read, self._status, self._headers = outcome, read, status, headers
        self.requests: list[httpx.Request] = []
        self.closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self.requests.append(request)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        response = httpx.Response(self._status, headers=self._headers, stream=self._outcome, request=request)
        if self._read:
            response.read()
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or do not."""
        if self._outcome is None:
            await asyncio.sleep(60)
        return self.handle_request(request)

    def close(self) -> None:
        """Note it."""
        self.closed = True

    async def aclose(self) -> None:
        """Note it."""
        self.close()


@both
@pytest.mark.parametrize("timeout", [None, 10])
def test_a_transport_of_httpx_gets_the_request(name: str, timeout: float | None, stack: ExitStack) -> None:
    """With time limits, of which connecting has the shortest; it is closed with the client."""
    handed = Handed(Chunks(iter([b"ab", b"c"])), {"X-One": "1"})
    sender = Sender(name, stack, chosen=handed)
    response = sender.send("https://shop.test/prefix", timeout=timeout)
    assert (response.status, response.body, response.headers["x-one"]) == (200, b"abc", "1")
    [request] = handed.requests
    assert (request.method, str(request.url)) == ("POST", "https://shop.test/prefix/visitors/?v=1.0")
    assert request.headers["accept-encoding"] == "gzip, deflate"
    assert (request.headers["host"], request.headers["content-length"], request.content) == ("shop.test", "2", b"{}")
    early = 0.8 * timeout if timeout else None
    assert request.extensions["timeout"] == {"connect": early, "pool": early, "read": timeout, "write": timeout}
    sender.close()
    assert handed.closed


@both
def test_httpxs_own_transport_works(name: str, stack: ExitStack) -> None:
    """Over a real socket, the connection kept."""
    service = stack.enter_context(Service())
    chosen = httpx.HTTPTransport() if name == "sync" else httpx.AsyncHTTPTransport()
    sender = Sender(name, stack, chosen=chosen)
    assert [sender.send(f"http://127.0.0.1:{service.port}").status for _ in range(3)] == [200] * 3
    service.__exit__()
    with pytest.raises(NoResponse):
        sender.send(f"http://127.0.0.1:{service.port}")


@both
@pytest.mark.parametrize("read", [True, False])
def test_a_packed_answer_is_decompressed_once(name: str, *, read: bool, stack: ExitStack) -> None:
    """Whether the transport has read it or not."""
    stream = Chunks(iter([gzip.compress(b"abc")]))
    handed = Handed(stream, {"Content-Encoding": "gzip"}, read=read)
    response = Sender(name, stack, chosen=handed).send("https://shop.test")
    assert response.body == b"abc"
    assert "content-encoding" not in response.headers


@both
def test_a_mock_transport_works(name: str, stack: ExitStack) -> None:
    """Its answers are complete from the start."""
    mock = httpx.MockTransport(lambda _: httpx.Response(201, json={}))
    response = Sender(name, stack, chosen=mock).send("https://shop.test")
    assert (response.status, response.body) == (201, b"{}")


@both
def test_no_transport_is_read_beyond_the_limit(name: str, stack: ExitStack) -> None:
    """Then its answer is closed."""
    stream = Chunks(repeat(b" " * 1000, 50_000))
    with pytest.raises(UnreadableBody, match="is larger than 1,048,576 bytes") as raised:
        Sender(name, stack, chosen=Handed(stream, status=503)).send("https://shop.test")
    assert raised.value.response.status == 503
    assert stream.closed == 1


@both
@pytest.mark.parametrize("length", [str(MAX_RESPONSE_BYTES + 1), "9" * 18, "9" * 19, "9" * 5000])
def test_an_announced_body_may_be_too_large(name: str, length: str, stack: ExitStack) -> None:
    """However long the number itself is; nothing is read."""
    stream = Chunks(iter([b"abc"]))
    with pytest.raises(UnreadableBody):
        Sender(name, stack, chosen=Handed(stream, {"Content-Length": length})).send("https://shop.test")
    assert next(stream.chunks) == b"abc"
    assert stream.closed == 1


@both
@pytest.mark.parametrize("length", [str(MAX_RESPONSE_BYTES), "0", "", "many", "-5"])
def test_what_announces_nothing_is_read(name: str, length: str, stack: ExitStack) -> None:
    """What comes is counted in any case."""
    handed = Handed(Chunks(iter([b"abc"])), {"Content-Length": length})
    assert Sender(name, stack, chosen=handed).send("https://shop.test").body == b"abc"


@both
def test_no_transport_is_read_beyond_the_timeout(name: str, stack: ExitStack) -> None:
    """As soon as anything comes after that."""
    stream, started = Chunks(repeat(b" ", 500), gap=0.02), time.monotonic()
    with pytest.raises(NoResponse) as raised:
        Sender(name, stack, chosen=Handed(stream, status=503)).send("https://shop.test", timeout=0.2)
    assert time.monotonic() - started < 3
    assert raised.value.reason == "the request took longer than 0.2 seconds"
    assert raised.value.response
    assert raised.value.response.status == 503
    assert stream.closed == 1


def test_an_async_transport_that_hangs_is_ended(stack: ExitStack) -> None:
    """Whatever it makes of its own time limits."""
    with pytest.raises(NoResponse) as raised:
        Sender("async", stack, chosen=Handed(None)).send("https://shop.test", timeout=0.2)
    assert (raised.value.may_have_arrived, raised.value.timed_out) == (True, True)


@both
@pytest.mark.parametrize(
    ("error", "may_have_arrived", "timed_out", "reason"),
    [
        (
            httpx.ConnectError("[Errno 111] Connection refused"),
            False,
            False,
            "no connection to the host (ConnectError [Errno 111] Connection refused): check host and port",
        ),
        (
            httpx.ConnectTimeout("too\nlate"),
            False,
            True,
            "no connection to the host (ConnectTimeout too late): check host",
        ),
        (httpx.PoolTimeout(""), False, True, "PoolTimeout"),
        (httpx.ProxyError("407"), False, False, "no connection through the proxy (ProxyError 407): check its address"),
        (httpx.UnsupportedProtocol("no"), False, False, "UnsupportedProtocol no"),
        (httpx.LocalProtocolError("no"), False, False, "LocalProtocolError no"),
        (httpx.ReadTimeout(""), True, True, "ReadTimeout"),
        (httpx.WriteTimeout(""), True, True, "WriteTimeout"),
        (httpx.ReadError("reset"), True, False, "ReadError reset"),
        (
            httpx.RemoteProtocolError("illegal status line: bytearray(b'secret')"),
            True,
            False,
            "RemoteProtocolError illegal status line",
        ),
        (ConnectionResetError(104, "reset"), True, False, "ConnectionResetError [Errno 104] reset"),
    ],
)
def test_errors_of_httpx_say_what_arrived(
    name: str, error: Exception, may_have_arrived: bool, timed_out: bool, reason: str, stack: ExitStack
) -> None:
    """The cause is the error, without what it quotes."""
    with pytest.raises(NoResponse) as raised:
        Sender(name, stack, chosen=Handed(error)).send("https://shop.test")
    failure = raised.value
    assert (failure.may_have_arrived, failure.timed_out) == (may_have_arrived, timed_out)
    assert failure.reason.startswith(reason)
    assert type(failure.__cause__) is type(error)
    assert "secret" not in str(failure.__cause__)


@both
def test_a_switched_protocol_is_no_answer(name: str, stack: ExitStack) -> None:
    """Whatever the transport makes of it."""
    with pytest.raises(NoResponse) as raised:
        Sender(name, stack, chosen=Handed(Chunks(iter([])), status=101)).send("https://shop.test")
    assert raised.value.may_have_arrived
