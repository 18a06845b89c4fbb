"""What the project's own files say is true: changelog, licence, versions, git hooks, and what hosts and images read."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import urllib.error
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from checkout import ROOT
from command import invoke, running
from liveperson_engagement import __version__
from liveperson_engagement.cli.failure import Status
from public_surface import MODULES

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
METADATA = PROJECT["project"]
PAGES = ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/versioning.md"]
VERSIONING = (ROOT / "docs/versioning.md").read_text()
CHANGES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
GITHUB = ROOT / ".github"
CONTAINERFILE = (ROOT / "Containerfile").read_text().replace("\\\n", " ")


# Words and numbers


def test_the_changelog_is_kept() -> None:
    """As keepachangelog.com asks, the newest release first, which is the package's version; no heading is empty."""
    text = (ROOT / "CHANGELOG.md").read_text()
    assert text.startswith("# Changelog\n")
    unreleased, *sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert unreleased.startswith("Unreleased\n")
    released = [re.findall(r"^\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)\n", section) for section in sections]
    numbers = [tuple(map(int, release[:3])) for [release] in released]
    days = [date.fromisoformat(release[3]) for [release] in released]
    assert numbers == sorted(set(numbers), reverse=True)
    assert days == sorted(days, reverse=True)
    assert not numbers or METADATA["version"] == "{}.{}.{}".format(*numbers[0])
    for section in (unreleased, *sections):
        kinds = re.findall(r"^### (.*)$", section, re.MULTILINE)
        assert (len(set(kinds)), set(kinds) <= CHANGES) == (len(kinds), True), kinds
        assert not re.search(r"^###[^\n]*\n+(?:###|\Z)", section, re.MULTILINE)


def test_version_and_licence_are_the_same_everywhere() -> None:
    """In the metadata, in the package, and in the file that makes it MIT."""
    assert METADATA["version"] == __version__
    assert (METADATA["license"], METADATA["license-files"]) == ("MIT", ["LICENSE"])
    text = " ".join((ROOT / "LICENSE").read_text().split())
    assert text.startswith("MIT License Copyright (c) ")
    assert "to deal in the Software without restriction" in text
    assert 'THE SOFTWARE IS PROVIDED "AS IS"' in text


@pytest.mark.parametrize("page", PAGES)
def test_links_commands_and_files_lead_somewhere(page: str) -> None:
    """Headings in files too, and whatever people are asked to run or to edit."""
    text = (ROOT / page).read_text()
    for target, fragment in re.findall(r"\]\((?!https://)([^)#]*)#?([^)]*)\)", text):
        file = (ROOT / page).parent / target
        assert file.exists(), target
        headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        assert not fragment or fragment in slugs, f"{target}#{fragment}"
    if page in PAGES[:2]:
        scripts = set(re.findall(r"\bscripts/([\w-]+)(?![\w/-])", text))
        assert scripts
        assert [name for name in scripts if not os.access(ROOT / "scripts" / name, os.X_OK)] == []
        paths = re.findall(r"`((?:tests|docs|wrapper|generated|\.ci)/[\w./-]*|[\w.]+\.(?:md|toml|yaml))`", text)
        assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_policy_of_versions_is_followed() -> None:
    """Pythons, ranges of dependencies, public modules and exit statuses are what docs/versioning.md promises."""
    table = re.findall(r"^\| (3\.\d+) \| \w+ 20\d\d \|$", VERSIONING, re.MULTILINE)
    prefix = "Programming Language :: Python :: 3."
    assert table == [each[-len("3.11") :] for each in METADATA["classifiers"] if each.startswith(prefix)]
    assert METADATA["requires-python"] == f">={table[0]}"
    tools = PROJECT["tool"]
    assert tools["ruff"]["target-version"] == f"py{table[0].replace('.', '')}"
    assert {tools["mypy"]["python_version"], tools["pyright"]["pythonVersion"]} == {table[0]}
    extras = METADATA["optional-dependencies"].values()
    ranges = {*METADATA["dependencies"], *(each for extra in extras for each in extra)}
    assert [each for each in ranges if not re.fullmatch(r"[\w-]+>=[\d.]+,<[\d.]+|(attrs|certifi)>=[\d.]+", each)] == []
    public = VERSIONING[VERSIONING.index("## What is public") : VERSIONING.index("`tests/project/public_api.txt`")]
    assert sorted(re.findall(r"`(liveperson_engagement[\w.]*)`", public)) == sorted(MODULES)
    promised = " ".join(invoke("--help").stdout.partition("Exit status:")[2].split())
    assert [status for status in Status if not re.search(rf"\b{status.value} \w", promised)] == []


# Git hooks


