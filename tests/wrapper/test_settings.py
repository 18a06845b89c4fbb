"""What docs/connections.md, retries.md and sessions.md say of hosts, copies, headers, keys and dates."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest

import liveperson_engagement
from conftest import BODY, Backend
from liveperson_engagement import ConnectionFailed, EngagementClient, InvalidRequest, _account, retry
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api.http import Headers


def lookups(sandbox: Sandbox) -> int:
    """Count the requests that asked the Domain API."""
    return [request.operation_id for request in sandbox.requests].count("findDomain")


def pass_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the lookup's clock, and no other, go on."""
    monkeypatch.setattr(_account, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + seconds))


def test_the_host_can_be_looked_up_again(backend: Backend, sandbox: Sandbox) -> None:
    """At once when asked to, otherwise not."""
    client = backend.client(domain_api=sandbox.url)
    assert [client.find_domain(refresh=refresh) for refresh in (False, False, True)] == [sandbox.url] * 3
    assert lookups(sandbox) == 2


@pytest.mark.parametrize(("failure", "seconds", "again"), [
    (None, 4 * 3600 + 1, True), (None, 4 * 3600 - 60, False),
    ("redirect", 61, True), ("redirect", 30, False),
    ("not found", 61, False),
])  # fmt: skip
def test_the_host_is_looked_up_again(
    backend: Backend,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    failure: str | None,
    seconds: float,
    again: bool,
) -> None:
    """After four hours; after a minute where it has redirected."""
    client = backend.client(domain_api=sandbox.url)
    client.visit().create_session(BODY)
    if failure:
        sandbox.fail_next({"redirect": 302, "not found": 404}[failure])
        with pytest.raises(liveperson_engagement.ApiError):
            client.visit().create_session(BODY)
    pass_time(monkeypatch, seconds)
    client.visit().create_session(BODY)
    assert lookups(sandbox) == (2 if again else 1)


def test_a_lookup_that_fails_keeps_the_known_host(backend: Backend, sandbox: Sandbox) -> None:
    """It is tried once, and a warning is logged."""
    client = backend.client(domain_api=sandbox.url)
    client.find_domain()
    sandbox.fail_next(503, operation="findDomain")
    assert client.find_domain(refresh=True) == sandbox.url
    assert backend.pauses == []


def test_copies_share_what_is_known_of_each_account(backend: Backend, sandbox: Sandbox) -> None:
    """A service with two accounts makes a copy for each request."""
    client = backend.client("one", domain_api=sandbox.url)
    for account in ("one", "two") * 3:
        client.with_options(account_id=account).visit().create_session(BODY)
    assert lookups(sandbox) == 2


def test_closing_a_copy_closes_all(backend: Backend, sandbox: Sandbox) -> None:
    """`is_closed` says so of each."""
    client = backend.client(base_url=sandbox.url)
    copy = client.with_options(timeout=5)
    assert not client.is_closed
    copy.close()
    assert client.is_closed
    assert copy.is_closed


def test_headers_go_with_every_request(backend: Backend, sandbox: Sandbox) -> None:
    """Those to the Domain API included; User-Agent may be another."""
    client = backend.client(domain_api=sandbox.url, headers={"X-Shop": "one", "user-agent": "shop/3.1"})
    client.visit().create_session(BODY)
    sent = [Headers(request.headers.items()) for request in sandbox.requests]
    assert [(headers["X-Shop"], headers["User-Agent"]) for headers in sent] == [("one", "shop/3.1")] * 2


@pytest.mark.parametrize(
    "headers", [{"Host": "a"}, {"content-length": "1"}, {"X": "a\r\nb"}, {"X": "é"}, {"": "a"}, {"X Y": "a"}, {"X": 1}]
)
def test_a_header_that_cannot_be_sent_is_refused(backend: Backend, headers: Any) -> None:
    """Or that is the client's own to send."""
    with pytest.raises(InvalidRequest, match=r"^headers: "):
        backend.client(base_url="http://127.0.0.1:9", headers=headers)


def test_an_empty_key_is_refused(client: EngagementClient) -> None:
    """All who pass it would share one visitor."""
    with pytest.raises(InvalidRequest, match=r"^key: must not be empty"):
        client.visit("")


@pytest.mark.parametrize(
    ("asked", "now", "seconds"),
    [
        ("Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:29 GMT", 30),
        ("Fri Dec 31 23:59:59 1999", "Fri, 31 Dec 1999 23:59:29 GMT", 30),
        ("Fri, 31 Dec 1999 23:59:59", "Fri, 31 Dec 1999 23:59:29 -0000", 30),
        ("Fri, 31 Dec 1999 23:59:59 -0000", "Fri, 31 Dec 1999 23:59:29", 30),
        ("Friday, 31-Dec-99 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:29 GMT", 30),
        ("Fri, 31 Dec 1999 18:59:59 -0500", "Fri, 31 Dec 1999 23:59:29 GMT", 30),
        ("soon", "Fri, 31 Dec 1999 23:59:29 GMT", 0),
    ],
)
def test_a_date_is_measured_from_the_answers_own(
    monkeypatch: pytest.MonkeyPatch, asked: str, now: str, seconds: float
) -> None:
    """In each of HTTP's three forms; without a zone it is UTC, wherever this machine is."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert retry.retry_after(Headers([("Retry-After", asked), ("Date", now)])) == seconds
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("now", [{}, {"Date": "soon"}])
def test_without_the_answers_date_the_clock_counts(now: dict[str, str]) -> None:
    """As it does where that date cannot be read."""
    asked = format_datetime(datetime.now(UTC) + timedelta(hours=1))
    assert 3500 < retry.retry_after(Headers([("retry-after", asked), *now.items()])) <= 3600


def test_the_old_name_of_an_update_stays() -> None:
    """Until 1.0."""
    assert liveperson_engagement.SessionNews is liveperson_engagement.SessionUpdate


def test_a_host_that_is_gone_is_looked_up_again(
    backend: Backend, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute after nobody could connect to it."""
    with Sandbox() as old:
        old_host = old.host
    sandbox.answer_next(200, b'{"baseURI": "%s"}' % old_host.encode(), operation="findDomain")
    client = backend.client(domain_api=sandbox.url, retry=liveperson_engagement.RetryPolicy.none())
    with pytest.raises(ConnectionFailed):
        client.visit("shopper").create_session(BODY)
    pass_time(monkeypatch, 61)
    assert client.visit("shopper").create_session(BODY).status == "Available"
