"""What the fixtures of the plugin do with clients."""

from __future__ import annotations

import contextlib
import functools
import ssl
from collections.abc import Callable, Generator
from typing import Any

import httpx
import pytest

from ..client import AsyncEngagementClient, EngagementClient
from ..http import CLOSED
from ..stores import MemoryStore
from .clock import FakeClock


def follow(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a clock the default of every client and memory store."""
    defaults = MemoryStore.__init__.__kwdefaults__ or {}
    monkeypatch.setattr(MemoryStore.__init__, "__kwdefaults__", {**defaults, "clock": clock.time})
    for kind, sleep in ((EngagementClient, clock.sleep), (AsyncEngagementClient, clock.asleep)):
        monkeypatch.setattr(kind, "__init__", _sleeping(kind.__init__, sleep))


def _sleeping(init: Callable[..., None], sleep: Callable[[float], Any]) -> Callable[..., None]:
    @functools.wraps(init)
    def wrapped(client: object, *arguments: Any, **options: Any) -> None:
        init(client, *arguments, **{**options, "sleep": options.get("sleep") or sleep})

    return wrapped


def client(account_id: str, base_url: str) -> EngagementClient:
    """Connect a client to a loopback address."""
    return EngagementClient(account_id, base_url=base_url, transport=httpx.HTTPTransport(verify=_without_tls()))


@contextlib.contextmanager
def async_client(account_id: str, base_url: str) -> Generator[AsyncEngagementClient]:
    """Connect an async client to a loopback address; at the end it is closed, whatever became of its event loop."""
    transport = _Transport()
    yield AsyncEngagementClient(account_id, base_url=base_url, transport=transport)
    transport.over = True


class _Transport(httpx.AsyncHTTPTransport):
    """Closes each connection with its answer, so that none is left when the test's event loop ends."""

    over = False

    def __init__(self) -> None:
        super().__init__(verify=_without_tls(), limits=httpx.Limits(max_keepalive_connections=0))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request while the test runs."""
        if self.over:
            raise RuntimeError(CLOSED)
        return await super().handle_async_request(request)


def _without_tls() -> ssl.SSLContext:
    """Spare a test the reading of all the certificates that nothing on loopback asks for."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
