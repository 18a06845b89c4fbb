"""Cancellations by the thousand."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any

import pytest

from faults_service import GOOD_BODY, WHOLE, head
from liveperson_engagement_api.http import Response
from senders import REQUEST, make
from test_transports import open_descriptors


@pytest.mark.parametrize("max_connections", [None, 20])
def test_10000_cancellations_lose_no_descriptor(max_connections: int | None) -> None:
    """At whatever await they come: the lookup, the connection, writing, reading, waiting for a place."""
    chance = random.Random(7)  # noqa: S311 - no secret

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while await reader.readuntil(b"{}"):
                if chance.random() < 0.2:
                    await asyncio.sleep(0.001)
                writer.write(head(200, WHOLE) + GOOD_BODY)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def storm() -> None:
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
        port = server.sockets[0].getsockname()[1]
        transport = make(max_connections=max_connections)
        outcomes: list[Any] = []
        for _ in range(50):
            tasks: list[asyncio.Task[Response]] = []
            for number in range(220):
                host = chance.choice(("localhost", "127.0.0.1"))
                tasks.append(loop.create_task(transport.send(f"http://{host}:{port}", REQUEST, 60)))
                if number >= 20:  # these are answered however busy the machine is
                    loop.call_later(chance.choice((0, 0.005, 0.05)) * chance.random(), tasks[-1].cancel)
            outcomes += await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each).__name__ for each in outcomes} == {"CancelledError", "Response"}
        assert (await transport.send(f"http://127.0.0.1:{port}", REQUEST, 60)).body == GOOD_BODY
        await transport.aclose()
        server.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)

    before = open_descriptors()
    asyncio.run(storm())
    assert open_descriptors() <= before
