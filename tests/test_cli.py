"""The command line: results on standard output, everything else on standard error, and documented exit statuses."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

import liveperson_engagement
from command import ENVIRONMENT, PROGRAM, run
from contract_tools import CONTRACT

WITHOUT = """
import sys
for name in sys.argv.pop(1).split(","):
    sys.modules[name] = None
from liveperson_engagement.cli import main
main()
"""


def without(packages: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command where some packages are not installed."""
    return run(*arguments, program=(sys.executable, "-c", WITHOUT, packages))


def test_version_is_that_of_the_package() -> None:
    """And nothing else is printed."""
    done = run("version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{liveperson_engagement.__version__}\n", "")


@pytest.mark.parametrize("options", [[], ["--format", "json"]])
def test_contract_prints_the_contract(options: list[str]) -> None:
    """As JSON, value for value."""
    done = run("contract", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == CONTRACT


def test_contract_prints_yaml_as_well() -> None:
    """In the same order, with nothing that JSON would not have: `1.0` stays text."""
    done = run("contract", "--format", "yaml")
    assert (done.returncode, done.stderr) == (0, "")
    read = yaml.safe_load(done.stdout)
    assert json.dumps(read) == json.dumps(CONTRACT)


def test_a_reader_that_has_enough_is_no_error() -> None:
    """`liveperson-engagement contract | head -1` prints one line, and no traceback."""
    done = subprocess.run(
        ["bash", "-c", f"{PROGRAM} contract | head -1"], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("{\n", "")


@pytest.mark.parametrize("arguments", [["nonsense"], ["contract", "--format", "xml"], ["version", "--nonsense"], []])
def test_a_wrong_call_is_explained_on_standard_error(arguments: list[str]) -> None:
    """With exit status 2."""
    done = run(*arguments)
    assert done.returncode == 2
    assert "Usage: liveperson-engagement" in done.stderr + done.stdout * (not arguments)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["sandbox", "--help"], ["contract", "-h"]])
def test_help_needs_neither_server_nor_contract(arguments: list[str]) -> None:
    """It is a result, so it is on standard output; the exit statuses are in the first."""
    done = without("starlette,uvicorn", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage:" in done.stdout
    if arguments == ["--help"]:
        assert "Exit status: 0 done, 1 failed, 2 called wrongly, 130 ended by Ctrl-C." in done.stdout


@pytest.mark.parametrize("package", ["typer", "yaml"])
def test_a_missing_extra_is_named(package: str) -> None:
    """In one line, as the command to type."""
    done = without(package, "sandbox")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("pip install 'liveperson-engagement[cli]'\n")
    assert done.stderr.count("\n") == 1


def test_a_missing_server_is_named() -> None:
    """The sandbox has an extra of its own."""
    done = without("starlette", "sandbox", "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("pip install liveperson-engagement[sandbox]\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("module", ["liveperson_engagement", "liveperson_engagement.sandbox"])
def test_the_package_needs_no_command_line(module: str) -> None:
    """Importing it brings none of the command line's packages along."""
    code = f"import sys, {module}; print(*sorted({{'typer', 'yaml'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
