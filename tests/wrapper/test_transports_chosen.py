"""What a client's options may choose, and transports of httpx that a caller hands in."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from itertools import repeat
from typing import Any
from unittest.mock import AsyncMock, Mock

import httpx
import pytest

from faults_service import Service
from liveperson_engagement.errors import InvalidRequest
from liveperson_engagement.transports import MAX_RESPONSE_BYTES as LIMIT
from liveperson_engagement.transports import AsyncTransport, NoResponse, Transport, UnreadableBody
from senders import Connect, make

both = pytest.mark.backends("sync", "async")
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
NEEDS = "needs the default transport: leave out transport='fast'"
HANDED_IN = "is for the default transport: configure the one that you hand in instead"
MUST_BE = "transport: must be 'fast', a Transport or an httpx.BaseTransport, not"
ASYNC_MUST_BE = "transport: must be 'fast', an AsyncTransport or an httpx.AsyncBaseTransport, not"
WHOLE_NUMBER = "max_connections: must be a whole number from 1"
NO_PROXY = "proxy: must be the URL of an http, https or socks5 proxy, such as http://host:8080"
SHOP = "https://shop.test"


@pytest.mark.parametrize(
    ("asynchronous", "chosen", "options", "line"),
    [
        (False, "slow", {}, f"{MUST_BE} str"),
        (False, httpx.Client, {}, f"{MUST_BE} type"),
        (False, Mock(spec=AsyncTransport), {}, f"{MUST_BE} Mock"),
        (False, httpx.AsyncHTTPTransport(verify=CONTEXT), {}, f"{MUST_BE} AsyncHTTPTransport"),
        (True, httpx.HTTPTransport(verify=CONTEXT), {}, f"{ASYNC_MUST_BE} HTTPTransport"),
        (True, Mock(spec=Transport), {}, f"{ASYNC_MUST_BE} Mock"),
        (False, "fast", {"max_connections": 5}, f"max_connections: {NEEDS}"),
        (True, "fast", {"ssl_context": CONTEXT}, f"ssl_context: {NEEDS}"),
        (False, Mock(spec=Transport), {"proxy": "http://a"}, f"proxy: {HANDED_IN}"),
        (True, httpx.MockTransport(Mock()), {"max_connections": 5}, f"max_connections: {HANDED_IN}"),
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
    for own, asynchronous in ((Mock(spec=Transport), False), (Mock(spec=AsyncTransport), True)):
        assert make(own, asynchronous=asynchronous) is own


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
        self.closed += 1


def giving(status: int = 200, **content: Any) -> httpx.MockTransport:
    """Hand in a transport of httpx that gives an answer."""
    return httpx.MockTransport(lambda _: httpx.Response(status, **content))


@both
@pytest.mark.parametrize("timeout", [None, 10])
def test_a_transport_of_httpx_gets_the_request(connect: Connect, timeout: float | None) -> None:
    """With time limits, of which connecting has the shortest; it is closed with the client."""
    answering = Mock(return_value=httpx.Response(200, headers={"X-One": "1"}, stream=Chunks(iter([b"ab", b"c"]))))
    handed: Any = httpx.MockTransport(answering)
    handed.close, handed.aclose = Mock(), AsyncMock()
    sender = connect(chosen=handed)
    response = sender.send(f"{SHOP}/prefix", timeout=timeout)
    assert (response.status, response.body, response.headers["x-one"]) == (200, b"abc", "1")
    [request] = answering.call_args.args
    assert (request.method, str(request.url)) == ("POST", f"{SHOP}/prefix/visitors/?v=1.0")
    assert request.headers["accept-encoding"] == "gzip, deflate"
    assert (request.headers["host"], request.headers["content-length"], request.content) == ("shop.test", "2", b"{}")
    early = 0.8 * timeout if timeout else None
    assert request.extensions["timeout"] == {"connect": early, "pool": early, "read": timeout, "write": timeout}
    sender.close()
    assert handed.close.called or handed.aclose.called


@both
def test_httpxs_own_transport_works(connect: Connect, backend_name: str) -> None:
    """Over a real socket, the connection kept."""
    own = httpx.HTTPTransport if backend_name == "sync" else httpx.AsyncHTTPTransport
    sender = connect(chosen=own(verify=CONTEXT))
    with Service() as service:
        assert [sender.send(service.url).status for _ in range(3)] == [200] * 3
    with pytest.raises(NoResponse):
        sender.send(service.url)


@both
@pytest.mark.parametrize("read", [True, False])
def test_a_packed_answer_is_decompressed_once(connect: Connect, *, read: bool) -> None:
    """Whether the transport has read it or not."""
    packed = gzip.compress(b"abc")
    content: dict[str, Any] = {"content": packed} if read else {"stream": Chunks(iter([packed]))}
    response = connect(chosen=giving(201, headers={"Content-Encoding": "gzip"}, **content)).send(SHOP)
    assert (response.status, response.body) == (201, b"abc")
    assert "content-encoding" not in response.headers


@both
def test_no_transport_is_read_beyond_the_limit(connect: Connect) -> None:
    """Then its answer is closed."""
    stream = Chunks(repeat(b" " * 1000, 50_000))
    with pytest.raises(UnreadableBody, match="is larger than 1,048,576 bytes") as raised:
        connect(chosen=giving(503, stream=stream)).send(SHOP)
    assert (raised.value.response.status, stream.closed) == (503, 1)


LARGE = [LIMIT + 1, "9" * 18, "9" * 19, "9" * 5000]


@pytest.mark.parametrize("length", [*LARGE, LIMIT, "0", "", "many", "-5"])
def test_an_announced_body_may_be_too_large(connect: Connect, length: int | str) -> None:
    """However long the number itself is: nothing is read. What is no number announces nothing."""
    stream = Chunks(iter([b"abc"]))
    sending = connect(chosen=giving(headers={"Content-Length": f"{length}"}, stream=stream)).submit(SHOP)
    if length in LARGE:
        assert isinstance(sending.exception(), UnreadableBody)
        assert (next(stream.chunks), stream.closed) == (b"abc", 1)
    else:
        assert sending.result().body == b"abc"


@both
def test_no_transport_is_read_beyond_the_timeout(connect: Connect) -> None:
    """As soon as anything comes after that."""
    stream = Chunks(repeat(b" "), gap=0.02)
    with pytest.raises(NoResponse, match=r"^the request took longer than 0.2 seconds$") as raised:
        connect(chosen=giving(503, stream=stream)).send(SHOP, timeout=0.2)
    assert raised.value.response
    assert (raised.value.response.status, stream.closed) == (503, 1)


@pytest.mark.backends("async")
def test_an_async_transport_that_hangs_is_ended(connect: Connect) -> None:
    """Whatever it makes of its own time limits."""

    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        return httpx.Response(200)

    with pytest.raises(NoResponse) as raised:
        connect(chosen=httpx.MockTransport(hang)).send(SHOP, timeout=0.2)
    assert (raised.value.may_have_arrived, raised.value.timed_out) == (True, True)


REFUSED = "[Errno 111] Connection refused"
NO_HOST, NO_PROXY_HOST = "no connection to the host", "no connection through the proxy"


@both
@pytest.mark.parametrize(
    ("error", "may_have_arrived", "timed_out", "reason"),
    [
        (httpx.ConnectError(REFUSED), False, False, f"{NO_HOST} (ConnectError {REFUSED}): check host and port"),
        (httpx.ConnectTimeout("too\nlate"), False, True, f"{NO_HOST} (ConnectTimeout too late): check host"),
        (httpx.PoolTimeout(""), False, True, "PoolTimeout"),
        (httpx.ProxyError("407"), False, False, f"{NO_PROXY_HOST} (ProxyError 407): check its address"),
        (httpx.UnsupportedProtocol("no"), False, False, "UnsupportedProtocol no"),
        (httpx.LocalProtocolError("no"), False, False, "LocalProtocolError no"),
        (httpx.ReadTimeout(""), True, True, "ReadTimeout"),
        (httpx.WriteTimeout(""), True, True, "WriteTimeout"),
        (httpx.ReadError("reset"), True, False, "ReadError reset"),
        (httpx.RemoteProtocolError("illegal: bytearray(b'secret')"), True, False, "RemoteProtocolError illegal"),
        (ConnectionResetError(104, "reset"), True, False, "ConnectionResetError [Errno 104] reset"),
    ],
)
def test_errors_of_httpx_say_what_arrived(
    connect: Connect, error: Exception, may_have_arrived: bool, timed_out: bool, reason: str
) -> None:
    """The cause is the error, without what it quotes."""
    with pytest.raises(NoResponse) as raised:
        connect(chosen=httpx.MockTransport(Mock(side_effect=error))).send(SHOP)
    failure = raised.value
    assert (failure.may_have_arrived, failure.timed_out) == (may_have_arrived, timed_out)
    assert failure.reason.startswith(reason)
    assert type(failure.__cause__) is type(error)
    assert "secret" not in str(failure.__cause__)


def test_a_switched_protocol_is_no_answer(connect: Connect) -> None:
    """Whatever the transport makes of it."""
    with pytest.raises(NoResponse) as raised:
        connect(chosen=giving(101)).send(SHOP)
    assert raised.value.may_have_arrived
