"""`doctor`: what each step finds out, and what it advises."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Generator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from command import invoke
from liveperson_engagement.cli.examination import MOST_SKEW, STEPS, examine
from liveperson_engagement.cli.options import Caller
from liveperson_engagement.sandbox import Sandbox

NOWHERE = "http://127.0.0.1:1"
AUTHORITY = """
[ca]
default_ca = authority
[authority]
database = index
new_certs_dir = .
serial = serial
default_md = sha256
policy = policy
[policy]
commonName = supplied
[req]
distinguished_name = name
[name]
[authorities]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
"""


def steps(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    """Ask the doctor; return the exit status and what each step found."""
    done = invoke("doctor", *arguments, "--json", environment=environment)
    found = json.loads(done.stdout)
    assert [step["step"] for step in found["steps"]] == list(STEPS)
    assert found["ok"] == (done.returncode == 0)
    return done.returncode, {step["step"]: step for step in found["steps"]}


def statuses(found: dict[str, Any]) -> str:
    """Write the statuses by their first letters."""
    return "".join(step["status"][0] for step in found.values())


def test_all_is_well(sandbox: Sandbox) -> None:
    """One line a step on standard output; the visitor that it costs is said on standard error, before."""
    done = invoke("doctor", "demo", "--domain-api", sandbox.url)
    assert (done.returncode, done.stderr) == (0, "The first call puts one visitor on the account's list.\n")
    assert done.stdout.splitlines() == [
        "ok       environment      its proxies and certificates can be used",
        "ok       account id       is well-formed",
        f"ok       domain           {sandbox.url}",
        "ok       TLS              is not needed: the host is this machine",
        "ok       first call       is answered",
        "ok       account loaded   is ready",
        "ok       engagement       is available, valid for 900 s",
        "skipped  clock            no answer said what time it is",
    ]
    assert len(sandbox.visitors) == 1
    for secret in (sandbox.visitors[0].visitor_id, sandbox.visitors[0].sessions[0].session_id):
        assert secret not in done.stdout


def test_the_visitor_can_be_left_out(sandbox: Sandbox) -> None:
    """Then nothing is known of the engagement, and nothing has failed."""
    status, found = steps("demo", "--domain-api", sandbox.url, "--no-visitor")
    assert (status, statuses(found)) == (0, "oooossss")
    assert found["engagement"]["detail"] == "left out, as --no-visitor asks"
    assert [request.operation_id for request in sandbox.requests] == ["findDomain"]


@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        ("HTTPS_PROXY", "http://127.0.0.1:6153export", "must be the URL of an http, https or socks5 proxy"),
        ("all_proxy", "ftp://127.0.0.1:1", "must be the URL of an http, https or socks5 proxy"),
        ("SSL_CERT_FILE", "/none/of/it", "must name a file of certificates"),
        ("SSL_CERT_FILE", "broken.pem", "cannot be read"),
        ("SSL_CERT_DIR", "/none/of/it", "must name a directory of certificates"),
    ],
)
def test_a_variable_that_cannot_be_used(
    sandbox: Sandbox, tmp_path: Path, variable: str, text: str, reason: str
) -> None:
    """Is a finding with its name; any other command refuses it in one line. Nothing is sent."""
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    environment = {variable: str(tmp_path / text) if text == "broken.pem" else text}
    left, found = steps("demo", "--base-url", sandbox.url, environment=environment)
    assert (left, statuses(found)) == (1, "fsssssss")
    assert found["environment"]["detail"].startswith(f"{variable}: {reason}")
    assert found["environment"]["advice"] == f"Correct the variable {variable}, or unset it."
    if text != "broken.pem":  # it is read for the first https connection
        done = invoke("create-session", "demo", "--base-url", sandbox.url, environment=environment)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith(f"liveperson-engagement: {variable}: {reason}")
    assert not sandbox.requests


def test_exceptions_of_a_proxy_are_no_finding(sandbox: Sandbox) -> None:
    """In any of the forms that people write."""
    environment = {"HTTP_PROXY": NOWHERE, "NO_PROXY": "fe80::/10,[::1],127.0.0.0/8,*.example.com:8080"}
    left, found = steps("demo", "--base-url", sandbox.url, environment=environment)
    assert (left, statuses(found)) == (0, "ooooooos")


def test_an_account_id_that_is_none_costs_no_request(sandbox: Sandbox) -> None:
    """Nor is anything else looked at."""
    status, found = steps("de-mo", "--domain-api", sandbox.url)
    assert (status, statuses(found)) == (1, "ofssssss")
    assert "letters, digits and underscores" in found["account id"]["advice"]
    assert found["domain"]["detail"] == "needs what failed above"
    assert not sandbox.requests


@pytest.mark.parametrize("arguments", [[], ["demo", "--base-url", "nonsense"], ["demo", "--timeout", "-1"]])
def test_a_wrong_call_is_no_finding(arguments: list[str]) -> None:
    """Status 2, and nothing on standard output."""
    done = invoke("doctor", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_people_are_told_what_to_do(sandbox: Sandbox) -> None:
    """Below what has failed."""
    sandbox.not_available()
    done = invoke("doctor", "demo", "--base-url", sandbox.url)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[6] == "failed   engagement       no engagement of type MSDK or EXTERNAL is available"
    assert lines[7].startswith(
        "         what to do       In LivePerson publish a campaign with an engagement of type MSDK"
    )


@pytest.mark.parametrize(
    ("status", "detail", "advice"),
    [
        (400, "[400] ", "check the account id"),
        (401, "[401] ", "check the account id"),
        (503, "[503] ", "try again in some minutes"),
    ],
)
def test_a_domain_that_is_not_found(sandbox: Sandbox, status: int, detail: str, advice: str) -> None:
    """A wrong account is told from a service in trouble; each is asked once."""
    sandbox.fail_next(status, operation="findDomain")
    left, found = steps("demo", "--domain-api", sandbox.url)
    assert (left, statuses(found), len(sandbox.requests)) == (1, "oofsssss", 1)
    assert found["domain"]["detail"].startswith(detail)
    assert advice in found["domain"]["advice"]


def test_a_domain_api_that_is_not_itself(sandbox: Sandbox) -> None:
    """A login page in between, or no network at all."""
    sandbox.answer_next(200, "<html>", operation="findDomain")
    assert "login page" in steps("demo", "--domain-api", sandbox.url)[1]["domain"]["advice"]
    found = steps("demo", "--domain-api", NOWHERE)[1]["domain"]
    assert found["detail"] == "the connection is refused: nothing listens there"
    found = steps("demo", "--domain-api", "https://no-such-host.invalid")[1]["domain"]
    assert found["detail"] == "the host's name is not known"


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "Check --app-type and --section"),
        (401, "whether the account may use this API"),
        (404, "Check the account id"),
        (429, "Wait some minutes"),
        (500, "try again in some minutes"),
        (520, "try again in some minutes"),
    ],
)
def test_a_first_call_that_is_refused(sandbox: Sandbox, status: int, advice: str) -> None:
    """The advice fits the status."""
    sandbox.fail_next(status)
    left, found = steps("demo", "--base-url", sandbox.url)
    assert (left, statuses(found)) == (1, "oooofsss")
    assert found["first call"]["detail"].startswith(f"[{status}] ")
    assert advice in found["first call"]["advice"]


def test_a_first_call_without_an_answer(sandbox: Sandbox) -> None:
    """Nobody there, too late, or not what the contract says."""
    for arguments, detail in {
        ("--base-url", NOWHERE): "the connection is refused",
        ("--base-url", sandbox.url, "--timeout", "0.2"): "no answer in time",
        ("--base-url", sandbox.url): "the service's answer breaks the contract: pageId: is required",
    }.items():
        sandbox.reset()
        if "--timeout" in arguments:
            sandbox.slow(60)
        else:
            sandbox.answer_next(200, '{"status": "Available"}')
        left, found = steps("demo", *arguments)
        assert (left, statuses(found)) == (1, "oooofsss")
        assert found["first call"]["detail"].startswith(detail)


def test_an_account_that_is_being_loaded(sandbox: Sandbox) -> None:
    """The service answers, so the call is fine; the visitor's id stays unsaid."""
    sandbox.loading_account()
    left, found = steps("demo", "--base-url", sandbox.url)
    assert (left, statuses(found)) == (1, "ooooofss")
    assert found["account loaded"]["advice"] == "Try again in a minute."
    assert sandbox.visitors[0].visitor_id not in json.dumps(found)


