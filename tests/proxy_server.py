"""A proxy in a process of its own: HTTP with CONNECT, or SOCKS5; with a password, TLS and faults where wanted."""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


class Proxy:
    """A running proxy, as tests see it."""

    def __init__(self, port: int, log: Path) -> None:
        self.port, self._log = port, log

    @property
    def asked(self) -> list[str]:
        """What it was asked to connect to or to forward, a line for each request."""
        return self._log.read_text().splitlines()[1:]


@contextmanager
def running_proxy(log: Path, *options: str) -> Generator[Proxy]:
    """Run a proxy on loopback; it writes its port, and then what it is asked, to a file."""
    with log.open("wb") as output, subprocess.Popen([sys.executable, __file__, *options], stdout=output) as process:
        try:
            while process.poll() is None and b"\n" not in log.read_bytes():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.02)
            yield Proxy(int(log.read_text().split()[0]), log)
        finally:
            process.kill()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _connect(
    host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begin: bytes, answer: bytes
) -> None:
    upstream_reader, upstream_writer = await asyncio.open_connection(host, port)
    upstream_writer.write(begin)
    writer.write(answer)
    await asyncio.gather(_relay(reader, upstream_writer), _relay(upstream_reader, writer))


async def _serve_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, options: argparse.Namespace) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, _, fields = head.decode("latin-1").partition("\r\n")
    print(first, flush=True)
    method, target, _ = first.split()
    credentials = base64.b64encode(options.auth.encode()).decode()
    if options.answer is not None:
        writer.write(options.answer.encode().decode("unicode_escape").encode("latin-1"))
        if not options.answer:
            await reader.read()
        writer.close()
    elif options.auth and f"proxy-authorization: basic {credentials}".lower() not in fields.lower():
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()
    elif method == "CONNECT":
        host, _, port = target.rpartition(":")
        await _connect(host.strip("[]"), int(port), reader, writer, b"", b"HTTP/1.1 200 Established\r\n\r\n")
    else:
        authority, _, path = target.removeprefix("http://").partition("/")
        host, _, port = authority.rpartition(":")
        await _connect(host, int(port), reader, writer, f"{method} /{path} HTTP/1.1\r\n{fields}".encode(), b"")


async def _serve_socks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, options: argparse.Namespace) -> None:
    _, methods = await reader.readexactly(2)
    offered = await reader.readexactly(methods)
    wanted = 2 if options.auth else 0
    writer.write(bytes([5, wanted if wanted in offered else 255]))
    if wanted:
        _, length = await reader.readexactly(2)
        user = await reader.readexactly(length)
        password = await reader.readexactly((await reader.readexactly(1))[0])
        right = f"{user.decode()}:{password.decode()}" == options.auth
        writer.write(bytes([1, 0 if right else 1]))
    _, _, _, kind = await reader.readexactly(4)
    length = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
    address = await reader.readexactly(length)
    port = int.from_bytes(await reader.readexactly(2), "big")
    host = ".".join(map(str, address)) if kind == 1 else address.decode() if kind == 3 else "::1"
    print(f"SOCKS {kind} {host}:{port}", flush=True)
    if options.answer is not None:
        writer.write(bytes.fromhex(options.answer))
        writer.close()
        return
    reply = b"\x05\x00\x00" + (b"\x01\x7f\x00\x00\x01" if kind == 1 else b"\x03\x09localhost") + b"\x00\x01"
    writer.write(reply[:3])  # in two parts, as a network may deliver it
    await writer.drain()
    await asyncio.sleep(0.05)
    await _connect(host, port, reader, writer, b"", reply[3:])


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--socks", action="store_true")
    parser.add_argument("--auth", default="", help="user:password")
    parser.add_argument("--answer", help="what to say to every request; nothing at all if empty; hexadecimal for SOCKS")
    parser.add_argument("--certificate", help="speak TLS")
    options = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if options.certificate else None
    if context:
        context.load_cert_chain(options.certificate)
    serve = _serve_socks if options.socks else _serve_http

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer, options)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
