"""What a person meets first: objects that print well, names that are suggested, options as others have them."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from decimal import Decimal
from typing import Any, NamedTuple

import attrs
import httpx
import pytest
from fastapi.encoders import jsonable_encoder
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from conftest import BODY, Backend
from liveperson_engagement import (
    EngagementClient,
    EngagementError,
    InvalidRequest,
    NotFound,
    RetryPolicy,
    VisitIds,
    errors,
    types,
)
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.testing import answers
from liveperson_engagement_api import models, requests


def every_error(cls: type[EngagementError] = EngagementError) -> list[type[EngagementError]]:
    """List an error and all kinds of it."""
    return [cls, *(each for kind in cls.__subclasses__() for each in every_error(kind))]


MADE: list[EngagementError] = [
    answers.invalid_request(), answers.bad_request(), answers.unauthorized(), answers.not_found(),
    answers.api_error(429), answers.server_error(), answers.account_loading(),
    answers.invalid_response(), answers.connection_failed(),
    answers.connection_failed(may_have_arrived=True), answers.timeout(), answers.deadline_exceeded(),
    answers.domain_lookup_failed(), answers.store_error(),
]  # fmt: skip


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_an_error_is_made_again_from_its_args(error: EngagementError) -> None:
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
    plain = {EngagementError, errors.ApiError, errors.ServerError, errors.ConnectionFailed}
    assert {*every_error()} - plain == {type(error) for error in MADE} - plain


def test_a_session_prints_without_ids(client: EngagementClient) -> None:
    """And with all that tells engagements apart."""
    session = client.visit().create_session(BODY)
    shown = repr(session)
    assert not any(name in shown for name in (session.visitor_id, session.session_id, session.page_id))
    assert shown.startswith("AvailableSession(status='Available', engagement_details=EngagementDetails(campaign_id=")


MODELS = [each for each in vars(models).values() if isinstance(each, type) and issubclass(each, models.Model)]


@pytest.mark.parametrize("model", [each for each in MODELS if each.__name__ in vars(requests)])
def test_what_is_sent_prints_its_class_alone(model: Any) -> None:
    """Error reporters keep what local variables print."""
    secret = model(**{field.name: "x-secret" for field in attrs.fields(model) if field.name != "additional_properties"})
    assert repr(secret) == f"<{model.__name__}>"
    assert "secret" not in str(models.Model(additional_properties={"x": "secret"}))


def test_is_available_says_what_the_status_does(client: EngagementClient, sandbox: Sandbox) -> None:
    """As a bool, for those who need no narrowing."""
    assert client.visit().create_session(BODY).is_available is True
    sandbox.not_available()
    assert client.visit().create_session(BODY).is_available is False


def test_a_model_turned_into_a_dict_is_its_json(client: EngagementClient) -> None:
    """As frameworks do that know no attrs class."""
    session = client.visit().create_session(BODY)
    assert dict(session) == session.to_dict()
    assert [name for name, _ in session] == [*session.to_dict()]


@given(*[st.text()] * 2, st.none() | st.text())
def test_ids_come_back_from_their_text(visitor_id: str, session_id: str, page_id: str | None) -> None:
    """Whatever they are; the text fits into a cookie."""
    for ids in (VisitIds(visitor_id, session_id, page_id), VisitIds(visitor_id)):
        text = ids.to_text()
        assert VisitIds.from_text(text) == ids
        assert text.isascii()
        assert text.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "text", ["", "x", "é", "bnVsbA", "WzEsMiwzXQ", "WyJhIl0", "W251bGwsbnVsbCxudWxsXQ", None, b"W10", "[" * 9]
)
def test_another_text_is_no_ids(text: Any) -> None:
    """A cookie may hold anything; the text is not repeated."""
    with pytest.raises(InvalidRequest) as raised:
        VisitIds.from_text(text)
    assert str(raised.value) == "text: must be what VisitIds.to_text has returned; start a new visit"


MISSPELT: list[tuple[Any, str, str]] = [
    ({"engagementAttribute": []}, "engagementAttribute", "engagementAttributes"),
    ({"appDetails": {"oss": "IOS"}}, "appDetails.oss", "os"),
    (
        {"engagementAttributes": [{"type": "searchInfo"}, {"type": "lead", "lead": {"topc": "upgrade"}}]},
        "engagementAttributes[1].lead.topc",
        "topic",
    ),
    ({"engagementAttributes": [{"type": "lead", "leed": {}}]}, "engagementAttributes[0].leed", "lead"),
]


@pytest.mark.parametrize(("members", "path", "meant"), MISSPELT)
def test_a_misspelt_member_is_refused_if_strict(
    client: EngagementClient, sandbox: Sandbox, members: Any, path: str, meant: str
) -> None:
    """By its path, with the name that is meant; nothing is sent."""
    body: Any = {**BODY, **members}
    with pytest.raises(InvalidRequest) as raised:
        client.with_options(strict=True).visit().create_session(body)
    assert str(raised.value) == f"{path}: is no member that the contract has; did you mean {meant}?"
    assert not sandbox.requests


def test_a_misspelt_member_is_warned_of_once(
    client: EngagementClient, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """And sent, as the service may know it; at another index it is the same."""
    update: Any = {"engagementAttributes": [{"type": "lead", "lead": {"valu": 1}}]}
    visit = client.visit()
    visit.create_session(BODY)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            visit.update_session(update)
            update["engagementAttributes"].append(update["engagementAttributes"][0])
    assert len(caplog.messages) <= 1  # another backend may have been warned before
    assert not caplog.messages or "engagementAttributes[].lead.valu is no member" in caplog.messages[0]
    assert sandbox.requests[-1].body["engagementAttributes"][0]["lead"] == {"valu": 1}


def test_what_is_far_from_every_name_has_no_suggestion(client: EngagementClient) -> None:
    """Better none than a wrong one."""
    body: Any = {**BODY, "qqqq": 1}
    with pytest.raises(InvalidRequest, match=r"has$"):
        client.with_options(strict=True).visit().create_session(body)


@pytest.mark.parametrize(
    ("policy", "pauses"),
    [
        (RetryPolicy(pauses=[1, 2]), [1, 2]),
        (RetryPolicy(max_retries=1), [5]),
        (RetryPolicy(max_retries=5), [5, 10, 15, 15, 15]),
        (RetryPolicy(max_retries=0), []),
        (RetryPolicy([1], max_retries=3), [1, 1, 1]),
        (RetryPolicy([1, 2, 3], max_retries=2), [1, 2]),
    ],
)
def test_retries_are_as_many_as_asked_for(
    client: EngagementClient, sandbox: Sandbox, backend: Backend, policy: RetryPolicy, pauses: list[float]
) -> None:
    """The last pause is repeated."""
    sandbox.fail_next(503, times=9)
    with pytest.raises(EngagementError) as raised:
        client.with_options(retry=policy).visit().create_session(BODY)
    assert raised.value.attempts == len(pauses) + 1
    assert backend.pauses == pauses


@pytest.mark.parametrize(
    "options", [{"max_retries": -1}, {"max_retries": True}, {"max_retries": 1.5}, {"pauses": (), "max_retries": 1}]
)
def test_retries_that_make_no_sense_are_refused(options: Any) -> None:
    """By the name of the argument."""
    with pytest.raises(InvalidRequest, match=r"^retry\.(max_retries|pauses): must"):
        RetryPolicy(**options)


def test_a_timeout_of_httpx_is_taken_by_its_longest_part() -> None:
    """None is no limit there as here."""
    assert EngagementClient("demo", timeout=httpx.Timeout(3, connect=5)).timeout == 5
    assert EngagementClient("demo", timeout=httpx.Timeout(3, connect=None)).timeout is None
    assert EngagementClient("demo").with_options(timeout=httpx.Timeout(7)).timeout == 7
    with pytest.raises(InvalidRequest, match=r"^timeout: must be"):
        EngagementClient("demo", timeout=httpx.Timeout(0))


def test_a_long_pause_is_a_warning(
    client: EngagementClient, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Shown without any set-up of logging, so that nobody sits before a silent program."""
    sandbox.fail_next(503, times=2)
    with caplog.at_level(logging.INFO):
        client.with_options(retry=RetryPolicy([4.9, 5])).visit().create_session(BODY)
    lines = [(each.levelname, each.getMessage()) for each in caplog.records if "trying again" in each.getMessage()]
    assert lines == [
        ("INFO", "createSession: attempt 1 failed (status 503, internal code 18); trying again in 4.9 s"),
        ("WARNING", "createSession: attempt 2 failed (status 503, internal code 18); trying again in 5 s"),
    ]


