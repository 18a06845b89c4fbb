"""The helpers for users' own tests: the fixtures are those of the plugin, which pytest has loaded by itself."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
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

pytest_plugins = ["pytester"]
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


TESTS = """
import app, asyncio, gc, pytest, sys
from liveperson_engagement import AsyncEngagementClient, EngagementClient

BODY = {"appType": "EXTERNAL"}
REAL = {"base_url": "https://service.invalid"}
"""
"""The beginning of a module of tests."""


@pytest.fixture
def printed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run pytest in this process on tests; every warning is an error. Return what it prints."""
    monkeypatch.setenv("COLUMNS", "150")

    def run(tests: str, *options: str) -> str:
        pytester.makepyfile(
            app="from liveperson_engagement import EngagementClient\nearly = EngagementClient('shop')\n"
        )
        pytester.makepyfile(test_it=TESTS + tests)
        quiet = () if "--asyncio-mode" in options else ("-p", "no:asyncio")  # without settings it warns
        without = ("-p", "no:schemathesis", "-p", "no:cacheprovider", "-p", "no:xdist", *quiet)
        return str(pytester.runpytest_inprocess("-W", "error", *without, *options).stdout)

    return run


def test_example_and_guide_show_all_there_is() -> None:
    """Whoever copies from the example finds every fixture, and the guide every assertion and answer."""
    fixtures = re.findall(r"^\| `(\w+engagement\w*|engagement_\w+)` \|", GUIDE, re.MULTILINE)
    assert len(fixtures) == 5
    example = (EXAMPLE / "test_chat_button.py").read_text()
    assert {name for name in fixtures if f"{name}:" not in example} == set()
    told = [name for kind in (Journal, FakeClock) for name in dir(kind) if re.match("assert_|clear|advance", name)]
    assert {name for name in (*told, *answers.__all__) if f"{name}(" not in GUIDE} == set()


def test_without_fixtures_nothing_of_the_package_is_imported() -> None:
    """The plugin is a module of its own, for those who never ask for a fixture."""
    code = "import pytest, sys; before = set(sys.modules); import liveperson_engagement_pytest"
    code += "; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["liveperson_engagement_pytest"]


@pytest.mark.parametrize("key", ["shopper", None])
def test_either_client_talks_to_the_sandbox_and_never_waits(
    key: str | None,
    either: EngagementClient,
    engagement_sandbox: Sandbox,
    engagement_clock: FakeClock,
    engagement_journal: Journal,
) -> None:
    """The pauses are noted, and their time passes on the clock alone, by which an engagement runs out."""
    engagement_sandbox.fail_next(503, times=2)
    visit = either.visit(key)
    assert visit.create_session(BODY).status == "Available"
    visit.report_impressions("impDisplay")
    engagement_clock.assert_pauses(5, 10)
    assert engagement_clock.now == engagement_clock.time() == 15
    engagement_journal.assert_calls(*[("createSession", status) for status in (503, 503, 200)], "updateSession")
    engagement_journal.assert_impressions("impDisplay")
    assert engagement_journal.assert_one_visitor().account_id == "demo"
    engagement_journal.clear()
    for seconds, calls in ((0, 0), (899, 0), (2, 1)):
        engagement_clock.advance(seconds)
        visit.engagement(BODY)
        engagement_journal.assert_calls(*["continueSession"] * calls)


def test_a_client_of_the_code_under_test_follows_the_clock(
    engagement_sandbox: Sandbox, engagement_clock: FakeClock, engagement_journal: Journal
) -> None:
    """It goes to the sandbox, unless it is given a sleep of its own; a guard's long pauses pass by `advance`."""

    async def ask() -> None:
        async with AsyncEngagementClient() as client:
            await client.visit().create_session(BODY)

    own: list[float] = []
    engagement_sandbox.fail_next(503)
    asyncio.run(ask())
    engagement_sandbox.fail_next(503)
    with EngagementClient(sleep=own.append) as client:
        client.visit().create_session(BODY)
    assert own == [5]
    engagement_journal.clear()
    engagement_sandbox.fail_next(503, times=4)
    with EngagementClient(outage_guard=OutageGuard()) as client:
        for _ in range(2):
            with pytest.raises(ServerError):
                client.visit("shopper").create_session(BODY)
        engagement_journal.assert_calls(*["createSession"] * 4)
        engagement_clock.advance(120)
        client.visit("shopper").create_session(BODY)
    engagement_journal.assert_calls(*["createSession"] * 5)
    engagement_clock.assert_pauses(5, 5, 10, 15)


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


