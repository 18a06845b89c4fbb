"""The Domain API lookup, and which URLs a client accepts."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from conftest import BODY, Backend
from liveperson_engagement import (
    ApiError,
    DeadlineExceeded,
    DomainLookupFailed,
    EngagementClient,
    InvalidRequest,
    InvalidResponse,
    RetryPolicy,
    ServerError,
    Unauthorized,
)
from liveperson_engagement.sandbox import Sandbox


def test_the_host_is_looked_up_once_and_used(backend: Backend, sandbox: Sandbox) -> None:
    """The first call asks the Domain API for msdkgw; later ones know."""
    client = backend.client(domain_api=sandbox.url)
    client.visit("a").create_session(BODY)
    client.visit("b").create_session(BODY)
    client.with_options(timeout=5).visit("c").create_session(BODY)
    assert [request.operation_id for request in sandbox.requests] == ["findDomain"] + ["createSession"] * 3
    assert sandbox.requests[0].path == "/api/account/demo/service/msdkgw/baseURI.json"
    assert sandbox.requests[0].query == {"version": "1.0"}


def test_another_account_is_looked_up_again(backend: Backend, sandbox: Sandbox) -> None:
    """What is known of one account says nothing of another."""
    client = backend.client(domain_api=sandbox.url)
    client.visit().create_session(BODY)
    client.with_options(account_id="other").visit().create_session(BODY)
    assert [request.account_id for request in sandbox.requests] == ["demo", "demo", "other", "other"]


def test_many_callers_cause_one_lookup(sandbox: Sandbox) -> None:
    """Whoever comes first asks, and the others wait for the answer."""
    with EngagementClient("demo", domain_api=sandbox.url) as client, ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(client.visit(str(number)).create_session, BODY) for number in range(16)]
        assert all(call.result().status == "Available" for call in calls)
    assert [request.operation_id for request in sandbox.requests].count("findDomain") == 1


def test_the_lookup_follows_the_retry_policy(backend: Backend, sandbox: Sandbox) -> None:
    """A 5xx or a lost connection is tried again: a lookup makes no visitor."""
    sandbox.fail_next(503, operation="findDomain")
    sandbox.drop_connection(when="after", operation="findDomain")
    backend.client(domain_api=sandbox.url).visit().create_session(BODY)
    assert backend.pauses == [5.0, 10.0]


@pytest.mark.parametrize(
    ("status", "cause", "attempts"), [(401, Unauthorized, 1), (503, ServerError, 4), (302, ApiError, 1)]
)
def test_a_failed_lookup_says_why_and_is_tried_afresh_by_the_next_call(
    backend: Backend, sandbox: Sandbox, status: int, cause: type[Exception], attempts: int
) -> None:
    """The error names the argument to check; nothing is sent to the service."""
    client = backend.client(domain_api=sandbox.url)
    sandbox.fail_next(status, times=attempts, operation="findDomain")
    with pytest.raises(DomainLookupFailed, match="base_url") as raised:
        client.visit().create_session(BODY)
    assert type(raised.value.__cause__) is cause
    assert raised.value.attempts == attempts
    assert {request.operation_id for request in sandbox.requests} == {"findDomain"}
    assert client.visit().create_session(BODY).status == "Available"


def test_the_deadline_covers_the_lookup(backend: Backend, sandbox: Sandbox) -> None:
    """The whole call is bounded, lookup included."""
    sandbox.fail_next(503, times=4, operation="findDomain")
    with pytest.raises(DeadlineExceeded):
        backend.client(domain_api=sandbox.url).visit().create_session(BODY, deadline=6)
    assert backend.pauses == [5.0]


@pytest.mark.parametrize(
    "base_uri",
    [
        "",
        "https://host.liveperson.net",
        "host.liveperson.net/path",
        "host.liveperson.net?x",
        "host.liveperson.net#x",
        "user@host.liveperson.net",
        "user:secret@host.liveperson.net",
        "host.liveperson.net:80@evil.example",
        "host.liveperson.net\\@evil.example",
        "host.liveperson.net:0",
        "host.liveperson.net:65536",
        "host.liveperson.net:99999",
        "host.liveperson.net:",
        "host.liveperson.net\n",
        " host.liveperson.net",
        "host..net",
        "-host.net",
        ".",
        "hоst.liveperson.net",
        "127.1",
        "0x7f.1",
        "0177.0.0.1",
        "2130706433",
        "host.0x7f000001",
        "[::1]",
        "xn--a.example",
        "a" * 300,
        f"{'a' * 64}.net",
        7,
        None,
        {},
    ],
)
def test_an_answer_that_is_no_bare_host_name_is_refused(backend: Backend, sandbox: Sandbox, base_uri: Any) -> None:
    """Neither the visitor's data nor a connection goes where such an answer points."""
    sandbox.answer_next(body=json.dumps({"baseURI": base_uri}), operation="findDomain")
    with pytest.raises(DomainLookupFailed) as raised:
        backend.client(domain_api=sandbox.url).visit().create_session(BODY)
    assert isinstance(raised.value.__cause__, InvalidResponse)
    assert raised.value.__cause__.path == "baseURI"
    assert len(sandbox.requests) == 1


