"""`create-session`, `update-session`, `domain` and `call`: what is sent, what is printed, and what stays unsaid."""

import io
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from rich.console import Console

from command import invoke, run
from contract_tools import examples
from liveperson_engagement.cli.pauses import Pauses
from liveperson_engagement.sandbox import Sandbox

LEAD = {"type": "lead", "lead": {"topic": 'it\'s "new" & $HOME `ls` \\ \n €'}}
NEWS = ("--attribute", json.dumps(LEAD))
SHOWN, ACCEPTED = ("--impression", "impDisplay"), ("--impression", "impAccept")
APP = ("--app-type", "MSDK", "--section", "Support", "--section", "English")
DEVICE = ("--os", "IOS", "--os-version", "17", "--app-version", "2", "--device-family", "MOBILE")
NOWHERE = "http://127.0.0.1:1"


def at(sandbox: Sandbox) -> tuple[str, ...]:
    """Name the account, and where it is."""
    return "demo", "--base-url", sandbox.url, "--no-retry"


def refused(done: subprocess.CompletedProcess[str], reason: str, status: int = 2) -> bool:
    """Return whether a command said why it did nothing: in one line, without the value."""
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert "secret" not in done.stderr
    return done.stderr.startswith(f"liveperson-engagement: {reason}")


def test_options_make_the_documented_body(sandbox: Sandbox) -> None:
    """Each option has its place in it; nothing given is the smallest body."""
    assert invoke("create-session", *at(sandbox)).returncode == 0
    done = invoke("create-session", *at(sandbox), *APP, *DEVICE, "--ip-address", "::1", *NEWS)
    assert (done.returncode, done.stderr) == (0, "")
    details = {"os": "IOS", "osVersion": "17", "appVersion": "2", "deviceFamily": "MOBILE", "ipAddress": "::1"}
    lists = {"consumerSections": ["Support", "English"], "engagementAttributes": [LEAD]}
    whole = {"appType": "MSDK", "appDetails": details, **lists}
    assert [request.body for request in sandbox.requests] == [{"appType": "EXTERNAL"}, whole]


def test_a_file_or_standard_input_gives_the_body(sandbox: Sandbox, tmp_path: Path) -> None:
    """The contract's longest example, value for value; options replace parts, and lists as a whole."""
    documented = examples("components", "requestBodies", "CreateSession")["documented"]
    (tmp_path / "body.json").write_text(json.dumps(documented), encoding="utf-8")
    assert invoke("create-session", *at(sandbox), "--body", tmp_path / "body.json").returncode == 0
    app = {"appType": "MSDK", "news": 2**63 - 1}
    body = app | {"appDetails": {"os": "LINUX", "osVersion": "6"}, "consumerSections": ["A"]}
    stdin = json.dumps(body | {"engagementAttributes": [LEAD, LEAD]})
    options = ("--os", "IOS", "--section", "B", *NEWS)
    assert invoke("create-session", *at(sandbox), "--body", "-", *options, stdin=stdin).returncode == 0
    lists = {"consumerSections": ["B"], "engagementAttributes": [LEAD]}
    changed = app | {"appDetails": {"os": "IOS", "osVersion": "6"}, **lists}
    assert [request.body for request in sandbox.requests] == [documented, changed]