# The journal


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
CALLS, IMPRESSIONS = (f"expected these {what} (- expected, + sent):\n" for what in ("calls", "impressions"))
SENT = "  + updateSession → 503\n  + updateSession → 200\n  + updateSession → 200"
BODY_OF, VALUES = "answered with 200, with that body", "answered with 200, with those values"
PLACE = "\n  requests[2].engagementAttributes[0]: lead"
LEADS = f"{PLACE}.topic is 'upgrade'; expected 'downgrade'{PLACE}.value is 9.5; expected 5{PLACE}.leadId is not there"
SECTIONS = {"consumerSections": ["Support", "English"]}
DIFFER = "requests[0]: consumerSections is ['Support']; expected ['Support', 'English']"
ONE, NONE = (
    "impAttributes[0].engId is 3562981110; expected 1",
    "impAttributes is not there; expected [{'engId': 1}, {}]",
)
FAILURES: list[tuple[str, tuple[Any, ...], str]] = [
    ("nothing_sent", (), "expected that nothing was sent"),
    (
        "calls",
        ("create_session", ("updateSession", None)),
        f"{CALLS}    createSession\n  - updateSession → dropped\n{SENT}",
    ),
    (
        "calls",
        (("createSession", 201), *["updateSession"] * 3),
        f"{CALLS}  - createSession → 201\n  + createSession → 200" + "\n    updateSession" * 3,
    ),
    ("calls", (), f"{CALLS}  + createSession → 200\n{SENT}"),
    ("sent", ("continue_session", {}), f"expected a call of continueSession, {BODY_OF}"),
    ("sent", ("createSession", SECTIONS), f"expected a call of createSession, {BODY_OF}\n  {DIFFER}"),
    (
        "sent",
        ("updateSession", {"impAttributes": [{"engId": 1}, {}]}),
        f"expected a call of updateSession, {BODY_OF}\n  requests[2]: {NONE}\n  requests[3]: {ONE}",
    ),
    (
        "attribute_sent",
        ({"type": "lead", "lead": {"topic": "downgrade", "value": 5, "leadId": "7"}},),
        f"expected an attribute of type lead, {VALUES}{LEADS}; expected '7'",
    ),
    ("attribute_sent", ({"type": "cart", "total": 1},), f"expected an attribute of type cart, {VALUES}"),
    ("impressions", ("impDisplay",), f"{IMPRESSIONS}    impDisplay\n  + impAccept"),
    ("visitors", (2,), "expected 2 on the visitor list, not 1"),
]


@pytest.mark.parametrize(("name", "arguments", "expected"), FAILURES, ids=range(len(FAILURES)))
def test_an_assertion_that_fails_prints_what_differs(
    name: str, arguments: tuple[Any, ...], expected: str, told: Journal
) -> None:
    """It says what was expected, the values that differ, and all that was sent, without ids and other values."""
    with pytest.raises(AssertionError) as failed:
        getattr(told, f"assert_{name}")(*arguments)
    journal = JOURNAL.replace("\n", "\n  ").rstrip()
    assert str(failed.value) == f"{expected}\nthe journal:{journal}"


def test_an_assertion_that_holds_says_nothing(told: Journal, engagement_client: EngagementClient) -> None:
    """What the visit did is what is asserted; after `clear` only what follows, in its place."""
    told.assert_calls("createSession", ("updateSession", 503), ("updateSession", 200), "updateSession")
    told.assert_calls("create_session", ("update_session", 503), *["updateSession"] * 2)
    told.assert_sent("create_session", {"appType": "MSDK"})
    told.assert_sent("createSession", {"consumerSections": ["Support"]})
    told.assert_sent("updateSession", {"engagementAttributes": [{"type": "lead"}]})
    told.assert_attribute_sent(LEAD)
    told.assert_attribute_sent({"type": "lead", "lead": {"value": 9.5}})
    told.assert_impressions("impDisplay", "impAccept")
    told.assert_one_visitor()
    told.assert_visitors(1)
    assert str(told) == JOURNAL.strip()
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
    lines = ["requests[0]: POST → 404", "requests[1]: createSession → 200  (?)", "requests[2]: createSession → dropped"]
    assert str(engagement_journal).splitlines() == lines
    assert repr(engagement_journal) == "<Journal, 3 requests>"
    engagement_journal.assert_impressions()


def test_a_failed_assertion_points_at_the_users_own_line(printed: Callable[..., str]) -> None:
    """The helpers' code is not part of what pytest shows."""
    text = printed(
        "def test_journal(engagement_journal):\n    engagement_journal.assert_one_visitor()\n"
        "def test_clock(engagement_clock):\n    engagement_clock.assert_pauses(5)\n"
    )
    assert "2 failed" in text
    assert re.findall(r"^(\S+\.py):\d+: ", text, re.MULTILINE) == ["test_it.py", "test_it.py"]
    assert (
        "E       AssertionError: expected 1 on the visitor list, not 0\nE       the journal:\nE         nothing" in text
    )
    assert "AssertionError: expected pauses of 5 s, but there were no pauses" in text


def test_an_unknown_operation_is_refused_with_the_nearest_name(engagement_journal: Journal) -> None:
    """In the spelling that was used."""
    for wrong, near in (("createSesion", "createSession"), ("update_sessions", "update_session")):
        match = re.escape(f"operation: the contract has no operation {wrong}; did you mean {near}?")
        with pytest.raises(ValueError, match=match):
            engagement_journal.assert_calls(wrong)
        with pytest.raises(ValueError, match=match):
            engagement_journal.assert_sent(wrong, {})


