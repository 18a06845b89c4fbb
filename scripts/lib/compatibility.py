"""Runs the tests with the oldest and with the newest versions that pyproject.toml allows, on every supported Python.

Supported are the Pythons that the classifiers of pyproject.toml name. One that neither PATH, pyenv nor uv has is
installed by uv, into the repository; the table names those that cannot be had.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
UV = (sys.executable, "-m", "uv")
PYTHONS = ROOT / ".venv-compatibility-pythons"
RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}
COMPANIONS = {"oldest": {"click": "8.1.8"}, "newest": {}}
"""What a direct dependency goes with, and does not say: Typer 0.15.0 takes any click, and works with 8.1 alone."""
OUTDATED = {
    "oldest": [
        *("-W", "ignore:'autocompletion':DeprecationWarning"),
        "--deselect=tests/wrapper/test_testing.py::test_pytest_asyncio_and_anyio_work_beside_it",
    ],
    "newest": [],
}
"""Between old versions: Typer's words on click, and a pytest-asyncio that fails with the pytest of its age."""
CORE = [f"tests/wrapper/test_{name}.py" for name in ("client", "retry", "sessions", "errors", "validation")]
OWN = "runs in an environment of its own, whose versions are pinned"
CONTRACT = "tries what reads or generates from the contract, with versions that are pinned"
LEFT_OUT = {
    "test_audit.py": OWN,
    "test_bench.py": OWN,
    "test_build.py": OWN,
    "test_compatibility.py": "would try all this again",
    "test_contract.py": CONTRACT,
    "test_contract_diff.py": CONTRACT,
    "test_generate.py": CONTRACT,
    "test_generate_refusals.py": CONTRACT,
    "test_generated_types.py": CONTRACT,
    "test_mutants.py": OWN,
    "test_frozen.py": OWN,
    "test_package.py": OWN,
    "test_portability.py": OWN,
    "test_project_files.py": "reads what others than Python read",
    "test_sandbox_schemathesis.py": "needs Schemathesis, which takes few versions of jsonschema-rs",
    "test_public_api.py": "compares with a picture of the names as the pinned versions show them",
}
"""Tests that say nothing about the versions that the package meets, each with the reason."""


class CompatibilityError(Exception):
    """Something that could not be installed."""


@dataclass(frozen=True)
class Row:
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


def table(rows: Iterable[Row]) -> str:
    """Draw the table."""
    return "\n".join(["Python    versions  passed  failed  seconds", *map(str, rows)])


# What is wanted


def supported() -> list[str]:
    """Give the Pythons that pyproject.toml names."""
    return re.findall(r"(?<=:: Python :: )3\.\d+", "\n".join(PROJECT["classifiers"]))


def direct_dependencies() -> list[str]:
    """Name what the package asks for, extras included."""
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return sorted({Requirement(line).name for lines in lists for line in lines})


def tools(versions: dict[str, str]) -> list[str]:
    """Pin the test tools as scripts/env/*.in do, but for what the package asks for."""
    texts = [
        (ROOT / f"scripts/env/{name}.in").read_text(encoding="utf-8") for name in ("test", "demo", "docs", "generate")
    ]
    pinned = {name: version for text in texts for name, version in re.findall(r"^([\w-]+)==(\S+)$", text, re.MULTILINE)}
    # The three are released as one: 1.30.0 with 0.51b0, and so on.
    pinned["opentelemetry-sdk"] = versions["opentelemetry-api"]
    _, minor, patch = map(int, versions["opentelemetry-api"].split("."))
    pinned["opentelemetry-instrumentation"] = f"0.{minor + 21}b{patch}"
    del pinned["schemathesis"]  # what it takes of jsonschema-rs changes with each release of its own
    for name in ("fastapi", "pytest-asyncio"):  # they use what is new in others of these
        pinned[name] = newest_fitting(name, versions)
    return [f"{name}=={version}" for name, version in pinned.items() if name not in versions]


def newest_fitting(package: str, versions: dict[str, str]) -> str:
    """Give the newest version of a package that asks for nothing else than these versions."""
    wanted = [package, *(f"{name}=={version}" for name, version in versions.items())]
    printed = uv("pip", "compile", "--quiet", "--no-header", "--no-annotate", "-", standard_input="\n".join(wanted))
    return dict(line.split("==") for line in printed.splitlines())[package]


# What is here


