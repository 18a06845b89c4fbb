"""What is taken of an answer: of a 200 only what is needed must be right, and no visitor that it names is lost."""

import json
import logging
from typing import Any

import pytest

from conftest import BODY
from doubles import GOOD, Play
from liveperson_engagement import VisitIds, errors
from liveperson_engagement._contract import contract
from liveperson_engagement._json import SchemaViolation
from liveperson_engagement_api.http import Response

IDS = {"visitorId": "xyz", "sessionId": "abc", "pageId": "4743822558"}
KNOWN = VisitIds("xyz", "abc", "4743822558")
DETAILS: dict[str, Any] = {
    **{"campaignId": "3346848610", "engagementId": "3562981110", "contextId": "1", "windowId": "3346847910"},
    **{"language": "en-US", "engagementRevision": 44, "validForSeconds": 900},
    **{"skillId": 23, "skillName": "TestSkill"},
}
NOT_AVAILABLE: dict[str, Any] = {"status": "NotAvailable", **IDS}
AVAILABLE: dict[str, Any] = {"status": "Available", **IDS, "engagementDetails": DETAILS}


def saying(body: Any, status: int = 200) -> Response:
    """Answer with a body, which may be written already."""
    return Response(status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def parsed(answer: Any, operation: str = "createSession") -> Any:
    """Read an answer as the client does."""
    return contract().operations[operation].parse(saying(answer).body)


def offering(**details: Any) -> dict[str, Any]:
    """Make an answer with other details; an ellipsis takes one away."""
    merged = {**DETAILS, **details}
    return {**AVAILABLE, "engagementDetails": {name: value for name, value in merged.items() if value is not ...}}


def test_what_is_optional_and_cannot_be_read_is_absent() -> None:
    """Null included, be it a number or a text."""
    unreadable: list[Any] = [None, [], {}, "\ud800", True]
    for value in [*unreadable, "text", "", "1.5.2", 2.5]:
        details = parsed(offering(skillId=value, connectorId=value)).engagement_details
        assert (details.skill_id, details.connector_id, details.campaign_id) == (None, None, 3346848610)
    for value in unreadable:
        details = parsed(offering(skillName=value)).engagement_details
        assert (details.skill_name, details.skill_id) == (None, 23)
    for value in [*unreadable, {"campaignId": "abc"}]:  # of an engagement nothing is needed where there is none
        assert parsed({**NOT_AVAILABLE, "engagementDetails": value}).status == "NotAvailable"


@pytest.mark.parametrize(
    ("member", "sent", "name", "read"),
    [
        ("engagementRevision", "44", "engagement_revision", 44),
        ("engagementRevision", "-7", "engagement_revision", -7),
        ("validForSeconds", "900", "valid_for_seconds", 900),
        ("validForSeconds", "1.5e2", "valid_for_seconds", 150.0),
        ("skillName", 23, "skill_name", "23"),
        ("connectorId", "3346848710", "connector_id", 3346848710),
    ],
)
def test_a_scalar_of_another_type_is_what_it_spells(member: str, sent: Any, name: str, read: Any) -> None:
    """The model holds the type that its annotation says."""
    value = getattr(parsed(offering(**{member: sent})).engagement_details, name)
    assert (value, type(value)) == (read, type(read))


@pytest.mark.parametrize("number", [0, 1, 2**53 + 1, 2**63 - 1])
@pytest.mark.parametrize("spell", [int, str])
def test_ids_keep_every_digit_quoted_or_not(number: int, spell: Any) -> None:
    """Ids of 64 bits are integers, however they were written, and go out again as numbers."""
    spelled = spell(number)
    play = Play(saying(offering(campaignId=spelled, engagementId=spelled, connectorId=spelled)), Response(200))
    visit: Any = play.client.visit()
    details = visit.create_session(BODY).engagement_details
    found = [details.campaign_id, details.engagement_id, details.connector_id]
    assert [(each, type(each)) for each in found] == [(number, int)] * 3
    visit.report_impressions("impClose")
    assert json.loads(play.sent[-1][1].body or b"")["impAttributes"][0]["campaign"] == number


def test_unknown_fields_of_an_answer_are_kept() -> None:
    """But for half a character, which could be neither stored nor sent on: it is left out with what it stands in."""
    future = {"campaignId": "x", "smile": "\U0001f600"}
    assert parsed({**NOT_AVAILABLE, "future": future}).additional_properties == {"future": future}
    for half in (r"\ud800", r"\uDFFF", r"\uDbff\u0041"):
        content = json.dumps({**NOT_AVAILABLE, "future": ["a", {"b": "HALF"}], "other": 1}).replace("HALF", half)
        assert parsed(content.encode()).additional_properties == {"other": 1}


def test_an_update_is_answered_by_nothing_or_an_object() -> None:
    """The documented empty entity, in any of its spellings; a page of some other server is no success."""
    for content in (b"", b"  \n", b"{}", b'{"future": 1}'):
        assert parsed(content, "updateSession") is None
    for content in (b"<html>", b"[]", b"null", b"{"):
        with pytest.raises(SchemaViolation):
            parsed(content, "updateSession")


def test_an_engagement_that_is_over_is_asked_again() -> None:
    """It may be Available and not be given again."""
    for seconds in (0, "-5"):
        visit = Play(saying(offering(validForSeconds=seconds)), saying(NOT_AVAILABLE)).client.visit()
        assert [visit.engagement(BODY).status for _ in range(2)] == ["Available", "NotAvailable"]


def test_of_the_domain_api_only_the_host_is_needed() -> None:
    """The names of service and account are what was asked."""
    for rest in ({"service": None, "account": 123}, {"service": ["msdkgw"], "more": None}):
        play = Play(saying({**rest, "baseURI": "va.example"}), base_url=None)
        assert play.client.find_domain() == "https://va.example"


STATUS = "status: must be one of Available, NotAvailable"
CAMPAIGN = "engagementDetails.campaignId: must"
FINITE, NO_TEXT = "must be a finite number", "must be text without lone surrogates"
ONLY_PAGE = VisitIds("xyz", None, "4743822558")


@pytest.mark.parametrize(
    ("broken", "why", "ids"),
    [
        ({**AVAILABLE, "status": "Busy"}, STATUS, KNOWN),
        ({**AVAILABLE, "engagementDetails": None}, "engagementDetails: must be of type object", KNOWN),
        (offering(campaignId=...), "engagementDetails.campaignId: is required", KNOWN),
        (offering(campaignId="12a"), f"{CAMPAIGN} match the pattern ^[0-9]{{1,19}}$", KNOWN),
        (offering(campaignId=1.5), f"{CAMPAIGN} be of type integer", KNOWN),
        (offering(campaignId=2**63), f"{CAMPAIGN} be at most {2**63 - 1}", KNOWN),
        (offering(campaignId=str(2**63)), "body: campaignId must be a 64-bit integer, or its digits", KNOWN),
        (offering(validForSeconds="soon"), "engagementDetails.validForSeconds: must be of type number", KNOWN),
        ({**NOT_AVAILABLE, "pageId": {}}, "pageId: must be of type string", VisitIds("xyz", "abc")),
        ({**NOT_AVAILABLE, "sessionId": ""}, "sessionId: must have at least 1 characters", ONLY_PAGE),
        ({**NOT_AVAILABLE, "sessionId": None}, "sessionId: must be of type string", ONLY_PAGE),
        ({**NOT_AVAILABLE, "visitorId": True}, "visitorId: must be of type string", None),
        ({**NOT_AVAILABLE, "visitorId": "x" * 2001}, "visitorId: must have at most 2000 characters", None),
        ({"visitorId": "xyz"}, STATUS, VisitIds("xyz")),
        ({"visitorId": 5, "sessionId": []}, STATUS, VisitIds("5")),
        ({"visitorId": "xyz", "sessionId": "newer"}, STATUS, VisitIds("xyz", "newer")),
        ({"visitorId": "other", "sessionId": "abc"}, STATUS, VisitIds("other", "abc")),
        ([IDS], "body: must be of type object", None),
        (b"", "body: must be JSON", None),
        (b'{"visitorId": "xyz", "sessionId": "abc"', "body: must be JSON", None),
        (b'{"visitorId": NaN, "sessionId": "abc"}', f"visitorId: {FINITE}", None),
        (b'{"visitorId": "xyz", "sessionId": ' + b"9" * 500 + b"}", f"sessionId: {FINITE}", VisitIds("xyz")),
        (b'{"visitorId": "xyz", "sessionId": "abc", "more": NaN}', f"more: {FINITE}", VisitIds("xyz", "abc")),
        (b'{"visitorId": "xyz", "sessionId": "abc", "status": "\xff"}', f"status: {NO_TEXT}", VisitIds("xyz", "abc")),
        (b'\xef\xbb\xbf{"visitorId": "xyz", "sessionId": "a\nb"}', STATUS, VisitIds("xyz", "a\nb")),
    ],
    ids=range(25),
)
def test_a_broken_answer_is_refused_and_loses_no_visitor(broken: Any, why: str, ids: VisitIds | None) -> None:
    """The visitor is on the brand's list. A visitor alone is better than none, and not than what is remembered."""
    answer = saying(broken)
    new, known = (Play(*before, answer, Response(200)).client.visit("shopper") for before in ([], [saying(AVAILABLE)]))
    known.create_session(BODY)
    for visit in (new, known):
        with pytest.raises(errors.InvalidResponse) as raised:
            visit.create_session(BODY)
        assert (f"{raised.value.path}: {raised.value.reason}", raised.value.response) == (why, answer)
    assert new.ids == ids
    if ids and ids.session_id and (ids.visitor_id, ids.session_id) != ("xyz", "abc"):
        assert known.ids == ids
    else:
        assert known.ids == KNOWN
        known.report_impressions("impDisplay")


def test_a_loop_of_broken_answers_makes_one_visitor() -> None:
    """Each names the visitor, and nothing else is right."""
    play = Play(saying(IDS))
    for _ in range(20):
        with pytest.raises(errors.InvalidResponse):
            play.client.visit("shopper").create_session(BODY)
    first, *others = [request.target.partition("/visitors/")[2] for _, request, _ in play.sent]
    assert (first, others) == ("?v=1.0", ["xyz?sid=abc&v=1.0"] * 19)


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (
            b'{"status": "Sarah", "v-1": [1, 2.5, 3, null], "deep": {"sarah@example.com": {"x": "a"}}, "ok": true}',
            "{status: text, …: [integer, number, null], deep: {…: {x: text}}, ok: boolean}",
        ),
        (b"<html>", "6 bytes that are no JSON"),
        (b"[" * 8 + b"]" * 8, "[[[[[[…]]]]]]"),
    ],
)
def test_a_broken_answer_is_described_by_its_shape(
    caplog: pytest.LogCaptureFixture, content: bytes, shape: str
) -> None:
    """At level debug, as far down as is of use: names and types, no value, and no name that may be one."""
    caplog.set_level(logging.DEBUG, logger="liveperson_engagement")
    with pytest.raises(errors.InvalidResponse):
        Play(saying(content)).client.visit().create_session(BODY)
    assert f"createSession: the answer's shape: {shape}" in caplog.messages


