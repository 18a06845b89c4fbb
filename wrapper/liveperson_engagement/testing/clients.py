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
    kinds = (EngagementClient, "sleep", clock.sleep), (AsyncEngagementClient, "sleep", clock.asleep)
    for kind, name, default in (*kinds, (MemoryStore, "clock", clock.time)):
        monkeypatch.setattr(kind, "__init__", _with_default(kind.__init__, name, default))


def _with_default(init: Callable[..., None], name: str, default: Callable[..., Any]) -> Callable[..., None]:
    @functools.wraps(init)
    def wrapped(made: object, *arguments: Any, **options: Any) -> None:
        init(made, *arguments, **{**options, name: options.get(name) or default})

    return wrapped


@contextlib.contextmanager
def async_client(account_id: str, base_url: str) -> Generator[AsyncEngagementClient]:
    """Connect an async client; at the end it is closed, whatever became of its event loop."""
    client = AsyncEngagementClient(account_id, base_url=base_url)
    yield client
    # With a factory, the thread's current event loop stays what it is: other plugins may have set one.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(client.aclose())
