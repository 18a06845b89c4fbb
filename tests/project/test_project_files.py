"""What the project's own files say is true: changelog, licence, versions, git hooks, and what hosts and images read."""

import ast
import re
import tomllib
import urllib.error
from datetime import date
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
PYTHONS = re.findall(r"(?<=:: Python :: )3\.\d+", "\n".join(METADATA["classifiers"]))
CHANGES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_changelog_is_kept() -> None:
    """As keepachangelog.com asks, the newest release first, which is the package's version; no heading is empty."""
    text = (ROOT / "CHANGELOG.md").read_text()
    assert text.startswith("# Changelog\n")
    unreleased, *sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert unreleased.startswith("Unreleased\n")
    released = [re.findall(r"^\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)\n", section) for section in sections]
    numbers = [(*map(int, release[:3]), date.fromisoformat(release[3])) for [release] in released]
    assert numbers == sorted(set(numbers), reverse=True)
    assert not numbers or METADATA["version"] == "{}.{}.{}".format(*numbers[0])
    for section in (unreleased, *sections):
        kinds = re.findall(r"^### (.*)$", section, re.MULTILINE)
        assert (len(set(kinds)), set(kinds) <= CHANGES) == (len(kinds), True), kinds
        assert not re.search(r"^###[^\n]*\n+(?:###|\Z)", section, re.MULTILINE)


def test_version_and_licence_are_the_same_everywhere() -> None:
    """In the metadata, in the package, and in the file that makes it MIT."""
    assert (METADATA["version"], METADATA["license"], METADATA["license-files"]) == (__version__, "MIT", ["LICENSE"])
    assert (ROOT / "LICENSE").read_text().startswith("MIT License\n")


def test_the_policy_of_versions_is_followed() -> None:
    """Pythons, ranges of dependencies, public modules and exit statuses are what docs/versioning.md promises."""
    text, tools = (ROOT / "docs/versioning.md").read_text(), PROJECT["tool"]
    assert re.findall(r"^\| (3\.\d+) \| \w+ 20\d\d \|$", text, re.MULTILINE) == PYTHONS
    assert METADATA["requires-python"] == f">={PYTHONS[0]}"
    assert tools["ruff"]["target-version"] == f"py{PYTHONS[0].replace('.', '')}"
    assert {tools["mypy"]["python_version"], tools["pyright"]["pythonVersion"]} == {PYTHONS[0]}
    lists: list[list[str]] = [METADATA["dependencies"], *METADATA["optional-dependencies"].values()]
    ranges = {each.partition(";")[0] for some in lists for each in some}
    assert [each for each in ranges if not re.fullmatch(r"[\w-]+>=[\d.]+,<[\d.]+|(attrs|certifi)>=[\d.]+", each)] == []
    public = text[text.index("## What is public") : text.index("`tests/project/public_api.txt`")]
    assert sorted(re.findall(r"`(liveperson_engagement[\w.]*)`", public)) == sorted(MODULES)
    promised = " ".join(invoke("--help").stdout.partition("Exit status:")[2].split())
    assert [status for status in Status if not re.search(rf"\b{status.value} \w", promised)] == []


def test_the_workflow_runs_the_two_commands_on_every_python() -> None:
    """Without the right to write; actions are pinned to a major version."""
    workflow: Any = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    [job] = workflow["jobs"].values()
    assert (workflow["permissions"], job["strategy"]["matrix"]["python"]) == ({"contents": "read"}, PYTHONS)
    run = [step["run"] for step in job["steps"] if step.get("run", "").startswith("./")]
    assert run == ["./scripts/demo", "./scripts/test all"]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step)


def test_the_image_runs_what_is_built_and_is_healthy() -> None:
    """The wheel alone; nobody is root. Its health check finds the sandbox that its command starts, and only that."""
    lines = (ROOT / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    of = {name: rest for name, _, rest in (line.partition(" ") for line in lines if line[:1].isupper())}
    assert of["COPY"].split() == ["dist/*.whl", "/tmp/"]  # noqa: S108 - of the image
    assert int(of["USER"].partition(":")[0]) > 0
    program, *arguments = ast.literal_eval(of["ENTRYPOINT"])
    assert (program, arguments[-1]) == ("liveperson-engagement", of["EXPOSE"])
    python, option, code = ast.literal_eval(of["HEALTHCHECK"].partition(" CMD ")[2])
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
    names = re.findall(r"def (test_\w+)", "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py")))
    assert [name for name in names if len(name) > 60] == []
