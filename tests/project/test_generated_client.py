"""The generated client alone, without the wrapper: models, requests, answers, errors and its own httpx client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract import walk
from contract_tools import CONTRACT, examples, operation_ids, operations
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api import Client, ResponseError, models
from liveperson_engagement_api.api import OPERATIONS, operation
from liveperson_engagement_api.api.domain import find_domain
from liveperson_engagement_api.api.session import continue_session, create_session, update_session
from liveperson_engagement_api.http import Headers, Response
from prism_server import prism_server

BODY = {"appType": "EXTERNAL"}
ACCOUNT = "le12345678"
ERRORS = {"BadRequest": 400, "Unauthorized": 401, "NotFound": 404, "InternalError": 500, "Unavailable": 503}
DETAILS: dict[str, Any] = examples("responses", "Session")["available"]["engagementDetails"]
READERS: list[tuple[Callable[[Mapping[str, Any]], Any], tuple[str, ...]]] = [
    (models.CreateSessionBody.from_dict, ("requestBodies", "CreateSession")),
    (models.UpdateSessionBody.from_dict, ("requestBodies", "UpdateSession")),
    (models.session_from_dict, ("responses", "Session")),
    *((models.error_answer_from_dict, ("responses", name)) for name in ERRORS),
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


# Models


def test_every_example_of_the_contract_goes_round() -> None:
    """What a model reads it writes again, ids as integers, and pickles."""
    listed = [value for pointer, value in walk(CONTRACT) if pointer[-1:] == ("examples",) and isinstance(value, dict)]
    tried = 0
    for read, place in READERS:
        for value in examples(*place).values():
            wanted = json.loads(json.dumps(value))
            details = wanted.get("engagementDetails", {})
            details.update(
                {name: int(details[name]) for name in ("campaignId", "engagementId", "connectorId") if name in details}
            )
            model = read(value)
            assert model.to_dict() == wanted
            assert read(model.to_dict()) == model
            assert pickle.loads(pickle.dumps(model)) == model  # noqa: S301
            tried += 1
    assert tried == sum(map(len, listed)) == 33


@pytest.mark.parametrize(
    ("written", "read"),
    [("3346848610", 3346848610), (3346848610, 3346848610), ("9223372036854775807", 2**63 - 1), ("007", 7), (44.0, 44)],
)
def test_an_id_is_an_integer(written: object, read: int) -> None:
    """A number and digits in quotes are the same id, to the last digit."""
    found = models.EngagementDetails.from_dict({**DETAILS, "campaignId": written}).campaign_id
    assert (found, type(found)) == (read, int)


@pytest.mark.parametrize(
    "written", ["1_0", "", " 1", "-1", "+1", "1.0", "١", True, 1.9, 1e300, float("inf"), None, [], {}]
)
def test_what_is_no_id_is_refused(written: object) -> None:
    """The error names the member, not the value."""
    with pytest.raises(ValueError, match=r"^campaignId must be a 64-bit integer, or its digits$"):
        models.EngagementDetails.from_dict({**DETAILS, "campaignId": written})


def test_an_optional_member_that_is_null_is_none_and_is_not_sent() -> None:
    """Ids, objects, lists and enums of numbers alike."""
    found = models.EngagementDetails.from_dict({**DETAILS, "connectorId": None})
    assert found == models.EngagementDetails.from_dict(DETAILS)
    assert "connectorId" not in found.to_dict()
    body = models.CreateSessionBody.from_dict({**BODY, "appDetails": None, "engagementAttributes": None})
    assert body == models.CreateSessionBody(app_type="EXTERNAL")
    assert models.ServiceActivity.from_dict({"status": None}).status is None


def test_null_zero_false_and_empty_are_sent() -> None:
    """The untyped members of an expanded impression are required, and null; a union's member carries its tag."""
    event = models.ExpandedImpression(campaign=1, eng_id=2, revision=3)
    nulls = {"expanded": None, "userInit": None, "actionableItems": None}
    assert event.to_dict() == {"type": "impExpanded", "campaign": 1, "engId": 2, "revision": 3, **nulls}
    status = models.ServiceActivity(status=models.ServiceStatus.COMPLETE, topic="")
    assert status.to_dict() == {"status": 0, "topic": ""}
    assert type(status.to_dict().get("status")) is int
    assert models.VisitorError(resolved=False).to_dict() == {"resolved": False}
    assert models.CreateSessionBody(app_type="MSDK", consumer_sections=[]).to_dict().get("consumerSections") == []
    assert models.LeadAttribute().to_dict() == {"type": "lead"}


