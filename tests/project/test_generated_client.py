"""The generated client alone, without the wrapper: models, requests, answers, errors and its own httpx client."""

import asyncio
import contextlib
import json
import pickle
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract import walk
from contract_tools import CONTRACT, examples
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api import Client, ResponseError, models
from liveperson_engagement_api.api import OPERATIONS, operation
from liveperson_engagement_api.api.domain import find_domain
from liveperson_engagement_api.api.session import continue_session, create_session, update_session
from liveperson_engagement_api.http import Headers, Response

BODY = {"appType": "EXTERNAL"}
ACCOUNT = "le12345678"
DETAILS: dict[str, Any] = examples("responses", "Session")["available"]["engagementDetails"]
READERS: list[tuple[Callable[[Mapping[str, Any]], Any], tuple[str, ...]]] = [
    (models.CreateSessionBody.from_dict, ("requestBodies", "CreateSession")),
    (models.UpdateSessionBody.from_dict, ("requestBodies", "UpdateSession")),
    (models.session_from_dict, ("responses", "Session")),
    *(
        (models.error_answer_from_dict, ("responses", name))
        for name in ("BadRequest", "Unauthorized", "NotFound", "InternalError", "Unavailable")
    ),
    (models.ServiceDomain.from_dict, ("findDomain", "responses", "200")),
]
Call = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Call:
    """Make one call with a client of its own, blocking or not."""

    def blocking(operation: Any, *arguments: Any, client: Mapping[str, Any], **options: Any) -> Any:
        with Client(**client) as opened:
            return operation.sync(opened, *arguments, **options)

    async def waiting(operation: Any, *arguments: Any, client: Mapping[str, Any], **options: Any) -> Any:
        async with Client(**client) as opened:
            return await operation.asyncio(opened, *arguments, **options)

    return blocking if request.param == "sync" else lambda *a, **options: asyncio.run(waiting(*a, **options))


def test_every_example_of_the_contract_goes_round() -> None:
    """What a model reads it writes again, ids as integers, and pickles."""
    listed = [value for pointer, value in walk(CONTRACT) if pointer[-1:] == ("examples",) and isinstance(value, dict)]
    tried = 0
    for read, place in READERS:
        for value in examples(*place).values():
            wanted = json.loads(json.dumps(value))
            details = wanted.get("engagementDetails", {})
            details |= {
                key: int(details[key]) for key in ("campaignId", "engagementId", "connectorId") if key in details
            }
            model = read(value)
            assert model.to_dict() == wanted
            assert read(model.to_dict()) == pickle.loads(pickle.dumps(model)) == model  # noqa: S301
            tried += 1
    assert tried == sum(map(len, listed)) == 33


@pytest.mark.parametrize(
    ("written", "read"), [("9223372036854775807", 2**63 - 1), (3346848610, 3346848610), ("007", 7), (44.0, 44)]
)
def test_an_id_is_an_integer(written: object, read: int) -> None:
    """A number and digits in quotes are the same id, to the last digit."""
    found = models.EngagementDetails.from_dict({**DETAILS, "campaignId": written}).campaign_id
    assert (found, type(found)) == (read, int)


@pytest.mark.parametrize("written", ["1_0", "", " 1", "-1", "+1", "1.0", "١", True, 1.9, float("inf"), None, []])
def test_what_is_no_id_is_refused(written: object) -> None:
    """The error names the member, not the value."""
    with pytest.raises(ValueError, match=r"^campaignId must be a 64-bit integer, or its digits$"):
        models.EngagementDetails.from_dict({**DETAILS, "campaignId": written})


def test_null_is_absent_and_zero_false_and_empty_are_sent() -> None:
    """Ids, objects, lists and enums alike; what is required and untyped is null; a union's member carries its tag."""
    assert models.EngagementDetails.from_dict({**DETAILS, "connectorId": None}).to_dict() == DETAILS | {
        "campaignId": int(DETAILS["campaignId"]),
        "engagementId": int(DETAILS["engagementId"]),
    }
    event = models.ExpandedImpression(campaign=1, eng_id=2, revision=3)
    nulls = {"expanded": None, "userInit": None, "actionableItems": None}
    assert event.to_dict() == {"type": "impExpanded", "campaign": 1, "engId": 2, "revision": 3, **nulls}
    status = models.ServiceActivity(status=models.ServiceStatus.COMPLETE, topic="").to_dict()
    assert (status, type(status.get("status"))) == ({"status": 0, "topic": ""}, int)
    assert models.CreateSessionBody(app_type="MSDK", consumer_sections=[]).to_dict().get("consumerSections") == []
    assert models.LeadAttribute().to_dict() == {"type": "lead"}


