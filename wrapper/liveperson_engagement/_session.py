"""The calls of a visit, each as one flow: create, continue, update, report.

A visit that is not known yet is started once, however many callers ask at the same time; the ids of each answer go out
with the next request.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ._account import Account, encode_body, to_json, visitor_in
from ._call import Attempt, Call
from ._contract import Operation, contract, resolve_expressions
from ._json import is_object
from ._locking import key_lock
from ._state import Session, SessionState, cached_session, ids_in, last_engagement, last_session
from ._steps import Flow, LockLost, Renewal
from .errors import BadRequest, EngagementError, InvalidRequest, InvalidResponse, NotFound
from .retry import RetryPolicy
from .stores import Record, Remembered, VisitIds


class VisitSession:
    """One visitor's session with the service."""

    def __init__(self, account: Account, state: SessionState) -> None:
        self._account, self.state = account, state

    def create(self, body: Any, deadline: float | None, *, reuse: bool) -> Flow[Session]:
        """Create or continue the session; with `reuse`, return the valid answer that an equal body has got."""
        call, state = Call(self._account.calls, deadline), self.state
        content = encode_body(contract().operations["createSession"], body, strict=call.settings.strict)
        body_hash: str = _blake2b()(content or b"", digest_size=32).hexdigest()
        before = yield from state.load(call.deadline)
        if reuse and (session := cached_session(before, body_hash)):
            return session
        yield from self._account.domain.resolve(call)

        def ask_if_first(renew: Renewal | None) -> Flow[tuple[Session | None, Remembered | None]]:
            now = yield from state.load(call.deadline)
            others_asked = (now and now.version) != (before and before.version)
            if reuse and others_asked and (session := last_session(now, body_hash)):
                return session, now
            if not others_asked or not _has_session(now):
                return (yield from self._ask(call, content, body_hash, now, renew)), now
            return None, now

        while reuse or not _has_session(before):
            try:
                found, before = yield from key_lock(state.store, state.key, call.deadline, ask_if_first)
            except LockLost:
                continue
            if found:
                return found
            break
        return (yield from self._ask(call, content, body_hash, before))

    def update(self, body: Any, deadline: float | None) -> Flow[None]:
        """Send an update of the session; pageId is filled in."""
        call, update = Call(self._account.calls, deadline), to_json(body)
        remembered = yield from self.state.load(call.deadline)
        ids = remembered.record.ids if remembered else None
        if ids is None or ids.session_id is None:
            raise InvalidRequest("pageId", "this visit has no session yet; call create_session first")
        if is_object(update) and ids.page_id is not None:
            update = {"pageId": ids.page_id, **update}
        yield from self._put(call, update, ids)

    def forget(self, deadline: float | None) -> Flow[None]:
        """Drop what is remembered."""
        return self.state.delete(Call(self._account.calls, deadline).deadline)

    def report(self, kinds: tuple[str, ...], deadline: float | None) -> Flow[None]:
        """Report impression events of the engagement that was offered last, in one request."""
        call = Call(self._account.calls, deadline)
        templates = contract().operations["createSession"].impression_templates
        for index, kind in enumerate(kinds or ("",)):
            if kind not in [*templates]:  # a list, as a caller's mistake may have no hash
                raise InvalidRequest(f"kinds[{index}]", f"must be one of {', '.join(templates)}")
        remembered = yield from self.state.load(call.deadline)
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
        content: bytes | None,
        body_hash: str,
        before: Remembered | None,
        renew: Renewal | None = None,
    ) -> Flow[Session]:
        """Create or continue the session, and remember the answer."""
        first = contract().operations["createSession"]
        ids = before.record.ids if before else None

        def build_attempt() -> Flow[Attempt]:
            return self._build_attempt(call, first.for_known_visitor if ids else first, ids, content)

        def on_failure(attempt: Attempt, failure: EngagementError) -> Flow[None]:
            nonlocal ids, before
            yield from self._note_failure(call, attempt, failure, ids)
            named = _named_in(attempt, failure, ids)
            if named and named != ids:
                ids = named
                record = Record(ids, _engagement_of(before, ids))
                version = yield from self.state.save(record, before, call.deadline)
                before = Remembered(record, 0, version)

        def send(retry: RetryPolicy | None) -> Flow[Attempt]:
            return call.send(build_attempt, retry=retry, on_failure=on_failure, renew=renew)

        attempt = yield from self._account.guard(first, call.deadline, send)
        session: Session = attempt.value
        found = VisitIds(session.visitor_id, session.session_id, session.page_id)
        record = Record(found, _engagement_of(before, found), body_hash, _text_of(attempt))
        if session.status == "Available":
            record = Record(found, _text_of(attempt), body_hash)
        yield from self.state.save(record, before, call.deadline)
        return session

    def _put(self, call: Call, body: Any, ids: VisitIds) -> Flow[None]:
        operation = contract().operations["updateSession"]
        content = encode_body(operation, body, strict=call.settings.strict)

        def build_attempt() -> Flow[Attempt]:
            return self._build_attempt(call, operation, ids, content)

        def on_failure(attempt: Attempt, failure: EngagementError) -> Flow[None]:
            return self._note_failure(call, attempt, failure, ids)

        def send(retry: RetryPolicy | None) -> Flow[Attempt]:
            return call.send(build_attempt, retry=retry, on_failure=on_failure)

        yield from self._account.guard(operation, call.deadline, send)

    def _note_failure(self, call: Call, attempt: Attempt, failure: EngagementError, ids: VisitIds | None) -> Flow[None]:
        """Look the host up again soon where it may have moved; forget ids that the service does not know."""
        self._account.note_failure(attempt.operation, failure)
        if ids is None:
            return
        # A visitor without a session that is refused once will always be: see "Loading account".
        if isinstance(failure, NotFound) or (isinstance(failure, BadRequest) and ids.session_id is None):
            yield from self.state.delete(call.deadline, ids)

    def _build_attempt(
        self, call: Call, operation: Operation, ids: VisitIds | None, content: bytes | None
    ) -> Flow[Attempt]:
        base_url = yield from self._account.base_url(operation, call)
        arguments = {"account_id": self._account.id}
        if ids:
            arguments["visitor_id"] = ids.visitor_id
        if ids and ids.session_id is not None:
            arguments["sid"] = ids.session_id
        return call.attempt(operation, base_url, arguments, content)


