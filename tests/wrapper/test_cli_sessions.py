"""`create-session`, `update-session`, `domain` and `call`: what is sent, what is printed, and what stays unsaid."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from command import invoke, run
from contract_tools import CONTRACT
from liveperson_engagement import ConnectionFailed, EngagementClient, NotFound, RetryEvent, RetryPolicy, ServerError
from liveperson_engagement.cli.options import Caller, Curl, Patience, Visited
from liveperson_engagement.cli.pauses import Pauses
from liveperson_engagement.cli.timeline import Timeline
from liveperson_engagement.cli.visits import visiting
from liveperson_engagement.cli.watch import LEAST, watch
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api.http import Response

LEAD = {"type": "lead", "lead": {"topic": 'it\'s "new" & $HOME `ls` \\ \n €'}}
NEWS = ("--attribute", json.dumps(LEAD))
SHOWN = ("--impression", "impDisplay")
APP = ("--app-type", "MSDK", "--section", "Support", "--section", "English")
DEVICE = ("--os", "IOS", "--os-version", "17", "--app-version", "2", "--device-family", "MOBILE")


def at(sandbox: Sandbox) -> tuple[str, ...]:
    """Name the account, and where it is."""
    return "demo", "--base-url", sandbox.url, "--no-retry"


def refused(done: subprocess.CompletedProcess[str], reason: str, status: int = 2) -> bool:
    """Return whether a command said why it did nothing: in one line, without the value."""
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert "secret" not in done.stderr
    return done.stderr.startswith(f"liveperson-engagement: {reason}")


# Bodies


def test_options_make_the_documented_body(sandbox: Sandbox) -> None:
    """Each option has its place in it; nothing given is the smallest body."""
    assert invoke("create-session", *at(sandbox)).returncode == 0
    done = invoke("create-session", *at(sandbox), *APP, *DEVICE, "--ip-address", "::1", *NEWS)
    assert (done.returncode, done.stderr) == (0, "")
    smallest, whole = (request.body for request in sandbox.requests)
    assert smallest == {"appType": "EXTERNAL"}
    details = {"os": "IOS", "osVersion": "17", "appVersion": "2", "deviceFamily": "MOBILE", "ipAddress": "::1"}
    assert whole == {
        "appType": "MSDK",
        "consumerSections": ["Support", "English"],
        "appDetails": details,
        "engagementAttributes": [LEAD],
    }


@pytest.mark.parametrize("name", ["-", "body.json"])
def test_a_file_or_standard_input_gives_the_body(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    """The contract's longest example, value for value; options replace parts, and lists as a whole."""
    content = CONTRACT["components"]["requestBodies"]["CreateSession"]["content"]["application/json"]
    text = json.dumps(content["examples"]["documented"]["value"])
    file = "-" if name == "-" else tmp_path / name
    (tmp_path / "body.json").write_text(text, encoding="utf-8")
    assert invoke("create-session", *at(sandbox), "--body", file, stdin=text).returncode == 0
    body: dict[str, Any] = {"appType": "MSDK", "appDetails": {"os": "LINUX", "osVersion": "6"}}
    body |= {"consumerSections": ["A"]}
    body |= {"engagementAttributes": [LEAD, LEAD], "news": 2**63 - 1}
    options = ("--os", "IOS", "--section", "B", *NEWS)
    assert invoke("create-session", *at(sandbox), "--body", "-", *options, stdin=json.dumps(body)).returncode == 0
    first, second = (request.body for request in sandbox.requests)
    assert json.dumps(first) == text
    changed = {"appDetails": {"os": "IOS", "osVersion": "6"}, "consumerSections": ["B"], "engagementAttributes": [LEAD]}
    assert second == body | changed


