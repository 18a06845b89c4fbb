"""scripts/generate writes the same bytes every time, notices every difference, and fails without leaving a trace."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openapi_python_client
import pytest
from openapi_python_client.strings import snake_case

import liveperson_engagement_api
from checkout import ROOT
from contract_tools import CONTRACT, CONTRACT_FILE, generator_command, operation_ids, regenerate, run_generator

TEXT = CONTRACT_FILE.read_text(encoding="utf-8")
TEMPLATES = ROOT / "scripts/templates"
PACKAGE = "liveperson_engagement_api"
BANNER = "# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.\n"

BATTERY = """\
        batteryLevel:
          description: "How full the battery is, from 0 to 1."
          type: number
          format: double
"""
WITH_BATTERY = TEXT.replace("        ipAddress:\n", f"{BATTERY}        ipAddress:\n", 1)
USES_BATTERY = f"""\
from {PACKAGE}.models import AppDetails as Model
from {PACKAGE}.requests import AppDetails

details: AppDetails = {{"os": "LINUX", "batteryLevel": 0.5}}
Model(battery_level=0.5)
"""


def contents(directory: Path) -> dict[str, bytes]:
    """Read every file of a directory."""
    files = (path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate once into an empty directory."""
    return regenerate(TEXT, tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def with_battery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate from a contract in which an app may tell its battery level."""
    return regenerate(WITH_BATTERY, tmp_path_factory.mktemp("battery"))


def test_the_same_bytes_are_written_every_time(fresh: Path) -> None:
    """Generating twice, elsewhere, gives what is committed, and leaves nothing else behind."""
    assert contents(fresh) == contents(ROOT / "generated")
    assert sorted(path.name for path in fresh.parent.iterdir()) == ["generated", "openapi.yaml"]


def test_the_package_carries_the_contract() -> None:
    """The contract beside the generated code says what openapi.yaml says, value for value."""
    assert json.loads((ROOT / "generated" / PACKAGE / "openapi.json").read_text(encoding="utf-8")) == CONTRACT


def test_generating_replaces_what_was_there(tmp_path: Path, fresh: Path) -> None:
    """Edited and forgotten files are gone after the next run."""
    output = tmp_path / "generated"
    shutil.copytree(fresh, output)
    (output / PACKAGE / "client.py").write_text("edited = True\n", encoding="utf-8")
    (output / PACKAGE / "forgotten.py").touch()
    regenerate(TEXT, tmp_path)
    assert contents(output) == contents(fresh)


def test_the_committed_package_is_what_the_contract_says() -> None:
    """`scripts/generate --check` finds no difference, and changes nothing."""
    before = contents(ROOT / "generated")
    done = run_generator("--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(ROOT / "generated") == before


@pytest.fixture(scope="module")
def difference(tmp_path_factory: pytest.TempPathFactory, fresh: Path) -> str:
    """Check a copy that was edited by hand in three places, and give what is said about it."""
    output = tmp_path_factory.mktemp("edited") / "generated"
    shutil.copytree(fresh, output)
    with (output / PACKAGE / "client.py").open("a", encoding="utf-8") as file:
        file.write("# edited by hand\n")
    (output / PACKAGE / "extra.py").touch()
    (output / PACKAGE / "py.typed").unlink()
    before = contents(output)
    done = run_generator("--check", "--output", output)
    assert done.returncode == 1
    assert done.stderr == "generated/ is not what openapi.yaml says: run scripts/generate\n"
    assert contents(output) == before
    return done.stdout


def test_a_hand_edit_is_noticed(difference: str) -> None:
    """The diff shows the edited line as one to take out."""
    assert f"--- generated/{PACKAGE}/client.py\n+++ generated/{PACKAGE}/client.py\n" in difference
    assert "\n-# edited by hand\n" in difference


def test_an_extra_file_is_noticed(difference: str) -> None:
    """The diff takes the file away, even an empty one."""
    assert f"--- generated/{PACKAGE}/extra.py\n+++ /dev/null\n" in difference


def test_a_missing_file_is_noticed(difference: str) -> None:
    """The diff adds the file, even an empty one."""
    assert f"--- /dev/null\n+++ generated/{PACKAGE}/py.typed\n" in difference


def test_a_stale_package_is_noticed(fresh: Path, with_battery: Path) -> None:
    """What an older contract gave fails the check of a newer one."""
    done = run_generator("--check", "--contract", with_battery.parent / "openapi.yaml", "--output", fresh)
    assert done.returncode == 1
    assert "\n+    battery_level: float | None = None\n" in done.stdout
    assert "\n+    batteryLevel: NotRequired[float]\n" in done.stdout


def test_an_operation_that_the_client_would_lack_is_a_failure(tmp_path: Path) -> None:
    """A warning of a generator that leaves out what it cannot express is passed on."""
    version = '            const: "1.0"\n            default: "1.0"\n'
    assert version in TEXT
    numeric = TEXT.replace(version, "            enum: [1.0]\n")
    said = failure(numeric, tmp_path)
    assert said.startswith("openapi_python_client: Warning(s) encountered")
    assert "Endpoint will not be generated" in said


def failure(contract_text: str, directory: Path) -> str:
    """Run the generator on a contract that it refuses, see that nothing changes, and give what it says."""
    contract, output = directory / "openapi.yaml", directory / "generated"
    contract.write_text(contract_text, encoding="utf-8")
    output.mkdir()
    (output / "kept.py").write_text("kept = True\n", encoding="utf-8")
    done = run_generator("--contract", contract, "--output", output)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert contents(output) == {"kept.py": b"kept = True\n"}
    assert sorted(path.name for path in directory.iterdir()) == ["generated", "openapi.yaml"]
    return done.stderr


def test_a_bad_contract_is_reported_with_its_line(tmp_path: Path) -> None:
    """One line says in which file, on which line and why, without a traceback: see test_generate_refusals.py."""
    said = failure(TEXT.replace("\npaths:\n", "\n\tpaths:\n"), tmp_path)
    line = TEXT[: TEXT.index("\npaths:\n")].count("\n") + 2
    assert re.fullmatch(rf"{re.escape(str(tmp_path / 'openapi.yaml'))}:{line}: .+ tab character .+\n", said), said


def test_a_missing_contract_is_reported(tmp_path: Path) -> None:
    """A contract that cannot be read is said to be one."""
    done = run_generator("--contract", tmp_path / "openapi.yaml", "--output", tmp_path / "generated")
    assert done.returncode == 1
    assert "No such file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("number", "step"),
    [(signal.SIGINT, "client and request types"), (signal.SIGTERM, "client"), (signal.SIGINT, "formatting")],
)
def test_an_interrupted_run_changes_nothing(number: signal.Signals, step: str, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM leave the output as it was, and nothing beside it."""
    output = tmp_path / "generated"
    output.mkdir()
    (output / "kept.py").touch()
    with subprocess.Popen(
        generator_command("--output", output), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        said = b""
        while step.encode() not in said:
            said += os.read(run.stdout.fileno(), 1024)
        os.killpg(run.pid, number)
        assert run.wait() == 128 + number
        assert run.stderr.read() == b"stopped: generated/ is as it was\n"
    assert list(tmp_path.iterdir()) == [output]
    assert contents(output) == {"kept.py": b""}


def test_every_operation_has_its_function() -> None:
    """Each operationId names a module that builds its request, reads its answer, and does both, waiting or not."""
    functions = {name.rpartition(".")[2]: name for name in module_names() if name.startswith(f"{PACKAGE}.api.")}
    names = [snake_case(operation) for operation in operation_ids()]
    assert len(names) == 4
    for name in names:
        module = importlib.import_module(functions[name])
        for function in ("build_request", "parse_response", "sync", "asyncio"):
            assert callable(getattr(module, function))


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


def test_nothing_unset_is_left() -> None:
    """An optional member is None; there is no third kind of nothing."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "generated").rglob("*.py")]
    assert [text for text in texts if re.search("unset", text, re.IGNORECASE)] == []


def test_the_generated_code_is_small() -> None:
    """All of it can be read."""
    files = (ROOT / "generated").rglob("*.py")
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) < 2_800


def test_type_checkers_find_nothing(tmp_path: Path) -> None:
    """The generated code is typed as strictly as what is written by hand."""
    package = str(ROOT / "generated" / PACKAGE)
    strict = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "include": [package]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(strict), encoding="utf-8")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", package]
    pyright = ["pyright", "--project", str(tmp_path), "--pythonpath", sys.executable]
    for command in (mypy, pyright):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_every_generated_module_can_be_imported() -> None:
    """No generated module is broken, the request types included."""
    names = list(module_names())
    assert f"{PACKAGE}.requests" in names
    assert {f"{PACKAGE}.models", f"{PACKAGE}.http", f"{PACKAGE}.api.session.create_session"} <= set(names)
    for name in names:
        importlib.import_module(name)


def test_every_generated_file_says_that_it_is_generated() -> None:
    """Whoever opens a generated file reads first that it is one, and which command wrote it."""
    files = list((ROOT / "generated").rglob("*.py"))
    assert len(files) > 10
    assert [path for path in files if not path.read_text(encoding="utf-8").startswith(BANNER)] == []


def test_a_new_field_of_the_contract_reaches_the_types(fresh: Path, with_battery: Path, tmp_path: Path) -> None:
    """With nothing but the contract changed, the type checker knows the field; before that it refuses it."""
    (tmp_path / "uses_battery.py").write_text(USES_BATTERY, encoding="utf-8")
    assert type_errors(tmp_path, with_battery) == []
    assert type_errors(tmp_path, fresh) == ['Extra key "batteryLevel"', 'Unexpected keyword argument "battery_level"']


def type_errors(directory: Path, generated: Path) -> list[str]:
    """Check the snippet against a generated package and give the beginnings of the errors."""
    mypy = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--follow-imports=silent"]
    environment = {**os.environ, "MYPYPATH": str(generated)}
    done = subprocess.run(
        [*mypy, "uses_battery.py"], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return re.findall(r"error: (\w+ key \S+|\w+ keyword argument \S+)", done.stdout) if done.returncode else []


def module_names() -> Iterator[str]:
    """Name every module of the generated package."""
    for module in pkgutil.walk_packages(liveperson_engagement_api.__path__, f"{PACKAGE}."):
        yield module.name
