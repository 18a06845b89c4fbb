"""What the service may answer: all of it is looked at before any of it is believed."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import httpx
import pytest

from conftest import BODY, Backend
from faults_service import GOOD, Service, Wire, says
from liveperson_engagement import (
    ApiError,
    AsyncEngagementClient,
    BadRequest,
    ConnectionFailed,
    EngagementClient,
    EngagementError,
    InvalidResponse,
    RetryPolicy,
    ServerError,
    Unauthorized,
    VisitIds,
)
from liveperson_engagement.sandbox import Sandbox

ANSWER = {"status": "NotAvailable", "sessionId": "abc", "visitorId": "xyz", "pageId": "4743822558"}


@pytest.mark.parametrize("half", [r"\ud800", r"\uDFFF", r"\uDbff\u0041"])
def test_half_a_character_is_left_out_with_what_it_stands_in(
    client: EngagementClient, sandbox: Sandbox, half: str
) -> None:
    """It could be neither stored nor sent on: also where the contract does not look."""
    content = json.dumps({**ANSWER, "future": ["a", {"b": "HALF"}], "other": 1}).replace("HALF", half).encode()
    sandbox.answer_next(body=content)
    assert client.visit("shopper").create_session(BODY).additional_properties == {"other": 1}


def test_two_halves_are_a_character(client: EngagementClient, sandbox: Sandbox) -> None:
    """As JSON writes those beyond the first 65,536."""
    sandbox.answer_next(body=json.dumps({**ANSWER, "future": "\U0001f600"}).encode())
    assert client.visit().create_session(BODY).additional_properties == {"future": "\U0001f600"}


@pytest.mark.parametrize(
    ("entity", "code", "message"),
    [
        ('{"internalCode": 0, "message": ""}', 0, ""),
        (f'{{"internalCode": {2**63 - 1}}}', 2**63 - 1, None),
        (f'{{"internalCode": {2**63}}}', None, None),
        (f'{{"internalCode": {-(2**63)}}}', -(2**63), None),
        (f'{{"internalCode": {-(2**63) - 1}}}', None, None),
        ('{"internalCode": 5.0, "message": 5}', 5, "5"),
        ('{"internalCode": "5", "message": ["no"]}', 5, None),
        ('{"internalCode": 5.5, "message": null}', None, None),
        ('{"internalCode": true, "message": true}', None, None),
        ('{"internalCode": NaN, "message": "a"}', None, "a"),
        ('{"internalCode": 1e999, "message": "a"}', None, "a"),
        ('{"error": "no", "internalCode": 5, "message": "no"}', None, None),
        ('["internalCode", "message"]', None, None),
        ('{"internalCode": 5', None, None),
        ("[" * 100_000, None, None),
    ],
)
def test_of_an_error_only_what_is_of_the_right_kind_is_believed(
    client: EngagementClient, sandbox: Sandbox, entity: str, code: int | None, message: str | None
) -> None:
    """A code has at most 64 bits; whatever else the body is, the status counts."""
    sandbox.fail_next(400, body=entity)
    with pytest.raises(BadRequest) as raised:
        client.visit().create_session(BODY)
    assert (raised.value.status_code, raised.value.internal_code, raised.value.message) == (400, code, message)


def test_the_ids_that_a_message_repeats_are_masked(client: EngagementClient, sandbox: Sandbox) -> None:
    """In the line; the message itself is kept as it came."""
    visit = client.visit("shopper")
    known = visit.create_session(BODY)
    said = f"no {known.session_id} of {known.visitor_id}"
    sandbox.fail_next(400, body=json.dumps({"message": said}))
    with pytest.raises(BadRequest) as raised:
        visit.create_session(BODY)
    assert str(raised.value) == "[400] no … of …"
    assert raised.value.message == said


PURCHASE = {"type": "purchase", "total": 4711, "orderId": "abc", "future": 471}
PERSON = {"type": "personal", "personal": {"firstname": "Sarah", "surname": "Aunt Sarah", "company": "xy"}}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("total of 4711", "total of …"),
        ("total of 471", "total of 471"),
        ("orderId abc, ab", "orderId …, ab"),
        ("company xy", "company xy"),
        ("Aunt Sarah, Sarah", "…, …"),
        ("firstname", "firstname"),
        ("a\x00b\n c", "a b c"),
        ("x" * 10_000, "x" * 200),
        ("x" * 10_001, "a message of 10,001 characters"),
    ],
)
def test_what_was_sent_is_masked_where_a_message_repeats_it(
    client: EngagementClient, sandbox: Sandbox, said: str, shown: str
) -> None:
    """Text from three characters and numbers from four digits on, longer ones first; names of members stay."""
    sandbox.fail_next(400, body=json.dumps({"message": said}))
    body: Any = {**BODY, "engagementAttributes": [PURCHASE, PERSON]}
    with pytest.raises(BadRequest) as raised:
        client.visit().create_session(body)
    assert str(raised.value) == f"[400] {shown}"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (300, ApiError),
        (399, ApiError),
        (401, Unauthorized),
        (402, ApiError),
        (499, ApiError),
        (500, ServerError),
        (599, ServerError),
    ],
)
def test_each_status_has_its_error(backend: Backend, sandbox: Sandbox, status: int, kind: type[ApiError]) -> None:
    """Also those that no registry knows."""
    sandbox.fail_next(status, body=b"")
    with pytest.raises(ApiError) as raised:
        backend.client(base_url=sandbox.url, retry=RetryPolicy.none()).visit().create_session(BODY)
    assert type(raised.value) is kind
    assert str(raised.value) == f"[{status}] no message"


@pytest.mark.parametrize("status", [201, 299])
def test_a_success_that_the_contract_does_not_have_is_told_in_one_line(
    client: EngagementClient, sandbox: Sandbox, status: int
) -> None:
    """It may mean anything."""
    sandbox.answer_next(status=status, body=json.dumps(ANSWER).encode())
    with pytest.raises(InvalidResponse) as raised:
        client.visit().create_session(BODY)
    assert str(raised.value) == (
        f"the service's answer breaks the contract: status: {status} is not an answer that the contract has"
    )


class Other(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport of somebody else's: answers, or fails, as it is told."""

    def __init__(self, told: httpx.Response | httpx.RequestError) -> None:
        self.told = told

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Do so."""
        if isinstance(self.told, httpx.Response):
            return self.told
        self.told.args = (str(self.told).format(url=request.url),)
        raise self.told

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Do so."""
        return self.handle_request(request)


