"""What CONTRIBUTING, SECURITY, changelog, licence and the policy of versions say is true, and git hooks hold to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest
from test_public_api import MODULES

from checkout import ROOT
from liveperson_engagement import __version__
from liveperson_engagement.cli.failure import Status

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
METADATA = PROJECT["project"]
PAGES = ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/versioning.md"]
VERSIONING = (ROOT / "docs/versioning.md").read_text()
CHANGES = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n### Added\n\n- New.\n\n## [1.2.0] - 2026-03-01\n\n## [1.1.9] - 2026-02-01\n"
)


def wrong_with(changelog: str, version: str) -> list[str]:
    """Say where a changelog is not as keepachangelog.com asks, or does not fit the package's version."""
    problems: list[str] = []
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)
    headings = [section.partition("\n")[0].strip() for section in sections[1:]]
    released = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - (\S+)", heading) for heading in headings[1:]]
    if not changelog.startswith("# Changelog\n") or headings[:1] not in (["Unreleased"], ["[Unreleased]"]):
        problems.append("must begin with Unreleased")
    if None in released:
        return [*problems, "must head releases with [X.Y.Z] - YYYY-MM-DD"]
    numbers = [tuple(int(part) for part in each.groups()[:3]) for each in released if each]
    days = [each[4] for each in released if each]
    if numbers != sorted(set(numbers), reverse=True) or days != sorted(days, reverse=True):
        problems.append("must have the newest release first")
    if any(not is_date(day) for day in days):
        problems.append("must have dates such as 2026-01-31")
    if numbers and version != "{}.{}.{}".format(*numbers[0]):
        problems.append(f"must have {version} for its newest release")
    for section in sections[1:]:
        kinds = re.findall(r"^### (.*)$", section, re.MULTILINE)
        if len(set(kinds)) < len(kinds) or not set(kinds) <= set(CHANGES):
            problems.append(f"must sort changes by {', '.join(CHANGES)}")
        if re.search(r"^###[^\n]*\n+(?:###|\Z)", section, re.MULTILINE):
            problems.append("must not have a heading with nothing below")
    return problems


def is_date(text: str) -> bool:
    """Return whether a text is a day of the calendar, as ISO 8601 writes it."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def test_the_changelog_is_kept() -> None:
    """Its form is the usual one, and its newest release is the package's version."""
    assert wrong_with((ROOT / "CHANGELOG.md").read_text(), METADATA["version"]) == []


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("", "", None),
        ("## Unreleased", "## [Unreleased]", None),
        ("## Unreleased\n", "## Next\n", "must begin with Unreleased"),
        ("## [1.2.0] - 2026-03-01", "## 1.2.0", "must head releases with [X.Y.Z] - YYYY-MM-DD"),
        ("[1.1.9]", "[1.10.0]", "must have the newest release first"),
        ("2026-02-01", "2026-04-01", "must have the newest release first"),
        ("2026-02-01", "2026-02-30", "must have dates such as 2026-01-31"),
        ("[1.2.0]", "[1.3.0]", "must have 1.2.0 for its newest release"),
        ("### Added", "### New", f"must sort changes by {', '.join(CHANGES)}"),
        ("- New.", "- New.\n\n### Added\n\n- More.", f"must sort changes by {', '.join(CHANGES)}"),
        ("- New.\n", "", "must not have a heading with nothing below"),
    ],
)
def test_a_changelog_that_is_not_kept_is_noticed(right: str, wrong: str, problem: str | None) -> None:
    """One mistake at a time, and forms that are none."""
    assert wrong_with(CHANGELOG.replace(right, wrong, 1), "1.2.0") == ([] if problem is None else [problem])


def test_the_version_is_the_same_everywhere() -> None:
    """In the metadata and in the package."""
    assert METADATA["version"] == __version__


