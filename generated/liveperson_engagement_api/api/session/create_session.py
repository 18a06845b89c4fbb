# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

"""Start a visit"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from ... import models
from ...client import Client, read_response as _read
from ...errors import UNREADABLE as _UNREADABLE, ResponseError, read_error as _read_error
from ...http import Headers, Request, json_bytes as _json, path_segment as _segment, query_string as _query

OPERATION_ID: Final = "createSession"
METHOD: Final = "POST"
PATH: Final = "/api/account/{accountId}/app/engagement/visitors/"
SERVER: Final = "https://{domain}"
"""Where a client without a base URL sends it."""
PARAMETERS: Final[Mapping[str, str]] = {"accountId": "account_id", "v": "v"}
"""The contract's name of each parameter, and the name that `build_request` takes it by."""

_HEADERS: Final = Headers([("Accept", "application/json"), ("Content-Type", "application/json")])


def build_request(
    account_id: str, *, body: models.CreateSessionBody | Mapping[str, Any] | bytes, v: Literal["1.0"] = "1.0"
) -> Request:
    """The first request of a visit: no visitor is named yet, so the path ends in a slash. Puts a new visitor on the
    brand's visitor list, starts a session, and says whether an engagement may be shown. Only engagements of type
    MSDK or EXTERNAL are served.
    """
    return Request(
        METHOD,
        f"/api/account/{_segment(account_id)}/app/engagement/visitors/",
        query=_query(("v", v)),
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
    *,
    body: models.CreateSessionBody | Mapping[str, Any] | bytes,
    v: Literal["1.0"] = "1.0",
) -> models.Session:
    """Send the request and read the answer."""
    return _read(parse_response, client.send(build_request(account_id, body=body, v=v), SERVER))


async def asyncio(
    client: Client,
    account_id: str,
    *,
    body: models.CreateSessionBody | Mapping[str, Any] | bytes,
    v: Literal["1.0"] = "1.0",
) -> models.Session:
    """Send the request and read the answer."""
    return _read(parse_response, await client.asend(build_request(account_id, body=body, v=v), SERVER))
