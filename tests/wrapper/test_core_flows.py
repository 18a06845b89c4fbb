"""Calls step by step, played without a network: what comes of each answer, and where each operation is sent."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from test_contract_reading import REPORTS, operation_of
from test_settings import lookups, pass_time

from conftest import BODY, Backend, Clock
from liveperson_engagement import (
    ApiError,
    BadRequest,
    ConnectionFailed,
    DeadlineExceeded,
    EngagementClient,
    EngagementError,
    InvalidRequest,
    InvalidResponse,
    MemoryStore,
    OutageGuard,
    ResponseEvent,
    RetryPolicy,
    ServerError,
    Timeout,
    _account,
)
from liveperson_engagement._account import Account, DomainResolver, check_base_url, split_host
from liveperson_engagement._call import Attempt, Call, CallSettings
from liveperson_engagement._contract import contract
from liveperson_engagement._steps import Flow, Send
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.transports import NoResponse, UnreadableBody
from liveperson_engagement_api.http import Headers, Request, Response

T = TypeVar("T")
URL = "https://host.example"


def settings(**options: Any) -> CallSettings:
    """What a client that tries once says of its calls."""
    known = CallSettings(RetryPolicy.none(), timeout=5.0, deadline=None, headers={}, strict=False, observed=False)
    return replace(known, **options, _merged={})


def played(flow: Flow[T], *told: Response | Exception) -> T:
    """Answer the requests of a flow in turn, and nothing else; return its result."""
    answers = list(told)
    try:
        step = next(flow)
        while True:
            answer = answers.pop(0) if isinstance(step, Send) else None
            step = flow.throw(answer) if isinstance(answer, Exception) else flow.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


def attempt(operation_id: str = "createSession") -> Attempt:
    """Make a request that can be sent."""
    request = Request("POST", "/api", "", Headers(), b"{}")
    return Attempt(contract().operations[operation_id], URL, request, 5.0, ["abc"])


def failed(tried: Attempt, told: Response | Exception) -> EngagementError:
    """Send in vain; return what is raised."""
    with pytest.raises(EngagementError) as raised:
        played(tried.send(), told)
    return raised.value


# --- One attempt ------------------------------------------------------------------------------------------------------


def test_a_switched_protocol_is_no_answer_over_any_transport() -> None:
    """One that lets it through is told as one that does not."""
    tried = attempt()
    error = failed(tried, Response(101))
    assert type(error) is ConnectionFailed
    assert error.may_have_arrived is True
    assert str(error) == "no answer to the request (it may have arrived): the protocol was switched, unasked"
    assert tried.response == Response(101)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (100, ApiError),
        (199, ApiError),
        (300, ApiError),
        (400, BadRequest),
        (499, ApiError),
        (500, ServerError),
        (599, ServerError),
        (600, ApiError),
        (999, ApiError),
    ],
)
def test_a_status_has_its_own_kind_of_error(status: int, kind: type[ApiError]) -> None:
    """Server errors are those from 500 to 599."""
    error = failed(attempt(), Response(status))
    assert type(error) is kind
    assert isinstance(error, ApiError)
    assert (error.status_code, error.response) == (status, Response(status))


@pytest.mark.parametrize("timed_out", [False, True])
def test_an_answer_that_broke_off_is_kept_as_far_as_it_came(*, timed_out: bool) -> None:
    """A good one is none without its body; of another the status counts."""
    tried, came = attempt(), Response(200, Headers([("X-Name", "a")]))
    cause = OSError("gone")
    lost = NoResponse("abc is gone", may_have_arrived=True, timed_out=timed_out, response=came)
    lost.__cause__ = cause
    error = failed(tried, lost)
    assert type(error) is (Timeout if timed_out else ConnectionFailed)
    assert str(error) == "no answer to the request (it may have arrived): … is gone"
    assert error.__cause__ is cause
    assert tried.response is came
    busy = NoResponse("gone", may_have_arrived=True, response=Response(503))
    assert type(failed(attempt(), busy)) is ServerError
    nothing = attempt()
    assert type(failed(nothing, NoResponse("gone", may_have_arrived=False))) is ConnectionFailed
    assert nothing.response is None


def test_a_body_that_cannot_be_read_is_told_of_a_good_answer() -> None:
    """Of another the status counts."""
    tried, came = attempt(), Response(200, Headers([("X-Name", "a")]))
    error = failed(tried, UnreadableBody("is too large", came))
    assert isinstance(error, InvalidResponse)
    assert (error.path, error.reason) == ("body", "is too large")
    assert error.response is came
    assert tried.response is came
    assert type(failed(attempt(), UnreadableBody("is too large", Response(503)))) is ServerError


def test_an_answer_that_cannot_be_used_names_its_response() -> None:
    """An empty one where none came."""
    tried = attempt()
    assert tried.invalid_response("a", "is odd").response == Response(0)
    tried.response = Response(200, body=b"x")
    error = tried.invalid_response("a", "is odd")
    assert (error.path, error.reason, error.response) == ("a", "is odd", tried.response)


def test_header_fields_are_merged_once_for_each_operation() -> None:
    """Those of the operation come before the client's."""
    chosen = settings(headers={"X-Shop": "one", "Accept": "*/*"})
    accept, plain = Headers([("Accept", "application/json")]), Headers()
    merged = chosen.add_headers("a", accept)
    assert dict(merged) == {"X-Shop": "one", "Accept": "*/*", "accept": "application/json"}
    assert dict(chosen.add_headers("b", plain)) == {"X-Shop": "one", "Accept": "*/*"}
    assert chosen.add_headers("a", accept) is merged
    assert chosen.add_headers("a", plain) is not merged


