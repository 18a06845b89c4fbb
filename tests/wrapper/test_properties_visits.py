"""A state machine: whatever happens between them, the calls of a visit name the ids that a small model says they name.

Calls of two keys are mixed with failures, lost answers, sessions that end, visitors that are forgotten, ids that are
handed back, and clients that are started anew. The model knows the rules of README.md and none of the wrapper's code.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from conftest import Backend
from liveperson_engagement import (
    AccountLoading,
    ApiError,
    BadRequest,
    ConnectionFailed,
    DeadlineExceeded,
    EngagementClient,
    InvalidRequest,
    InvalidResponse,
    MemoryStore,
    NotFound,
    ServerError,
    SQLiteStore,
    Unauthorized,
    Visit,
    VisitIds,
)
from liveperson_engagement.sandbox import Sandbox
from strategies import examples

KEYS: tuple[str, ...] = (" ", "\u043a\u043b\u044e\u0447'; DROP TABLE visits; --\n\x00/:")
BODIES: tuple[Any, ...] = ({"appType": "EXTERNAL"}, {"appType": "MSDK", "consumerSections": ["Support"]})
LAST = 4
"""The attempt that no other one follows."""

FAILURES: dict[str, Callable[[Sandbox], None]] = {
    "503": lambda sandbox: sandbox.fail_next(503),
    "520": lambda sandbox: sandbox.html_error(520),
    "loading": lambda sandbox: sandbox.loading_account(),
    "unheard": lambda sandbox: sandbox.drop_connection(when="before"),
    "unanswered": lambda sandbox: sandbox.drop_connection(when="after"),
    "half": lambda sandbox: sandbox.drop_connection(when="during"),
    "garbage": lambda sandbox: sandbox.answer_next(body=b'{"status": "Available"'),
    "302": lambda sandbox: sandbox.fail_next(302),
    "400": lambda sandbox: sandbox.fail_next(400),
    "401": lambda sandbox: sandbox.fail_next(401),
    "404": lambda sandbox: sandbox.fail_next(404),
    "429": lambda sandbox: sandbox.fail_next(429),
}
MISHAPS = st.just(list[str]()) | st.lists(st.sampled_from([*sorted(FAILURES), "loading", "loading"]), max_size=4)
SELDOM = st.sampled_from([False, False, False, True])
RAISED = {
    "302": ApiError,
    "400": BadRequest,
    "401": Unauthorized,
    "404": NotFound,
    "429": ApiError,
    "garbage": InvalidResponse,
}
RETRIED = {"503": ServerError, "520": ServerError, "loading": AccountLoading}


@dataclass(frozen=True)
class Known:
    """What the client should remember for a key."""

    ids: VisitIds | None = None
    offered: VisitIds | None = None
    """The ids of the answer whose engagement may still be reported."""
    answered: str | None = None
    """The body that this engagement still answers."""


@dataclass
class Script:
    """What should happen in a call: requests, visitors that they make, and how it ends; new ids are only names yet."""

    known: Known
    requests: list[tuple[str, str | None, str | None]] = field(default_factory=list[tuple[str, str | None, str | None]])
    made: list[str] = field(default_factory=list[str])
    used: int = 0
    """How many of the planned failures happen."""
    end: type[Exception] | None = None
    session: tuple[str, str] | None = None
    """Visitor and session of the answer."""


class Service:
    """The service's visitors, as the model sees them: their sessions, and whether these go on."""

    def __init__(self) -> None:
        self.visitors: dict[str, dict[str, bool]] = {}
        self._names = 0

    def name(self, kind: str) -> str:
        """Name something that the sandbox will give an id."""
        self._names += 1
        return f"new {kind} {self._names}"

    def asked(self, visitor: str, session: str | None) -> tuple[str, str] | type[ApiError]:
        """Serve a request for a session."""
        if visitor not in self.visitors:
            return NotFound
        sessions = self.visitors[visitor]
        if session is None and sessions:
            return BadRequest
        if session is None or not sessions.get(session):
            session = self.name("session")
            sessions[session] = True
        return visitor, session

    def told(self, visitor: str, session: str | None) -> tuple[str, str] | type[ApiError]:
        """Serve an update."""
        going_on = session is not None and self.visitors.get(visitor, {}).get(session)
        return (visitor, session or "") if going_on else NotFound

    def rename(self, names: dict[str, str]) -> None:
        """Put ids in place of names."""
        self.visitors = {
            names.get(visitor, visitor): {names.get(session, session): on for session, on in sessions.items()}
            for visitor, sessions in self.visitors.items()
        }


def foresee(service: Service, known: Known, call: str, failures: list[str], *, hurried: bool) -> Script:
    """Say what a call that sends something does, attempt by attempt."""
    script = Script(known)
    ids = known.ids
    for attempt in range(1, LAST + 1):
        ids = script.known.ids
        failure = failures[attempt - 1] if attempt <= len(failures) else None
        script.used += failure is not None
        operation = "updateSession" if call in {"update", "report"} else "continueSession" if ids else "createSession"
        script.requests.append((operation, ids.visitor_id if ids else None, ids.session_id if ids else None))
        outcome = _attempt(service, script, operation, failure)
        if outcome is None or not issubclass(outcome, ServerError | ConnectionFailed):
            script.end = outcome
            break
        if issubclass(outcome, ConnectionFailed) and operation == "createSession":
            script.end = outcome
            break
        script.end = outcome if attempt == LAST else DeadlineExceeded if hurried else None
        if script.end:
            break
    if script.end is NotFound or (script.end is BadRequest and ids and ids.session_id is None):
        script.known = Known()
    return script


