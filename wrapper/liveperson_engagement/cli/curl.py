"""Requests as curl commands: `on_request` raises the request that would be sent, and so nothing is sent."""

import json
import shlex
from typing import Any

from liveperson_engagement._contract import contract
from liveperson_engagement._json import encode
from liveperson_engagement.events import RequestEvent

MASK = "***"
SHOWN = ("accept", "content-type")
"""The headers that the service looks at; curl makes the others itself."""


class Caught(Exception):
    """A request that is not sent."""

    def __init__(self, event: RequestEvent) -> None:
        super().__init__()
        self.event = event


def catch(event: RequestEvent) -> None:
    """Stop any request."""
    raise Caught(event)


def catch_visits(event: RequestEvent) -> None:
    """Stop a request that is about a visit; the one that asks for the account's host is sent."""
    if event.operation_id != "findDomain":
        raise Caught(event)


def command(event: RequestEvent, *, show_ids: bool) -> str:
    """Write a request as a shell command."""
    request = event.request
    target, content = request.target, (request.body or b"").decode()
    if not show_ids:
        target = _masked_target(event)
        content = encode(json.loads(content, object_hook=_without_ids)).decode() if content else ""
    url = event.base_url + target
    headers = {name.lower(): value for name, value in request.headers.items()}
    parts = ["curl", "--request", request.method, url]
    for name in SHOWN:
        if name in headers:
            parts += ["--header", f"{name.title()}: {headers[name]}"]
    if content:
        parts += ["--data-raw", content]
    lines = [shlex.join(parts[:4]), *(shlex.join(parts[at : at + 2]) for at in range(4, len(parts), 2))]
    return " \\\n  ".join(lines)


def _masked_target(event: RequestEvent) -> str:
    """Mask the parameters that may name a visitor, by the contract's path and parameters."""
    operation = contract().operations[event.operation_id]
    names = {name: operation.parameters[python_name] for name, python_name in operation.generated.PARAMETERS.items()}
    secrets = {name for name, parameter in names.items() if parameter.secret}
    parts = zip(operation.generated.PATH.split("/"), event.request.path.split("/"), strict=True)
    path = "/".join(MASK if any(f"{{{name}}}" in template for name in secrets) else part for template, part in parts)
    fields = [field.partition("=") for field in event.request.query.split("&") if field]
    query = "&".join(f"{name}={MASK if name in secrets else value}" for name, _, value in fields)
    return f"{path}?{query}" if query else path


def _without_ids(members: dict[str, Any]) -> dict[str, Any]:
    """Mask what identifies somebody; numbers, such as those of engagements and campaigns, do not."""
    return {
        name: MASK if isinstance(value, str) and name.endswith(("Id", "imei")) else value
        for name, value in members.items()
    }
