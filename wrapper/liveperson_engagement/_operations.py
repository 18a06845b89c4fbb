"""The HTTP client that the generated functions send through: it lets only good answers past.

What the contract could not express: the generated parsers read a body before anyone has looked at the status, so
statuses, broken bodies and lost connections are told apart here, below them.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import quote

import httpx

from . import errors, limits
from ._version import __version__
from .contract import contract
from .exchange import Exchange, Received, Sending, current
from .jsontext import Breach, is_object
from .masking import masked, reason, unquoted

if TYPE_CHECKING:
    import asyncio

    from .fast import AsyncFastTransport, FastTransport

logger = logging.getLogger("liveperson_engagement")


class Http(httpx.Client):
    """Sends an exchange and raises unless its answer is good."""

    def __init__(self, transport: httpx.BaseTransport | Literal["fast"] | None) -> None:
        self._chosen, self._process, self._moving = transport, os.getpid(), threading.Lock()
        self._connect()

    def _connect(self) -> None:
        self._fast: FastTransport | None = _fast(self._chosen, "FastTransport")
        super().__init__(transport=self._fast or (None if isinstance(self._chosen, str) else self._chosen))
        limits.end_waits([self._transport, *self._mounts.values()], limits.Timed)

    def _settle(self) -> None:
        """Open new connections in a forked child: what arrives on its parent's would reach either of them."""
        if self._process != os.getpid():
            with self._moving:
                if self._process != os.getpid() and not self.is_closed:
                    self._connect()
                    self._process = os.getpid()

    def close(self) -> None:
        """Close the connections of this process."""
        self._settle()
        super().close()

    def request(self, method: str, url: httpx.URL | str, **options: Any) -> Any:
        """Send the current exchange straight to the connections, and judge its answer.

        What `httpx.Client` does besides takes longer and is not wanted: cookies, redirects, and logging whole URLs.
        """
        self._settle()
        if self.is_closed:
            raise RuntimeError(CLOSED)
        sending = _sending(method, url, **options)
        try:
            received = self._fast.send(sending) if self._fast else self._receive(_request(sending))
        except httpx.RequestError as error:
            raise _no_answer(error) from unquoted(error)
        return _judged(received, sending)

    def _receive(self, request: httpx.Request) -> Received:
        response = self._transport_for_url(request.url).handle_request(request)
        content, cut = _begun(response), None
        try:
            limits.expect(response.headers)
            if not response.is_stream_consumed:
                for chunk in cast(Any, response.stream):
                    limits.take(content, chunk)
                _end(response)
        except httpx.RequestError as error:
            cut = error
        finally:
            response.close()
        return Received(response.status_code, response.headers, bytes(content), cut)


class AsyncHttp(httpx.AsyncClient):
    """Sends an exchange and raises unless its answer is good."""

    def __init__(self, transport: httpx.AsyncBaseTransport | Literal["fast"] | None) -> None:
        self._chosen, self._process, self._moving = transport, os.getpid(), threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connect()

    def _connect(self) -> None:
        self._fast: AsyncFastTransport | None = _fast(self._chosen, "AsyncFastTransport")
        super().__init__(transport=self._fast or (None if isinstance(self._chosen, str) else self._chosen))
        limits.end_waits([self._transport, *self._mounts.values()], limits.AsyncTimed)

    def _settle(self) -> None:
        """Open new connections in a forked child, and once the event loop of the old ones is closed."""
        import asyncio  # noqa: PLC0415 - takes long, and sync callers do without

        loop, process = asyncio.get_running_loop(), os.getpid()
        if (self._loop, self._process) == (loop, process):
            return
        with self._moving:
            if self._loop is not None and not self.is_closed:
                if self._process == process and not self._loop.is_closed():
                    raise RuntimeError("an async client belongs to one event loop: make one for each, with one store")
                self._connect()
            self._loop, self._process = loop, process

    async def aclose(self) -> None:
        """Close the connections of this process and event loop."""
        self._settle()
        await super().aclose()

    async def request(self, method: str, url: httpx.URL | str, **options: Any) -> Any:
        """Do as `Http.request` does."""
        self._settle()
        if self.is_closed:
            raise RuntimeError(CLOSED)
        sending = _sending(method, url, **options)
        try:
            received = await (self._fast.send(sending) if self._fast else self._receive(_request(sending)))
        except httpx.RequestError as error:
            raise _no_answer(error) from unquoted(error)
        return _judged(received, sending)

    async def _receive(self, request: httpx.Request) -> Received:
        response = await self._transport_for_url(request.url).handle_async_request(request)
        content, cut = _begun(response), None
        try:
            limits.expect(response.headers)
            if not response.is_stream_consumed:
                async for chunk in cast(Any, response.stream):
                    limits.take(content, chunk)
                _end(response)
        except httpx.RequestError as error:
            cut = error
        finally:
            await response.aclose()
        return Received(response.status_code, response.headers, bytes(content), cut)


HEADERS = [
    ("Accept", "application/json"),
    ("Accept-Encoding", "gzip, deflate"),
    ("Connection", "keep-alive"),
    ("User-Agent", f"liveperson-engagement/{__version__}"),
]
CLOSED = "the client is closed: make another"


