"""Each example, started by its one command as a user starts it, and used as a user uses it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect

from browser import Tab, chromium
from checkout import ROOT
from liveperson_engagement import SQLiteStore
from liveperson_engagement.sandbox import Sandbox

EXAMPLES = ROOT / "examples"
SERVING = r"running on (http://127\.0\.0\.1:\d+)"
ENGAGEMENT_ID = "3562981110"
"""Of the contract's example, which the sandbox answers with."""


class Program:
    """A running example: `said` waits for words of either stream, `say` types a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._read = 0
        streams = ((process.stdout, self.stdout), (process.stderr, self.stderr))
        self._readers = [threading.Thread(target=_collect, args=each) for each in streams]
        for reader in self._readers:
            reader.start()

    def say(self, line: str) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def said(self, pattern: str) -> str:
        """Wait for what either stream has said at any time; return the first group."""
        found: re.Match[str] | None = None

        def look() -> bool:
            nonlocal found
            found = re.search(pattern, "".join(self.stderr + self.stdout))
            return found is not None

        self._until(look)
        return found[1] if found and found.groups() else ""

    def shows(self, text: str) -> None:
        """Wait for the next line of stdout, and compare it."""
        self._until(lambda: len(self.stdout) > self._read)
        assert self.stdout[self._read].strip() == text
        self._read += 1

    def ends(self, within: float = 20) -> int:
        """Wait for the end; return the exit status."""
        status = self.process.wait(within)
        for reader in self._readers:
            reader.join(5)
        return status

    def _until(self, holds: Callable[[], object]) -> None:
        until(holds, lambda: f"{''.join(self.stdout)}\n{''.join(self.stderr)}")


def _collect(stream: Any, lines: list[str]) -> None:
    lines.extend(stream)


def until(holds: Callable[[], object], why: Callable[[], str] = lambda: "it did not happen") -> None:
    """Wait until something holds."""
    ends = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends, why()
        time.sleep(0.01)


@contextlib.contextmanager
def started(*command: object, url: str | None = None) -> Generator[Program, None, None]:
    """Start an example; at `url` is the sandbox that it is to use, if it has none of its own."""
    service = {} if url is None else {"LIVEPERSON_ACCOUNT_ID": "demo", "LIVEPERSON_BASE_URL": url}
    name, *arguments = command
    with subprocess.Popen(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, arguments)],
        env={**os.environ, **service, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        program = Program(process)
        try:
            yield program
        finally:
            process.kill()
            program.ends()


def sandbox_of(program: Program) -> httpx.Client:
    """Connect to the sandbox that an example has started."""
    return httpx.Client(base_url=program.said(r"Sandbox: (http://127\.0\.0\.1:\d+/sandbox/)"))


def reported(bodies: Iterable[Any]) -> Counter[str]:
    """Count the impressions in the bodies of requests, by kind."""
    return Counter(event["type"] for body in bodies if body for event in body.get("impAttributes", ()))


def arrived(service: Sandbox | httpx.Client) -> list[Any]:
    """Give the bodies of all requests that a sandbox has got, of this process or of another."""
    if isinstance(service, Sandbox):
        return [each.body for each in service.requests]
    return [each["body"] for each in service.get("requests").json()]


def module(name: str) -> Any:
    """Import an example."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


# FastAPI, and the page


