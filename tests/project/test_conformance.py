"""The Python client holds to the conformance vectors that other languages are held to, over real sockets."""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import Any, cast

import httpx
import pytest

from contract_tools import CONTRACT, operation_ids, operations, validator
from liveperson_engagement import (
    ApiError,
    ConnectionFailed,
    DomainLookupFailed,
    EngagementClient,
    RetryPolicy,
    VisitIds,
)
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api import Client, ResponseError
from liveperson_engagement_api.api import operation
from liveperson_engagement_api.models import (
    CreateSessionBody,
    ErrorEntity,
    UpdateSessionBody,
    WrappedErrorEntity,
    error_answer_from_dict,
)
from portability.judge import Call, Reply, play
from portability.vectors import Vector, vectors, write

VECTORS = vectors()
OF_VISITS = [vector for vector in VECTORS if vector.exchanges[0].result.get("type") != "ServiceDomain"]


def generated(call: Call) -> Reply:
    """Make a call with the generated client."""
    options: dict[str, Any] = {name: call[name] for name in ("sid",) if call.get(name) is not None}
    parameters: list[Any] = [call[name] for name in ("accountId", "visitorId", "serviceName") if name in call]
    if "body" in call:
        model = UpdateSessionBody if call["operation"] == "updateSession" else CreateSessionBody
        options["body"] = model.from_dict(json.loads(write(call["body"])))
    module: Any = operation(call["operation"])
    with Client(cast(str, call["baseUrl"])) as client:
        try:
            parsed = module.sync(client, *parameters, **options)
        except ResponseError as error:
            return _failed(error.status, error.error, error.response.body if error.response else b"")
    return {"status": 200} if parsed is None else {"status": 200, **_shown(type(parsed).__name__, parsed)}


def wrapped(call: Call) -> Reply:
    """Make a call of a visit with the wrapper."""
    body = json.loads(write(call.get("body", {"appType": "EXTERNAL"})))
    page = body.pop("pageId", None)  # filled in by the visit
    ids = VisitIds(call["visitorId"], call.get("sid"), page) if "visitorId" in call else None
    site: Any = {"domain_api" if call["operation"] == "findDomain" else "base_url": call["baseUrl"]}
    with EngagementClient(call["accountId"], retry=RetryPolicy.none(), **site) as client:
        visit: Any = client.visit(ids=ids)
        try:
            session = visit.update_session(body) if call["operation"] == "updateSession" else visit.create_session(body)
        except ApiError as error:
            return _failed_wrapped(error)
        except DomainLookupFailed as error:
            return _failed_wrapped(cast(ApiError, error.__cause__))
    return {"status": 200} if session is None else {"status": 200, **_shown(type(session).__name__, session)}


def _failed_wrapped(error: ApiError) -> Reply:
    reply = _failed(error.status_code, None, error.response.body)
    entity = reply.get("value", {})
    plain = entity.get("error", entity)
    assert (error.internal_code, error.message) == (plain.get("internalCode"), plain.get("message"))
    return reply


def _failed(status: int, read: ErrorEntity | None, body: bytes) -> Reply:
    try:
        answer = error_answer_from_dict(json.loads(body))
    except ValueError:
        assert read is None
        return {"status": status}
    assert read in (None, answer.error if isinstance(answer, WrappedErrorEntity) else answer)
    return {"status": status, **_shown(type(answer).__name__, answer)}


def _shown(kind: str, model: Any) -> dict[str, Any]:
    return {"type": kind, "value": model.to_dict()}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_client_passes(vector: Vector, sandbox: Sandbox) -> None:
    """Sent and answered as the vector says, by the generated code alone and by the client that people use."""
    assert play(vector, sandbox, generated) == []
    if vector in OF_VISITS:
        sandbox.reset()
        assert play(vector, sandbox, wrapped) == []
    if vector.group != "visits":  # and a vector asks nobody to send what the contract refuses
        for call in (exchange.call for exchange in vector.exchanges if "body" in exchange.call):
            name = "UpdateSessionBody" if call["operation"] == "updateSession" else "CreateSessionBody"
            validator(CONTRACT, {"$ref": f"#/components/schemas/{name}"}).validate(json.loads(write(call["body"])))


