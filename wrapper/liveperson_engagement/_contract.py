"""The contract as the wrapper uses it: schemas, retry policies, servers and links are read from it, never restated."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from liveperson_engagement_api import api
from liveperson_engagement_api.errors import ResponseError

from ._json import (
    Check,
    LiberalReader,
    SchemaViolation,
    decode,
    decode_liberally,
    encode,
    follow,
    is_array,
    is_object,
    plain_text,
)


@dataclass(frozen=True, slots=True, eq=False)
class AccountLoadingRule:
    """How the service says that it is still loading an account, and what the retries do about it."""

    status: int
    internal_code: int
    visitor_in_message: re.Pattern[str]
    operation_id: str
    """What starts a visit."""
    retry_operation_id: str
    """What is sent instead, for the visitor that the message names."""


@dataclass(frozen=True, slots=True, eq=False)
class DocumentedPolicy:
    """What an operation's `x-retry-policy` says; times in seconds."""

    statuses: frozenset[int]
    pauses: tuple[float, ...]
    longest_retry_after: float
    outage_pauses: tuple[float, ...]
    account_loading: AccountLoadingRule | None


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """What the contract says of a parameter."""

    required: bool
    secret: bool
    """Whether its values may name a visitor: it is neither fixed nor the account."""
    check: Check


class Operation:
    """One operation of the contract, with what its schemas allow."""

    def __init__(self, contract: Contract, path: str, method: str, node: dict[str, Any]) -> None:
        self.id: str = node["operationId"]
        self.idempotent = method != "post" or f"{{{VISITOR_ID}}}" in path
        """Whether it can arrive twice without putting a second visitor on the list."""
        self._contract, self._node = contract, node
        self._server: dict[str, Any] = (node.get("servers") or contract.servers)[0]
        self.is_served_as_account: bool = self._server == contract.servers[0]
        """Whether it is sent to the account's host, and not to a server of its own."""

    @functools.cached_property
    def generated(self) -> api.Operation:
        """The generated module: `build_request` and `parse_response`."""
        return api.operation(self.id)

    @functools.cached_property
    def policy(self) -> DocumentedPolicy:
        """The documented retry policy."""
        policy = self._contract.resolve(self._node["x-retry-policy"])
        loading = policy.get("loadingAccount")
        return DocumentedPolicy(
            statuses=frozenset(status for entry in policy["retryStatuses"] for status in _statuses(entry)),
            pauses=tuple(float(pause) for pause in policy["pausesInSeconds"]),
            longest_retry_after=policy.get("retryAfter", {}).get("maximumInSeconds", 0.0),
            outage_pauses=tuple(float(pause) for pause in policy.get("longOutage", {}).get("pausesInSeconds", ())),
            account_loading=loading
            and AccountLoadingRule(
                loading["status"],
                loading["internalCode"],
                re.compile(loading["visitorIdInMessage"]),
                loading["operationId"],
                loading["retryOperationId"],
            ),
        )

    @functools.cached_property
    def for_known_visitor(self) -> Operation:
        """What asks the same for a visitor who is known: what is sent again after "Loading account"."""
        loading = self.policy.account_loading
        if loading is None or loading.operation_id != self.id:
            return self
        return self._contract.operations[loading.retry_operation_id]

    @property
    def server_variables(self) -> Collection[str]:
        """What may be set of the URL of the operation's own server."""
        return () if self.is_served_as_account else self._server.get("variables", {}).keys()

    def server_url(self, variables: Mapping[str, str]) -> str:
        """Return the URL of the operation's server; what is not among the values has the contract's default."""
        url: str = self._server["url"]
        for name, variable in self._server.get("variables", {}).items():
            url = url.replace(f"{{{name}}}", variables.get(name, variable["default"]))
        return url

    @functools.cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """The parameters by the names that `build_request` takes."""
        found: dict[str, Parameter] = {}
        for node in map(self._contract.resolve, self._node.get("parameters", ())):
            name, schema = node["name"], self._contract.resolve(node["schema"])
            fixed, required = "default" in schema or "const" in schema, node.get("required", False)
            check = self._contract.check(node["schema"])
            found[self.generated.PARAMETERS[name]] = Parameter(
                required and not fixed, not fixed and name != ACCOUNT_ID, check
            )
        return found

    @functools.cached_property
    def _secret_names(self) -> frozenset[str]:
        return frozenset(name for name, parameter in self.parameters.items() if parameter.secret)

    @functools.cached_property
    def impression_templates(self) -> dict[str, Any]:
        """The body of each kind of impression event, by its link; see `resolve_expressions`."""
        links = self._contract.resolve(self._node["responses"]["200"]).get("links", {})
        bodies = {name: link.get("requestBody", {}) for name, link in links.items()}
        return {name: body for name, body in bodies.items() if "impAttributes" in body}

    def check_arguments(self, arguments: Mapping[str, Any]) -> None:
        """Raise `SchemaViolation` unless the parameters are those that the operation takes."""
        for name in arguments.keys() - self.parameters.keys():
            raise SchemaViolation([name], f"is no parameter of {self.id}, which takes {', '.join(self.parameters)}")
        for name, parameter in self.parameters.items():
            value = arguments.get(name)
            if value is None and parameter.required:
                raise SchemaViolation([name], "is required")
            try:
                if value is not None:
                    parameter.check(value)
            except SchemaViolation as violation:
                raise SchemaViolation([name], violation.reason) from None

    def secrets(self, arguments: Mapping[str, Any]) -> list[str]:
        """Return the arguments that must not be printed."""
        return [plain_text(value) for name, value in arguments.items() if name in self._secret_names]

    def encode_body(self, value: Any) -> bytes | None:
        """Encode a request's body as JSON, if there is one; raise `SchemaViolation` unless the operation takes it."""
        body = self._contract.resolve(self._node.get("requestBody", {}))
        if value is None and not body.get("required", False):
            return None
        if not body:
            raise SchemaViolation([], f"is not taken by {self.id}")
        content = encode(value)
        self._check_body(value)
        return content

    def unknown_member(self, value: Any) -> SchemaViolation | None:
        """Return the first member of a right body that the contract does not have, with the name that is meant."""
        try:
            self._check_members(value)
        except SchemaViolation as violation:
            return violation
        return None

    def parse(self, content: bytes, status: int = 200) -> Any:
        """Return the model of an answer, None for an empty one; raise `SchemaViolation` unless what is needed is right.

        See `LiberalReader` for what is taken that the contract does not have.
        """
        if status not in self._answers:
            raise SchemaViolation(["status"], f"{status} is not an answer that the contract has")
        schema, check = self._answers[status]
        try:
            value: Any = decode(content) if schema or content.strip() else {}
            check(value)
        except SchemaViolation:
            value = self._contract.liberal_reader.read(schema, decode_liberally(content))
            encode(value)  # or it could not be stored
            check(value)
        try:
            return self.generated.parse_response(status, value)
        except ResponseError as error:  # what a schema cannot say, such as 64 bits in quotes
            raise SchemaViolation([], str(error.__cause__)) from None

    @functools.cached_property
    def _check_body(self) -> Check:
        return self._contract.check(_schema(self._contract.resolve(self._node["requestBody"])))

    @functools.cached_property
    def _check_members(self) -> Check:
        schema = _schema(self._contract.resolve(self._node["requestBody"]))
        return Check(self._contract.closed_components, _closed(schema, member=True))

    @functools.cached_property
    def _answers(self) -> dict[int, tuple[dict[str, Any], Check]]:
        """The schema of each good answer, empty where it has no content, and what checks it."""
        answers = {int(status): node for status, node in self._node["responses"].items() if status.startswith("2")}
        schemas = {status: _schema(self._contract.resolve(node)) for status, node in answers.items()}
        return {
            status: (schema, self._contract.check(schema or {"type": "object"})) for status, schema in schemas.items()
        }


