"""Connections that cost less than httpx's own: those of reqwest, in Rust, by way of pyreqwest. Needs the extra `fast`.

What the contract could not express: which of its failures left a request certainly unsent.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
from pyreqwest import exceptions
from pyreqwest.client import ClientBuilder, SyncClientBuilder

from .exchange import Received, Sending
from .limits import LARGEST, expect, take


class FastTransport(httpx.BaseTransport):
    """Sends through reqwest, without making the objects that httpx passes on to its transports."""

    def __init__(self, headers: list[tuple[str, str]]) -> None:
        self._clients = _Clients(SyncClientBuilder, headers)

    def send(self, sending: Sending) -> Received:
        """Send a request and read its answer; raise httpx's errors where there is none."""
        sent = self._clients.request(sending)
        try:
            answer = sent.__enter__()
        except exceptions.PyreqwestError as error:
            raise _as_httpx(error) from None
        content = bytearray()
        cut: httpx.RequestError | None = None
        try:
            expect(answer.headers)
            take(content, answer.body_reader.read(LARGEST + 1) or b"")
        except exceptions.PyreqwestError as error:
            cut = _as_httpx(error)
        except httpx.RequestError as error:
            cut = error
        finally:
            sent.__exit__(None, None, None)
        return Received(answer.status, _headers(answer), bytes(content), cut)

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.built.values():
            client.close()


class AsyncFastTransport(httpx.AsyncBaseTransport):
    """The same for asyncio."""

    def __init__(self, headers: list[tuple[str, str]]) -> None:
        self._clients = _Clients(ClientBuilder, headers)

    async def send(self, sending: Sending) -> Received:
        """Send a request and read its answer; raise httpx's errors where there is none."""
        sent = self._clients.request(sending)
        try:
            answer = await sent.__aenter__()
        except exceptions.PyreqwestError as error:
            raise _as_httpx(error) from None
        content = bytearray()
        cut: httpx.RequestError | None = None
        try:
            expect(answer.headers)
            take(content, await answer.body_reader.read(LARGEST + 1) or b"")
        except exceptions.PyreqwestError as error:
            cut = _as_httpx(error)
        except httpx.RequestError as error:
            cut = error
        finally:
            await sent.__aexit__(None, None, None)
        return Received(answer.status, _headers(answer), bytes(content), cut)

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self._clients.built.values():
            await client.close()


class _Clients:
    """One client of pyreqwest for each timeout that is set, since its connections are made with one."""

    def __init__(self, builder: Any, headers: list[tuple[str, str]]) -> None:
        self._builder, self._headers = builder, headers
        self.built: dict[float | None, Any] = {None: self._build(None)}

    def _build(self, timeout: float | None) -> Any:
        """Leave to the wrapper what it decides: redirects, and what an answer that cannot be decompressed means."""
        builder = self._builder().default_headers(self._headers).http1_only().follow_redirects(False).referer(False)
        builder = builder.gzip(False).brotli(False).zstd(False).deflate(False)
        if timeout is not None:
            # Connecting is counted in the whole: only if it ends earlier can it be told apart.
            builder = builder.connect_timeout(timedelta(seconds=0.8 * timeout)).timeout(timedelta(seconds=timeout))
        return builder.build()

    def request(self, sending: Sending) -> Any:
        """Say what is to be sent. What is left of a deadline, if less than the timeout, takes its place."""
        client = self.built.get(sending.usual_timeout)
        if client is None:
            client = self.built[sending.usual_timeout] = self._build(sending.usual_timeout)
        built = client.request(sending.method.upper(), sending.url).headers(sending.headers)
        built = built.streamed_read_buffer_limit(0)  # the status of an answer counts, even if its body is cut short
        if sending.timeout is not None and sending.timeout != sending.usual_timeout:
            built = built.timeout(timedelta(seconds=sending.timeout))
        return built.body_bytes(sending.content or b"").build_streamed()


def _headers(answer: Any) -> dict[str, str]:
    """Give an answer's headers, where they matter, without those that are no text."""
    if answer.status == 200 and "content-encoding" not in answer.headers:
        return {}
    kept: dict[str, str] = {}
    for name in answer.headers:
        with suppress(ValueError):
            kept[name] = ", ".join(answer.headers.getall(name))
    return kept


def _as_httpx(error: exceptions.PyreqwestError) -> httpx.TransportError:
    """Return what httpx would raise.

    pyreqwest calls some failures "connect" that come after the request was sent; the causes that it gives do not. The
    original is not kept: its text has the whole URL.
    """
    causes = [cause["message"] for cause in getattr(error, "details", {}).get("causes") or ()]
    unsent, late = "client error (Connect)" in causes, isinstance(error, exceptions.RequestTimeoutError)
    kind: type[httpx.TransportError] = httpx.RemoteProtocolError
    if unsent:
        kind = httpx.ConnectTimeout if late else httpx.ConnectError
    elif late:
        kind = httpx.ReadTimeout
    elif isinstance(error, exceptions.NetworkError):
        kind = httpx.ReadError
    return kind(causes[-1] if len(causes) > 1 else error.message)
