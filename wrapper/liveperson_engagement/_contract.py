"""The contract as the wrapper uses it: schemas, retry policy and links are read from it, never restated.

What the contract could not express: a message that names the wrong field and never repeats its value.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .jsontext import Breach, Path, decode, encode, is_array, is_object, not_json

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind


@dataclass(frozen=True, slots=True)
class DocumentedPolicy:
    """What an operation's `x-retry-policy` says; times in seconds."""

    statuses: range
    pauses: tuple[float, ...]
    longest_retry_after: float
    loading: tuple[int, int]
    """Status and internal code of "Loading account"."""
    visitor_in_message: re.Pattern[str]
    outage_pauses: tuple[float, ...]
    """The second, longer rhythm."""


class Contract:
    """The OpenAPI document, with what is derived from it once."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._checks: dict[str, Draft202012Validator] = {}
        operations = (each for item in document["paths"].values() for each in item.values() if is_object(each))
        self._operations: dict[str, Any] = {each["operationId"]: each for each in operations}
        answer = self._answer("createSession")
        self._numeric: dict[tuple[str, ...], list[str]] = {}
        for *parents, name in sorted(self._numeric_ids(_schema(answer), ())):
            self._numeric.setdefault(tuple(parents), []).append(name)
        self._largest_id: int = document["components"]["schemas"]["NumericId"]["else"]["maximum"]
        self.events: dict[str, Any] = {
            name: link["requestBody"]
            for name, link in answer["links"].items()
            if "impAttributes" in link.get("requestBody", ())
        }
        """How the body of each kind of impression event is made of an answer: see `filled`."""

    def check_body(self, operation_id: str, value: Any) -> bytes:
        """Encode a request's body as JSON; raise `Breach` unless the operation takes it."""
        content = encode(value)
        self._check(operation_id, _schema(self._resolved(self._operations[operation_id]["requestBody"])), value)
        return content

    def check_answer(self, operation_id: str, content: bytes) -> Any:
        """Decode a 200's body, with ids as integers; raise `Breach` unless it is what the operation promises."""
        schema = _schema(self._answer(operation_id)) or {"type": "object"}
        if "$ref" not in schema and not content.strip():
            return {}  # the contract's empty answer may be an empty body
        value = decode(content)
        self._check(f"{operation_id} 200", schema, value)
        for parents, names in self._numeric.items():
            holder: Any = functools.reduce(lambda part, key: part.get(key, {}), parents, value)
            for name in names:
                if name in holder:
                    holder[name] = number = int(holder[name])
                    if number > self._largest_id:  # quoted digits: no pattern says this briefly
                        raise Breach([*parents, name], f"must be at most {self._largest_id}")
        return value

    def check_value(self, component: str, value: Any) -> None:
        """Raise `Breach` unless a value is what the named schema component describes."""
        self._check(component, {"$ref": f"#/components/schemas/{component}"}, value)

    @functools.cache  # noqa: B019 - there is one contract
    def policy(self, operation_id: str) -> DocumentedPolicy:
        """Read the operation's retry policy."""
        policy = self._resolved(self._operations[operation_id]["x-retry-policy"])
        return DocumentedPolicy(
            statuses=range(policy["retryStatuses"]["minimum"], policy["retryStatuses"]["maximum"] + 1),
            pauses=tuple(float(pause) for pause in policy["pausesInSeconds"][: policy["maxRetries"]]),
            longest_retry_after=policy["retryAfter"]["maximumInSeconds"],
            loading=(policy["loadingAccount"]["status"], policy["loadingAccount"]["internalCode"]),
            visitor_in_message=re.compile(policy["loadingAccount"]["visitorIdInMessage"]),
            outage_pauses=tuple(float(pause) for pause in policy["longOutage"]["pausesInSeconds"]),
        )

    def _check(self, name: str, schema: dict[str, Any], value: Any) -> None:
        check = self._checks.get(name)
        if check is None:
            from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - importing it takes long

            schema = {**schema, "components": self._document["components"]}
            check = self._checks[name] = Draft202012Validator(schema, validate_formats=True)
        try:
            if check.is_valid(value):
                return
            error = next(check.iter_errors(value))
        except ValueError:  # a Python value that no JSON type stands for
            raise not_json(value) from None
        raise Breach(*self._explained(error))

    def _explained(self, error: ValidationError) -> tuple[Path, str]:
        from jsonschema_rs import ValidationErrorKind  # noqa: PLC0415 - importing it takes long

        path, kind = list(error.instance_path), error.kind
        if isinstance(kind, ValidationErrorKind.OneOfNotValid):
            return self._explained_union(error, kind)
        if isinstance(kind, ValidationErrorKind.Required):
            path.append(kind.property)
        facts = {name: ", ".join(map(str, fact)) if is_array(fact) else fact for name, fact in kind.as_dict().items()}
        return path, _REASONS.get(kind.name, "breaks the contract's rule {name}").format(**{"name": kind.name, **facts})

    def _explained_union(self, error: ValidationError, kind: ValidationErrorKind.OneOfNotValid) -> tuple[Path, str]:
        trail = list(error.schema_path)
        union = trail[len(trail) - trail[::-1].index("components") : -1]
        discriminator = _at(self._document["components"], union)["discriminator"]
        tag = [*error.instance_path, discriminator["propertyName"]]
        for branch in kind.context:
            explained = [self._explained(part) for part in branch]
            if all(path != tag for path, _ in explained):
                return explained[0]  # the member that was meant: its tag is right
        return tag, f"must be one of {', '.join(discriminator['mapping'])}"

    def _answer(self, operation_id: str) -> Any:
        return self._resolved(self._operations[operation_id]["responses"]["200"])

    def _resolved(self, node: Any) -> Any:
        return _at(self._document, node["$ref"].removeprefix("#/").split("/")) if "$ref" in node else node

    def _numeric_ids(self, schema: Any, path: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
        """Find the members of an answer that are a NumericId."""
        if schema.get("$ref", "").endswith("/NumericId"):
            yield path
        schema = self._resolved(schema)
        for member in schema.get("oneOf", ()):
            yield from self._numeric_ids(member, path)
        for name, member in schema.get("properties", {}).items():
            yield from self._numeric_ids(member, (*path, name))


@functools.cache
def contract() -> Contract:
    """Load the contract that the generated package was written from."""
    from importlib import resources  # noqa: PLC0415 - only calls need it

    return Contract(json.loads(resources.files("liveperson_engagement_api").joinpath("openapi.json").read_bytes()))


def filled(template: Any, answer: dict[str, Any]) -> Any:
    """Replace the runtime expressions of a link's requestBody by values of the answer that the link belongs to."""
    if is_object(template):
        return {name: filled(part, answer) for name, part in template.items()}
    if is_array(template):
        return [filled(part, answer) for part in template]
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
