"""The command line: results on standard output, everything else on standard error, and documented exit statuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import liveperson_engagement
from checkout import ROOT
from command import ENVIRONMENT, PROGRAM, invoke, run, running
from contract_tools import CONTRACT
from liveperson_engagement.sandbox import Sandbox

WITHOUT = """
import sys
for name in sys.argv.pop(1).split(","):
    sys.modules[name] = None
from liveperson_engagement.cli import main
main()
"""
COMMANDS = ["", "create-session", "update-session", "domain", "call", "doctor", "demo", "sandbox", "contract"]


def without(packages: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command where some packages are not installed."""
    return run(*arguments, program=(sys.executable, "-c", WITHOUT, packages))


@pytest.mark.parametrize("program", [(PROGRAM,), (sys.executable, "-m", "liveperson_engagement")])
def test_version_is_that_of_the_package(program: tuple[str, ...]) -> None:
    """And nothing else is printed; `python -m liveperson_engagement` is the same command."""
    done = run("--version", program=program)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{liveperson_engagement.__version__}\n", "")


@pytest.mark.parametrize("arguments", [["version"], ["domian", "demo"]])
def test_an_unknown_command_is_refused(arguments: list[str]) -> None:
    """With the one that may have been meant; there is one way to ask for the version."""
    done = invoke(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"No such command '{arguments[0]}'." in done.stderr
    assert ("Did you mean 'domain'" in done.stderr) == (arguments[0] == "domian")


def test_without_a_command_all_commands_are_listed() -> None:
    """On standard error, with status 2, as nothing was done."""
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == run("--help").stdout


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


@pytest.mark.parametrize("arguments", [["nonsense"], ["contract", "--format", "xml"], ["domain", "--nonsense"], []])
def test_a_wrong_call_is_explained_on_standard_error(arguments: list[str]) -> None:
    """With exit status 2."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: liveperson-engagement" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["--version"], ["contract"], ["--help"], ["create-session"], ["create-session", "--json"], ["doctor"]]
)
def test_a_full_disk_is_one_line(sandbox: Sandbox, arguments: list[str]) -> None:
    """A result that cannot be written is a failure; what was printed last is still in a buffer."""
    environment = {"LIVEPERSON_ACCOUNT_ID": "demo", "LIVEPERSON_BASE_URL": sandbox.url}
    with (
        Path("/dev/full").open("w") as full,
        running(*arguments, stdout=full, env=ENVIRONMENT | environment) as process,
    ):
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.splitlines()[-1:]) == (
        1,
        ["liveperson-engagement: No space left on device"],
    )
    assert "Traceback" not in errors


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_will_do(sandbox: Sandbox, encoding: str) -> None:
    """JSON is the same in each; where other text has a character that the encoding lacks, its number is printed."""
    answer = {"status": "NotAvailable", "pageId": "€😀", "sessionId": "s", "visitorId": "v"}
    escaped = r"\u20ac\U0001f600"
    for options in (["--json"], []):
        sandbox.answer_next(200, json.dumps(answer))
        done = run(
            "create-session", "demo", "--base-url", sandbox.url, *options, environment={"PYTHONIOENCODING": encoding}
        )
        assert (done.returncode, done.stderr) == (0, "")
        if options:
            assert json.loads(done.stdout) == answer
    assert f"Page id     {'€😀' if encoding == 'utf-8' else escaped}\n" in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["sandbox", "--help"], ["contract", "-h"]])
def test_help_needs_neither_server_nor_contract(arguments: list[str]) -> None:
    """It is a result, so it is on standard output; the exit statuses are in each."""
    done = without("liveperson_engagement.sandbox,jsonschema_rs", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage:" in done.stdout
    for status in ("0 done", "1 failed", "2 called wrongly", "3 no engagement", "4 no answer", "130 ended by Ctrl-C"):
        assert status in done.stdout


@pytest.mark.parametrize(
    ("package", "arguments"),
    [("typer", ["--version"]), ("rich", ["domain", "demo"]), ("yaml", ["contract", "--format", "yaml"])],
)
def test_a_missing_extra_is_named(package: str, arguments: list[str]) -> None:
    """In one line, as the command to type."""
    done = without(package, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("pip install 'liveperson-engagement[cli]'\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["create-session", "update-session", "domain", "doctor"])
def test_help_names_the_environment_variables(command: str) -> None:
    """Each in one piece."""
    done = invoke(command, "--help")
    for name in ("LIVEPERSON_ACCOUNT_ID", "LIVEPERSON_BASE_URL", "LIVEPERSON_DOMAIN_API"):
        assert f"[env var: {name}]" in done.stdout


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_easy_on_the_eye(command: str, width: int) -> None:
    """No type of Python's, no line that is too long, no option that is broken over two lines."""
    text = invoke(*command.split(), "--help", environment={"COLUMNS": str(width)}).stdout
    assert max(map(len, text.splitlines())) <= min(width, 100)
    assert re.findall(r".*(?:[<>]|--[a-z-]*-$).*", text, re.MULTILINE) == []
    for flag in ("--version", "--no-retry", "--json", "--curl", "--show-ids", "--watch", "--no-visitor", "--log"):
        assert f"  {flag} " not in text or re.search(rf"^  {flag}  +[A-Z]", text, re.MULTILINE)


def test_what_help_lists_is_what_the_contract_lists() -> None:
    """Kinds of app, systems, devices and impressions are named in full, and no others."""
    schemas: Any = CONTRACT["components"]["schemas"]
    text = invoke("create-session", "--help").stdout
    for option, name in {"app-type": "AppType", "os": "OsFamily", "device-family": "DeviceFamily"}.items():
        [listed] = re.findall(rf"  --{option} .*", text)
        assert set(re.findall(r"\b[A-Z][A-Z_]+\b", listed)) - {"TYPE", "NAME"} == set(schemas[name]["enum"])
    text = invoke("update-session", "--help").stdout
    assert set(re.findall(r"\bimp[A-Z]\w+", text)) == set(schemas["ImpressionEvent"]["discriminator"]["mapping"])


@pytest.mark.parametrize("arguments", [["--version"], ["contract"], ["--help"], ["create-session", "--help"]])
def test_a_command_imports_what_it_needs(arguments: list[str]) -> None:
    """Neither the parts of the command line that send, nor the generated models, a store, or rich."""
    code = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from liveperson_engagement.cli import main; main()"
    )
    done = run(*arguments, program=(sys.executable, "-c", code))
    assert "liveperson_engagement.cli.create_session" in done.stderr.split()
    late = {"visits", "pauses", "examination", "output"}
    assert not {f"liveperson_engagement.cli.{name}" for name in late} & set(done.stderr.split())
    others = {"liveperson_engagement_api.models", "liveperson_engagement.sandbox", "httpx", "h11", "yaml", "sqlite3"}
    others |= {"rich", "asyncio", "jsonschema_rs", "attr", "pygments", "markdown_it"}
    assert not others & set(done.stderr.split())