def _fast(chosen: object, kind: str) -> Any:
    """Open the fast transport if a client's argument chooses it; raise `InvalidRequest` where it chooses nothing."""
    if not isinstance(chosen, str):
        return None
    if chosen != "fast":
        raise errors.InvalidRequest("transport", "must be an httpx transport, or fast")
    try:
        from . import fast  # noqa: PLC0415 - only this needs the extra

        return getattr(fast, kind)(HEADERS)
    except ImportError as error:
        raise errors.InvalidRequest("transport", "needs: pip install 'liveperson-engagement[fast]'") from error
    except RuntimeError:
        logger.warning("transport: fast connections do not survive a fork; this process uses httpx's own")
        return None


def parsed_url(url: str) -> httpx.URL | None:
    """Read a URL as the HTTP library will; None unless it has a host and a port that exist."""
    try:
        parts = httpx.URL(url)
        named = bool(parts.host)  # an international name is read only now
    except (httpx.InvalidURL, ValueError):
        return None
    return parts if named and (parts.port is None or 0 < parts.port < 2**16) else None


class _Good:
    """A good answer: the generated parser gets what was checked, not the body once more."""

    status_code, content, headers = 200, b"", httpx.Headers()

    def __init__(self, checked: Any) -> None:
        self._checked = checked

    def json(self) -> Any:
        return self._checked


_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


def _sending(
    method: str,
    url: httpx.URL | str,
    params: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    **_: Any,
) -> Sending:
    """Address what a generated function sends, and put the encoded body in."""
    exchange = current.get()
    exchange.begin()
    texts = {name: part if isinstance(part, str) else json.dumps(part) for name, part in (params or {}).items()}
    query = "&".join([f"{name}={quote(text, safe='')}" for name, text in texts.items()])
    url = f"{exchange.base_url}{url}?{query}" if query else f"{exchange.base_url}{url}"
    return Sending(method, url, headers or {}, exchange.content, exchange.timeout, exchange.usual_timeout)


def _request(sending: Sending) -> httpx.Request:
    return httpx.Request(
        sending.method,
        sending.url,
        headers=[*HEADERS, *sending.headers.items()],
        content=sending.content,
        extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), sending.timeout)},
    )


def _no_answer(error: httpx.RequestError) -> errors.ConnectionFailed:
    kind = errors.Timeout if isinstance(error, httpx.TimeoutException) else errors.ConnectionFailed
    return kind(reason(unquoted(error), current.get()), may_have_arrived=not isinstance(error, _UNSENT))


def _begun(response: httpx.Response) -> bytearray:
    """Give what there is of an answer's body: all of it, decompressed, if the transport itself has read it."""
    if not response.is_stream_consumed:
        return bytearray()
    response.headers.pop("Content-Encoding", None)
    return bytearray(response.content)


def _end(response: httpx.Response) -> None:
    """Have a connection used no more if the answer is not all that came: the rest would answer the next request."""
    with contextlib.suppress(AttributeError):  # a transport of another kind
        if _PROTOCOL(response).trailing_data[0]:
            response.extensions["network_stream"].spoiled = True


_PROTOCOL = attrgetter("stream._httpcore_stream._stream._connection._h11_state")
"""Where httpx's own transports keep the parser, which alone knows what is left over."""


def _judged(received: Received, sending: Sending) -> _Good:
    """Return a good answer; raise what any other means. A status counts even if its body is cut short."""
    status, headers, content, cut = received
    if status == 101:  # httpx's own connections refuse it
        raise _no_answer(httpx.RemoteProtocolError("the protocol was switched, unasked"))
    if cut is None and (encoding := headers.get("content-encoding")):
        try:
            content = limits.decompressed(content, encoding)
        except httpx.DecodingError as error:
            cut = error
    if not 200 <= status < 300:
        kept = {name: text for name, text in headers.items() if name != "content-encoding"}
        headers, content = httpx.Headers(kept, encoding="utf-8"), b"" if cut else content
        response = httpx.Response(status, headers=headers, content=content, request=_request(sending))
        raise _api_error(response, current.get())
    if status != 200:
        raise errors.InvalidResponse("status", f"{status} is not an answer that the contract has")
    if isinstance(cut, httpx.DecodingError):
        raise errors.InvalidResponse("body", str(cut)) from cut
    if cut:
        raise _no_answer(cut) from unquoted(cut)
    return _checked(content)


def _checked(content: bytes) -> _Good:
    exchange = current.get()
    try:
        answer = contract().check_answer(exchange.operation_id, content)
    except Breach as breach:
        raise errors.InvalidResponse(breach.path, breach.reason) from None
    exchange.received = content
    return _Good(answer)


def _api_error(response: httpx.Response, exchange: Exchange) -> errors.ApiError:
    status, policy = response.status_code, exchange.policy
    entity = _entity(response.content)
    code, message = entity.get("internalCode"), entity.get("message")
    code = code if isinstance(code, int) and not isinstance(code, bool) and -(2**63) <= code < 2**63 else None
    message = message if isinstance(message, str) else None
    kind = _KINDS.get(status, errors.ServerError if status in policy.statuses else errors.ApiError)
    if (status, code) == policy.loading:
        kind = errors.AccountLoading
    return kind(status, code, message, masked(message or "", exchange), response)


_KINDS: dict[int, type[errors.ApiError]] = {400: errors.BadRequest, 401: errors.Unauthorized, 404: errors.NotFound}


def _entity(content: bytes) -> dict[str, Any]:
    """Read the error entity, plain or wrapped; anything else has none."""
    try:
        entity = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    entity = entity.get("error", entity) if is_object(entity) else None
    return entity if is_object(entity) else {}