def test_every_type_of_a_body_is_exported() -> None:
    """By the contract's names, whatever the contract has."""
    named = {name for name in vars(requests) if name[0].isupper() and name not in ("Any", "Literal")}
    assert named <= {*vars(types)}
    assert types.SessionNews is types.SessionUpdate
    assert issubclass(NotFound, EngagementError)


class Word(str):
    """A kind of text."""

    __slots__ = ()


class Amount(float):
    """A kind of number."""


class Pair(NamedTuple):
    """A kind of tuple."""

    first: Any
    second: Any


@pytest.mark.parametrize(
    "members",
    [
        {"appType": Word("EXTERNAL")},
        {"consumerSections": Pair("Support", Word("English"))},
        {"engagementAttributes": Pair(OrderedDict(type="lead"), {"type": "lead", "lead": {"value": Amount(1.5)}})},
    ],
)
def test_kinds_of_pythons_own_values_are_sent_as_these(
    client: EngagementClient, sandbox: Sandbox, members: Any
) -> None:
    """As json writes them."""
    body: Any = {**BODY, **members}
    client.visit().create_session(body)
    assert sandbox.requests[-1].body == json.loads(json.dumps(body))


@pytest.mark.parametrize("value", [Decimal("1.5"), {1}, b"x", object()])
def test_what_json_has_no_type_for_is_refused_by_its_path(client: EngagementClient, value: Any) -> None:
    """With its type, and not its value."""
    body: Any = {**BODY, "engagementAttributes": [{"type": "lead", "lead": {"value": value}}]}
    with pytest.raises(InvalidRequest) as raised:
        client.visit().create_session(body)
    expected = f"engagementAttributes[0].lead.value: must be a JSON value, not {type(value).__name__}"
    assert str(raised.value) == expected


def test_bodies_and_sessions_are_types_for_fastapi(client: EngagementClient) -> None:
    """A body is checked by pydantic, on Python 3.11 too; a session is encoded as its JSON."""
    body: Any = {**BODY, "engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]}
    assert TypeAdapter(types.CreateSessionBody).validate_python(body) == body
    with pytest.raises(ValidationError, match="engagementAttributes"):
        TypeAdapter(types.CreateSessionBody).validate_python({**BODY, "engagementAttributes": 5})
    session = client.visit().create_session(body)
    assert jsonable_encoder(session) == session.to_dict()
