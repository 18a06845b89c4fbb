# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

"""Sends what operations build, with httpx."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .errors import ResponseError
from .http import Headers, Request, Response

if TYPE_CHECKING:
    import httpx

_T = TypeVar("_T")


class Client:
    """Sends requests and gives responses; closing it closes the connections that it opened itself.

    Without `base_url` each operation goes to the server that the contract names for it. `timeout` is in seconds, for
    each of connecting, writing and reading; None waits for ever. A client of httpx that is handed in keeps its own.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        timeout: float | None = 10.0,
        http_client: httpx.Client | None = None,
        async_http_client: httpx.AsyncClient | None = None,
    ) -> None:
        self._base_url = base_url
        self._timeout = timeout
        self._sync, self._async = http_client, async_http_client
        self._own_sync: httpx.Client | None = None
        self._own_async: httpx.AsyncClient | None = None

    def send(self, request: Request, server: str) -> Response:
        """Send a request to the base URL, or to the server if there is none."""
        url = self._url(request, server)
        if self._sync is None:
            import httpx  # noqa: PLC0415 - only who sends needs it

            self._sync = self._own_sync = httpx.Client(timeout=self._timeout)
        return _response(self._sync.request(request.method, url, headers=request.headers, content=request.body))

    async def asend(self, request: Request, server: str) -> Response:
        """Send a request to the base URL, or to the server if there is none."""
        url = self._url(request, server)
        if self._async is None:
            import httpx  # noqa: PLC0415 - only who sends needs it

            self._async = self._own_async = httpx.AsyncClient(timeout=self._timeout)
        return _response(await self._async.request(request.method, url, headers=request.headers, content=request.body))

    def close(self) -> None:
        """Close the connections of `send`."""
        if self._own_sync is not None:
            self._own_sync.close()

    async def aclose(self) -> None:
        """Close the connections of `asend`."""
        if self._own_async is not None:
            await self._own_async.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _url(self, request: Request, server: str) -> str:
        base = self._base_url or server
        if "{" in base:
            raise ValueError(f"{base} stands for a host that only you know: give the client a base_url")
        return base.rstrip("/") + request.target


def read_response(parse: Callable[[int, Any], _T], response: Response) -> _T:
    """Decode a response and have it parsed; an error carries the response."""
    try:
        data = json.loads(response.body)
    except (ValueError, RecursionError):
        data = None
    try:
        return parse(response.status, data)
    except ResponseError as error:
        error.response = response
        raise


def _response(response: httpx.Response) -> Response:
    return Response(response.status_code, Headers(response.headers.multi_items()), response.content)
