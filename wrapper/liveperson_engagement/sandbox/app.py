"""The sandbox as an ASGI application: routes from the contract, requests in, answers or broken connections out."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from liveperson_engagement.sandbox.contract import Operation, parse_json
from liveperson_engagement.sandbox.records import SandboxRequest
from liveperson_engagement.sandbox.service import MAX_BODY, Answer, Service

# Where the server leaves its transport in an ASGI scope's state.
TRANSPORT = "liveperson_engagement.sandbox.transport"


def application(service: Service, *more: BaseRoute) -> ASGIApp:
    """Return the ASGI application that speaks a service's contract, and answers at more routes than that."""
    resources: dict[str, dict[str, Operation]] = {}
    for operation in service.contract.operations:
        resources.setdefault(operation.path, {})[operation.method] = operation
    routes = [Route(path, Resource(service, operations)) for path, operations in resources.items()]
    router = Router([*routes, *more], redirect_slashes=False, default=Resource(service, {}))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Routed before it is decoded: an encoded slash belongs to the id that it stands in.
        await router({**scope, "path": scope["raw_path"].decode("ascii")}, receive, send)

    return app


class Resource:
    """What answers at one path; without operations, at every path that the contract does not know."""

    def __init__(self, service: Service, operations: Mapping[str, Operation]) -> None:
        self._service = service
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        at = time.monotonic()
        raw_body = await _read_body(receive)
        if raw_body is None:
            return
        operation = self._operations.get(scope["method"])
        headers = Headers(scope=scope)
        path = {name: [_decoded(text)] for name, text in scope.get("path_params", {}).items()}
        query = parse_qs(scope["query_string"].decode("ascii"), keep_blank_values=True, errors="surrogateescape")
        request = SandboxRequest(
            operation_id=operation.operation_id if operation else None,
            method=scope["method"],
            path=scope["path"],
            query={name: values[0] for name, values in query.items()},
            headers=headers,
            body=parse_json(raw_body),
            raw_body=raw_body,
            status=None,
            account_id=path.get("accountId", [None])[0],
            visitor_id=path.get("visitorId", [None])[0],
            session_id=query.get("sid", [None])[0],
            at=at,
            caller=scope["client"][1],
        )
        if operation is not None:
            sent = {"path": path, "query": query, "header": {name: headers.getlist(name) for name in headers}}
            answer = self._service.respond(operation, request, sent)
        elif self._operations:
            answer = Answer(405, b"Method Not Allowed", {"allow": ", ".join(sorted(self._operations))})
            self._service.record(request, answer)
        else:
            answer = self._service.record(request, Answer(404, b"Not Found"))
        await _deliver(answer, scope, receive, send)


async def _read_body(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        # What is beyond the limit is read, so that the client gets to see the answer, but not kept.
        if len(body) <= MAX_BODY:
            body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def _deliver(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    if answer.delay:
        # Ends early when the client gives up, or the sandbox stops.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(answer.delay):
                await _disconnected(receive)
    transport: asyncio.Transport = scope["state"][TRANSPORT]
    match answer.ending:
        case "whole" if _is_regular(answer):
            body = b"" if answer.status in {204, 304} else answer.body
            await Response(body, answer.status, answer.headers)(scope, receive, send)
            return
        case "whole":
            transport.write(_head(answer, len(answer.body)) + answer.body)
        case "cut":
            body = answer.body or b"{}"
            transport.write(_head(answer, len(body)) + body[: len(body) // 2])
        case "reset":
            # Closing without lingering sends a reset instead of an orderly end.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        case "closed":
            pass
    transport.close()
    await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _is_regular(answer: Answer) -> bool:
    # The server refuses to send anything else; such an answer is written past it.
    framed = {name.lower() for name in answer.headers} & {"content-length", "transfer-encoding"}
    return 200 <= answer.status <= 599 and not framed


def _head(answer: Answer, length: int) -> bytes:
    headers = {"content-length": str(length), "connection": "close"}
    headers |= {name.lower(): value for name, value in answer.headers.items()}
    lines = [f"HTTP/1.1 {answer.status} ", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _decoded(segment: str) -> str:
    return unquote(segment, errors="surrogateescape")
