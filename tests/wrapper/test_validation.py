"""What is refused before anything is sent: each line that a caller reads, word for word."""

from __future__ import annotations

import copy
import datetime
import decimal
import math
import pickle
from typing import Any, cast

import pytest

from conftest import BODY, Backend
from liveperson_engagement import EngagementClient, MemoryStore, OutageGuard, errors
from liveperson_engagement._contract import contract
from liveperson_engagement._json import SchemaViolation
from liveperson_engagement._redaction import redact
from liveperson_engagement.errors import LONGEST, MAX_BODY_BYTES, check_seconds, one_line
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api import models
from liveperson_engagement_api.http import Headers, Response

# --- Bodies -----------------------------------------------------------------------------------------------------------

LOOP: list[Any] = []
LOOP.append(LOOP)


def nested(depth: int) -> Any:
    """Put a list into a list, so many times."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def attribute(**payload: Any) -> dict[str, Any]:
    """Build a body with one attribute."""
    return {**BODY, "engagementAttributes": [payload]}


def personal(**payload: Any) -> dict[str, Any]:
    """Build a body with an attribute that says something of the visitor."""
    return attribute(type="personal", personal=payload)


FIRST = "engagementAttributes[0]"
TYPES = "must be one of personal, ctmrinfo, mrktInfo, cart, purchase, prodView, lead, service, error, searchInfo"
STATUSES = "must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13"
SYSTEMS = "WINDOWS, MAC_OSX, LINUX, IOS, ANDROID"
NESTED = "is nested too deeply, or contains itself"
NAMES = "must have text as the names of its members"


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
        ({**BODY, "appDetails": {"os": "BEOS"}}, "appDetails.os", f"must be one of {SYSTEMS}"),
        ({**BODY, "consumerSections": "a,b"}, "consumerSections", "must be of type array"),
        ({**BODY, "consumerSections": ["a", 2]}, "consumerSections[1]", "must be of type string"),
        (attribute(), f"{FIRST}.type", TYPES),
        (attribute(type="impDisplay"), f"{FIRST}.type", TYPES),
        (attribute(type=7), f"{FIRST}.type", TYPES),
        ({**BODY, "engagementAttributes": ["cart"]}, FIRST, "must be of type object"),
        (attribute(type="personal", personal="Sarah"), f"{FIRST}.personal", "must be of type object"),
        (personal(age={"month": 13}), f"{FIRST}.personal.age.month", "must be at most 12"),
        (personal(age={"day": 0}), f"{FIRST}.personal.age.day", "must be at least 1"),
        (personal(gender=0), f"{FIRST}.personal.gender", "must be of type string"),
        (
            personal(contacts=[{}, {"address": {"country": "gb"}}]),
            f"{FIRST}.personal.contacts[1].address.country",
            "must match the pattern ^[A-Z]{2}$",
        ),
        (attribute(type="cart", numItems=1), f"{FIRST}.total", "is required"),
        (attribute(type="cart", total=True, numItems=1), f"{FIRST}.total", "must be of type number"),
        (attribute(type="cart", total=1, numItems=1.5), f"{FIRST}.numItems", "must be of type integer"),
        (attribute(type="cart", total=math.nan, numItems=1), f"{FIRST}.total", "must be a finite number"),
        (attribute(type="purchase", cart={}), f"{FIRST}.cart.products", "is required"),
        (attribute(type="service", service={"status": 14}), f"{FIRST}.service.status", STATUSES),
        (attribute(type="mrktInfo", info={"channel": "7"}), f"{FIRST}.info.channel", "must match the pattern ^[0-6]$"),
        (attribute(type="mrktInfo", info={"channel": 7}), f"{FIRST}.info.channel", "must be at most 6"),
        (attribute(type="error", error={"level": 2**63}), f"{FIRST}.error.level", f"must be at most {2**63 - 1}"),
        ({**BODY, "extra": -math.inf}, "extra", "must be a finite number"),
        ({**BODY, "extra": [0.5, {"a": {1}}, math.nan]}, "extra[1].a", "must be a JSON value, not set"),
        ({**BODY, "extra": datetime.date(2026, 1, 1)}, "extra", "must be a JSON value, not date"),
        ({**BODY, "extra": decimal.Decimal("1.5")}, "extra", "must be a JSON value, not Decimal"),
        ({**BODY, "extra": b"bytes"}, "extra", "must be a JSON value, not bytes"),
        ({**BODY, "extra": "\ud800"}, "extra", "must be text without lone surrogates"),
        (
            {**BODY, "extra": ["\ud7ff\ue000", 1, 1.5, None, True, (math.inf,)]},
            "extra[5][0]",
            "must be a finite number",
        ),
        ({**BODY, 1: 2}, "body", NAMES),
        ({**BODY, "extra": {(1,): 1}}, "extra", NAMES),
        ({**BODY, "extra": {"\udfff": 1}}, "extra", NAMES),
        ({**BODY, "extra": LOOP}, "extra[0][0]", NESTED),
        ({**BODY, "extra": nested(100_000)}, "extra[0][0]", NESTED),
        ({**BODY, "extra": 10**5000}, "body", "cannot be written as JSON"),
        ({**BODY, "consumerSections": object()}, "consumerSections", "must be a JSON value, not object"),
    ],
    ids=range(43),
)
def test_a_wrong_body_is_refused_with_path_and_reason(body: Any, path: str, reason: str) -> None:
    """The first such part, in the order in which it is written."""
    with pytest.raises(SchemaViolation) as raised:
        contract().operations["createSession"].encode_body(body)
    assert (raised.value.path, raised.value.reason) == (path, reason)


@pytest.mark.parametrize(
    ("update", "path"),
    [
        ({"pageId": 5}, "pageId"),
        ({"pageId": ""}, "pageId"),
        ({"impAttributes": [{"type": "impDisplay"}]}, "impAttributes[0].campaign"),
        ({"impAttributes": [{"type": "impClose", "campaign": "1", "engId": 1}]}, "impAttributes[0].revision"),
        ({"impAttributes": [{"type": "personal"}]}, "impAttributes[0].type"),
        ({"engagementAttributes": {}}, "engagementAttributes"),
        ("update", "body"),
    ],
)
def test_a_wrong_update_is_refused_and_nothing_is_sent(
    client: EngagementClient, sandbox: Sandbox, update: Any, path: str
) -> None:
    """Updates are checked as requests are."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    with pytest.raises(errors.InvalidRequest) as raised:
        visit.update_session(update)
    assert raised.value.path == path
    assert len(sandbox.requests) == 1


