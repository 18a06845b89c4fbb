"""The table of contestants: the package, and what a user could pick instead.

The function of a row opens a client as its documentation shows, with default settings, and gives a function that makes
one call. The body is at hand in the form that the client takes, a dict or its own model, and an HTTP library is given
the whole URL as text. Each call takes the number of its caller, who stands for a shopper.
"""

import contextlib
import http.client
import json
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from importlib import import_module, resources
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

import liveperson_engagement_api

CONTRACT: Final[dict[str, Any]] = json.loads(
    resources.files(liveperson_engagement_api).joinpath("openapi.json").read_bytes()
)
_COMPONENTS = CONTRACT["components"]
_BODIES = _COMPONENTS["requestBodies"]["CreateSession"]["content"]["application/json"]["examples"]
_ANSWERS = _COMPONENTS["responses"]["Session"]["content"]["application/json"]["examples"]
BODY: Final[Any] = _BODIES["documented"]["value"]
ANSWER: Final[dict[str, Any]] = _ANSWERS["available"]["value"]
ANSWER_BYTES: Final = json.dumps(ANSWER, separators=(",", ":")).encode()
CAMPAIGN: Final = int(ANSWER["engagementDetails"]["campaignId"])
ACCOUNT: Final[str] = _COMPONENTS["parameters"]["AccountId"]["example"]
VISITOR, SESSION = ANSWER["visitorId"], ANSWER["sessionId"]
TARGET: Final = f"/api/account/{ACCOUNT}/app/engagement/visitors/{VISITOR}?sid={SESSION}&v=1.0"

OURS: Final = "liveperson_engagement"
FAST: Final = 'liveperson_engagement, transport="fast"'
HTTPX, PYREQWEST = "httpx", "pyreqwest"

Call: TypeAlias = Callable[[int], Any]
"""Makes one call; that of an async row gives an awaitable."""


class Contestant(NamedTuple):
    """A row of the table."""

    name: str
    kind: Literal["sync", "async"]
    make: Callable[[str, Any], Any]
    """Takes the server's URL, and the stack that closes what it opens; gives a `Call`, and as a coroutine if async."""
    decodes: bool = True
    """Whether a call must give the documented campaign id."""


library: Callable[[str], Any] = import_module
"""Imports a library in the one process that measures it."""


def _raw_socket(url: str, stack: ExitStack) -> Call:
    parts, content = urlsplit(url), json.dumps(BODY).encode()
    head = f"POST {TARGET} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
    connection = stack.enter_context(socket.create_connection((parts.hostname, parts.port)))
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

    return call


def _http_client(url: str, stack: ExitStack) -> Call:
    connection = stack.enter_context(contextlib.closing(http.client.HTTPConnection(urlsplit(url).netloc)))
    headers = {"Content-Type": "application/json"}

    def call(_: int) -> Any:
        connection.request("POST", TARGET, json.dumps(BODY), headers)
        with connection.getresponse() as response:
            if response.status != 200:
                raise RuntimeError(response.status)
            return json.loads(response.read())

    return call


def _ours(transport: Any, url: str, stack: ExitStack) -> Call:
    client = stack.enter_context(library(OURS).EngagementClient(ACCOUNT, base_url=url, transport=transport))
    return lambda caller: client.visit(f"shopper-{caller}").create_session(BODY)


async def _ours_async(transport: Any, url: str, stack: AsyncExitStack) -> Call:
    kind = library(OURS).AsyncEngagementClient
    client = await stack.enter_async_context(kind(ACCOUNT, base_url=url, transport=transport))
    return lambda caller: client.visit(f"shopper-{caller}").create_session(BODY)


def _generated_parts() -> tuple[Any, Any, Any]:
    function = library("liveperson_engagement_api.api.session.continue_session")
    body = library("liveperson_engagement_api.models").CreateSessionBody.from_dict(BODY)
    return library("liveperson_engagement_api").Client, function, body


def _generated(url: str, stack: ExitStack) -> Call:
    kind, function, body = _generated_parts()
    client = stack.enter_context(kind(base_url=url))
    return lambda _: function.sync(client, ACCOUNT, VISITOR, body=body, sid=SESSION)


