"""The HTTP client that the generated functions send through: it lets only good answers past.

What the contract could not express: the generated parsers read a body before anyone has looked at the status, so
statuses, broken bodies and lost connections are told apart here, below them.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import quote

import httpx

from . import errors
from ._version import __version__
from .contract import DocumentedPolicy, contract
from .jsontext import Breach, is_object

if TYPE_CHECKING:
    import asyncio

    from .fast import AsyncFastTransport, FastTransport, Received

logger = logging.getLogger("liveperson_engagement")


@dataclass(slots=True)
class Exchange:
    """One attempt: what is sent, and what a good answer is checked against."""

    operation_id: str
    base_url: str
    arguments: dict[str, Any]
    """The generated function's own arguments, the body aside."""
    timeout: float | None
    usual_timeout: float | None
    """The same, as long as the deadline is far."""
    content: bytes | None = None
    received: bytes = b""
    """The body of a good answer."""

    @property
    def policy(self) -> DocumentedPolicy:
        """The operation's documented retry policy."""
        return contract().policy(self.operation_id)

    @property
    def repeatable(self) -> bool:
        """Whether it can arrive twice without putting a second visitor on the list."""
        return self.operation_id != "createSession"

    @property
    def call(self) -> dict[str, Any]:
        """The arguments of the generated function."""
        return self.arguments if self.content is None else {**self.arguments, "body": Body()}


current: ContextVar[Exchange] = ContextVar("current")
"""The exchange that the generated function now running belongs to."""


class Body:
    """Stands in for a generated request model: what goes out was encoded and checked before."""

    def to_dict(self) -> dict[str, Any]:
        """Give the generated function something to pass on; the encoded body goes out in its place."""
        return {}


class Sending(NamedTuple):
    """A request, before any library's own object is made of it; times in seconds."""

    method: str
    url: str
    headers: dict[str, str]
    """Besides `HEADERS`."""
    content: bytes | None
    timeout: float | None
    usual_timeout: float | None


class Http(httpx.Client):
    """Sends an exchange and raises unless its answer is good."""

    def __init__(self, transport: httpx.BaseTransport | Literal["fast"] | None) -> None:
        self._chosen, self._process, self._moving = transport, os.getpid(), threading.Lock()
        self._connect()

    def _connect(self) -> None:
        self._fast: FastTransport | None = _fast(self._chosen, "FastTransport")
        super().__init__(transport=self._fast or (None if isinstance(self._chosen, str) else self._chosen))

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
            if self._fast:
                return _judged_fast(self._fast.send(sending), sending)
            request = _request(sending)
            response = self._transport_for_url(request.url).handle_request(request)
        except httpx.RequestError as error:
            raise _no_answer(error) from error
        try:
            response.request = request
            response.read()
        except httpx.RequestError as error:
            return _cut_short(response.status_code, response.headers, request, error)
        finally:
            response.close()
        return _judged(response)


class AsyncHttp(httpx.AsyncClient):
    """Sends an exchange and raises unless its answer is good."""

    def __init__(self, transport: httpx.AsyncBaseTransport | Literal["fast"] | None) -> None:
        self._chosen, self._process, self._moving = transport, os.getpid(), threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connect()

    def _connect(self) -> None:
        self._fast: AsyncFastTransport | None = _fast(self._chosen, "AsyncFastTransport")
        super().__init__(transport=self._fast or (None if isinstance(self._chosen, str) else self._chosen))

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
            if self._fast:
                return _judged_fast(await self._fast.send(sending), sending)
            request = _request(sending)
            response = await self._transport_for_url(request.url).handle_async_request(request)
        except httpx.RequestError as error:
            raise _no_answer(error) from error
        try:
            response.request = request
            await response.aread()
        except httpx.RequestError as error:
            return _cut_short(response.status_code, response.headers, request, error)
        finally:
            await response.aclose()
        return _judged(response)


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
    texts = {name: part if isinstance(part, str) else json.dumps(part) for name, part in (params or {}).items()}
    query = "&".join([f"{name}={quote(text, safe='')}" for name, text in texts.items()])
    url = f"{exchange.base_url}{url}?{query}" if query else f"{exchange.base_url}{url}"
    return Sending(method, url, headers or {}, exchange.content, exchange.timeout, exchange.usual_timeout)


