"""Runs the tests with the oldest and with the newest versions that pyproject.toml allows, on every supported Python.

Supported are the Pythons that the classifiers of pyproject.toml name. One that neither PATH, pyenv nor uv has is
installed by uv, into the repository; the table names those that cannot be had.
"""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = ROOT / ".venv-compatibility-pythons"
RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}
TOOLS = (
    *("fastapi", "hypothesis", "openapi-spec-validator", "opentelemetry-instrumentation", "opentelemetry-sdk"),
    *("pytest-asyncio", "pytest-xdist"),
)
"""What the tests need besides, in the newest versions that go with the others."""
COMPANIONS = {"oldest": {"click": "8.2.1", "fastapi": "0.103.2", "pydantic": "2.8.2"}, "newest": {}}
"""What the oldest go with, and do not say: Typer 0.24 uses what click 8.5 warns of; Pydantic 2.8 asks for
typing-extensions 4.12, and works with 4.6.0."""
OUTDATED = {
    "oldest": ["--deselect=tests/wrapper/test_testing.py::test_pytest_asyncio_and_anyio_work_beside_it"],
    "newest": [],
}
"""Between old versions: a pytest-asyncio that fails with the pytest of its age."""
LEFT_OUT = {
    "test_docs_cookies.py": "the web frameworks of the examples have versions of their own",
    "test_examples.py": "the same",
    "test_prism.py": "tries a mock server, whatever the versions",
}
"""Tests in tests/servers that say nothing about the versions that the package meets, each with the reason."""


class CompatibilityError(Exception):
    """Something that could not be installed."""


class Row(NamedTuple):
    """A line of the table."""

    python: str
    versions: str
    passed: int = 0
    failed: int = 0
    seconds: float = 0.0
    note: str = ""

    @property
    def good(self) -> bool:
        """Say whether tests ran, and all passed."""
        return self.passed > 0 and not self.failed and not self.note

    def __str__(self) -> str:
        """Give the line."""
        figures = self.note or f"{self.passed:6} {self.failed:7} {self.seconds:8.1f}"
        return f"{self.python:9} {self.versions:9} {figures}"


def supported() -> list[str]:
    """Give the Pythons that pyproject.toml names."""
    return re.findall(r"(?<=:: Python :: )3\.\d+", "\n".join(PROJECT["classifiers"]))


def direct_dependencies() -> list[str]:
    """Name what the package asks for, extras included."""
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return sorted({Requirement(line).name for lines in lists for line in lines})


def uv(*arguments: str | Path, standard_input: str = "", **environment: str) -> str:
    """Run uv, and give what it prints; CompatibilityError says in one line why it could not."""
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments], cwd=ROOT, env={**os.environ, **environment}, input=standard_input,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        reasons = re.findall(r"^\s*(?:error|cause): (.+)", done.stderr, re.MULTILINE)
        raise CompatibilityError(": ".join(reasons[:2]) or " ".join(done.stderr.split()) or "uv failed")
    return done.stdout.strip()


def find_python(wanted: str) -> str | None:
    """Look for a Python on PATH, with pyenv and with uv; let uv install it if there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    path = os.pathsep.join([os.environ["PATH"], *map(str, sorted(pyenv.glob("versions/*/bin"), reverse=True))])
    for install in (False, True):
        with contextlib.suppress(CompatibilityError):
            if install:
                uv("python", "install", "--no-bin", wanted, UV_PYTHON_INSTALL_DIR=str(PYTHONS))
            find = ("python", "find", "--system", "--no-project", "--no-python-downloads", wanted)
            return uv(*find, PATH=path, UV_PYTHON_INSTALL_DIR=str(PYTHONS))
    return None


def environment(python: str, name: str, versions: str) -> Path:
    """Make an environment anew, and give its Python."""
    folder, extras = ROOT / f".venv-compatibility-{name}", ",".join(PROJECT["optional-dependencies"])
    compiled = uv(
        "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--resolution", RESOLUTIONS[versions],
        "--python", python, "--all-extras", "pyproject.toml",
    )  # fmt: skip
    found = dict(line.split("==") for line in compiled.splitlines())
    pinned = {package: found[package] for package in direct_dependencies()}
    print(f"== {name}:", ", ".join(f"{package} {pinned[package]}" for package in pinned), flush=True)
    uv("venv", "--quiet", "--clear", "--no-project", "--python", python, folder)
    with tempfile.TemporaryDirectory() as texts:
        pins, stronger = Path(texts, "pins.txt"), Path(texts, "stronger.txt")
        pins.write_text("\n".join(f"{each}=={number}" for each, number in (pinned | COMPANIONS[versions]).items()))
        stronger.write_text(f"typing-extensions=={pinned['typing-extensions']}")
        install = ("pip", "install", "--quiet", "--python", folder, "--constraints", pins, "--overrides", stronger)
        uv(*install, "--editable", f".[{extras}]", *TOOLS)
    return folder / "bin/python"


def run_tests(python: Path, arguments: Sequence[str]) -> tuple[int, int]:
    """Run pytest in an environment; give how many passed and failed. A run that broke off counts as a failure."""
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    surroundings = {**os.environ, "VIRTUAL_ENV": str(python.parents[1]), "PATH": path}
    surroundings["PYTHON"] = sys.executable  # what a test runs of scripts/ keeps the environment that it has
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}", *arguments]
        status = subprocess.run(command, cwd=ROOT, env=surroundings, check=False).returncode
        if not report.exists():
            return 0, 1
        suite = ElementTree.parse(report).getroot()[0]  # noqa: S314 -- pytest wrote it
    run, failures, errors, skipped = (int(suite.attrib[key]) for key in ("tests", "failures", "errors", "skipped"))
    return run - failures - errors - skipped, max(failures + errors, int(status != 0))


def try_pair(python: str, versions: str, arguments: Sequence[str]) -> Row:
    """Install one pair of Python and versions, and run the tests there."""
    number, start = uv("python", "find", "--no-project", "--show-version", python), time.monotonic()
    try:
        installed = environment(python, f"{number}-{versions}", versions)
    except CompatibilityError as error:
        return Row(number, versions, note=f"cannot be installed: {error}")
    return Row(number, versions, *run_tests(installed, [*OUTDATED[versions], *arguments]), time.monotonic() - start)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, and print the table; return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/compatibility", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", action="append", help="3.12, say, or a path; may be given more than once")
    parser.add_argument("--versions", choices=RESOLUTIONS, help="the oldest or the newest alone")
    parser.add_argument("pytest", nargs="*", metavar="-- ...", help="goes to pytest, in place of the tests")
    options = parser.parse_args(arguments)
    tests = ["--numprocesses=auto", "tests/wrapper", "tests/servers", *(f"--ignore-glob=*/{name}" for name in LEFT_OUT)]
    rows: list[Row] = []
    for name in options.python or supported():
        python = find_python(name)
        if python is None:
            rows.append(Row(name, "", note="not installed here"))
            continue
        for versions in [options.versions] if options.versions else RESOLUTIONS:
            rows.append(try_pair(python, versions, options.pytest or tests))
    print("\n".join(["Python    versions  passed  failed  seconds", *map(str, rows)]))
    tried = [row for row in rows if row.versions]
    missing = options.python and len(tried) < len(rows)
    return 0 if tried and all(row.good for row in tried) and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