def test_hooks_stop_bad_files_and_leave_them_alone(tmp_path: Path) -> None:
    """Each looks only at what concerns it, and the contract at what is generated from it."""
    for name in ("scripts", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in (".pre-commit-config.yaml", "pyproject.toml", "openapi.yaml", "README.md"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "good.py").write_text('"""Good."""\n')
    (tmp_path / "bad.py").write_text('"""Bad."""\nimport os;\n')
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    for names, expected in {
        "README.md": (0, ["Skipped", "Skipped", "Skipped"]),
        "good.py": (0, ["Passed", "Passed", "Skipped"]),
        "bad.py openapi.yaml": (1, ["Failed", "Failed", "Passed"]),
    }.items():
        subprocess.run(["git", "add", ".pre-commit-config.yaml", *names.split()], cwd=tmp_path, check=True)
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--color=never"],
            env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / ".cache")},
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        results = dict(re.findall(r"^(\S.*?)\.{3,}(?:\(no files to check\))?(\w+)$", done.stdout, re.MULTILINE))
        assert [*results] == ["ruff check", "ruff format --check", "generated/ is what openapi.yaml says"]
        assert (done.returncode, [*results.values()]) == expected, names
    assert (tmp_path / "bad.py").read_text() == '"""Bad."""\nimport os;\n'


def test_hooks_fetch_nothing() -> None:
    """They are commands of this project, and the slow one waits for a push."""
    config = ROOT / ".pre-commit-config.yaml"
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-config", str(config)], check=True)
    text = config.read_text()
    assert re.findall(r"repo: (\S+)", text) == ["local"]
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}
    assert re.search(r"entry: scripts/check\n +stages: \[pre-push\]", text)


# What hosts of repositories read


def read(path: Path) -> Any:
    """Read a file of YAML; `on` is a word."""
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts alone


@pytest.mark.parametrize(
    ("schema", "file"), [("github-workflows", "workflows/test.yml"), ("dependabot", "dependabot.yml")]
)
def test_a_file_is_what_its_schema_says(schema: str, file: str) -> None:
    """The schemas are those that check-jsonschema carries."""
    command = ["check-jsonschema", "--builtin-schema", f"vendor.{schema}", str(GITHUB / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_issue_forms_can_be_filled_in() -> None:
    """They have names, descriptions, and fields with labels and ids of their own; one of them must be filled in."""
    for form in [path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"]:
        read_form = read(form)
        assert {"name", "description", "body"} <= read_form.keys() <= {"name", "description", "body", "labels"}
        fields = [each for each in read_form["body"] if each["type"] != "markdown"]
        assert {each["type"] for each in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
        assert all(each["attributes"]["label"] for each in fields)
        assert len({each["id"] for each in fields}) == len(fields)
        assert any(each.get("validations", {}).get("required") == "true" for each in fields)


def test_the_workflow_runs_the_two_commands_on_every_python() -> None:
    """On push and pull request, without the right to write; actions are pinned to a major version."""
    workflow = read(GITHUB / "workflows/test.yml")
    assert workflow["on"].keys() == {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    [job] = workflow["jobs"].values()
    pythons = re.findall(r"(?<=:: Python :: )3\.\d+", (ROOT / "pyproject.toml").read_text())
    assert job["strategy"]["matrix"]["python"] == pythons
    run = [step["run"] for step in job["steps"] if step.get("run", "").startswith("./")]
    assert run == ["./scripts/demo", "./scripts/test all"]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step)


def test_the_image_runs_what_is_built_and_is_healthy() -> None:
    """The wheel alone; nobody is root. Its health check finds the sandbox that its command starts, and only that."""

    def instruction(name: str) -> str:
        [found] = re.findall(rf"^{name} (.*)$", CONTAINERFILE, re.MULTILINE)
        return str(found)

    assert instruction("COPY").split() == ["dist/*.whl", "/tmp/"]  # noqa: S108 - of the image
    assert 'default=ROOT / "dist"' in (ROOT / "scripts/lib/build.py").read_text()
    assert re.fullmatch(r"python:3\.\d+-slim", instruction("FROM"))
    assert int(instruction("USER").partition(":")[0]) > 0
    program, *arguments = ast.literal_eval(instruction("ENTRYPOINT"))
    assert (program, arguments[-1]) == ("liveperson-engagement", instruction("EXPOSE"))
    [check] = re.findall(r"^HEALTHCHECK .*? CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE)
    python, option, code = ast.literal_eval(check)
    assert (python, option) == ("python", "-c")
    with running(*arguments[:-1], "0") as process:
        assert process.stdout is not None
        code = code.replace(f"http://127.0.0.1:{arguments[-1]}", process.stdout.readline().strip())
        exec(code)  # noqa: S102 - it was read above
    with pytest.raises(urllib.error.URLError):
        exec(code)  # noqa: S102


def test_each_command_says_what_it_is_for_and_when_to_run_it() -> None:
    """Its first line does the one, the table in CONTRIBUTING.md the other."""
    commands = {path.name: path.read_text().splitlines()[1] for path in (ROOT / "scripts").iterdir() if path.is_file()}
    assert [name for name, line in commands.items() if not line.startswith("# ")] == []
    rows = re.findall(r"^\| (.*?) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`\./scripts/([\w-]+)", row)} == commands.keys()


def test_names_of_tests_are_short() -> None:
    """At most 60 characters."""
    names = [
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    ]
    assert len(names) > 500
    assert [name for name in names if len(name) > 60] == []
