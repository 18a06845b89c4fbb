"""The sandbox's pages in a real browser: calls appear by themselves, buttons do what they say; the reference."""

import html
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Locator

from browser import Tab
from conftest import BODY
from contract_tools import CONTRACT
from liveperson_engagement import EngagementClient
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.sandbox.pages import reference_page

pytestmark = pytest.mark.backends("sync")  # Playwright keeps an event loop running in this thread

LEAD: Any = {"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]}
VISITORS = "/api/account/demo/app/engagement/visitors/"
OPEN_ALL = "document.querySelectorAll('details').forEach(each => each.open = true)"


@pytest.fixture
def tab(browser: Browser, sandbox: Sandbox) -> Iterator[Tab]:
    """Open the front page, and find no error on it at the end."""
    opened = Tab(browser, sandbox.url)
    opened.page.get_by_text("Live", exact=True).wait_for()
    yield opened
    assert (opened.problems, opened.outside) == ([], [])
    opened.page.close()


def send(sandbox: Sandbox, body: Any = BODY) -> None:
    """Send a request that starts a visit."""
    httpx.post(f"{sandbox.url}{VISITORS}?v=1.0", json=body)


def words(text: str | None) -> str:
    """Forget where lines end."""
    return " ".join((text or "").split())


def rows(tab: Tab, count: int) -> list[str]:
    """Wait until the page shows so many requests, and read them, newest first."""
    tab.page.locator(f"#requests > li:nth-child({count})").wait_for()
    found = [*map(words, tab.page.locator("#requests > li").all_inner_texts())]
    assert len(found) == count
    return found


def row(tab: Tab, text: str) -> Locator:
    """Find the newest request that shows a text."""
    return tab.page.locator("#requests > li", has_text=text).first


def press(tab: Tab, name: str) -> None:
    """Press a button, and wait until it has been done."""
    tab.page.get_by_role("button", name=name, exact=True).click()
    tab.page.get_by_text(f"{name}: done").wait_for()


def open_all(tab: Tab) -> None:
    """Open every request, and wait until its contents are there."""
    for each in tab.page.locator("#requests details").all():
        each.locator("summary").press("Enter")
        each.locator("pre").first.wait_for()


def curl(command: str) -> None:
    """Paste a command into a shell."""
    subprocess.run(shlex.split(f"{command} --fail --silent"), check=True, capture_output=True)


def test_calls_appear_without_a_reload(tab: Tab, sandbox: Sandbox, client: EngagementClient) -> None:
    """The newest first; visitors with their sessions, and what was sent of them; a reset is noticed."""
    page = tab.page
    page.evaluate("window.same = true")
    assert page.get_by_text("Nothing has arrived yet").is_visible()
    visit = client.visit("shopper")
    visit.create_session(BODY)
    (first,) = rows(tab, 1)
    assert ("POST createSession" in first, first.endswith("200")) == (True, True)
    visit.report_impressions("impDisplay")
    visit.update_session(LEAD)
    assert "PUT updateSession" in rows(tab, 3)[0]
    page.locator("#visitors", has_text="lead").wait_for()
    assert re.search("account demo .* active 2 updates lead impDisplay$", words(page.locator("#visitors").inner_text()))
    client.visit("another").create_session(BODY)
    rows(tab, 4)
    page.get_by_role("button", name="show only these requests").first.click()
    assert page.locator("#requests > li:visible").count() in {1, 3}
    page.get_by_role("button", name="Show all visitors").click()
    assert page.locator("#requests > li:visible").count() == 4
    sandbox.reset()
    sandbox.fail_next(418, times=4)
    for _ in range(4):
        send(sandbox)
    row(tab, "418").wait_for()
    assert all("418" in each for each in rows(tab, 4))
    assert page.evaluate("window.same") is True


def test_attempts_belong_together(tab: Tab, sandbox: Sandbox, client: EngagementClient) -> None:
    """A failure that a button has planned happens as often as was asked for; the attempts are counted and marked."""
    tab.page.get_by_label("How many").fill("2")
    tab.page.get_by_label("Status").fill("502")
    press(tab, "Fail next")
    tab.page.get_by_text("2 instructions waiting").wait_for()
    client.visit("shopper").create_session(BODY)
    third, second, first = rows(tab, 3)
    assert ("502" in first, "attempt" in first) == (True, False)
    assert ("attempt 2, after " in second, "attempt 3, after " in third) == (True, True)
    assert tab.page.get_by_text("3 · 2 failed").is_visible()
    press(tab, "Reset")
    visit = client.visit("other")
    sandbox.loading_account()
    visit.create_session(BODY)
    sandbox.drop_connection()
    visit.update_session(LEAD)
    again, dropped, continued, loading = rows(tab, 4)
    assert ("Loading account: demo" in loading, "attempt 2, after " in continued) == (True, True)
    assert ("dropped" in dropped, "attempt 2, after " in again) == (True, True)


def test_a_request_shows_what_was_sent_and_answered(tab: Tab, sandbox: Sandbox) -> None:
    """On demand, with every digit of an id of 64 bits; a refusal says what was wrong without being opened."""
    error: Any = {"type": "error", "error": {"level": 2**63 - 1}}
    send(sandbox, BODY | {"engagementAttributes": [error]})
    send(sandbox, {"appType": "WEB"})
    rows(tab, 2)
    assert row(tab, "400").get_by_text(": appType").is_visible()
    opened = row(tab, "200")
    assert opened.locator("pre").count() == 0
    open_all(tab)
    body, answer, headers = opened.locator("pre").all_inner_texts()
    assert json.loads(body)["engagementAttributes"] == [error]
    assert json.loads(answer)["visitorId"] == sandbox.visitors[0].visitor_id
    assert "content-type: application/json" in headers
    assert "POST /api/account/demo/" in opened.inner_text()


MARKUP = "<script>document.title='owned'</script><img src=x onerror=document.title='owned'>"


def test_markup_of_a_client_is_shown_as_text(tab: Tab, sandbox: Sandbox) -> None:
    """In ids, accounts, bodies, headers, messages and paths."""
    named = quote(MARKUP, safe="")
    attribute = {"type": "lead", "lead": {"topic": MARKUP}}
    created = f"{sandbox.url}/api/account/{named}/app/engagement/visitors/"
    sandbox.loading_account()  # which looks at no id
    httpx.post(f"{created}?v=1.0", json={**BODY, "engagementAttributes": [attribute]})
    httpx.post(f"{created}{named}?v=1.0&sid={named}", json={"appType": MARKUP}, headers={"x-note": MARKUP})
    httpx.post(f"{sandbox.url}/{named}", content=MARKUP.encode())
    sandbox.answer_next(400, json.dumps({"message": MARKUP, "visitorId": MARKUP}))
    sandbox.answer_next(200, json.dumps({"visitorId": [MARKUP]}))
    for _ in range(2):
        httpx.post(f"{created}?v=1.0", json={"appType": MARKUP})
    rows(tab, 5)
    open_all(tab)
    assert tab.page.locator("#visitors").get_by_text(f"account {MARKUP}").is_visible()
    assert row(tab, "400").get_by_text(MARKUP, exact=True).is_visible()
    assert tab.page.locator("#requests pre", has_text=MARKUP).count() >= 3
    assert (tab.page.locator("script").count(), tab.page.locator("img").count()) == (1, 0)
    assert tab.page.title() == "Sandbox"


def test_a_button_plans_what_its_command_plans(tab: Tab, sandbox: Sandbox) -> None:
    """The page, and a shell that the line is pasted into, with the chosen operation; what is refused says why."""
    tab.page.get_by_label("Operation").select_option("createSession")
    for button in ("Loading account", "Drop connection", "Answer after 5 s"):
        press(tab, button)
        tab.page.get_by_text("1 instruction waiting").wait_for()
        command = tab.page.locator("#shell").inner_text()
        assert '"operation":"createSession"' in command
        curl(command)
        tab.page.get_by_text("2 instructions waiting").wait_for()
        press(tab, "Reset")
        tab.page.get_by_text("instructions waiting").wait_for(state="hidden")
    assert sandbox.requests == ()
    tab.page.get_by_label("Status").fill("5")
    tab.page.get_by_role("button", name="Fail next").click()
    tab.page.get_by_text("status: must be a whole number, from 100 to 999, not 5").wait_for()
    tab.problems.clear()  # the browser reports the 400 as well


def test_the_shown_lines_work_as_they_are(tab: Tab, sandbox: Sandbox) -> None:
    """Pasted into a shell, or into Python, each starts a visit, which appears; the curl line can be copied."""
    command = tab.page.locator("#curl").inner_text()
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.page.get_by_role("button", name="Copy the curl line").click()
    tab.page.get_by_role("button", name="Copied the curl line").wait_for()
    assert tab.page.evaluate("navigator.clipboard.readText()") == command
    curl(command)
    rows(tab, 1)
    line = tab.page.locator("#python").inner_text()
    with eval(line, {"EngagementClient": EngagementClient}) as client:  # noqa: S307 - what the page tells people to write
        client.visit().create_session(BODY)
    rows(tab, 2)
    assert len(sandbox.visitors) == 2


def test_switches_show_and_change_what_the_sandbox_does(tab: Tab, sandbox: Sandbox, client: EngagementClient) -> None:
    """Whoever has told it; sessions and visitors end by buttons."""
    press(tab, "Not available")
    assert client.visit().create_session(BODY).status == "NotAvailable"
    tab.page.locator("[data-call=not_available][aria-pressed=true]").wait_for()
    sandbox.available()
    tab.page.locator("[data-call=available][aria-pressed=true]").wait_for()
    assert tab.page.locator("[data-call=not_available][aria-pressed=false]").count() == 1
    tab.page.locator("#visitors", has_text="active").wait_for()
    press(tab, "Expire sessions")
    tab.page.locator("#visitors", has_text="ended").wait_for()
    press(tab, "Forget visitors")
    tab.page.get_by_text("No visitors yet.").wait_for()
    rows(tab, 1)
    press(tab, "Reset")
    tab.page.get_by_text("Nothing has arrived yet").wait_for()
    assert (sandbox.requests, sandbox.visitors) == ((), ())


def test_a_sandbox_that_stops_and_starts_again(browser: Browser) -> None:
    """The page says so, and goes on with the new one by itself."""
    with Sandbox() as first:
        tab, port = Tab(browser, first.url), int(first.host.partition(":")[2])
        tab.page.get_by_text("Live", exact=True).wait_for()
        send(first)
        rows(tab, 1)
    tab.page.get_by_text("No answer: has the sandbox stopped?").wait_for()
    with Sandbox(port=port):
        tab.page.get_by_text("Live", exact=True).wait_for()
        tab.page.get_by_text("Nothing has arrived yet").wait_for()
    tab.page.close()


def test_the_page_asks_for_what_is_new_only(tab: Tab, sandbox: Sandbox) -> None:
    """A place that makes no sense begins at the beginning; a long journal is cut."""
    with httpx.Client(base_url=sandbox.url) as http:
        http.post(f"{VISITORS}?v=1.0", json=BODY)
        first = http.get("/sandbox/live").json()
        http.post(f"{VISITORS}?v=1.0", json={"appType": "WEB"})
        second = http.get("/sandbox/live", params={"after": first["after"]}).json()
        assert [[each["status"] for each in news["requests"]] for news in (first, second)] == [[200], [400]]
        for place in ("x", f"{first['run']}-{'9' * 5000}", "1-1"):
            assert len(http.get("/sandbox/live", params={"after": place}).json()["requests"]) == 2
        for number in range(508):
            http.get(f"/{number}")
    row(tab, "/507").wait_for()
    assert tab.page.locator("#requests > li").count() == 500
    assert tab.page.get_by_text("510, the newest 500 shown · 500 failed").is_visible()


def test_the_page_can_be_used_without_seeing_it(tab: Tab, client: EngagementClient) -> None:
    """Regions have names, and keys reach all that can be pressed."""
    for name in ("Requests", "Controls", "Visitors"):
        assert tab.page.get_by_role("region", name=name).is_visible()
    client.visit().create_session(BODY)
    rows(tab, 1)
    reached: set[str] = set()
    for _ in range(30):
        tab.page.keyboard.press("Tab")
        reached.add(tab.page.evaluate("document.activeElement.dataset.call ?? document.activeElement.tagName"))
    assert {"SUMMARY", "A", "fail_next", "reset", "available", "SELECT"} <= reached


def said(node: Any) -> Iterator[str]:
    """Give each name, summary and description below a place in the contract, and each example."""
    for name, part in cast(dict[str, Any], node).items() if isinstance(node, dict) else ():
        if name in ("name", "operationId", "summary", "description") and isinstance(part, str):
            yield part
        elif name == "examples":
            yield from (json.dumps(each["value"], ensure_ascii=False) for each in part.values())
        elif name != "servers":
            yield from said(part)


def squeezed(text: str) -> str:
    """Leave out blanks and markup."""
    return re.sub(r"\s+|[`*]|\[([^]]*)\]\([^)]*\)", r"\1", text)


def test_the_reference_has_all_of_the_contract() -> None:
    """Operations, answers, links and members of schemas in the contract's own words; examples value for value."""
    page = squeezed(html.unescape(re.sub("<[^>]+>", "", reference_page(CONTRACT))))
    parts = CONTRACT["components"]
    members = [schema.get("properties", {}) for schema in parts["schemas"].values()]
    described = [CONTRACT["paths"], parts["responses"], parts["requestBodies"], parts["parameters"], *members]
    assert [text for each in described for text in said(each) if squeezed(text) not in page] == []


def test_the_pages_lead_to_each_other(browser: Browser, sandbox: Sandbox) -> None:
    """To the controls with their curl commands, and back; nothing is asked of others, and the journal stays empty."""
    tab = Tab(browser, sandbox.url)
    tab.page.get_by_role("link", name="API reference").click()
    tab.page.get_by_role("heading", name=CONTRACT["info"]["title"]).wait_for()
    tab.page.get_by_role("link", name="its controls").click()
    tab.page.get_by_role("heading", name="Sandbox controls").wait_for()
    for command, summary in sandbox.calls:
        part = tab.page.locator(f"[id={command.rpartition('/')[2]}]")
        assert part.get_by_role("heading", name=summary.replace("`", "")).is_visible()
        assert command in part.inner_text()
    tab.page.get_by_role("link", name="what happens there").click()
    tab.page.get_by_role("heading", name="Requests").wait_for()
    tab.page.wait_for_load_state("networkidle")
    assert (tab.problems, tab.outside, sandbox.requests) == ([], [], ())
    assert httpx.get(f"{sandbox.url}/openapi.json").json() == CONTRACT


def test_what_a_document_says_is_text(browser: Browser, sandbox: Sandbox) -> None:
    """Whatever stands in it: no markup, no link that runs, and every digit of a number."""
    markup, digits = "<img src=x onerror=alert(1)>", 2**63 - 1
    hostile = json.loads(json.dumps(CONTRACT).replace("EXTERNAL", markup))
    hostile["info"] |= {"title": markup, "description": f"{markup} `{markup}` [x](javascript:alert(1))"}
    body = hostile["components"]["requestBodies"]["CreateSession"]["content"]["application/json"]
    body["examples"] = {markup: {"value": {markup: digits}}}
    tab = Tab(browser, f"{sandbox.url}/reference/")
    tab.page.set_content(reference_page(hostile))
    assert tab.page.title() == markup
    assert tab.page.locator("img, script, a[href^=javascript]").count() == 0
    assert json.loads(tab.page.locator("#createSession .example pre").first.text_content() or "") == {markup: digits}


def test_a_document_may_be_plain_or_go_round_in_circles() -> None:
    """Without a summary, server or description; with schemas that contain themselves, or allow everything."""
    here = "#/components/schemas/"
    members = {"next": {"$ref": f"{here}Node"}, "any": True, "free": {"items": False}}
    node = {"properties": members, "anyOf": [True, {"$ref": f"{here}Tree"}]}
    schemas = {"Tree": {"type": "array", "items": {"$ref": f"{here}Tree"}}, "Node": node}
    content = {"application/json": {"schema": {"$ref": f"{here}Node"}}, "text/plain": {}}
    paths = {"/x": {"post": {"operationId": "go", "requestBody": {"content": content}, "responses": {}}}}
    info = {"title": "Plain", "version": "1"}
    page = reference_page({"info": info, "components": {"schemas": schemas}, "paths": paths})
    assert (page.count("<b>next</b>"), "<h2>go</h2>" in page, "array of array" in page) == (1, True, True)