def test_the_licence_that_is_named_is_the_one_in_the_file() -> None:
    """MIT, with the text that makes it MIT."""
    assert (METADATA["license"], METADATA["license-files"]) == ("MIT", ["LICENSE"])
    text = " ".join((ROOT / "LICENSE").read_text().split())
    assert text.startswith("MIT License Copyright (c) ")
    assert "to deal in the Software without restriction" in text
    assert 'THE SOFTWARE IS PROVIDED "AS IS"' in text


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Files, and headings in them."""
    text = (ROOT / page).read_text()
    for target, fragment in re.findall(r"\]\((?!https://)([^)#]*)#?([^)]*)\)", text):
        file = (ROOT / page).parent / target
        assert file.exists(), target
        headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        assert not fragment or fragment in slugs, f"{target}#{fragment}"


@pytest.mark.parametrize("page", PAGES[:2])
def test_commands_and_files_exist(page: str) -> None:
    """Whatever people are asked to run or to edit."""
    text = (ROOT / page).read_text()
    scripts = set(re.findall(r"\bscripts/([\w-]+)(?![\w/-])", text))
    assert scripts
    assert [name for name in scripts if not os.access(ROOT / "scripts" / name, os.X_OK)] == []
    paths = re.findall(r"`((?:tests|docs|wrapper|generated|\.ci)/[\w./-]*|[\w.]+\.(?:md|toml|yaml))`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_supported_pythons_are_the_same_everywhere() -> None:
    """Policy, classifiers, the least version, and what linters and type checkers are given."""
    table = re.findall(r"^\| (3\.\d+) \| \w+ 20\d\d \|$", VERSIONING, re.MULTILINE)
    prefix = "Programming Language :: Python :: 3."
    assert table == [each[-len("3.11") :] for each in METADATA["classifiers"] if each.startswith(prefix)]
    assert METADATA["requires-python"] == f">={table[0]}"
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{table[0].replace('.', '')}"
    assert {PROJECT["tool"]["mypy"]["python_version"], PROJECT["tool"]["pyright"]["pythonVersion"]} == {table[0]}


def test_every_range_of_a_dependency_has_the_limits_of_the_policy() -> None:
    """A lower and an upper one; attrs and certifi have no upper one."""
    extras = METADATA["optional-dependencies"].values()
    ranges = {*METADATA["dependencies"], *(each for extra in extras for each in extra)}
    assert len(ranges) > 5
    assert [each for each in ranges if not re.fullmatch(r"[\w-]+>=[\d.]+,<[\d.]+|(attrs|certifi)>=[\d.]+", each)] == []


def test_the_policy_of_versions_names_the_modules_that_are_compared() -> None:
    """What is called public is what `public_api.txt` has."""
    table = VERSIONING[VERSIONING.index("## What is public") : VERSIONING.index("`tests/public_api.txt`")]
    assert sorted(re.findall(r"`(liveperson_engagement[\w.]*)`", table)) == sorted(MODULES)


def test_exit_statuses_are_documented() -> None:
    """Each number stands in the help of the command line, which the policy calls public."""
    done = subprocess.run(["liveperson-engagement", "--help"], capture_output=True, text=True, check=True)
    promised = " ".join(done.stdout.partition("Exit status:")[2].split())
    assert [status for status in Status if not re.search(rf"\b{status.value} \w", promised)] == []


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a repository of somebody's that has the hooks, and uses this checkout's tools."""
    for name in ("scripts", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in (".pre-commit-config.yaml", "pyproject.toml", "openapi.yaml", "README.md"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "good.py").write_text('"""Good."""\n')
    (tmp_path / "bad.py").write_text('"""Bad."""\nimport os;\n')
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def hooks(repository: Path, *names: str) -> tuple[int, dict[str, str]]:
    """Commit files as far as the hooks; give the exit status, and what became of each hook."""
    subprocess.run(["git", "add", ".pre-commit-config.yaml", *names], cwd=repository, check=True)
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--color=never"],
        env={**os.environ, "PRE_COMMIT_HOME": str(repository / ".cache")},
        cwd=repository, capture_output=True, text=True, check=False,
    )  # fmt: skip
    results = re.findall(r"^(\S.*?)\.{3,}(?:\(no files to check\))?(\w+)$", done.stdout, re.MULTILINE)
    return done.returncode, dict(results)


def test_hooks_let_good_files_pass(repository: Path) -> None:
    """Each looks only at what concerns it, and the contract at what is generated from it."""
    lint, layout, generated = "ruff check", "ruff format --check", "generated/ is what openapi.yaml says"
    assert hooks(repository, "README.md") == (0, {lint: "Skipped", layout: "Skipped", generated: "Skipped"})
    assert hooks(repository, "good.py") == (0, {lint: "Passed", layout: "Passed", generated: "Skipped"})
    assert hooks(repository, "openapi.yaml") == (0, {lint: "Passed", layout: "Passed", generated: "Passed"})


def test_hooks_stop_bad_files_and_leave_them_alone(repository: Path) -> None:
    """Whoever commits decides how to mend them."""
    status, results = hooks(repository, "bad.py")
    assert (status, results["ruff check"], results["ruff format --check"]) == (1, "Failed", "Failed")
    assert (repository / "bad.py").read_text() == '"""Bad."""\nimport os;\n'


def test_hooks_fetch_nothing() -> None:
    """They are commands of this project, and the slow one waits for a push."""
    config = ROOT / ".pre-commit-config.yaml"
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-config", str(config)], check=True)
    text = config.read_text()
    assert re.findall(r"repo: (\S+)", text) == ["local"]
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}
    assert re.search(r"entry: scripts/check\n +stages: \[pre-push\]", text)
