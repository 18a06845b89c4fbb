"""Properties: of what is sent, of answers, of errors, of stores, and of visits whatever happens between their calls.

PROPERTIES=long in the environment tries more of each, and scripts/fuzz many answers.
"""

import html
import itertools
import json
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from conftest import BACKENDS, BODY, Backend
from faults_service import Service as FaultyService
from liveperson_engagement import EngagementClient, MemoryStore, OutageGuard, RetryEvent, SQLiteStore, VisitIds, errors
from liveperson_engagement._redaction import redact_ids
from liveperson_engagement.sandbox import Sandbox, SandboxRequest
from liveperson_engagement.stores import Record
from liveperson_engagement_api import models
from stored import execute
from strange_answers import ASKS, IDS, PAGE, SESSION, SESSIONS, VISITOR, Answer, Player, cases, judge_case
from strategies import ANYTHING, TEXTS, allowed, examples, judge, mutated, places, replaced

SENDS = {"create_session": "CreateSessionBody", "engagement": "CreateSessionBody", "update_session": "SessionUpdate"}
Connect = Callable[[str], EngagementClient]
any_backend = st.sampled_from(BACKENDS)


@pytest.fixture(scope="module")
def connect(running_sandbox: Sandbox) -> Iterator[Connect]:
    """Give one of four clients, and a sandbox that knows nothing, to each example."""
    with ExitStack() as stack:
        clients = {name: Backend(name, stack).client(base_url=running_sandbox.url) for name in BACKENDS}

        def connect(backend: str) -> EngagementClient:
            running_sandbox.reset()
            return clients[backend]

        yield connect


def as_sent(value: Any) -> str:
    """Write JSON so that 1, 1.0 and true differ, and the order of members."""
    return json.dumps(value, ensure_ascii=False)


def arrived(sandbox: Sandbox) -> tuple[SandboxRequest, Any]:
    """Return the last request, and its body."""
    request = sandbox.requests[-1]
    return request, json.loads(request.raw_body.decode())


@examples()
@given(any_backend, allowed("CreateSessionBody"), st.sampled_from(["create_session", "engagement"]))
def test_an_allowed_body_arrives_as_it_was_given(
    connect: Connect, running_sandbox: Sandbox, backend: str, body: Any, call: str
) -> None:
    """Byte for byte, the order of members and the kinds of numbers included; and its attributes are on the list."""
    visit = connect(backend).visit()
    getattr(visit, call)(body)
    request, sent = arrived(running_sandbox)
    assert (request.operation_id, request.status) == ("createSession", 200)
    assert as_sent(sent) == as_sent(body)
    [visitor] = running_sandbox.visitors
    assert as_sent(visitor.sessions[0].attributes) == as_sent(body.get("engagementAttributes", []))
    visit.create_session(models.CreateSessionBody.from_dict(body).to_dict())  # a model says the same in another order
    assert arrived(running_sandbox)[1] == body


@examples()
@given(any_backend, allowed("SessionUpdate") | allowed("UpdateSessionBody"))
def test_an_allowed_update_arrives_as_it_was_given(
    connect: Connect, running_sandbox: Sandbox, backend: str, update: Any
) -> None:
    """With the session's own pageId in front, unless there is one."""
    assume("pageId" not in update or judge("PageId").allows(update["pageId"]))
    visit = connect(backend).visit()
    whole = {"pageId": visit.create_session(BODY).page_id, **update}
    visit.update_session(update)
    request, sent = arrived(running_sandbox)
    assert (request.operation_id, request.status) == ("updateSession", 200)
    assert as_sent(sent) == as_sent(whole)
    session = running_sandbox.visitors[0].sessions[0]
    assert as_sent(session.updates) == as_sent([sent])
    assert as_sent(session.attributes) == as_sent(update.get("engagementAttributes", []))
    assert as_sent(session.impressions) == as_sent(update.get("impAttributes", []))
    visit.update_session(models.UpdateSessionBody.from_dict(whole).to_dict())
    assert arrived(running_sandbox)[1] == whole