@functools.cache
def _blake2b() -> Callable[..., Any]:
    from hashlib import blake2b  # noqa: PLC0415 - importing it takes long

    return blake2b


def _named_in(attempt: Attempt, failure: EngagementError, known: VisitIds | None) -> VisitIds | None:
    """Return the ids to go on with after a failed attempt: those that the service has named, or else the known ones."""
    if visitor_id := visitor_in(attempt, failure):
        return known if known and known.visitor_id == visitor_id else VisitIds(visitor_id)
    if not isinstance(failure, InvalidResponse) or attempt.response is None:
        return known
    named = ids_in(attempt.response.body)
    if named is None or (known and named.session_id is None):
        return known
    same = known and named == VisitIds(known.visitor_id, known.session_id)  # without its page
    return known if same else named


def _text_of(attempt: Attempt) -> str:
    """Return an answer's text as it is stored; of what is no UTF-8, nothing was taken."""
    return attempt.response.body.decode(errors="replace") if attempt.response else ""


def _engagement_of(remembered: Remembered | None, ids: VisitIds) -> str | None:
    """Return the engagement that was offered in a session: impressions of it may still be reported."""
    same = remembered is not None and remembered.record.ids.session_id == ids.session_id is not None
    return remembered.record.engagement if remembered and same else None


def _has_session(remembered: Remembered | None) -> bool:
    """Return whether a session is known; after "Loading account" only the visitor is."""
    return remembered is not None and remembered.record.ids.session_id is not None
