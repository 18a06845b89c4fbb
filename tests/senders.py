"""One way to write a test of all transports: sync and async, default and fast. The fixture `connect` makes them."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeAlias

from faults_service import GOOD_BODY
from liveperson_engagement.transports import NoResponse, UnreadableBody, make_transport
from liveperson_engagement_api.http import Headers, Request, Response

REQUEST = Request("POST", "/visitors/", "v=1.0", Headers([("Accept-Encoding", "gzip, deflate")]), b"{}")
NO_OPTIONS: dict[str, Any] = {"proxy": None, "ssl_context": None, "max_connections": None}

ANSWERED, LOST, UNSENT = "200 as it should be", "lost, may have arrived", "lost, not sent"
LATE, LATE_UNSENT = "late, may have arrived", "late, not sent"
TIMEOUTS = (0.2, 1, 5)
"""To try one after the other, where a request has to get somewhere before it ends; a busy machine may need more."""


def make(chosen: Any = None, *, asynchronous: bool = True, **options: Any) -> Any:
    """Make a transport; options that are not given are not set."""
    return make_transport(chosen, asynchronous=asynchronous, **{**NO_OPTIONS, **options})


class Sender:
    """A transport of one kind, used by threads, or by tasks of an event loop that runs in a thread."""

    def __init__(self, name: str, stack: ExitStack, **options: Any) -> None:
        kind, _, chosen = name.partition(" ")
        self.transport = make(options.pop("chosen", chosen or None), asynchronous=kind == "async", **options)
        self._pool = stack.enter_context(ThreadPoolExecutor(260))
        self._loop = asyncio.new_event_loop() if kind == "async" else None
        if self._loop:
            thread = threading.Thread(target=self._loop.run_forever)
            thread.start()
            stack.callback(self._loop.close)
            stack.callback(thread.join)
            stack.callback(self._loop.call_soon_threadsafe, self._loop.stop)
        stack.callback(self.close)

    def submit(self, base_url: str, request: Request = REQUEST, timeout: float | None = 60) -> Future[Response]:
        """Begin to send a request."""
        if self._loop:
            return asyncio.run_coroutine_threadsafe(self.transport.send(base_url, request, timeout), self._loop)
        return self._pool.submit(self.transport.send, base_url, request, timeout)

    def send(self, base_url: str, request: Request = REQUEST, timeout: float | None = 60) -> Response:
        """Send a request."""
        return self.submit(base_url, request, timeout).result()

    def outcome(self, base_url: str, request: Request = REQUEST, timeout: float | None = 60) -> str:
        """Send a request, and say in a few words what has come of it."""
        return outcome(self.submit(base_url, request, timeout))

    def close(self) -> None:
        """Close the connections."""
        if self._loop:
            asyncio.run_coroutine_threadsafe(self.transport.aclose(), self._loop).result()
        else:
            self.transport.close()


def failure(call: Future[Response]) -> NoResponse:
    """Return the error of a request, which says nothing secret."""
    error = call.exception(40)
    assert isinstance(error, NoResponse)
    assert "secret" not in f"{error} {error!r} {error.__cause__} {error.__cause__!r}"
    return error


def outcome(call: Future[Response]) -> str:
    """Say in a few words what has come of a request."""
    if isinstance(error := call.exception(40), UnreadableBody):
        return f"{error.response.status}, {error.reason}"
    if error:
        lost = failure(call)
        words = "late" if lost.timed_out else "lost", "may have arrived" if lost.may_have_arrived else "not sent"
        return ", ".join([*([f"{lost.response.status}"] if lost.response else []), *words])
    response = call.result()
    return (
        f"{response.status} {'as it should be' if response.body == GOOD_BODY else f'with {len(response.body)} bytes'}"
    )


Connect: TypeAlias = Callable[..., Sender]
"""What the fixture `connect` is: it takes the options of a transport."""
