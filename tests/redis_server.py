"""A real Redis (or Valkey) of the tests' own, on a free port of loopback; keeps nothing unless it is asked to."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import redis
import redis.asyncio

SYNC: Any = redis.Redis
ASYNC: Any = redis.asyncio.Redis


class RedisServer:
    """`with RedisServer(folder) as server: RedisStore(server.url)`; more settings as `maxmemory="3mb"`."""

    def __init__(self, folder: Path, *, password: str = "", tls: bool = False, **more: str) -> None:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        assert program, "redis-server is missing: scripts/env/install all brings it"
        folder.mkdir(parents=True, exist_ok=True)
        self.port = _free_port()
        settings = {"bind": "127.0.0.1", "dir": str(folder), "save": "", "port": str(self.port), **more}
        self.address = f"redis://127.0.0.1:{self.port}/0"
        """The URL without a password."""
        if password:
            settings["requirepass"] = password
        if tls:
            certificate, key = _certificate(folder)
            settings |= {"port": "0", "tls-port": str(self.port), "tls-auth-clients": "no"}
            settings |= {"tls-cert-file": str(certificate), "tls-key-file": str(key)}
            self.address = f"rediss://127.0.0.1:{self.port}/0?ssl_ca_certs={certificate}"
        self.url = self.address.replace("://", f"://:{quote(password, safe='')}@") if password else self.address
        options = ((f"--{name.replace('_', '-')}", value) for name, value in settings.items())
        self._command = [program, *(part for option in options for part in option)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> Any:
        """Ask the server itself."""
        return SYNC.from_url(self.url)

    @property
    def async_client(self) -> Any:
        """Ask it as a task."""
        return ASYNC.from_url(self.url)

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with self.client as client:
            wait_until(client.ping)

    def kill(self) -> None:
        """Stop at once, as in a crash."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self.kill)
            self.start()
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class RedisSentinel(RedisServer):
    """Watches a server, by the name "visits", and puts a replica in its place soon after it has gone."""

    def __init__(self, folder: Path, master: RedisServer) -> None:
        super().__init__(folder)
        settings = folder / "sentinel.conf"
        settings.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor visits 127.0.0.1 {master.port} 1\n"
            "sentinel down-after-milliseconds visits 500\nsentinel failover-timeout visits 2000\n"
        )
        self._command = [self._command[0], str(settings), "--sentinel"]


class RedisCluster:
    """Three masters that share all keys."""

    def __init__(self, folder: Path) -> None:
        self.nodes = [
            RedisServer(folder / str(number), cluster_enabled="yes", cluster_port=str(_free_port()))
            for number in range(3)
        ]

    def start(self) -> None:
        """Start the nodes; once they know of each other they go on where they were."""
        for node in self.nodes:
            node.start()

    def wait(self) -> None:
        """Wait until all nodes find the cluster in order."""
        for node in self.nodes:
            with node.client as client:
                wait_until(lambda client=client: client.cluster("info")["cluster_state"] == "ok")  # type: ignore[misc]

    def kill(self) -> None:
        """Stop all nodes at once."""
        for node in self.nodes:
            node.kill()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self.kill)
            self.start()
            places = [f"127.0.0.1:{node.port}" for node in self.nodes]
            create = ["redis-cli", "--cluster", "create", *places, "--cluster-yes"]
            subprocess.run(create, check=True, capture_output=True, timeout=60)
            self.wait()
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def wait_until(is_so: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something is so; what cannot be asked is not."""
    ends = time.monotonic() + seconds
    while True:
        with suppress(redis.RedisError):
            if is_so():
                return
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.01)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    output = ["-newkey", "rsa:2048", "-noenc", "-keyout", str(key), "-out", str(certificate), "-days", "1"]
    subprocess.run(["openssl", "req", "-x509", *names, *output], check=True, capture_output=True)
    return certificate, key
