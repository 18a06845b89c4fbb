"""The client against a mock server that nobody here wrote, which answers with the contract's own examples."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from conftest import BODY, Backend
from contract_tools import examples
from liveperson_engagement import ApiError, EngagementClient, RetryPolicy, VisitIds
from liveperson_engagement._contract import contract
from liveperson_engagement_api.models import session_from_dict
from prism_server import prism_server

STATUSES = {"BadRequest": 400, "Unauthorized": 401, "NotFound": 404, "InternalError": 500, "Unavailable": 503}
IDS = VisitIds("xyz", "abc", "4743822558")


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Run Prism on the contract."""
    with prism_server() as url:
        yield url


def connect(backend: Backend, prism: str, prefer: str) -> EngagementClient:
    """Connect a client to Prism, which prefers one of its answers."""
    headers = {"Prefer": prefer}
    return backend.client("le12345678", base_url=prism, retry=RetryPolicy.none(), headers=headers)


@pytest.mark.backends("sync", "async")
def test_every_documented_body_is_accepted(backend: Backend, prism: str) -> None:
    """Prism finds nothing wrong with what the client sends: first and later requests, updates and impressions."""
    client = connect(backend, prism, "example=available")
    accepting = client.with_options(headers={"Prefer": "code=200"})
    for value in examples("requestBodies", "CreateSession").values():
        for ids in (None, IDS):
            assert client.visit(ids=ids).create_session(value).status == "Available"
    for value in examples("requestBodies", "UpdateSession").values():
        accepting.visit(ids=IDS).update_session(value)
    client.visit("shopper").create_session(BODY)
    kinds: Any = contract().operations["createSession"].impression_templates
    assert len(kinds) == 5
    for kind in kinds:
        accepting.visit("shopper").report_impressions(kind)


@pytest.mark.backends("sync", "async")
def test_every_documented_answer_is_understood(backend: Backend, prism: str) -> None:
    """Sessions as the models read them; errors with status, code and message; the lookup's host."""
    for name, expected in examples("responses", "Session").items():
        session = connect(backend, prism, f"example={name}").visit().create_session(BODY)
        assert session == session_from_dict(expected)
    for answer, status in STATUSES.items():
        for name, example in examples("responses", answer).items():
            with pytest.raises(ApiError) as raised:
                connect(backend, prism, f"code={status}, example={name}").visit().create_session(BODY)
            entity, error = example.get("error", example), raised.value
            wanted = (status, entity["internalCode"], entity["message"])
            assert (error.status_code, error.internal_code, error.message) == wanted
    found = backend.client("le12345678", domain_api=prism, headers={"Prefer": "example=found"}).find_domain()
    assert found == "https://host.liveperson.net"


def test_prism_refuses_what_breaks_the_contract(prism: str) -> None:
    """The tests above could fail: Prism does check what it is sent."""
    url = f"{prism}/api/account/le12345678/app/engagement/visitors/?v=1.0"
    for wrong, body in ((url, {"appType": "WEB"}), (url.replace("1.0", "1"), BODY)):
        assert httpx.post(wrong, json=body, timeout=60).status_code >= 400
    assert httpx.post(url, json=BODY, timeout=60).status_code == 200