@examples(3)
@given(any_backend, st.sampled_from(sorted(SENDS)).flatmap(lambda call: st.tuples(st.just(call), mutated(SENDS[call]))))
def test_a_body_is_refused_if_the_contract_forbids_it(
    connect: Connect, running_sandbox: Sandbox, backend: str, made: tuple[str, Any]
) -> None:
    """And only then. The path leads to something that is wrong, or to the missing member; what is known stays."""
    call, body = made
    visit = connect(backend).visit()
    visit.create_session(BODY)
    ids = visit.ids
    whole = call == "update_session" and isinstance(body, dict) and "pageId" in body
    component = judge("UpdateSessionBody" if whole else SENDS[call])
    if component.allows(body):
        getattr(visit, call)(body)
        assert as_sent(arrived(running_sandbox)[1]).endswith(as_sent(body)[1:])
        return
    with pytest.raises(errors.InvalidRequest) as raised:
        getattr(visit, call)(body)
    error = raised.value
    assert error.path in component.wrong_places(body), error
    assert error.reason in str(error)
    assert str(error).isprintable()
    assert len(running_sandbox.requests) == 1
    assert visit.ids == ids


PARTS = ["/", "\\", "..", ".", "?", "#", "&", "=", "%2f", "%2e", "%", "\r\n", "\n", " ", "\x00", ";", "@", ":", "sid="]
BREAKOUTS = st.lists(st.sampled_from(PARTS) | TEXTS, min_size=1, max_size=6).map("".join)
"""Texts that try to break out of their place."""


@examples(2)
@given(any_backend, BREAKOUTS, BREAKOUTS, BREAKOUTS)
def test_ids_stay_in_their_place(
    connect: Connect, running_sandbox: Sandbox, backend: str, visitor: str, session: str, page: str
) -> None:
    """One segment of the path, one member of the query, one member of the body; or they are refused."""
    client = connect(backend)
    ids = {"visitor_id": ("VisitorId", visitor), "session_id": ("SessionId", session), "page_id": ("PageId", page)}
    wrong = [f"ids.{name}" for name, (component, text) in ids.items() if not judge(component).allows(text)]
    if wrong:
        with pytest.raises(errors.InvalidRequest) as raised:
            client.visit(ids=VisitIds(visitor, session, page))
        assert raised.value.path in wrong
        return
    with pytest.raises(errors.NotFound):
        client.visit(ids=VisitIds(visitor, session, page)).update_session({})
    with pytest.raises(errors.NotFound):
        client.visit(ids=VisitIds(visitor, session, page)).create_session(BODY)
    for request, operation in zip(running_sandbox.requests, ("updateSession", "continueSession"), strict=True):
        assert request.operation_id == operation
        assert re.fullmatch(r"/api/account/demo/app/engagement/visitors/[^/?#\\\s]+", request.path)
        assert request.query == {"v": "1.0", "sid": session}
        assert (request.account_id, request.visitor_id, request.session_id) == ("demo", visitor, session)
    assert running_sandbox.requests[0].body == {"pageId": page}


@examples(2)
@given(any_backend, BREAKOUTS | st.from_regex(r"[a-zA-Z0-9_]{1,21}\n?", fullmatch=True), BREAKOUTS)
def test_an_account_id_is_one_segment_or_refused(
    connect: Connect, running_sandbox: Sandbox, backend: str, account: str, key: str
) -> None:
    """Whatever the key is: that never leaves this process."""
    options: Any = {"account_id": account, "base_url": None, "domain_api": running_sandbox.url}
    client = connect(backend)
    if not judge("AccountId").allows(account):
        with pytest.raises(errors.InvalidRequest) as raised:
            client.with_options(**options)
        assert raised.value.path == "account_id"
        return
    assume(key)
    client.with_options(**options).visit(key).create_session(BODY)
    *lookup, path = [request.path for request in running_sandbox.requests]
    assert path == f"/api/account/{account}/app/engagement/visitors/"
    assert lookup in ([], [f"/api/account/{account}/service/msdkgw/baseURI.json"])


