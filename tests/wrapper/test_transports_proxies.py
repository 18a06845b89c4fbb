"""Proxies and certificates, over real sockets: what works, and what each refusal says."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import Mock
from urllib.parse import unquote

import pytest

from certificates import presenting
from faults_service import Act, Service, answer, drips, head, says, silent
from liveperson_engagement.errors import InvalidRequest
from liveperson_engagement.transports import NoResponse
from liveperson_engagement.transports._environment import Proxies
from proxy_server import Proxy
from senders import REQUEST, Connect, Sender, failure

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD", "SSL_CERT_FILE", "SSL_CERT_DIR")
MonkeyPatch: TypeAlias = pytest.MonkeyPatch
default_transport = pytest.mark.backends("sync", "async")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def tls(certificates: Path, monkeypatch: MonkeyPatch) -> Path:
    """Trust the authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "authority.pem"))
    return certificates


@pytest.fixture
def secure(tls: Path) -> Iterator[str]:
    """Serve on https://localhost with a certificate that is trusted."""
    with Service(presenting(tls, "trusted")) as service:
        yield service.url


def nowhere() -> str:
    """Give an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def refused(sender: Sender, base_url: str, timeout: float = 60) -> NoResponse:
    """Send a request that is not sent, without the password in any text."""
    error = failure(sender.submit(base_url, timeout=timeout))
    assert not error.may_have_arrived
    return error


@pytest.mark.backends
@pytest.mark.parametrize(
    ("scheme", "credentials"),
    [("http", ""), ("http", "user:se%40cret@"), ("https", ""), ("socks5", ""), ("socks5h", "user:se%40cret@")],
)
def test_a_proxy_leads_to_services(
    connect: Connect, scheme: str, credentials: str, secure: str, service: Service, tls: Path, monkeypatch: MonkeyPatch
) -> None:
    """By CONNECT, forwarding or SOCKS, which is given names as names; each connection is used again."""
    context = presenting(tls, "trusted") if scheme == "https" else None
    is_socks, auth = scheme.startswith("socks"), unquote(credentials.removesuffix("@"))
    with Proxy(context, socks=is_socks, auth=auth) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{credentials}localhost:{proxy.port}")
        sender = connect()
        assert [sender.send(url).status for url in (secure, secure, f"{service.url}/prefix")] == [200] * 3
    if is_socks:
        assert proxy.asked == [f"SOCKS 3 {secure[8:]}", f"SOCKS 1 127.0.0.1:{service.port}"]
    else:
        forwarded = f"POST {service.url}/prefix/visitors/?v=1.0 HTTP/1.1"
        assert proxy.asked == [f"CONNECT {secure[8:]} HTTP/1.1", forwarded]


def socks(replies: str) -> Act:
    """Reply as a SOCKS proxy, whatever it is asked."""
    return silent(bytes.fromhex(replies), last=True)


@pytest.mark.backends
@pytest.mark.parametrize(
    ("scheme", "act", "reason"),
    [
        ("http", says(head(407)), "the proxy refused the connection (407)"),
        ("http", says(head(403, "X-Why: secret")), "the proxy refused the connection (403)"),
        ("http", says(head(200) + b"secret"), "the proxy sent more than its answer"),
        ("http", says(b"SSH-2.0-secret\r\n\r\n"), "RemoteProtocolError illegal status line"),
        ("http", says(b"HTTP/1.1 200"), "the connection was closed before the answer"),
        ("socks5", socks("05ff"), "the proxy refused the connection (authentication)"),
        ("socks5", socks("0502 0101"), "the proxy refused the connection (user or password)"),
        ("socks5", socks("0502 0100 0502000100000000"), "the proxy refused the connection (SOCKS 2)"),
        ("socks5", socks("0502 0100 0500"), "the proxy closed the connection"),
    ],
)
def test_what_a_proxy_refuses_was_not_sent(
    connect: Connect, backend_name: str, scheme: str, act: Act, reason: str, secure: str
) -> None:
    """One line says why, without the password and without what the proxy sent."""
    with Service(early=scheme == "socks5") as proxy:
        proxy.act = act
        error = refused(connect(proxy=f"{scheme}://user:secret@127.0.0.1:{proxy.port}"), secure)
    assert not error.timed_out
    if "fast" not in backend_name and "more than" not in reason:
        assert error.reason.startswith(f"no connection through the proxy ({reason}): check its address, user and ")
        assert error.permanent == any(word in reason for word in ("407", "authentication", "password"))


@pytest.mark.backends
def test_a_proxy_that_never_answers_ends_with_the_timeout(connect: Connect, secure: str, service: Service) -> None:
    """Nor does one whose answer does not end, or a service that speaks no TLS."""
    for act in (silent(), drips(b"HTTP/1.1 200 OK\r\n", b"x")):
        service.act = act
        assert refused(connect(proxy=service.url), secure, timeout=0.2).timed_out
    assert refused(connect(), service.url.replace("http:", "https:"), timeout=0.2).timed_out


@pytest.mark.parametrize(
    ("no_proxy", "reached_directly"),
    [
        ("*", "example.com:443 shop.example.com:443 127.0.0.1:80 ::1:80 10.1.2.3:8080 localhost:80"),
        ("example.com", "example.com:443 shop.example.com:443"),
        ("*.Example.COM", "example.com:443 shop.example.com:443"),
        ("example.com:8443, localhost:80", "localhost:80"),
        ("[::1]:80", "::1:80"),
        ("[::1]:81, ample.com", ""),
        ("::1/128 127.0.0.1", "::1:80 127.0.0.1:80"),
        ("10.1.2.3/8:8080", "10.1.2.3:8080"),
        ("0.0.1, .0.0.1", ""),
    ],
)
def test_no_proxy_is_read_in_one_way(monkeypatch: MonkeyPatch, no_proxy: str, reached_directly: str) -> None:
    """Names and their subdomains, ports, addresses, networks; the option `proxy=` is for every service."""
    monkeypatch.setenv("ALL_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    proxies, direct = Proxies(None), set[str]()
    services = "example.com:443 shop.example.com:443 localhost:80 127.0.0.1:80 ::1:80 10.1.2.3:8080"
    for host, _, port in (service.rpartition(":") for service in services.split()):
        if not proxies.find("https", host, int(port)):
            direct.add(f"{host}:{port}")
    assert direct == set(reached_directly.split())
    assert Proxies("http://a").find("https", "example.com", 443)


@pytest.mark.parametrize(
    ("variables", "http", "https"),
    [
        ({"HTTP_PROXY": "http://a", "http_proxy": "http://b:8080"}, "b:8080", None),
        ({"HTTP_PROXY": "http://a", "http_proxy": ""}, None, None),
        ({"HTTP_PROXY": "http://a", "REQUEST_METHOD": "GET"}, None, None),
        ({"http_proxy": "http://a", "REQUEST_METHOD": "GET"}, "a:80", None),
        ({"HTTP_PROXY": "a:3128", "HTTPS_PROXY": "https://a"}, "a:3128", "a:443"),
        ({"ALL_PROXY": "socks5://a", "HTTPS_PROXY": "http://[::1]:3128/"}, "a:1080", "::1:3128"),
        ({"all_proxy": "socks5h://u:p@a:9"}, "a:9", "a:9"),
    ],
)
def test_proxy_variables_have_an_order(
    monkeypatch: MonkeyPatch, variables: dict[str, str], http: str | None, https: str | None
) -> None:
    """Lower case first; HTTP_PROXY does not count in a CGI script."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = [Proxies(None).find(scheme, "shop.test", 1) for scheme in ("http", "https")]
    assert [each and f"{each.host}:{each.port}" for each in found] == [http, https]
    assert "p@" not in repr(found)


