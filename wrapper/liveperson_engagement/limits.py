"""How large an answer may be, and how long an attempt may take.

What the contract could not express: an answer that is too large is not read to its end, and an attempt ends when its
time is over, however slowly or busily the other side goes on.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, cast

import httpx

from .exchange import current

LARGEST = 2**20
"""Bytes of an answer that are read, and that it may have when decompressed; documented ones have less than 2,000."""


def expect(headers: Any) -> None:
    """Raise httpx's error unless an answer announces a body that may be read."""
    length = headers.get("content-length")
    if length and length.isdecimal() and (len(length) > 18 or int(length) > LARGEST):
        raise _too_large()


def take(content: bytearray, chunk: Any) -> None:
    """Add a piece to the body of the current exchange's answer; raise httpx's error if no more of it is to be read."""
    content += chunk
    if len(content) > LARGEST:
        raise _too_large()
    _left(None, httpx.ReadTimeout)


def _too_large() -> httpx.DecodingError:
    return httpx.DecodingError(f"is larger than {LARGEST:,} bytes")


def _left(timeout: float | None, late: type[httpx.TimeoutException]) -> float | None:
    """Return what the current exchange has left, or else a timeout of the library's; raise if that is nothing."""
    exchange = current.get(None)
    if exchange is None or exchange.timeout is None:
        return timeout
    left = exchange.left
    if left <= 0:
        raise late(f"the request took longer than {exchange.timeout:g} seconds")
    return left


def end_waits(transports: Iterable[Any], timed: type[Timed]) -> None:
    """Have transports end each wait when the exchange's time is over.

    httpx gives every read the whole timeout anew, and its transports take no other network backend than their own.
    """
    for each in transports:
        pool = getattr(each, "_pool", None)
        backend = getattr(pool, "_network_backend", None)
        if backend is not None and not isinstance(backend, Timed):
            cast(Any, pool)._network_backend = timed(backend)


class Timed:
    """What a transport connects by, or one of its connections: no wait outlasts the current exchange."""

    spoiled = False
    """Whether it is to be taken for closed by the other side: httpx then opens another."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def get_extra_info(self, name: str) -> Any:
        """Answer httpx's question whether the connection may be used again."""
        return True if self.spoiled and name == "is_readable" else self._inner.get_extra_info(name)

    def connect_tcp(self, *address: Any, timeout: float | None = None, **options: Any) -> Any:
        """Do so, within the time that is left."""
        return Timed(self._inner.connect_tcp(*address, timeout=_left(timeout, httpx.ConnectTimeout), **options))

    def start_tls(self, *context: Any, timeout: float | None = None, **options: Any) -> Any:
        """Do so, within the time that is left."""
        try:
            left = _left(timeout, httpx.ConnectTimeout)
        except httpx.ConnectTimeout:
            self._inner.close()
            raise
        return Timed(self._inner.start_tls(*context, timeout=left, **options))

    def write(self, buffer: bytes, timeout: float | None = None) -> Any:
        """Do so, within the time that is left."""
        return self._inner.write(buffer, _left(timeout, httpx.WriteTimeout))

    def read(self, max_bytes: int, timeout: float | None = None) -> Any:
        """Do so, within the time that is left."""
        return self._inner.read(max_bytes, _left(timeout, httpx.ReadTimeout))


class AsyncTimed(Timed):
    """The same for asyncio."""

    async def connect_tcp(self, *address: Any, timeout: float | None = None, **options: Any) -> Any:
        """Do so, within the time that is left."""
        left = _left(timeout, httpx.ConnectTimeout)
        return AsyncTimed(await self._inner.connect_tcp(*address, timeout=left, **options))

    async def start_tls(self, *context: Any, timeout: float | None = None, **options: Any) -> Any:
        """Do so, within the time that is left."""
        try:
            left = _left(timeout, httpx.ConnectTimeout)
        except httpx.ConnectTimeout:
            await self._inner.aclose()
            raise
        return AsyncTimed(await self._inner.start_tls(*context, timeout=left, **options))


def decompressed(content: bytes, encoding: str) -> bytes:
    """Undo what `HEADERS` allow; raise httpx's error if that fails, or gives more than may be read."""
    if not content or encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return content
    for form in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # gzip or zlib; deflate without the head that it should have
        packed = zlib.decompressobj(form)
        try:
            unpacked = packed.decompress(content, LARGEST + 1)
        except zlib.error:
            continue
        if len(unpacked) > LARGEST:
            raise _too_large()
        if packed.eof:
            return unpacked
    raise httpx.DecodingError("cannot be decompressed")