NOT_AVAILABLE = json.dumps({"status": "NotAvailable", **IDS}).encode()
HEADERS = ((b"Server", b"caf\xe9 \xff"), (b"Retry-After", b"\xd9\xa3"), (b"Set-Cookie", b"a=\xc3\xa9"))
FOUND = [
    Answer(200, b'{"status": "NotAvailable", "later": "\\ud800"}'),
    Answer(200, NOT_AVAILABLE.replace(SESSION.encode(), b"\\ud800")),
    Answer(200, NOT_AVAILABLE.replace(VISITOR.encode(), b"v" * 70_000)),
    Answer(200, NOT_AVAILABLE, HEADERS),
    Answer(503, b"<html>", HEADERS),
    Answer(404, b"no gzip", (*HEADERS, (b"Content-Encoding", b"gzip"))),
    Answer(400, b'{"internalCode": ' + b"7" * 4000 + b"}"),
    Answer(500, b'{"internalCode": 20, "message": "vid: ' + b"v" * 70_000 + b'"}'),
    Answer(200, b'{"a\\nb\\u001b[31m": 1e999, "status": "Available"}'),
]
"""Answers that brought errors out of the tree, or lines of thousands of characters, on some transport."""


REMEMBERED: dict[str, Record | None] = {
    "nothing": None,
    "visitor": Record(VisitIds(VISITOR)),
    "session": Record(VisitIds(VISITOR, SESSION, PAGE)),
    "engagement": Record(VisitIds(VISITOR, SESSION, PAGE), next(json.dumps(each) for _, each in SESSIONS)),
}


@pytest.fixture(scope="module")
def players() -> Iterator[dict[str, Player]]:
    """Connect a client of each backend to a service that answers as it is told."""
    with FaultyService() as service, ExitStack() as stack:
        yield {name: Player(Backend(name, stack), service) for name in BACKENDS}


@examples()
@given(any_backend, cases())
def test_nothing_undocumented_comes_of_any_answer(players: dict[str, Player], backend: str, case: Any) -> None:
    """Errors of the tree or good results only; no visitor that an answer names, or that is remembered, is lost."""
    call, known, answers = case
    judge_case(players[backend], call, REMEMBERED[known], answers)


@pytest.mark.parametrize("name", BACKENDS)
def test_what_was_found_once_stays_mended(players: dict[str, Player], name: str) -> None:
    """Whatever is remembered."""
    for answer, known in itertools.product(FOUND, REMEMBERED.values()):
        judge_case(players[name], "create_session", known, [answer])


def each(text: str, form: str) -> str:
    """Write each character as an escape of its number."""
    return "".join(form.format(ord(character)) for character in text)


def units(text: str, form: str) -> str:
    """Write each 16 bits of a text as an escape."""
    pairs = text.encode("utf-16-be")
    return "".join(form.format(pairs[at] * 256 + pairs[at + 1]) for at in range(0, len(pairs), 2))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "url": lambda text: quote(text, safe=""),
    "path": quote,
    "all of a url": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "form": quote_plus,
    "html": html.escape,
    "decimal": lambda text: each(text, "&#{};"),
    "hex": lambda text: each(text, "&#x{:x};"),
    "HEX": lambda text: each(text, "&#X{:04X};"),
    "json": lambda text: json.dumps(text)[1:-1],
    "json with slashes": lambda text: json.dumps(text, ensure_ascii=False)[1:-1].replace("/", "\\/"),
    "all of json": lambda text: units(text, "\\u{:04x}"),
    "ALL OF JSON": lambda text: units(text, "\\u{:04X}"),
}
"""How a server may spell what it was sent."""
VISIT = VisitIds("Vid-0c9f/\u00fc", "Sid-77d1?&=", "Pid-4e1a")
KEY = "key of Sarah West"
SECRET = (
    "Secret0x",
    '"Secret1x"',
    "Secret2x \\ Secret2x",
    "Secret3xé中",
    "<Secret4x>&",
    "Secret5x\nSecret5x",
    "\u2028Secret6x",
)
PERSONAL: Any = {"type": "personal", "personal": {"firstname": "Secret7x"}}


ANSWERED = {
    errors.BadRequest: (400, 1),
    errors.NotFound: (404, 1),
    errors.ServerError: (503, 4),
    errors.AccountLoading: (500, 4),
    errors.DeadlineExceeded: (503, 1),
}
"""Status and times of what ends in an error."""
UNANSWERED = (errors.ConnectionFailed, errors.InvalidResponse, errors.InvalidRequest, errors.StoreError)
KINDS: list[type[errors.EngagementError]] = [*ANSWERED, *UNANSWERED, errors.DomainLookupFailed]


