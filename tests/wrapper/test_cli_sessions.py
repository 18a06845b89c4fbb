"""`create-session`, `update-session` and `domain`: what is sent, what is printed, and what stays unsaid."""

from __future__ import annotations

import io
import json
import re
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from command import ENVIRONMENT, invoke, run, running
from contract_tools import CONTRACT
from liveperson_engagement import EngagementClient, NotFound, RetryEvent, ServerError
from liveperson_engagement.cli.options import Caller, Curl, Patience, Visited
from liveperson_engagement.cli.pauses import Pauses
from liveperson_engagement.cli.visits import visiting
from liveperson_engagement.cli.watch import LEAST, watch
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api.http import Response

LEAD = {"type": "lead", "lead": {"topic": 'it\'s "new" & $HOME `ls` \\ \n €'}}
APP = ("--app-type", "MSDK", "--section", "Support", "--section", "English")
IDS = ("--visitor-id", "v", "--session-id", "s", "--page-id", "p")
DEVICE = ("--os", "IOS", "--os-version", "17", "--app-version", "2", "--device-family", "MOBILE")


def at(sandbox: Sandbox) -> tuple[str, ...]:
    """Name the account, and where it is."""
    return "demo", "--base-url", sandbox.url, "--no-retry"


def remembered(folder: Path) -> tuple[str, ...]:
    """Name a visit that is remembered."""
    return "--key", "shopper-42", "--store", str(folder / "visits.db")


