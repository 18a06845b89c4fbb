"""What a visit remembers, in a memory store that others use as well, that may fail, and whose time goes by."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from conftest import BODY, Backend, Clock
from liveperson_engagement import (
    BadRequest,
    EngagementClient,
    InvalidRequest,
    MemoryStore,
    NotFound,
    StoreError,
    Visit,
    VisitIds,
)
from liveperson_engagement._keyed_lock import KeyedLock, Patience
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import UNREADABLE, Record
from stored import KEY, record

SUPPORT: Any = {"appType": "EXTERNAL", "consumerSections": ["Support"]}
ADVICE = "see on_store_error to go on without it"
NEWER = "session store: a newer visit is remembered for this key; it is left as it is"
UNREAD = "session store: a remembered engagement cannot be read; the next answer replaces it"
THEIRS = VisitIds("somebody", "else", "page")


class Shared(MemoryStore):
    """A memory store whose user does something just before a record is saved, once, or that fails."""

    meanwhile: Callable[[], object] | None = None
    broken = ""

    def __init__(self) -> None:
        self.clock = Clock()
        super().__init__(clock=self.clock)

    def load(self, key: str, timeout: float | None = None) -> Any:
        """Fail, or load."""
        self._fail("load")
        return super().load(key, timeout)

    def compare_and_set(self, key: str, expected: Any, record: Record | None, timeout: float | None = None) -> Any:
        """Let the others go first, fail, or save."""
        act, self.meanwhile = self.meanwhile, None
        if act:
            act()
        self._fail("compare_and_set")
        return super().compare_and_set(key, expected, record, timeout)

    def _fail(self, step: str) -> None:
        if self.broken == step:
            raise StoreError("OSError") from OSError()

    @property
    def ids(self) -> VisitIds | None:
        """What is remembered."""
        known = super().load(KEY)
        return known.record.ids if known else None

    def put(self, ids: VisitIds | None) -> None:
        """Do as another process would."""
        known = super().load(KEY)
        assert super().compare_and_set(KEY, known and known.version, Record(ids) if ids else None) is not None


@pytest.fixture
def store() -> Shared:
    """Make a store that others use as well."""
    return Shared()


@pytest.fixture
def client(backend: Backend, sandbox: Sandbox, store: Shared) -> EngagementClient:
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


# Ids that cannot be

NO_IDS: list[Any] = [5, True, [1], {}, "", "\ud800", "x" * 2001]
DAMAGED = [VisitIds(each, "session", "page") for each in (*NO_IDS, cast(Any, None), ".", "..")] + [
    *(VisitIds("visitor", each, "page") for each in NO_IDS),
    *(VisitIds("visitor", "session", each) for each in NO_IDS if not isinstance(each, str)),
]


@pytest.mark.parametrize("ids", DAMAGED, ids=range(len(DAMAGED)))
def test_ids_that_are_damaged_in_the_store_never_go_out(
    visit: Visit, store: Shared, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, ids: VisitIds
) -> None:
    """They count as none, whoever wrote them."""
    store.put(ids)
    with pytest.raises(InvalidRequest, match="no session yet"):
        visit.update_session({"engagementAttributes": []})
    assert store.ids is None
    store.put(ids)
    session = start(visit)
    assert [(each.operation_id, each.session_id) for each in sandbox.requests] == [("createSession", None)]
    assert caplog.messages == [UNREADABLE, UNREADABLE]
    assert store.ids == session


@pytest.mark.parametrize(
    ("ids", "line"),
    [
        (VisitIds(""), "ids.visitor_id: must have at least 1 characters"),
        (VisitIds(".."), "ids.visitor_id: must match the pattern [^.]"),
        (VisitIds("\ud800"), "ids.visitor_id: must be text without lone surrogates"),
        (VisitIds("a", ""), "ids.session_id: must have at least 1 characters"),
        (VisitIds("a", "b", ""), "ids.page_id: must have at least 1 characters"),
        (VisitIds("a", page_id=cast(Any, 5)), "ids.page_id: must be of type string"),
        (VisitIds(cast(Any, None)), "ids.visitor_id: must be of type string"),
        ("x", "ids: must be the VisitIds of an earlier visit"),
    ],
)
def test_ids_that_cannot_be_are_refused_in_one_line(client: EngagementClient, ids: Any, line: str) -> None:
    """The member, and the contract's rule for it; only a visitor id may not be dots alone, as it stands in a path."""
    with pytest.raises(InvalidRequest) as raised:
        client.visit(ids=ids)
    assert str(raised.value) == line
    assert raised.value.__cause__ is None
    assert client.visit(ids=VisitIds("a", "..", "..")).ids == VisitIds("a", "..", "..")


