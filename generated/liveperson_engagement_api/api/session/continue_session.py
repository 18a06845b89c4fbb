# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

"""Ask again within a visit"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from ... import models
from ...client import Client, read_response as _read
from ...errors import UNREADABLE as _UNREADABLE, ResponseError, read_error as _read_error
from ...http import Headers, Request, json_bytes as _json, path_segment as _segment, query_string as _query

OPERATION_ID: Final = "continueSession"
METHOD: Final = "POST"
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
    body: models.CreateSessionBody | Mapping[str, Any] | bytes,
    sid: str | None = None,
    v: Literal["1.0"] = "1.0",
) -> Request:
    """Every later request of a visit: names the visitor and the session of the last answer. If that session has
    ended, the service starts another one and answers with its id, which replaces the old one.
    """
    return Request(
        METHOD,
        f"/api/account/{_segment(account_id)}/app/engagement/visitors/{_segment(visitor_id)}",
        query=_query(("sid", sid), ("v", v)),
        headers=_HEADERS,
        body=_json(body),
    )


def parse_response(status: int, data: Any) -> models.Session:
    """Read decoded JSON; raises ResponseError for another status than 200, or if it cannot be read."""
    if status == 200:
        try:
            return models.session_from_dict(data)
        except _UNREADABLE as error:
            raise ResponseError(status) from error
    raise ResponseError(status, _read_error(data))


def sync(
    client: Client,
    account_id: str,
    visitor_id: str,
    *,
    body: models.CreateSessionBody | Mapping[str, Any] | bytes,
    sid: str | None = None,
    v: Literal["1.0"] = "1.0",
) -> models.Session:
    """Send the request and read the answer."""
    return _read(parse_response, client.send(build_request(account_id, visitor_id, body=body, sid=sid, v=v), SERVER))


async def asyncio(
    client: Client,
    account_id: str,
    visitor_id: str,
    *,
    body: models.CreateSessionBody | Mapping[str, Any] | bytes,
    sid: str | None = None,
    v: Literal["1.0"] = "1.0",
) -> models.Session:
    """Send the request and read the answer."""
    return _read(
        parse_response, await client.asend(build_request(account_id, visitor_id, body=body, sid=sid, v=v), SERVER)
    )
