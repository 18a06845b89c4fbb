"""The retry policy: which failures are tried again, and after which pauses."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from conftest import BODY, Backend
from liveperson_engagement import (
    AccountLoading,
    ApiError,
    AsyncEngagementClient,
    BadRequest,
    ConnectionFailed,
    DeadlineExceeded,
    EngagementClient,
    InvalidRequest,
    InvalidResponse,
    NotFound,
    RetryPolicy,
    ServerError,
    Timeout,
    Unauthorized,
)
from liveperson_engagement.sandbox import Sandbox

ALL = [5.0, 10.0, 15.0]
HTML = "<html><body>Bad gateway</body></html>"


def kind_of(status: int) -> type[ApiError]:
    """Say which error a status raises, as design and documentation have it."""
    exact = {400: BadRequest, 401: Unauthorized, 404: NotFound}
    return exact.get(status, ServerError if 500 <= status <= 599 else ApiError)


@pytest.mark.parametrize("hundred", [300, 400, 500])
def test_every_status_is_raised_at_once_or_after_three_documented_pauses(
    backend: Backend, sandbox: Sandbox, hundred: int
) -> None:
    """3xx and 4xx are never tried again; every 5xx is, registered or not, three times."""
    seen: list[tuple[int, type[Exception], int, list[float]]] = []
    client = backend.client(base_url=sandbox.url)
    for status in range(hundred, hundred + 100):
        sandbox.reset()
        backend.pauses.clear()
        sandbox.fail_next(status, times=4, headers={"Location": sandbox.url})
        with pytest.raises(ApiError) as raised:
            client.visit().create_session(BODY)
        seen.append((raised.value.status_code, type(raised.value), raised.value.attempts, list(backend.pauses)))
        assert len(sandbox.requests) == raised.value.attempts
    again = hundred == 500
    expected = [
        (status, kind_of(status), 4 if again else 1, ALL if again else []) for status in range(hundred, hundred + 100)
    ]
    assert seen == expected


@pytest.mark.parametrize(
    ("failures", "pauses"),
    [
        (0, []),
        (1, [5.0]),
        (2, [5.0, 10.0]),
        (3, [5.0, 10.0, 15.0]),
    ],
)
def test_a_call_that_recovers_has_paused_as_documented(
    client: EngagementClient, backend: Backend, sandbox: Sandbox, failures: int, pauses: list[float]
) -> None:
    """The pauses before retry 1, 2 and 3 are 5, 10 and 15 seconds."""
    sandbox.fail_next(503, times=failures) if failures else None
    assert client.visit().create_session(BODY).status == "Available"
    assert backend.pauses == pauses
    assert [request.status for request in sandbox.requests] == [503] * failures + [200]


@pytest.mark.parametrize("status", [300, 400, 404, 500, 503, 520])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (HTML, "text/html"),
        (b"", "application/json"),
        (b'{"time": 1469543282471, "mess', "application/json"),
        (b'{"message": "\xff\xfe"}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"time": 1, "message": 5, "internalCode": "x"}', "application/json"),
        (b'"text"', "application/json"),
        (b"\x1f\x8bnot gzip", "application/json"),
    ],
    ids=["html", "empty", "truncated", "not-utf8", "deep", "wrong-types", "not-an-object", "binary"],
)
def test_no_body_hides_the_status(
    client: EngagementClient, backend: Backend, sandbox: Sandbox, status: int, body: Any, content_type: str
) -> None:
    """A broken error body changes neither the error's class nor the pauses."""
    sandbox.fail_next(status, times=4, body=body, content_type=content_type)
    with pytest.raises(kind_of(status)) as raised:
        client.visit().create_session(BODY)
    assert type(raised.value) is kind_of(status)
    assert (raised.value.status_code, raised.value.internal_code) == (status, None)
    assert backend.pauses == (ALL if status >= 500 else [])


@pytest.mark.parametrize(("status", "pauses"), [(503, ALL), (400, [])])
def test_an_error_whose_compression_is_broken_still_counts_by_its_status(
    client: EngagementClient, backend: Backend, sandbox: Sandbox, status: int, pauses: list[float]
) -> None:
    """The status is known before the body is decompressed."""
    sandbox.fail_next(status, times=4, body=b"not gzip", headers={"Content-Encoding": "gzip"})
    with pytest.raises(kind_of(status)):
        client.visit().create_session(BODY)
    assert backend.pauses == pauses


