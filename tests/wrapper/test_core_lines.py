"""What a caller reads when something is wrong: each line, word for word."""

from __future__ import annotations

import json
import math
import sys
from importlib import resources
from typing import Any, cast

import pytest

from conftest import BODY, Backend
from liveperson_engagement import (
    AccountLoading,
    AsyncEngagementClient,
    BadRequest,
    ConnectionFailed,
    EngagementClient,
    EngagementError,
    InvalidRequest,
    InvalidResponse,
    OutageGuard,
    RetryPolicy,
    ServerError,
    Timeout,
)
from liveperson_engagement._contract import Contract
from liveperson_engagement._json import SchemaViolation
from liveperson_engagement._redaction import redact
from liveperson_engagement.errors import LONGEST, MAX_BODY_BYTES, check_seconds, one_line
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api import models
from liveperson_engagement_api.http import Response

URL = "must be a URL such as https://host.liveperson.net, without user, query or fragment"
KINDS = "impDisplay, impAccept, impExpanded, impTimeout, impClose"
HTTPS = "must be an https URL; plain http is for loopback addresses"


async def coroutine(_: float) -> None:
    """Stand for a function that has to be awaited."""


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"retry": 3}, "retry: must be a RetryPolicy, not int"),
        ({"on_store_error": "ignore"}, "on_store_error: must be raise or continue"),
        ({"sleep": 5}, "sleep: must be callable, not int"),
        ({"on_retry": "x"}, "on_retry: must be callable, not str"),
        ({"outage_guard": True}, "outage_guard: must be an OutageGuard, not bool"),
        ({"telemetry": 5}, "telemetry: must be a telemetry, such as liveperson_engagement.otel.OpenTelemetry()"),
        ({"base_url": 5}, f"base_url: {URL}"),
        ({"base_url": "https://"}, f"base_url: {URL}"),
        ({"base_url": "http://host.example"}, f"base_url: {HTTPS}"),
        ({"base_url": "https://host.example:0"}, f"base_url: {URL}"),
        ({"base_url": "https://host.example:65536"}, f"base_url: {URL}"),
        ({"domain_api": "ftp://127.0.0.1"}, f"domain_api: {HTTPS}"),
        ({"timeout": 0}, "timeout: must be a number of seconds, at least 0.001 and at most 1,000,000,000"),
        ({"deadline": "5"}, "deadline: must be a number of seconds, at least 0 and at most 1,000,000,000"),
    ],
)
def test_a_refused_argument_is_told_in_one_line(backend: Backend, options: dict[str, Any], line: str) -> None:
    """The argument, what is wrong with it and what would be right."""
    with pytest.raises(InvalidRequest) as raised:
        backend.client(**options)
    assert str(raised.value) == line
    assert f"{raised.value.path}: {raised.value.reason}" == line
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("port", [1, 65535])
def test_every_port_that_exists_may_be_given(backend: Backend, port: int) -> None:
    """From the first to the last."""
    url = f"https://host.example:{port}"
    assert backend.client(base_url=url).find_domain() == url