REFUSED = [
    ("create-session --os BEOS", "", "--os (appDetails.os): must be one of WINDOWS, MAC_OSX, LINUX, IOS, ANDROID"),
    ("create-session --ip-address secret", "", "--ip-address (appDetails.ipAddress): must be a valid ipv4"),
    ('create-session --attribute \'{"type": "x"}\'', "", "--attribute (engagementAttributes[0].type): must be one of "),
    (
        "create-session --attribute {} --curl",
        "",
        "--attribute (engagementAttributes[0].type): must be one of personal, ",
    ),
    ("""create-session --attribute "{'a'}\"""", "", "--attribute: must be JSON: line 1, column 2"),
    ("create-session --attribute '{\"total\": NaN}'", "", "--attribute: must be JSON"),
    ("create-session --attribute '\udcff'", "", "--attribute: must be JSON"),
    ("create-session --body -", '{\n "appType": \n', "--body: must be JSON: line 3, column 1"),
    ("create-session --body -", "[]", "--body: must be of type object"),
    ("create-session --body - --os IOS", "null", "--body: must be of type object"),
    ("create-session --body -", '{"appType": "BEOS"}', "appType: must be one of MSDK, EXTERNAL"),
    ("create-session --body - --section A", '{"appDetails": {"os": 1}}', "appDetails.os: must be "),
    ("create-session --app-type BEOS", "", "--app-type (appType): must be one of MSDK, EXTERNAL"),
    ("create-session --body - --os IOS", '{"appDetails": 1}', "appDetails: must be of type object"),
    ('create-session --body \'{"appType": "secret"}\'', "", "--body: is the name of a file, or - for standard input"),
    ('create-session --session \' [{"visitorId": "secret"}]\'', "", "--session: is the name of a file, or - for "),
    ("create-session --session - --body -", "{}", "--body and --session: only one of them can be standard input"),
    ("create-session --body /none/of/it", "", "--body /none/of/it: No such file or directory"),
    ("create-session --visitor-id ..", "", "--visitor-id: must match the pattern"),
    ("create-session --visitor-id v --session-id ''", "", "--session-id: must"),
    ("create-session --session-id s", "", "--visitor-id: is required with --session-id and --page-id"),
    ("create-session --key secret", "", "--key and --store: give both"),
    ("create-session --store x", "", "--key and --store: give both"),
    ("create-session --visitor-id secret --session x", "", "--session and --visitor-id: give one of them"),
    ("create-session --session -", '{"status": "Available"}', "--session: pageId: is required"),
    ("create-session --watch --curl", "", "--watch: goes neither with --curl nor with --exit-status"),
    ("create-session --key '' --store x", "", "--key: must not be empty"),
    ("create-session --key secret --store :memory:", "", "--store: must name a file\n"),
    ("create-session --timeout -1", "", "--timeout: must be a number of seconds, at least 0"),
    ("create-session --deadline nan", "", "--deadline: must be a number of seconds, at least 0"),
    ("create-session --watch --every 4.9", "", "--every: must be a number of seconds, at least 5"),
    ("create-session --base-url http://secret.example", "", "--base-url: must be an https URL"),
    ("create-session --domain-api http://secret.example", "", "--domain-api: must be an https URL"),
    ("create-session --account se-cret", "", "--account: must match the pattern"),
    ("update-session", "", "nothing to send: give --attribute, --impression or --body"),
    ("update-session --attribute {}", "", "no session: give --key and --store"),
    ("update-session --visitor-id v --attribute {} --impression x", "", "--impression: is a request of its own"),
    ("update-session IDS --body /dev/null", "", "--body: must be JSON"),
    ("update-session IDS --impression impFoo", "", "--impression: must be one of impDisplay, "),
    ("update-session IDS --impression impDisplay", "", "--impression: this session was offered no engagement; run "),
    ("update-session IDS --attribute {}", "", "--attribute (engagementAttributes[0].type): must be one of "),
    ("update-session --visitor-id v --attribute {}", "", "--session-id and --page-id: are required with --visitor-id"),
    ("update-session --key k --store none.db --impression impClose", "", "--key: has no session in --store yet"),
    ("call nonsense", "", "OPERATION: must be one of createSession, "),
    ("call continueSession", "", "--parameter visitorId=: is required"),
    ("call continueSession --parameter visitorId=..", "", "--parameter visitorId=: must match the pattern"),
    ("call continueSession --parameter visitor_id=v", "", "--parameter visitor_id=: is no parameter of continue"),
    ("call findDomain --parameter accountId=se-cret", "", "--parameter accountId=: must match the pattern"),
    ("call findDomain --account se-cret", "", "--account: must match the pattern"),
    ("call findDomain --parameter accountId", "", "--parameter: must be NAME=VALUE"),
    ("call findDomain --server-variable a=1", "", "--server-variable: must be "),
    ("call createSession", "", "--body: must be of type object"),
    ("call createSession --body -", '{"appType": "secret"}', "appType: must be one of MSDK, EXTERNAL"),
]
"""Commands without account and host, what they read, and what they say. IDS are those of a visit."""


