"""An nginx of the bench's own, which gives every request the documented answer and keeps connections open."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bench_case import ANSWER_BYTES

SETTINGS = """\
daemon off;
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        default_type application/json;
        location / {{ return 200 '{answer}'; }}
    }}
}}
"""


class NoServer(Exception):
    """There is no nginx, or it does not start."""


@contextmanager
def nginx(folder: Path) -> Generator[str, None, None]:
    """Run the server on a free port of loopback; give its URL. Stops also when the process is told to end."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not program:
        raise NoServer("nginx is missing: install it (Debian: nginx-light), and try again")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings, errors = folder / "nginx.conf", folder / "error.log"
    settings.write_text(SETTINGS.format(port=port, answer=ANSWER_BYTES.decode()))
    process = subprocess.Popen(
        [program, "-p", folder, "-c", settings, "-e", errors], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(process, port, errors)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def worker_process(folder: Path) -> int:
    """Return the id of the process that answers."""
    server = int((folder / "nginx.pid").read_text())
    [worker] = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return int(worker)


def _wait(process: subprocess.Popen[bytes], port: int, errors: Path) -> None:
    ends = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > ends:
                said = errors.read_text() if errors.exists() else ""
                raise NoServer(f"nginx does not start: {said.strip()[-400:]}") from None
            time.sleep(0.02)
        else:
            return
