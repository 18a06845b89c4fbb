"""`liveperson-engagement sandbox`, and the calls over HTTP that control a sandbox from any language."""

import dataclasses
import json
import re
import shlex
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import httpx
import pytest

from command import invoke, running
from conftest import BODY
from liveperson_engagement import EngagementClient, ServerError
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.sandbox.controls import EXAMPLES
from waiting import until


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_call_does_what_the_method_does(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Once, with its arguments; it is answered with nothing, and stays out of the journal."""
    monkeypatch.setattr(Sandbox, name, method := create_autospec(getattr(Sandbox, name)))
    answer = httpx.post(f"{sandbox.url}/sandbox/{name}", json=EXAMPLES[name])
    assert (answer.status_code, answer.text, sandbox.requests) == (204, "", ())
    method.assert_called_once_with(sandbox, **EXAMPLES[name])


def test_the_journal_and_the_visitor_list_can_be_seen(sandbox: Sandbox, client: EngagementClient) -> None:
    """As Python has them, with every digit of a number; bytes that are no text make no trouble."""
    error: Any = {"type": "error", "error": {"level": 2**63 - 1}}
    client.visit("shopper-42").create_session(BODY | {"engagementAttributes": [error]})
    httpx.post(f"{sandbox.url}/%FF?sid=%FF", content=b"\xff")
    httpx.post(f"{sandbox.url}/x", content=b'"\\ud800"')
    created, binary, surrogate = httpx.get(f"{sandbox.url}/sandbox/requests").json()
    for name in ("operation_id", "account_id", "path", "status", "body"):
        assert created[name] == getattr(sandbox.requests[0], name)
    assert json.loads(created["raw_body"])["engagementAttributes"] == [error]
    assert created["headers"]["content-type"] == "application/json"
    assert (binary["raw_body"], binary["body"]) == ("\ufffd", None)
    assert (surrogate["raw_body"], surrogate["body"]) == ('"\\ud800"', "\ud800")
    [visitor] = httpx.get(f"{sandbox.url}/sandbox/visitors").json()
    assert json.dumps(visitor) == json.dumps(dataclasses.asdict(sandbox.visitors[0]))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("fail_next", '{"status": 503, "tiems": 2}', "'tiems' was unexpected"),
        ("reset", "[]", 'is not of type "object"'),
        ("play", '{"scenario": ["reset", {"slow": {}}]}', "[0].reset: cannot be part of a scenario"),
        ("fail_next", "status=503", ""),
        ("explode", "{}", "/sandbox/ lists what there is"),
    ],
)
def test_what_cannot_be_done_is_refused(sandbox: Sandbox, name: str, content: str, reason: str) -> None:
    """With the place of what is wrong, or of what there is; and nothing happens."""
    answer = httpx.post(f"{sandbox.url}/sandbox/{name}", content=content)
    assert answer.status_code == (404 if name == "explode" else 400)
    assert reason in answer.json()["error"]
    assert sandbox.unused_instructions == ()


def test_the_controls_describe_themselves(sandbox: Sandbox) -> None:
    """In OpenAPI."""
    document = httpx.get(f"{sandbox.url}/sandbox/openapi.json").json()
    assert document["paths"].keys() == {f"/sandbox/{name}" for name in (*EXAMPLES, "requests", "visitors")}
    schema = document["paths"]["/sandbox/fail_next"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["status"]
    assert schema["properties"]["retry_after"] == {"type": ["number", "string", "null"]}


SCENARIO = """\
# The visitor comes back after the session has ended, in bad times.
- serve_next
- expire_sessions
- fail_next: {status: 502}
- available
"""


def test_the_command_plays_until_ctrl_c(tmp_path: Path) -> None:
    """In trouble as options and scenario ask; its curl commands work; it logs no ids; it ends though a caller waits."""
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    troubles = ("--loading-account", "--loading-account", "--fail", "503x2", "--fail", "500", "--not-available")
    options = ("--port", "0", *troubles, "--scenario", tmp_path / "scenario.yaml", "--log")
    pauses: list[float] = []
    with running("sandbox", *options) as process, httpx.Client(timeout=60) as http, ThreadPoolExecutor() as pool:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with EngagementClient("demo", base_url=url, sleep=pauses.append) as client:
            visit = client.visit("shopper-42")
            with pytest.raises(ServerError):
                visit.create_session(BODY)
            first, second = visit.create_session(BODY), visit.create_session(BODY)
        assert (first.status, second.status, pauses) == ("NotAvailable", "Available", [5, 10, 15, 5, 5])
        assert (first.visitor_id == second.visitor_id, first.session_id == second.session_id) == (True, False)
        visitors = f"{url}/api/account/secret1/app/engagement/visitors/"
        http.post(visitors, params={"v": "1.0"}, json={"appType": "SECRET"})
        http.post(visitors + f"{first.visitor_id}/more", json={})

        commands: list[str] = []
        while len(commands) < len(EXAMPLES) + 2:
            line = process.stdout.readline().strip()
            commands += [line] * line.startswith("curl ")
        assert [command.rpartition("/")[2] for command in commands] == [*EXAMPLES, "requests", "visitors"]
        for command in commands:
            subprocess.run(shlex.split(f"{command} --fail --silent"), check=True, capture_output=True)

        http.post(f"{url}/sandbox/reset")
        http.post(f"{url}/sandbox/slow", json={"seconds": 60, "operation": "findDomain"})
        waiting = pool.submit(http.get, f"{url}/api/account/secret1/service/msdkgw/baseURI.json?version=1.0")
        until(lambda: http.get(f"{url}/sandbox/requests").json())
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
        assert isinstance(waiting.exception(30), httpx.TransportError)
    path, known = "/api/account/{accountId}/app/engagement/visitors/", "{visitorId}"
    assert (process.returncode, "→" in output) == (130, False)
    assert [re.sub(r"^[\d-]+ [\d:,]+ ", "", line) for line in errors.splitlines()] == [
        "Ctrl-C ends it.",
        f"POST {path} → 500",
        *[f"POST {path}{known} → {status}" for status in (500, 503, 503, 500, 200, 502, 200)],
        f"POST {path} → 400 (appType)",
        "POST /api/account/***/app/engagement/visitors/***/more → 404",
        "GET /api/account/{accountId}/service/{serviceName}/baseURI.json → 200",
    ]


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        *((f"--fail {text}", 2, f"{text!r} is not a status like 503, or 503x2") for text in ("50", "503x0", "x2")),
        ("--port 65536", 2, "--port"),
        ("--port TAKEN", 1, "liveperson-engagement: cannot listen on port TAKEN of 127.0.0.1: Address already in use"),
        ("--scenario /none", 2, "--scenario"),
    ],
)
def test_a_wrong_call_is_refused(sandbox: Sandbox, line: str, status: int, reason: str) -> None:
    """By the name of the option, or the port that is taken."""
    port = sandbox.host.partition(":")[2]
    done = invoke("sandbox", *line.replace("TAKEN", port).split())
    assert (done.returncode, done.stdout) == (status, "")
    assert reason.replace("TAKEN", port) in done.stderr


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('["serve_next", {"fail_next": {"status": "abc"}}]', '[1].fail_next.status: "abc" is not of type "integer"'),
        ("- fail_next: {status: 503, times: -1}\n", "[0].fail_next: times: must be a whole number, 1 or more, not -1"),
        ("- explode\n", "[0].explode: must be one of fail_next, "),
        ("- [serve_next]\n", "[0]: must be a name, or one name with its arguments"),
        ("serve_next\n", "a scenario is a list of steps"),
        ("- serve_next\n- {fail_next: \n", "line 3: "),
        ("\udcff", "invalid start byte"),
    ],
)
def test_a_scenario_that_cannot_be_followed_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    """Before anything starts, in one line that names the place in the file."""
    path = tmp_path / "scenario.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    done = invoke("sandbox", "--port", "0", "--scenario", path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"liveperson-engagement: {path}: ")
    assert reason in done.stderr