@pytest.mark.parametrize(("line", "stdin", "reason"), REFUSED)
def test_what_cannot_be_meant_is_refused(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, stdin: str, reason: str
) -> None:
    """With status 2, before anything is sent; parameters have the contract's names, and a body keeps its path."""
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line.replace("IDS", "--visitor-id v --session-id s --page-id p"))
    place = 2 if words[0] == "call" else 1
    assert refused(invoke(*words[:place], *at(sandbox), *words[place:], stdin=stdin), reason)
    assert not sandbox.requests


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("LIVEPERSON_ACCOUNT_ID", "se-cret"),
        ("LIVEPERSON_BASE_URL", "http://secret.example"),
        ("LIVEPERSON_DOMAIN_API", "http://secret.example"),
    ],
)
def test_what_the_environment_gave_is_named_by_its_variable(variable: str, text: str) -> None:
    """As it is there that it must be mended."""
    done = invoke("create-session", environment={"LIVEPERSON_ACCOUNT_ID": "demo", variable: text})
    assert refused(done, f"{variable}: must ")


def test_the_account_is_required(sandbox: Sandbox) -> None:
    """As argument, as option or in the environment; the option wins over the argument, which wins over both."""
    done = invoke("create-session", "--base-url", sandbox.url)
    assert (done.returncode, done.stdout, "LIVEPERSON_ACCOUNT_ID" in done.stderr) == (2, "", True)
    environment = {"LIVEPERSON_ACCOUNT_ID": "env", "LIVEPERSON_BASE_URL": sandbox.url}
    for arguments in ([], ["arg"], ["--account", "option"], ["arg", "--account", "option"]):
        assert invoke("create-session", *arguments, environment=environment).returncode == 0
    assert [request.account_id for request in sandbox.requests] == ["env", "arg", "option", "option"]


# Answers


def test_json_is_the_models_own(sandbox: Sandbox) -> None:
    """On one line; 64-bit ids keep every digit, and members that nobody knows are there too."""
    details: dict[str, Any] = {"campaignId": "9223372036854775807", "engagementId": 9223372036854775806}
    details |= {"contextId": "1", "windowId": "2", "language": "en", "engagementRevision": 3, "validForSeconds": 30}
    answer = {"status": "Available", "pageId": "p", "sessionId": "s", "visitorId": "v", "news": {"€": [1.50]}}
    sandbox.answer_next(200, json.dumps(answer | {"engagementDetails": details}))
    done = invoke("create-session", *at(sandbox), "--json")
    assert (done.returncode, done.stderr, done.stdout.count("\n"), done.stdout.isascii()) == (0, "", 1, True)
    assert json.loads(done.stdout) == answer | {"engagementDetails": details | {"campaignId": 2**63 - 1}}


