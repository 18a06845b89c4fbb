"""What a contract may say that today's does not: servers of its own, shared parameters, bodies left out, ranges."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest

from liveperson_engagement._contract import Contract, Operation, contract
from liveperson_engagement._json import SchemaViolation

ACCOUNT = {"url": "https://{domain}", "variables": {"domain": {"default": "host.example"}}}
REPORTS = {
    "url": "https://{region}.example:{port}/{region}",
    "variables": {"region": {"default": "eu"}, "port": {"default": "443"}},
}
OWN = {"url": "https://own.example"}
TEXT = {"type": "string", "minLength": 1}
ACCOUNT_ID = {"name": "accountId", "in": "path", "required": True, "schema": TEXT}
VISITOR_ID = {"name": "visitorId", "in": "path", "required": True, "schema": TEXT}
SID = {"name": "sid", "in": "query", "schema": TEXT}
VERSION = {"name": "v", "in": "query", "required": True, "schema": {"const": "1.0"}}


def made(
    node: dict[str, Any], *, item: dict[str, Any] | None = None, method: str = "post", path: str = "/a"
) -> Contract:
    """Make a contract of one operation; its id is one that code was generated for."""
    operation: dict[str, Any] = {"operationId": "continueSession", "responses": {}, **node}
    return Contract(
        {
            "servers": [ACCOUNT],
            "paths": {path: {**(item or {}), method: operation}},
            "components": {"schemas": {"Name": TEXT}},
            "x-retry-policies": {"patient": {"retryStatuses": [408, "5XX"], "pausesInSeconds": [1, 2.5]}},
        }
    )


def operation_of(node: dict[str, Any], **where: Any) -> Operation:
    """Make an operation of such a contract."""
    return made(node, **where).operations["continueSession"]


def answering(schema: dict[str, Any] | None) -> Operation:
    """Make an operation whose answer has a schema, or no content."""
    content = {} if schema is None else {"content": {"application/json": {"schema": schema}}}
    return operation_of({"responses": {"200": {"description": "Good.", **content}}})


def violation_of(operation: Operation, body: Any) -> tuple[str, str]:
    """Say why a body is refused."""
    with pytest.raises(SchemaViolation) as raised:
        operation.encode_body(body)
    return raised.value.path, raised.value.reason


# --- Servers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://eu.example:443/eu"),
        ({"region": "us"}, "https://us.example:443/us"),
        ({"region": "us", "port": "8443"}, "https://us.example:8443/us"),
        ({"other": "x"}, "https://eu.example:443/eu"),
    ],
)
def test_the_variables_of_a_server_are_put_into_its_url(variables: dict[str, str], url: str) -> None:
    """Each wherever it stands; the contract's default where none is given."""
    operation = operation_of({"servers": [REPORTS]})
    assert operation.server_url(variables) == url
    assert list(operation.server_variables) == ["region", "port"]
    assert not operation.is_served_as_account


def test_a_server_without_variables_is_its_url() -> None:
    """Whatever is given."""
    assert operation_of({"servers": [OWN]}).server_url({"region": "us"}) == "https://own.example"
    assert contract().operations["findDomain"].server_url({}) == "https://api.liveperson.net"


def test_a_path_may_have_a_server_for_all_of_its_operations() -> None:
    """An operation's own comes before it, and the first of several counts."""
    assert operation_of({}, item={"servers": [REPORTS, OWN]}).server_url({}) == "https://eu.example:443/eu"
    assert operation_of({"servers": [OWN]}, item={"servers": [REPORTS]}).server_url({}) == "https://own.example"


def test_an_operation_without_a_server_goes_to_the_account() -> None:
    """Whose host is found, and is no variable that may be set."""
    operation = operation_of({}, item={"summary": "All of a kind."})
    assert operation.is_served_as_account
    assert list(operation.server_variables) == []
    assert operation.server_url({"domain": "va.example"}) == "https://va.example"


# --- Paths ------------------------------------------------------------------------------------------------------------


def test_what_lies_beside_operations_is_none() -> None:
    """A path may have a text, parameters and extensions of its own."""
    item = {"summary": "operationId", "parameters": [ACCOUNT_ID], "x-team": {"name": "reports"}}
    assert list(made({}, item=item).operations) == ["continueSession"]


def test_parameters_of_the_path_come_before_an_operations() -> None:
    """The operation has both."""
    operation = operation_of({"parameters": [SID, VERSION]}, item={"parameters": [ACCOUNT_ID, VISITOR_ID]})
    assert {name: (each.required, each.secret) for name, each in operation.parameters.items()} == {
        "account_id": (True, False),
        "visitor_id": (True, True),
        "sid": (False, True),
        "v": (False, False),
    }
    assert list(operation.parameters) == ["account_id", "visitor_id", "sid", "v"]


