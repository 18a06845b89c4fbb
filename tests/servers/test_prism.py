"""The client against a mock server that nobody here wrote, which answers with the contract's own examples."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from checkout import ROOT
from conftest import BODY, Backend
from liveperson_engagement import ApiError, EngagementClient, ImpressionEventType, RetryPolicy, VisitIds
from liveperson_engagement._contract import contract

DOCUMENT: dict[str, Any] = json.loads((ROOT / "generated/liveperson_engagement_api/openapi.json").read_text())
BODIES: dict[str, Any] = DOCUMENT["components"]["requestBodies"]
ANSWERS: dict[str, Any] = DOCUMENT["components"]["responses"]
STATUSES = {"BadRequest": 400, "Unauthorized": 401, "NotFound": 404, "InternalError": 500, "Unavailable": 503}
IDS = VisitIds("xyz", "abc", "4743822558")


def examples(holder: Any) -> dict[str, Any]:
    """Give the named examples of a body or an answer."""
    return {name: example["value"] for name, example in holder["content"]["application/json"]["examples"].items()}


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Run Prism on the contract, with every request validated."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["prism", "mock", "--errors", "--host", "127.0.0.1", "--port", str(port), str(ROOT / "openapi.yaml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Prism is listening" in line:
                break
        else:
            pytest.fail("Prism did not start")
        os.set_blocking(process.stdout.fileno(), False)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


class Preferring(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Asks Prism for an answer by name."""

    def __init__(self, **preferences: Any) -> None:
        self.preferences = ", ".join(f"{name}={value}" for name, value in preferences.items())
        self._sync, self._async = httpx.HTTPTransport(), httpx.AsyncHTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send."""
        request.headers["Prefer"] = self.preferences
        return self._sync.handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send."""
        request.headers["Prefer"] = self.preferences
        return await self._async.handle_async_request(request)

    def close(self) -> None:
        """Close the connections."""
        self._sync.close()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._async.aclose()


def connect(backend: Backend, url: str, **preferences: Any) -> EngagementClient:
    """Connect to Prism, asking for one answer."""
    return backend.client("le12345678", base_url=url, transport=Preferring(**preferences), retry=RetryPolicy.none())


@pytest.mark.parametrize("name", examples(BODIES["CreateSession"]))
@pytest.mark.parametrize("known", [False, True], ids=["first", "later"])
def test_every_documented_request_is_accepted(backend: Backend, prism: str, name: str, *, known: bool) -> None:
    """Prism finds nothing wrong with what the client sends, on either path."""
    visit = connect(backend, prism, example="available").visit(ids=IDS if known else None)
    assert visit.create_session(examples(BODIES["CreateSession"])[name]).status == "Available"


@pytest.mark.parametrize("name", examples(BODIES["UpdateSession"]))
def test_every_documented_update_is_accepted(backend: Backend, prism: str, name: str) -> None:
    """The same for updates."""
    connect(backend, prism, code=200).visit(ids=IDS).update_session(examples(BODIES["UpdateSession"])[name])


@pytest.mark.parametrize("name", examples(ANSWERS["Session"]))
def test_every_documented_answer_is_read(backend: Backend, prism: str, name: str) -> None:
    """What comes back parsed is what the example says, ids as integers."""
    session = connect(backend, prism, example=name).visit().create_session(BODY)
    expected = examples(ANSWERS["Session"])[name]
    for member, value in expected.get("engagementDetails", {}).items():
        if member in ("campaignId", "engagementId", "connectorId"):
            expected["engagementDetails"][member] = int(value)
    assert session.to_dict() == expected


@pytest.mark.parametrize("kind", contract().operations["createSession"].impression_templates)
def test_every_kind_of_impression_is_accepted(backend: Backend, prism: str, kind: ImpressionEventType) -> None:
    """Events built from an answer keep the contract."""
    visit = connect(backend, prism, example="available").visit()
    visit.create_session(BODY)
    report = connect(backend, prism, code=200).visit(ids=visit.ids)
    with pytest.raises(ValueError, match="no engagement"):
        report.report_impressions(kind)
    both = backend.client("le12345678", base_url=prism, retry=RetryPolicy.none()).visit()
    both.create_session(BODY)
    both.report_impressions(kind)


@pytest.mark.parametrize(
    ("answer", "name"), [(answer, name) for answer in STATUSES for name in examples(ANSWERS[answer])]
)
def test_every_documented_error_is_raised(backend: Backend, prism: str, answer: str, name: str) -> None:
    """Status, internal code and message are those of the example."""
    with pytest.raises(ApiError) as raised:
        connect(backend, prism, code=STATUSES[answer], example=name).visit().create_session(BODY)
    entity = examples(ANSWERS[answer])[name]
    entity = entity.get("error", entity)
    error = raised.value
    assert (error.status_code, error.internal_code, error.message) == (
        STATUSES[answer], entity["internalCode"], entity["message"],
    )  # fmt: skip


def test_the_documented_pauses_hold_against_prism(backend: Backend, prism: str) -> None:
    """A 503 of another's server is retried as documented."""
    client = connect(backend, prism, code=503).with_options(retry=RetryPolicy())
    with pytest.raises(ApiError):
        client.visit().create_session(BODY)
    assert backend.pauses == [5.0, 10.0, 15.0]


def test_prism_refuses_what_breaks_the_contract(prism: str) -> None:
    """The tests above could fail: Prism does check what it is sent."""
    url = f"{prism}/api/account/le12345678/app/engagement/visitors/?v=1.0"
    assert httpx.post(url, json={"appType": "WEB"}).status_code >= 400
    assert httpx.post(url.replace("1.0", "1"), json=BODY).status_code >= 400
    started = time.monotonic()
    assert httpx.post(url, json=BODY).status_code == 200
    assert time.monotonic() - started < 10


def test_the_domain_lookup_is_understood(backend: Backend, prism: str) -> None:
    """Prism answers the lookup with the documented host, over the documented path."""
    found: list[str] = []

    class Recording(Preferring):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            found.append(f"{request.method} {request.url.host}")
            return super().handle_request(request) if request.method == "GET" else httpx.Response(418)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            found.append(f"{request.method} {request.url.host}")
            return await super().handle_async_request(request) if request.method == "GET" else httpx.Response(418)

    client = backend.client("le12345678", domain_api=prism, transport=Recording(example="found"))
    with pytest.raises(ApiError):
        client.visit().create_session(BODY)
    assert found == ["GET 127.0.0.1", "POST host.liveperson.net"]
