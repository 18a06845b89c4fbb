"""The methods of `Sandbox` that can be called with JSON, over HTTP or in a scenario, described by their signatures."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from jsonschema_rs import Draft202012Validator

from liveperson_engagement.sandbox.contract import Contract, place_of

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "fail_next": {"status": 503, "times": 2},
    "loading_account": {"times": 1},
    "html_error": {"status": 502},
    "drop_connection": {"when": "after", "operation": "updateSession"},
    "slow": {"seconds": 1.5},
    "answer_next": {"status": 200, "body": "[]", "operation": "createSession"},
    "serve_next": {"times": 3},
    "not_available": {},
    "available": {},
    "expire_sessions": {},
    "forget_visitors": {},
    "reset": {},
    "play": {"scenario": ["serve_next", "expire_sessions", {"fail_next": {"status": 503}}, "not_available"]},
}
"""The methods, each with arguments that show its use."""

_JSON_TYPES = {int: "integer", float: "number", str: "string", bytes: "string", types.NoneType: "null"}


@dataclass(frozen=True, slots=True)
class Control:
    """A method, as a caller without Python needs to know it."""

    name: str
    description: str
    schema: Mapping[str, Any]
    example: Mapping[str, Any]
    validator: Draft202012Validator


class Controls:
    """The methods that control a sandbox of a contract."""

    def __init__(self, sandbox: type, contract: Contract) -> None:
        self.contract = contract
        operations = [operation.operation_id for operation in contract.operations]
        self.by_name = {name: _control(getattr(sandbox, name), operations) for name in EXAMPLES}

    def call(self, sandbox: object, name: str, arguments: Any, place: str = "") -> None:
        """Call a method; raise ValueError unless it takes the arguments, with the place of what is wrong."""
        control = self.by_name.get(name)
        if control is None:
            raise _wrong(place, f"must be one of {', '.join(self.by_name)}")
        try:
            for error in control.validator.iter_errors(arguments):
                raise _wrong(_joined(place, place_of(error)), error.message)
            getattr(sandbox, name)(**{key: _whole(value) for key, value in arguments.items()})
        except _WrongError:
            raise
        except ValueError as error:
            raise _wrong(place, str(error)) from None

    def steps(self, scenario: Sequence[Any], stage: object) -> list[tuple[str, Any]]:
        """Take a scenario apart, and rehearse it on a sandbox; raise ValueError with the place of what is wrong."""
        if not isinstance(scenario, list | tuple):
            raise _wrong("", "a scenario is a list of steps")
        name: Any
        arguments: Any
        steps: list[tuple[str, Any]] = []
        for number, step in enumerate(scenario):
            match step:
                case str():
                    name, arguments = step, {}
                case {**members} if len(members) == 1:
                    [(name, arguments)] = members.items()
                case _:
                    raise _wrong(f"[{number}]", "must be a name, or one name with its arguments")
            place = f"[{number}].{name}"
            if name in {"play", "reset"}:
                raise _wrong(place, "cannot be part of a scenario")
            self.call(stage, name, arguments, place)
            steps.append((name, arguments))
        return steps


class _WrongError(ValueError):
    """Says where, and what."""


def _wrong(place: str, reason: str) -> _WrongError:
    return _WrongError(f"{place}: {reason}" if place else reason)


def _joined(place: str, inner: str) -> str:
    return place if inner == "the body" else f"{place}.{inner}".removeprefix(".")


def _control(method: Callable[..., None], operations: list[str]) -> Control:
    parameters = list(inspect.signature(method).parameters.values())[1:]
    properties = {each.name: _schema(each.annotation) for each in parameters}
    for each in parameters:
        if each.default and each.default is not inspect.Parameter.empty:
            properties[each.name]["default"] = each.default
    if "operation" in properties:
        properties["operation"]["examples"] = operations
    schema = {
        "type": "object",
        "properties": properties,
        "required": [each.name for each in parameters if each.default is inspect.Parameter.empty],
        "additionalProperties": False,
    }
    name = method.__name__
    return Control(name, inspect.getdoc(method) or "", schema, EXAMPLES[name], Draft202012Validator(schema))


def _schema(annotation: Any) -> dict[str, Any]:
    """Say in JSON Schema what a parameter takes."""
    kinds = get_args(annotation)
    if get_origin(annotation) is Literal:
        return {"type": "string", "enum": list(kinds)}
    if get_origin(annotation) is Mapping:
        return {"type": "object", "additionalProperties": {"type": "string"}}
    if get_origin(annotation) is Sequence:
        return {"type": "array"}
    if isinstance(annotation, types.UnionType):
        parts = [_schema(kind) for kind in kinds]
        names = list(dict.fromkeys(part["type"] for part in parts))
        return {**parts[0], "type": names[0] if len(names) == 1 else names}
    return {"type": _JSON_TYPES[annotation]}


def _whole(value: Any) -> Any:
    # To JSON 503.0 is an integer.
    return int(value) if isinstance(value, float) and value.is_integer() else value
