"""`doctor`: what each step finds out, and what it advises."""

from __future__ import annotations

import json
import ssl
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from certificates import presenting
from command import invoke
from faults_service import Service
from liveperson_engagement.cli.examination import MOST_SKEW, STEPS, examine
from liveperson_engagement.cli.options import Caller
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.transports import NoResponse
from liveperson_engagement.transports.sockets import SocketTransport
from proxy_server import Proxy

NOWHERE = "http://127.0.0.1:1"


def steps(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str, dict[str, Any]]:
    """Ask the doctor; return the exit status, the first letters of the steps' statuses, and what each step found."""
    done = invoke("doctor", "demo", *arguments, "--json", environment=environment)
    found = json.loads(done.stdout)
    assert [step["step"] for step in found["steps"]] == list(STEPS)
    assert found["ok"] == (done.returncode == 0)
    letters = "".join(step["status"][0] for step in found["steps"])
    return done.returncode, letters, {step["step"]: step for step in found["steps"]}


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
    [visitor] = sandbox.visitors
    assert visitor.visitor_id not in done.stdout
    assert visitor.sessions[0].session_id not in done.stdout


def test_what_is_asked_can_be_chosen(sandbox: Sandbox) -> None:
    """Without a visitor nothing is known of the engagement, and nothing has failed; or for one kind of app."""
    status, letters, found = steps("--domain-api", sandbox.url, "--no-visitor")
    assert (status, letters, found["engagement"]["detail"]) == (0, "oooossss", "left out, as --no-visitor asks")
    assert [request.operation_id for request in sandbox.requests] == ["findDomain"]
    steps("--base-url", sandbox.url, "--app-type", "MSDK", "--section", "Support")
    assert sandbox.requests[-1].body == {"appType": "MSDK", "consumerSections": ["Support"]}


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
    left, letters, found = steps("--base-url", sandbox.url, environment=environment)
    assert (left, letters) == (1, "fsssssss")
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
    assert steps("--base-url", sandbox.url, environment=environment)[:2] == (0, "ooooooos")


def test_an_account_id_that_is_none_costs_no_request(sandbox: Sandbox) -> None:
    """Nor is anything else looked at."""
    status, letters, found = steps("--account", "de-mo", "--domain-api", sandbox.url)
    assert (status, letters) == (1, "ofssssss")
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
    found, advice = done.stdout.splitlines()[6:8]
    assert (done.returncode, found.split(maxsplit=2)[:2]) == (1, ["failed", "engagement"])
    assert found.endswith(" no engagement of type MSDK or EXTERNAL is available")
    assert advice.startswith(
        "         what to do       In LivePerson publish a campaign with an engagement of type MSDK"
    )


@pytest.mark.parametrize(
    ("operation", "status", "advice"),
    [
        ("findDomain", 400, "check the account id"),
        ("findDomain", 401, "check the account id"),
        ("findDomain", 503, "try again in some minutes"),
        ("createSession", 400, "Check --app-type and --section"),
        ("createSession", 401, "whether the account may use this API"),
        ("createSession", 404, "Check the account id"),
        ("createSession", 429, "Wait some minutes"),
        ("createSession", 500, "try again in some minutes"),
        ("createSession", 520, "try again in some minutes"),
    ],
)
def test_a_call_that_is_refused(sandbox: Sandbox, operation: str, status: int, advice: str) -> None:
    """The advice fits the status; it is made once."""
    sandbox.fail_next(status, operation=operation)
    left, letters, found = steps("--domain-api", sandbox.url)
    step = found["domain" if operation == "findDomain" else "first call"]
    assert (left, letters) == (1, "oofsssss" if operation == "findDomain" else "oooofsss")
    assert (step["detail"].startswith(f"[{status}] "), advice in step["advice"]) == (True, True)
    assert [request.operation_id for request in sandbox.requests].count(operation) == 1