def test_people_get_a_line_for_each_member(sandbox: Sandbox) -> None:
    """In a narrow terminal as well; status first, ids last; control characters of a server become spaces."""
    done = invoke("create-session", *at(sandbox), environment={"COLUMNS": "20"})
    [visitor] = sandbox.visitors
    assert (done.returncode, done.stderr) == (0, "")
    status, campaign, engagement, *_, who, session, _ = (line.rstrip() for line in done.stdout.splitlines())
    assert (status, campaign) == ("Available", "  Campaign id          3346848610")
    assert engagement == "  Engagement id        3562981110"
    assert who == f"  Visitor id           {visitor.visitor_id}"
    assert session == f"  Session id           {visitor.sessions[0].session_id}"
    answer = {"status": "NotAvailable", "pageId": "p\x1b[31m\n\x07q", "sessionId": "s", "visitorId": "v", "a\rb": 1}
    sandbox.answer_next(200, json.dumps(answer))
    done = invoke("create-session", *at(sandbox))
    assert "  Page id     p [31m q\n" in done.stdout
    assert done.stdout.isascii()
    assert done.stdout.replace("\n", "").isprintable()


def test_an_exit_status_says_whether_an_engagement_is_available(sandbox: Sandbox) -> None:
    """Where it is asked for; the answer is printed all the same."""
    assert invoke("create-session", *at(sandbox), "-e").returncode == 0
    sandbox.not_available()
    done = invoke("create-session", *at(sandbox), "--exit-status", "--json")
    assert (done.returncode, done.stderr, json.loads(done.stdout)["status"]) == (3, "", "NotAvailable")
    assert invoke("create-session", *at(sandbox)).returncode == 0


@pytest.mark.parametrize(
    ("status", "left"), [(400, 1), (401, 1), (404, 1), (429, 1), (302, 1), (500, 4), (503, 4), (520, 4)]
)
def test_what_the_service_refuses_is_one_line(sandbox: Sandbox, status: int, left: int) -> None:
    """Status 4 where it may work later, else 1."""
    sandbox.fail_next(status)
    assert refused(invoke("create-session", *at(sandbox), "--json"), f"[{status}] ", left)


def test_no_good_answer_is_one_line(sandbox: Sandbox, tmp_path: Path) -> None:
    """Status 4 for nobody there, a deadline, a domain that cannot be asked for; 1 for nonsense, and a broken store."""
    sandbox.answer_next(200, "[]")
    nowhere = "http://127.0.0.1:1"
    missing = ("--key", "secret", "--store", tmp_path / "none" / "visits.db")
    ways: list[tuple[tuple[str | Path, ...], str, int]] = [
        (("--no-retry", "--base-url", nowhere), "no answer to the request (it was not sent): ", 4),
        (("--no-retry", "--domain-api", nowhere), "no host for the account: no answer to the request (it was not ", 4),
        (("--deadline", "3", "--domain-api", nowhere), "--deadline: the call did not end within 3.0 seconds", 4),
        (("--base-url", sandbox.url), "", 1),
        (("--base-url", sandbox.url, *missing), "session store: load failed (FileNotFoundError: ", 1),
    ]
    for arguments, reason, left in ways:
        done = invoke("create-session", "demo", *arguments)
        assert refused(done, reason, left), done.stderr
        assert not re.search(r"[a-z]_[a-z]", done.stderr.replace(str(tmp_path), ""))  # no argument of Python's


# One visitor, command after command


