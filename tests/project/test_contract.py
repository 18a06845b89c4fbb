"""The contract is valid, complete, consistent with itself, and accepts and refuses what the vendor's documents say."""

import subprocess
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from checkout import ROOT
from contract import walk
from contract_tools import CONTRACT, Document, operations, place_of, validator

_, SLASHED, _ = place_of("createSession")


@pytest.mark.parametrize(
    "linter",
    [
        "redocly lint --config scripts/lint/redocly.yaml",
        "spectral lint --ruleset scripts/lint/spectral.yaml --fail-severity hint",
    ],
)
def test_the_linters_find_nothing(linter: str) -> None:
    """Strict rules are kept without a warning."""
    command = f"{ROOT}/scripts/env/node_modules/.bin/{linter} openapi.yaml".split()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "warning" not in done.stdout


def test_it_is_valid_and_its_examples_show_everything() -> None:
    """Each body and answer has a named one, and there is one of each attribute, event and kind of answer."""
    assert [error.message for error in OpenAPIV31SpecValidator(CONTRACT).iter_errors()] == []
    assert SLASHED.endswith("/visitors/")  # which callers send
    media = [value for place, value in walk(CONTRACT) if place[-2:-1] == ("content",) and isinstance(value, dict)]
    assert all(each.get("examples") for each in media)
    shown = {(place[-1], value) for each in media for place, value in walk(each["examples"]) if isinstance(value, str)}
    unions = [each["discriminator"] for each in CONTRACT["components"]["schemas"].values() if "discriminator" in each]
    assert {(union["propertyName"], tag) for union in unions for tag in union["mapping"]} <= shown


def test_who_needs_a_session() -> None:
    """Only the retry after "Loading account" knows a visitor without one, and it asks for an engagement."""
    own = {found["operationId"]: [each for each in found["parameters"] if "name" in each] for _, found in operations()}
    assert [own[name][0]["required"] for name in ("continueSession", "updateSession")] == [False, True]


LONGEST = 9223372036854775807
IDS: Document = {"campaignId": 1, "engagementId": 2, "contextId": "3", "windowId": "4"}
ENGAGEMENT: Document = {**IDS, "language": "en-US", "engagementRevision": 5, "validForSeconds": 6}
NOT_AVAILABLE = {"status": "NotAvailable", "pageId": "p", "sessionId": "s", "visitorId": "v"}
AVAILABLE: Document = {**NOT_AVAILABLE, "status": "Available", "engagementDetails": ENGAGEMENT}
EVENT = {"campaign": 1, "engId": 2, "revision": 3}
CLOSED, EXPANDED = {"type": "impClose", **EVENT}, {"type": "impExpanded", **EVENT}
CONTEXT = [{"type": "engagementContext", "id": "1"}]
PRODUCT = {"product": {"name": "vase", "category": "decoration", "sku": "x", "price": 7.8}, "quantity": 1}
NULLS = dict.fromkeys(("expanded", "userInit", "actionableItems"))
APP: Document = {"appType": "MSDK"}
ERROR = {"time": 1469543282471, "internalCode": 33}
INFO = (
    "ctype cstatus customerId currency socialId imei userName companyBranch accountName role storeZipCode storeNumber"
)


def without_each(value: Document) -> list[Document]:
    """Leave out one member at a time."""
    return [{name: member for name, member in value.items() if name != key} for key in value]


def attributes(*values: Any) -> list[Document]:
    """Make requests that hold one attribute each."""
    return [{"appType": "EXTERNAL", "engagementAttributes": [value]} for value in values]


def each(name: str, *values: Any) -> list[Document]:
    """Give one member each of the values."""
    return [{name: value} for value in values]


