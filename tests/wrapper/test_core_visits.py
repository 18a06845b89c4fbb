"""What a visit remembers and sends, step by step: under a lock, past other callers, and after each kind of failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from test_settings import lookups, pass_time

from conftest import BODY, Backend, Clock
from liveperson_engagement import (
    ApiError,
    BadRequest,
    EngagementClient,
    InvalidRequest,
    InvalidResponse,
    MemoryStore,
    NotFound,
    OutageGuard,
    RequestEvent,
    ServerError,
    VisitIds,
)
from liveperson_engagement._state import ids_in
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record

KEY = "demo:shopper"
OTHER: Any = {"appType": "EXTERNAL", "consumerSections": ["shoes"]}


class Between(MemoryStore):
    """Lets something happen before a lock is got, or lose it; notes each step."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[str, str]] = []
        self.before_lock: list[Callable[[], object]] = []
        self.losses = 0

    def acquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Let it happen, and lock."""
        self.steps.append(("acquire", key))
        if self.before_lock:
            self.before_lock.pop()()
        return super().acquire(key, token, timeout, ttl)

    def extend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
        """Hold on, or lose the lock."""
        self.steps.append(("extend", key))
        self.losses -= 1
        return self.losses < 0 and super().extend(key, token, ttl, timeout)

    def compare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Note, and save."""
        self.steps.append(("compare_and_set", key))
        return super().compare_and_set(key, expected, record, timeout)


def sync_client(sandbox: Sandbox, store: MemoryStore, **options: Any) -> EngagementClient:
    """Make a client whose pauses take no time."""
    return EngagementClient("demo", base_url=sandbox.url, store=store, sleep=lambda _: None, **options)


def operations(sandbox: Sandbox) -> list[str | None]:
    """Name what was asked."""
    return [request.operation_id for request in sandbox.requests]


def answer(**members: str) -> bytes:
    """Write an answer that offers nothing."""
    return json.dumps({"status": "NotAvailable", **members}).encode()


def named(session: Any) -> dict[str, str]:
    """Repeat the ids of an answer as the service writes them."""
    return {"sessionId": session.session_id, "visitorId": session.visitor_id, "pageId": session.page_id}


# --- Under the lock ---------------------------------------------------------------------------------------------------


def test_only_a_visit_without_a_session_is_locked(sandbox: Sandbox) -> None:
    """By its key, and held on to while the request is under way."""
    store = Between()
    with sync_client(sandbox, store) as client:
        visit = client.visit("shopper")
        visit.create_session(BODY)
        assert store.steps == [("acquire", KEY), ("extend", KEY), ("compare_and_set", KEY)]
        store.steps.clear()
        visit.create_session(BODY)
        visit.update_session({})
        assert store.steps == [("compare_and_set", KEY)]
        store.steps.clear()
        visit.engagement(OTHER)
        assert store.steps == [("acquire", KEY), ("extend", KEY), ("compare_and_set", KEY)]
    assert operations(sandbox) == ["createSession", "continueSession", "updateSession", "continueSession"]
    assert len(sandbox.visitors) == 1


@pytest.mark.parametrize("offered", [True, False])
def test_who_waits_takes_the_answer_of_an_equal_body(sandbox: Sandbox, *, offered: bool) -> None:
    """Offered or not: one request for both."""
    if offered:
        sandbox.serve_next()
    else:
        sandbox.answer_next(body=answer(sessionId="s", visitorId="v", pageId="1"))
    store = Between()
    with sync_client(sandbox, store) as client:
        got: list[Any] = []
        store.before_lock.append(lambda: got.append(client.visit("shopper").engagement(BODY)))
        mine = client.visit("shopper").engagement(BODY)
    assert operations(sandbox) == ["createSession"]
    assert mine == got[0]
    assert mine.status == ("Available" if offered else "NotAvailable")


def test_who_waits_with_another_body_asks_within_the_same_visit(sandbox: Sandbox) -> None:
    """And gets an answer of its own, without the lock."""
    store = Between()
    with sync_client(sandbox, store) as client:
        for mine in ("engagement", "create_session"):
            store.steps.clear()
            visit = client.visit(mine)
            store.before_lock.append(lambda key=mine: client.visit(key).create_session(BODY))  # type: ignore[misc]
            found = getattr(visit, mine)(OTHER)
            assert found.visitor_id == sandbox.visitors[-1].visitor_id
            assert [step for step, _ in store.steps].count("extend") == 1
    assert operations(sandbox) == ["createSession", "continueSession"] * 2
    assert len(sandbox.visitors) == 2


