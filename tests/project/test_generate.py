"""scripts/generate writes what is committed, renders what other contracts may hold, and fails without a trace."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import openapi_python_client
import pytest

from checkout import ROOT
from contract import parse
from contract_tools import CONTRACT, TEXT, generator_command, regenerate, run_generator
from generate import differences, problems
from wider_contract import PACKAGE, USE, USE_BATTERY, WIDER

GENERATED = ROOT / "generated"
TEMPLATES = ROOT / "scripts/templates"
BANNER = "# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.\n"


@pytest.fixture(scope="module")
def wider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate once, in place of an edited package, from a contract with more constructs and one more field."""
    directory = tmp_path_factory.mktemp("wider")
    (directory / "generated" / PACKAGE).mkdir(parents=True)
    (directory / "generated" / PACKAGE / "forgotten.py").touch()
    return regenerate(WIDER, directory)


def use(code: str, generated: Path) -> str:
    """Run code with a generated package below the wrapper as it is, and give what it prints."""
    paths = os.pathsep.join(map(str, (generated, ROOT / "wrapper")))
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_committed_is_what_the_contract_says() -> None:
    """`scripts/generate --check` gets the same bytes and changes nothing; the package carries the contract."""
    done = run_generator("--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((GENERATED / PACKAGE / "openapi.json").read_text(encoding="utf-8")) == CONTRACT


def test_every_difference_is_noticed(tmp_path: Path) -> None:
    """A line that was edited by hand, a file too many and one that is missing, even if they are empty."""
    output = tmp_path / "generated"
    shutil.copytree(GENERATED, output)
    with (output / PACKAGE / "client.py").open("a", encoding="utf-8") as file:
        file.write("# edited by hand\n")
    (output / PACKAGE / "extra.py").touch()
    (output / PACKAGE / "py.typed").unlink()
    said = "\n".join(differences(output, GENERATED))
    assert f"--- generated/{PACKAGE}/client.py\n+++ generated/{PACKAGE}/client.py\n" in said
    assert "\n-# edited by hand\n" in said
    assert f"--- generated/{PACKAGE}/extra.py\n+++ /dev/null\n" in said
    assert f"--- /dev/null\n+++ generated/{PACKAGE}/py.typed\n" in said


def test_other_constructs_work(wider: Path) -> None:
    """Dates, nullables, unions in arrays, headers, booleans, defaults and names that are hard."""
    assert problems(parse(WIDER, "openapi.yaml").document) == []
    use(USE, wider)
    assert not (wider / PACKAGE / "forgotten.py").exists()
    assert sorted(path.name for path in wider.parent.iterdir()) == ["generated", "openapi.yaml"]


def test_a_new_optional_field_needs_no_line_of_hand_written_code(wider: Path) -> None:
    """Models, request types, the client's check and the sandbox know it by the contract alone; before, nobody does."""
    said = "\n".join(differences(GENERATED, wider))
    assert "\n+    battery_level: float | None = None\n" in said
    assert "\n+    batteryLevel: NotRequired[float]\n" in said
    assert use(USE_BATTERY, wider).splitlines() == [
        "model: Available",
        "0.5 client: Available sandbox: 200",
        "2 client: appDetails.batteryLevel: must be at most 1 sandbox: 400",
        "full client: appDetails.batteryLevel: must be of type number sandbox: 400",
    ]
    assert use(USE_BATTERY, GENERATED).splitlines() == [
        "model: AppDetails.__init__() got an unexpected keyword argument 'battery_level'",
        "0.5 client: Available sandbox: 200",
        "2 client: Available sandbox: 200",
        "full client: Available sandbox: 200",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '            const: "1.0"\n            default: "1.0"\n',
            "            enum: [1.0]\n",
            r".+ not be generated.+",
        ),
        (
            "    CalendarDate:\n",
            "    CalendarDate:\n      minimun: 1\n",
            r"{contract}:\d+: minimun is not known here\n",
        ),
    ],
)
def test_what_fails_is_said_and_changes_nothing(old: str, new: str, said: str, tmp_path: Path) -> None:
    """An endpoint that a generator leaves out with a warning, a broken contract; no traceback, and no trace."""
    contract, output = tmp_path / "openapi.yaml", tmp_path / "generated"
    assert old in TEXT
    contract.write_text(TEXT.replace(old, new), encoding="utf-8")
    output.mkdir()
    done = run_generator("--contract", contract, "--output", output)
    assert done.returncode == 1
    assert re.fullmatch(said.format(contract=re.escape(str(contract))), done.stderr, re.DOTALL), done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert list(output.iterdir()) == []
    assert sorted(tmp_path.iterdir()) == [output, contract]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_changes_nothing(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM leave the output as it was, and nothing beside it."""
    output = tmp_path / "generated"
    output.mkdir()
    (output / "kept.py").touch()
    command, pipe = generator_command("--output", output), subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, start_new_session=True) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        said = b""
        while b"client and request types" not in said:
            said += os.read(run.stdout.fileno(), 1024)
        os.killpg(run.pid, number)
        assert run.wait() == 128 + number
        assert run.stderr.read() == b"stopped: nothing has been changed\n"
    assert list(tmp_path.rglob("*")) == [output, output / "kept.py"]


def test_every_template_is_ours() -> None:
    """None is missing that the generator asks for, or another of ours: upstream's would take its place in silence."""
    own = {path.name for path in TEMPLATES.glob("*.jinja")} | {"contract.jinja"}
    source = inspect.getsource(openapi_python_client.Project)
    asked = set(re.findall(r'get_template\(\s*"(.+?\.py\.jinja)"', source)) - {"setup.py.jinja"}
    for path in TEMPLATES.glob("*.jinja"):
        asked |= set(re.findall(r'{%-? (?:from|import|include|extends) "(.+?)"', path.read_text(encoding="utf-8")))
    asked -= {"no template for "}  # not a name: it makes a kind without a template the last line of what is said
    assert len(asked) > 10
    assert asked == own


def test_the_generated_code_is_small_and_marked() -> None:
    """All of it can be read, says that it is generated, and has no third kind of nothing beside None and absence."""
    texts = {path: path.read_text(encoding="utf-8") for path in GENERATED.rglob("*.py")}
    assert len(texts) > 10
    assert sum(len(text.splitlines()) for text in texts.values()) < 2_800
    assert [path for path, text in texts.items() if not text.startswith(BANNER) or "unset" in text.lower()] == []
