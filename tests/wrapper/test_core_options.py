"""A client's options, to the letter: what each one sets, what is refused, and what telemetry is told of a call."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import BODY, Backend
from liveperson_engagement import (
    AsyncEngagementClient,
    EngagementClient,
    InvalidRequest,
    MemoryStore,
    OutageGuard,
    RetryEvent,
    RetryPolicy,
    VisitIds,
)
from liveperson_engagement import client as clients
from liveperson_engagement._contract import contract
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api.http import Headers

PRINTABLE = "headers: must have names and values that are printable ASCII text"


def refusal(backend: Backend, **options: Any) -> str:
    """Say why a client is refused."""
    with pytest.raises(InvalidRequest) as raised:
        backend.client(**options)
    return str(raised.value)


# --- What is set ------------------------------------------------------------------------------------------------------


def test_a_client_shows_its_settings() -> None:
    """As they were given."""
    store, retry, guard = MemoryStore(), RetryPolicy((1,)), OutageGuard()
    for kind in (EngagementClient, AsyncEngagementClient):
        client = kind("demo", store=store, retry=retry, timeout=3, deadline=7, outage_guard=guard)
        assert client.store is store
        assert client.retry is retry
        assert (client.timeout, client.deadline) == (3, 7)
        assert client.outage_guard is guard
        assert repr(client) == f"{kind.__name__}('demo')"


def test_what_is_not_given_has_its_documented_default() -> None:
    """Ten seconds an attempt, no deadline, no guard, memory."""
    with EngagementClient("demo") as client:
        assert (client.timeout, client.deadline, client.outage_guard) == (10.0, None, None)
        assert client.retry == RetryPolicy()
        assert isinstance(client.store, MemoryStore)
        assert client.is_closed is False
    assert client.is_closed is True


@pytest.mark.parametrize(("kind", "asynchronous"), [(EngagementClient, False), (AsyncEngagementClient, True)])
def test_a_transport_is_made_of_all_that_is_given(
    kind: type[EngagementClient | AsyncEngagementClient], monkeypatch: pytest.MonkeyPatch, *, asynchronous: bool
) -> None:
    """And of nothing else."""
    made: list[tuple[Any, Mapping[str, Any]]] = []

    def make_transport(transport: Any, **options: Any) -> Any:
        made.append((transport, options))

    monkeypatch.setattr(clients, "make_transport", make_transport)
    given: dict[str, Any] = {"proxy": "http://proxy.example", "ssl_context": object(), "max_connections": 5}
    kind("demo", transport="fast", **given)
    assert made == [("fast", {**given, "asynchronous": asynchronous})]


def test_what_is_given_goes_into_each_call(backend: Backend, sandbox: Sandbox) -> None:
    """Also to the Domain API, and to a host that is given."""
    client = backend.client("other", domain_api=sandbox.url, headers={"X-Shop": "one"})
    client.visit().create_session(BODY)
    client.with_options(base_url=sandbox.url).visit().create_session(BODY)
    assert [request.account_id for request in sandbox.requests] == ["other"] * 3
    assert [Headers(request.headers.items())["X-Shop"] for request in sandbox.requests] == ["one"] * 3
    client.with_options(base_url=sandbox.url).call("findDomain")
    assert sandbox.requests[-1].operation_id == "findDomain"


def test_hosts_are_known_by_account_and_domain_api(backend: Backend, sandbox: Sandbox) -> None:
    """A copy that asks elsewhere asks anew."""
    client = backend.client("one", domain_api=sandbox.url)
    copies = [client.with_options(account_id=name) for name in ("one", "two", "one")]
    copies += [client.with_options(domain_api=f"{sandbox.url}/")]
    with Sandbox() as elsewhere:
        assert client.with_options(domain_api=elsewhere.url).find_domain() == elsewhere.url
        assert [copy.find_domain() for copy in copies] == [sandbox.url] * 4
    assert [request.account_id for request in sandbox.requests] == ["one", "two"]


def test_a_visit_continues_with_the_ids_that_are_given(client: EngagementClient, sandbox: Sandbox) -> None:
    """The first request names them."""
    ids = VisitIds("xyz", "abc", "4743822558")
    visit = client.visit("shopper", ids=ids)
    assert visit.ids == ids
    sandbox.answer_next(body=b'{"status": "NotAvailable", "sessionId": "abc", "visitorId": "xyz", "pageId": "1"}')
    visit.create_session(BODY)
    [request] = sandbox.requests
    assert (request.operation_id, request.query["sid"]) == ("continueSession", "abc")
    assert request.path.endswith("/visitors/xyz")


def test_a_visit_without_a_key_is_private(backend: Backend, sandbox: Sandbox) -> None:
    """Nothing of it comes into the client's store."""
    keys: list[str] = []

    class Noting(MemoryStore):
        """Notes whose records are read."""

        def load(self, key: str, timeout: float | None = None) -> Any:
            keys.append(key)
            return super().load(key, timeout)

        async def aload(self, key: str, timeout: float | None = None) -> Any:
            keys.append(key)
            return await super().aload(key, timeout)

    client = backend.client(base_url=sandbox.url, store=Noting())
    client.visit().create_session(BODY)
    assert keys == []
    client.visit("shopper").create_session(BODY)
    assert set(keys) == {"demo:shopper"}


