"""A Redis (or Valkey) of our own, on a free port of loopback; it keeps nothing unless it is asked to."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import redis


class NotReady(Exception):
    """A server is missing, or does not start."""


def free_port() -> int:
    """Return a port of loopback that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """`with RedisServer(folder) as server: RedisStore(server.url)`; more settings as `maxmemory="3mb"`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if not program:
            raise NotReady("redis-server is missing: scripts/env/install all brings it")
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self._log = free_port(), folder / "redis.log"
        self.url = f"redis://127.0.0.1:{self.port}"
        settings = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(folder), "save": "", **settings}
        options = ((f"--{name.replace('_', '-')}", value) for name, value in settings.items())
        self.command = [program, *(part for option in options for part in option)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> Any:
        """Ask the server itself."""
        kind: Any = redis.Redis
        return kind.from_url(self.url)

    def start(self) -> None:
        """Start, and wait until it answers."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self.command, stdout=log, stderr=log, start_new_session=True)
        ends = time.monotonic() + 60
        with self.client as client:
            while True:
                with suppress(redis.RedisError):
                    client.ping()
                    return
                if self._process.poll() is not None or time.monotonic() > ends:
                    self.stop()
                    raise NotReady(f"redis-server does not start: {self._log.read_text().strip()[-400:]}")
                time.sleep(0.01)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Stop: at once, as in a crash, or as it is asked to."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
