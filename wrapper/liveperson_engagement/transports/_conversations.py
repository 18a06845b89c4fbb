"""What is said on a connection, as generators: the two transports only wait, read and write for them.

A conversation yields bytes to send, or None to be given what arrives next, which is empty once the other side is gone.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Generator
from ipaddress import ip_address
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import h11

from liveperson_engagement_api.http import Request, Response

from ._environment import Proxies, Proxy, Trust
from ._pending import PendingResponse

T = TypeVar("T")
Conversation: TypeAlias = Generator[bytes | None, bytes, T]

MAX_HEAD_BYTES = 100 * 1024


class Route:
    """How a base URL is reached, worked out once for all of its requests."""

    def __init__(self, base_url: str, proxies: Proxies, trust: Trust) -> None:
        parts = urlsplit(base_url)
        self.host, self.secure = parts.hostname or "", parts.scheme == "https"
        self.port = parts.port or (443 if self.secure else 80)
        self.proxy = proxies.find(parts.scheme, self.host, self.port)
        self.peer = (self.proxy.host, self.proxy.port) if self.proxy else (self.host, self.port)
        """What the socket connects to."""
        self.ssl_context = trust.context
        self.prefix, self.headers = parts.path, [("Host", parts.netloc)]
        if self.proxy and not self.secure and not self.proxy.is_socks:
            self.prefix = base_url
            self.headers += self.proxy.headers


class Connection:
    """A socket to a service or its proxy, and the TLS layers on it."""

    def __init__(self) -> None:
        self.sock = socket.socket()
        self.established = self.reusable = False
        """Whether a request can be sent at once, and whether another can after the one that was answered."""
        self.idle_since = 0.0
        self._layers: list[_Tls] = []

    def is_usable(self, idle_seconds: float) -> bool:
        """Return whether it was not idle for long, and the other side has neither closed it nor sent anything."""
        if self.idle_since < time.monotonic() - idle_seconds:
            return False
        self.sock.setblocking(False)
        try:
            self.sock.recv(1)
        except OSError as error:
            return isinstance(error, BlockingIOError)
        return False

    def open(self, family: int) -> socket.socket:
        """Take a new socket, for the next of several addresses."""
        self.sock.close()
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        return self.sock

    def converse(self, route: Route, request: Request, pending: PendingResponse) -> Conversation[Response]:
        """Send a request, after what a new connection needs, and return the answer."""
        self.reusable = False
        if not self.established:
            yield from self.establish(route, pending)
            self.established = True
        complete = yield from self._within_layers(_exchange(route, request, pending))
        self.reusable = complete and all(layer.is_drained for layer in self._layers)
        return pending.response()

    def establish(self, route: Route, pending: PendingResponse) -> Conversation[None]:
        """Go through the proxy, and verify the service's certificate, as the route asks."""
        if route.proxy:
            if route.proxy.scheme == "https":
                yield from self._start_tls(route.ssl_context(), route.proxy.host)
            if route.proxy.is_socks:
                yield from _socks_connect(route.proxy, route.host, route.port)
            elif route.secure:
                yield from self._within_layers(_http_connect(route.proxy, route.host, route.port))
        if route.secure:
            pending.stage = "TLS"
            yield from self._start_tls(route.ssl_context(), route.host)

    def _start_tls(self, context: ssl.SSLContext, host: str) -> Conversation[None]:
        layer = _Tls(context, host)
        yield from self._within_layers(layer.handshake())
        self._layers.insert(0, layer)

    def _within_layers(self, conversation: Conversation[T]) -> Conversation[T]:
        for layer in self._layers:
            conversation = layer.carry(conversation)
        return conversation