# The plugin


def test_an_instruction_that_was_never_used_is_an_error(printed: Callable[..., str]) -> None:
    """The test did not try what it says; unless it failed anyway, was skipped, or says that it is meant."""
    tests = """
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
    text = printed(tests)
    assert re.search(r"1 failed, 3 passed, 1 skipped, 1 xfailed, 1 error in", text), text
    left = "fail_next(503, times=2, operation='createSession'), slow(1.5), play() with 1 left"
    hint = "plan what the test uses, or end it with engagement_sandbox.reset()"
    assert f"\nengagement_sandbox: no request met {left}; {hint}\n" in text
    assert text.count("no request met") == 2  # the section, and the summary


@pytest.mark.parametrize("how", ["setting", "option", "neither"])
def test_no_host_but_this_machine_is_called(how: str, printed: Callable[..., str], pytester: pytest.Pytester) -> None:
    """Whatever makes the client, and before anything is sent; code that catches exceptions does not hide it."""
    pytester.makeini(f"[pytest]\nengagement_only_sandbox = {str(how == 'setting').lower()}\n")
    tests = """
seen = []

def ask(client):
    with client:
        try:
            client.visit().create_session(BODY)
        except Exception:
            pass

async def note(event):
    seen.append(event)

async def ask_async(client):
    async with client:
        await client.visit().create_session(BODY)

def test_import():
    ask(app.early.with_options(base_url="https://service.invalid"))

def test_domain_api():
    ask(EngagementClient("shop", domain_api="https://domains.invalid"))

def test_other_hook():
    ask(EngagementClient("shop", on_request=seen.append).with_options(on_request=seen.append, **REAL))

def test_async():
    asyncio.run(ask_async(AsyncEngagementClient("shop", on_request=note, **REAL)))

def test_sandbox(engagement_client, engagement_sandbox):
    ask(engagement_client.with_options(on_request=seen.append))
    ask(EngagementClient("shop", base_url=None, domain_api=engagement_sandbox.url))
    assert len(engagement_sandbox.visitors) == 2
    assert [event.operation_id for event in seen][-1:] == ["createSession"]
"""
    options = {"setting": [], "option": ["--engagement-only-sandbox"], "neither": ["-k", "sandbox"]}[how]
    text = printed(tests, *options)
    assert re.search("1 passed, 4 deselected in" if how == "neither" else "4 failed, 1 passed in", text), text
    if how != "neither":
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


# Ready answers and errors


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
    session = answers.available(skill_name="Sales", valid_for_seconds=5, visitor_id="v", connector_id=2**53 + 1)
    assert isinstance(session, AvailableSession)
    differing = session.engagement_details
    assert (differing.skill_name, differing.valid_for_seconds, session.visitor_id) == ("Sales", 5, "v")
    assert differing.connector_id == 2**53 + 1
    assert answers.available(engagement_details=differing, language="fr").engagement_details.skill_name == "Sales"
    assert answers.not_available(page_id="7").page_id == "7"
    with pytest.raises(ValueError, match=r"no such answer: engagementDetails\.validForSeconds: must be of type number"):
        answers.available(valid_for_seconds="soon")
    for make, name in ((answers.available, "skill_nam"), (answers.not_available, "skill_name")):
        with pytest.raises(TypeError, match=name):
            make(**{name: "Sales"})


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


def test_there_is_a_ready_error_for_every_class(caplog: pytest.LogCaptureFixture) -> None:
    """As a client raises it: its attempts, its one line, fit for a pickle; making it leaves no line in the log."""
    caplog.set_level("DEBUG")
    tree = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EngagementError)}
    assert tree - {EngagementError} == READY.keys()  # the base class is never raised
    for kind, (make, attempts) in READY.items():
        error = make()
        assert (type(error), error.attempts, error.__traceback__) == (kind, attempts, None)
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
    assert answers.connection_failed(may_have_arrived=True).attempts == 1
    assert answers.timeout(may_have_arrived=False).attempts == 4
    assert isinstance(answers.deadline_exceeded(60).__cause__, ServerError)
    assert isinstance(answers.domain_lookup_failed(400).__cause__, errors.BadRequest)
    refused: dict[str, Callable[[], object]] = {
        "example must be one of invalidVisitor, invalidSession, unk": lambda: answers.not_found("invalidSesion"),
        "example must be one of none for status 429": lambda: answers.api_error(429, "invalidSession"),
        "status makes this a NotFound, not a ServerError": lambda: answers.server_error(404),
        "status must be at least 300": lambda: answers.api_error(200),
    }
    for reason, make in refused.items():
        with pytest.raises(ValueError, match=reason):
            make()


def test_the_core_knows_nothing_of_the_helpers() -> None:
    """Deleting the folder leaves the rest working."""
    package = ROOT / "wrapper/liveperson_engagement"
    others = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] != "testing"]
    assert len(others) > 20
    assert [path.name for path in others if re.search(r"^\s*(from|import) .*\btesting\b", path.read_text(), re.M)] == []