def test_what_is_given_reaches_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, in both kinds of client."""
    document = contract()
    one = SimpleNamespace(server_variables=("port",))
    known = SimpleNamespace(operations={**document.operations, "one": one}, component=document.component)
    monkeypatch.setattr(clients, "contract", lambda: known)
    guard, variables = OutageGuard(), {"port": "80"}
    for kind in (EngagementClient, AsyncEngagementClient):
        for reaction in ("raise", "continue"):
            options: dict[str, Any] = {"timeout": 3, "deadline": 7, "outage_guard": guard, "on_store_error": reaction}
            client = kind("demo", server_variables=variables, **options)
            account, driver = vars(client)["_account"], vars(client)["_driver"]
            assert (account.calls.timeout, account.calls.deadline) == (3, 7)
            assert (account.outage_guard, account.server_variables) == (guard, variables)
            assert driver.ignore_store_errors is (reaction == "continue")
            assert repr(client.visit("sarah")) == ("<Visit>" if kind is EngagementClient else "<AsyncVisit>")


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"headers": {5: "a"}}, PRINTABLE),
        ({"headers": {"X": 5}}, PRINTABLE),
        ({"headers": {"X": "é"}}, PRINTABLE),
        ({"headers": {"X Y": "a"}}, PRINTABLE),
        ({"headers": {"Accept": "a"}}, "headers: must not have Accept: the client sends its own"),
        ({"headers": {"HOST": "a"}}, "headers: must not have HOST: the client sends its own"),
        ({"outage_guard": 5}, "outage_guard: must be an OutageGuard, not int"),
        ({"server_variables": {"port": "1"}}, "server_variables: must be texts for nothing"),
        ({"account_id": "a-b"}, "account_id: must match the pattern ^[a-zA-Z0-9_]{1,20}$"),
    ],
)
def test_a_refused_option_is_told_in_one_line(backend: Backend, options: dict[str, Any], line: str) -> None:
    """With what would be right."""
    assert refusal(backend, **options) == line


WORDS = {
    "account_id": ("", "must match the pattern ^[a-zA-Z0-9_]{1,20}$"),
    "base_url": ("a", "must be a URL such as https://host.liveperson.net, without user, query or fragment"),
    "domain_api": ("http://a", "must be an https URL; plain http is for loopback addresses"),
    "outage_guard": (5, "must be an OutageGuard, not int"),
    "telemetry": (5, "must be a telemetry, such as liveperson_engagement.otel.OpenTelemetry()"),
    "retry": (5, "must be a RetryPolicy, not int"),
    "on_store_error": ("x", "must be raise or continue"),
    "sleep": (5, "must be callable, not int"),
    "strict": (1, "must be True or False"),
    "timeout": (0, "must be a number of seconds, at least 0.001 and at most 1,000,000,000"),
    "headers": ({"Host": "a"}, "must not have Host: the client sends its own"),
}


def test_each_option_is_refused_in_words_of_its_own() -> None:
    """The same in both kinds of client, which differ in what they need of a store."""
    for kind, method in ((EngagementClient, "load"), (AsyncEngagementClient, "aload")):
        words = {**WORDS, "store": (5, f"must be a store such as SQLiteStore(...): int has no {method}")}
        for name, (wrong, why) in words.items():
            options: dict[str, Any] = {"account_id": "demo", name: wrong}
            with pytest.raises(InvalidRequest) as raised:
                kind(**options)
            assert str(raised.value) == f"{name}: {why}"
        key: Any = 5
        with pytest.raises(InvalidRequest) as raised:
            kind("demo").visit(key)
        assert str(raised.value) == "key: must be text, not int"


def test_server_variables_are_told_by_the_contracts_names(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all operations; today's contract has none."""
    document = contract()
    more = [SimpleNamespace(server_variables=names) for names in (("region", "port"), ("port",))]
    operations = {**document.operations, "one": more[0], "two": more[1]}
    known = SimpleNamespace(operations=operations, component=document.component)
    monkeypatch.setattr(clients, "contract", lambda: known)
    for wrong in ({"host": "a"}, {"port": 80}, {"region": "eu", 5: "a"}):
        assert refusal(backend, server_variables=wrong) == "server_variables: must be texts for port, region"
    for right in ({}, {"port": "80"}, {"port": "80", "region": "eu"}, None):
        assert backend.client(server_variables=right)