@pytest.mark.parametrize(
    ("read", "value", "error"),
    [
        *((models.LeadAttribute.from_dict, {"type": wrong}, "type must be 'lead'") for wrong in ("cart", 1, None)),
        *(
            (models.session_from_dict, {"status": wrong}, "status must be one of Available, NotAvailable")
            for wrong in ("Perhaps", None, ["Available"])
        ),
    ],
)
def test_a_wrong_const_or_tag_is_refused(read: Call, value: Any, error: str) -> None:
    """Members of unions are chosen by their tag, never tried."""
    with pytest.raises(ValueError, match=rf"^{error}$"):
        read(value)


@pytest.mark.parametrize("value", [[], "text", 5, None, [["appType", "MSDK"]]])
def test_what_is_no_object_is_refused(value: Any) -> None:
    """Lists of pairs included, which dict() would take."""
    for body in (value, {**BODY, "appDetails": value or 0}):
        with pytest.raises(TypeError):
            models.CreateSessionBody.from_dict(body)


def test_unknown_members_are_kept_and_copied() -> None:
    """They come back, and nobody outside can change them."""
    given_body: dict[str, Any] = {**BODY, "appDetails": {"os": "LINUX", "new": 1}, "newer": [2]}
    body = models.CreateSessionBody.from_dict(given_body)
    assert body.additional_properties == {"newer": [2]}
    assert body.app_details is not None
    assert body.app_details.additional_properties == {"new": 1}
    given_body["newest"] = 3
    assert body.to_dict() == {**BODY, "appDetails": {"os": "LINUX", "new": 1}, "newer": [2]}
    extra = {"new": 1}
    made = models.Product(additional_properties=extra)
    extra.clear()
    assert made.to_dict() == {"new": 1}


def test_models_are_frozen_to_the_bottom() -> None:
    """Neither an attribute nor a list of a model can be changed, not even through the list that was given."""
    sections = ["Support"]
    body = models.CreateSessionBody(app_type="MSDK", consumer_sections=sections)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        body.app_type = "EXTERNAL"  # type: ignore[misc]
    sections.append("Other")
    assert body.consumer_sections == ("Support",)
    lists = {"consumerSections": ["a"], "engagementAttributes": [{"type": "lead"}]}
    read = models.CreateSessionBody.from_dict({**BODY, **lists})
    assert (type(read.consumer_sections), type(read.engagement_attributes)) == (tuple, tuple)
    assert hash(body) == hash(models.CreateSessionBody(app_type="MSDK", consumer_sections=("Support",)))


def test_a_text_in_place_of_a_list_stays_a_text() -> None:
    """It is not taken to pieces: the contract's check shall find it."""
    wrong: Any = "Support"
    body: Any = models.CreateSessionBody(app_type="MSDK", consumer_sections=wrong).to_dict()
    assert body["consumerSections"] == "Support"
    read = models.CreateSessionBody.from_dict({**BODY, "consumerSections": "Support"})
    assert read.to_dict() == {**BODY, "consumerSections": "Support"}


def test_an_error_answer_is_told_by_its_members() -> None:
    """Wrapped where it has the member that wraps."""
    plain = {"time": 1, "internalCode": 2}
    assert isinstance(models.error_answer_from_dict(plain), models.ErrorEntity)
    assert isinstance(models.error_answer_from_dict({"error": plain}), models.WrappedErrorEntity)


# Requests


def test_a_request_is_what_the_contract_says() -> None:
    """Method, path, query, headers and body; a parameter that is None is left out."""
    request = continue_session.build_request("le1", "xyz", body=BODY, sid="abc")
    assert (request.method, request.target) == ("POST", "/api/account/le1/app/engagement/visitors/xyz?sid=abc&v=1.0")
    assert dict(request.headers) == {"accept": "application/json", "content-type": "application/json"}
    assert request.body == b'{"appType":"EXTERNAL"}'
    lookup = find_domain.build_request("1234")
    assert (lookup.method, lookup.target) == ("GET", "/api/account/1234/service/msdkgw/baseURI.json?version=1.0")
    assert (dict(lookup.headers), lookup.body) == ({"accept": "application/json"}, None)
    assert continue_session.build_request("le1", "xyz", body=BODY).query == "v=1.0"