@pytest.mark.parametrize(
    ("entity", "code", "message"),
    [
        ('{"internalCode": 0, "message": ""}', 0, ""),
        ('{"error": {"time": 1, "internalCode": 33, "message": "a"}}', 33, "a"),
        (f'{{"internalCode": {2**63 - 1}}}', 2**63 - 1, None),
        (f'{{"internalCode": {2**63}}}', None, None),
        (f'{{"internalCode": {-(2**63)}}}', -(2**63), None),
        (f'{{"internalCode": {-(2**63) - 1}}}', None, None),
        ('{"internalCode": 5.0, "message": 5}', 5, "5"),
        ('{"internalCode": "5", "message": ["no"]}', 5, None),
        ('{"internalCode": 5.5, "message": null}', None, None),
        ('{"internalCode": true, "message": true}', None, None),
        ('{"internalCode": NaN, "message": "a"}', None, "a"),
        ('{"error": "no", "internalCode": 5, "message": "no"}', None, None),
        ('["internalCode", "message"]', None, None),
        ("[" * 9_000, None, None),
    ],
    ids=range(14),
)
def test_of_an_error_only_what_is_of_the_right_kind_is_believed(
    entity: str, code: int | None, message: str | None
) -> None:
    """A code has at most 64 bits; whatever else the body is, the status counts."""
    with pytest.raises(errors.BadRequest) as raised:
        Play(saying(entity.encode(), 400)).client.visit().create_session(BODY)
    assert (raised.value.status_code, raised.value.internal_code, raised.value.message) == (400, code, message)


