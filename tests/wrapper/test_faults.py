"""What no service should answer: every cell of the matrix that `scripts/faults` prints, and what is beside it."""

from __future__ import annotations

import json
import sys
import time
from itertools import chain

import pytest

import faults
from conftest import BODY, Backend
from faults_service import GOOD, SESSION, Service, answer, drips
from faults_table import FAULTS, Fault
from liveperson_engagement import ApiError, Timeout

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


def test_of_equal_keys_the_same_one_is_used_and_remembered(backend: Backend) -> None:
    """The last counts: for the session that is returned, for the one that is remembered, and for its impressions."""
    twice = BODY_OF_SESSION.replace(b'"campaignId": ', b'"campaignId": 1, "campaignId": ')
    with Service() as service:
        service.act = answer(200, twice)
        visit = backend.client(base_url=f"http://127.0.0.1:{service.port}").visit("shopper")
        answers = [visit.create_session(BODY), visit.engagement(BODY)]
    assert service.requests == 1
    campaigns = [each.engagement_details.campaign_id for each in answers if each.status == "Available"]
    assert campaigns == [3346848610, 3346848610]


def test_a_proxys_answer_is_bounded_as_well(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte by byte, it ends with the timeout."""
    with Service() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        proxy.act = drips(b"HTTP/1.1 200 OK\r\n", b"x")
        client = backend.client(base_url="http://127.0.0.2:9", timeout=0.3)
        started = time.monotonic()
        with pytest.raises(Timeout) as raised:
            client.visit().create_session(BODY)
        assert time.monotonic() - started < 3
    assert raised.value.may_have_arrived


def test_an_errors_headers_can_be_read(backend: Backend) -> None:
    """Also beside one that is no text."""
    with Service() as service:
        service.act = answer(418, b"{}", "X: \xff", "Via: tea", "Via: pot")
        with pytest.raises(ApiError) as raised:
            backend.client(base_url=f"http://127.0.0.1:{service.port}").visit().create_session(BODY)
    assert raised.value.response.headers["Via"] == "tea, pot"
