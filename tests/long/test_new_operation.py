"""What is new in the contract can be called, and is typed, after `scripts/generate` alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT
from contract_tools import PACKAGE, WIDER, regenerate

USE = """
import sys
from typing import assert_type
from liveperson_engagement import ApiError, EngagementClient, InvalidRequest, ServerError
from liveperson_engagement.cli import main
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api import models

def use(sandbox: Sandbox, client: EngagementClient, pauses: list[float]) -> None:
    sandbox.fail_next(408, operation="readReport")
    sandbox.fail_next(503, operation="readReport", times=2)
    report = client.call("readReport", report_id="r7", max_rows=2)
    assert_type(report, models.ShortReport | models.LongReport)
    print(report.kind, report.rows if report.kind == "long" else None, pauses)
    ordered = client.call("createReport", {"title": "Visits"})
    assert_type(ordered, models.ShortReport | models.LongReport)
    print(ordered.to_dict())
    sandbox.fail_next(409, operation="readReport")
    try:
        client.call("readReport", report_id="r7")
    except ApiError as error:
        print(type(error).__name__, error)
    for parameters in ({"report_id": "7"}, {"report_id": "r7", "max_rows": 0}):
        try:
            client.call("readReport", **parameters)
        except InvalidRequest as error:
            print(error)
    sandbox.fail_next(503, operation="createReport", times=4)
    try:
        client.call("createReport", {"title": "Visits"})
    except ServerError as error:
        print(error.attempts, pauses[3:])
    sandbox.fail_next(503, operation="createSession")
    sandbox.fail_next(408, operation="updateSession")
    with client.with_options(base_url=sandbox.url) as located:
        visit = located.visit()
        visit.create_session({"appType": "EXTERNAL"})
        visit.update_session({})
    print(pauses[6:])
    print([request.path for request in sandbox.requests][:1], sandbox.requests[0].query, len(sandbox.requests))

def mistakes(client: EngagementClient) -> None:
    client.call("readReport", report_id=7)  # type: ignore
    client.call("createReport", {"titel": "Visits"})  # type: ignore

try:
    EngagementClient("demo", server_variables={"prot": "1"})
except InvalidRequest as error:
    print(error)
with Sandbox() as sandbox:
    pauses: list[float] = []
    port = sandbox.url.rpartition(":")[2]
    with EngagementClient("demo", server_variables={"port": port}, sleep=pauses.append) as client:
        use(sandbox, client, pauses)
    sys.argv[1:] = f"call readReport demo --json --parameter reportId=r7 --server-variable port={port}".split()
    main()
"""
BATTERY = f"""
from {PACKAGE}.models import AppDetails as Model
from {PACKAGE}.requests import AppDetails

details: AppDetails = {{"os": "LINUX", "batteryLevel": 0.5}}
Model(battery_level=0.5)
"""


@pytest.fixture(scope="module")
def wider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate from a contract to which a made-up sibling API was added, and a field."""
    return regenerate(WIDER, tmp_path_factory.mktemp("wider"))


def test_an_operation_that_is_new_in_the_contract_is_called(wider: Path) -> None:
    """With its own server, policy, errors, parameters, body and union; on the command line too."""
    environment = {**os.environ, "PYTHONPATH": f"{wider}:{ROOT}/wrapper"}
    command = [sys.executable, "-c", USE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "server_variables: must be texts for port",
        "long (1, 2) [10.0, 30.0, 90.0]",
        "{'kind': 'long', 'title': 'Visits', 'rows': [1, 2]}",
        "ApiError [409] Not ready (internal code 77)",
        "report_id: must match the pattern ^r[0-9]+$",
        "max_rows: must be at least 1",
        "4 [10.0, 30.0, 90.0]",
        "[5.0, 10.0]",
        "['/api/account/demo/reports/r7'] {'maxRows': '2'} 14",
        '{"kind": "long", "title": "Visits", "rows": [1, 2]}',
    ]


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_both_checkers_know_what_is_generated(wider: Path, tmp_path: Path, checker: str) -> None:
    """All of it, strictly; an ignored mistake that were none would be an error to mypy."""
    (tmp_path / "battery.py").write_text(BATTERY, encoding="utf-8")
    (tmp_path / "use.py").write_text(USE, encoding="utf-8")
    settings = {"typeCheckingMode": "strict", "include": ["battery.py"], "extraPaths": [str(wider)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    mypy = ["mypy", "--strict", "--config-file=", "--no-error-summary", "-p", PACKAGE, "-m", "battery", "-m", "use"]
    environment = {**os.environ, "MYPYPATH": f"{wider}:{ROOT}/wrapper:{tmp_path}"}
    command = mypy if checker == "mypy" else ["pyright", "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
