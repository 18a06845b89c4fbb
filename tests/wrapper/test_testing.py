"""The helpers for users' own tests: the fixtures are those of the plugin, which pytest has loaded by itself."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from checkout import ROOT
from conftest import BODY
from liveperson_engagement import AsyncEngagementClient, EngagementClient, MemoryStore, OutageGuard, errors
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.testing import FakeClock, Journal, answers
from liveperson_engagement.testing.clients import async_client

pytest_plugins = ["pytester"]
TESTS = """
import app, asyncio, contextlib, gc, pytest
from liveperson_engagement import AsyncEngagementClient, EngagementClient, NotFound

BODY = {"appType": "EXTERNAL"}
REAL = {"base_url": "https://service.invalid"}
"""
"""The beginning of a module of tests."""


@pytest.fixture
def printed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run pytest in this process on tests; every warning is an error. Return what it prints."""
    monkeypatch.setenv("COLUMNS", "150")

    def run(tests: str, *options: str) -> str:
        pytester.makepyfile(app="from liveperson_engagement import EngagementClient\nearly = EngagementClient('shop')")
        pytester.makepyfile(test_it=TESTS + tests)
        quiet = () if "--asyncio-mode" in options else ("-p", "no:asyncio")  # without settings it warns
        without = ("-p", "no:schemathesis", "-p", "no:cacheprovider", "-p", "no:xdist", *quiet)
        return str(pytester.runpytest_inprocess("-W", "error", *without, *options).stdout)

    return run


def test_without_fixtures_nothing_of_the_package_is_imported() -> None:
    """The plugin is a module of its own, for those who never ask for a fixture."""
    code = "import pytest, sys; before = set(sys.modules); import liveperson_engagement_pytest"
    code += "; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["liveperson_engagement_pytest"]


def test_clients_talk_to_the_sandbox_and_never_wait(
    engagement_client: EngagementClient,
    engagement_sandbox: Sandbox,
    engagement_clock: FakeClock,
    engagement_journal: Journal,
) -> None:
    """The pauses are noted, and their time passes on the clock alone, by which engagements and outages end."""
    engagement_sandbox.fail_next(503, times=2)
    visit = engagement_client.visit()
    assert visit.create_session(BODY).status == "Available"
    engagement_clock.assert_pauses(5, 10)
    assert engagement_clock.now == engagement_clock.time() == 15
    engagement_journal.assert_calls(*[("createSession", status) for status in (503, 503, 200)])
    assert engagement_journal.assert_one_visitor().account_id == "demo"
    engagement_journal.clear()
    for seconds, calls in ((0, 0), (899, 0), (2, 1)):
        engagement_clock.advance(seconds)
        visit.engagement(BODY)
        engagement_journal.assert_calls(*["continueSession"] * calls)
    engagement_sandbox.fail_next(503, times=4)
    own: list[float] = []
    with EngagementClient(outage_guard=OutageGuard(), sleep=own.append) as client:
        for _ in range(2):
            with pytest.raises(errors.ServerError):
                client.visit("shopper").create_session(BODY)
        engagement_clock.advance(120)
        client.visit("shopper").create_session(BODY)
    engagement_journal.assert_calls("continueSession", *["createSession"] * 5)
    assert (own, engagement_clock.pauses) == ([5, 10, 15], [5, 10])


def test_after_the_test_everything_is_as_before(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Classes, environment and the process's own time; clients are closed: one that is kept writes in no journal."""

    def state() -> list[object]:
        inits: list[object] = [EngagementClient.__init__, AsyncEngagementClient.__init__]
        return [dict(os.environ), MemoryStore.__init__.__kwdefaults__, *inits]

    before = state()
    sandbox: Sandbox = request.getfixturevalue("engagement_sandbox")
    assert all(now != then for now, then in zip(state(), before, strict=True))
    with async_client("demo", sandbox.url) as kept:
        asyncio.run(kept.visit("shopper").create_session(BODY))
    with pytest.raises(RuntimeError, match="the client is closed: make another"):
        asyncio.run(kept.visit("shopper").create_session(BODY))
    Journal(sandbox).assert_calls(("createSession", 200))
    monkeypatch.undo()  # as pytest does when the test ends
    assert state() == before


@pytest.fixture
def told(engagement_client: EngagementClient, engagement_sandbox: Sandbox, engagement_journal: Journal) -> Journal:
    """A journal of one visit: a session, an update that had to be repeated, and an impression."""
    visit = engagement_client.visit("shopper")
    person: Any = {"type": "personal", "personal": {"firstname": "Sarah"}}
    visit.create_session({"appType": "MSDK", "consumerSections": ["Support"], "engagementAttributes": [person]})
    engagement_sandbox.fail_next(503)
    visit.update_session({"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade", "value": 9.5}}]})
    visit.report_impressions("impDisplay", "impAccept")
    return engagement_journal


