"""The pytest plugin. Every run of pytest loads it, so it imports nothing of the package until it is needed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from liveperson_engagement import AsyncEngagementClient, EngagementClient
    from liveperson_engagement.sandbox import Sandbox
    from liveperson_engagement.testing import FakeClock, Journal

__all__ = [
    "async_engagement_client",
    "engagement_client",
    "engagement_clock",
    "engagement_journal",
    "engagement_sandbox",
]

ACCOUNT_ID = "demo"
ONLY_SANDBOX = "engagement_only_sandbox"
_ENDED_EARLY = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to refuse calls of real hosts, by an option and in the settings."""
    about = "fail the test whose EngagementClient would call a host other than this machine"
    parser.getgroup("liveperson-engagement").addoption("--engagement-only-sandbox", action="store_true", help=about)
    parser.addini(ONLY_SANDBOX, about, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse calls of real hosts if asked to, also those of clients that a module makes when it is imported."""
    if config.getoption(ONLY_SANDBOX) or config.getini(ONLY_SANDBOX):
        from liveperson_engagement.testing.clients import refuse_other_hosts  # noqa: PLC0415

        patch = pytest.MonkeyPatch()
        config.add_cleanup(patch.undo)
        refuse_other_hosts(patch)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Note that a test has ended early: what it had planned then needs no report of its own."""
    if call.excinfo:
        item.stash[_ENDED_EARLY] = True


@pytest.fixture
def engagement_clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """A fake clock: no client that is made during the test waits for a pause."""
    from liveperson_engagement.testing import FakeClock  # noqa: PLC0415
    from liveperson_engagement.testing.clients import follow  # noqa: PLC0415

    clock = FakeClock()
    follow(clock, monkeypatch)
    return clock


@pytest.fixture(scope="session", name="_engagement_server")
def engagement_server() -> Iterator[Sandbox]:
    """Keep one server for the tests of this process: a start takes a hundred times as long as a reset."""
    from liveperson_engagement.sandbox import Sandbox  # noqa: PLC0415

    sandbox = Sandbox()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def engagement_sandbox(
    _engagement_server: Sandbox,
    engagement_clock: FakeClock,  # noqa: ARG001 - no test that has a sandbox waits
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Sandbox]:
    """A sandbox that knows nothing yet; clients that are made without arguments go to it.

    A test that ends well, and leaves an instruction that no request has met, is an error: it did not try what it says.
    """
    with contextlib.suppress(RuntimeError):  # it runs already, unless a test has stopped it
        _engagement_server.start()
    _engagement_server.reset()
    monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", ACCOUNT_ID)
    monkeypatch.setenv("LIVEPERSON_BASE_URL", _engagement_server.url)
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    monkeypatch.setenv("no_proxy", f"{direct},127.0.0.1".removeprefix(","))
    yield _engagement_server
    unused = _engagement_server.unused_instructions
    if unused and not request.node.stash.get(_ENDED_EARLY, False):
        pytest.fail(
            f"engagement_sandbox: no request met {', '.join(unused)}; plan what the test uses, or end it with"
            " engagement_sandbox.reset()",
            pytrace=False,
        )


@pytest.fixture
def engagement_client(engagement_sandbox: Sandbox) -> Iterator[EngagementClient]:
    """A client of the sandbox, whose pauses take no time; closed after the test."""
    from liveperson_engagement import EngagementClient  # noqa: PLC0415

    with EngagementClient(ACCOUNT_ID, base_url=engagement_sandbox.url) as client:
        yield client


@pytest.fixture
def async_engagement_client(engagement_sandbox: Sandbox) -> Iterator[AsyncEngagementClient]:
    """The async client, for whichever event loop the test runs; closed after the test."""
    from liveperson_engagement.testing.clients import async_client  # noqa: PLC0415

    with async_client(ACCOUNT_ID, engagement_sandbox.url) as client:
        yield client


@pytest.fixture
def engagement_journal(engagement_sandbox: Sandbox) -> Journal:
    """Assertions on what the sandbox was sent."""
    from liveperson_engagement.testing import Journal  # noqa: PLC0415

    return Journal(engagement_sandbox)