# --- Whole calls ------------------------------------------------------------------------------------------------------


def test_hooks_are_told_the_request_that_was_sent(backend: Backend, sandbox: Sandbox) -> None:
    """With the answer, however much of it came."""
    told: list[ResponseEvent] = []
    backend.client(base_url=sandbox.url, on_response=told.append).call("createSession", BODY)
    [event] = told
    assert event.request.method == "POST"
    assert event.request.path == sandbox.requests[0].path
    assert event.response is not None
    assert event.response.status == 200


def test_a_pause_that_the_clock_has_seen_is_counted_once(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """Two pauses of four seconds end before a deadline of ten."""
    clock = Clock()
    monkeypatch.setattr("liveperson_engagement._call.time", SimpleNamespace(monotonic=clock))
    monkeypatch.setattr("liveperson_engagement._deadline.time", SimpleNamespace(monotonic=clock))

    def sleep(seconds: float) -> None:
        clock.now += seconds

    sandbox.fail_next(503, times=2)
    with EngagementClient("demo", base_url=sandbox.url, retry=RetryPolicy((4, 4)), sleep=sleep) as client:
        assert client.call("createSession", BODY, deadline=10).status == "Available"
    assert clock.now == 1008


def test_a_call_ends_at_its_own_deadline(backend: Backend, sandbox: Sandbox) -> None:
    """Which comes before the client's."""
    client = backend.client(base_url=sandbox.url, deadline=1000)
    sandbox.fail_next(503, times=4)
    with pytest.raises(DeadlineExceeded):
        client.call("createSession", BODY, deadline=6)
    assert backend.pauses == [5]


def test_a_call_that_is_redirected_has_the_host_looked_up_again(
    backend: Backend, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute later; one that is refused has not."""
    client = backend.client(domain_api=sandbox.url)
    for status, seconds, count in ((400, 61, 1), (302, 122, 2)):
        sandbox.fail_next(status, operation="createSession")
        with pytest.raises(ApiError):
            client.call("createSession", BODY)
        pass_time(monkeypatch, seconds)
        client.call("createSession", BODY)
        assert lookups(sandbox) == count


def test_a_guard_lets_one_attempt_of_any_call_through(backend: Backend, sandbox: Sandbox, clock: Clock) -> None:
    """Once its pause is over."""
    client = backend.client(base_url=sandbox.url, store=MemoryStore(clock=clock), outage_guard=OutageGuard((7, 90)))
    sandbox.fail_next(503, times=5)
    for passed, requests in ((0, 4), (0, 4), (7, 5)):
        clock.now += passed
        with pytest.raises(ServerError):
            client.call("createSession", BODY)
        assert len(sandbox.requests) == requests
    assert backend.pauses == [5, 10, 15]


def test_an_operation_without_an_account_is_sent_without_one(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """Today's have one, each of them."""
    operation = operation_of({"servers": [{"url": sandbox.url}]}, method="get")
    built: list[dict[str, Any]] = []

    def build_request(**arguments: Any) -> Request:
        built.append(arguments)
        return Request("GET", "/")

    operation.__dict__["generated"] = SimpleNamespace(PARAMETERS={}, build_request=build_request)
    operation.__dict__["policy"] = contract().operations["findDomain"].policy
    operations = {**contract().operations, "continueSession": operation}
    monkeypatch.setattr(_account, "contract", lambda: SimpleNamespace(operations=operations))
    with EngagementClient("demo", retry=RetryPolicy.none()) as client, pytest.raises(InvalidResponse):
        client.call("continueSession")  # type: ignore[call-overload]
    assert built == [{}]


# --- Hosts ------------------------------------------------------------------------------------------------------------


def account(variables: Mapping[str, str]) -> Account:
    """An account whose Domain API is another one."""
    domain = DomainResolver("demo", "https://domains.example", "https://given.example")
    return Account("demo", domain, variables, MemoryStore(), settings(), None)


@pytest.mark.parametrize(
    ("servers", "url"),
    [
        ([], "https://given.example"),
        ([REPORTS], "https://us.example:443/us"),
        ([{"url": "https://own.example/"}], "https://own.example"),
        ([{"url": "https://api.liveperson.net"}], "https://domains.example"),
    ],
)
def test_an_operation_is_sent_to_its_server(servers: Sequence[Mapping[str, Any]], url: str) -> None:
    """The account's host, one of its own, or the Domain API in use."""
    operation = operation_of({"servers": servers} if servers else {})
    known = account({"region": "us"})
    assert played(known.base_url(operation, Call(known.calls))) == url


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"region": "a b"}, "must be a URL such as https://host.liveperson.net, without user, query or fragment"),
        ({"port": "0"}, "must be a URL such as https://host.liveperson.net, without user, query or fragment"),
    ],
)
def test_variables_that_make_no_url_are_told_by_their_option(variables: Mapping[str, str], line: str) -> None:
    """Nothing is sent."""
    known = account(variables)
    with pytest.raises(InvalidRequest) as raised:
        played(known.base_url(operation_of({"servers": [REPORTS]}), Call(known.calls)))
    assert str(raised.value) == f"server_variables: {line}"


