"""The connections that a client opens by itself, with somebody who looks on."""

from collections.abc import Callable

import httpx


class Wire(httpx.BaseTransport):
    """Lets `before` see each request, and `after` each answer; what they raise ends the call."""

    def __init__(
        self,
        *,
        before: Callable[[httpx.Request], None] = lambda _: None,
        after: Callable[[httpx.Response], None] = lambda _: None,
    ) -> None:
        self._before, self._after, self._client = before, after, _Client()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request the way that its URL and the environment's proxies ask for."""
        self._before(request)
        response = self._client.carry(request)
        self._after(response)
        return response

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class _Client(httpx.Client):
    def carry(self, request: httpx.Request) -> httpx.Response:
        """Send without what httpx does besides, as the package's own client does."""
        return self._transport_for_url(request.url).handle_request(request)
