"""What is taken of an answer: of a 200 only what is needed must be right, and no visitor that it names is lost."""

from __future__ import annotations

import gzip
import json
import logging
from typing import Any

import httpx
import pytest

from conftest import BODY, Backend
from liveperson_engagement import EngagementClient, RetryPolicy, VisitIds, errors
from liveperson_engagement._contract import contract
from liveperson_engagement._json import SchemaViolation
from liveperson_engagement.sandbox import Sandbox
from strategies import CONTRACT

IDS = {"visitorId": "xyz", "sessionId": "abc", "pageId": "4743822558"}
KNOWN = VisitIds("xyz", "abc", "4743822558")
DETAILS: dict[str, Any] = {
    "campaignId": "3346848610",
    "engagementId": "3562981110",
    "contextId": "1",
    "windowId": "3346847910",
    "language": "en-US",
    "engagementRevision": 44,
    "validForSeconds": 900,
    "skillId": 23,
    "skillName": "TestSkill",
}
NOT_AVAILABLE: dict[str, Any] = {"status": "NotAvailable", **IDS}
AVAILABLE: dict[str, Any] = {"status": "Available", **IDS, "engagementDetails": DETAILS}
LARGEST = 1_048_576


def written(answer: Any) -> bytes:
    """Write an answer, unless it is written already."""
    return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


def parsed(answer: Any, operation: str = "createSession") -> Any:
    """Read an answer as the client does."""
    return contract().operations[operation].parse(written(answer))


def offering(**details: Any) -> dict[str, Any]:
    """Write an answer with other details; an ellipsis takes one away."""
    merged = {**DETAILS, **details}
    return {**AVAILABLE, "engagementDetails": {name: value for name, value in merged.items() if value is not ...}}


def ask(client: EngagementClient, sandbox: Sandbox, answer: Any, key: str = "shopper") -> Any:
    """Have a visit answered so."""
    sandbox.answer_next(body=written(answer))
    return client.visit(key).create_session(BODY)


# --- Good answers -----------------------------------------------------------------------------------------------------


def test_every_documented_answer_is_taken() -> None:
    """As the contract's examples have them."""
    answers = CONTRACT["components"]["responses"]["Session"]["content"]["application/json"]["examples"]
    for example in answers.values():
        assert parsed(example["value"]).to_dict()["status"] == example["value"]["status"]


@pytest.mark.parametrize("details", [None, 5, "x", [], {"campaignId": "abc"}, {**DETAILS, "campaignId": None}])
def test_not_available_needs_no_engagement(client: EngagementClient, sandbox: Sandbox, details: Any) -> None:
    """What a NotAvailable answer says of one is not read."""
    session = ask(client, sandbox, {**NOT_AVAILABLE, "engagementDetails": details})
    assert session.status == "NotAvailable"
    assert client.visit("shopper").ids == KNOWN


UNREADABLE: list[Any] = [None, [], {}, "\ud800", True]


@pytest.mark.parametrize("value", [*UNREADABLE, "text", "", "1.5.2", 2.5])
def test_an_optional_number_that_cannot_be_read_is_absent(value: Any) -> None:
    """Null included."""
    details = parsed(offering(skillId=value, connectorId=value)).engagement_details
    assert (details.skill_id, details.connector_id, details.campaign_id) == (None, None, 3346848610)


@pytest.mark.parametrize("value", UNREADABLE)
def test_an_optional_text_that_cannot_be_read_is_absent(client: EngagementClient, sandbox: Sandbox, value: Any) -> None:
    """Null included; the engagement can be reported all the same."""
    session = ask(client, sandbox, offering(skillName=value))
    assert (session.engagement_details.skill_name, session.engagement_details.skill_id) == (None, 23)
    sandbox.answer_next()
    client.visit("shopper").report_impressions("impDisplay")


