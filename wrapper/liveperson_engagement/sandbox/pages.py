"""What a sandbox answers besides its contract: its front page, the API reference, the controls, and JSON of it all.

Whatever the contract has at the same path comes first.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Callable, Iterator
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from liveperson_engagement._version import __version__
from liveperson_engagement.sandbox.contract import Json, parse_json
from liveperson_engagement.sandbox.controls import Controls
from liveperson_engagement.sandbox.records import SandboxRequest
from liveperson_engagement.sandbox.reference import render
from liveperson_engagement.sandbox.service import Answer, Service

if TYPE_CHECKING:
    from liveperson_engagement.sandbox.server import ReceivedRequest

_FOLDER = resources.files("liveperson_engagement.sandbox").joinpath("page")
_TYPES = {"css": "text/css", "html": "text/html", "js": "text/javascript"}
_NEWEST = 500
"""How many requests and visitors the front page shows."""
_LONGEST = 20_000
"""How many characters of a body the front page shows."""


def pages(sandbox: object, service: Service, controls: Controls) -> Callable[[ReceivedRequest], Answer | None]:
    """Return what answers at the sandbox's own paths."""

    def answer(request: ReceivedRequest) -> Answer | None:
        url = f"http://{dict(request.headers).get('host') or service.host}"
        parts = request.path.split("/")[1:]
        if request.method == "POST":
            controlled = len(parts) == 2 and parts[0] == "sandbox" and parts[1]
            return _control(sandbox, controls, parts[1], request.body, url) if controlled else None
        if request.method not in {"GET", "HEAD"}:
            return None
        views: dict[str, Callable[[], Answer]] = {
            "": lambda: _file("live.html"),
            "openapi.json": lambda: _json(controls.contract.document),
            "reference": lambda: Answer(307, headers={"location": "/reference/"}),
            "reference/": lambda: _html(reference_page(controls.contract.document, _NOTE)),
            "sandbox": lambda: Answer(307, headers={"location": "/sandbox/"}),
            "sandbox/": lambda: _html(reference_page(described(controls, url), _NOTE)),
            "sandbox/openapi.json": lambda: _json(described(controls, url)),
            "sandbox/live": lambda: _json(_live(service, request.query.removeprefix("after=")), indent=None),
            "sandbox/requests": lambda: _json([_members(each) for each in _journal(service)]),
            "sandbox/visitors": lambda: _json([dataclasses.asdict(each) for each in service.snapshot()]),
        }
        match parts:
            case ["page" | "reference" | "sandbox", name] if name.endswith((".css", ".js")):
                return _file(name)
            case _:
                view = views.get("/".join(parts))
                return view and view()

    return answer


def reference_page(document: Json, note: str = "") -> str:
    """Return the page that describes an OpenAPI document; `style.css` has to be beside it."""
    return render(document, (_FOLDER / "reference.html").read_text(encoding="utf-8"), note)


def _control(sandbox: object, controls: Controls, name: str, body: bytes, url: str) -> Answer:
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
_NOTE = (
    "Of a running sandbox: [what happens there](/), [the API that it plays](/reference/), [its controls](/sandbox/)."
)
_INTRODUCTION = """\
Controls a running sandbox, from tests in any language. Nothing here is part of the API that it plays.

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


def _journal(service: Service) -> tuple[SandboxRequest, ...]:
    with service.lock:
        return tuple(service.requests)


def _live(service: Service, after: str) -> Json:
    """Return what is new on the front page since `after`, which an earlier answer gave."""
    with service.lock:
        run, total = str(service.cleared_at), len(service.requests)
        known = re.fullmatch(rf"{run}-([0-9]{{1,15}})", after)
        requests = service.requests[max(int(known[1]) if known else 0, total - _NEWEST) :]
        planned = sum(plan.times for plan in service.plans) + len(service.script)
        available, visitors, known_visitors = service.offering, service.snapshot(_NEWEST), len(service.visitors)
    return {
        "run": run,
        "after": f"{run}-{total}",
        "now": time.monotonic(),
        "available": available,
        "planned": planned,
        "operations": [each.operation_id for each in service.contract.operations],
        "requests": [_row(each) for each in requests],
        "total": known_visitors,
        "visitors": [dataclasses.asdict(each) for each in visitors],
    }


def _row(request: SandboxRequest) -> Json:
    said: dict[str, Json] = {}
    if isinstance(answered := parse_json(request.response_body), dict):
        said |= answered
    query = urlencode(request.query, errors="surrogateescape")
    return {
        "at": request.at,
        "method": request.method,
        "operation": request.operation_id,
        "target": f"{request.path}?{query}" if query else request.path,
        "status": request.status,
        "named": request.visitor_id,
        "visitor": request.visitor_id or said.get("visitorId"),
        "message": said.get("message"),
        "headers": "\n".join(f"{name}: {value}" for name, value in request.headers.items()),
        "body": _readable(request.raw_body),
        "answer": _readable(request.response_body),
    }


def _readable(raw: bytes) -> str:
    # Indented here: JavaScript would lose digits of ids.
    value = parse_json(raw)
    text = raw.decode(errors="replace") if value is None else json.dumps(value, indent=2, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... and more: /sandbox/requests has all of it"


def _members(request: SandboxRequest) -> dict[str, Json]:
    members = {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
    raw = {name: getattr(request, name).decode(errors="replace") for name in ("raw_body", "response_body")}
    return {**members, "query": dict(request.query), "headers": dict(request.headers), **raw}


def _json(value: Json, status: int = 200, indent: int | None = 1) -> Answer:
    # As ASCII, since a journal may hold what UTF-8 cannot: lone surrogates.
    content = json.dumps(value, indent=indent).encode("ascii")
    return Answer(status, content, {"content-type": "application/json"})


def _html(page: str) -> Answer:
    return Answer(200, page.encode("utf-8", "replace"), {"content-type": "text/html; charset=utf-8"})


def _file(name: str) -> Answer:
    file = _FOLDER / name
    if not file.is_file():
        return Answer(404, b"Not Found")
    content_type = f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8"
    return Answer(200, file.read_bytes(), {"content-type": content_type})
