"""`liveperson-engagement sandbox`: the sandbox without writing Python, controlled over HTTP, seen by real clients."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from command import run, running
from contract_tools import CONTRACT
from liveperson_engagement import ConnectionFailed, EngagementClient, InvalidResponse, NotFound
from liveperson_engagement.sandbox.controls import EXAMPLES

BODY: Any = {"appType": "EXTERNAL"}
NEWS: Any = {"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]}


class Remote:
    """A sandbox in another process, and a visit of a client that talks to it; its pauses take no time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pauses: list[float] = []
        self.client = EngagementClient("demo", base_url=url, sleep=self.pauses.append)
        self.visit = self.client.visit("shopper-42")

    def tell(self, name: str, arguments: Any = None) -> httpx.Response:
        """Make one of the calls that control it."""
        return httpx.post(f"{self.url}/sandbox/{name}", json={} if arguments is None else arguments)

    def told(self, name: str, **arguments: Any) -> None:
        """Make a call that is understood."""
        answer = self.tell(name, arguments)
        assert (answer.status_code, answer.text) == (204, "")

    def seen(self, name: str) -> Any:
        """Look at the journal or at the visitor list."""
        return httpx.get(f"{self.url}/sandbox/{name}").json()

    def status(self) -> str:
        """Ask whether an engagement is available."""
        return self.visit.create_session(BODY).status


def url_of(process: subprocess.Popen[str]) -> str:
    """Wait for the URL, which is the first line."""
    assert process.stdout
    return process.stdout.readline().strip()


@contextlib.contextmanager
def started(*options: str | Path) -> Generator[Remote, None, None]:
    """Run a sandbox with some options, and a client of it."""
    with running("sandbox", "--port", "0", *options) as process:
        remote = Remote(url_of(process))
        with remote.client:
            yield remote


@pytest.fixture(scope="module")
def shared() -> Iterator[str]:
    """Run one sandbox for the tests that reset it."""
    with running("sandbox", "--port", "0") as process:
        yield url_of(process)


@pytest.fixture
def remote(shared: str) -> Iterator[Remote]:
    """Give a sandbox that knows nothing yet."""
    remote = Remote(shared)
    remote.told("reset")
    with remote.client:
        yield remote


def fails_as_told(remote: Remote) -> None:
    """Two answers are 503."""
    remote.told("fail_next", status=503, times=2)
    assert (remote.status(), remote.pauses) == ("Available", [5, 10])


def loads_the_account(remote: Remote) -> None:
    """The retry names the visitor that was put on the list."""
    remote.told("loading_account", times=2)
    assert (remote.status(), remote.pauses) == ("Available", [5, 10])
    assert len(remote.seen("visitors")) == 1


def answers_as_a_gateway_does(remote: Remote) -> None:
    """HTML with status 502."""
    remote.told("html_error", status=502)
    assert (remote.status(), remote.pauses) == ("Available", [5])


def drops_the_connection(remote: Remote) -> None:
    """After the request was handled, so that the client cannot know."""
    remote.told("drop_connection", when="after", operation="createSession")
    with pytest.raises(ConnectionFailed):
        remote.status()
    assert len(remote.seen("visitors")) == 1


def answers_late(remote: Remote) -> None:
    """The client gives up, and tries again."""
    remote.status()
    remote.told("slow", seconds=30)
    hasty = remote.client.with_options(timeout=0.3).visit(ids=remote.visit.ids)
    hasty.create_session(BODY)
    assert remote.pauses == [5]


def answers_what_it_is_given(remote: Remote) -> None:
    """Whatever the contract says."""
    remote.told("answer_next", body="[]")
    with pytest.raises(InvalidResponse):
        remote.status()


def serves_before_it_fails(remote: Remote) -> None:
    """What is told next applies to a later request."""
    remote.told("serve_next", times=2)
    remote.told("fail_next", status=500)
    remote.status()
    remote.status()
    assert remote.pauses == []
    remote.status()
    assert remote.pauses == [5]


def offers_nothing(remote: Remote) -> None:
    """From now on."""
    remote.told("not_available")
    assert [remote.status(), remote.status()] == ["NotAvailable"] * 2


def offers_again(remote: Remote) -> None:
    """Once it is told to."""
    remote.told("not_available")
    assert remote.status() == "NotAvailable"
    remote.told("available")
    assert remote.status() == "Available"


