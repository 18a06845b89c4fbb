"""A real Redis (or Valkey) of the tests' own, on a free port of loopback; keeps nothing unless it is asked to."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import redis


class RedisServer:
    """`with RedisServer(folder) as server: RedisStore(server.url)`."""

    def __init__(self, folder: Path, *, password: str | None = None, keeps: bool = False, tls: bool = False) -> None:
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