def test_a_store_remembers_the_visit(sandbox: Sandbox, tmp_path: Path) -> None:
    """Session, attributes and impressions go to one visitor, process after process."""
    key = ("--key", "shopper-42", "--store", tmp_path / "visits.db")
    first = run("create-session", *at(sandbox), *key, "--json")
    assert (first.returncode, first.stderr) == (0, "")
    assert invoke("create-session", *at(sandbox), *key).returncode == 0
    impressions = (*SHOWN, "--impression", "impAccept", "--json")
    for options, printed in (NEWS, "Updated\n"), (impressions, "{}\n"):
        done = invoke("update-session", *at(sandbox), *key, *options)
        assert (done.returncode, done.stdout, done.stderr) == (0, printed, "")
    [visitor] = sandbox.visitors
    [session] = visitor.sessions
    assert session.attributes == (LEAD,)
    assert [event["type"] for event in session.impressions] == ["impDisplay", "impAccept"]
    assert session.impressions[0]["engId"] == json.loads(first.stdout)["engagementDetails"]["engagementId"]


@pytest.mark.parametrize("how", ["pipe", "file", "ids"])
def test_a_printed_session_goes_on(sandbox: Sandbox, tmp_path: Path, how: str) -> None:
    """From a file, a pipe, or by its ids: asked again, told news, its engagement's impressions reported."""
    printed = invoke("create-session", *at(sandbox), "--json").stdout
    (tmp_path / "session.json").write_text(printed, encoding="utf-8")
    visit: tuple[str, ...] = ("--session", "-" if how == "pipe" else str(tmp_path / "session.json"))
    if how == "ids":
        answer = json.loads(printed)
        visit = tuple(part for name in ("visitor", "session", "page") for part in (f"--{name}-id", answer[f"{name}Id"]))
    commands = [("create-session",), ("update-session", *NEWS), ("update-session", *SHOWN)]
    for command, *options in commands[: 2 if how == "ids" else 3]:
        done = invoke(command, *at(sandbox), *visit, *options, stdin=printed)
        assert (done.returncode, done.stderr) == (0, "")
    [visitor] = sandbox.visitors
    [session] = visitor.sessions
    assert (session.attributes, len(session.impressions)) == ((LEAD,), 0 if how == "ids" else 1)


def test_the_domain_is_a_result(sandbox: Sandbox) -> None:
    """The base URL alone, or an object; one that is given is not asked for, except by `--curl`."""
    asked, given = ("domain", "demo", "--domain-api", sandbox.url), "https://elsewhere.example"
    for options, environment in (["--base-url", given], {}), ([], {"LIVEPERSON_BASE_URL": given}):
        assert invoke(*asked, *options, environment=environment).stdout == f"{given}\n"
    assert f"{sandbox.url}/" in invoke(*asked, "--base-url", given, "--curl").stdout
    assert not sandbox.requests
    done = invoke(*asked)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{sandbox.url}\n", "")
    assert json.loads(invoke(*asked, "--json").stdout) == {"account": "demo", "baseUrl": sandbox.url}
    done = invoke("domain", "demo", environment={"LIVEPERSON_DOMAIN_API": sandbox.url})
    assert (done.returncode, done.stdout) == (0, f"{sandbox.url}\n")
    assert [request.operation_id for request in sandbox.requests] == ["findDomain"] * 3


# `--curl`


@pytest.mark.parametrize(
    "command",
    [
        ("create-session", *APP, *DEVICE, *NEWS),
        ("create-session", "--session", "FILE", "--attribute", json.dumps(LEAD, ensure_ascii=False)),
        ("update-session", "--session", "FILE", *NEWS),
        ("update-session", "--session", "FILE", *SHOWN, "--impression", "impExpanded"),
        ("create-session", "--visitor-id", "it's {1..3} $x/ü?&", "--session-id", "a b&c=d'"),
        ("domain",),
    ],
)
def test_curl_sends_what_the_client_sends(sandbox: Sandbox, tmp_path: Path, command: tuple[str, ...]) -> None:
    """Run by bash: the same method, path, query and body arrive; printing it sends nothing."""
    file = tmp_path / "session.json"
    file.write_text(invoke("create-session", *at(sandbox), "--json").stdout, encoding="utf-8")
    where = ("demo", "--domain-api", sandbox.url) if command == ("domain",) else at(sandbox)
    arguments = (command[0], *where, *(str(file) if part == "FILE" else part for part in command[1:]))
    sandbox.reset()
    printed = invoke(*arguments, "--curl", "--show-ids")
    assert (printed.returncode, printed.stderr, sandbox.requests) == (0, "", ())
    invoke(*arguments)
    subprocess.run(["bash", "-c", f"{printed.stdout.rstrip()} --silent"], check=True, capture_output=True)
    ours, curls = ((each.method, each.path, dict(each.query), each.raw_body, each.body) for each in sandbox.requests)
    assert ours == curls
    headers = [[sent.headers.get(name) for name in ("accept", "content-type")] for sent in sandbox.requests]
    assert headers[0] == headers[1]


