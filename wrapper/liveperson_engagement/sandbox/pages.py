"""What a sandbox answers besides its contract: the contract itself, the API reference, and calls that control it.

Whatever the contract has at the same path comes first.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from liveperson_engagement._version import __version__
from liveperson_engagement.sandbox.contract import Json, parse_json
from liveperson_engagement.sandbox.controls import Controls
from liveperson_engagement.sandbox.records import SandboxRequest

if TYPE_CHECKING:
    from liveperson_engagement.sandbox.sandbox import Sandbox

_REFERENCE = resources.files("liveperson_engagement.sandbox").joinpath("reference")
_TYPES = {"css": "text/css", "html": "text/html", "js": "text/javascript", "txt": "text/plain"}


def routes(sandbox: Sandbox, controls: Controls) -> Iterator[Route]:
    """Return the routes. Both pages are the same files, each beside the OpenAPI document that it shows."""

    async def tell(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in controls.by_name:
            return _json({"error": f"there is no {name}: {request.base_url}sandbox/ lists what there is"}, 404)
        raw = await request.body()
        try:
            controls.tell(sandbox, name, parse_json(raw) if raw else {})
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        return Response(status_code=204)

    def contract(_: Request) -> Response:
        answer = _json(controls.contract.document)
        answer.headers["x-sandbox-note"] = _NOTE
        return answer

    def description(request: Request) -> Response:
        return _json(described(controls, str(request.base_url).rstrip("/")))

    def requests(_: Request) -> Response:
        return _json([_members(each) for each in sandbox.requests])

    def visitors(_: Request) -> Response:
        return _json([dataclasses.asdict(each) for each in sandbox.visitors])

    for folder, document in (("/", contract), ("/sandbox/", description)):
        yield _Route(folder, _page)
        yield _Route(f"{folder}openapi.json", document)
        yield _Route(f"{folder}reference/{{name}}", _asset)
    yield _Route("/sandbox", _redirect)
    yield _Route("/sandbox/requests", requests)
    yield _Route("/sandbox/visitors", visitors)
    yield _Route("/sandbox/{name}", tell, methods=["POST"])


class _Route(Route):
    """A route that leaves other methods alone: to the contract, what they ask for is not there."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match wholly, or not at all."""
        match, child = super().matches(scope)
        return (match, child) if match is Match.FULL else (Match.NONE, {})


def described(controls: Controls, url: str) -> Json:
    """Describe the calls that control a sandbox, as an OpenAPI document."""
    paths: dict[str, Json] = {}
    for name, control in controls.by_name.items():
        summary, details = _split(control.description)
        paths[f"/sandbox/{name}"] = {
            "post": {
                **_operation(name, summary, _curl(url, name, control.example)),
                "description": details,
                "tags": ["Tell it"],
                "requestBody": {
                    "content": {"application/json": {"schema": control.schema, "example": control.example}}
                },
                "responses": {
                    "204": {"description": "Done, or noted for the next requests."},
                    "400": {"description": "It cannot be done: `error` says where, and why."},
                },
            }
        }
    for name, summary in _VIEWS.items():
        paths[f"/sandbox/{name}"] = {
            "get": {
                **_operation(name, summary, _curl(url, name)),
                "tags": ["Look at it"],
                "responses": {"200": {"description": "A list, oldest first."}},
            }
        }
    info = {"title": "Sandbox controls", "version": __version__, "description": _INTRODUCTION}
    return {"openapi": "3.1.0", "info": info, "servers": [{"url": url}], "paths": paths}


def calls(url: str, controls: Controls) -> Iterator[tuple[str, str]]:
    """Return every call as a curl command, with what it does."""
    for name, control in controls.by_name.items():
        yield _curl(url, name, control.example), _split(control.description)[0]
    for name, summary in _VIEWS.items():
        yield _curl(url, name), summary


_VIEWS = {
    "requests": "The journal: every request that arrived, and how it was answered",
    "visitors": "The visitor list, with sessions, updates, attributes and impressions",
}
_NOTE = "*A sandbox plays this API here: [what it can be told](/sandbox/), from tests in any language.*"
_INTRODUCTION = """\
Tells a running sandbox what to do, from tests in any language. Nothing here is part of [the API that it plays](/).

What is told applies to the next requests that match, one instruction per request, in the order told. `operation`
narrows the match to one operationId; otherwise every operation but findDomain matches. `reset` makes the sandbox as
new: call it before each test.
"""


def _operation(name: str, summary: str, command: str) -> dict[str, Json]:
    return {"operationId": name, "summary": summary, "x-codeSamples": [{"lang": "curl", "source": command}]}


def _curl(url: str, name: str, arguments: Json = None) -> str:
    if arguments is None:
        return f"curl {url}/sandbox/{name}"
    sent = f"--json '{json.dumps(arguments)}'" if arguments else "--request POST"
    return f"curl {sent} {url}/sandbox/{name}"


def _split(docstring: str) -> tuple[str, str]:
    summary, _, details = docstring.partition("\n\n")
    return summary.rstrip("."), details


def _members(request: SandboxRequest) -> dict[str, Json]:
    members = {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
    raw_body = request.raw_body.decode(errors="replace")
    return {**members, "query": dict(request.query), "headers": dict(request.headers), "raw_body": raw_body}


def _json(value: Json, status: int = 200) -> Response:
    # As ASCII, since a journal may hold what UTF-8 cannot: lone surrogates.
    return Response(json.dumps(value, indent=1), status, media_type="application/json")


def _page(_: Request) -> Response:
    return _file("index.html")


def _redirect(_: Request) -> Response:
    return RedirectResponse("/sandbox/")


def _asset(request: Request) -> Response:
    return _file(request.path_params["name"])


def _file(name: str) -> Response:
    file = _REFERENCE / name
    if not file.is_file():
        return Response("Not Found", 404)
    return Response(file.read_bytes(), media_type=_TYPES[name.rpartition(".")[2]])
