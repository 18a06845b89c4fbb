"""What a visit remembers when others use its key, when its store fails, and when time goes by."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from conftest import BODY, Backend, Clock
from liveperson_engagement import BadRequest, InvalidRequest, MemoryStore, NotFound, StoreError, VisitIds
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record

KEY = "demo:shopper"
NEWER = "session store: a newer visit is remembered for this key; it is left as it is"
UNREADABLE = "session store: a remembered engagement cannot be read; the next answer replaces it"
REPLACED = "session store: a record cannot be read and is replaced; its visit starts again"
THEIRS = VisitIds("somebody", "else", "page")


class Shared(MemoryStore):
    """Somebody else does something just before a record is replaced, once."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock=clock)
        self.meanwhile: Callable[[], None] | None = None
        self.broken = ""

    def load(self, key: str, timeout: float | None = None) -> Any:
        """Fail, or load."""
        if self.broken == "load":
            broken()
        return super().load(key, timeout)

    def compare_and_set(self, key: str, expected: Any, record: Record | None, timeout: float | None = None) -> Any:
        """Let the others go first, fail, or save."""
        act, self.meanwhile = self.meanwhile, None
        if act:
            act()
        if self.broken == "compare_and_set":
            broken()
        return super().compare_and_set(key, expected, record, timeout)

    def put(self, ids: VisitIds | None) -> None:
        """Do as another process would."""
        known = super().load(KEY)
        assert super().compare_and_set(KEY, known and known.version, Record(ids) if ids else None) is not None

    def ids(self) -> VisitIds | None:
        """Show what is there."""
        known = super().load(KEY)
        return known.record.ids if known else None


NO_IDS: list[Any] = [5, True, [1], {}, "", "\ud800", "x" * 2001]
DAMAGED = [VisitIds(each, "session", "page") for each in (*NO_IDS, cast(Any, None), ".", "..")] + [
    *(VisitIds("visitor", each, "page") for each in NO_IDS),
    *(VisitIds("visitor", "session", each) for each in NO_IDS if not isinstance(each, str)),
]


@pytest.mark.parametrize("ids", DAMAGED, ids=range(len(DAMAGED)))
def test_ids_that_are_damaged_in_the_store_never_go_out(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, ids: VisitIds
) -> None:
    """They count as none, whoever wrote them."""
    store = Shared()
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    store.put(ids)
    with pytest.raises(InvalidRequest, match="no session yet"):
        visit.update_session({"engagementAttributes": []})
    assert store.ids() is None
    store.put(ids)
    session = visit.create_session(BODY)
    assert [(each.operation_id, each.session_id) for each in sandbox.requests] == [("createSession", None)]
    assert caplog.messages == [REPLACED, REPLACED]
    assert store.ids() == VisitIds(session.visitor_id, session.session_id, session.page_id)


@pytest.mark.parametrize("theirs", [THEIRS, None], ids=["another visitor's", "forgotten"])
def test_a_visit_that_has_become_anothers_meanwhile_is_left_as_it_is(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, theirs: VisitIds | None
) -> None:
    """The caller gets the answer, the key keeps what is newer, and the next call goes on with that."""
    caplog.set_level("INFO", logger="liveperson_engagement")
    store = Shared()
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    first = visit.create_session(BODY)
    store.meanwhile = lambda: store.put(theirs)
    assert visit.create_session(BODY).visitor_id == first.visitor_id
    assert store.ids() == theirs
    assert [line for line in caplog.messages if line.startswith("session store")] == [NEWER]
    assert visit.ids == theirs