REFUSED = [
    ("create-session --os BEOS", "", "--os (appDetails.os): must be one of WINDOWS, MAC_OSX, LINUX, IOS, ANDROID"),
    ("create-session --attribute {} --curl", "", "--attribute (engagementAttributes[0].type): must be one of "),
    ("create-session --attribute '\udcff'", "", "--attribute: must be JSON"),
    ("create-session --body -", '{\n "appType": \n', "--body: must be JSON: line 3, column 1"),
    ("create-session --body - --os IOS", '{"appDetails": 1}', "appDetails: must be of type object"),
    ('create-session --body \'{"appType": "secret"}\'', "", "--body: is the name of a file, or - for standard input"),
    ("create-session --session - --body -", "{}", "--body and --session: only one of them can be standard input"),
    ("create-session --body /none/of/it", "", "--body /none/of/it: No such file or directory"),
    ("create-session --visitor-id v --session-id ''", "", "--session-id: must"),
    ("create-session --session-id s", "", "--visitor-id: is required with --session-id and --page-id"),
    ("create-session --key secret", "", "--key and --store: give both"),
    ("create-session --visitor-id secret --session x", "", "--session and --visitor-id: give one of them"),
    ("create-session --session -", '{"status": "Available"}', "--session: pageId: is required"),
    ("create-session --watch --curl", "", "--watch: goes neither with --curl nor with --exit-status"),
    ("create-session --key secret --store :memory:", "", "--store: must name a file\n"),
    ("create-session --timeout -1", "", "--timeout: must be a number of seconds, at least 0"),
    ("create-session --watch --every 4.9", "", "--every: must be a number of seconds, at least 5"),
    ("update-session", "", "nothing to send: give --attribute, --impression or --body"),
    ("update-session --visitor-id v --attribute {} --impression x", "", "--impression: is a request of its own"),
    ("update-session IDS --impression impFoo", "", "--impression: must be one of impDisplay, "),
    ("update-session IDS --impression impDisplay", "", "--impression: this session was offered no engagement; run "),
    ("update-session --visitor-id v --attribute {}", "", "--session-id and --page-id: are required with --visitor-id"),
    ("update-session --key k --store none.db --impression impClose", "", "--key: has no session in --store yet"),
    ("call nonsense", "", "OPERATION: must be one of createSession, "),
    ("call continueSession", "", "--parameter visitorId=: is required"),
    ("call continueSession --parameter visitor_id=v", "", "--parameter visitor_id=: is no parameter of continue"),
    ("call findDomain --parameter accountId=se-cret", "", "--parameter accountId=: must match the pattern"),
    ("call findDomain --account se-cret", "", "--account: must match the pattern"),
    ("call findDomain --parameter accountId", "", "--parameter: must be NAME=VALUE"),
    ("call findDomain --server-variable a=1", "", "--server-variable: must be "),
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


def test_what_the_environment_gave_is_named_by_its_variable(sandbox: Sandbox) -> None:
    """The account is required, there, as option or as argument; the option wins over the argument, and that over it."""
    for variable in ("LIVEPERSON_ACCOUNT_ID", "LIVEPERSON_BASE_URL", "LIVEPERSON_DOMAIN_API"):
        wrong = {"LIVEPERSON_ACCOUNT_ID": "demo", variable: "http://secret.example"}
        assert refused(invoke("create-session", environment=wrong), f"{variable}: must ")
    done = invoke("create-session", "--base-url", sandbox.url)
    assert refused(done, "ACCOUNT: is required: pass it, or set LIVEPERSON_ACCOUNT_ID\n")
    environment = {"LIVEPERSON_ACCOUNT_ID": "env", "LIVEPERSON_BASE_URL": sandbox.url}
    for arguments in ([], ["arg"], ["--account", "option"], ["arg", "--account", "option"]):
        assert invoke("create-session", *arguments, environment=environment).returncode == 0
    assert [request.account_id for request in sandbox.requests] == ["env", "arg", "option", "option"]


def test_json_is_the_models_own(sandbox: Sandbox) -> None:
    """On one line; 64-bit ids keep every digit, and members that nobody knows are there too."""
    answer = examples("responses", "Session")["availableWithConnector"] | {"news": {"€": [1.50]}}
    text = json.dumps(answer | {"engagementDetails": answer["engagementDetails"] | {"campaignId": 2**63 - 1}})
    sandbox.answer_next(200, text.replace(f"{2**63 - 1}", f'"{2**63 - 1}"'))
    done = invoke("create-session", *at(sandbox), "--json")
    assert (done.returncode, done.stderr, done.stdout.count("\n"), done.stdout.isascii()) == (0, "", 1, True)
    assert json.loads(done.stdout) == json.loads(text)


def test_people_get_a_line_for_each_member(sandbox: Sandbox) -> None:
    """In a narrow terminal as well; status first, ids last; control characters of a server become spaces."""
    done = invoke("create-session", *at(sandbox), environment={"COLUMNS": "20"})
    [visitor] = sandbox.visitors
    status, campaign, *_, who, session, _ = (line.rstrip() for line in done.stdout.splitlines())
    assert (done.returncode, done.stderr, status) == (0, "", "Available")
    assert campaign == "  Campaign id          3346848610"
    assert who == f"  Visitor id           {visitor.visitor_id}"
    assert session == f"  Session id           {visitor.sessions[0].session_id}"
    answer = {"status": "NotAvailable", "pageId": "p\x1b[31m\n\x07q", "sessionId": "s", "visitorId": "v", "a\rb": 1}
    sandbox.answer_next(200, json.dumps(answer))
    done = invoke("create-session", *at(sandbox))
    assert "  Page id     p [31m q\n" in done.stdout
    assert (done.stdout.isascii(), done.stdout.replace("\n", "").isprintable()) == (True, True)


def test_an_exit_status_says_whether_an_engagement_is_available(sandbox: Sandbox) -> None:
    """Where it is asked for; the answer is printed all the same."""
    assert invoke("create-session", *at(sandbox), "-e").returncode == 0
    sandbox.not_available()
    done = invoke("create-session", *at(sandbox), "--exit-status", "--json")
    assert (done.returncode, done.stderr, json.loads(done.stdout)["status"]) == (3, "", "NotAvailable")
    assert invoke("create-session", *at(sandbox)).returncode == 0


FAILURES = [
    (f"--base-url {NOWHERE} --no-retry", 200, "no answer to the request (it was not sent): ", 4),
    (f"--domain-api {NOWHERE} --no-retry", 200, "no host for the account: no answer to the request (it was not ", 4),
    (f"--domain-api {NOWHERE} --deadline 3", 200, "--deadline: the call did not end within 3.0 seconds", 4),
    ("--base-url SANDBOX --key secret --store x/y", 200, "session store: load failed (FileNotFoundError: ", 1),
    ("--base-url SANDBOX", 200, "the service's answer breaks the contract: body: must be of type object", 1),
    ("--base-url SANDBOX", 404, "[404] ", 1),
    ("--base-url SANDBOX --no-retry", 520, "[520] ", 4),
]


@pytest.mark.parametrize(("options", "status", "reason", "left"), FAILURES)
def test_a_failure_is_one_line(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str, status: int, reason: str, left: int
) -> None:
    """Status 4 where it may work later, else 1."""
    monkeypatch.chdir(tmp_path)
    sandbox.answer_next(status, "[]")
    done = invoke("create-session", "demo", *options.replace("SANDBOX", sandbox.url).split())
    assert refused(done, reason, left), done.stderr
    assert not re.search(r"[a-z]_[a-z]", done.stderr.replace(str(tmp_path), ""))  # no argument of Python's


@pytest.mark.parametrize("how", ["store", "pipe", "ids"])
def test_a_visit_goes_on(sandbox: Sandbox, tmp_path: Path, how: str) -> None:
    """By a store, by what was printed, or by its ids: asked again, told news, impressions reported."""
    key = ("--key", "shopper-42", "--store", str(tmp_path / "visits.db"))
    first = run("create-session", *at(sandbox), "--json", *key if how == "store" else ())
    assert (first.returncode, first.stderr) == (0, "")
    answer = json.loads(first.stdout)
    ids = tuple(part for name in ("visitor", "session", "page") for part in (f"--{name}-id", answer[f"{name}Id"]))
    visit = {"store": key, "pipe": ("--session", "-"), "ids": ids}[how]
    commands = [
        ("create-session", (), "Available\n"),
        ("update-session", NEWS, "Updated\n"),
        ("update-session", (*SHOWN, *ACCEPTED, "--json"), "{}\n"),
    ]
    for command, options, printed in commands[: 2 if how == "ids" else 3]:
        done = invoke(command, *at(sandbox), *visit, *options, stdin=first.stdout)
        assert (done.returncode, done.stderr, done.stdout.startswith(printed)) == (0, "", True)
    [visitor] = sandbox.visitors
    [session] = visitor.sessions
    assert session.attributes == (LEAD,)
    offered = answer["engagementDetails"]["engagementId"]
    reported = [] if how == "ids" else [("impDisplay", offered), ("impAccept", offered)]
    assert [(event["type"], event["engId"]) for event in session.impressions] == reported


def test_the_domain_is_a_result(sandbox: Sandbox) -> None:
    """The base URL alone, or an object; one that is given is not asked for, except by `--curl`."""
    asked, given = ("domain", "demo", "--domain-api", sandbox.url), "https://elsewhere.example"
    assert invoke(*asked, "--base-url", given).stdout == f"{given}\n"
    assert invoke(*asked, environment={"LIVEPERSON_BASE_URL": given}).stdout == f"{given}\n"
    assert f"{sandbox.url}/" in invoke(*asked, "--base-url", given, "--curl").stdout
    assert not sandbox.requests
    done = invoke("domain", "demo", environment={"LIVEPERSON_DOMAIN_API": sandbox.url})
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{sandbox.url}\n", "")
    assert json.loads(invoke(*asked, "--json").stdout) == {"account": "demo", "baseUrl": sandbox.url}


@pytest.fixture
def printed_session(sandbox: Sandbox, tmp_path: Path) -> Path:
    """Print a session into a file; of its request the sandbox knows nothing."""
    file = tmp_path / "session.json"
    file.write_text(invoke("create-session", *at(sandbox), "--json").stdout, encoding="utf-8")
    sandbox.reset()
    return file


@pytest.mark.parametrize(
    "command",
    [
        ("create-session", *APP, *DEVICE, *NEWS),
        ("update-session", "--session", "FILE", *SHOWN, "--impression", "impExpanded"),
        ("create-session", "--visitor-id", "it's {1..3} $x/ü?&", "--session-id", "a b&c=d'"),
        ("domain",),
    ],
)
def test_curl_sends_what_the_client_sends(sandbox: Sandbox, printed_session: Path, command: tuple[str, ...]) -> None:
    """Run by bash: the same method, path, query and body arrive; printing it sends nothing."""
    where = ("demo", "--domain-api", sandbox.url) if command == ("domain",) else at(sandbox)
    arguments = (command[0], *where, *(str(printed_session) if part == "FILE" else part for part in command[1:]))
    printed = invoke(*arguments, "--curl", "--show-ids")
    assert (printed.returncode, printed.stderr, sandbox.requests) == (0, "", ())
    invoke(*arguments)
    subprocess.run(["bash", "-c", f"{printed.stdout.rstrip()} --silent"], check=True, capture_output=True)
    ours, curls = (
        (sent.method, sent.path, sent.query, sent.raw_body, *map(sent.headers.get, ("accept", "content-type")))
        for sent in sandbox.requests
    )
    assert ours == curls


def test_curl_masks_ids_unless_asked_for(sandbox: Sandbox, printed_session: Path) -> None:
    """Visitor, session, page, and the brand's own of customers, orders and devices; it is said on standard error."""
    first = invoke("create-session", *at(sandbox), "--curl")
    assert (first.stderr, "***" in first.stdout) == ("", False)
    update = ("update-session", *at(sandbox), "--session", str(printed_session), *SHOWN, "--curl")
    masked, shown = invoke(*update), invoke(*update, "--show-ids")
    answer = json.loads(printed_session.read_text(encoding="utf-8"))
    for name in ("visitorId", "sessionId", "pageId"):
        assert (answer[name] in shown.stdout, answer[name] in masked.stdout + masked.stderr) == (True, False)
    assert shlex.split(masked.stdout)[3].endswith("/visitors/***?sid=***&v=1.0")
    assert masked.stderr == "Ids are masked: --show-ids shows them.\n"

    products = [{"product": {"name": "n", "sku": "s", "price": 30.0}, "quantity": 1}]
    hidden, kept = {"customerId": "***", "socialId": "***", "imei": "***"}, {"companySize": 50}
    purchase: Any = {"type": "purchase", "orderId": "***", "cart": {"products": products}}
    expected = [{"type": "ctmrinfo", "info": hidden | kept}, purchase]
    options = [part for each in expected for part in ("--attribute", json.dumps(each).replace("***", "secret"))]
    masked, shown = (invoke("create-session", *at(sandbox), *options, "--curl", *more) for more in ([], ["--show-ids"]))
    assert json.loads(shlex.split(masked.stdout)[-1])["engagementAttributes"] == expected
    assert "***" not in shown.stdout
    assert shown.stdout.count("secret") == 4


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


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have a command's pauses noted instead of made."""
    slept: list[float] = []
    monkeypatch.setattr(Pauses.__init__, "__kwdefaults__", {"sleep": slept.append, "clock": lambda: sum(slept)})
    return slept


def test_a_watch_pauses_as_long_as_the_answer_is_valid(sandbox: Sandbox, slept: list[float]) -> None:
    """Else as long as was asked for; what may pass is waited for, all within one visit; anything else ends it."""
    sandbox.valid_for_seconds = 12.5
    failures = [{"fail_next": {"status": 503, "times": 4}}, {"drop_connection": {"times": 4}}]
    sandbox.play(["serve_next", "not_available", "serve_next", *failures, "serve_next", {"fail_next": {"status": 404}}])
    done = invoke("create-session", "demo", "--base-url", sandbox.url, "--watch", "--every", "45", "--json")
    statuses = [json.loads(line)["status"] for line in done.stdout.splitlines()]
    assert (done.returncode, statuses) == (1, ["Available", "NotAvailable", "NotAvailable"])
    assert slept == [12.5, 45, *[5, 10, 15, 45] * 2, 45]
    assert done.stderr.splitlines()[:2] == ["Available; next try in 12.5 s", "NotAvailable; next try in 45 s"]
    assert len(sandbox.visitors) == 1


def test_a_watch_begins_with_an_answer(sandbox: Sandbox, slept: list[float]) -> None:
    """Until the visitor is known, a failure ends it: each try would make one more; no pause is below a second."""
    sandbox.fail_next(503)
    assert invoke("create-session", *at(sandbox), "--watch").returncode == 4
    assert (len(sandbox.requests), slept) == (1, [])
    sandbox.valid_for_seconds = 0
    sandbox.play(["serve_next", {"fail_next": {"status": 404}}])
    assert invoke("create-session", *at(sandbox), "--watch").returncode == 1
    assert slept == [1]


def test_a_terminal_sees_a_pause_counted_down() -> None:
    """On one line, each second, and nothing of it stays."""
    seen, slept = io.StringIO(), list[float]()
    console = Console(file=seen, force_terminal=True, width=60, color_system=None, _environ={})
    pauses = Pauses(console, sleep=slept.append, clock=lambda: sum(slept))
    pauses.wait("createSession: attempt 1 failed: " + "x" * 100, 3.5)
    assert slept == [0.5, 1, 1, 1]
    shown = re.findall(r"Next try in (\d) s, Ctrl-C ends: createSession", seen.getvalue())
    assert [*dict.fromkeys(shown)] == ["4", "3", "2", "1"]
    assert "x" * 30 not in seen.getvalue()
    assert seen.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")
    with pytest.raises(KeyboardInterrupt):
        Pauses(console, sleep=Mock(side_effect=KeyboardInterrupt), clock=lambda: 0).wait("createSession", 3.5)
    assert seen.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")


@pytest.mark.parametrize("level", ["WARNING", "DEBUG"])
def test_a_pause_is_shown_once(
    sandbox: Sandbox, slept: list[float], caplog: pytest.LogCaptureFixture, level: str
) -> None:
    """In a line without ids, whatever the server's text is; not by the library's log as well, wherever that goes."""
    sandbox.fail_next(503, body='{"message": "a\\u001b[31m\\nb", "internalCode": 5}')
    sandbox.loading_account()
    with caplog.at_level(level, "liveperson_engagement"):
        done = invoke("create-session", "demo", "--base-url", sandbox.url, environment={"COLUMNS": "20"})
    first, second = done.stderr.splitlines()
    assert (done.returncode, slept) == (0, [5, 10])
    assert first == "createSession: attempt 1 failed: [503] a [31m b (internal code 5); next try in 5 s"
    assert second.startswith("createSession: attempt 2 failed: [500] Loading account: demo, vid: … ")
    assert not re.search(r"\b5(\.0)? s\b", caplog.text)
    assert ("attempt 1: status 503" in caplog.text) == (level == "DEBUG")