# Others use the key

theirs = pytest.mark.parametrize("theirs", [THEIRS, None], ids=["another visitor's", "forgotten"])


@pytest.mark.backends("sync", "async")
@theirs
def test_a_visit_that_has_become_anothers_is_left_as_it_is(
    visit: Visit, store: Shared, caplog: pytest.LogCaptureFixture, theirs: VisitIds | None
) -> None:
    """The caller gets the answer, and the next call goes on with what is newer; another session is not."""
    caplog.set_level("INFO", logger="liveperson_engagement")
    first = start(visit)
    store.meanwhile = lambda: store.put(VisitIds(first.visitor_id, "newer", "page"))
    assert start(visit) == store.ids == visit.ids
    assert NEWER not in caplog.messages
    store.meanwhile = lambda: store.put(theirs)
    assert start(visit).visitor_id == first.visitor_id
    assert store.ids == theirs == visit.ids
    assert caplog.messages.count(NEWER) == 1


@theirs
def test_ids_that_are_handed_in_win(
    client: EngagementClient, store: Shared, sandbox: Sandbox, theirs: VisitIds | None
) -> None:
    """They are saved before anything is sent, whatever others save at that moment; what they save later is newer."""
    ids = start(client.visit("first"))
    store.put(VisitIds("old", "old", "old"))
    visit = client.visit("shopper", ids=ids)
    assert visit.ids == ids
    store.meanwhile = lambda: store.put(theirs)
    visit.update_session({"engagementAttributes": []})
    assert store.ids == ids == visit.ids
    assert (sandbox.requests[-1].visitor_id, sandbox.requests[-1].session_id) == (ids.visitor_id, ids.session_id)

    def at_the_next_save() -> None:
        store.meanwhile = lambda: store.put(theirs)

    visit, store.meanwhile = client.visit("shopper", ids=ids), at_the_next_save
    assert start(visit).visitor_id == ids.visitor_id
    assert store.ids == theirs == visit.ids
    store.put(None)
    assert start(visit).visitor_id != ids.visitor_id


def test_forgetting_tries_until_it_is_done(client: EngagementClient, visit: Visit, store: Shared) -> None:
    """Whoever changes the record meanwhile, and whether ids were handed in."""
    ids = start(visit)
    for forgetful in (visit, client.visit("shopper", ids=ids)):
        store.put(THEIRS)
        store.meanwhile = lambda: store.put(ids)
        forgetful.forget()
        assert store.ids is None
        assert forgetful.ids is None
        assert start(forgetful).visitor_id != ids.visitor_id


@pytest.mark.parametrize(("method", "body"), [("update_session", {}), ("create_session", BODY)])
def test_a_404_forgets_nothing_that_has_become_anothers(
    visit: Visit, store: Shared, sandbox: Sandbox, method: str, body: Any
) -> None:
    """Not even between the look and the replacement."""
    start(visit)
    store.meanwhile = lambda: store.put(THEIRS)
    sandbox.fail_next(404)
    with pytest.raises(NotFound):
        getattr(visit, method)(body)
    assert store.ids == THEIRS


