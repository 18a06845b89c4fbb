"""Sends through a transport of httpx's kind that a caller hands in."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import cast

import httpx

from liveperson_engagement_api.http import Request, Response

from . import AsyncTransport, NoResponse, Transport
from ._pending import PendingResponse, Stage, without_quotes
from .asyncio_sockets import running_loop

_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class HttpxTransport(Transport):
    """Sends through an `httpx.BaseTransport`. It is asked to keep the timeout, and watched between two chunks."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Send a request and read the answer."""
        pending = PendingResponse(timeout)
        try:
            response = self._inner.handle_request(_request(base_url, request, timeout))
            try:
                if not _is_read(response, pending):
                    for chunk in cast(httpx.SyncByteStream, response.stream):
                        pending.add(chunk)
                        pending.remaining()
            finally:
                response.close()
        except (httpx.HTTPError, OSError) as error:
            raise _failure(error, pending) from without_quotes(error)
        return pending.response()

    def close(self) -> None:
        """Close the transport."""
        self._inner.close()


class AsyncHttpxTransport(AsyncTransport):
    """Sends through an `httpx.AsyncBaseTransport`."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Send a request and read the answer."""
        running_loop()
        pending = PendingResponse(timeout)
        try:
            async with asyncio.timeout(timeout):
                response = await self._inner.handle_async_request(_request(base_url, request, timeout))
                try:
                    if not _is_read(response, pending):
                        async for chunk in cast(httpx.AsyncByteStream, response.stream):
                            pending.add(chunk)
                            pending.remaining()
                finally:
                    await response.aclose()
        except (httpx.HTTPError, OSError) as error:
            raise _failure(error, pending) from without_quotes(error)
        return pending.response()

    async def aclose(self) -> None:
        """Close the transport."""
        await self._inner.aclose()


def _request(base_url: str, request: Request, timeout: float | None) -> httpx.Request:
    """Connecting is to end a little before the whole attempt, which says no more whether anything was sent."""
    early = None if timeout is None else 0.8 * timeout
    limits = {"connect": early, "pool": early, "read": timeout, "write": timeout}
    headers, extensions = dict(request.headers), {"timeout": limits}
    return httpx.Request(
        request.method, base_url + request.target, headers=headers, content=request.body, extensions=extensions
    )


def _is_read(response: httpx.Response, pending: PendingResponse) -> bool:
    """Keep what there is of an answer; return whether it is all, since the transport has read and decompressed it."""
    if not response.is_stream_consumed:
        pending.start(response.status_code, response.headers.multi_items())
        return False
    fields = [(name, value) for name, value in response.headers.multi_items() if name != "content-encoding"]
    pending.start(response.status_code, fields)
    pending.add(response.content)
    return True


def _failure(error: Exception, pending: PendingResponse) -> NoResponse:
    pending.may_have_arrived = not isinstance(error, _NOT_SENT)
    if isinstance(error, httpx.ProxyError | httpx.ConnectError | httpx.ConnectTimeout):
        pending.stage = "proxy" if isinstance(error, httpx.ProxyError) else _stage(error)
    return pending.failure(error, timed_out=isinstance(error, httpx.TimeoutException | TimeoutError))


def _stage(error: BaseException | None) -> Stage:
    """Find by its causes what has failed."""
    while error is not None:
        if isinstance(error, socket.gaierror | ssl.SSLError):
            return "TLS" if isinstance(error, ssl.SSLError) else "name"
        error = error.__cause__ or error.__context__
    return "connection"
