"""What programs hand in and get: bodies, arguments, ids; and what is refused before anything is sent, word for word."""

import json
import math
from collections import OrderedDict
from typing import Any, cast

import attrs
import pytest
from fastapi.encoders import jsonable_encoder
from pydantic import TypeAdapter, ValidationError

from conftest import BODY
from doubles import GOOD, Play, WatchedStore
from liveperson_engagement import OutageGuard, VisitIds, types
from liveperson_engagement._contract import contract
from liveperson_engagement._json import SchemaViolation
from liveperson_engagement.errors import LONGEST, InvalidRequest, check_seconds
from liveperson_engagement.testing import answers
from liveperson_engagement_api import models, requests
from liveperson_engagement_api.http import Response

LOOP: list[Any] = []
LOOP.append(LOOP)


def attribute(**payload: Any) -> dict[str, Any]:
    """Build a body with one attribute."""
    return {**BODY, "engagementAttributes": [payload]}


FIRST = "engagementAttributes[0]"
TYPES = "must be one of personal, ctmrinfo, mrktInfo, cart, purchase, prodView, lead, service, error, searchInfo"
STATUSES = "must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13"
NESTED = "is nested too deeply, or contains itself"
NAMES = "must have text as the names of its members"
OLD = {"age": {"month": 13}}
ABROAD = [{}, {"address": {"country": "gb"}}]
COUNTRY = f"{FIRST}.personal.contacts[1].address.country"


@pytest.mark.parametrize(
    ("body", "path", "reason"),
    [
        ({}, "appType", "is required"),
        ({"appType": "WEB"}, "appType", "must be one of MSDK, EXTERNAL"),
        ({"appType": None}, "appType", "must be of type string"),
        (None, "body", "must be of type object"),
        ({**BODY, "appDetails": {"ipAddress": "999.1.1.1"}}, "appDetails.ipAddress", "must be a valid ipv4"),
        ({**BODY, "appDetails": {"ipAddress": "1::g"}}, "appDetails.ipAddress", "must be a valid ipv6"),
        ({**BODY, "consumerSections": "a,b"}, "consumerSections", "must be of type array"),
        ({**BODY, "consumerSections": ["a", 2]}, "consumerSections[1]", "must be of type string"),
        (attribute(), f"{FIRST}.type", TYPES),
        (attribute(type=7), f"{FIRST}.type", TYPES),
        ({**BODY, "engagementAttributes": ["cart"]}, FIRST, "must be of type object"),
        (attribute(type="personal", personal=OLD), f"{FIRST}.personal.age.month", "must be at most 12"),
        (attribute(type="personal", personal={"contacts": ABROAD}), COUNTRY, "must match the pattern ^[A-Z]{2}$"),
        (attribute(type="cart", numItems=1), f"{FIRST}.total", "is required"),
        (attribute(type="cart", total=True, numItems=1), f"{FIRST}.total", "must be of type number"),
        (attribute(type="cart", total=1, numItems=1.5), f"{FIRST}.numItems", "must be of type integer"),
        (attribute(type="cart", total=math.nan, numItems=1), f"{FIRST}.total", "must be a finite number"),
        (attribute(type="service", service={"status": 14}), f"{FIRST}.service.status", STATUSES),
        (attribute(type="mrktInfo", info={"channel": "7"}), f"{FIRST}.info.channel", "must match the pattern ^[0-6]$"),
        (attribute(type="lead", lead={"value": {1}}), f"{FIRST}.lead.value", "must be a JSON value, not set"),
        ({**BODY, "extra": [0.5, {"a": b"x"}, math.nan]}, "extra[1].a", "must be a JSON value, not bytes"),
        ({**BODY, "extra": "\ud800"}, "extra", "must be text without lone surrogates"),
        ({**BODY, "extra": ["\ud7ff\ue000", 1, None, True, (math.inf,)]}, "extra[4][0]", "must be a finite number"),
        ({**BODY, 1: 2}, "body", NAMES),
        ({**BODY, "extra": {(1,): 1}}, "extra", NAMES),
        ({**BODY, "extra": {"\udfff": 1}}, "extra", NAMES),
        ({**BODY, "extra": LOOP}, "extra[0][0]", NESTED),
        ({**BODY, "extra": 10**5000}, "body", "cannot be written as JSON"),
        ({**BODY, "consumerSections": object()}, "consumerSections", "must be a JSON value, not object"),
    ],
    ids=range(29),
)
def test_a_wrong_body_is_refused_with_path_and_reason(body: Any, path: str, reason: str) -> None:
    """The first such part, in the order in which it is written."""
    with pytest.raises(SchemaViolation) as raised:
        contract().operations["createSession"].encode_body(body)
    assert (raised.value.path, raised.value.reason) == (path, reason)


