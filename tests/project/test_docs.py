"""The documentation: its code runs and type-checks as printed, its commands exist, and its site works in a browser."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from test_public_api import MODULES, home, public_names

from browser import Tab, chromium
from checkout import ROOT
from docs_site import broken_links, build, serving
from liveperson_engagement.sandbox import Sandbox
from samples import PAGES, Sample, samples

PYTHON = [sample for page in PAGES for sample in samples(page, "python")]
CODE = [sample for sample in PYTHON if not sample.is_test]
UNTYPED = """# mypy: disable-error-code="import-untyped"
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
"""
"""What samples with Django need: it has no types of its own."""
OTHERS = {".", "cd", "export", "uvicorn", "gunicorn", "git", "pytest"}
SHELL_LIKE = re.compile(r"(\$ )?(\w+=\S+ )*(\./|scripts/|liveperson-engagement |pip |python|curl |uvicorn |export )")
SHELL = [
    sample
    for page in PAGES
    if page.name != "languages.md"  # scripts/portability runs that page
    for sample in samples(page, "sh", "console", "")
    if sample.language or SHELL_LIKE.match(sample.code)  # otherwise it is output
]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


# The samples


@pytest.mark.parametrize("sample", CODE, ids=str)
def test_the_code_runs_as_printed(
    sample: Sample, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each block by itself, in an empty folder; the environment points those that name no server at the sandbox."""
    monkeypatch.setenv("LIVEPERSON_BASE_URL", sandbox.url)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(ROOT / "examples"), *sys.path])
    sample.run()


