"""A property of what a store gives back: whatever somebody has written there, nothing undocumented comes of it."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import BODY, Backend
from liveperson_engagement import EngagementError, OutageGuard, SQLiteStore, VisitIds
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record
from stored import KEY, execute
from strategies import ANYTHING, examples, judge, places, replaced

CALLS: dict[str, list[Any]] = {
    "create_session": [BODY],
    "engagement": [BODY],
    "update_session": [{"engagementAttributes": []}],
    "report_impressions": ["impDisplay"],
    "forget": [],
}
ODD = st.sampled_from(
    [..., "", ".", "..", "\ud800", "x" * 2001, "a/b", "[" * 10_000, float("inf"), float("nan"), 10**40]
)


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """Change no, one or two places; but a newer version's record is not damaged."""
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.sampled_from([place for place, _ in places(value) if place not in ((), ("v",))]))
        value = replaced(value, place, draw(ODD | ANYTHING))
    return value


@pytest.mark.backends("sync", "async")
@examples(0.5)
@given(call=st.sampled_from([*CALLS]), data=st.data())
def test_errors_are_of_the_tree_and_ids_fit(
    backend: Backend, sandbox: Sandbox, path: Path, call: str, data: st.DataObject
) -> None:
    """What is damaged counts as nothing: the next session is a good one, and remembered."""
    store = backend.store(SQLiteStore(path))
    visit = backend.client(base_url=sandbox.url, store=store, outage_guard=OutageGuard([0])).visit("shopper")
    visit.create_session(BODY)
    [[text]] = execute(path, "SELECT record FROM visits WHERE key = ?", KEY.encode())
    store.compare_and_set("!outage:demo", None, Record(VisitIds("any")))
    record = json.loads(text)
    record["engagement"] = json.dumps(data.draw(damaged(json.loads(record["engagement"]))))
    text = json.dumps(data.draw(damaged(record)))
    execute(path, "UPDATE visits SET record = ?", text.encode(errors="surrogatepass"))
    before = len(sandbox.requests)
    with suppress(EngagementError):
        getattr(visit, call)(*CALLS[call])
    for request in sandbox.requests[before:]:
        assert request.visitor_id is None or judge("VisitorId").allows(request.visitor_id)
        assert request.session_id is None or judge("SessionId").allows(request.session_id)
    with suppress(EngagementError):  # ids that fit, but name nobody, are forgotten with a 404
        visit.create_session(BODY)
    session = visit.create_session(BODY)
    assert visit.create_session(BODY).visitor_id == session.visitor_id
