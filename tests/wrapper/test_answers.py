"""What is taken of an answer: of a 200 only what is needed must be right, and no visitor that it names is lost."""

from __future__ import annotations

import json
import logging
import pickle
from importlib import resources
from typing import Any

import pytest

from conftest import BODY, Backend
from liveperson_engagement import (
    AccountLoading,
    AvailableSession,
    EngagementClient,
    EngagementError,
    InvalidResponse,
    NotAvailableSession,
    ResponseEvent,
    VisitIds,
)
from liveperson_engagement.sandbox import Sandbox

IDS = {"visitorId": "xyz", "sessionId": "abc", "pageId": "4743822558"}
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


def ask(client: EngagementClient, sandbox: Sandbox, answer: Any, key: str = "shopper") -> Any:
    """Have a visit answered so."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    sandbox.answer_next(body=body)
    return client.visit(key).create_session(BODY)


def test_every_documented_answer_is_taken(client: EngagementClient, sandbox: Sandbox) -> None:
    """As the contract's examples have them."""
    contract = json.loads(resources.files("liveperson_engagement_api").joinpath("openapi.json").read_bytes())
    answers = contract["components"]["responses"]["Session"]["content"]["application/json"]["examples"]
    for name, example in answers.items():
        assert ask(client, sandbox, example["value"], name).to_dict()["status"] == example["value"]["status"]


@pytest.mark.parametrize("details", [None, 5, "x", [], {"campaignId": "abc"}, {**DETAILS, "campaignId": None}])
def test_not_available_needs_no_engagement(client: EngagementClient, sandbox: Sandbox, details: Any) -> None:
    """What a NotAvailable answer says of one is not read."""
    session = ask(client, sandbox, {**NOT_AVAILABLE, "engagementDetails": details})
    assert isinstance(session, NotAvailableSession)
    assert client.visit("shopper").ids == VisitIds("xyz", "abc", "4743822558")


UNREADABLE: list[Any] = [None, [], {}, "\ud800", True]


@pytest.mark.parametrize("value", [*UNREADABLE, "text", "", "1.5.2", 2.5])
@pytest.mark.parametrize("member", ["skillId", "connectorId"])
def test_an_optional_number_that_cannot_be_read_is_absent(
    client: EngagementClient, sandbox: Sandbox, member: str, value: Any
) -> None:
    """Null included."""
    session = ask(client, sandbox, {**AVAILABLE, "engagementDetails": {**DETAILS, member: value}})
    assert isinstance(session, AvailableSession)
    assert (
        session.engagement_details.skill_id if member == "skillId" else session.engagement_details.connector_id
    ) is None
    assert session.engagement_details.campaign_id == 3346848610


@pytest.mark.parametrize("value", UNREADABLE)
def test_an_optional_text_that_cannot_be_read_is_absent(client: EngagementClient, sandbox: Sandbox, value: Any) -> None:
    """Null included; the engagement can be reported all the same."""
    session = ask(client, sandbox, {**AVAILABLE, "engagementDetails": {**DETAILS, "skillName": value}})
    assert isinstance(session, AvailableSession)
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
        ("validForSeconds", 0, "valid_for_seconds", 0),
        ("validForSeconds", -5, "valid_for_seconds", -5),
        ("validForSeconds", 1e308, "valid_for_seconds", 1e308),
        ("skillId", "23", "skill_id", 23),
        ("skillId", 23.0, "skill_id", 23),
        ("skillName", 23, "skill_name", "23"),
        ("contextId", 1, "context_id", "1"),
        ("windowId", 3346847910, "window_id", "3346847910"),
        ("campaignId", 3346848610.0, "campaign_id", 3346848610),
        ("connectorId", "3346848710", "connector_id", 3346848710),
    ],
)
def test_a_scalar_of_another_type_is_what_it_spells(
    client: EngagementClient, sandbox: Sandbox, member: str, sent: Any, name: str, read: Any
) -> None:
    """The model holds the type that its annotation says."""
    session = ask(client, sandbox, {**AVAILABLE, "engagementDetails": {**DETAILS, member: sent}})
    value = getattr(session.engagement_details, name)
    assert (value, type(value)) == (read, type(read))


def test_ids_may_be_numbers(client: EngagementClient, sandbox: Sandbox) -> None:
    """Text is promised, and they are text from then on."""
    session = ask(client, sandbox, {**NOT_AVAILABLE, "pageId": 4743822558, "sessionId": 7})
    assert (session.page_id, session.session_id) == ("4743822558", "7")
    assert client.visit("shopper").ids == VisitIds("xyz", "7", "4743822558")


