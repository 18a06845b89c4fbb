"""The helpers for users' own tests: the fixtures are those of the plugin, which pytest has loaded by itself."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from checkout import ROOT
from conftest import BODY, Blocking
from liveperson_engagement import (
    AsyncEngagementClient,
    AvailableSession,
    EngagementClient,
    EngagementError,
    MemoryStore,
    OutageGuard,
    ServerError,
    errors,
)
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.testing import FakeClock, Journal, answers
from liveperson_engagement.testing.clients import async_client

EXAMPLE = ROOT / "examples/chat_button"
GUIDE = (ROOT / "docs/testing.md").read_text()
LEAD: Any = {"type": "lead", "lead": {"topic": "upgrade", "value": 9.5}}
PERSON: Any = {"type": "personal", "personal": {"firstname": "Sarah"}}


@pytest.fixture(params=["engagement_client", "async_engagement_client"])
def either(request: pytest.FixtureRequest) -> Iterator[EngagementClient]:
    """Run the test with the client of either fixture."""
    client = request.getfixturevalue(request.param)
    with asyncio.Runner() as runner:
        yield cast("EngagementClient", Blocking(client, runner) if request.param.startswith("async") else client)


def run_pytest(folder: Path, *options: str, **environment: str) -> str:
    """Run pytest in a folder, in a process of its own that takes every warning as an error; return what it prints."""
    # The first imports what the test is about, the second warns where it has no settings.
    without = ("-p", "no:schemathesis", "-p", "no:asyncio", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", *without, *options],
        cwd=folder, env={**os.environ, "COLUMNS": "150", **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.stderr
    return done.stdout


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_the_example_passes_its_own_tests(options: tuple[str, ...]) -> None:
    """In its folder, with nothing but what is installed; each worker of xdist has a server of its own."""
    printed = run_pytest(EXAMPLE, *options)
    assert re.search(r"\n=+ 12 passed in ", printed), printed


def test_the_example_uses_every_fixture() -> None:
    """Whoever copies from it finds all of them."""
    fixtures = re.findall(r"^\| `(\w+engagement\w*|engagement_\w+)` \|", GUIDE, re.MULTILINE)
    assert len(fixtures) == 5
    example = (EXAMPLE / "test_chat_button.py").read_text()
    assert {name for name in fixtures if f"{name}:" not in example} == set()


def test_the_code_of_the_guide_runs(tmp_path: Path) -> None:
    """Every Python block is a test module."""
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    for number, block in enumerate(blocks):
        (tmp_path / f"test_block_{number}.py").write_text(block)
    assert len(blocks) >= 5
    assert f"{len(blocks)} passed" in run_pytest(tmp_path)


@pytest.mark.parametrize("kind", [Journal, FakeClock, answers])
def test_the_guide_names_every_helper(kind: Any) -> None:
    """No assertion and no answer is left for the reader to find."""
    names: list[str] = getattr(kind, "__all__", dir(kind))
    names = [name for name in names if kind is answers or name.startswith(("assert_", "clear", "advance"))]
    assert names
    assert {name for name in names if f"{name}(" not in GUIDE} == set()


def test_a_run_without_the_fixtures_imports_nothing_of_the_package(tmp_path: Path) -> None:
    """The plugin is a module of its own, for those who never ask for a fixture."""
    script = """
        import pytest
        import sys
        before = set(sys.modules)
        import liveperson_engagement_pytest
        print(*set(sys.modules) - before)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["liveperson_engagement_pytest"]


def test_no_other_plugin_and_no_web_framework_is_needed(tmp_path: Path) -> None:
    """All five fixtures work with pytest and the package alone."""
    (tmp_path / "conftest.py").write_text(
        "import sys\n"
        "for name in [name for name in sys.modules if name.partition('.')[0] in ('starlette', 'uvicorn', 'httpx')]:\n"
        "    del sys.modules[name]\n"
        "sys.modules |= dict.fromkeys(('starlette', 'uvicorn', 'httpx'))\n"
    )
    (tmp_path / "test_it.py").write_text(
        "def test_all(engagement_clock, engagement_sandbox, engagement_client, async_engagement_client,"
        " engagement_journal):\n"
        "    engagement_client.visit().create_session({'appType': 'EXTERNAL'})\n"
        "    engagement_journal.assert_one_visitor()\n"
    )
    assert "1 passed" in run_pytest(tmp_path)


