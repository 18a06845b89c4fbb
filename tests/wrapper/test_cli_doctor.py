"""`doctor`: what each step finds out, and what it advises."""

import json
from collections.abc import Callable
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import Mock

import pytest

from certificates import presenting
from command import invoke
from faults_service import Service
from liveperson_engagement.cli.examination import MOST_SKEW, STEPS, examine
from liveperson_engagement.cli.options import Caller
from liveperson_engagement.sandbox import Sandbox
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


Instruct: TypeAlias = Callable[[Sandbox], object]


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


def test_people_are_told_what_to_do(sandbox: Sandbox) -> None:
    """Below what has failed; without a visitor nothing is known of the engagement, and nothing has failed."""
    sandbox.not_available()
    done = invoke("doctor", "demo", "--base-url", sandbox.url, "--app-type", "MSDK", "--section", "Support")
    found, advice = done.stdout.splitlines()[6:8]
    assert done.returncode == 1
    assert found == "failed   engagement       no engagement of type MSDK or EXTERNAL is available"
    assert advice.startswith("         what to do       In LivePerson publish a campaign with an engagement of type ")
    assert sandbox.requests[-1].body == {"appType": "MSDK", "consumerSections": ["Support"]}
    status, letters, findings = steps("--domain-api", sandbox.url, "--no-visitor")
    assert (status, letters, findings["engagement"]["detail"]) == (0, "oooossss", "left out, as --no-visitor asks")
    assert [request.operation_id for request in sandbox.requests[1:]] == ["findDomain"]
    assert (invoke("doctor").returncode, invoke("doctor", "demo", "--base-url", "nonsense").returncode) == (2, 2)


def test_a_variable_that_cannot_be_used(sandbox: Sandbox, tmp_path: Path) -> None:
    """Is a finding with its name; any other command refuses it in one line. Nothing is sent."""
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    proxy = "HTTPS_PROXY: must be the URL of an http, https or socks5 proxy"
    environment = {"HTTPS_PROXY": "http://127.0.0.1:6153export"}
    for given, reason in [
        (environment, proxy),
        ({"SSL_CERT_FILE": str(tmp_path / "broken.pem")}, "SSL_CERT_FILE: cannot be read"),
    ]:
        left, letters, found = steps("--base-url", sandbox.url, environment=given)
        assert (left, letters) == (1, "fsssssss")
        assert found["environment"]["detail"].startswith(reason)
        assert found["environment"]["advice"] == f"Correct the variable {reason.partition(':')[0]}, or unset it."
    done = invoke("create-session", "demo", "--base-url", sandbox.url, environment=environment)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"liveperson-engagement: {proxy}")
    assert not sandbox.requests


FAILURES: list[tuple[str, str, Instruct, str, str]] = [
    ("of", "--base-url URL --account de-mo", Sandbox.available, "is not well-formed", "digits and underscores"),
    ("oof", "--domain-api URL", partial(Sandbox.answer_next, body="<html>", operation="findDomain"), "", "login page"),
    ("oof", "--domain-api URL", partial(Sandbox.fail_next, status=401, operation="findDomain"), "[401]", "account id"),
    ("oof", "--domain-api URL", partial(Sandbox.fail_next, status=503, operation="findDomain"), "[503]", "in some min"),
    ("oof", "--domain-api https://host.invalid", Sandbox.available, "the host's name is not known", "name server"),
    ("ooof", "--base-url https://HOST", Sandbox.available, "no TLS is spoken there, or one that is too", "--base-url"),
    ("oooof", f"--base-url {NOWHERE}", Sandbox.available, "the connection is refused: nothing listens", "firewall"),
    ("oooof", "--base-url URL --timeout 0.2", partial(Sandbox.slow, seconds=60), "no answer in time", "--timeout"),
    ("oooof", "--base-url URL", partial(Sandbox.answer_next, body="{}"), "answer breaks the contract", "login page"),
    ("oooof", "--base-url URL", partial(Sandbox.fail_next, status=400), "[400]", "Check --app-type and --section"),
    ("oooof", "--base-url URL", partial(Sandbox.fail_next, status=401), "[401]", "may use this API"),
    ("oooof", "--base-url URL", partial(Sandbox.fail_next, status=404), "[404]", "Check the account id"),
    ("oooof", "--base-url URL", partial(Sandbox.fail_next, status=429), "[429]", "Wait some minutes"),
    ("ooooof", "--base-url URL", Sandbox.loading_account, "LivePerson is still loading the account", "in a minute."),
]
"""Letters of the steps down to what fails, options, what the sandbox is told, and words of the finding."""


@pytest.mark.parametrize(("letters", "options", "instruct", "detail", "advice"), FAILURES)
def test_what_fails_is_found(
    sandbox: Sandbox, letters: str, options: str, instruct: Instruct, detail: str, advice: str
) -> None:
    """After one attempt, with advice that fits; no id is said, and nothing further is tried."""
    instruct(sandbox)
    arguments = options.replace("URL", sandbox.url).replace("HOST", sandbox.host).split()
    status, seen, found = steps(*arguments)
    assert (status, seen) == (1, letters.ljust(len(STEPS), "s"))
    step = found[STEPS[len(letters) - 1]]
    assert (detail in step["detail"], advice in step["advice"]) == (True, True), step
    assert len(sandbox.requests) <= 2
    assert [each.visitor_id for each in sandbox.visitors if each.visitor_id in json.dumps(found)] == []
    assert {each["detail"] for each in found.values() if each["status"] == "skipped"} >= {"needs what failed above"}


def test_a_clock_that_is_wrong(sandbox: Sandbox) -> None:
    """Compared with the answers' Date, whatever the answers are."""
    now, caller = 1_800_000_000, Caller(account="demo", base_url=sandbox.url)
    for ahead, status, detail in [
        (MOST_SKEW, "ok", "is right, give or take 30 s"),
        (-MOST_SKEW, "ok", "is right, give or take 30 s"),
        (MOST_SKEW + 1, "failed", "is 31 s ahead of the server's"),
        (-3600, "failed", "is 3600 s behind the server's"),
    ]:
        sandbox.fail_next(503, headers={"date": formatdate(now, usegmt=True)})
        *_, found = examine(caller, {"appType": "EXTERNAL"}, visitor=True, now=Mock(return_value=now + ahead))
        assert (found.step, found.status, found.detail) == ("clock", status, detail)


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