class TestBodies:
    """Where a body comes from."""

    def test_options_make_the_documented_body(self, sandbox: Sandbox) -> None:
        """Each option has its place in it."""
        options = (*APP, *DEVICE, "--ip-address", "::1", "--attribute", json.dumps(LEAD), "--attribute", "{}")
        done = invoke("create-session", *at(sandbox), *options)
        assert (done.returncode, done.stdout) == (2, "")
        done = invoke("create-session", *at(sandbox), *options[:-2])
        assert (done.returncode, done.stderr) == (0, "")
        [request] = sandbox.requests
        assert request.body == {
            "appType": "MSDK",
            "consumerSections": ["Support", "English"],
            "appDetails": {
                "os": "IOS",
                "osVersion": "17",
                "appVersion": "2",
                "deviceFamily": "MOBILE",
                "ipAddress": "::1",
            },
            "engagementAttributes": [LEAD],
        }

    def test_nothing_given_is_the_smallest_body(self, sandbox: Sandbox) -> None:
        """An external app."""
        assert invoke("create-session", *at(sandbox)).returncode == 0
        assert [request.body for request in sandbox.requests] == [{"appType": "EXTERNAL"}]

    @pytest.mark.parametrize("name", ["-", "body.json"])
    def test_a_file_or_standard_input_gives_the_body(self, sandbox: Sandbox, tmp_path: Path, name: str) -> None:
        """The contract's longest example, value for value: `30.0` and all."""
        text = json.dumps(CONTRACT["components"]["requestBodies"]["CreateSession"]["content"]["application/json"]
                          ["examples"]["documented"]["value"])  # fmt: skip
        file = tmp_path / name
        if name != "-":
            file.write_text(text, encoding="utf-8")
        done = invoke("create-session", *at(sandbox), "--body", "-" if name == "-" else file, stdin=text)
        assert (done.returncode, done.stderr) == (0, "")
        assert [json.dumps(request.body) for request in sandbox.requests] == [text]

    def test_options_replace_parts_of_the_file(self, sandbox: Sandbox) -> None:
        """Of appDetails only what is named; lists as a whole; what only the file has stays."""
        body = {
            "appType": "MSDK",
            "appDetails": {"os": "LINUX", "osVersion": "6"},
            "consumerSections": ["A"],
            "engagementAttributes": [LEAD, LEAD],
            "news": 2**63 - 1,
        }
        options = ("--os", "IOS", "--section", "B", "--attribute", json.dumps(LEAD))
        assert invoke("create-session", *at(sandbox), "--body", "-", *options, stdin=json.dumps(body)).returncode == 0
        assert [request.body for request in sandbox.requests] == [
            {
                "appType": "MSDK",
                "appDetails": {"os": "IOS", "osVersion": "6"},
                "consumerSections": ["B"],
                "engagementAttributes": [LEAD],
                "news": 2**63 - 1,
            }
        ]

    @pytest.mark.parametrize(
        ("arguments", "stdin", "reason"),
        [
            (["--os", "BEOS"], "", "--os (appDetails.os): must be one of WINDOWS, MAC_OSX, LINUX, IOS, ANDROID"),
            (["--ip-address", "secret"], "", "--ip-address (appDetails.ipAddress): must be a valid ipv4"),
            (
                ["--attribute", '{"type": "x"}'],
                "",
                "--attribute (engagementAttributes[0].type): must be one of personal, ",
            ),
            (["--attribute", "{'a'}"], "", "--attribute: must be JSON: line 1, column 2"),
            (["--attribute", '{"total": NaN}'], "", "--attribute: must be JSON"),
            (["--attribute", "\udcff"], "", "--attribute: must be JSON"),
            (["--body", "-"], '{\n "appType": \n', "--body: must be JSON: line 3, column 1"),
            (["--body", "-"], "[]", "--body: must be of type object"),
            (["--body", "-", "--os", "IOS"], "null", "--body: must be of type object"),
            (["--body", "-"], '{"appType": "BEOS"}', "appType: must be one of MSDK, EXTERNAL"),
            (["--body", "-", "--section", "A"], '{"appDetails": {"os": 1}}', "appDetails.os: must be "),
            (["--app-type", "BEOS"], "", "--app-type (appType): must be one of MSDK, EXTERNAL"),
            (["--body", "-", "--os", "IOS"], '{"appDetails": 1}', "appDetails: must be of type object"),
            (["--body", '{"appType": "secret"}'], "", "--body: is the name of a file, or - for standard input"),
            (["--session", ' [{"visitorId": "secret"}]'], "", "--session: is the name of a file, or - for standard"),
            (["--session", "-", "--body", "-"], "{}", "--body and --session: only one of them can be standard input"),
            (["--body", "/none/of/it"], "", "--body /none/of/it: No such file or directory"),
            (["--visitor-id", ".."], "", "--visitor-id: must match the pattern"),
            (["--visitor-id", "v", "--session-id", ""], "", "--session-id: must"),
            (["--session-id", "s"], "", "--visitor-id: is required with --session-id and --page-id"),
            (["--key", "secret"], "", "--key and --store: give both"),
            (["--store", "x"], "", "--key and --store: give both"),
            (["--visitor-id", "secret", "--session", "x"], "", "--session and --visitor-id: give one of them"),
            (["--session", "-"], '{"status": "Available"}', "--session: pageId: is required"),
            (["--watch", "--curl"], "", "--watch: goes neither with --curl nor with --exit-status"),
            (["--key", "", "--store", "x"], "", "--key: must not be empty"),
            (["--key", "secret", "--store", ":memory:"], "", "--store: must name a file\n"),
            (["--timeout", "-1"], "", "--timeout: must be a number of seconds, at least 0"),
            (["--deadline", "nan"], "", "--deadline: must be a number of seconds, at least 0"),
            (["--watch", "--every", "4.9"], "", "--every: must be a number of seconds, at least 5"),
            (["--base-url", "http://secret.example"], "", "--base-url: must be an https URL"),
            (["--domain-api", "http://secret.example"], "", "--domain-api: must be an https URL"),
            (["--account", "se-cret"], "", "--account: must match the pattern"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(
        self, sandbox: Sandbox, arguments: list[str], stdin: str, reason: str
    ) -> None:
        """In one line, with status 2, without the value, before anything is sent."""
        done = invoke("create-session", *at(sandbox), *arguments, stdin=stdin)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"liveperson-engagement: {reason}")
        assert done.stderr.count("\n") == 1
        assert "secret" not in done.stderr
        assert not sandbox.requests

    @pytest.mark.parametrize(
        ("variable", "text"),
        [
            ("LIVEPERSON_ACCOUNT_ID", "se-cret"),
            ("LIVEPERSON_BASE_URL", "http://secret.example"),
            ("LIVEPERSON_DOMAIN_API", "http://secret.example"),
        ],
    )
    def test_what_the_environment_gave_is_named_by_its_variable(self, variable: str, text: str) -> None:
        """As it is there that it must be mended."""
        done = invoke("create-session", environment={"LIVEPERSON_ACCOUNT_ID": "demo", variable: text})
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith(f"liveperson-engagement: {variable}: must ")
        assert "secret" not in done.stderr

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["nonsense"], "OPERATION: must be one of createSession, "),
            (["continueSession"], "--parameter visitorId=: is required"),
            (["continueSession", "--parameter", "visitorId=.."], "--parameter visitorId=: must match the pattern"),
            (
                ["continueSession", "--parameter", "visitor_id=v"],
                "--parameter visitor_id=: is no parameter of continue",
            ),
            (["findDomain", "--parameter", "accountId=se-cret"], "--parameter accountId=: must match the pattern"),
            (["findDomain", "--account", "se-cret"], "--account: must match the pattern"),
            (["findDomain", "--parameter", "accountId"], "--parameter: must be NAME=VALUE"),
            (["findDomain", "--server-variable", "a=1"], "--server-variable: must be "),
            (["createSession"], "--body: must be of type object"),
            (["createSession", "--body", "-"], "appType: must be one of MSDK, EXTERNAL"),
        ],
    )
    def test_a_call_that_cannot_be_meant_is_refused(self, sandbox: Sandbox, arguments: list[str], reason: str) -> None:
        """Parameters have the contract's names; a body keeps its path."""
        done = invoke("call", arguments[0], *at(sandbox), *arguments[1:], stdin='{"appType": "secret"}')
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith(f"liveperson-engagement: {reason}")
        assert "secret" not in done.stderr
        assert not sandbox.requests

    @pytest.mark.parametrize(
        ("options", "left", "reason"),
        [
            (["--no-retry"], 4, "no host for the account: no answer to the request (it was not sent): "),
            (["--deadline", "3"], 4, "--deadline: the call did not end within 3.0 seconds"),
        ],
    )
    def test_failures_name_options_too(self, options: list[str], left: int, reason: str) -> None:
        """No argument of Python's."""
        done = invoke("domain", "demo", "--domain-api", "http://127.0.0.1:1", *options)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (left, "", 1)
        assert done.stderr.startswith(f"liveperson-engagement: {reason}")
        assert not re.search(r"[a-z]_[a-z]", done.stderr)

    def test_the_account_is_required(self, sandbox: Sandbox) -> None:
        """As argument, as option or in the environment; the option wins over the argument, which wins over both."""
        done = invoke("create-session", "--base-url", sandbox.url)
        assert (done.returncode, done.stdout) == (2, "")
        assert "LIVEPERSON_ACCOUNT_ID" in done.stderr
        environment = {"LIVEPERSON_ACCOUNT_ID": "env", "LIVEPERSON_BASE_URL": sandbox.url}
        for arguments in ([], ["arg"], ["--account", "option"], ["arg", "--account", "option"]):
            assert invoke("create-session", *arguments, environment=environment).returncode == 0
        assert [request.account_id for request in sandbox.requests] == ["env", "arg", "option", "option"]