def test_neither_proxies_nor_settings_of_the_environment_reach_the_sandboxed_code(tmp_path: Path) -> None:
    """Those of a developer's machine, that is; and connections of closed event loops leave no warning behind."""
    (tmp_path / "test_it.py").write_text(
        """if True:
        import asyncio, gc
        from liveperson_engagement import EngagementClient
        BODY = {"appType": "EXTERNAL"}

        def test_fixtures(engagement_client, async_engagement_client, engagement_journal):
            engagement_client.visit().create_session(BODY)
            for _ in range(2):
                asyncio.run(async_engagement_client.visit("shopper").create_session(BODY))
            engagement_journal.assert_visitors(2)
            assert {each.account_id for each in engagement_journal.assert_visitors(2)} == {"demo"}

        def test_own_client(engagement_journal):
            with EngagementClient() as client:
                client.visit().create_session(BODY)
            engagement_journal.assert_one_visitor()

        def test_nothing_is_left():
            gc.collect()
        """
    )
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    settings = {"LIVEPERSON_ACCOUNT_ID": "real", "LIVEPERSON_BASE_URL": "https://real.invalid"}
    assert "3 passed" in run_pytest(tmp_path, **proxies, **settings)


def test_either_client_talks_to_the_sandbox_and_waits_for_nothing(
    either: EngagementClient, engagement_sandbox: Sandbox, engagement_clock: FakeClock, engagement_journal: Journal
) -> None:
    """The pauses are noted, and their time passes on the clock alone."""
    engagement_sandbox.fail_next(503, times=2)
    visit = either.visit("shopper")
    session = visit.create_session(BODY)
    assert session.status == "Available"
    visit.report_impressions("impDisplay")

    engagement_clock.assert_pauses(5, 10)
    assert engagement_clock.now == engagement_clock.time() == 15
    engagement_journal.assert_calls(
        ("createSession", 503), ("createSession", 503), ("createSession", 200), "updateSession"
    )
    engagement_journal.assert_impressions("impDisplay")
    assert engagement_journal.assert_one_visitor().account_id == "demo"


@pytest.mark.parametrize("key", ["shopper", None])
def test_an_engagement_runs_out_when_the_clock_says_so(
    key: str | None, either: EngagementClient, engagement_clock: FakeClock, engagement_journal: Journal
) -> None:
    """With the store of the client, and with the memory of a visit without a key."""
    visit = either.visit(key)
    for seconds, calls in ((0, 1), (899, 1), (2, 2)):
        engagement_clock.advance(seconds)
        visit.engagement(BODY)
        engagement_journal.assert_calls(*["createSession", "continueSession"][:calls])


def test_the_clock_tells_when_an_outage_is_over(
    engagement_sandbox: Sandbox, engagement_clock: FakeClock, engagement_journal: Journal
) -> None:
    """The guard's long pauses pass by `advance`."""
    engagement_sandbox.fail_next(503, times=4)
    with EngagementClient(outage_guard=OutageGuard()) as client:
        for calls in (4, 4):
            with pytest.raises(ServerError):
                client.visit("shopper").create_session(BODY)
            engagement_journal.assert_calls(*["createSession"] * calls)
        engagement_clock.advance(120)
        client.visit("shopper").create_session(BODY)
    engagement_journal.assert_calls(*["createSession"] * 5)


def test_a_client_of_the_code_under_test_goes_to_the_sandbox_and_follows_the_clock(
    engagement_sandbox: Sandbox, engagement_clock: FakeClock
) -> None:
    """Unless it is given a sleep of its own; and the twins alike."""

    async def ask() -> None:
        async with AsyncEngagementClient() as client:
            await client.visit().create_session(BODY)

    own: list[float] = []
    engagement_sandbox.fail_next(503, times=2)
    with EngagementClient() as client:
        client.visit().create_session(BODY)
    engagement_sandbox.fail_next(503)
    asyncio.run(ask())
    engagement_clock.assert_pauses(5, 10, 5)

    engagement_sandbox.fail_next(503)
    with EngagementClient(sleep=own.append) as client:
        client.visit().create_session(BODY)
    assert own == [5]
    engagement_clock.assert_pauses(5, 10, 5)


