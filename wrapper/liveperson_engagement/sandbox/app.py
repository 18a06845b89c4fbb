"""The sandbox's routes: the operations of the contract first, then the pages, which are not part of the journal."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, unquote

from liveperson_engagement.sandbox.contract import Operation, parse_json
from liveperson_engagement.sandbox.records import SandboxRequest
from liveperson_engagement.sandbox.server import ReceivedRequest
from liveperson_engagement.sandbox.service import Answer, Service
from liveperson_engagement_api.http import Headers


class Application:
    """Answers requests to a service's contract, and what `pages` answers besides."""

    def __init__(self, service: Service, pages: Callable[[ReceivedRequest], Answer | None]) -> None:
        self._service, self._pages = service, pages
        resources: dict[str, dict[str, Operation]] = {}
        for operation in service.contract.operations:
            resources.setdefault(operation.path, {})[operation.method] = operation
        self._resources = [(_pattern(path), operations) for path, operations in resources.items()]

    def __call__(self, received: ReceivedRequest) -> Answer:
        """Answer one request."""
        for pattern, operations in self._resources:
            if found := pattern.fullmatch(received.path):
                return self._answer(received, operations, found.groupdict())
        return self._pages(received) or self._answer(received, {}, {})

    def _answer(
        self, received: ReceivedRequest, operations: Mapping[str, Operation], segments: Mapping[str, str]
    ) -> Answer:
        """Answer at a path of the contract; without operations, at one that it does not know."""
        operation = operations.get(received.method)
        # Matched before it is decoded: an encoded slash belongs to the id that it stands in.
        path = {name: [unquote(text, errors="surrogateescape")] for name, text in segments.items()}
        query = parse_qs(received.query, keep_blank_values=True, errors="surrogateescape")
        header: dict[str, list[str]] = {}
        for name, value in received.headers:
            header.setdefault(name, []).append(value)
        request = SandboxRequest(
            operation_id=operation.operation_id if operation else None,
            method=received.method,
            path=received.path,
            query={name: values[0] for name, values in query.items()},
            headers=Headers(received.headers),
            body=parse_json(received.body),
            raw_body=received.body,
            status=None,
            account_id=path.get("accountId", [None])[0],
            visitor_id=path.get("visitorId", [None])[0],
            session_id=query.get("sid", [None])[0],
            at=time.monotonic(),
            caller=received.caller,
        )
        if operation is not None:
            return self._service.respond(operation, request, {"path": path, "query": query, "header": header})
        if operations:
            allowed = {"allow": ", ".join(sorted(operations))}
            return self._service.record(request, Answer(405, b"Method Not Allowed", allowed))
        return self._service.record(request, Answer(404, b"Not Found"))


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))