@pytest.mark.parametrize(
    ("entity", "code", "message"),
    [
        (b'{"time": 1, "message": "Illegal Version", "internalCode": 33}', 33, "Illegal Version"),
        (b'{"error": {"time": 1, "message": "Illegal Version", "internalCode": 33}}', 33, "Illegal Version"),
        (b'{"internalCode": true}', None, None),
        (b"null", None, None),
    ],
)
def test_the_error_entity_is_read_plain_and_wrapped(
    client: EngagementClient, sandbox: Sandbox, entity: bytes, code: int | None, message: str | None
) -> None:
    """Both spellings of the error entity give internal code and message."""
    sandbox.fail_next(400, body=entity)
    with pytest.raises(BadRequest) as raised:
        client.visit().create_session(BODY)
    assert (raised.value.internal_code, raised.value.message) == (code, message)
    assert raised.value.body == entity.decode()


@pytest.mark.parametrize(
    ("status", "header", "pauses"),
    [
        (503, "1", [5.0]),
        (503, "7", [7.0]),
        (503, "60", [60.0]),
        (503, "3600", [60.0]),
        (503, "9" * 400, [60.0]),
        (503, "-7", [5.0]),
        (503, "7.5", [5.0]),
        (503, "nan", [5.0]),
        (503, "soon", [5.0]),
        (503, "", [5.0]),
        (503, "Fri, 31 Dec 1999 23:59:59 GMT", [5.0]),
        (503, "Fri, 31 Dec 2999 23:59:59 GMT", [60.0]),
        (503, "Fri, 99 Dec 99999 23:59:59 GMT", [5.0]),
    ],
)
def test_retry_after_lengthens_one_pause_up_to_a_minute(
    client: EngagementClient, backend: Backend, sandbox: Sandbox, status: int, header: str, pauses: list[float]
) -> None:
    """Only a longer Retry-After counts, and at most 60 s of it."""
    sandbox.fail_next(status, headers={"Retry-After": header})
    sandbox.fail_next(500)
    client.visit().create_session(BODY)
    assert backend.pauses == [*pauses, 10.0]


def test_retry_after_may_be_a_date(client: EngagementClient, backend: Backend, sandbox: Sandbox) -> None:
    """A date some seconds ahead lengthens the pause to about as long."""
    sandbox.fail_next(503, headers={"Retry-After": formatdate(time.time() + 30, usegmt=True)})
    client.visit().create_session(BODY)
    assert 27 < backend.pauses[0] <= 30


def test_retry_after_on_a_429_is_not_followed(client: EngagementClient, backend: Backend, sandbox: Sandbox) -> None:
    """No 4xx is tried again, 429 included."""
    sandbox.fail_next(429, headers={"Retry-After": "1"})
    with pytest.raises(ApiError) as raised:
        client.visit().create_session(BODY)
    assert (raised.value.status_code, raised.value.attempts, backend.pauses) == (429, 1, [])


def test_redirects_are_raised_and_not_followed(client: EngagementClient, sandbox: Sandbox) -> None:
    """A 307 is an answer like any other error."""
    sandbox.fail_next(307, headers={"Location": f"{sandbox.url}/elsewhere"})
    with pytest.raises(ApiError):
        client.visit().create_session(BODY)
    assert [request.status for request in sandbox.requests] == [307]


@pytest.mark.parametrize(
    ("policy", "pauses"),
    [(RetryPolicy(), ALL), (RetryPolicy.none(), []), (RetryPolicy(pauses=(0.5,)), [0.5])],
)
def test_the_policy_is_the_callers_choice(
    backend: Backend, sandbox: Sandbox, policy: RetryPolicy, pauses: list[float]
) -> None:
    """A caller can wait less long than documented, or not at all."""
    sandbox.fail_next(503, times=9)
    with pytest.raises(ServerError) as raised:
        backend.client(base_url=sandbox.url, retry=policy).visit().create_session(BODY)
    assert (backend.pauses, raised.value.attempts) == (pauses, len(pauses) + 1)


