"""One visit key is one visitor: what is remembered, sent again, replaced and forgotten."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import pytest

from conftest import BODY, Backend, Clock
from liveperson_engagement import (
    AccountLoading,
    AsyncEngagementClient,
    BadRequest,
    DeadlineExceeded,
    EngagementClient,
    InvalidRequest,
    MemoryStore,
    NotFound,
    RetryPolicy,
    ServerError,
    UpdateSessionBody,
    VisitIds,
)
from liveperson_engagement._deadline import CallDeadline
from liveperson_engagement._locking import key_lock
from liveperson_engagement._steps import Acquire, Flow, Sleep
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record
from liveperson_engagement_api.models import CreateSessionBody as CreateSessionModel

NOT_AVAILABLE = '{"status": "NotAvailable", "pageId": "p", "sessionId": "s", "visitorId": "v"}'
LEAD: Any = {"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]}


def test_the_second_request_names_the_visitor_and_session_of_the_first(
    client: EngagementClient, sandbox: Sandbox
) -> None:
    """Ids of an answer go out with the next request, and v is spelled 1.0."""
    visit = client.visit("shopper")
    first = visit.create_session(BODY)
    second = visit.create_session(BODY)
    assert (second.visitor_id, second.session_id) == (first.visitor_id, first.session_id)
    assert [(request.operation_id, request.query) for request in sandbox.requests] == [
        ("createSession", {"v": "1.0"}),
        ("continueSession", {"v": "1.0", "sid": first.session_id}),
    ]
    assert sandbox.requests[0].path == "/api/account/demo/app/engagement/visitors/"
    assert len(sandbox.visitors) == 1


def test_requests_carry_the_documented_headers_and_body(client: EngagementClient, sandbox: Sandbox) -> None:
    """JSON both ways, encoded as UTF-8, once."""
    client.visit().create_session({"appType": "EXTERNAL", "consumerSections": ["Übersicht"]})
    [request] = sandbox.requests
    headers = {name.lower(): text for name, text in dict(request.headers).items()}
    assert (headers["content-type"], headers["accept"]) == ("application/json", "application/json")
    assert headers["user-agent"].startswith("liveperson-engagement/")
    assert request.raw_body == '{"appType":"EXTERNAL","consumerSections":["Übersicht"]}'.encode()


def test_equal_keys_are_one_visit_and_other_keys_are_others(client: EngagementClient, sandbox: Sandbox) -> None:
    """The key decides, not the object."""
    ids = {key: client.visit(key).create_session(BODY).visitor_id for key in ("a", "b", " ")}
    assert len(set(ids.values())) == 3
    assert {key: client.visit(key).create_session(BODY).visitor_id for key in ids} == ids
    assert len(sandbox.visitors) == 3


def test_a_visit_without_a_key_is_nobody_elses(client: EngagementClient, sandbox: Sandbox) -> None:
    """It is remembered as long as the object lives, and only there."""
    one, other = client.visit(), client.visit()
    assert one.create_session(BODY).visitor_id == one.create_session(BODY).visitor_id
    other.create_session(BODY)
    assert len(sandbox.visitors) == 2


def test_accounts_that_share_a_store_do_not_share_visits(backend: Backend, sandbox: Sandbox) -> None:
    """The same key of another account is another visit."""
    store = MemoryStore()
    for account in ("one", "two"):
        backend.client(account, base_url=sandbox.url, store=store).visit("shopper").create_session(BODY)
    assert len(sandbox.visitors) == 2


def test_clients_that_share_a_store_share_visits(backend: Backend, sandbox: Sandbox) -> None:
    """What one client has remembered another goes on with."""
    store = MemoryStore()
    found = {
        backend.client(base_url=sandbox.url, store=store).visit("shopper").create_session(BODY).visitor_id
        for _ in range(2)
    }
    assert len(found) == 1


def test_ids_are_a_frozen_value_that_takes_a_visit_up_again(backend: Backend, sandbox: Sandbox) -> None:
    """A caller can keep the ids and hand them to another client."""
    visit = backend.client(base_url=sandbox.url).visit("shopper")
    assert visit.ids is None
    session = visit.create_session(BODY)
    assert visit.ids == VisitIds(session.visitor_id, session.session_id, session.page_id)
    again = backend.client(base_url=sandbox.url).visit(ids=visit.ids)
    assert again.ids == visit.ids
    again.update_session(LEAD)
    assert again.create_session(BODY).visitor_id == session.visitor_id
    frozen: Any = visit.ids
    with pytest.raises(AttributeError):
        frozen.page_id = "other"


def test_handed_in_ids_win_over_remembered_ones(client: EngagementClient, sandbox: Sandbox) -> None:
    """`ids` says which visit is meant, and is remembered for the key."""
    kept = client.visit("first")
    kept.create_session(BODY)
    client.visit("second").create_session(BODY)
    session = client.visit("second", ids=kept.ids).create_session(BODY)
    assert kept.ids is not None
    assert session.visitor_id == kept.ids.visitor_id
    assert client.visit("second").create_session(BODY).visitor_id == kept.ids.visitor_id
    assert len(sandbox.visitors) == 2


@pytest.mark.parametrize(
    ("ids", "path"),
    [
        (VisitIds("..", "s"), "ids.visitor_id"),
        (VisitIds("", "s"), "ids.visitor_id"),
        (VisitIds("\ud800", "s"), "ids.visitor_id"),
        (VisitIds(7, "s"), "ids.visitor_id"),  # type: ignore[arg-type]
        (VisitIds(None, "s"), "ids.visitor_id"),  # type: ignore[arg-type]
        (VisitIds("v", ""), "ids.session_id"),
        (VisitIds("v", "s", 5), "ids.page_id"),  # type: ignore[arg-type]
        (("v", "s", "p"), "ids"),
    ],
)
def test_impossible_ids_are_refused(client: EngagementClient, ids: Any, path: str) -> None:
    """What cannot stand in a URL is no id."""
    with pytest.raises(InvalidRequest) as raised:
        client.visit("shopper", ids=ids)
    assert raised.value.path == path


@pytest.mark.parametrize("visitor_id", ["a/b", "a?b=c#d", "%2e%2e", "a b", "ä", "a%00b", "...x", "a\\b", "a;b"])
def test_a_visitor_id_cannot_leave_its_place_in_the_url(
    client: EngagementClient, sandbox: Sandbox, visitor_id: str
) -> None:
    """Whatever the id is made of, the service sees it as one segment."""
    with pytest.raises(NotFound):
        client.visit(ids=VisitIds(visitor_id, "&v=2.0")).create_session(BODY)
    [request] = sandbox.requests
    assert (request.operation_id, request.visitor_id, request.session_id) == ("continueSession", visitor_id, "&v=2.0")
    assert request.query["v"] == "1.0"


def test_a_session_that_has_ended_is_replaced(client: EngagementClient, sandbox: Sandbox) -> None:
    """The service starts another session, and its id is kept."""
    visit = client.visit("shopper")
    first = visit.create_session(BODY)
    sandbox.expire_sessions()
    second = visit.create_session(BODY)
    assert second.session_id != first.session_id
    assert second.visitor_id == first.visitor_id
    third = visit.create_session(BODY)
    assert third.session_id == second.session_id
    assert sandbox.requests[-1].session_id == second.session_id
    assert len(sandbox.visitors) == 1


@pytest.mark.parametrize("method", ["create_session", "update_session", "report_impressions"])
def test_after_a_404_the_next_call_starts_afresh(client: EngagementClient, sandbox: Sandbox, method: str) -> None:
    """A visitor that no longer exists is forgotten, and the error is raised."""
    visit = client.visit("shopper")
    old = visit.create_session(BODY).visitor_id
    sandbox.forget_visitors()
    arguments: dict[str, Any] = {"create_session": BODY, "update_session": LEAD, "report_impressions": "impDisplay"}
    with pytest.raises(NotFound) as raised:
        getattr(visit, method)(arguments[method])
    assert raised.value.internal_code == 37
    assert visit.ids is None
    assert visit.create_session(BODY).visitor_id != old


def test_a_404_does_not_forget_newer_ids(sandbox: Sandbox) -> None:
    """Another caller may have started a new visit while the 404 was under way."""
    store = MemoryStore()
    with EngagementClient("demo", base_url=sandbox.url, store=store) as client:
        client.visit("shopper").create_session(BODY)
        sandbox.forget_visitors()
        sandbox.slow(0.4)
        with ThreadPoolExecutor() as pool:
            slow = pool.submit(client.visit("shopper").update_session, LEAD)
            while sandbox.requests[-1].operation_id != "updateSession":
                threading.Event().wait(0.01)
            newer = VisitIds("someone", "newer", "page")
            known = store.load("demo:shopper")
            assert known is not None
            assert store.compare_and_set("demo:shopper", known.version, Record(newer))
            with pytest.raises(NotFound):
                slow.result()
        assert client.visit("shopper").ids == newer


@pytest.mark.parametrize(("status", "times"), [(400, 1), (401, 1), (429, 1), (503, 4)])
def test_other_errors_forget_nothing(client: EngagementClient, sandbox: Sandbox, status: int, times: int) -> None:
    """Only a 404 says that the ids are gone."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    before = visit.ids
    sandbox.fail_next(status, times=times)
    with pytest.raises(Exception, match=str(status)):
        visit.create_session(BODY)
    assert visit.ids == before


