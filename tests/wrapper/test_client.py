"""A client: its options and where they come from, copies, closing, and the call of any operation."""

import json
import sys
from enum import Enum
from typing import Any
from unittest.mock import create_autospec

import httpx
import pytest

import liveperson_engagement
from conftest import BODY, Backend
from doubles import GOOD, Play, WatchedStore
from liveperson_engagement import (
    AsyncEngagementClient,
    EngagementClient,
    MemoryStore,
    OutageGuard,
    RetryPolicy,
    VisitIds,
    errors,
)
from liveperson_engagement import client as clients
from liveperson_engagement._call import CallSettings
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.transports import make_transport
from liveperson_engagement_api.http import Headers
from liveperson_engagement_api.models import AvailableSession

KINDS: tuple[Any, Any] = (EngagementClient, AsyncEngagementClient)


def test_a_client_shows_its_settings() -> None:
    """As they were given; or the documented defaults: ten seconds an attempt, no deadline, no guard, memory."""
    store, retry, guard = MemoryStore(), RetryPolicy((1,)), OutageGuard()
    for kind in KINDS:
        client = kind("demo", store=store, retry=retry, timeout=3, deadline=7, outage_guard=guard)
        assert (client.store, client.retry, client.outage_guard) == (store, retry, guard)
        assert (client.timeout, client.deadline, repr(client)) == (3, 7, f"{kind.__name__}('demo')")
        plain = kind("demo")
        assert (plain.timeout, plain.deadline, plain.outage_guard, plain.retry) == (10.0, None, None, RetryPolicy())
        assert isinstance(plain.store, MemoryStore)
    assert {"RedisStore", "SQLiteStore", "Session"} <= set(dir(liveperson_engagement))  # imported once asked for


