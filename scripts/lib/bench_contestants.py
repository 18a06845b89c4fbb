"""The clients that are measured: ours, and what a user could pick instead.

Each opens its client as its documentation shows, default settings and one set of connections for all calls, and gives
a function that makes one call. The body is at hand in the form that the client takes, a dict or its own model, and an
HTTP library is given the whole URL as text. Each function takes the number of its caller, who stands for a shopper.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from importlib import import_module
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from bench_case import ACCOUNT, BODY, SESSION, TARGET, VISITOR

Call: TypeAlias = Callable[[int], Any]
AsyncCall: TypeAlias = Callable[[int], Awaitable[Any]]
Open: TypeAlias = Callable[[str], AbstractContextManager[Call]]
AsyncOpen: TypeAlias = Callable[[str], AbstractAsyncContextManager[AsyncCall]]

OURS: Final = "liveperson_engagement"
OURS_FAST: Final = 'liveperson_engagement, transport="fast"'
GENERATED: Final = "generated client alone"
HTTPX: Final = "httpx"
PYREQWEST: Final = "pyreqwest"
OPENAPI_GENERATOR: Final = "openapi-generator, "
"""The library's name follows."""

SYNC: Final[dict[str, Open]] = {}
ASYNC: Final[dict[str, AsyncOpen]] = {}

library: Callable[[str], Any] = import_module
"""Imports a library in the one process that measures it."""


def _sync(name: str) -> Callable[[Callable[[str], Generator[Call, None, None]]], None]:
    def add(opened: Callable[[str], Generator[Call, None, None]]) -> None:
        SYNC[name] = contextmanager(opened)

    return add


def _async(name: str) -> Callable[[Callable[[str], AsyncGenerator[AsyncCall, None]]], None]:
    def add(opened: Callable[[str], AsyncGenerator[AsyncCall, None]]) -> None:
        ASYNC[name] = asynccontextmanager(opened)

    return add