@pytest.mark.parametrize(
    "vector", [vector for vector in VECTORS if vector not in OF_VISITS], ids=lambda each: each.name
)
def test_the_client_goes_where_the_domain_api_says(vector: Vector, sandbox: Sandbox) -> None:
    """The client hands nobody the answer of findDomain: its next request goes to the host that it names."""
    asked: list[str] = []

    class OnlyLoopback(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(request.url.netloc.decode())
            if request.url.host != "127.0.0.1":
                raise httpx.ConnectError("not in a test")
            return super().handle_request(request)

    exchange = vector.exchanges[0]
    if answer := exchange.answer:
        sandbox.answer_next(answer["status"], answer["body"], operation="findDomain")
    options: dict[str, Any] = {"retry": RetryPolicy.none(), "transport": OnlyLoopback()}
    with EngagementClient(exchange.call["accountId"], domain_api=sandbox.url, **options) as client:
        if answer:
            with pytest.raises(ConnectionFailed):
                client.visit().create_session({"appType": "EXTERNAL"})
        else:
            client.visit().create_session({"appType": "EXTERNAL"})
    assert asked == [sandbox.host, exchange.result["value"].get("baseURI", sandbox.host)]
    assert sandbox.requests[0].path == f"/api/account/{exchange.call['accountId']}/service/msdkgw/baseURI.json"


def test_every_attribute_event_and_error_status_has_a_vector() -> None:
    """Nothing that the contract lists is left out: attributes, events, error statuses, operations."""
    bodies = [exchange.call.get("body", {}) for vector in VECTORS for exchange in vector.exchanges]
    for member, union in (("engagementAttributes", "EngagementAttribute"), ("impAttributes", "ImpressionEvent")):
        sent = {each["type"] for body in bodies for each in body.get(member, ())}
        assert sent == set(CONTRACT["components"]["schemas"][union]["discriminator"]["mapping"])
    statuses = {int(code) for _, found in operations() for code in found["responses"]}
    assert statuses <= {exchange.result["status"] for vector in VECTORS for exchange in vector.exchanges}
    calls = {exchange.call["operation"] for vector in VECTORS for exchange in vector.exchanges}
    assert calls == set(operation_ids())


def named(name: str) -> Vector:
    """Find a vector."""
    return next(vector for vector in VECTORS if vector.name == name)


def _refused(vector: Vector, sandbox: Sandbox, **change: Any) -> list[str]:
    return play(vector, sandbox, lambda call: {**wrapped(call), **change})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"status": 500}, "status is 500 instead of 200"),
        ({"type": "AvailableSession"}, "type is AvailableSession instead of NotAvailableSession"),
        ({"value": {"status": "NotAvailable"}}, "value.sessionId is missing"),
        ({"failure": "it broke"}, "it broke"),
    ],
)
def test_the_judge_sees_a_wrong_reply(sandbox: Sandbox, change: dict[str, Any], complaint: str) -> None:
    """Status, type, members and failures count."""
    assert _refused(named("not-available"), sandbox, **change)[0] == complaint


def test_the_judge_sees_a_lost_digit(sandbox: Sandbox) -> None:
    """An id that has been through a double is not the id that was sent."""
    vector = named("available-numbers-64-bit")
    value = copy.deepcopy(vector.exchanges[0].result["value"])
    assert _refused(vector, sandbox, value=value) == []
    value["engagementDetails"]["campaignId"] = int(float(value["engagementDetails"]["campaignId"]))
    assert _refused(vector, sandbox, value=value) == [
        "value.engagementDetails.campaignId is 9007199254740992 instead of 9007199254740993"
    ]


def test_the_judge_sees_what_else_was_sent_or_left_out(sandbox: Sandbox) -> None:
    """Path, query and body have to be what the vector says, and nothing more."""

    def wrong(call: Call) -> Reply:
        return generated({**call, "visitorId": "other", "sid": "1.0", "body": {"appType": "MSDK", "appDetails": {}}})

    assert play(named("continue"), sandbox, wrong) == [
        'body.appType is "MSDK" instead of "EXTERNAL"',
        "body.appDetails comes from nowhere",
        "sent /api/account/le12345678/app/engagement/visitors/other instead of "
        "/api/account/le12345678/app/engagement/visitors/xyz",
        'query.sid is "1.0" instead of "abc"',
    ]


def test_the_judge_counts_requests_and_visitors(sandbox: Sandbox) -> None:
    """A client that asks twice, or makes a visitor too many, does not pass."""
    assert play(named("create-smallest"), sandbox, lambda call: generated(call) and generated(call))[0].startswith(
        "made 2 requests"
    )
    assert play(dataclasses.replace(named("visit"), visitors=2), sandbox, wrapped) == ["1 visitors instead of 2"]