JOURNAL = """
  requests[0]: createSession → 200  (personal)
  requests[1]: updateSession → 503  (lead)
  requests[2]: updateSession → 200  (lead)
  requests[3]: updateSession → 200  (impDisplay, impAccept)"""
WRONG: list[tuple[Any, ...]] = [
    ("nothing_sent",),
    ("calls", "create_session", ("updateSession", None)),
    ("sent", "updateSession", {"impAttributes": [{"engId": 1}, {}]}),
    ("attribute_sent", {"type": "lead", "lead": {"topic": "downgrade", "leadId": "7"}}),
    ("impressions", "impDisplay"),
    ("visitors", 2),
]
SAID = """
expected that nothing was sent
expected these calls (- expected, + sent):
    createSession
  - updateSession → dropped
  + updateSession → 503
  + updateSession → 200
  + updateSession → 200
expected a call of updateSession, answered with 200, with that body
  requests[2]: impAttributes is not there; expected [{'engId': 1}, {}]
  requests[3]: impAttributes[0].engId is 3562981110; expected 1
expected an attribute of type lead, answered with 200, with those values
  requests[2].engagementAttributes[0]: lead.topic is 'upgrade'; expected 'downgrade'
  requests[2].engagementAttributes[0]: lead.leadId is not there; expected '7'
expected these impressions (- expected, + sent):
    impDisplay
  + impAccept
expected 2 on the visitor list, not 1
"""


def test_an_assertion_that_fails_prints_what_differs(told: Journal) -> None:
    """It says what was expected, the values that differ, and all that was sent, without ids and other values."""
    said = list[str]()
    for name, *arguments in WRONG:
        with pytest.raises(AssertionError) as failed:
            getattr(told, f"assert_{name}")(*arguments)
        expected, journal = str(failed.value).split("\nthe journal:")
        assert journal == JOURNAL
        said.append(expected)
    assert "\n".join(said) == SAID.strip()
    with pytest.raises(ValueError, match=r"operation update_sessions; did you mean update_session\?"):
        told.assert_sent("update_sessions", {})


def test_an_assertion_that_holds_says_nothing(told: Journal, engagement_client: EngagementClient) -> None:
    """What the visit did is what is asserted; after `clear` only what follows, in its place."""
    told.assert_calls("create_session", ("update_session", 503), *["updateSession"] * 2)
    told.assert_sent("create_session", {"appType": "MSDK", "consumerSections": ["Support"]})
    told.assert_sent("updateSession", {"engagementAttributes": [{"type": "lead"}]})
    told.assert_attribute_sent({"type": "lead", "lead": {"value": 9.5}})
    told.assert_impressions("impDisplay", "impAccept")
    told.assert_one_visitor()
    told.clear()
    told.assert_nothing_sent()
    assert str(told) == "nothing was sent"
    engagement_client.visit("shopper").create_session(BODY)
    assert str(told) == "requests[4]: continueSession → 200"