LEAD: Any = {"type": "lead", "lead": {"topic": "upgrade"}}
ATTRIBUTES = [LEAD, {"type": 5}]
KINDS = "must be one of impDisplay, impAccept, impExpanded, impTimeout, impClose"
NO_OFFER = "kinds: this session was offered no engagement; call create_session first"
CLOSED = {"type": "impClose", "campaign": "1", "engId": 1}


def body_of(app_type: Any = "EXTERNAL", **members: Any) -> models.CreateSessionBody:
    """Make a model, which checks nothing itself."""
    return models.CreateSessionBody(app_type=app_type, **members)


@pytest.mark.parametrize(
    ("method", "arguments", "line"),
    [
        ("create_session", [body_of(app_type="INTERNAL")], "appType: must be one of MSDK, EXTERNAL"),
        ("engagement", [body_of(app_details=5)], "appDetails: must be of type object"),
        ("engagement", [body_of(engagement_attributes=ATTRIBUTES)], f"engagementAttributes[1].type: {TYPES}"),
        ("create_session", [models.CreateSessionBody], "body: to_dict() raised TypeError: pass a dict or a model"),
        ("update_session", [{"pageId": 5}], "pageId: must be of type string"),
        ("update_session", [{"pageId": ""}], "pageId: must have at least 1 characters"),
        ("update_session", [{"impAttributes": [CLOSED]}], "impAttributes[0].revision: is required"),
        ("update_session", [{"impAttributes": [LEAD]}], f"impAttributes[0].type: {KINDS}"),
        ("update_session", ["update"], "body: must be of type object"),
        ("report_impressions", ["impClose"], NO_OFFER),
        ("report_impressions", ["impClose", "impWink"], f"kinds[1]: {KINDS}"),
        *[("report_impressions", [kind], f"kinds[0]: {KINDS}") for kind in ("", 5, ["impClose"])],
        ("report_impressions", [], f"kinds[0]: {KINDS}"),
    ],
)
def test_a_call_that_cannot_be_made_is_told_in_one_line(method: str, arguments: list[Any], line: str) -> None:
    """Nothing is sent, not even to the Domain API; nor is the store asked where it need not be."""
    store = WatchedStore()
    play = Play(GOOD, base_url=None, store=store)
    with pytest.raises(InvalidRequest) as raised:
        getattr(play.client.visit("shopper", ids=VisitIds("v", "s", "p")), method)(*arguments)
    assert (str(raised.value), play.sent) == (line, [])
    assert not store.steps or method in ("update_session", "report_impressions")


def test_before_the_first_session_there_is_nothing_to_update() -> None:
    """The error says what to call."""
    play = Play(GOOD)
    with pytest.raises(InvalidRequest, match=r"^pageId: this visit has no session yet; call create_session first$"):
        play.client.visit().update_session({})
    assert not play.sent


def test_a_client_that_is_closed_says_so() -> None:
    """As any program error, not as a failure of the service."""
    play = Play(GOOD)
    play.client.close()
    with pytest.raises(RuntimeError, match=r"^the client is closed: make another$"):
        play.client.visit().create_session(BODY)
    assert not play.sent


def test_seconds_are_any_number_that_can_be_waited_for() -> None:
    """Both limits are allowed. A truth value is no number, although Python reckons with it."""
    for seconds in (0, 0.0, 1, LONGEST):
        check_seconds("timeout", seconds)
        check_seconds("timeout", seconds, least=seconds)
    wrong: list[Any] = [-1, -0.001, LONGEST + 0.5, math.inf, math.nan, True, False, "1", None]
    for value in wrong:
        for least in (0, 2.5):
            with pytest.raises(InvalidRequest) as raised:
                check_seconds("lease", value, least=least)
            line = f"lease: must be a number of seconds, at least {least} and at most 1,000,000,000"
            assert str(raised.value) == line


