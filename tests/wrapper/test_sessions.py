"""One visit key is one visitor: what is sent, remembered, replaced and forgotten, and by whom at the same time."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import json
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from conftest import BODY, Backend, Clock
from doubles import WatchedStore
from liveperson_engagement import AsyncEngagementClient, EngagementClient, MemoryStore, OutageGuard, VisitIds, errors
from liveperson_engagement._state import ids_in
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record
from liveperson_engagement_api.models import CreateSessionBody
from waiting import until

KEY = "demo:shopper"
OTHER: Any = {"appType": "EXTERNAL", "consumerSections": ["Übersicht"]}
LEAD: Any = {"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]}
NOTHING = {"status": "NotAvailable", "pageId": "1", "sessionId": "s", "visitorId": "v"}
ARGUMENTS: dict[str, Any] = {"create_session": BODY, "update_session": LEAD, "report_impressions": "impDisplay"}


@pytest.fixture
def store(clock: Clock) -> WatchedStore:
    """A store that notes its steps."""
    return WatchedStore(clock=clock)


def sync_client(sandbox: Sandbox, store: MemoryStore, **options: Any) -> EngagementClient:
    """Make a client that threads share, whose pauses take no time."""
    return EngagementClient("demo", base_url=sandbox.url, store=store, sleep=lambda _: None, **options)


def operations(sandbox: Sandbox) -> list[str | None]:
    """Name what was asked."""
    return [request.operation_id for request in sandbox.requests]


# --- What is sent -----------------------------------------------------------------------------------------------------


@pytest.mark.backends
def test_the_second_request_names_what_the_first_was_told(client: EngagementClient, sandbox: Sandbox) -> None:
    """The visitor and the session; all is JSON, encoded as UTF-8, once, and v is spelled 1.0."""
    visit = client.visit("shopper")
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
        visitor_id = visit.create_session(BODY).visitor_id
        assert visit.create_session(BODY).visitor_id == visitor_id
        return visitor_id

    keys = [("one", "a"), ("one", "b"), ("one", " "), ("two", "a")]
    found = {each: ask(*each) for each in keys}
    assert {each: ask(*each) for each in keys} == found
    private = {ask("one", None), ask("one", None)}
    assert len({*found.values(), *private}) == len(sandbox.visitors) == 6
    assert store.keys_asked == {f"{account}:{key}" for account, key in keys}


@pytest.mark.backends("sync", "async")
def test_ids_are_a_frozen_value_that_takes_a_visit_up_again(backend: Backend, sandbox: Sandbox) -> None:
    """A caller can keep the ids and hand them to another client; they win over remembered ones."""
    visit = backend.client(base_url=sandbox.url).visit("shopper")
    assert visit.ids is None
    session = visit.create_session(BODY)
    ids: Any = visit.ids
    assert ids == VisitIds(session.visitor_id, session.session_id, session.page_id)
    with pytest.raises(AttributeError):
        ids.page_id = "other"
    client = backend.client(base_url=sandbox.url)
    client.visit("shopper").create_session(BODY)
    again = client.visit("shopper", ids=ids)
    assert again.ids == ids
    again.update_session(LEAD)
    assert again.create_session(BODY).visitor_id == session.visitor_id
    assert client.visit("shopper").create_session(BODY).visitor_id == session.visitor_id
    assert len(sandbox.visitors) == 2


def test_updates_fill_in_the_page_of_the_last_answer(client: EngagementClient, sandbox: Sandbox) -> None:
    """A page that the caller names is kept; what is no object is refused as any body is."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    page = visit.create_session(BODY).page_id
    visit.update_session(LEAD)
    assert sandbox.requests[-1].body == {"pageId": page, **LEAD}
    update: Any = {"pageId": "123", **LEAD}
    visit.update_session(update)
    assert sandbox.requests[-1].body == update
    update = []
    with pytest.raises(errors.InvalidRequest, match=r"^body: must be of type object$"):
        visit.update_session(update)
    assert len(sandbox.requests) == 4


def test_impressions_are_built_from_the_engagement(client: EngagementClient, sandbox: Sandbox) -> None:
    """Campaign, engagement, revision and context come from the answer; one request carries all kinds."""
    visit = client.visit("shopper")
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


def test_an_engagement_can_be_reported_within_its_session(client: EngagementClient, sandbox: Sandbox) -> None:
    """Also after answers that offer none or are broken; not in another session."""
    visit = client.visit("shopper")
    first = visit.create_session(BODY)
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
    with pytest.raises(errors.InvalidRequest, match=r"^kinds: this session was offered no engagement"):
        visit.report_impressions("impClose")
    assert len(sandbox.requests) == 6


