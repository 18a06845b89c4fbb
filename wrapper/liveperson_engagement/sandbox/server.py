"""A small HTTP/1.1 server on loopback, in a thread of its own: no log lines, no waiting at start or stop.

h11 reads the requests. Answers are written as they are, since a sandbox also has to answer in ways that HTTP forbids.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import responses
from typing import Any

import h11

from liveperson_engagement.sandbox.service import MAX_BODY, Answer

MAX_HEAD = 2**16
_CONTINUE = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER for closing with a reset instead of an orderly end."""

logger = logging.getLogger("liveperson_engagement.sandbox")
logger.setLevel(logging.ERROR)  # whoever logs a client's calls does not want the sandbox's as well


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as it arrived: path and query are percent-encoded, names of headers in lower case."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    caller: int
    """The caller's port: one for each connection."""


class Server:
    """Answers requests on a loopback port, from start() to stop()."""

    def __init__(self, answer: Callable[[ReceivedRequest], Answer], port: int) -> None:
        self._answer, self._port = answer, port

    def start(self) -> int:
        """Listen, and return the port."""
        try:
            listener = socket.create_server(("127.0.0.1", self._port), backlog=2048)
        except OSError as error:
            reason = f"port: cannot listen on {self._port} of 127.0.0.1 ({os.strerror(error.errno or 0)})"
            raise OSError(error.errno, f"{reason}: stop what uses it, or pass port=0 for a free one") from None
        listener.setblocking(False)
        port: int = listener.getsockname()[1]
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listener,), name=f"sandbox-{port}", daemon=True)
        self._thread.start()
        self._started.wait()
        return port

    def stop(self) -> None:
        """Stop listening, and drop every connection."""
        self._loop.call_soon_threadsafe(self._accepting.cancel)
        self._thread.join()

    def _run(self, listener: socket.socket) -> None:
        with asyncio.Runner() as runner, listener, suppress(asyncio.CancelledError):
            self._loop = runner.get_loop()
            self._accepting = self._loop.create_task(self._accept(listener))
            self._started.set()
            self._loop.run_until_complete(self._accepting)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as connections:
            while True:
                try:
                    connection, address = await loop.sock_accept(listener)
                except OSError:  # the caller has gone, or there are too many open files
                    await asyncio.sleep(0.01)
                else:
                    connections.create_task(self._serve(connection, address[1]))

    async def _serve(self, connection: socket.socket, caller: int) -> None:
        """Answer the requests of a connection, one after the other."""
        with connection, suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            received: bytes | None = b""
            while received is not None:
                received = await self._exchange(connection, caller, received)

    async def _exchange(self, connection: socket.socket, caller: int, received: bytes) -> bytes | None:
        """Answer a request; return what was received behind it, or None where the connection is to be closed."""
        loop, http = asyncio.get_running_loop(), h11.Connection(h11.SERVER, MAX_HEAD)
        try:
            request = await _read(http, connection, caller, received)
        except h11.RemoteProtocolError:
            await loop.sock_sendall(connection, _head(Answer(400), 0, close=True))
            return None
        if request is None:
            return None
        try:
            answer = self._answer(request)
        except Exception:
            logger.exception("the sandbox could not answer a request")
            answer = Answer(500)
        received = http.trailing_data[0]
        if answer.delay:
            with suppress(TimeoutError):  # the time is over, or the caller has given up
                async with asyncio.timeout(answer.delay):
                    while more := await loop.sock_recv(connection, 65536):
                        received += more
        match answer.ending:
            case "whole":
                close = http.their_state is not h11.DONE or not _is_regular(answer)
                empty = request.method == "HEAD" or answer.status in {204, 304}
                length = None if answer.status in {204, 304} else len(answer.body)
                body = b"" if empty else answer.body
                await loop.sock_sendall(connection, _head(answer, length, close=close) + body)
                return None if close else received
            case "cut":
                body = answer.body or b"{}"
                head = _head(answer, len(body), close=True)
                await loop.sock_sendall(connection, head + body[: len(body) // 2])
            case "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            case "closed":
                pass
        return None


async def _read(
    http: h11.Connection, connection: socket.socket, caller: int, received: bytes
) -> ReceivedRequest | None:
    """Read a request; return None where the connection was closed before."""
    loop, body = asyncio.get_running_loop(), b""
    head: Any = None
    if received:
        http.receive_data(received)
    while not isinstance(event := http.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            if http.they_are_waiting_for_100_continue:
                await loop.sock_sendall(connection, http.send(_CONTINUE) or b"")
            http.receive_data(await loop.sock_recv(connection, 65536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            if len(body) <= MAX_BODY:  # what is beyond is read, so that the caller sees the answer, but not kept
                body += event.data
        else:
            return None
    path, _, query = head.target.decode("ascii").partition("?")
    headers = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers)
    return ReceivedRequest(head.method.decode("ascii"), path, query, headers, body, caller)


def _is_regular(answer: Answer) -> bool:
    """Return whether a client can tell where the answer ends, and go on after it."""
    framed = {name.lower() for name in answer.headers} & {"content-length", "transfer-encoding"}
    return 200 <= answer.status <= 599 and not framed


def _head(answer: Answer, length: int | None, *, close: bool) -> bytes:
    headers = {} if length is None else {"content-length": str(length)}
    headers |= {"connection": "close"} if close else {}
    headers |= {name.lower(): value for name, value in answer.headers.items()}
    status = f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}"
    lines = [status, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace")