@pytest.mark.parametrize("kind", [EngagementClient, AsyncEngagementClient])
def test_without_the_extra_that_it_needs_a_transport_says_what_to_install(
    kind: type[EngagementClient] | type[AsyncEngagementClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where it was never installed."""
    monkeypatch.delattr("liveperson_engagement.transports.fast", raising=False)
    monkeypatch.setitem(sys.modules, "liveperson_engagement.transports.fast", None)
    with pytest.raises(InvalidRequest) as raised:
        kind("demo", transport="fast")
    assert str(raised.value) == "transport: needs: pip install 'liveperson-engagement[fast]'"


@pytest.mark.parametrize("name", ["sleep", "on_request", "on_response", "on_retry"])
def test_a_coroutine_function_is_told_where_it_belongs(name: str) -> None:
    """A sync client would never await it."""
    with pytest.raises(InvalidRequest) as raised:
        EngagementClient("demo", **{name: coroutine})  # type: ignore[arg-type]
    assert str(raised.value) == f"{name}: must be a plain function: only AsyncEngagementClient awaits one"


@pytest.mark.parametrize(("store", "kind"), [(None, "NoneType"), ("redis://localhost", "str")])
def test_what_is_no_store_is_refused_at_once(backend: Backend, store: Any, kind: str) -> None:
    """None stands for the default only where a client is made."""
    method = "aload" if "async" in backend.name else "load"
    with pytest.raises(InvalidRequest) as raised:
        backend.client().with_options(store=store)
    assert str(raised.value) == f"store: must be a store such as SQLiteStore(...): {kind} has no {method}"


def test_an_unknown_option_is_told_as_python_does(backend: Backend) -> None:
    """The first of them by name."""
    with pytest.raises(TypeError) as raised:
        backend.client().with_options(zeta=1, alpha=2)  # type: ignore[call-arg]
    assert str(raised.value) == "with_options() got an unexpected keyword argument 'alpha'"


def test_a_key_that_is_no_text_is_told_in_one_line(client: EngagementClient) -> None:
    """Before any call."""
    with pytest.raises(InvalidRequest) as raised:
        client.visit(cast(Any, 5))
    assert str(raised.value) == "key: must be text, not int"


@pytest.mark.parametrize(
    ("method", "arguments", "line"),
    [
        ("update_session", [BODY], "pageId: this visit has no session yet; call create_session first"),
        (
            "report_impressions",
            ["impDisplay"],
            "kinds: this session was offered no engagement; call create_session first",
        ),
        ("report_impressions", ["impDisplay", "impWink"], f"kinds[1]: must be one of {KINDS}"),
        ("report_impressions", [], f"kinds[0]: must be one of {KINDS}"),
    ],
)
def test_a_call_that_cannot_be_made_is_told_in_one_line(
    client: EngagementClient, sandbox: Sandbox, method: str, arguments: list[Any], line: str
) -> None:
    """Nothing was sent."""
    with pytest.raises(InvalidRequest) as raised:
        getattr(client.visit(), method)(*arguments)
    assert str(raised.value) == line
    assert sandbox.requests == ()


@pytest.mark.parametrize(
    ("members", "line"),
    [
        ({"app_details": 5}, "appDetails: must be of type object"),
        ({"engagement_attributes": [{"type": "lead"}, {"type": 5}]}, "engagementAttributes[1].type: must be one of"),
        ({"consumer_sections": "Support"}, "consumerSections: must be of type array"),
        ({"app_details": models.AppDetails(os=cast(Any, "BEOS"))}, "appDetails.os: must be one of"),
        ({"app_details": {"os": "BEOS"}}, "appDetails.os: must be one of"),
    ],
)
def test_a_model_that_holds_something_else_is_refused_by_its_path(
    client: EngagementClient, sandbox: Sandbox, members: Any, line: str
) -> None:
    """The generated models check nothing themselves."""
    with pytest.raises(InvalidRequest) as raised:
        client.visit().create_session(models.CreateSessionBody(app_type="EXTERNAL", **members).to_dict())
    assert str(raised.value).startswith(line)
    assert sandbox.requests == ()


def test_a_rule_that_the_contract_has_only_now_is_told_by_its_name() -> None:
    """For what it has today there are better words."""
    document: Any = json.loads(resources.files("liveperson_engagement_api").joinpath("openapi.json").read_bytes())
    document["components"]["schemas"]["CreateSessionBody"]["maxProperties"] = 1
    with pytest.raises(SchemaViolation) as raised:
        Contract(document).operations["createSession"].encode_body({**BODY, "consumerSections": []})
    assert (raised.value.path, raised.value.reason) == ("body", "breaks the contract's rule maxProperties")


class Opaque:
    """Something that JSON has no place for."""


LOOP: list[Any] = []
LOOP.append(LOOP)


def nested(depth: int) -> Any:
    """Put a list into a list, so many times."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({(1,): 1}, "extra: must have text as the names of its members"),
        ({"\ud800": 1}, "extra: must have text as the names of its members"),
        ("\udfff", "extra: must be text without lone surrogates"),
        ([0.5, math.nan], "extra[1]: must be a finite number"),
        ([1, {"a": Opaque()}], "extra[1].a: must be a JSON value, not Opaque"),
        ([Opaque(), math.inf], "extra[0]: must be a JSON value, not Opaque"),
        (LOOP, "extra[0][0]: is nested too deeply, or contains itself"),
        (nested(100_000), "extra[0][0]: is nested too deeply, or contains itself"),
        (["\ud7ff\ue000", 1, 1.5, None, True, (math.inf,)], "extra[5][0]: must be a finite number"),
    ],
)
def test_what_json_cannot_carry_is_told_with_its_place(
    client: EngagementClient, sandbox: Sandbox, value: Any, line: str
) -> None:
    """The first such part, in the order in which it is written."""
    with pytest.raises(InvalidRequest) as raised:
        client.visit().create_session(cast(Any, {**BODY, "extra": value}))
    assert str(raised.value) == line
    assert sandbox.requests == ()


@pytest.mark.parametrize(
    ("pauses", "line"),
    [
        ((), "pauses: must be one or more numbers of seconds"),
        ((5, -1), "pauses[1]: must be a number of seconds, at least 0 and at most 1,000,000,000"),
    ],
)
def test_pauses_of_a_guard_that_are_none_are_told(pauses: Any, line: str) -> None:
    """With the place of the wrong one."""
    with pytest.raises(InvalidRequest) as raised:
        OutageGuard(pauses)
    assert str(raised.value) == line
    with pytest.raises(InvalidRequest) as raised:
        RetryPolicy(pauses=(5, -1))
    assert str(raised.value) == "retry.pauses[1]: must be a number of seconds, at least 0 and at most 1,000,000,000"