def uv(*arguments: str | Path, standard_input: str = "", **environment: str) -> str:
    """Run uv, and give what it prints; CompatibilityError says in one line why it could not."""
    done = subprocess.run(
        [*UV, *arguments], cwd=ROOT, env={**os.environ, **environment}, input=standard_input,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        reasons = re.findall(r"^\s*(?:error|cause): (.+)", done.stderr, re.MULTILINE)
        raise CompatibilityError(": ".join(reasons[:2]) or " ".join(done.stderr.split()) or "uv failed")
    return done.stdout.strip()


def find_python(wanted: str) -> Path | None:
    """Look for a Python on PATH, with pyenv and with uv; let uv install it if there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    path = os.pathsep.join([os.environ["PATH"], *map(str, sorted(pyenv.glob("versions/*/bin"), reverse=True))])
    find = ("python", "find", "--system", "--no-project", "--no-python-downloads", wanted)
    own = {"UV_PYTHON_INSTALL_DIR": str(PYTHONS)}
    for step in ("here", "installed before", "installed now"):
        try:
            if step == "installed now":
                uv("python", "install", "--no-bin", wanted, **own)
            return Path(uv(*find, PATH=path, **({} if step == "here" else own)))
        except CompatibilityError:
            continue
    return None


def direct_versions(python: Path, versions: str) -> dict[str, str]:
    """Give the version of each direct dependency: the oldest or the newest that is allowed."""
    printed = uv(
        "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--resolution", RESOLUTIONS[versions],
        "--python", python, "--all-extras", "pyproject.toml",
    )  # fmt: skip
    pinned = dict(line.split("==") for line in printed.splitlines())
    return {name: pinned[name] for name in direct_dependencies()}


def environment(python: Path, name: str, pinned: dict[str, str], test_tools: Sequence[str]) -> Path:
    """Make the environment anew, and give its Python. The pins are stronger than what a test tool asks for."""
    folder = ROOT / f".venv-compatibility-{name}"
    uv("venv", "--quiet", "--clear", "--no-project", "--python", python, folder)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        pins.write("\n".join(f"{package}=={version}" for package, version in pinned.items()))
        pins.flush()
        extras = ",".join(PROJECT["optional-dependencies"])
        uv(
            "pip", "install", "--quiet", "--python", folder, "--overrides", pins.name,
            "--editable", f".[{extras}]", *test_tools,
        )  # fmt: skip
    return folder / "bin/python"


# The tests


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


def try_pair(python: Path, versions: str, short: bool, arguments: Sequence[str]) -> Row:
    """Install one pair of Python and versions, and run the tests there."""
    version = uv("python", "find", "--no-project", "--show-version", python)
    start = time.monotonic()
    try:
        pinned = direct_versions(python, versions)
        print(f"== Python {version}, {versions}:", ", ".join(f"{name} {pinned[name]}" for name in pinned), flush=True)
        name = "-".join([*(["short"] if short else []), version, versions])
        test_tools = [each for each in tools(pinned) if not short or each.startswith("pytest-xdist")]
        installed = environment(python, name, pinned | COMPANIONS[versions], test_tools)
    except CompatibilityError as error:
        return Row(version, versions, note=f"cannot be installed: {error}")
    chosen = CORE if short else [f"--ignore-glob=*/{name}" for name in LEFT_OUT]
    passed, failed = run_tests(installed, ["--numprocesses=auto", *OUTDATED[versions], *chosen, *arguments])
    return Row(version, versions, passed, failed, time.monotonic() - start)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, and print the table; return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/compatibility", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", action="append", help="3.12, say, or a path; may be given more than once")
    parser.add_argument("--versions", choices=RESOLUTIONS, help="the oldest or the newest alone")
    parser.add_argument("--short", action="store_true", help="the core tests alone")
    parser.add_argument("pytest", nargs="*", metavar="-- ...", help="goes to pytest")
    options = parser.parse_args(arguments)

    if not options.short:
        for name, reason in LEFT_OUT.items():
            print(f"{name} is left out: {reason}")
    rows: list[Row] = []
    wanted = options.python or supported()
    for name in wanted:
        python = find_python(name)
        if python is None:
            rows.append(Row(name, "", note="not installed here"))
            continue
        for versions in [options.versions] if options.versions else RESOLUTIONS:
            rows.append(try_pair(python, versions, options.short, options.pytest))
    print(table(rows))
    tried = [row for row in rows if row.versions]
    missing = options.python and len(tried) < len(rows)
    return 0 if tried and all(row.good for row in tried) and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