class Shopper:
    """Somebody who looks at the shop, in a browser whose time can be sent forward."""

    def __init__(self, browser: Browser, shop: str, **size: int) -> None:
        self.tab = Tab(browser, f"{shop}/openapi.json", **size)  # a page that asks for nothing
        self.page = self.tab.page
        self.page.clock.install()
        self.asked = 0
        self.page.on("request", self._count)
        self._shop = shop
        self.look()

    def look(self) -> None:
        """Load the page."""
        self.page.goto(self._shop)
        settle(self.page, None)

    def waits(self, seconds: float) -> None:
        """Let the page's time pass, until it has asked once more."""
        before = self.page.evaluate("timer")
        self.page.clock.fast_forward(round(seconds * 1000))
        settle(self.page, before)

    def sees(self, seen: bool) -> None:
        """Turn to another tab, or back to the page."""
        hidden = json.dumps(not seen)
        self.page.evaluate(
            f"Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )

    @property
    def button(self) -> Locator:
        """Find the button."""
        return self.page.get_by_role("button", name="Click to Chat")

    def _count(self, request: Request) -> None:
        self.asked += request.url.endswith("/chat")


def settle(page: Page, before: int | None) -> None:
    """Wait until the page has asked, which gives it another timer than before, and has reported what there was."""
    page.wait_for_function("before => timer !== undefined && timer !== before", arg=before)
    finish_reports(page)


def finish_reports(page: Page) -> None:
    """Wait until the page has nothing left to report: it holds a lock meanwhile."""
    page.evaluate("navigator.locks.request('report', () => {})")


@pytest.fixture(scope="class")
def browser() -> Iterator[Browser]:
    """Start it."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="class")
def shop(running_sandbox: Sandbox) -> Iterator[str]:
    """Serve the shop, on the sandbox of all tests; give its URL."""
    with started("fastapi_app", "--port", 0, url=running_sandbox.url) as program:
        yield program.said(SERVING)


@pytest.fixture
def shopper(browser: Browser, shop: str, sandbox: Sandbox) -> Iterator[Shopper]:
    """Open the shop while nobody can chat; what the sandbox offers is then valid for no time."""
    sandbox.valid_for_seconds = 0
    sandbox.not_available()
    somebody = Shopper(browser, shop)
    yield somebody
    assert somebody.tab.problems == []
    assert somebody.tab.outside == []
    somebody.page.close()


class TestShop:
    """The page in a real browser, which is closed before other tests run event loops of their own."""

    def test_the_shop_runs_with_one_command(self, browser: Browser) -> None:
        """No button; then one, which reports that it was shown and clicked, once each."""
        with started("fastapi_app", "--sandbox", "--port", 0) as program, sandbox_of(program) as controls:
            controls.post("not_available")
            shopper = Shopper(browser, program.said(SERVING))
            expect(shopper.button).to_be_hidden()
            controls.post("available")
            shopper.waits(30)
            expect(shopper.button).to_be_visible()
            assert reported(arrived(controls)) == {"impDisplay": 1}
            shopper.button.click()
            expect(shopper.page.get_by_role("dialog")).to_contain_text(f"for engagement {ENGAGEMENT_ID}.")
            finish_reports(shopper.page)
            assert reported(arrived(controls)) == {"impDisplay": 1, "impAccept": 1}
            assert len(controls.get("visitors").json()) == 1
            assert shopper.tab.problems == []
            shopper.page.close()

    def test_the_button_comes_and_goes_with_the_engagement(self, shopper: Shopper, sandbox: Sandbox) -> None:
        """And says so to those who hear the page; a keyboard's place on the page is not lost with it."""
        expect(shopper.button).to_be_hidden()
        sandbox.available()
        shopper.waits(30)
        expect(shopper.button).to_be_visible()
        expect(shopper.page.get_by_role("status")).to_have_text("Chat is available")
        shopper.button.focus()
        sandbox.not_available()
        shopper.waits(5)
        expect(shopper.button).to_be_hidden()
        expect(shopper.page.get_by_role("status")).to_have_text("Chat is not available now")
        expect(shopper.page.get_by_role("heading", level=1)).to_be_focused()

    def test_a_failure_of_the_service_takes_the_button_away(self, shopper: Shopper, sandbox: Sandbox) -> None:
        """Soon, and without an error on the page; it comes back."""
        sandbox.available()
        shopper.waits(30)
        sandbox.fail_next(503)
        shopper.waits(5)
        expect(shopper.button).to_be_hidden()
        shopper.waits(30)
        expect(shopper.button).to_be_visible()

    def test_each_offer_is_reported_once(self, shopper: Shopper, sandbox: Sandbox) -> None:
        """However often it is asked for, clicked, loaded or opened; that of a new session is another one."""
        sandbox.available()
        shopper.waits(30)
        for _ in range(2):
            shopper.button.click()
            shopper.page.get_by_role("button", name="Close").click()
            shopper.waits(5)
        shopper.look()
        expect(shopper.button).to_be_visible()
        with shopper.page.expect_popup() as opened:
            shopper.page.evaluate("open('/')")
        settle(opened.value, None)
        expect(opened.value.get_by_role("button", name="Click to Chat")).to_be_visible()
        assert reported(arrived(sandbox)) == {"impDisplay": 1, "impAccept": 1}
        assert len(sandbox.visitors) == 1

        sandbox.expire_sessions()
        shopper.waits(5)
        assert reported(arrived(sandbox)) == {"impDisplay": 2, "impAccept": 1}

    def test_a_report_that_failed_is_made_later(self, shopper: Shopper, sandbox: Sandbox) -> None:
        """After the next question, and then no more."""
        sandbox.available()
        sandbox.fail_next(503, operation="updateSession")
        shopper.waits(30)
        assert [re.sub(r" \(.*", "", problem) for problem in shopper.tab.problems] == [
            "Failed to load resource: the server responded with a status of 503"
        ]
        shopper.tab.problems.clear()
        for _ in range(2):
            shopper.waits(5)
        assert reported(each.body for each in sandbox.requests if each.status == 200) == {"impDisplay": 1}

    def test_an_id_keeps_its_digits(self, shopper: Shopper, sandbox: Sandbox) -> None:
        """Beyond 2^53, where JavaScript's numbers would round it."""
        details = {
            **dict.fromkeys(("campaignId", "engagementId"), 9007199254740993),
            **{"contextId": "1", "windowId": "2", "language": "en-US", "engagementRevision": 3, "validForSeconds": 0},
        }
        session = {
            "status": "Available",
            "visitorId": "v",
            "sessionId": "s",
            "pageId": "p",
            "engagementDetails": details,
        }
        sandbox.answer_next(200, json.dumps(session))
        sandbox.answer_next(200, operation="updateSession", times=2)
        shopper.waits(30)
        shopper.button.click()
        expect(shopper.page.get_by_role("dialog")).to_contain_text("engagement 9007199254740993.")
        finish_reports(shopper.page)
        [body, _] = [each.body for each in sandbox.requests if each.operation_id == "updateSession"]
        assert body["impAttributes"][0]["engId"] == 9007199254740993

    def test_a_page_that_nobody_sees_does_not_ask(self, shopper: Shopper) -> None:
        """It asks as soon as it is seen, but not each time if that is often."""

        shopper.sees(False)
        shopper.page.clock.fast_forward(600_000)
        shopper.page.evaluate("fetch('openapi.json').then(() => {})")  # what was asked before this is counted by now
        assert shopper.asked == 1
        before = shopper.page.evaluate("timer")
        shopper.sees(True)
        settle(shopper.page, before)
        assert shopper.asked == 2
        for seen in (False, True, False, True):
            shopper.sees(seen)
        assert shopper.asked == 2
        shopper.waits(5)
        assert shopper.asked == 3

    def test_the_button_is_reached_and_left_by_keyboard(self, shopper: Shopper, sandbox: Sandbox) -> None:
        """Tab, Enter, Escape."""
        sandbox.available()
        shopper.waits(30)
        expect(shopper.button).to_be_visible()
        shopper.page.keyboard.press("Tab")
        expect(shopper.button).to_be_focused()
        assert shopper.button.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
        shopper.page.keyboard.press("Enter")
        expect(shopper.page.get_by_role("dialog", name="Hello!")).to_be_visible()
        shopper.page.keyboard.press("Escape")
        expect(shopper.page.get_by_role("dialog")).to_be_hidden()
        expect(shopper.button).to_be_focused()

    @pytest.mark.parametrize(("width", "height"), [(1280, 800), (360, 640)])
    def test_the_shop_fits_the_screen(
        self, browser: Browser, shop: str, sandbox: Sandbox, width: int, height: int
    ) -> None:
        """Nothing is cut off at the side, and the button covers no text when the page is at its end."""
        sandbox.available()
        shopper = Shopper(browser, shop, width=width, height=height)
        expect(shopper.button).to_be_in_viewport(ratio=1)
        assert shopper.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shopper.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        text, button = shopper.page.locator("main p").last.bounding_box(), shopper.button.bounding_box()
        assert text is not None
        assert button is not None
        assert text["y"] + text["height"] <= button["y"] or text["x"] + text["width"] <= button["x"]
        shopper.page.close()

    def test_a_shopper_is_kept_by_a_cookie_that_no_script_can_read(
        self, browser: Browser, shop: str, sandbox: Sandbox
    ) -> None:
        """Nobody can guess it, and another site cannot use it; each browser is one visitor."""
        shoppers = [Shopper(browser, shop) for _ in range(2)]
        cookies = [shopper.page.context.cookies() for shopper in shoppers]
        kinds = [[(each.get("name"), each.get("httpOnly"), each.get("sameSite")) for each in jar] for jar in cookies]
        assert kinds == [[("shopper", True, "Lax")]] * 2
        values = {jar[0].get("value", "") for jar in cookies}
        assert {len(value) for value in values} == {43}
        assert len(values) == 2
        for shopper in shoppers:
            shopper.look()
            assert shopper.page.evaluate("document.cookie") == ""
            shopper.page.close()
        assert len(sandbox.visitors) == 2

    def test_without_its_cookie_nobody_becomes_a_visitor(self, shop: str, sandbox: Sandbox) -> None:
        """A browser that keeps none would be a new one with each question; one that was made up counts as none."""
        with httpx.Client(base_url=shop) as client:
            for headers in ({}, {"Cookie": "shopper=1"}, {"Cookie": f"shopper={'x' * 42}/"}):
                answer = client.get("/chat", headers=headers)
                assert answer.json() == {"show": False, "engagementId": None, "offer": None, "validForSeconds": None}
                assert answer.headers["cache-control"] == "no-store"
                assert client.post("/chat/impDisplay", headers=headers).status_code == 422
            assert sandbox.requests == ()


# Django


def test_the_django_view_runs_with_one_command(sandbox: Sandbox) -> None:
    """It answers from memory, and reports; each shopper is one visitor."""
    with started("django_app", "--sandbox", 0) as program, sandbox_of(program) as controls:
        url = program.said(r"server at (http://127\.0\.0\.1:\d+)/")
        with httpx.Client(base_url=url) as client:
            shown = {"show": True, "engagementId": ENGAGEMENT_ID}
            assert [client.get("/engagement/shopper-42").json() for _ in range(3)] == [shown] * 3
            assert client.post("/engagement/shopper-42/impressions/impDisplay").status_code == 204
            controls.post("not_available")
            assert client.get("/engagement/shopper-43").json() == {"show": False, "engagementId": None}
            assert reported(arrived(controls)) == {"impDisplay": 1}
            assert len(controls.get("visitors").json()) == 2
    assert sandbox.requests == ()


# The desktop

BUTTON = "Click to Chat    (type chat)"
CHAT = "Your chat window opens here."


def test_the_desktop_app_runs_with_one_command() -> None:
    """The button, a click, the end."""
    with started("desktop_app", "--sandbox") as program, sandbox_of(program) as controls:
        program.shows(BUTTON)
        program.say("chat")
        program.shows(CHAT)
        until(lambda: reported(arrived(controls)) == {"impDisplay": 1, "impAccept": 1})
        program.say("quit")
        assert program.ends() == 0


def test_the_life_of_a_desktop_app(tmp_path: Path) -> None:
    """The button comes and goes; offline it ends at once; its next start goes on as the same visitor."""
    options = ("--visits", tmp_path / "visits.db", "--every", 0.05)
    with Sandbox(valid_for_seconds=0) as sandbox:
        with started("desktop_app", *options, url=sandbox.url) as program:
            program.shows(BUTTON)
            sandbox.not_available()
            program.shows("No chat: not available")
            program.say("chat")
            program.shows("Type quit, or chat while there is a button.")
            sandbox.available()
            program.shows(BUTTON)
            for _ in range(2):
                program.say("chat")
                program.shows(CHAT)
            until(lambda: reported(arrived(sandbox)) == {"impDisplay": 1, "impAccept": 1})
            sandbox.stop()
            program.shows("No chat: offline")  # and pauses for seconds before it tries again
            program.say("quit")
            assert program.ends(within=4) == 0
        assert (reported(arrived(sandbox)), program.stderr) == ({"impDisplay": 1, "impAccept": 1}, [])

        sandbox.start()
        with started("desktop_app", *options, url=sandbox.url) as program:
            program.shows(BUTTON)
            program.say("quit")
            assert program.ends() == 0
        [visitor] = sandbox.visitors
        assert len(visitor.sessions) == 1

        sandbox.forget_visitors()
        with started("desktop_app", *options, url=sandbox.url) as program:
            program.shows(BUTTON)
        assert len(sandbox.visitors) == 1


def test_a_desktop_app_never_waits_for_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it hangs, a start, a click and a stop take no time, and a stop lets go of the visit."""
    with Sandbox() as sandbox:
        monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", "demo")
        monkeypatch.setenv("LIVEPERSON_BASE_URL", sandbox.url)
        sandbox.slow(30)
        states: list[str] = []
        began = time.monotonic()
        with module("desktop_app").ChatButton(tmp_path / "visits.db", states.append) as button:
            until(lambda: sandbox.requests)
            button.displayed()
            button.clicked()
        assert time.monotonic() - began < 5
        assert states == []
        with SQLiteStore(tmp_path / "visits.db") as store:
            assert store.acquire("demo:the user of this computer", "next", 0, 30)


def test_a_desktop_app_comes_back_online(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the documented pauses, and without a second visitor."""
    with Sandbox(valid_for_seconds=0) as sandbox:
        monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", "demo")
        monkeypatch.setenv("LIVEPERSON_BASE_URL", sandbox.url)
        pauses: list[float] = []
        states: list[str] = []

        async def note(seconds: float) -> None:
            pauses.append(seconds)

        with module("desktop_app").ChatButton(tmp_path / "visits.db", states.append, every=0.01, sleep=note):
            until(lambda: states == ["available"])
            sandbox.drop_connection(times=3)
            until(lambda: states == ["available", "offline", "available"])
            sandbox.fail_next(503, times=4)
            until(lambda: states[3:] == ["not available", "available"])
        assert pauses == [5, 10, 15] * 2
        assert len(sandbox.visitors) == 1


# The batch


def write(path: Path, *rows: str) -> Path:
    """Write a file of visits."""
    path.write_text("\n".join(["customer,topic,value,currency", *rows]) + "\n")
    return path


def customers(number: int) -> list[str]:
    """Make rows up."""
    return [f"c-{each},upgrade,{each}.5,USD" for each in range(number)]


def leads(sandbox: Sandbox) -> list[Any]:
    """Give the value of each visitor's last lead."""
    sessions = [visitor.sessions[-1] for visitor in sandbox.visitors]
    return sorted(session.attributes[-1]["lead"]["value"] for session in sessions)


def test_the_batch_runs_with_one_command() -> None:
    """The bar is not in the way of the outcome."""
    with started("batch_update", "--sandbox", "--rate", 1000) as program:
        assert program.ends() == 0
    assert program.stdout == ["60 rows done, 0 done before, 0 failed, of 60.\n"]
    assert re.search("━ 60/60 0 failed", "".join(program.stderr))


def test_each_row_becomes_a_visitor_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """What is done is not sent again; more news of the same customers goes to the visitors that they are."""
    options = ("--rate", 1000, "--state", tmp_path / "state", "--concurrency", 4)
    file = write(tmp_path / "visits.csv", *customers(40))
    sandbox.slow(0.2, times=4)
    with started("batch_update", file, *options, url=sandbox.url) as program:
        assert program.ends() == 0
    assert leads(sandbox) == [each + 0.5 for each in range(40)]
    assert [each.operation_id for each in sandbox.requests] == ["createSession"] * 40
    assert 2 <= len({each.caller for each in sandbox.requests}) <= 4  # connections, as many as there are calls at once

    write(file, *customers(40), *[row.replace(".5", ".75") for row in customers(40)])
    with started("batch_update", file, *options, url=sandbox.url) as program:
        assert program.ends() == 0
    assert program.stdout == ["40 rows done, 40 done before, 0 failed, of 80.\n"]
    assert leads(sandbox) == [each + 0.75 for each in range(40)]
    assert [each.operation_id for each in sandbox.requests[40:]] == ["updateSession"] * 40


def test_rows_that_are_wrong_are_noted_and_can_be_mended(sandbox: Sandbox, tmp_path: Path) -> None:
    """By line and place, without a word of what stands there; the others are done."""
    wrong = ["c-7,upgrade,much,USD", ",upgrade,1,USD", "c-8,upgrade,nan,USD", "c-9"]
    file, options = tmp_path / "visits.csv", ("--rate", 1000, "--state", tmp_path / "state")
    with started("batch_update", write(file, *customers(3), *wrong), *options, url=sandbox.url) as program:
        assert program.ends() == 1
    assert program.stdout[:1] + [line.partition(": must")[0] for line in program.stdout[1:]] == [
        "3 rows done, 0 done before, 4 failed, of 7.\n",
        "line 5: value",
        "line 6: customer: is required\n",
        "line 7: engagementAttributes[0].lead.value",
        "line 8: value",
    ]
    assert not re.search("c-|much|upgrade|nan", "".join(program.stdout))

    mended = write(file, *customers(3), *[f"c-{each},upgrade,{each},USD" for each in range(6, 10)])
    with started("batch_update", mended, *options, url=sandbox.url) as program:
        assert program.ends() == 0
    assert program.stdout == ["4 rows done, 3 done before, 0 failed, of 7.\n"]
    assert len(sandbox.visitors) == 7


def test_a_visit_that_the_service_has_ended_starts_anew(sandbox: Sandbox, tmp_path: Path) -> None:
    """The news arrives all the same."""
    options = ("--rate", 1000, "--state", tmp_path / "state")
    for value in (1.5, 2.5):
        sandbox.expire_sessions()
        file = write(tmp_path / "visits.csv", f"c-1,upgrade,{value},USD")
        with started("batch_update", file, *options, url=sandbox.url) as program:
            assert program.ends() == 0
    assert leads(sandbox) == [1.5, 2.5]


class Batch:
    """Runs the batch in this process, in no time."""

    def __init__(self, sandbox: Sandbox, folder: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setenv("LIVEPERSON_ACCOUNT_ID", "demo")
        patch.setenv("LIVEPERSON_BASE_URL", sandbox.url)
        self._folder = folder
        self.pauses: list[float] = []

    def run(self, rows: list[str], state: str, rate: float = 1000) -> int:
        """Run it; its pauses are noted."""

        async def note(seconds: float) -> None:
            self.pauses.append(seconds)

        file, before = write(self._folder / "visits.csv", *rows), signal.getsignal(signal.SIGINT)
        options = ["--state", str(self._folder / state), "--rate", str(rate)]
        try:
            status: int = module("batch_update").main([str(file), *options], sleep=note)
        finally:
            signal.signal(signal.SIGINT, before)
        return status


@pytest.fixture
def batch(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Batch:
    """Prepare to run it."""
    return Batch(sandbox, tmp_path, monkeypatch)


def test_rows_begin_at_the_rate_and_failures_of_the_service_slow_them_down(batch: Batch, sandbox: Sandbox) -> None:
    """One a second: the last of 30 begins within 29 seconds. Two failures, and it begins much later."""
    assert batch.run(customers(30), "first", rate=1) == 0
    assert 20 < max(batch.pauses) <= 29
    batch.pauses.clear()
    sandbox.fail_next(503, times=2)
    assert batch.run(customers(30), "second", rate=1) == 0
    assert max(batch.pauses) > 34
    assert len(sandbox.visitors) == 60


def test_an_outage_stops_it_and_the_next_run_goes_on(
    batch: Batch, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """It does not send all rows to a service that is down; in the end each row is one visitor."""
    assert batch.run(customers(10), "state") == 0
    sandbox.fail_next(503, times=1000)
    assert batch.run(customers(60), "state") == 3
    sent = len(sandbox.requests) - 10
    assert 5 * 4 <= sent <= (5 + 8) * 4
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "Stopped, as 5 rows in a row failed: try again later."
    assert [re.sub(r"\[503\] .* after", "[503] after", line) for line in lines[2:-1]] == [
        f"line {number}: [503] after 4 attempts" for number in range(12, 12 + sent // 4)
    ]
    sandbox.reset()
    assert batch.run(customers(60), "state") == 0
    assert len(sandbox.visitors) == 50


def test_ctrl_c_lets_the_calls_under_way_end(sandbox: Sandbox, tmp_path: Path) -> None:
    """So that the next run makes no visitor twice."""
    file, options = write(tmp_path / "visits.csv", *customers(60)), ("--state", tmp_path / "state", "--rate")
    with started("batch_update", file, *options, 50, url=sandbox.url) as program:
        until(lambda: len(sandbox.visitors) >= 10)
        sandbox.slow(0.2, times=4)
        program.process.send_signal(signal.SIGINT)
        assert program.ends() == 3
    assert program.stdout[-1] == "Stopped, as you asked.\n"
    assert len(sandbox.visitors) == int(program.stdout[0].split()[0]) < 60
    with started("batch_update", file, *options, 1000, url=sandbox.url) as program:
        assert program.ends() == 0
    assert len(sandbox.visitors) == 60


def test_what_cannot_begin_says_why_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is none, one without a column, an account that is missing."""
    monkeypatch.delenv("LIVEPERSON_ACCOUNT_ID", raising=False)
    monkeypatch.chdir(tmp_path)
    short = tmp_path / "short.csv"
    short.write_text("customer,topic\n")
    main, before = module("batch_update").main, signal.getsignal(signal.SIGINT)
    said: list[str] = []
    for arguments in ([str(tmp_path / "none.csv")], [str(short)], []):
        assert main(arguments) == 2
        output = capsys.readouterr()
        assert output.out == ""
        said.append(output.err.strip().splitlines()[-1])
    signal.signal(signal.SIGINT, before)
    assert re.fullmatch(r".*No such file.*none\.csv'", said[0])
    assert said[1] == f"{short}: column value is missing; it needs customer, topic, value, currency"
    assert said[2] == "account_id: is required: pass it, or set LIVEPERSON_ACCOUNT_ID"
