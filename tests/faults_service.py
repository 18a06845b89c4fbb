"""A service over a bare socket that answers as it is told to, also as no service should."""

import contextlib
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Self, TypeAlias

import doubles

GOOD_BODY = doubles.GOOD.body
WHOLE = f"Content-Length: {len(GOOD_BODY)}"

Wire: TypeAlias = socket.socket
Act: TypeAlias = Callable[[Wire], bool | None]
"""What is done on a connection once a request has come; True keeps the connection for another."""

FOREVER = 60.0
"""Seconds after which even what never ends does end, so that a client without bounds fails and does not hang."""
DRIP = 0.02
"""Seconds between two bytes."""


def head(status: int, *headers: str) -> bytes:
    """Write the first part of an answer, up to its body."""
    return "\r\n".join([f"HTTP/1.1 {status} Told", *headers, "", ""]).encode("latin-1")


def answer(status: int, body: bytes = b"", *headers: str) -> Act:
    """Answer as a service does, and keep the connection."""
    return says(head(status, f"Content-Length: {len(body)}", *headers) + body, keep=True)


def says(sent: bytes = b"", *, keep: bool = False) -> Act:
    """Send some bytes, and close the connection unless it is to be kept."""

    def act(wire: Wire) -> bool:
        wire.sendall(sent)
        return keep

    return act


def drips(begin: bytes, drop: bytes = b" ", pause: float = DRIP) -> Act:
    """Send some bytes, then more again and again without an end; with no pause as fast as they are taken."""

    def act(wire: Wire) -> None:
        wire.sendall(begin)
        end = time.monotonic() + FOREVER
        while time.monotonic() < end:
            time.sleep(pause)
            wire.sendall(drop)

    return act


def silent(begin: bytes = b"", *, last: bool = False) -> Act:
    """Send some bytes, then nothing until the other side has gone; say so if they were the last."""

    def act(wire: Wire) -> None:
        wire.sendall(begin)
        if last:
            wire.shutdown(socket.SHUT_WR)
        while wire.recv(65536):
            pass

    return act


def resets(begin: bytes = b"") -> Act:
    """Send some bytes, and abort the connection once they have surely been read."""

    def act(wire: Wire) -> None:
        wire.sendall(begin)
        time.sleep(DRIP if begin else 0)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return act


GOOD = answer(200, GOOD_BODY)


class Service:
    """Serves on loopback until it is left: does `act` if there is one, otherwise gives good answers.

    If it is `early`, it acts once a request could be read, and leaves it unread.
    """

    def __init__(self, context: ssl.SSLContext | None = None, *, early: bool = False) -> None:
        self.act: Act | None = None
        self.requests, self.request = 0, b""
        """How many have been read, and the last of them."""
        self.peers: list[Any] = []
        """From where each request came."""
        self.wires: set[Wire] = set()
        self._context, self._early, self._busy = context, early, 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"https://localhost:{self.port}" if context else f"http://127.0.0.1:{self.port}"
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        """Start to serve."""
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it, with all connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for wire in tuple(self.wires):
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(5)

    def is_calm(self) -> bool:
        """Wait until nothing is going on any more, since answers were given or the other side has gone."""
        return self.wait_for(lambda: not self._busy)

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        """Wait until something is so; return whether it is."""
        with self._changed:
            return self._changed.wait_for(condition, FOREVER)

    def _accept(self) -> None:
        while True:
            try:
                wire = self._listener.accept()[0]
            except OSError:
                return
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._count(1)
            self._threads.append(threading.Thread(target=self._serve, args=(wire,), daemon=True))
            self._threads[-1].start()

    def _count(self, more: int) -> None:
        with self._changed:
            self._busy += more
            self._changed.notify_all()

    def _serve(self, wire: Wire) -> None:
        try:
            with contextlib.suppress(OSError):
                if self._context:
                    wire = self._context.wrap_socket(wire, server_side=True)
                self.wires.add(wire)
                peer = wire.getpeername()
                while self._has_come(wire):
                    self.peers.append(peer)
                    if not (self.act or GOOD)(wire):
                        break
        finally:
            wire.close()
            self.wires.discard(wire)
            self._count(-1)

    def _has_come(self, wire: Wire) -> bool:
        """Wait for a request, as one who has nothing to do."""
        self._count(-1)
        try:
            if self._early:
                select.select([wire], [], [])
                if self.act:
                    return True
            request = b""
            while part := wire.recv(65536):
                request += part
                top, end, body = request.partition(b"\r\n\r\n")
                length = top.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                if end and len(body) >= int(length or 0):
                    with self._changed:
                        self.requests, self.request = self.requests + 1, request
                    return True
        finally:
            self._count(1)
        return False
