"""The client against a mock server that nobody here wrote, which answers with the contract's own examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from conftest import BODY, Backend
from contract_tools import examples
from liveperson_engagement import ApiError, EngagementClient, RetryPolicy, VisitIds
from liveperson_engagement._contract import contract
from prism_server import prism_server

STATUSES = {"BadRequest": 400, "Unauthorized": 401, "NotFound": 404, "InternalError": 500, "Unavailable": 503}
IDS = VisitIds("xyz", "abc", "4743822558")


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Run Prism on the contract."""
    with prism_server() as url:
        yield url


class Preferring(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Asks Prism for an answer by name."""

    def __init__(self, **preferences: Any) -> None:
        self.preferences = ", ".join(f"{name}={value}" for name, value in preferences.items())
        self.asked: list[str] = []
        # Prism speaks plain http; to load certificates would take longer than the call.
        self._sync, self._async = httpx.HTTPTransport(verify=False), httpx.AsyncHTTPTransport(verify=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send."""
        return self._sync.handle_request(request) if self._known(request) else httpx.Response(418)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send."""
        return await self._async.handle_async_request(request) if self._known(request) else httpx.Response(418)

    def _known(self, request: httpx.Request) -> bool:
        request.headers["Prefer"] = self.preferences
        self.asked.append(f"{request.method} {request.url.host}")
        return request.url.host == "127.0.0.1"

    def close(self) -> None:
        """Close the connections."""
        self._sync.close()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._async.aclose()


def connect(backend: Backend, prism: str, **preferences: Any) -> EngagementClient:
    """Connect a client to Prism, which prefers one of its answers."""
    transport: Any = Preferring(**preferences)
    return backend.client("le12345678", base_url=prism, retry=RetryPolicy.none(), transport=transport)


@pytest.mark.backends("sync", "async")
def test_every_documented_body_is_accepted(backend: Backend, prism: str) -> None:
    """Prism finds nothing wrong with what the client sends: first and later requests, and updates."""
    available, accepting = connect(backend, prism, example="available"), connect(backend, prism, code=200)
    for value in examples("requestBodies", "CreateSession").values():
        for ids in (None, IDS):
            assert available.visit(ids=ids).create_session(value).status == "Available"
    for value in examples("requestBodies", "UpdateSession").values():
        accepting.visit(ids=IDS).update_session(value)


@pytest.mark.backends("sync", "async")
def test_every_documented_answer_is_understood(backend: Backend, prism: str) -> None:
    """Numeric ids come as integers, whatever the spelling in the answer; errors with status, code and message."""
    for name, expected in examples("responses", "Session").items():
        wanted = json.loads(json.dumps(expected))
        details = wanted.get("engagementDetails", {})
        for key in {"campaignId", "engagementId", "connectorId"} & details.keys():
            details[key] = int(details[key])
        session: Any = connect(backend, prism, example=name).visit().create_session(BODY)
        assert session.to_dict() == wanted
    for answer, status in STATUSES.items():
        for name, example in examples("responses", answer).items():
            with pytest.raises(ApiError) as raised:
                connect(backend, prism, code=status, example=name).visit().create_session(BODY)
            entity, error = example.get("error", example), raised.value
            wanted = (status, entity["internalCode"], entity["message"])
            assert (error.status_code, error.internal_code, error.message) == wanted


def test_every_kind_of_impression_is_accepted(backend: Backend, prism: str) -> None:
    """Events built from an answer keep the contract; without an engagement there is nothing to report."""
    visit = connect(backend, prism, example="available").visit()
    visit.create_session(BODY)
    both = backend.client("le12345678", base_url=prism, retry=RetryPolicy.none()).visit()
    both.create_session(BODY)
    kinds: Any = contract().operations["createSession"].impression_templates
    assert len(kinds) == 5
    for kind in kinds:
        with pytest.raises(ValueError, match="no engagement"):
            connect(backend, prism, code=200).visit(ids=visit.ids).report_impressions(kind)
        both.report_impressions(kind)


def test_the_documented_pauses_hold_against_prism(backend: Backend, prism: str) -> None:
    """A 503 of another's server is retried as documented."""
    client = connect(backend, prism, code=503).with_options(retry=RetryPolicy())
    with pytest.raises(ApiError):
        client.visit().create_session(BODY)
    assert backend.pauses == [5.0, 10.0, 15.0]


def test_prism_refuses_what_breaks_the_contract(prism: str) -> None:
    """The tests above could fail: Prism does check what it is sent."""
    url = f"{prism}/api/account/le12345678/app/engagement/visitors/?v=1.0"
    assert httpx.post(url, json={"appType": "WEB"}, timeout=60).status_code >= 400
    assert httpx.post(url.replace("1.0", "1"), json=BODY, timeout=60).status_code >= 400
    assert httpx.post(url, json=BODY, timeout=60).status_code == 200


@pytest.mark.backends("sync", "async")
def test_the_domain_lookup_is_understood(backend: Backend, prism: str) -> None:
    """Prism answers the lookup with the documented host, over the documented path."""
    transport: Any = Preferring(example="found")
    with pytest.raises(ApiError):
        backend.client("le12345678", domain_api=prism, transport=transport).visit().create_session(BODY)
    assert transport.asked == ["GET 127.0.0.1", "POST host.liveperson.net"]
