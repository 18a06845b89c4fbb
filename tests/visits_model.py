"""A small model of visits: the rules of README.md, and none of the wrapper's code; new ids are only names in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from liveperson_engagement import (
    AccountLoading,
    ApiError,
    BadRequest,
    ConnectionFailed,
    DeadlineExceeded,
    InvalidResponse,
    NotFound,
    ServerError,
    Unauthorized,
    VisitIds,
)
from liveperson_engagement.sandbox import Sandbox

LAST = 4
"""The attempt that no other one follows."""
FAILURES: dict[str, tuple[type[Exception], Callable[[Sandbox], object]]] = {
    "503": (ServerError, lambda sandbox: sandbox.fail_next(503)),
    "520": (ServerError, lambda sandbox: sandbox.html_error(520)),
    "loading": (AccountLoading, lambda sandbox: sandbox.loading_account()),
    "unheard": (ConnectionFailed, lambda sandbox: sandbox.drop_connection(when="before")),
    "unanswered": (ConnectionFailed, lambda sandbox: sandbox.drop_connection(when="after")),
    "half": (ConnectionFailed, lambda sandbox: sandbox.drop_connection(when="during")),
    "garbage": (InvalidResponse, lambda sandbox: sandbox.answer_next(body=b'{"status": "Available"')),
    "302": (ApiError, lambda sandbox: sandbox.fail_next(302)),
    "400": (BadRequest, lambda sandbox: sandbox.fail_next(400)),
    "401": (Unauthorized, lambda sandbox: sandbox.fail_next(401)),
    "404": (NotFound, lambda sandbox: sandbox.fail_next(404)),
    "429": (ApiError, lambda sandbox: sandbox.fail_next(429)),
}
"""What an attempt ends with, and how the sandbox is told so."""


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
    """What should happen in a call: requests, visitors that they make, and how it ends."""

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

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"new {kind} {self._names}"

    def new_visitor(self, script: Script) -> str:
        """Put a visitor on the list."""
        visitor = self._name("visitor")
        self.visitors[visitor] = {}
        script.made.append(visitor)
        return visitor

    def serve(self, operation: str, visitor: str, session: str | None) -> tuple[str, str] | type[ApiError]:
        """Serve a request: return visitor and session, or the error."""
        sessions = self.visitors.get(visitor)
        going_on = bool(session and sessions and sessions.get(session))
        if sessions is None or (operation == "updateSession" and not going_on):
            return NotFound
        if session is None and sessions:
            return BadRequest
        if session is None or not going_on:
            session = self._name("session")
            sessions[session] = True
        return visitor, session

    def rename(self, names: dict[str, str]) -> None:
        """Put ids in place of names."""
        self.visitors = {
            names.get(visitor, visitor): {names.get(session, session): on for session, on in sessions.items()}
            for visitor, sessions in self.visitors.items()
        }


def foresee(service: Service, known: Known, call: str, failures: list[str], *, hurried: bool) -> Script:
    """Say what a call that sends something does, attempt by attempt; a hurried one has no time for a pause."""
    script = Script(known)
    ids = known.ids
    for attempt in range(1, LAST + 1):
        ids = script.known.ids
        failure = failures[attempt - 1] if attempt <= len(failures) else None
        script.used += failure is not None
        operation = "updateSession" if call in {"update", "report"} else "continueSession" if ids else "createSession"
        script.requests.append((operation, ids.visitor_id if ids else None, ids.session_id if ids else None))
        outcome = _attempt(service, script, operation, failure)
        lost = outcome is ConnectionFailed
        script.end = outcome
        if outcome is None or not (lost or issubclass(outcome, ServerError)) or (lost and operation == "createSession"):
            break
        if attempt < LAST and hurried:
            script.end = DeadlineExceeded
            break
    if script.end is NotFound or (script.end is BadRequest and ids and ids.session_id is None):
        script.known = Known()
    return script


def _attempt(service: Service, script: Script, operation: str, failure: str | None) -> type[Exception] | None:
    """Let one request happen; return what it fails with."""
    ids = script.known.ids
    if failure == "loading" and ids is None:
        script.known = Known(VisitIds(service.new_visitor(script)))
    if failure and failure not in {"unanswered", "half"}:
        return FAILURES[failure][0]
    visitor, session = (ids.visitor_id, ids.session_id) if ids else (service.new_visitor(script), None)
    served = service.serve(operation, visitor, session)
    if failure == "unanswered" or (failure == "half" and isinstance(served, tuple)):
        return ConnectionFailed
    if isinstance(served, tuple):
        script.session = served
        return None
    return served