def test_an_empty_key_is_told_with_what_to_do(client: EngagementClient) -> None:
    """Any other text is a key."""
    assert client.visit("XXXX")
    with pytest.raises(InvalidRequest) as raised:
        client.visit("")
    assert str(raised.value) == "key: must not be empty: all who pass it would share one visitor; leave it out instead"


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({}, "gzip, deflate"),
        ({"user-agent": "shop"}, "shop"),
        ({"USER-AGENT": "shop"}, "shop"),
        ({"User-Agent": ""}, ""),
        ({"X": "!", "X-Y": "a\tb c"}, "a\tb c"),
    ],
)
def test_a_clients_own_header_fields_may_be_replaced(
    backend: Backend, sandbox: Sandbox, headers: dict[str, str], sent: str
) -> None:
    """In any case of letters; the others stay."""
    backend.client(base_url=sandbox.url, headers=headers).visit().create_session(BODY)
    received = Headers(sandbox.requests[0].headers.items())
    assert sent in {received["User-Agent"], received["Accept-Encoding"], received.get("X-Y", "")}
    assert received["Accept-Encoding"] == "gzip, deflate"
    assert received["User-Agent"].startswith("liveperson-engagement/") is ("X" in headers or not headers)


# --- Telemetry --------------------------------------------------------------------------------------------------------


class Told:
    """A telemetry that notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    @contextmanager
    def call(self, name: str) -> Generator[Told]:
        """Note the call, and what it raises."""
        self.calls.append(name)
        try:
            yield self
        except InvalidRequest as error:
            self.calls.append(error.path)
            raise

    def on_request(self, event: Any) -> None:
        """Note that an attempt begins."""
        self.calls.append(("request", event.attempt))

    def on_response(self, event: Any) -> None:
        """Note how an attempt ended."""
        self.calls.append(("response", event.response.status))

    def on_retry(self, event: Any) -> None:
        """Note a pause."""
        self.calls.append(("retry", event.pause))

    def on_result(self, result: Any) -> None:
        """Note what is returned."""
        self.calls.append(("result", type(result).__name__))


def test_telemetry_is_told_each_call_by_its_method(backend: Backend, sandbox: Sandbox) -> None:
    """With its attempts, pauses and result, before the client's own hooks are."""
    told = Told()

    def tell(event: RetryEvent) -> None:
        told.calls.append(("own", event.pause))

    client = backend.client(domain_api=sandbox.url, telemetry=told, on_retry=tell)
    attempt, nothing = [("request", 1), ("response", 200)], ("result", "NoneType")
    visit = client.visit("shopper")
    client.find_domain()
    sandbox.serve_next()
    visit.create_session(BODY)
    visit.engagement(BODY)
    visit.update_session({})
    visit.report_impressions("impDisplay")
    visit.forget()
    client.call("findDomain")
    with pytest.raises(InvalidRequest):
        visit.update_session({})
    assert told.calls == [
        "find_domain", *attempt, ("result", "str"),
        "create_session", *attempt, ("result", "AvailableSession"),
        "engagement", ("result", "AvailableSession"),
        "update_session", *attempt, nothing,
        "report_impressions", *attempt, nothing,
        "forget", nothing,
        "call", *attempt, ("result", "ServiceDomain"),
        "update_session", "pageId",
    ]  # fmt: skip
    told.calls.clear()
    sandbox.fail_next(503)
    client.call("createSession", BODY)
    assert told.calls[1:6] == [("request", 1), ("response", 503), ("retry", 5), ("own", 5), ("request", 2)]


@pytest.mark.parametrize(("name", "count"), [("on_request", 2), ("on_response", 2), ("on_retry", 1), ("nothing", 0)])
def test_each_hook_is_called_by_itself(backend: Backend, sandbox: Sandbox, name: str, count: int) -> None:
    """Whichever others there are."""
    told: list[Any] = []
    options: dict[str, Any] = {} if name == "nothing" else {name: told.append}
    sandbox.fail_next(503)
    backend.client(base_url=sandbox.url, **options).call("createSession", BODY)
    assert len(told) == count


@pytest.mark.parametrize("asked", ["create_session", "engagement", "update_session", "report_impressions", "find"])
def test_each_method_ends_at_the_deadline_it_is_given(backend: Backend, sandbox: Sandbox, asked: str) -> None:
    """A wrong one is told, whatever the client's is."""
    client = backend.client(domain_api=sandbox.url, deadline=100)
    visit = client.visit()
    calls: dict[str, Any] = {
        "create_session": lambda: visit.create_session(BODY, deadline=-1),
        "engagement": lambda: visit.engagement(BODY, deadline=-1),
        "update_session": lambda: visit.update_session({}, deadline=-1),
        "report_impressions": lambda: visit.report_impressions("impDisplay", deadline=-1),
        "find": lambda: client.find_domain(deadline=-1),
    }
    with pytest.raises(InvalidRequest) as raised:
        calls[asked]()
    assert raised.value.path == "deadline"
    assert sandbox.requests == ()
