"""scripts/compatibility runs the tests with versions that are really the oldest or newest, and says what failed."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import compatibility
from checkout import ROOT
from compatibility import PROJECT, Row

VERSION = sys.version.split()[0]
LINE = re.compile(rf"^{re.escape(VERSION)} +(\w+) +(\d+) +(\d+) +\d+\.\d$", re.MULTILINE)


def run(kind: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run some tests on this Python, with the oldest or the newest versions."""
    command: list[str | Path] = [sys.executable, ROOT / "scripts/lib/compatibility.py", "--python", sys.executable]
    command += ["--versions", kind, "--", "--quiet", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def installed(kind: str) -> dict[str, Version]:
    """Give what the environment holds of that which pyproject.toml asks for."""
    names = compatibility.direct_dependencies()
    code = "import importlib.metadata, sys; print(*map(importlib.metadata.version, sys.argv[1:]))"
    python = ROOT / f".venv-compatibility-{VERSION}-{kind}/bin/python"
    done = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=True)
    return dict(zip(names, map(Version, done.stdout.split()), strict=True))


def test_the_core_tests_pass_with_the_oldest_versions() -> None:
    """On this Python, some files; `scripts/compatibility` itself tries everything."""
    done = run("oldest", *(f"tests/wrapper/test_{name}.py" for name in ("client", "retry", "sessions", "errors")))
    assert done.returncode == 0, done.stdout + done.stderr
    [(kind, passed, failed)] = LINE.findall(done.stdout)
    assert (kind, failed) == ("oldest", "0")
    assert int(passed) > 100
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    asked = [Requirement(line) for lines in lists for line in lines]
    assert installed("oldest") == {
        each.name: Version(bound.version) for each in asked for bound in each.specifier if bound.operator == ">="
    }


def test_the_newest_versions_are_installed() -> None:
    """What is pinned here is the least that is installed; a run without a test counts as a failure."""
    done = run("newest", "tests/wrapper/test_errors.py", "-k", "nothing_is_called_so")
    assert done.returncode == 1, done.stdout + done.stderr
    assert LINE.findall(done.stdout) == [("newest", "0", "1")]
    assert {name: each for name, each in installed("newest").items() if each < Version(version(name))} == {}


@pytest.mark.parametrize(
    ("extra", "beside"), [("", "jsonschema-rs==0.61.0"), ("cli", "typer==0.15.0"), ("sandbox", "fastapi==0.115.0")]
)
def test_what_an_app_has_pinned_can_be_installed_beside_it(extra: str, beside: str) -> None:
    """Versions that older and newer apps are bound to; what these need in turn included."""
    asked = f"liveperson-engagement[{extra}] @ {ROOT.as_uri()}\n{beside}\n"
    found = compatibility.uv("pip", "compile", "--quiet", "--no-annotate", "-", standard_input=asked)
    assert beside in found.splitlines()


def test_what_cannot_be_had_is_named_and_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Python that there is not; versions for which uv, without network and cache, has nothing to install."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path))
    assert compatibility.main(["--python", "3.999", "--python", sys.executable, "--versions", "oldest"]) == 1
    said = capsys.readouterr().out
    assert re.search(r"^3\.999 +not installed here$", said, re.MULTILINE)
    assert re.search(rf"^{re.escape(VERSION)} +oldest +cannot be installed: .*not found", said, re.MULTILINE)


def test_a_failure_is_no_success() -> None:
    """Neither is a run without tests, nor one that says why there is none."""
    assert Row("3.12.1", "oldest", passed=2).good
    assert not Row("3.12.1", "oldest", passed=2, failed=1).good
    assert not Row("3.12.1", "oldest").good
    assert not Row("3.12.1", "oldest", note="cannot be installed").good


def test_what_is_tried_and_left_out_is_there() -> None:
    """Each Python has a classifier, and the first is the oldest that may install the package; no test was renamed."""
    assert f">={compatibility.supported()[0]}" == PROJECT["requires-python"]
    assert len(compatibility.supported()) == len([line for line in PROJECT["classifiers"] if ":: Python :: 3." in line])
    assert [name for name in compatibility.LEFT_OUT if not (ROOT / "tests/servers" / name).is_file()] == []