@pytest.mark.parametrize(
    ("read", "value", "kind", "error"),
    [
        *((models.LeadAttribute.from_dict, {"type": tag}, ValueError, "type must be 'lead'") for tag in ("cart", None)),
        (models.session_from_dict, {"status": ["?"]}, ValueError, "status must be one of Available, NotAvailable"),
        *((models.CreateSessionBody.from_dict, value, TypeError, ".+") for value in ([], "text", None, [["a", "b"]])),
        (models.CreateSessionBody.from_dict, {**BODY, "appDetails": 5}, TypeError, ".+"),
    ],
)
def test_a_wrong_tag_and_what_is_no_object_is_refused(read: Call, value: Any, kind: Any, error: str) -> None:
    """Members of unions are chosen by their tag, never tried; lists of pairs are no objects, as for dict()."""
    with pytest.raises(kind, match=rf"^{error}$"):
        read(value)


def test_unknown_members_are_kept_and_copied() -> None:
    """They come back, and nobody outside can change them."""
    given_body: dict[str, Any] = {**BODY, "appDetails": {"os": "LINUX", "new": 1}, "newer": [2]}
    body = models.CreateSessionBody.from_dict(given_body)
    assert (body.additional_properties, body.app_details and body.app_details.additional_properties) == (
        {"newer": [2]},
        {"new": 1},
    )
    given_body["newest"] = 3
    assert body.to_dict() == {**BODY, "appDetails": {"os": "LINUX", "new": 1}, "newer": [2]}


def test_models_are_frozen_to_the_bottom() -> None:
    """Lists too, even the one that was given; a text in place of a list stays one, for the contract's check to find."""
    sections: Any = ["Support"]
    body = models.CreateSessionBody(app_type="MSDK", consumer_sections=sections)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        body.app_type = "EXTERNAL"  # type: ignore[misc]
    sections.append("Other")
    assert body.consumer_sections == ("Support",)
    lists = {"consumerSections": ["a"], "engagementAttributes": [{"type": "lead"}]}
    read = models.CreateSessionBody.from_dict({**BODY, **lists})
    assert (type(read.consumer_sections), type(read.engagement_attributes)) == (tuple, tuple)
    wrong = {**BODY, "consumerSections": "Support"}
    assert models.CreateSessionBody.from_dict(wrong).to_dict() == wrong


@pytest.mark.parametrize("value", ["a/b", "a?b#c", "100%", "é ü", "a+b&c=d", "..a", "%2E", "\n", "~-_.x"])
def test_parameters_are_percent_encoded(value: str) -> None:
    """A server decodes what was given, in the path and in the query, a space never a plus sign."""
    url = httpx.URL(f"http://h{continue_session.build_request('le1', value, body=BODY, sid=value).target}")
    assert (url.raw_path.count(b"/"), url.raw_path.count(b"+")) == (7, 0)
    assert (url.path.rpartition("/visitors/")[2], url.params["sid"]) == (value, value)


@pytest.mark.parametrize("value", ["", ".", "..", "..."])
def test_a_path_that_would_lead_elsewhere_is_refused(value: str) -> None:
    """An empty visitor would be a request for a new one."""
    with pytest.raises(ValueError, match="path parameter"):
        continue_session.build_request("le1", value, body=BODY)


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"appType": "MSDK", "new": "ü"}, '{"appType":"MSDK","new":"ü"}'),
        (models.CreateSessionBody(app_type="MSDK", additional_properties={"n": "ü"}), '{"n":"ü","appType":"MSDK"}'),
        ({"a": (models.LeadAttribute(),)}, '{"a":[{"type":"lead"}]}'),
        (b'{ "appType" : "MSDK" }', '{ "appType" : "MSDK" }'),
        *(({"appType": value}, None) for value in (float("nan"), float("inf"), {1}, object(), b"x", "\ud800")),
    ],
)
def test_dicts_models_mappings_and_bytes_are_sent(body: Any, sent: str | None) -> None:
    """Compact, in UTF-8, mixed at any depth; bytes as they are: they are JSON already. Nothing else goes out."""
    if sent is None:
        with pytest.raises((TypeError, ValueError)):
            create_session.build_request("le1", body=body)
    else:
        assert create_session.build_request("le1", body=body).body == sent.encode()


MEMBERS = st.sampled_from(["status", "error", "sessionId", "engagementDetails", "baseURI", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner),
    max_leaves=8,
)


@settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(operation_id=st.sampled_from([*OPERATIONS]), status=st.integers(100, 599) | st.just(200), data=VALUES)
def test_an_answer_is_read_or_a_response_error(operation_id: str, status: int, data: Any) -> None:
    """Whatever comes back, nothing else is raised; where the contract wants nothing, nothing is read."""
    update_session.parse_response(200, None)
    parse = operation(operation_id).parse_response
    with (
        contextlib.suppress(ResponseError)
        if status == 200
        else pytest.raises(ResponseError, match=rf"^\[{status}\] [^\n]+$")
    ):
        parse(status, data)


