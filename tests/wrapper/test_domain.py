"""Where calls go: the Domain API's lookup, and which URLs a client accepts."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import BODY, Backend
from doubles import GOOD, Play
from liveperson_engagement import EngagementClient, RetryPolicy, VisitIds, _account, _locking, errors
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.transports import NoResponse
from liveperson_engagement_api.http import Response

DOMAIN_API = "https://api.liveperson.net"
LOCAL_DOMAIN_API = "http://127.0.0.1:1"


def found(base_uri: Any) -> Response:
    """Answer a lookup."""
    return Response(200, body=json.dumps({"baseURI": base_uri}).encode())


def pass_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the lookup's clock, and no other, go on."""
    monkeypatch.setattr(_account, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + seconds))


@pytest.mark.backends
def test_the_host_is_looked_up_once_and_used(backend: Backend, sandbox: Sandbox) -> None:
    """The first call asks the Domain API for msdkgw, be it an update; later ones know."""
    client = backend.client(domain_api=sandbox.url)
    session = client.visit("a").create_session(BODY)
    client.visit("b").create_session(BODY)
    assert [request.operation_id for request in sandbox.requests] == ["findDomain"] + ["createSession"] * 2
    assert sandbox.requests[0].path == "/api/account/demo/service/msdkgw/baseURI.json"
    assert sandbox.requests[0].query == {"version": "1.0"}
    assert client.find_domain() == sandbox.url
    ids = VisitIds(session.visitor_id, session.session_id, session.page_id)
    backend.client(domain_api=sandbox.url).visit(ids=ids).update_session({})
    assert [request.operation_id for request in sandbox.requests[3:]] == ["findDomain", "updateSession"]
    with pytest.raises(errors.DeadlineExceeded):
        client.find_domain(refresh=True, deadline=0)
    assert (client.find_domain(refresh=True), len(sandbox.requests)) == (sandbox.url, 6)


def test_copies_share_what_is_known_of_each_account() -> None:
    """A service with two accounts makes a copy for each request; one that asks elsewhere asks anew."""
    play = Play(found("a.net"), base_url=None)
    elsewhere = play.client.with_options(domain_api="https://b.net")
    copies = [play.client.with_options(account_id=name, timeout=5) for name in ("demo", "two", "demo", "two")]
    copies += [play.client.with_options(domain_api=f"{DOMAIN_API}/")]
    assert [copy.find_domain() for copy in (elsewhere, *copies)] == ["https://a.net"] * 6
    asked = [(url, request.path.split("/")[3]) for url, request, _ in play.sent]
    assert asked == [("https://b.net", "demo"), (DOMAIN_API, "demo"), (DOMAIN_API, "two")]


def test_many_callers_cause_one_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes first asks, and the others wait for the answer."""
    come = threading.Barrier(4)

    def key_lock(*arguments: Any) -> Any:
        come.wait(60)  # by now none of the four has found a host
        return _locking.key_lock(*arguments)

    monkeypatch.setattr(_account, "key_lock", key_lock)
    play = Play(found("a.net"), base_url=None)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(play.client.find_domain) for _ in range(4)]
        assert [call.result() for call in calls] == ["https://a.net"] * 4
    assert len(play.sent) == 1


def test_the_lookup_follows_the_retry_policy() -> None:
    """A 5xx or a lost connection is tried again, as a lookup makes no visitor; the call's deadline covers it."""
    play = Play(Response(503), NoResponse("gone", may_have_arrived=True), found("a.net"), GOOD, base_url=None)
    play.client.visit().create_session(BODY)
    assert play.pauses == [5.0, 10.0]
    play = Play(Response(503), base_url=None)
    with pytest.raises(errors.DeadlineExceeded):
        play.client.visit().create_session(BODY, deadline=6)
    assert play.pauses == [5.0]