TOPC: Any = {"type": "lead", "lead": {"topc": "upgrade"}}


MISSPELT: list[tuple[Any, str, str]] = [
    ({"engagementAttribute": []}, "engagementAttribute", "; did you mean engagementAttributes?"),
    ({"appDetails": {"oss": "IOS"}}, "appDetails.oss", "; did you mean os?"),
    ({"engagementAttributes": [LEAD, TOPC]}, "engagementAttributes[1].lead.topc", "; did you mean topic?"),
    ({"engagementAttributes": [{**LEAD, "leed": {}}]}, f"{FIRST}.leed", "; did you mean lead?"),
    ({"qqqq": 1}, "qqqq", ""),
]


@pytest.mark.parametrize(("members", "path", "hint"), MISSPELT)
def test_a_misspelt_member_is_refused_if_strict(members: Any, path: str, hint: str) -> None:
    """By its path, with the name that is meant, or better none than a wrong one; nothing is sent."""
    play, body = Play(GOOD, strict=True), cast(Any, {**BODY, **members})
    with pytest.raises(InvalidRequest) as raised:
        play.client.visit().create_session(body)
    assert str(raised.value) == f"{path}: is no member that the contract has{hint}"
    with pytest.raises(InvalidRequest, match="is no member that the contract has"):
        play.client.visit(ids=VisitIds("v", "s", "p")).update_session(cast(Any, {"qqqq": 1}))
    with pytest.raises(InvalidRequest, match="is no member that the contract has"):
        play.client.call("createSession", body)
    assert not play.sent
    play.client.visit(ids=VisitIds("v", "s", "p")).update_session({"engagementAttributes": [LEAD]})
    assert len(play.sent) == 1


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


def test_unknown_fields_of_a_request_are_sent() -> None:
    """The contract is open: what it does not know yet passes. Kinds of Python.s own values are sent as these."""
    word, amount, pair = (cast(Any, type("Kind", (kind,), {})) for kind in (str, float, tuple))
    play = Play(GOOD)
    attributes: list[Any] = [OrderedDict(type="lead"), {"type": "lead", "lead": {"value": amount(1.5)}}]
    body: Any = {
        "appType": word("EXTERNAL"),
        "consumerSections": pair(["Support", word("English")]),
        "engagementAttributes": attributes,
        word("future"): {"a": [1, None, "ä"]},
    }
    play.client.visit().create_session(body)
    assert json.loads(play.sent[0][1].body or b"") == json.loads(json.dumps(body))


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
    assert repr(OutageGuard((1, 2.5))) == "OutageGuard(pauses=(1, 2.5))"


def test_sessions_are_values_for_frameworks() -> None:
    """As a bool, for those who need no narrowing; as a dict and JSON for those that know no attrs class."""
    session = Play(GOOD).client.visit().create_session(BODY)
    assert (session.is_available, answers.not_available().is_available) == (True, False)
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


def test_ids_come_back_from_their_text() -> None:
    """Whatever they are; the text fits into a cookie. Of any other, the error repeats nothing."""
    for text in ("", "v", "é\U0001f600", '"\\/', "\x00\n", "\ud800", "-_=+"):
        for ids in (VisitIds(text, text, text), VisitIds("v", text, None), VisitIds(text)):
            written = ids.to_text()
            assert VisitIds.from_text(written) == ids
            assert written.isascii()
            assert written.replace("-", "").replace("_", "").isalnum()
    others: list[Any] = [
        "",
        "x",
        "é",
        "bnVsbA",
        "WyJhIixu!!dWxsLG51bGxd",
        "WzEsMiwzXQ",
        "WyJhIl0",
        "W251bGwsbnVsbCxudWxsXQ",
        None,
        b"W10",
        "[" * 9,
    ]
    for text in others:
        with pytest.raises(InvalidRequest) as raised:
            VisitIds.from_text(text)
        assert str(raised.value) == "text: must be what VisitIds.to_text has returned; start a new visit"
