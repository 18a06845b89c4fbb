"""The API reference that a sandbox shows at its URL, in a real browser: complete, offline, and readable on a phone."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator

from browser import Tab, chromium
from contract_tools import CONTRACT, METHODS, ROOT
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.sandbox.controls import EXAMPLES

OPERATIONS: dict[str, Any] = {
    item[method]["operationId"]: item[method]
    for item in CONTRACT["paths"].values()
    for method in METHODS
    if method in item
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one browser for all pages."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def tab(browser: Browser, running_sandbox: Sandbox) -> Tab:
    """Open the reference."""
    opened = Tab(browser, running_sandbox.url)
    for operation in OPERATIONS.values():
        opened.page.get_by_role("heading", name=operation["summary"]).wait_for()
    return opened


def followed(node: Any) -> Any:
    """Give what a node refers to, or the node itself."""
    if "$ref" not in node:
        return node
    return functools.reduce(lambda part, key: part[key], node["$ref"].removeprefix("#/").split("/"), CONTRACT)


def examples(holder: Any) -> dict[str, Any]:
    """Give the examples of a body or answer, by the name that a reader sees."""
    media = followed(holder).get("content", {}).get("application/json", {})
    named = {name: followed(example) for name, example in media.get("examples", {}).items()}
    return {example.get("summary", name): example["value"] for name, example in named.items()}


def shown(panel: Locator, names: list[str]) -> dict[str, Any]:
    """Choose one example after the other, and read what the page shows."""
    read: dict[str, Any] = {}
    for name in names:
        if len(names) > 1:
            panel.get_by_label("Example").select_option(label=name)
        read[name] = json.loads(panel.locator(".redoc-json").inner_text())
    return read


def section(tab: Tab, operation_id: str) -> Locator:
    """Find the part of the page that is about an operation."""
    return tab.page.locator(f'[id="operation/{operation_id}"]')


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_operation_is_described(tab: Tab, operation_id: str) -> None:
    """With its summary, its operationId, its whole description, its parameters and all its answers."""
    operation, part = OPERATIONS[operation_id], section(tab, operation_id)
    assert part.get_by_role("heading", name=operation["summary"]).is_visible()
    assert part.get_by_text(f"Operation {operation_id}.").is_visible()
    text = " ".join(part.inner_text().split())
    assert " ".join(operation["description"].split()) in text
    for status in operation["responses"]:
        assert part.get_by_role("button", name=status).or_(part.get_by_text(status, exact=True)).first.is_visible()


def test_every_link_and_the_retry_policy_are_written_out(tab: Tab) -> None:
    """Which Redoc by itself leaves out: what goes where in the next request, and when to try again."""
    links = followed(CONTRACT["components"]["responses"]["Session"])["links"]
    for operation_id in ("createSession", "continueSession"):
        for link in links.values():
            part = section(tab, operation_id).locator("details", has_text=link["description"])
            part.locator("summary").click()
            values = json.loads(part.locator("pre").inner_text())
            assert values == {name: link[name] for name in ("parameters", "requestBody") if name in link}
    policy = dict(CONTRACT["x-retry-policies"]["documented"])
    part = tab.page.locator('[id="section/Retry-policy"]')
    del policy["description"]
    assert json.loads(part.locator("pre").inner_text()) == policy


@pytest.mark.parametrize("operation_id", [name for name, each in OPERATIONS.items() if "requestBody" in each])
def test_every_example_of_a_body_can_be_read(tab: Tab, operation_id: str) -> None:
    """Value for value, with every digit."""
    wanted = examples(OPERATIONS[operation_id]["requestBody"])
    assert wanted
    panel = section(tab, operation_id).get_by_role("tabpanel").filter(has=tab.page.locator(".redoc-json")).first
    assert shown(panel, list(wanted)) == wanted


@pytest.mark.parametrize(
    ("operation_id", "status"),
    [(name, status) for name, each in OPERATIONS.items() for status in each["responses"]],
)
def test_every_example_of_an_answer_can_be_read(tab: Tab, operation_id: str, status: str) -> None:
    """Value for value, with every digit."""
    wanted = examples(OPERATIONS[operation_id]["responses"][status])
    chosen = section(tab, operation_id).get_by_role("tab", name=status, exact=True)
    if not wanted:
        assert chosen.count() == 0
        return
    chosen.click()
    panel = tab.page.locator(f'[id="{chosen.get_attribute("aria-controls")}"]')
    assert shown(panel, list(wanted)) == wanted


def test_no_error_appears_and_nothing_is_asked_of_others(browser: Browser, sandbox: Sandbox) -> None:
    """From opening the pages to reading to their ends and searching, the journal stays empty."""
    for path, words in (("/", "impression"), ("/sandbox/", "scenario")):
        tab = Tab(browser, sandbox.url + path)
        tab.page.get_by_placeholder("Search").fill(words)
        tab.page.locator('[data-role="search:results"] [role=menuitem]').first.wait_for()
        tab.page.mouse.wheel(0, 100_000)
        tab.page.wait_for_load_state("networkidle")
        assert (tab.problems, tab.outside) == ([], [])
    assert sandbox.requests == ()


def test_the_page_cannot_load_from_elsewhere(tab: Tab) -> None:
    """Its own policy forbids it, whatever the browser would allow."""
    blocked = "fetch('https://example.com/').then(() => 'loaded', () => 'refused')"
    assert tab.page.evaluate(blocked) == "refused"
    assert tab.outside == []


@pytest.mark.parametrize("path", ["/", "/sandbox/"])
def test_the_page_is_readable_on_a_phone(browser: Browser, sandbox: Sandbox, path: str) -> None:
    """Nothing but code is wider than the screen, and text is not tiny."""
    tab = Tab(browser, sandbox.url + path, width=390, height=844)
    tab.page.locator("h2").first.wait_for()
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 390
    sizes = "[...document.querySelectorAll('p')].map(part => parseFloat(getComputedStyle(part).fontSize))"
    assert min(tab.page.evaluate(sizes)) >= 13
    edges = "[...document.querySelectorAll('h1, h2, p')].map(part => part.getBoundingClientRect().right)"
    assert max(tab.page.evaluate(edges)) <= 390


def test_the_reference_leads_to_the_controls_and_back(browser: Browser, sandbox: Sandbox) -> None:
    """Each page names the other."""
    tab = Tab(browser, sandbox.url)
    tab.page.get_by_role("link", name="how to control it").click()
    tab.page.get_by_role("heading", name="Sandbox controls").wait_for()
    tab.page.get_by_role("link", name="the API that it plays").click()
    tab.page.get_by_role("heading", name=CONTRACT["info"]["title"]).wait_for()


def test_every_control_is_listed_with_its_curl_command(browser: Browser, sandbox: Sandbox) -> None:
    """As it can be pasted into a shell."""
    tab = Tab(browser, f"{sandbox.url}/sandbox")
    tab.page.get_by_role("heading", name="visitor list").wait_for()
    assert {command.rpartition("/")[2] for command, _ in sandbox.calls} == {*EXAMPLES, "requests", "visitors"}
    for command, summary in sandbox.calls:
        part = section(tab, command.rpartition("/")[2])
        assert part.get_by_role("heading", name=summary).is_visible()
        part.get_by_role("tab", name="curl").click()
        assert command in part.inner_text()


def test_the_contract_is_served_as_it_is(sandbox: Sandbox) -> None:
    """Value for value, for generators and other tools."""
    answer = httpx.get(f"{sandbox.url}/openapi.json")
    assert (answer.json(), answer.headers["content-type"]) == (CONTRACT, "application/json")


def test_the_renderer_is_the_pinned_one() -> None:
    """Byte for byte what its npm package has, save for the address of its logo; with its licences."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/lib/reference_page.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_everything_that_the_page_loads_is_shipped() -> None:
    """With a licence beside each file that others wrote."""
    folder = ROOT / "wrapper/liveperson_engagement/sandbox/reference"
    loaded = set(re.findall(r'(?:src|href)="reference/([^"]+)"', (folder / "index.html").read_text(encoding="utf-8")))
    assert {"page.css", "page.js"} < loaded
    for name in loaded:
        assert (folder / name).is_file()
        if name.startswith("redoc-"):
            assert (folder / f"{name}.LICENSE.txt").is_file()
            assert "MIT" in (folder / name.replace(".standalone.js", ".LICENSE.txt")).read_text(encoding="utf-8")