def test_a_newer_session_of_the_same_visitor_gives_way_to_the_last_answer(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Either is right; the page of the last one is the one to name."""
    caplog.set_level("INFO", logger="liveperson_engagement")
    store = Shared()
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    first = visit.create_session(BODY)
    store.meanwhile = lambda: store.put(VisitIds(first.visitor_id, "newer", "page"))
    second = visit.create_session(BODY)
    assert store.ids() == VisitIds(second.visitor_id, second.session_id, second.page_id) == visit.ids
    assert [line for line in caplog.messages if line.startswith("session store")] == []


@pytest.mark.parametrize("theirs", [THEIRS, None], ids=["another visitor's", "forgotten"])
def test_ids_that_are_handed_in_win_even_so(backend: Backend, sandbox: Sandbox, theirs: VisitIds | None) -> None:
    """The caller has said which visit this is."""
    store = Shared()
    client = backend.client(base_url=sandbox.url, store=store)
    ours = client.visit("first").create_session(BODY)
    ids = VisitIds(ours.visitor_id, ours.session_id, ours.page_id)
    store.put(VisitIds("old", "old", "old"))
    visit = client.visit("shopper", ids=ids)
    assert visit.ids == ids
    store.meanwhile = lambda: store.put(theirs)
    visit.update_session({"engagementAttributes": []})
    assert store.ids() == ids == visit.ids
    assert (sandbox.requests[-1].visitor_id, sandbox.requests[-1].session_id) == (ours.visitor_id, ours.session_id)


def test_ids_that_are_handed_in_are_saved_once(backend: Backend, sandbox: Sandbox) -> None:
    """From then on the visit is the key's: what others make of it counts."""
    store = Shared()
    client = backend.client(base_url=sandbox.url, store=store)
    ours = client.visit("first").create_session(BODY)
    visit = client.visit("shopper", ids=VisitIds(ours.visitor_id, ours.session_id, ours.page_id))
    visit.create_session(BODY)
    store.put(None)
    assert visit.create_session(BODY).visitor_id != ours.visitor_id
    assert len(sandbox.visitors) == 2


@pytest.mark.parametrize("theirs", [THEIRS, None], ids=["another visitor's", "forgotten"])
def test_ids_that_are_handed_in_are_saved_before_anything_is_sent(
    backend: Backend, sandbox: Sandbox, theirs: VisitIds | None
) -> None:
    """What others do while the request is under way is newer."""
    store = Shared()
    client = backend.client(base_url=sandbox.url, store=store)
    ours = client.visit("first").create_session(BODY)
    visit = client.visit("shopper", ids=VisitIds(ours.visitor_id, ours.session_id, ours.page_id))

    def then() -> None:
        store.meanwhile = lambda: store.put(theirs)

    store.meanwhile = then
    assert visit.create_session(BODY).visitor_id == ours.visitor_id
    assert store.ids() == theirs == visit.ids


def test_ids_that_could_not_be_saved_are_those_of_the_visit(backend: Backend, sandbox: Sandbox) -> None:
    """As long as nobody else has begun it anew."""
    store = Shared()
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    store.broken = "compare_and_set"
    with pytest.raises(StoreError) as raised:
        visit.create_session(BODY)
    assert (
        str(raised.value) == "session store: compare_and_set failed (OSError); see on_store_error to go on without it"
    )
    store.broken = ""
    [visitor] = sandbox.visitors
    assert visit.ids is not None
    assert visit.ids.visitor_id == visitor.visitor_id
    store.put(VisitIds(visitor.visitor_id, "stale", "stale"))
    session = visit.create_session(BODY)
    assert session.visitor_id == visitor.visitor_id
    assert len(sandbox.visitors) == 1
    assert store.ids() == VisitIds(session.visitor_id, session.session_id, session.page_id)


def test_what_could_not_be_read_for_a_while_goes_on_afterwards(backend: Backend, sandbox: Sandbox) -> None:
    """A caller who went on without the store has made another visitor, and gives that one up."""
    store = Shared()
    client = backend.client(base_url=sandbox.url, store=store, on_store_error="continue")
    before = client.visit("shopper").create_session(BODY)
    visit = client.visit("shopper")
    store.broken = "load"
    assert visit.create_session(BODY).visitor_id != before.visitor_id
    store.broken = ""
    assert visit.create_session(BODY).visitor_id == before.visitor_id


def test_what_others_began_while_the_store_was_broken_goes_on(backend: Backend, sandbox: Sandbox) -> None:
    """Once it has been seen, a visit that was not saved is given up for good."""
    store = Shared()
    client = backend.client(base_url=sandbox.url, store=store)
    visit = client.visit("shopper")
    store.broken = "compare_and_set"
    with pytest.raises(StoreError):
        visit.create_session(BODY)
    store.broken = ""
    theirs = client.visit("shopper").create_session(BODY)
    assert visit.create_session(BODY).visitor_id == theirs.visitor_id
    store.put(None)
    fresh = visit.create_session(BODY)
    assert fresh.visitor_id not in {visitor.visitor_id for visitor in sandbox.visitors[:2]}


def test_forgetting_tries_until_it_is_done(backend: Backend, sandbox: Sandbox) -> None:
    """Whoever changes the record meanwhile."""
    store = Shared()
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    visit.create_session(BODY)
    store.meanwhile = lambda: store.put(THEIRS)
    visit.forget()
    assert store.ids() is None
    assert visit.ids is None


def test_ids_that_were_handed_in_are_forgotten_as_well(backend: Backend, sandbox: Sandbox) -> None:
    """Whatever the store has for the key."""
    store = Shared()
    client = backend.client(base_url=sandbox.url, store=store)
    ours = client.visit("first").create_session(BODY)
    store.put(THEIRS)
    visit = client.visit("shopper", ids=VisitIds(ours.visitor_id, ours.session_id, ours.page_id))
    visit.forget()
    assert visit.ids is None
    assert visit.create_session(BODY).visitor_id != ours.visitor_id


@pytest.mark.parametrize("change", ["forgotten", "another body's", "not saved"])
def test_an_engagement_at_hand_is_not_given_once_something_has_changed(
    backend: Backend, sandbox: Sandbox, change: str
) -> None:
    """It is asked for again, however often it has been given before."""
    store = MemoryStore()
    client = backend.client(base_url=sandbox.url, store=store)
    visit = client.visit("shopper")
    assert visit.engagement(BODY) == visit.engagement(BODY) == visit.engagement(BODY)
    requests = len(sandbox.requests)
    if change == "forgotten":
        client.visit("shopper").forget()
    elif change == "another body's":
        client.visit("shopper").create_session({"appType": "EXTERNAL", "consumerSections": ["Support"]})
        requests += 1
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "compare_and_set", broken)
            with pytest.raises(StoreError):
                visit.create_session(BODY)
        requests += 1
    assert visit.engagement(BODY).status == "Available"
    assert len(sandbox.requests) == requests + 1