def test_a_visitor_that_an_account_names_replaces_the_known_one(
    client: EngagementClient, visit: Visit, sandbox: Sandbox
) -> None:
    """While it loads the next attempt goes on with that one; if that is refused, nothing is left."""
    for named, error in ((start(client.visit("other")).visitor_id, BadRequest), ("nobody", NotFound)):
        start(visit)
        message = f"Loading account demo, please try again later with this vid: {named}"
        sandbox.fail_next(500, body=json.dumps({"internalCode": 20, "message": message}))
        with pytest.raises(error):
            visit.create_session(BODY)
        assert (sandbox.requests[-1].visitor_id, sandbox.requests[-1].session_id) == (named, None)
        assert visit.ids is None
    sandbox.not_available()
    sandbox.loading_account()
    assert visit.create_session(BODY).status == "NotAvailable"
    assert sandbox.visitors[-1].visitor_id == (visit.ids and visit.ids.visitor_id)


# The store fails


@pytest.mark.backends("sync", "async")
def test_ids_that_could_not_be_saved_are_those_of_the_visit(visit: Visit, store: Shared, sandbox: Sandbox) -> None:
    """As long as nobody else has begun it anew."""
    store.broken = "compare_and_set"
    with pytest.raises(StoreError) as raised:
        visit.create_session(BODY)
    assert str(raised.value) == f"session store: compare_and_set failed (OSError); {ADVICE}"
    store.broken, [made] = "", sandbox.visitors
    assert visit.ids is not None
    assert visit.ids.visitor_id == made.visitor_id
    store.put(VisitIds(made.visitor_id, "stale", "stale"))
    assert start(visit) == store.ids
    assert len(sandbox.visitors) == 1


@pytest.mark.backends("sync", "async")
def test_what_others_began_while_the_store_was_broken_goes_on(
    client: EngagementClient, visit: Visit, store: Shared, sandbox: Sandbox
) -> None:
    """Once it has been seen, a visit that was not saved is given up for good; so is one of a caller who went on."""
    store.broken = "compare_and_set"
    with pytest.raises(StoreError):
        visit.create_session(BODY)
    store.broken = ""
    begun = start(client.visit("shopper"))
    assert start(visit).visitor_id == begun.visitor_id
    lenient = client.with_options(on_store_error="continue").visit("shopper")
    store.broken = "load"
    made = start(lenient)
    assert start(lenient).visitor_id == made.visitor_id != begun.visitor_id
    store.broken = ""
    assert start(lenient).visitor_id == begun.visitor_id
    store.put(None)
    assert start(visit).visitor_id not in {each.visitor_id for each in sandbox.visitors[:3]}


# The engagement


@pytest.mark.parametrize("change", ["forgotten", "another body's", "not saved"])
def test_an_engagement_is_not_given_once_something_has_changed(
    client: EngagementClient, visit: Visit, store: Shared, sandbox: Sandbox, change: str
) -> None:
    """It is asked for again, however often it has been given before; the last answer is the one that counts."""
    visit.create_session(SUPPORT)
    last = visit.create_session(BODY)
    assert visit.engagement(BODY) == visit.engagement(BODY) == last
    assert len(sandbox.requests) == 2
    if change == "forgotten":
        client.visit("shopper").forget()
    elif change == "another body's":
        client.visit("shopper").create_session(SUPPORT)
    else:
        store.broken = "compare_and_set"
        with pytest.raises(StoreError):
            visit.create_session(BODY)
        store.broken = ""
    requests = len(sandbox.requests)
    assert visit.engagement(BODY).status == "Available"
    assert len(sandbox.requests) == requests + 1


@pytest.mark.parametrize("fresh", [False, True], ids=["the same object", "another object"])
@pytest.mark.parametrize(
    ("passed", "requests"), [(0, 1), (899, 1), (899.9, 1), (900, 2), (901, 2), (-1, 2), (8 * 3600, 2)]
)
def test_an_engagement_is_given_again_before_its_time_is_over(
    client: EngagementClient, visit: Visit, store: Shared, sandbox: Sandbox, passed: float, requests: int, fresh: bool
) -> None:
    """To the second, also while the machine sleeps; and not if the clock was set back, since nobody can tell then."""
    session = visit.engagement(BODY)
    assert session.status == "Available"
    assert session.engagement_details.valid_for_seconds == 900
    assert visit.engagement(BODY) == session
    store.clock.now += passed
    assert (client.visit("shopper") if fresh else visit).engagement(BODY).visitor_id == session.visitor_id
    assert len(sandbox.requests) == requests