def fail(kind: type[errors.EngagementError], client: EngagementClient, sandbox: Sandbox, said: str) -> None:
    """Make a call that ends in an error; the service repeats what it is told, as it should not."""
    options: Any = {}
    body: Any = {"appType": "EXTERNAL", "consumerSections": SECRET, "engagementAttributes": [PERSONAL]}
    if kind in ANSWERED:
        status, times = ANSWERED[kind]
        code = 20 if kind is errors.AccountLoading else 5
        message = f"Loading account: demo, vid: {VISIT.visitor_id}, {said}"
        sandbox.fail_next(status, times=times, body=json.dumps({"time": 1, "internalCode": code, "message": message}))
    elif kind is errors.ConnectionFailed:
        sandbox.drop_connection(when="after", times=4)
    elif kind is errors.InvalidResponse:
        sandbox.answer_next(body=json.dumps({"status": said, "visitorId": [said]}))
    elif kind is errors.InvalidRequest:
        body["appType"] = {said}
    elif kind is errors.StoreError:
        options = {"store": SQLiteStore(Path("/nowhere/at/all.db"))}
    else:
        sandbox.fail_next(400, body=json.dumps({"message": "no"}), operation="findDomain")
        options = {"base_url": None, "domain_api": sandbox.url}
    visit = client.with_options(**options).visit(KEY, ids=VISIT)
    visit.create_session(body, deadline=4.9 if kind is errors.DeadlineExceeded else None)


@pytest.mark.backends
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_was_sent_is_printed_anywhere(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, kind: type[errors.EngagementError]
) -> None:
    """Neither by an error, nor by what caused it, nor by any log line, nor by any object of the package."""
    events: list[RetryEvent] = []
    client = backend.client(base_url=sandbox.url, on_retry=events.append)
    private = [VISIT.visitor_id, VISIT.session_id or "", *SECRET]
    spellings = itertools.islice(itertools.cycle(SPELLINGS.values()), KINDS.index(kind), None)
    said = " | ".join(spell(text) for text, spell in zip(private, spellings, strict=False))
    with caplog.at_level(logging.DEBUG), pytest.raises(errors.EngagementError) as raised:
        fail(kind, client, sandbox, said)
    error = raised.value
    assert type(error) is kind
    assert str(error).isprintable()
    assert caplog.records or kind in {errors.InvalidRequest, errors.StoreError}
    things = [client, client.visit(KEY), VISIT, sandbox, *sandbox.visitors, *sandbox.requests]
    things += [error, client.store, *events, *(event.error for event in events)]
    lines = [text for thing in things for text in (repr(thing), str(thing), f"{thing}")]
    lines += ["".join(traceback.format_exception(error)), *map(logging.Formatter().format, caplog.records)]
    texts = [*private, *(f"Secret{number}x" for number in range(8)), KEY]
    spelled = {spell(text) for text in texts for spell in SPELLINGS.values()}
    for line in lines:
        assert not [text for text in spelled if text and text in line], line


SECRETS = st.text(st.sampled_from("abzAZ059/=+ \n-_.~%&;#\\\"'<>é€😀"), min_size=6, max_size=40).filter(
    lambda text: len({*text}) > 3 and text == text.strip()
)


@examples(10)
@given(SECRETS, st.lists(st.sampled_from(sorted(SPELLINGS)), min_size=1, max_size=2))
def test_an_id_is_redacted_in_every_spelling(secret: str, spell: list[str]) -> None:
    """Escaped as in a URL, a form, HTML or JSON, and each of these within another."""
    spelled = secret
    for name in spell:
        spelled = SPELLINGS[name](spelled)
    shown = redact_ids(f"at {secret}, at /visitors/{spelled}?", [secret, ""])
    assert re.fullmatch(r"at …, at /visitors/\\*…(\\|[a-z#0-9]{1,6};)*\?", shown)  # a part of an escape may be left


KEYS: tuple[str, ...] = (" ", "\u043a\u043b\u044e\u0447'; DROP TABLE visits; --\n\x00/:")
BODIES: tuple[Any, ...] = (BODY, {"appType": "MSDK", "consumerSections": ["Support"]})
GARBAGE = b'{"status": "Available"'
Failures = list[Callable[[Sandbox], object]]
FAILURES: Failures = [
    *(partial(Sandbox.fail_next, status=status) for status in (302, 400, 401, 404, 429, 503)),
    partial(Sandbox.drop_connection, when="before"),
    partial(Sandbox.drop_connection, when="during"),
    partial(Sandbox.drop_connection, when="after"),
    partial(Sandbox.answer_next, body=GARBAGE),
    Sandbox.html_error,
    *[Sandbox.loading_account] * 2,
]


