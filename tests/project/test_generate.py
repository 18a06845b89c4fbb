"""scripts/generate writes what is committed, renders what other contracts may hold, and fails without a trace."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT
from contract import parse
from contract_tools import CONTRACT, PACKAGE, TEXT, WIDER, regenerate, run_generator
from generate import differences, problems

GENERATED = ROOT / "generated"
BANNER = "# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.\n"

USE = """\
import datetime, uuid
from liveperson_engagement_api import Client, ResponseError, models
from liveperson_engagement_api.api import operation
from liveperson_engagement_api.api.things import add_thing, find_things

def refused(error, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except error as raised:
        return raised
    raise AssertionError("not refused")

request = find_things.build_request(5, x_dry_run=True)
assert request.target == "/things/5/all?only=true&limit=10&ratio=0.5&quoted=it%27s%20%22so%22", request.target
assert dict(request.headers) == {"accept": "application/json", "x-dry-run": "true"}
request = find_things.build_request(
    5, "a b", only=False, limit=0, ratio=None, app_type="MSDK", status=models.ServiceStatus.CLOSED, quoted=None,
    id=2**63 - 1, x_trace="t", x_dry_run=False)
assert request.target == (
    "/things/5/a%20b?only=false&limit=0&app%20type=MSDK&status=7&id=9223372036854775807"), request.target
assert dict(request.headers) == {"accept": "application/json", "x-dry-run": "false", "x-trace": "t"}
assert find_things.PARAMETERS["X-Trace"] == "x_trace"

least = {
    "id": "7", "at": "2024-02-29T12:00:00+02:00", "note": None, "owner": None, "free": {}, "shape": {"kind": "circle"},
}
assert models.Thing.from_dict(least).to_dict() == {**least, "id": 7}
full = {
    **least, "id": 7, "note": "", "owner": {"name": "n"}, "free": {"a": 1}, "day": "2024-02-29",
    "key": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "remark": "r", "heir": {}, "hole": {"kind": "square"},
    "shapes": [{"kind": "square"}, {"kind": "circle"}], "gaps": [None, {"name": "g"}], "ids": [[1, 2], []],
    "words": [["a"], []], "moments": ["2024-02-29T12:00:00+00:00"], "rest": [{**least, "id": 8}], "states": [0, 13],
    "size": "large", "any": [{}], "inner": {"deep": "d"}, "mode": "quiet", "field": "f", "date": "d", "value": "v",
    "data": "x", "class": "c", 'it"s': "odd", "unknown": 1,
}
thing = models.Thing.from_dict({**full, "ids": [["1", 2], []]})
assert thing.to_dict() == full
assert thing.ids == ((1, 2), ()) and thing.words == (("a",), ()), thing
assert isinstance(thing.shapes[0], models.Square) and thing.day == datetime.date(2024, 2, 29)
assert thing.key == uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
assert thing.class_ == "c" and thing.additional_properties == {"unknown": 1}
nulls = models.Thing.from_dict({**least, "remark": None, "heir": None, "hole": None, "rest": None, "shapes": None})
assert nulls == models.Thing.from_dict(least)
refused(ValueError, models.Thing.from_dict, {**full, "mode": "loud"})

assert [each.id for each in find_things.parse_response(200, [least, full])] == [7, 7]
assert refused(ResponseError, find_things.parse_response, 200, {"a": 1}).status == 200
assert add_thing.parse_response(201, full) == models.Thing.from_dict(full)
assert add_thing.parse_response(204, None) is None
assert refused(ResponseError, add_thing.parse_response, 200, full).status == 200
empty = add_thing.build_request(1)
assert (empty.body, dict(empty.headers)) == (None, {"accept": "application/json"})
sent = add_thing.build_request(1, body=models.Square())
assert sent.body == b'{"kind":"square"}' and sent.headers["content-type"] == "application/json"
assert operation("addThing").METHOD == "POST"
"""
USE_BATTERY = """
import httpx
from liveperson_engagement import EngagementClient, InvalidRequest
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api.models import AppDetails, CreateSessionBody

def outcome(call, *arguments):
    try:
        return call(*arguments).status
    except InvalidRequest as error:
        return str(error)

with Sandbox() as sandbox, EngagementClient("demo", base_url=sandbox.url) as client:
    visit = client.visit()
    print("model:", outcome(lambda: visit.create_session(
        CreateSessionBody(app_type="EXTERNAL", app_details=AppDetails(battery_level=0.5)))))
    for level in (0.5, 2, "full"):
        body = {"appType": "EXTERNAL", "appDetails": {"batteryLevel": level}}
        url = f"{sandbox.url}/api/account/demo/app/engagement/visitors/?v=1.0"
        print(level, "client:", outcome(visit.create_session, body), "sandbox:", httpx.post(url, json=body).status_code)
"""


@pytest.fixture(scope="module")
def wider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate once, in place of an edited package, from a contract with more constructs and one more field."""
    directory = tmp_path_factory.mktemp("wider")
    (directory / "generated" / PACKAGE).mkdir(parents=True)
    (directory / "generated" / PACKAGE / "forgotten.py").touch()
    return regenerate(WIDER, directory)


def use(code: str, generated: Path) -> str:
    """Run code with a generated package below the wrapper as it is, and give what it prints."""
    environment = {**os.environ, "PYTHONPATH": f"{generated}:{ROOT}/wrapper"}
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
    """Models, the client's check and the sandbox know it by the contract alone."""
    assert use(USE_BATTERY, wider).splitlines() == [
        "model: Available",
        "0.5 client: Available sandbox: 200",
        "2 client: appDetails.batteryLevel: must be at most 1 sandbox: 400",
        "full client: appDetails.batteryLevel: must be of type number sandbox: 400",
    ]


def test_what_fails_is_said_and_changes_nothing(tmp_path: Path) -> None:
    """An endpoint that a generator leaves out with a warning; no traceback, and no trace."""
    contract, output = tmp_path / "openapi.yaml", tmp_path / "generated"
    output.mkdir()
    const = '            const: "1.0"\n            default: "1.0"\n'
    assert const in TEXT
    contract.write_text(TEXT.replace(const, "            enum: [1.0]\n"), encoding="utf-8")
    done = run_generator("--contract", contract, "--output", output)
    assert done.returncode == 1
    assert "not be generated" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert sorted(tmp_path.rglob("*")) == [output, contract]


def test_the_generated_code_is_small_and_marked() -> None:
    """All of it can be read, says that it is generated, and has no third kind of nothing beside None and absence."""
    texts = {path: path.read_text(encoding="utf-8") for path in GENERATED.rglob("*.py")}
    assert len(texts) > 10
    assert sum(len(text.splitlines()) for text in texts.values()) < 2_800
    assert [path for path, text in texts.items() if not text.startswith(BANNER) or "unset" in text.lower()] == []
