"""A property of what a store gives back: whatever somebody has written there, nothing undocumented comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import BODY, Backend
from liveperson_engagement import EngagementClient, EngagementError, OutageGuard, SQLiteStore, VisitIds
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


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name a database for all examples."""
    return tmp_path_factory.mktemp("store") / "visits.db"


@pytest.fixture(scope="module")
def clients(running_sandbox: Sandbox, path: Path) -> Iterator[dict[str, EngagementClient]]:
    """Connect a client of each driver; they share a store, and a guard that lets every call try."""
    with ExitStack() as stack:
        store = stack.enter_context(SQLiteStore(path))
        options: dict[str, Any] = {"base_url": running_sandbox.url, "store": store, "outage_guard": OutageGuard([0])}
        yield {name: Backend(name, stack).client(**options) for name in ("sync", "async")}


@pytest.fixture(scope="module")
def text(clients: dict[str, EngagementClient], path: Path) -> str:
    """Have the package write a record, of a visitor that the sandbox knows."""
    clients["sync"].visit("shopper").create_session(BODY)
    [[text]] = execute(path, "SELECT record FROM visits WHERE key = ?", KEY.encode())
    return bytes(text).decode()


def is_answer(record: Any) -> bool:
    """Return whether a record has the answer of the service in it."""
    with suppress(KeyError, TypeError, ValueError, RecursionError):
        return isinstance(json.loads(record["engagement"]), dict)
    return False


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """Change some places of a record that the package wrote, or of the answer in it."""
    record = json.loads(text)
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        answer = json.loads(record["engagement"]) if draw(st.booleans()) and is_answer(record) else None
        place, _ = draw(st.sampled_from(list(places(record if answer is None else answer))))
        other = draw(ODD | ANYTHING)
        if answer is not None:
            record["engagement"] = json.dumps(replaced(answer, place, None if other is ... and not place else other))
        elif place not in ((), ("v",)):  # a newer version's record is not damaged
            record = replaced(record, place, other)
    return json.dumps(record)


@examples(0.5)
@given(backend=st.sampled_from(["sync", "async"]), call=st.sampled_from([*CALLS]), data=st.data())
def test_errors_are_of_the_tree_and_ids_fit(
    clients: dict[str, EngagementClient],
    running_sandbox: Sandbox,
    path: Path,
    text: str,
    backend: str,
    call: str,
    data: st.DataObject,
) -> None:
    """What is damaged counts as nothing: the next session is a good one, and remembered."""
    client, before = clients[backend], len(running_sandbox.requests)
    visit = client.visit("shopper")
    for key in (KEY, "!outage:demo"):
        client.store.compare_and_set(key, None, Record(VisitIds("any")))
    execute(path, "UPDATE visits SET record = ?", data.draw(damaged(text)).encode(errors="surrogatepass"))
    with suppress(EngagementError):
        getattr(visit, call)(*CALLS[call])
    for request in running_sandbox.requests[before:]:
        assert request.visitor_id is None or judge("VisitorId").allows(request.visitor_id)
        assert request.session_id is None or judge("SessionId").allows(request.session_id)
    with suppress(EngagementError):  # ids that fit, but name nobody, are forgotten with a 404
        visit.create_session(BODY)
    session = visit.create_session(BODY)
    assert visit.create_session(BODY).visitor_id == session.visitor_id
