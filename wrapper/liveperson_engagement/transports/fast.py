"""`transport="fast"`: connections of reqwest, in Rust, by way of pyreqwest. Needs the extra `fast`.

Certificates are the system's, or those of SSL_CERT_FILE and SSL_CERT_DIR.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from pyreqwest.client import ClientBuilder, SyncClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.proxy import ProxyBuilder

from liveperson_engagement_api.http import Request, Response

from . import MAX_RESPONSE_BYTES, AsyncTransport, NoResponse, Options, Transport
from ._environment import PORTS, Proxies, Trust
from ._pending import LONGEST_WAIT, PendingResponse, Stage
from .asyncio_sockets import AsyncSocketTransport, running_loop
from .sockets import IDLE_SECONDS, SocketTransport

T = TypeVar("T", Transport, AsyncTransport)
logger = logging.getLogger("liveperson_engagement")


class Reqwest(Generic[T]):
    """What the sync and the async transport share: reqwest's clients, and the default transport of a forked child."""

    def __init__(self, options: Options, builder: Callable[[], Any], default: Callable[[Options], T]) -> None:
        self._builder, self._options = builder, options
        self._make_default: Callable[[Options], T] = default
        self._proxies, self._process = Proxies(options["proxy"]), os.getpid()
        Trust(None)
        self._clients: dict[tuple[str, float | None], Any] = {}
        self.default: T | None = None

    def client(self, base_url: str, timeout: float | None) -> Any:
        """Return reqwest's client for a base URL, or None where it does not work, and `default` is there.

        reqwest counts connecting in the whole, and only if it ends earlier can it be told apart. Each client has
        connections of its own, so that many timeouts share the few times to connect: 8, 4, 2, ... seconds.
        """
        if self._process != os.getpid():
            self._clients, self._process = {}, os.getpid()
        connect = None if timeout is None else min(8.0, 2.0 ** math.floor(math.log2(max(0.8 * timeout, 0.05))))
        client = self._clients.get((base_url, connect))
        if client is None and self.default is None:
            try:
                client = self._clients[base_url, connect] = self._build(base_url, connect)
            except RuntimeError:
                logger.warning("transport: fast connections do not survive a fork; this process uses the default ones")
                self.default = self._make_default(self._options)
        return client

    def _build(self, base_url: str, connect: float | None) -> Any:
        parts = urlsplit(base_url)
        proxy = self._proxies.find(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])
        builder = self._builder().http1_only().follow_redirects(False).referer(False).no_proxy()
        builder = builder.gzip(False).brotli(False).zstd(False).deflate(False)
        builder = builder.pool_idle_timeout(timedelta(seconds=IDLE_SECONDS))
        if proxy:
            scheme = "socks5h" if proxy.is_socks else proxy.scheme  # reqwest would look names up itself
            builder = builder.proxy(ProxyBuilder.all(f"{scheme}:{proxy.url.partition(':')[2]}"))
        if connect:
            builder = builder.connect_timeout(timedelta(seconds=connect))
        return builder.build()

    def drop_clients(self) -> list[Any]:
        """Forget this process's clients, and return them to be closed."""
        clients, self._clients = self._clients, {}
        return list(clients.values()) if self._process == os.getpid() else []


class FastTransport(Reqwest[Transport], Transport):
    """Sends through reqwest; each call waits in its own thread."""

    def __init__(self, options: Options) -> None:
        super().__init__(options, SyncClientBuilder, SocketTransport)

    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Send a request and read the answer."""
        client = self.client(base_url, timeout)
        if self.default:
            return self.default.send(base_url, request, timeout)
        pending = PendingResponse(timeout)
        try:
            with _request(client, base_url, request, timeout) as answer:
                pending.start(answer.status, _fields(answer.headers))
                pending.add(answer.body_reader.read(MAX_RESPONSE_BYTES + 1) or b"")
        except (PyreqwestError, ConnectionError) as error:
            raise _failure(error, pending) from error
        return pending.response()

    def close(self) -> None:
        """Close the connections."""
        for client in self.drop_clients():
            client.close()
        if self.default:
            self.default.close()


class AsyncFastTransport(Reqwest[AsyncTransport], AsyncTransport):
    """Sends through reqwest; each call waits in its own task."""

    def __init__(self, options: Options) -> None:
        super().__init__(options, ClientBuilder, AsyncSocketTransport)

    async def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Send a request and read the answer."""
        running_loop()
        client = self.client(base_url, timeout)
        if self.default:
            return await self.default.send(base_url, request, timeout)
        pending, cancelled = PendingResponse(timeout), _cancellations()
        try:
            async with _request(client, base_url, request, timeout) as answer:
                pending.start(answer.status, _fields(answer.headers))
                pending.add(await answer.body_reader.read(MAX_RESPONSE_BYTES + 1) or b"")
        except (PyreqwestError, ConnectionError) as error:
            raise _failure(error, pending) from error
        finally:
            if _cancellations() > cancelled:  # pyreqwest drops one that comes at the same time as the answer
                raise asyncio.CancelledError
        return pending.response()

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self.drop_clients():
            await client.close()
        if self.default:
            await self.default.aclose()


def _cancellations() -> int:
    """Return how often the running task was asked to end."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _request(client: Any, base_url: str, request: Request, timeout: float | None) -> Any:
    built = client.request(request.method, base_url + request.target).headers(dict(request.headers))
    if request.body:
        built = built.body_bytes(request.body)
    elif request.method not in ("GET", "HEAD"):
        built = built.header("Content-Length", "0")
    if timeout is not None:
        built = built.timeout(timedelta(seconds=min(timeout, LONGEST_WAIT)))
    return built.streamed_read_buffer_limit(0).build_streamed()  # status and headers count, even if the body is cut


def _fields(headers: Any) -> list[tuple[str, str]]:
    """Return the headers, without those that are no text."""
    try:
        return list(headers.items())
    except ValueError:
        fields: list[tuple[str, str]] = []
        for name in dict.fromkeys(headers):
            with suppress(ValueError):
                fields += [(name, value) for value in headers.getall(name)]
        return fields


def _failure(error: Exception, pending: PendingResponse) -> NoResponse:
    """Decide by the causes: pyreqwest calls failures "connect" that come after the request was sent."""
    causes = [cause["message"] for cause in getattr(error, "details", {}).get("causes") or ()]
    pending.may_have_arrived = "client error (Connect)" not in causes
    error.args = (causes[-1] if len(causes) > 1 else error.args[0],)  # without the URL that the details have
    pending.stage = _stage(str(causes))
    return pending.failure(error, timed_out=isinstance(error, TimeoutError))


def _stage(causes: str) -> Stage:
    """Find by its causes what has failed before a request was sent."""
    if "dns error" in causes:
        return "name"
    if "tunnel" in causes or "proxy" in causes or "SOCKS" in causes:
        return "proxy"
    return "TLS" if "certificate" in causes or "tls" in causes.lower() else "connection"
