"""Bad input is refused before anything is sent; bad answers are refused before anything is remembered."""

from __future__ import annotations

import datetime
import decimal
import json
from typing import Any

import pytest

from conftest import BODY, Backend
from liveperson_engagement import EngagementClient, InvalidRequest, InvalidResponse, MemoryStore
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api import models


def attribute(**payload: Any) -> dict[str, Any]:
    """Build a body with one attribute."""
    return {"appType": "EXTERNAL", "engagementAttributes": [payload]}


def nested(depth: int) -> dict[str, Any]:
    """Build a body that is nested deeply."""
    body: dict[str, Any] = {"appType": "EXTERNAL"}
    part = body
    for _ in range(depth):
        part["x"] = {}
        part = part["x"]
    return body


def endless() -> dict[str, Any]:
    """Build a body that contains itself."""
    body: dict[str, Any] = {"appType": "EXTERNAL"}
    body["x"] = [body]
    return body


TYPES = "personal, ctmrinfo, mrktInfo, cart, purchase, prodView, lead, service, error, searchInfo"
FIRST = "engagementAttributes[0]"
BELOW_13 = "must be at most 12"
STATUSES = "must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13"


@pytest.mark.parametrize(
    ("body", "path", "reason"),
    [
        ({}, "appType", "is required"),
        ({"appType": "WEB"}, "appType", "must be one of MSDK, EXTERNAL"),
        ({"appType": None}, "appType", "must be of type string"),
        (None, "body", "must be of type object"),
        ([], "body", "must be of type object"),
        ({**BODY, "appDetails": "MSDK"}, "appDetails", "must be of type object"),
        ({**BODY, "appDetails": {"ipAddress": "999.1.1.1"}}, "appDetails.ipAddress", "must be a valid ipv4"),
        ({**BODY, "appDetails": {"ipAddress": "1::g"}}, "appDetails.ipAddress", "must be a valid ipv6"),
        (
            {**BODY, "appDetails": {"os": "BEOS"}},
            "appDetails.os",
            "must be one of WINDOWS, MAC_OSX, LINUX, IOS, ANDROID",
        ),
        ({**BODY, "consumerSections": "a,b"}, "consumerSections", "must be of type array"),
        ({**BODY, "consumerSections": ["a", 2]}, "consumerSections[1]", "must be of type string"),
        (attribute(), f"{FIRST}.type", f"must be one of {TYPES}"),
        (attribute(type="impDisplay"), f"{FIRST}.type", f"must be one of {TYPES}"),
        (attribute(type=7), f"{FIRST}.type", f"must be one of {TYPES}"),
        ({**BODY, "engagementAttributes": ["cart"]}, FIRST, "must be of type object"),
        (attribute(type="personal", personal="Sarah"), f"{FIRST}.personal", "must be of type object"),
        (attribute(type="personal", personal={"age": {"month": 13}}), f"{FIRST}.personal.age.month", BELOW_13),
        (attribute(type="personal", personal={"age": {"day": 0}}), f"{FIRST}.personal.age.day", "must be at least 1"),
        (
            attribute(type="personal", personal={"gender": 0}),
            f"{FIRST}.personal.gender",
            "must be of type string",
        ),
        (
            attribute(type="personal", personal={"contacts": [{}, {"address": {"country": "gb"}}]}),
            f"{FIRST}.personal.contacts[1].address.country",
            "must match the pattern ^[A-Z]{2}$",
        ),
        (attribute(type="cart", numItems=1), f"{FIRST}.total", "is required"),
        (attribute(type="cart", total="free", numItems=1), f"{FIRST}.total", "must be of type number"),
        (attribute(type="cart", total=True, numItems=1), f"{FIRST}.total", "must be of type number"),
        (attribute(type="cart", total=1, numItems=1.5), f"{FIRST}.numItems", "must be of type integer"),
        (attribute(type="cart", total=float("nan"), numItems=1), f"{FIRST}.total", "must be a finite number"),
        (attribute(type="cart", total=float("-inf"), numItems=1), f"{FIRST}.total", "must be a finite number"),
        (attribute(type="purchase", cart={}), f"{FIRST}.cart.products", "is required"),
        (attribute(type="service", service={"status": 14}), f"{FIRST}.service.status", STATUSES),
        (attribute(type="mrktInfo", info={"channel": "7"}), f"{FIRST}.info.channel", "must match the pattern ^[0-6]$"),
        (attribute(type="mrktInfo", info={"channel": 7}), f"{FIRST}.info.channel", "must be at most 6"),
        (attribute(type="error", error={"level": 2**63}), f"{FIRST}.error.level", f"must be at most {2**63 - 1}"),
        ({**BODY, "extra": float("inf")}, "extra", "must be a finite number"),
        ({**BODY, "extra": [{"a": {1}}]}, "extra[0].a", "must be a JSON value, not set"),
        ({**BODY, "extra": datetime.date(2026, 1, 1)}, "extra", "must be a JSON value, not date"),
        ({**BODY, "extra": decimal.Decimal("1.5")}, "extra", "must be a JSON value, not Decimal"),
        ({**BODY, "extra": b"bytes"}, "extra", "must be a JSON value, not bytes"),
        ({**BODY, "extra": "\ud800"}, "extra", "must be text without lone surrogates"),
        ({**BODY, 1: 2}, "body", "must have text as the names of its members"),
        ({**BODY, "extra": {"\udfff": 1}}, "extra", "must have text as the names of its members"),
        (endless(), "x[0].x", "is nested too deeply, or contains itself"),
        (nested(100_000), "x.x.x", "is nested too deeply, or contains itself"),
        ({**BODY, "extra": 10**5000}, "body", "cannot be written as JSON"),
        ({**BODY, "consumerSections": object()}, "consumerSections", "must be a JSON value, not object"),
    ],
)  # fmt: skip
def test_a_wrong_body_is_refused_with_path_and_reason_and_nothing_is_sent(
    backend: Backend, sandbox: Sandbox, body: Any, path: str, reason: str
) -> None:
    """Not even the Domain API is asked."""
    visit = backend.client(domain_api=sandbox.url).visit("shopper")
    for method in (visit.create_session, visit.engagement):
        with pytest.raises(InvalidRequest) as raised:
            method(body)
        assert (raised.value.path, raised.value.reason) == (path, reason)
        assert str(raised.value) == f"{path}: {reason}"
        assert isinstance(raised.value, ValueError)
    assert sandbox.requests == ()
    assert backend.pauses == []


