"""Schemathesis against the sandbox: generated requests, one by one and along the contract's links, find nothing wrong.

SANDBOX_EXAMPLES sets the number of examples for each operation, and of walks along the links.
"""

import copy
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import Case, CheckContext, Response, engine
from schemathesis.core.result import Ok
from schemathesis.core.transforms import UNRESOLVABLE
from schemathesis.engine import events
from schemathesis.generation.stateful.state_machine import ExtractedParam, Transition
from schemathesis.specs.openapi import checks as openapi_checks

from contract_tools import CONTRACT, edited, examples
from liveperson_engagement.sandbox import Sandbox

EXAMPLES = int(os.environ.get("SANDBOX_EXAMPLES", "20"))
# Hypothesis draws from the constants in the package's source, so that any edit there changes the walks: 20 could miss a
# link.
WALKS = 3 * EXAMPLES
OPERATIONS = {"createSession", "continueSession", "updateSession", "findDomain"}
VISITS = {"continueSession", "updateSession"}
IMPRESSIONS = {"impDisplay", "impAccept", "impExpanded", "impTimeout", "impClose"}
ALWAYS = 10**9
ENGAGEMENT = "responses Session content application/json examples availableWithConnector value"


@schemathesis.check
def valid_requests_are_accepted(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Schemathesis's own check, save for two refusals that the contract describes in words and no schema can."""
    operation = case.operation.definition.raw["operationId"]
    # Only the retries after "Loading account" may leave out the session: the schema has to allow it.
    without_session = operation == "continueSession" and "sid" not in case.query
    # The Domain API knows other services as well, so the schema lets their names pass; this one plays msdkgw alone.
    other_service = operation == "findDomain" and case.path_parameters.get("serviceName") != "msdkgw"
    if response.status_code == 400 and (without_session or other_service):
        return None
    return openapi_checks.positive_data_acceptance(ctx, response, case)  # pyright: ignore[reportUnknownMemberType]


@dataclass
class Report:
    """What a run found, as names of checks, and which links it followed, with all of their values or without some."""

    findings: Counter[str] = field(default_factory=Counter[str])
    checked: Counter[str] = field(default_factory=Counter[str])
    resolved: Counter[str] = field(default_factory=Counter[str])
    unresolved: Counter[str] = field(default_factory=Counter[str])


def load(sandbox: Sandbox, examples: int, *phases: str) -> Any:
    """Load the contract as schemathesis sees it, the same in every run."""
    options: Any = {
        "seed": 1,
        "base-url": sandbox.url,
        "generation": {"max-examples": examples, "deterministic": True, "database": "none"},
        "phases": {name: {"enabled": name in phases} for name in ("examples", "coverage", "fuzzing", "stateful")},
        # Replaced by valid_requests_are_accepted. All others are on.
        "checks": {"positive_data_acceptance": {"enabled": False}},
    }
    schemathesis_config: Any = schemathesis.Config
    return schemathesis.openapi.from_dict(copy.deepcopy(CONTRACT), config=schemathesis_config.from_dict(options))


def explore(sandbox: Sandbox, examples: int, *phases: str) -> Report:
    """Send requests that know nothing of each other: documented ones, edge cases and random ones, valid or not."""
    report = Report()
    for event in engine.from_schema(load(sandbox, examples, *phases)).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            report.findings[repr(event)] += 1
        elif isinstance(event, events.ScenarioFinished):
            for checks in event.recorder.checks.values():
                for check in checks:
                    report.checked[check.name] += 1
                    report.findings[check.name] += check.failure_info is not None
    return report


def walk(sandbox: Sandbox, examples: int) -> Report:
    """Follow the contract's links from answer to request, and on from its answer."""
    report = Report()
    machine: Any = load(sandbox, examples, "stateful").as_state_machine()

    class Walk(machine):  # type: ignore[misc]
        def teardown(self) -> None:
            for node in self.recorder.cases.values():
                if node.transition is not None:
                    complete = all(map(is_resolved, extracted(node.transition)))
                    (report.resolved if complete else report.unresolved)[link_name(node.transition)] += 1
            machine.teardown(self)

    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=10,
        derandomize=True,
        database=None,
        deadline=None,
        # Answers of a real server decide how long a step takes and which link fits.
        suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
    )
    try:
        Walk.run(settings=settings)
    except schemathesis.errors.FailureGroup as group:
        report.findings.update(type(failure).__name__ for failure in group.exceptions)
    return report


def extracted(transition: Transition) -> Iterator[ExtractedParam]:
    """Yield every value that a link takes from an answer."""
    for container in transition.parameters.values():
        yield from container.values()
    if transition.request_body is not None:
        yield transition.request_body


def is_resolved(value: ExtractedParam) -> bool:
    """Tell whether the answer had the value; for a body, all values in it."""
    return isinstance(value.value, Ok) and value.value.ok() is not UNRESOLVABLE


