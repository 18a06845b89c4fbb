"""Schemathesis against the sandbox: generated requests, one by one and along the contract's links, find nothing wrong.

SANDBOX_EXAMPLES sets the number of examples for each operation, and of walks along the links.
"""

import os
from collections import Counter

from contract_tools import examples
from liveperson_engagement.sandbox import Sandbox
from schemathesis_tools import explore, walk

EXAMPLES = int(os.environ.get("SANDBOX_EXAMPLES", "20"))
# Hypothesis draws from the constants in the package's source, so that any edit there changes the walks: 20 could miss a
# link.
WALKS = 3 * EXAMPLES
OPERATIONS = {"createSession", "continueSession", "updateSession", "findDomain"}
VISITS = {"continueSession", "updateSession"}
IMPRESSIONS = {"impDisplay", "impAccept", "impExpanded", "impTimeout", "impClose"}


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
