"""The sandbox's front page in a real browser: what a client does appears by itself, and what a button says happens."""

from __future__ import annotations

import json
import shlex
import subprocess
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Locator

from browser import Tab, chromium
from checkout import ROOT
from liveperson_engagement import EngagementClient
from liveperson_engagement.sandbox import Sandbox

BODY: Any = {"appType": "EXTERNAL"}
LEAD: Any = {"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]}
VISITORS = "/api/account/demo/app/engagement/visitors/"
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([red, green, blue]) => [red, green, blue]
    .map((part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const color = rgb(getComputedStyle(node).backgroundColor);
      if (color[3] === 255) return color;
    }
    return rgb("white");
  };
  const low = [];
  for (const node of document.querySelectorAll("body *")) {
    const text = [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!text || !node.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) low.push(`${node.tagName}.${node.className} ${node.textContent.slice(0, 20)}`);
  }
  return low;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one browser for all pages."""
    with chromium() as running:
        yield running


@pytest.fixture
def tab(browser: Browser, sandbox: Sandbox) -> Iterator[Tab]:
    """Open the front page, and find no error on it at the end."""
    opened = Tab(browser, sandbox.url)
    opened.page.get_by_text("Live", exact=True).wait_for()
    yield opened
    assert (opened.problems, opened.outside) == ([], [])
    opened.page.close()


@pytest.fixture
def pauses() -> list[float]:
    """Note the client's pauses."""
    return []


@pytest.fixture
def client(sandbox: Sandbox, pauses: list[float]) -> Iterator[EngagementClient]:
    """Connect a client whose pauses take no time."""
    with EngagementClient("demo", base_url=sandbox.url, sleep=pauses.append) as running:
        yield running


def rows(tab: Tab, count: int) -> list[str]:
    """Wait until the page shows so many requests, and read them, newest first."""
    tab.page.locator(f"#requests > li:nth-child({count})").wait_for()
    found = [" ".join(each.split()) for each in tab.page.locator("#requests > li").all_inner_texts()]
    assert len(found) == count
    return found


def press(tab: Tab, name: str) -> None:
    """Press a button, and wait until it has been done."""
    tab.page.get_by_role("button", name=name, exact=True).click()
    tab.page.get_by_text(f"{name}: done").wait_for()


def open_all(tab: Tab) -> None:
    """Open every request, and wait until its contents are there."""
    for each in tab.page.locator("#requests details").all():
        each.locator("summary").click()
        each.locator("pre").first.wait_for()


def row(tab: Tab, text: str) -> Locator:
    """Find the newest request that shows a text."""
    return tab.page.locator("#requests > li", has_text=text).first


def test_calls_appear_without_a_reload(tab: Tab, client: EngagementClient) -> None:
    """The newest first; visitors with their sessions, and what was sent of them."""
    tab.page.evaluate("window.same = true")
    assert tab.page.get_by_text("Nothing has arrived yet").is_visible()
    visit = client.visit("shopper")
    visit.create_session(BODY)
    (first,) = rows(tab, 1)
    assert "POST createSession" in first
    assert first.endswith("200")
    assert not tab.page.get_by_text("Nothing has arrived yet").is_visible()
    visit.report_impressions("impDisplay")
    visit.update_session(LEAD)
    newest, *_ = rows(tab, 3)
    assert "PUT updateSession" in newest
    tab.page.locator("#visitors", has_text="lead").wait_for()
    shown = " ".join(tab.page.locator("#visitors").inner_text().split())
    assert "account demo" in shown
    assert shown.endswith("active 2 updates lead impDisplay")
    assert tab.page.evaluate("window.same") is True


def test_a_failure_that_was_planned_by_a_button_happens(
    tab: Tab, client: EngagementClient, pauses: list[float]
) -> None:
    """As often as was asked for; the attempts are counted, and the failures marked."""
    tab.page.get_by_label("How many").fill("2")
    tab.page.get_by_label("Status").fill("502")
    press(tab, "Fail next")
    tab.page.get_by_text("2 instructions waiting").wait_for()
    client.visit("shopper").create_session(BODY)
    assert pauses == [5, 10]
    third, second, first = rows(tab, 3)
    assert "502" in first
    assert "attempt" not in first
    assert "attempt 2, after " in second
    assert "attempt 3, after " in third
    assert tab.page.locator("#requests > li.bad").count() == 2
    assert tab.page.get_by_text("3 · 2 failed").is_visible()


def test_the_attempts_of_a_visitor_belong_together(tab: Tab, sandbox: Sandbox, client: EngagementClient) -> None:
    """One whom "Loading account" has named, too, and one whose connection was dropped."""
    visit = client.visit("shopper")
    sandbox.loading_account()
    visit.create_session(BODY)
    sandbox.drop_connection()
    visit.update_session(LEAD)
    again, dropped, continued, loading = rows(tab, 4)
    assert "createSession" in loading
    assert "Loading account: demo" in loading
    assert "continueSession" in continued
    assert "attempt 2, after " in continued
    assert "dropped" in dropped
    assert "attempt 2, after " in again


def test_a_request_shows_what_was_sent_and_answered_on_demand(
    tab: Tab, sandbox: Sandbox, client: EngagementClient
) -> None:
    """With every digit of an id of 64 bits; a refusal says what was wrong without being opened."""
    level = 2**63 - 1
    client.visit().create_session(
        {"appType": "EXTERNAL", "engagementAttributes": [{"type": "error", "error": {"level": level}}]}
    )
    httpx.post(f"{sandbox.url}{VISITORS}?v=1.0", json={"appType": "WEB"})
    rows(tab, 2)
    assert row(tab, "400").get_by_text(": appType").is_visible()
    opened = row(tab, "200")
    assert opened.locator("pre").count() == 0
    opened.locator("summary").press("Enter")
    opened.locator("pre").first.wait_for()
    body, answer, headers = opened.locator("pre").all_inner_texts()
    assert json.loads(body)["engagementAttributes"][0]["error"]["level"] == level
    assert json.loads(answer)["visitorId"] == sandbox.visitors[0].visitor_id
    assert "content-type: application/json" in headers
    assert "POST /api/account/demo/" in opened.inner_text()


MARKUP = "<script>document.title='owned'</script><img src=x onerror=document.title='owned'>"


def test_markup_of_a_client_is_shown_as_text(tab: Tab, sandbox: Sandbox) -> None:
    """In ids, accounts, bodies, headers, messages and paths."""
    named = quote(MARKUP, safe="")
    body = {"appType": MARKUP}
    attribute = {"type": "lead", "lead": {"topic": MARKUP}}
    created = f"{sandbox.url}/api/account/{named}/app/engagement/visitors/"
    sandbox.loading_account()  # which looks at no id
    httpx.post(f"{created}?v=1.0", json={**BODY, "engagementAttributes": [attribute]})
    httpx.post(f"{created}{named}?v=1.0&sid={named}", json=body, headers={"x-note": MARKUP})
    httpx.post(f"{sandbox.url}/{named}", content=MARKUP.encode())
    sandbox.answer_next(400, json.dumps({"message": MARKUP, "visitorId": MARKUP}))
    httpx.post(f"{created}?v=1.0", json=body)
    sandbox.answer_next(200, json.dumps({"visitorId": [MARKUP]}))
    httpx.post(f"{created}?v=1.0", json=body)
    rows(tab, 5)
    open_all(tab)
    assert tab.page.locator("#visitors").get_by_text(f"account {MARKUP}").is_visible()
    assert row(tab, "400").get_by_text(MARKUP, exact=True).is_visible()
    assert tab.page.locator("#requests pre", has_text=MARKUP).count() >= 3
    assert tab.page.locator(".name", has_text=named).count() == 1
    assert tab.page.locator("script").count() == 1
    assert tab.page.locator("img").count() == 0
    assert tab.page.title() == "Sandbox"


@pytest.mark.parametrize("button", ["Loading account", "Drop connection", "Answer after 5 s"])
def test_a_button_plans_what_its_command_plans(tab: Tab, sandbox: Sandbox, button: str) -> None:
    """The page, and a shell that the line is pasted into; with the chosen operation."""
    tab.page.get_by_label("Operation").select_option("createSession")
    press(tab, button)
    tab.page.get_by_text("1 instruction waiting").wait_for()
    command = tab.page.locator("#shell").inner_text()
    assert '"operation":"createSession"' in command
    subprocess.run(shlex.split(f"{command} --fail --silent"), check=True, capture_output=True)
    tab.page.get_by_text("2 instructions waiting").wait_for()
    press(tab, "Reset")
    tab.page.get_by_text("instructions waiting").wait_for(state="hidden")
    assert sandbox.requests == ()


def test_the_first_command_works_as_it_is(tab: Tab, sandbox: Sandbox) -> None:
    """Pasted into a shell, it starts a visit, which appears."""
    command = tab.page.locator("#curl").inner_text()
    subprocess.run(shlex.split(f"{command} --fail --silent"), check=True, capture_output=True)
    rows(tab, 1)
    assert len(sandbox.visitors) == 1
    line = tab.page.locator("#python").inner_text()
    with eval(line, {"EngagementClient": EngagementClient}) as client:  # noqa: S307 - what the page tells people to write
        client.visit().create_session(BODY)
    rows(tab, 2)


def test_the_switch_shows_what_the_sandbox_offers(tab: Tab, sandbox: Sandbox, client: EngagementClient) -> None:
    """Whoever has told it."""
    press(tab, "Not available")
    assert client.visit().create_session(BODY).status == "NotAvailable"
    tab.page.locator("[data-call=not_available][aria-pressed=true]").wait_for()
    sandbox.available()
    tab.page.locator("[data-call=available][aria-pressed=true]").wait_for()
    assert tab.page.locator("[data-call=not_available][aria-pressed=false]").count() == 1


def test_sessions_and_visitors_end_by_buttons(tab: Tab, sandbox: Sandbox, client: EngagementClient) -> None:
    """Expired, forgotten, and all of it reset."""
    client.visit().create_session(BODY)
    tab.page.locator("#visitors", has_text="active").wait_for()
    press(tab, "Expire sessions")
    tab.page.locator("#visitors", has_text="ended").wait_for()
    press(tab, "Forget visitors")
    tab.page.get_by_text("No visitors yet.").wait_for()
    rows(tab, 1)
    press(tab, "Reset")
    tab.page.get_by_text("Nothing has arrived yet").wait_for()
    assert (sandbox.requests, sandbox.visitors) == ((), ())


def test_a_refused_instruction_says_why(tab: Tab) -> None:
    """In the sandbox's own words."""
    tab.page.get_by_label("Status").fill("5")
    tab.page.get_by_role("button", name="Fail next").click()
    tab.page.get_by_text("status: must be a whole number, from 100 to 999, not 5").wait_for()
    tab.problems.clear()  # the browser reports the 400 as well


def test_a_reset_between_two_looks_is_noticed(tab: Tab, sandbox: Sandbox, client: EngagementClient) -> None:
    """Though as many requests have come since."""
    client.visit().create_session(BODY)
    client.visit().create_session(BODY)
    rows(tab, 2)
    sandbox.reset()
    sandbox.fail_next(418, times=2)
    for _ in range(2):
        httpx.post(f"{sandbox.url}{VISITORS}?v=1.0", json=BODY)
    row(tab, "418").wait_for()
    assert all("418" in each for each in rows(tab, 2))


def test_only_one_visitors_requests_can_be_shown(tab: Tab, client: EngagementClient) -> None:
    """And all of them again."""
    for name in ("a", "b"):
        client.visit(name).create_session(BODY)
        client.visit(name).update_session(LEAD)
    rows(tab, 4)
    tab.page.get_by_role("button", name="show only these requests").first.click()
    assert tab.page.locator("#requests > li:visible").count() == 2
    tab.page.get_by_role("button", name="Show all visitors").click()
    assert tab.page.locator("#requests > li:visible").count() == 4


def test_a_sandbox_that_stops_and_starts_again(browser: Browser) -> None:
    """The page says so, and goes on with the new one by itself."""
    with Sandbox() as first:
        tab = Tab(browser, first.url)
        tab.page.get_by_text("Live", exact=True).wait_for()
        httpx.post(f"{first.url}{VISITORS}?v=1.0", json=BODY)
        rows(tab, 1)
    tab.page.get_by_text("No answer: has the sandbox stopped?").wait_for()
    with Sandbox(port=int(first_port(tab))):
        tab.page.get_by_text("Live", exact=True).wait_for()
        tab.page.get_by_text("Nothing has arrived yet").wait_for()
    tab.page.close()


def first_port(tab: Tab) -> str:
    """Give the port that a page was opened at."""
    return tab.page.url.rstrip("/").rpartition(":")[2]


@pytest.mark.parametrize(("width", "height"), [(390, 844), (320, 568), (800, 900), (1280, 800)])
def test_no_width_scrolls_sideways(browser: Browser, sandbox: Sandbox, width: int, height: int) -> None:
    """Neither with long ids nor with a request opened."""
    sandbox.loading_account()  # which looks at no id
    httpx.post(f"{sandbox.url}/api/account/{'a' * 200}/app/engagement/visitors/?v=1.0", json=BODY)
    httpx.post(f"{sandbox.url}{VISITORS}{'v' * 200}?v=1.0&sid={'s' * 300}", json=BODY, headers={"x-long": "h" * 500})
    httpx.get(f"{sandbox.url}/{'p' * 300}")
    tab = Tab(browser, sandbox.url, width=width, height=height)
    rows(tab, 3)
    open_all(tab)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    for each in tab.page.locator("#requests pre, button, input, select").all():
        box = each.bounding_box()
        assert box is None or box["x"] + box["width"] <= width
    tab.page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/reference/"])
def test_text_stands_out_from_its_background(
    browser: Browser, sandbox: Sandbox, client: EngagementClient, path: str, scheme: Any
) -> None:
    """By the ratio that WCAG asks for, in the light and in the dark."""
    sandbox.fail_next(503)
    client.visit().create_session(BODY)
    httpx.post(f"{sandbox.url}{VISITORS}?v=1.0", json={"appType": "WEB"})
    sandbox.expire_sessions()
    tab = Tab(browser, sandbox.url + path)
    tab.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    if path == "/":
        rows(tab, 3)
        open_all(tab)
    assert tab.page.evaluate(CONTRAST) == []
    tab.page.close()


def test_the_page_can_be_used_without_seeing_it(tab: Tab, client: EngagementClient) -> None:
    """Landmarks, names for all that can be pressed, keys that reach it, and a word about what is new."""
    for landmark in ("banner", "navigation", "main"):
        assert tab.page.get_by_role(landmark).count() == 1
    for name in ("Requests", "Controls", "Visitors"):
        assert tab.page.get_by_role("region", name=name).is_visible()
    unnamed = "each => !(each.textContent.trim() || each.labels[0].textContent.trim())"
    assert not [
        each for each in tab.page.locator("button, a, select, input:not([type=hidden])").all() if each.evaluate(unnamed)
    ]
    client.visit().create_session(BODY)
    rows(tab, 1)
    announced = tab.page.locator("#news[role=status]")
    assert announced.text_content() == "1 new request, 0 failed"
    reached: set[str] = set()
    for _ in range(30):
        tab.page.keyboard.press("Tab")
        reached.add(tab.page.evaluate("document.activeElement.dataset.call ?? document.activeElement.tagName"))
    assert {"SUMMARY", "A", "fail_next", "reset", "available", "SELECT"} <= reached


def test_a_command_can_be_copied(tab: Tab) -> None:
    """Whole, as it stands there."""
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.page.get_by_role("button", name="Copy the curl line").click()
    tab.page.get_by_role("button", name="Copied the curl line").wait_for()
    assert tab.page.evaluate("navigator.clipboard.readText()") == tab.page.locator("#curl").inner_text()


def test_without_javascript_the_page_leads_to_what_it_shows(browser: Browser, sandbox: Sandbox) -> None:
    """As it is at the moment."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(sandbox.url)
    page.get_by_role("link", name="requests").click()
    page.wait_for_url("**/sandbox/requests")
    assert page.locator("body").inner_text().strip() == "[]"
    context.close()


def test_the_page_asks_for_what_is_new_only(sandbox: Sandbox) -> None:
    """And is no part of the journal; a place that makes no sense begins at the beginning."""
    httpx.post(f"{sandbox.url}{VISITORS}?v=1.0", json=BODY)
    first = httpx.get(f"{sandbox.url}/sandbox/live").json()
    httpx.post(f"{sandbox.url}{VISITORS}?v=1.0", json={"appType": "WEB"})
    second = httpx.get(f"{sandbox.url}/sandbox/live", params={"after": first["after"]}).json()
    assert [[each["status"] for each in news["requests"]] for news in (first, second)] == [[200], [400]]
    for place in ("", "x", f"{first['run']}-", f"{first['run']}-{'9' * 5000}", "1-1"):
        again = httpx.get(f"{sandbox.url}/sandbox/live", params={"after": place}).json()
        assert len(again["requests"]) == 2
    assert len(sandbox.requests) == 2


def test_a_long_journal_is_shown_from_its_end(tab: Tab, sandbox: Sandbox) -> None:
    """The page stays as quick as it was."""
    with httpx.Client() as http:
        for _ in range(510):
            http.get(f"{sandbox.url}/{len(sandbox.requests)}")
    row(tab, "/509").wait_for()
    assert tab.page.locator("#requests > li").count() == 500
    assert tab.page.get_by_text("510, the newest 500 shown · 500 failed").is_visible()


def test_the_page_is_small() -> None:
    """Its files, compressed as in the wheel."""
    folder = ROOT / "wrapper/liveperson_engagement/sandbox/page"
    assert sum(len(zlib.compress(path.read_bytes())) for path in folder.iterdir()) < 15_000
