"""The default transport for asyncio. Closing a socket needs no event loop, so no cancellation can leave one open."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from typing import TypeVar

import h11

from liveperson_engagement_api.http import Request, Response

from ..errors import InvalidRequest
from . import AsyncTransport
from ._conversations import Connection, Conversation, Route
from ._pending import PendingResponse, without_quotes
from .sockets import Sockets, look_up

T = TypeVar("T")


class AsyncSocketTransport(Sockets, AsyncTransport):
    """Sends over sockets; each call waits in its own task."""

    async def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Send a request on an idle connection, or on a new one."""
        loop = running_loop()
        pending, route = PendingResponse(timeout), self.route(base_url)
        self.set_owner((os.getpid(), loop))
        try:
            async with asyncio.timeout(timeout):
                if self.places is None:
                    return await self._send(base_url, request, pending, route, loop)
                place = secrets.token_hex(8)
                try:
                    await self.places.aacquire("", place, None, pending.remaining())
                    return await self._send(base_url, request, pending, route, loop)
                finally:
                    self.places.release("", place)
        except (OSError, h11.ProtocolError) as error:
            raise pending.failure(error) from without_quotes(error)

    async def _send(
        self,
        base_url: str,
        request: Request,
        pending: PendingResponse,
        route: Route,
        loop: asyncio.AbstractEventLoop,
    ) -> Response:
        connection = self.take(base_url)
        try:
            if not connection.established:
                await _connect(connection, route, pending, loop)
            return await _drive(connection.converse(route, request, pending), connection.sock, loop)
        finally:
            self.put(base_url, connection)

    async def aclose(self) -> None:
        """Close the connections."""
        self.close()


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop; raise `InvalidRequest` under trio, which has none of asyncio's."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise InvalidRequest("transport", "needs asyncio: under trio, call a sync client in a worker thread") from None


async def _drive(conversation: Conversation[T], sock: socket.socket, loop: asyncio.AbstractEventLoop) -> T:
    received, waits = b"", False
    try:
        step = next(conversation)
        while True:
            if step is None:
                if waits:
                    await asyncio.sleep(0)  # other tasks and the timeout get their turn, however fast bytes arrive
                received, waits = await loop.sock_recv(sock, 65536), True
            else:
                await loop.sock_sendall(sock, step)
            step = conversation.send(received)
    except StopIteration as done:
        result: T = done.value
        return result


async def _connect(
    connection: Connection, route: Route, pending: PendingResponse, loop: asyncio.AbstractEventLoop
) -> None:
    pending.stage = "proxy" if route.proxy else "name"
    addresses = await asyncio.wrap_future(look_up(*route.peer))
    pending.stage = "proxy" if route.proxy else "connection"
    for index, (family, address) in enumerate(addresses, 1):
        try:
            async with asyncio.timeout(pending.remaining() / (len(addresses) + 1 - index)):
                return await loop.sock_connect(connection.open(family), address)
        except OSError:
            if index == len(addresses):
                raise
    raise OSError("the name has no address")
