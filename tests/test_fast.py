"""`transport="fast"`: what is its own. All that a client promises is tested on it by the tests that take a `colour`."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import BODY, Colour
from faults_service import certificates, presenting
from liveperson_engagement import ApiError, ConnectionFailed, DeadlineExceeded, InvalidRequest, RetryPolicy
from liveperson_engagement.sandbox import Sandbox

FORKED = """
import os, sys, warnings
from liveperson_engagement import EngagementClient
with EngagementClient("demo", base_url=sys.argv[1], transport="fast") as client:
    visit = client.visit("shopper")
    first = visit.create_session({"appType": "EXTERNAL"})
    child = os.fork()
    if not child:
        again = visit.create_session({"appType": "EXTERNAL"})
        os._exit(0 if again.visitor_id == first.visitor_id else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    visit.create_session({"appType": "EXTERNAL"})
sys.exit(status)
"""


def whole_request(connection: socket.socket) -> bytes:
    """Read a request to the end of its JSON, or of a proxy's head; head and body may come one by one."""
    request = b""
    while not request.endswith(b"\r\n\r\n" if request.startswith(b"CONNECT") else b"}"):
        if not (part := connection.recv(65536)):
            break
        request += part
    return request


@contextmanager
def listening(context: ssl.SSLContext | None = None) -> Generator[tuple[int, list[bytes]]]:
    """Answer every request with 418, and note what arrived."""
    arrived: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            try:
                connection = context.wrap_socket(connection, server_side=True) if context else connection
                arrived.append(whole_request(connection))
                connection.sendall(b"HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            except OSError:
                pass
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], arrived
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an authority that nobody knows, authority.pem, and its certificate for localhost."""
    return dict(certificates(tmp_path_factory.mktemp("tls")))["trusted"]


def call(colour: Colour, base_url: str) -> str:
    """Make a call that does not succeed; return how it failed."""
    client = colour.client(base_url=base_url, retry=RetryPolicy.none())
    with pytest.raises((ApiError, ConnectionFailed)) as raised:
        client.visit().create_session(BODY)
    return str(raised.value)


def test_a_certificate_that_nobody_knows_is_refused_before_anything_is_sent(colour: Colour, certificate: Path) -> None:
    """The default and the fast connections alike."""
    with listening(presenting(certificate)) as (port, arrived):
        failure = call(colour, f"https://localhost:{port}")
    assert failure.startswith("no answer to the request (it was not sent)")
    assert not arrived


def test_ssl_cert_file_names_what_is_trusted(
    colour: Colour, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with httpx, so that a company's own authority can be named once."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("authority.pem")))
    with listening(presenting(certificate)) as (port, arrived):
        assert call(colour, f"https://localhost:{port}") == "[418] no message"
    [request] = arrived
    assert request.startswith(b"POST /api/account/demo/app/engagement/visitors/?v=1.0 HTTP/1.1\r\n")


def test_the_environments_proxy_is_used(colour: Colour, monkeypatch: pytest.MonkeyPatch) -> None:
    """Except for hosts that NO_PROXY names."""
    with listening() as (port, arrived), listening() as (direct, reached):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        assert call(colour, "https://shop.liveperson.example").startswith("no answer to the request")
        assert arrived[0].startswith(b"CONNECT shop.liveperson.example:443 HTTP/1.1\r\n")
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert call(colour, f"http://127.0.0.1:{direct}") == "[418] no message"
    assert len(reached) == 1
    assert len(arrived) == 1


def test_what_cannot_be_chosen_is_refused(colour: Colour) -> None:
    """One line says what to do."""
    with pytest.raises(InvalidRequest, match=r"^transport: must be an httpx transport, or fast$"):
        colour.client(transport="slow")


def test_without_the_extra_the_line_says_what_to_install(tmp_path: Path) -> None:
    """The package is there, and pyreqwest is not."""
    (tmp_path / "pyreqwest.py").write_text("raise ImportError\n")
    program = 'from liveperson_engagement import EngagementClient as C; C("demo", transport="fast")'
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr.rstrip().endswith("transport: needs: pip install 'liveperson-engagement[fast]'")


def test_a_forked_child_goes_on_without(sandbox: Sandbox) -> None:
    """The Rust runtime does not survive a fork: the child says so once and uses httpx; its parent goes on as before."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED, sandbox.url],  # of forks beside threads
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "transport: fast connections do not survive a fork; this process uses httpx's own"
    ]
    assert len(sandbox.visitors) == 1
    assert len({request.caller for request in sandbox.requests}) == 2


def test_an_attempt_ends_at_the_deadline(colour: Colour, sandbox: Sandbox) -> None:
    """What is left of the deadline limits an attempt as a whole."""
    sandbox.slow(5)
    client = colour.client(base_url=sandbox.url, deadline=0.3)
    with pytest.raises(DeadlineExceeded):
        client.visit().create_session(BODY)
