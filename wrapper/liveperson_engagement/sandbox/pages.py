"""What a sandbox answers besides its contract: the document of the contract, the API reference, and the controls.

Whatever the contract has at the same path comes first.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from importlib import resources
from typing import TYPE_CHECKING, Protocol

from liveperson_engagement._version import __version__
from liveperson_engagement.sandbox.contract import Json, parse_json
from liveperson_engagement.sandbox.controls import Controls
from liveperson_engagement.sandbox.records import SandboxRequest, SandboxVisitor
from liveperson_engagement.sandbox.service import Answer

if TYPE_CHECKING:
    from liveperson_engagement.sandbox.server import ReceivedRequest

_REFERENCE = resources.files("liveperson_engagement.sandbox").joinpath("reference")
_TYPES = {"css": "text/css", "html": "text/html", "js": "text/javascript", "txt": "text/plain"}


class Viewed(Protocol):
    """What the pages show of a sandbox."""

    @property
    def host(self) -> str:
        """Where it listens."""
        ...

    @property
    def requests(self) -> tuple[SandboxRequest, ...]:
        """What has arrived."""
        ...

    @property
    def visitors(self) -> tuple[SandboxVisitor, ...]:
        """Who is known."""
        ...


def pages(sandbox: Viewed, controls: Controls) -> Callable[[ReceivedRequest], Answer | None]:
    """Return what answers at the sandbox's own paths. Both pages are the same files, each beside its document."""

    def answer(request: ReceivedRequest) -> Answer | None:
        url = f"http://{dict(request.headers).get('host') or sandbox.host}"
        parts = request.path.split("/")[1:]
        if request.method == "POST":
            controlled = len(parts) == 2 and parts[0] == "sandbox" and parts[1]
            return _control(sandbox, controls, parts[1], request.body, url) if controlled else None
        if request.method not in {"GET", "HEAD"}:
            return None
        views: dict[str, Callable[[], Answer]] = {
            "openapi.json": lambda: _json(controls.contract.document, headers={"x-sandbox-note": _NOTE}),
            "sandbox": lambda: Answer(307, headers={"location": "/sandbox/"}),
            "sandbox/openapi.json": lambda: _json(described(controls, url)),
            "sandbox/requests": lambda: _json([_members(each) for each in sandbox.requests]),
            "sandbox/visitors": lambda: _json([dataclasses.asdict(each) for each in sandbox.visitors]),
        }
        match parts:
            case [""] | ["sandbox", ""]:
                return _file("index.html")
            case ["reference", name] | ["sandbox", "reference", name]:
                return _file(name)
            case _:
                view = views.get("/".join(parts))
                return view and view()

    return answer


def _control(sandbox: Viewed, controls: Controls, name: str, body: bytes, url: str) -> Answer:
    if name not in controls.by_name:
        return _json({"error": f"there is no {name}: {url}/sandbox/ lists what there is"}, 404)
    try:
        controls.call(sandbox, name, parse_json(body) if body else {})
    except ValueError as error:
        return _json({"error": str(error)}, 400)
    return Answer(204)


def described(controls: Controls, url: str) -> Json:
    """Describe the calls that control a sandbox, as an OpenAPI document."""
    paths: dict[str, Json] = {}
    for name, control in controls.by_name.items():
        summary, details = _split(control.description)
        paths[f"/sandbox/{name}"] = {
            "post": {
                **_operation(name, summary, _curl(url, name, control.example)),
                "description": details,
                "tags": ["Control"],
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
                "tags": ["Inspect"],
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
_NOTE = "*A sandbox plays this API here: [how to control it](/sandbox/), from tests in any language.*"
_INTRODUCTION = """\
Controls a running sandbox, from tests in any language. Nothing here is part of [the API that it plays](/).

Each call applies to the next requests that match, one instruction per request, in the order of the calls. `operation`
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


def _json(value: Json, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    # As ASCII, since a journal may hold what UTF-8 cannot: lone surrogates.
    content = json.dumps(value, indent=1).encode("ascii")
    return Answer(status, content, {"content-type": "application/json", **(headers or {})})


def _file(name: str) -> Answer:
    file = _REFERENCE / name
    if not file.is_file():
        return Answer(404, b"Not Found")
    content_type = f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8"
    return Answer(200, file.read_bytes(), {"content-type": content_type})