@pytest.mark.parametrize(
    ("damage", "lines"), [({"ids": VisitIds("visitor")}, []), ({"engagement": '{"status": "Maybe"}'}, [UNREAD])]
)
def test_of_an_engagement_that_is_damaged_nothing_is_reported(
    visit: Visit, store: Shared, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, damage: Any, lines: list[str]
) -> None:
    """One line is logged, without a word of what is in the store."""
    visit.engagement(BODY)
    known = store.load(KEY)
    store.compare_and_set(KEY, known.version, replace(known.record, **damage))
    with pytest.raises(InvalidRequest) as raised:
        visit.report_impressions("impDisplay")
    assert str(raised.value) == "kinds: this session was offered no engagement; call create_session first"
    assert caplog.messages == lines
    assert len(sandbox.requests) == 1


# The room and the time of a memory store


def test_the_least_recently_used_visit_goes_first() -> None:
    """Reading counts as use, and so does saving; what is thrown out leaves nothing behind."""
    store = MemoryStore(max_visits=3)
    for key in "abc":
        store.compare_and_set(key, None, record(key))
    assert store.load("a")
    known = store.load("b")
    assert known
    assert store.compare_and_set("b", known.version, record("b again"))
    store.compare_and_set("d", None, record("d"))
    assert store.keys() == ["a", "b", "d"]
    assert store.load("c") is None
    store.compare_and_set("e", None, record("e"))
    assert store.keys() == ["b", "d", "e"]
    for number in range(5_000):
        store.compare_and_set(str(number), None, record())
    del known
    gc.collect()
    assert [len(vars(store)[name]) for name in ("_saved", "_evicted", "_queues")] == [3, 0, 0]


@pytest.mark.backends("sync", "async")
def test_a_visit_in_use_is_not_thrown_out(backend: Backend, sandbox: Sandbox) -> None:
    """While a call is under way others fill the store; its visit goes on all the same."""
    store, requests = MemoryStore(max_visits=1), list[Any]()

    def fill(_: object) -> None:
        requests.append(store.keys())
        for number in range(5):
            store.compare_and_set(f"demo:{number}", None, record())

    client = backend.client(base_url=sandbox.url, store=store, on_request=fill)
    ids = [start(client.visit("ours")).visitor_id for _ in range(3)]
    assert requests == [[], ["demo:ours"], ["demo:ours"]]
    assert len(set(ids)) == 1


@pytest.mark.parametrize("later", [(60, 60), (60, 0), (0, 60)], ids=["both", "slept", "clock set back"])
def test_a_visit_ends_with_its_time_to_live(later: tuple[float, float]) -> None:
    """By whichever clock says so first; it counts from the last save."""
    clocks = Clock(), Clock()
    store = MemoryStore(time_to_live=60, clock=clocks[0], monotonic=clocks[1])

    def pass_time(wall: float, monotonic: float) -> None:
        clocks[0].now += wall
        clocks[1].now += monotonic

    version = store.compare_and_set("key", None, record())
    pass_time(59, 59)
    assert store.load("key")
    assert store.compare_and_set("key", version, record())
    pass_time(later[0] - 0.001, later[1] - 0.001)
    assert store.load("key")
    pass_time(0.001, 0.001)
    assert store.load("key") is None
    assert store.keys() == []


@pytest.mark.parametrize("option", [{"max_visits": 0}, {"max_visits": True}, {"max_visits": 1.5}, {"time_to_live": 0}])
def test_options_that_make_no_sense_are_refused(option: dict[str, Any]) -> None:
    """By name."""
    with pytest.raises(InvalidRequest) as raised:
        MemoryStore(**option)
    assert [raised.value.path] == [*option]


