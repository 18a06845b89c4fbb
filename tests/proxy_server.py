"""A proxy on loopback: HTTP with CONNECT, or SOCKS5, with a password where wanted."""

import base64
import select
import socket
import ssl
import time

from faults_service import DRIP, Service, Wire, head


class Proxy(Service):
    """Connects or forwards to what it is asked for, and notes it: a line for each connection."""

    def __init__(self, context: ssl.SSLContext | None = None, *, socks: bool = False, auth: str = "") -> None:
        super().__init__(context, early=True)
        self.asked: list[str] = []
        self._auth = auth
        self.act = self._socks if socks else self._http

    def _http(self, wire: Wire) -> None:
        first, _, fields = wire.recv(65536).decode("latin-1").partition("\r\n")
        if not first:
            return
        self.asked.append(first)
        method, target, _ = first.split()
        credentials = f"proxy-authorization: Basic {base64.b64encode(self._auth.encode()).decode()}\r\n"
        if self._auth and credentials.lower() not in fields.lower():
            wire.sendall(head(407, "Content-Length: 0"))
        elif method == "CONNECT":
            _tunnel(wire, target, answer=head(200))
        else:
            authority, _, path = target.removeprefix("http://").partition("/")
            _tunnel(wire, authority, begin=f"{method} /{path} HTTP/1.1\r\n{fields}".encode())

    def _socks(self, wire: Wire) -> None:
        """Do as RFC 1928 and 1929 say; a wrong password is a failed assertion."""
        stream = wire.makefile("rb")
        method = 2 if self._auth else 0
        assert method in stream.read(stream.read(2)[1])
        wire.sendall(bytes([5, method]))
        if self._auth:
            user, password = stream.read(stream.read(2)[1]), stream.read(stream.read(1)[0])
            assert user + b":" + password == self._auth.encode()
            wire.sendall(b"\x01\x00")
        kind = stream.read(4)[3]
        host = socket.inet_ntoa(stream.read(4)) if kind == 1 else stream.read(stream.read(1)[0]).decode()
        authority = f"{host}:{int.from_bytes(stream.read(2))}"
        self.asked.append(f"SOCKS {kind} {authority}")
        wire.sendall(b"\x05\x00")
        time.sleep(DRIP)  # in two parts, as a network may deliver it
        bound = b"\x01\x7f\x00\x00\x01" if kind == 1 else b"\x03\x09localhost"
        _tunnel(wire, authority, answer=b"\x00" + bound + b"\x00\x01")


def _tunnel(wire: Wire, authority: str, *, begin: bytes = b"", answer: bytes = b"") -> None:
    """Connect to a service, and pass on what either side sends until one has gone."""
    host, _, port = authority.rpartition(":")
    with socket.create_connection((host, int(port))) as upstream:
        upstream.sendall(begin)
        wire.sendall(answer)
        others = {wire: upstream, upstream: wire}
        while True:
            buffered = [wire] if isinstance(wire, ssl.SSLSocket) and wire.pending() else []
            for each in buffered or select.select(list(others), [], [])[0]:
                if not (data := each.recv(65536)):
                    return
                others[each].sendall(data)