def test_curl_masks_ids_unless_asked_for(sandbox: Sandbox, tmp_path: Path) -> None:
    """Visitor, session, page, and the brand's own of customers, orders and devices; it is said on standard error."""
    first = invoke("create-session", *at(sandbox), "--curl")
    assert (first.stderr, "***" in first.stdout) == ("", False)
    file = tmp_path / "session.json"
    file.write_text(invoke("create-session", *at(sandbox), "--json").stdout, encoding="utf-8")
    answer = json.loads(file.read_text(encoding="utf-8"))
    update = ("update-session", *at(sandbox), "--session", str(file), *SHOWN, "--curl")
    masked, shown = invoke(*update), invoke(*update, "--show-ids")
    for name in ("visitorId", "sessionId", "pageId"):
        assert (answer[name] in shown.stdout, answer[name] in masked.stdout + masked.stderr) == (True, False)
    assert shlex.split(masked.stdout)[3].endswith("/visitors/***?sid=***&v=1.0")
    assert masked.stderr == "Ids are masked: --show-ids shows them.\n"

    secret: Any = {"customerId": "secret-1", "socialId": "secret-2", "imei": "secret-3", "companySize": 50}
    products = [{"product": {"name": "n", "sku": "s", "price": 30.0}, "quantity": 1}]
    purchase: Any = {"type": "purchase", "orderId": "secret-4", "cart": {"products": products}}
    attributes = [{"type": "ctmrinfo", "info": secret}, purchase]
    options = [part for each in attributes for part in ("--attribute", json.dumps(each))]
    masked, shown = (
        invoke("create-session", *at(sandbox), *options, "--curl", *more) for more in ((), ("--show-ids",))
    )
    info = dict.fromkeys(("customerId", "socialId", "imei"), "***") | {"companySize": 50}
    assert json.loads(shlex.split(masked.stdout)[-1])["engagementAttributes"] == [
        {"type": "ctmrinfo", "info": info},
        purchase | {"orderId": "***"},
    ]
    assert json.loads(shlex.split(shown.stdout)[-1])["engagementAttributes"] == attributes


def test_curl_asks_for_the_host_and_changes_no_store(sandbox: Sandbox, tmp_path: Path) -> None:
    """A store that is not there is not even made."""
    done = invoke("create-session", "demo", "--domain-api", sandbox.url, "--curl")
    assert f"{sandbox.url}/api/account/demo/app/engagement/visitors/?v=1.0" in shlex.split(done.stdout)
    assert [request.operation_id for request in sandbox.requests] == ["findDomain"]
    key, file = ("--key", "shopper-42", "--store", tmp_path / "visits.db"), tmp_path / "visits.db"
    assert "'***" not in invoke("create-session", *at(sandbox), *key, "--curl").stdout
    assert not file.exists()
    invoke("create-session", *at(sandbox), *key)
    before = file.read_bytes()
    for command in (("create-session",), ("update-session", *SHOWN)):
        done = invoke(*command, *at(sandbox), *key, "--curl", "--show-ids")
        assert sandbox.visitors[0].visitor_id in done.stdout
    assert file.read_bytes() == before


# `--watch`, and pauses