# Its locks


def test_patience_ends() -> None:
    """Or it does not, where no time was given."""
    assert (Patience(None).left(), Patience(None).cap(7.0)) == (None, 7.0)
    assert (Patience(0.0).left(), Patience(0.0).cap(7.0), Patience(-5.0).left()) == (0, 0, 0)
    assert 40 < (Patience(50.0).left() or 0) <= 50
    assert Patience(50.0).cap(7.0) == 7.0


def test_a_lock_that_is_extended_is_still_held() -> None:
    """For as long as was asked for, from then on."""
    lock = KeyedLock()
    assert lock.acquire("key", "a", 0, 0.01)
    assert lock.extend("key", "a", 100)
    assert not lock.acquire("key", "b", 0.05, 100)
    assert lock.is_held("key", "a")
    assert not lock.extend("key", "b", 100)
    assert lock.extend("key", "a", -1)
    assert lock.acquire("key", "b", 5, 100)
    assert not lock.is_held("key", "a")
    assert not lock.extend("key", "a", 100)


@pytest.mark.parametrize("short", [0, 1])
def test_of_two_holders_the_one_whose_lease_ends_makes_room(short: int) -> None:
    """Whichever came first."""
    lock = KeyedLock(holders=2)
    for place, token in enumerate("ab"):
        assert lock.acquire("key", token, 0, 0.05 if place == short else 100)
    assert lock.acquire("key", "c", 5, 100)
    assert [lock.is_held("key", token) for token in "abc"] == [short == 1, short == 0, True]
    assert not lock.acquire("key", "d", 0.05, 100)


def test_nothing_stays_of_a_lock_that_is_given_back() -> None:
    """Whoever held it or waited for it, also in an event loop that is closed."""
    lock, loop = KeyedLock(), asyncio.new_event_loop()
    queues = vars(lock)["_queues"]
    assert lock.acquire("key", "a", 0, 100)
    assert not lock.acquire("key", "b", 0, 100)
    waiting = loop.create_task(lock.aacquire("key", "c", None, 100))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert list(queues["key"]) == ["a", "c"]
    for _ in range(2):
        lock.release("key", "a")
        assert queues == {}
    setattr(waiting, "_log_destroy_pending", False)  # noqa: B010 - it is meant to be thrown away


@pytest.mark.parametrize("lock", [KeyedLock(), MemoryStore()])
def test_a_process_that_is_forked_begins_without_locks(lock: KeyedLock) -> None:
    """Its parent's threads are not there."""
    assert lock.acquire("key", "a", 0, 100)
    lock.forked()
    assert not lock.is_held("key", "a")
    assert lock.acquire("key", "b", 0, 100)


def test_a_loop_closed_by_hand_keeps_no_key(sandbox: Sandbox) -> None:
    """Its tasks never end: the lease does."""
    store, loop = MemoryStore(), asyncio.new_event_loop()
    acquired = loop.create_task(store.aacquire(KEY, "vanished", None, 0.3))
    waiting = loop.create_task(store.aacquire(KEY, "waiting", None, 30))
    assert loop.run_until_complete(acquired)
    loop.run_until_complete(asyncio.sleep(0))
    assert not waiting.done()
    loop.close()
    with EngagementClient("demo", base_url=sandbox.url, store=store) as client:
        assert client.visit("shopper").create_session(BODY).status == "Available"


def test_many_wait_for_a_key_and_each_gets_it() -> None:
    """In order of arrival."""
    store, order = MemoryStore(), list[int]()

    async def hold(number: int) -> None:
        assert await store.aacquire("key", str(number), None, 60)
        order.append(number)
        await store.arelease("key", str(number))

    async def main() -> None:
        assert store.acquire("key", "first", None, 60)
        tasks = [asyncio.create_task(hold(number)) for number in range(1_000)]
        await asyncio.sleep(0)
        store.release("key", "first")
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert order == [*range(1_000)]
    assert store.acquire("key", "last", 0, 60)
