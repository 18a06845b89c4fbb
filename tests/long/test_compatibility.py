"""scripts/compatibility runs the tests with versions that are really the oldest or newest, and says what failed."""

import re
import subprocess
import sys
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import compatibility
from checkout import ROOT
from compatibility import PROJECT

VERSION = sys.version.split()[0]
LINE = re.compile(rf"^{re.escape(VERSION)} +(\w+) +(\d+) +(\d+) +\d+\.\d$", re.MULTILINE)


def run(kind: str, *arguments: str) -> tuple[int, int, int, dict[str, Version]]:
    """Run tests here with the oldest or newest versions; give status, passed and failed, and what is installed."""
    command: list[str | Path] = [sys.executable, ROOT / "scripts/lib/compatibility.py", "--python", sys.executable]
    command += ["--versions", kind, "--", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    [(tried, passed, failed)] = LINE.findall(done.stdout)
    assert tried == kind, done.stdout + done.stderr
    names = compatibility.direct_dependencies()
    code = "import importlib.metadata, sys; print(*map(importlib.metadata.version, sys.argv[1:]))"
    python = ROOT / f".venv-compatibility-{VERSION}-{kind}/bin/python"
    versions = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=True).stdout.split()
    return done.returncode, int(passed), int(failed), dict(zip(names, map(Version, versions), strict=True))


def test_the_core_tests_pass_with_the_oldest_versions() -> None:
    """On this Python, some files; `scripts/compatibility` itself tries everything."""
    files = (f"tests/wrapper/test_{name}.py" for name in ("client", "retry", "sessions", "errors"))
    status, passed, failed, installed = run("oldest", *files)
    assert (status, failed) == (0, 0)
    assert passed > 50
    lists: list[list[str]] = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    asked = [each for each in map(Requirement, chain(*lists)) if each.marker is None or each.marker.evaluate()]
    bounds = [(each.name, bound) for each in asked for bound in each.specifier]
    assert installed == {name: Version(bound.version) for name, bound in bounds if bound.operator == ">="}


def test_the_newest_versions_are_installed() -> None:
    """What is pinned here is the least that is installed; a run without a test counts as a failure."""
    *outcome, installed = run("newest", "tests/wrapper/test_errors.py", "-k", "nothing_is_called_so")
    assert outcome == [1, 0, 1]
    assert {name: each for name, each in installed.items() if each < Version(version(name))} == {}


@pytest.mark.parametrize(
    ("extra", "beside"), [("", "jsonschema-rs==0.61.0"), ("cli", "typer==0.24.0"), ("sandbox", "fastapi==0.115.0")]
)
def test_what_an_app_has_pinned_can_be_installed_beside_it(extra: str, beside: str) -> None:
    """Versions that older and newer apps are bound to; what these need in turn included."""
    asked = f"liveperson-engagement[{extra}] @ {ROOT.as_uri()}\n{beside}\n"
    found = compatibility.uv("pip", "compile", "--quiet", "--no-annotate", "-", standard_input=asked)
    assert beside in found.splitlines()
