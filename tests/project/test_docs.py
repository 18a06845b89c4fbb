"""The documentation: its code runs and type-checks as printed, its commands exist, and its site works in a browser."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkout import ROOT
from command import invoke
from liveperson_engagement import errors
from liveperson_engagement._contract import contract
from liveperson_engagement.sandbox import Sandbox
from samples import PAGES, README, Sample, samples

PYTHON = [sample for page in PAGES for sample in samples(page, "python")]
CODE = [sample for sample in PYTHON if not sample.is_test]
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