@pytest.mark.parametrize("value", ["a/b", "a?b#c", "100%", "é ü", "a+b&c=d", "..a", "%2E", "\n", "~-_.x"])
def test_parameters_are_percent_encoded(value: str) -> None:
    """A server decodes what was given, in the path and in the query, a space never a plus sign."""
    url = httpx.URL(f"http://h{continue_session.build_request('le1', value, body=BODY, sid=value).target}")
    assert url.raw_path.count(b"/") == 7
    assert url.path.rpartition("/visitors/")[2] == value
    assert url.params["sid"] == value
    assert b"+" not in url.raw_path


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
        (
            {"a": models.AppDetails(os="IOS"), "b": (models.LeadAttribute(),)},
            '{"a":{"os":"IOS"},"b":[{"type":"lead"}]}',
        ),
        ({"more": Headers([("appType", "MSDK")])}, '{"more":{"apptype":"MSDK"}}'),
        (b'{ "appType" : "MSDK" }', '{ "appType" : "MSDK" }'),
    ],
)
def test_dicts_models_mappings_and_bytes_are_sent(body: Any, sent: str) -> None:
    """Compact, in UTF-8, mixed at any depth; bytes as they are: they are JSON already."""
    assert create_session.build_request("le1", body=body).body == sent.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1}, object(), b"x", "\ud800"])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    """Nothing that is no JSON goes out."""
    with pytest.raises((TypeError, ValueError)):
        create_session.build_request("le1", body={"appType": value})


# Answers

MEMBERS = st.sampled_from(["status", "error", "sessionId", "engagementDetails", "baseURI", "x"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner),
    max_leaves=8,
)


@settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(operation_id=st.sampled_from([*OPERATIONS]), status=st.integers(100, 599) | st.just(200), data=json_values)
def test_an_answer_is_read_or_a_response_error(operation_id: str, status: int, data: Any) -> None:
    """Whatever comes back, nothing else is raised."""
    parse = operation(operation_id).parse_response
    if status == 200:
        with contextlib.suppress(ResponseError):
            parse(status, data)
    else:
        with pytest.raises(ResponseError, match=rf"^\[{status}\] [^\n]+$"):
            parse(status, data)


@pytest.mark.parametrize("data", [None, [], {}, "x", {"status": "Perhaps"}, {"status": "Available"}])
def test_a_success_that_cannot_be_read_is_an_error(data: Any) -> None:
    """With the reason as its cause; where the contract wants nothing, nothing and an empty object are read."""
    with pytest.raises(ResponseError, match=r"^\[200\] not what the contract says$") as raised:
        create_session.parse_response(200, data)
    assert raised.value.error is None
    assert raised.value.__cause__ is not None
    update_session.parse_response(200, None)
    update_session.parse_response(200, {})


@pytest.mark.parametrize("wrap", [False, True])
def test_an_error_names_no_id(*, wrap: bool) -> None:
    """Its text and repr are the status and the code; what the service says is beside it, and survives pickling."""
    entity = examples("responses", "InternalError")["loadingAccount"]
    with pytest.raises(ResponseError) as raised:
        create_session.parse_response(500, {"error": entity} if wrap else entity)
    error = raised.value
    error.response = Response(500, Headers([("X", "1")]), b"{}")
    assert str(error) == "[500] internal code 20"
    assert repr(error) == "<ResponseError [500] internal code 20>"
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (copy.status, copy.error, copy.response) == (500, models.ErrorEntity.from_dict(entity), error.response)


# The client


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


def test_an_error_carries_status_entity_and_response(call: Call, sandbox: Sandbox) -> None:
    """What the service says, and what it sent."""
    sandbox.fail_next(503)
    with pytest.raises(ResponseError) as raised:
        call(create_session, ACCOUNT, body=BODY, client={"base_url": sandbox.url})
    error = raised.value
    assert error.status == 503
    assert isinstance(error.error, models.ErrorEntity)
    assert error.response is not None
    assert error.response.headers["Content-Type"].startswith("application/json")
    assert json.loads(error.response.body)["internalCode"] == error.error.internal_code


@pytest.mark.parametrize("body", [b"<html>bad gateway</html>", b"", b"\xff", b"[" * 100_000])
def test_an_error_without_json_keeps_its_status(call: Call, sandbox: Sandbox, body: bytes) -> None:
    """Registered or not, with HTML, nothing, or worse."""
    for status in (502, 599):
        sandbox.answer_next(status, body)
        with pytest.raises(ResponseError, match=rf"^\[{status}\] no error entity$") as raised:
            call(create_session, ACCOUNT, body=BODY, client={"base_url": sandbox.url})
        assert raised.value.response is not None
        assert raised.value.response.body == body