class Over(Exception):
    """Ends a watch that would go on for ever."""


def watched(sandbox: Sandbox, answers: int, every: float = 30) -> tuple[list[str], list[tuple[str, float]]]:
    """Watch the sandbox in faked time; return what was shown, and each pause with its reason."""
    shown, pauses = list[str](), list[tuple[str, float]]()

    def wait(reason: str, seconds: float) -> None:
        pauses.append((reason, seconds))
        if len(pauses) == answers:
            raise Over

    with EngagementClient("demo", base_url=sandbox.url, sleep=lambda _: None) as client, suppress(Over):
        visit = client.visit()
        watch(
            lambda: visit.create_session({"appType": "EXTERNAL"}),
            lambda session: shown.append(session.status),
            wait,
            every=every,
            known=lambda: visit.ids is not None,
        )
    return shown, pauses


def test_a_watch_pauses_as_long_as_the_answer_is_valid(sandbox: Sandbox) -> None:
    """Else as long as was asked for; never shorter than a second; all within one visit."""
    sandbox.valid_for_seconds = 12.5
    sandbox.play(["serve_next", "not_available"])
    assert watched(sandbox, 3, every=45) == (
        ["Available", "NotAvailable", "NotAvailable"],
        [("Available", 12.5), ("NotAvailable", 45), ("NotAvailable", 45)],
    )
    assert len(sandbox.visitors) == 1
    sandbox.reset()
    sandbox.valid_for_seconds = 0
    assert watched(sandbox, 2)[1] == [("Available", LEAST)] * 2


def test_a_watch_waits_for_what_may_pass(sandbox: Sandbox) -> None:
    """After the documented retries, once the visitor is known; what does not pass is raised: one visitor."""
    sandbox.serve_next()
    sandbox.fail_next(503, times=4)
    sandbox.drop_connection(times=4, when="before")
    shown, pauses = watched(sandbox, 4)
    assert shown == ["Available", "Available"]
    assert [seconds for _, seconds in pauses] == [900, 30, 30, 900]
    assert pauses[1][0].startswith("[503] ")
    assert len(sandbox.visitors) == 1
    sandbox.reset()
    sandbox.serve_next()
    sandbox.fail_next(404)
    with pytest.raises(NotFound):
        watched(sandbox, 3)
    assert len(sandbox.visitors) == 1
    sandbox.reset()
    sandbox.fail_next(503)
    assert invoke("create-session", *at(sandbox), "--watch").returncode == 4
    assert len(sandbox.requests) == 1


def pauses_on(*, terminal: bool, width: int = 60) -> tuple[Pauses, io.StringIO, list[float]]:
    """Write to a terminal that is none, in faked time."""
    seen, slept = io.StringIO(), list[float]()
    console = Console(file=seen, force_terminal=terminal, width=width, color_system=None, _environ={})
    return Pauses(console, sleep=slept.append, clock=lambda: sum(slept)), seen, slept


def test_a_terminal_sees_a_pause_counted_down() -> None:
    """On one line, each second, and nothing of it stays; others get a plain line, not cut."""
    pauses, seen, slept = pauses_on(terminal=True)
    pauses.wait("createSession: attempt 1 failed: " + "x" * 100, 3.5)
    assert slept == [0.5, 1, 1, 1]
    text = seen.getvalue()
    shown = re.findall(r"Next try in (\d) s, Ctrl-C ends: createSession", text)
    assert [*dict.fromkeys(shown)] == ["4", "3", "2", "1"]
    assert "x" * 30 not in text
    assert text.endswith("\x1b[?25h\r\x1b[1A\x1b[2K")
    pauses, seen, slept = pauses_on(terminal=False, width=20)
    pauses.note(RetryEvent("updateSession", 2, ServerError("[520] odd", Response(520)), 10.0))
    assert seen.getvalue() == ""
    pauses.retry(10)
    assert (slept, seen.getvalue()) == ([10], "updateSession: attempt 2 failed: [520] odd; next try in 10 s\n")


