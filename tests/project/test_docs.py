"""The documentation: its code runs as printed, its commands exist, and what its pages lead to is there."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from checkout import ROOT
from command import invoke
from liveperson_engagement import errors
from liveperson_engagement._contract import contract
from liveperson_engagement.sandbox import Sandbox
from samples import PAGES, README, Sample, samples

PYTHON = [sample for page in PAGES for sample in samples(page, "python")]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize("sample", [sample for sample in PYTHON if not sample.is_test], ids=str)
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


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "languages.md"], ids=lambda page: page.stem)
def test_the_commands_exist(page: Path) -> None:
    """Scripts, the package's own command and its options, extras, examples, methods of the sandbox."""
    for code in (sample.code.replace("\\\n", " ") for sample in samples(page, "sh", "console", "")):
        scripts = re.findall(r"(?<![\w/.-])(?:\./)?scripts/([\w-]+)(?![\w/-])", code)
        assert [name for name in scripts if not os.access(ROOT / "scripts" / name, os.X_OK)] == []
        for line in re.findall(r"(?:^|&& |\| |= )(?:\$ )?(?:\w+=\S+ )*liveperson-engagement (.*)", code, re.MULTILINE):
            subcommands = re.findall(r"^[a-z][\w-]*", line)
            done = invoke(*subcommands, "--help")
            options = re.findall(r"(?<=\s)--[\w-]+", f" {line}")
            assert done.returncode == 0, line
            assert [option for option in options if option not in done.stdout] == [], line
        for extras in re.findall(r"(?:liveperson-engagement|\.)\[([\w,-]+)\]", code):
            assert {*extras.split(",")} <= EXTRAS.keys()
        programs = re.findall(r"\bpython3? ([\w/]+/\w+\.py)\b", code)
        assert [name for name in programs if not (ROOT / name).is_file()] == []
        assert all(hasattr(Sandbox, name) for name in re.findall(r"curl .*/sandbox/(\w+)", code))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_commands_and_files_lead_somewhere(page: str) -> None:
    """Headings in files too, and whatever people are asked to run or to edit; the site's test tries those of docs/."""
    text = (ROOT / page).read_text()
    for target, fragment in re.findall(r"\]\((?!https?://)([^)#]*)#?([^)]*)\)", text):
        file = ROOT / (target or page)
        assert file.exists(), target
        headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE) if fragment else ()
        slugs = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        assert not fragment or fragment in slugs, f"{target}#{fragment}"
    if page != "CHANGELOG.md":
        scripts = re.findall(r"\bscripts/([\w-]+)(?![\w/-])", text)
        assert [name for name in scripts if not os.access(ROOT / "scripts" / name, os.X_OK)] == []
        paths = re.findall(r"`((?:tests|docs|wrapper|generated|\.ci)/[\w./-]*|[\w.]+\.(?:md|toml|yaml))`", text)
        assert [path for path in paths if not (ROOT / path).exists()] == []


def test_what_the_readme_says_is_there() -> None:
    """The contract's pauses, every error, and the folders of the wrapper."""
    text = README.read_text()
    policy = contract().operations["createSession"].policy
    first, second, third = (f"{pause:g}" for pause in policy.pauses)
    assert f"up to 3 times, after pauses of {first}, {second} and {third} seconds" in text
    assert f"up to {policy.longest_retry_after} seconds" in text
    names = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    table = text[text.index("## Errors") : text.index("## Testing your own code")]
    assert {name for name in names if f"`{name}`" not in table} == set()
    parts = re.findall(r"^\| `([\w.]+/?)` \|", text[text.index("## Hand-written") : text.index("## Sessions")], re.M)
    assert [name for name in parts if not (ROOT / name).exists()] == []
