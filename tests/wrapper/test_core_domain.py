"""What the Domain API may say, what becomes of it, and how long it may take."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from test_domain import Remote

from conftest import BODY, Backend
from liveperson_engagement import ApiError, DomainLookupFailed, RetryPolicy, Timeout
from liveperson_engagement.sandbox import Sandbox

REFUSED = (
    "domain_api: no host for the account (the service's answer breaks the contract: baseURI: {});"
    " check account_id or give base_url"
)
NO_HOST = "is neither a host name nor an address"
LOCAL = "is an address that only a Domain API on loopback may give"


@pytest.mark.parametrize(
    ("base_uri", "url"),
    [
        ("va.msg.liveperson.net", "https://va.msg.liveperson.net"),
        ("va.msg.liveperson.net:8443", "https://va.msg.liveperson.net:8443"),
        ("1.liveperson.net", "https://1.liveperson.net"),
        ("8.8.8.8", "https://8.8.8.8"),
        ("10.0.0.1", "https://10.0.0.1"),
        ("127.0.0.1:81", "http://127.0.0.1:81"),
        ("localhost:81", "http://localhost:81"),
        ("shop.localhost", "http://shop.localhost"),
    ],
)
def test_a_domain_api_on_loopback_gives_any_host_and_plain_http_for_loopback_alone(
    backend: Backend, sandbox: Sandbox, base_uri: str, url: str
) -> None:
    """The host is asked for once."""
    sandbox.answer_next(body=json.dumps({"baseURI": base_uri}), operation="findDomain")
    client = backend.client(domain_api=sandbox.url)
    assert client.find_domain() == url
    assert client.find_domain() == url
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("base_uri", ["127.0.0.1", "10.0.0.1", "a.localhost"])
def test_a_host_that_is_refused_is_told_with_the_reason(backend: Backend, base_uri: str) -> None:
    """One line, with what to check."""
    with pytest.raises(DomainLookupFailed) as raised:
        backend.client(transport=Remote(base_uri)).find_domain()
    assert str(raised.value) == REFUSED.format(LOCAL)
    assert raised.value.attempts == 0


@pytest.mark.parametrize("base_uri", ["127.1", "host.1", "host.0x7f000001"])
def test_what_is_no_host_is_told_with_the_reason(backend: Backend, sandbox: Sandbox, base_uri: str) -> None:
    """A last label that begins with a digit is read as an address, by some."""
    sandbox.answer_next(body=json.dumps({"baseURI": base_uri}), operation="findDomain")
    with pytest.raises(DomainLookupFailed) as raised:
        backend.client(domain_api=sandbox.url).find_domain()
    assert str(raised.value) == REFUSED.format(NO_HOST)


def test_a_lookup_ends_at_the_timeout(backend: Backend, sandbox: Sandbox) -> None:
    """As any request does."""
    client = backend.client(domain_api=sandbox.url, timeout=0.2, retry=RetryPolicy.none())
    for call in (client.find_domain, lambda: client.visit().create_session(BODY)):
        sandbox.slow(30, operation="findDomain")
        started = time.monotonic()
        with pytest.raises(DomainLookupFailed) as raised:
            call()
        assert isinstance(raised.value.__cause__, Timeout)
        assert raised.value.attempts == 1
        assert time.monotonic() - started < 15


@pytest.mark.parametrize("deadline", [None, 300.0, 7.0])
def test_a_lookup_is_sent_with_the_lesser_of_timeout_and_deadline(backend: Backend, deadline: float | None) -> None:
    """What the transport is told; connecting ends a little earlier, so that it can be told apart."""
    remote = Remote("127.0.0.1")
    told: list[dict[str, float]] = []
    answer = remote.handle_request

    def note(request: httpx.Request) -> httpx.Response:
        told.append(request.extensions["timeout"])
        return answer(request)

    remote.handle_request = note  # type: ignore[method-assign]
    with pytest.raises(DomainLookupFailed):
        backend.client(transport=remote, timeout=10.0).find_domain(deadline=deadline)
    [limits] = told
    assert set(limits) == {"connect", "read", "write", "pool"}
    least = min(10.0, deadline or 10.0)
    assert all(0.8 * least - 1 < seconds <= least for seconds in limits.values())


@pytest.mark.parametrize("path", ["/X", "/x/", "/gate//"])
def test_of_a_base_url_only_slashes_at_the_end_are_left_out(backend: Backend, sandbox: Sandbox, path: str) -> None:
    """A path is the gateway's own."""
    client = backend.client(base_url=f"{sandbox.url}{path}", retry=RetryPolicy.none())
    with pytest.raises(ApiError):
        client.visit().create_session(BODY)
    [request] = sandbox.requests
    assert request.path == f"{path.rstrip('/')}/api/account/demo/app/engagement/visitors/"


def test_a_call_that_finds_the_host_goes_there(backend: Backend, sandbox: Sandbox) -> None:
    """The sandbox names itself."""
    client = backend.client(domain_api=sandbox.url)
    assert client.find_domain() == sandbox.url
    assert client.visit().create_session(BODY).status == "Available"
    assert [request.operation_id for request in sandbox.requests] == ["findDomain", "createSession"]