def test_after_the_test_everything_is_as_before(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Classes, environment and the process's own time."""
    assert pytestconfig.pluginmanager.has_plugin("liveperson_engagement")

    def state() -> list[object]:
        inits: list[object] = [EngagementClient.__init__, AsyncEngagementClient.__init__]
        return [dict(os.environ), MemoryStore.__init__.__kwdefaults__, *inits]

    before = state()
    request.getfixturevalue("engagement_sandbox")
    assert all(now != then for now, then in zip(state(), before, strict=True))
    monkeypatch.undo()  # as pytest does when the test ends
    assert state() == before


def test_the_clients_of_a_test_that_is_over_are_closed(request: pytest.FixtureRequest) -> None:
    """Code that keeps one would write into the journal of another test."""
    url = request.getfixturevalue("engagement_sandbox").url
    with async_client("demo", url) as kept:
        asyncio.run(kept.visit("shopper").create_session(BODY))
    with pytest.raises(RuntimeError, match="the client is closed: make another"):
        asyncio.run(kept.visit("shopper").create_session(BODY))
    Journal(request.getfixturevalue("engagement_sandbox")).assert_calls(("createSession", 200))


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_each_test_has_a_clean_sandbox(
    turn: int, engagement_sandbox: Sandbox, engagement_client: EngagementClient
) -> None:
    """Whatever the one before has done to it, stopping included."""
    assert (engagement_sandbox.requests, engagement_sandbox.visitors) == ((), ())
    assert engagement_client.visit().create_session(BODY).status == "Available"
    engagement_sandbox.not_available()
    engagement_sandbox.fail_next(503, times=9)
    with pytest.raises(ServerError):
        engagement_client.visit().create_session(BODY)
    if turn == 2:
        engagement_sandbox.stop()


@pytest.fixture
def told(engagement_client: EngagementClient, engagement_sandbox: Sandbox, engagement_journal: Journal) -> Journal:
    """A journal of one visit: a session, an update that had to be repeated, and an impression."""
    visit = engagement_client.visit("shopper")
    visit.create_session({"appType": "MSDK", "consumerSections": ["Support"], "engagementAttributes": [PERSON]})
    engagement_sandbox.fail_next(503)
    visit.update_session({"engagementAttributes": [LEAD]})
    visit.report_impressions("impDisplay", "impAccept")
    return engagement_journal


JOURNAL = """
requests[0]: createSession → 200  (personal)
requests[1]: updateSession → 503  (lead)
requests[2]: updateSession → 200  (lead)
requests[3]: updateSession → 200  (impDisplay, impAccept)
"""
ATTRIBUTE = "expected an attribute of type lead, answered with 200, with those values"
CALLS = "expected these calls (- expected, + sent):"
IMPRESSIONS = "expected these impressions (- expected, + sent):"
FULFILLED: list[Callable[[Journal], Any]] = [
    lambda journal: journal.assert_calls(
        "createSession", ("updateSession", 503), ("updateSession", 200), "updateSession"
    ),
    lambda journal: journal.assert_calls("create_session", ("update_session", 503), *["updateSession"] * 2),
    lambda journal: journal.assert_sent("create_session", {"appType": "MSDK"}),
    lambda journal: journal.assert_sent("createSession", {"consumerSections": ["Support"]}),
    lambda journal: journal.assert_sent("updateSession", {"engagementAttributes": [{"type": "lead"}]}),
    lambda journal: journal.assert_attribute_sent(LEAD),
    lambda journal: journal.assert_attribute_sent({"type": "lead", "lead": {"value": 9.5}}),
    lambda journal: journal.assert_impressions("impDisplay", "impAccept"),
    lambda journal: journal.assert_one_visitor(),
    lambda journal: journal.assert_visitors(1),
]
FAILURES: dict[str, Callable[[Journal], Any]] = {
    "expected that nothing was sent": lambda journal: journal.assert_nothing_sent(),
    f"{CALLS}\n    createSession\n  - updateSession → dropped\n  + updateSession → 503\n  + updateSession → 200"
    "\n  + updateSession → 200": lambda journal: journal.assert_calls("create_session", ("updateSession", None)),
    f"{CALLS}\n  - createSession → 201\n  + createSession → 200\n    updateSession\n    updateSession"
    "\n    updateSession": (lambda journal: journal.assert_calls(("createSession", 201), *["updateSession"] * 3)),
    f"{CALLS}\n  + createSession → 200\n  + updateSession → 503\n  + updateSession → 200\n  + updateSession → 200": (
        lambda journal: journal.assert_calls()
    ),
    "expected a call of continueSession, answered with 200, with that body": (
        lambda journal: journal.assert_sent("continue_session", {})
    ),
    "expected a call of createSession, answered with 200, with that body\n"
    "  requests[0]: consumerSections is ['Support']; expected ['Support', 'English']": (
        lambda journal: journal.assert_sent("createSession", {"consumerSections": ["Support", "English"]})
    ),
    "expected a call of updateSession, answered with 200, with that body\n"
    "  requests[2]: impAttributes is not there; expected [{'engId': 1}, {}]\n"
    "  requests[3]: impAttributes[0].engId is 3562981110; expected 1": (
        lambda journal: journal.assert_sent("updateSession", {"impAttributes": [{"engId": 1}, {}]})
    ),
    f"{ATTRIBUTE}\n  requests[2].engagementAttributes[0]: lead.topic is 'upgrade'; expected 'downgrade'"
    "\n  requests[2].engagementAttributes[0]: lead.value is 9.5; expected 5": (
        lambda journal: journal.assert_attribute_sent({"type": "lead", "lead": {"topic": "downgrade", "value": 5}})
    ),
    f"{ATTRIBUTE}\n  requests[2].engagementAttributes[0]: lead.leadId is not there; expected '7'": (
        lambda journal: journal.assert_attribute_sent({"type": "lead", "lead": {"leadId": "7"}})
    ),
    "expected an attribute of type cart, answered with 200, with those values": (
        lambda journal: journal.assert_attribute_sent({"type": "cart", "total": 1})
    ),
    f"{IMPRESSIONS}\n    impDisplay\n  + impAccept": lambda journal: journal.assert_impressions("impDisplay"),
    f"{IMPRESSIONS}\n  + impDisplay\n  + impAccept": lambda journal: journal.assert_impressions(),
    "expected 2 on the visitor list, not 1": lambda journal: journal.assert_visitors(2),
}


@pytest.mark.parametrize("number", range(len(FULFILLED)))
def test_an_assertion_that_holds_says_nothing(number: int, told: Journal) -> None:
    """What the visit did is what is asserted."""
    FULFILLED[number](told)


@pytest.mark.parametrize("expected", FAILURES, ids=range(len(FAILURES)))
def test_an_assertion_that_fails_prints_what_differs(expected: str, told: Journal) -> None:
    """It says what was expected, the values that differ, and all that was sent, without ids and other values."""
    with pytest.raises(AssertionError) as failed:
        FAILURES[expected](told)
    assert str(failed.value) == f"{expected}\nthe journal:{JOURNAL.replace(chr(10), chr(10) + '  ').rstrip()}"
    assert str(told) == JOURNAL.strip()


def test_the_journal_counts_what_is_sent_after_clear(told: Journal, engagement_client: EngagementClient) -> None:
    """Places stay those of `sandbox.requests`, and a reset of the sandbox clears as well."""
    told.clear()
    told.assert_nothing_sent()
    assert str(told) == "nothing was sent"
    with pytest.raises(AssertionError, match="expected an attribute of type lead"):
        told.assert_attribute_sent(LEAD)
    engagement_client.visit("shopper").create_session(BODY)
    assert str(told) == "requests[4]: continueSession → 200"
    told.assert_one_visitor()


def test_the_journal_copes_with_requests_that_are_none(
    engagement_sandbox: Sandbox, engagement_client: EngagementClient, engagement_journal: Journal
) -> None:
    """Of any client: unknown paths, bodies that are no JSON, dropped connections."""
    httpx.post(f"{engagement_sandbox.url}/nowhere", content=b"{", trust_env=False)
    engagement_sandbox.answer_next(200, "{}")
    path = "/api/account/demo/app/engagement/visitors/?v=1.0"
    httpx.post(engagement_sandbox.url + path, json={"engagementAttributes": ["x"], "impAttributes": 1}, trust_env=False)
    engagement_sandbox.drop_connection()
    with pytest.raises(EngagementError):
        engagement_client.visit().create_session(BODY)
    assert str(engagement_journal).splitlines() == [
        "requests[0]: POST → 404",
        "requests[1]: createSession → 200  (?)",
        "requests[2]: createSession → dropped",
    ]
    assert repr(engagement_journal) == "<Journal, 3 requests>"
    engagement_journal.assert_impressions()


def test_a_failed_assertion_points_at_the_users_own_line(tmp_path: Path) -> None:
    """The helpers' code is not part of what pytest shows."""
    (tmp_path / "test_it.py").write_text(
        "def test_journal(engagement_journal):\n    engagement_journal.assert_one_visitor()\n"
        "def test_clock(engagement_clock):\n    engagement_clock.assert_pauses(5)\n"
    )
    printed = run_pytest(tmp_path)
    assert "2 failed" in printed
    assert re.findall(r"^(\S+\.py):\d+: ", printed, re.MULTILINE) == ["test_it.py", "test_it.py"]
    assert (
        "E       AssertionError: expected 1 on the visitor list, not 0\nE       the journal:\nE         nothing"
        in printed
    )
    assert "AssertionError: expected pauses of 5 s, but there were no pauses" in printed


def test_an_unknown_operation_is_refused_with_the_nearest_name(
    engagement_sandbox: Sandbox, engagement_journal: Journal
) -> None:
    """In the spelling that was used, wherever an operation is named."""
    for wrong, near in (("createSesion", "createSession"), ("update_sessions", "update_session")):
        match = re.escape(f"operation: the contract has no operation {wrong}; did you mean {near}?")
        with pytest.raises(ValueError, match=match):
            engagement_sandbox.fail_next(503, operation=wrong)
        with pytest.raises(ValueError, match=match):
            engagement_journal.assert_calls(wrong)
        with pytest.raises(ValueError, match=match):
            engagement_journal.assert_sent(wrong, {})
    with pytest.raises(ValueError, match=r"operation: the contract has no operation x; it has .*createSession, "):
        engagement_sandbox.slow(1, operation="x")
    engagement_journal.assert_nothing_sent()


def test_an_instruction_that_was_never_used_is_an_error(tmp_path: Path) -> None:
    """The test did not try what it says; unless it failed anyway, was skipped, or says that it is meant."""
    (tmp_path / "test_it.py").write_text(
        """if True:
        import pytest
        BODY = {"appType": "EXTERNAL"}

        def test_left(engagement_sandbox):
            engagement_sandbox.fail_next(503, times=2, operation="createSession")
            engagement_sandbox.slow(1.5)
            engagement_sandbox.play(["drop_connection"])

        def test_used_in_part(engagement_client, engagement_sandbox):
            engagement_sandbox.html_error(503, times=2)
            engagement_sandbox.reset()
            engagement_sandbox.fail_next(404, times=9)
            with pytest.raises(Exception):
                engagement_client.visit().create_session(BODY)

        def test_meant(engagement_sandbox):
            engagement_sandbox.answer_next(200)
            engagement_sandbox.reset()

        def test_failed(engagement_sandbox):
            engagement_sandbox.drop_connection()
            assert False

        @pytest.mark.xfail
        def test_expected_to_fail(engagement_sandbox):
            engagement_sandbox.loading_account()
            assert False

        def test_skipped(engagement_sandbox):
            engagement_sandbox.serve_next()
            pytest.skip()
        """
    )
    printed = run_pytest(tmp_path)
    assert re.search(r"1 failed, 3 passed, 1 skipped, 1 xfailed, 1 error in", printed), printed
    left = "fail_next(503, times=2, operation='createSession'), slow(1.5), play() with 1 left"
    hint = "plan what the test uses, or end it with engagement_sandbox.reset()"
    assert f"\nengagement_sandbox: no request met {left}; {hint}\n" in printed
    assert printed.count("no request met") == 2  # the section, and the summary


@pytest.mark.parametrize("how", ["setting", "option", "neither"])
def test_no_host_but_this_machine_is_called(how: str, tmp_path: Path) -> None:
    """Whatever makes the client, and before anything is sent; code that catches exceptions does not hide it."""
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nengagement_only_sandbox = {str(how == 'setting').lower()}\n")
    (tmp_path / "app.py").write_text(
        "from liveperson_engagement import EngagementClient\nearly = EngagementClient('shop')\n"
    )
    (tmp_path / "test_it.py").write_text(
        """if True:
        import app, asyncio, pytest
        from liveperson_engagement import AsyncEngagementClient, EngagementClient
        BODY = {"appType": "EXTERNAL"}
        REAL = {"base_url": "https://service.invalid"}
        seen = []

        def ask(client):
            with client:
                try:
                    client.visit().create_session(BODY)
                except Exception:
                    pass

        async def ask_async(client):
            async with client:
                await client.visit().create_session(BODY)

        def test_import():
            ask(app.early.with_options(base_url="https://service.invalid"))

        def test_base_url():
            ask(EngagementClient("shop", **REAL))

        def test_domain_api():
            ask(EngagementClient("shop", domain_api="https://domains.invalid"))

        def test_other_hook():
            ask(EngagementClient("shop", on_request=seen.append).with_options(on_request=seen.append, **REAL))

        def test_async():
            async def note(event):
                seen.append(event)
            asyncio.run(ask_async(AsyncEngagementClient("shop", on_request=note, **REAL)))

        def test_sandbox(engagement_client, engagement_sandbox):
            ask(engagement_client.with_options(on_request=seen.append))
            ask(EngagementClient("shop", base_url=None, domain_api=engagement_sandbox.url))
            assert len(engagement_sandbox.visitors) == 2
            assert [event.operation_id for event in seen][-1:] == ["createSession"]
        """
    )
    options = ["--engagement-only-sandbox"] if how == "option" else []
    if how == "neither":
        options = ["-k", "sandbox"]
    printed = run_pytest(tmp_path, *options)
    assert re.search("1 passed, 5 deselected in" if how == "neither" else "5 failed, 1 passed in", printed), printed
    if how != "neither":
        assert printed.count("Failed: engagement_only_sandbox: createSession would go to service.invalid") == 8
        assert printed.count("Failed: engagement_only_sandbox: findDomain would go to domains.invalid") == 2


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_pytest_asyncio_and_anyio_work_beside_it(mode: str, tmp_path: Path) -> None:
    """Both installed, each running tests of its own, and tests without either."""
    (tmp_path / "pytest.ini").write_text(
        f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\n"
    )
    own = "" if mode == "auto" else "@pytest.mark.asyncio"
    (tmp_path / "test_it.py").write_text(
        f"""if True:
        import asyncio, pytest
        BODY = {{"appType": "EXTERNAL"}}

        {own}
        async def test_asyncio(async_engagement_client, engagement_journal):
            await async_engagement_client.visit().create_session(BODY)
            engagement_journal.assert_one_visitor()

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        async def test_anyio(async_engagement_client, engagement_sandbox, engagement_clock, engagement_journal):
            engagement_sandbox.fail_next(503)
            await async_engagement_client.visit().create_session(BODY)
            engagement_clock.assert_pauses(5)
            engagement_journal.assert_one_visitor()

        def test_neither(async_engagement_client, engagement_journal):
            asyncio.run(async_engagement_client.visit().create_session(BODY))
            engagement_journal.assert_one_visitor()
        """
    )
    printed = run_pytest(tmp_path, "-p", "asyncio", "-p", "no:xdist")
    assert re.search(r"^plugins:.*anyio.*asyncio|^plugins:.*asyncio.*anyio", printed, re.MULTILINE), printed
    assert "3 passed" in printed, printed


def test_the_clock_goes_only_forward() -> None:
    """A negative advance is the test's mistake."""
    clock = FakeClock()
    clock.sleep(2.5)
    asyncio.run(clock.asleep(1))
    with pytest.raises(ValueError, match="seconds must not be negative"):
        clock.advance(-1)
    assert (clock.now, clock.pauses, repr(clock)) == (3.5, [2.5, 1], "<FakeClock at 3.5 s, 2 pauses>")
    with pytest.raises(AssertionError, match=r"expected no pauses, but there were pauses of 2\.5, 1 s"):
        clock.assert_pauses()


def test_the_ready_answers_are_the_contracts_examples() -> None:
    """Field for field, with ids as integers, as a client gives them."""
    document = json.loads((ROOT / "generated/liveperson_engagement_api/openapi.json").read_text())
    examples = document["components"]["responses"]["Session"]["content"]["application/json"]["examples"]
    documented = examples["available"]["value"]
    details = documented["engagementDetails"]
    details |= {name: int(details[name]) for name in ("campaignId", "engagementId")}
    assert answers.available().to_dict() == documented
    assert answers.engagement_details().to_dict() == details
    assert answers.not_available().to_dict() == examples["notAvailable"]["value"]


def test_a_ready_answer_may_differ_where_the_contract_lets_it() -> None:
    """Fields of the answer and of its engagement alike; nothing that the service cannot give."""
    session = answers.available(skill_name="Sales", valid_for_seconds=5, visitor_id="v", connector_id=2**53 + 1)
    assert isinstance(session, AvailableSession)
    details = session.engagement_details
    assert (details.skill_name, details.valid_for_seconds, session.visitor_id) == ("Sales", 5, "v")
    assert details.connector_id == 2**53 + 1
    assert answers.available(engagement_details=details, language="fr-FR").engagement_details.skill_name == "Sales"
    assert answers.not_available(page_id="7").page_id == "7"
    with pytest.raises(ValueError, match=r"no such answer: engagementDetails\.validForSeconds: must be of type number"):
        answers.available(valid_for_seconds="soon")
    with pytest.raises(TypeError, match="skill_nam"):
        answers.available(skill_nam="Sales")
    with pytest.raises(TypeError, match="skill_name"):
        answers.not_available(skill_name="Sales")


READY: dict[type[EngagementError], tuple[Callable[[], EngagementError], int]] = {
    errors.InvalidRequest: (answers.invalid_request, 0),
    errors.ApiError: (lambda: answers.api_error(429), 1),
    errors.BadRequest: (answers.bad_request, 1),
    errors.Unauthorized: (answers.unauthorized, 1),
    errors.NotFound: (answers.not_found, 1),
    errors.ServerError: (answers.server_error, 4),
    errors.AccountLoading: (answers.account_loading, 4),
    errors.InvalidResponse: (answers.invalid_response, 1),
    errors.ConnectionFailed: (answers.connection_failed, 4),
    errors.Timeout: (answers.timeout, 1),
    errors.DeadlineExceeded: (answers.deadline_exceeded, 1),
    errors.DomainLookupFailed: (answers.domain_lookup_failed, 1),
    errors.StoreError: (answers.store_error, 0),
}


def test_there_is_a_ready_error_for_every_class_of_the_tree() -> None:
    """Besides the base class, which is never raised."""
    tree = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EngagementError)}
    assert tree - {EngagementError} == READY.keys()


