"""The clients of the plugin's fixtures, and how a fake clock becomes the default of all clients."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Generator
from typing import Any

import pytest

from ..client import AsyncEngagementClient, EngagementClient
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


@contextlib.contextmanager
def async_client(account_id: str, base_url: str) -> Generator[AsyncEngagementClient]:
    """Connect an async client; at the end it is closed, whatever became of its event loop."""
    client = AsyncEngagementClient(account_id, base_url=base_url)
    yield client
    # With a factory, the thread's current event loop stays what it is: other plugins may have set one.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(client.aclose())