PURCHASE = {"type": "purchase", "total": 4711, "orderId": "abc", "future": 471, "more": 12345.5}
PERSON = {"type": "personal", "personal": {"firstname": "Sarah", "surname": "Aunt Sarah", "company": "xy"}}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("total of 4711", "total of …"),
        ("total of 471", "total of 471"),
        ("total of 12345.5", "total of …"),
        ("orderId abc, ab", "orderId …, ab"),
        ("company xy", "company xy"),
        ("Aunt Sarah, Sarah", "…, …"),
        ("firstname", "firstname"),
        ("no known-session of known-visitor", "no … of …"),
        ("a\x1b[31m\r\nb\x00c\n d", "a [31m b c d"),
        ("x" * 10_000, "x" * 200),
        ("x" * 10_001, "a message of 10,001 characters"),
    ],
    ids=range(11),
)
def test_what_was_sent_is_masked_where_a_message_repeats_it(said: str, shown: str) -> None:
    """Ids, text from three characters and numbers from four digits on, longer ones first; not names of members."""
    visit = Play(saying({"message": said}, 400)).client.visit(ids=VisitIds("known-visitor", "known-session"))
    body: Any = {**BODY, "engagementAttributes": [PURCHASE, PERSON]}
    with pytest.raises(errors.BadRequest) as raised:
        visit.create_session(body)
    assert (str(raised.value), raised.value.message) == (f"[400] {shown}", said)


@pytest.mark.parametrize("code", ["20", 20.0, "20.0"])
def test_a_loading_account_may_spell_its_code_otherwise(code: Any) -> None:
    """The retry names the visitor all the same."""
    entity = {"time": "1", "internalCode": code, "message": "Loading account: demo, vid: vid-7"}
    play = Play(saying(entity, 500), GOOD)
    play.client.visit().create_session(BODY)
    assert [request.path.rpartition("/")[2] for _, request, _ in play.sent] == ["", "vid-7"]
