"""Requests as curl commands: what the client would send, caught on its way."""

import json
import re
import shlex
from typing import Any

import httpx

from liveperson_engagement.jsontext import encode

MASK = "***"
SHOWN = ("accept", "content-type")
"""The headers that the service looks at; curl makes the others itself."""


class Caught(Exception):
    """A request that is not sent."""

    def __init__(self, request: httpx.Request) -> None:
        super().__init__()
        self.request = request


def catch(request: httpx.Request) -> None:
    """Stop any request."""
    raise Caught(request)


def catch_visits(request: httpx.Request) -> None:
    """Stop a request that is about a visit; the one that asks for the account's host goes out."""
    if request.method != "GET":
        raise Caught(request)


def command(request: httpx.Request, *, show_ids: bool) -> str:
    """Write a request as a shell command."""
    url, content = str(request.url), request.content.decode()
    if not show_ids:
        url, content = _masked(url, content)
    parts = ["curl", "--request", request.method, url]
    for name in SHOWN:
        if name in request.headers:
            parts += ["--header", f"{name.title()}: {request.headers[name]}"]
    if content:
        parts += ["--data-raw", content]
    lines = [shlex.join(parts[:4]), *(shlex.join(parts[at : at + 2]) for at in range(4, len(parts), 2))]
    return " \\\n  ".join(lines)


def _masked(url: str, content: str) -> tuple[str, str]:
    url = re.sub(r"(/visitors/)[^?]+", rf"\1{MASK}", url)
    url = re.sub(r"([?&]sid=)[^&]+", rf"\1{MASK}", url)
    return url, encode(json.loads(content, object_hook=_without_ids)).decode() if content else ""


def _without_ids(members: dict[str, Any]) -> dict[str, Any]:
    """Mask what identifies somebody; numbers, such as those of engagements and campaigns, do not."""
    return {
        name: MASK if isinstance(value, str) and name.endswith(("Id", "imei")) else value
        for name, value in members.items()
    }