@dataclass(frozen=True)
class Known:
    """What a client should remember for a key, by the rules of README.md."""

    ids: VisitIds | None = None
    offered: VisitIds | None = None
    """The ids of the answer whose engagement may still be reported."""
    answered: str | None = None
    """The body that this engagement still answers."""

    def after(self, request: SandboxRequest, body: Any) -> "Known":
        """Return what should be known after a request for a session was answered."""
        try:
            answer = json.loads(request.response_body)
        except ValueError:
            return self
        if request.status != 200:
            named = re.search(r"^Loading account.* vid: (\S+)$", answer["message"])
            return Known(VisitIds(named[1])) if named and not (self.ids and self.ids.visitor_id == named[1]) else self
        ids = VisitIds(answer["visitorId"], answer["sessionId"], answer["pageId"])
        if answer["status"] == "Available":
            lasting = answer["engagementDetails"]["validForSeconds"] > 0
            return Known(ids, ids, json.dumps(body) if lasting else None)
        return Known(ids, self.offered if self.ids and self.ids.session_id == ids.session_id else None)


class Visits(RuleBasedStateMachine):
    """Calls of two keys and mishaps in any order: each request names what is known by then, and nothing else."""

    def __init__(self, sandbox: Sandbox, client: EngagementClient, store: Callable[[bool], Any]) -> None:
        super().__init__()
        sandbox.reset()
        self.sandbox, self.store = sandbox, store
        self.known = dict.fromkeys(KEYS, Known())
        self.given_out: list[VisitIds] = []
        self.connect(client, fresh=True)

    def connect(self, client: EngagementClient, *, fresh: bool) -> None:
        """Go on with a client that knows no more than its store."""
        self.client = client.with_options(store=self.store(fresh))
        self.visits = {key: self.client.visit(key) for key in KEYS}

    @rule(
        key=st.sampled_from(KEYS),
        call=st.sampled_from([*ASKS, "update_session", "report_impressions"]),
        body=st.sampled_from(BODIES),
        failures=st.just(Failures()) | st.lists(st.sampled_from(FAILURES), max_size=4),
        hurried=st.sampled_from([False, False, False, True]),
    )
    def call(self, key: str, call: str, body: Any, failures: Failures, *, hurried: bool) -> None:
        """Make a call; a hurried one has no time for a pause."""
        known, visit, before = self.known[key], self.visits[key], len(self.sandbox.requests)
        if not self.sandbox.unused_instructions:
            for plan in failures:
                plan(self.sandbox)
        result: Any
        try:
            argument: Any = body if call in ASKS else {} if call == "update_session" else "impDisplay"
            result = getattr(visit, call)(argument, deadline=4.9 if hurried else None)
        except errors.EngagementError as error:
            result = error
        sent = self.sandbox.requests[before:]
        started = known.ids is not None and known.ids.session_id is not None
        if call == "engagement" and known.answered == json.dumps(body):
            assert (known.offered, sent) == (ids_of(result), ())
        elif (call == "update_session" and not started) or (call == "report_impressions" and known.offered is None):
            assert (type(result), sent) == (errors.InvalidRequest, ())
        else:
            for request in sent:
                known = self.check(known, call, body, request)
            assert all(each.status in {None, 500, 503} for each in sent[:-1])
            assert ("createSession", None) not in [(each.operation_id, each.status) for each in sent[:-1]]
            good = sent[-1].status == 200 and sent[-1].response_body != GARBAGE
            assert good != isinstance(result, errors.EngagementError), result
            if good and call in ASKS:
                assert ids_of(result) == known.ids
                self.given_out.append(ids_of(result))
            halved = known.ids is not None and known.ids.session_id is None
            if isinstance(result, errors.NotFound) or (isinstance(result, errors.BadRequest) and halved):
                known = Known()
        self.known[key] = known
        assert visit.ids == known.ids

    def check(self, known: Known, call: str, body: Any, request: SandboxRequest) -> Known:
        """Compare what a request names with what is known before it; return what is known after it."""
        ids = (known.ids.visitor_id, known.ids.session_id) if known.ids else (None, None)
        assert (request.visitor_id, request.session_id) == ids
        if call in ASKS:
            assert request.operation_id == ("continueSession" if known.ids else "createSession")
            return known.after(request, body)
        meant = known.offered if call == "report_impressions" else known.ids
        assert (request.operation_id, request.body["pageId"]) == ("updateSession", meant and meant.page_id)
        return known

    @rule(key=st.sampled_from(KEYS), chance=st.randoms(use_true_random=False), event=st.integers(0, 6))
    def happens(self, key: str, chance: Random, event: int) -> None:
        """Let something happen between two calls: one rule, so that calls are more frequent."""
        if event == 0:  # the caller forgets a visit
            self.visits[key].forget()
            self.known[key] = Known()
        elif event == 1 and self.given_out:  # a visit is taken up by ids that were given out, to this key or another
            ids = chance.choice(self.given_out)
            self.visits[key], self.known[key] = self.client.visit(key, ids=ids), Known(ids)
            assert self.visits[key].ids == ids
            self.call(key, "update_session", None, [], hurried=False)
        elif event == 2:
            self.visits[key] = self.client.visit(key)
        elif event == 3:  # the client starts again: what was in a file is still known
            self.connect(self.client, fresh=False)
            if isinstance(self.client.store, MemoryStore):
                self.known = dict.fromkeys(KEYS, Known())
        elif event == 4:
            self.sandbox.expire_sessions()
        elif event == 5:
            self.sandbox.forget_visitors()
        else:
            chance.choice([self.sandbox.available, self.sandbox.available, self.sandbox.not_available])()
            self.sandbox.valid_for_seconds = chance.choice([None, None, 0])


