"""The contract is valid, complete, consistent with itself, and accepts and refuses what the vendor's documents say."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from contract_tools import (
    CONTRACT,
    CONTRACT_FILE,
    ROOT,
    Document,
    changed,
    contents_without_example,
    members_without_example,
    validator,
)

LINTERS = {
    "redocly": "lint --config scripts/lint/redocly.yaml openapi.yaml",
    "spectral": "lint --ruleset scripts/lint/spectral.yaml --fail-severity hint openapi.yaml",
}
SLASHED = "/api/account/{accountId}/app/engagement/visitors/"
FIND_DOMAIN = "/api/account/{accountId}/service/{serviceName}/baseURI.json"


def lint(linter: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a linter with the project's settings on the contract in a directory."""
    command = [str(ROOT / "scripts/env/node_modules/.bin" / linter), *LINTERS[linter].split()]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("linter", LINTERS)
def test_the_linters_find_nothing(linter: str) -> None:
    """Redocly's strict rules and Spectral's rules for OpenAPI are kept without a warning."""
    done = lint(linter, ROOT)
    assert done.returncode == 0, done.stdout
    assert "warning" not in done.stdout


@pytest.mark.parametrize("linter", LINTERS)
def test_only_the_one_path_may_end_in_a_slash(linter: str, tmp_path: Path) -> None:
    """The exemption of the first request's path covers no other path."""
    text = CONTRACT_FILE.read_text(encoding="utf-8")
    slashed = text.replace(f"{FIND_DOMAIN}:", f"{FIND_DOMAIN}/:")
    shutil.copytree(ROOT / "scripts/lint", tmp_path / "scripts/lint")
    (tmp_path / "openapi.yaml").write_text(slashed, encoding="utf-8")
    done = lint(linter, tmp_path)
    assert done.returncode == 1
    assert f"{FIND_DOMAIN}/" in done.stdout
    assert "trailing-slash" in done.stdout
    assert f"`{SLASHED}`" not in done.stdout
    assert f"paths.{SLASHED}" not in done.stdout


def test_it_is_valid_openapi() -> None:
    """The contract is a valid OpenAPI 3.1 document."""
    assert [error.message for error in OpenAPIV31SpecValidator(CONTRACT).iter_errors()] == []


def test_the_first_request_keeps_its_slash() -> None:
    """The path without a visitor ends in the slash that the service is called with."""
    assert SLASHED in CONTRACT["paths"]


def test_every_content_has_an_example() -> None:
    """Each request body and each answer shows at least one, with a name."""
    assert contents_without_example(CONTRACT) == []
    content = ("paths", FIND_DOMAIN, "get", "responses", "200", "content", "application/json", "examples")
    assert contents_without_example(changed(CONTRACT, content, {})) == ["findDomain 200 has no named example"]


def test_every_member_of_a_union_has_an_example() -> None:
    """The examples show each attribute, each impression event and both answers."""
    assert members_without_example(CONTRACT) == []
    content = ("components", "requestBodies", "UpdateSession", "content", "application/json", "examples", "closed")
    complaints = ["no example shows impClose, a member of ImpressionEvent"]
    assert members_without_example(changed(CONTRACT, content, None)) == complaints


def test_the_retries_are_the_documented_ones() -> None:
    """The numbers are those of the vendor's page."""
    policy = CONTRACT["x-retry-policies"]["documented"]
    assert policy["retryStatuses"] == ["5XX"]
    assert (policy["maxRetries"], policy["pausesInSeconds"]) == (3, [5, 10, 15])


def test_the_unions_are_the_documented_ones() -> None:
    """There are two answers, ten attributes and five impression events."""
    schemas: Document = CONTRACT["components"]["schemas"]
    unions = {name: schema["discriminator"]["mapping"] for name, schema in schemas.items() if "discriminator" in schema}
    assert {union: list(mapping) for union, mapping in unions.items()} == {
        "Session": ["Available", "NotAvailable"],
        "EngagementAttribute": [
            *("personal", "ctmrinfo", "mrktInfo", "cart", "purchase"),
            *("prodView", "lead", "service", "error", "searchInfo"),
        ],
        "ImpressionEvent": ["impDisplay", "impAccept", "impExpanded", "impTimeout", "impClose"],
    }