@pytest.mark.parametrize("kind", READY)
def test_a_ready_error_is_what_a_client_raises(kind: type[EngagementError], caplog: pytest.LogCaptureFixture) -> None:
    """Its class, its attempts, its one line, fit for a pickle; the making of it leaves no line in the log."""
    caplog.set_level("DEBUG")
    make, attempts = READY[kind]
    error = make()
    assert type(error) is kind
    assert error.attempts == attempts
    assert error.__traceback__ is None
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301
    assert len(str(error).splitlines()) == 1
    assert caplog.records == []


def test_a_ready_error_says_what_the_sandbox_makes_a_client_say(
    engagement_client: EngagementClient, engagement_sandbox: Sandbox
) -> None:
    """For each status that the contract has."""
    for status in (400, 401, 404, 500, 503):
        engagement_sandbox.fail_next(status, times=4 if status >= 500 else 1)
        with pytest.raises(errors.ApiError) as raised:
            engagement_client.visit().create_session(BODY)
        ready, real = answers.api_error(status), raised.value
        assert type(ready) is type(real)
        for name in ("status_code", "internal_code", "message", "attempts", "args"):
            assert getattr(ready, name) == getattr(real, name)


def test_a_ready_error_is_picked_by_its_name_in_the_contract() -> None:
    """A name that is none is refused, as is a status of another class."""
    assert answers.not_found("invalidSession").internal_code == 39
    assert answers.bad_request("wrapped").internal_code == 33
    assert answers.server_error(500, "loadingAccount").internal_code == answers.account_loading().internal_code == 20
    assert (
        answers.connection_failed(may_have_arrived=True).attempts,
        answers.timeout(may_have_arrived=False).attempts,
    ) == (1, 4)
    assert isinstance(answers.deadline_exceeded(60).__cause__, ServerError)
    assert isinstance(answers.domain_lookup_failed(400).__cause__, errors.BadRequest)
    with pytest.raises(ValueError, match="example must be one of invalidVisitor, invalidSession, unknownInstallation"):
        answers.not_found("invalidSesion")
    with pytest.raises(ValueError, match="example must be one of none for status 429"):
        answers.api_error(429, "invalidSession")
    with pytest.raises(ValueError, match="status makes this a NotFound, not a ServerError"):
        answers.server_error(404)
    with pytest.raises(ValueError, match="status must be at least 300"):
        answers.api_error(200)


def test_the_core_knows_nothing_of_the_helpers() -> None:
    """Deleting the folder leaves the rest working."""
    package = ROOT / "wrapper/liveperson_engagement"
    others = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] != "testing"]
    assert len(others) > 20
    assert [path.name for path in others if re.search(r"^\s*(from|import) .*\btesting\b", path.read_text(), re.M)] == []
