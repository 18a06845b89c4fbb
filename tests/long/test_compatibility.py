"""scripts/compatibility runs the tests with versions that are really the oldest or newest, and says what failed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.version import Version

import compatibility
from checkout import ROOT
from compatibility import Row

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSION = sys.version.split()[0]
LINE = re.compile(rf"{re.escape(VERSION)} +(\w+) +(\d+) +(\d+) +\d+\.\d")


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the script to its end."""
    return subprocess.run(
        [ROOT / "scripts/compatibility", *options], capture_output=True, text=True, timeout=600, check=False
    )


def short(kind: str, chosen: str) -> subprocess.CompletedProcess[str]:
    """Run some of the core tests on this Python, in one process."""
    return run(
        "--short", "--python", sys.executable, "--versions", kind, "--",
        "--numprocesses=0", "--quiet", "-k", chosen,
    )  # fmt: skip


def versions(pattern: str, text: str) -> dict[str, Version]:
    """Read names and versions."""
    return {name: Version(version) for name, version in re.findall(pattern, text, re.MULTILINE)}


def installed(kind: str) -> dict[str, Version]:
    """Give what the environment holds of that which pyproject.toml asks for."""
    names = compatibility.direct_dependencies()
    code = "import importlib.metadata, sys; print(*map(importlib.metadata.version, sys.argv[1:]))"
    python = ROOT / f".venv-compatibility-short-{VERSION}-{kind}/bin/python"
    done = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=True)
    return dict(zip(names, map(Version, done.stdout.split()), strict=True))


def bounds() -> dict[str, Version]:
    """Give the oldest version of each dependency as pyproject.toml writes it."""
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return versions(r"^([\w-]+)>=([\d.]+)", "\n".join(line for lines in lists for line in lines))


def test_the_core_tests_pass_with_the_oldest_versions() -> None:
    """On this Python, the sync client on httpx; `scripts/compatibility` itself tries everything."""
    done = short("oldest", "not async and not fast and not real_pause")
    assert done.returncode == 0, done.stdout + done.stderr
    [(kind, passed, failed)] = LINE.findall(done.stdout)
    assert (kind, failed) == ("oldest", "0")
    assert int(passed) > 300
    assert installed("oldest") == bounds()


def test_the_newest_versions_are_installed_and_no_test_is_no_success() -> None:
    """The pins of `scripts/lock` are the least that is installed; a run without a test counts as a failure."""
    done = short("newest", "nothing_is_called_so")
    assert done.returncode == 1, done.stdout + done.stderr
    assert LINE.findall(done.stdout) == [("newest", "0", "1")]
    pins = versions(r"^([\w-]+)==(\S+)", (ROOT / "scripts/env/runtime.txt").read_text())
    assert {name: version for name, version in installed("newest").items() if version < pins[name]} == {}


@pytest.mark.parametrize(
    ("extra", "beside"), [("", "jsonschema-rs==0.61.0"), ("cli", "typer==0.15.0"), ("sandbox", "fastapi==0.115.0")]
)
def test_what_an_app_has_pinned_can_be_installed_beside_it(extra: str, beside: str) -> None:
    """Versions that older and newer apps are bound to; what these need in turn included."""
    asked = f"liveperson-engagement[{extra}] @ {ROOT.as_uri()}\n{beside}\n"
    assert (
        f"{beside}\n"
        in compatibility.uv("pip", "compile", "--quiet", "--no-annotate", "-", standard_input=asked) + "\n"
    )


def test_a_python_that_cannot_be_had_is_named() -> None:
    """It was asked for, so it is a failure."""
    done = run("--python", "3.999")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^3\.999 +not installed here$", done.stdout, re.MULTILINE)


def test_versions_that_cannot_be_installed_are_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without network and cache uv has nothing to install; the table gives its reason."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path))
    assert compatibility.main(["--python", sys.executable, "--versions", "oldest", "--short"]) == 1
    assert re.search(rf"^{re.escape(VERSION)} +oldest +cannot be installed: .*not found", capsys.readouterr().out, re.M)


def test_a_failure_is_no_success() -> None:
    """Neither is a run without tests, nor one that says why there is none."""
    assert Row("3.12.1", "oldest", passed=2).good
    assert not Row("3.12.1", "oldest", passed=2, failed=1).good
    assert not Row("3.12.1", "oldest").good
    assert not Row("3.12.1", "oldest", note="cannot be installed").good


def test_the_pythons_are_those_that_the_package_names() -> None:
    """Each has a classifier, and the first is the oldest that may install the package."""
    assert f">={compatibility.supported()[0]}" == PROJECT["requires-python"]
    assert [f"Programming Language :: Python :: {name}" for name in compatibility.supported()] == [
        line for line in PROJECT["classifiers"] if ":: Python :: 3." in line
    ]


def test_what_is_chosen_and_left_out_exists() -> None:
    """A test that was renamed would otherwise be left out, or be run in its own copy, unnoticed."""
    assert [name for name in compatibility.CORE if not (ROOT / name).is_file()] == []
    assert [name for name in compatibility.LEFT_OUT if not [*(ROOT / "tests").rglob(name)]] == []
