"""One way to write a test of all transports: sync and async, default and fast."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from typing import Any, TypeVar

from liveperson_engagement.transports import make_transport
from liveperson_engagement_api.http import Headers, Request, Response

T = TypeVar("T")
SENDERS = ("sync", "async", "sync fast", "async fast")
REQUEST = Request("POST", "/visitors/", "v=1.0", Headers([("Accept-Encoding", "gzip, deflate")]), b"{}")
NO_OPTIONS: dict[str, Any] = {"proxy": None, "ssl_context": None, "max_connections": None}


def make(chosen: Any = None, *, asynchronous: bool = True, **options: Any) -> Any:
    """Make a transport; options that are not given are not set."""
    return make_transport(chosen, asynchronous=asynchronous, **{**NO_OPTIONS, **options})


class Sender:
    """A transport of one kind; the calls of an async one are run to their end."""

    def __init__(self, name: str, stack: ExitStack, **options: Any) -> None:
        kind, _, chosen = name.partition(" ")
        self._runner = stack.enter_context(asyncio.Runner()) if kind == "async" else None
        chosen = options.pop("chosen", chosen or None)
        self.transport = make(chosen, asynchronous=kind == "async", **options)
        stack.callback(self.close)

    def send(self, base_url: str, request: Request = REQUEST, timeout: float | None = 30) -> Response:
        """Send a request."""
        result = self.transport.send(base_url, request, timeout)
        response: Response = self.run(result) if self._runner else result
        return response

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run a call of an async transport."""
        assert self._runner
        return self._runner.run(call)

    def close(self) -> None:
        """Close the connections."""
        if self._runner:
            self._runner.run(self.transport.aclose())
        else:
            self.transport.close()
