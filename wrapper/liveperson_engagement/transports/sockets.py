"""The default transport: sockets, h11 and the standard library's TLS, with a stack of idle connections per base URL."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from _thread import start_new_thread
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, TypeAlias, TypeVar

import h11

from liveperson_engagement_api.http import Request, Response

from .._keyed_lock import KeyedLock
from . import Options, Transport
from ._conversations import Connection, Conversation, Route
from ._environment import Proxies, Trust
from ._pending import PendingResponse, without_quotes

IDLE_SECONDS = 5.0
"""Idle for longer, a connection is given up: balancers forget theirs without a word."""
T = TypeVar("T")
Addresses: TypeAlias = list[tuple[int, Any]]
_lookups: dict[tuple[int, str, int], Future[Addresses]] = {}


class Sockets:
    """What the sync and the async transport share: routes and idle connections, by base URL."""

    def __init__(self, options: Options) -> None:
        self._proxies, self._trust = Proxies(options["proxy"]), Trust(options["ssl_context"])
        self.places = KeyedLock(options["max_connections"]) if options["max_connections"] else None
        """Limits the connections in use."""
        self._routes: dict[str, Route] = {}
        self._owner: object = None
        self._idle: dict[str, deque[Connection]] = {}
        self._closed = False

    def route(self, base_url: str) -> Route:
        """Return how to reach a service."""
        if base_url not in self._routes:
            self._routes[base_url] = Route(base_url, self._proxies, self._trust)
        return self._routes[base_url]

    def set_owner(self, owner: object) -> None:
        """Close the connections that another process or loop has left."""
        if self._owner != owner:
            self._owner = owner
            self._close_idle()

    def take(self, base_url: str) -> Connection:
        """Return an idle connection that can be used, or a new one."""
        idle = self._idle.setdefault(base_url, deque())
        with suppress(IndexError):
            while not (connection := idle.pop()).is_usable(IDLE_SECONDS):
                connection.sock.close()
            return connection
        return Connection()

    def put(self, base_url: str, connection: Connection) -> None:
        """Keep a connection that can be used again, and close any other and those that nobody has used for long."""
        if not connection.reusable or self._closed:
            connection.sock.close()
            return
        connection.idle_since = time.monotonic()
        idle = self._idle.setdefault(base_url, deque())
        idle.append(connection)
        with suppress(IndexError):
            while idle[0].idle_since < connection.idle_since - IDLE_SECONDS:
                idle.popleft().sock.close()

    def close(self) -> None:
        """Close the idle connections; those in use are closed when they are put back."""
        self._closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        for idle in list(self._idle.values()):
            with suppress(IndexError):
                while True:
                    idle.pop().sock.close()


class SocketTransport(Sockets, Transport):
    """Sends over sockets; each call waits in its own thread."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.set_owner(os.getpid())

    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Send a request on an idle connection, or on a new one."""
        pending, route = PendingResponse(timeout), self.route(base_url)
        self.set_owner(os.getpid())
        try:
            if self.places is None:
                return self._send(base_url, request, pending, route)
            place = secrets.token_hex(8)
            try:
                if not self.places.acquire("", place, pending.remaining(), pending.remaining()):
                    raise TimeoutError
                return self._send(base_url, request, pending, route)
            finally:
                try:
                    self.places.release("", place)
                    place = ""
                finally:
                    if place:  # a signal handler has raised amid that; it interrupts the main thread alone
                        start_new_thread(self.places.release, ("", place))
        except (OSError, h11.ProtocolError) as error:
            raise pending.failure(error) from without_quotes(error)

    def _send(self, base_url: str, request: Request, pending: PendingResponse, route: Route) -> Response:
        connection = self.take(base_url)
        try:
            if not connection.established:
                _connect(connection, route, pending)
            return _drive(connection.converse(route, request, pending), connection.sock, pending)
        finally:
            self.put(base_url, connection)

    def connect(self, base_url: str, timeout: float | None) -> None:
        """Connect to a service, verify its certificate and hang up: no request is sent. Raises `NoResponse`."""
        pending, route, connection = PendingResponse(timeout), self.route(base_url), Connection()
        try:
            _connect(connection, route, pending)
            _drive(connection.establish(route, pending), connection.sock, pending)
        except (OSError, h11.ProtocolError) as error:
            raise pending.failure(error) from without_quotes(error)
        finally:
            connection.sock.close()


def _drive(conversation: Conversation[T], sock: socket.socket, pending: PendingResponse) -> T:
    received = b""
    try:
        step = next(conversation)
        while True:
            sock.settimeout(pending.remaining())
            if step is None:
                received = sock.recv(65536)
            else:
                sock.sendall(step)
            step = conversation.send(received)
    except StopIteration as done:
        result: T = done.value
        return result


def _connect(connection: Connection, route: Route, pending: PendingResponse) -> None:
    pending.stage = "proxy" if route.proxy else "name"
    addresses = look_up(*route.peer).result(pending.remaining())
    pending.stage = "proxy" if route.proxy else "connection"
    for index, (family, address) in enumerate(addresses, 1):
        try:
            sock = connection.open(family)
            sock.settimeout(pending.remaining() / (len(addresses) + 1 - index))
            return sock.connect(address)
        except OSError:
            if index == len(addresses):
                raise
    raise OSError("the name has no address")


def look_up(host: str, port: int) -> Future[Addresses]:
    """Look up a host's addresses in a thread, or join the lookup under way: one that hangs cannot be interrupted."""
    future: Future[Addresses] = Future()
    with suppress(ValueError):
        family = socket.AF_INET if ip_address(host).version == 4 else socket.AF_INET6
        future.set_result([(family, (host, port))])
        return future
    future.set_running_or_notify_cancel()
    key = (os.getpid(), host, port)
    if (current := _lookups.setdefault(key, future)) is future:

        def run() -> None:
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                future.set_result([(family, address) for family, *_, address in found])
            except Exception as error:  # noqa: BLE001 - handed on
                future.set_exception(error if isinstance(error, OSError) else OSError(f"{host}: {error}"))
            finally:
                del _lookups[key]

        try:
            threading.Thread(target=run, daemon=True).start()
        except RuntimeError as error:
            future.set_exception(OSError(f"{host} cannot be looked up: {error}"))
            del _lookups[key]
    return current
