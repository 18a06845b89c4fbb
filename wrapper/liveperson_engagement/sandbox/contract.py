"""The contract as the sandbox uses it: operations, schemas of what they accept, and examples to answer with."""

import difflib
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind, Validator

Json = Any
Node = Mapping[str, Any]
_NOTHING: Node = {}
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Rejected(Exception):
    """A request that breaks the contract: where, and whether what it breaks is the API version."""

    def __init__(self, where: str, *, version: bool = False) -> None:
        super().__init__(where)
        self.where = where
        self.version = version


@dataclass(frozen=True, slots=True)
class Parameter:
    """A path, query or header parameter."""

    name: str
    place: str
    required: bool
    default: Json
    # A parameter that allows one value only can be nothing but a version.
    version: bool
    validator: Validator

    def check(self, values: list[str]) -> None:
        """Raise unless the values that were sent, none included, are allowed."""
        try:
            allowed = any(map(self.validator.is_valid, _readings(values))) if values else not self.required
        except ValueError:
            # Bytes that are not UTF-8.
            allowed = False
        if not allowed:
            raise Rejected(f"{self.place} parameter {self.name}", version=self.version)


@dataclass(frozen=True, slots=True)
class Loading:
    """How an operation answers while its account is being loaded: an example, and what in it stands for what."""

    status: int
    entity: Node
    vid: re.Pattern[str]
    account: str

    def naming(self, account_id: str, visitor_id: str) -> Json:
        """Return the documented entity, with this account and visitor in its message."""
        message = str(self.entity["message"])
        found = self.vid.search(message)
        if found is None:
            raise ValueError("the contract's example of a loading account names no visitor")
        before, after = message[: found.start(1)], message[found.end(1) :]
        return {**self.entity, "message": before.replace(self.account, account_id) + visitor_id + after}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: how to check a request to it, and the documented answers."""

    operation_id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    bodies: Mapping[str, Validator]
    body_required: bool
    examples: Mapping[int, Mapping[str, Json]]
    errors: Mapping[int, Mapping[str, Json]]
    loading: Loading | None
    for_known_visitor: str
    """What asks the same for a visitor who is known: the operation that "Loading account" is retried with."""

    def check_parameters(self, sent: Mapping[str, Mapping[str, list[str]]]) -> None:
        """Raise if a parameter, sent as place → name → values, breaks the contract."""
        for parameter in self.parameters:
            parameter.check(sent.get(parameter.place, {}).get(parameter.name, []))

    def check_body(self, content_type: str, raw: bytes, body: Json) -> None:
        """Raise if the body breaks the contract; `body` is its JSON, None if it has none."""
        if not self.bodies or (not raw and not self.body_required):
            return
        validator = self.bodies.get(content_type.partition(";")[0].strip().lower())
        if validator is None:
            raise Rejected("header Content-Type")
        if body is None:
            raise Rejected("the body is not JSON")
        try:
            error = next(validator.iter_errors(body), None)
        except ValueError:
            # Lone surrogates, nesting beyond reason: JSON that the validator cannot read.
            raise Rejected("the body cannot be read") from None
        if error is not None:
            raise Rejected(place_of(error))

    def example(self, status: int, name: str = "") -> Json:
        """Return a documented answer, by name or else the first of the status, or None."""
        named = self.examples.get(status, _NOTHING)
        return named.get(name, next(iter(named.values()), None))

    def error(self, status: int, name: str = "") -> Json:
        """Return a documented error: of this operation, else of any, else of a status of the same class, or None."""
        alike = [status, *(known for known in self.errors if known // 100 == status // 100)]
        pools = (self.examples.get(status), *map(self.errors.get, alike))
        named = next(filter(None, pools), _NOTHING)
        return named.get(name, next(iter(named.values()), None))

    def default(self, name: str) -> Json:
        """Return the default of a parameter."""
        return next((parameter.default for parameter in self.parameters if parameter.name == name), None)


class Contract:
    """The operations of a parsed OpenAPI 3.1 document."""

    def __init__(self, document: Node) -> None:
        self.document: Node = json.loads(json.dumps(document))
        self._errors: dict[int, Mapping[str, Json]] = {}
        self.operations = tuple(self._operations())
        ids = {operation.operation_id: operation for operation in self.operations}
        self._by_name = {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(): each for name, each in ids.items()} | ids

    def operation(self, name: str) -> Operation:
        """Return an operation by its operationId, or by the name that Python has for it: `create_session`."""
        if name not in self._by_name:
            alike = [each for each in self._by_name if ("_" in each) == ("_" in name)]
            near = difflib.get_close_matches(name, alike, n=1)
            hint = (
                f"did you mean {near[0]}?"
                if near
                else f"it has {', '.join(each.operation_id for each in self.operations)}"
            )
            raise ValueError(f"operation: the contract has no operation {name}; {hint}")
        return self._by_name[name]

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield self._operation(path, method, item)

    def _operation(self, path: str, method: str, item: Node) -> Operation:
        node: Node = item[method]
        nodes = [self._resolve(each) for each in (*item.get("parameters", ()), *node.get("parameters", ()))]
        # An operation's parameter replaces its path's parameter of the same name.
        parameters = list({(each["name"], each["in"]): each for each in nodes}.values())
        body = self._resolve(_child(node, "requestBody"))
        examples = {
            int(status): self._examples(self._resolve(answer))
            for status, answer in node["responses"].items()
            if status.isdecimal()
        }
        for status, named in examples.items():
            if status >= 400:
                self._errors.setdefault(status, named)
        rule = _child(self._resolve(_child(node, "x-retry-policy")), "loadingAccount")
        return Operation(
            operation_id=node["operationId"],
            method=method.upper(),
            path=path,
            parameters=tuple(self._parameter(each) for each in parameters),
            bodies={name.lower(): self._validator(media["schema"]) for name, media in _child(body, "content").items()},
            body_required=body.get("required", False),
            examples=examples,
            errors=self._errors,
            loading=self._loading(rule, parameters, examples),
            for_known_visitor=rule.get("retryOperationId", ""),
        )

    def _parameter(self, node: Node) -> Parameter:
        schema = self._resolve(node["schema"])
        return Parameter(
            name=node["name"].lower() if node["in"] == "header" else node["name"],
            place=node["in"],
            required=node.get("required", False),
            default=schema.get("default"),
            version="const" in schema,
            validator=self._validator(node["schema"]),
        )

    def _loading(
        self, rule: Node, parameters: list[Node], examples: Mapping[int, Mapping[str, Json]]
    ) -> Loading | None:
        for entity in examples.get(rule.get("status", 0), _NOTHING).values():
            if entity.get("internalCode") == rule["internalCode"]:
                account = next(str(each.get("example")) for each in parameters if each["name"] == "accountId")
                return Loading(rule["status"], entity, re.compile(rule["visitorIdInMessage"]), account)
        return None

    def _examples(self, answer: Node) -> Mapping[str, Json]:
        media = self._resolve(next(iter(_child(answer, "content").values()), _NOTHING))
        return {name: self._resolve(example)["value"] for name, example in _child(media, "examples").items()}

    def _validator(self, schema: Node) -> Validator:
        return Draft202012Validator(
            {**schema, "components": _child(self.document, "components")}, validate_formats=True
        )

    def _resolve(self, node: Node) -> Node:
        return resolve(self.document, node)


@functools.cache
def packaged_contract() -> Contract:
    """Return the contract that ships with the generated client."""
    return Contract(json.loads(resources.files("liveperson_engagement_api").joinpath("openapi.json").read_bytes()))


def resolve(document: Node, node: Node) -> Node:
    """Return what a node of a document refers to, or the node itself."""
    while "$ref" in node:
        target: Any = document
        for part in str(node["$ref"]).removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def parse_json(raw: bytes) -> Json:
    """Return what the bytes say in strict JSON (UTF-8, no NaN, no infinities), or None."""
    try:
        return json.loads(raw.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _child(node: Node, name: str) -> Node:
    child: Node = node.get(name, _NOTHING)
    return child


def _no_number(name: str) -> None:
    raise ValueError(name)


def _readings(values: list[str]) -> Iterator[Json]:
    # A parameter arrives as text; its schema may ask for the text, for a number or boolean, or for a list.
    if len(values) == 1:
        yield values[0]
        if isinstance(number := parse_json(values[0].encode()), int | float):
            yield number
    yield values


def place_of(error: ValidationError) -> str:
    """Say where in a value the error is, as people write it: `engagementAttributes[0].personal`."""
    error = _deepest(error)
    steps = list(error.instance_path)
    match error.kind:
        case ValidationErrorKind.Required(property=name):
            steps.append(name)
        case _:
            pass
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return path.removeprefix(".") or "the body"


def _deepest(error: ValidationError) -> ValidationError:
    match error.kind:
        case ValidationErrorKind.OneOfNotValid(context=branches) | ValidationErrorKind.AnyOf(context=branches):
            # The branch that was meant is the one whose constants, such as its type, agree.
            meant = min(branches, key=lambda branch: sum(_is_constant(each) for each in branch))
            return _deepest(next(filter(_is_constant, meant), meant[0]))
        case _:
            return error


def _is_constant(error: ValidationError) -> bool:
    return isinstance(error.kind, ValidationErrorKind.Constant)