@pytest.mark.parametrize(
    ("kind", "arguments", "attempts", "line"),
    [
        (
            ServerError,
            ("[503] shown (internal code 18)", Response(503), 18, "raw"),
            0,
            "[503] shown (internal code 18)",
        ),
        (BadRequest, ("[400] no message", Response(400)), 0, "[400] no message"),
        (ServerError, ("[503] a (internal code 0)",), 1, "[503] a (internal code 0)"),
        (AccountLoading, ("[500] a (internal code 20)",), 2, "[500] a (internal code 20) after 2 attempts"),
        (
            InvalidResponse,
            ("a\nb", "is wrong", Response(200)),
            1,
            "the service's answer breaks the contract: a b: is wrong",
        ),
        (InvalidRequest, ("a\tb", "is wrong"), 0, "a b: is wrong"),
    ],
)
def test_an_error_prints_one_line(
    kind: type[EngagementError], arguments: tuple[Any, ...], attempts: int, line: str
) -> None:
    """With all that there is to know and nothing private."""
    error = kind(*arguments)
    error.attempts = attempts
    assert str(error) == line


@pytest.mark.parametrize("kind", [ConnectionFailed, Timeout])
@pytest.mark.parametrize(
    ("may_have_arrived", "line"),
    [
        (True, "no answer to the request (it may have arrived): why"),
        (False, "no answer to the request (it was not sent): why"),
    ],
)
def test_a_lost_connection_tells_whether_the_request_may_have_arrived(
    kind: type[ConnectionFailed], line: str, *, may_have_arrived: bool
) -> None:
    """For those who must not do a thing twice."""
    error = kind("why", may_have_arrived=may_have_arrived)
    assert str(error) == line
    assert error.may_have_arrived is may_have_arrived


def test_a_visit_shows_nothing_but_its_kind() -> None:
    """Its key may be somebody's name."""
    with EngagementClient("demo") as client:
        assert repr(client.visit("sarah")) == "<Visit>"


def test_a_guard_shows_its_pauses() -> None:
    """As it could be written."""
    assert repr(OutageGuard((1, 2.5))) == "OutageGuard(pauses=(1, 2.5))"


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


def test_an_error_keeps_what_it_was_made_of() -> None:
    """A program reads the parts, not the line."""
    request = InvalidRequest("a.b", "is wrong")
    assert (request.path, request.reason) == ("a.b", "is wrong")
    answer = InvalidResponse("c.d", "is odd", Response(200))
    assert (answer.path, answer.reason) == ("c.d", "is odd")
    response = Response(400, body=b"\xff" + b"x" * 3000)
    error = BadRequest("[400] shown (internal code 7)", response, 7, "said")
    assert (error.status_code, error.internal_code, error.message, error.response) == (400, 7, "said", response)
    assert error.body == "\ufffd" + "x" * 1999
    assert error.attempts == 0


@pytest.mark.parametrize(
    ("length", "kept"),
    [(MAX_BODY_BYTES - 1, MAX_BODY_BYTES - 1), (MAX_BODY_BYTES, MAX_BODY_BYTES), (MAX_BODY_BYTES + 1, MAX_BODY_BYTES)],
)
def test_an_error_keeps_ten_thousand_bytes_of_a_body(length: int, kept: int) -> None:
    """A response that is no larger is kept as it is."""
    response = Response(400, body=b"x" * length)
    for error in (BadRequest("[400] no message", response), InvalidResponse("a", "is odd", response)):
        assert error.response.body == b"x" * kept
        assert error.response.status == 400
        assert (error.response is response) is (length == kept)


@pytest.mark.parametrize("seconds", [0, 0.0, 1, LONGEST - 0.5, LONGEST])
def test_seconds_are_any_number_that_can_be_waited_for(seconds: float) -> None:
    """Both limits are allowed."""
    check_seconds("timeout", seconds)
    check_seconds("timeout", seconds, least=seconds)


@pytest.mark.parametrize("seconds", [-1, -0.001, LONGEST + 0.5, math.inf, math.nan, True, False, "1", None])
def test_what_is_no_number_of_seconds_is_refused(seconds: Any) -> None:
    """A truth value is none, although Python reckons with it."""
    with pytest.raises(InvalidRequest) as raised:
        check_seconds("timeout", seconds)
    assert str(raised.value) == "timeout: must be a number of seconds, at least 0 and at most 1,000,000,000"
    with pytest.raises(InvalidRequest) as raised:
        check_seconds("lease", seconds, least=2.5)
    assert str(raised.value) == "lease: must be a number of seconds, at least 2.5 and at most 1,000,000,000"


def test_half_a_character_in_a_message_hides_no_id() -> None:
    """However either is written."""
    for written in ("abcd", "\\u0061bcd", "\\\\u0061bcd"):
        assert "bcd" not in redact(f"no \\ud800 and {written}", ["abcd"], None)
    assert redact("no \\ud800 and abcd", [], None) == "no \\ud800 and abcd"