@pytest.mark.parametrize(
    ("member", "sent", "name", "read"),
    [
        ("engagementRevision", "44", "engagement_revision", 44),
        ("engagementRevision", 44.0, "engagement_revision", 44),
        ("engagementRevision", "-7", "engagement_revision", -7),
        ("validForSeconds", "900", "valid_for_seconds", 900),
        ("validForSeconds", "1.5e2", "valid_for_seconds", 150.0),
        ("validForSeconds", -5, "valid_for_seconds", -5),
        ("validForSeconds", 1e308, "valid_for_seconds", 1e308),
        ("skillId", "23", "skill_id", 23),
        ("skillId", 23.0, "skill_id", 23),
        ("skillName", 23, "skill_name", "23"),
        ("contextId", 1, "context_id", "1"),
        ("campaignId", 3346848610.0, "campaign_id", 3346848610),
        ("connectorId", "3346848710", "connector_id", 3346848710),
    ],
)
def test_a_scalar_of_another_type_is_what_it_spells(member: str, sent: Any, name: str, read: Any) -> None:
    """The model holds the type that its annotation says."""
    value = getattr(parsed(offering(**{member: sent})).engagement_details, name)
    assert (value, type(value)) == (read, type(read))


@pytest.mark.parametrize("number", [0, 1, 2**53 + 1, 2**63 - 1])
@pytest.mark.parametrize("spell", [int, str])
def test_ids_keep_every_digit_quoted_or_not(
    client: EngagementClient, sandbox: Sandbox, number: int, spell: Any
) -> None:
    """Ids of 64 bits are integers, however they were written, and go out again as numbers."""
    spelled = spell(number)
    session = ask(client, sandbox, offering(campaignId=spelled, engagementId=spelled, connectorId=spelled))
    details = session.engagement_details
    found = [details.campaign_id, details.engagement_id, details.connector_id]
    assert [(each, type(each)) for each in found] == [(number, int)] * 3
    sandbox.answer_next(body=b"")
    client.visit("shopper").report_impressions("impClose")
    assert sandbox.requests[-1].body["impAttributes"][0]["campaign"] == number


def test_ids_may_be_numbers(client: EngagementClient, sandbox: Sandbox) -> None:
    """Text is promised, and they are text from then on."""
    session = ask(client, sandbox, {**NOT_AVAILABLE, "pageId": 4743822558, "sessionId": 7})
    assert (session.page_id, session.session_id) == ("4743822558", "7")
    assert client.visit("shopper").ids == VisitIds("xyz", "7", "4743822558")


@pytest.mark.parametrize("half", [r"\ud800", r"\uDFFF", r"\uDbff\u0041"])
def test_half_a_character_is_left_out_with_what_it_stands_in(half: str) -> None:
    """It could be neither stored nor sent on: also where the contract does not look."""
    content = json.dumps({**NOT_AVAILABLE, "future": ["a", {"b": "HALF"}], "other": 1}).replace("HALF", half)
    assert parsed(content.encode()).additional_properties == {"other": 1}


def test_unknown_fields_of_an_answer_are_kept() -> None:
    """Answers may gain members at any time; two halves are a character, as JSON writes those beyond 65,536."""
    future = {"campaignId": "x", "smile": "\U0001f600"}
    assert parsed({**NOT_AVAILABLE, "future": future}).additional_properties == {"future": future}


@pytest.mark.parametrize("content", [b"", b"  \n", b"{}", b'{"future": 1}'])
def test_an_update_is_answered_by_nothing_or_an_object(content: bytes) -> None:
    """The documented empty entity, in any of its spellings."""
    assert parsed(content, "updateSession") is None


@pytest.mark.parametrize("seconds", [0, -5, "-5", 0.0])
def test_an_engagement_that_is_over_is_asked_again(client: EngagementClient, sandbox: Sandbox, seconds: Any) -> None:
    """It may be Available and not be given again."""
    sandbox.answer_next(body=written(offering(validForSeconds=seconds)))
    sandbox.answer_next(body=written(NOT_AVAILABLE))
    visit = client.visit("shopper")
    assert [visit.engagement(BODY).status for _ in range(2)] == ["Available", "NotAvailable"]


@pytest.mark.parametrize("answer", [{"service": None, "account": 123}, {"service": ["msdkgw"], "more": None}])
def test_of_the_domain_api_only_the_host_is_needed(backend: Backend, sandbox: Sandbox, answer: dict[str, Any]) -> None:
    """The names of service and account are what was asked."""
    sandbox.answer_next(body=written({**answer, "baseURI": sandbox.host}), operation="findDomain")
    assert backend.client(domain_api=sandbox.url).find_domain() == sandbox.url


