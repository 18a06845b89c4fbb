"""The pytest plugin. Every run of pytest loads it, so it imports nothing until a fixture is requested."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..client import AsyncEngagementClient, EngagementClient
    from ..sandbox import Sandbox
    from .clock import FakeClock
    from .journal import Journal

ACCOUNT_ID = "demo"


@pytest.fixture
def engagement_clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """A fake clock: no client that is made during the test waits for a pause."""
    from .clients import follow  # noqa: PLC0415
    from .clock import FakeClock  # noqa: PLC0415

    clock = FakeClock()
    follow(clock, monkeypatch)
    return clock


@pytest.fixture(scope="session", name="_engagement_server")
def engagement_server() -> Iterator[Sandbox]:
    """Keep one server for the tests of this process: a start takes a hundred times as long as a reset."""
    from ..sandbox import Sandbox  # noqa: PLC0415

    sandbox = Sandbox()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def engagement_sandbox(
    _engagement_server: Sandbox,
    engagement_clock: FakeClock,  # noqa: ARG001 - no test that has a sandbox waits
    monkeypatch: pytest.MonkeyPatch,
) -> Sandbox:
    """A sandbox that knows nothing yet; clients that are made without arguments go to it."""
    with contextlib.suppress(RuntimeError):  # it runs already, unless a test has stopped it
        _engagement_server.start()
    _engagement_server.reset()
    monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", ACCOUNT_ID)
    monkeypatch.setenv("LIVEPERSON_BASE_URL", _engagement_server.url)
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    monkeypatch.setenv("no_proxy", f"{direct},127.0.0.1".removeprefix(","))
    return _engagement_server


@pytest.fixture
def engagement_client(engagement_sandbox: Sandbox) -> Iterator[EngagementClient]:
    """A client of the sandbox, whose pauses take no time; closed after the test."""
    from ..client import EngagementClient  # noqa: PLC0415

    with EngagementClient(ACCOUNT_ID, base_url=engagement_sandbox.url) as client:
        yield client


@pytest.fixture
def async_engagement_client(engagement_sandbox: Sandbox) -> Iterator[AsyncEngagementClient]:
    """The async client, for whichever event loop the test runs; closed after the test."""
    from .clients import async_client  # noqa: PLC0415

    with async_client(ACCOUNT_ID, engagement_sandbox.url) as client:
        yield client


@pytest.fixture
def engagement_journal(engagement_sandbox: Sandbox) -> Journal:
    """Assertions on what the sandbox was sent."""
    from .journal import Journal  # noqa: PLC0415

    return Journal(engagement_sandbox)