@pytest.mark.parametrize(
    ("outcome", "cause", "attempts"),
    [
        (Response(401), errors.Unauthorized, 1),
        (Response(503), errors.ServerError, 4),
        (Response(302), errors.ApiError, 1),
        (NoResponse("late", may_have_arrived=True, timed_out=True), errors.Timeout, 4),
        (found("127.0.0.1"), errors.InvalidResponse, 0),
    ],
)
def test_a_failed_lookup_says_why_and_is_tried_afresh(outcome: Any, cause: type[Exception], attempts: int) -> None:
    """The error names the argument to check; nothing is sent to the service. The next call asks again."""
    play = Play(*[outcome] * (attempts or 1), found("va.example"), GOOD, base_url=None)
    with pytest.raises(errors.DomainLookupFailed, match=r"; check account_id or give base_url$") as raised:
        play.client.visit("shopper").create_session(BODY)
    assert type(raised.value.__cause__) is cause
    assert raised.value.attempts == attempts
    assert {url for url, _, _ in play.sent} == {DOMAIN_API}
    assert play.client.visit("shopper").create_session(BODY).status == "Available"
    assert play.sent[-1][0] == "https://va.example"


def test_a_lookup_ends_at_the_timeout_or_the_deadline() -> None:
    """What the transport is told."""
    for deadline, least in ((None, 10.0), (300.0, 10.0), (7.0, 7.0)):
        play = Play(found("a.example"), base_url=None, timeout=10.0)
        play.client.find_domain(deadline=deadline)
        [(_, _, timeout)] = play.sent
        assert timeout is not None
        assert 0.5 * least < timeout <= least


NO_HOSTS = """
    . host..net -host.net hоst.net xn--a.example https://host.net host.net/path host.net?x host.net#x
    user@host.net user:secret@host.net host.net:80@evil.example host.net\\@evil.example
    host.net: host.net:0 host.net:65536 host.net:99999 0x7f.1 0177.0.0.1 2130706433 host.0x7f000001 [::1]
"""
OTHERS: list[Any] = ["", " host.net", "host.net\n", "a" * 300, f"{'a' * 64}.net", 7, None, {}]
LOCAL_HOSTS = ["localhost", "LOCALHOST:80", "a.localhost", "127.0.0.1", "127.8.8.8:80", "10.0.0.1", "169.254.169.254"]


@pytest.mark.parametrize(
    ("domain_api", "hosts", "reason"),
    [
        (LOCAL_DOMAIN_API, NO_HOSTS.split() + OTHERS, ""),
        (LOCAL_DOMAIN_API, ["127.1", "host.1"], "is neither a host name nor an address"),
        (None, LOCAL_HOSTS, "is an address that only a Domain API on loopback may give"),
    ],
)
def test_an_answer_that_is_no_bare_public_host_is_refused(domain_api: Any, hosts: list[Any], reason: str) -> None:
    """Loopback, private and link-local addresses are only taken from a Domain API on loopback; one line says why."""
    for base_uri in hosts:
        play = Play(found(base_uri), base_url=None, domain_api=domain_api)
        with pytest.raises(errors.DomainLookupFailed) as raised:
            play.client.visit().create_session(BODY)
        why = raised.value.__cause__
        assert isinstance(why, errors.InvalidResponse)
        assert (why.path, why.reason) == ("baseURI", reason or why.reason)
        assert str(raised.value) == f"domain_api: no host for the account ({why}); check account_id or give base_url"
        assert len(play.sent) == 1


@pytest.mark.parametrize(
    ("domain_api", "base_uri", "scheme"),
    [
        *((None, host, "https") for host in ("va.liveperson.net", "host.net:8443", "8.8.8.8", "xn--hst-5cd.example")),
        *((LOCAL_DOMAIN_API, host, "https") for host in ("va.net", "va.net:8443", "1.net", "8.8.8.8", "10.0.0.1")),
        *((LOCAL_DOMAIN_API, host, "http") for host in ("127.0.0.1:81", "localhost:81", "shop.localhost")),
    ],
)
def test_a_found_host_is_called_over_https(domain_api: str | None, base_uri: str, scheme: str) -> None:
    """The bare host name becomes an https URL; plain http is for loopback alone, and asked for on loopback."""
    play = Play(found(base_uri), GOOD, base_url=None, domain_api=domain_api)
    play.client.visit().create_session(BODY)
    assert [url for url, _, _ in play.sent] == [domain_api or DOMAIN_API, f"{scheme}://{base_uri}"]
    assert play.client.find_domain() == f"{scheme}://{base_uri}"
    assert len(play.sent) == 2


