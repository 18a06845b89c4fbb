"""The command line: results on standard output, everything else on standard error, and documented exit statuses."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import liveperson_engagement
from checkout import ROOT
from command import ENVIRONMENT, PROGRAM, invoke, run
from contract_tools import CONTRACT
from liveperson_engagement.sandbox import Sandbox

COMMANDS = ["create-session", "update-session", "domain", "call", "doctor", "demo", "sandbox", "contract"]
GUIDE = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")


def after(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command after some code, in a process of its own."""
    main = "from liveperson_engagement.cli import main; main()"
    return run(*arguments, program=(sys.executable, "-c", f"import atexit, sys\n{code}\n{main}"))


def test_the_version_is_that_of_the_package() -> None:
    """And nothing else is printed; `python -m liveperson_engagement` is the same command."""
    for program in (PROGRAM,), (sys.executable, "-m", "liveperson_engagement"):
        done = run("--version", program=program)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{liveperson_engagement.__version__}\n", "")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("domian demo", "No such command 'domian'. Did you mean 'domain'"),
        ("contract --format xml", "'xml' is not one of 'json', 'yaml'."),
        ("", "Exit status: 0 done, 1 failed, "),
    ],
)
def test_a_wrong_call_is_explained(line: str, reason: str) -> None:
    """On standard error, with status 2; without a command all of them are listed."""
    done = invoke(*line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: liveperson-engagement" in done.stderr
    assert reason in done.stderr


def test_contract_prints_the_contract() -> None:
    """Value for value: as JSON, or as YAML in the same order; a reader that has enough is no error."""
    for options, read in ((), json.loads), (("--format", "yaml"), yaml.safe_load):
        done = invoke("contract", *options)
        assert (done.returncode, done.stderr) == (0, "")
        assert json.dumps(read(done.stdout)) == json.dumps(CONTRACT)
    done = run("-c", f"{PROGRAM} contract | head -1", program=("bash",))
    assert (done.stdout, done.stderr) == ("{\n", "")


@pytest.mark.parametrize("command", ["--version", "create-session"])
def test_a_full_disk_is_one_line(sandbox: Sandbox, command: str) -> None:
    """A result that cannot be written is a failure; what was printed last is still in a buffer."""
    environment = ENVIRONMENT | {"LIVEPERSON_ACCOUNT_ID": "demo", "LIVEPERSON_BASE_URL": sandbox.url}
    with Path("/dev/full").open("w") as full:
        done = run(command, stdout=full, env=environment)
    assert (done.returncode, done.stderr) == (1, "liveperson-engagement: No space left on device\n")


def test_any_encoding_will_do(sandbox: Sandbox) -> None:
    """Where text has a character that the encoding lacks, its number is printed."""
    session = json.dumps({"status": "NotAvailable", "pageId": "€😀", "sessionId": "s", "visitorId": "v"})
    sandbox.answer_next(200, session, times=2)
    arguments = ("create-session", "demo", "--base-url", sandbox.url)
    assert "Page id     €😀\n" in invoke(*arguments).stdout
    done = run(*arguments, env=ENVIRONMENT | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "Page id     \\u20ac\\U0001f600\n" in done.stdout


@pytest.mark.parametrize(
    ("package", "line"), [("typer", "--version"), ("rich", "domain demo"), ("yaml", "contract --format yaml")]
)
def test_a_missing_extra_is_named(package: str, line: str) -> None:
    """In one line, as the command to type."""
    done = after(f"sys.modules[{package!r}] = None", *line.split())
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.endswith("pip install 'liveperson-engagement[cli]'\n")


LATE = {
    *(f"liveperson_engagement.cli.{name}" for name in ("visits", "pauses", "examination", "output")),
    *("liveperson_engagement_api.models", "liveperson_engagement.sandbox", "h11", "yaml", "sqlite3"),
    *("rich", "asyncio", "jsonschema_rs", "attr", "pygments", "markdown_it"),
}


@pytest.mark.parametrize("argument", ["--help", "demo"])
def test_a_command_imports_what_it_needs(sandbox: Sandbox, argument: str) -> None:
    """Help needs neither what sends, nor the generated models, a store, or rich; nothing needs httpx."""
    print_modules = "atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    done = after(print_modules, "create-session", argument, "--base-url", sandbox.url)
    brought = set(done.stderr.split())
    assert (done.returncode, "liveperson_engagement.cli.create_session" in brought) == (0, True)
    assert brought & ({"httpx"} if argument == "demo" else LATE | {"httpx"}) == set()


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_easy_on_the_eye(command: str) -> None:
    """No type of Python's, no line that is too long, no option over two lines; variables and statuses are in it."""
    for width, option in ((80, "-h"), (120, "--help")):
        done = invoke(*command.split(), option, environment={"COLUMNS": str(width)})
        text = done.stdout
        assert (done.returncode, done.stderr, "Usage:" in text) == (0, "", True)
        assert max(map(len, text.splitlines())) <= min(width, 100)
        assert re.findall(r".*(?:[<>]|--[a-z-]*-$).*", text, re.MULTILINE) == []
    for status in ("0 done", "1 failed", "2 called wrongly", "3 no engagement", "4 no answer", "130 ended by Ctrl-C"):
        assert status in " ".join(text.split())
    if command.endswith("session") or command in {"domain", "doctor"}:
        variables = ("ACCOUNT_ID", "BASE_URL", "DOMAIN_API")
        assert [name for name in variables if f"[env var: LIVEPERSON_{name}]" not in text] == []


def test_the_guide_names_what_there_is() -> None:
    """Every command, exit status and variable."""
    overview = invoke("--help").stdout
    assert re.findall(r"^\| `([a-z-]+)` \| [a-z]", GUIDE, re.MULTILINE) == COMMANDS
    assert re.findall(r"^  ([a-z][a-z-]+)  +[A-Z]", overview, re.MULTILINE) == COMMANDS
    statuses = re.findall(r"^\| (\d+) \|", GUIDE, re.MULTILINE)
    assert statuses == re.findall(r"\d+", overview[overview.index("Exit status:") :].replace("5xx", ""))
    help_texts = overview + "".join(invoke(name, "--help").stdout for name in COMMANDS)
    assert set(re.findall(r"env var: (\w+)", help_texts)) <= set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE))


def test_the_guides_commands_work(sandbox: Sandbox, tmp_path: Path) -> None:
    """Typed one after the other; and `--curl` prints what is shown, character for character."""
    blocks = re.findall(r"^```\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    script = "\n".join(block for block in blocks if block.startswith(("export", "liveperson-engagement create")))
    script = script.replace("http://127.0.0.1:8787", sandbox.url).replace("le12345678", "demo")
    path = f"{Path(PROGRAM).parent}:{ENVIRONMENT['PATH']}"
    done = run("-ec", f"cd {tmp_path}\n{script}", program=("bash",), env=ENVIRONMENT | {"PATH": path})
    assert (done.returncode, done.stderr) == (0, "")
    assert [len(visitor.sessions[0].impressions) for visitor in sandbox.visitors] == [1, 0, 1]
    _, shown, *_ = re.split(r"^\$ liveperson-engagement create-session .*--curl\n", GUIDE, flags=re.MULTILINE)
    done = invoke("create-session", "demo", "--section", "Support", "--curl", "--base-url", sandbox.url)
    assert done.stdout.replace(sandbox.url, "http://127.0.0.1:8787") == shown[: shown.index("```")]