def called(backend: Backend, told: httpx.Response | httpx.RequestError) -> EngagementError:
    """Continue a visit over such a transport; return what is raised."""
    options: dict[str, Any] = {"transport": Other(told), "retry": RetryPolicy.none()}
    client = backend.client(base_url="https://told.test", **options)
    with pytest.raises(EngagementError) as raised:
        client.visit(ids=VisitIds("abc", "s/1", "p")).create_session(BODY)
    return raised.value


def test_an_error_keeps_what_came(backend: Backend) -> None:
    """Status, headers by either case, and body."""
    error = called(backend, httpx.Response(418, headers=[(b"X-Name", "é".encode())], content=b"tea"))
    assert isinstance(error, ApiError)
    assert error.response.headers["x-name"] == error.response.headers["X-Name"] == "é"
    assert (error.response.status, error.response.body) == (418, b"tea")


def test_a_protocol_that_was_switched_unasked_is_no_answer(backend: Backend) -> None:
    """Whatever comes after it."""
    error = called(backend, httpx.Response(101, content=b""))
    assert type(error) is ConnectionFailed
    assert str(error) == ("no answer to the request (it may have arrived): the protocol was switched, unasked")
    assert type(called(backend, httpx.Response(102, content=b""))) is ApiError


def test_a_connection_that_fails_is_told_without_ids(backend: Backend) -> None:
    """Neither as they are nor as a URL has them."""
    cause = httpx.ConnectError("no way to {url}\nmore")
    error = called(backend, cause)
    assert str(error) == (
        "no answer to the request (it was not sent): no connection to the host (ConnectError no way to"
        " https://told.test/api/account/demo/app/engagement/visitors/…?sid=…&v=1.0 more):"
        " check host and port, and what may be between, such as a firewall"
    )
    assert error.__cause__ is cause