def broken(*_: object) -> Any:
    """Stand for a method that fails."""
    raise StoreError("OSError") from OSError()


@pytest.mark.parametrize(("method", "body"), [("update_session", {}), ("create_session", BODY)])
def test_a_404_forgets_nothing_that_has_become_anothers(
    backend: Backend, sandbox: Sandbox, method: str, body: Any
) -> None:
    """Not even between the look and the replacement."""
    store = Shared()
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    visit.create_session(BODY)
    store.meanwhile = lambda: store.put(THEIRS)
    sandbox.fail_next(404)
    with pytest.raises(NotFound):
        getattr(visit, method)(body)
    assert store.ids() == THEIRS


LOADING = "Loading account demo, please try again later with this vid: {}"


def test_a_visitor_that_an_account_names_while_it_loads_takes_the_place_of_the_known_one(
    backend: Backend, sandbox: Sandbox
) -> None:
    """The next attempt goes on with that one; if that is refused, nothing is left."""
    client = backend.client(base_url=sandbox.url)
    theirs = client.visit("other").create_session(BODY)
    visit = client.visit("shopper")
    for named, error in ((theirs.visitor_id, BadRequest), ("nobody", NotFound)):
        visit.create_session(BODY)
        body = {"internalCode": 20, "message": LOADING.format(named)}
        sandbox.fail_next(500, body=json.dumps(body))
        with pytest.raises(error):
            visit.create_session(BODY)
        assert (sandbox.requests[-1].visitor_id, sandbox.requests[-1].session_id) == (named, None)
        assert visit.ids is None


def test_after_loading_there_may_be_no_engagement(backend: Backend, sandbox: Sandbox) -> None:
    """The visitor is the one that was put on the list."""
    sandbox.not_available()
    sandbox.loading_account(times=1)
    visit = backend.client(base_url=sandbox.url).visit("shopper")
    assert visit.create_session(BODY).status == "NotAvailable"
    assert [visitor.visitor_id for visitor in sandbox.visitors] == [visit.ids and visit.ids.visitor_id]


