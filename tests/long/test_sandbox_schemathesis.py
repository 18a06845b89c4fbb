"""Schemathesis against the sandbox: generated requests, one by one and along the contract's links, find nothing wrong.

SANDBOX_EXAMPLES sets the number of examples for each operation, and of walks along the links.
"""

import copy
import os
import re
from collections import Counter
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import Case, CheckContext, Response, engine
from schemathesis.core.result import Ok
from schemathesis.core.transforms import UNRESOLVABLE
from schemathesis.engine import events
from schemathesis.generation.stateful.state_machine import Transition
from schemathesis.specs.openapi import checks as openapi_checks

from contract_tools import CONTRACT
from liveperson_engagement.sandbox import Sandbox

EXAMPLES = int(os.environ.get("SANDBOX_EXAMPLES", "20"))
OPERATIONS = {"createSession", "continueSession", "updateSession", "findDomain"}
VISITS = {"continueSession", "updateSession"}
IMPRESSIONS = {"impDisplay", "impAccept", "impExpanded", "impTimeout", "impClose"}


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


def load(sandbox: Sandbox, *phases: str) -> Any:
    """Load the contract as schemathesis sees it, the same in every run."""
    options: Any = {
        "seed": 1,
        "base-url": sandbox.url,
        "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none"},
        "phases": {name: {"enabled": name in phases} for name in ("examples", "coverage", "fuzzing", "stateful")},
        # Replaced by valid_requests_are_accepted. All others are on.
        "checks": {"positive_data_acceptance": {"enabled": False}},
    }
    schemathesis_config: Any = schemathesis.Config
    return schemathesis.openapi.from_dict(copy.deepcopy(CONTRACT), config=schemathesis_config.from_dict(options))


def explore(sandbox: Sandbox, *phases: str) -> tuple[Counter[str], Counter[str]]:
    """Send documented requests, edge cases and random ones, valid or not; count findings, and checks, by name."""
    findings, checked = Counter[str](), Counter[str]()
    for event in engine.from_schema(load(sandbox, *phases)).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            findings[repr(event)] += 1
        elif isinstance(event, events.ScenarioFinished):
            for check in (check for checks in event.recorder.checks.values() for check in checks):
                checked[check.name] += 1
                findings[check.name] += check.failure_info is not None
    return +findings, checked


def walk(sandbox: Sandbox) -> dict[bool, set[str]]:
    """Go along links; return those for which an answer had all values, or lacked some. What it finds is raised."""
    followed: dict[bool, set[str]] = {True: set(), False: set()}
    machine: Any = load(sandbox, "stateful").as_state_machine()

    class Walk(machine):  # type: ignore[misc]
        def teardown(self) -> None:
            for node in self.recorder.cases.values():
                if node.transition is not None:
                    followed[is_resolved(node.transition)].update(re.findall(r"\] (\w+) ->", node.transition.id))
            machine.teardown(self)

    # Hypothesis draws from the constants in the package's source, so that any edit there changes the walks: 20 could
    # miss a link.
    settings = hypothesis.settings(
        max_examples=3 * EXAMPLES,
        stateful_step_count=10,
        derandomize=True,
        database=None,
        deadline=None,
        # Answers of a real server decide how long a step takes and which link fits.
        suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
    )
    Walk.run(settings=settings)
    return followed


def is_resolved(transition: Transition) -> bool:
    """Tell whether the answer had every value that a link takes from it."""
    body = [transition.request_body] if transition.request_body is not None else []
    taken = [*(value for container in transition.parameters.values() for value in container.values()), *body]
    return all(isinstance(each.value, Ok) and each.value.ok() is not UNRESOLVABLE for each in taken)


def test_generated_requests_find_nothing() -> None:
    """Every check of schemathesis ran, every operation was accepted and refused, and nothing was found."""
    with Sandbox() as sandbox:
        findings, checked = explore(sandbox, "examples", "coverage", "fuzzing")
        seen = {(request.operation_id, request.status) for request in sandbox.requests}
    assert findings == {}
    assert min(checked["negative_data_rejection"], checked["valid_requests_are_accepted"]) > 1000
    assert {operation for operation, status in seen if status == 400} == OPERATIONS
    assert {operation for operation, status in seen if status == 200} >= OPERATIONS - VISITS
    assert {operation for operation, status in seen if status == 404} >= VISITS
    assert (None, 405) in seen


@pytest.mark.parametrize("available", [True, False])
def test_walks_along_the_links_find_nothing(available: bool) -> None:
    """Every link is followed with an answer's values, those to impressions where there is an engagement to name."""
    with Sandbox() as sandbox:
        offered = IMPRESSIONS if available else set[str]()
        (sandbox.available if available else sandbox.not_available)()
        followed = walk(sandbox)
        seen = Counter(request.operation_id for request in sandbox.requests if request.status == 200)
        assert followed == {True: VISITS | offered, False: IMPRESSIONS - offered}
        assert min(seen[operation] for operation in OPERATIONS - {"findDomain"}) > 2


def test_a_fault_is_found() -> None:
    """What finds nothing in a good sandbox finds something in a bad one."""
    with Sandbox() as sandbox:
        sandbox.answer_next(body="{}", times=10**9)
        assert explore(sandbox, "fuzzing")[0].keys() >= {"response_schema_conformance", "negative_data_rejection"}
