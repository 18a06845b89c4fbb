"""Errors say enough to act on, survive pickling, and give nothing private away."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import traceback
from typing import Any, cast

import pytest

from conftest import BODY, Backend
from liveperson_engagement import (
    AccountLoading,
    ApiError,
    BadRequest,
    ConnectionFailed,
    DeadlineExceeded,
    DomainLookupFailed,
    EngagementClient,
    EngagementError,
    InvalidRequest,
    InvalidResponse,
    NotFound,
    ServerError,
    StoreError,
    Timeout,
    Unauthorized,
    VisitIds,
)
from liveperson_engagement._redaction import redact_ids
from liveperson_engagement.sandbox import Sandbox

PRIVATE: Any = {
    "appType": "EXTERNAL",
    "consumerSections": ["Sarahs-section"],
    "engagementAttributes": [
        {
            "type": "personal",
            "personal": {
                "firstname": "Sarah",
                "lastname": 'West "the\\quoted"',
                "contacts": [{"email": "sarahw@example.com", "phone": "+441234567"}],
            },
        }
    ],
}
SECRETS = ("Sarah", "West", "quoted", "sarahw@example.com", "+441234567")


def test_the_tree_of_errors_is_the_documented_one() -> None:
    """One base class, and specific classes below general ones."""
    tree = {
        InvalidRequest: (EngagementError, ValueError),
        ApiError: (EngagementError,),
        BadRequest: (ApiError,),
        Unauthorized: (ApiError,),
        NotFound: (ApiError,),
        ServerError: (ApiError,),
        AccountLoading: (ServerError,),
        InvalidResponse: (EngagementError,),
        ConnectionFailed: (EngagementError,),
        Timeout: (ConnectionFailed,),
        DeadlineExceeded: (EngagementError,),
        DomainLookupFailed: (EngagementError,),
        StoreError: (EngagementError,),
    }
    assert {kind: kind.__bases__ for kind in tree} == tree


def failures(backend: Backend, sandbox: Sandbox) -> list[tuple[EngagementError, str]]:
    """Cause one of each error with private data all around it; return it with its full traceback."""
    caught: list[tuple[EngagementError, str]] = []
    client = backend.client(base_url=sandbox.url)
    visit = client.visit("secret-key")
    visit.create_session(PRIVATE)

    def attempt(call: Any, *arguments: Any, **options: Any) -> None:
        try:
            call(*arguments, **options)
        except EngagementError as error:
            lines = io.StringIO()
            traceback.print_exception(error, file=lines)
            caught.append((error, lines.getvalue()))

    def echo(status: int, code: int = 5, **more: Any) -> None:
        ids = visit.ids or VisitIds("none")
        said = 'Sarah, West "the\\quoted" sarahw@example.com +441234567'
        message = f"Bad vid: {ids.visitor_id}, sid {ids.session_id}\nfor {said}"
        body = json.dumps({"time": 1, "message": message, "internalCode": code})
        sandbox.fail_next(status, times=4, body=body, **more)

    for status in (302, 400, 401, 429, 503):
        sandbox_times = visit.ids
        echo(status)
        attempt(visit.create_session, PRIVATE)
        assert visit.ids == sandbox_times
        for _ in range(4):
            try:
                client.with_options(base_url=sandbox.url).visit().create_session(BODY)
            except EngagementError:
                continue
            break
    known = visit.ids
    echo(500, 20)
    attempt(client.visit("secret-key", ids=known).create_session, PRIVATE)
    echo(404)
    attempt(client.visit("secret-key", ids=known).create_session, PRIVATE)
    sandbox.reset()
    visit.create_session(PRIVATE)
    sandbox.answer_next(body=json.dumps({"status": "Sarah", "visitorId": "vid-9"}))
    attempt(visit.create_session, PRIVATE)
    sandbox.drop_connection(when="during", times=4)
    attempt(visit.create_session, PRIVATE)
    sandbox.fail_next(503)
    attempt(visit.create_session, PRIVATE, deadline=1)
    wrong = {**PRIVATE, "appType": "sarahw@example.com", "consumerSections": 5}
    attempt(visit.create_session, wrong)
    attempt(visit.create_session, {**PRIVATE, "consumerSections": [{"Sarah"}]})
    attempt(backend.client(domain_api="http://127.0.0.1:9").visit("secret-key").create_session, PRIVATE)
    return caught


def test_no_error_prints_an_id_or_personal_data(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither on its own line nor in the traceback's messages nor in any log line, the HTTP library's included."""
    caplog.set_level(logging.DEBUG)
    ids: set[str] = set()
    found = failures(backend, sandbox)
    for request in sandbox.requests:
        ids |= {each for each in (request.visitor_id, request.session_id) if each}
    kinds = {type(error) for error, _ in found}
    assert kinds >= {
        ApiError, BadRequest, Unauthorized, ServerError, AccountLoading, NotFound, InvalidResponse, ConnectionFailed,
        DeadlineExceeded, InvalidRequest, DomainLookupFailed,
    }  # fmt: skip
    assert len(ids) >= 2
    printed = [str(error) for error, _ in found] + [repr(error) for error, _ in found]
    messages = [line for _, lines in found for line in lines.splitlines() if not line.startswith(" ")]
    logged = [record.getMessage() for record in caplog.records]
    assert [line for line in logged if line.startswith("continueSession: attempt 1: status ")]
    for line in printed + messages + logged:
        assert not [secret for secret in (*SECRETS, *ids, "secret-key") if secret in line], line
    assert not [text for text in printed if "\n" in text]