def test_a_silent_server_is_given_up(call: Call, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a timeout: ten seconds by default, as nobody waits for ever without asking to."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:  # accepts, and never serves
        url = f"http://127.0.0.1:{silent.server_address[1]}"
        with pytest.raises(httpx.ReadTimeout):
            call(create_session, ACCOUNT, body=BODY, client={"base_url": url, "timeout": 0.1})
    timeouts: list[object] = []

    def noting(kind: Any) -> Any:
        def make(*, timeout: object) -> Any:
            timeouts.append(timeout)
            return kind(timeout=timeout)

        return make

    for name in ("Client", "AsyncClient"):
        monkeypatch.setattr(httpx, name, noting(getattr(httpx, name)))
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


def test_a_client_closes_only_what_it_opened(sandbox: Sandbox) -> None:
    """A client of httpx that was handed in stays open, in either kind."""
    with httpx.Client() as given_client:
        with Client(sandbox.url, http_client=given_client) as client:
            find_domain.sync(client, ACCOUNT)
        assert not given_client.is_closed

    async def waiting() -> None:
        async with httpx.AsyncClient() as given_client:
            async with Client(sandbox.url, async_http_client=given_client) as client:
                await find_domain.asyncio(client, ACCOUNT)
            assert not given_client.is_closed

    asyncio.run(waiting())


# The package


def test_every_operation_is_registered() -> None:
    """By its id, with what a caller needs to know of it."""
    assert set(OPERATIONS) == set(operation_ids())
    for (_, path, method), found in operations():
        known = operation(found["operationId"])
        assert (known.OPERATION_ID, known.PATH, known.METHOD.lower()) == (found["operationId"], path, method)
        assert all(callable(getattr(known, name)) for name in ("build_request", "parse_response", "sync", "asyncio"))
    assert operation("findDomain").SERVER == "https://api.liveperson.net"
    assert operation("createSession").SERVER == "https://{domain}"
    names = {"accountId": "account_id", "visitorId": "visitor_id", "sid": "sid", "v": "v"}
    assert names == operation("updateSession").PARAMETERS
    with pytest.raises(KeyError):
        operation("deleteSession")


IMPORTS = """
import sys
import liveperson_engagement_api, liveperson_engagement_api.http, liveperson_engagement_api.api
assert not {"httpx", "attrs"} & set(sys.modules)
liveperson_engagement_api.Client
import liveperson_engagement_api.models
for name in liveperson_engagement_api.api.OPERATIONS:
    liveperson_engagement_api.api.operation(name)
assert "httpx" not in sys.modules
"""


def test_httpx_is_imported_only_to_send() -> None:
    """The package, its models and operations do without; the plain requests even without attrs."""
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)


# Against a server that nobody here wrote


def test_prism_accepts_and_answers_every_example() -> None:
    """Requests made of models, on either path, nulls included; each error's status and entity; the lookup."""
    with prism_server() as url, httpx.Client() as http, Client(url, http_client=http) as client:
        for value in examples("requestBodies", "CreateSession").values():
            body = models.CreateSessionBody.from_dict(value)
            http.headers["Prefer"] = "example=available"
            assert create_session.sync(client, ACCOUNT, body=body).status == "Available"
            http.headers["Prefer"] = "example=notAvailable"
            assert continue_session.sync(client, ACCOUNT, "xyz", body=body, sid="abc").status == "NotAvailable"
        http.headers["Prefer"] = "code=200"
        for value in examples("requestBodies", "UpdateSession").values():
            update = models.UpdateSessionBody.from_dict(value)
            update_session.sync(client, ACCOUNT, "xyz", body=update, sid="abc")
        assert find_domain.sync(client, "1234").base_uri == "host.liveperson.net"
        for answer, status in ERRORS.items():
            for name, entity in examples("responses", answer).items():
                http.headers["Prefer"] = f"code={status}, example={name}"
                with pytest.raises(ResponseError) as raised:
                    create_session.sync(client, ACCOUNT, body=BODY)
                wanted = models.ErrorEntity.from_dict(entity.get("error", entity))
                assert (raised.value.status, raised.value.error) == (status, wanted)