def test_only_a_visitor_id_may_not_be_dots_alone(backend: Backend) -> None:
    """It stands in a path; the others do not."""
    ids = VisitIds("a", "..", "..")
    assert backend.client().visit(ids=ids).ids == ids


def test_the_last_answer_to_a_body_is_the_one_that_counts(backend: Backend, sandbox: Sandbox) -> None:
    """However often it has been asked for."""
    visit = backend.client(base_url=sandbox.url).visit("shopper")
    visit.create_session({"appType": "EXTERNAL", "consumerSections": ["Support"]})
    last = visit.create_session(BODY)
    assert visit.engagement(BODY) == last
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize("fresh", [False, True], ids=["the same object", "another object"])
@pytest.mark.parametrize(("passed", "requests"), [(0, 1), (899, 1), (899.9, 1), (900, 2), (901, 2), (-1, 2)])
def test_an_engagement_is_given_again_before_its_time_is_over(
    backend: Backend, sandbox: Sandbox, passed: float, requests: int, *, fresh: bool
) -> None:
    """To the second; and not if the clock was set back, since nobody can tell then."""
    clock = Clock()
    client = backend.client(base_url=sandbox.url, store=MemoryStore(clock=clock))
    visit = client.visit("shopper")
    session = visit.engagement(BODY)
    assert session.status == "Available"
    assert session.engagement_details.valid_for_seconds == 900
    assert visit.engagement(BODY) == session
    clock.now += passed
    again = (client.visit("shopper") if fresh else visit).engagement(BODY)
    assert again.visitor_id == session.visitor_id
    assert len(sandbox.requests) == requests


def test_an_engagement_without_a_session_is_none(backend: Backend, sandbox: Sandbox) -> None:
    """Nothing can be reported of it: somebody has damaged the record."""
    store = MemoryStore()
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    session = visit.engagement(BODY)
    known = store.load(KEY)
    assert known
    store.compare_and_set(KEY, known.version, replace(known.record, ids=VisitIds(session.visitor_id)))
    with pytest.raises(InvalidRequest, match="was offered no engagement"):
        visit.report_impressions("impDisplay")
    assert [each.operation_id for each in sandbox.requests] == ["createSession"]


def test_a_remembered_engagement_that_cannot_be_read_is_told_in_one_line(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a word of what is in the store."""
    store = MemoryStore()
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    visit.engagement(BODY)
    known = store.load(KEY)
    assert known
    store.compare_and_set(KEY, known.version, replace(known.record, engagement='{"status": "Maybe"}'))
    with pytest.raises(InvalidRequest) as raised:
        visit.report_impressions("impDisplay")
    assert str(raised.value) == "kinds: this session was offered no engagement; call create_session first"
    assert caplog.messages == [UNREADABLE]


@pytest.mark.parametrize(
    ("ids", "line"),
    [
        (VisitIds(""), "ids.visitor_id: must have at least 1 characters"),
        (VisitIds(".."), "ids.visitor_id: must match the pattern [^.]"),
        (VisitIds("\ud800"), "ids.visitor_id: must be text without lone surrogates"),
        (VisitIds("a", ""), "ids.session_id: must have at least 1 characters"),
        (VisitIds("a", "b", ""), "ids.page_id: must have at least 1 characters"),
        (VisitIds("a", page_id=5), "ids.page_id: must be of type string"),  # type: ignore[arg-type]
        (VisitIds(None), "ids.visitor_id: must be of type string"),  # type: ignore[arg-type]
        ("x", "ids: must be the VisitIds of an earlier visit"),
    ],
)
def test_ids_that_cannot_be_are_told_in_one_line(backend: Backend, ids: Any, line: str) -> None:
    """The member, and the contract's rule for it."""
    with pytest.raises(InvalidRequest) as raised:
        backend.client().visit(ids=ids)
    assert str(raised.value) == line
    assert raised.value.__cause__ is None