class TestAnswers:
    """What is printed."""

    def test_json_is_the_models_own(self, sandbox: Sandbox) -> None:
        """On one line; 64-bit ids keep every digit, and members that nobody knows are there too."""
        answer = {
            "status": "Available",
            "pageId": "p",
            "sessionId": "s",
            "visitorId": "v",
            "news": {"€": [1.50]},
            "engagementDetails": {
                "campaignId": "9223372036854775807",
                "engagementId": 9223372036854775806,
                "contextId": "1",
                "windowId": "2",
                "language": "en-US",
                "engagementRevision": 3,
                "validForSeconds": 30,
            },
        }
        sandbox.answer_next(200, json.dumps(answer))
        done = invoke("create-session", *at(sandbox), "--json")
        assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
        answer["engagementDetails"]["campaignId"] = 9223372036854775807  # type: ignore[index]
        assert json.loads(done.stdout) == answer

    def test_people_get_a_line_for_each_member(self, sandbox: Sandbox) -> None:
        """In a narrow terminal as well; the status comes first, the ids come last."""
        done = invoke("create-session", *at(sandbox), environment={"COLUMNS": "20"})
        session = sandbox.visitors[0].sessions[0]
        assert (done.returncode, done.stderr) == (0, "")
        lines = [line.rstrip() for line in done.stdout.splitlines()]
        assert lines[0] == "Available"
        assert lines[1:3] == ["  Campaign id          3346848610", "  Engagement id        3562981110"]
        assert lines[-3:-1] == [
            f"  Visitor id           {sandbox.visitors[0].visitor_id}",
            f"  Session id           {session.session_id}",
        ]

    def test_a_server_cannot_steer_the_terminal(self, sandbox: Sandbox) -> None:
        """Control characters in its texts become spaces."""
        answer = {"status": "NotAvailable", "pageId": "p\x1b[31m\n\x07q", "sessionId": "s", "visitorId": "v", "a\rb": 1}
        sandbox.answer_next(200, json.dumps(answer))
        done = invoke("create-session", *at(sandbox))
        assert "  Page id     p [31m q\n" in done.stdout
        assert done.stdout.isascii()
        assert done.stdout.replace("\n", "").isprintable()

    def test_an_exit_status_says_whether_an_engagement_is_available(self, sandbox: Sandbox) -> None:
        """Where it is asked for; the answer is printed all the same."""
        assert invoke("create-session", *at(sandbox), "-e").returncode == 0
        sandbox.not_available()
        done = invoke("create-session", *at(sandbox), "--exit-status", "--json")
        assert (done.returncode, done.stderr) == (3, "")
        assert json.loads(done.stdout)["status"] == "NotAvailable"
        assert invoke("create-session", *at(sandbox)).returncode == 0

    @pytest.mark.parametrize(
        ("status", "left"), [(400, 1), (401, 1), (404, 1), (429, 1), (302, 1), (500, 4), (503, 4), (520, 4)]
    )
    def test_what_the_service_refuses_is_one_line(self, sandbox: Sandbox, status: int, left: int) -> None:
        """Status 4 where it may work later, else 1."""
        sandbox.fail_next(status)
        done = invoke("create-session", *at(sandbox), "--json")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (left, "", 1)
        assert done.stderr.startswith(f"liveperson-engagement: [{status}] ")

    def test_no_answer_is_one_line(self, sandbox: Sandbox) -> None:
        """Status 4 for a host that is not there, a deadline, and a domain that cannot be asked for; 1 for nonsense."""
        nowhere = "http://127.0.0.1:1"
        ways = {
            ("demo", "--no-retry", "--base-url", nowhere): 4,
            ("demo", "--no-retry", "--domain-api", nowhere): 4,
            ("demo", "--deadline", "3", "--base-url", nowhere): 4,
            at(sandbox): 1,
        }
        sandbox.answer_next(200, "[]")
        for arguments, left in ways.items():
            done = invoke("create-session", *arguments)
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (left, "", 1), done.stderr

    def test_a_store_that_cannot_be_opened_says_why(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """And names the key nowhere."""
        store = tmp_path / "none" / "visits.db"
        done = invoke("create-session", *at(sandbox), "--key", "secret", "--store", store)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert "session store: load failed (FileNotFoundError: " in done.stderr
        assert "No such file or directory" in done.stderr
        assert not re.search(r"secret|on_store_error", done.stderr)


class TestVisits:
    """One visitor, command after command."""

    def test_a_store_remembers_the_visit(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """Session, attributes and impressions go to one visitor, process after process."""
        key = remembered(tmp_path)
        first = run("create-session", *at(sandbox), *key, "--json")
        assert (first.returncode, first.stderr) == (0, "")
        assert invoke("create-session", *at(sandbox), *key).returncode == 0
        done = invoke("update-session", *at(sandbox), *key, "--attribute", json.dumps(LEAD))
        assert (done.returncode, done.stdout, done.stderr) == (0, "Updated\n", "")
        done = invoke("update-session", *at(sandbox), *key, "--impression", "impDisplay", "--impression", "impAccept",
                      "--json")  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, "{}\n", "")
        [visitor] = sandbox.visitors
        [session] = visitor.sessions
        assert session.attributes == (LEAD,)
        assert [event["type"] for event in session.impressions] == ["impDisplay", "impAccept"]
        details = json.loads(first.stdout)["engagementDetails"]
        assert session.impressions[0]["engId"] == details["engagementId"]

    @pytest.mark.parametrize("name", ["-", "session.json"])
    def test_a_printed_session_goes_on(self, sandbox: Sandbox, tmp_path: Path, name: str) -> None:
        """From a file or a pipe: asked again, told news, its engagement's impressions reported."""
        printed = invoke("create-session", *at(sandbox), "--json").stdout
        (tmp_path / "session.json").write_text(printed, encoding="utf-8")
        file = "-" if name == "-" else str(tmp_path / name)
        for command in (
            ("create-session",),
            ("update-session", "--attribute", json.dumps(LEAD)),
            ("update-session", "--impression", "impDisplay"),
        ):
            done = invoke(command[0], *at(sandbox), "--session", file, *command[1:], stdin=printed)
            assert (done.returncode, done.stderr) == (0, "")
        [visitor] = sandbox.visitors
        [session] = visitor.sessions
        assert (session.attributes, len(session.impressions)) == ((LEAD,), 1)

    def test_ids_go_on(self, sandbox: Sandbox) -> None:
        """Given one by one."""
        answer = json.loads(invoke("create-session", *at(sandbox), "--json").stdout)
        ids = [
            part
            for option, member in {"visitor": "visitorId", "session": "sessionId", "page": "pageId"}.items()
            for part in (f"--{option}-id", answer[member])
        ]
        assert invoke("create-session", *at(sandbox), *ids).returncode == 0
        news = json.dumps({"engagementAttributes": [LEAD]})
        assert invoke("update-session", *at(sandbox), *ids, "--body", "-", stdin=news).returncode == 0
        done = invoke("update-session", *at(sandbox), *ids, "--impression", "impDisplay")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "liveperson-engagement: --impression: this session was offered no engagement; run create-session first\n"
        )
        assert len(sandbox.visitors) == 1

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            ([], "nothing to send: give --attribute, --impression or --body"),
            (["--attribute", "{}"], "no session: give --key and --store"),
            (["--visitor-id", "v", "--attribute", "{}", "--impression", "x"], "--impression: is a request of its own"),
            ([*IDS, "--body", "/dev/null"], "--body: must be JSON"),
            ([*IDS, "--impression", "impFoo"], "--impression: must be one of impDisplay, "),
            ([*IDS, "--attribute", "{}"], "--attribute (engagementAttributes[0].type): must be one of "),
            (["--visitor-id", "v", "--attribute", "{}"], "--session-id and --page-id: are required with --visitor-id"),
            (["--key", "k", "--store", "none.db", "--impression", "impClose"], "--key: has no session in --store yet"),
        ],
    )
    def test_an_update_that_cannot_be_meant_is_refused(
        self, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], reason: str
    ) -> None:
        """With status 2, before anything is sent."""
        monkeypatch.chdir(tmp_path)
        done = invoke("update-session", *at(sandbox), *arguments)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith(f"liveperson-engagement: {reason}")
        assert not sandbox.requests

    def test_the_domain_is_a_result(self, sandbox: Sandbox) -> None:
        """The base URL alone, or an object."""
        asked = ("domain", "demo", "--domain-api", sandbox.url)
        done = invoke(*asked)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{sandbox.url}\n", "")
        assert json.loads(invoke(*asked, "--json").stdout) == {"account": "demo", "baseUrl": sandbox.url}
        done = invoke("domain", "demo", environment={"LIVEPERSON_DOMAIN_API": sandbox.url})
        assert (done.returncode, done.stdout) == (0, f"{sandbox.url}\n")
        assert [request.operation_id for request in sandbox.requests] == ["findDomain"] * 3

    def test_a_domain_that_is_given_is_the_result(self, sandbox: Sandbox) -> None:
        """Nothing is asked; only `--curl` shows how it would be."""
        asked = ("domain", "demo", "--domain-api", sandbox.url)
        given = "https://elsewhere.example"
        for options, environment in (["--base-url", given], {}), ([], {"LIVEPERSON_BASE_URL": given}):
            done = invoke(*asked, *options, environment=environment)
            assert (done.returncode, done.stdout, done.stderr) == (0, f"{given}\n", "")
        assert f"{sandbox.url}/" in invoke(*asked, "--base-url", given, "--curl").stdout
        assert not sandbox.requests