class _Tls:
    """A TLS session that reads and writes memory."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    @property
    def is_drained(self) -> bool:
        """Whether nothing has arrived that was not read."""
        return not self._incoming.pending and not self._session.pending()

    def handshake(self) -> Conversation[None]:
        """Verify the other side's certificate, and agree on keys."""
        yield from self._call(self._session.do_handshake)

    def carry(self, conversation: Conversation[T]) -> Conversation[T]:
        """Encrypt what a conversation sends, and decrypt what it is given."""
        try:
            step = next(conversation)
            while True:
                received, unsent = b"", memoryview(step or b"")
                while unsent:
                    unsent = unsent[(yield from self._call(self._session.write, unsent)) :]
                if step is None:
                    received = yield from self._read()
                step = conversation.send(received)
        except StopIteration as done:
            result: T = done.value
            return result

    def _read(self) -> Conversation[bytes]:
        try:
            return (yield from self._call(self._session.read, 65536))
        except ssl.SSLEOFError:  # many servers close without the message that should announce it
            return b""

    def _call(self, action: Callable[..., T], *arguments: Any) -> Conversation[T]:
        """Do something that may have to wait for the other side; the alert that says why it failed is sent as well."""
        while True:
            try:
                return action(*arguments)
            except ssl.SSLWantReadError:
                pass
            finally:
                if self._outgoing.pending:
                    yield self._outgoing.read()
            if received := (yield None):
                self._incoming.write(received)
            else:
                self._incoming.write_eof()


def _exchange(route: Route, request: Request, pending: PendingResponse) -> Conversation[bool]:
    """Send a request and read the answer; return whether the connection may be used for another."""
    http, body = h11.Connection(h11.CLIENT, MAX_HEAD_BYTES), request.body or b""
    headers = [*route.headers, *request.headers.items()]
    if body or request.method not in ("GET", "HEAD"):
        headers.append(("Content-Length", str(len(body))))
    head = h11.Request(method=request.method, target=route.prefix + request.target, headers=headers)
    parts = [http.send(part) for part in (head, *([h11.Data(data=body)] if body else []), h11.EndOfMessage())]
    pending.may_have_arrived = True
    yield b"".join(part for part in parts if part)
    while not isinstance(event := (yield from _next_event(http)), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            fields = ((name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers)
            pending.start(event.status_code, fields)
        elif isinstance(event, h11.Data):
            pending.add(event.data)
    return http.our_state is http.their_state is h11.DONE and http.trailing_data == (b"", False)


def _http_connect(proxy: Proxy, host: str, port: int) -> Conversation[None]:
    """Have a proxy connect to the service."""
    http, target = h11.Connection(h11.CLIENT, MAX_HEAD_BYTES), f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    request = h11.Request(method="CONNECT", target=target, headers=[("Host", target), *proxy.headers])
    yield http.send(request)
    while not isinstance(event := (yield from _next_event(http)), h11.Response):
        pass
    if not 200 <= event.status_code < 300:
        raise ConnectionError(f"the proxy refused the connection ({event.status_code})")
    if http.trailing_data[0]:
        raise ConnectionError("the proxy sent more than its answer")


def _next_event(http: h11.Connection) -> Conversation[Any]:
    while (event := http.next_event()) is h11.NEED_DATA:
        received = yield None
        if not received and http.their_state is h11.SEND_RESPONSE:
            raise ConnectionError("the connection was closed before the answer")
        http.receive_data(received)
    return event


def _socks_connect(proxy: Proxy, host: str, port: int) -> Conversation[None]:
    """Have a SOCKS5 proxy connect to the service (RFC 1928 and 1929)."""
    try:
        address = ip_address(host).packed
        target = bytes([1 if len(address) == 4 else 4]) + address
    except ValueError:
        target = bytes([3, len(host)]) + host.encode()
    user, password, received = proxy.user, proxy.password, b""

    def reply(size: int) -> Conversation[bytes]:
        nonlocal received
        while len(received) < size:
            if not (more := (yield None)):
                raise ConnectionError("the proxy closed the connection")
            received += more
        taken, received = received[:size], received[size:]
        return taken

    yield b"\x05\x01" + (b"\x02" if user else b"\x00")
    if (yield from reply(2)) != b"\x05" + (b"\x02" if user else b"\x00"):
        raise ConnectionError("the proxy refused the connection (authentication)")
    if user:
        yield bytes([1, len(user)]) + user + bytes([len(password)]) + password
        if (yield from reply(2))[1]:
            raise ConnectionError("the proxy refused the connection (user or password)")
    yield b"\x05\x01\x00" + target + port.to_bytes(2, "big")
    version, code, _, kind = yield from reply(4)
    if version != 5 or code:
        raise ConnectionError(f"the proxy refused the connection (SOCKS {code})")
    yield from reply({1: 4, 4: 16}.get(kind) or (yield from reply(1))[0])
    yield from reply(2)