def test_who_loses_the_lock_takes_it_again(sandbox: Sandbox) -> None:
    """And asks only then."""
    store = Between()
    store.losses = 1
    with sync_client(sandbox, store) as client:
        assert client.visit("shopper").create_session(BODY).visitor_id
    assert [step for step, _ in store.steps] == ["acquire", "extend", "acquire", "extend", "compare_and_set"]
    assert operations(sandbox) == ["createSession"]


# --- What is reused ---------------------------------------------------------------------------------------------------


def test_an_equal_body_gets_the_same_engagement(client: EngagementClient, sandbox: Sandbox) -> None:
    """Another one is asked for, by the same visitor."""
    sandbox.serve_next()
    visit = client.visit("shopper")
    first = visit.engagement(BODY)
    equal: Any = {**BODY}
    assert visit.engagement(equal) == first
    assert len(sandbox.requests) == 1
    visit.engagement(OTHER)
    assert operations(sandbox) == ["createSession", "continueSession"]
    assert len(sandbox.visitors) == 1


def test_an_engagement_can_be_reported_within_its_session(client: EngagementClient, sandbox: Sandbox) -> None:
    """Also after answers that offer none or are broken; not in another session."""
    sandbox.serve_next()
    visit = client.visit("shopper")
    first = visit.create_session(BODY)
    sandbox.answer_next(body=answer(**named(first)))
    visit.create_session(BODY)
    visit.report_impressions("impDisplay")
    sandbox.answer_next(body=json.dumps({**named(first), "pageId": "99"}).encode())
    with pytest.raises(InvalidResponse):
        visit.create_session(BODY)
    assert visit.ids == VisitIds(first.visitor_id, first.session_id, "99")
    visit.report_impressions("impDisplay")
    sandbox.answer_next(body=answer(**{**named(first), "sessionId": "another"}))
    visit.create_session(BODY)
    with pytest.raises(InvalidRequest, match=r"^kinds: this session was offered no engagement"):
        visit.report_impressions("impDisplay")


def test_an_answer_that_is_no_text_in_part_is_remembered(client: EngagementClient, sandbox: Sandbox) -> None:
    """The part is left out."""
    visit = client.visit("shopper")
    for _ in range(2):
        content = answer(sessionId="s", visitorId="v", pageId="1", future="HERE").replace(b"HERE", b"\xff")
        sandbox.answer_next(body=content)
        assert visit.create_session(BODY).additional_properties == {}
    assert visit.ids == VisitIds("v", "s", "1")


# --- After failures ---------------------------------------------------------------------------------------------------


