"""What a client's options may choose, and transports of httpx that a caller hands in."""

import asyncio
import gzip
import ssl
import sys
from typing import Any
from unittest.mock import AsyncMock, Mock

import httpx
import pytest

from faults_service import Service
from liveperson_engagement import transports
from liveperson_engagement.errors import InvalidRequest
from liveperson_engagement.transports import AsyncTransport, Transport
from senders import ANSWERED, LATE, LATE_UNSENT, LOST, UNSENT, Connect, failure, make, outcome

both = pytest.mark.backends("sync", "async")
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
NEEDS = "needs the default transport: leave out transport='fast'"
HANDED_IN = "is for the default transport: configure the one that you hand in instead"
MUST_BE = "transport: must be 'fast', a Transport or an httpx.BaseTransport, not"
ASYNC_MUST_BE = "transport: must be 'fast', an AsyncTransport or an httpx.AsyncBaseTransport, not"
SHOP = "https://shop.test"


@pytest.mark.parametrize(
    ("asynchronous", "chosen", "options", "line"),
    [
        (False, "slow", {}, f"{MUST_BE} str"),
        (False, Mock(spec=AsyncTransport), {}, f"{MUST_BE} Mock"),
        (True, httpx.HTTPTransport(verify=CONTEXT), {}, f"{ASYNC_MUST_BE} HTTPTransport"),
        (False, "fast", {"max_connections": 5}, f"max_connections: {NEEDS}"),
        (True, "fast", {"ssl_context": CONTEXT}, f"ssl_context: {NEEDS}"),
        (False, Mock(spec=Transport), {"proxy": "http://a"}, f"proxy: {HANDED_IN}"),
        (True, httpx.MockTransport(Mock()), {"max_connections": 5}, f"max_connections: {HANDED_IN}"),
        (False, None, {"max_connections": 0}, "max_connections: must be a whole number from 1"),
        (False, None, {"ssl_context": "a.pem"}, "ssl_context: must be an ssl.SSLContext"),
    ],
)
def test_what_cannot_be_chosen_is_refused(asynchronous: Any, chosen: Any, options: dict[str, Any], line: str) -> None:
    """At once, by the option's name."""
    with pytest.raises(InvalidRequest) as raised:
        make(chosen, asynchronous=asynchronous, **options)
    assert str(raised.value) == line


def test_without_the_extra_the_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is there, and pyreqwest is not."""
    monkeypatch.setitem(sys.modules, "liveperson_engagement.transports.fast", None)
    monkeypatch.delattr(transports, "fast", raising=False)
    with pytest.raises(InvalidRequest, match=r"^transport: needs: pip install 'liveperson-engagement\[fast\]'$"):
        make("fast")


PACKED = gzip.compress(b"abc")


@both
@pytest.mark.parametrize(
    ("timeout", "content"), [(None, {"content": PACKED}), (10, {"stream": httpx.ByteStream(PACKED)})]
)
def test_a_transport_of_httpx_gets_the_request(connect: Connect, timeout: float | None, content: Any) -> None:
    """With time limits, of which connecting has the shortest; its answer is decompressed once, whoever has read it."""
    packed = {"X-One": "1", "Content-Encoding": "gzip"}
    answering = Mock(return_value=httpx.Response(201, headers=packed, **content))
    handed: Any = httpx.MockTransport(answering)
    handed.close, handed.aclose = Mock(), AsyncMock()
    sender = connect(chosen=handed)
    response = sender.send(f"{SHOP}/prefix", timeout=timeout)
    assert (response.status, response.body, response.headers["x-one"]) == (201, b"abc", "1")
    assert "content-encoding" not in response.headers
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
        assert [sender.outcome(service.url) for _ in range(3)] == [ANSWERED] * 3
    assert sender.outcome(service.url) in (LOST, UNSENT)


@both
def test_no_transport_is_read_beyond_the_limits(connect: Connect) -> None:
    """Of size, which may be announced, and of time; then its answer is closed."""
    large = "503, is larger than 1,048,576 bytes"
    for length, chunk, timeout, expected in (
        ("many", b" ", 60, large),
        ("1048577", b"", 60, large),
        ("9" * 5000, b"", 60, large),
        ("-5", b"", 1e-9, f"503, {LATE}"),
    ):
        answer = httpx.Response(503, headers={"Content-Length": length}, stream=httpx.ByteStream(chunk * 2_000_000))
        handed = httpx.MockTransport(Mock(return_value=answer))
        assert connect(chosen=handed).outcome(SHOP, timeout=timeout) == expected
        assert answer.is_closed


@pytest.mark.backends("async")
def test_an_async_transport_that_hangs_is_ended(connect: Connect) -> None:
    """Whatever it makes of its own time limits."""

    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        return httpx.Response(200)

    call = connect(chosen=httpx.MockTransport(hang)).submit(SHOP, timeout=0.05)
    assert (outcome(call), failure(call).reason) == (LATE, "the request took longer than 0.05 seconds")


REFUSED = "[Errno 111] Connection refused"
NO_HOST, NO_PROXY_HOST = "no connection to the host", "no connection through the proxy"


@both
@pytest.mark.parametrize(
    ("error", "expected", "reason"),
    [
        (httpx.ConnectError(REFUSED), UNSENT, f"{NO_HOST} (ConnectError {REFUSED}): check host and port"),
        (httpx.ConnectTimeout("too\nlate"), LATE_UNSENT, f"{NO_HOST} (ConnectTimeout too late): check host"),
        (httpx.PoolTimeout(""), LATE_UNSENT, "PoolTimeout"),
        (httpx.ProxyError("407"), UNSENT, f"{NO_PROXY_HOST} (ProxyError 407): check its address"),
        (httpx.LocalProtocolError("no"), UNSENT, "LocalProtocolError no"),
        (httpx.ReadTimeout(""), LATE, "ReadTimeout"),
        (httpx.ReadError("reset"), LOST, "ReadError reset"),
        (httpx.RemoteProtocolError("illegal: bytearray(b'secret')"), LOST, "RemoteProtocolError illegal"),
        (ConnectionResetError(104, "reset"), LOST, "ConnectionResetError [Errno 104] reset"),
    ],
)
def test_errors_of_httpx_say_what_arrived(connect: Connect, error: Exception, expected: str, reason: str) -> None:
    """The cause is the error, without what it quotes."""
    call = connect(chosen=httpx.MockTransport(Mock(side_effect=error))).submit(SHOP)
    assert outcome(call) == expected
    assert failure(call).reason.startswith(reason)
    assert type(failure(call).__cause__) is type(error)