@_sync("raw socket (the limit)")
def raw_socket(url: str) -> Generator[Call, None, None]:
    """Send bytes made beforehand and read until the answer is complete; decode nothing."""
    parts, content = urlsplit(url), json.dumps(BODY).encode()
    head = f"POST {TARGET} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def call(_: int) -> bytes:
            connection.sendall(request)
            received = connection.recv(65536)
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536)
            headers, answer = received.split(b"\r\n\r\n", 1)
            length = int(headers.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            while len(answer) < length:
                answer += connection.recv(65536)
            return answer

        yield call


@_sync("http.client")
def http_client(url: str) -> Generator[Call, None, None]:
    """Use what Python brings along."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    headers = {"Content-Type": "application/json"}

    def call(_: int) -> Any:
        connection.request("POST", TARGET, json.dumps(BODY), headers)
        with connection.getresponse() as response:
            if response.status != 200:
                raise RuntimeError(response.status)
            return json.loads(response.read())

    yield call
    connection.close()


def _ours(url: str, transport: Any) -> Generator[Call, None, None]:
    package = library("liveperson_engagement")
    with package.EngagementClient(ACCOUNT, base_url=url, transport=transport) as client:
        yield lambda caller: client.visit(f"shopper-{caller}").create_session(BODY)


@_sync(OURS)
def ours(url: str) -> Generator[Call, None, None]:
    """Use the package as it comes."""
    return _ours(url, None)


@_sync(OURS_FAST)
def ours_fast(url: str) -> Generator[Call, None, None]:
    """Use the package with its extra `fast`."""
    return _ours(url, "fast")


@_sync(GENERATED)
def generated(url: str) -> Generator[Call, None, None]:
    """Use the generated client with the httpx client that it makes."""
    function, body = _generated_call()
    with library("liveperson_engagement_api").Client(base_url=url) as client:
        yield lambda _: function.sync(client, ACCOUNT, VISITOR, body=body, sid=SESSION)


@_sync(HTTPX)
def plain_httpx(url: str) -> Generator[Call, None, None]:
    """Use httpx with a dict."""
    with library("httpx").Client() as client:
        yield lambda _: client.post(url + TARGET, json=BODY).raise_for_status().json()


@_sync(OPENAPI_GENERATOR + "urllib3")
def openapi_generator_urllib3(url: str) -> Generator[Call, None, None]:
    """Use the client that openapi-generator makes of our contract."""
    package, body = _openapi_generator("urllib3")
    with package.ApiClient(package.Configuration(host=url)) as client:
        session = package.SessionApi(client)
        yield lambda _: session.continue_session(ACCOUNT, VISITOR, "1.0", body, sid=SESSION)


@_sync("requests")
def requests(url: str) -> Generator[Call, None, None]:
    """Use a session of requests."""
    return _requests_alike(url, library("requests"))


@_sync("niquests")
def niquests(url: str) -> Generator[Call, None, None]:
    """Use a session of niquests."""
    return _requests_alike(url, library("niquests"))


@_sync(PYREQWEST)
def pyreqwest(url: str) -> Generator[Call, None, None]:
    """Use pyreqwest itself, without httpx above it."""
    with library("pyreqwest.client").SyncClientBuilder().error_for_status(True).build() as client:
        yield lambda _: client.post(url + TARGET).body_json(BODY).build().send().json()


async def _ours_async(url: str, transport: Any) -> AsyncGenerator[AsyncCall, None]:
    package = library("liveperson_engagement")
    async with package.AsyncEngagementClient(ACCOUNT, base_url=url, transport=transport) as client:
        yield lambda caller: client.visit(f"shopper-{caller}").create_session(BODY)


@_async(OURS)
def ours_async(url: str) -> AsyncGenerator[AsyncCall, None]:
    """Use the package as it comes."""
    return _ours_async(url, None)


@_async(OURS_FAST)
def ours_fast_async(url: str) -> AsyncGenerator[AsyncCall, None]:
    """Use the package with its extra `fast`."""
    return _ours_async(url, "fast")


@_async(GENERATED)
async def generated_async(url: str) -> AsyncGenerator[AsyncCall, None]:
    """Use the generated client with the httpx client that it makes."""
    function, body = _generated_call()
    async with library("liveperson_engagement_api").Client(base_url=url) as client:
        yield lambda _: function.asyncio(client, ACCOUNT, VISITOR, body=body, sid=SESSION)


@_async(HTTPX)
async def plain_httpx_async(url: str) -> AsyncGenerator[AsyncCall, None]:
    """Use httpx with a dict."""
    async with library("httpx").AsyncClient() as client:

        async def call(_: int) -> Any:
            response = await client.post(url + TARGET, json=BODY)
            return response.raise_for_status().json()

        yield call


@_async(OPENAPI_GENERATOR + "asyncio")
def openapi_generator_asyncio(url: str) -> AsyncGenerator[AsyncCall, None]:
    """Use the client that openapi-generator makes of our contract, on aiohttp."""
    return _openapi_generator_async(url, "asyncio")


@_async(OPENAPI_GENERATOR + "httpx")
def openapi_generator_httpx(url: str) -> AsyncGenerator[AsyncCall, None]:
    """Use the client that openapi-generator makes of our contract, on httpx."""
    return _openapi_generator_async(url, "httpx")


@_async("aiohttp")
async def aiohttp(url: str) -> AsyncGenerator[AsyncCall, None]:
    """Use a session of aiohttp."""
    async with library("aiohttp").ClientSession(raise_for_status=True) as session:

        async def call(_: int) -> Any:
            async with session.post(url + TARGET, json=BODY) as response:
                return await response.json()

        yield call


@_async("niquests")
async def niquests_async(url: str) -> AsyncGenerator[AsyncCall, None]:
    """Use an async session of niquests."""
    async with library("niquests").AsyncSession() as session:

        async def call(_: int) -> Any:
            return (await session.post(url + TARGET, json=BODY)).raise_for_status().json()

        yield call


@_async(PYREQWEST)
async def pyreqwest_async(url: str) -> AsyncGenerator[AsyncCall, None]:
    """Use pyreqwest itself, without httpx above it."""
    async with library("pyreqwest.client").ClientBuilder().error_for_status(True).build() as client:

        async def call(_: int) -> Any:
            response = await client.post(url + TARGET).body_json(BODY).build().send()
            return await response.json()

        yield call


def _generated_call() -> tuple[Any, Any]:
    function = library("liveperson_engagement_api.api.session.continue_session")
    return function, library("liveperson_engagement_api.models").CreateSessionBody.from_dict(BODY)


def _openapi_generator(name: str) -> tuple[Any, Any]:
    package = library(package_of(name))
    return package, package.CreateSessionBody.from_dict(BODY)


def package_of(name: str) -> str:
    """Name the package that openapi-generator writes for a library."""
    return f"openapi_generator_{name}"


async def _openapi_generator_async(url: str, name: str) -> AsyncGenerator[AsyncCall, None]:
    package, body = _openapi_generator(name)
    async with package.ApiClient(package.Configuration(host=url)) as client:
        session = package.SessionApi(client)
        yield lambda _: session.continue_session(ACCOUNT, VISITOR, "1.0", body, sid=SESSION)


def _requests_alike(url: str, package: Any) -> Generator[Call, None, None]:
    with package.Session() as session:

        def call(_: int) -> Any:
            response = session.post(url + TARGET, json=BODY)
            response.raise_for_status()
            return response.json()

        yield call