def test_an_update_that_is_no_object_is_refused(client: EngagementClient, sandbox: Sandbox) -> None:
    """As any body of the wrong type."""
    visit = client.visit("shopper")
    visit.create_session(BODY)
    update: Any = []
    with pytest.raises(InvalidRequest) as raised:
        visit.update_session(update)
    assert str(raised.value) == "body: must be of type object"
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("method", ["create_session", "update_session"])
def test_a_redirect_of_any_method_has_the_host_looked_up(
    backend: Backend, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """A minute later; the first call of a client may be any."""
    store = MemoryStore()
    backend.client(base_url=sandbox.url, store=store).visit("shopper").create_session(BODY)
    visit = backend.client(domain_api=sandbox.url, store=store).visit("shopper")
    call = getattr(visit, method)
    call(BODY if method == "create_session" else {})
    assert lookups(sandbox) == 1
    sandbox.fail_next(302)
    with pytest.raises(ApiError):
        call(BODY if method == "create_session" else {})
    pass_time(monkeypatch, 61)
    call(BODY if method == "create_session" else {})
    assert lookups(sandbox) == 2


@pytest.mark.parametrize("method", ["create_session", "update_session"])
def test_in_an_outage_each_method_is_tried_once(backend: Backend, sandbox: Sandbox, clock: Clock, method: str) -> None:
    """When its pause is over."""
    store = MemoryStore(clock=clock)
    client = backend.client(base_url=sandbox.url, store=store, outage_guard=OutageGuard((7, 90)))
    visit = client.visit("shopper")
    visit.create_session(BODY)
    call = getattr(visit, method)
    sandbox.fail_next(503, times=5)
    for passed, requests in ((0, 4), (1, 4), (7, 5)):
        clock.now += passed
        with pytest.raises(ServerError):
            call(BODY if method == "create_session" else {})
        assert len(sandbox.requests) == 1 + requests


def test_what_a_refusal_names_is_not_believed(client: EngagementClient, sandbox: Sandbox) -> None:
    """Ids are taken from good answers alone, and from those that are good but for what is missing."""
    visit = client.visit("shopper")
    first = visit.create_session(BODY)
    sandbox.fail_next(503, body=answer(sessionId="evil", visitorId="evil", pageId="0"))
    visit.create_session(BODY)
    assert [request.query.get("sid") for request in sandbox.requests] == [None, first.session_id, first.session_id]


def test_a_loading_account_keeps_the_session_that_is_known(client: EngagementClient, sandbox: Sandbox) -> None:
    """If it names the same visitor."""
    visit = client.visit("shopper")
    first = visit.create_session(BODY)
    message = f"Loading account, vid: {first.visitor_id}"
    sandbox.fail_next(500, body=json.dumps({"internalCode": 20, "message": message}))
    visit.create_session(BODY)
    assert [request.query.get("sid") for request in sandbox.requests] == [None, first.session_id, first.session_id]


@pytest.mark.parametrize(
    ("status", "kind", "session", "forgotten"),
    [
        (404, NotFound, "s", True),
        (404, NotFound, None, True),
        (400, BadRequest, "s", False),
        (400, BadRequest, None, True),
        (401, ApiError, None, False),
    ],
)
def test_a_visit_is_forgotten_where_it_cannot_go_on(
    backend: Backend, sandbox: Sandbox, status: int, kind: type[ApiError], session: str | None, *, forgotten: bool
) -> None:
    """Not found, or a visitor without a session who is refused."""
    store = MemoryStore()
    ids = VisitIds("v", session, None)
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper", ids=ids)
    sandbox.fail_next(status)
    with pytest.raises(kind):
        visit.create_session(BODY)
    assert (store.load(KEY) is None) is forgotten
    assert visit.ids == (None if forgotten else ids)


def test_a_refusal_without_a_visit_is_told_as_it_is(client: EngagementClient, sandbox: Sandbox) -> None:
    """There is nothing to forget."""
    for status, kind in ((404, NotFound), (400, BadRequest)):
        sandbox.fail_next(status)
        with pytest.raises(kind):
            client.visit("shopper").create_session(BODY)


@pytest.mark.parametrize("method", ["create_session", "update_session"])
def test_a_newer_visit_is_not_forgotten_for_an_older(sandbox: Sandbox, method: str) -> None:
    """Somebody has started it while the request was under way."""
    store, newer = MemoryStore(), Record(VisitIds("w", "t", "2"))

    def start(_: RequestEvent) -> None:
        remembered = store.load(KEY)
        assert store.compare_and_set(KEY, remembered and remembered.version, newer) is not None

    with sync_client(sandbox, store, on_request=start) as client:
        visit = client.visit("shopper", ids=VisitIds("v", "s", "1"))
        sandbox.fail_next(404)
        with pytest.raises(NotFound):
            getattr(visit, method)(BODY if method == "create_session" else {})
    remembered = store.load(KEY)
    assert remembered is not None
    assert remembered.record == newer


def test_a_failure_that_names_nothing_saves_nothing(sandbox: Sandbox) -> None:
    """The store is asked to keep what is new alone."""
    store = Between()
    with sync_client(sandbox, store) as client:
        visit = client.visit("shopper")
        visit.create_session(BODY)
        store.steps.clear()
        sandbox.fail_next(503, times=2)
        visit.create_session(BODY)
        assert store.steps == [("compare_and_set", KEY)]
        store.steps.clear()
        sandbox.loading_account()
        client.visit("another").create_session(BODY)
        assert [step for step, _ in store.steps].count("compare_and_set") == 2


def test_what_is_no_ids_is_told_by_its_option(client: EngagementClient) -> None:
    """Before any call."""
    ids: Any = {"visitorId": "v"}
    with pytest.raises(InvalidRequest) as raised:
        client.visit("shopper", ids=ids)
    assert str(raised.value) == "ids: must be the VisitIds of an earlier visit"


def test_ids_of_a_broken_answer_may_be_numbers() -> None:
    """And without a visitor there are none."""
    assert ids_in(b'{"visitorId": 5, "sessionId": 6, "pageId": 7}') == VisitIds("5", "6", "7")
    assert ids_in(b'{"visitorId": null, "sessionId": "s", "pageId": "1"}') is None
    assert ids_in(b'{"visitorId": "v", "sessionId": [], "pageId": {}}') == VisitIds("v", None, None)