@pytest.mark.parametrize("pause", [-1, float("nan"), float("inf"), "5", True, None])
def test_a_policy_of_impossible_pauses_is_refused(pause: Any) -> None:
    """A pause is a finite number of seconds."""
    with pytest.raises(InvalidRequest) as raised:
        RetryPolicy(pauses=(5, pause))
    assert raised.value.path == "retry.pauses[1]"


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_refused_connection_is_tried_again(backend: Backend) -> None:
    """A request that was not sent cannot have made a visitor."""
    with pytest.raises(ConnectionFailed) as raised:
        backend.client(base_url=f"http://127.0.0.1:{free_port()}").visit().create_session(BODY)
    assert (backend.pauses, raised.value.attempts, raised.value.may_have_arrived) == (ALL, 4, False)
    assert raised.value.__cause__ is not None


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """Accept no connection and answer none: the backlog is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        time.sleep(0.05)
        yield int(server.getsockname()[1])
        for filler in fillers:
            filler.close()


def test_a_connect_timeout_is_tried_again(backend: Backend, deaf_port: int) -> None:
    """No connection in time: the request was not sent."""
    with pytest.raises(Timeout) as raised:
        backend.client(base_url=f"http://127.0.0.1:{deaf_port}", timeout=0.05).visit().create_session(BODY)
    assert (backend.pauses, raised.value.attempts, raised.value.may_have_arrived) == (ALL, 4, False)


@pytest.mark.parametrize("when", ["before", "after", "during"])
def test_a_first_request_that_may_have_arrived_is_not_sent_twice(
    client: EngagementClient, backend: Backend, sandbox: Sandbox, when: Any
) -> None:
    """A lost connection could hide an answer that names a visitor."""
    sandbox.drop_connection(when=when)
    visit = client.visit("shopper")
    with pytest.raises(ConnectionFailed) as raised:
        visit.create_session(BODY)
    assert (backend.pauses, raised.value.attempts, raised.value.may_have_arrived) == ([], 1, True)
    assert not isinstance(raised.value, Timeout)
    assert len(sandbox.visitors) <= 1
    assert visit.ids is None


@pytest.mark.parametrize("when", ["before", "after", "during"])
@pytest.mark.parametrize("method", ["create_session", "update_session", "report_impressions"])
def test_a_request_that_names_its_visitor_is_sent_again(
    client: EngagementClient, backend: Backend, sandbox: Sandbox, when: Any, method: str
) -> None:
    """A named visitor is not made twice."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    sandbox.drop_connection(when=when, times=2)
    arguments: dict[str, Any] = {"create_session": BODY, "update_session": {}, "report_impressions": "impDisplay"}
    getattr(visit, method)(arguments[method])
    assert backend.pauses == [5.0, 10.0]
    assert len(sandbox.visitors) == 1


@pytest.mark.parametrize(("named", "pauses", "visitors"), [(False, [], 1), (True, ALL, 1)])
def test_a_read_timeout_is_tried_again_only_for_a_named_visitor(
    backend: Backend, sandbox: Sandbox, *, named: bool, pauses: list[float], visitors: int
) -> None:
    """Silence after sending may mean that the request arrived."""
    client = backend.client(base_url=sandbox.url)
    visit = client.visit("shopper")
    if named:
        visit.create_session(BODY)
    sandbox.slow(0.8, times=4)
    with pytest.raises(Timeout) as raised:
        client.with_options(timeout=0.4).visit("shopper").create_session(BODY)
    assert (backend.pauses, raised.value.may_have_arrived) == (pauses, True)
    time.sleep(0.9)
    assert len(sandbox.visitors) == visitors


def test_an_error_that_is_cut_off_counts_by_its_status(backend: Backend) -> None:
    """A 503 whose body never ends is a 503."""
    with (
        raw_server(b'HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\nRetry-After: 20\r\n\r\n{"time"') as url,
        pytest.raises(ServerError) as raised,
    ):
        backend.client(base_url=url).visit().create_session(BODY)
    assert (raised.value.status_code, raised.value.body, backend.pauses) == (503, "", [20.0, 20.0, 20.0])


def test_something_that_is_not_http_is_a_lost_connection(backend: Backend) -> None:
    """What cannot be read as an answer may follow a request that arrived."""
    with raw_server(b"SSH-2.0-OpenSSH_9.2\r\n") as url, pytest.raises(ConnectionFailed) as raised:
        backend.client(base_url=url).visit().create_session(BODY)
    assert (raised.value.may_have_arrived, backend.pauses) == (True, [])