def _attempt(service: Service, script: Script, operation: str, failure: str | None) -> type[Exception] | None:
    """Let one request happen; return what it fails with."""
    ids = script.known.ids
    if failure == "loading":
        if ids is None:
            visitor = service.name("visitor")
            service.visitors[visitor] = {}
            script.made.append(visitor)
            script.known = Known(VisitIds(visitor))
        return AccountLoading
    if failure == "unheard":
        return ConnectionFailed
    if failure in RAISED or failure in RETRIED:
        return {**RAISED, **RETRIED}[failure]
    if ids is None:
        visitor = service.name("visitor")
        service.visitors[visitor] = {}
        script.made.append(visitor)
        served = service.asked(visitor, None)
    elif operation == "updateSession":
        served = service.told(ids.visitor_id, ids.session_id)
    else:
        served = service.asked(ids.visitor_id, ids.session_id)
    if failure == "unanswered" or (failure == "half" and isinstance(served, tuple)):
        return ConnectionFailed
    if isinstance(served, tuple):
        script.session = served
        return None
    return served


class Visits(RuleBasedStateMachine):
    """Calls and mishaps in any order."""

    def __init__(self, sandbox: Sandbox, client: EngagementClient, store: Callable[[bool], Any]) -> None:
        super().__init__()
        sandbox.reset()
        self.sandbox, self.store = sandbox, store
        self.service, self.known = Service(), dict.fromkeys(KEYS, Known())
        self.given_out: list[VisitIds] = []
        self.client = client.with_options(store=store(True))
        self.visits = {key: self.client.visit(key) for key in KEYS}

    @rule(key=st.sampled_from(KEYS), body=st.sampled_from(BODIES), failures=MISHAPS, hurried=SELDOM)
    def create(self, key: str, body: Any, failures: list[str], *, hurried: bool) -> None:
        """Start a session, or ask anew."""
        self.call(key, "create", body, failures, hurried=hurried)

    @rule(key=st.sampled_from(KEYS), body=st.sampled_from(BODIES), failures=MISHAPS, hurried=SELDOM)
    def engagement(self, key: str, body: Any, failures: list[str], *, hurried: bool) -> None:
        """Ask, unless the last answer is still valid."""
        self.call(key, "engagement", body, failures, hurried=hurried)

    @rule(key=st.sampled_from(KEYS), failures=MISHAPS, hurried=SELDOM)
    def update(self, key: str, failures: list[str], *, hurried: bool) -> None:
        """Tell news."""
        self.call(key, "update", None, failures, hurried=hurried)

    @rule(key=st.sampled_from(KEYS), failures=MISHAPS, hurried=SELDOM)
    def report(self, key: str, failures: list[str], *, hurried: bool) -> None:
        """Report an impression."""
        self.call(key, "report", None, failures, hurried=hurried)

    def call(self, key: str, call: str, body: Any, failures: list[str], *, hurried: bool) -> None:
        """Make a call, and compare what arrives, what comes back and what is remembered with the model."""
        known, visit = self.known[key], self.visits[key]
        before = len(self.sandbox.requests)
        listed = {visitor.visitor_id for visitor in self.sandbox.visitors}
        if call == "engagement" and known.answered == json.dumps(body):
            session = visit.engagement(body)
            assert known.offered is not None
            assert (session.visitor_id, session.session_id) == (known.offered.visitor_id, known.offered.session_id)
            assert len(self.sandbox.requests) == before
            return
        started = known.ids is not None and known.ids.session_id is not None
        if (call == "update" and not started) or (call == "report" and known.offered is None):
            with pytest.raises(InvalidRequest):
                self.make(visit, call, body, None)
            assert len(self.sandbox.requests) == before
            return
        script = foresee(self.service, known, call, failures, hurried=hurried)
        for failure in failures[: script.used]:
            FAILURES[failure](self.sandbox)
        result: Any = None
        raised: Exception | None = None
        try:
            result = self.make(visit, call, body, 4.9 if hurried else None)
        except Exception as error:  # noqa: BLE001 - of whatever kind: it is compared below
            raised = error
        arrived = self.sandbox.requests[before:]
        names = self.named(script, listed, result)
        self.service.rename(names)
        expected = [(operation, names.get(vid or "", vid), sid) for operation, vid, sid in script.requests]
        assert [(each.operation_id, each.visitor_id, each.session_id) for each in arrived] == expected
        assert type(raised) is (script.end or type(None)), raised
        if call == "report":
            assert {each.body["pageId"] for each in arrived} == {known.offered and known.offered.page_id}
        if call == "update":
            assert {each.body["pageId"] for each in arrived} == {known.ids and known.ids.page_id}
        self.known[key] = self.learned(script, names, body, result)
        assert visit.ids == self.known[key].ids

    def make(self, visit: Visit, call: str, body: Any, deadline: float | None) -> Any:
        """Make a call."""
        match call:
            case "create":
                return visit.create_session(body, deadline=deadline)
            case "engagement":
                return visit.engagement(body, deadline=deadline)
            case "update":
                return visit.update_session({}, deadline=deadline)
            case _:
                return visit.report_impressions("impDisplay", deadline=deadline)

    def named(self, script: Script, listed: set[str], result: Any) -> dict[str, str]:
        """Find the ids that stand for the model's names; just the visitors that it foresaw are new on the list."""
        new = [visitor.visitor_id for visitor in self.sandbox.visitors if visitor.visitor_id not in listed]
        assert len(new) == len(script.made)
        names = dict(zip(script.made, new, strict=True))
        if script.session and result is not None:
            names.setdefault(script.session[1], result.session_id)
        return names

    def learned(self, script: Script, names: dict[str, str], body: Any, session: Any) -> Known:
        """Say what is known after a call."""
        known = script.known
        if known.ids and known.ids.visitor_id in names:
            known = replace(known, ids=replace(known.ids, visitor_id=names[known.ids.visitor_id]))
        if script.end or session is None or script.session is None:
            return known
        ids = VisitIds(session.visitor_id, session.session_id, session.page_id)
        assert (ids.visitor_id, ids.session_id) == tuple(names.get(name, name) for name in script.session)
        self.given_out.append(ids)
        if session.status == "Available":
            lasting = session.engagement_details.valid_for_seconds > 0
            return Known(ids, ids, json.dumps(body) if lasting else None)
        same = known.ids is not None and known.ids.session_id == ids.session_id
        return Known(ids, known.offered if same else None)

    @rule(key=st.sampled_from(KEYS), chance=st.randoms(use_true_random=False), data=st.data())
    def happens(self, key: str, chance: Random, data: st.DataObject) -> None:
        """Let something happen between two calls: one rule, so that calls are more frequent."""
        happenings: dict[str, Callable[[], object]] = {
            "forget": lambda: self.forget(key),
            "hand_back": lambda: self.hand_back(key, chance),
            "another_object": lambda: self.visits.update({key: self.client.visit(key)}),
            "restart": self.restart,
            "sessions_end": self.sessions_end,
            "visitors_go": self.visitors_go,
            "offer": lambda: self.offer(chance),
        }
        happenings[data.draw(st.sampled_from(sorted(happenings)))]()

    def forget(self, key: str) -> None:
        """Let the caller forget a visit."""
        self.visits[key].forget()
        self.known[key] = Known()

    def hand_back(self, key: str, chance: Random) -> None:
        """Take a visit up by ids that were given out at some time, to this key or another."""
        if not self.given_out:
            return
        ids = chance.choice(self.given_out)
        self.visits[key] = self.client.visit(key, ids=ids)
        assert self.visits[key].ids == ids
        self.known[key] = Known(ids)
        self.call(key, "update", None, [], hurried=False)

    def restart(self) -> None:
        """Go on with a client that knows no more than its store: what was in a file is still known."""
        store = self.store(False)
        if isinstance(store, MemoryStore):
            self.known = dict.fromkeys(KEYS, Known())
        self.client = self.client.with_options(store=store)
        self.visits = {key: self.client.visit(key) for key in KEYS}

    def sessions_end(self) -> None:
        """Let the service end every session."""
        self.sandbox.expire_sessions()
        for sessions in self.service.visitors.values():
            sessions.update(dict.fromkeys(sessions, False))

    def visitors_go(self) -> None:
        """Let the service forget every visitor."""
        self.sandbox.forget_visitors()
        self.service.visitors.clear()

    def offer(self, chance: Random) -> None:
        """Let the service offer engagements, valid for a while or not at all, or none."""
        chance.choice([self.sandbox.available, self.sandbox.available, self.sandbox.not_available])()
        self.sandbox.valid_for_seconds = chance.choice([None, None, 0])

    def teardown(self) -> None:
        """Compare the visitor list: just the model's visitors are on it."""
        assert {visitor.visitor_id for visitor in self.sandbox.visitors} == set(self.service.visitors)


@pytest.mark.parametrize("kept", ["memory", "file"])
def test_calls_name_the_ids_that_the_rules_say_whatever_happens_between_them(
    backend: Backend, sandbox: Sandbox, tmp_path: Path, kept: str
) -> None:
    """No visitor is made that the rules do not make, and none is lost."""
    files = iter(range(10**9))
    number = 0

    def store(fresh: bool) -> Any:
        nonlocal number
        if kept == "memory":
            return MemoryStore()
        number = next(files) if fresh else number
        return backend.store(SQLiteStore(tmp_path / f"visits-{number}.db"))

    client = backend.client(base_url=sandbox.url)
    steps = settings(examples(0.5), stateful_step_count=30)
    machine: Any = lambda: Visits(sandbox, client, store)  # noqa: E731 - anything that makes a machine will do
    run_state_machine_as_test(machine, settings=steps)
