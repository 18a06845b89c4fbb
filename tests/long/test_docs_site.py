"""The documentation's site is built without a warning, complete, and works in a browser."""

import fcntl
import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browser import Tab
from docs_site import broken_links, build, serving
from public_surface import MODULES, home, public_names


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site: once, though the tests may run in several processes."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "docs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "docs").exists():
            assert build(shared / "docs") == []
    return shared / "docs"


@pytest.fixture
def tab(site: Path, browser: Browser) -> Iterator[Tab]:
    """Serve the site, and open it."""
    with serving(site) as url:
        tab = Tab(browser, url)
        yield tab
        assert (tab.problems, tab.outside) == ([], [])
        tab.page.close()


def test_the_site_is_built_without_a_warning_or_broken_link(site: Path) -> None:
    """Sphinx knows every name; pages and places are there; and every public name is in the reference."""
    assert broken_links(site) == []
    reference = "".join(page.read_text() for page in (site / "api").glob("*.html"))
    named = set(re.findall(r'id="([\w.]+)"', reference))
    for module in map(import_module, MODULES):
        values = {name: getattr(module, name) for name in public_names(module) if name != "__version__"}
        homes = {name: home(value) if isinstance(value, type) else module.__name__ for name, value in values.items()}
        assert {f"{place}.{name}" for name, place in homes.items()} - named == set(), module.__name__


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    """A page, a place or a picture that is not there, and addresses that are not encrypted or garbled."""
    (tmp_path / "other.html").write_text('<h2 id="here">Here</h2>')
    good = ("other.html", "other.html#here", "#top", "data:,", "https://example.com/a")
    bad = ("none.html", "other.html#there", "#bottom", "../outside.html", "http://a.com/", "https://exa mple.com/")
    links = "".join(f'<a href="{link}">x</a>' for link in good + bad)
    (tmp_path / "index.html").write_text(f'<h1 id="top">Top</h1>{links}<img src="none.png">')
    found = {line.removeprefix("index.html: ").rsplit(": ", 1)[0] for line in broken_links(tmp_path)}
    assert found == {*bad, "none.png"}


def test_every_page_is_clean_and_fits_its_screen(site: Path, tab: Tab) -> None:
    """At 1280 pixels no code has to be scrolled; on a phone nothing is wider than the screen, and no text is tiny."""
    pages = sorted(str(page.relative_to(site)) for page in site.rglob("*.html"))
    assert {"index.html", "quick-start.html", "api/client.html", "contract/index.html"} < set(pages)
    url = tab.page.url
    sizes = "[...document.querySelectorAll('article p')].map(part => parseFloat(getComputedStyle(part).fontSize))"
    blocks = "[...document.querySelectorAll('article pre')].filter(block => block.checkVisibility())"
    cut = f"{blocks}.filter(block => block.scrollWidth > block.clientWidth).map(block => block.innerText)"
    wide = f"{blocks}.filter(block => block.getBoundingClientRect().right > 390).map(block => block.innerText)"
    for page in pages:
        tab.page.set_viewport_size({"width": 1280, "height": 900})
        tab.page.goto(url + page, wait_until="load")
        assert page.startswith("contract/") or tab.page.evaluate(cut) == [], page
        tab.page.set_viewport_size({"width": 390, "height": 844})
        assert tab.page.evaluate(wide) == [], page
        assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page
        assert min([13, *tab.page.evaluate(sizes)]) >= 13, page
        assert (tab.problems, tab.outside) == ([], []), page


def test_a_reader_finds_the_way(tab: Tab) -> None:
    """Guides, reference and evidence, in this order; the changelog; the contract's page and back; by searching."""
    sidebar, page = tab.page.locator(".sidebar-tree"), tab.page
    assert sidebar.locator(".caption").all_inner_texts() == ["GUIDES", "REFERENCE", "EVIDENCE"]
    assert sidebar.locator("a.internal").first.inner_text() == "Quick start"
    sidebar.get_by_role("link", name="Changelog").click()
    page.get_by_role("heading", name="Unreleased").wait_for()
    page.get_by_role("link", name="The contract", exact=True).first.click()
    page.get_by_role("link", name="Open the API reference").click()
    page.get_by_role("heading", name="Start a visit").wait_for()
    page.get_by_role("link", name="Documentation").click()
    page.get_by_role("heading", name="The contract").wait_for()
    for words in ("RetryPolicy", "report_impressions"):
        page.get_by_placeholder("Search").first.fill(words)
        page.keyboard.press("Enter")
        page.locator("#search-results a[href*='api/client.html']").first.click()
        assert words in page.locator(":target").inner_text()