def test_the_journal_copes_with_requests_that_are_none(
    engagement_sandbox: Sandbox, engagement_client: EngagementClient, engagement_journal: Journal
) -> None:
    """Of any client: unknown paths, bodies that are no JSON, dropped connections."""
    httpx.post(f"{engagement_sandbox.url}/nowhere", content=b"{", trust_env=False)
    engagement_sandbox.answer_next(200, "{}")
    url = f"{engagement_sandbox.url}/api/account/demo/app/engagement/visitors/?v=1.0"
    httpx.post(url, json={"engagementAttributes": ["x"], "impAttributes": 1}, trust_env=False)
    engagement_sandbox.drop_connection()
    with pytest.raises(errors.ConnectionFailed):
        engagement_client.visit().create_session(BODY)
    lines = ["requests[0]: POST → 404", "requests[1]: createSession → 200  (?)", "requests[2]: createSession → dropped"]
    assert str(engagement_journal).splitlines() == lines
    engagement_journal.assert_impressions()


def test_an_instruction_that_was_never_used_is_an_error(printed: Callable[..., str]) -> None:
    """The test did not try what it says; unless it failed, in its own line, or was skipped. The next one is clean."""
    tests = """
def test_left(engagement_client, engagement_sandbox):
    engagement_client.visit().create_session(BODY)
    engagement_sandbox.fail_next(503, times=2, operation="createSession")
    engagement_sandbox.slow(1.5)
    engagement_sandbox.play(["drop_connection"])
    engagement_sandbox.stop()

def test_used_in_part(engagement_client, engagement_sandbox):
    assert (engagement_sandbox.requests, engagement_sandbox.visitors) == ((), ())
    engagement_sandbox.html_error(503, times=2)
    engagement_sandbox.reset()
    engagement_sandbox.fail_next(404, times=9)
    with pytest.raises(NotFound):
        engagement_client.visit().create_session(BODY)

def test_failed(engagement_sandbox, engagement_journal):
    engagement_sandbox.drop_connection()
    engagement_journal.assert_one_visitor()

def test_clock(engagement_clock):
    engagement_clock.sleep(2.5)
    engagement_clock.assert_pauses(5)

@pytest.mark.xfail
def test_expected_to_fail(engagement_sandbox):
    engagement_sandbox.loading_account()
    assert False

def test_skipped(engagement_sandbox):
    engagement_sandbox.serve_next()
    pytest.skip()
"""
    text = printed(tests)
    assert re.search(r"2 failed, 2 passed, 1 skipped, 1 xfailed, 1 error in", text), text
    left = "fail_next(503, times=2, operation='createSession'), slow(1.5), play() with 1 left"
    hint = "plan what the test uses, or end it with engagement_sandbox.reset()"
    assert f"\nengagement_sandbox: no request met {left}; {hint}\n" in text
    assert "expected pauses of 5 s, but there were pauses of 2.5 s" in text
    assert text.count("no request met") == 2  # the section, and the summary


@pytest.mark.parametrize("how", ["setting", "option"])
def test_no_host_but_this_machine_is_called(how: str, printed: Callable[..., str], pytester: pytest.Pytester) -> None:
    """Whatever makes the client, and before anything is sent; code that catches exceptions does not hide it."""
    pytester.makeini(f"[pytest]\nengagement_only_sandbox = {str(how == 'setting').lower()}\n")
    tests = """
seen = []

def ask(client):
    with client, contextlib.suppress(Exception):
        client.visit().create_session(BODY)

async def note(event):
    seen.append(event)

def test_import():
    ask(app.early.with_options(base_url="https://service.invalid"))

def test_domain_api():
    ask(EngagementClient("shop", domain_api="https://domains.invalid"))

def test_other_hook():
    ask(EngagementClient("shop", on_request=seen.append).with_options(on_request=seen.append, **REAL))

def test_async():
    asyncio.run(AsyncEngagementClient("shop", on_request=note, **REAL).visit().create_session(BODY))

def test_sandbox(engagement_client, engagement_sandbox):
    ask(engagement_client.with_options(on_request=seen.append))
    ask(EngagementClient("shop", base_url=None, domain_api=engagement_sandbox.url))
    assert len(engagement_sandbox.visitors) == 2
    assert [event.operation_id for event in seen] == ["createSession"]
"""
    text = printed(tests, *(["--engagement-only-sandbox"] if how == "option" else []))
    assert "4 failed, 1 passed in" in text, text
    assert text.count("Failed: engagement_only_sandbox: createSession would go to service.invalid") == 6
    assert text.count("Failed: engagement_only_sandbox: findDomain would go to domains.invalid") == 2


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_pytest_asyncio_and_anyio_work_beside_it(
    mode: str, printed: Callable[..., str], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each running tests of its own, and tests without either; settings and proxies of the environment are not used."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", "real")
    monkeypatch.setenv("LIVEPERSON_BASE_URL", "https://real.invalid")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    tests = """
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
    for _ in range(2):
        asyncio.run(async_engagement_client.visit("shopper").create_session(BODY))
    with EngagementClient() as client:
        client.visit().create_session(BODY)
    assert {each.account_id for each in engagement_journal.assert_visitors(2)} == {"demo"}

def test_nothing_is_left():
    gc.collect()
"""
    text = printed(("" if mode == "auto" else "@pytest.mark.asyncio") + tests, "--asyncio-mode", mode)
    assert re.search(r"^plugins:.*anyio.*asyncio|^plugins:.*asyncio.*anyio", text, re.MULTILINE), text
    assert "4 passed" in text, text


