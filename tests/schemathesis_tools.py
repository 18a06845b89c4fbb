"""Schemathesis against the sandbox: requests that know nothing of each other, and walks along the contract's links."""

import copy
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import schemathesis
from schemathesis import Case, CheckContext, Response, engine
from schemathesis.core.result import Ok
from schemathesis.core.transforms import UNRESOLVABLE
from schemathesis.engine import events
from schemathesis.generation.stateful.state_machine import ExtractedParam, Transition
from schemathesis.specs.openapi import checks as openapi_checks

from contract_tools import CONTRACT
from liveperson_engagement.sandbox import Sandbox


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
