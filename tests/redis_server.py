"""A real Redis (or Valkey) of the tests' own, on a free port of loopback; keeps nothing unless it is asked to."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import redis
import redis.asyncio


class RedisServer:
    """`with RedisServer(folder) as server: RedisStore(server.url)`; more settings as `maxmemory="3mb"`."""

    def __init__(
        self,
        folder: Path,
        *,
        password: str | None = None,
        keeps: bool = False,
        tls: bool = False,
        **more: str,
    ) -> None:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        assert program, "redis-server is missing: scripts/env/install test brings it"
        folder.mkdir(parents=True, exist_ok=True)
        self.port = _free_port()
        settings: dict[str, Any] = {
            "bind": "127.0.0.1",
            "dir": folder,
            "save": "",
            "appendonly": "yes" if keeps else "no",
        }
        self._user = ""
        if password is not None:
            settings["requirepass"] = password
            self._user = f":{quote(password, safe='')}@"
        scheme, query = "redis", ""
        if tls:
            certificate, key = _certificate(folder)
            settings |= {"tls-cert-file": certificate, "tls-key-file": key, "tls-auth-clients": "no"}
            scheme, query = "rediss", f"?ssl_ca_certs={certificate}"
        settings |= {"port": 0, "tls-port": self.port} if tls else {"port": self.port}
        settings |= {name.replace("_", "-"): value for name, value in more.items()}
        self._command = [program, *(str(part) for name, value in settings.items() for part in (f"--{name}", value))]
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"{scheme}://127.0.0.1:{self.port}/0{query}"
        """The URL without a password."""
        self.url = self.address.replace("://", f"://{self._user}")

    @property
    def client(self) -> Any:
        """Ask the server itself."""
        kind: Any = redis.Redis
        return kind.from_url(self.url)

    @property
    def async_client(self) -> Any:
        """Ask it as a task."""
        kind: Any = redis.asyncio.Redis
        return kind.from_url(self.url)

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ends = time.monotonic() + 10
        with self.client as client:
            while True:
                with suppress(redis.ConnectionError):
                    client.ping()
                    break
                assert self._process.poll() is None, "redis-server did not start"
                assert time.monotonic() < ends, "redis-server does not answer"
                time.sleep(0.01)

    def kill(self) -> None:
        """Stop at once, as in a crash."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class RedisSentinel(RedisServer):
    """Watches a server, by the name "visits", and puts a replica in its place soon after it has gone."""

    def __init__(self, folder: Path, master: RedisServer) -> None:
        super().__init__(folder)
        settings = folder / "sentinel.conf"
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {folder}",
            f"sentinel monitor visits 127.0.0.1 {master.port} 1",
            "sentinel down-after-milliseconds visits 500",
            "sentinel failover-timeout visits 2000",
        ]
        settings.write_text("\n".join(lines), encoding="utf-8")
        self._command = [self._command[0], str(settings), "--sentinel"]


class RedisCluster:
    """Three masters that share all keys."""

    def __init__(self, folder: Path) -> None:
        self.nodes = [
            RedisServer(folder / str(number), cluster_enabled="yes", cluster_port=str(_free_port()))
            for number in range(3)
        ]

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                node.start()
            places = [f"127.0.0.1:{node.port}" for node in self.nodes]
            create = ["redis-cli", "--cluster", "create", *places, "--cluster-yes"]
            subprocess.run(create, check=True, capture_output=True, timeout=60)
            for node in self.nodes:
                with node.client as client:
                    wait_until(partial(_is_in_order, client))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.kill()


def wait_until(is_so: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something is so; what cannot be asked is not."""
    ends = time.monotonic() + seconds
    while True:
        with suppress(redis.RedisError):
            if is_so():
                return
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.02)


def _is_in_order(node: Any) -> bool:
    return bool(node.cluster("info")["cluster_state"] == "ok")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    output = ["-newkey", "rsa:2048", "-noenc", "-keyout", str(key), "-out", str(certificate), "-days", "1"]
    subprocess.run(["openssl", "req", "-x509", *names, *output], check=True, capture_output=True)
    return certificate, key
