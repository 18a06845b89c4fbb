"""The Python client holds to the conformance vectors that other languages are held to, over real sockets."""

import json
from typing import Any, cast

import pytest

from contract_tools import CONTRACT, operation_ids, operations, validator
from liveperson_engagement import (
    ApiError,
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
from portability.vectors import vectors, write

VECTORS = {vector.name: vector for vector in vectors()}
LOOKUPS = {name for name, each in VECTORS.items() if each.exchanges[0].result.get("type") == "ServiceDomain"}


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
            return reply(200, module.sync(client, *parameters, **options))
        except ResponseError as error:
            return failed(error.status, error.error, error.response.body if error.response else b"")


def wrapped(call: Call) -> Reply:
    """Make a call of a visit with the wrapper."""
    body = json.loads(write(call.get("body", {"appType": "EXTERNAL"})))
    page = body.pop("pageId", None)  # filled in by the visit
    ids = VisitIds(call["visitorId"], call.get("sid"), page) if "visitorId" in call else None
    site: Any = {"domain_api" if call["operation"] == "findDomain" else "base_url": call["baseUrl"]}
    with EngagementClient(call["accountId"], retry=RetryPolicy.none(), **site) as client:
        visit: Any = client.visit(ids=ids)
        make = visit.update_session if call["operation"] == "updateSession" else visit.create_session
        try:
            return reply(200, make(body))
        except (ApiError, DomainLookupFailed) as raised:
            error = cast(ApiError, raised.__cause__ if isinstance(raised, DomainLookupFailed) else raised)
            found = failed(error.status_code, None, error.response.body)
            entity = found.get("value", {})
            plain = entity.get("error", entity)
            assert (error.internal_code, error.message) == (plain.get("internalCode"), plain.get("message"))
            return found


def failed(status: int, read: ErrorEntity | None, body: bytes) -> Reply:
    """Describe an error, by what was sent; what was read of it is the same."""
    try:
        answer = error_answer_from_dict(json.loads(body))
    except ValueError:
        assert read is None
        return reply(status, None)
    assert read in (None, answer.error if isinstance(answer, WrappedErrorEntity) else answer)
    return reply(status, answer)


def reply(status: int, model: Any) -> Reply:
    """Describe what came of a call."""
    return {"status": status} | ({} if model is None else {"type": type(model).__name__, "value": model.to_dict()})


@pytest.mark.parametrize("name", VECTORS)
def test_the_client_passes(name: str, sandbox: Sandbox) -> None:
    """Sent and answered as the vector says, by the generated code alone and by the client that people use."""
    vector = VECTORS[name]
    assert play(vector, sandbox, generated) == []
    if name not in LOOKUPS:
        assert play(vector, sandbox, wrapped) == []
    if vector.group != "visits":  # and a vector asks nobody to send what the contract refuses
        for call in (exchange.call for exchange in vector.exchanges if "body" in exchange.call):
            schema = "UpdateSessionBody" if call["operation"] == "updateSession" else "CreateSessionBody"
            validator(CONTRACT, {"$ref": f"#/components/schemas/{schema}"}).validate(json.loads(write(call["body"])))


def test_every_attribute_event_and_error_status_has_a_vector() -> None:
    """Nothing that the contract lists is left out: attributes, events, error statuses, operations."""
    exchanges = [exchange for vector in VECTORS.values() for exchange in vector.exchanges]
    for member, union in (("engagementAttributes", "EngagementAttribute"), ("impAttributes", "ImpressionEvent")):
        sent = {each["type"] for exchange in exchanges for each in exchange.call.get("body", {}).get(member, ())}
        assert sent == set(CONTRACT["components"]["schemas"][union]["discriminator"]["mapping"])
    statuses = {int(code) for _, found in operations() for code in found["responses"]}
    assert statuses <= {exchange.result["status"] for exchange in exchanges}
    assert {exchange.call["operation"] for exchange in exchanges} == set(operation_ids())


def test_the_judge_sees_what_is_wrong(sandbox: Sandbox) -> None:
    """A lost digit, whatever is sent besides."""

    def lossy(call: Call) -> Reply:
        found: Any = wrapped(call)
        details = found["value"]["engagementDetails"]
        details["campaignId"] = int(float(details["campaignId"]))
        return cast(Reply, found)

    def wrong(call: Call) -> Reply:
        return generated({**call, "sid": "1.0", "body": {"appType": "MSDK", "appDetails": {}}})

    lost = "value.engagementDetails.campaignId is 9007199254740992 instead of 9007199254740993"
    assert play(VECTORS["available-numbers-64-bit"], sandbox, lossy) == [lost]
    assert play(VECTORS["continue"], sandbox, wrong) == [
        'body.appType is "MSDK" instead of "EXTERNAL"',
        "body.appDetails comes from nowhere",
        'query.sid is "1.0" instead of "abc"',
    ]
