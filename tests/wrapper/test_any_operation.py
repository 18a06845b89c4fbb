"""Any operation of the contract can be called: `client.call`, the command line, and the types that are generated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT
from conftest import BODY, Backend
from contract_tools import CONTRACT_FILE, regenerate
from liveperson_engagement import EngagementClient, InvalidRequest, InvalidResponse, NotFound, ServerError
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api.models import AvailableSession, ServiceDomain

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
        "201":
          description: "The report."
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Report"}
              examples:
                short: {summary: "A short one", value: {kind: short, title: Visits}}
        "400":
          $ref: "#/components/responses/BadRequest"
        "503":
          $ref: "#/components/responses/Unavailable"
  /api/account/{accountId}/reports/{reportId}:
    get:
      operationId: readReport
      summary: "Read a report"
      description: "Reads a report of the account."
      tags: [Reports]
      x-retry-policy: {$ref: "#/x-retry-policies/patient"}
      servers: *reports
      parameters:
        - $ref: "#/components/parameters/AccountId"
        - name: reportId
          in: path
          description: "The report."
          required: true
          schema: {type: string, pattern: "^r[0-9]+$"}
        - name: maxRows
          in: query
          description: "How many rows to read."
          schema: {type: integer, minimum: 1}
      responses:
        "200":
          description: "The report."
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Report"}
              examples:
                long: {summary: "A long one", value: {kind: long, title: Visits, rows: [1, 2]}}
        "409":
          description: "The report is not ready."
          content:
            application/json:
              schema: {$ref: "#/components/schemas/ErrorAnswer"}
              examples:
                notReady: {summary: "Later", value: {time: 1, message: "Not ready", internalCode: 77}}
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
from typing import assert_type
from liveperson_engagement import ApiError, EngagementClient, InvalidRequest, ServerError
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

try:
    EngagementClient("demo", server_variables={"prot": "1"})
except InvalidRequest as error:
    print(error)
with Sandbox() as sandbox:
    pauses: list[float] = []
    port = sandbox.url.rpartition(":")[2]
    with EngagementClient("demo", server_variables={"port": port}, sleep=pauses.append) as client:
        use(sandbox, client, pauses)
"""


@pytest.fixture(scope="module")
def sibling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate from a contract to which a made-up sibling API was added."""
    return regenerate(SIBLING, tmp_path_factory.mktemp("sibling"))


def run(generated: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python with what was generated below the wrapper as it is."""
    paths = os.pathsep.join(map(str, (generated, ROOT / "wrapper")))
    environment = {**os.environ, "PYTHONPATH": paths, "MYPYPATH": paths}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)


def test_an_operation_that_is_new_in_the_contract_is_called(sibling: Path, tmp_path: Path) -> None:
    """With its own server, policy, errors, parameters, body and union; nothing was written by hand."""
    script = tmp_path / "use.py"
    script.write_text(USE, encoding="utf-8")
    done = run(sibling, str(script))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "server_variables: must be texts for port",
        "long (1, 2) [10.0, 30.0, 90.0]",
        "{'kind': 'short', 'title': 'Visits'}",
        "ApiError [409] Not ready (internal code 77)",
        "report_id: must match the pattern ^r[0-9]+$",
        "max_rows: must be at least 1",
        "4 [10.0, 30.0, 90.0]",
        "[5.0, 10.0]",
        "['/api/account/demo/reports/r7'] {'maxRows': '2'} 14",
    ]


def test_type_checkers_know_an_operation_that_is_new(sibling: Path, tmp_path: Path) -> None:
    """Its parameters, its body and its answer."""
    script = tmp_path / "use.py"
    mypy = ("-m", "mypy", "--strict", "--config-file=", "--no-error-summary", "--cache-dir", str(tmp_path / "cache"))
    script.write_text(USE, encoding="utf-8")
    done = run(sibling, *mypy, str(script))
    assert (done.returncode, done.stdout) == (0, "")
    mistakes = {'report_id="r7", max_rows=2': "report_id=7", '{"title": "Visits"}': '{"titel": "Visits"}'}
    for right, wrong in mistakes.items():
        script.write_text(USE.replace(right, wrong, 1), encoding="utf-8")
        done = run(sibling, *mypy, str(script))
        assert done.returncode == 1
        assert "use.py" in done.stdout


def test_the_command_line_calls_it_too(sibling: Path) -> None:
    """With parameters by the contract's names, a number among them."""
    with_sandbox = (
        "import subprocess, sys\n"
        "from liveperson_engagement.sandbox import Sandbox\n"
        "with Sandbox() as sandbox:\n"
        "    port = sandbox.url.rpartition(':')[2]\n"
        "    command = [sys.executable, '-m', 'liveperson_engagement', 'call', 'readReport', 'demo', '--json',\n"
        "        '--parameter', 'reportId=r7', '--parameter', 'maxRows=2', '--server-variable', f'port={port}']\n"
        "    print(subprocess.run(command, capture_output=True, text=True).stdout.strip(), sandbox.requests[0].query)\n"
    )
    done = run(sibling, "-c", with_sandbox)
    assert (done.returncode, done.stdout) == (
        0,
        '{"kind": "long", "title": "Visits", "rows": [1, 2]} {\'maxRows\': \'2\'}\n',
    ), done


