"""What a contract may say that today's does not: servers of its own, shared parameters, bodies left out, ranges."""

from __future__ import annotations

from typing import Any

import pytest

from liveperson_engagement._contract import Contract, Operation, contract
from liveperson_engagement._json import SchemaViolation
from strategies import CONTRACT

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


def made(node: dict[str, Any], item: dict[str, Any] | None = None, method: str = "post", path: str = "/a") -> Contract:
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


def taking(schema: dict[str, Any], **more: Any) -> Operation:
    """Make an operation with a body."""
    return operation_of({"requestBody": {**more, "content": {"application/json": {"schema": schema}}}})


def answering(**more: Any) -> Operation:
    """Make an operation with one good answer."""
    return operation_of({"responses": {"200": {"description": "Good.", **more}}})


def violation(call: Any, *arguments: Any) -> tuple[str, str]:
    """Say why something is refused."""
    with pytest.raises(SchemaViolation) as raised:
        call(*arguments)
    assert raised.value.__cause__ is None
    return raised.value.path, raised.value.reason


@pytest.mark.parametrize(
    ("node", "item", "variables", "url"),
    [
        ({"servers": [REPORTS]}, {}, {}, "https://eu.example:443/eu"),
        ({"servers": [REPORTS]}, {}, {"region": "us"}, "https://us.example:443/us"),
        ({"servers": [REPORTS]}, {}, {"region": "us", "port": "8443"}, "https://us.example:8443/us"),
        ({"servers": [REPORTS]}, {}, {"other": "x"}, "https://eu.example:443/eu"),
        ({"servers": [OWN]}, {}, {"region": "us"}, "https://own.example"),
        ({}, {"servers": [REPORTS, OWN]}, {}, "https://eu.example:443/eu"),
        ({"servers": [OWN]}, {"servers": [REPORTS]}, {}, "https://own.example"),
        ({}, {"summary": "All of a kind."}, {"domain": "va.example"}, "https://va.example"),
    ],
)
def test_an_operation_has_a_server(node: Any, item: Any, variables: dict[str, str], url: str) -> None:
    """Its own, or its path's, or the account's; variables stand in its URL, with the contract's defaults."""
    operation = operation_of(node, item=item)
    assert operation.server_url(variables) == url
    assert operation.is_served_as_account is ("va.example" in url)
    assert list(operation.server_variables) == (["region", "port"] if "eu" in url or "us" in url else [])


@pytest.mark.parametrize(
    ("node", "item", "names"),
    [
        ({"parameters": [SID, VERSION]}, {"parameters": [ACCOUNT_ID, VISITOR_ID]}, "account_id visitor_id sid v"),
        ({"parameters": [SID]}, {}, "sid"),
        ({}, {"summary": "operationId", "parameters": [SID], "x-team": {"name": "reports"}}, "sid"),
        ({}, {}, ""),
    ],
)
def test_parameters_of_the_path_come_before_an_operations(node: Any, item: Any, names: str) -> None:
    """What else lies beside operations is none."""
    built = made(node, item=item)
    assert list(built.operations) == ["continueSession"]
    assert " ".join(built.operations["continueSession"].parameters) == names


def test_ids_are_secret_and_the_account_is_not() -> None:
    """Numbers are masked as the texts that they are sent as; what is fixed need not be given."""
    operation = operation_of({"parameters": [ACCOUNT_ID, VISITOR_ID, SID, VERSION]})
    assert {name: (each.required, each.secret) for name, each in operation.parameters.items()} == {
        "account_id": (True, False),
        "visitor_id": (True, True),
        "sid": (False, True),
        "v": (False, False),
    }
    assert operation.secrets({"account_id": "demo", "visitor_id": "xyz", "sid": 5, "v": "1.0"}) == ["xyz", "5"]


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
    name = built.component("Name")
    assert [name.accepts(value) for value in ("a", "", 5)] == [True, False, False]
    assert built.component("Name") is name


def test_statuses_are_single_or_hundreds() -> None:
    """Of these the first and the last."""
    policy = operation_of({"x-retry-policy": {"$ref": "#/x-retry-policies/patient"}}).policy
    assert policy.statuses == {408, *range(500, 600)}
    assert (policy.pauses, policy.longest_retry_after, policy.outage_pauses) == ((1.0, 2.5), 0, ())
    assert policy.account_loading is None


def test_a_body_may_be_required_or_left_out_or_not_taken() -> None:
    """What is sent is checked in any case; what is required and left out is null."""
    required = taking({"type": "object"}, required=True)
    assert required.encode_body({"a": 1}) == b'{"a":1}'
    assert violation(required.encode_body, None) == ("body", "must be of type object")
    for options in ({}, {"required": False}):
        optional = taking({"$ref": "#/components/schemas/Name"}, **options)
        assert [optional.encode_body(value) for value in (None, "a")] == [None, b'"a"']
        assert violation(optional.encode_body, "") == ("body", "must have at least 1 characters")
    assert operation_of({}).encode_body(None) is None
    assert violation(operation_of({}).encode_body, {}) == ("body", "is not taken by continueSession")


def test_what_no_schema_says_is_told_as_the_model_does() -> None:
    """The schema here asks for less than the model needs; an answer of another status is told by that."""
    operation = answering(content={"application/json": {"schema": {"type": "object"}}})
    assert violation(operation.parse, b"{}") == ("body", "'status'")
    assert violation(operation.parse, b"{}", 201) == ("status", "201 is not an answer that the contract has")


def test_a_rule_that_is_new_in_the_contract_is_told_by_its_name() -> None:
    """For what it has today there are better words."""
    operation = taking({"type": "object", "maxProperties": 1})
    assert violation(operation.encode_body, {"a": 1, "b": 2}) == ("body", "breaks the contract's rule maxProperties")


def test_the_body_of_each_impression_event_is_found_by_its_link() -> None:
    """Links of other kinds are none."""
    links = {
        "impDisplay": {"requestBody": {"impAttributes": 1}},
        "next": {"operationId": "continueSession"},
        "other": {"requestBody": {"a": 1}},
    }
    assert answering(links=links).impression_templates == {"impDisplay": {"impAttributes": 1}}
    assert answering().impression_templates == {}


def test_the_contract_is_the_one_that_code_was_generated_from() -> None:
    """Nothing of it is written twice."""
    assert list(contract().operations) == ["createSession", "continueSession", "updateSession", "findDomain"]
    assert contract().servers == CONTRACT["servers"]
    assert contract().operations["findDomain"].server_url({}) == "https://api.liveperson.net"
