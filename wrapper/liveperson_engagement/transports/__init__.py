"""Transports: each sends one request and returns the answer within a timeout, without redirects and cookies."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

from liveperson_engagement_api.http import Request, Response

from ..errors import InvalidRequest

if TYPE_CHECKING:
    import ssl

MAX_RESPONSE_BYTES = 2**20
"""Bytes of a body that are read, and that it may have when decompressed; documented ones have less than 2,000."""


class NoResponse(Exception):
    """No complete answer came; `__cause__` is what the library or the operating system raised."""

    def __init__(
        self,
        reason: str,
        *,
        may_have_arrived: bool,
        timed_out: bool = False,
        permanent: bool = False,
        response: Response | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason, self.may_have_arrived, self.timed_out = reason, may_have_arrived, timed_out
        self.permanent = permanent
        """Whether trying again does not help: there is no such host, or its certificate is refused."""
        self.response = response
        """Status and headers, where they came and the body did not."""


class UnreadableBody(Exception):
    """An answer came whose body is too large or cannot be decompressed; `response` has its status and headers."""

    def __init__(self, reason: str, response: Response) -> None:
        super().__init__(reason)
        self.reason, self.response = reason, response


class Transport(ABC):
    """Sends the requests of a sync client; threads may share it."""

    @abstractmethod
    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Send a request and return the answer, or raise `NoResponse` or `UnreadableBody`, within `timeout` seconds."""

    @abstractmethod
    def close(self) -> None:
        """Close the connections."""


class AsyncTransport(ABC):
    """Sends the requests of an async client; the tasks of one event loop may share it."""

    @abstractmethod
    async def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Do as `Transport.send` does."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close the connections."""


class Options(TypedDict):
    """What a client was told about its connections."""

    proxy: str | None
    ssl_context: ssl.SSLContext | None
    max_connections: int | None


@overload
def make_transport(chosen: object, *, asynchronous: Literal[False], **options: Unpack[Options]) -> Transport: ...
@overload
def make_transport(chosen: object, *, asynchronous: Literal[True], **options: Unpack[Options]) -> AsyncTransport: ...
@overload
def make_transport(chosen: object, *, asynchronous: bool, **options: Unpack[Options]) -> Transport | AsyncTransport: ...
def make_transport(chosen: Any, *, asynchronous: bool, **options: Unpack[Options]) -> Transport | AsyncTransport:
    """Return the transport that a client's options ask for; raise `InvalidRequest` where they cannot be met."""
    limit, given = options["max_connections"], [name for name, value in options.items() if value is not None]
    if limit is not None and (type(limit) is not int or limit < 1):
        raise InvalidRequest("max_connections", "must be a whole number from 1")
    if chosen is None and asynchronous:
        from .asyncio_sockets import AsyncSocketTransport  # noqa: PLC0415 - only what is used is imported

        return AsyncSocketTransport(options)
    if chosen is None:
        from .sockets import SocketTransport  # noqa: PLC0415

        return SocketTransport(options)
    if chosen == "fast":
        for name in given:
            if name != "proxy":
                raise InvalidRequest(name, "needs the default transport: leave out transport='fast'")
        try:
            from . import fast  # noqa: PLC0415
        except ImportError as error:
            raise InvalidRequest("transport", "needs: pip install 'liveperson-engagement[fast]'") from error
        return fast.AsyncFastTransport(options) if asynchronous else fast.FastTransport(options)
    if given:
        raise InvalidRequest(given[0], "is for the default transport: configure the one that you hand in instead")
    if isinstance(chosen, AsyncTransport if asynchronous else Transport):
        return chosen
    base, kind = ("AsyncBaseTransport", "an AsyncTransport") if asynchronous else ("BaseTransport", "a Transport")
    if "httpx" in sys.modules and isinstance(chosen, getattr(sys.modules["httpx"], base)):
        from . import adapter  # noqa: PLC0415

        return adapter.AsyncHttpxTransport(chosen) if asynchronous else adapter.HttpxTransport(chosen)
    raise InvalidRequest("transport", f"must be 'fast', {kind} or an httpx.{base}, not {type(chosen).__name__}")
