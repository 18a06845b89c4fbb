"""What no service should answer: every cell of the matrix that `scripts/faults` prints, and what is beside it."""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from itertools import chain, repeat
from typing import Any

import httpx
import pytest

import faults
from conftest import BODY, Colour
from faults_service import GOOD, SESSION, Service, answer, drips
from faults_table import FAULTS, Fault
from liveperson_engagement import ApiError, InvalidResponse, RetryPolicy, Timeout

ALONE = [
    pytest.param(each, id=f"{part}: {each.name}")
    for part in ("bodies", "headers", "timing", "TLS")
    for each in FAULTS[part]
]
BODY_OF_SESSION = json.dumps(SESSION).encode()


@pytest.mark.parametrize("column", faults.COLUMNS)
def test_every_status_means_what_the_table_says(column: str) -> None:
    """100 to 599, for a first call and a known visit: error, requests, pauses, memory, and the next call."""
    tried = list(faults.statuses((column,)))
    assert len(tried) == 1000
    assert [(each.fault.name, each.outcome) for each in tried if each.outcome != each.expected] == []


@pytest.mark.parametrize("fault", ALONE)
def test_every_fault_ends_as_the_table_says(fault: Fault) -> None:
    """By every client and transport: error, requests, pauses, memory, the next call, and that its bounds hold."""
    tried = list(faults.cells([fault]))
    assert {each.column for each in tried} == set(faults.COLUMNS)
    outcomes = {(each.column, each.known): each.outcome for each in tried}
    assert outcomes == {(each.column, each.known): each.expected for each in tried}


def test_the_transports_agree_but_for_one_fault() -> None:
    """hyper takes a hundred headers and no more; nothing else depends on the transport."""
    assert [each.name for each in chain(*FAULTS.values()) if each.fast] == ["200 headers"]


@pytest.mark.parametrize(("error", "status"), [("AvailableSession", 0), ("ServerError 503", 1)])
def test_the_script_prints_the_matrix_and_fails_if_a_cell_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: str, status: int
) -> None:
    """Each column says how it did."""
    monkeypatch.setitem(FAULTS, "TLS", [Fault("nothing", GOOD, error)])
    monkeypatch.setattr(sys, "argv", ["faults", "TLS"])
    assert faults.main() == status
    printed = capsys.readouterr().out
    assert printed.count("DIFFERS") == 4 * status
    assert printed.count("Outcome(error='AvailableSession', attempts=1") == 4 * status
    assert f"4 calls of 1 faults; {4 * status} not as expected." in printed


def test_of_equal_keys_the_same_one_is_used_and_remembered(colour: Colour) -> None:
    """The last counts: for the session that is returned, for the one that is remembered, and for its impressions."""
    twice = BODY_OF_SESSION.replace(b'"campaignId": ', b'"campaignId": 1, "campaignId": ')
    with Service() as service:
        service.act = answer(200, twice)
        visit = colour.client(base_url=f"http://127.0.0.1:{service.port}").visit("shopper")
        answers = [visit.create_session(BODY), visit.engagement(BODY)]
    assert service.requests == 1
    campaigns = [each.engagement_details.campaign_id for each in answers if each.status == "Available"]
    assert campaigns == [3346848610, 3346848610]


class Told(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that others wrote: it has connections of another kind."""

    def __init__(self, stream: Any, *, read: bool = False, **headers: str) -> None:
        self._stream, self._read, self._headers = stream, read, headers

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        response = httpx.Response(200, headers=self._headers, stream=self._stream, request=request)
        if self._read:
            response.read()
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return self.handle_request(request)


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in chunks, one every so often."""

    def __init__(self, chunks: Iterator[bytes], gap: float = 0) -> None:
        self._chunks, self._gap = chunks, gap
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            time.sleep(self._gap)
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        """Count."""
        self.closed += 1

    async def aclose(self) -> None:
        """Count."""
        self.close()


def test_no_transport_is_read_beyond_the_largest_answer(colour: Colour) -> None:
    """Of whatever kind it is; then its answer is closed."""
    stream = Chunks(repeat(b" " * 1000, 50_000))
    with pytest.raises(InvalidResponse, match="body: is larger than 1,048,576 bytes"):
        colour.client(base_url="https://told.test", transport=Told(stream)).visit().create_session(BODY)
    assert stream.closed == 1


def test_no_transport_is_read_beyond_the_timeout(colour: Colour) -> None:
    """As soon as anything comes after that."""
    stream = Chunks(repeat(b" ", 500), gap=0.02)
    client = colour.client(base_url="https://told.test", transport=Told(stream), timeout=0.1, retry=RetryPolicy.none())
    started = time.monotonic()
    with pytest.raises(Timeout, match=r"took longer than 0\.1 seconds"):
        client.visit().create_session(BODY)
    assert time.monotonic() - started < 3
    assert stream.closed == 1


@pytest.mark.parametrize("read", [True, False])
def test_a_transport_may_have_read_its_answer(colour: Colour, *, read: bool) -> None:
    """It is decompressed once, either way."""
    packed = {"Content-Encoding": "gzip"}
    stream = Chunks(iter([gzip.compress(BODY_OF_SESSION)]))
    client = colour.client(base_url="https://told.test", transport=Told(stream, read=read, **packed))
    assert client.visit().create_session(BODY).visitor_id == SESSION["visitorId"]


def test_a_proxys_answer_is_bounded_as_well(colour: Colour, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte by byte, it ends with the timeout."""
    with Service() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        proxy.act = drips(b"HTTP/1.1 200 OK\r\n", b"x")
        client = colour.client(base_url="http://127.0.0.2:9", timeout=0.3)
        started = time.monotonic()
        with pytest.raises(Timeout) as raised:
            client.visit().create_session(BODY)
        assert time.monotonic() - started < 3
    assert raised.value.may_have_arrived


def test_an_errors_headers_can_be_read(colour: Colour) -> None:
    """Also beside one that is no text."""
    with Service() as service:
        service.act = answer(418, b"{}", "X: \xff", "Via: tea", "Via: pot")
        with pytest.raises(ApiError) as raised:
            colour.client(base_url=f"http://127.0.0.1:{service.port}").visit().create_session(BODY)
    assert raised.value.response.headers["Via"] == "tea, pot"