# --- What is remembered -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("later", "requests"), [(0, 1), (899.9, 1), (900, 2), (901, 2), (-1, 2), (-10_000, 2)])
def test_an_engagement_is_served_from_memory_while_it_is_valid(
    backend: Backend, sandbox: Sandbox, store: WatchedStore, clock: Clock, later: float, requests: int
) -> None:
    """After validForSeconds, or when the clock has gone backwards, the service is asked again."""
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    first = visit.engagement(BODY)
    clock.now += later
    second = visit.engagement(BODY)
    assert len(sandbox.requests) == requests
    assert (first == second) is (requests == 1)
    assert first.visitor_id == second.visitor_id


def test_only_an_equal_body_is_served_from_memory(client: EngagementClient, sandbox: Sandbox) -> None:
    """A model is as good as its JSON; a body that was changed, if only from 1 to True, is another."""
    visit, model = client.visit("shopper"), CreateSessionBody.from_dict(BODY)
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
    changing["appType"] = "WEB"
    with pytest.raises(errors.InvalidRequest):
        visit.engagement(changing)


def test_not_available_is_asked_again_each_time(client: EngagementClient, sandbox: Sandbox) -> None:
    """Only an Available session is remembered, and a later NotAvailable ends it."""
    visit = client.visit("shopper")
    visit.engagement(BODY)
    sandbox.not_available()
    assert visit.create_session(BODY).status == "NotAvailable"
    assert visit.engagement(BODY).status == "NotAvailable"
    sandbox.available()
    assert visit.engagement(BODY).status == "Available"
    assert len(sandbox.requests) == 4