class Untouchable(MemoryStore):
    """Is not to be asked."""

    def load(self, key: str, timeout: float | None = None) -> Any:  # noqa: ARG002
        """Fail."""
        raise AssertionError(key)


APP: Any = {"app_type": "EXTERNAL"}


@pytest.mark.parametrize("method", ["create_session", "engagement"])
@pytest.mark.parametrize(
    ("members", "line"),
    [
        ({"app_type": "INTERNAL"}, "appType: must be one of MSDK, EXTERNAL"),
        ({**APP, "app_details": 5}, "appDetails: must be of type object"),
        ({**APP, "engagement_attributes": [{"type": "lead"}, {"type": 5}]}, f"engagementAttributes[1].type: {TYPES}"),
        ({**APP, "consumer_sections": [5]}, "consumerSections[0]: must be of type string"),
        ({**APP, "app_details": models.AppDetails(os=cast(Any, "BEOS"))}, "appDetails.os: must be one of WINDOWS, "),
    ],
)
def test_of_a_wrong_body_nothing_is_sent(
    backend: Backend, sandbox: Sandbox, method: str, members: Any, line: str
) -> None:
    """The generated models check nothing themselves. Neither the Domain API nor the store is asked."""
    client = backend.client(domain_api=sandbox.url, store=Untouchable())
    body = models.CreateSessionBody(**members)
    with pytest.raises(errors.InvalidRequest) as raised:
        getattr(client.visit("shopper"), method)(body)
    assert str(raised.value).startswith(line)
    assert isinstance(raised.value, ValueError)
    assert (sandbox.requests, backend.pauses) == ((), [])


