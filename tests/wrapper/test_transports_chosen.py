"""What a client's options may choose, and transports of httpx that a caller hands in."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
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

both = pytest.mark.backends("sync", "async")
Connect = Callable[..., Sender]
NEEDS = "needs the default transport: leave out transport='fast'"
HANDED_IN = "is for the default transport: configure the one that you hand in instead"
MUST_BE = "transport: must be 'fast', a Transport or an httpx.BaseTransport, not"
ASYNC_MUST_BE = "transport: must be 'fast', an AsyncTransport or an httpx.AsyncBaseTransport, not"
WHOLE_NUMBER = "max_connections: must be a whole number from 1"
NO_PROXY = "proxy: must be the URL of an http, https or socks5 proxy, such as http://host:8080"
SECURE = "https://shop.test"


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


@pytest.mark.parametrize(
    ("asynchronous", "chosen", "options", "line"),
    [
        (False, "slow", {}, f"{MUST_BE} str"),
        (False, httpx.Client, {}, f"{MUST_BE} type"),
        (False, AsyncOwn(), {}, f"{MUST_BE} AsyncOwn"),
        (False, httpx.AsyncHTTPTransport(), {}, f"{MUST_BE} AsyncHTTPTransport"),
        (True, httpx.HTTPTransport(), {}, f"{ASYNC_MUST_BE} HTTPTransport"),
        (True, Own(), {}, f"{ASYNC_MUST_BE} Own"),
        (False, "fast", {"max_connections": 5}, f"max_connections: {NEEDS}"),
        (True, "fast", {"ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}, f"ssl_context: {NEEDS}"),
        (False, Own(), {"proxy": "http://a"}, f"proxy: {HANDED_IN}"),
        (True, AsyncOwn(), {"max_connections": 5}, f"max_connections: {HANDED_IN}"),
        (False, httpx.HTTPTransport(), {"proxy": "http://a"}, f"proxy: {HANDED_IN}"),
        (False, None, {"max_connections": 0}, WHOLE_NUMBER),
        (True, None, {"max_connections": True}, WHOLE_NUMBER),
        (True, None, {"max_connections": 1.5}, WHOLE_NUMBER),
        (False, None, {"proxy": 5}, NO_PROXY),
        (False, None, {"ssl_context": "a.pem"}, "ssl_context: must be an ssl.SSLContext"),
    ],
)
def test_what_cannot_be_chosen_is_refused(asynchronous: Any, chosen: Any, options: dict[str, Any], line: str) -> None:
    """At once, by the option's name."""
    with pytest.raises(InvalidRequest) as raised:
        make(chosen, asynchronous=asynchronous, **options)
    assert str(raised.value) == line


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
def test_a_transport_of_httpx_gets_the_request(connect: Connect, timeout: float | None) -> None:
    """With time limits, of which connecting has the shortest; it is closed with the client."""
    handed = Handed(Chunks(iter([b"ab", b"c"])), {"X-One": "1"})
    sender = connect(chosen=handed)
    response = sender.send(f"{SECURE}/prefix", timeout=timeout)
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
def test_httpxs_own_transport_works(connect: Connect, backend_name: str) -> None:
    """Over a real socket, the connection kept."""
    verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    own = httpx.HTTPTransport if backend_name == "sync" else httpx.AsyncHTTPTransport
    sender = connect(chosen=own(verify=verify))
    with Service() as service:
        assert [sender.send(service.url).status for _ in range(3)] == [200] * 3
    with pytest.raises(NoResponse):
        sender.send(service.url)


@both
@pytest.mark.parametrize("read", [True, False])
def test_a_packed_answer_is_decompressed_once(connect: Connect, *, read: bool) -> None:
    """Whether the transport has read it or not."""
    handed = Handed(Chunks(iter([gzip.compress(b"abc")])), {"Content-Encoding": "gzip"}, read=read)
    response = connect(chosen=handed).send(SECURE)
    assert response.body == b"abc"
    assert "content-encoding" not in response.headers


@both
def test_a_mock_transport_works(connect: Connect) -> None:
    """Its answers are complete from the start."""
    mock = httpx.MockTransport(lambda _: httpx.Response(201, json={}))
    response = connect(chosen=mock).send(SECURE)
    assert (response.status, response.body) == (201, b"{}")


@both
def test_no_transport_is_read_beyond_the_limit(connect: Connect) -> None:
    """Then its answer is closed."""
    stream = Chunks(repeat(b" " * 1000, 50_000))
    with pytest.raises(UnreadableBody, match="is larger than 1,048,576 bytes") as raised:
        connect(chosen=Handed(stream, status=503)).send(SECURE)
    assert raised.value.response.status == 503
    assert stream.closed == 1


@both
@pytest.mark.parametrize("length", [str(MAX_RESPONSE_BYTES + 1), "9" * 18, "9" * 19, "9" * 5000])
def test_an_announced_body_may_be_too_large(connect: Connect, length: str) -> None:
    """However long the number itself is; nothing is read."""
    stream = Chunks(iter([b"abc"]))
    with pytest.raises(UnreadableBody):
        connect(chosen=Handed(stream, {"Content-Length": length})).send(SECURE)
    assert next(stream.chunks) == b"abc"
    assert stream.closed == 1


@pytest.mark.parametrize("length", [str(MAX_RESPONSE_BYTES), "0", "", "many", "-5"])
def test_what_announces_nothing_is_read(connect: Connect, length: str) -> None:
    """What comes is counted in any case."""
    handed = Handed(Chunks(iter([b"abc"])), {"Content-Length": length})
    assert connect(chosen=handed).send(SECURE).body == b"abc"


@both
def test_no_transport_is_read_beyond_the_timeout(connect: Connect) -> None:
    """As soon as anything comes after that."""
    stream = Chunks(repeat(b" "), gap=0.02)
    with pytest.raises(NoResponse) as raised:
        connect(chosen=Handed(stream, status=503)).send(SECURE, timeout=0.2)
    assert raised.value.reason == "the request took longer than 0.2 seconds"
    assert raised.value.response
    assert raised.value.response.status == 503
    assert stream.closed == 1


@pytest.mark.backends("async")
def test_an_async_transport_that_hangs_is_ended(connect: Connect) -> None:
    """Whatever it makes of its own time limits."""
    with pytest.raises(NoResponse) as raised:
        connect(chosen=Handed(None)).send(SECURE, timeout=0.2)
    assert (raised.value.may_have_arrived, raised.value.timed_out) == (True, True)


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
        (httpx.RemoteProtocolError("illegal: bytearray(b'secret')"), True, False, "RemoteProtocolError illegal"),
        (ConnectionResetError(104, "reset"), True, False, "ConnectionResetError [Errno 104] reset"),
    ],
)
@both
def test_errors_of_httpx_say_what_arrived(
    connect: Connect, error: Exception, may_have_arrived: bool, timed_out: bool, reason: str
) -> None:
    """The cause is the error, without what it quotes."""
    with pytest.raises(NoResponse) as raised:
        connect(chosen=Handed(error)).send(SECURE)
    failure = raised.value
    assert (failure.may_have_arrived, failure.timed_out) == (may_have_arrived, timed_out)
    assert failure.reason.startswith(reason)
    assert type(failure.__cause__) is type(error)
    assert "secret" not in str(failure.__cause__)


@both
def test_a_switched_protocol_is_no_answer(connect: Connect) -> None:
    """Whatever the transport makes of it."""
    with pytest.raises(NoResponse) as raised:
        connect(chosen=Handed(Chunks(iter([])), status=101)).send(SECURE)
    assert raised.value.may_have_arrived
