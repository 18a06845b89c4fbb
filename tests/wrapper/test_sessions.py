"""One visit key is one visitor: what is sent, remembered, replaced and forgotten, and by whom at the same time."""

import asyncio
import copy
import functools
import gc
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import BODY, Backend, Clock
from doubles import WatchedStore
from liveperson_engagement import (
    AsyncEngagementClient,
    EngagementClient,
    MemoryStore,
    OutageGuard,
    SQLiteStore,
    Visit,
    VisitIds,
    errors,
)
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import UNREADABLE, Record
from liveperson_engagement_api.models import CreateSessionBody
from stored import KEY
from waiting import until

OTHER: Any = {"appType": "EXTERNAL", "consumerSections": ["Übersicht"]}
LEAD: Any = {"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]}
NOTHING = {"status": "NotAvailable", "pageId": "1", "sessionId": "s", "visitorId": "v"}
ARGUMENTS: dict[str, Any] = {"create_session": BODY, "update_session": LEAD, "report_impressions": "impDisplay"}
THEIRS = Record(VisitIds("somebody", "else", "page"))
NEWER = "session store: a newer visit is remembered for this key; it is left as it is"
UNREAD = "session store: a remembered engagement cannot be read; the next answer replaces it"
NOT_OFFERED = "^kinds: this session was offered no engagement; call create_session first$"


@pytest.fixture
def store(clock: Clock) -> WatchedStore:
    """A store that notes its steps; of its two clocks one stands still."""
    return WatchedStore(clock=clock, monotonic=lambda: 0.0)


@pytest.fixture
def client(backend: Backend, sandbox: Sandbox, store: WatchedStore) -> EngagementClient:
    """Connect a client that uses it."""
    return backend.client(base_url=sandbox.url, store=store)


@pytest.fixture
def visit(client: EngagementClient) -> Visit:
    """Begin a visit with a key."""
    return client.visit("shopper")


def start(visit: Visit) -> VisitIds:
    """Create a session; return its ids."""
    session = visit.create_session(BODY)
    return VisitIds(session.visitor_id, session.session_id, session.page_id)


def operations(sandbox: Sandbox) -> list[str | None]:
    """Name what was asked."""
    return [request.operation_id for request in sandbox.requests]


@pytest.mark.backends
def test_the_second_request_names_what_the_first_was_told(visit: Visit, sandbox: Sandbox) -> None:
    """The visitor and the session; all is JSON, encoded as UTF-8, once, and v is spelled 1.0."""
    first, second = visit.create_session(OTHER), visit.create_session(OTHER)
    assert (second.visitor_id, second.session_id) == (first.visitor_id, first.session_id)
    assert operations(sandbox) == ["createSession", "continueSession"]
    assert [request.query for request in sandbox.requests] == [{"v": "1.0"}, {"v": "1.0", "sid": first.session_id}]
    request = sandbox.requests[0]
    assert request.path == "/api/account/demo/app/engagement/visitors/"
    headers = {name.lower(): text for name, text in request.headers.items()}
    assert (headers["content-type"], headers["accept"]) == ("application/json", "application/json")
    assert headers["user-agent"].startswith("liveperson-engagement/")
    assert request.raw_body == '{"appType":"EXTERNAL","consumerSections":["Übersicht"]}'.encode()


def test_a_key_is_one_visit_of_an_account_in_a_store(backend: Backend, sandbox: Sandbox, store: WatchedStore) -> None:
    """The key decides, not the object or the client; without one the visit is private to its object."""

    def ask(account: str, key: str | None) -> str:
        visit = backend.client(account, base_url=sandbox.url, store=store).visit(key)
        visitor_id = start(visit).visitor_id
        assert start(visit).visitor_id == visitor_id
        return visitor_id

    keys = [("one", "a"), ("one", "b"), ("one", " "), ("two", "a")]
    found = {each: ask(*each) for each in keys}
    assert {each: ask(*each) for each in keys} == found
    private = {ask("one", None), ask("one", None)}
    assert len({*found.values(), *private}) == len(sandbox.visitors) == 6
    assert store.keys_asked == {f"{account}:{key}" for account, key in keys}


def test_impressions_are_built_from_the_engagement(visit: Visit, sandbox: Sandbox) -> None:
    """Campaign, engagement, revision and context come from the answer; one request carries all kinds."""
    session: Any = visit.create_session(BODY)
    of = session.engagement_details
    visit.report_impressions("impDisplay", "impAccept", "impExpanded", "impTimeout", "impClose")
    common = {"campaign": of.campaign_id, "engId": of.engagement_id, "revision": of.engagement_revision}
    context = {"eContext": [{"type": "engagementContext", "id": of.context_id}]}
    assert sandbox.requests[-1].body == {
        "pageId": session.page_id,
        "impAttributes": [
            {"type": "impDisplay", **common, **context},
            {"type": "impAccept", **common, **context},
            {"type": "impExpanded", **common, "expanded": None, "userInit": None, "actionableItems": None},
            {"type": "impTimeout", **common},
            {"type": "impClose", **common},
        ],
    }
    assert sandbox.requests[-1].session_id == session.session_id


def test_an_engagement_can_be_reported_within_its_session(visit: Visit, sandbox: Sandbox) -> None:
    """Also after answers that offer none or are broken; not in another session."""
    first = start(visit)
    nothing = {**NOTHING, "sessionId": first.session_id, "visitorId": first.visitor_id}
    sandbox.answer_next(body=json.dumps(nothing))
    visit.create_session(BODY)
    visit.report_impressions("impClose")
    assert sandbox.requests[-1].body["pageId"] == first.page_id
    sandbox.answer_next(body=json.dumps({**nothing, "pageId": "99", "status": "?"}))
    with pytest.raises(errors.InvalidResponse):
        visit.create_session(BODY)
    assert visit.ids == VisitIds(first.visitor_id, first.session_id, "99")
    visit.report_impressions("impDisplay")
    sandbox.answer_next(body=json.dumps({**nothing, "sessionId": "another"}))
    visit.create_session(BODY)
    with pytest.raises(errors.InvalidRequest, match=NOT_OFFERED):
        visit.report_impressions("impClose")
    assert len(sandbox.requests) == 6


@pytest.mark.parametrize(("later", "requests"), [(0, 1), (899.9, 1), (900, 2), (-1, 2)])
def test_an_engagement_is_served_from_memory_while_it_is_valid(
    client: EngagementClient, visit: Visit, sandbox: Sandbox, clock: Clock, later: float, requests: int
) -> None:
    """After validForSeconds, or when the clock has gone backwards, the service is asked again."""
    first = visit.engagement(BODY)
    clock.now += later
    second = client.visit("shopper").engagement(BODY)
    assert len(sandbox.requests) == requests
    assert (first == second) is (requests == 1)
    assert first.visitor_id == second.visitor_id


def test_only_an_equal_body_is_served_from_memory(visit: Visit, sandbox: Sandbox) -> None:
    """A model is as good as its JSON; a body that was changed, if only from 1 to True, is another."""
    model = CreateSessionBody.from_dict(BODY)
    changing: Any = {**BODY, "note": 1}
    bodies: list[Any] = [BODY, OTHER, {**BODY, **LEAD}, changing]
    for count, body in enumerate(bodies, start=1):
        visit.engagement(body)
        visit.engagement(body.copy())
        assert len(sandbox.requests) == count
    changing["note"] = True
    bodies = [changing, changing, BODY, model, model.to_dict()]
    for body in bodies:
        visit.engagement(body)
    assert operations(sandbox) == ["createSession"] + ["continueSession"] * 5


@pytest.mark.parametrize("text", ["rubbish", '"\ud800"', "null", '{"status": "Available"}', json.dumps(NOTHING)])
def test_a_remembered_engagement_that_cannot_be_read_is_renewed(
    visit: Visit, sandbox: Sandbox, store: WatchedStore, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    """The visit goes on; impressions are refused as if none had been offered, as they are without a session."""
    first = start(visit)
    store.put(replace(store.record, engagement=text))
    with pytest.raises(errors.InvalidRequest, match=NOT_OFFERED):
        visit.report_impressions("impDisplay")
    assert visit.engagement(BODY).visitor_id == first.visitor_id
    assert len(sandbox.requests) == 2
    visit.report_impressions("impDisplay")
    store.put(replace(store.record, ids=VisitIds(first.visitor_id)))
    with pytest.raises(errors.InvalidRequest, match=NOT_OFFERED):
        visit.report_impressions("impDisplay")
    assert caplog.messages == [UNREAD] * 2


def test_a_remembered_session_cannot_be_changed(visit: Visit, sandbox: Sandbox) -> None:
    """Each caller's copy has all that was answered, unknown members too; changing it changes nothing remembered."""
    answer = visit.create_session(BODY).to_dict()
    answer["more"] = {"of": ["it"]}
    answer["engagementDetails"]["more"] = [1]
    sandbox.answer_next(200, json.dumps(answer))
    for _ in range(3):
        session: Any = visit.engagement(OTHER)
        assert session.to_dict() == copy.deepcopy(session).to_dict() == answer
        for part, name in ((session, "visitor_id"), (session.engagement_details, "context_id"), (visit.ids, "page_id")):
            with pytest.raises(AttributeError):
                setattr(part, name, "changed")
        session.additional_properties["more"]["of"].clear()
        session.additional_properties["changed"] = True
    assert len(sandbox.requests) == 2


def test_an_answer_that_is_odd_in_part_is_remembered(visit: Visit, sandbox: Sandbox) -> None:
    """What is no text is left out."""
    for _ in range(2):
        sandbox.answer_next(body=json.dumps(NOTHING).encode()[:-1] + b', "future": "\xff"}')
        assert visit.create_session(BODY).additional_properties == {}
    assert visit.ids == VisitIds("v", "s", "1")


def test_a_session_that_has_ended_is_replaced(visit: Visit, sandbox: Sandbox) -> None:
    """The service starts another session, and its id is kept. What is forgotten starts again."""
    first = start(visit)
    sandbox.expire_sessions()
    second = start(visit)
    assert (second.session_id != first.session_id, second.visitor_id) == (True, first.visitor_id)
    assert start(visit).session_id == sandbox.requests[-1].session_id == second.session_id
    for _ in range(2):
        visit.forget()
        assert visit.ids is None
    start(visit)
    assert len(sandbox.visitors) == 2


@pytest.mark.parametrize("method", [*ARGUMENTS])
def test_after_a_404_the_next_call_starts_afresh(
    visit: Visit, sandbox: Sandbox, store: WatchedStore, method: str
) -> None:
    """A visitor that no longer exists is forgotten, and the error is raised; what has become another's is not."""
    old = start(visit).visitor_id
    sandbox.forget_visitors()
    with pytest.raises(errors.NotFound) as raised:
        getattr(visit, method)(ARGUMENTS[method])
    assert (raised.value.internal_code, visit.ids) == (37, None)
    assert start(visit).visitor_id != old
    store.before["compare_and_set"] = lambda: store.put(THEIRS)
    sandbox.fail_next(404)
    with pytest.raises(errors.NotFound):
        getattr(visit, method)(ARGUMENTS[method])
    assert store.record == THEIRS


@pytest.mark.parametrize(
    ("status", "session", "forgotten"),
    [(404, "s", True), (404, None, True), (400, "s", False), (400, None, True), (401, None, False), (503, "s", False)],
)
def test_other_errors_forget_nothing(
    client: EngagementClient, sandbox: Sandbox, store: WatchedStore, status: int, session: str | None, forgotten: bool
) -> None:
    """Only a 404 says that the ids are gone, or a 400 that a visitor who has no session yet is not taken so."""
    ids = VisitIds("v", session, None)
    for visit, known in ((client.visit("another"), None), (client.visit("shopper", ids=ids), ids)):
        sandbox.fail_next(status, times=4 if status == 503 else 1)
        with pytest.raises(errors.ApiError, match=str(status)):
            visit.create_session(BODY)
        assert visit.ids == (None if forgotten else known)
    assert (store.record is None) is forgotten


def test_of_failures_only_loading_account_names_a_visitor(
    client: EngagementClient, visit: Visit, sandbox: Sandbox
) -> None:
    """The next attempt goes on with that one, in the session if it is the known one; if it is refused, none is left."""
    message = "Loading account demo, please try again later with this vid: "
    first = start(visit)
    for failure in (NOTHING, {"internalCode": 20, "message": message + first.visitor_id}):
        sandbox.fail_next(500, body=json.dumps(failure))
        assert start(visit).session_id == first.session_id
        assert [request.session_id for request in sandbox.requests[-2:]] == [first.session_id] * 2
    for named, error in ((start(client.visit("other")).visitor_id, errors.BadRequest), ("nobody", errors.NotFound)):
        start(visit)
        sandbox.fail_next(500, body=json.dumps({"internalCode": 20, "message": message + named}))
        with pytest.raises(error):
            visit.create_session(BODY)
        assert (sandbox.requests[-1].visitor_id, sandbox.requests[-1].session_id) == (named, None)
        assert visit.ids is None
    sandbox.not_available()
    sandbox.loading_account()
    assert visit.create_session(BODY).status == "NotAvailable"
    assert sandbox.visitors[-1].visitor_id == (visit.ids and visit.ids.visitor_id)


@pytest.mark.parametrize(
    ("ids", "line"),
    [
        (["", "session"], "visitor_id: must have at least 1 characters"),
        (["..", "session"], "visitor_id: must match the pattern "),
        (["\ud800", "session"], "visitor_id: must be text without lone surrogates"),
        ([None, "session"], "visitor_id: must be of type string"),
        (["x" * 2001, "session"], "visitor_id: must have at most 2000 characters"),
        (["a", "", "page"], "session_id: must have at least 1 characters"),
        (["a", 7, "page"], "session_id: must be of type string"),
        (["a", "b", 5], "page_id: must be of type string"),
    ],
)
def test_ids_that_are_damaged_in_the_store_never_go_out(
    client: EngagementClient,
    store: WatchedStore,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    ids: Any,
    line: str,
) -> None:
    """They count as none, whoever wrote them; a caller who hands them in is told the member and the contract's rule."""
    with pytest.raises(errors.InvalidRequest) as raised:
        client.visit(ids=VisitIds(*ids))
    said = str(raised.value).partition("^")[0]  # some validators write a pattern in other words
    assert (said, raised.value.__cause__) == (f"ids.{line}", None)
    visit = client.visit("shopper")
    store.put(Record(VisitIds(*ids)))
    with pytest.raises(errors.InvalidRequest, match="no session yet"):
        visit.update_session(LEAD)
    assert store.load(KEY) is None
    store.put(Record(VisitIds(*ids)))
    session = start(visit)
    assert [(each.operation_id, each.session_id) for each in sandbox.requests] == [("createSession", None)]
    assert caplog.messages == [UNREADABLE, UNREADABLE]
    assert store.record.ids == session


theirs = pytest.mark.parametrize("theirs", [THEIRS, None], ids=["another visitor's", "forgotten"])


@pytest.mark.backends("sync", "async")
@theirs
def test_a_visit_that_has_become_anothers_is_left_as_it_is(
    visit: Visit, store: WatchedStore, caplog: pytest.LogCaptureFixture, theirs: Record | None
) -> None:
    """The caller gets the answer, and the next call goes on with what is newer; another session is not."""
    caplog.set_level("INFO", logger="liveperson_engagement")
    first = start(visit)
    store.before["compare_and_set"] = lambda: store.put(Record(VisitIds(first.visitor_id, "newer", "page")))
    assert start(visit) == store.record.ids == visit.ids
    assert NEWER not in caplog.messages
    store.before["compare_and_set"] = lambda: store.put(theirs)
    assert start(visit).visitor_id == first.visitor_id
    assert store.record == theirs
    assert visit.ids == (theirs and theirs.ids)
    assert caplog.messages.count(NEWER) == 1


@pytest.mark.backends("sync", "async")
@theirs
def test_ids_that_are_handed_in_win(
    client: EngagementClient, store: WatchedStore, sandbox: Sandbox, theirs: Record | None
) -> None:
    """They are saved before anything is sent, whatever others save at that moment; what they save later is newer."""
    wrong: Any = "x"
    with pytest.raises(errors.InvalidRequest, match=r"^ids: must be the VisitIds of an earlier visit$"):
        client.visit(ids=wrong)
    assert client.visit(ids=VisitIds("a", "..", "..")).ids == VisitIds("a", "..", "..")  # only one stands in a path
    first = client.visit("first")
    assert first.ids is None
    ids = start(first)
    assert first.ids == ids
    store.put(Record(VisitIds("old", "old", "old")))
    visit = client.visit("shopper", ids=ids)
    assert visit.ids == ids
    store.before["compare_and_set"] = lambda: store.put(theirs)
    visit.update_session(LEAD)
    assert store.record.ids == ids == visit.ids
    assert (sandbox.requests[-1].visitor_id, sandbox.requests[-1].session_id) == (ids.visitor_id, ids.session_id)

    def at_the_next_save() -> None:
        store.before["compare_and_set"] = lambda: store.put(theirs)

    visit, store.before["compare_and_set"] = client.visit("shopper", ids=ids), at_the_next_save
    assert start(visit).visitor_id == ids.visitor_id
    assert store.record == theirs
    assert visit.ids == (theirs and theirs.ids)
    store.put(None)
    assert start(visit).visitor_id != ids.visitor_id


def test_an_async_visit_says_its_ids_without_waiting(sandbox: Sandbox, tmp_path: Path) -> None:
    """A store in memory is asked; of others it is what was last seen, or given."""

    async def try_with(store: Any, *, is_asked: bool) -> None:
        async with AsyncEngagementClient("demo", base_url=sandbox.url, store=store) as client:
            visit, twin = client.visit("key"), client.visit("key")
            assert [each.ids for each in (visit, twin, client.visit(ids=THEIRS.ids))] == [None, None, THEIRS.ids]
            session = await visit.create_session(BODY)
            assert visit.ids == VisitIds(session.visitor_id, session.session_id, session.page_id)
            assert twin.ids == (visit.ids if is_asked else None)

    asyncio.run(try_with(MemoryStore(), is_asked=True))
    with SQLiteStore(tmp_path / "visits.db") as store:
        asyncio.run(try_with(store, is_asked=False))


@pytest.mark.backends("sync", "async")
def test_forgetting_tries_until_it_is_done(client: EngagementClient, visit: Visit, store: WatchedStore) -> None:
    """Whoever changes the record meanwhile, and whether ids were handed in."""
    ids = start(visit)
    for forgetful in (visit, client.visit("shopper", ids=ids)):
        store.put(THEIRS)
        store.before["compare_and_set"] = lambda: store.put(Record(ids))
        forgetful.forget()
        assert (store.record, forgetful.ids) == (None, None)
        assert start(forgetful).visitor_id != ids.visitor_id
    hurried = client.with_options(deadline=5000).visit("shopper")
    for deadline, most in ((None, 5000), (1000, 1000)):
        start(hurried)
        store.steps.clear()
        hurried.forget(deadline=deadline)
        in_time = [name for name, left in store.steps if most - 300 < (left or 0) <= most]
        assert in_time == ["load", "compare_and_set"]


@pytest.mark.backends("sync", "async")
def test_ids_that_could_not_be_saved_are_those_of_the_visit(
    client: EngagementClient, visit: Visit, store: WatchedStore, sandbox: Sandbox
) -> None:
    """Until it has been seen that others have begun it anew; so it is for a caller who went on without the store."""
    store.failing = "compare_and_set"
    with pytest.raises(errors.StoreError) as raised:
        visit.create_session(BODY)
    advice = "see on_store_error to go on without it"
    assert str(raised.value) == f"session store: compare_and_set failed (OSError); {advice}"
    store.failing, [made] = "", sandbox.visitors
    assert visit.ids is not None
    assert visit.ids.visitor_id == made.visitor_id
    store.put(Record(VisitIds(made.visitor_id, "stale", "stale")))
    assert start(visit) == store.record.ids
    store.failing = "compare_and_set"
    with pytest.raises(errors.StoreError):
        visit.create_session(BODY)
    store.failing = ""
    assert visit.engagement(BODY).visitor_id == made.visitor_id
    assert (len(sandbox.visitors), len(sandbox.requests)) == (1, 4)  # the engagement could not be saved
    store.failing = "compare_and_set"
    with pytest.raises(errors.StoreError):
        visit.create_session(BODY)
    store.failing = ""
    store.put(None)
    begun = start(client.visit("shopper"))
    assert start(visit).visitor_id == begun.visitor_id
    lenient = client.with_options(on_store_error="continue").visit("shopper")
    store.failing = "load"
    alone = start(lenient)
    assert start(lenient).visitor_id == alone.visitor_id != begun.visitor_id
    store.failing = ""
    assert start(lenient).visitor_id == begun.visitor_id
    store.put(None)
    assert start(visit).visitor_id not in {made.visitor_id, begun.visitor_id, alone.visitor_id}


@pytest.mark.parametrize("method", ["create_session", "engagement"])
def test_threads_and_tasks_of_several_loops_make_one_visitor(
    sandbox: Sandbox, store: WatchedStore, method: str
) -> None:
    """The first caller creates while all others wait, and then they reuse."""

    def all_have_come(_: object) -> None:
        until(lambda: store.names.count("acquire") == 30)

    async def hold(event: object) -> None:
        await asyncio.to_thread(all_have_come, event)

    async def tasks() -> set[str]:
        async with AsyncEngagementClient("demo", base_url=sandbox.url, store=store, on_request=hold) as client:
            calls = (getattr(client.visit("shopper"), method)(BODY) for _ in range(10))
            return {session.visitor_id for session in await asyncio.gather(*calls)}

    with (
        EngagementClient("demo", base_url=sandbox.url, store=store, on_request=all_have_come) as client,
        ThreadPoolExecutor(12) as pool,
    ):
        loops = [pool.submit(asyncio.run, tasks()) for _ in range(2)]
        threads = [pool.submit(getattr(client.visit("shopper"), method), BODY) for _ in range(10)]
        found = {call.result().visitor_id for call in threads}.union(*(loop.result() for loop in loops))
    assert [*found] == [visitor.visitor_id for visitor in sandbox.visitors]
    assert len(sandbox.requests) == (1 if method == "engagement" else 30)


def test_only_a_visit_without_a_session_is_locked(visit: Visit, sandbox: Sandbox, store: WatchedStore) -> None:
    """By its key, and held on to while the request is under way; what is new alone is saved."""
    sandbox.loading_account()
    attempt = ["extend", "compare_and_set"]
    calls: list[tuple[Callable[[], object], list[str]]] = [
        (lambda: visit.create_session(BODY), ["acquire", *attempt, "extend", *attempt]),
        (lambda: visit.create_session(BODY), ["compare_and_set"]),
        (lambda: visit.update_session({}), []),
        (lambda: visit.engagement(BODY), []),
        (lambda: visit.engagement(OTHER), ["acquire", *attempt]),
    ]
    for call, expected in calls:
        store.steps.clear()
        call()
        assert store.names == expected
    assert store.keys_asked == {KEY}


@pytest.mark.backends("sync")
@pytest.mark.parametrize("status", ["Available", "NotAvailable"])
def test_those_who_waited_get_the_answer_that_was_fetched(
    client: EngagementClient, visit: Visit, sandbox: Sandbox, store: WatchedStore, status: str
) -> None:
    """Offered or not: one request for both. Whoever comes later asks again if it was no."""
    sandbox.serve_next() if status == "Available" else sandbox.not_available()
    theirs: list[Any] = []
    store.before["acquire"] = lambda: theirs.append(visit.engagement(BODY))
    assert [client.visit("shopper").engagement(BODY)] == theirs
    assert len(sandbox.requests) == 1
    assert visit.engagement(BODY).status == theirs[0].status == status
    assert len(sandbox.requests) == (1 if status == "Available" else 2)


@pytest.mark.backends("sync")
@pytest.mark.parametrize("method", ["engagement", "create_session"])
def test_those_who_waited_with_another_body_ask_for_themselves(
    client: EngagementClient, visit: Visit, sandbox: Sandbox, store: WatchedStore, method: str
) -> None:
    """Within the same visit, and without the lock; if it was forgotten, they start another while they have the lock."""
    store.before["acquire"] = lambda: visit.create_session(BODY)
    found = getattr(visit, method)(OTHER)
    assert [visitor.visitor_id for visitor in sandbox.visitors] == [found.visitor_id]
    assert operations(sandbox) == ["createSession", "continueSession"]
    assert store.names.count("extend") == 1
    store.before["acquire"] = visit.forget
    assert client.visit("shopper").engagement(BODY).visitor_id != found.visitor_id
    assert store.names.count("extend") == 2


@pytest.mark.backends("sync", "async")
@pytest.mark.parametrize("method", ["engagement", "create_session"])
@pytest.mark.parametrize("others", [True, False])
def test_a_caller_that_lost_its_turn_looks_again(
    visit: Visit, sandbox: Sandbox, store: WatchedStore, method: str, others: bool
) -> None:
    """Before anything is sent: if somebody else has started the visit, no second visitor is made."""
    ids, record, sent = start(visit), store.record, len(sandbox.requests)
    visit.forget()
    store.steps.clear()
    store.losses = 1
    if others:
        store.before["extend"] = functools.partial(store.put, record)
    found = getattr(visit, method)(BODY)
    assert (found.visitor_id == ids.visitor_id) is others
    assert len(sandbox.requests) == sent + (0 if others and method == "engagement" else 1)
    assert store.names.count("acquire") == 2


def test_a_call_that_names_its_visitor_goes_on_without_its_turn(
    client: EngagementClient, store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A second request puts no second visitor on the list; the log has a line."""
    store.losses = 9
    with pytest.raises(errors.NotFound):
        client.visit("shopper", ids=VisitIds("v")).create_session(BODY)
    assert caplog.messages == ["session store: a call was too slow and lost its lock"]


@pytest.mark.parametrize(("timeout", "attempt"), [(7.0, 30 + 3 * 7.0), (None, 30 + 3 * 30.0)])
def test_a_key_stays_taken_for_what_the_call_is_about_to_do(
    client: EngagementClient, sandbox: Sandbox, store: WatchedStore, timeout: float | None, attempt: float
) -> None:
    """Connecting, sending and waiting may take the timeout each; a pause its length; and half a minute besides."""
    sandbox.fail_next(503)
    client.with_options(timeout=timeout).visit("shopper").create_session(BODY)
    assert store.leases == [30.0, attempt, 35.0, attempt]
    assert ("acquire", None) in store.steps


def test_every_step_of_a_store_ends_at_the_calls_deadline(
    backend: Backend, sandbox: Sandbox, store: WatchedStore, clock: Clock
) -> None:
    """Whatever happens on the way; what a failed call holds is given back without one."""

    def endless() -> set[str]:
        assert {name for name, _ in store.steps} == {"load", "compare_and_set", "acquire", "extend", "release"}
        return {name for name, limit in store.steps if limit is None or not 0 < limit <= 500}

    client = backend.client(base_url=sandbox.url, store=store, outage_guard=OutageGuard((7,)), deadline=500)
    known = client.call("createSession", BODY)
    visit = client.visit("shopper", ids=VisitIds(known.visitor_id, known.session_id, known.page_id))
    visit.create_session(BODY)
    visit.engagement(BODY)
    visit.engagement(OTHER)
    visit.update_session({})
    visit.report_impressions("impDisplay")
    sandbox.loading_account(times=2)
    store.losses = 1
    client.visit("another").create_session(BODY)
    assert endless() == set()
    for status, method in ((404, "update_session"), (404, "create_session"), (503, "create_session")):
        visit.create_session(BODY)
        sandbox.fail_next(status, times=4 if status == 503 else 1)
        with pytest.raises(errors.EngagementError):
            getattr(visit, method)(ARGUMENTS[method])
    for passed in (0, 7, 7, 7):  # in an outage, which ends by forgetting all
        clock.now += passed
        sandbox.fail_next(503) if clock.now < 1021 else sandbox.reset()
        with suppress(errors.EngagementError):
            visit.create_session(BODY)
    visit.create_session(BODY)
    store.put(Record(VisitIds(".")))
    with pytest.raises(errors.InvalidRequest):
        visit.update_session({})
    assert endless() <= {"release"}


@pytest.mark.backends("sync", "async")
def test_waiting_for_another_caller_ends_at_the_deadline(visit: Visit, sandbox: Sandbox, store: WatchedStore) -> None:
    """The next one has the key when it is free; then the store holds records and nothing else."""
    assert store.acquire(KEY, "theirs", None, 1000)
    with pytest.raises(errors.DeadlineExceeded) as raised:
        visit.create_session(BODY, deadline=0.1)
    assert (raised.value.attempts, sandbox.requests) == (0, ())
    store.release(KEY, "theirs")
    assert visit.create_session(BODY, deadline=60).status == "Available"
    visit.forget()
    gc.collect()
    assert not any(vars(store)[name] for name in ("_saved", "_evicted", "_queues"))


def test_a_cancelled_task_frees_the_key_at_once(sandbox: Sandbox, store: WatchedStore) -> None:
    """Neither a holder nor a waiter that is cancelled keeps the others out."""
    held: list[object] = []

    async def hold(event: object) -> None:
        held.append(event)
        if len(held) == 1:
            await asyncio.Event().wait()

    async def main() -> None:
        async with AsyncEngagementClient("demo", base_url=sandbox.url, store=store, on_request=hold) as client:
            calls = [client.visit("shopper").create_session(BODY, deadline=60) for _ in range(3)]
            holder, waiter, last = map(asyncio.create_task, calls)
            await asyncio.to_thread(until, lambda: held and store.names.count("acquire") == 3)
            waiter.cancel()
            holder.cancel()
            outcomes = await asyncio.gather(holder, waiter, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 2
            assert (await last).visitor_id == sandbox.visitors[0].visitor_id

    asyncio.run(main())