def ids_of(session: Any) -> VisitIds:
    """Return the ids that an answer names."""
    return VisitIds(session.visitor_id, session.session_id, session.page_id)


@pytest.mark.backends("sync", "async")
@pytest.mark.parametrize("kept", ["memory", "file"])
def test_calls_name_the_ids_that_the_rules_say(backend: Backend, sandbox: Sandbox, tmp_path: Path, kept: str) -> None:
    """Whatever happens between them: no visitor is made that the rules do not make, and none is lost."""
    files: list[Path] = []

    def store(fresh: bool) -> Any:
        if fresh:
            files.append(tmp_path / f"visits-{len(files)}.db")
        return MemoryStore() if kept == "memory" else backend.store(SQLiteStore(files[-1]))

    client = backend.client(base_url=sandbox.url)
    machine: Any = lambda: Visits(sandbox, client, store)  # noqa: E731 - anything that makes a machine will do
    run_state_machine_as_test(machine, settings=settings(examples(0.5), stateful_step_count=30))


CALLS: dict[str, list[Any]] = {
    "create_session": [BODY],
    "engagement": [BODY],
    "update_session": [{"engagementAttributes": []}],
    "report_impressions": ["impDisplay"],
    "forget": [],
}
DAMAGE = st.sampled_from(
    [..., "", ".", "..", "\ud800", "x" * 2001, "a/b", "[" * 10_000, float("inf"), float("nan"), 10**40]
)


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """Change no, one or two places; but a newer version's record is not damaged."""
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.sampled_from([place for place, _ in places(value) if place not in ((), ("v",))]))
        value = replaced(value, place, draw(DAMAGE | ANYTHING))
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
    [[text]] = execute(path, "SELECT record FROM visits WHERE key = ?", b"demo:shopper")
    store.compare_and_set("!outage:demo", None, Record(VisitIds("any")))
    record = json.loads(text)
    record["engagement"] = json.dumps(data.draw(damaged(json.loads(record["engagement"]))))
    text = json.dumps(data.draw(damaged(record)))
    execute(path, "UPDATE visits SET record = ?", text.encode(errors="surrogatepass"))
    before = len(sandbox.requests)
    with suppress(errors.EngagementError):
        getattr(visit, call)(*CALLS[call])
    for request in sandbox.requests[before:]:
        assert request.visitor_id is None or judge("VisitorId").allows(request.visitor_id)
        assert request.session_id is None or judge("SessionId").allows(request.session_id)
    with suppress(errors.EngagementError):  # ids that fit, but name nobody, are forgotten with a 404
        visit.create_session(BODY)
    session = visit.create_session(BODY)
    assert visit.create_session(BODY).visitor_id == session.visitor_id