class raw_server:  # noqa: N801 - used as a function
    """Answer every connection with the same bytes, then close it."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> str:
        """Start to serve."""
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(self._answer)


def test_a_broken_answer_is_not_tried_again(client: EngagementClient, backend: Backend, sandbox: Sandbox) -> None:
    """A 2xx that breaks the contract will not get better by asking again."""
    sandbox.answer_next(status=200, body=b"{}")
    with pytest.raises(InvalidResponse) as raised:
        client.visit().create_session(BODY)
    assert (backend.pauses, raised.value.attempts) == ([], 1)


@pytest.mark.parametrize(
    ("deadline", "pauses"),
    [
        (4.9, []),
        (5.0, []),
        (5.5, [5.0]),
        (15.0, [5.0]),
        (15.5, [5.0, 10.0]),
        (29.5, [5.0, 10.0]),
        (30.5, [5.0, 10.0, 15.0]),
    ],
)
def test_no_pause_is_begun_that_would_cross_the_deadline(
    client: EngagementClient, backend: Backend, sandbox: Sandbox, deadline: float, pauses: list[float]
) -> None:
    """The deadline bounds the whole call, pauses included, on a faked clock as well."""
    sandbox.fail_next(503, times=4)
    with pytest.raises(ServerError if pauses == ALL else DeadlineExceeded) as raised:
        client.visit().create_session(BODY, deadline=deadline)
    assert backend.pauses == pauses
    if pauses != ALL:
        assert isinstance(raised.value.__cause__, ServerError)
        assert f"{deadline} seconds" in str(raised.value)


def test_the_deadline_cuts_a_silent_answer_short(backend: Backend, sandbox: Sandbox) -> None:
    """A wait for data ends at the deadline even where the timeout is longer."""
    sandbox.slow(30, times=1)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded) as raised:
        backend.client(base_url=sandbox.url, deadline=1).visit().create_session(BODY)
    assert time.monotonic() - started < 10
    assert isinstance(raised.value.__cause__, Timeout)


def test_a_deadline_that_has_passed_sends_nothing(client: EngagementClient, sandbox: Sandbox) -> None:
    """With no time left there is no first attempt either."""
    with pytest.raises(DeadlineExceeded):
        client.visit().create_session(BODY, deadline=0)
    assert sandbox.requests == ()


def test_loading_account_is_retried_with_the_visitor_it_names(
    client: EngagementClient, backend: Backend, sandbox: Sandbox
) -> None:
    """The retries name the vid of the message, so that one visitor exists in the end."""
    sandbox.loading_account(times=2)
    session = client.visit("shopper").create_session(BODY)
    assert backend.pauses == [5.0, 10.0]
    assert [visitor.visitor_id for visitor in sandbox.visitors] == [session.visitor_id]
    assert [request.visitor_id for request in sandbox.requests] == [None, session.visitor_id, session.visitor_id]
    assert [request.session_id for request in sandbox.requests] == [None, None, None]


def test_an_account_that_stays_unloaded_leaves_its_visitor_remembered(
    client: EngagementClient, sandbox: Sandbox
) -> None:
    """The next call goes on with the visitor that the service has made already."""
    sandbox.loading_account(times=4)
    visit = client.visit("shopper")
    with pytest.raises(AccountLoading) as raised:
        visit.create_session(BODY)
    assert (raised.value.internal_code, raised.value.attempts) == (20, 4)
    [visitor] = sandbox.visitors
    assert visit.ids is not None
    assert (visit.ids.visitor_id, visit.ids.session_id) == (visitor.visitor_id, None)
    visit.create_session(BODY)
    assert len(sandbox.visitors) == 1


@pytest.mark.parametrize(
    "message",
    ["Loading account: demo", "Loading account: demo, vid:", "Loading account: demo, vid: ..", "", 7, None],
)
def test_loading_account_without_a_usable_vid_is_retried_plainly(
    client: EngagementClient, sandbox: Sandbox, message: Any
) -> None:
    """The vid stands only in a message, and is read with care."""
    sandbox.fail_next(500, body=json.dumps({"time": 1, "message": message, "internalCode": 20}))
    assert client.visit().create_session(BODY).status == "Available"
    assert [request.visitor_id for request in sandbox.requests] == [None, None]


def test_only_internal_code_20_is_read_for_a_vid(client: EngagementClient, sandbox: Sandbox) -> None:
    """Another code's message is not taken for a visitor."""
    sandbox.fail_next(500, body=b'{"time": 1, "message": "Loading account: demo, vid: abc", "internalCode": 18}')
    client.visit().create_session(BODY)
    assert [request.visitor_id for request in sandbox.requests] == [None, None]


@pytest.mark.parametrize("method", ["update_session", "report_impressions"])
def test_updates_follow_the_same_policy(
    client: EngagementClient, backend: Backend, sandbox: Sandbox, method: str
) -> None:
    """Every operation of the contract refers to the same policy."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    sandbox.fail_next(503, times=3)
    visit.update_session({}) if method == "update_session" else visit.report_impressions("impAccept")
    assert backend.pauses == ALL


def test_a_real_pause_lasts_five_seconds(sandbox: Sandbox) -> None:
    """Without a faked clock the first pause is 5 s of real time."""
    sandbox.fail_next(503)
    with EngagementClient("demo", base_url=sandbox.url) as client:
        started = time.monotonic()
        client.visit().create_session(BODY)
    assert 5 <= time.monotonic() - started < 8


async def _real_pause(sandbox: Sandbox) -> float:
    sandbox.fail_next(503)
    async with AsyncEngagementClient("demo", base_url=sandbox.url) as client:
        started = time.monotonic()
        await client.visit().create_session(BODY)
        return time.monotonic() - started


def test_a_real_pause_of_the_async_client_lasts_five_seconds(sandbox: Sandbox) -> None:
    """The async client waits as long."""
    assert 5 <= asyncio.run(_real_pause(sandbox)) < 8