UNREADABLE = ["", "rubbish", "{}", '"\ud800"', "null", '{"status": "Available"}', json.dumps(NOTHING)]


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_remembered_engagement_that_cannot_be_read_is_renewed(
    backend: Backend, sandbox: Sandbox, store: WatchedStore, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    """The visit goes on; its impressions are refused as if no engagement had been offered."""
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    first = visit.engagement(BODY)
    known = store.load(KEY)
    assert known
    store.compare_and_set(KEY, known.version, replace(known.record, engagement=text))
    with pytest.raises(errors.InvalidRequest):
        visit.report_impressions("impDisplay")
    assert visit.engagement(BODY).visitor_id == first.visitor_id
    assert len(sandbox.requests) == 2
    visit.report_impressions("impDisplay")
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2


def test_a_remembered_session_cannot_be_changed(client: EngagementClient, sandbox: Sandbox) -> None:
    """Each caller's copy has all that was answered, unknown members too; changing it changes nothing remembered."""
    visit = client.visit("shopper")
    answer = visit.create_session(BODY).to_dict()
    answer["more"] = {"of": ["it"]}
    answer["engagementDetails"]["more"] = [1]
    sandbox.answer_next(200, json.dumps(answer))
    for _ in range(4):
        session: Any = visit.engagement(OTHER)
        assert session.to_dict() == answer
        for part, name in ((session, "visitor_id"), (session.engagement_details, "context_id")):
            with pytest.raises(AttributeError):
                setattr(part, name, "changed")
        session.additional_properties["more"]["of"].clear()
        session.additional_properties["changed"] = True
    assert len(sandbox.requests) == 2


def test_a_session_can_be_copied_and_pickled(client: EngagementClient) -> None:
    """A cache may keep it: what the answer did not have is still missing afterwards."""
    session: Any = client.visit("shopper").create_session(BODY)
    assert session.engagement_details.skill_id is None
    for clone in (copy.copy(session), copy.deepcopy(session), pickle.loads(pickle.dumps(session))):  # noqa: S301
        assert clone == session
        assert clone.to_dict() == session.to_dict()


def test_an_answer_that_is_odd_in_part_is_remembered(client: EngagementClient, sandbox: Sandbox) -> None:
    """What is no text is left out; ids may be numbers, and without a visitor there are none."""
    visit = client.visit("shopper")
    for _ in range(2):
        sandbox.answer_next(body=json.dumps(NOTHING).encode()[:-1] + b', "future": "\xff"}')
        assert visit.create_session(BODY).additional_properties == {}
    assert visit.ids == VisitIds("v", "s", "1")
    assert ids_in(b'{"visitorId": 5, "sessionId": 6, "pageId": 7}') == VisitIds("5", "6", "7")
    assert ids_in(b'{"visitorId": null, "sessionId": "s", "pageId": "1"}') is None
    assert ids_in(b'{"visitorId": "v", "sessionId": [], "pageId": {}}') == VisitIds("v", None, None)


# --- Replaced and forgotten -------------------------------------------------------------------------------------------


def test_a_session_that_has_ended_is_replaced(client: EngagementClient, sandbox: Sandbox) -> None:
    """The service starts another session, and its id is kept. What is forgotten starts again."""
    visit = client.visit("shopper")
    first = visit.create_session(BODY)
    sandbox.expire_sessions()
    second = visit.create_session(BODY)
    assert (second.session_id != first.session_id, second.visitor_id) == (True, first.visitor_id)
    assert visit.create_session(BODY).session_id == sandbox.requests[-1].session_id == second.session_id
    for _ in range(2):
        visit.forget()
        assert visit.ids is None
    visit.create_session(BODY)
    assert len(sandbox.visitors) == 2


@pytest.mark.parametrize("method", [*ARGUMENTS])
def test_after_a_404_the_next_call_starts_afresh(client: EngagementClient, sandbox: Sandbox, method: str) -> None:
    """A visitor that no longer exists is forgotten, and the error is raised."""
    visit = client.visit("shopper")
    old = visit.create_session(BODY).visitor_id
    sandbox.forget_visitors()
    with pytest.raises(errors.NotFound) as raised:
        getattr(visit, method)(ARGUMENTS[method])
    assert (raised.value.internal_code, visit.ids) == (37, None)
    assert visit.create_session(BODY).visitor_id != old


@pytest.mark.parametrize(
    ("status", "session", "forgotten"),
    [(404, "s", True), (404, None, True), (400, "s", False), (400, None, True), (401, None, False), (503, "s", False)],
)
def test_other_errors_forget_nothing(
    backend: Backend, sandbox: Sandbox, store: WatchedStore, status: int, session: str | None, *, forgotten: bool
) -> None:
    """Only a 404 says that the ids are gone, or a 400 that a visitor who has no session yet is not taken so."""
    ids = VisitIds("v", session, None)
    client = backend.client(base_url=sandbox.url, store=store)
    for visit, known in ((client.visit("another"), None), (client.visit("shopper", ids=ids), ids)):
        sandbox.fail_next(status, times=4 if status == 503 else 1)
        with pytest.raises(errors.ApiError, match=str(status)):
            visit.create_session(BODY)
        assert visit.ids == (None if forgotten else known)
    assert (store.load(KEY) is None) is forgotten


def test_what_a_failure_names_is_not_believed(client: EngagementClient, sandbox: Sandbox) -> None:
    """Ids are taken from good answers, and what "Loading account" names keeps the session of the same visitor."""
    visit = client.visit("shopper")
    first = visit.create_session(BODY)
    sandbox.fail_next(503, body=json.dumps(NOTHING))
    visit.create_session(BODY)
    message = f"Loading account, vid: {first.visitor_id}"
    sandbox.fail_next(500, body=json.dumps({"internalCode": 20, "message": message}))
    visit.create_session(BODY)
    assert [request.session_id for request in sandbox.requests] == [None] + [first.session_id] * 4


def test_a_visitor_that_is_not_taken_is_forgotten(client: EngagementClient, sandbox: Sandbox) -> None:
    """The session was made but its answer was lost: the key is not stuck with half of the ids."""
    sandbox.loading_account()
    sandbox.drop_connection(when="after")
    with pytest.raises(errors.BadRequest):
        client.visit("shopper").create_session(BODY)
    assert client.visit("shopper").ids is None
    assert client.visit("shopper").create_session(BODY).status == "Available"


# --- One at a time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["create_session", "engagement"])
def test_threads_and_tasks_of_several_loops_make_one_visitor(
    sandbox: Sandbox, store: WatchedStore, method: str
) -> None:
    """The first caller creates while all others wait, and then they reuse."""

    def all_have_come(_: object) -> None:
        until(lambda: store.names.count("acquire") == 30)

    async def tasks() -> set[str]:
        async def hold(event: object) -> None:
            await asyncio.to_thread(all_have_come, event)

        async with AsyncEngagementClient("demo", base_url=sandbox.url, store=store, on_request=hold) as client:
            calls = (getattr(client.visit("shopper"), method)(BODY) for _ in range(10))
            return {session.visitor_id for session in await asyncio.gather(*calls)}

    with sync_client(sandbox, store, on_request=all_have_come) as client, ThreadPoolExecutor(12) as pool:
        loops = [pool.submit(asyncio.run, tasks()) for _ in range(2)]
        threads = [pool.submit(getattr(client.visit("shopper"), method), BODY) for _ in range(10)]
        found = {call.result().visitor_id for call in threads}.union(*(loop.result() for loop in loops))
    assert [*found] == [visitor.visitor_id for visitor in sandbox.visitors]
    assert len(sandbox.requests) == (1 if method == "engagement" else 30)


def test_only_a_visit_without_a_session_is_locked(sandbox: Sandbox, store: WatchedStore) -> None:
    """By its key, and held on to while the request is under way; what is new alone is saved."""
    with sync_client(sandbox, store) as client:
        visit = client.visit("shopper")
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


@pytest.mark.parametrize("status", ["Available", "NotAvailable"])
def test_those_who_waited_get_the_answer_that_was_fetched(sandbox: Sandbox, store: WatchedStore, status: str) -> None:
    """Offered or not: one request for both. Whoever comes later asks again if it was no."""
    sandbox.serve_next() if status == "Available" else sandbox.not_available()
    theirs: list[Any] = []
    with sync_client(sandbox, store) as client:
        visit = client.visit("shopper")
        store.before["acquire"] = lambda: theirs.append(visit.engagement(BODY))
        assert [client.visit("shopper").engagement(BODY)] == theirs
        assert len(sandbox.requests) == 1
        assert visit.engagement(BODY).status == theirs[0].status == status
    assert len(sandbox.requests) == (1 if status == "Available" else 2)


@pytest.mark.parametrize("method", ["engagement", "create_session"])
def test_those_who_waited_with_another_body_ask_for_themselves(
    sandbox: Sandbox, store: WatchedStore, method: str
) -> None:
    """Within the same visit, and without the lock; if it was forgotten, they start another while they have the lock."""
    with sync_client(sandbox, store) as client:
        visit = client.visit("shopper")
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
def test_a_caller_that_lost_its_turn_looks_again(backend: Backend, sandbox: Sandbox, method: str) -> None:
    """Before anything is sent: if somebody else has started the visit, no second visitor is made."""
    theirs = MemoryStore()
    backend.client(base_url=sandbox.url, store=theirs).visit("shopper").create_session(BODY)
    known = theirs.load(KEY)
    assert known
    for others in (True, False):
        store, sent = WatchedStore(), len(sandbox.requests)
        store.losses = 1
        if others:
            store.before["extend"] = functools.partial(store.compare_and_set, KEY, None, known.record)
        found = getattr(backend.client(base_url=sandbox.url, store=store).visit("shopper"), method)(BODY)
        assert (found.visitor_id == known.record.ids.visitor_id) is others
        assert len(sandbox.requests) == sent + (0 if others and method == "engagement" else 1)
        assert store.names.count("acquire") == 2


def test_a_call_that_names_its_visitor_goes_on_without_its_turn(
    backend: Backend, sandbox: Sandbox, store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A second request puts no second visitor on the list; the log has a line."""
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper", ids=VisitIds("v"))
    store.losses = 9
    with pytest.raises(errors.NotFound):
        visit.create_session(BODY)
    assert caplog.messages == ["session store: a call was too slow and lost its lock"]


@pytest.mark.backends
@pytest.mark.parametrize(("timeout", "attempt"), [(7.0, 30 + 3 * 7.0), (None, 30 + 3 * 30.0)])
def test_a_key_stays_taken_for_what_the_call_is_about_to_do(
    backend: Backend, sandbox: Sandbox, store: WatchedStore, timeout: float | None, attempt: float
) -> None:
    """Connecting, sending and waiting may take the timeout each; a pause its length; and half a minute besides."""
    sandbox.fail_next(503)
    backend.client(base_url=sandbox.url, store=store, timeout=timeout).visit("shopper").create_session(BODY)
    assert store.leases == [30.0, attempt, 35.0, attempt]
    assert ("acquire", None) in store.steps


def test_every_step_of_a_store_ends_at_the_calls_deadline(sandbox: Sandbox, store: WatchedStore, clock: Clock) -> None:
    """Whatever happens on the way; what a failed call holds is given back without one."""

    def endless() -> set[str]:
        assert {name for name, _ in store.steps} == {"load", "compare_and_set", "acquire", "extend", "release"}
        return {name for name, limit in store.steps if limit is None or not 0 < limit <= 500}

    with sync_client(sandbox, store, outage_guard=OutageGuard((7,)), deadline=500) as client:
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
        remembered = store.load(KEY, 1)
        assert remembered
        store.compare_and_set(KEY, remembered.version, Record(VisitIds(".")), 1)
        with pytest.raises(errors.InvalidRequest):
            visit.update_session({})
        assert endless() <= {"release"}


@pytest.mark.backends("sync", "async")
def test_waiting_for_another_caller_ends_at_the_deadline(
    backend: Backend, sandbox: Sandbox, store: WatchedStore
) -> None:
    """The next one has the key when it is free; then the store holds records and nothing else."""
    assert store.acquire(KEY, "theirs", None, 1000)
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    with pytest.raises(errors.DeadlineExceeded):
        visit.create_session(BODY, deadline=0.1)
    assert not sandbox.requests
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