def _request(sending: Sending) -> httpx.Request:
    limits = dict.fromkeys(("connect", "read", "write", "pool"), sending.timeout)
    return httpx.Request(
        sending.method,
        sending.url,
        headers=[*HEADERS, *sending.headers.items()],
        content=sending.content,
        extensions={"timeout": limits},
    )


def _no_answer(error: httpx.RequestError) -> errors.ConnectionFailed:
    kind = errors.Timeout if isinstance(error, httpx.TimeoutException) else errors.ConnectionFailed
    reason = f"{type(error).__name__} {error}".strip().splitlines()[0]
    return kind(reason, may_have_arrived=not isinstance(error, _UNSENT))


def _judged_fast(received: Received, sending: Sending) -> _Good:
    """Judge what the fast transport received, without an object of httpx's if it is good."""
    if received.status == 200 and received.cut is None and "content-encoding" not in received.headers:
        return _checked(received.content)
    headers, request = httpx.Headers(list(received.headers.items())), _request(sending)
    try:
        if received.cut:
            raise received.cut
        response = httpx.Response(received.status, headers=headers, content=received.content, request=request)
    except httpx.RequestError as error:
        return _cut_short(received.status, headers, request, error)
    return _judged(response)


def _cut_short(status: int, headers: httpx.Headers, request: httpx.Request, error: httpx.RequestError) -> _Good:
    kept = {name: text for name, text in headers.items() if name == "retry-after"}
    response = httpx.Response(status, headers=kept, request=request)
    if response.is_success:
        if isinstance(error, httpx.DecodingError):
            raise errors.InvalidResponse("body", "cannot be decompressed") from error
        raise _no_answer(error) from error
    return _judged(response)


def _judged(response: httpx.Response) -> _Good:
    if not response.is_success:
        raise _api_error(response, current.get())
    if response.status_code != 200:
        raise errors.InvalidResponse("status", f"{response.status_code} is not an answer that the contract has")
    return _checked(response.content)


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
    code = code if isinstance(code, int) and not isinstance(code, bool) else None
    message = message if isinstance(message, str) else None
    kind = _KINDS.get(status, errors.ServerError if status in policy.statuses else errors.ApiError)
    if (status, code) == policy.loading:
        kind = errors.AccountLoading
    return kind(status, code, message, _shown(message or "", exchange), response)


_KINDS: dict[int, type[errors.ApiError]] = {400: errors.BadRequest, 401: errors.Unauthorized, 404: errors.NotFound}


def _entity(content: bytes) -> dict[str, Any]:
    """Read the error entity, plain or wrapped; anything else has none."""
    try:
        entity = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    entity = entity.get("error", entity) if is_object(entity) else None
    return entity if is_object(entity) else {}


def _shown(message: str, exchange: Exchange) -> str:
    """Make a server's message fit to print: one line, with every id and every text that was sent masked."""
    secrets = {exchange.arguments.get("visitor_id"), exchange.arguments.get("sid")}
    secrets.update(exchange.policy.visitor_in_message.findall(message))
    texts = (json.loads(text) for text, names in _TEXT.findall((exchange.content or b"").decode()) if not names)
    secrets.update(text for text in texts if len(text) > 2)
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        message = message.replace(secret, "…")
    return " ".join("".join(each if each.isprintable() else " " for each in message).split())[:200]


_TEXT = re.compile(r'("(?:[^"\\]|\\.)*")(:?)')
"""A string of compact JSON, and whether it names a member."""