@pytest.mark.parametrize(
    ("option", "url", "answer", "step", "text"),
    [
        ("--domain-api", "", "<html>", "domain", "login page"),
        ("--domain-api", NOWHERE, "", "domain", "the connection is refused: nothing listens there"),
        ("--domain-api", "https://no-such-host.invalid", "", "domain", "the host's name is not known"),
        ("--base-url", NOWHERE, "", "first call", "the connection is refused"),
        ("--base-url", "", "", "first call", "no answer in time"),
        ("--base-url", "", '{"status": "Available"}', "first call", "answer breaks the contract: pageId: is required"),
        ("--base-url", "https:sandbox", "", "TLS", "no TLS is spoken there, or one that is too old"),
        ("--base-url", NOWHERE.replace("http:", "https:"), "", "TLS", "the connection is refused"),
    ],
)
def test_a_call_without_a_good_answer(
    sandbox: Sandbox, option: str, url: str, answer: str, step: str, text: str
) -> None:
    """Nobody there, too late, or not what the contract says."""
    if answer:
        sandbox.answer_next(200, answer, operation="findDomain" if step == "domain" else None)
    else:
        sandbox.slow(60)
    where = f"https://{sandbox.host}" if url == "https:sandbox" else url or sandbox.url
    status, _, found = steps(option, where, "--timeout", "0.2" if text == "no answer in time" else "30")
    assert (status, found[step]["status"]) == (1, "failed")
    assert text in found[step]["detail"] + found[step]["advice"]


def test_an_account_that_is_being_loaded(sandbox: Sandbox) -> None:
    """The service answers, so the call is fine; the visitor's id stays unsaid."""
    sandbox.loading_account()
    left, letters, found = steps("--base-url", sandbox.url)
    assert (left, letters, found["account loaded"]["advice"]) == (1, "ooooofss", "Try again in a minute.")
    assert sandbox.visitors[0].visitor_id not in json.dumps(found)


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


# Over TLS


def test_certificates_are_looked_at(certificates: Path) -> None:
    """Each reason to refuse one is named, and nothing is sent; a proxy is asked to connect, or named if it refuses."""
    environment = {"SSL_CERT_FILE": str(certificates / "authority.pem")}
    for name, detail, advice in [
        ("expired", "the certificate has expired", "date and time"),
        ("for-another-host", "the certificate is another host's", "--base-url"),
        ("self-signed", "the certificate is self-signed", "SSL_CERT_FILE"),
        ("of-an-unknown-authority", "the certificate's authority is not known", "SSL_CERT_FILE"),
    ]:
        with Service(presenting(certificates, name)) as service:
            for option, step in {"--base-url": "TLS", "--domain-api": "domain"}.items():
                left, letters, found = steps(option, f"https://localhost:{service.port}", environment=environment)
                assert (left, letters) == (1, "ooofssss" if step == "TLS" else "oofsssss")
                assert (found[step]["detail"], advice in found[step]["advice"]) == (detail, True)
            assert service.requests == 0
    with Service(presenting(certificates, "trusted")) as service:
        where = ("--base-url", f"https://localhost:{service.port}")
        left, letters, found = steps(*where, environment=environment)
        assert (left, letters, service.requests) == (0, "ooooooos", 1)
        assert found["TLS"]["detail"] == "the certificate is trusted, and is the host's"
        for auth, expected in ("", (0, "ooooooos")), ("user:password", (1, "ooofssss")):
            with Proxy(auth=auth) as proxy:
                through = environment | {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}
                *outcome, found = steps(*where, environment=through)
            assert tuple(outcome) == expected
    assert "(the proxy refused the connection (407))" in found["TLS"]["detail"]
    assert "HTTPS_PROXY" in found["TLS"]["advice"]


@pytest.mark.parametrize(
    ("number", "detail"),
    [
        (9, "the certificate is not valid yet"),
        (19, "the certificate's authority is not trusted"),
        (66, "the certificate is not trusted: certificate key too weak"),
    ],
)
def test_a_certificate_of_another_kind(number: int, detail: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By OpenSSL's number, or else in its words."""

    def connect(*_: object) -> None:
        cause = ssl.SSLCertVerificationError()
        cause.verify_code, cause.verify_message = number, "certificate key too weak"
        raise NoResponse("refused", may_have_arrived=False) from cause

    monkeypatch.setattr(SocketTransport, "connect", connect)
    status, letters, found = steps("--base-url", "https://localhost:1")
    assert (status, letters, found["TLS"]["detail"]) == (1, "ooofssss", detail)