def test_an_app_can_be_described(sandbox: Sandbox) -> None:
    """As engagements may be meant for some kinds of app, or some places in it, only."""
    steps("demo", "--base-url", sandbox.url, "--app-type", "MSDK", "--section", "Support")
    assert [request.body for request in sandbox.requests] == [{"appType": "MSDK", "consumerSections": ["Support"]}]


@pytest.mark.parametrize(
    ("ahead", "status", "detail"),
    [
        (MOST_SKEW - 2, "ok", "is right, give or take 30 s"),
        (-MOST_SKEW + 2, "ok", "is right, give or take 30 s"),
        (75, "failed", "is 75 s ahead of the server's"),
        (-3600, "failed", "is 3600 s behind the server's"),
    ],
)
def test_a_clock_that_is_wrong(sandbox: Sandbox, ahead: float, status: str, detail: str) -> None:
    """Compared with the answers' Date, whatever the answers are."""
    now = 1_800_000_000
    sandbox.fail_next(503, headers={"date": formatdate(now, usegmt=True)})
    caller = Caller(account="demo", base_url=sandbox.url)
    *_, finding = examine(caller, {"appType": "EXTERNAL"}, visitor=True, now=lambda: now + ahead)
    assert (finding.step, finding.status, finding.detail) == ("clock", status, detail)
    assert bool(finding.advice) == (status == "failed")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an authority, and certificates of which one is good."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    (folder / "authority.cnf").write_text(AUTHORITY)
    (folder / "index").touch()
    (folder / "serial").write_text("01")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout")
    new = ("req", "-config", "authority.cnf", *key)
    openssl(*new, "ca.key", "-x509", "-days", "2", "-subj", "/CN=authority", "-extensions", "authorities", "-out", "ca")
    openssl(*new, "key", "-subj", "/CN=localhost", "-out", "request")
    today = time.time()
    for name, host, first, last in [
        ("good", "localhost", -1, 1),
        ("expired", "localhost", -3, -1),
        ("not-yet", "localhost", 1, 3),
        ("other-host", "elsewhere.example", -1, 1),
    ]:
        (folder / "host").write_text(f"subjectAltName = DNS:{host}\nauthorityKeyIdentifier = keyid")
        begin, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(today + day * 86400)) for day in (first, last))
        openssl("ca", "-config", "authority.cnf", "-batch", "-notext", "-cert", "ca", "-keyfile", "ca.key",
                "-in", "request", "-extfile", "host", "-startdate", begin, "-enddate", end, "-out", name)  # fmt: skip
        (folder / "index").write_text("")
    openssl("req", "-config", "authority.cnf", "-x509", "-key", "key", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName = DNS:localhost", "-out", "self-signed")  # fmt: skip
    return folder


def pipe(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes, until one side ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy(answer: str) -> Generator[str]:
    """Run a proxy that answers CONNECT with a status, and connects if that is 200; give its URL."""

    def serve() -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            while True:
                caller = stack.enter_context(listener.accept()[0])
                target = caller.recv(65536).split()[1].decode()
                caller.sendall(f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n".encode())
                if answer.startswith("200"):
                    host, _, port = target.partition(":")
                    service = stack.enter_context(socket.create_connection((host, int(port))))
                    for pair in ((caller, service), (service, caller)):
                        threading.Thread(target=pipe, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        server.join()


@contextlib.contextmanager
def tls(folder: Path, name: str, sandbox: Sandbox) -> Generator[str]:
    """Serve the sandbox behind TLS; give the URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / name, folder / "key")
    host, _, port = sandbox.host.partition(":")

    def serve() -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            while True:
                plain = stack.enter_context(listener.accept()[0])
                try:
                    caller = stack.enter_context(context.wrap_socket(plain, server_side=True))
                except ssl.SSLError:
                    continue
                service = stack.enter_context(socket.create_connection((host, int(port))))
                for pair in ((caller, service), (service, caller)):
                    threading.Thread(target=pipe, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        yield f"https://localhost:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        server.join()


@pytest.fixture
def trusted(certificates: Path) -> dict[str, str]:
    """Trust the authority."""
    return {"SSL_CERT_FILE": str(certificates / "ca")}


class TestTls:
    """The step that connects, over real TLS."""

    def test_a_good_certificate(self, certificates: Path, trusted: dict[str, str], sandbox: Sandbox) -> None:
        """And the call goes through it."""
        with tls(certificates, "good", sandbox) as url:
            left, found = steps("demo", "--base-url", url, environment=trusted)
        assert (left, statuses(found)) == (0, "ooooooos")
        assert found["TLS"]["detail"] == "the certificate is trusted, and is the host's"
        assert len(sandbox.requests) == 1

    @pytest.mark.parametrize(
        ("name", "detail", "advice"),
        [
            ("expired", "the certificate has expired", "date and time"),
            ("not-yet", "the certificate is not valid yet", "date and time"),
            ("other-host", "the certificate is another host's", "--base-url"),
            ("self-signed", "the certificate is self-signed", "SSL_CERT_FILE"),
        ],
    )
    def test_a_certificate_that_is_refused(
        self, certificates: Path, trusted: dict[str, str], sandbox: Sandbox, name: str, detail: str, advice: str
    ) -> None:
        """Is named, and nothing is sent."""
        with tls(certificates, name, sandbox) as url:
            left, found = steps("demo", "--base-url", url, environment=trusted)
        assert (left, statuses(found), found["TLS"]["detail"]) == (1, "ooofssss", detail)
        assert advice in found["TLS"]["advice"]
        assert not sandbox.requests

    def test_an_authority_that_is_not_known(self, certificates: Path, sandbox: Sandbox) -> None:
        """For the account's host, and for the Domain API."""
        with tls(certificates, "good", sandbox) as url:
            for option, step in {"--base-url": "TLS", "--domain-api": "domain"}.items():
                left, found = steps("demo", option, url)
                assert (left, found[step]["status"]) == (1, "failed")
                assert found[step]["detail"] == "the certificate's authority is not known"
        assert not sandbox.requests

    def test_a_proxy_on_the_way(self, certificates: Path, trusted: dict[str, str], sandbox: Sandbox) -> None:
        """It is asked to connect; one that refuses is named."""
        with tls(certificates, "good", sandbox) as url, proxy("200 OK") as working, proxy("407 No") as refusing:
            environment = trusted | {"HTTPS_PROXY": working}
            left, found = steps("demo", "--base-url", url, environment=environment)
            assert (left, statuses(found)) == (0, "ooooooos")
            environment = trusted | {"HTTPS_PROXY": refusing}
            left, found = steps("demo", "--base-url", url, environment=environment)
        assert (left, statuses(found)) == (1, "ooofssss")
        assert "(the proxy refused the connection (407))" in found["TLS"]["detail"]
        assert "HTTPS_PROXY" in found["TLS"]["advice"]
        assert len(sandbox.requests) == 1

    def test_no_tls_and_nobody(self, sandbox: Sandbox) -> None:
        """A server of plain HTTP is told from one that is not there."""
        plain = f"https://{sandbox.host}"
        assert (
            steps("demo", "--base-url", plain)[1]["TLS"]["detail"] == "no TLS is spoken there, or one that is too old"
        )
        nobody = NOWHERE.replace("http:", "https:")
        assert (
            steps("demo", "--base-url", nobody)[1]["TLS"]["detail"]
            == "the connection is refused: nothing listens there"
        )