# --- Broken answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "path", "reason"),
    [
        (b"", "body", "must be JSON"),
        (b"<html>", "body", "must be JSON"),
        (b'{"status": "\xff"}', "status", "must be text without lone surrogates"),
        (b'{"status": NaN}', "status", "must be a finite number"),
        (b'{"a":' + b"9" * 500 + b"}", "a", "must be a finite number"),
        (b"null", "body", "must be of type object"),
        (b"[]", "body", "must be of type object"),
        (b"{}", "status", "must be one of Available, NotAvailable"),
        ({**AVAILABLE, "status": "Maybe"}, "status", "must be one of Available, NotAvailable"),
        ({"status": "NotAvailable", "sessionId": "a", "visitorId": "b"}, "pageId", "is required"),
        ({**AVAILABLE, "visitorId": True}, "visitorId", "must be of type string"),
        ({**AVAILABLE, "visitorId": ".."}, "visitorId", "must match the pattern [^.]"),
        ({**AVAILABLE, "visitorId": "\ud800"}, "visitorId", "must be text without lone surrogates"),
        ({**AVAILABLE, "sessionId": ""}, "sessionId", "must have at least 1 characters"),
        (offering(campaignId=...), "engagementDetails.campaignId", "is required"),
        (offering(campaignId="12a"), "engagementDetails.campaignId", "must match the pattern ^[0-9]{1,19}$"),
        (offering(campaignId=2**63), "engagementDetails.campaignId", f"must be at most {2**63 - 1}"),
        (offering(campaignId=str(2**63)), "body", "campaignId must be a 64-bit integer, or its digits"),
        (offering(campaignId=-1), "engagementDetails.campaignId", "must be at least 0"),
        (offering(campaignId=1.5), "engagementDetails.campaignId", "must be of type integer"),
        (offering(validForSeconds="soon"), "engagementDetails.validForSeconds", "must be of type number"),
        (offering(windowId=[5]), "engagementDetails.windowId", "must be of type string"),
    ],
)
def test_a_broken_answer_is_refused(answer: Any, path: str, reason: str) -> None:
    """With the part of it that is wrong."""
    with pytest.raises(SchemaViolation) as raised:
        parsed(answer)
    assert (raised.value.path, raised.value.reason) == (path, reason)


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"null", b"{"])
def test_an_update_that_is_answered_by_something_else_is_refused(content: bytes) -> None:
    """A page of some other server is no success."""
    with pytest.raises(SchemaViolation):
        parsed(content, "updateSession")


BROKEN: list[tuple[Any, VisitIds | None]] = [
    ({**AVAILABLE, "status": "Busy"}, KNOWN),
    ({**AVAILABLE, "status": ["Available"]}, KNOWN),
    (IDS, KNOWN),
    ({**AVAILABLE, "engagementDetails": None}, KNOWN),
    (offering(campaignId=...), KNOWN),
    (offering(engagementId=2**64), KNOWN),
    ({**IDS, "sessionId": None}, VisitIds("xyz", None, "4743822558")),
    ({"visitorId": "xyz"}, VisitIds("xyz")),
    ({**IDS, "pageId": {}}, VisitIds("xyz", "abc")),
    ({**IDS, "visitorId": "."}, None),
    ({**IDS, "visitorId": "x" * 2001}, None),
    ({**IDS, "visitorId": "\ud800"}, None),
    ({"visitorId": 5, "sessionId": []}, VisitIds("5")),
    ([IDS], None),
    (b"", None),
    (b"<html>xyz</html>", None),
    (b'{"visitorId": "xyz", "sessionId": "abc"', None),
    (b'{"visitorId": NaN, "sessionId": "abc"}', None),
    (b'{"visitorId": "xyz", "sessionId": ' + b"9" * 5000 + b"}", VisitIds("xyz")),
    (b'{"visitorId": "xyz", "sessionId": "abc", "more": NaN}', VisitIds("xyz", "abc")),
    (b'{"visitorId": "xyz", "sessionId": "abc", "more": ' + b"9" * 5000 + b"}", VisitIds("xyz", "abc")),
    (b'{"visitorId": "xyz", "sessionId": "abc", "more": "\xff"}', VisitIds("xyz", "abc")),
    (b'\xef\xbb\xbf{"visitorId": "xyz", "sessionId": "a\nb", "more": 1}', VisitIds("xyz", "a\nb")),
]
"""Answers that cannot be used, and the ids that they name all the same."""


