"""The API reference that a sandbox serves, in a real browser: complete, offline, and readable on a phone."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator

from browser import Tab, chromium
from contract_tools import CONTRACT, METHODS
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.sandbox.controls import EXAMPLES
from liveperson_engagement.sandbox.pages import reference_page

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
    """Open the reference, with all that can be opened on it."""
    opened = Tab(browser, f"{running_sandbox.url}/reference/")
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
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


def shown(part: Locator) -> dict[str, Any]:
    """Read the examples of a part of the page."""
    return {
        each.locator("summary").inner_text(): json.loads(each.locator("pre").inner_text())
        for each in part.locator(":scope > .example").all()
    }


def section(tab: Tab, operation_id: str) -> Locator:
    """Find the part of the page that is about an operation."""
    return tab.page.locator(f'[id="{operation_id}"]')


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_operation_is_described(tab: Tab, operation_id: str) -> None:
    """With its summary, its operationId, its whole description, its parameters and all its answers."""
    operation, part = OPERATIONS[operation_id], section(tab, operation_id)
    assert part.get_by_role("heading", name=operation["summary"]).is_visible()
    assert part.get_by_text(f"Operation {operation_id}.").is_visible()
    text = " ".join(part.inner_text().split())
    assert " ".join(operation["description"].split()) in text
    for parameter in map(followed, operation["parameters"]):
        assert f"{parameter['name']} {parameter['in']} · " in text
        assert parameter["description"].strip() in text
    for status, answer in operation["responses"].items():
        assert f"{status} {' '.join(followed(answer)['description'].split())}" in text
    assert tab.page.locator(f'nav a[href="#{operation_id}"]').is_visible()


def test_every_member_of_every_schema_is_described(tab: Tab) -> None:
    """Whatever has a name and a description in the contract is on the page."""
    text = " ".join(tab.page.locator("main").inner_text().split())
    for schema in CONTRACT["components"]["schemas"].values():
        for name, member in schema.get("properties", {}).items():
            assert f"{name} " in text
            assert " ".join(followed(member).get("description", "").split()) in text


def test_every_link_and_the_retry_policy_are_written_out(tab: Tab) -> None:
    """What goes where in the next request, and when to try again."""
    links = followed(CONTRACT["components"]["responses"]["Session"])["links"]
    for operation_id in ("createSession", "continueSession"):
        for link in links.values():
            part = section(tab, operation_id).locator("details.link", has_text=link["description"])
            values = json.loads(part.locator("pre").inner_text())
            assert values == {name: link[name] for name in ("parameters", "requestBody") if name in link}
    policy = dict(CONTRACT["x-retry-policies"]["documented"])
    part = section(tab, "retry-policy-documented")
    assert part.locator("li").count() == 7
    del policy["description"]
    assert json.loads(part.locator("pre").inner_text()) == policy


@pytest.mark.parametrize("operation_id", [name for name, each in OPERATIONS.items() if "requestBody" in each])
def test_every_example_of_a_body_can_be_read(tab: Tab, operation_id: str) -> None:
    """Value for value, with every digit."""
    wanted = examples(OPERATIONS[operation_id]["requestBody"])
    assert wanted
    assert shown(section(tab, operation_id)) == wanted


@pytest.mark.parametrize(
    ("operation_id", "status"),
    [(name, status) for name, each in OPERATIONS.items() for status in each["responses"]],
)
def test_every_example_of_an_answer_can_be_read(tab: Tab, operation_id: str, status: str) -> None:
    """Value for value, with every digit."""
    wanted = examples(OPERATIONS[operation_id]["responses"][status])
    answers = section(tab, operation_id).locator(".answer").filter(has=tab.page.get_by_text(status, exact=True))
    assert answers.count() == 1
    assert shown(answers) == wanted


def test_no_error_appears_and_nothing_is_asked_of_others(browser: Browser, sandbox: Sandbox) -> None:
    """From opening the pages to reading to their ends, and the journal stays empty."""
    for path in ("/reference", "/sandbox"):
        tab = Tab(browser, sandbox.url + path)
        tab.page.mouse.wheel(0, 100_000)
        tab.page.wait_for_load_state("networkidle")
        assert (tab.problems, tab.outside) == ([], [])
    assert sandbox.requests == ()


@pytest.mark.parametrize("path", ["/reference/", "/sandbox/"])
def test_the_page_is_readable_on_a_phone(browser: Browser, sandbox: Sandbox, path: str) -> None:
    """Nothing but code is wider than the screen, and text is not tiny, whatever is opened."""
    tab = Tab(browser, sandbox.url + path, width=390, height=844)
    tab.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 390
    sizes = "[...document.querySelectorAll('p:not(.more)')].map(part => parseFloat(getComputedStyle(part).fontSize))"
    assert min(tab.page.evaluate(sizes)) >= 13
    edges = "[...document.querySelectorAll('h1, h2, p')].map(part => part.getBoundingClientRect().right)"
    assert max(tab.page.evaluate(edges)) <= 390


def test_the_pages_lead_to_each_other(browser: Browser, sandbox: Sandbox) -> None:
    """The front page to the reference, that to the controls, and those back."""
    tab = Tab(browser, sandbox.url)
    tab.page.get_by_role("link", name="API reference").click()
    tab.page.get_by_role("heading", name=CONTRACT["info"]["title"]).wait_for()
    tab.page.get_by_role("link", name="its controls").click()
    tab.page.get_by_role("heading", name="Sandbox controls").wait_for()
    tab.page.get_by_role("link", name="what happens there").click()
    tab.page.get_by_role("heading", name="Requests").wait_for()


def test_every_control_is_listed_with_its_curl_command(browser: Browser, sandbox: Sandbox) -> None:
    """As it can be pasted into a shell."""
    tab = Tab(browser, f"{sandbox.url}/sandbox")
    assert {command.rpartition("/")[2] for command, _ in sandbox.calls} == {*EXAMPLES, "requests", "visitors"}
    for command, summary in sandbox.calls:
        part = section(tab, command.rpartition("/")[2])
        assert part.get_by_role("heading", name=summary.replace("`", "")).is_visible()
        assert command in part.inner_text()


def test_the_contract_is_served_as_it_is(sandbox: Sandbox) -> None:
    """Value for value, for generators and other tools."""
    answer = httpx.get(f"{sandbox.url}/openapi.json")
    assert (answer.json(), answer.headers["content-type"]) == (CONTRACT, "application/json")


def test_what_a_document_says_is_text(browser: Browser, sandbox: Sandbox) -> None:
    """Whatever stands in it: no markup, no link that runs, and every digit of a number."""
    markup, digits = "<img src=x onerror=alert(1)>", 2**63 - 1
    hostile = json.loads(json.dumps(CONTRACT).replace("EXTERNAL", markup))
    hostile["info"] |= {"title": markup, "description": f"{markup} `{markup}` [x](javascript:alert(1))"}
    body = followed(hostile["components"]["requestBodies"]["CreateSession"])["content"]["application/json"]
    body["examples"] = {markup: {"value": {markup: digits}}}
    page = reference_page(hostile)
    tab = Tab(browser, f"{sandbox.url}/reference/")
    tab.page.set_content(page)
    assert tab.page.title() == markup
    assert tab.page.locator("img, script, a[href^=javascript]").count() == 0
    assert json.loads(tab.page.locator("#createSession .example pre").first.text_content() or "") == {markup: digits}


def test_a_document_may_be_plain_or_go_round_in_circles() -> None:
    """Without a summary, server or description; with schemas that contain themselves, or allow everything."""
    tree = {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}
    node = {
        "properties": {"next": {"$ref": "#/components/schemas/Node"}, "any": True, "free": {"items": False}},
        "anyOf": [True, {"$ref": "#/components/schemas/Tree"}],
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}, "text/plain": {}}
    page = reference_page(
        {
            "info": {"title": "Plain", "version": "1"},
            "paths": {"/x": {"post": {"operationId": "go", "requestBody": {"content": content}, "responses": {}}}},
            "components": {"schemas": {"Tree": tree, "Node": node}},
        }
    )
    assert page.count("<b>next</b>") == 1
    assert "<h2>go</h2>" in page
    assert "array of array" in page
