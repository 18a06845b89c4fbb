# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

"""Add attributes, report impressions"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from ... import models
from ...client import Client, read_response as _read
from ...errors import ResponseError, read_error as _read_error
from ...http import Headers, Request, json_bytes as _json, path_segment as _segment, query_string as _query

OPERATION_ID: Final = "updateSession"
METHOD: Final = "PUT"
PATH: Final = "/api/account/{accountId}/app/engagement/visitors/{visitorId}"
SERVER: Final = "https://{domain}"
"""Where a client without a base URL sends it."""
PARAMETERS: Final[Mapping[str, str]] = {"accountId": "account_id", "visitorId": "visitor_id", "sid": "sid", "v": "v"}
"""The contract's name of each parameter, and the name that `build_request` takes it by."""

_HEADERS: Final = Headers([("Accept", "application/json"), ("Content-Type", "application/json")])


def build_request(
    account_id: str,
    visitor_id: str,
    *,
    body: models.UpdateSessionBody | Mapping[str, Any] | bytes,
    sid: str,
    v: Literal["1.0"] = "1.0",
) -> Request:
    """Tells the service more about the visitor, or what the visitor did with the engagement that was offered.
    Impression events count only in the session in which the engagement was created.
    """
    return Request(
        METHOD,
        f"/api/account/{_segment(account_id)}/app/engagement/visitors/{_segment(visitor_id)}",
        query=_query(("sid", sid), ("v", v)),
        headers=_HEADERS,
        body=_json(body),
    )


def parse_response(status: int, data: Any) -> None:
    """Read decoded JSON; raises ResponseError for another status than 200, or if it cannot be read."""
    if status == 200:
        return None
    raise ResponseError(status, _read_error(data))


def sync(
    client: Client,
    account_id: str,
    visitor_id: str,
    *,
    body: models.UpdateSessionBody | Mapping[str, Any] | bytes,
    sid: str,
    v: Literal["1.0"] = "1.0",
) -> None:
    """Send the request and read the answer."""
    return _read(parse_response, client.send(build_request(account_id, visitor_id, body=body, sid=sid, v=v), SERVER))


async def asyncio(
    client: Client,
    account_id: str,
    visitor_id: str,
    *,
    body: models.UpdateSessionBody | Mapping[str, Any] | bytes,
    sid: str,
    v: Literal["1.0"] = "1.0",
) -> None:
    """Send the request and read the answer."""
    return _read(
        parse_response, await client.asend(build_request(account_id, visitor_id, body=body, sid=sid, v=v), SERVER)
    )