@pytest.mark.parametrize(("broken", "ids"), BROKEN, ids=range(len(BROKEN)))
def test_the_ids_of_a_broken_answer_are_remembered(
    client: EngagementClient, sandbox: Sandbox, broken: Any, ids: VisitIds | None
) -> None:
    """The visitor is on the brand's list: the next call continues the visit. A visitor alone is better than none."""
    with pytest.raises(errors.InvalidResponse) as raised:
        ask(client, sandbox, broken)
    assert (raised.value.response.status, raised.value.response.body) == (200, written(broken))
    assert client.visit("shopper").ids == ids
    ask(client, sandbox, NOT_AVAILABLE)
    sent = sandbox.requests[-1]
    assert (sent.visitor_id, sent.session_id) == ((ids.visitor_id, ids.session_id) if ids else (None, None))


@pytest.mark.parametrize(
    ("broken", "ids"),
    [
        *BROKEN,
        ({"visitorId": "xyz", "sessionId": "newer"}, VisitIds("xyz", "newer")),
        ({"visitorId": "other", "sessionId": "abc"}, VisitIds("other", "abc")),
    ],
    ids=range(25),
)
def test_what_is_remembered_survives_a_broken_answer(
    client: EngagementClient, sandbox: Sandbox, broken: Any, ids: VisitIds | None
) -> None:
    """Only another visitor or session, both good, takes its place; the engagement can still be reported."""
    ask(client, sandbox, AVAILABLE)
    with pytest.raises(errors.InvalidResponse):
        ask(client, sandbox, broken)
    visit = client.visit("shopper")
    if ids and ids.session_id and (ids.visitor_id, ids.session_id) != ("xyz", "abc"):
        assert visit.ids == ids
        return
    assert visit.ids == KNOWN
    sandbox.answer_next()
    visit.report_impressions("impDisplay")


def test_a_loop_of_broken_answers_makes_one_visitor(backend: Backend, sandbox: Sandbox) -> None:
    """Each names the visitor, and nothing else is right."""

    def spoil(request: httpx.Request) -> httpx.Response:
        answer = httpx.Response(200, content=inner.handle_request(request).read()).json()
        return httpx.Response(200, json={name: answer[name] for name in IDS})

    with httpx.HTTPTransport() as inner:
        client = backend.client(base_url=sandbox.url, transport=httpx.MockTransport(spoil))
        for _ in range(20):
            with pytest.raises(errors.InvalidResponse):
                client.visit("shopper").create_session(BODY)
    assert (len(sandbox.visitors), len(sandbox.requests)) == (1, 20)


@pytest.mark.parametrize("status", [201, 202, 203, 206, 299])
def test_a_success_that_the_contract_does_not_have_is_refused(
    client: EngagementClient, sandbox: Sandbox, status: int
) -> None:
    """It may mean anything, but it loses no visitor."""
    sandbox.answer_next(status, body=written(NOT_AVAILABLE))
    with pytest.raises(errors.InvalidResponse) as raised:
        client.visit("shopper").create_session(BODY)
    assert str(raised.value) == (
        f"the service's answer breaks the contract: status: {status} is not an answer that the contract has"
    )
    assert client.visit("shopper").ids == KNOWN


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(written(AVAILABLE).ljust(LARGEST + 1)), "is larger than 1,048,576 bytes"),
        (gzip.compress(written(AVAILABLE))[:-9], "cannot be decompressed"),
    ],
    ids=["large", "half"],
)
def test_a_body_that_cannot_be_read_is_refused(
    client: EngagementClient, sandbox: Sandbox, body: bytes, reason: str
) -> None:
    """Of a good answer; an error counts by its status."""
    sandbox.answer_next(body=body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(errors.InvalidResponse) as raised:
        client.visit().create_session(BODY)
    assert str(raised.value) == f"the service's answer breaks the contract: body: {reason}"
    sandbox.fail_next(418, body=body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(errors.ApiError, match=r"^\[418\] no message$"):
        client.visit().create_session(BODY)


# --- Errors -----------------------------------------------------------------------------------------------------------


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
        ("[" * 9_000, None, None),
    ],
    ids=range(15),
)
def test_of_an_error_only_what_is_of_the_right_kind_is_believed(
    client: EngagementClient, sandbox: Sandbox, entity: str, code: int | None, message: str | None
) -> None:
    """A code has at most 64 bits; whatever else the body is, the status counts."""
    sandbox.fail_next(400, body=entity)
    with pytest.raises(errors.BadRequest) as raised:
        client.visit().create_session(BODY)
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
        ("a\x00b\n c", "a b c"),
        ("x" * 10_000, "x" * 200),
        ("x" * 10_001, "a message of 10,001 characters"),
    ],
    ids=range(11),
)
def test_what_was_sent_is_masked_where_a_message_repeats_it(
    client: EngagementClient, sandbox: Sandbox, said: str, shown: str
) -> None:
    """Ids, text from three characters and numbers from four digits on, longer ones first; not names of members."""
    sandbox.fail_next(400, body=json.dumps({"message": said}))
    body: Any = {**BODY, "engagementAttributes": [PURCHASE, PERSON]}
    with pytest.raises(errors.BadRequest) as raised:
        client.visit(ids=VisitIds("known-visitor", "known-session")).create_session(body)
    assert str(raised.value) == f"[400] {shown}"
    assert raised.value.message == said


