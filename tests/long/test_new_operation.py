"""An operation that is new in the contract can be called after `scripts/generate` alone: nothing is written by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT
from contract_tools import CONTRACT_FILE, regenerate

POLICY = """\
  patient:
    description: "What the reports are retried by."
    retryStatuses: [408, 5XX]
    maxRetries: 3
    pausesInSeconds: [10, 30, 90]
"""
PATHS = """\
  /api/account/{accountId}/reports:
    post:
      operationId: createReport
      summary: "Order a report"
      description: "Orders a report of the account."
      tags: [Reports]
      x-retry-policy: {$ref: "#/x-retry-policies/patient"}
      servers: &reports
        - url: "http://127.0.0.1:{port}"
          description: "Where reports are kept."
          variables: {port: {default: "8080", description: "The port."}}
      parameters: [{$ref: "#/components/parameters/AccountId"}]
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/ReportOrder"}}}
      responses:
        "201": {description: "The report.", content: {application/json: &report {
          schema: {$ref: "#/components/schemas/Report"},
          examples: {long: {summary: "A long one", value: {kind: long, title: Visits, rows: [1, 2]}}}}}}
        "400": {$ref: "#/components/responses/BadRequest"}
        "503": {$ref: "#/components/responses/Unavailable"}
  /api/account/{accountId}/reports/{reportId}:
    get:
      operationId: readReport
      summary: "Read a report"
      description: "Reads a report of the account."
      tags: [Reports]
      x-retry-policy: {$ref: "#/x-retry-policies/patient"}
      servers: *reports
      parameters:
        - {$ref: "#/components/parameters/AccountId"}
        - {name: reportId, in: path, description: "A.", required: true, schema: {type: string, pattern: "^r[0-9]+$"}}
        - {name: maxRows, in: query, description: "How many rows.", schema: {type: integer, minimum: 1}}
      responses:
        "200": {description: "The report.", content: {application/json: *report}}
        "409": {description: "Not ready.", content: {application/json: {
          schema: {$ref: "#/components/schemas/ErrorAnswer"},
          examples: {notReady: {summary: "Later", value: {time: 1, message: "Not ready", internalCode: 77}}}}}}
"""
SCHEMAS = """\
    ReportOrder:
      description: "What to report."
      type: object
      required: [title]
      properties: {title: {description: "A title.", type: string, minLength: 1}}
    Report:
      description: "A report."
      oneOf: [{$ref: "#/components/schemas/ShortReport"}, {$ref: "#/components/schemas/LongReport"}]
      discriminator:
        propertyName: kind
        mapping: {short: "#/components/schemas/ShortReport", long: "#/components/schemas/LongReport"}
    ShortReport:
      description: "A report without rows."
      type: object
      required: [kind, title]
      properties: {kind: {type: string, const: short}, title: {type: string}}
    LongReport:
      description: "A report with rows."
      type: object
      required: [kind, title, rows]
      properties:
        kind: {type: string, const: long}
        title: {type: string}
        rows: {type: array, items: {type: integer}}
"""
UPDATE = """\
        url: "https://developers.liveperson.com/app-engagement-api-methods-update-session.html"
      x-retry-policy:
        $ref: "#/x-retry-policies/documented"
"""
SIBLING = (
    CONTRACT_FILE.read_text(encoding="utf-8")
    .replace("\npaths:\n", f"{POLICY}\npaths:\n{PATHS}")
    .replace("\n  schemas:\n", f"\n  schemas:\n{SCHEMAS}")
    .replace(UPDATE, UPDATE.replace("documented", "patient"))
    .replace("\ntags:\n", '\ntags:\n  - {name: Reports, description: "Reports."}\n')
)
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


@pytest.fixture(scope="module")
def sibling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate from a contract to which a made-up sibling API was added; beside it stands a program that uses it."""
    folder = tmp_path_factory.mktemp("sibling")
    (folder / "use.py").write_text(USE, encoding="utf-8")
    regenerate(SIBLING, folder)
    return folder


def run(sibling: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python with what was generated below the wrapper as it is."""
    paths = os.pathsep.join(map(str, (sibling / "generated", ROOT / "wrapper")))
    environment = {**os.environ, "PYTHONPATH": paths, "MYPYPATH": paths}
    command = (sys.executable, *command, "use.py")
    return subprocess.run(command, env=environment, cwd=sibling, capture_output=True, text=True, check=False)


def test_an_operation_that_is_new_in_the_contract_is_called(sibling: Path) -> None:
    """With its own server, policy, errors, parameters, body and union; on the command line too."""
    done = run(sibling)
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


def test_type_checkers_know_an_operation_that_is_new(sibling: Path) -> None:
    """Its parameters, its body and its answer; a mistake that is not noticed is a comment too many."""
    done = run(sibling, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary")
    assert (done.returncode, done.stdout) == (0, "")