def test_the_ready_answers_are_the_contracts_examples() -> None:
    """Field for field, with ids as integers; they may differ where the contract lets them."""
    document = json.loads((ROOT / "generated/liveperson_engagement_api/openapi.json").read_text())
    examples = document["components"]["responses"]["Session"]["content"]["application/json"]["examples"]
    documented = examples["available"]["value"]
    details = documented["engagementDetails"]
    details |= {name: int(details[name]) for name in ("campaignId", "engagementId")}
    assert answers.available().to_dict() == documented
    assert answers.engagement_details().to_dict() == details
    assert answers.not_available().to_dict() == examples["notAvailable"]["value"]
    session = answers.available(skill_name="Sales", visitor_id="v", connector_id=2**53 + 1)
    differing = session.engagement_details
    assert (differing.skill_name, differing.connector_id, session.visitor_id) == ("Sales", 2**53 + 1, "v")
    with pytest.raises(ValueError, match=r"no such answer: engagementDetails\.validForSeconds: must be of type number"):
        answers.available(valid_for_seconds="soon")


def test_there_is_a_ready_error_for_every_class() -> None:
    """As a client raises it, with its attempts."""
    by_attempts: dict[int, tuple[Callable[[], errors.EngagementError], ...]] = {
        0: (answers.invalid_request, answers.store_error),
        1: (
            *(lambda: answers.api_error(429), answers.bad_request, answers.unauthorized, answers.not_found),
            *(answers.invalid_response, answers.timeout, answers.deadline_exceeded, answers.domain_lookup_failed),
        ),
        4: (answers.server_error, answers.account_loading, answers.connection_failed),
    }
    ready = [(attempts, make()) for attempts, makers in by_attempts.items() for make in makers]
    base = errors.EngagementError
    tree = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, base)]
    assert {base, *(type(error) for _, error in ready)} == {*tree}
    assert [error.attempts for _, error in ready] == [attempts for attempts, _ in ready]


def test_a_ready_error_is_picked_by_its_name_in_the_contract() -> None:
    """A name that is none is refused, as is a status of another class."""
    assert [answers.api_error(status).internal_code for status in (400, 401, 404, 500, 503)] == [33, 1, 37, 18, 18]
    assert answers.not_found("invalidSession").internal_code == 39
    assert answers.server_error(500, "loadingAccount").internal_code == answers.account_loading().internal_code == 20
    assert answers.connection_failed(may_have_arrived=True).attempts == 1
    assert ": no connection to the host (ConnectionRefusedError" in str(answers.connection_failed())
    assert isinstance(answers.deadline_exceeded(60).__cause__, errors.ServerError)
    assert isinstance(answers.domain_lookup_failed(400).__cause__, errors.BadRequest)
    refused: dict[str, Callable[[], object]] = {
        "example must be one of invalidVisitor, invalidSession, unk": lambda: answers.not_found("invalidSesion"),
        "status makes this a NotFound, not a ServerError": lambda: answers.server_error(404),
        "status must be at least 300": lambda: answers.api_error(200),
    }
    for reason, make in refused.items():
        with pytest.raises(ValueError, match=reason):
            make()
