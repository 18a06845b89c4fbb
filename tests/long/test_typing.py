"""What type checkers tell users of the installed package: good code passes, and each mistake in `typing` is found."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from checkout import ROOT
from samples import PAGES, samples

USES = {path.name: path.read_text() for path in (ROOT / "tests/typing").glob("*.py")}
ACCEPTED = """\
from liveperson_engagement import EngagementClient

EngagementClient(timeout=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
"""
"""Ignores what is right: a strict checker reports that, and so would it report a mistake that were accepted."""
MISSPELT = """\
from liveperson_engagement import AsyncEngagementClient, EngagementClient

visit = EngagementClient().visit()
visit.create_session({"apType": "EXTERNAL"})
visit.engagement({"appType": "EXTERNAL", "sections": []})
visit.create_session({"appType": "EXTERNAL", "appDetails": {"oss": "IOS"}})
visit.update_session({"attributes": []})


async def create() -> None:
    await AsyncEngagementClient().visit().create_session({"apType": "EXTERNAL"})
"""
UNTYPED = """# mypy: disable-error-code="import-untyped"
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
"""
"""What samples with Django need: it has no types of its own."""
NEWEST = "3.14"
"""The users' Python; scripts/check looks at the same files as those of 3.11 do."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment that sees what it depends on, and no checkout."""
    folder = tmp_path_factory.mktemp("user")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    venv.create(folder / "venv", with_pip=False)
    [packages], [wheel] = folder.glob("venv/lib/python*/site-packages"), folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv"


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_misspelt_member_is_named(checker: str, environment: Path, tmp_path: Path) -> None:
    """The uses pass; a mistake that is accepted is reported, and of a misspelt member the message has the key."""
    files = {**USES, "accepted.py": ACCEPTED, "misspelt.py": MISSPELT}
    strict = {"typeCheckingMode": "strict", "enableTypeIgnoreComments": False, "pythonVersion": NEWEST}
    place = {"venvPath": str(environment.parent), "venv": environment.name}
    settings = json.dumps({**strict, **place, "reportUnnecessaryTypeIgnoreComment": True})
    for name, text in {**files, "pyrightconfig.json": settings}.items():
        (tmp_path / name).write_text(text)
    options = ["--no-incremental", f"--python-version={NEWEST}", f"--python-executable={environment}/bin/python"]
    command = [*({"mypy": ["mypy", "--strict", *options], "pyright": ["pyright"]}[checker]), *files]
    unset = {name: value for name, value in os.environ.items() if name not in {"MYPYPATH", "PYTHONPATH"}}
    said = subprocess.run(command, cwd=tmp_path, env=unset, capture_output=True, text=True, check=False).stdout
    lines = re.findall(r"(\w+\.py):\d+.* (?:error|warning)\b(.*)", said)
    accepted = [text for name, text in lines if name != "misspelt.py"]
    assert {name for name, _ in lines} == {"accepted.py", "misspelt.py"}, said
    assert [bool(re.search(r"unused-ignore|Unnecessary", text)) for text in accepted] == [True], said
    named = re.findall(r'(?:Extra key )?"(\w+)" (?:is an undefined item|for TypedDict)', said)
    assert [name for name in named if name != "appType"] == ["apType", "sections", "oss", "attributes", "apType"]


def test_each_mistake_is_found_by_both_checkers() -> None:
    """No line of `wrong.py` is left to one of them alone."""
    marked = [line for line in USES["wrong.py"].splitlines() if "ignore[" in line]
    assert len(marked) >= 30
    assert [line for line in marked if not re.search(r"# type: ignore\[.+\]  # pyright: ignore\[.+\]$", line)] == []


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_the_documents_code_type_checks(checker: str, tmp_path: Path) -> None:
    """Strictly, as a user's own code would; of tests the types of fixtures are not known."""
    for sample in [sample for page in PAGES for sample in samples(page, "python") if not sample.is_test]:
        (tmp_path / f"{sample}.py").write_text(UNTYPED * ("from django" in sample.code) + sample.code)
    settings = f'{{"typeCheckingMode": "strict", "extraPaths": ["{ROOT}/examples"]}}'
    (tmp_path / "pyrightconfig.json").write_text(settings)
    options = ["--project", str(tmp_path)] if checker == "pyright" else ["--strict", *map(str, tmp_path.glob("*.py"))]
    environment = {**os.environ, "MYPYPATH": f"{tmp_path}:{ROOT}/examples"}  # in ROOT mypy remembers the package
    done = subprocess.run([checker, *options], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
