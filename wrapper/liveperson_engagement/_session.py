"""The calls of a visit, each as one flow: create, continue, update, report.

A visit that is not known yet is started once, however many callers ask at the same time; the ids of each answer go out
with the next request.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ._call import Answer, Attempt, Call, CallSettings
from ._contract import contract, resolve_expressions
from ._domain import DomainResolver
from ._json import SchemaViolation, decode_text, is_object
from ._locking import key_lock
from ._state import SessionState, cached_session, last_engagement
from ._steps import Flow, LockLost, Renewal, Store
from .errors import AccountLoading, BadRequest, EngagementError, InvalidRequest, NotFound
from .retry import RetryPolicy
from .stores import Record, Remembered, VisitIds

if TYPE_CHECKING:
    from liveperson_engagement_api import models

    from .outage import OutageGuard

Session: TypeAlias = "models.AvailableSession | models.NotAvailableSession"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Account:
    """What all visits of a client share."""

    id: str
    domain: DomainResolver
    store: Store
    calls: CallSettings
    outage_guard: OutageGuard | None


class VisitSession:
    """One visitor's session with the service."""

    def __init__(self, account: Account, state: SessionState) -> None:
        self._account, self.state = account, state

    def create(self, body: Any, deadline: float | None, *, reuse: bool) -> Flow[Session]:
        """Create or continue the session; with `reuse`, return the valid answer that an equal body has got."""
        call, state = Call(self._account.calls, deadline), self.state
        content = _encode_body("createSession", _to_json(body))
        body_hash: str = _blake2b()(content, digest_size=32).hexdigest()
        before = yield from state.load()
        if reuse and (session := cached_session(before, body_hash)):
            return session
        yield from self._account.domain.resolve(call)

        def ask_if_first(renew: Renewal | None) -> Flow[tuple[Session | None, Remembered | None]]:
            now = yield from state.load()
            if reuse and (session := cached_session(now, body_hash)):
                return session, now
            if not _has_session(now) or (now and now.record) == (before and before.record):  # nobody else has asked
                return (yield from self._ask(call, content, body_hash, now, renew)), now
            return None, now

        while reuse or not _has_session(before):
            try:
                found, before = yield from key_lock(state.store, state.key, call.deadline, ask_if_first)
            except LockLost:
                before = yield from state.load()
                continue
            if found:
                return found
            break
        return (yield from self._ask(call, content, body_hash, before))

    def update(self, body: Any, deadline: float | None) -> Flow[None]:
        """Send an update of the session; pageId is filled in."""
        call, update = Call(self._account.calls, deadline), _to_json(body)
        remembered = yield from self.state.load()
        ids = remembered.record.ids if remembered else None
        if ids is None or ids.session_id is None:
            raise InvalidRequest("pageId", "this visit has no session yet; call create_session first")
        if is_object(update) and ids.page_id is not None:
            update = {"pageId": ids.page_id, **update}
        yield from self._put(call, update, ids)

    def report(self, kinds: tuple[str, ...], deadline: float | None) -> Flow[None]:
        """Report impression events of the engagement that was offered last, in one request."""
        call = Call(self._account.calls, deadline)
        templates = contract().operations["createSession"].impression_templates
        for index, kind in enumerate(kinds or ("",)):
            if kind not in [*templates]:  # a list, as a caller's mistake may have no hash
                raise InvalidRequest(f"kinds[{index}]", f"must be one of {', '.join(templates)}")
        remembered = yield from self.state.load()
        engagement = last_engagement(remembered)
        if remembered is None or engagement is None:
            raise InvalidRequest("kinds", "this session was offered no engagement; call create_session first")
        answer = engagement.to_dict()
        bodies = [resolve_expressions(templates[kind], answer) for kind in kinds]
        events = [event for body in bodies for event in body["impAttributes"]]
        yield from self._put(call, {**bodies[0], "impAttributes": events}, remembered.record.ids)

    def _ask(
        self,
        call: Call,
        content: bytes,
        body_hash: str,
        before: Remembered | None,
        renew: Renewal | None = None,
    ) -> Flow[Session]:
        """Create or continue the session, and remember the answer."""
        ids = before.record.ids if before else None

        def build_attempt() -> Flow[Attempt]:
            return self._build_attempt(call, "continueSession" if ids else "createSession", ids, content)

        def on_failure(failure: EngagementError) -> Flow[None]:
            nonlocal ids, before
            self._account.domain.note_failure(failure)
            visitor_id = _visitor_in(failure)
            if visitor_id is not None and (ids is None or ids.visitor_id != visitor_id):
                ids = VisitIds(visitor_id)
                version = yield from self.state.save(Record(ids), before)
                before = Remembered(Record(ids), 0, version)

        def send(retry: RetryPolicy) -> Flow[Answer]:
            return call.send(build_attempt, retry=retry, on_failure=on_failure, renew=renew)

        try:
            answer = yield from self._guard(send)
        except (NotFound, BadRequest) as error:
            # A visitor without a session that is not taken as such will never be: see "Loading account".
            if ids is not None and (isinstance(error, NotFound) or ids.session_id is None):
                yield from self.state.delete(ids)
            raise
        session: Session = answer.value
        found = VisitIds(session.visitor_id, session.session_id, session.page_id)
        engagement, answers = None, None
        if session.status == "Available":
            engagement, answers = decode_text(answer.response.body), body_hash
        elif before and before.record.ids.session_id == found.session_id:
            engagement = before.record.engagement  # impressions of it may still be reported
        yield from self.state.save(Record(found, engagement, answers), before)
        return session

    def _put(self, call: Call, body: Any, ids: VisitIds) -> Flow[None]:
        content = _encode_body("updateSession", body)

        def build_attempt() -> Flow[Attempt]:
            return self._build_attempt(call, "updateSession", ids, content)

        def on_failure(failure: EngagementError) -> Flow[None]:
            self._account.domain.note_failure(failure)
            yield from ()  # a flow without steps

        def send(retry: RetryPolicy) -> Flow[Answer]:
            return call.send(build_attempt, retry=retry, on_failure=on_failure)

        try:
            yield from self._guard(send)
        except NotFound:
            yield from self.state.delete(ids)
            raise

    def _build_attempt(self, call: Call, operation_id: str, ids: VisitIds | None, content: bytes) -> Flow[Attempt]:
        base_url = yield from self._account.domain.resolve(call)
        secrets: dict[str, str] = {}
        if ids:
            secrets["visitor_id"] = ids.visitor_id
        if ids and ids.session_id is not None:
            secrets["sid"] = ids.session_id
        return call.attempt(operation_id, base_url, secrets, account_id=self._account.id, body=content)

    def _guard(self, send: Callable[[RetryPolicy], Flow[Answer]]) -> Flow[Answer]:
        """Send, unless an outage holds calls back."""
        account = self._account
        if account.outage_guard is None:
            return send(account.calls.retry)
        return account.outage_guard.around(account.store, account.id, account.calls.retry, send)


