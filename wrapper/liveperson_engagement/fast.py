"""Connections that cost less than httpx's own: those of reqwest, in Rust, by way of pyreqwest. Needs the extra `fast`.

What the contract could not express: which of its failures left a request certainly unsent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

import httpx

from .errors import InvalidRequest

logger = logging.getLogger("liveperson_engagement")

T = TypeVar("T")
Chosen: TypeAlias = T | Literal["fast"] | None


def opened(chosen: Any, kind: Callable[[], T]) -> T | None:
    """Return the transport that a client's argument chooses, and None for httpx's own."""
    if chosen is None or not isinstance(chosen, str):
        return chosen
    if chosen != "fast":
        raise InvalidRequest("transport", "must be an httpx transport, or fast")
    try:
        return kind()
    except ImportError as error:
        raise InvalidRequest("transport", "needs: pip install 'liveperson-engagement[fast]'") from error
    except RuntimeError:
        logger.warning("transport: fast connections do not survive a fork; this process uses httpx's own")
        return None


class Sending(NamedTuple):
    """A request, before any library's own object is made of it; times in seconds."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    content: bytes | None
    timeout: float | None
    usual_timeout: float | None


class Received(NamedTuple):
    """An answer, before any object of httpx's is made of it."""

    status: int
    headers: Any
    """A mapping that knows no case."""
    content: bytes
    cut: httpx.RequestError | None
    """Why not all of the content came."""


class FastTransport(httpx.BaseTransport):
    """Sends through reqwest, without making the objects that httpx passes on to its transports."""

    def __init__(self) -> None:
        self._clients = _Clients("SyncClientBuilder")

    def send(self, sending: Sending) -> Received:
        """Send a request and read its answer; raise httpx's errors where there is none."""
        with _as_httpx():
            sent = self._clients.request(sending)
            answer = sent.__enter__()
        content, cut = b"", None
        try:
            with _as_httpx():
                content = bytes(answer.body_reader.bytes())
        except httpx.RequestError as error:
            cut = error
        finally:
            sent.__exit__(None, None, None)
        return Received(answer.status, answer.headers, content, cut)

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.built.values():
            client.close()


class AsyncFastTransport(httpx.AsyncBaseTransport):
    """The same for asyncio."""

    def __init__(self) -> None:
        self._clients = _Clients("ClientBuilder")

    async def send(self, sending: Sending) -> Received:
        """Send a request and read its answer; raise httpx's errors where there is none."""
        with _as_httpx():
            sent = self._clients.request(sending)
            answer = await sent.__aenter__()
        content, cut = b"", None
        try:
            with _as_httpx():
                content = bytes(await answer.body_reader.bytes())
        except httpx.RequestError as error:
            cut = error
        finally:
            await sent.__aexit__(None, None, None)
        return Received(answer.status, answer.headers, content, cut)

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self._clients.built.values():
            await client.close()


class _Clients:
    """One client of pyreqwest for each timeout that is set, since its connections are made with one."""

    def __init__(self, builder: str) -> None:
        from pyreqwest import client  # noqa: PLC0415 - only those who choose it have it

        self._builder: Any = getattr(client, builder)
        self.built: dict[float | None, Any] = {None: self._build(None)}

    def _build(self, timeout: float | None) -> Any:
        """Leave to the wrapper what it decides: redirects, and what an answer that cannot be decompressed means."""
        builder = self._builder().http1_only().follow_redirects(False).referer(False)
        builder = builder.gzip(False).brotli(False).zstd(False).deflate(False)
        if timeout is not None:
            # Connecting is counted as waiting, too: only if it ends earlier can the two be told apart.
            builder = builder.connect_timeout(timedelta(seconds=0.8 * timeout)).read_timeout(timedelta(seconds=timeout))
        return builder.build()

    def request(self, sending: Sending) -> Any:
        """Say what is to be sent. What is left of a deadline, if less than the timeout, limits the whole of it."""
        client = self.built.get(sending.usual_timeout)
        if client is None:
            client = self.built[sending.usual_timeout] = self._build(sending.usual_timeout)
        built = client.request(sending.method.upper(), sending.url).headers(sending.headers)
        built = built.streamed_read_buffer_limit(0)  # the status of an answer counts, even if its body is cut short
        if sending.timeout is not None and sending.timeout != sending.usual_timeout:
            built = built.timeout(timedelta(seconds=sending.timeout))
        return built.body_bytes(sending.content or b"").build_streamed()


@contextmanager
def _as_httpx() -> Generator[None]:
    """Raise what httpx would.

    pyreqwest calls some failures "connect" that come after the request was sent; the causes that it gives do not. The
    original is not kept: its text has the whole URL.
    """
    from pyreqwest import exceptions  # noqa: PLC0415 - only those who choose it have it

    try:
        yield
    except exceptions.PyreqwestError as error:
        causes = [cause["message"] for cause in getattr(error, "details", {}).get("causes") or ()]
        unsent, late = "client error (Connect)" in causes, isinstance(error, exceptions.RequestTimeoutError)
        kind: type[httpx.TransportError] = httpx.RemoteProtocolError
        if unsent:
            kind = httpx.ConnectTimeout if late else httpx.ConnectError
        elif late:
            kind = httpx.ReadTimeout
        elif isinstance(error, exceptions.NetworkError):
            kind = httpx.ReadError
        raise kind(causes[-1] if len(causes) > 1 else error.message) from None
