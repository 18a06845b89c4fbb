"""Errors say enough to act on, survive pickling, and give nothing private away."""

import copy
import dataclasses
import functools
import json
import pickle
from typing import Any

import pytest

from conftest import BODY
from doubles import Play
from liveperson_engagement import RetryPolicy, VisitIds, errors
from liveperson_engagement._call import Attempt
from liveperson_engagement._contract import contract
from liveperson_engagement._redaction import redact, redact_ids
from liveperson_engagement.errors import MAX_BODY_BYTES, one_line
from liveperson_engagement.testing import answers
from liveperson_engagement.transports import NoResponse, UnreadableBody
from liveperson_engagement_api.http import Headers, Request, Response

KINDS = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
ODD = Response(499, Headers([("Set-Cookie", "\u00e9\ud800")]), b"\xff" * 20_000)
MADE: list[errors.EngagementError] = [
    answers.invalid_request(), answers.bad_request(), answers.unauthorized(), answers.not_found(),
    answers.api_error(429), answers.server_error(), answers.account_loading(), answers.invalid_response(),
    answers.connection_failed(), answers.connection_failed(may_have_arrived=True), answers.timeout(),
    answers.deadline_exceeded(), answers.domain_lookup_failed(), answers.store_error(),
]  # fmt: skip


def test_the_tree_of_errors_is_the_documented_one() -> None:
    """One base class, and specific classes below general ones."""
    bases: dict[type[Exception], set[str]] = {
        errors.EngagementError: {
            *("ApiError", "InvalidRequest", "InvalidResponse", "ConnectionFailed"),
            *("DeadlineExceeded", "DomainLookupFailed", "StoreError"),
        },
        errors.ApiError: {"BadRequest", "Unauthorized", "NotFound", "ServerError"},
        errors.ServerError: {"AccountLoading"},
        errors.ConnectionFailed: {"Timeout"},
        ValueError: {"InvalidRequest"},
    }
    assert {base: {kind.__name__ for kind in KINDS if base in kind.__bases__} for base in bases} == bases
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in KINDS)


def pickled(error: errors.EngagementError) -> Any:
    """Send an error through pickle."""
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own


CLONES: list[Any] = [copy.copy, copy.deepcopy, pickled]


@pytest.mark.parametrize("clone", CLONES)
def test_every_error_survives_pickle_and_copy(clone: Any) -> None:
    """With all that it says, so that a worker process can send it home."""
    odd: list[Any] = [kind("[499] \u2028", ODD, 10**30, "\ud800") for kind in (errors.ApiError, errors.NotFound)]
    for error in [*MADE, *odd, errors.StoreError("\ud800")]:
        error.attempts = 3
        error.add_note("a note")
        error.__cause__ = ValueError("why")
        again = clone(error)
        assert (type(again), str(again), again.args, vars(again)) == (type(error), str(error), error.args, vars(error))
    assert {type(error) for error in MADE} == KINDS - {errors.EngagementError}


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_an_error_is_made_again_from_its_args(error: errors.EngagementError) -> None:
    """As task queues do that write results as JSON: type, line, and what the line says."""
    again = type(error)(*json.loads(json.dumps(error.args)))
    assert (type(again), again.args, again.attempts) == (type(error), error.args, 0)
    for name in ("path", "reason", "status_code", "internal_code", "may_have_arrived"):
        assert getattr(again, name, None) == getattr(error, name, None)
    assert again.__reduce__()


def test_of_a_line_alone_as_much_is_read_as_it_says() -> None:
    """Its own colons are part of a reason; what stands beside an answer is not read."""
    broken = "the service's answer breaks the contract: a: b: c"
    for error, line in ((errors.InvalidRequest("a: b: c"), "a: b: c"), (errors.InvalidResponse(broken), broken)):
        assert (error.path, error.reason, str(error)) == ("a", "b: c", line)
    down, odd = errors.ApiError("[503] down"), errors.ApiError("down")
    for failure, status in ((down, 503), (odd, 0)):
        assert (failure.status_code, failure.response.status, failure.internal_code) == (status, status, None)
    assert errors.ApiError("[500] down (internal code 7)", ODD).internal_code is None
    assert errors.InvalidResponse("a: b").response.status == 0
    for arrived in (False, True):
        gone = errors.ConnectionFailed("the proxy (a): b", may_have_arrived=arrived)
        again = errors.ConnectionFailed(str(gone))
        assert (str(again), again.may_have_arrived, again.permanent) == (str(gone), arrived, False)
        assert not gone.permanent
    odd.attempts = 2
    assert str(odd) == "down after 2 attempts"