def _encode_body(operation_id: str, body: Any) -> bytes:
    """Encode what is to be sent; raise `InvalidRequest` unless the contract takes it."""
    try:
        return contract().operations[operation_id].encode_body(body)
    except SchemaViolation as violation:
        raise InvalidRequest(violation.path, violation.reason) from None


@functools.cache
def _blake2b() -> Callable[..., Any]:
    from hashlib import blake2b  # noqa: PLC0415 - importing it takes long

    return blake2b


def _to_json(body: Any) -> Any:
    """Turn a generated model into the JSON that it stands for."""
    if not hasattr(body, "to_dict"):
        return body
    try:
        return body.to_dict()
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidRequest("body", f"the model {type(body).__name__} holds a value of the wrong type") from error


def _visitor_in(failure: EngagementError) -> str | None:
    """Return the visitor id that a "Loading account" message names, if it can stand in a URL."""
    if not isinstance(failure, AccountLoading):
        return None
    found = contract().operations["createSession"].policy.visitor_in_message.search(failure.message or "")
    try:
        contract().check_value("VisitorId", found and found[1])
    except SchemaViolation:
        return None
    return found and found[1]


def _has_session(remembered: Remembered | None) -> bool:
    """Return whether a session is known; after "Loading account" only the visitor is."""
    return remembered is not None and remembered.record.ids.session_id is not None
