"""A uvicorn server in a thread of its own: no signal handlers, no log lines, no waiting at start or stop."""

import asyncio
import logging
import socket
import threading
from typing import Any

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from liveperson_engagement.sandbox.app import TRANSPORT

# Only what is the sandbox's own fault is worth a line.
logger = logging.getLogger("liveperson_engagement.sandbox")
logger.setLevel(logging.ERROR)


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, which also hands the application its transport."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = logger
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make the transport part of every scope."""
        super().connection_made(transport)
        # uvicorn writes head and body apart; without this, the body waits for the client to confirm the head.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {TRANSPORT: transport}


class Server:
    """An application on a loopback port, from start() to stop()."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._config = Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,
            log_config=None,
            # Longer than any test, so that connections end only when they are told to.
            timeout_keep_alive=3600,
        )
        self._port = port

    def start(self) -> int:
        """Listen, and return the port."""
        listener = socket.create_server(("127.0.0.1", self._port), backlog=2048)
        port: int = listener.getsockname()[1]
        self._started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener)), name=f"sandbox-{port}", daemon=True
        )
        self._thread.start()
        self._started.wait()
        return port

    def stop(self) -> None:
        """Stop listening, and drop every connection."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _serve(self, listener: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        state = ServerState()
        server = await self._loop.create_server(lambda: _Protocol(self._config, state, {}), sock=listener)
        self._started.set()
        await self._stopping.wait()
        server.close()
        while state.connections or state.tasks:
            for connection in list(state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)