@pytest.mark.parametrize("where", [{"item": {"parameters": [SID]}}, {"item": {}}])
def test_parameters_may_stand_in_one_of_both_places(where: dict[str, Any]) -> None:
    """Or in none."""
    assert list(operation_of({}, **where).parameters) == (["sid"] if where["item"] else [])
    assert list(operation_of({"parameters": [SID]}).parameters) == ["sid"]


def test_ids_are_secret_and_the_account_is_not() -> None:
    """Numbers are masked as the texts that they are sent as."""
    operation = operation_of({"parameters": [ACCOUNT_ID, VISITOR_ID, SID, VERSION]})
    given = {"account_id": "demo", "visitor_id": "xyz", "sid": 5, "v": "1.0"}
    assert operation.secrets(given) == ["xyz", "5"]


@pytest.mark.parametrize(
    ("method", "path", "idempotent"),
    [("post", "/a", False), ("post", "/a/{visitorId}", True), ("put", "/a", True), ("get", "/a", True)],
)
def test_only_a_post_without_a_visitor_makes_one(method: str, path: str, *, idempotent: bool) -> None:
    """Anything else can arrive twice."""
    assert operation_of({}, method=method, path=path).idempotent is idempotent


def test_a_schema_component_is_found_by_its_name() -> None:
    """And compiled once."""
    built = made({})
    assert built.component("Name").accepts("a")
    assert not built.component("Name").accepts("")
    assert not built.component("Name").accepts(5)
    assert built.component("Name") is built.component("Name")


# --- Policies ---------------------------------------------------------------------------------------------------------


def test_statuses_are_single_or_hundreds() -> None:
    """Of these the first and the last."""
    policy = operation_of({"x-retry-policy": {"$ref": "#/x-retry-policies/patient"}}).policy
    assert policy.statuses == {408, *range(500, 600)}
    assert policy.pauses == (1.0, 2.5)
    assert policy.longest_retry_after == 0
    assert policy.outage_pauses == ()
    assert policy.account_loading is None


# --- Bodies -----------------------------------------------------------------------------------------------------------


def test_a_body_that_is_required_may_not_be_left_out() -> None:
    """It is checked as one that is null."""
    operation = operation_of(
        {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}
    )
    assert operation.encode_body({"a": 1}) == b'{"a":1}'
    assert violation_of(operation, None) == ("body", "must be of type object")


@pytest.mark.parametrize("required", [{}, {"required": False}])
def test_a_body_that_is_not_required_may_be_left_out(required: dict[str, bool]) -> None:
    """What is sent is checked all the same."""
    operation = operation_of(
        {
            "requestBody": {
                **required,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Name"}}},
            }
        }
    )
    assert operation.encode_body(None) is None
    assert operation.encode_body("a") == b'"a"'
    assert violation_of(operation, "") == ("body", "must have at least 1 characters")


def test_a_body_where_none_is_taken_is_refused() -> None:
    """With the operation's name; none is as it should be."""
    operation = operation_of({})
    assert operation.encode_body(None) is None
    assert violation_of(operation, {}) == ("body", "is not taken by continueSession")


# --- Answers ----------------------------------------------------------------------------------------------------------


def test_what_no_schema_says_is_told_as_the_model_does() -> None:
    """The schema here asks for less than the model needs."""
    with pytest.raises(SchemaViolation) as raised:
        answering({"type": "object"}).parse(b"{}")
    assert (raised.value.path, raised.value.reason) == ("body", "'status'")
    assert raised.value.__cause__ is None


def test_an_answer_of_another_status_is_told_by_its_status() -> None:
    """Even where it is a good one."""
    with pytest.raises(SchemaViolation) as raised:
        answering({"type": "object"}).parse(b"{}", 201)
    assert (raised.value.path, raised.value.reason) == ("status", "201 is not an answer that the contract has")


def test_the_body_of_each_impression_event_is_found_by_its_link() -> None:
    """Links of other kinds are none."""
    links = {
        "impDisplay": {"requestBody": {"impAttributes": 1}},
        "next": {"operationId": "continueSession"},
        "other": {"requestBody": {"a": 1}},
    }
    operation = operation_of({"responses": {"200": {"description": "Good.", "links": links}}})
    assert operation.impression_templates == {"impDisplay": {"impAttributes": 1}}
    assert answering(None).impression_templates == {}


def test_the_contract_is_the_one_that_code_was_generated_from() -> None:
    """Nothing of it is written twice."""
    document = json.loads(resources.files("liveperson_engagement_api").joinpath("openapi.json").read_bytes())
    assert list(contract().operations) == ["createSession", "continueSession", "updateSession", "findDomain"]
    assert contract().servers == document["servers"]