def test_no_command_needs_httpx(sandbox: Sandbox) -> None:
    """Not even those that send."""
    for command in ("create-session", "doctor"):
        assert without("httpx", command, "demo", "--base-url", sandbox.url).returncode == 0


@pytest.mark.parametrize("module", ["liveperson_engagement", "liveperson_engagement.sandbox"])
def test_the_package_needs_no_command_line(module: str) -> None:
    """Importing it brings none of the command line's packages along."""
    code = f"import sys, {module}; print(*sorted({{'typer', 'yaml'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


GUIDE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")


def test_the_guide_names_what_there_is() -> None:
    """Every command, exit status and variable; and no option that no command has."""
    overview = invoke("--help").stdout
    commands = re.findall(r"^\| `([a-z-]+)` \| [a-z]", GUIDE, re.MULTILINE)
    assert commands == re.findall(r"^  ([a-z][a-z-]+)  +[A-Z]", overview, re.MULTILINE)
    statuses = re.findall(r"^\| (\d+) \|", GUIDE, re.MULTILINE)
    assert statuses == re.findall(r"\d+", overview[overview.index("Exit status:") :].replace("5xx", ""))
    help_texts = overview + "".join(invoke(name, "--help").stdout for name in commands)
    assert set(re.findall(r"env var: (\w+)", help_texts)) <= set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE))
    theirs = {"--request", "--header", "--data-raw"}  # curl's
    options = set(re.findall(r"--[a-z][a-z-]+", GUIDE)) - theirs
    assert {option for option in options if not re.search(rf"{option}\b(?!-)", help_texts)} == set()


def test_the_guides_first_commands_work(sandbox: Sandbox, tmp_path: Path) -> None:
    """Typed one after the other."""
    blocks = re.findall(r"^```\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    script = "\n".join(block for block in blocks if block.startswith(("export", "liveperson-engagement create")))
    script = script.replace("http://127.0.0.1:8787", sandbox.url).replace("le12345678", "demo")
    path = f"{Path(PROGRAM).parent}:{ENVIRONMENT['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=tmp_path,
        env=ENVIRONMENT | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [len(visitor.sessions[0].impressions) for visitor in sandbox.visitors] == [1, 0, 1]


def test_the_guide_shows_what_curl_gives(sandbox: Sandbox) -> None:
    """Character for character."""
    _, shown, *_ = re.split(r"^\$ liveperson-engagement create-session .*--curl\n", GUIDE, flags=re.MULTILINE)
    done = invoke("create-session", "demo", "--section", "Support", "--curl", "--base-url", sandbox.url)
    assert done.stdout.replace(sandbox.url, "http://127.0.0.1:8787") == shown[: shown.index("```")]