def ends_sessions(remote: Remote) -> None:
    """The same visitor gets another session."""
    first = remote.visit.create_session(BODY)
    remote.told("expire_sessions")
    second = remote.visit.create_session(BODY)
    assert first.visitor_id == second.visitor_id
    assert first.session_id != second.session_id


def forgets_visitors(remote: Remote) -> None:
    """Who comes back is unknown."""
    remote.status()
    remote.told("forget_visitors")
    with pytest.raises(NotFound):
        remote.status()


def starts_anew(remote: Remote) -> None:
    """Nothing is left of visitors, journal, instructions and scenario."""
    remote.status()
    remote.told("not_available")
    remote.told("fail_next", status=503)
    remote.told("play", scenario=["serve_next", "not_available"])
    remote.told("reset")
    assert (remote.seen("visitors"), remote.seen("requests")) == ([], [])
    remote.visit.forget()
    assert ([remote.status(), remote.status()], remote.pauses) == (["Available"] * 2, [])


def follows_a_scenario(remote: Remote) -> None:
    """Each step is taken once all before it has happened."""
    remote.told(
        "play", scenario=["serve_next", "expire_sessions", {"fail_next": {"status": 503, "times": 2}}, "not_available"]
    )
    first = remote.visit.create_session(BODY)
    assert (first.status, remote.pauses) == ("Available", [])
    second = remote.visit.create_session(BODY)
    assert (second.status, remote.pauses) == ("NotAvailable", [5, 10])
    assert (first.visitor_id == second.visitor_id, first.session_id == second.session_id) == (True, False)


EFFECTS: dict[str, Callable[[Remote], None]] = {
    "fail_next": fails_as_told,
    "loading_account": loads_the_account,
    "html_error": answers_as_a_gateway_does,
    "drop_connection": drops_the_connection,
    "slow": answers_late,
    "answer_next": answers_what_it_is_given,
    "serve_next": serves_before_it_fails,
    "not_available": offers_nothing,
    "available": offers_again,
    "expire_sessions": ends_sessions,
    "forget_visitors": forgets_visitors,
    "reset": starts_anew,
    "play": follows_a_scenario,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_told_happens_to_a_real_client(remote: Remote, name: str) -> None:
    """Every call that there is."""
    EFFECTS[name](remote)


def test_the_journal_shows_what_arrived(remote: Remote) -> None:
    """With ids, bodies and statuses, but without the calls that control."""
    remote.told("fail_next", status=503)
    session = remote.visit.create_session(BODY)
    remote.visit.update_session(NEWS)
    failed, created, updated = remote.seen("requests")
    assert [each["status"] for each in (failed, created, updated)] == [503, 200, 200]
    assert (created["operation_id"], created["body"], created["account_id"]) == ("createSession", BODY, "demo")
    assert (updated["visitor_id"], updated["session_id"]) == (session.visitor_id, session.session_id)
    assert json.loads(updated["raw_body"]) == updated["body"] == {**NEWS, "pageId": session.page_id}
    assert updated["headers"]["content-type"] == "application/json"


def test_the_visitor_list_shows_what_is_known(remote: Remote) -> None:
    """Sessions with attributes and impressions."""
    session = remote.visit.create_session(BODY)
    remote.visit.report_impressions("impDisplay")
    remote.visit.update_session(NEWS)
    [visitor] = remote.seen("visitors")
    [seen] = visitor["sessions"]
    assert (visitor["visitor_id"], seen["session_id"], seen["ended"]) == (session.visitor_id, session.session_id, False)
    assert seen["attributes"] == NEWS["engagementAttributes"]
    assert [each["type"] for each in seen["impressions"]] == ["impDisplay"]


def test_ids_of_64_bits_keep_their_digits(remote: Remote) -> None:
    """In the journal too."""
    level = 2**63 - 1
    body: Any = {**BODY, "engagementAttributes": [{"type": "error", "error": {"level": level}}]}
    remote.visit.create_session(body)
    [request] = remote.seen("requests")
    assert request["body"]["engagementAttributes"][0]["error"]["level"] == level


def test_bytes_that_are_no_text_can_be_seen(remote: Remote) -> None:
    """A journal with lone surrogates and broken UTF-8 is JSON all the same."""
    httpx.post(f"{remote.url}/%FF?sid=%FF", content=b"\xff")
    httpx.post(f"{remote.url}/x", content=b'"\\ud800"')
    assert [(each["raw_body"], each["body"]) for each in remote.seen("requests")] == [
        ("\ufffd", None),
        ('"\\ud800"', "\ud800"),
    ]


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("fail_next", {}, "status: "),
        ("fail_next", {"status": "503"}, 'status: "503" is not of type "integer"'),
        ("fail_next", {"status": 503, "tiems": 2}, "'tiems' was unexpected"),
        ("fail_next", {"status": 503, "times": 0}, "times: must be a whole number, 1 or more, not 0"),
        ("fail_next", {"status": 5}, "status: must be a whole number, from 100 to 999, not 5"),
        ("fail_next", {"status": 503, "operation": "create"}, "operation: "),
        ("loading_account", {"operation": "findDomain"}, "operation: findDomain does not load accounts"),
        ("drop_connection", {"when": "never"}, "when: "),
        ("reset", [], 'is not of type "object"'),
        ("play", {"scenario": ["serve_next", {"slow": {"seconds": "1"}}]}, '[1].slow.seconds: "1" is not of type'),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_place(remote: Remote, name: str, arguments: Any, reason: str) -> None:
    """And nothing happens."""
    answer = remote.tell(name, arguments)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]
    assert (remote.status(), remote.pauses) == ("Available", [])


