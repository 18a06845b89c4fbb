"""What hosts of repositories and builders of images read: workflow, issue forms, dependabot, Containerfile."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import urllib.error
from pathlib import Path
from typing import Any

import pytest
import yaml

from checkout import ROOT
from command import running

GITHUB = ROOT / ".github"
FORMS = sorted(path.relative_to(ROOT) for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
SCHEMAS = {
    "vendor.github-workflows": [Path(".github/workflows/test.yml")],
    "vendor.dependabot": [Path(".github/dependabot.yml")],
}
CONTAINERFILE = (ROOT / "Containerfile").read_text().replace("\\\n", " ")


def read(path: Path) -> Any:
    """Read a file of YAML; `on` is a word."""
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts alone


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_file_is_what_its_schema_says(schema: str) -> None:
    """The schemas are those that check-jsonschema carries."""
    command = ["check-jsonschema", "--builtin-schema", schema, *map(str, SCHEMAS[schema])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_an_issue_form_can_be_filled_in(form: Path) -> None:
    """It has a name, a description, and fields with labels and ids of their own; one of them must be filled in."""
    read_form = read(ROOT / form)
    assert {"name", "description", "body"} <= read_form.keys() <= {"name", "description", "body", "labels"}
    fields = [each for each in read_form["body"] if each["type"] != "markdown"]
    assert {each["type"] for each in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert all(each["attributes"]["label"] for each in fields)
    ids = [each["id"] for each in fields]
    assert len(set(ids)) == len(ids)
    assert any(each.get("validations", {}).get("required") == "true" for each in fields)


def test_the_workflow_runs_the_two_commands_on_every_supported_python() -> None:
    """On push and pull request, without the right to write; actions are pinned to a major version."""
    workflow = read(GITHUB / "workflows/test.yml")
    assert workflow["on"].keys() == {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    [job] = workflow["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == re.findall(
        r"(?<=:: Python :: )3\.\d+", (ROOT / "pyproject.toml").read_text()
    )
    assert [step["run"] for step in job["steps"] if step.get("run", "").startswith("./")] == [
        "./scripts/demo",
        "./scripts/test",
    ]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step)


def instruction(name: str) -> str:
    """Give what stands behind the only instruction of the Containerfile with this name."""
    [found] = re.findall(rf"^{name} (.*)$", CONTAINERFILE, re.MULTILINE)
    return str(found)


def test_the_image_is_made_of_what_is_built() -> None:
    """The wheel alone is copied, from where scripts/build puts it; nobody is root, and no host is named."""
    assert instruction("COPY").split() == ["dist/*.whl", "/tmp/"]  # noqa: S108 - of the image
    assert 'default=ROOT / "dist"' in (ROOT / "scripts/lib/build.py").read_text()
    assert re.fullmatch(r"python:3\.\d+-slim", instruction("FROM"))
    assert int(instruction("USER").partition(":")[0]) > 0


def test_the_image_runs_and_is_healthy() -> None:
    """Its command starts the sandbox, and its health check finds that sandbox, and fails where there is none."""
    program, *arguments = ast.literal_eval(instruction("ENTRYPOINT"))
    assert program == "liveperson-engagement"
    assert arguments[-1] == instruction("EXPOSE")
    [check] = re.findall(r"^HEALTHCHECK .*? CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE)
    python, option, code = ast.literal_eval(check)
    assert (python, option) == ("python", "-c"), shlex.join([python, option])
    assert f"127.0.0.1:{arguments[-1]}/" in code
    with running(*arguments[:-1], "0") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        exec(code.replace(f"http://127.0.0.1:{arguments[-1]}", url))  # noqa: S102 - it was read above
    with pytest.raises(urllib.error.URLError):
        exec(code.replace(f"http://127.0.0.1:{arguments[-1]}", url))  # noqa: S102
