"""A change in the contract alone reaches the typed client, the request types, validation and the sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from checkout import ROOT
from contract_tools import CONTRACT_FILE, regenerate

OLD = """\
        appVersion:
          description: "Version of the app."
          type: string
"""
NEW = """\
        batteryLevel:
          description: "How full the battery is, from 0 to 1."
          type: number
          maximum: 1
"""
USE = """
import httpx
from liveperson_engagement import EngagementClient, InvalidRequest
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api.models import AppDetails, CreateSessionBody
from liveperson_engagement_api.requests import AppDetails as AppDetailsDict

def outcome(call, *arguments):
    try:
        return call(*arguments).status
    except (InvalidRequest, TypeError) as error:
        return str(error)

with Sandbox() as sandbox, EngagementClient("demo", base_url=sandbox.url) as client:
    visit = client.visit()
    print("typed dict:", "batteryLevel" in AppDetailsDict.__annotations__)
    print("model:", outcome(lambda: visit.create_session(
        CreateSessionBody(app_type="EXTERNAL", app_details=AppDetails(battery_level=0.5)))))
    for level in (0.5, 2, "full"):
        body = {"appType": "EXTERNAL", "appDetails": {"batteryLevel": level}}
        url = f"{sandbox.url}/api/account/demo/app/engagement/visitors/?v=1.0"
        print(level, "client:", outcome(visit.create_session, body), "sandbox:", httpx.post(url, json=body).status_code)
"""


def use(generated: Path) -> list[str]:
    """Use the package as it stands, on top of what was generated."""
    paths = os.pathsep.join(map(str, (generated, ROOT / "wrapper")))
    done = subprocess.run(
        [sys.executable, "-c", USE],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_new_optional_field_needs_no_line_of_hand_written_code(tmp_path: Path) -> None:
    """A limited number in appDetails, which the contract has not had before."""
    text = CONTRACT_FILE.read_text(encoding="utf-8")
    assert text.count(OLD) == 1
    assert use(regenerate(text.replace(OLD, OLD + NEW), tmp_path)) == [
        "typed dict: True",
        "model: Available",
        "0.5 client: Available sandbox: 200",
        "2 client: appDetails.batteryLevel: must be at most 1 sandbox: 400",
        "full client: appDetails.batteryLevel: must be of type number sandbox: 400",
    ]


def test_without_the_change_nothing_is_known_of_the_field() -> None:
    """The test above could fail."""
    assert use(ROOT / "generated") == [
        "typed dict: False",
        "model: AppDetails.__init__() got an unexpected keyword argument 'battery_level'",
        "0.5 client: Available sandbox: 200",
        "2 client: Available sandbox: 200",
        "full client: Available sandbox: 200",
    ]
