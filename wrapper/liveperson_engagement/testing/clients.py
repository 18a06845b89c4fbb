"""What the plugin makes of the clients: those of its fixtures, a clock for all, and no host but this machine."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import urlsplit

import pytest

from .._account import is_loopback
from ..client import AsyncEngagementClient, EngagementClient
from ..events import RequestEvent
from ..stores import MemoryStore
from .clock import FakeClock


def follow(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a clock the default of every client and memory store."""
    kinds = (EngagementClient, "sleep", clock.sleep), (AsyncEngagementClient, "sleep", clock.asleep)
    for kind, name, default in (*kinds, (MemoryStore, "clock", clock.time)):
        monkeypatch.setattr(kind, "__init__", _with_default(kind.__init__, name, default))


def _with_default(init: Callable[..., None], name: str, default: Callable[..., Any]) -> Callable[..., None]:
    @functools.wraps(init)
    def wrapped(made: object, *arguments: Any, **options: Any) -> None:
        init(made, *arguments, **{**options, name: options.get(name) or default})

    return wrapped


def refuse_other_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every client that is made from now on fail the test before it sends anything to another machine."""
    for kind in (EngagementClient, AsyncEngagementClient):
        monkeypatch.setattr(kind, "__init__", _guarded(kind.__init__, always=True))
        monkeypatch.setattr(kind, "with_options", _guarded(kind.with_options, always=False))


def _guarded(method: Callable[..., Any], *, always: bool) -> Callable[..., Any]:
    """Put the guard before the hook `on_request` that a method takes."""

    @functools.wraps(method)
    def wrapped(made: object, *arguments: Any, **options: Any) -> Any:
        if always or "on_request" in options:
            options["on_request"] = _guard(options.get("on_request"))
        return method(made, *arguments, **options)

    return wrapped


def _guard(hook: Any) -> Any:
    if hook is not None and not callable(hook):
        return hook  # which the client refuses

    def on_request(event: RequestEvent) -> Any:
        host = urlsplit(event.base_url).hostname or ""
        if not is_loopback(host):
            # This is no Exception: code that catches what a call raises does not hide it.
            pytest.fail(
                f"engagement_only_sandbox: {event.operation_id} would go to {host}, and nothing was sent;"
                " request the fixture engagement_sandbox, or give base_url or domain_api"
            )
        return hook(event) if hook else None

    async def on_request_async(event: RequestEvent) -> None:
        await on_request(event)

    return on_request_async if inspect.iscoroutinefunction(hook) else on_request


@contextlib.contextmanager
def async_client(account_id: str, base_url: str) -> Generator[AsyncEngagementClient]:
    """Connect an async client; at the end it is closed, whatever became of its event loop."""
    client = AsyncEngagementClient(account_id, base_url=base_url)
    yield client
    # With a factory, the thread's current event loop stays what it is: other plugins may have set one.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(client.aclose())
