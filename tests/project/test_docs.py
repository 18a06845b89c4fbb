"""The documentation: its code runs and type-checks as printed, its commands exist, and its site works in a browser."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browser import Tab
from checkout import ROOT
from command import invoke
from docs_site import broken_links, build, serving
from liveperson_engagement import errors
from liveperson_engagement._contract import contract
from liveperson_engagement.sandbox import Sandbox
from public_surface import MODULES, home, public_names
from samples import PAGES, README, Sample, samples

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
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


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
    """Those that the pages show, and the example's, with our plugin alone; each worker of xdist has its own server."""
    tests = [sample for sample in PYTHON if sample.is_test]
    for sample in tests:
        (tmp_path / f"test_{sample}.py").write_text(sample.code)
    shutil.copytree(ROOT / "examples/chat_button", tmp_path, dirs_exist_ok=True)
    lacking = "import sys; sys.modules |= dict.fromkeys(('starlette', 'uvicorn', 'httpx', 'typer'))\n"
    (tmp_path / "conftest.py").write_text(lacking)
    plugins = ("-p", "liveperson_engagement_pytest", "-p", "xdist", "-n", "2")
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", *plugins]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{12 + sum(sample.code.count('def test_') for sample in tests)} passed" in done.stdout


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_the_code_type_checks(checker: str, tmp_path: Path) -> None:
    """Strictly, as a user's own code would; of tests the types of fixtures are not known."""
    assert len(CODE) > 20
    for sample in CODE:
        (tmp_path / f"{sample}.py").write_text(UNTYPED * ("from django" in sample.code) + sample.code)
    settings = f'{{"typeCheckingMode": "strict", "extraPaths": ["{ROOT}/examples"]}}'
    (tmp_path / "pyrightconfig.json").write_text(settings)
    options = ["--project", str(tmp_path)] if checker == "pyright" else ["--strict", *map(str, tmp_path.glob("*.py"))]
    environment = {**os.environ, "MYPYPATH": f"{tmp_path}:{ROOT}/examples"}  # in ROOT mypy remembers the package
    done = subprocess.run([checker, *options], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("sample", SHELL, ids=str)
def test_the_commands_exist(sample: Sample) -> None:
    """Scripts, the package's own command and its options, extras, examples, methods of the sandbox."""
    for program, *arguments in commands(sample):
        line = shlex.join([program, *arguments])
        if program.startswith(("./scripts/", "scripts/")):
            assert os.access(ROOT / program, os.X_OK), line
        elif program == "liveperson-engagement":
            subcommands = [word for word in arguments[:1] if not word.startswith("-")]
            done = invoke(*subcommands, "--help")
            options = [word.partition("=")[0] for word in arguments if word.startswith("--")]
            assert done.returncode == 0, line
            assert [option for option in options if option not in done.stdout] == [], line
        elif program == "pip" or arguments[:2] == ["-m", "pip"]:
            for extra in re.findall(r"(?:liveperson-engagement|\.)\[([\w,-]+)\]", line):
                assert set(extra.split(",")) <= PROJECT["optional-dependencies"].keys()
        elif program in {"python", "python3"}:
            script = arguments[0] if arguments else ""
            assert "/" not in script or not script.endswith(".py") or (ROOT / script).is_file(), line
        elif program == "curl":
            names = [word.rpartition("/sandbox/")[2].partition("?")[0] for word in arguments if "/sandbox/" in word]
            assert all(hasattr(Sandbox, name) for name in names), line
        else:
            assert program in OTHERS, f"unknown: {line}"


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
                yield command[: command.index(">")] if ">" in command else command
            command = []


# The README


def test_the_readmes_first_example_is_about_ten_lines() -> None:
    """A newcomer gets an engagement by copying it."""
    first = samples(README, "python")[0]
    assert len(first.code.strip().splitlines()) <= 10
    assert re.fullmatch(r"Show the button of engagement \d+\n", first.run())


def test_what_the_readme_says_is_there() -> None:
    """The contract's pauses, every error, commands, files and folders."""
    text = README.read_text()
    policy = contract().operations["createSession"].policy
    first, second, third = (f"{pause:g}" for pause in policy.pauses)
    assert f"up to 3 times, after pauses of {first}, {second} and {third} seconds" in text
    assert f"up to {policy.longest_retry_after} seconds" in text
    names = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    table = text[text.index("## Errors") : text.index("## Testing your own code")]
    assert {name for name in names if f"`{name}`" not in table} == set()
    scripts = set(re.findall(r"\./scripts/([\w-]+)", text))
    assert scripts >= {"demo", "test", "generate"}
    assert all(os.access(ROOT / "scripts" / name, os.X_OK) for name in scripts)
    table = text[text.index("## Hand-written") : text.index("## Sessions")]
    parts = re.findall(r"^\| `([\w.]+/?)` \|", table, re.MULTILINE)
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    assert [name for name in (*links, *parts) if not (ROOT / name).exists()] == []


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
    assert site.with_name("docs.done").read_text() == ""
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
    tab.page.goto(f"{url}decisions.html")
    for width in (390, 800, 1080, 1280, 1440, 1600, 1920):  # with the contents beside its wide table, or without
        tab.page.set_viewport_size({"width": width, "height": 900})
        assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        name = tab.page.locator("td code", has_text="engagementAttributes").first
        assert name.evaluate("part => part.getClientRects().length") == 1, width


def test_a_reader_finds_the_way(tab: Tab) -> None:
    """Guides, reference and evidence, in this order; the changelog; the contract's page and back; by searching."""
    sidebar, page = tab.page.locator(".sidebar-tree"), tab.page
    assert sidebar.locator(".caption").all_inner_texts() == ["GUIDES", "REFERENCE", "EVIDENCE"]
    assert sidebar.locator("a.internal").first.inner_text() == "Quick start"
    repository = [url for name, url in PROJECT.get("urls", {}).items() if name.lower() in {"repository", "source"}][:1]
    assert [link.get_attribute("href") for link in sidebar.locator("a.external").all()] == repository
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