def test_what_the_server_said_is_kept_word_for_word(client: EngagementClient, sandbox: Sandbox) -> None:
    """`message` and `body` are for the program; the printed line is masked."""
    sandbox.loading_account(times=4)
    with pytest.raises(AccountLoading) as raised:
        client.visit().create_session(BODY)
    [visitor] = sandbox.visitors
    assert raised.value.message == f"Loading account: demo, vid: {visitor.visitor_id}"
    assert str(raised.value) == "[500] Loading account: demo, vid: … (internal code 20) after 4 attempts"
    assert visitor.visitor_id in raised.value.body
    assert raised.value.response.status == 500


def test_an_error_without_a_message_says_so(client: EngagementClient, sandbox: Sandbox) -> None:
    """HTML is not repeated."""
    sandbox.html_error(502, times=4)
    with pytest.raises(ServerError) as raised:
        client.visit().create_session(BODY)
    assert str(raised.value) == "[502] no message after 4 attempts"
    assert "<" in raised.value.body


def test_a_long_or_unprintable_message_is_shortened(client: EngagementClient, sandbox: Sandbox) -> None:
    """A log line cannot be forged or flooded."""
    message = "bad\x1b[31m\r\nERROR forged " + "x" * 5000
    sandbox.fail_next(400, body=json.dumps({"time": 1, "message": message, "internalCode": 5}))
    with pytest.raises(BadRequest) as raised:
        client.visit().create_session(BODY)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 250
    assert raised.value.message == message
    assert len(raised.value.body) == 2000


def pickled(error: EngagementError) -> EngagementError:
    """Send an error through pickle."""
    return cast(EngagementError, pickle.loads(pickle.dumps(error)))  # noqa: S301


@pytest.mark.parametrize("clone", [pickled, copy.copy, copy.deepcopy])
def test_errors_survive_pickling_and_copying(backend: Backend, sandbox: Sandbox, clone: Any) -> None:
    """A worker process can send an error home with all that it knows."""
    for error, _ in failures(backend, sandbox):
        again: EngagementError = clone(error)
        assert type(again) is type(error)
        assert (str(again), again.args) == (str(error), error.args)
        names = vars(error).keys() - {"response"}
        assert {name: vars(again)[name] for name in names} == {name: vars(error)[name] for name in names}
        if isinstance(error, ApiError):
            assert isinstance(again, ApiError)
            assert (again.body, again.response.status) == (error.body, error.status_code)


def test_objects_that_know_ids_do_not_print_them(client: EngagementClient) -> None:
    """A repr can end up in a log."""
    visit = client.visit("secret-key")
    session = visit.create_session(BODY)
    printed = repr([visit, visit.ids, client])
    assert not [secret for secret in (session.visitor_id, session.session_id, "secret-key") if secret in printed]


def test_retries_are_logged_with_attempt_status_code_and_pause(
    client: EngagementClient, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """One INFO line for each retry, and nothing else from this package."""
    caplog.set_level(logging.INFO, logger="liveperson_engagement")
    sandbox.fail_next(503, internal_code=18)
    sandbox.html_error(520)
    client.visit().create_session(BODY)
    logged = [record.getMessage() for record in caplog.records if record.name == "liveperson_engagement"]
    assert logged == [
        "createSession: attempt 1 failed (status 503, internal code 18); trying again in 5 s",
        "createSession: attempt 2 failed (status 520); trying again in 10 s",
    ]


@pytest.mark.parametrize(
    ("secret", "written"),
    [
        ("a b/c=", "a b/c="),
        ("a b/c=", "a%20b%2Fc%3D"),
        ("a b/c=", "a%20b%2fc%3d"),
        ("a b/c=", "a+b%2Fc%3D"),
        ("a b/c=", "a b&#47;c&#x3D;"),
        ('a"b/c\n', r"a\"b\/c\n"),
        ("a/bé\U0001f600", r"a\u002Fb\u00e9\ud83d\ude00"),
        ("a%2Fb&amp;", "a%252Fb%26amp;"),
        ("a%2Fb&amp;", "a%2Fb&amp;amp;"),
    ],
)
def test_an_id_is_redacted_however_it_is_escaped(secret: str, written: str) -> None:
    """As in a URL, a form, HTML or JSON, or twice."""
    shown = redact_ids(f"at /visitors/{written}?sid=7", [secret, ""])
    assert shown.replace("amp;", "") == "at /visitors/…?sid=7"


def test_a_message_without_an_id_stays_as_it_is() -> None:
    """Its escapes included."""
    message = r"100%25 of &lt;b&gt; \"x\" + y"
    assert redact_ids(message, ["xyz", "abc"]) == message
