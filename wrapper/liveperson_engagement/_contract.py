"""The contract as the wrapper uses it: schemas, retry policies and links are read from it, never restated."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from liveperson_engagement_api import api as generated
from liveperson_engagement_api.errors import ResponseError

from ._json import Path, SchemaViolation, decode, encode, find_unencodable, is_array, is_object

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind


@dataclass(frozen=True, slots=True, eq=False)
class DocumentedPolicy:
    """What an operation's `x-retry-policy` says; times in seconds."""

    statuses: range
    pauses: tuple[float, ...]
    longest_retry_after: float
    account_loading: tuple[int, int]
    """Status and internal code of "Loading account"."""
    visitor_in_message: re.Pattern[str]
    outage_pauses: tuple[float, ...]


class Operation:
    """One operation of the contract, with what its schemas allow."""

    def __init__(self, contract: Contract, path: str, method: str, node: dict[str, Any]) -> None:
        self.id: str = node["operationId"]
        self.method, self.path = method.upper(), path
        self.idempotent = method != "post" or "{visitorId}" in path
        """Whether it can arrive twice without putting a second visitor on the list."""
        self._contract, self._node = contract, node
        self._answer = contract.resolve(node["responses"]["200"])
        self._answer_schema = _schema(self._answer)

    @functools.cached_property
    def policy(self) -> DocumentedPolicy:
        """The documented retry policy."""
        policy = self._contract.resolve(self._node["x-retry-policy"])
        return DocumentedPolicy(
            statuses=range(policy["retryStatuses"]["minimum"], policy["retryStatuses"]["maximum"] + 1),
            pauses=tuple(float(pause) for pause in policy["pausesInSeconds"][: policy["maxRetries"]]),
            longest_retry_after=policy["retryAfter"]["maximumInSeconds"],
            account_loading=(policy["loadingAccount"]["status"], policy["loadingAccount"]["internalCode"]),
            visitor_in_message=re.compile(policy["loadingAccount"]["visitorIdInMessage"]),
            outage_pauses=tuple(float(pause) for pause in policy["longOutage"]["pausesInSeconds"]),
        )

    @functools.cached_property
    def impression_templates(self) -> dict[str, Any]:
        """The body of each kind of impression event, by its link; see `resolve_expressions`."""
        links = self._answer.get("links", {})
        bodies = {name: link.get("requestBody", {}) for name, link in links.items()}
        return {name: body for name, body in bodies.items() if "impAttributes" in body}

    def encode_body(self, value: Any) -> bytes:
        """Encode a request's body as JSON; raise `SchemaViolation` unless the operation takes it."""
        content = encode(value)
        self._check_body(value)
        return content

    def parse(self, content: bytes) -> Any:
        """Return the model of a 200's body, None for an empty one; raise `SchemaViolation` unless it is right."""
        value: Any = decode(content) if content.strip() or self._answer_schema else {}
        self._check_answer(value)
        try:
            return self.generated.parse_response(200, value)
        except ResponseError as error:  # what a schema cannot say, such as 64 bits in quotes
            raise SchemaViolation([], str(error.__cause__)) from None

    @functools.cached_property
    def _check_body(self) -> Check:
        return self._contract.check(_schema(self._contract.resolve(self._node["requestBody"])))

    @functools.cached_property
    def _check_answer(self) -> Check:
        return self._contract.check(self._answer_schema or {"type": "object"})

    @functools.cached_property
    def generated(self) -> generated.Operation:
        """The generated module: `build_request` and `parse_response`."""
        return generated.operation(self.id)


class Check:
    """A schema, compiled."""

    def __init__(self, components: dict[str, Any], schema: dict[str, Any]) -> None:
        from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - importing it takes long

        self._components = components
        schema = {**schema, "components": components}
        self._validator: Draft202012Validator = Draft202012Validator(schema, validate_formats=True)

    def __call__(self, value: Any) -> None:
        """Raise `SchemaViolation` unless a value is what the schema describes."""
        try:
            if self._validator.is_valid(value):
                return
            error = next(self._validator.iter_errors(value))
        except ValueError:  # a Python value that no JSON type stands for
            raise find_unencodable(value) from None
        raise SchemaViolation(*self._explain(error))

    def _explain(self, error: ValidationError) -> tuple[Path, str]:
        from jsonschema_rs import ValidationErrorKind  # noqa: PLC0415 - importing it takes long

        path, kind = list(error.instance_path), error.kind
        if isinstance(kind, ValidationErrorKind.OneOfNotValid):
            return self._explain_union(error, kind)
        if isinstance(kind, ValidationErrorKind.Required):
            path.append(kind.property)
        facts = {name: ", ".join(map(str, fact)) if is_array(fact) else fact for name, fact in kind.as_dict().items()}
        return path, _REASONS.get(kind.name, "breaks the contract's rule {name}").format(**{"name": kind.name, **facts})

    def _explain_union(self, error: ValidationError, kind: ValidationErrorKind.OneOfNotValid) -> tuple[Path, str]:
        trail = list(error.schema_path)
        union = trail[len(trail) - trail[::-1].index("components") : -1]
        discriminator = _at(self._components, union)["discriminator"]
        tag = [*error.instance_path, discriminator["propertyName"]]
        for branch in kind.context:
            explained = [self._explain(part) for part in branch]
            if all(path != tag for path, _ in explained):
                return explained[0]  # the member that was meant: its tag is right
        return tag, f"must be one of {', '.join(discriminator['mapping'])}"


class Contract:
    """The OpenAPI document, with what is derived from it once."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self.operations: dict[str, Operation] = {
            node["operationId"]: Operation(self, path, method, node)
            for path, item in document["paths"].items()
            for method, node in item.items()
            if is_object(node) and "operationId" in node
        }
        self._components: dict[str, Check] = {}

    def check_value(self, component: str, value: Any) -> None:
        """Raise `SchemaViolation` unless a value is what the named schema component describes."""
        if component not in self._components:
            self._components[component] = self.check({"$ref": f"#/components/schemas/{component}"})
        self._components[component](value)

    def check(self, schema: dict[str, Any]) -> Check:
        """Compile a schema of this document."""
        return Check(self._document["components"], schema)

    def resolve(self, node: Any) -> Any:
        """Return a node of the document, or what its $ref points to."""
        return _at(self._document, node["$ref"].removeprefix("#/").split("/")) if "$ref" in node else node


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
        return _at(answer, template.removeprefix("$response.body#/").split("/"))
    return template


_REASONS = {
    "required": "is required",
    "type": "must be of type {types}",
    "enum": "must be one of {options}",
    "const": "must be {expected_value}",
    "pattern": "must match the pattern {pattern}",
    "format": "must be a valid {format}",
    "minimum": "must be at least {limit}",
    "maximum": "must be at most {limit}",
    "minLength": "must have at least {limit} characters",
    "maxLength": "must have at most {limit} characters",
}
"""What to say of a broken rule; the names in braces are jsonschema-rs's own for the rule's facts."""


def _schema(holder: Any) -> Any:
    return holder.get("content", {}).get("application/json", {}).get("schema")


def _at(node: Any, keys: Iterable[Any]) -> Any:
    return functools.reduce(lambda part, key: part[key], keys, node)