def test_unknown_fields_of_a_request_are_sent(client: EngagementClient, sandbox: Sandbox) -> None:
    """The contract is open: what it does not know yet passes. Tuples are arrays."""
    body: Any = {**BODY, "future": {"a": [1, None, "ä"]}, "consumerSections": ("Support", "English")}
    client.visit().create_session(body)
    assert sandbox.requests[0].body == {**body, "consumerSections": ["Support", "English"]}


# --- Arguments --------------------------------------------------------------------------------------------------------

KINDS = "must be one of impDisplay, impAccept, impExpanded, impTimeout, impClose"
SECONDS = "must be a number of seconds, at least"
FIRST_CALL = "call create_session first"


@pytest.mark.parametrize(
    ("method", "arguments", "line"),
    [
        ("update_session", [BODY], f"pageId: this visit has no session yet; {FIRST_CALL}"),
        ("report_impressions", ["impClose"], f"kinds: this session was offered no engagement; {FIRST_CALL}"),
        ("report_impressions", ["impClose", "impWink"], f"kinds[1]: {KINDS}"),
        *[("report_impressions", [kind], f"kinds[0]: {KINDS}") for kind in ("", 5, None, ["impClose"], math.nan)],
        ("report_impressions", [], f"kinds[0]: {KINDS}"),
    ],
)
def test_a_call_that_cannot_be_made_is_told_in_one_line(
    client: EngagementClient, sandbox: Sandbox, method: str, arguments: list[Any], line: str
) -> None:
    """Nothing was sent."""
    with pytest.raises(errors.InvalidRequest) as raised:
        getattr(client.visit(), method)(*arguments)
    assert str(raised.value) == line
    assert sandbox.requests == ()


@pytest.mark.parametrize(
    ("pauses", "line"),
    [
        ((), "pauses: must be one or more numbers of seconds"),
        ((5, -1), f"pauses[1]: {SECONDS} 0 and at most 1,000,000,000"),
    ],
)
def test_a_guard_has_pauses(pauses: Any, line: str) -> None:
    """It shows them as it could be written."""
    with pytest.raises(errors.InvalidRequest) as raised:
        OutageGuard(pauses)
    assert str(raised.value) == line
    assert repr(OutageGuard((1, 2.5))) == "OutageGuard(pauses=(1, 2.5))"


def test_a_client_that_is_closed_says_so(client: EngagementClient, sandbox: Sandbox) -> None:
    """As any program error, not as a failure of the service."""
    client.close()
    with pytest.raises(RuntimeError, match=r"^the client is closed: make another$"):
        client.visit().create_session(BODY)
    assert sandbox.requests == ()


@pytest.mark.parametrize("seconds", [0, 0.0, 1, LONGEST - 0.5, LONGEST])
def test_seconds_are_any_number_that_can_be_waited_for(seconds: float) -> None:
    """Both limits are allowed."""
    check_seconds("timeout", seconds)
    check_seconds("timeout", seconds, least=seconds)


@pytest.mark.parametrize("seconds", [-1, -0.001, LONGEST + 0.5, math.inf, math.nan, True, False, "1", None])
def test_what_is_no_number_of_seconds_is_refused(seconds: Any) -> None:
    """A truth value is none, although Python reckons with it."""
    for least in (0, 2.5):
        with pytest.raises(errors.InvalidRequest) as raised:
            check_seconds("lease", seconds, least=least)
        assert str(raised.value) == f"lease: {SECONDS} {least} and at most 1,000,000,000"


# --- What errors and objects print ------------------------------------------------------------------------------------

BROKEN = "the service's answer breaks the contract: a b: is wrong"
NO_ANSWER = "no answer to the request"


PRINTED: list[tuple[errors.EngagementError, int, str]] = [
    (
        errors.ServerError("[503] shown (internal code 18)", Response(503), 18, "raw"),
        0,
        "[503] shown (internal code 18)",
    ),
    (errors.BadRequest("[400] no message", Response(400)), 0, "[400] no message"),
    (errors.ServerError("[503] a (internal code 0)"), 1, "[503] a (internal code 0)"),
    (errors.AccountLoading("[500] a (internal code 20)"), 2, "[500] a (internal code 20) after 2 attempts"),
    (errors.InvalidResponse("a\nb", "is wrong", Response(200)), 1, BROKEN),
    (errors.InvalidRequest("a\tb", "is wrong"), 0, "a b: is wrong"),
    (errors.ConnectionFailed("why", may_have_arrived=True), 0, f"{NO_ANSWER} (it may have arrived): why"),
    (errors.Timeout("why", may_have_arrived=False), 0, f"{NO_ANSWER} (it was not sent): why"),
]