class Contract:
    """The OpenAPI document, with what is derived from it once."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self.servers: list[dict[str, Any]] = document["servers"]
        """Where the account is served."""
        self.operations: dict[str, Operation] = {
            node["operationId"]: Operation(self, path, method, _with_shared(item, node))
            for path, item in document["paths"].items()
            for method, node in item.items()
            if is_object(node) and "operationId" in node
        }
        self.liberal_reader = LiberalReader(document["components"])
        self._checks: dict[str, Check] = {}

    @functools.cached_property
    def closed_components(self) -> dict[str, Any]:
        """The components, with no other members of objects than those that are named."""
        closed: dict[str, Any] = _closed(self._document["components"])
        return closed

    def component(self, name: str) -> Check:
        """Return what checks a value against a schema component."""
        if name not in self._checks:
            self._checks[name] = self.check({"$ref": f"#/components/schemas/{name}"})
        return self._checks[name]

    def check(self, schema: dict[str, Any]) -> Check:
        """Compile a schema of this document."""
        return Check(self._document["components"], schema)

    def resolve(self, node: Any) -> Any:
        """Return a node of the document, or what its $ref points to."""
        return follow(self._document, node["$ref"].removeprefix("#/").split("/")) if "$ref" in node else node


@functools.cache
def contract() -> Contract:
    """Load the contract that the generated package was written from."""
    from importlib import resources  # noqa: PLC0415 - only calls need it

    return Contract(json.loads(resources.files("liveperson_engagement_api").joinpath("openapi.json").read_bytes()))


def resolve_expressions(template: Any, answer: dict[str, Any]) -> Any:
    """Replace the runtime expressions of a link's requestBody by values of the answer that the link belongs to."""
    if is_object(template):
        return {name: resolve_expressions(part, answer) for name, part in template.items()}
    if is_array(template):
        return [resolve_expressions(part, answer) for part in template]
    if isinstance(template, str) and template.startswith("$response.body#/"):
        return follow(answer, template.removeprefix("$response.body#/").split("/"))
    return template


ACCOUNT_ID, VISITOR_ID = "accountId", "visitorId"
"""Parameters that mean the same in every operation."""


def _closed(node: Any, *, member: bool = False) -> Any:
    """Copy a schema so that each object that is a member or an item of another has no unknown members.

    Not the parts of allOf, oneOf and anyOf, which each know some members of the same object.
    """
    if is_array(node):
        return [_closed(part) for part in node]
    if not is_object(node):
        return node
    closed = {name: _closed(part, member=name == "items") for name, part in node.items()}
    if is_object(node.get("properties")):
        closed["properties"] = {name: _closed(part, member=True) for name, part in node["properties"].items()}
    return {**closed, "unevaluatedProperties": False} if member else closed


def _statuses(entry: int | str) -> range:
    """Return the statuses that an entry such as 408 or 5XX stands for."""
    if isinstance(entry, int):
        return range(entry, entry + 1)
    return range(100 * int(entry[0]), 100 * int(entry[0]) + 100)


def _with_shared(item: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Give an operation what its path says for all of its operations."""
    parameters = [*item.get("parameters", ()), *node.get("parameters", ())]
    return {"servers": item.get("servers"), **node, "parameters": parameters}


def _schema(holder: Any) -> dict[str, Any]:
    schema: dict[str, Any] = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return schema