def test_a_body_that_is_not_json_is_refused(remote: Remote) -> None:
    """As null would be."""
    answer = httpx.post(f"{remote.url}/sandbox/fail_next", content=b"status=503")
    assert answer.status_code == 400


def test_an_unknown_call_is_not_found(remote: Remote) -> None:
    """And says where the known ones are listed."""
    answer = remote.tell("explode")
    assert (answer.status_code, answer.json()["error"].endswith("/sandbox/ lists what there is")) == (404, True)


def test_the_controls_describe_themselves(remote: Remote) -> None:
    """In OpenAPI, beside the contract, whose paths they leave alone."""
    document = httpx.get(f"{remote.url}/sandbox/openapi.json").json()
    assert document["paths"].keys() == {f"/sandbox/{name}" for name in (*EXAMPLES, "requests", "visitors")}
    assert not [path for path in CONTRACT["paths"] if path == "/" or path.startswith(("/sandbox", "/reference/"))]
    schema = document["paths"]["/sandbox/fail_next"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["status"]
    assert schema["properties"]["times"] == {"type": "integer", "default": 1}
    assert schema["properties"]["retry_after"] == {"type": ["number", "string", "null"]}


class TestProcess:
    """How the command starts, what it prints, and how it ends."""

    def test_the_printed_commands_work_as_they_are(self) -> None:
        """With the curl that people have; the first line is the URL alone."""
        with running("sandbox", "--port", "0") as process:
            url, printed = url_of(process), list[str]()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
            assert process.stdout
            while len(printed) < len(EXAMPLES) + 2:
                line = process.stdout.readline().strip()
                printed += [line] * line.startswith("curl ")
            assert [command.rpartition("/")[2] for command in printed] == [*EXAMPLES, "requests", "visitors"]
            for command in printed:
                subprocess.run(shlex.split(f"{command} --fail --silent"), check=True, capture_output=True)

    def test_ctrl_c_ends_it_at_once(self) -> None:
        """With status 130, without a traceback, and even while a client waits for its answer."""
        with running("sandbox", "--port", "0") as process, socket.socket() as waiting:
            url = url_of(process)
            httpx.post(f"{url}/sandbox/slow", json={"seconds": 60, "operation": "findDomain"})
            waiting.connect(("127.0.0.1", httpx.URL(url).port))
            path = "/api/account/demo/service/msdkgw/baseURI.json?version=1.0"
            waiting.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            while not httpx.get(f"{url}/sandbox/requests").json():
                pass
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=5)
            assert (process.returncode, errors) == (130, "Ctrl-C ends it.\n")

    def test_a_port_can_be_chosen(self) -> None:
        """And is refused in one line when it is taken."""
        with running("sandbox", "--port", "0") as process:
            port = httpx.URL(url_of(process)).port
            done = run("sandbox", "--port", str(port))
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr == (
                f"liveperson-engagement: cannot listen on port {port} of 127.0.0.1: Address already in use\n"
            )
            process.send_signal(signal.SIGINT)
            process.wait(5)
        with running("sandbox", "--port", str(port)) as process:
            assert url_of(process) == f"http://127.0.0.1:{port}"

    def test_it_can_begin_in_trouble(self) -> None:
        """The account is being loaded twice, then a request fails, and nothing is offered."""
        options = ("--loading-account", "--loading-account", "--fail", "503", "--not-available")
        with started(*options) as remote:
            assert (remote.status(), remote.pauses) == ("NotAvailable", [5, 10, 15])
            assert [each["status"] for each in remote.seen("requests")] == [500, 500, 503, 200]
            assert len(remote.seen("visitors")) == 1

    def test_failures_follow_each_other(self) -> None:
        """In the order given, each as often as it says."""
        with started("--fail", "503x2", "--fail", "500") as remote:
            remote.status()
            assert [each["status"] for each in remote.seen("requests")] == [503, 503, 500, 200]

    @pytest.mark.parametrize("text", ["abc", "50", "503x", "503x0", "x2", "099"])
    def test_a_failure_that_is_none_is_refused(self, text: str) -> None:
        """As a wrong call."""
        done = run("sandbox", "--fail", text)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{text!r} is not a status like 503, or 503x2" in done.stderr

    def test_requests_are_logged_on_standard_error_without_ids(self) -> None:
        """Neither visitor nor session nor account, nor what is wrong with a value, but where it is wrong."""
        with running("sandbox", "--port", "0", "--log") as process:
            remote = Remote(url_of(process))
            with remote.client:
                session = remote.visit.create_session(BODY)
                remote.visit.update_session(NEWS)
                remote.told("drop_connection")
                remote.status()
            path = f"{remote.url}/api/account/secret1/app/engagement/visitors/"
            httpx.post(path, params={"v": "1.0"}, json={"appType": "SECRET"})
            httpx.post(path + f"{session.visitor_id}/more", json={})
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=5)
        visitors = "/api/account/{accountId}/app/engagement/visitors/"
        assert [re.sub(r"^[\d-]+ [\d:,]+ ", "", line) for line in errors.splitlines()] == [
            "Ctrl-C ends it.",
            f"POST {visitors} → 200",
            f"PUT {visitors}{{visitorId}} → 200",
            f"POST {visitors}{{visitorId}} → dropped",
            f"POST {visitors}{{visitorId}} → 200",
            f"POST {visitors} → 400 (appType)",
            "POST /api/account/***/app/engagement/visitors/***/more → 404",
        ]
        assert "→" not in output