HOSTS = {
    "https://host.example": "host.example",
    "https://HOST.example:1/x": "host.example",
    "https://host.example:65535": "host.example",
    "https://host.example:65536": None,
    "https://host.example:0": None,
    "https://host.example:x": None,
    "https://[::1]:8": "::1",
    "https://[::x]": None,
    "https://": None,
    "https:///x": None,
    "https://xn--tda.example": "xn--tda.example",
    "https://a.xn--tda": "a.xn--tda",
    "https://xn--a.example": None,
    "https://a.xn--a": None,
    "https://xn--.example": None,
}


def test_a_host_is_a_name_that_can_be_written() -> None:
    """With a port that exists; a foreign name in ASCII stands for one that prints."""
    assert {url: split_host(url) for url in HOSTS} == HOSTS


def test_a_base_url_is_named_by_its_option() -> None:
    """And given back without its last slash."""
    assert check_base_url("base_url", "HTTPS://host.example/") == "HTTPS://host.example"
    with pytest.raises(InvalidRequest) as raised:
        check_base_url("gate", "http://host.example")
    assert str(raised.value) == "gate: must be an https URL; plain http is for loopback addresses"


def test_a_lookup_that_fails_is_a_warning_where_a_host_is_known(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and the known host is asked about again in four hours."""
    caplog.set_level(logging.WARNING, logger="liveperson_engagement")
    client = backend.client(domain_api=sandbox.url)
    client.find_domain()
    sandbox.fail_next(503, body=b"", operation="findDomain")
    assert client.find_domain(refresh=True) == sandbox.url
    assert caplog.messages == ["domain: looking the host up again failed ([503] no message); the known one is kept"]
    pass_time(monkeypatch, 3600)
    assert client.find_domain() == sandbox.url
    assert lookups(sandbox) == 2


def test_a_deadline_needs_no_client() -> None:
    """A call has the settings' one unless it is given another."""
    clock: Callable[[], float] = time.monotonic
    started = clock()
    assert Call(settings(deadline=None)).deadline.left() is None
    for call in (Call(settings(deadline=500.0)), Call(settings(deadline=1.0), 500.0)):
        left = call.deadline.left()
        assert left is not None
        assert 500 - (clock() - started) <= left <= 500
