"""Errors say enough to act on, survive pickling, and give nothing private away."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import pytest

from conftest import BODY
from doubles import Play
from liveperson_engagement import EngagementClient, RetryPolicy, VisitIds, errors
from liveperson_engagement._call import Attempt
from liveperson_engagement._contract import contract
from liveperson_engagement._redaction import describe_shape, redact_ids
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.testing import answers
from liveperson_engagement.transports import NoResponse, UnreadableBody
from liveperson_engagement_api.http import Headers, Request, Response


def test_the_tree_of_errors_is_the_documented_one() -> None:
    """One base class, and specific classes below general ones."""
    tree = {
        errors.InvalidRequest: (errors.EngagementError, ValueError),
        errors.ApiError: (errors.EngagementError,),
        errors.BadRequest: (errors.ApiError,),
        errors.Unauthorized: (errors.ApiError,),
        errors.NotFound: (errors.ApiError,),
        errors.ServerError: (errors.ApiError,),
        errors.AccountLoading: (errors.ServerError,),
        errors.InvalidResponse: (errors.EngagementError,),
        errors.ConnectionFailed: (errors.EngagementError,),
        errors.Timeout: (errors.ConnectionFailed,),
        errors.DeadlineExceeded: (errors.EngagementError,),
        errors.DomainLookupFailed: (errors.EngagementError,),
        errors.StoreError: (errors.EngagementError,),
    }
    assert {kind: kind.__bases__ for kind in tree} == tree


CAME, BUSY = Response(200, Headers([("X-Name", "a")])), Response(503)
lost = functools.partial(NoResponse, may_have_arrived=True)


@pytest.mark.parametrize(
    ("outcome", "kind", "line", "seen"),
    [
        (Response(101), "ConnectionFailed", "(it may have arrived): the protocol was switched, unasked", Response(101)),
        (NoResponse("abc fled", may_have_arrived=False), "ConnectionFailed", "(it was not sent): … fled", None),
        (lost("abc is gone", response=CAME), "ConnectionFailed", "(it may have arrived): … is gone", CAME),
        (lost("late", timed_out=True, response=CAME), "Timeout", "(it may have arrived): late", CAME),
        (lost("gone", response=BUSY), "ServerError", "[503] no message", BUSY),
        (UnreadableBody("is too large", CAME), "InvalidResponse", "breaks the contract: body: is too large", CAME),
        (UnreadableBody("is too large", BUSY), "ServerError", "[503] no message", BUSY),
    ],
)
def test_an_answer_that_breaks_off_is_kept_as_far_as_it_came(
    outcome: Any, kind: str, line: str, seen: Response | None
) -> None:
    """A good one is none without its body; of another the status counts."""
    events: list[Any] = []
    if isinstance(outcome, Exception):
        outcome.__cause__ = OSError("gone")
    play = Play(outcome, on_response=events.append, retry=RetryPolicy.none())
    with pytest.raises(errors.EngagementError) as raised:
        play.client.visit(ids=VisitIds("abc")).create_session(BODY)
    assert type(raised.value) is getattr(errors, kind)
    assert str(raised.value).endswith(line)
    assert [event.response for event in events] == [seen]
    if isinstance(raised.value, errors.InvalidResponse | errors.ApiError):
        assert raised.value.response is seen
    if not isinstance(raised.value, errors.ApiError):
        assert raised.value.__cause__ is getattr(outcome, "__cause__", None)


def test_an_answer_that_cannot_be_used_names_its_response() -> None:
    """An empty one where none came."""
    tried = Attempt(contract().operations["createSession"], "", Request("POST", "/"), 5.0, [])
    assert tried.invalid_response("a", "is odd").response == Response(0)
    tried.response = Response(200, body=b"x")
    error = tried.invalid_response("a", "is odd")
    assert (error.path, error.reason, error.response) == ("a", "is odd", tried.response)


ENTITY = '{"time": 1, "message": "Illegal Version", "internalCode": 33}'


@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (400, ENTITY, "[400] Illegal Version (internal code 33)"),
        (400, f'{{"error": {ENTITY}}}', "[400] Illegal Version (internal code 33)"),
        (502, "<html>", "[502] no message after 4 attempts"),
        (400, json.dumps({"message": "bad\x1b[31m\r\nERROR " + "x" * 5000}), f"[400] bad [31m ERROR {'x' * 185}"),
    ],
)
def test_an_error_prints_one_line_of_what_the_server_said(status: int, body: str, line: str) -> None:
    """The entity is read plain and wrapped; HTML is not repeated, and no log line can be forged or flooded."""
    with pytest.raises(errors.ApiError) as raised:
        Play(Response(status, body=body.encode())).client.visit().create_session(BODY)
    assert str(raised.value) == line
    assert raised.value.body == body[:2000]


def test_what_the_server_said_is_kept_word_for_word(client: EngagementClient, sandbox: Sandbox) -> None:
    """`message` and `body` are for the program; the printed line is masked."""
    sandbox.loading_account(times=4)
    with pytest.raises(errors.AccountLoading) as raised:
        client.visit().create_session(BODY)
    [visitor] = sandbox.visitors
    assert raised.value.message == f"Loading account: demo, vid: {visitor.visitor_id}"
    assert str(raised.value) == "[500] Loading account: demo, vid: … (internal code 20) after 4 attempts"
    assert visitor.visitor_id in raised.value.body
    assert raised.value.response.status == 500


MADE: list[errors.EngagementError] = [
    answers.invalid_request(), answers.bad_request(), answers.unauthorized(), answers.not_found(),
    answers.api_error(429), answers.server_error(), answers.account_loading(), answers.invalid_response(),
    answers.connection_failed(), answers.connection_failed(may_have_arrived=True), answers.timeout(),
    answers.deadline_exceeded(), answers.domain_lookup_failed(), answers.store_error(),
]  # fmt: skip


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_an_error_is_made_again_from_its_args(error: errors.EngagementError) -> None:
    """As task queues do that write results as JSON: type, line, and what the line says."""
    again = type(error)(*json.loads(json.dumps(error.args)))
    assert type(again) is type(error)
    assert again.args == error.args
    for name in ("path", "reason", "status_code", "internal_code", "may_have_arrived"):
        assert getattr(again, name, None) == getattr(error, name, None)
    assert again.attempts == 0
    assert again.__reduce__()


def test_every_kind_of_error_is_made_again() -> None:
    """None is missing above."""

    def kinds(kind: type[errors.EngagementError]) -> set[type[errors.EngagementError]]:
        return {kind}.union(*map(kinds, kind.__subclasses__()))

    assert kinds(errors.EngagementError) - {errors.EngagementError} == {type(error) for error in MADE}


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


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (
            b'{"name": "Ada", "v-1": [1, 2.5, null], "ok": true}',
            "{name: text, …: [integer, number, null], ok: boolean}",
        ),
        (b"<html>", "6 bytes that are no JSON"),
        (b"[" * 8 + b"]" * 8, "[[[[[[…]]]]]]"),
    ],
)
def test_a_shape_has_names_and_types_and_no_value(content: bytes, shape: str) -> None:
    """As far down as is of use."""
    assert describe_shape(content) == shape


def test_a_policy_may_know_no_account_that_is_being_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then code 20 is a server's error as any other."""
    operation = contract().operations["createSession"]
    monkeypatch.setitem(operation.__dict__, "policy", dataclasses.replace(operation.policy, account_loading=None))
    play = Play(Response(500, Headers(), b'{"internalCode": 20, "message": "Loading account for visitor v1"}'))
    with pytest.raises(errors.ServerError) as caught:
        play.client.visit().create_session(BODY)
    assert (type(caught.value), caught.value.internal_code) == (errors.ServerError, 20)