YAML = """\
# The visitor comes back after the session has ended, in bad times.
- serve_next
- expire_sessions
- fail_next: {status: 503, times: 2}
- not_available
"""


@pytest.mark.parametrize("notation", ["yaml", "json"])
def test_a_scenario_is_followed(tmp_path: Path, notation: str) -> None:
    """Written in YAML or in JSON."""
    path = tmp_path / f"scenario.{notation}"
    path.write_text(YAML if notation == "yaml" else json.dumps(yaml.safe_load(YAML)), encoding="utf-8")
    with started("--scenario", path) as remote:
        first, second = remote.visit.create_session(BODY), remote.visit.create_session(BODY)
        assert (first.status, second.status, remote.pauses) == ("Available", "NotAvailable", [5, 10])
        assert first.session_id != second.session_id


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- serve_next\n- fail_next: {status: abc}\n", '[1].fail_next.status: "abc" is not of type "integer"'),
        ("- fail_next\n", '[0].fail_next.status: "status" is a required property'),
        ("- fail_next: {status: 503, times: -1}\n", "[0].fail_next: times: must be a whole number, 1 or more, not -1"),
        ("- slow: {seconds: 1, operation: find}\n", "[0].slow: operation: the contract has no operation find; "),
        ("- explode\n", "[0].explode: must be one of fail_next, "),
        ("- [serve_next]\n", "[0]: must be a name, or one name with its arguments"),
        ("- {serve_next: {}, reset: {}}\n", "[0]: must be a name, or one name with its arguments"),
        ("- reset\n", "[0].reset: cannot be part of a scenario"),
        ("- serve_next:\n", '[0].serve_next: null is not of type "object"'),
        ("- slow: {seconds: 2026-01-01}\n", "[0].slow: "),
        ("serve_next\n", "a scenario is a list of steps"),
        ("- serve_next\n- {fail_next: \n", "line 3: "),
        ("\udcff", "invalid start byte"),
    ],
)
def test_a_scenario_that_cannot_be_followed_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    """Before anything starts, in one line that names the place in the file."""
    path = tmp_path / "scenario.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    done = run("sandbox", "--port", "0", "--scenario", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"liveperson-engagement: {path}: ")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_scenario_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    """With exit status 2."""
    done = run("sandbox", "--scenario", tmp_path / "none.yaml")
    assert (done.returncode, done.stdout) == (2, "")
