"""What finds nothing in a good sandbox finds something in a bad one: test_sandbox_schemathesis.py could fail."""

from typing import Any

import pytest

from contract_tools import CONTRACT, edited
from liveperson_engagement.sandbox import Sandbox
from schemathesis_tools import explore, walk

ALWAYS = 10**9
ENGAGEMENT = "responses Session content application/json examples availableWithConnector value"


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
        report = walk(sandbox, 60)
    assert +report.findings == {}
    assert report.unresolved.keys() == {"impDisplay", "impAccept", "impExpanded", "impTimeout", "impClose"}
    assert report.resolved.keys() == {"continueSession", "updateSession"}
