# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

"""The operations of the contract, each by its operationId."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast, overload

from ..http import Request

if TYPE_CHECKING:
    from .. import models, requests

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


class CallOperation(Protocol):
    """Sends any operation; the account is the client's if it is left out."""

    @overload
    def __call__(
        self,
        operation_id: Literal["createSession"],
        body: requests.CreateSessionBody,
        *,
        deadline: float | None = None,
        account_id: str = ...,
    ) -> models.Session: ...

    @overload
    def __call__(
        self,
        operation_id: Literal["updateSession"],
        body: requests.UpdateSessionBody,
        *,
        deadline: float | None = None,
        account_id: str = ...,
        visitor_id: str,
        sid: str,
    ) -> None: ...

    @overload
    def __call__(
        self,
        operation_id: Literal["continueSession"],
        body: requests.CreateSessionBody,
        *,
        deadline: float | None = None,
        account_id: str = ...,
        visitor_id: str,
        sid: str | None = None,
    ) -> models.Session: ...

    @overload
    def __call__(
        self,
        operation_id: Literal["findDomain"],
        *,
        deadline: float | None = None,
        account_id: str = ...,
        service_name: str = "msdkgw",
    ) -> models.ServiceDomain: ...


class AsyncCallOperation(Protocol):
    """Sends any operation; the account is the client's if it is left out."""

    @overload
    def __call__(
        self,
        operation_id: Literal["createSession"],
        body: requests.CreateSessionBody,
        *,
        deadline: float | None = None,
        account_id: str = ...,
    ) -> Awaitable[models.Session]: ...

    @overload
    def __call__(
        self,
        operation_id: Literal["updateSession"],
        body: requests.UpdateSessionBody,
        *,
        deadline: float | None = None,
        account_id: str = ...,
        visitor_id: str,
        sid: str,
    ) -> Awaitable[None]: ...

    @overload
    def __call__(
        self,
        operation_id: Literal["continueSession"],
        body: requests.CreateSessionBody,
        *,
        deadline: float | None = None,
        account_id: str = ...,
        visitor_id: str,
        sid: str | None = None,
    ) -> Awaitable[models.Session]: ...

    @overload
    def __call__(
        self,
        operation_id: Literal["findDomain"],
        *,
        deadline: float | None = None,
        account_id: str = ...,
        service_name: str = "msdkgw",
    ) -> Awaitable[models.ServiceDomain]: ...