class Remote(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Stands for hosts that no test may call: answers the lookup, and notes where the next request goes."""

    def __init__(self, base_uri: str) -> None:
        self.base_uri = base_uri
        self.sent: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self.sent.append(f"{request.url.scheme}://{request.url.netloc.decode()}")
        if request.method == "GET":
            return httpx.Response(200, json={"baseURI": self.base_uri})
        return httpx.Response(418)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return self.handle_request(request)


@pytest.mark.parametrize(
    "base_uri", ["va.msg.liveperson.net", "host.liveperson.net:8443", "8.8.8.8", "xn--hst-5cd.example"]
)
def test_a_found_host_is_called_over_https(backend: Backend, base_uri: str) -> None:
    """The bare host name becomes an https URL."""
    remote = Remote(base_uri)
    with pytest.raises(ApiError):
        backend.client(transport=remote).visit().create_session(BODY)
    assert remote.sent == ["https://api.liveperson.net", f"https://{base_uri}"]


@pytest.mark.parametrize(
    "base_uri",
    ["localhost", "LOCALHOST:80", "a.localhost", "127.0.0.1", "127.8.8.8:80", "10.0.0.1", "169.254.169.254", "0.0.0.0"],  # noqa: S104
)
def test_a_remote_domain_api_cannot_point_into_this_machine_or_network(backend: Backend, base_uri: str) -> None:
    """Loopback, private and link-local addresses are only taken from a Domain API on loopback."""
    remote = Remote(base_uri)
    with pytest.raises(DomainLookupFailed) as raised:
        backend.client(transport=remote).visit().create_session(BODY)
    assert isinstance(raised.value.__cause__, InvalidResponse)
    assert remote.sent == ["https://api.liveperson.net"]


@pytest.mark.parametrize("argument", ["base_url", "domain_api"])
@pytest.mark.parametrize(
    "url",
    [
        "",
        "host.liveperson.net",
        "//host.liveperson.net",
        "ftp://host.liveperson.net",
        "file:///etc/passwd",
        "http://host.liveperson.net",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://localhost.example",
        "https://",
        "https://:443",
        "https://user@host.liveperson.net",
        "https://user:secret@host.liveperson.net",
        "https://host.liveperson.net?x=1",
        "https://host.liveperson.net#x",
        "https://host.liveperson.net:0",
        "https://host.liveperson.net:65536",
        "https://host.liveperson.net:x",
        "https://host.liveperson.net\r\nX: y",
        "https://host liveperson.net",
        "https://host.liveperson.net\\@evil.example",
        "https://hоst.liveperson.net",
        "https://[::1",
        "https://[::1]x",
        "https://[v1.x]",
        "https://xn--a",
        "https://a..example",
        "https://.example",
        "https://example..",
        f"https://{'a' * 64}.example",
        f"https://host.liveperson.net/{'x' * 2001}",
        7,
        b"https://host.liveperson.net",
    ],
)
def test_a_wrong_url_is_refused_before_anything_is_sent(backend: Backend, argument: str, url: Any) -> None:
    """Nothing but https, or http on loopback, without user, query or fragment."""
    with pytest.raises(InvalidRequest) as raised:
        backend.client(**{argument: url})
    assert raised.value.path == argument
    assert "https" in raised.value.reason


@pytest.mark.parametrize(
    "url",
    [
        "https://host.liveperson.net",
        "https://host.liveperson.net:8443/",
        "http://localhost:1",
        "http://127.0.0.1",
        "http://[::1]:8",
    ],
)
def test_a_good_url_is_taken(backend: Backend, url: str) -> None:
    """With a port and a slash at the end as well."""
    remote = Remote("")
    with pytest.raises(ApiError):
        backend.client(base_url=url, transport=remote).visit().create_session(BODY)
    assert remote.sent == [str(httpx.URL(url.rstrip("/"))).rstrip("/")]


def test_a_base_url_may_have_a_path(backend: Backend, sandbox: Sandbox) -> None:
    """A gateway may serve the API below a path."""
    with pytest.raises(ApiError):
        backend.client(base_url=f"{sandbox.url}/gateway/", retry=RetryPolicy.none()).visit().create_session(BODY)
    assert sandbox.requests[0].path == "/gateway/api/account/demo/app/engagement/visitors/"


@pytest.mark.parametrize("account", ["", "a-b", "a/b", "../x", "a" * 21, "demo\n", "dеmo", " demo", 12345678, b"demo"])
def test_a_wrong_account_id_is_refused(backend: Backend, account: Any) -> None:
    """The contract's pattern, before anything is sent."""
    with pytest.raises(InvalidRequest) as raised:
        backend.client(account)
    assert raised.value.path == "account_id"
