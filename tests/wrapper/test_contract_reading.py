"""JSON, schemas and contracts by themselves, with what today's contract does not say."""

from collections.abc import Callable
from functools import reduce
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from doubles import GOOD, Play
from liveperson_engagement import _account, client, errors
from liveperson_engagement._contract import Contract, Operation, contract
from liveperson_engagement._json import (
    Check,
    LiberalReader,
    SchemaViolation,
    decode,
    decode_liberally,
    find_unencodable,
)
from liveperson_engagement_api.http import Request, Response

SCHEMAS: Any = yaml.safe_load("""
Name: {type: string, minLength: 1}
Either: {oneOf: [{type: integer}, {type: boolean}]}
Shape:
  oneOf: [{$ref: "#/components/schemas/Circle"}, {$ref: "#/components/schemas/Square"}]
  discriminator:
    propertyName: kind
    mapping: {circle: "#/components/schemas/Circle", square: "#/components/schemas/Square"}
Circle: {type: object, required: [kind, radius], properties: {kind: {const: circle}, radius: {type: number}}}
Square: {type: object, required: [kind, side], properties: {kind: {const: square}, side: {type: integer}}}
""")
COMPONENTS = {"schemas": SCHEMAS}
EITHER, NAME, SHAPE = ({"$ref": f"#/components/schemas/{name}"} for name in ("Either", "Name", "Shape"))
INTEGER, NUMBER = {"type": "integer"}, {"type": "number"}


def listing(items: Any) -> dict[str, Any]:
    """Make the schema of an object with a list."""
    return {"type": "object", "properties": {"all": {"type": "array", "items": items}}}


def violation(call: Any, *arguments: Any) -> tuple[str, str]:
    """Say why something is refused."""
    with pytest.raises(SchemaViolation) as raised:
        call(*arguments)
    assert raised.value.__cause__ is None
    return raised.value.path, raised.value.reason


BOM = b"\xef\xbb\xbf"


def test_json_is_read_strictly_or_as_far_as_it_goes() -> None:
    """With a byte order mark or not. Of the one kind is RFC 8259; the other leaves what is no text or number."""
    for mark in (b"", BOM):
        content = mark + b'{"a": [1, 2.5, null, true]}'
        assert decode(content) == decode_liberally(content) == {"a": [1, 2.5, None, True]}
    for content in (b"", b"{", b'"a"' + BOM, b"[" * 100_000, b"1 2"):
        assert violation(decode, content) == violation(decode_liberally, content) == ("body", "must be JSON")
    for content in (b'{"a": NaN}', b"-Infinity", b'"\xff"', b'"a\nb"'):
        assert violation(decode, content) == ("body", "must be JSON")
    assert violation(decode, rb'{"a": ["\uD800"]}') == ("a[0]", "must be text without lone surrogates")
    assert decode_liberally(b'{"a": "x\xff", "b": "y", "c": "p\nq"}') == {"a": "x\udcff", "b": "y", "c": "p\nq"}
    assert decode_liberally(b"[1e999, -Infinity]") == [float("inf"), float("-inf")]
    assert decode_liberally(b"9" * 300) == int("9" * 300)
    assert decode_liberally(b"9" * 301) == float("9" * 301)


def test_two_hundred_levels_are_not_too_deep() -> None:
    """One more is."""
    for depth, said in ((200, "cannot be written as JSON"), (201, "is nested too deeply, or contains itself")):
        assert find_unencodable(reduce(lambda inner, _: [inner], range(depth), list[Any]())).reason == said


OBJECT = {**listing({"type": "string"}), "maxProperties": 1}
UNION = "is none of the contract's alternatives"
TAG = "must be one of circle, square"


@pytest.mark.parametrize(
    ("schema", "value", "path", "reason"),
    [
        ({"type": "string", "format": "date-time"}, "yesterday", "body", "must be a valid date-time"),
        (OBJECT, {"all": [object()]}, "all[0]", "must be a JSON value, not object"),
        (OBJECT, {"a": 1, "b": 2}, "body", "breaks the contract's rule maxProperties"),
        (EITHER, "x", "body", UNION),
        (listing(EITHER), {"all": [1, True, "x"]}, "all[2]", UNION),
        (SHAPE, {"kind": "circle"}, "radius", "is required"),
        (SHAPE, {"kind": "square", "side": 1.5}, "side", "must be of type integer"),
        (SHAPE, {"kind": "line"}, "kind", TAG),
        (SHAPE, dict[str, Any](), "kind", TAG),
        (listing(SHAPE), {"all": [{"kind": "circle"}]}, "all[0].radius", "is required"),
        (listing(SHAPE), {"all": [dict[str, Any]()]}, "all[0].kind", TAG),
    ],
)
def test_what_a_schema_forbids_is_told_with_its_place(schema: Any, value: Any, path: str, reason: str) -> None:
    """Formats are rules; of alternatives with a tag the one that is meant is told."""
    check = Check(COMPONENTS, schema)
    assert violation(check, value) == (path, reason)
    assert not check.accepts(value)