LONGEST = 9223372036854775807
ENGAGEMENT = {
    "campaignId": 1,
    "engagementId": 2,
    "contextId": "3",
    "windowId": "4",
    "language": "en-US",
    "engagementRevision": 5,
    "validForSeconds": 6,
}
AVAILABLE = {"status": "Available", "pageId": "p", "sessionId": "s", "visitorId": "v", "engagementDetails": ENGAGEMENT}
EVENT = {"campaign": 1, "engId": 2, "revision": 3}
CONTEXT = [{"type": "engagementContext", "id": "1"}]
PRODUCT = {"product": {"name": "vase", "category": "decoration", "sku": "x", "price": 7.8}, "quantity": 1}


def without(value: dict[str, Any], key: str) -> dict[str, Any]:
    """Leave out one member."""
    return {name: member for name, member in value.items() if name != key}


def attribute(value: object) -> dict[str, Any]:
    """Make a request that holds one attribute."""
    return {"appType": "EXTERNAL", "engagementAttributes": [value]}


# Component, value, whether it is accepted: what the vendor's documents say, then the points on which they disagree.
ACCEPTANCE: list[tuple[str, object, bool]] = [
    ("CreateSessionBody", {"appType": "MSDK"}, True),
    ("CreateSessionBody", {"appType": "EXTERNAL"}, True),
    ("CreateSessionBody", {}, False),
    ("CreateSessionBody", {"appType": "WEB"}, False),
    ("CreateSessionBody", {"appType": None}, False),
    ("CreateSessionBody", {"appType": "MSDK", "announced": "next year"}, True),
    ("CreateSessionBody", attribute({"type": "impClose", **EVENT}), False),
    ("CreateSessionBody", attribute({"type": "unheardOf"}), False),
    ("CreateSessionBody", attribute({"lead": {}}), False),
    *(("OsFamily", os, True) for os in ("WINDOWS", "MAC_OSX", "LINUX", "IOS", "ANDROID")),
    ("OsFamily", "BEOS", False),
    ("OsFamily", "linux", False),
    ("AppDetails", {}, True),
    ("AppDetails", {"osVersion": 12}, False),
    ("AppDetails", {"appVersion": 1.0}, False),
    ("UpdateSessionBody", {"pageId": "p"}, True),
    ("UpdateSessionBody", {}, False),
    ("UpdateSessionBody", {"pageId": ""}, False),
    ("UpdateSessionBody", {"pageId": "p", "engagementAttributes": [{"type": "lead", "lead": {}}]}, True),
    ("UpdateSessionBody", {"pageId": "p", "impAttributes": [{"type": "impClose", **EVENT}]}, True),
    ("UpdateSessionBody", {"pageId": "p", "impAttributes": [{"type": "lead", "lead": {}}]}, False),
    ("UpdateSessionBody", {"pageId": "p", "engagementAttributes": [{"type": "impClose", **EVENT}]}, False),
    *(("ImpressionEvent", {"type": kind, **EVENT, "eContext": CONTEXT}, True) for kind in ("impDisplay", "impAccept")),
    *(("ImpressionEvent", {"type": kind, **EVENT}, False) for kind in ("impDisplay", "impAccept")),
    *(("ImpressionEvent", {"type": kind, **EVENT}, True) for kind in ("impTimeout", "impClose")),
    ("ImpressionEvent", {"type": "impExpanded", **EVENT}, False),
    *(
        ("ImpressionEvent", {"type": kind, **without(EVENT, key)}, False)
        for kind in ("impExpanded", "impTimeout", "impClose")
        for key in EVENT
    ),
    (
        "ImpressionEvent",
        {"type": "impExpanded", **EVENT, **dict.fromkeys(("expanded", "userInit", "actionableItems"))},
        True,
    ),
    ("ImpressionEvent", {"type": "impExpanded", **EVENT, "expanded": True, "userInit": 1, "actionableItems": []}, True),
    ("ImpressionEvent", {"type": "impExpanded", **EVENT, "expanded": True, "userInit": False}, False),
    ("ImpressionEvent", {"type": "impClose", **EVENT, "campaign": LONGEST}, True),
    ("ImpressionEvent", {"type": "impClose", **EVENT, "campaign": "1"}, False),
    ("EngagementContexts", [{"type": "otherContext", "id": "1"}], False),
    ("EngagementContexts", [{"type": "engagementContext", "id": 1}], False),
    ("EngagementContexts", [{"type": "engagementContext"}], False),
    ("Session", AVAILABLE, True),
    ("Session", {**AVAILABLE, "announced": "next year"}, True),
    ("Session", {**without(AVAILABLE, "engagementDetails"), "status": "NotAvailable"}, True),
    ("Session", without(AVAILABLE, "engagementDetails"), False),
    ("Session", {**AVAILABLE, "status": "Maybe"}, False),
    *(("Session", without(AVAILABLE, key), False) for key in AVAILABLE),
    *(("EngagementDetails", without(ENGAGEMENT, key), False) for key in ENGAGEMENT),
    ("EngagementDetails", {**ENGAGEMENT, "skillName": "Sales", "connectorId": "7"}, True),
    ("EngagementDetails", {**ENGAGEMENT, "connectorId": LONGEST}, True),
    ("EngagementDetails", {**ENGAGEMENT, "validForSeconds": -1}, True),
    ("ErrorAnswer", {"time": 1469543282471, "message": "Illegal Version", "internalCode": 33}, True),
    ("ErrorAnswer", {"time": 1469543282471, "internalCode": 33}, True),
    ("ErrorAnswer", {"error": {"time": 1469543282471, "internalCode": 33}}, True),
    ("ErrorAnswer", {"message": "Illegal Version"}, False),
    ("ServiceDomain", {"service": "msdkgw", "account": "1234", "baseURI": "host.liveperson.net"}, True),
    ("ServiceDomain", {"baseURI": "127.0.0.1:8080"}, True),
    ("ServiceDomain", {"baseURI": "https://host.liveperson.net"}, False),
    ("ServiceDomain", {"baseURI": "host.liveperson.net/path"}, False),
    ("ServiceDomain", {"baseURI": "user@host.liveperson.net"}, False),
    ("ServiceDomain", {"baseURI": "host.liveperson.net\n"}, False),
    ("ServiceDomain", {"baseURI": ""}, False),
    ("ServiceDomain", {}, False),
    # personal
    ("EngagementAttribute", {"type": "personal", "personal": {}}, True),
    ("Personal", {"firstname": "Sarah", "lastname": "West", "company": "liveperson"}, True),
    *(("Gender", gender, True) for gender in ("MALE", "FEMALE", "OTHER")),
    ("Personal", {"language": "en-US"}, True),
    ("Personal", {"language": "en_US"}, True),
    ("Personal", {"language": "English please"}, False),
    ("Age", {"age": 30, "year": 1986, "month": 1, "day": 1}, True),
    ("Age", {"month": 12, "day": 31}, True),
    ("Age", {"month": 0}, False),
    ("Age", {"month": 13}, False),
    ("Age", {"day": 0}, False),
    ("Age", {"day": 32}, False),
    ("Age", {"age": "30"}, False),
    ("Contact", {"email": "sarahw@gmail.com", "phone": "12345678"}, True),
    ("Contact", {"phone": 12345678}, False),
    *(("PhoneType", kind, True) for kind in ("HOME", "MOBILE", "WORK", "FAX", "MAIN")),
    *(("PhoneType", kind, True) for kind in ("HOME_FAX", "WORK_FAX", "PAGER", "OTHER")),
    ("PhoneType", "SATELLITE", False),
    ("CountryCode", "GB", True),
    ("CountryCode", "gb", False),
    ("CountryCode", "GBR", False),
    # ctmrinfo
    ("EngagementAttribute", {"type": "ctmrinfo", "info": {}}, True),
    *(
        ("CustomerInfo", {key: "x"}, True)
        for key in ("ctype", "cstatus", "customerId", "currency", "socialId", "imei", "userName")
    ),
    *(
        ("CustomerInfo", {key: "x"}, True)
        for key in ("companyBranch", "accountName", "role", "storeZipCode", "storeNumber")
    ),
    ("CustomerInfo", {"balance": -400.99}, True),
    ("CustomerInfo", {"balance": "-400.99"}, False),
    ("CustomerInfo", {"companySize": 500, "loginStatus": 1}, True),
    ("CustomerInfo", {"companySize": 0.5}, False),
    ("CustomerInfo", {"loginStatus": "in"}, False),
    ("CustomerInfo", {"lastPaymentDate": {"day": 15, "month": 10, "year": 2014}, "registrationDate": {}}, True),
    ("CustomerInfo", {"registrationDate": {"month": 13}}, False),
    # mrktInfo
    ("EngagementAttribute", {"type": "mrktInfo", "info": {"affiliate": "Yahoo", "campaignId": "US_Xmas"}}, True),
    *(("MarketingChannel", channel, True) for channel in range(7)),
    *(("MarketingChannel", str(channel), True) for channel in range(7)),
    # cart
    ("EngagementAttribute", {"type": "cart", "total": 11.7, "numItems": 6}, True),
    ("EngagementAttribute", {"type": "cart", "total": 11.7, "numItems": 6, "currency": "USD", "products": []}, True),
    ("EngagementAttribute", {"type": "cart", "total": 11.7, "numItems": 6, "products": [PRODUCT]}, True),
    ("EngagementAttribute", {"type": "cart", "total": 11.7}, False),
    ("EngagementAttribute", {"type": "cart", "numItems": 6}, False),
    ("EngagementAttribute", {"type": "cart", "total": "free", "numItems": 6}, False),
    ("EngagementAttribute", {"type": "cart", "total": 1, "numItems": 0.5}, False),
    ("ProductLine", {"product": {}}, True),
    ("ProductLine", {"quantity": 1}, False),
    ("ProductLine", {"product": {"price": "7.8"}}, False),
    # purchase
    ("EngagementAttribute", {"type": "purchase"}, True),
    ("EngagementAttribute", {"type": "purchase", "total": 11.7, "currency": "USD", "orderId": "DRV1534XC"}, True),
    ("EngagementAttribute", {"type": "purchase", "cart": {"products": [PRODUCT], "numItems": 1}}, True),
    ("EngagementAttribute", {"type": "purchase", "cart": {"numItems": 1}}, False),
    # prodView
    ("EngagementAttribute", {"type": "prodView"}, True),
    ("EngagementAttribute", {"type": "prodView", "currency": "USD", "products": [PRODUCT]}, True),
    ("EngagementAttribute", {"type": "prodView", "products": [{}]}, False),
    # lead
    ("EngagementAttribute", {"type": "lead", "lead": {}}, True),
    ("Lead", {"topic": "upgrade", "value": 22.22, "currency": "USD", "leadId": "234566"}, True),
    ("Lead", {"value": "22.22"}, False),
    # service
    ("EngagementAttribute", {"type": "service", "service": {"topic": "t", "category": "c", "serviceId": "1"}}, True),
    *(("ServiceStatus", status, True) for status in range(14)),
    ("ServiceStatus", 14, False),
    ("ServiceStatus", -1, False),
    ("ServiceStatus", "1", False),
    # error
    ("EngagementAttribute", {"type": "error", "error": {}}, True),
    ("VisitorError", {"contextId": "c", "message": "m", "code": "ER100", "level": LONGEST, "resolved": False}, True),
    ("VisitorError", {"level": "3"}, False),
    ("VisitorError", {"resolved": "no"}, False),
    # searchInfo
    ("EngagementAttribute", {"type": "searchInfo"}, True),
    ("EngagementAttribute", {"type": "searchInfo", "keywords": ["savings account", "interest"]}, True),
    ("EngagementAttribute", {"type": "searchInfo", "keywords": "savings account"}, False),
    # Where the documents disagree: what each place says, and what is wanted.
    ("CreateSessionBody", {"appType": "MSDK", "appDetails": {}}, True),
    ("CreateSessionBody", {"appType": "MSDK", "appDetails": "{}"}, False),
    ("CreateSessionBody", {"appType": "MSDK", "engagementAttributes": []}, True),
    ("CreateSessionBody", {"appType": "MSDK", "engagementAttributes": "[]"}, False),
    ("CreateSessionBody", {"appType": "MSDK", "consumerSections": ["Support", "English"]}, True),
    ("CreateSessionBody", {"appType": "MSDK", "consumerSections": "Support, English"}, False),
    ("NumericId", 3346848610, True),
    ("NumericId", "3346848610", True),
    ("NumericId", LONGEST, True),
    ("NumericId", "9223372036854775807", True),
    ("NumericId", "1234567890123456789", True),
    ("NumericId", "12345678901234567890", False),
    ("NumericId", "", False),
    ("NumericId", "1.0", False),
    ("NumericId", "0x10", False),
    ("NumericId", "12\n", False),
    ("NumericId", "١٢", False),  # digits, but not ASCII ones
    ("NumericId", 1.5, False),
    ("NumericId", None, False),
    ("NumericId", True, False),
    ("EngagementDetails", {**ENGAGEMENT, "windowId": 3346847910}, False),
    ("EngagementDetails", {**ENGAGEMENT, "contextId": 1}, False),
    ("AppDetails", {"ipAddress": "192.168.5.2"}, True),
    ("AppDetails", {"ipAddress": "999.1.1.1"}, False),
    ("AppDetails", {"ipAddress": "192.168.5"}, False),
    ("AppDetails", {"ipAddress": "192.168.5.2\n"}, False),
    ("AppDetails", {"ipAddress": "2001:db8::1"}, True),
    ("AppDetails", {"ipAddress": "::ffff:192.168.5.2"}, True),
    ("AppDetails", {"ipAddress": "2001:db8::g"}, False),
    ("AppDetails", {"ipAddress": "2001:db8::1::2"}, False),
    ("AppDetails", {"ipAddress": "localhost"}, False),
    ("AppDetails", {"ipAddress": ""}, False),
    *(("DeviceFamily", family, True) for family in ("DESKTOP", "TABLET", "MOBILE")),
    *(("DeviceFamily", family, False) for family in ("personal_computer", "tablet", "mobile_phone")),
    ("NotAvailableSession", {"status": "NotAvailable", "pageId": "p", "sessionId": "s", "visitorId": "v"}, True),
    ("Age", {"age": 30.0}, True),
    ("Age", {"year": 1969}, True),
    ("Age", {"year": "1969"}, False),
    ("MarketingChannel", 7, False),
    ("MarketingChannel", "7", False),
    ("MarketingChannel", -1, False),
    ("MarketingChannel", "", False),
    ("MarketingChannel", "01", False),
    ("MarketingChannel", 1.5, False),
    ("Gender", 0, False),
    ("Gender", "0", False),
    ("Contact", {"phoneType": "MOBILE", "country": "GB", "region": "London"}, True),
    ("Contact", {"address": {"phoneType": "MOBILE", "country": "GB", "region": "London"}}, True),
    ("Contact", {"country": "gb"}, False),
    ("Contact", {"address": {"country": "gb"}}, False),
    ("Contact", {"address": {"phoneType": "mobile"}}, False),
    ("EngagementDetails", {**ENGAGEMENT, "skillId": 23}, True),
    ("EngagementDetails", {**ENGAGEMENT, "skillId": "23"}, False),
    ("AccountId", "le12345678", True),
    ("AccountId", "12345678", True),
    ("AccountId", "a_b", True),
    ("AccountId", "a" * 20, True),
    ("AccountId", "a" * 21, False),
    ("AccountId", "", False),
    ("AccountId", "a-b", False),
    ("AccountId", "a/b", False),
    ("AccountId", "..", False),
    ("AccountId", "demo\n", False),
    ("AccountId", "démo", False),
    ("VisitorId", "ZkMTY4N2I4YTQ0ZjMwMTg0", True),
    ("VisitorId", "a.b", True),
    ("VisitorId", "...a", True),
    ("VisitorId", "", False),
    ("VisitorId", ".", False),
    ("VisitorId", "..", False),
    ("SessionId", "abc", True),
    ("SessionId", "", False),
]


@pytest.mark.parametrize(("component", "value", "accepted"), ACCEPTANCE)
def test_a_value_is_accepted_as_documented(component: str, value: object, accepted: bool) -> None:
    """Each documented fact, and each decision where the documents disagree, holds for the contract's schemas."""
    schema = validator(CONTRACT, {"$ref": f"#/components/schemas/{component}"})
    assert schema.is_valid(value) is accepted


@pytest.mark.parametrize(("value", "accepted"), [("1.0", True), ("1", False), (1.0, False)])
def test_the_version_is_spelled_out(value: object, accepted: bool) -> None:
    """The version goes out as 1.0, never as 1."""
    schema: Document = CONTRACT["components"]["parameters"]["ApiVersion"]["schema"]
    assert validator(CONTRACT, schema).is_valid(value) is accepted


@pytest.mark.parametrize(("method", "required"), [("post", False), ("put", True)])
def test_a_session_is_named_unless_none_is_known(method: str, required: bool) -> None:
    """Only the retry after "Loading account" knows a visitor without a session, and it asks for an engagement."""
    *_, sid, _ = CONTRACT["paths"][f"{SLASHED}{{visitorId}}"][method]["parameters"]
    assert (sid["name"], sid["required"]) == ("sid", required)
