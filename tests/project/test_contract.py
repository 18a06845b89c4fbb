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
NULLS = dict.fromkeys(("expanded", "userInit", "actionableItems"))
APP: Document = {"appType": "MSDK"}
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
    ("CreateSessionBody", [{**APP, "consumerSections": ["a", "b"]}], [{**APP, "consumerSections": "a, b"}]),
    ("OsFamily", ["WINDOWS", "MAC_OSX", "LINUX", "IOS", "ANDROID"], ["BEOS", "linux"]),
    ("DeviceFamily", ["DESKTOP", "TABLET", "MOBILE"], ["personal_computer", "tablet", "mobile_phone"]),
    ("AppDetails", each("ipAddress", "192.168.5.2", "::ffff:1.2.3.4"), each("ipAddress", "999.1.1.1", "1.1.1.1\n", "")),
    ("UpdateSessionBody", [{"pageId": "p"}, {"pageId": "p", "impAttributes": [CLOSED]}], [{}, {"pageId": ""}]),
    ("UpdateSessionBody", [], [{"pageId": "p", "impAttributes": [{"type": "lead", "lead": {}}]}]),
    ("ImpressionEvent", [], [{"type": kind, **EVENT} for kind in ("impDisplay", "impAccept", "impExpanded")]),
    ("ImpressionEvent", [{**CLOSED, "campaign": LONGEST}], [{**CLOSED, "campaign": "1"}, *without_each(CLOSED)]),
    ("ImpressionEvent", [{**EXPANDED, **NULLS}], without_each({**EXPANDED, **NULLS})),
    (
        "EngagementContexts",
        [CONTEXT],
        [[{"type": "otherContext", "id": "1"}], [{"type": "engagementContext", "id": 1}]],
    ),
    ("Session", [NOT_AVAILABLE], without_each(AVAILABLE)),
    ("EngagementDetails", [{**ENGAGEMENT, "skillName": "Sales", "connectorId": "7"}], without_each(ENGAGEMENT)),
    ("EngagementDetails", [{**ENGAGEMENT, "connectorId": LONGEST}, {**ENGAGEMENT, "validForSeconds": -1}], []),
    ("EngagementDetails", [{**ENGAGEMENT, "skillId": 23}], [{**ENGAGEMENT, "skillId": "23"}]),
    ("ServiceDomain", [{"service": "msdkgw", "account": "1", "baseURI": "host.liveperson.net"}], [{}]),
    (
        "ServiceDomain",
        each("baseURI", "127.0.0.1:8080"),
        each("baseURI", "https://h.net", "h.net/a", "u@h.net", "h\n", ""),
    ),
    ("Personal", each("language", "en-US", "en_US"), each("language", "English please")),
    ("Gender", ["MALE", "FEMALE", "OTHER"], [0, "0"]),
    ("Age", [{"month": 1, "day": 1}, {"month": 12, "day": 31}], [*each("month", 0, 13), *each("day", 0, 32)]),
    ("Age", each("age", 30, 30.0), [{"age": "30"}, {"year": "1969"}]),
    ("Contact", [{"email": "sarahw@gmail.com", "phone": "12345678"}], [{"phone": 12345678}, {"country": "gb"}]),
    ("Contact", each("address", {"phoneType": "MOBILE", "country": "GB", "region": "London"}), []),
    ("PhoneType", ["HOME", "MOBILE", "WORK", "FAX", "MAIN", "HOME_FAX", "WORK_FAX", "PAGER", "OTHER"], ["SATELLITE"]),
    ("CountryCode", ["GB"], ["gb", "GBR"]),
    ("CustomerInfo", [{key: "x"} for key in INFO.split()], []),
    ("CustomerInfo", [{"balance": -400.99}, {"companySize": 500, "loginStatus": 1}], each("balance", "-400.99")),
    ("MarketingChannel", [*range(7), *map(str, range(7))], [7, "7", -1, "", "01", 1.5]),
    ("CartAttribute", [], without_each({"type": "cart", "total": 1, "numItems": 6})),
    ("EngagementAttribute", [], [{"type": "prodView", "products": [{}]}]),
    ("ServiceStatus", [*range(14)], [14, -1, "1"]),
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
