# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

"""The operations of the contract, each by its operationId."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final, Protocol, cast

from ..http import Request

OPERATIONS: Final[Mapping[str, str]] = {
    "createSession": "session.create_session",
    "updateSession": "session.update_session",
    "continueSession": "session.continue_session",
    "findDomain": "domain.find_domain",
}
"""The module of each operation, within this package."""


class Operation(Protocol):
    """What each operation's module holds."""

    OPERATION_ID: str
    METHOD: str
    PATH: str
    SERVER: str
    PARAMETERS: Mapping[str, str]
    build_request: Callable[..., Request]
    parse_response: Callable[[int, Any], Any]


def operation(operation_id: str) -> Operation:
    """Import the module of an operation; an unknown id is a KeyError."""
    return cast(Operation, import_module(f".{OPERATIONS[operation_id]}", __name__))