class TestCurl:
    """`--curl`."""

    COMMANDS: tuple[tuple[str, ...], ...] = (
        ("create-session", *APP, *DEVICE, "--attribute", json.dumps(LEAD)),
        ("create-session", "--session", "{file}", "--attribute", json.dumps(LEAD, ensure_ascii=False)),
        ("update-session", "--session", "{file}", "--attribute", json.dumps(LEAD)),
        ("update-session", "--session", "{file}", "--impression", "impDisplay", "--impression", "impExpanded"),
        ("create-session", "--visitor-id", "it's {{1..3}} $x/ü?&", "--session-id", "a b&c=d'"),
        ("domain",),
    )

    @pytest.mark.parametrize("command", COMMANDS)
    def test_the_command_sends_what_the_client_sends(
        self, sandbox: Sandbox, tmp_path: Path, command: tuple[str, ...]
    ) -> None:
        """Run by bash: the same method, path, query and body arrive; printing it sends nothing."""
        file = tmp_path / "session.json"
        file.write_text(invoke("create-session", *at(sandbox), "--json").stdout, encoding="utf-8")
        where = ("demo", "--domain-api", sandbox.url) if command == ("domain",) else at(sandbox)
        arguments = [command[0], *where, *(part.format(file=file) if "lead" not in part else part for part in command[1:])]  # fmt: skip  # noqa: E501
        sandbox.reset()
        printed = invoke(*arguments, "--curl", "--show-ids")
        assert (printed.returncode, printed.stderr) == (0, "")
        assert not sandbox.requests
        invoke(*arguments)
        subprocess.run(["bash", "-c", f"{printed.stdout.rstrip()} --silent"], check=True, capture_output=True)
        ours, curls = (
            (sent.method, sent.path, dict(sent.query), sent.body, sent.raw_body, sent.headers["accept"],
             sent.headers.get("content-type"))
            for sent in sandbox.requests
        )  # fmt: skip
        assert ours == curls

    def test_ids_are_masked_unless_asked_for(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """Visitor, session and page; that they are is said on standard error. A first request has none."""
        first = invoke("create-session", *at(sandbox), "--curl")
        assert (first.stderr, "***" in first.stdout) == ("", False)
        file = tmp_path / "session.json"
        file.write_text(invoke("create-session", *at(sandbox), "--json").stdout, encoding="utf-8")
        answer = json.loads(file.read_text(encoding="utf-8"))
        update = ("update-session", *at(sandbox), "--session", str(file), "--impression", "impDisplay", "--curl")
        masked, shown = invoke(*update), invoke(*update, "--show-ids")
        for name in ("visitorId", "sessionId", "pageId"):
            assert answer[name] in shown.stdout
            assert answer[name] not in masked.stdout + masked.stderr
        assert shlex.split(masked.stdout)[3].endswith("/visitors/***?sid=***&v=1.0")
        assert masked.stderr == "Ids are masked: --show-ids shows them.\n"

    def test_whatever_is_an_id_is_masked(self, sandbox: Sandbox) -> None:
        """The brand's own ids of customers, orders and devices as well, in any list; all else stays as it is."""
        info = {"customerId": "secret-1", "socialId": "secret-2", "imei": "secret-3", "companySize": 50}
        products = [{"product": {"name": "n", "sku": "s", "price": 30.0}, "quantity": 1}]
        attributes = [
            {"type": "ctmrinfo", "info": info},
            {"type": "purchase", "orderId": "secret-4", "cart": {"products": products}},
        ]
        options = [part for each in attributes for part in ("--attribute", json.dumps(each))]
        done = invoke("create-session", *at(sandbox), *options, "--curl")
        assert (done.returncode, done.stderr) == (0, "Ids are masked: --show-ids shows them.\n")
        assert json.loads(shlex.split(done.stdout)[-1])["engagementAttributes"] == [
            {"type": "ctmrinfo", "info": {"customerId": "***", "socialId": "***", "imei": "***", "companySize": 50}},
            {"type": "purchase", "orderId": "***", "cart": {"products": products}},
        ]
        shown = invoke("create-session", *at(sandbox), *options, "--curl", "--show-ids")
        assert json.loads(shlex.split(shown.stdout)[-1])["engagementAttributes"] == attributes

    def test_the_host_is_asked_for(self, sandbox: Sandbox) -> None:
        """Since the command names it; nothing else is sent."""
        done = invoke("create-session", "demo", "--domain-api", sandbox.url, "--curl")
        assert f"{sandbox.url}/api/account/demo/app/engagement/visitors/?v=1.0" in shlex.split(done.stdout)
        assert [request.operation_id for request in sandbox.requests] == ["findDomain"]

    def test_the_store_is_read_and_not_changed(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """Not even made."""
        key, file = remembered(tmp_path), tmp_path / "visits.db"
        assert "'***" not in invoke("create-session", *at(sandbox), *key, "--curl").stdout
        assert not file.exists()
        invoke("create-session", *at(sandbox), *key)
        before = file.read_bytes()
        for command in (("create-session",), ("update-session", "--impression", "impDisplay")):
            done = invoke(*command, *at(sandbox), *key, "--curl", "--show-ids")
            assert sandbox.visitors[0].visitor_id in done.stdout
        assert file.read_bytes() == before

    def test_what_is_refused_is_not_printed(self, sandbox: Sandbox) -> None:
        """The body is checked all the same."""
        done = invoke("create-session", *at(sandbox), "--os", "BEOS", "--curl")
        assert (done.returncode, done.stdout) == (2, "")


class Over(Exception):
    """Ends a watch that would go on for ever."""


class TestWatching:
    """`--watch`: when it asks again."""

    def watched(self, sandbox: Sandbox, answers: int, every: float = 30) -> tuple[list[str], list[Any]]:
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

    def test_the_pause_is_as_long_as_the_answer_is_valid(self, sandbox: Sandbox) -> None:
        """Else as long as was asked for; never shorter than a second; all within one visit."""
        sandbox.valid_for_seconds = 12.5
        sandbox.play(["serve_next", "not_available"])
        assert self.watched(sandbox, 3, every=45) == (
            ["Available", "NotAvailable", "NotAvailable"],
            [("Available", 12.5), ("NotAvailable", 45), ("NotAvailable", 45)],
        )
        assert len(sandbox.visitors) == 1
        sandbox.reset()
        sandbox.valid_for_seconds = 0
        assert self.watched(sandbox, 2)[1] == [("Available", LEAST), ("Available", LEAST)]

    def test_what_may_pass_is_waited_for(self, sandbox: Sandbox) -> None:
        """The documented retries first, then the pause between answers; still one visitor."""
        sandbox.serve_next()
        sandbox.fail_next(503, times=4)
        sandbox.drop_connection(times=4, when="before")
        shown, pauses = self.watched(sandbox, 4)
        assert shown == ["Available", "Available"]
        assert [seconds for _, seconds in pauses] == [900, 30, 30, 900]
        assert pauses[1][0].startswith("[503] ")
        assert len(sandbox.visitors) == 1

    def test_what_does_not_pass_is_raised(self, sandbox: Sandbox) -> None:
        """After a 404 the next call would make a second visitor."""
        sandbox.serve_next()
        sandbox.fail_next(404)
        with pytest.raises(NotFound):
            self.watched(sandbox, 3)
        assert len(sandbox.visitors) == 1

    def test_nothing_is_waited_for_before_the_first_answer(self, sandbox: Sandbox) -> None:
        """Since no visitor is known yet."""
        sandbox.fail_next(503)
        done = invoke("create-session", *at(sandbox), "--watch")
        assert (done.returncode, done.stdout, len(sandbox.requests)) == (4, "", 1)


class TestPauses:
    """What is seen of a pause."""

    def pauses(self, *, terminal: bool, width: int = 60) -> tuple[Pauses, io.StringIO, list[float]]:
        """Write to a terminal that is none, in faked time."""
        seen, slept = io.StringIO(), list[float]()
        console = Console(file=seen, force_terminal=terminal, width=width, color_system=None, _environ={})
        return Pauses(console, sleep=slept.append, clock=lambda: sum(slept)), seen, slept

    def test_a_terminal_sees_it_counted_down(self) -> None:
        """On one line, each second; nothing of it stays."""
        pauses, seen, slept = self.pauses(terminal=True)
        pauses.wait("createSession: attempt 1 failed: " + "x" * 100, 3.5)
        assert slept == [0.5, 1, 1, 1]
        text = seen.getvalue()
        assert [text.index(f"Next try in {left} s, Ctrl-C ends: createSession") for left in (4, 3, 2, 1)] == sorted(
            text.index(f"Next try in {left} s") for left in (4, 3, 2, 1)
        )
        assert "x" * 30 not in text
        assert text.endswith("\x1b[?25h\r\x1b[1A\x1b[2K")

    def test_others_get_a_plain_line(self) -> None:
        """Not cut, not counted."""
        pauses, seen, slept = self.pauses(terminal=False, width=20)
        pauses.wait("createSession: attempt 1 failed: " + "x" * 100, 5)
        assert slept == [5]
        assert seen.getvalue() == f"createSession: attempt 1 failed: {'x' * 100}; next try in 5 s\n"

    def test_retries_say_why(self, sandbox: Sandbox) -> None:
        """Whatever the server's text is, it is one line without ids."""
        pauses, seen, slept = self.pauses(terminal=False)
        sandbox.fail_next(503, body='{"message": "a\\u001b[31m\\nb", "internalCode": 5}')
        sandbox.loading_account()
        caller = Caller(account="demo", base_url=sandbox.url)
        with visiting(caller, Patience(), pauses, Visited(), Curl()) as visit:
            visit.create_session({"appType": "EXTERNAL"})
        first, second = seen.getvalue().splitlines()
        assert slept == [5, 10]
        assert first == "createSession: attempt 1 failed: [503] a [31m b (internal code 5); next try in 5 s"
        assert second.startswith("createSession: attempt 2 failed: [500] Loading account: demo, vid: … ")
        assert len(sandbox.visitors) == 1

    @pytest.mark.parametrize("level", [None, "info", "debug"])
    def test_a_pause_is_shown_once(self, sandbox: Sandbox, level: str | None) -> None:
        """Not by the library's log as well, wherever that goes; what else the log says is there."""
        sandbox.fail_next(503, headers={"retry-after": "60"})
        environment = {"LIVEPERSON_LOG": level} if level else {}
        arguments = ("create-session", "demo", "--base-url", sandbox.url)
        with running(*arguments, env=ENVIRONMENT | environment) as process:
            assert process.stderr
            seen = list[str]()
            while "next try" not in "".join(seen):
                seen.append(process.stderr.readline())
            process.send_signal(signal.SIGINT)
            seen.append(process.stderr.read())
        assert [line for line in "".join(seen).splitlines() if re.search(r"\b60 s\b", line)] == [seen[-2].rstrip()]
        assert ("attempt 1: status 503" in "".join(seen)) == (level == "debug")

    def test_a_pause_can_be_told_before_it_is_made(self) -> None:
        """As `on_retry` and `sleep` do."""
        pauses, seen, _ = self.pauses(terminal=False)
        failure = ServerError("[520] odd", Response(520))
        pauses.note(RetryEvent("updateSession", 2, failure, 10.0))
        assert seen.getvalue() == ""
        pauses.retry(10)
        assert seen.getvalue() == "updateSession: attempt 2 failed: [520] odd; next try in 10 s\n"
