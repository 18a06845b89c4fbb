"""Properties of errors: they survive pickle and copy, whatever they hold, and print nothing that is private."""

from __future__ import annotations

import copy
import html
import inspect
import itertools
import json
import logging
import pickle
import re
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Backend
from liveperson_engagement import (
    AccountLoading,
    ApiError,
    BadRequest,
    ConnectionFailed,
    DeadlineExceeded,
    DomainLookupFailed,
    EngagementClient,
    EngagementError,
    InvalidRequest,
    InvalidResponse,
    NotFound,
    RetryEvent,
    ServerError,
    SQLiteStore,
    StoreError,
    Unauthorized,
    Visit,
    VisitIds,
)
from liveperson_engagement._redaction import redact_ids
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api.http import Headers, Response
from strategies import Json, Place, allowed, examples, judge, places, replaced

# --- Pickle and copy -------------------------------------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(), max_size=20)
"""Lone surrogates included."""
BYTES = st.binary(max_size=40)
RESPONSES = st.builds(
    Response,
    st.integers(min_value=100, max_value=999),
    headers=st.lists(st.tuples(st.sampled_from(["Retry-After", "X", "Set-Cookie"]), ANY_TEXT), max_size=3).map(Headers),
    body=BYTES,
)
CONTENTS: dict[str, Any] = {
    "path": ANY_TEXT,
    "reason": ANY_TEXT,
    "line": ANY_TEXT,
    "internal_code": st.none() | st.integers(),
    "message": st.none() | ANY_TEXT,
    "response": RESPONSES,
    "may_have_arrived": st.booleans(),
    "permanent": st.booleans(),
    "args": st.tuples(ANY_TEXT),
}
"""What the errors' constructors take, by the names of their parameters."""


def kinds_of(kind: type[EngagementError]) -> Iterator[type[EngagementError]]:
    """List a class and all below it that the package has."""
    yield kind
    for below in kind.__subclasses__():
        yield from kinds_of(below)


def build(kind: type[EngagementError]) -> Any:
    """Make errors of a class."""
    taken = inspect.signature(kind.__init__).parameters.values()
    parameters = [each for each in taken if each.name in CONTENTS and each.kind is not each.VAR_POSITIONAL]
    positional = st.tuples(*[CONTENTS[each.name] for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD])
    if kind.__init__ is Exception.__init__:
        positional = CONTENTS["args"]
    named = st.fixed_dictionaries(
        {each.name: CONTENTS[each.name] for each in parameters if each.kind is each.KEYWORD_ONLY}
    )

    def make(values: tuple[Any, ...], options: dict[str, Any]) -> EngagementError:
        return cast(Callable[..., EngagementError], kind)(*values, **options)

    return st.builds(make, positional, named)


KINDS = sorted(
    {kind for kind in kinds_of(EngagementError) if kind.__module__.startswith("liveperson_")},
    key=lambda kind: kind.__name__,
)


def pickled(error: EngagementError) -> EngagementError:
    """Send an error through pickle, as it was and as it is now."""
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        error = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301
    return error


@examples(3)
@given(
    error=st.sampled_from(KINDS).flatmap(build),
    attempts=st.integers(min_value=0, max_value=4),
    cause=st.none() | st.just(ValueError("why")) | st.sampled_from(KINDS).flatmap(build),
    clone=st.sampled_from([copy.copy, copy.deepcopy, pickled]),
)
def test_every_error_survives_pickle_and_copy_with_all_that_it_says(
    error: EngagementError, attempts: int, cause: Exception | None, clone: Callable[[EngagementError], EngagementError]
) -> None:
    """Whatever texts and answers it holds, and whatever caused it."""
    if attempts:
        error.attempts = attempts
    error.add_note("a note")
    error.__cause__ = cause
    again = clone(error)
    assert type(again) is type(error)
    assert (str(again), again.args, again.attempts) == (str(error), error.args, error.attempts)
    assert vars(again).keys() == vars(error).keys()
    for name, value in vars(error).items():
        assert getattr(again, name) == value
    if isinstance(error, ApiError):
        assert isinstance(again, ApiError)
        assert again.body == error.body


