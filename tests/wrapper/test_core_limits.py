"""How large an answer may be, to the byte, and how it may be packed."""

from __future__ import annotations

import gzip
import json
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain, repeat
from unittest.mock import Mock

import httpx
import pytest

from conftest import BODY, Backend
from faults_service import DRIP, GOOD, SESSION, Service, Wire, drips, says
from liveperson_engagement import ApiError, EngagementClient, InvalidResponse, RetryPolicy, Timeout
from liveperson_engagement.sandbox import Sandbox

LARGEST = 1_048_576
ANSWER = json.dumps({"status": "NotAvailable", "sessionId": "abc", "visitorId": "xyz", "pageId": "4743822558"}).encode()
TOO_LARGE = "the service's answer breaks the contract: body: is larger than 1,048,576 bytes"
BROKEN = "the service's answer breaks the contract: body: cannot be decompressed"


def raw_deflate(content: bytes) -> bytes:
    """Pack as some servers do: without the head that zlib puts there."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_of_a_mebibyte_is_read(client: EngagementClient, sandbox: Sandbox, *, packed: bool) -> None:
    """The limit itself is allowed."""
    content = ANSWER.ljust(LARGEST)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    sandbox.answer_next(body=gzip.compress(content) if packed else content, headers=headers)
    assert client.visit().create_session(BODY).visitor_id == "xyz"


@pytest.mark.parametrize("packed", [False, True])
def test_one_byte_more_is_refused(client: EngagementClient, sandbox: Sandbox, *, packed: bool) -> None:
    """Whether it comes so or becomes so."""
    content = ANSWER.ljust(LARGEST + 1)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    sandbox.answer_next(body=gzip.compress(content) if packed else content, headers=headers)
    with pytest.raises(InvalidResponse) as raised:
        client.visit().create_session(BODY)
    assert str(raised.value) == TOO_LARGE


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
        ("", bytes),
    ],
)
def test_an_answer_may_be_packed_in_the_ways_that_were_asked_for(
    client: EngagementClient, sandbox: Sandbox, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """In any case of letters, and as older servers do."""
    sandbox.answer_next(body=pack(ANSWER), headers={"Content-Encoding": encoding})
    assert client.visit().create_session(BODY).visitor_id == "xyz"


@pytest.mark.parametrize(
    "body",
    [gzip.compress(ANSWER)[:-9], zlib.compress(ANSWER)[:-5], b"not packed"],
    ids=["half of gzip", "half of zlib", "neither"],
)
def test_what_cannot_be_unpacked_is_refused(client: EngagementClient, sandbox: Sandbox, body: bytes) -> None:
    """Also where only the end is missing."""
    sandbox.answer_next(body=body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(InvalidResponse) as raised:
        client.visit().create_session(BODY)
    assert str(raised.value) == BROKEN


@pytest.mark.parametrize("whole", [True, False])
def test_an_error_counts_however_it_is_packed(client: EngagementClient, sandbox: Sandbox, *, whole: bool) -> None:
    """What cannot be unpacked has neither code nor message."""
    body = b'{"internalCode": 7, "message": "no"}'
    sandbox.fail_next(418, body=gzip.compress(body) if whole else body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(ApiError) as raised:
        client.visit().create_session(BODY)
    assert (raised.value.status_code, raised.value.internal_code) == (418, 7 if whole else None)
    assert raised.value.message == ("no" if whole else None)
    assert "content-encoding" not in raised.value.response.headers


def test_an_empty_answer_needs_no_unpacking(client: EngagementClient, sandbox: Sandbox) -> None:
    """Some servers name an encoding all the same."""
    visit = client.visit()
    visit.create_session(BODY)
    sandbox.answer_next(body=b"", headers={"Content-Encoding": "gzip"})
    visit.update_session({})
    assert len(sandbox.requests) == 2


class Unread(httpx.BaseTransport, httpx.AsyncBaseTransport, httpx.SyncByteStream, httpx.AsyncByteStream):
    """Announces an answer of some length, and notes whether it is read."""

    def __init__(self, length: str) -> None:
        self.length = length
        self.read = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return httpx.Response(200, headers={"Content-Length": self.length}, stream=self, request=request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return self.handle_request(request)

    def __iter__(self) -> Iterator[bytes]:
        self.read = True
        yield ANSWER

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.read = True
        yield ANSWER


@pytest.mark.parametrize("length", [str(LARGEST + 1), "9" * 18, "9" * 19, "9" * 5000])
def test_of_an_answer_that_announces_too_much_nothing_is_read(backend: Backend, length: str) -> None:
    """However long the number itself is."""
    transport = Unread(length)
    with pytest.raises(InvalidResponse) as raised:
        backend.client(base_url="https://told.test", transport=transport).visit().create_session(BODY)
    assert str(raised.value) == TOO_LARGE
    assert not transport.read


@pytest.mark.parametrize("length", [str(LARGEST), "0", "", "many", "-5"])
def test_an_answer_that_announces_no_more_than_that_is_read(backend: Backend, length: str) -> None:
    """What is no number announces nothing; what comes is counted in any case."""
    transport = Unread(length)
    session = backend.client(base_url="https://told.test", transport=transport).visit().create_session(BODY)
    assert session.visitor_id == "xyz"
    assert transport.read


@pytest.mark.parametrize("begin", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"])
def test_an_answer_that_drips_ends_with_the_timeout(backend: Backend, begin: bytes) -> None:
    """Whether its head or its body does; each byte in time makes no answer in time."""
    with Service() as service:
        service.act = drips(begin, b"x")
        client = backend.client(base_url=f"http://127.0.0.1:{service.port}", timeout=0.3, retry=RetryPolicy.none())
        started = time.monotonic()
        with pytest.raises(Timeout) as raised:
            client.visit().create_session(BODY)
        assert time.monotonic() - started < 15
    assert raised.value.may_have_arrived


def test_without_a_timeout_all_is_sent_and_read(backend: Backend, sandbox: Sandbox) -> None:
    """However long it takes."""
    assert backend.client(base_url=sandbox.url, timeout=None).visit().create_session(BODY).status == "Available"


def test_what_comes_after_an_answer_does_not_answer_the_next_request(backend: Backend) -> None:
    """The connection is not used again."""

    def act(wire: Wire) -> bool:
        forged = json.dumps({**SESSION, "visitorId": "forged"}).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
        good = json.dumps(SESSION).encode()
        wire.sendall(head % len(good) + good + head % len(forged) + forged)
        return True

    with Service() as service:
        service.act = act
        client = backend.client(base_url=f"http://127.0.0.1:{service.port}", retry=RetryPolicy.none())
        found = [client.visit().create_session(BODY).visitor_id for _ in range(3)]
        assert found == [SESSION["visitorId"]] * 3
        assert service.requests == 3


def test_a_connection_whose_answers_end_where_they_should_is_used_again(backend: Backend) -> None:
    """Nothing was left over."""
    with Service() as service:
        wires: set[int] = set()

        def act(wire: Wire) -> bool:
            wires.add(wire.getpeername()[1])
            return bool(GOOD(wire))

        service.act = act
        client = backend.client(base_url=f"http://127.0.0.1:{service.port}")
        for _ in range(3):
            client.visit().create_session(BODY)
    assert len(wires) == 1


def test_a_connection_that_the_other_side_has_closed_is_not_used_again(backend: Backend) -> None:
    """It is looked at before anything is sent."""
    with Service() as service:
        body = json.dumps(SESSION).encode()
        service.act = says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body)
        client = backend.client(base_url=f"http://127.0.0.1:{service.port}", retry=RetryPolicy.none())
        for _ in range(3):
            client.visit().create_session(BODY)
            assert service.is_calm(5)
            time.sleep(DRIP)  # reqwest notices in a thread of its own


LATE = "the request took longer than 10 seconds"


@pytest.mark.backends("sync")
@pytest.mark.parametrize(
    ("scheme", "looks", "line"),
    [
        ("http", 1, f"(it was not sent): the host's name could not be looked up ({LATE}): check "),
        ("http", 2, f"(it was not sent): no connection to the host ({LATE}): check "),
        ("https", 3, f"(it was not sent): TLS with the host failed ({LATE}): check "),
        ("http", 3, f"(it may have arrived): {LATE}"),
        ("http", 4, f"(it may have arrived): {LATE}"),
    ],
)
def test_no_step_is_begun_once_the_time_is_over(
    backend: Backend, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, scheme: str, looks: int, line: str
) -> None:
    """The clock jumps before looking the name up, connecting, TLS, writing, reading."""
    times = chain(repeat(7.0, looks), repeat(17.0))
    monkeypatch.setattr("liveperson_engagement.transports._pending.time", Mock(monotonic=lambda: next(times)))
    client = backend.client(base_url=f"{scheme}://{sandbox.host}", retry=RetryPolicy.none())
    with pytest.raises(Timeout) as raised:
        client.visit().create_session(BODY)
    assert str(raised.value).startswith(f"no answer to the request {line}")


def test_a_service_that_does_not_read_ends_with_the_timeout(backend: Backend) -> None:
    """A large body fills what lies between."""
    over = threading.Event()
    with Service(early=True) as service:
        service.act = lambda _: not over.wait(30)
        client = backend.client(base_url=f"http://127.0.0.1:{service.port}", timeout=0.3, retry=RetryPolicy.none())
        started = time.monotonic()
        with pytest.raises(Timeout):
            client.visit().create_session({"appType": "EXTERNAL", "consumerSections": ["x" * 10**6] * 30})
        assert time.monotonic() - started < 15
        over.set()