def test_retries_say_why(sandbox: Sandbox) -> None:
    """Whatever the server's text is, it is one line without ids."""
    pauses, seen, slept = pauses_on(terminal=False)
    sandbox.fail_next(503, body='{"message": "a\\u001b[31m\\nb", "internalCode": 5}')
    sandbox.loading_account()
    caller = Caller(account="demo", base_url=sandbox.url)
    with visiting(caller, Patience(), pauses, Visited(), Curl()) as visit:
        visit.create_session({"appType": "EXTERNAL"})
    first, second = seen.getvalue().splitlines()
    assert slept == [5, 10]
    assert first == "createSession: attempt 1 failed: [503] a [31m b (internal code 5); next try in 5 s"
    assert second.startswith("createSession: attempt 2 failed: [500] Loading account: demo, vid: … ")


@pytest.mark.parametrize("level", ["WARNING", "DEBUG"])
def test_a_pause_is_shown_once(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, level: str
) -> None:
    """Not by the library's log as well, wherever that goes; what else the log says is there."""
    slept: list[float] = []
    monkeypatch.setattr(Pauses.__init__, "__kwdefaults__", {"sleep": slept.append, "clock": time.monotonic})
    sandbox.fail_next(503)
    with caplog.at_level(level, "liveperson_engagement"):
        done = invoke("create-session", "demo", "--base-url", sandbox.url)
    assert (done.returncode, slept, done.stderr.count("next try in 5 s")) == (0, [5], 1)
    assert not re.search(r"\b5(\.0)? s\b", caplog.text)
    assert ("attempt 1: status 503" in caplog.text) == (level == "DEBUG")


# The picture at the end of `demo`

PICTURE = """\
                    0 s      5 s      10 s     15 s     20 s    25 s
                    ┬────────┬────────┬────────┬────────┬───────┬────
  1  findDomain     ● 200
     createSession  ✗ 503 ┄┄ ✗ 500 ┄┄┄ 10 s ┄┄ ● 200
  2  createSession                                                  ✗ no answer

                    ● answered   ✗ failed   ┄┄┄ pause before the next attempt
"""


def drawn(timeline: Timeline, width: int, encoding: str = "utf-8") -> list[str]:
    """Print a timeline to a file; return its lines."""
    file = io.TextIOWrapper(io.BytesIO(), encoding)
    Console(file=file, width=width, force_terminal=False, _environ={}).print(timeline)
    file.seek(0)
    return file.read().splitlines()


def test_a_picture_is_drawn_of_what_the_hooks_say(sandbox: Sandbox) -> None:
    """A line for each call, where its attempts and pauses are; it fits any width, and ASCII. At first it is empty."""
    now = [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    timeline = Timeline(lambda: now[0])
    assert drawn(timeline, 80) == []
    hooks: Any = {name: getattr(timeline, name) for name in ("on_request", "on_response", "on_retry")}
    made = EngagementClient("demo", base_url=sandbox.url, domain_api=sandbox.url, sleep=sleep, **hooks)
    with made.with_options(base_url=None) as client:
        timeline.step = "1"
        sandbox.fail_next(503, operation="createSession")
        sandbox.loading_account()
        client.visit().create_session({"appType": "EXTERNAL"})
        sleep(12)
        timeline.step = "2"
        sandbox.drop_connection()
        with suppress(ConnectionFailed):
            client.with_options(retry=RetryPolicy.none()).visit().create_session({"appType": "EXTERNAL"})

    assert drawn(timeline, 80) == PICTURE.splitlines()
    for width in (60, 80, 100, 200):
        assert max(map(len, drawn(timeline, width))) <= min(width, 100)
    text = "".join(drawn(timeline, 80, "ascii"))
    assert (text.isascii(), "x 503" in text, "o 200" in text) == (True, True, True)