# --- The operations that there are ------------------------------------------------------------------------------------


def test_every_operation_can_be_called(backend: Backend, sandbox: Sandbox) -> None:
    """Typed, with the client's account unless another one is given."""
    client = backend.client(domain_api=sandbox.url)
    found = client.call("findDomain")
    assert isinstance(found, ServiceDomain)
    assert found.base_uri == sandbox.host
    session = client.call("createSession", BODY)
    assert isinstance(session, AvailableSession)
    again = client.call("continueSession", BODY, visitor_id=session.visitor_id, sid=session.session_id)
    assert again.session_id == session.session_id
    update: Any = {"pageId": session.page_id, "engagementAttributes": []}
    assert client.call("updateSession", update, visitor_id=session.visitor_id, sid=session.session_id) is None
    other = client.call("createSession", BODY, account_id="other")
    assert [visitor.account_id for visitor in sandbox.visitors] == ["demo", "other"]
    assert other.visitor_id != session.visitor_id


@pytest.mark.parametrize(
    ("operation_id", "body", "parameters", "reason"),
    [
        (
            "readReport",
            None,
            {},
            "operation_id: must be one of createSession, continueSession, updateSession, findDomain",
        ),
        (5, None, {}, "operation_id: must be one of createSession, .*"),
        (["createSession"], None, {}, "operation_id: must be one of createSession, .*"),
        ("createSession", None, {}, "body: must be of type object"),
        ("createSession", {"appType": "X"}, {}, "appType: must be one of .*"),
        ("findDomain", {}, {}, "body: is not taken by findDomain"),
        ("updateSession", {"pageId": "1"}, {"visitor_id": "xyz"}, "sid: is required"),
        ("continueSession", BODY, {"visitor_id": "."}, "visitor_id: must match the pattern .*"),
        ("continueSession", BODY, {"visitor_id": "xyz", "sid": 5}, "sid: must be of type string"),
        (
            "createSession",
            BODY,
            {"vistor_id": "xyz"},
            "vistor_id: is no parameter of createSession, which takes account_id, v",
        ),
        ("createSession", BODY, {"account_id": "x y"}, "account_id: must match the pattern .*"),
    ],
)
def test_a_wrong_call_is_refused_before_it_is_sent(
    client: EngagementClient, sandbox: Sandbox, operation_id: Any, body: Any, parameters: dict[str, Any], reason: str
) -> None:
    """It names what is wrong."""
    call: Any = client.call
    with pytest.raises(InvalidRequest, match=f"^{reason}$"):
        call(operation_id, body, **parameters)
    assert sandbox.requests == ()


def test_a_call_is_retried_and_fails_as_the_methods_do(backend: Backend, sandbox: Sandbox) -> None:
    """Nothing of it is remembered, and its ids are not printed."""
    client = backend.client(base_url=sandbox.url)
    sandbox.fail_next(503, times=2)
    session = client.call("createSession", BODY)
    assert backend.pauses == [5, 10]
    sandbox.fail_next(503, times=4)
    with pytest.raises(ServerError) as raised:
        client.call("createSession", BODY)
    assert raised.value.attempts == 4
    message = json.dumps({"time": 1, "internalCode": 37, "message": f"no {session.visitor_id} and sid-404"})
    sandbox.fail_next(404, body=message)
    with pytest.raises(NotFound) as missing:
        client.call("continueSession", BODY, visitor_id=session.visitor_id, sid="sid-404")
    assert str(missing.value) == "[404] no … and … (internal code 37)"
    sandbox.answer_next(body=b"[]")
    with pytest.raises(InvalidResponse):
        client.call("createSession", BODY)


def test_a_loading_account_is_retried_with_its_visitor(client: EngagementClient, sandbox: Sandbox) -> None:
    """By the operation that the policy names."""
    sandbox.loading_account(times=2)
    session = client.call("createSession", BODY)
    assert [request.operation_id for request in sandbox.requests] == [
        "createSession",
        "continueSession",
        "continueSession",
    ]
    assert [visitor.visitor_id for visitor in sandbox.visitors] == [session.visitor_id]


@pytest.mark.parametrize("variables", [{"port": "8080"}, {5: "x"}, {"domain": "host.example"}])
def test_server_variables_are_those_of_the_contract(variables: Any) -> None:
    """Any other is refused when the client is made; the account's host is not one of them."""
    with pytest.raises(InvalidRequest, match="server_variables: must be texts for nothing"):
        EngagementClient("demo", server_variables=variables)
