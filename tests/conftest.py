"""What the tests share: a sandbox over real sockets, and one way to write a test that runs in both backends."""

from __future__ import annotations

import asyncio
import inspect
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from certificates import make_certificates
from faults_service import Service
from liveperson_engagement import AsyncEngagementClient, AsyncVisit, EngagementClient
from liveperson_engagement.sandbox import Sandbox
from senders import Connect, Sender

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from redis_server import RedisServer

BODY: Any = {"appType": "EXTERNAL"}
"""The smallest body."""


def pytest_configure() -> None:
    """Have Ctrl-C end programs also where a shell runs the tests in the background: they would inherit to ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


BACKENDS = ["sync", "async", "sync fast", "async fast"]
"""The two clients, each on its default transport and on the fast one."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `scripts/test all` run every test on every backend."""
    parser.addoption("--every-backend", action="store_true", help="run tests of a backend on all four")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test one backend; where its outcome can depend on them, those that its mark names, or all four."""
    if "backend" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("backends")
        every = mark or metafunc.config.getoption("every_backend")
        named = mark.args if mark else ()
        metafunc.parametrize("backend", named or (BACKENDS if every else BACKENDS[:1]), indirect=True)


class Blocking:
    """Makes an async client or visit look like the sync one, by running each coroutine to its end."""

    def __init__(self, twin: AsyncEngagementClient | AsyncVisit, runner: asyncio.Runner) -> None:
        self._twin, self._runner = twin, runner

    def __getattr__(self, name: str) -> Any:
        """Pass on to the twin."""
        member = getattr(self._twin, name)
        return self._blocking(member) if callable(member) else member

    def _blocking(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            result = method(*arguments, **options)
            if inspect.iscoroutine(result):
                return self._runner.run(result)
            return Blocking(result, self._runner) if isinstance(result, AsyncEngagementClient | AsyncVisit) else result

        return call


class Backend:
    """Makes clients of one kind and transport; their pauses take no time and are noted in `pauses`."""

    def __init__(self, name: str, stack: ExitStack) -> None:
        self.name, _, self._transport = name.partition(" ")
        self.pauses: list[float] = []
        self._stack = stack
        self._runner = stack.enter_context(asyncio.Runner()) if self.name == "async" else None

    def client(self, account_id: str | None = "demo", **options: Any) -> EngagementClient:
        """Connect a client that is closed at the end of the test."""
        client: Any
        options.setdefault("transport", self._transport or None)
        if self._runner is None:
            options.setdefault("sleep", self.pauses.append)
            client = EngagementClient(account_id, **options)
        else:
            options.setdefault("sleep", self._note)
            client = Blocking(AsyncEngagementClient(account_id, **options), self._runner)
        self._stack.callback(client.close)
        return cast(EngagementClient, client)

    def store(self, store: Any) -> Any:
        """Close a store's connections at the end of the test."""
        runner = self._runner
        self._stack.callback(store.close if runner is None else lambda: runner.run(store.aclose()))
        return store

    def wait(self, result: Any) -> Any:
        """Return what a coroutine gives, or else the result itself."""
        return self._runner.run(result) if self._runner and inspect.iscoroutine(result) else result

    async def _note(self, seconds: float) -> None:
        self.pauses.append(seconds)


class Clock:
    """The time that a store goes by."""

    now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still unless it is set."""
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a database that is not there yet."""
    return tmp_path / "visits.db"


@pytest.fixture(scope="session")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Have two other processes, started once for all tests that ask them to do something."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Run the test with a sync or an async client on one of the transports: see `pytest_generate_tests`."""
    with ExitStack() as stack:
        yield Backend(request.param, stack)


@pytest.fixture
def backend_name(backend: Backend, request: pytest.FixtureRequest) -> str:  # noqa: ARG001 - its parameter is the name
    """Name the backend, for a test that makes several itself."""
    name: str = request.node.callspec.params["backend"]
    return name


@pytest.fixture
def connect(backend_name: str) -> Iterator[Connect]:
    """Make transports of one backend, by their options; they are closed at the end of the test."""
    with ExitStack() as stack:
        yield partial(Sender, backend_name, stack)


@pytest.fixture
def service() -> Iterator[Service]:
    """Serve over a bare socket."""
    with Service() as service:
        yield service


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make certificates for all tests; their names are in certificates.py."""
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """Run one server for all tests."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    """Give a sandbox that knows nothing yet."""
    running_sandbox.reset()
    yield running_sandbox
    running_sandbox.reset()


@pytest.fixture
def client(backend: Backend, sandbox: Sandbox) -> EngagementClient:
    """Connect a client to the sandbox."""
    return backend.client(base_url=sandbox.url)


@pytest.fixture(scope="session")
def running_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run one Redis for all tests."""
    from redis_server import RedisServer  # noqa: PLC0415 - not every environment that runs tests has redis-py

    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(running_redis: RedisServer) -> RedisServer:
    """Give a Redis that knows nothing yet."""
    with running_redis.client as client:
        client.flushall()
    return running_redis


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one browser for a module: while it runs, no test of this thread can run an event loop of its own."""
    from browser import chromium  # noqa: PLC0415 - not every environment that runs tests has Playwright

    with chromium() as running:
        yield running