def test_an_error_keeps_what_it_was_made_of() -> None:
    """A program reads the parts, not the line."""
    answer = errors.InvalidResponse("c.\nd", "is odd", Response(200))
    assert (answer.path, answer.reason, answer.attempts) == ("c.\nd", "is odd", 0)
    assert str(answer) == "the service's answer breaks the contract: c. d: is odd"
    assert str(errors.InvalidRequest("c.\td", "is odd")) == "c. d: is odd"
    assert errors.Timeout("why", may_have_arrived=True).may_have_arrived
    response = Response(400, body=b"\xff" + b"x" * 3000)
    error = errors.BadRequest("[400] shown (internal code 7)", response, 7, "said")
    assert (error.status_code, error.internal_code, error.message, error.response) == (400, 7, "said", response)
    assert error.body == "\ufffd" + "x" * 1999
    for length in (MAX_BODY_BYTES - 1, MAX_BODY_BYTES, MAX_BODY_BYTES + 1):
        response = Response(400, body=b"x" * length)
        for kept in (errors.BadRequest("[400] no", response), errors.InvalidResponse("a", "is odd", response)):
            assert (kept.response.status, kept.response.body) == (400, b"x" * min(length, MAX_BODY_BYTES))
            assert (kept.response is response) is (length <= MAX_BODY_BYTES)


CAME, CREATED, BUSY = Response(200, Headers([("X-Name", "a")])), Response(201), Response(503)
ARRIVED, UNSENT = (f"no answer to the request ({what}): " for what in ("it may have arrived", "it was not sent"))
LARGE = "the service's answer breaks the contract: body: is too large"
OTHER = "the service's answer breaks the contract: status: 201 is not an answer that the contract has"
lost = functools.partial(NoResponse, may_have_arrived=True)


@pytest.mark.parametrize(
    ("outcome", "kind", "line", "seen"),
    [
        (Response(101), "ConnectionFailed", f"{ARRIVED}the protocol was switched, unasked", Response(101)),
        (CREATED, "InvalidResponse", OTHER, CREATED),
        (NoResponse("abc fled", may_have_arrived=False), "ConnectionFailed", f"{UNSENT}… fled", None),
        (lost("abc is gone", response=CAME), "ConnectionFailed", f"{ARRIVED}… is gone", CAME),
        (lost("late", timed_out=True, response=CAME), "Timeout", f"{ARRIVED}late", CAME),
        (lost("gone", response=BUSY), "ServerError", "[503] no message", BUSY),
        (UnreadableBody("is too large", CAME), "InvalidResponse", LARGE, CAME),
        (UnreadableBody("is too large", BUSY), "ServerError", "[503] no message", BUSY),
    ],
)
def test_an_answer_that_breaks_off_is_kept_as_far_as_it_came(outcome: Any, kind: str, line: str, seen: Any) -> None:
    """A good one is none without its body; of another the status counts."""
    events: list[Any] = []
    if isinstance(outcome, Exception):
        outcome.__cause__ = OSError("gone")
    play = Play(outcome, on_response=events.append, retry=RetryPolicy.none())
    with pytest.raises(errors.EngagementError) as raised:
        play.client.visit(ids=VisitIds("abc")).create_session(BODY)
    assert type(raised.value) is getattr(errors, kind)
    assert str(raised.value) == line
    assert [event.response for event in events] == [seen]
    assert getattr(raised.value, "response", seen) is seen
    if not isinstance(raised.value, errors.ApiError):
        assert raised.value.__cause__ is getattr(outcome, "__cause__", None)


def test_an_answer_that_cannot_be_used_names_its_response() -> None:
    """An empty one where none came."""
    tried = Attempt(contract().operations["createSession"], "", Request("POST", "/"), [])
    assert tried.invalid_response("a", "is odd").response == Response(0)
    tried.response = Response(200, body=b"x")
    error = tried.invalid_response("a", "is odd")
    assert (error.path, error.reason, error.response) == ("a", "is odd", tried.response)


def test_a_loading_account_is_told_from_other_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was said is kept word for word, and masked in the line. Without such a policy code 20 is as any other."""
    entity = {"internalCode": 20, "message": "Loading account: demo, vid: v-1"}
    play = Play(Response(500, body=json.dumps(entity).encode()))
    with pytest.raises(errors.AccountLoading) as loading:
        play.client.visit().create_session(BODY)
    assert str(loading.value) == "[500] Loading account: demo, vid: … (internal code 20) after 4 attempts"
    assert (loading.value.message, loading.value.body) == (entity["message"], json.dumps(entity))
    operation = contract().operations["createSession"]
    monkeypatch.setitem(operation.__dict__, "policy", dataclasses.replace(operation.policy, account_loading=None))
    with pytest.raises(errors.ServerError) as plain:
        play.client.visit().create_session(BODY)
    assert (type(plain.value), plain.value.internal_code) == (errors.ServerError, 20)


def test_a_text_from_elsewhere_is_made_fit_to_print() -> None:
    """200 characters of the first 800; what does not print parts words."""
    assert one_line("a\x1b\x00b\u2028c 漢字") == "a b c 漢字"
    assert one_line("  a \n\n b  ") == "a b"
    assert one_line("x" * 900) == "x" * 200
    assert one_line(" " * 799 + "xy") == "x"


@pytest.mark.parametrize(
    ("secret", "written"),
    [
        ("a b/c=", "a%20b%2Fc%3D"),
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
    """Its escapes included. Half a character hides no id."""
    message = r"100%25 of &lt;b&gt; \"x\" + y"
    assert redact_ids(message, ["xyz", "abc"]) == message
    assert redact("no \\ud800 and abcd", [], None) == "no \\ud800 and abcd"
    for written in ("abcd", "\\u0061bcd", "\\\\u0061bcd"):
        assert "bcd" not in redact(f"no \\ud800 and {written}", ["abcd"], None)
