"""What programs hand in and get: bodies of Python's own values, misspelt members, sessions in their frameworks."""

from __future__ import annotations

import json
from collections import OrderedDict
from decimal import Decimal
from typing import Any, NamedTuple, cast

import attrs
import pytest
from fastapi.encoders import jsonable_encoder
from pydantic import TypeAdapter, ValidationError

from conftest import BODY
from doubles import GOOD, Play
from liveperson_engagement import InvalidRequest, VisitIds, types
from liveperson_engagement.testing import answers
from liveperson_engagement_api import models, requests
from liveperson_engagement_api.http import Response

LEAD: Any = {"type": "lead", "lead": {"topic": "upgrade"}}


def test_what_knows_ids_or_was_sent_does_not_print_them() -> None:
    """Error reporters keep what local variables print; a session prints all that tells engagements apart."""
    client = Play(GOOD).client
    visit = client.visit("secret-key")
    session = visit.create_session(BODY)
    shown = repr([session, visit, visit.ids, client])
    assert shown.startswith("[AvailableSession(status='Available', engagement_details=EngagementDetails(campaign_id=")
    for secret in (session.visitor_id, session.session_id, session.page_id, "secret-key"):
        assert secret not in shown
    sent: list[Any] = [each for name, each in vars(models).items() if name in vars(requests) and attrs.has(each)]
    assert sent
    for model in sent:
        names = [field.name for field in attrs.fields(model) if field.name != "additional_properties"]
        assert repr(model(**dict.fromkeys(names, "x-secret"))) == f"<{model.__name__}>"
    assert "secret" not in str(models.Model(additional_properties={"x": "secret"}))


def test_sessions_are_values_for_frameworks() -> None:
    """As a bool, for those who need no narrowing; as a dict and JSON for those that know no attrs class."""
    session = Play(GOOD).client.visit().create_session(BODY)
    assert session.is_available is True
    assert answers.not_available().is_available is False
    assert dict(session) == session.to_dict() == jsonable_encoder(session)
    assert [name for name, _ in session] == [*session.to_dict()]


def test_every_type_of_a_body_is_exported() -> None:
    """By the contract's names; pydantic checks bodies by them, on Python 3.11 too."""
    named = {name for name in vars(requests) if name[0].isupper() and name not in ("Any", "Literal")}
    assert named <= {*vars(types)}
    assert types.SessionNews is types.SessionUpdate  # its old name, until 1.0
    body: Any = {**BODY, "engagementAttributes": [LEAD]}
    assert TypeAdapter(types.CreateSessionBody).validate_python(body) == body
    with pytest.raises(ValidationError, match="engagementAttributes"):
        TypeAdapter(types.CreateSessionBody).validate_python({**BODY, "engagementAttributes": 5})


@pytest.mark.parametrize("text", ["", "v", "é\U0001f600", '"\\/', "\x00\n", "\ud800", "-_=+"])
def test_ids_come_back_from_their_text(text: str) -> None:
    """Whatever they are; the text fits into a cookie."""
    for ids in (VisitIds(text, text, text), VisitIds("v", text, None), VisitIds(text)):
        written = ids.to_text()
        assert VisitIds.from_text(written) == ids
        assert written.isascii()
        assert written.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "text", ["", "x", "é", "bnVsbA", "WzEsMiwzXQ", "WyJhIl0", "W251bGwsbnVsbCxudWxsXQ", None, b"W10", "[" * 9]
)
def test_another_text_is_no_ids(text: Any) -> None:
    """A cookie may hold anything; the text is not repeated."""
    with pytest.raises(InvalidRequest) as raised:
        VisitIds.from_text(text)
    assert str(raised.value) == "text: must be what VisitIds.to_text has returned; start a new visit"


TOPC: Any = {"type": "lead", "lead": {"topc": "upgrade"}}
MISSPELT: list[tuple[Any, str, str]] = [
    ({"engagementAttribute": []}, "engagementAttribute", "; did you mean engagementAttributes?"),
    ({"appDetails": {"oss": "IOS"}}, "appDetails.oss", "; did you mean os?"),
    ({"engagementAttributes": [LEAD, TOPC]}, "engagementAttributes[1].lead.topc", "; did you mean topic?"),
    ({"engagementAttributes": [{**LEAD, "leed": {}}]}, "engagementAttributes[0].leed", "; did you mean lead?"),
    ({"qqqq": 1}, "qqqq", ""),
]


@pytest.mark.parametrize(("members", "path", "hint"), MISSPELT)
def test_a_misspelt_member_is_refused_if_strict(members: Any, path: str, hint: str) -> None:
    """By its path, with the name that is meant, or better none than a wrong one; nothing is sent."""
    play, body = Play(GOOD, strict=True), cast(Any, {**BODY, **members})
    with pytest.raises(InvalidRequest) as raised:
        play.client.visit().create_session(body)
    assert str(raised.value) == f"{path}: is no member that the contract has{hint}"
    assert not play.sent


def test_a_misspelt_member_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """And sent, as the service may know it; at another index it is the same."""
    play = Play(GOOD, Response(200))
    visit = play.client.visit()
    visit.create_session(BODY)
    wrong: Any = {"type": "lead", "lead": {"valu": 1}}
    for count in (1, 2, 3):
        visit.update_session({"engagementAttributes": [wrong] * count})
    [line] = caplog.messages
    assert line.startswith("updateSession: engagementAttributes[].lead.valu is no member")
    assert json.loads(play.sent[-1][1].body or b"")["engagementAttributes"] == [wrong] * 3


class Word(str):
    """A kind of text."""

    __slots__ = ()


class Amount(float):
    """A kind of number."""


class Pair(NamedTuple):
    """A kind of tuple."""

    first: Any
    second: Any


def test_kinds_of_pythons_own_values_are_sent_as_these() -> None:
    """As json writes them."""
    play = Play(GOOD)
    attributes = Pair(OrderedDict(type="lead"), {"type": "lead", "lead": {"value": Amount(1.5)}})
    sections = Pair("Support", Word("English"))
    body: Any = {"appType": Word("EXTERNAL"), "consumerSections": sections, "engagementAttributes": attributes}
    play.client.visit().create_session(body)
    assert json.loads(play.sent[0][1].body or b"") == json.loads(json.dumps(body))


@pytest.mark.parametrize("value", [Decimal("1.5"), {1}, b"x", object()])
def test_what_json_has_no_type_for_is_refused_by_its_path(value: Any) -> None:
    """With its type, and not its value."""
    body: Any = {**BODY, "engagementAttributes": [{"type": "lead", "lead": {"value": value}}]}
    with pytest.raises(InvalidRequest) as raised:
        Play(GOOD).client.visit().create_session(body)
    expected = f"engagementAttributes[0].lead.value: must be a JSON value, not {type(value).__name__}"
    assert str(raised.value) == expected


def test_what_cannot_be_made_a_dict_is_refused() -> None:
    """The class of a model instead of a model, for one."""
    play = Play(GOOD)
    with pytest.raises(InvalidRequest, match=r"^body: to_dict\(\) raised TypeError: pass a dict or a model$"):
        play.client.visit().create_session(cast(Any, models.CreateSessionBody))
    assert play.sent == []
