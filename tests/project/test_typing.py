"""What type checkers tell users of the installed package: good code passes, and each mistake in `typing` is found."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from checkout import ROOT

USES = {path.name: path.read_text() for path in (ROOT / "tests/typing").glob("*.py")}
ACCEPTED = """\
from liveperson_engagement import EngagementClient

EngagementClient(timeout=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
"""
"""Ignores what is right: a strict checker reports that, and so would it report a mistake that were accepted."""
MISSPELT = """\
from liveperson_engagement import AsyncEngagementClient, EngagementClient

visit = EngagementClient().visit()
visit.create_session({"apType": "EXTERNAL"})
visit.engagement({"appType": "EXTERNAL", "sections": []})
visit.create_session({"appType": "EXTERNAL", "appDetails": {"oss": "IOS"}})
visit.update_session({"attributes": []})


async def create() -> None:
    await AsyncEngagementClient().visit().create_session({"apType": "EXTERNAL"})
"""
NEWEST = "3.14"
"""The users' Python; scripts/check looks at the same files as those of 3.11 do."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment that sees what it depends on, and no checkout; give where it lies."""
    folder = tmp_path_factory.mktemp("user")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    venv.create(folder / "venv", with_pip=False)
    [packages] = folder.glob("venv/lib/python*/site-packages")
    [wheel] = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return packages


def reported(checker: str, packages: Path, folder: Path, files: dict[str, str]) -> list[str]:
    """Let a checker read files as somebody does who has installed the wheel; give the lines that it reports."""
    return re.findall(r"(\w+\.py:\d+.* (?:error|warning)\b.*)", checked(checker, packages, folder, files))


def checked(checker: str, packages: Path, folder: Path, files: dict[str, str]) -> str:
    """Do so, and give all that the checker prints."""
    environment = packages.parents[2]
    settings = {
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": True,
        "pythonVersion": NEWEST,
        "venvPath": str(environment.parent),
        "venv": environment.name,
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    for name, text in files.items():
        (folder / name).write_text(text)
    options = ["--no-incremental", f"--python-version={NEWEST}", f"--python-executable={environment}/bin/python"]
    done = subprocess.run(
        [*({"mypy": ["mypy", "--strict", *options], "pyright": ["pyright"]}[checker]), *files],
        cwd=folder, env={name: value for name, value in os.environ.items() if name not in {"MYPYPATH", "PYTHONPATH"}},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == bool(re.search(r"\.py:\d+.* (error|warning)\b", done.stdout)), done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_users_get_the_documented_types_and_their_mistakes_are_found(
    checker: str, packages: Path, tmp_path: Path
) -> None:
    """Nothing is reported but the comment that ignores nothing, which is there to be reported."""
    lines = reported(checker, packages, tmp_path, {**USES, "accepted.py": ACCEPTED})
    assert [line.partition(":")[0] for line in lines] == ["accepted.py"], "\n".join(lines)
    assert re.search(r"unused-ignore|Unnecessary", lines[0])


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_misspelt_member_is_named(checker: str, packages: Path, tmp_path: Path) -> None:
    """Of a body that is written out in the call: the message has the key, and not types alone."""
    said = checked(checker, packages, tmp_path, {"misspelt.py": MISSPELT})
    named = re.findall(r'(?:Extra key )?"(\w+)" (?:is an undefined item|for TypedDict)', said)
    assert [name for name in named if name != "appType"] == ["apType", "sections", "oss", "attributes", "apType"]


def test_each_mistake_is_found_by_both_checkers() -> None:
    """No line of `wrong.py` is left to one of them alone."""
    marked = [line for line in USES["wrong.py"].splitlines() if "ignore[" in line]
    assert len(marked) > 50
    assert [line for line in marked if not re.search(r"# type: ignore\[.+\]  # pyright: ignore\[.+\]$", line)] == []


def test_the_types_count_because_the_wheel_says_that_it_is_typed(packages: Path, tmp_path: Path) -> None:
    """Without `py.typed` mypy would take the package for untyped."""
    marker = packages / "liveperson_engagement/py.typed"
    marker.rename(packages / "away")
    try:
        lines = reported("mypy", packages, tmp_path, {"untyped.py": "import liveperson_engagement\n"})
    finally:
        (packages / "away").rename(marker)
    assert len(lines) == 1
    assert "import-untyped" in lines[0]