def test_forget_drops_what_is_remembered(client: EngagementClient, sandbox: Sandbox) -> None:
    """The next call after `forget` makes another visitor."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    visit.forget()
    assert visit.ids is None
    visit.create_session(BODY)
    assert len(sandbox.visitors) == 2


def test_updates_fill_in_the_page_of_the_last_answer(client: EngagementClient, sandbox: Sandbox) -> None:
    """pageId comes from what is remembered."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    page = visit.create_session(BODY).page_id
    visit.update_session(LEAD)
    assert sandbox.requests[-1].body == {"pageId": page, **LEAD}


def test_a_page_that_the_caller_names_is_kept(client: EngagementClient, sandbox: Sandbox) -> None:
    """A full body goes out as it is."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    update: UpdateSessionBody = {"pageId": "123", "engagementAttributes": LEAD["engagementAttributes"]}
    visit.update_session(update)
    assert sandbox.requests[-1].body == {"pageId": "123", **LEAD}


def test_impressions_are_built_from_the_engagement_that_was_returned(
    client: EngagementClient, sandbox: Sandbox
) -> None:
    """Campaign, engagement, revision and context come from the answer; one request carries all kinds."""
    visit = client.visit("shopper")
    session = visit.create_session(BODY)
    assert session.status == "Available"
    details = session.engagement_details
    visit.report_impressions("impDisplay", "impAccept", "impExpanded", "impTimeout", "impClose")
    common = {
        "campaign": details.campaign_id,
        "engId": details.engagement_id,
        "revision": details.engagement_revision,
    }
    context = {"eContext": [{"type": "engagementContext", "id": details.context_id}]}
    nothing = {"expanded": None, "userInit": None, "actionableItems": None}
    assert sandbox.requests[-1].body == {
        "pageId": session.page_id,
        "impAttributes": [
            {"type": "impDisplay", **common, **context},
            {"type": "impAccept", **common, **context},
            {"type": "impExpanded", **common, **nothing},
            {"type": "impTimeout", **common},
            {"type": "impClose", **common},
        ],
    }
    assert sandbox.requests[-1].session_id == session.session_id


def test_impressions_can_be_reported_after_the_engagement_has_gone(client: EngagementClient, sandbox: Sandbox) -> None:
    """Within its session an engagement that was shown can still be closed."""
    visit = client.visit("shopper")
    session = visit.create_session(BODY)
    sandbox.not_available()
    assert visit.create_session(BODY).status == "NotAvailable"
    visit.report_impressions("impClose")
    assert sandbox.requests[-1].body["pageId"] == session.page_id


def test_impressions_of_a_session_that_has_ended_are_refused(client: EngagementClient, sandbox: Sandbox) -> None:
    """Impressions count only in the session in which the engagement was created."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    sandbox.expire_sessions()
    sandbox.not_available()
    visit.create_session(BODY)
    sent = len(sandbox.requests)
    with pytest.raises(InvalidRequest, match="offered no engagement"):
        visit.report_impressions("impClose")
    assert len(sandbox.requests) == sent