PARTS = {"a": INTEGER, "b": NAME}


@pytest.mark.parametrize(
    ("schema", "value", "read"),
    [
        ({"type": "array", "items": INTEGER}, ["1", 2, "x"], [1, 2, "x"]),
        ({"type": "array", "items": NAME}, (1, "a"), ["1", "a"]),
        ({"type": "array"}, ["1"], ["1"]),
        (INTEGER, ["1"], ["1"]),
        (NAME, 5, "5"),
        ({"allOf": [{"type": "string"}, {"minLength": 1}]}, 5, "5"),
        ({"allOf": [{"properties": PARTS}, {"properties": {"c": NAME}}]}, {"a": "1", "c": 2}, {"a": 1, "c": "2"}),
        ({"allOf": [{"properties": PARTS}], "properties": {"c": NAME}}, {"a": "1", "c": 2}, {"a": 1, "c": "2"}),
        (listing(NUMBER), {"all": ["1", "2.5"]}, {"all": [1, 2.5]}),
        (listing(NUMBER), {"all": ["one"]}, {}),
        (SHAPE, {"kind": "circle", "radius": "2"}, {"kind": "circle", "radius": 2}),
        (SHAPE, {"kind": "line", "side": "2"}, {"kind": "line", "side": "2"}),
        (SHAPE, {"kind": ["circle"], "radius": "2"}, {"kind": ["circle"], "radius": "2"}),
        (SHAPE, "circle", "circle"),
        ({"properties": PARTS, "required": ["a"]}, {"a": "x", "b": []}, {"a": "x"}),
        ({"properties": {"b": {}}}, {"b": "\udcff", "c": float("nan"), "d": "z"}, {"d": "z"}),
        ({"properties": {"b": {}, "c": {}}}, {"b": float("nan"), "c": [float("inf")]}, {}),
    ],
)
def test_what_can_be_read_of_a_value_is_read(schema: dict[str, Any], value: Any, read: Any) -> None:
    """By all parts of a schema and each item of a list; what is required stays, other members go if they are wrong."""
    assert LiberalReader(COMPONENTS).read(schema, value) == read


ACCOUNT_ID = {"name": "accountId", "in": "path", "required": True, "schema": NAME}
VISITOR_ID = {"name": "visitorId", "in": "path", "required": True, "schema": NAME}
SID = {"name": "sid", "in": "query", "schema": NAME}
VERSION = {"name": "v", "in": "query", "required": True, "schema": {"const": "1.0"}}