# Component, what it accepts, what it refuses: what the vendor's documents say, and what is wanted where they disagree.
ACCEPTANCE: list[tuple[str, list[Any], list[Any]]] = [
    ("CreateSessionBody", [APP, {"appType": "EXTERNAL"}, {**APP, "announced": "next year"}], [{}, {"appType": None}]),
    ("CreateSessionBody", [], [{"appType": "WEB"}, *attributes(CLOSED, {"type": "unheardOf"}, {"lead": {}})]),
    ("CreateSessionBody", [{**APP, "appDetails": {}}], [{**APP, "appDetails": "{}"}]),
    ("CreateSessionBody", [{**APP, "engagementAttributes": []}], [{**APP, "engagementAttributes": "[]"}]),
    ("CreateSessionBody", [{**APP, "consumerSections": ["a", "b"]}], [{**APP, "consumerSections": "a, b"}]),
    ("OsFamily", ["WINDOWS", "MAC_OSX", "LINUX", "IOS", "ANDROID"], ["BEOS", "linux"]),
    ("DeviceFamily", ["DESKTOP", "TABLET", "MOBILE"], ["personal_computer", "tablet", "mobile_phone"]),
    ("AppDetails", [{}], [{"osVersion": 12}, {"appVersion": 1.0}]),
    ("AppDetails", each("ipAddress", "192.168.5.2", "2001:db8::1", "::ffff:192.168.5.2"), []),
    ("AppDetails", [], each("ipAddress", "999.1.1.1", "192.168.5", "192.168.5.2\n", "localhost", "")),
    ("AppDetails", [], each("ipAddress", "2001:db8::g", "2001:db8::1::2")),
    ("UpdateSessionBody", [{"pageId": "p"}, {"pageId": "p", "impAttributes": [CLOSED]}], [{}, {"pageId": ""}]),
    ("UpdateSessionBody", [{"pageId": "p", "engagementAttributes": [{"type": "lead", "lead": {}}]}], []),
    ("UpdateSessionBody", [], [{"pageId": "p", "impAttributes": [{"type": "lead", "lead": {}}]}]),
    ("UpdateSessionBody", [], [{"pageId": "p", "engagementAttributes": [CLOSED]}]),
    ("ImpressionEvent", [{"type": kind, **EVENT, "eContext": CONTEXT} for kind in ("impDisplay", "impAccept")], []),
    ("ImpressionEvent", [], [{"type": kind, **EVENT} for kind in ("impDisplay", "impAccept", "impExpanded")]),
    (
        "ImpressionEvent",
        [CLOSED, {**CLOSED, "campaign": LONGEST}],
        [{**CLOSED, "campaign": "1"}, *without_each(CLOSED)],
    ),
    ("ImpressionEvent", [{"type": "impTimeout", **EVENT}], without_each({"type": "impTimeout", **EVENT})),
    ("ImpressionEvent", [{**EXPANDED, **NULLS}], without_each({**EXPANDED, **NULLS})),
    ("ImpressionEvent", [{**EXPANDED, "expanded": True, "userInit": 1, "actionableItems": []}], []),
    (
        "EngagementContexts",
        [CONTEXT],
        [[{"type": "otherContext", "id": "1"}], [{"type": "engagementContext", "id": 1}]],
    ),
    ("EngagementContexts", [], [[{"type": "engagementContext"}]]),
    ("Session", [AVAILABLE, {**AVAILABLE, "announced": "next year"}], [{**AVAILABLE, "status": "Maybe"}]),
    ("Session", [NOT_AVAILABLE], without_each(AVAILABLE)),
    ("EngagementDetails", [{**ENGAGEMENT, "skillName": "Sales", "connectorId": "7"}], without_each(ENGAGEMENT)),
    ("EngagementDetails", [{**ENGAGEMENT, "connectorId": LONGEST}, {**ENGAGEMENT, "validForSeconds": -1}], []),
    ("EngagementDetails", [{**ENGAGEMENT, "skillId": 23}], [{**ENGAGEMENT, "skillId": "23"}]),
    ("EngagementDetails", [], [{**ENGAGEMENT, "windowId": 3346847910}, {**ENGAGEMENT, "contextId": 1}]),
    ("ErrorAnswer", [{**ERROR, "message": "Illegal Version"}, ERROR, {"error": ERROR}], [{"message": "Illegal"}]),
    ("ServiceDomain", [{"service": "msdkgw", "account": "1", "baseURI": "host.liveperson.net"}], [{}]),
    (
        "ServiceDomain",
        each("baseURI", "127.0.0.1:8080"),
        each("baseURI", "https://h.net", "h.net/a", "u@h.net", "h\n", ""),
    ),
    ("EngagementAttribute", [{"type": "personal", "personal": {}}], []),
    ("Personal", each("language", "en-US", "en_US"), each("language", "English please")),
    ("Gender", ["MALE", "FEMALE", "OTHER"], [0, "0"]),
    (
        "Age",
        [{"age": 30, "year": 1986, "month": 1, "day": 1}, {"month": 12, "day": 31}, {"age": 30.0}, {"year": 1969}],
        [],
    ),
    ("Age", [], [*each("month", 0, 13), *each("day", 0, 32), {"age": "30"}, {"year": "1969"}]),
    ("Contact", [{"email": "sarahw@gmail.com", "phone": "12345678"}], [{"phone": 12345678}, {"country": "gb"}]),
    ("Contact", [{"phoneType": "MOBILE", "country": "GB", "region": "London"}], []),
    ("Contact", each("address", {"phoneType": "MOBILE", "country": "GB", "region": "London"}), []),
    ("Contact", [], each("address", {"country": "gb"}, {"phoneType": "mobile"})),
    ("PhoneType", ["HOME", "MOBILE", "WORK", "FAX", "MAIN", "HOME_FAX", "WORK_FAX", "PAGER", "OTHER"], ["SATELLITE"]),
    ("CountryCode", ["GB"], ["gb", "GBR"]),
    ("EngagementAttribute", [{"type": "ctmrinfo", "info": {}}], []),
    ("CustomerInfo", [{key: "x"} for key in INFO.split()], []),
    ("CustomerInfo", [{"balance": -400.99}, {"companySize": 500, "loginStatus": 1}], each("balance", "-400.99")),
    ("CustomerInfo", [], [{"companySize": 0.5}, {"loginStatus": "in"}, {"registrationDate": {"month": 13}}]),
    ("CustomerInfo", [{"lastPaymentDate": {"day": 15, "month": 10, "year": 2014}, "registrationDate": {}}], []),
    ("MarketingChannel", [*range(7), *map(str, range(7))], [7, "7", -1, "", "01", 1.5]),
    ("EngagementAttribute", [{"type": "cart", "total": 11.7, "numItems": 6, "currency": "USD", "products": []}], []),
    ("CartAttribute", [], without_each({"type": "cart", "total": 1, "numItems": 6})),
    (
        "CartAttribute",
        [],
        [{"type": "cart", "total": "free", "numItems": 6}, {"type": "cart", "total": 1, "numItems": 0.5}],
    ),
    ("ProductLine", [{"product": {}}], [{"quantity": 1}, {"product": {"price": "7.8"}}]),
    ("EngagementAttribute", [{"type": "purchase"}, {"type": "purchase", "total": 11.7, "orderId": "DRV1534XC"}], []),
    ("PurchaseAttribute", [{"type": "purchase", "cart": {"products": [PRODUCT]}}], [{"type": "purchase", "cart": {}}]),
    ("EngagementAttribute", [{"type": "prodView"}, {"type": "prodView", "currency": "USD", "products": [PRODUCT]}], []),
    ("EngagementAttribute", [], [{"type": "prodView", "products": [{}]}]),
    ("EngagementAttribute", [{"type": "lead", "lead": {}}], []),
    ("Lead", [{"topic": "upgrade", "value": 22.22, "currency": "USD", "leadId": "234566"}], [{"value": "22.22"}]),
    ("ServiceStatus", [*range(14)], [14, -1, "1"]),
    ("EngagementAttribute", [{"type": "error", "error": {}}], []),
    ("VisitorError", [{"contextId": "c", "message": "m", "code": "E", "level": LONGEST, "resolved": False}], []),
    ("VisitorError", [], [{"level": "3"}, {"resolved": "no"}]),
    ("EngagementAttribute", [{"type": "searchInfo"}, {"type": "searchInfo", "keywords": ["account", "interest"]}], []),
    ("EngagementAttribute", [], [{"type": "searchInfo", "keywords": "account"}]),
    # Ids; the last one of the numeric ids is made of digits, but not of ASCII ones.
    ("NumericId", [3346848610, "3346848610", LONGEST, str(LONGEST), "1234567890123456789"], ["12345678901234567890"]),
    ("NumericId", [], ["", "1.0", "0x10", "12\n", 1.5, None, True, "١٢"]),
    ("AccountId", ["le12345678", "12345678", "a_b", "a" * 20], ["a" * 21, "", "a-b", "a/b", "..", "demo\n", "démo"]),
    ("VisitorId", ["ZkMTY4N2I4YTQ0ZjMwMTg0", "a.b", "...a"], ["", ".", ".."]),
    ("SessionId", ["abc"], [""]),
    ("parameters/ApiVersion/schema", ["1.0"], ["1", 1.0]),
]


@pytest.mark.parametrize(("component", "accepted", "refused"), ACCEPTANCE)
def test_values_are_accepted_as_documented(component: str, accepted: list[Any], refused: list[Any]) -> None:
    """Each documented fact, and each decision where the documents disagree, holds for the contract's schemas."""
    schema = validator(CONTRACT, {"$ref": f"#/components/{component if '/' in component else f'schemas/{component}'}"})
    assert [value for value in accepted if not schema.is_valid(value)] == []
    assert [value for value in refused if schema.is_valid(value)] == []