async def _generated_async(url: str, stack: AsyncExitStack) -> Call:
    kind, function, body = _generated_parts()
    client = await stack.enter_async_context(kind(base_url=url))
    return lambda _: function.asyncio(client, ACCOUNT, VISITOR, body=body, sid=SESSION)


def _plain_httpx(url: str, stack: ExitStack) -> Call:
    client = stack.enter_context(library("httpx").Client())
    return lambda _: client.post(url + TARGET, json=BODY).raise_for_status().json()


async def _plain_httpx_async(url: str, stack: AsyncExitStack) -> Call:
    client = await stack.enter_async_context(library("httpx").AsyncClient())

    async def call(_: int) -> Any:
        response = await client.post(url + TARGET, json=BODY)
        return response.raise_for_status().json()

    return call


def _requests(url: str, stack: ExitStack) -> Call:
    session = stack.enter_context(library("requests").Session())

    def call(_: int) -> Any:
        response = session.post(url + TARGET, json=BODY)
        response.raise_for_status()
        return response.json()

    return call


async def _aiohttp(url: str, stack: AsyncExitStack) -> Call:
    session = await stack.enter_async_context(library("aiohttp").ClientSession(raise_for_status=True))

    async def call(_: int) -> Any:
        async with session.post(url + TARGET, json=BODY) as response:
            return await response.json()

    return call


def _pyreqwest(url: str, stack: ExitStack) -> Call:
    client = stack.enter_context(library("pyreqwest.client").SyncClientBuilder().error_for_status(True).build())
    return lambda _: client.post(url + TARGET).body_json(BODY).build().send().json()


async def _pyreqwest_async(url: str, stack: AsyncExitStack) -> Call:
    builder = library("pyreqwest.client").ClientBuilder()
    client = await stack.enter_async_context(builder.error_for_status(True).build())

    async def call(_: int) -> Any:
        response = await client.post(url + TARGET).body_json(BODY).build().send()
        return await response.json()

    return call


def _continue_session(package: Any, client: Any) -> Call:
    session, body = package.SessionApi(client), package.CreateSessionBody.from_dict(BODY)
    return lambda _: session.continue_session(ACCOUNT, VISITOR, "1.0", body, sid=SESSION)


def _openapi_generator(kind: str, url: str, stack: ExitStack) -> Call:
    package = library(f"openapi_generator_{kind}")
    return _continue_session(package, stack.enter_context(package.ApiClient(package.Configuration(host=url))))


async def _openapi_generator_async(kind: str, url: str, stack: AsyncExitStack) -> Call:
    package = library(f"openapi_generator_{kind}")
    client = package.ApiClient(package.Configuration(host=url))
    return _continue_session(package, await stack.enter_async_context(client))


CONTESTANTS: Final = (
    Contestant("raw socket (the limit)", "sync", _raw_socket),
    Contestant("http.client", "sync", _http_client),
    Contestant(OURS, "sync", partial(_ours, None)),
    Contestant(FAST, "sync", partial(_ours, "fast")),
    Contestant("generated client alone", "sync", _generated),
    Contestant(HTTPX, "sync", _plain_httpx),
    Contestant("openapi-generator, urllib3", "sync", partial(_openapi_generator, "urllib3")),
    Contestant("requests", "sync", _requests),
    Contestant(PYREQWEST, "sync", _pyreqwest),
    Contestant(OURS, "async", partial(_ours_async, None)),
    Contestant(FAST, "async", partial(_ours_async, "fast")),
    Contestant("generated client alone", "async", _generated_async),
    Contestant(HTTPX, "async", _plain_httpx_async),
    Contestant("openapi-generator, asyncio", "async", partial(_openapi_generator_async, "asyncio")),
    Contestant("openapi-generator, httpx", "async", partial(_openapi_generator_async, "httpx")),
    Contestant("aiohttp", "async", _aiohttp),
    Contestant(PYREQWEST, "async", _pyreqwest_async),
)


def campaign_of(answer: Any) -> int:
    """Find the campaign id in whatever a client made of the answer: bytes, JSON or a model."""
    found = json.loads(answer) if isinstance(answer, bytes) else answer
    if hasattr(found, "keys"):
        return int(found["engagementDetails"]["campaignId"])
    session = getattr(found, "actual_instance", found)  # where openapi-generator keeps the member of a union
    return int(session.engagement_details.campaign_id)
