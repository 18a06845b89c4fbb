"""The shop's page of the FastAPI example, in a real browser whose time can be sent forward."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import Tab
from liveperson_engagement.sandbox import Sandbox
from program import reported, started


class Shopper:
    """Somebody who looks at the shop."""

    def __init__(self, browser: Browser, shop: str) -> None:
        self.tab = Tab(browser, f"{shop}/openapi.json")  # a page that asks for nothing
        self.page = self.tab.page
        self.page.clock.install()
        self.button = self.page.get_by_role("button", name="Click to Chat")
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


def settle(page: Page, before: int | None) -> None:
    """Wait until the page has asked, which gives it another timer than before, and holds no lock to report with."""
    page.wait_for_function("before => timer !== undefined && timer !== before", arg=before)
    page.evaluate("navigator.locks.request('report', () => {})")


@pytest.fixture(scope="module")
def shop(running_sandbox: Sandbox) -> Iterator[str]:
    """Serve the shop, on the sandbox of all tests; give its URL."""
    with started("fastapi_app", "--port", 0, url=running_sandbox.url) as program:
        yield program.said(r"running on (http://127\.0\.0\.1:\d+)")


@pytest.fixture
def shopper(browser: Browser, shop: str, sandbox: Sandbox) -> Iterator[Shopper]:
    """Open the shop while nobody can chat; what the sandbox offers is then valid for no time."""
    sandbox.valid_for_seconds = 0
    sandbox.not_available()
    somebody = Shopper(browser, shop)
    expect(somebody.button).to_be_hidden()
    sandbox.available()
    yield somebody
    assert (somebody.tab.problems, somebody.tab.outside) == ([], [])
    somebody.page.close()


def test_the_button_comes_and_goes_with_the_engagement(shopper: Shopper, sandbox: Sandbox) -> None:
    """And says so to those who hear the page; a keyboard's place is not lost with it. A failure takes it away too."""
    shopper.waits(30)
    expect(shopper.button).to_be_visible()
    expect(shopper.page.get_by_role("status")).to_have_text("Chat is available")
    shopper.button.focus()
    sandbox.not_available()
    shopper.waits(5)
    expect(shopper.button).to_be_hidden()
    expect(shopper.page.get_by_role("status")).to_have_text("Chat is not available now")
    expect(shopper.page.get_by_role("heading", level=1)).to_be_focused()
    sandbox.available()
    shopper.waits(30)
    sandbox.fail_next(503)
    shopper.waits(5)
    expect(shopper.button).to_be_hidden()
    shopper.waits(30)
    expect(shopper.button).to_be_visible()


def test_each_offer_is_reported_once(shopper: Shopper, sandbox: Sandbox) -> None:
    """However often it is asked for, clicked, loaded or opened; that of a new session is another one."""

    def accepted() -> dict[str, int]:
        return reported(each.body for each in sandbox.requests if each.status == 200)

    sandbox.fail_next(503, operation="updateSession")  # and what could not be reported is reported later
    shopper.waits(30)
    [problem] = shopper.tab.problems
    assert problem.startswith("Failed to load resource: the server responded with a status of 503")
    shopper.tab.problems.clear()
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
    assert (accepted(), len(sandbox.visitors)) == ({"impDisplay": 1, "impAccept": 1}, 1)
    sandbox.expire_sessions()
    shopper.waits(5)
    assert accepted() == {"impDisplay": 2, "impAccept": 1}


def test_a_shopper_is_kept_by_a_cookie(browser: Browser, shop: str, sandbox: Sandbox) -> None:
    """Nobody can guess it, no script read it, no other site use it; each browser is one visitor, and none without."""
    shoppers = [Shopper(browser, shop) for _ in range(2)]
    cookies = [cookie for shopper in shoppers for cookie in shopper.page.context.cookies()]
    kinds = [(each.get("name"), each.get("httpOnly"), each.get("sameSite")) for each in cookies]
    assert kinds == [("shopper", True, "Lax")] * 2
    assert [len(value) for value in {each.get("value", "") for each in cookies}] == [43, 43]
    for shopper in shoppers:
        shopper.look()
        assert shopper.page.evaluate("document.cookie") == ""
        shopper.page.close()
    assert len(sandbox.visitors) == 2
    sandbox.reset()
    with httpx.Client(base_url=shop) as client:
        for cookie in ("", "shopper=1", f"shopper={'x' * 42}/"):
            answer = client.get("/chat", headers={"Cookie": cookie})
            assert answer.json() == {"show": False, "engagementId": None, "offer": None, "validForSeconds": None}
            assert answer.headers["cache-control"] == "no-store"
            assert client.post("/chat/impDisplay", headers={"Cookie": cookie}).status_code == 422
    assert sandbox.requests == ()