@pytest.mark.parametrize(
    "broken",
    [
        {**AVAILABLE, "status": "Busy"},
        {**AVAILABLE, "status": None},
        {**AVAILABLE, "status": ["Available"]},
        {name: value for name, value in AVAILABLE.items() if name != "status"},
        {**AVAILABLE, "engagementDetails": None},
        {**AVAILABLE, "engagementDetails": {name: DETAILS[name] for name in DETAILS if name != "campaignId"}},
        {**AVAILABLE, "engagementDetails": {**DETAILS, "engagementId": 2**64}},
        {**AVAILABLE, "engagementDetails": {**DETAILS, "validForSeconds": "soon"}},
    ],
)
def test_the_ids_of_a_broken_answer_are_remembered(client: EngagementClient, sandbox: Sandbox, broken: Any) -> None:
    """The answer cannot be used, but the visitor is on the brand's list: the next call continues the visit."""
    with pytest.raises(InvalidResponse) as raised:
        ask(client, sandbox, broken)
    error = raised.value
    assert (error.response.status, json.loads(error.response.body)) == (200, broken)
    assert pickle.loads(pickle.dumps(error)).response == error.response  # noqa: S301
    assert client.visit("shopper").ids == VisitIds("xyz", "abc", "4743822558")
    ask(client, sandbox, NOT_AVAILABLE)
    assert [request.operation_id for request in sandbox.requests] == ["createSession", "continueSession"]
    assert (sandbox.requests[1].visitor_id, sandbox.requests[1].session_id) == ("xyz", "abc")


@pytest.mark.parametrize(
    ("broken", "ids"),
    [
        ({**IDS, "sessionId": None}, VisitIds("xyz", None, "4743822558")),
        ({**IDS, "pageId": {}}, VisitIds("xyz", "abc")),
        ({**IDS, "visitorId": "."}, None),
        ({**IDS, "visitorId": "x" * 2001}, None),
        ({**IDS, "visitorId": "\ud800"}, None),
        ([IDS], None),
        (b'{"visitorId": "xyz", "sessionId": "abc"', None),
        (b'{"visitorId": "xyz", "sessionId": ' + b"9" * 5000 + b"}", VisitIds("xyz")),
        (b'{"visitorId": NaN, "sessionId": "abc"}', None),
        (b"<html>xyz</html>", None),
        (b"", None),
        (b'{"visitorId": "xyz", "sessionId": "abc", "more": NaN}', VisitIds("xyz", "abc")),
        (b'{"visitorId": "xyz", "sessionId": "abc", "more": ' + b"9" * 5000 + b"}", VisitIds("xyz", "abc")),
        (b'{"visitorId": "xyz", "sessionId": "abc", "more": "\xff"}', VisitIds("xyz", "abc")),
        (b'\xef\xbb\xbf{"visitorId": "xyz", "sessionId": "a\nb", "more": 1}', VisitIds("xyz", "a\nb")),
    ],
)
def test_a_broken_answer_names_what_it_names(
    client: EngagementClient, sandbox: Sandbox, broken: Any, ids: VisitIds | None
) -> None:
    """A visitor alone is better than none; an id that cannot stand in a URL is none."""
    with pytest.raises(InvalidResponse):
        ask(client, sandbox, broken)
    assert client.visit("shopper").ids == ids


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        {"visitorId": "xyz"},
        {"visitorId": "other"},
        {"visitorId": 5, "sessionId": []},
        {**IDS, "pageId": None},
    ],
)
def test_what_is_remembered_survives_a_broken_answer(client: EngagementClient, sandbox: Sandbox, broken: Any) -> None:
    """Only another visitor and session, both good, take its place; the engagement can still be reported."""
    ask(client, sandbox, AVAILABLE)
    with pytest.raises(InvalidResponse):
        ask(client, sandbox, broken)
    visit = client.visit("shopper")
    assert visit.ids == VisitIds("xyz", "abc", "4743822558")
    sandbox.answer_next()
    visit.report_impressions("impDisplay")


def test_a_broken_answer_with_newer_ids_replaces_them(client: EngagementClient, sandbox: Sandbox) -> None:
    """As a good one does: the service has started another session."""
    ask(client, sandbox, AVAILABLE)
    with pytest.raises(InvalidResponse):
        ask(client, sandbox, {"visitorId": "xyz", "sessionId": "newer"})
    assert client.visit("shopper").ids == VisitIds("xyz", "newer")


