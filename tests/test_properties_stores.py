"""Properties of what a store gives back: whatever somebody has written there, nothing undocumented comes of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import BODY, Colour
from liveperson_engagement import EngagementClient, EngagementError, OutageGuard, SQLiteStore, VisitIds
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record
from strategies import ANYTHING, examples, judge, places, replaced

COLOURS = ("sync", "async", "sync fast", "async fast")
CALLS: dict[str, list[Any]] = {
    "create_session": [BODY],
    "engagement": [BODY],
    "update_session": [{"engagementAttributes": []}],
    "report_impressions": ["impDisplay"],
    "forget": [],
}
KEYS = ("demo:shopper", "!outage:demo")
ODD = st.sampled_from(
    [..., "", ".", "..", "\ud800", "x" * 2001, "a/b", "[" * 10_000, float("inf"), float("nan"), 10**40]
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name a database."""
    return tmp_path_factory.mktemp("store") / "visits.db"


@pytest.fixture(scope="module")
def clients(running_sandbox: Sandbox, path: Path) -> Iterator[dict[str, EngagementClient]]:
    """Connect one client of each colour for all examples; they share a store, and a guard that lets every call try."""
    with ExitStack() as stack:
        store = stack.enter_context(SQLiteStore(path))
        options: dict[str, Any] = {"base_url": running_sandbox.url, "store": store, "outage_guard": OutageGuard([0])}
        yield {name: Colour(name, stack).client(**options) for name in COLOURS}


@pytest.fixture(scope="module")
def text(clients: dict[str, EngagementClient], path: Path) -> str:
    """Have the package write a record, of a visitor that the sandbox knows."""
    clients["sync"].visit("shopper").create_session(BODY)
    with closing(sqlite3.connect(path)) as database:
        [[text]] = database.execute("SELECT record FROM visits WHERE key = ?", KEYS[:1])
    return str(text)


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """Change some places of a record that the package wrote, or of the answer in it."""
    record = json.loads(text)
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        answer = json.loads(record["engagement"]) if draw(st.booleans()) and _is_answer(record) else None
        place, _ = draw(st.sampled_from(list(places(record if answer is None else answer))))
        other = draw(ODD | ANYTHING)
        if answer is not None:
            record["engagement"] = json.dumps(replaced(answer, place, None if other is ... and not place else other))
        elif place not in ((), ("v",)):  # a newer version's record is not damaged
            record = replaced(record, place, other)
    return json.dumps(record)


def _is_answer(record: Any) -> bool:
    with suppress(KeyError, TypeError, ValueError, RecursionError):
        return isinstance(json.loads(record["engagement"]), dict)
    return False


@examples()
@given(colour=st.sampled_from(COLOURS), call=st.sampled_from([*CALLS]), data=st.data())
def test_whatever_a_store_gives_back_errors_are_of_the_tree_and_ids_fit(
    clients: dict[str, EngagementClient],
    running_sandbox: Sandbox,
    path: Path,
    text: str,
    colour: str,
    call: str,
    data: st.DataObject,
) -> None:
    """What is damaged counts as nothing: the next session is a good one, and remembered."""
    client, before = clients[colour], len(running_sandbox.requests)
    visit = client.visit("shopper")
    for key in KEYS:
        client.store.compare_and_set(key, None, Record(VisitIds("any")))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE visits SET record = ?", [data.draw(damaged(text))])
    with suppress(EngagementError):
        getattr(visit, call)(*CALLS[call])
    for request in running_sandbox.requests[before:]:
        assert request.visitor_id is None or judge("VisitorId").allows(request.visitor_id)
        assert request.session_id is None or judge("SessionId").allows(request.session_id)
    with suppress(EngagementError):  # ids that fit, but name nobody, are forgotten with a 404
        visit.create_session(BODY)
    session = visit.create_session(BODY)
    assert visit.create_session(BODY).visitor_id == session.visitor_id
