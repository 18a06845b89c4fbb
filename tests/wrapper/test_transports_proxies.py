"""Proxies and certificates, over real sockets: what works, and what each refusal says."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import Mock

import pytest

from conftest import BODY, Backend
from faults_service import Service, certificates, presenting
from liveperson_engagement.errors import ConnectionFailed, InvalidRequest
from liveperson_engagement.transports import NoResponse
from liveperson_engagement.transports._environment import Proxies
from proxy_server import Proxy, running_proxy
from senders import REQUEST, SENDERS, Sender, make

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD", "SSL_CERT_FILE", "SSL_CERT_DIR")
every_transport = pytest.mark.parametrize("name", SENDERS)
default_transport = pytest.mark.parametrize("name", ["sync", "async"])


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make an authority, and certificates by what is wrong with them."""
    folder = tmp_path_factory.mktemp("tls")
    return {**dict(certificates(folder)), "authority": folder / "authority.pem"}


@pytest.fixture
def secure(tls: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve on https://localhost with a certificate that is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls["authority"]))
    with Service(presenting(tls["trusted"])) as service:
        yield f"https://localhost:{service.port}"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close what a test opens."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def closed_port() -> int:
    """Give a port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


def proxy(stack: ExitStack, tmp_path: Path, *options: str) -> Proxy:
    """Run a proxy until the end of the test."""
    return stack.enter_context(running_proxy(tmp_path / "proxy.log", *options))


def refused(sender: Sender, base_url: str) -> NoResponse:
    """Send a request that fails, without the password in any text."""
    with pytest.raises(NoResponse) as raised:
        sender.send(base_url)
    for error in (raised.value, raised.value.__cause__):
        assert "secret" not in str(error)
        assert "secret" not in repr(error)
    return raised.value


@every_transport
@pytest.mark.parametrize("credentials", ["", "user:se%40cret@"])
def test_https_goes_through_the_environments_proxy(
    name: str, credentials: str, secure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: ExitStack
) -> None:
    """By CONNECT, with Basic authentication where the URL names a user; the connection is used again."""
    server = proxy(stack, tmp_path, *(["--auth", "user:se@cret"] if credentials else []))
    monkeypatch.setenv("HTTPS_PROXY", f"http://{credentials}127.0.0.1:{server.port}")
    sender = Sender(name, stack)
    assert [sender.send(secure).status for _ in range(3)] == [200] * 3
    assert server.asked == [f"CONNECT {secure.removeprefix('https://')} HTTP/1.1"]


@every_transport
def test_http_is_forwarded_by_a_proxy(name: str, tmp_path: Path, stack: ExitStack) -> None:
    """The first line has the whole URL, and the head the proxy's password."""
    server = proxy(stack, tmp_path, "--auth", "user:secret")
    service = stack.enter_context(Service())
    sender = Sender(name, stack, proxy=f"http://user:secret@127.0.0.1:{server.port}")
    assert sender.send(f"http://127.0.0.1:{service.port}/prefix").status == 200
    assert server.asked == [f"POST http://127.0.0.1:{service.port}/prefix/visitors/?v=1.0 HTTP/1.1"]


@every_transport
def test_a_proxy_may_speak_tls(name: str, secure: str, tls: dict[str, Path], tmp_path: Path, stack: ExitStack) -> None:
    """Then the service's TLS is within the proxy's."""
    server = proxy(stack, tmp_path, "--certificate", str(tls["trusted"]))
    sender = Sender(name, stack, proxy=f"https://localhost:{server.port}")
    assert [sender.send(secure).status for _ in range(2)] == [200, 200]
    assert len(server.asked) == 1


@every_transport
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("credentials", ["", "user:secret@"])
def test_a_proxy_may_speak_socks(
    name: str, scheme: str, credentials: str, secure: str, tmp_path: Path, stack: ExitStack
) -> None:
    """With and without a password."""
    server = proxy(stack, tmp_path, "--socks", *(["--auth", "user:secret"] if credentials else []))
    sender = Sender(name, stack, proxy=f"{scheme}://{credentials}127.0.0.1:{server.port}")
    assert [sender.send(secure).status for _ in range(2)] == [200, 200]
    assert len(server.asked) == 1


@default_transport
def test_a_socks_proxy_looks_names_up(name: str, secure: str, tmp_path: Path, stack: ExitStack) -> None:
    """It is given names as names, and addresses as addresses."""
    server = proxy(stack, tmp_path, "--socks")
    service = stack.enter_context(Service())
    sender = Sender(name, stack, proxy=f"socks5://127.0.0.1:{server.port}")
    sender.send(secure)
    sender.send(f"http://127.0.0.1:{service.port}")
    assert server.asked == [f"SOCKS 3 {secure[8:]}", f"SOCKS 1 127.0.0.1:{service.port}"]


REFUSALS = [
    (["--auth", "user:other"], "the proxy refused the connection (407)"),
    (["--answer", r"HTTP/1.1 403 No\r\nX-Why: secret\r\n\r\n"], "the proxy refused the connection (403)"),
    (["--answer", r"HTTP/1.1 200 OK\r\n\r\nsecret"], "the proxy sent more than its answer"),
    (["--answer", r"SSH-2.0-secret\r\n\r\n"], "RemoteProtocolError illegal status line"),
    (["--answer", r"HTTP/1.1 200"], "the connection was closed before the answer"),
    (["--socks", "--auth", "user:other"], "the proxy refused the connection (user or password)"),
    (
        ["--socks", "--auth", "user:secret", "--answer", "0502000100000000"],
        "the proxy refused the connection (SOCKS 2)",
    ),
    (["--socks", "--auth", "user:secret", "--answer", "0500"], "the proxy closed the connection"),
]


@pytest.mark.parametrize(("options", "reason"), REFUSALS)
@every_transport
def test_what_a_proxy_refuses_was_not_sent(
    name: str, options: list[str], reason: str, secure: str, tmp_path: Path, stack: ExitStack
) -> None:
    """One line says why, without the password and without what the proxy sent."""
    server = proxy(stack, tmp_path, *options)
    scheme = "socks5" if "--socks" in options else "http"
    failure = refused(Sender(name, stack, proxy=f"{scheme}://user:secret@127.0.0.1:{server.port}"), secure)
    assert not failure.may_have_arrived
    assert not failure.timed_out
    if "fast" not in name and "more than" not in reason:
        assert failure.reason.startswith(f"no connection through the proxy ({reason}): check its address, user and ")
        assert failure.permanent == ("407" in reason or "password" in reason)


@every_transport
def test_a_proxy_that_never_answers_ends_with_the_timeout(
    name: str, secure: str, tmp_path: Path, stack: ExitStack
) -> None:
    """Nothing was sent to the service."""
    server = proxy(stack, tmp_path, "--answer", "")
    sender = Sender(name, stack, proxy=f"http://127.0.0.1:{server.port}")
    with pytest.raises(NoResponse) as raised:
        sender.send(secure, timeout=1)
    assert (raised.value.may_have_arrived, raised.value.timed_out) == (False, True)
    assert len(server.asked) == 1


@every_transport
@pytest.mark.parametrize("proxied", ["option", "environment"])
def test_no_proxy_is_for_the_environments_proxy(
    name: str, proxied: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: ExitStack
) -> None:
    """The option `proxy=` is for every service."""
    server = proxy(stack, tmp_path)
    service = stack.enter_context(Service())
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
    url = f"http://127.0.0.1:{server.port}"
    if proxied == "environment":
        monkeypatch.setenv("HTTP_PROXY", url)
    sender = Sender(name, stack, proxy=url if proxied == "option" else None)
    sender.send(f"http://127.0.0.1:{service.port}")
    assert len(server.asked) == (1 if proxied == "option" else 0)


@pytest.mark.parametrize(
    ("no_proxy", "reached_directly"),
    [
        ("", ""),
        ("*", "example.com:443 shop.example.com:443 127.0.0.1:80 ::1:80 10.1.2.3:8080 localhost:80"),
        ("example.com", "example.com:443 shop.example.com:443"),
        (".example.com", "example.com:443 shop.example.com:443"),
        ("*.Example.COM", "example.com:443 shop.example.com:443"),
        ("ample.com", ""),
        ("example.com:443", "example.com:443 shop.example.com:443"),
        ("example.com:8443, localhost:80", "localhost:80"),
        ("localhost,[::1]", "localhost:80 ::1:80"),
        ("[::1]:80", "::1:80"),
        ("[::1]:81", ""),
        ("::1", "::1:80"),
        ("::1/128 127.0.0.1", "::1:80 127.0.0.1:80"),
        ("fe80::/10", ""),
        ("10.0.0.0/8", "10.1.2.3:8080"),
        ("10.0.0.0/8:8080", "10.1.2.3:8080"),
        ("10.1.2.3/8", "10.1.2.3:8080"),
        ("0.0.1, .0.0.1", ""),
        (" , ,, ", ""),
    ],
)
def test_no_proxy_is_read_in_one_way(monkeypatch: pytest.MonkeyPatch, no_proxy: str, reached_directly: str) -> None:
    """Names and their subdomains, ports, addresses, networks."""
    monkeypatch.setenv("ALL_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    proxies, services = Proxies(None), ["example.com:443", "shop.example.com:443", "localhost:80"]
    services += ["127.0.0.1:80", "::1:80", "10.1.2.3:8080"]
    direct = {
        each for each in services if not proxies.find("https", each.rpartition(":")[0], int(each.rsplit(":")[-1]))
    }
    assert direct == set(reached_directly.split())


@pytest.mark.parametrize(
    ("variables", "http", "https"),
    [
        ({}, None, None),
        ({"HTTP_PROXY": "http://a"}, "a:80", None),
        ({"HTTP_PROXY": "http://a", "http_proxy": "http://b:8080"}, "b:8080", None),
        ({"HTTP_PROXY": "http://a", "http_proxy": ""}, None, None),
        ({"HTTP_PROXY": "http://a", "REQUEST_METHOD": "GET"}, None, None),
        ({"http_proxy": "http://a", "REQUEST_METHOD": "GET"}, "a:80", None),
        ({"HTTPS_PROXY": "https://a"}, None, "a:443"),
        ({"HTTPS_PROXY": "a:3128"}, None, "a:3128"),
        ({"ALL_PROXY": "socks5://a", "HTTPS_PROXY": "http://[::1]:3128/"}, "a:1080", "::1:3128"),
        ({"all_proxy": "socks5h://u:p@a:9"}, "a:9", "a:9"),
    ],
)
def test_proxy_variables_have_an_order(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], http: str | None, https: str | None
) -> None:
    """Lower case first; HTTP_PROXY does not count in a CGI script."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = [Proxies(None).find(scheme, "shop.test", 1) for scheme in ("http", "https")]
    assert [each and f"{each.host}:{each.port}" for each in found] == [http, https]
    assert "p@" not in repr(found)


@every_transport
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY", "proxy"])
@pytest.mark.parametrize(
    "value",
    [
        "http://127.0.0.1:6153export",
        "ftp://secret@a:1",
        "http://",
        "http://a:99999",
        "socks5://u:" + "secret" * 50 + "@a",
    ],
)
def test_a_proxy_that_cannot_be_is_named(
    name: str, variable: str, value: str, monkeypatch: pytest.MonkeyPatch, stack: ExitStack
) -> None:
    """At once, by the variable or option, without its password."""
    if variable != "proxy":
        monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidRequest) as raised:
        Sender(name, stack, proxy=value if variable == "proxy" else None)
    assert str(raised.value) == (
        f"{variable}: must be the URL of an http, https or socks5 proxy, such as http://host:8080"
    )


@every_transport
@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        ("SSL_CERT_FILE", "must name a file of certificates in PEM form: correct or unset it"),
        ("SSL_CERT_DIR", "must name a directory of certificates: correct or unset it"),
    ],
)
@pytest.mark.parametrize("kind", ["missing", "no certificates"])
def test_missing_certificates_are_named(
    name: str, variable: str, reason: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: ExitStack
) -> None:
    """At once, by the variable."""
    path = tmp_path / "certificates"
    if kind != "missing":
        path.write_text("none")
    monkeypatch.setenv(variable, str(path))
    with pytest.raises(InvalidRequest) as raised:
        Sender(name, stack)
    assert str(raised.value) == f"{variable}: {reason}"


@default_transport
def test_broken_certificates_are_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: ExitStack
) -> None:
    """They are loaded for the first https connection."""
    (tmp_path / "broken").write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "broken"))
    with pytest.raises(InvalidRequest, match=r"^SSL_CERT_FILE: cannot be read: "):
        Sender(name, stack).send(f"https://localhost:{stack.enter_context(Service()).port}")


@every_transport
def test_a_directory_of_certificates_counts(
    name: str, secure: str, tls: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: ExitStack
) -> None:
    """As OpenSSL names them, by hash."""
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(tls["authority"])]
    hashed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    (tmp_path / f"{hashed}.0").write_bytes(tls["authority"].read_bytes())
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert Sender(name, stack).send(secure).status == 200


@every_transport
@pytest.mark.parametrize("wrong", ["expired", "for another host", "self-signed", "of an unknown authority"])
def test_a_wrong_certificate_is_refused(
    name: str, wrong: str, tls: dict[str, Path], monkeypatch: pytest.MonkeyPatch, stack: ExitStack
) -> None:
    """Before anything is sent."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls["authority"]))
    service = stack.enter_context(Service(presenting(tls[wrong])))
    failure = refused(Sender(name, stack), f"https://localhost:{service.port}")
    assert not failure.may_have_arrived
    assert service.requests == 0
    if "fast" not in name:
        assert "SSLCertVerificationError [SSL: CERTIFICATE_VERIFY_FAILED]" in failure.reason
    assert failure.reason.startswith("TLS with the host failed (")
    assert failure.permanent


def test_a_connection_can_be_tried(secure: str, tls: dict[str, Path], tmp_path: Path, stack: ExitStack) -> None:
    """As far as the certificate, through a proxy; nothing is sent, and nothing stays open."""
    server = proxy(stack, tmp_path)
    transport = make(asynchronous=False, proxy=f"http://127.0.0.1:{server.port}")
    stack.callback(transport.close)
    transport.connect(secure, 10)
    assert len(server.asked) == 1
    with Service(presenting(tls["expired"])) as service, pytest.raises(NoResponse, match="certificate has expired"):
        transport.connect(f"https://localhost:{service.port}", 10)
    with pytest.raises(NoResponse) as raised:
        transport.connect(f"https://localhost:{service.port}", 10)
    assert not raised.value.may_have_arrived


@default_transport
def test_an_own_context_says_what_is_trusted(name: str, tls: dict[str, Path], stack: ExitStack) -> None:
    """Whatever the environment says."""
    service = stack.enter_context(Service(presenting(tls["trusted"])))
    context = ssl.create_default_context(cafile=tls["authority"])
    sender = Sender(name, stack, ssl_context=context)
    assert sender.send(f"https://localhost:{service.port}").status == 200
    failure = refused(Sender(name, stack), f"https://localhost:{service.port}")
    assert not failure.may_have_arrived


@default_transport
def test_large_bodies_go_through_tls(name: str, secure: str, stack: ExitStack) -> None:
    """In as many records as it takes, both ways."""
    large = REQUEST._replace(body=b"{%s}" % (b" " * 300_000))
    sender = Sender(name, stack)
    assert [sender.send(secure, large).status for _ in range(2)] == [200, 200]


NO_SUCH_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
NO_DNS = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@default_transport
@pytest.mark.parametrize(("error", "permanent"), [(NO_SUCH_NAME, True), (NO_DNS, False)])
@pytest.mark.parametrize("proxied", [False, True])
def test_a_name_that_is_not_found_is_said(
    name: str, error: OSError, permanent: bool, proxied: bool, monkeypatch: pytest.MonkeyPatch, stack: ExitStack
) -> None:
    """One that does not exist is not worth a pause; the name of a proxy is the proxy's affair."""
    monkeypatch.setattr(socket, "getaddrinfo", Mock(side_effect=error))
    sender = Sender(name, stack, proxy="http://proxy.test:3128" if proxied else None)
    failure = refused(sender, "http://shop.test")
    assert (failure.may_have_arrived, failure.permanent) == (False, permanent)
    what = "no connection through the proxy (" if proxied else "the host's name could not be looked up ("
    assert failure.reason.startswith(f"{what}gaierror [Errno {error.errno}] {error.strerror}): check ")


@every_transport
def test_every_stage_of_connecting_is_said(name: str, tls: dict[str, Path], closed_port: int, stack: ExitStack) -> None:
    """The name, the connection, TLS and the proxy, each with what to do."""
    service = stack.enter_context(Service(presenting(tls["expired"])))
    said = [
        refused(Sender(name, stack), "http://nowhere.invalid").reason,
        refused(Sender(name, stack), f"http://127.0.0.1:{closed_port}").reason,
        refused(Sender(name, stack), f"https://localhost:{service.port}").reason,
        refused(Sender(name, stack, proxy=f"http://127.0.0.1:{closed_port}"), "https://nowhere.invalid").reason,
    ]
    starts = [(reason.partition(" (")[0], reason.rpartition("): check ")[2].partition(",")[0]) for reason in said]
    assert starts == [
        ("the host's name could not be looked up", "the name"),
        ("no connection to the host", "host and port"),
        ("TLS with the host failed", "this machine's clock"),
        ("no connection through the proxy", "its address"),
    ]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_cannot_pass_is_not_tried_again(asynchronous: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits half a minute to learn of a misspelt name."""
    monkeypatch.setattr(socket, "getaddrinfo", Mock(side_effect=NO_SUCH_NAME))
    with ExitStack() as stack:
        backend = Backend("async" if asynchronous else "sync", stack)
        with pytest.raises(ConnectionFailed) as raised:
            backend.client(base_url="https://shop.test").visit().create_session(BODY)
        assert raised.value.permanent
        assert (raised.value.attempts, backend.pauses) == (1, [])