def link_name(transition: Transition) -> str:
    """Return a link's name in the contract."""
    found = re.search(r"\] (\w+) ->", transition.id)
    assert found is not None
    return found[1]


def answered(sandbox: Sandbox) -> Counter[tuple[str | None, int | None]]:
    """Count the requests by operation and status."""
    return Counter((request.operation_id, request.status) for request in sandbox.requests)


def reported(sandbox: Sandbox) -> set[str]:
    """Return the kinds of impressions that were accepted and name the engagement that was offered."""
    details = examples("responses", "Session")["availableWithConnector"]["engagementDetails"]
    offered = (details["campaignId"], details["engagementId"], details["engagementRevision"])
    return {
        event["type"]
        for visitor in sandbox.visitors
        for session in visitor.sessions
        for event in session.impressions
        if (event["campaign"], event["engId"], event["revision"]) == offered
    }


def test_generated_requests_find_nothing() -> None:
    """Every check of schemathesis ran, every operation was accepted and refused, and nothing was found."""
    with Sandbox() as sandbox:
        report = explore(sandbox, EXAMPLES, "examples", "coverage", "fuzzing")
        seen = answered(sandbox)
    assert +report.findings == {}
    assert report.checked["negative_data_rejection"] > 1000
    assert report.checked["valid_requests_are_accepted"] > 1000
    assert "positive_data_acceptance" not in report.checked
    assert {operation for operation, status in seen if status == 400} == OPERATIONS
    assert {operation for operation, status in seen if status == 200} >= OPERATIONS - VISITS
    assert {operation for operation, status in seen if status == 404} >= VISITS
    assert seen[None, 405] > 0


def test_walks_along_the_links_find_nothing() -> None:
    """Every link was followed with an answer's values, visits went on, and impressions named the engagement."""
    with Sandbox() as sandbox:
        report = walk(sandbox, WALKS)
        seen = answered(sandbox)
        assert +report.findings == {}
        assert report.resolved.keys() == VISITS | IMPRESSIONS
        assert not report.unresolved
        assert min(seen[operation, 200] for operation in OPERATIONS - {"findDomain"}) > 2
        assert reported(sandbox) == IMPRESSIONS


@pytest.mark.parametrize(
    ("method", "options", "finding"),
    [
        ("fail_next", {"status": 500}, "not_a_server_error"),
        ("fail_next", {"status": 400}, "valid_requests_are_accepted"),
        ("fail_next", {"status": 418}, "status_code_conformance"),
        ("html_error", {"status": 400}, "content_type_conformance"),
        ("answer_next", {"body": "{}"}, "response_schema_conformance"),
        ("answer_next", {"body": "{}"}, "negative_data_rejection"),
    ],
)
def test_a_fault_is_found(method: str, options: dict[str, Any], finding: str) -> None:
    """What finds nothing in a good sandbox finds something in a bad one."""
    with Sandbox() as sandbox:
        getattr(sandbox, method)(times=ALWAYS, **options)
        assert explore(sandbox, 10, "fuzzing").findings[finding] > 0


@pytest.mark.parametrize(
    ("edits", "phase", "finding"),
    [
        ({"AppType enum": ["MSDK"]}, "examples", "valid_requests_are_accepted"),
        ({"CreateSessionBody required": []}, "coverage", "negative_data_rejection"),
        ({f"{ENGAGEMENT} engagementDetails campaignId": "x"}, "examples", "response_schema_conformance"),
    ],
)
def test_another_contract_is_found(edits: dict[str, Any], phase: str, finding: str) -> None:
    """A sandbox that allows less, allows more, or answers otherwise, is not this contract's."""
    with Sandbox(contract=edited(CONTRACT, edits)) as sandbox:
        assert explore(sandbox, 10, phase).findings[finding] > 0


@pytest.mark.parametrize(
    ("status", "operation", "finding"),
    [
        (500, "updateSession", "ServerError"),
        (418, "continueSession", "UndefinedStatusCode"),
        (400, "updateSession", "RejectedPositiveData"),
    ],
)
def test_a_fault_beyond_the_first_link_is_found(status: int, operation: str, finding: str) -> None:
    """Although the first request of every walk is answered well."""
    with Sandbox() as sandbox:
        sandbox.fail_next(status, ALWAYS, operation=operation)
        assert walk(sandbox, 10).findings[finding] > 0


def test_without_an_engagement_its_links_lead_nowhere() -> None:
    """The links to impressions take values that such an answer lacks; the other two are followed as ever."""
    with Sandbox() as sandbox:
        sandbox.not_available()
        report = walk(sandbox, WALKS)
    assert +report.findings == {}
    assert report.unresolved.keys() == IMPRESSIONS
    assert report.resolved.keys() == VISITS