def test_the_tests_pass(tmp_path: Path) -> None:
    """Those that the pages show, with the fixtures that the package brings."""
    tests = [sample for sample in PYTHON if sample.is_test]
    for sample in tests:
        (tmp_path / f"test_{sample}.py").write_text(sample.code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{sum(sample.code.count('def test_') for sample in tests)} passed" in done.stdout


@pytest.mark.parametrize("checker", [["mypy", "--strict", "--no-incremental"], ["pyright"]], ids=["mypy", "pyright"])
def test_the_code_type_checks(checker: list[str], tmp_path: Path) -> None:
    """Strictly, as a user's own code would; of tests the types of fixtures are not known."""
    assert len(CODE) > 20
    for sample in CODE:
        (tmp_path / f"{sample}.py").write_text(UNTYPED * ("from django" in sample.code) + sample.code)
    paths = [f"{ROOT}/{folder}" for folder in ("generated", "wrapper", "examples")]
    settings = f'{{"typeCheckingMode": "strict", "extraPaths": ["{paths[-1]}"]}}'
    (tmp_path / "pyrightconfig.json").write_text(settings)
    result = subprocess.run(
        [*checker, *(f"{sample}.py" for sample in CODE)],
        cwd=tmp_path, env={**os.environ, "MYPYPATH": ":".join(paths)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("sample", SHELL, ids=str)
def test_the_commands_exist(sample: Sample, tmp_path: Path) -> None:
    """Scripts, the package's own command and its options, extras, examples; what can be run is run."""
    for words in commands(sample):
        program, *arguments = words
        if program.startswith(("./scripts/", "scripts/")):
            script = ROOT / program
            assert os.access(script, os.X_OK), program
        elif program == "liveperson-engagement":
            check_own_command(arguments, tmp_path)
        elif program in {"pip", "python", "python3"}:
            check_python(program, arguments)
        elif program == "curl":
            check_curl(arguments)
        else:
            assert program in OTHERS, f"unknown: {shlex.join(words)}"


def commands(sample: Sample) -> Iterator[list[str]]:
    """Give the words of each command of a shell block; where there are prompts, other lines are output."""
    lines = sample.code.replace("\\\n", " ").splitlines()
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    for line in prompted or lines:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        command: list[str] = []
        for word in [*lexer, ";"]:
            if word not in {";", "&&", "||", "|", "&"}:
                command.append(word)
                continue
            while command and re.match(r"\w+=", command[0]):
                del command[0]
            if command:
                yield command
            command = []


def check_own_command(arguments: list[str], folder: Path) -> None:
    """Run what needs nothing, and look for the options of all else in the command's help."""
    if ">" in arguments:
        arguments = arguments[: arguments.index(">")]
    harmless = arguments in (["version"], ["contract"]) or "--help" in arguments
    subcommands = [word for word in arguments[:1] if not word.startswith("-")]
    own = [*arguments] if harmless else [*subcommands, "--help"]
    done = subprocess.run(
        ["liveperson-engagement", *own], cwd=folder, env={**os.environ, "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for option in (word.partition("=")[0] for word in arguments if word.startswith("--") and word != "--help"):
        assert option in done.stdout, f"{option}: {shlex.join(arguments)}"


def check_python(program: str, arguments: list[str]) -> None:
    """Check the extras that are installed, and the files that are run."""
    if program == "pip" or arguments[:2] == ["-m", "pip"]:
        for extra in re.findall(r"(?:liveperson-engagement|\.)\[([\w,-]+)\]", " ".join(arguments)):
            assert set(extra.split(",")) <= EXTRAS.keys()
    elif arguments and arguments[0].endswith(".py") and "/" in arguments[0]:
        assert (ROOT / arguments[0]).is_file(), arguments[0]


def check_curl(arguments: list[str]) -> None:
    """Check that the sandbox has a method of that name."""
    asked = [word.rpartition("/sandbox/")[2] for word in arguments if "/sandbox/" in word]
    for name in asked:
        assert hasattr(Sandbox, name.partition("?")[0]), name


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    """A reader finds whatever can be imported."""
    reference = "".join(page.read_text() for page in (site / "api").glob("*.html"))
    named = set(re.findall(r'id="([\w.]+)"', reference))
    for module in map(import_module, MODULES):
        values = {name: getattr(module, name) for name in public_names(module) if name != "__version__"}
        homes = {name: home(value) if isinstance(value, type) else module.__name__ for name, value in values.items()}
        assert {f"{place}.{name}" for name, place in homes.items()} - named == set(), module.__name__


# The site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site: once, though the tests may run in several processes."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "docs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "docs.done").exists():
            (shared / "docs.done").write_text("\n".join(build(shared / "docs")))
    return shared / "docs"


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    """Serve the site."""
    with serving(site) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one browser for all pages."""
    with chromium() as running:
        yield running


def test_the_site_is_built_without_a_warning(site: Path) -> None:
    """Sphinx knows every name, page and place that is referred to."""
    assert site.with_name("docs.done").read_text() == ""


def test_the_site_has_no_broken_link(site: Path) -> None:
    """Within the site every page and place is there; addresses of others are well formed."""
    assert broken_links(site) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    """A page, a place or a picture that is not there, and addresses that are not encrypted or garbled."""
    (tmp_path / "other.html").write_text('<h2 id="here">Here</h2>')
    good = ("other.html", "other.html#here", "#top", "data:,", "https://example.com/a")
    bad = (
        "none.html",
        "other.html#there",
        "#bottom",
        "../outside.html",
        "http://example.com/",
        "https://exa mple.com/",
    )
    links = "".join(f'<a href="{link}">x</a>' for link in good + bad)
    (tmp_path / "index.html").write_text(f'<h1 id="top">Top</h1>{links}<img src="none.png">')
    found = {line.removeprefix("index.html: ").rsplit(": ", 1)[0] for line in broken_links(tmp_path)}
    assert found == {*bad, "none.png"}


def test_every_page_is_clean_and_fits_a_phone(site: Path, url: str, browser: Browser) -> None:
    """No error on the console, nothing asked of others, nothing wider than the screen, no text that is tiny."""
    pages = sorted(str(page.relative_to(site)) for page in site.rglob("*.html"))
    assert {"index.html", "quick-start.html", "api/client.html", "contract/index.html"} < set(pages)
    tab = Tab(browser, url, width=390, height=844)
    sizes = "[...document.querySelectorAll('article p')].map(part => parseFloat(getComputedStyle(part).fontSize))"
    fits = "document.documentElement.scrollWidth <= innerWidth"
    for page in pages:
        tab.page.goto(url + page, wait_until="load")
        assert tab.page.evaluate(fits), page
        assert min([13, *tab.page.evaluate(sizes)]) >= 13, page
        assert (tab.problems, tab.outside) == ([], []), page


def test_no_code_is_cut_off(site: Path, url: str, browser: Browser) -> None:
    """At 1280 pixels no block of code has to be scrolled; on a phone a block may scroll, but stays within the page."""
    pages = sorted(str(page.relative_to(site)) for page in site.rglob("*.html") if page.parent.name != "contract")
    tab = Tab(browser, url)
    blocks = "[...document.querySelectorAll('article pre')].filter(block => block.checkVisibility())"
    for page in pages:
        tab.page.set_viewport_size({"width": 1280, "height": 900})
        tab.page.goto(url + page, wait_until="load")
        cut = f"{blocks}.filter(block => block.scrollWidth > block.clientWidth).map(block => block.innerText)"
        assert tab.page.evaluate(cut) == [], page
        tab.page.set_viewport_size({"width": 390, "height": 844})
        wide = f"{blocks}.filter(block => block.getBoundingClientRect().right > 390).map(block => block.innerText)"
        assert tab.page.evaluate(wide) == [], page


def test_the_navigation_has_guides_reference_and_evidence(url: str, browser: Browser) -> None:
    """In this order, and links to the changelog and, where it has a public address, the repository."""
    tab = Tab(browser, url)
    sidebar = tab.page.locator(".sidebar-tree")
    assert sidebar.locator(".caption").all_inner_texts() == ["GUIDES", "REFERENCE", "EVIDENCE"]
    assert sidebar.locator("a.internal").first.inner_text() == "Quick start"
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"].get("urls", {})
    expected = [url for name, url in urls.items() if name.lower() in {"repository", "source"}][:1]
    assert [link.get_attribute("href") for link in sidebar.locator("a.external").all()] == expected
    sidebar.get_by_role("link", name="Changelog").click()
    tab.page.get_by_role("heading", name="Unreleased").wait_for()


def test_a_wide_table_fits_every_screen(url: str, browser: Browser) -> None:
    """With the contents beside the page or without; a name in the table stays whole."""
    tab = Tab(browser, f"{url}decisions.html")
    for width in (390, 800, 1080, 1280, 1440, 1600, 1920):
        tab.page.set_viewport_size({"width": width, "height": 900})
        assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        lines = "part => part.getClientRects().length"
        assert tab.page.locator("td code", has_text="engagementAttributes").first.evaluate(lines) == 1, width


@pytest.mark.parametrize(
    ("words", "page"), [("RetryPolicy", "api/client.html"), ("report_impressions", "api/client.html")]
)
def test_search_finds(url: str, browser: Browser, words: str, page: str) -> None:
    """What a reader types into the box of any page."""
    tab = Tab(browser, f"{url}quick-start.html")
    tab.page.get_by_placeholder("Search").first.fill(words)
    tab.page.keyboard.press("Enter")
    found = tab.page.locator(f"#search-results a[href*='{page}']").first
    found.wait_for()
    found.click()
    assert words in tab.page.locator(":target").inner_text()
    assert (tab.problems, tab.outside) == ([], [])


def test_the_contracts_reference_is_led_to_and_leads_back(url: str, browser: Browser) -> None:
    """From the navigation to the page that the sandbox serves, with every operation, and back."""
    tab = Tab(browser, url)
    tab.page.get_by_role("link", name="The contract", exact=True).first.click()
    tab.page.get_by_role("link", name="Open the API reference").click()
    tab.page.get_by_role("heading", name="Start a visit").wait_for()
    tab.page.get_by_role("link", name="Documentation").click()
    tab.page.get_by_role("heading", name="The contract").wait_for()
    assert (tab.problems, tab.outside) == ([], [])