def test_settings_may_come_from_the_environment(
    backend: Backend, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Account, URL and Domain API, where no argument is given; an empty URL is none."""
    monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", "fromenv")
    monkeypatch.setenv("LIVEPERSON_BASE_URL", sandbox.url)
    backend.client(None).visit().create_session(BODY)
    monkeypatch.setenv("LIVEPERSON_BASE_URL", "http://127.0.0.1:9")
    backend.client("argument", base_url=sandbox.url).visit().create_session(BODY)
    assert [request.account_id for request in sandbox.requests] == ["fromenv", "argument"]
    monkeypatch.setenv("LIVEPERSON_BASE_URL", "")
    monkeypatch.setenv("LIVEPERSON_DOMAIN_API", sandbox.url)
    assert backend.client().find_domain() == sandbox.url
    monkeypatch.setenv("LIVEPERSON_DOMAIN_API", "http://elsewhere.example")
    assert backend.client(domain_api=sandbox.url).find_domain() == sandbox.url
    with pytest.raises(errors.InvalidRequest, match=r"^LIVEPERSON_DOMAIN_API: must be an https URL"):
        backend.client()
    monkeypatch.setenv("LIVEPERSON_DOMAIN_API", "")
    backend.client()
    monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", "")
    with pytest.raises(errors.InvalidRequest) as raised:
        backend.client(None)
    assert str(raised.value) == "account_id: is required: pass it, or set LIVEPERSON_ACCOUNT_ID"


def test_a_transport_is_made_of_all_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """And of nothing else."""
    make = create_autospec(make_transport)
    monkeypatch.setattr(clients, "make_transport", make)
    given: dict[str, Any] = {"proxy": "http://proxy.example", "ssl_context": object(), "max_connections": 5}
    for kind in KINDS:
        kind("demo", transport="fast", **given)
        make.assert_called_with("fast", asynchronous=kind is AsyncEngagementClient, **given)


def test_headers_go_with_every_request(backend: Backend, sandbox: Sandbox) -> None:
    """Also to the Domain API, and to a host that is given."""
    client = backend.client("other", domain_api=sandbox.url, headers={"X-Shop": "one"})
    client.visit().create_session(BODY)
    client.with_options(base_url=sandbox.url).visit().create_session(BODY)
    sent = [(each.operation_id, each.account_id, Headers(each.headers.items())["X-Shop"]) for each in sandbox.requests]
    assert sent == [(operation, "other", "one") for operation in ("findDomain", "createSession", "createSession")]


@pytest.mark.parametrize(
    ("headers", "agent"),
    [
        ({"USER-AGENT": "shop/3.1"}, "shop/3.1"),
        ({"User-Agent": ""}, ""),
        ({"X": "!", "X-Y": "a\tb c"}, clients.HEADERS["User-Agent"]),
    ],
)
def test_a_clients_own_header_fields_may_be_replaced(headers: dict[str, str], agent: str) -> None:
    """In any case of letters; the others stay."""
    play = Play(GOOD, headers=headers)
    play.client.visit().create_session(BODY)
    sent = Headers(play.sent[0][1].headers.items())
    assert (sent["User-Agent"], sent["Accept-Encoding"]) == (agent, "gzip, deflate")
    assert {name: sent[name] for name in headers} == headers


def test_header_fields_are_merged_once_for_each_operation() -> None:
    """Those of the operation come before the client's."""
    given = {"X-Shop": "one"}
    settings = CallSettings(RetryPolicy(), 5.0, None, given, strict=False, observed=False)
    accept, plain = Headers([("Accept", "application/json")]), Headers()
    merged = settings.add_headers("a", accept)
    assert dict(merged) == {"x-shop": "one", "accept": "application/json"}
    assert dict(settings.add_headers("b", plain)) == {"x-shop": "one"}
    assert settings.add_headers("a", accept) is merged
    assert settings.add_headers("a", plain) is not merged


def test_a_timeout_of_httpx_is_taken_by_its_longest_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is no limit there as here. A number is one without httpx, too."""
    assert EngagementClient("demo", timeout=httpx.Timeout(3, connect=5)).timeout == 5
    assert EngagementClient("demo").with_options(timeout=httpx.Timeout(3, connect=None)).timeout is None
    with pytest.raises(errors.InvalidRequest, match=r"^timeout: must be"):
        EngagementClient("demo", timeout=httpx.Timeout(0))
    monkeypatch.delitem(sys.modules, "httpx")
    assert EngagementClient("demo", timeout=3).timeout == 3


ACCOUNT = "must match the pattern ^[a-zA-Z0-9_]{1,20}$"
SECONDS = "must be a number of seconds, at least {} and at most 1,000,000,000"
PRINTABLE = "must have names and values that are printable ASCII text"
REFUSED: list[tuple[str, Any, str]] = [
    *(("account_id", text, ACCOUNT) for text in ("", "a/b", "a" * 21, "demo\n", "dеmo")),
    ("account_id", 12345678, "must be of type string"),
    ("base_url", "a", "must be a URL such as https://host.liveperson.net, without user, query or fragment"),
    ("domain_api", "http://a", "must be an https URL; plain http is for loopback addresses"),
    ("outage_guard", True, "must be an OutageGuard, not bool"),
    ("telemetry", 5, "must be a telemetry, such as liveperson_engagement.otel.OpenTelemetry()"),
    ("retry", 5, "must be a RetryPolicy, not int"),
    *(("on_store_error", value, "must be raise or continue") for value in ("ignore", None)),
    *((name, 5, "must be callable, not int") for name in ("sleep", "on_request", "on_response", "on_retry")),
    ("on_retry", [], "must be callable, not list"),
    ("strict", 1, "must be True or False"),
    *(("timeout", value, SECONDS.format("0.001")) for value in (0, float("nan"), float("inf"), "10", True)),
    ("deadline", -1, SECONDS.format("0")),
    *(("headers", {name: "a"}, PRINTABLE) for name in (5, "", "X Y")),
    *(("headers", {"X": value}, PRINTABLE) for value in (5, "é", "a\r\nb")),
    *(
        ("headers", {name: "1"}, f"must not have {name}: the client sends its own")
        for name in ("Accept", "HOST", "content-length")
    ),
    ("server_variables", {"port": "1"}, "must be texts for nothing"),
    *((name, [("a", "b")], "must be a mapping of names to texts") for name in ("headers", "server_variables")),
    ("outage_guard", OutageGuard, "must be an OutageGuard, not type"),
]


@pytest.mark.parametrize(("name", "value", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_an_option_is_refused_in_words_of_its_own(name: str, value: Any, reason: str) -> None:
    """When either kind of client is made, or copied; the line says what would be right."""
    for kind in KINDS:
        with pytest.raises(errors.InvalidRequest) as raised:
            kind(**{"account_id": "demo", name: value})
        assert (str(raised.value), raised.value.path) == (f"{name}: {reason}", name)
        with pytest.raises(errors.InvalidRequest, match=f"^{name}: "):
            kind("demo").with_options(**{name: value})


def test_the_two_kinds_of_client_need_other_stores_and_hooks() -> None:
    """What a sync client cannot await would be no pause."""

    async def never_awaited(_: Any) -> None:
        raise AssertionError

    for kind, method, shown in zip(KINDS, ("load", "aload"), ("<Visit>", "<AsyncVisit>"), strict=True):
        for store, name in ((5, "int"), (MemoryStore, "type")):
            with pytest.raises(errors.InvalidRequest) as raised:
                kind("demo", store=store)
            assert str(raised.value) == f"store: must be a store such as SQLiteStore(...): {name} has no {method}"
        assert repr(kind("demo").visit("secret-key")) == shown

    class Hook:
        __call__ = staticmethod(never_awaited)

    for name, function in (("sleep", never_awaited), ("on_retry", never_awaited), ("on_request", Hook())):
        options: dict[str, Any] = {name: function}
        with pytest.raises(errors.InvalidRequest, match=f"{name}: must be a plain function: only AsyncEng"):
            EngagementClient("demo", **options)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_key_is_refused(kind: Any) -> None:
    """All who pass it would share one visitor; any other text is a key."""
    shared = "must not be empty: all who pass it would share one visitor; leave it out instead"
    for key, reason in {"": shared, 5: "must be text, not int"}.items():
        with pytest.raises(errors.InvalidRequest) as raised:
            kind("demo").visit(key)
        assert str(raised.value) == f"key: {reason}"


@pytest.mark.backends
def test_a_copy_shares_connections_and_memory(client: EngagementClient, backend: Backend, sandbox: Sandbox) -> None:
    """It has its own settings, and the original keeps its; closing either closes them for both."""
    client.visit("shopper").create_session(BODY)
    hurried = client.with_options(retry=RetryPolicy.none())
    sandbox.fail_next(503)
    with pytest.raises(errors.ServerError):
        hurried.visit("shopper").create_session(BODY)
    assert backend.pauses == []
    sandbox.fail_next(503)
    client.visit("shopper").create_session(BODY)
    assert (backend.pauses, len(sandbox.visitors)) == ([5.0], 1)
    assert len({request.caller for request in sandbox.requests}) == 1
    unknown: Any = {"timeoutt": 1}
    with pytest.raises(TypeError, match="timeoutt"):
        client.with_options(**unknown)
    assert not client.is_closed
    hurried.close()
    assert (client.is_closed, hurried.is_closed) == (True, True)
    for call in (lambda: client.visit("shopper").engagement(BODY), client.visit("shopper").forget, client.find_domain):
        with pytest.raises(RuntimeError, match=r"^the client is closed: make another$"):
            call()


def test_a_copy_of_a_subclass_is_one() -> None:
    """With all that its own constructor has set."""

    class Shop(EngagementClient):
        def __init__(self, name: str) -> None:
            super().__init__("demo")
            self.name = name

    copy = Shop("books").with_options(timeout=3)
    assert (type(copy), copy.name, copy.timeout) == (Shop, "books", 3)


def test_a_text_of_another_kind_is_what_it_is_equal_to(sandbox: Sandbox) -> None:
    """In the URL, in the body, and as a key: of an enum's member the value."""
    make: Any = Enum  # what type checkers say of it is no matter here
    kind = make("kind", {"A": "demo", "B": "EXTERNAL", "C": "appType"}, type=str)
    with EngagementClient(kind.A, base_url=sandbox.url) as client:
        body: Any = {kind.C: kind.B, "consumerSections": (kind.B,)}
        session = client.visit(kind.A).create_session(body)
        assert client.visit("demo").ids == client.visit(kind.A).ids
        known = make("known", {"A": session.visitor_id, "B": session.session_id}, type=str)
        client.visit(ids=VisitIds(known.A, known.B)).create_session(BODY)
    assert {request.account_id for request in sandbox.requests} == {"demo"}
    assert sandbox.requests[0].body == {"appType": "EXTERNAL", "consumerSections": ["EXTERNAL"]}
    assert len(sandbox.visitors) == 1


@pytest.mark.backends
def test_cookies_of_one_visitor_do_not_go_out_with_anothers_call(client: EngagementClient, sandbox: Sandbox) -> None:
    """Nothing but the ids ties a request to a visitor."""
    sandbox.fail_next(503, headers={"Set-Cookie": "visitor=one; Path=/"})
    for _ in range(2):
        client.visit().create_session(BODY)
    assert not any(name.lower() == "cookie" for request in sandbox.requests for name in request.headers)


@pytest.mark.parametrize(("failing", "requests"), [("load", 0), ("acquire", 0), ("extend", 0), ("compare_and_set", 1)])
def test_a_store_that_fails_is_reported(backend: Backend, sandbox: Sandbox, failing: str, requests: int) -> None:
    """Before anything is sent if it can be noticed by then, and without the key."""
    store = WatchedStore()
    store.failing = failing
    client = backend.client(base_url=sandbox.url, store=store)
    with pytest.raises(errors.StoreError) as raised:
        client.visit("shopper-42").create_session(BODY)
    assert isinstance(raised.value.__cause__, OSError)
    assert "shopper-42" not in str(raised.value)
    assert len(sandbox.requests) == requests
    continuing = client.with_options(on_store_error="continue")
    assert continuing.visit("another").create_session(BODY).status == "Available"


@pytest.mark.backends
def test_every_operation_can_be_called(backend: Backend, sandbox: Sandbox) -> None:
    """Typed, with the client's account unless another one is given; nothing is remembered, and no id printed."""
    client = backend.client(domain_api=sandbox.url)
    assert client.call("findDomain").base_uri == sandbox.host
    session = client.call("createSession", BODY)
    assert isinstance(session, AvailableSession)
    again = client.call("continueSession", BODY, visitor_id=session.visitor_id, sid=session.session_id)
    assert again.session_id == session.session_id
    update: Any = {"pageId": session.page_id, "engagementAttributes": []}
    assert client.call("updateSession", update, visitor_id=session.visitor_id, sid=session.session_id) is None
    client.call("createSession", BODY, account_id="other")
    assert [visitor.account_id for visitor in sandbox.visitors] == ["demo", "other"]
    message = json.dumps({"internalCode": 37, "message": f"no {session.visitor_id} and sid-404"})
    sandbox.fail_next(404, body=message)
    with pytest.raises(errors.NotFound) as missing:
        client.call("continueSession", BODY, visitor_id=session.visitor_id, sid="sid-404")
    assert str(missing.value) == "[404] no … and … (internal code 37)"


@pytest.mark.parametrize(
    ("operation_id", "body", "parameters", "reason"),
    [
        ("readReport", None, {}, "operation_id: must be one of createSession, continueSession, updateSession, f"),
        (["createSession"], None, {}, "operation_id: must be one of createSession, "),
        ("createSession", None, {}, "body: must be of type object"),
        ("createSession", {"appType": "X"}, {}, "appType: must be one of "),
        ("findDomain", {}, {}, "body: is not taken by findDomain"),
        ("updateSession", {"pageId": "1"}, {"visitor_id": "xyz"}, "sid: is required"),
        ("continueSession", BODY, {"visitor_id": "."}, "visitor_id: must match the pattern "),
        ("createSession", BODY, {"x": "x"}, "x: is no parameter of createSession, which takes account_id, v$"),
        ("createSession", BODY, {"account_id": "x y"}, "account_id: must match the pattern "),
    ],
)
def test_a_wrong_call_is_refused_before_it_is_sent(
    operation_id: Any, body: Any, parameters: dict[str, Any], reason: str
) -> None:
    """It names what is wrong."""
    play = Play(GOOD)
    call: Any = play.client.call
    with pytest.raises(errors.InvalidRequest, match=f"^{reason}"):
        call(operation_id, body, **parameters)
    assert not play.sent