@pytest.mark.parametrize("wrap", [False, True])
def test_an_error_names_no_id(*, wrap: bool) -> None:
    """Its text and repr are the status and the code; what the service says is beside it, and survives pickling."""
    entity = examples("responses", "InternalError")["loadingAccount"]
    with pytest.raises(ResponseError) as raised:
        create_session.parse_response(500, {"error": entity} if wrap else entity)
    error = raised.value
    error.response = Response(500, Headers([("X", "1")]), b"{}")
    assert (str(error), repr(error)) == ("[500] internal code 20", "<ResponseError [500] internal code 20>")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (copy.status, copy.error, copy.response) == (500, models.ErrorEntity.from_dict(entity), error.response)


def test_a_visit_from_beginning_to_end(call: Call, sandbox: Sandbox) -> None:
    """Looked up, begun, continued and updated over real sockets, ids as integers all the way."""
    client = {"base_url": sandbox.url}
    found = call(find_domain, ACCOUNT, client={"base_url": f"{sandbox.url}/"})
    assert (found.base_uri, found.account) == (sandbox.host, ACCOUNT)
    session = call(create_session, ACCOUNT, body=models.CreateSessionBody(app_type="MSDK"), client=client)
    assert isinstance(session, models.AvailableSession)
    details = session.engagement_details
    assert type(details.campaign_id) is int
    ids = {"sid": session.session_id, "client": client}
    again = call(continue_session, ACCOUNT, session.visitor_id, body=BODY, **ids)
    assert again.visitor_id == session.visitor_id
    event = models.DisplayImpression(
        campaign=details.campaign_id,
        eng_id=details.engagement_id,
        revision=details.engagement_revision,
        e_context=[models.EngagementContext(id=details.context_id)],
    )
    update = models.UpdateSessionBody(page_id=session.page_id, imp_attributes=[event])
    assert call(update_session, ACCOUNT, session.visitor_id, body=update, **ids) is None
    assert [request.method for request in sandbox.requests] == ["GET", "POST", "POST", "PUT"]


@pytest.mark.parametrize("body", [None, b"<html>bad gateway</html>", b"\xff", b"[" * 100_000])
def test_an_error_carries_status_entity_and_response(call: Call, sandbox: Sandbox, body: bytes | None) -> None:
    """Registered or not, with what the service says, or with HTML, or worse."""
    for status in (502, 599):
        if body is None:
            sandbox.fail_next(status)
        else:
            sandbox.answer_next(status, body)
        with pytest.raises(ResponseError, match=rf"^\[{status}\] ") as raised:
            call(create_session, ACCOUNT, body=BODY, client={"base_url": sandbox.url})
        error, response = raised.value, raised.value.response
        assert response is not None
        if body is None:
            assert isinstance(error.error, models.ErrorEntity)
            assert response.headers["Content-Type"].startswith("application/json")
            assert json.loads(response.body)["internalCode"] == error.error.internal_code
        else:
            assert (str(error), response.body) == (f"[{status}] no error entity", body)


def test_a_silent_server_is_given_up_after_ten_seconds(
    call: Call, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever without asking to."""
    timeouts: list[object] = []

    def noting(kind: Any, timeout: object) -> Any:
        timeouts.append(timeout)
        return kind(timeout=timeout)

    for name in ("Client", "AsyncClient"):
        monkeypatch.setattr(httpx, name, partial(noting, getattr(httpx, name)))
    call(find_domain, ACCOUNT, client={"base_url": sandbox.url})
    assert timeouts == [10.0]


def test_without_a_base_url_the_contract_names_the_server() -> None:
    """The lookup has a server of its own; that of a session depends on the account; a base URL may have a path."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"baseURI": "h"})

    with httpx.Client(transport=httpx.MockTransport(answer)) as http_client:
        client = Client(http_client=http_client)
        assert find_domain.sync(client, "1").base_uri == "h"
        with pytest.raises(ValueError, match="give the client a base_url"):
            create_session.sync(client, "1", body=BODY)
        find_domain.sync(Client("http://h/gateway/", http_client=http_client), "1")
    path = "/api/account/1/service/msdkgw/baseURI.json?version=1.0"
    assert asked == [f"https://api.liveperson.net{path}", f"http://h/gateway{path}"]


def test_a_client_closes_only_what_it_opened() -> None:
    """A client of httpx that was handed in stays open, in either kind."""
    given_client, later = httpx.Client(), httpx.AsyncClient()
    client = Client(http_client=given_client, async_http_client=later)
    client.close()
    asyncio.run(client.aclose())
    assert (given_client.is_closed, later.is_closed) == (False, False)