def test_the_host_can_be_looked_up_again(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """At once when asked to. If that fails, after one attempt, the known host is kept for another four hours."""
    play = Play(found("a.net"), found("b.net"), Response(503), base_url=None)
    hosts = [play.client.find_domain(refresh=refresh) for refresh in (False, False, True, True)]
    assert hosts == ["https://a.net"] * 2 + ["https://b.net"] * 2
    assert caplog.messages == ["domain: looking the host up again failed ([503] no message); the known one is kept"]
    pass_time(monkeypatch, 3600)
    assert play.client.find_domain() == "https://b.net"
    assert (len(play.sent), play.pauses) == (3, [])


@pytest.mark.parametrize(
    ("method", "outcome", "seconds", "host"),
    [
        ("create_session", GOOD, 4 * 3600 + 1, "new"),
        ("create_session", GOOD, 4 * 3600 - 60, "old"),
        ("create_session", Response(302), 30, "old"),
        ("create_session", Response(302), 61, "new"),
        ("update_session", Response(302), 61, "new"),
        ("call", Response(302), 61, "new"),
        ("call", Response(400), 61, "old"),
        ("call", NoResponse("gone", may_have_arrived=True), 61, "old"),
        ("call", NoResponse("gone", may_have_arrived=False), 61, "new"),
    ],
)
def test_the_host_is_looked_up_again(
    monkeypatch: pytest.MonkeyPatch, method: str, outcome: Any, seconds: float, host: str
) -> None:
    """After four hours; a minute after it has redirected or could not be reached, whatever was called."""
    options: dict[str, Any] = {"base_url": None, "retry": RetryPolicy.none()}
    play = Play(found("old.net"), GOOD, GOOD, outcome, found("new.net"), **options)
    visit = play.client.visit()
    visit.create_session(BODY)
    visit.create_session(BODY)
    with suppress(errors.EngagementError):
        if method == "call":
            play.client.call("createSession", BODY)
        else:
            getattr(visit, method)({} if method == "update_session" else BODY)
    pass_time(monkeypatch, seconds)
    assert play.client.find_domain() == f"https://{host}.net"


WRONG_URLS = """
    host.net //host.net ftp://host.net file:///etc/passwd https:// https://:443
    http://host.net http://10.0.0.1 http://0.0.0.0 http://localhost.example
    https://user@host.net https://user:secret@host.net https://host.net\\@evil.example
    https://host.net?x=1 https://host.net#x https://host.net:0 https://host.net:65536 https://host.net:x
    https://hоst.net https://xn--a https://a..example https://.example https://example.. https://[::1 https://[::1]x
    https://[v1.x] https://[::x] https:///x https://a.xn--a https://xn--.net
"""


def test_a_wrong_url_is_refused_before_anything_is_sent() -> None:
    """Nothing but https, or http on loopback, without user, query or fragment."""
    others: list[Any] = ["", "https://host net", "https://host.net\r\nX: y", 7, b"https://host.net"]
    others += [f"https://{'a' * 64}.example", f"https://host.net/{'x' * 2001}"]
    for url in WRONG_URLS.split() + others:
        for argument in ("base_url", "domain_api"):
            options: Any = {argument: url}
            with pytest.raises(errors.InvalidRequest, match="https") as raised:
                EngagementClient("demo", **options)
            assert raised.value.path == argument


@pytest.mark.parametrize("url", ["HTTPS://HOST.net:65535", "https://a.xn--tda", "http://localhost:1", "http://[::1]:8"])
def test_of_a_base_url_only_slashes_at_the_end_are_left_out(url: str) -> None:
    """A path is the gateway's own."""
    for path in ("", "/", "/X", "/gate//"):
        play = Play(GOOD, base_url=url + path)
        play.client.visit().create_session(BODY)
        assert [sent[0] for sent in play.sent] == [(url + path).rstrip("/")]