def made(node: dict[str, Any], item: dict[str, Any] | None = None, method: str = "post", path: str = "/a") -> Contract:
    """Make a contract of one operation; its id is one that code was generated for."""
    policy = {"$ref": "#/x-retry-policies/patient"}
    operation = {"operationId": "continueSession", "responses": {}, "x-retry-policy": policy, **node}
    return Contract(
        {
            "servers": [{"url": "https://{domain}", "variables": {"domain": {"default": "host.example"}}}],
            "paths": {path: {**(item or {}), method: operation}},
            "components": COMPONENTS,
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


def test_parameters_are_the_paths_and_the_operations() -> None:
    """In this order. Ids are secret, and the account is not; what is fixed need not be given."""
    shared = {"summary": "operationId", "parameters": [ACCOUNT_ID, VISITOR_ID], "x-team": {"name": "reports"}}
    [operation] = made({"parameters": [SID, VERSION]}, shared).operations.values()
    assert [(name, each.required, each.secret) for name, each in operation.parameters.items()] == [
        ("account_id", True, False),
        ("visitor_id", True, True),
        ("sid", False, True),
        ("v", False, False),
    ]
    assert operation.secrets({"account_id": "demo", "visitor_id": "xyz", "sid": 5, "v": "1.0"}) == ["xyz", "5"]


def test_only_a_post_without_a_visitor_makes_one() -> None:
    """Anything else can arrive twice."""
    for method, path, idempotent in (("post", "/a", False), ("post", "/a/{visitorId}", True), ("put", "/a", True)):
        assert operation_of({}, method=method, path=path).idempotent is idempotent


def test_a_schema_component_is_found_by_its_name() -> None:
    """And compiled once."""
    built = made({})
    name = built.component("Name")
    assert [name.accepts(value) for value in ("a", "", 5)] == [True, False, False]
    assert built.component("Name") is name


def test_statuses_are_single_or_hundreds() -> None:
    """Of these the first and the last; what else a policy may say is left out."""
    policy = operation_of({}).policy
    assert policy.statuses == {408, *range(500, 600)}
    assert (policy.pauses, policy.longest_retry_after, policy.outage_pauses) == ((1.0, 2.5), 0, ())
    assert policy.account_loading is None


def test_a_body_may_be_required_or_left_out_or_not_taken() -> None:
    """What is sent is checked in any case; what is required and left out is null."""
    required = taking({"type": "object"}, required=True)
    assert required.encode_body({"a": 1}) == b'{"a":1}'
    assert violation(required.encode_body, None) == ("body", "must be of type object")
    for options in ({}, {"required": False}):
        optional = taking(NAME, **options)
        assert [optional.encode_body(value) for value in (None, "a")] == [None, b'"a"']
        assert violation(optional.encode_body, "") == ("body", "must have at least 1 characters")
    assert operation_of({}).encode_body(None) is None
    assert violation(operation_of({}).encode_body, {}) == ("body", "is not taken by continueSession")


def test_what_the_contract_does_not_have_is_found_at_any_depth() -> None:
    """In a part of an object as well, where the other part knows more."""
    inner: dict[str, Any] = {"a": {"type": "object", "properties": {"b": {}}}}
    operation = taking({"allOf": [{"properties": inner}, {"properties": {"c": {}}}]})
    assert operation.unknown_member({"a": {"b": 1}, "c": 1}) is None
    found = operation.unknown_member({"a": {"d": 1}})
    assert (found and found.path) == "a.d"


def test_what_no_schema_says_is_told_as_the_model_does() -> None:
    """The schema here asks for less than the model needs; an answer of another status is told by that."""
    operation = answering(content={"application/json": {"schema": {"type": "object"}}})
    assert violation(operation.parse, b"{}") == ("body", "'status'")
    assert violation(operation.parse, b"{}", 201) == ("status", "201 is not an answer that the contract has")


def test_the_body_of_each_impression_event_is_found_by_its_link() -> None:
    """Links of other kinds are none."""
    body = {"impAttributes": 1}
    links = {"impDisplay": {"requestBody": body}, "next": {"operationId": "a"}, "other": {"requestBody": {"a": 1}}}
    assert answering(links=links).impression_templates == {"impDisplay": body}
    assert answering().impression_templates == {}


REGIONS = {"region": {"default": "eu"}, "port": {"default": "443"}}
REPORTS = {"url": "https://{region}.example:{port}/{region}", "variables": REGIONS}
OWN = {"url": "https://own.example"}


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have one operation served elsewhere, as today's contract has none; it takes no account and no body."""

    def serve(node: Any, item: Any = None) -> None:
        today, operation = contract(), operation_of(node, item=item)
        operation.__dict__["generated"] = SimpleNamespace(PARAMETERS={}, build_request=lambda: Request("GET", "/"))
        operations = {**today.operations, "continueSession": operation}
        changed = SimpleNamespace(operations=operations, component=today.component)
        for module in (_account, client):
            monkeypatch.setattr(module, "contract", lambda: changed)

    return serve


@pytest.mark.parametrize(
    ("node", "item", "variables", "url"),
    [
        ({}, {"summary": "All of a kind."}, {}, "https://given.example"),
        ({"servers": [REPORTS]}, {}, {"region": "us"}, "https://us.example:443/us"),
        ({"servers": [REPORTS]}, {}, {"region": "us", "port": "8443"}, "https://us.example:8443/us"),
        ({"servers": [OWN]}, {"servers": [REPORTS]}, {}, "https://own.example"),
        ({}, {"servers": [REPORTS, OWN]}, {}, "https://eu.example:443/eu"),
        ({"servers": [{"url": "https://api.liveperson.net"}]}, {}, {}, "https://domains.example"),
    ],
)
def test_an_operation_is_sent_to_its_server(serve: Any, node: Any, item: Any, variables: Any, url: str) -> None:
    """Its own, or its path's, or the account's, or the Domain API in use; without an account if it takes none."""
    serve(node, item)
    urls = {"base_url": "https://given.example", "domain_api": "https://domains.example"}
    play = Play(Response(200), server_variables=variables, **urls)
    with pytest.raises(errors.InvalidResponse, match="status"):
        play.client.call("continueSession")  # type: ignore[call-overload]
    assert [sent[0] for sent in play.sent] == [url]


def test_server_variables_are_told_by_the_contracts_names(serve: Any) -> None:
    """Those of all operations; the account's host is not one of them."""
    serve({"servers": [REPORTS]})
    wrong: list[Any] = [{"host": "a"}, {"port": 80}, {"region": "eu", 5: "a"}, {"domain": "a"}]
    for variables in wrong:
        with pytest.raises(errors.InvalidRequest, match=r"^server_variables: must be texts for port, region$"):
            Play(GOOD, server_variables=variables)
    assert Play(GOOD, server_variables=None).client
    for variables in ({"region": "a b"}, {"port": "0"}):
        play = Play(GOOD, server_variables=variables)
        with pytest.raises(errors.InvalidRequest, match=r"^server_variables: must be a URL such as https://host"):
            play.client.call("continueSession")  # type: ignore[call-overload]
        assert not play.sent