@pytest.mark.parametrize("quoted", ["b'abc'", 'b"abc"', "bytearray(b'abc')"])
def test_what_came_instead_of_an_answer_is_not_quoted(backend: Backend, quoted: str) -> None:
    """It may be what was sent: neither in the line nor in the error that caused it."""
    error = called(backend, httpx.RemoteProtocolError(f"illegal status line: {quoted}"))
    assert str(error) == "no answer to the request (it may have arrived): RemoteProtocolError illegal status line"
    assert type(error.__cause__) is httpx.RemoteProtocolError
    assert str(error.__cause__) == "illegal status line"


def test_an_answer_that_breaks_off_has_its_cause(backend: Backend) -> None:
    """The status alone is not enough for a good one."""
    with Service() as service:
        service.act = says(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{")
        client = backend.client(base_url=f"http://127.0.0.1:{service.port}", retry=RetryPolicy.none())
        with pytest.raises(ConnectionFailed) as raised:
            client.visit().create_session(BODY)
    assert raised.value.__cause__ is not None


@pytest.mark.backends("sync")
def test_a_forked_child_opens_connections_of_its_own(backend: Backend) -> None:
    """Its parent goes on with the one that it has."""
    ports: list[int] = []

    def act(wire: Wire) -> bool:
        ports.append(wire.getpeername()[1])
        return bool(GOOD(wire))

    with Service() as service:
        service.act = act
        visit = backend.client(base_url=f"http://127.0.0.1:{service.port}").visit()
        for _ in range(2):
            visit.create_session(BODY)
        child = os.fork()
        if not child:
            for _ in range(2):
                visit.create_session(BODY)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        visit.create_session(BODY)
    parents, childs = ports[0], ports[2]
    assert ports == [parents, parents, childs, childs, parents]
    assert childs != parents


def once(client: EngagementClient | AsyncEngagementClient) -> None:
    """Start a visit; in an event loop of its own, if it takes one."""
    if isinstance(client, EngagementClient):
        client.visit().create_session(BODY)
        return

    async def start() -> None:
        await client.visit().create_session(BODY)

    asyncio.run(start())


@pytest.mark.parametrize("kind", [EngagementClient, AsyncEngagementClient])
def test_a_forked_child_goes_on_without_fast_connections(
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    kind: type[EngagementClient] | type[AsyncEngagementClient],
) -> None:
    """It says so once; its parent goes on as before."""
    client = kind("demo", base_url=sandbox.url, transport="fast")
    once(client)
    child = os.fork()
    if not child:
        status = 1
        try:
            once(client)
            once(client)
            told = "transport: fast connections do not survive a fork; this process uses the default ones"
            status = 0 if set(caplog.messages) == {told} else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    once(client)
    assert caplog.messages == []
    assert len(sandbox.requests) == 4
    with asyncio.Runner() as runner:
        closed = client.close()
        if closed is not None:
            runner.run(closed)


def test_a_client_that_is_closed_says_so(backend: Backend, sandbox: Sandbox) -> None:
    """As any program error, not as a failure of the service."""
    client = backend.client(base_url=sandbox.url)
    client.close()
    with pytest.raises(RuntimeError) as raised:
        client.visit().create_session(BODY)
    assert str(raised.value) == "the client is closed: make another"
    assert sandbox.requests == ()


def test_an_async_client_serves_several_loops(sandbox: Sandbox) -> None:
    """Its connections belong to none of them."""
    client = AsyncEngagementClient("demo", base_url=sandbox.url)
    with asyncio.Runner() as first, asyncio.Runner() as second:
        for runner in (first, second, first):
            runner.run(client.visit("shopper").create_session(BODY))
        first.run(client.aclose())
    assert len(sandbox.visitors) == 1