@pytest.mark.parametrize(
    ("news", "path"),
    [
        ({"pageId": 5}, "pageId"),
        ({"pageId": ""}, "pageId"),
        ({"impAttributes": [{"type": "impDisplay"}]}, "impAttributes[0].campaign"),
        (
            {"impAttributes": [{"type": "impClose", "campaign": "1", "engId": 1, "revision": 1}]},
            "impAttributes[0].campaign",
        ),
        ({"impAttributes": [{"type": "personal"}]}, "impAttributes[0].type"),
        ({"engagementAttributes": {}}, "engagementAttributes"),
        ("news", "body"),
    ],
)
def test_a_wrong_update_is_refused_and_nothing_is_sent(
    client: EngagementClient, sandbox: Sandbox, news: Any, path: str
) -> None:
    """Updates are checked as requests are."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    with pytest.raises(InvalidRequest) as raised:
        visit.update_session(news)
    assert raised.value.path == path
    assert len(sandbox.requests) == 1


def test_the_generated_models_can_be_sent_as_well(client: EngagementClient, sandbox: Sandbox) -> None:
    """A model is sent as the JSON that it stands for."""
    personal = models.PersonalAttribute(personal=models.Personal(firstname="Sarah"))
    body = models.CreateSessionBody(app_type="EXTERNAL", engagement_attributes=[personal])
    visit = client.visit("shopper")
    visit.create_session(body.to_dict())
    assert sandbox.requests[-1].body == {
        "appType": "EXTERNAL",
        "engagementAttributes": [{"type": "personal", "personal": {"firstname": "Sarah"}}],
    }
    visit.update_session(models.SessionUpdate(engagement_attributes=[personal]).to_dict())
    assert sandbox.requests[-1].body["engagementAttributes"] == body.to_dict().get("engagementAttributes")


def test_a_model_that_holds_wrong_values_is_refused(client: EngagementClient, sandbox: Sandbox) -> None:
    """The generated models check nothing themselves."""
    wrong: Any = models.CreateSessionBody(app_type="EXTERNAL", app_details=5)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="appDetails: must be of type object"):
        client.visit().create_session(wrong)
    other: Any = models.CreateSessionBody(app_type="INTERNAL")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="appType: must be one of"):
        client.visit().create_session(other)
    late: Any = models.CreateSessionBody(app_type="EXTERNAL", consumer_sections=[5])  # type: ignore[list-item]
    with pytest.raises(InvalidRequest, match=r"consumerSections\[0\]"):
        client.visit().create_session(late)
    assert sandbox.requests == ()


def test_unknown_fields_of_a_request_are_sent(client: EngagementClient, sandbox: Sandbox) -> None:
    """The contract is open: what it does not know yet passes."""
    body: Any = {**BODY, "future": {"a": [1, None, "ä"]}, "appDetails": {"batteryLevel": 0.5}}
    client.visit().create_session(body)
    assert sandbox.requests[0].body == body


def test_tuples_are_arrays(client: EngagementClient, sandbox: Sandbox) -> None:
    """What JSON can carry is taken."""
    body: Any = {**BODY, "consumerSections": ("Support", "English")}
    client.visit().create_session(body)
    assert sandbox.requests[0].body["consumerSections"] == ["Support", "English"]


ANSWER: dict[str, Any] = {
    "status": "Available",
    "sessionId": "abc",
    "visitorId": "xyz",
    "pageId": "4743822558",
    "engagementDetails": {
        "campaignId": "3346848610",
        "engagementId": "3562981110",
        "contextId": "1",
        "windowId": "3346847910",
        "language": "en-US",
        "engagementRevision": 44,
        "validForSeconds": 900,
    },
}


def changed(**changes: Any) -> bytes:
    """Write the documented answer with other details; None takes one away."""
    details = {**ANSWER["engagementDetails"], **changes}
    kept = {name: value for name, value in details.items() if value is not None}
    return json.dumps({**ANSWER, "engagementDetails": kept}).encode()


@pytest.mark.parametrize(
    ("content", "path", "reason"),
    [
        (b"", "body", "must be JSON"),
        (b"<html>", "body", "must be JSON"),
        (b'{"status": "Avail', "body", "must be JSON"),
        (b'{"status": "\xff"}', "status", "must be text without lone surrogates"),
        (b'{"status": NaN}', "status", "must be a finite number"),
        (b"[" * 100_000, "body", "must be JSON"),
        (b'{"a":' + b"9" * 5000 + b"}", "a", "must be a finite number"),
        (b"null", "body", "must be of type object"),
        (b"[]", "body", "must be of type object"),
        (b"{}", "status", "must be one of Available, NotAvailable"),
        (b'{"status": "Maybe"}', "status", "must be one of Available, NotAvailable"),
        (b'{"status": "NotAvailable", "sessionId": "a", "visitorId": "b"}', "pageId", "is required"),
        (json.dumps({**ANSWER, "visitorId": True}).encode(), "visitorId", "must be of type string"),
        (json.dumps({**ANSWER, "visitorId": ".."}).encode(), "visitorId", "must match the pattern [^.]"),
        (json.dumps({**ANSWER, "visitorId": "\ud800"}).encode(), "visitorId", "must be text without lone surrogates"),
        (json.dumps({**ANSWER, "sessionId": ""}).encode(), "sessionId", "must have at least 1 characters"),
        (changed(campaignId=None), "engagementDetails.campaignId", "is required"),
        (changed(campaignId="12a"), "engagementDetails.campaignId", "must match the pattern ^[0-9]{1,19}$"),
        (changed(campaignId=2**63), "engagementDetails.campaignId", f"must be at most {2**63 - 1}"),
        (changed(campaignId=str(2**63)), "body", "campaignId must be a 64-bit integer, or its digits"),
        (changed(campaignId=-1), "engagementDetails.campaignId", "must be at least 0"),
        (changed(campaignId=1.5), "engagementDetails.campaignId", "must be of type integer"),
        (changed(validForSeconds="soon"), "engagementDetails.validForSeconds", "must be of type number"),
        (changed(windowId=[5]), "engagementDetails.windowId", "must be of type string"),
    ],
)
def test_a_broken_answer_is_refused(
    client: EngagementClient, sandbox: Sandbox, content: bytes, path: str, reason: str
) -> None:
    """The error names the part of it that is wrong."""
    sandbox.answer_next(status=200, body=content)
    with pytest.raises(InvalidResponse) as raised:
        client.visit("fresh").create_session(BODY)
    assert (raised.value.path, raised.value.reason) == (path, reason)


@pytest.mark.parametrize("status", [201, 202, 203, 204, 206, 226, 299])
def test_a_success_that_the_contract_does_not_have_is_refused(
    client: EngagementClient, sandbox: Sandbox, status: int
) -> None:
    """Only a 200 is a good answer."""
    sandbox.answer_next(status=status, body=b"" if status == 204 else json.dumps(ANSWER).encode())
    with pytest.raises(InvalidResponse) as raised:
        client.visit().create_session(BODY)
    assert (raised.value.path, raised.value.reason[:3]) == ("status", str(status))


def test_an_answer_that_cannot_be_decompressed_is_refused(client: EngagementClient, sandbox: Sandbox) -> None:
    """The body of a 200 has to be readable."""
    sandbox.answer_next(status=200, body=b"not gzip", headers={"Content-Encoding": "gzip"})
    with pytest.raises(InvalidResponse, match="cannot be decompressed"):
        client.visit().create_session(BODY)


@pytest.mark.parametrize("number", [0, 1, 2**53 + 1, 2**63 - 1])
@pytest.mark.parametrize("quoted", [False, True])
def test_ids_keep_every_digit_quoted_or_not(
    client: EngagementClient, sandbox: Sandbox, number: int, *, quoted: bool
) -> None:
    """Ids of 64 bits are integers, however they were written, and go out again as numbers."""
    spelled = str(number) if quoted else number
    sandbox.answer_next(body=changed(campaignId=spelled, engagementId=spelled, connectorId=spelled))
    visit = client.visit("shopper")
    session = visit.create_session(BODY)
    assert session.status == "Available"
    details = session.engagement_details
    found = (details.campaign_id, details.engagement_id, details.connector_id)
    assert found == (number, number, number)
    assert all(type(each) is int for each in found)
    sandbox.answer_next(body=b"")
    visit.report_impressions("impClose")
    assert sandbox.requests[-1].body["impAttributes"][0]["campaign"] == number


def test_unknown_fields_of_an_answer_are_kept(client: EngagementClient, sandbox: Sandbox) -> None:
    """Answers may gain members at any time."""
    sandbox.answer_next(body=json.dumps({**ANSWER, "future": {"campaignId": "x"}}).encode())
    session = client.visit().create_session(BODY)
    assert session.additional_properties == {"future": {"campaignId": "x"}}


@pytest.mark.parametrize("content", [b"", b"  \n", b"{}", b'{"future": 1}'])
def test_an_update_is_answered_by_nothing_or_an_object(
    client: EngagementClient, sandbox: Sandbox, content: bytes
) -> None:
    """The documented empty entity, in any of its spellings."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    sandbox.answer_next(body=content)
    visit.update_session({})
    assert sandbox.requests[-1].operation_id == "updateSession"


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"null", b"{"])
def test_an_update_that_is_answered_by_something_else_is_refused(
    client: EngagementClient, sandbox: Sandbox, content: bytes
) -> None:
    """A page of some other server is no success."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    before = visit.ids
    sandbox.answer_next(body=content)
    with pytest.raises(InvalidResponse):
        visit.update_session({})
    assert visit.ids == before


def test_a_store_is_asked_for_nothing_before_the_body_is_known_to_be_good(backend: Backend, sandbox: Sandbox) -> None:
    """A wrong body touches nothing."""

    class Untouchable(MemoryStore):
        def load(self, key: str, timeout: float | None = None) -> Any:  # noqa: ARG002
            raise AssertionError(key)

    wrong: Any = {}
    with pytest.raises(InvalidRequest):
        backend.client(base_url=sandbox.url, store=Untouchable()).visit("shopper").create_session(wrong)