@pytest.mark.parametrize(("error", "attempts", "line"), PRINTED)
def test_an_error_prints_one_line(error: errors.EngagementError, attempts: int, line: str) -> None:
    """With all that there is to know and nothing private."""
    error.attempts = attempts
    assert str(error) == line


ODD = Response(499, Headers([("Set-Cookie", "\u00e9\ud800")]), b"\xff" * 20_000)
EVERY = [
    *(error for error, _, _ in PRINTED),
    *(kind("[499] \u2028", ODD, 10**30, "\ud800") for kind in (errors.ApiError, errors.Unauthorized, errors.NotFound)),
    *(kind("\ud800") for kind in (errors.StoreError, errors.DeadlineExceeded, errors.DomainLookupFailed)),
]


def pickled(error: errors.EngagementError) -> errors.EngagementError:
    """Send an error through pickle."""
    again: errors.EngagementError = pickle.loads(pickle.dumps(error))  # noqa: S301
    return again


CLONES: list[Any] = [copy.copy, copy.deepcopy, pickled]


@pytest.mark.parametrize("clone", CLONES)
def test_every_error_survives_pickle_and_copy(clone: Any) -> None:
    """With all that it says, so that a worker process can send it home."""
    for error in EVERY:
        error.attempts = 3
        error.add_note("a note")
        error.__cause__ = ValueError("why")
        again = clone(error)
        assert (type(again), str(again), again.args, vars(again)) == (type(error), str(error), error.args, vars(error))
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert {type(error) for error in EVERY} == {*kinds} - {errors.EngagementError}


def test_an_error_keeps_what_it_was_made_of() -> None:
    """A program reads the parts, not the line."""
    answer = errors.InvalidResponse("c.d", "is odd", Response(200))
    assert (answer.path, answer.reason, answer.attempts) == ("c.d", "is odd", 0)
    assert errors.Timeout("why", may_have_arrived=True).may_have_arrived
    response = Response(400, body=b"\xff" + b"x" * 3000)
    error = errors.BadRequest("[400] shown (internal code 7)", response, 7, "said")
    assert (error.status_code, error.internal_code, error.message, error.response) == (400, 7, "said", response)
    assert error.body == "\ufffd" + "x" * 1999


@pytest.mark.parametrize("length", [MAX_BODY_BYTES - 1, MAX_BODY_BYTES, MAX_BODY_BYTES + 1])
def test_an_error_keeps_ten_thousand_bytes_of_a_body(length: int) -> None:
    """A response that is no larger is kept as it is."""
    response = Response(400, body=b"x" * length)
    for error in (errors.BadRequest("[400] no message", response), errors.InvalidResponse("a", "is odd", response)):
        assert (error.response.status, error.response.body) == (400, b"x" * min(length, MAX_BODY_BYTES))
        assert (error.response is response) is (length <= MAX_BODY_BYTES)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\x1b\x00b\u2028c", "a b c"),
        ("  a \n\n b  ", "a b"),
        ("x" * 900, "x" * 200),
        (" " * 799 + "xy", "x"),
        ("é漢字", "é漢字"),
    ],
)
def test_a_text_from_elsewhere_is_made_fit_to_print(text: str, line: str) -> None:
    """200 characters of the first 800; what does not print parts words."""
    assert one_line(text) == line


def test_half_a_character_in_a_message_hides_no_id() -> None:
    """However either is written."""
    for written in ("abcd", "\\u0061bcd", "\\\\u0061bcd"):
        assert "bcd" not in redact(f"no \\ud800 and {written}", ["abcd"], None)
    assert redact("no \\ud800 and abcd", [], None) == "no \\ud800 and abcd"
