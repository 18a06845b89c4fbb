# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

"""Find an account's host"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from ... import models
from ...client import Client, read_response as _read
from ...errors import UNREADABLE as _UNREADABLE, ResponseError, read_error as _read_error
from ...http import Headers, Request, path_segment as _segment, query_string as _query

OPERATION_ID: Final = "findDomain"
METHOD: Final = "GET"
PATH: Final = "/api/account/{accountId}/service/{serviceName}/baseURI.json"
SERVER: Final = "https://api.liveperson.net"
"""Where a client without a base URL sends it."""
PARAMETERS: Final[Mapping[str, str]] = {"accountId": "account_id", "serviceName": "service_name", "version": "version"}
"""The contract's name of each parameter, and the name that `build_request` takes it by."""

_HEADERS: Final = Headers([("Accept", "application/json")])


def build_request(account_id: str, service_name: str = "msdkgw", *, version: Literal["1.0"] = "1.0") -> Request:
    """Tells which host serves an account. Needs no authentication. The answer seldom changes: ask once and keep it."""
    return Request(
        METHOD,
        f"/api/account/{_segment(account_id)}/service/{_segment(service_name)}/baseURI.json",
        query=_query(("version", version)),
        headers=_HEADERS,
    )


def parse_response(status: int, data: Any) -> models.ServiceDomain:
    """Read decoded JSON; raises ResponseError for another status than 200, or if it cannot be read."""
    if status == 200:
        try:
            return models.ServiceDomain.from_dict(data)
        except _UNREADABLE as error:
            raise ResponseError(status) from error
    raise ResponseError(status, _read_error(data))


def sync(
    client: Client, account_id: str, service_name: str = "msdkgw", *, version: Literal["1.0"] = "1.0"
) -> models.ServiceDomain:
    """Send the request and read the answer."""
    return _read(parse_response, client.send(build_request(account_id, service_name, version=version), SERVER))


async def asyncio(
    client: Client, account_id: str, service_name: str = "msdkgw", *, version: Literal["1.0"] = "1.0"
) -> models.ServiceDomain:
    """Send the request and read the answer."""
    return _read(parse_response, await client.asend(build_request(account_id, service_name, version=version), SERVER))