NO_PROXY = "must be the URL of an http, https or socks5 proxy, such as http://host:8080"
NO_FILE = "must name a file of certificates in PEM form: correct or unset it"
NO_FOLDER = "must name a directory of certificates: correct or unset it"
LONG_PASSWORD = f"socks5://u:{'secret' * 50}@a"


@pytest.mark.backends("sync", "sync fast")
@pytest.mark.parametrize(
    ("variable", "values", "reason"),
    [
        ("HTTPS_PROXY", ("http://127.0.0.1:6153export", "ftp://secret@a:1", "http://", "http://a:99999"), NO_PROXY),
        ("http_proxy", (LONG_PASSWORD,), NO_PROXY),
        ("ALL_PROXY", ("http://",), NO_PROXY),
        ("proxy", (LONG_PASSWORD, "", 5), NO_PROXY),
        ("SSL_CERT_FILE", ("none", "file"), NO_FILE),
        ("SSL_CERT_DIR", ("none", "file"), NO_FOLDER),
    ],
)
def test_what_cannot_be_used_is_named(
    connect: Connect, variable: str, values: tuple[Any, ...], reason: str, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    """At once, by the variable or option, without its password."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("none")
    for value in values:
        if variable != "proxy":
            monkeypatch.setenv(variable, value)
        with pytest.raises(InvalidRequest) as raised:
            connect(proxy=value if variable == "proxy" else None)
        assert str(raised.value) == f"{variable}: {reason}"


@pytest.mark.backends("sync", "sync fast")
def test_a_directory_of_certificates_counts(
    connect: Connect, secure: str, tls: Path, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    """As OpenSSL names them, by hash."""
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(tls / "authority.pem")]
    hashed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    shutil.copy(tls / "authority.pem", tmp_path / f"{hashed}.0")
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert connect().send(secure).status == 200


@pytest.mark.backends
@pytest.mark.parametrize("wrong", ["expired", "for-another-host", "self-signed", "of-an-unknown-authority"])
def test_a_wrong_certificate_is_refused(connect: Connect, wrong: str, tls: Path) -> None:
    """Before anything is sent."""
    with Service(presenting(tls, wrong)) as service:
        error = refused(connect(), service.url)
    assert service.requests == 0
    assert error.reason.startswith("TLS with the host failed (")
    assert error.permanent


@default_transport
def test_an_own_context_says_what_is_trusted(connect: Connect, certificates: Path) -> None:
    """Whatever the environment says. Large bodies take as many records as they need, both ways."""
    with Service(presenting(certificates, "trusted")) as service:
        sender = connect(ssl_context=ssl.create_default_context(cafile=certificates / "authority.pem"))
        large = REQUEST._replace(body=b"{%s}" % (b" " * 300_000))
        service.act = answer(200, b" " * 300_000)
        assert [len(sender.send(service.url, large).body) for _ in range(2)] == [300_000] * 2
        refused(connect(), service.url)


NO_SUCH_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
NO_DNS = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@default_transport
@pytest.mark.parametrize(("error", "permanent"), [(NO_SUCH_NAME, True), (NO_DNS, False), (UnicodeError("long"), False)])
def test_a_name_that_is_not_found_is_said(
    connect: Connect, error: Exception, permanent: bool, monkeypatch: MonkeyPatch
) -> None:
    """One that does not exist is not worth a pause; the name of a proxy is the proxy's affair."""
    monkeypatch.setattr(socket, "getaddrinfo", Mock(side_effect=error))
    for proxy, what in ((None, "the host's name could not be looked up"), ("http://a", "no connection through")):
        found = refused(connect(proxy=proxy), "http://shop.test")
        assert found.permanent == permanent
        assert found.reason.startswith(what)
        assert f"{error}): check " in found.reason


@pytest.mark.backends
def test_every_stage_of_connecting_is_said(connect: Connect, tls: Path) -> None:
    """The name, the connection, TLS and the proxy, each with what to do."""
    with Service(presenting(tls, "expired")) as service:
        said = [
            refused(connect(), "http://nowhere.invalid").reason,
            refused(connect(), f"http://{nowhere()}").reason,
            refused(connect(), service.url).reason,
            refused(connect(proxy=f"http://{nowhere()}"), "https://nowhere.invalid").reason,
        ]
    starts = [(reason.partition(" (")[0], reason.rpartition("): check ")[2].partition(",")[0]) for reason in said]
    assert starts == [
        ("the host's name could not be looked up", "the name"),
        ("no connection to the host", "host and port"),
        ("TLS with the host failed", "this machine's clock"),
        ("no connection through the proxy", "its address"),
    ]
    assert "Connection refused" in said[1] or "Connect call failed" in said[1]