@pytest.mark.parametrize("code", ["20", 20.0, "20.0"])
def test_a_loading_account_may_spell_its_code_otherwise(client: EngagementClient, sandbox: Sandbox, code: Any) -> None:
    """The retry names the visitor all the same."""
    entity = json.dumps({"time": "1", "internalCode": code, "message": "Loading account: demo, vid: vid-7"})
    sandbox.fail_next(500, body=entity)
    ask(client, sandbox, {**NOT_AVAILABLE, "visitorId": "vid-7"})
    assert [request.visitor_id for request in sandbox.requests] == [None, "vid-7"]
    sandbox.fail_next(500, body=entity, times=4)
    with pytest.raises(errors.AccountLoading) as raised:
        client.visit("other").create_session(BODY)
    assert raised.value.internal_code == 20


PLACE = "https://told.test/api/account/demo/app/engagement/visitors/…?sid=…&v=1.0"


@pytest.mark.parametrize(
    ("kind", "text", "line"),
    [
        (httpx.ConnectError, "no way to {url}\nmore", f"ConnectError no way to {PLACE} more"),
        (httpx.RemoteProtocolError, "bad line: b'abc'", "RemoteProtocolError bad line"),
        (httpx.ReadError, "bad: bytearray(b'abc')", "ReadError bad"),
    ],
)
def test_a_lost_connection_is_told_without_ids_and_quotes(backend: Backend, kind: Any, text: str, line: str) -> None:
    """What came instead of an answer may be what was sent: it is neither in the line nor in the cause."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise kind(text.format(url=request.url))

    transport: Any = httpx.MockTransport(fail)
    client = backend.client(base_url="https://told.test", transport=transport, retry=RetryPolicy.none())
    with pytest.raises(errors.ConnectionFailed) as raised:
        client.visit(ids=VisitIds("abc", "s/1", "p")).create_session(BODY)
    assert line in str(raised.value)
    assert "abc" not in str(raised.value)
    assert type(raised.value.__cause__) is kind
    assert "b'abc'" not in str(raised.value.__cause__)


# --- What is told of answers ------------------------------------------------------------------------------------------


def test_a_broken_answer_is_described_by_its_shape(
    client: EngagementClient, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """At level debug: names and types, no value, and no name that may be one."""
    caplog.set_level(logging.DEBUG, logger="liveperson_engagement")
    odd = {
        "status": "Sarah",
        "visitorId": 5,
        "list": [1, 2, "a", None],
        "deep": {"sarah@example.com": {"x": 1.5}},
        "ok": True,
    }
    with pytest.raises(errors.InvalidResponse):
        ask(client, sandbox, odd)
    [line] = [each.getMessage() for each in caplog.records if "shape" in each.getMessage()]
    assert line == (
        "createSession: the answer's shape: {status: text, visitorId: integer, list: [integer, text, null], "
        "deep: {…: {x: number}}, ok: boolean}"
    )