# --- How a server may spell what it was sent --------------------------------------------------------------------------


def lower_percent(text: str) -> str:
    """Percent-encode everything, in lower-case digits."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


def entities(text: str, form: str) -> str:
    """Write each character as an HTML entity, by its number."""
    return "".join(form.format(ord(each)) for each in text)


def json_units(text: str, form: str) -> str:
    """Write each character as JSON escapes."""
    units = text.encode("utf-16-be")
    return "".join(form.format(units[at] * 256 + units[at + 1]) for at in range(0, len(units), 2))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "url": lambda text: quote(text, safe=""),
    "path": quote,
    "all of a url": lower_percent,
    "form": quote_plus,
    "html": html.escape,
    "decimal": lambda text: entities(text, "&#{};"),
    "hex": lambda text: entities(text, "&#x{:x};"),
    "HEX": lambda text: entities(text, "&#X{:04X};"),
    "json": lambda text: json.dumps(text)[1:-1],
    "json with slashes": lambda text: json.dumps(text, ensure_ascii=False)[1:-1].replace("/", "\\/"),
    "all of json": lambda text: json_units(text, "\\u{:04x}"),
    "ALL OF JSON": lambda text: json_units(text, "\\u{:04X}"),
}


# --- Nothing private is printed --------------------------------------------------------------------------------------

VISIT = VisitIds("Vid-0c9f/\u00fc", "Sid-77d1?&=", "Pid-4e1a")
REPEATED = VisitIds("Vid-5a5a", "Sid-6b6b")
KEY = "key of Sarah West"
DECORATED = ("{}", '"{}"', "{} \\ {}", "{}\u00e9\u4e2d", "<{}>&", "{}\n{}", "\u2028{}")


def with_secrets(body: Json, decorations: list[str]) -> tuple[Json, list[str]]:
    """Put a text that can be found again wherever the contract takes any; return them as well."""
    secrets: list[str] = []
    for number, (place, part) in enumerate(list(places(body))):
        secret = decorations[number % len(decorations)].replace("{}", f"Secret{number}x")
        if isinstance(part, str) and judge("CreateSessionBody").allows(changed := replaced(body, place, secret)):
            body = changed
            secrets.append(secret)
    return body, secrets


@dataclass
class Printed:
    """All that could end up in a log."""

    lines: list[str] = field(default_factory=list[str])
    error: EngagementError | None = None

    def attempt(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        """Make a call that fails, and keep what its error says, alone and with all that caused it."""
        try:
            call(*arguments, **options)
        except EngagementError as error:
            self.error = error
            self.lines += [str(error), repr(error), "".join(traceback.format_exception(error))]

    def look(self, *things: object) -> None:
        """Keep what things print."""
        self.lines += [text for each in things for text in (repr(each), str(each), f"{each}")]


def said(secrets: list[str]) -> str:
    """Repeat all that the service was told, as a service should not, each in another spelling."""
    spellings = itertools.cycle(SPELLINGS.values())
    return " | ".join([spell(text) for text, spell in zip([*ids_and(secrets), *secrets], spellings, strict=False)])


def ids_and(secrets: list[str]) -> list[str]:
    """Return all that must not be printed."""
    return [VISIT.visitor_id, VISIT.session_id or "", *secrets]


def echo(sandbox: Sandbox, secrets: list[str], status: int, times: int = 1, code: int = 5, start: str = "") -> None:
    """Answer with an error that repeats what was sent."""
    entity = {"time": 1, "internalCode": code, "message": start + said(secrets)}
    sandbox.fail_next(status, times=times, body=json.dumps(entity))


@dataclass
class Stage:
    """What a failure is made with."""

    sandbox: Sandbox
    backend: Backend
    client: EngagementClient
    visit: Visit
    body: Json
    secrets: list[str]
    printed: Printed


def _answered(status: int, times: int = 1, **more: Any) -> Callable[[Stage], None]:
    def fail(stage: Stage) -> None:
        echo(stage.sandbox, stage.secrets, status, times, **more)
        stage.printed.attempt(stage.visit.create_session, stage.body)

    return fail


def _dropped(stage: Stage) -> None:
    stage.sandbox.drop_connection(when="after", times=4)
    stage.printed.attempt(stage.visit.create_session, stage.body)


def _late(stage: Stage) -> None:
    echo(stage.sandbox, stage.secrets, 503)
    stage.printed.attempt(stage.visit.create_session, stage.body, deadline=4.9)


def _garbage(stage: Stage) -> None:
    stage.sandbox.answer_next(body=json.dumps({"status": said(stage.secrets), "visitorId": stage.secrets}))
    stage.printed.attempt(stage.visit.create_session, stage.body)


def _wrong(stage: Stage) -> None:
    texts: list[tuple[Place, Any]] = [(place, part) for place, part in places(stage.body) if isinstance(part, str)]
    wrong = replaced(stage.body, texts[len(stage.secrets) % len(texts)][0], {said(stage.secrets)})
    stage.printed.attempt(stage.visit.create_session, wrong)
    stage.printed.attempt(stage.visit.create_session, {**stage.body, "appType": said(stage.secrets)})


def _store(stage: Stage) -> None:
    store: Any = stage.backend.store(SQLiteStore(Path("/nowhere/at/all.db")))
    stage.printed.attempt(stage.client.with_options(store=store).visit(KEY).create_session, stage.body)


def _domain(stage: Stage) -> None:
    stage.sandbox.fail_next(400, body=json.dumps({"message": "no"}), operation="findDomain")
    other = stage.client.with_options(base_url=None, domain_api=stage.sandbox.url)
    stage.printed.attempt(other.visit(KEY, ids=VISIT).create_session, stage.body)


FAILURES: dict[type[EngagementError], Callable[[Stage], None]] = {
    BadRequest: _answered(400),
    Unauthorized: _answered(401),
    NotFound: _answered(404),
    ApiError: _answered(429),
    ServerError: _answered(503, 4),
    AccountLoading: _answered(500, 4, code=20, start=f"Loading account: demo, vid: {VISIT.visitor_id}, "),
    ConnectionFailed: _dropped,
    DeadlineExceeded: _late,
    InvalidResponse: _garbage,
    InvalidRequest: _wrong,
    StoreError: _store,
    DomainLookupFailed: _domain,
}
BACKENDS = ("sync", "async", "sync fast", "async fast")


@pytest.fixture(scope="module")
def backends(running_sandbox: Sandbox) -> Iterator[dict[str, tuple[Backend, EngagementClient, list[RetryEvent]]]]:
    """Connect a client of each backend, whose retries are noted."""
    with ExitStack() as stack:
        made: dict[str, tuple[Backend, EngagementClient, list[RetryEvent]]] = {}
        for name in BACKENDS:
            backend, events = Backend(name, stack), list[RetryEvent]()
            client = backend.client(base_url=running_sandbox.url, on_retry=events.append)
            made[name] = backend, client, events
        yield made


@examples(1.5)
@given(
    name=st.sampled_from(BACKENDS),
    kind=st.sampled_from(sorted(FAILURES, key=lambda kind: kind.__name__)),
    body=allowed("CreateSessionBody"),
    decorations=st.lists(st.sampled_from(DECORATED), min_size=1, max_size=4),
)
def test_nothing_that_was_sent_is_printed_anywhere(
    backends: dict[str, tuple[Backend, EngagementClient, list[RetryEvent]]],
    running_sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    name: str,
    kind: type[EngagementError],
    body: Json,
    decorations: list[str],
) -> None:
    """Neither by an error, nor by what caused it, nor by any log line, nor by any object of the package."""
    running_sandbox.reset()
    caplog.clear()
    backend, client, events = backends[name]
    events.clear()
    body, secrets = with_secrets({**body, "consumerSections": ["x", *body.get("consumerSections", ())]}, decorations)
    printed = Printed()
    with caplog.at_level(logging.DEBUG):
        visit = client.visit(KEY, ids=VISIT)
        FAILURES[kind](Stage(running_sandbox, backend, client, visit, body, secrets, printed))
        printed.look(client, visit, visit.ids, running_sandbox, *running_sandbox.visitors, *running_sandbox.requests)
        printed.look(*events, *(event.error for event in events), client.store)
    assert type(printed.error) is kind
    assert secrets
    assert caplog.records or kind in {InvalidRequest, StoreError}
    printed.lines += [logging.Formatter().format(record) for record in caplog.records]
    names = re.findall(r"Secret\d+x", " ".join(secrets))
    private = [spell(text) for text in [*ids_and(secrets), *names, KEY] for spell in SPELLINGS.values()]
    for line in printed.lines:
        assert not [each for each in private if each and each in line], line
    assert str(printed.error).isprintable()


@examples(0.3)
@given(name=st.sampled_from(BACKENDS), number=st.integers(min_value=1000) | st.floats(min_value=1000, max_value=1e15))
def test_no_number_that_was_sent_is_printed(
    backends: dict[str, tuple[Backend, EngagementClient, list[RetryEvent]]],
    running_sandbox: Sandbox,
    name: str,
    number: float,
) -> None:
    """A balance is as personal as a name."""
    running_sandbox.reset()
    body: Any = {"appType": "EXTERNAL", "engagementAttributes": [{"type": "ctmrinfo", "info": {"balance": number}}]}
    message = f"a balance of {json.dumps(number)} is wrong"
    running_sandbox.fail_next(400, body=json.dumps({"time": 1, "internalCode": 5, "message": message}))
    with pytest.raises(BadRequest) as raised:
        backends[name][1].visit().create_session(body)
    assert json.dumps(number) not in str(raised.value)


def test_nothing_that_was_sent_is_printed_where_the_other_side_repeats_it_instead_of_http(backend: Backend) -> None:
    """A server that sends back what it gets, which is no answer."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def repeat() -> None:
            connection, _ = server.accept()
            with closing(connection):
                connection.sendall(connection.recv(65536))

        thread = threading.Thread(target=repeat)
        thread.start()
        client = backend.client(base_url=f"http://127.0.0.1:{server.getsockname()[1]}", deadline=4.9)
        with pytest.raises((ConnectionFailed, DeadlineExceeded)) as raised:
            client.visit(ids=REPEATED).create_session({"appType": "EXTERNAL"})
        thread.join()
    text = "".join(traceback.format_exception(raised.value))
    assert "ConnectionFailed" in text
    assert [each for each in (REPEATED.visitor_id, REPEATED.session_id or "") if each in text] == []


# --- Redaction --------------------------------------------------------------------------------------------------------


IDS = st.text(st.sampled_from("abzAZ059/=+ \n-_.~%&;#\\\"'<>é€😀"), min_size=6, max_size=40).filter(
    lambda text: len({*text}) > 3 and text == text.strip()
)


@given(secret=IDS, spell=st.lists(st.sampled_from(sorted(SPELLINGS)), min_size=1, max_size=2))
@examples(10)
def test_an_id_is_redacted_in_every_spelling(secret: str, spell: list[str]) -> None:
    """Escaped as in a URL, a form, HTML or JSON, and each of these within another."""
    written = secret
    for name in spell:
        written = SPELLINGS[name](written)
    shown = redact_ids(f"at {secret}, at /visitors/{written}?", [secret, ""])
    assert re.fullmatch(r"at …, at /visitors/\\*…(\\|[a-z#0-9]{1,6};)*\?", shown)  # a part of an escape may be left