@pytest.mark.parametrize("kinds", [(), ("impdisplay",), ("impDisplay", "x")])
def test_unknown_kinds_of_impression_are_refused(client: EngagementClient, sandbox: Sandbox, kinds: Any) -> None:
    """The contract's links name the kinds that exist."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    with pytest.raises(InvalidRequest) as raised:
        visit.report_impressions(*kinds)
    assert raised.value.path == f"kinds[{max(len(kinds) - 1, 0)}]"
    assert raised.value.reason == "must be one of impDisplay, impAccept, impExpanded, impTimeout, impClose"
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("call", ["update", "report"])
def test_a_visit_without_a_session_has_nothing_to_update(client: EngagementClient, sandbox: Sandbox, call: str) -> None:
    """Before the first session there is no page, and nothing is sent."""
    visit = client.visit("shopper")
    with pytest.raises(InvalidRequest, match="call create_session first"):
        visit.update_session(LEAD) if call == "update" else visit.report_impressions("impDisplay")
    assert sandbox.requests == ()


@pytest.mark.parametrize(
    ("later", "requests"),
    [(0, 1), (899.9, 1), (900, 2), (901, 2), (-1, 2), (-10_000, 2)],
)
def test_an_engagement_is_served_from_memory_while_it_is_valid(
    backend: Backend, sandbox: Sandbox, later: float, requests: int
) -> None:
    """After validForSeconds, or when the clock has gone backwards, the service is asked again."""
    clock = Clock()
    visit = backend.client(base_url=sandbox.url, store=MemoryStore(clock=clock)).visit("shopper")
    first = visit.engagement(BODY)
    clock.now += later
    second = visit.engagement(BODY)
    assert len(sandbox.requests) == requests
    assert (first == second) is (requests == 1)
    assert first.visitor_id == second.visitor_id


def test_other_bodies_are_not_served_from_each_others_answer(client: EngagementClient, sandbox: Sandbox) -> None:
    """What the visitor is like decides which engagement there is."""
    visit = client.visit("shopper")
    visit.engagement(BODY)
    visit.engagement({"appType": "EXTERNAL", "consumerSections": ["Support"]})
    visit.engagement({"appType": "EXTERNAL", "engagementAttributes": LEAD["engagementAttributes"]})
    assert len(sandbox.requests) == 3


def test_a_body_is_looked_at_anew_each_time(client: EngagementClient, sandbox: Sandbox) -> None:
    """One that was changed meanwhile, if only from 1 to True, is another; one that has become wrong is refused."""
    visit, body = client.visit("shopper"), cast(Any, {**BODY, "note": 1})
    for _ in range(3):
        visit.engagement(body)
    assert len(sandbox.requests) == 1
    body["note"] = True
    for _ in range(3):
        visit.engagement(body)
    assert len(sandbox.requests) == 2
    body["appType"] = "WEB"
    with pytest.raises(InvalidRequest):
        visit.engagement(body)


def test_a_model_is_as_good_as_its_json(client: EngagementClient, sandbox: Sandbox) -> None:
    """Either is served from the other's answer."""
    visit = client.visit("shopper")
    model: Any = CreateSessionModel.from_dict(BODY)
    for body in (BODY, model, model.to_dict(), BODY):
        visit.engagement(body)
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("text", ["", "rubbish", "{}", '"\ud800"', "null", '{"status": "Available"}', NOT_AVAILABLE])
def test_a_remembered_engagement_that_cannot_be_read_is_asked_for_again(
    backend: Backend, sandbox: Sandbox, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The visit goes on; its impressions are refused as if no engagement had been offered."""
    store = MemoryStore()
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    first = visit.engagement(BODY)
    known = store.load("demo:shopper")
    assert known
    store.compare_and_set("demo:shopper", known.version, replace(known.record, engagement=text))
    with pytest.raises(InvalidRequest):
        visit.report_impressions("impDisplay")
    assert visit.engagement(BODY).visitor_id == first.visitor_id
    assert len(sandbox.requests) == 2
    visit.report_impressions("impDisplay")
    assert [record.levelname for record in caplog.records if record.name == "liveperson_engagement"] == ["WARNING"] * 2


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


def test_a_remembered_session_cannot_be_changed(client: EngagementClient) -> None:
    """Changing a result changes nothing that is remembered."""
    visit = client.visit("shopper")
    for _ in range(3):
        session: Any = visit.engagement(BODY)
        assert "changed" not in {session.visitor_id, session.engagement_details.context_id}
        assert session.additional_properties == {}
        for part, name in ((session, "visitor_id"), (session.engagement_details, "context_id")):
            with pytest.raises(AttributeError):
                setattr(part, name, "changed")
        session.additional_properties["changed"] = True


def test_a_remembered_session_keeps_what_the_contract_does_not_know(client: EngagementClient, sandbox: Sandbox) -> None:
    """Each caller's copy of it as well."""
    visit, body = client.visit("shopper"), cast(Any, {**BODY, "more": True})
    answer = visit.create_session(BODY).to_dict()
    answer["more"] = {"of": ["it"]}
    answer["engagementDetails"]["more"] = [1]
    sandbox.answer_next(200, json.dumps(answer))
    for _ in range(4):
        session = visit.engagement(body)
        assert session.to_dict() == answer
        session.additional_properties["more"]["of"].clear()
    assert len(sandbox.requests) == 2


def pickled(session: object) -> Any:
    """Go through a pickle."""
    return pickle.loads(pickle.dumps(session))  # noqa: S301


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_a_session_can_be_copied_and_pickled(client: EngagementClient, copied: Callable[[Any], Any]) -> None:
    """A cache may keep it: what the answer did not have is still missing afterwards."""
    session = client.visit("shopper").create_session(BODY)
    assert session.status == "Available"
    assert session.engagement_details.skill_id is None
    assert copied(session) == session
    assert copied(session).to_dict() == session.to_dict()


@pytest.mark.parametrize("method", ["create_session", "engagement"])
def test_many_threads_make_one_visitor(sandbox: Sandbox, method: str) -> None:
    """The first caller creates while the others wait, and then they reuse."""
    sandbox.slow(0.2)
    barrier = threading.Barrier(32)
    with EngagementClient("demo", base_url=sandbox.url) as client, ThreadPoolExecutor(32) as pool:

        def call(_: int) -> str:
            barrier.wait()
            return str(getattr(client.visit("shopper"), method)(BODY).visitor_id)

        found = set(pool.map(call, range(32)))
    assert found == {visitor.visitor_id for visitor in sandbox.visitors}
    assert len(found) == 1
    assert len(sandbox.requests) == (1 if method == "engagement" else 32)


@pytest.mark.parametrize("method", ["create_session", "engagement"])
def test_many_tasks_make_one_visitor(sandbox: Sandbox, method: str) -> None:
    """The same holds for tasks."""
    sandbox.slow(0.2)

    async def main() -> set[str]:
        async with AsyncEngagementClient("demo", base_url=sandbox.url) as client:
            calls = (getattr(client.visit("shopper"), method)(BODY) for _ in range(64))
            return {session.visitor_id for session in await asyncio.gather(*calls)}

    assert asyncio.run(main()) == {visitor.visitor_id for visitor in sandbox.visitors}
    assert len(sandbox.visitors) == 1
    assert len(sandbox.requests) == (1 if method == "engagement" else 64)


def test_threads_and_tasks_of_several_loops_make_one_visitor(sandbox: Sandbox) -> None:
    """A memory store keeps sync and async clients of one process together."""
    sandbox.slow(0.2)
    store = MemoryStore()

    def threaded() -> str:
        with EngagementClient("demo", base_url=sandbox.url, store=store) as client:
            return client.visit("shopper").create_session(BODY).visitor_id

    async def tasks() -> set[str]:
        async with AsyncEngagementClient("demo", base_url=sandbox.url, store=store) as client:
            sessions = await asyncio.gather(*(client.visit("shopper").create_session(BODY) for _ in range(5)))
            return {session.visitor_id for session in sessions}

    with ThreadPoolExecutor(8) as pool:
        loops = [pool.submit(asyncio.run, tasks()) for _ in range(3)]
        threads = [pool.submit(threaded) for _ in range(5)]
        found = {thread.result() for thread in threads}.union(*(loop.result() for loop in loops))
    assert len(found) == 1
    assert len(sandbox.visitors) == 1


def test_when_the_first_caller_fails_the_next_one_tries(sandbox: Sandbox) -> None:
    """A failure frees the key: whoever waits makes its own attempt."""
    sandbox.fail_next(400)
    barrier = threading.Barrier(8)
    with EngagementClient("demo", base_url=sandbox.url) as client, ThreadPoolExecutor(8) as pool:

        def call(_: int) -> str | None:
            barrier.wait()
            try:
                return client.visit("shopper").create_session(BODY).visitor_id
            except BadRequest:
                return None

        found = list(pool.map(call, range(8)))
    assert found.count(None) == 1
    assert len(set(found) - {None}) == len(sandbox.visitors) == 1


def test_callers_after_loading_account_start_one_session(sandbox: Sandbox) -> None:
    """A visitor that has no session yet is started by one caller, and the others wait for its session."""
    sandbox.loading_account()
    with EngagementClient("demo", base_url=sandbox.url) as client, ThreadPoolExecutor(8) as pool:
        with pytest.raises(AccountLoading):
            client.with_options(retry=RetryPolicy.none()).visit("shopper").create_session(BODY)
        sandbox.slow(0.2)
        calls = [pool.submit(client.visit("shopper").create_session, BODY) for _ in range(8)]
        assert len({call.result().session_id for call in calls}) == 1
    assert len(sandbox.visitors) == 1


def test_a_caller_that_lost_its_turn_looks_again(backend: Backend, sandbox: Sandbox) -> None:
    """It stalled for longer than its lease, and somebody else has started the visit: no second visitor is made."""
    theirs = backend.client(base_url=sandbox.url).visit("shopper")
    theirs.create_session(BODY)

    class Stalling(MemoryStore):
        def extend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
            if self.load(key) is not None:
                return super().extend(key, token, ttl, timeout)
            assert theirs.ids is not None
            self.compare_and_set(key, None, Record(theirs.ids))
            return False

    ours = backend.client(base_url=sandbox.url, store=Stalling()).visit("shopper")
    assert ours.create_session(BODY).visitor_id == sandbox.visitors[0].visitor_id
    assert len(sandbox.visitors) == 1


def test_a_caller_that_has_lost_its_turn_takes_what_was_fetched(backend: Backend, sandbox: Sandbox) -> None:
    """While it stalled somebody else has asked the same: nothing more is sent."""

    class Stalling(MemoryStore):
        def extend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
            known = helped.load("demo:shopper")
            assert known
            self.compare_and_set(key, None, known.record)
            return super().extend(key, token, ttl, timeout) and False

    helped: Any = MemoryStore()
    backend.client(base_url=sandbox.url, store=helped).visit("shopper").engagement(BODY)
    sent = len(sandbox.requests)
    visit = backend.client(base_url=sandbox.url, store=Stalling()).visit("shopper")
    known = helped.load("demo:shopper")
    assert visit.engagement(BODY).visitor_id == known.record.ids.visitor_id
    assert len(sandbox.requests) == sent


def test_a_visitor_that_is_not_taken_without_a_session_is_forgotten(client: EngagementClient, sandbox: Sandbox) -> None:
    """The session was made but its answer was lost: the key is not stuck with half of the ids."""
    sandbox.loading_account()
    sandbox.drop_connection(when="after")
    with pytest.raises(BadRequest):
        client.visit("shopper").create_session(BODY)
    assert client.visit("shopper").ids is None
    assert client.visit("shopper").create_session(BODY).status == "Available"


def test_a_visit_that_is_forgotten_while_others_wait_is_started_once(sandbox: Sandbox) -> None:
    """Whoever finds the key forgotten when its turn comes starts the visit within its turn."""
    with EngagementClient("demo", base_url=sandbox.url) as client, ThreadPoolExecutor(8) as pool:
        other: Any = {"appType": "MSDK"}
        client.visit("shopper").create_session(other)
        other = {"appType": "MSDK", "consumerSections": ["Support"]}
        sandbox.slow(0.3)
        first = pool.submit(client.visit("shopper").engagement, other)
        while len(sandbox.requests) < 2:
            threading.Event().wait(0.01)
        waiting = [pool.submit(client.visit("shopper").engagement, BODY) for _ in range(5)]
        threading.Event().wait(0.1)
        client.visit("shopper").forget()
        first.result()
        assert len({call.result().visitor_id for call in waiting}) == 1
    assert len(sandbox.visitors) == 2


@pytest.mark.parametrize("status", ["Available", "NotAvailable"])
def test_those_who_waited_get_the_answer_that_was_fetched(sandbox: Sandbox, status: str) -> None:
    """Of 24 callers one asks, and what it was told counts for all; whoever comes later asks again if it was no."""
    with EngagementClient("demo", base_url=sandbox.url) as client, ThreadPoolExecutor(24) as pool:
        sandbox.not_available()
        client.visit("shopper").engagement(BODY)
        if status == "Available":
            sandbox.available()
        sandbox.slow(1)
        together = threading.Barrier(24)

        def ask(_: int) -> Any:
            together.wait()
            return client.visit("shopper").engagement(BODY)

        answers = [*pool.map(ask, range(24))]
        assert {answer.status for answer in answers} == {status}
        assert len({answer.page_id for answer in answers}) == 1
        assert len(sandbox.requests) == 2
        sandbox.slow(0)
        assert client.visit("shopper").engagement(BODY).status == status
        assert len(sandbox.requests) == (2 if status == "Available" else 3)


def test_those_who_waited_with_another_body_ask_for_themselves(sandbox: Sandbox) -> None:
    """All at once, and not one after the other."""
    sandbox.not_available()
    other: Any = {"appType": "EXTERNAL", "consumerSections": ["Support"]}
    with EngagementClient("demo", base_url=sandbox.url) as client, ThreadPoolExecutor(2) as pool:
        client.visit("shopper").engagement(BODY)
        sandbox.slow(0.5)
        first = pool.submit(client.visit("shopper").engagement, BODY)
        while len(sandbox.requests) < 2:
            threading.Event().wait(0.01)
        assert client.visit("shopper").engagement(other).status == first.result().status == "NotAvailable"
    assert len(sandbox.requests) == 3


def test_a_cancelled_task_frees_the_key_at_once(sandbox: Sandbox) -> None:
    """Neither a holder nor a waiter that is cancelled keeps the others out."""
    sandbox.slow(5)

    async def main() -> str:
        async with AsyncEngagementClient("demo", base_url=sandbox.url) as client:
            holder = asyncio.create_task(client.visit("shopper").create_session(BODY))
            await asyncio.sleep(0.1)
            waiter = asyncio.create_task(client.visit("shopper").create_session(BODY))
            last = asyncio.create_task(client.visit("shopper").create_session(BODY))
            await asyncio.sleep(0.1)
            waiter.cancel()
            holder.cancel()
            outcomes = await asyncio.gather(holder, waiter, return_exceptions=True)
            assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
            async with asyncio.timeout(2):
                return (await last).visitor_id

    assert asyncio.run(main())


@pytest.mark.parametrize("waiting", ["thread", "task"])
def test_waiting_for_another_caller_ends_at_the_deadline(sandbox: Sandbox, waiting: str) -> None:
    """A call that waits for its turn keeps its own deadline, and its turn goes to the next one."""
    sandbox.slow(0.6)
    store = MemoryStore()
    with EngagementClient("demo", base_url=sandbox.url, store=store) as client, ThreadPoolExecutor() as pool:
        holder = pool.submit(client.visit("shopper").create_session, BODY)
        while not sandbox.requests:
            threading.Event().wait(0.01)

        async def as_a_task() -> None:
            async with AsyncEngagementClient("demo", base_url=sandbox.url, store=store) as twin:
                await twin.visit("shopper").create_session(BODY, deadline=0.1)

        def as_a_thread() -> None:
            client.visit("shopper").create_session(BODY, deadline=0.1)

        with pytest.raises(DeadlineExceeded):
            as_a_thread() if waiting == "thread" else asyncio.run(as_a_task())
        assert not holder.done()
        assert holder.result().visitor_id == client.visit("shopper").create_session(BODY).visitor_id
    assert len(sandbox.visitors) == 1


def test_finished_visits_leave_no_locks_behind(client: EngagementClient, sandbox: Sandbox) -> None:
    """A store holds records and nothing else once no call runs."""
    store = MemoryStore()
    with EngagementClient("demo", base_url=sandbox.url, store=store) as other:
        for number in range(20):
            other.visit(str(number)).create_session(BODY)
            other.visit(str(number)).forget()
    gc.collect()
    assert not any(vars(store)[name] for name in ("_saved", "_evicted", "_queues"))
    assert client.visit("shopper").ids is None


def test_a_failed_call_raises_what_went_wrong_last(client: EngagementClient, sandbox: Sandbox) -> None:
    """Of several failures the last one is reported."""
    for status in (500, 502, 503, 504):
        sandbox.fail_next(status)
    with pytest.raises(ServerError) as raised:
        client.visit().create_session(BODY)
    assert raised.value.status_code == 504
    assert str(raised.value).endswith("after 4 attempts")


def test_a_call_that_is_thrown_away_asks_for_nothing_more() -> None:
    """A coroutine whose event loop is gone is closed where it stands; nobody would take its steps."""
    pause = Sleep(1.0)

    def work(_: object) -> Flow[None]:
        yield from pause

    call = key_lock(MemoryStore(), "key", CallDeadline(None), work)
    assert isinstance(next(call), Acquire)
    assert call.send(True) is pause
    call.close()
    assert list(call) == []