def test_an_undocumented_success_is_no_answer_and_loses_no_visitor(client: EngagementClient, sandbox: Sandbox) -> None:
    """Such as 201, which a sibling of the service gives."""
    sandbox.answer_next(201, body=json.dumps(NOT_AVAILABLE).encode())
    with pytest.raises(InvalidResponse, match="201 is not an answer that the contract has"):
        client.visit("shopper").create_session(BODY)
    assert client.visit("shopper").ids == VisitIds("xyz", "abc", "4743822558")


@pytest.mark.parametrize("seconds", [0, -5, "-5", 0.0])
def test_an_engagement_that_is_over_is_asked_again(client: EngagementClient, sandbox: Sandbox, seconds: Any) -> None:
    """It may be Available and not be given again."""
    sandbox.answer_next(
        body=json.dumps({**AVAILABLE, "engagementDetails": {**DETAILS, "validForSeconds": seconds}}).encode()
    )
    sandbox.answer_next(body=json.dumps(NOT_AVAILABLE).encode())
    visit = client.visit("shopper")
    assert [visit.engagement(BODY).status for _ in range(2)] == ["Available", "NotAvailable"]


@pytest.mark.parametrize(
    "answer",
    [
        {"baseURI": "HOST", "service": None, "account": 123},
        {"baseURI": "HOST", "service": ["msdkgw"], "more": None},
    ],
)
def test_of_the_domain_api_only_the_host_is_needed(backend: Backend, sandbox: Sandbox, answer: dict[str, Any]) -> None:
    """The names of service and account are what was asked."""
    sandbox.answer_next(body=json.dumps({**answer, "baseURI": sandbox.host}).encode(), operation="findDomain")
    assert backend.client(domain_api=sandbox.url).find_domain() == sandbox.url


@pytest.mark.parametrize("code", ["20", 20.0, "20.0"])
def test_a_loading_account_may_spell_its_code_otherwise(client: EngagementClient, sandbox: Sandbox, code: Any) -> None:
    """The retry names the visitor all the same."""
    entity = {"time": "1", "internalCode": code, "message": "Loading account: demo, vid: vid-7"}
    sandbox.fail_next(500, body=json.dumps(entity))
    ask_again = json.dumps({**NOT_AVAILABLE, "visitorId": "vid-7"}).encode()
    sandbox.answer_next(body=ask_again)
    client.visit("shopper").create_session(BODY)
    assert [request.visitor_id for request in sandbox.requests] == [None, "vid-7"]
    sandbox.fail_next(500, body=json.dumps(entity), times=4)
    with pytest.raises(AccountLoading) as raised:
        client.visit("other").create_session(BODY)
    assert raised.value.internal_code == 20


def test_hooks_see_every_answer(backend: Backend, sandbox: Sandbox) -> None:
    """Good, broken, and refused."""
    seen: list[ResponseEvent] = []

    async def anoted(event: ResponseEvent) -> None:
        seen.append(event)

    hook: Any = seen.append if backend.name == "sync" else anoted
    client = backend.client(base_url=sandbox.url, on_response=hook)
    ask(client, sandbox, NOT_AVAILABLE)
    for broken in ({"status": "Busy"}, "x" * 20_000):
        with pytest.raises(InvalidResponse):
            ask(client, sandbox, broken)
    sandbox.fail_next(400)
    with pytest.raises(EngagementError) as raised:
        client.visit("shopper").create_session(BODY)
    assert [event.response and event.response.status for event in seen] == [200, 200, 200, 400]
    assert [type(event.error) for event in seen] == [type(None), InvalidResponse, InvalidResponse, type(raised.value)]
    assert len(seen[2].response.body if seen[2].response else b"") == 20_002


def test_an_error_keeps_a_part_of_a_large_body(client: EngagementClient, sandbox: Sandbox) -> None:
    """Enough to see what came, and not too much to be pickled."""
    with pytest.raises(InvalidResponse) as raised:
        ask(client, sandbox, "x" * 20_000)
    assert len(raised.value.response.body) == 10_000


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
    with pytest.raises(InvalidResponse):
        ask(client, sandbox, odd)
    [line] = [each.getMessage() for each in caplog.records if "shape" in each.getMessage()]
    assert line == (
        "createSession: the answer's shape: {status: text, visitorId: integer, list: [integer, text, null], "
        "deep: {…: {x: number}}, ok: boolean}"
    )
