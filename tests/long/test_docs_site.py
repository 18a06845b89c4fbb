"""The documentation's site is built without a warning, complete, and works in a browser."""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser

from browser import Tab
from checkout import ROOT
from public_surface import MODULES, home, public_names


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site; Sphinx warns of each link that leads nowhere, and of each name that it does not know."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-d", str(folder / "doctrees"), "docs", str(folder / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "site"


@pytest.fixture
def tab(site: Path, browser: Browser) -> Iterator[Tab]:
    """Serve the site, and open it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        tab = Tab(browser, f"http://127.0.0.1:{server.server_port}/")
        yield tab
        tab.page.close()
        server.shutdown()
    assert (tab.problems, tab.outside) == ([], [])


def test_the_site_is_complete_and_every_page_fits_its_screen(site: Path, tab: Tab) -> None:
    """Each public name is there; at 1280 pixels no code is cut, on a phone nothing is too wide, no text is tiny."""
    named = set(re.findall(r'id="([\w.]+)"', "".join(page.read_text() for page in (site / "api").glob("*.html"))))
    for module in map(import_module, MODULES):
        values = {name: getattr(module, name) for name in public_names(module) if name != "__version__"}
        homes = {name: home(value) if isinstance(value, type) else module.__name__ for name, value in values.items()}
        assert {f"{place}.{name}" for name, place in homes.items()} - named == set(), module.__name__
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
