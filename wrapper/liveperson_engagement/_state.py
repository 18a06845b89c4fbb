"""What a visit remembers: the ids of the last answer, and the engagement that it offered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeAlias

from ._contract import contract
from ._deadline import CallDeadline
from ._json import SchemaViolation, as_promised, decode_liberally, is_object
from ._steps import CompareAndSet, Flow, Load, Store
from .errors import InvalidRequest, StoreError
from .stores import UNREADABLE, MemoryStore, Record, Remembered, VisitIds

if TYPE_CHECKING:
    from liveperson_engagement_api import models

logger = logging.getLogger("liveperson_engagement")


Session: TypeAlias = "models.AvailableSession | models.NotAvailableSession"


class SessionState:
    """A visit's place in its store. Ids that the store would not take are kept here, and saved with the next call."""

    def __init__(self, store: Store, key: str, ids: VisitIds | None) -> None:
        self.store, self.key = store, key
        self.last_known_ids = ids
        """The ids of the last answer, or of the last look at the store."""
        self._unsaved_ids = ids
        self._save_failed = False
        """Whether `_unsaved_ids` are unsaved because the store failed, and not because the caller gave them."""

    def ids_at_hand(self) -> VisitIds | None:
        """Return the ids that the next request will send, as far as is known without waiting for a store."""
        if self._unsaved_ids is None and isinstance(self.store, MemoryStore):
            remembered = self.store.load(self.key)
            return remembered.record.ids if remembered else None
        return self.last_known_ids

    def ids(self) -> Flow[VisitIds | None]:
        """Return the ids that the next request will send."""
        if self._unsaved_ids is None:
            yield from self.load(CallDeadline(None))
        return self._unsaved_ids or self.last_known_ids

    def load(self, deadline: CallDeadline) -> Flow[Remembered | None]:
        """Read the record, after giving the store the ids that it does not have yet."""
        remembered = yield from self._read(deadline)
        unsaved = self._unsaved_ids
        if self._save_failed and remembered and unsaved and remembered.record.ids.visitor_id != unsaved.visitor_id:
            unsaved = self._unsaved_ids = None  # others have started another visit since
            self._save_failed = False
        if unsaved is not None:
            record = Record(unsaved)
            version = yield from self.save(record, remembered, deadline, force=True)
            remembered = Remembered(record, 0, version)
            if version is not None:
                self._unsaved_ids, self._save_failed = None, False
        self.last_known_ids = remembered.record.ids if remembered else None
        return remembered

    def save(
        self, record: Record, before: Remembered | None, deadline: CallDeadline, *, force: bool = False
    ) -> Flow[object | None]:
        """Save what an answer said, unless the key has become another visitor's since `before`; return the version."""
        self.last_known_ids = record.ids
        expected = before and before.version
        try:
            while (
                version := (yield from CompareAndSet(self.store, self.key, deadline.left(), expected, record))
            ) is None:
                before = yield from self._read(deadline)
                if before is None and expected is None:  # not saved although nothing is there: it could not be read
                    self._unsaved_ids, self._save_failed = record.ids, True
                    break
                deleted, expected = before is None, before and before.version
                if not force and (deleted or (before and before.record.ids.visitor_id != record.ids.visitor_id)):
                    logger.info("session store: a newer visit is remembered for this key; it is left as it is")
                    break
        except StoreError:
            self._unsaved_ids, self._save_failed = record.ids, True
            raise
        return version

    def delete(self, deadline: CallDeadline, only: VisitIds | None = None) -> Flow[None]:
        """Forget the visit; with `only`, unless newer ids than those have been remembered since."""
        while remembered := (yield from self._read(deadline)):
            if only is not None and remembered.record.ids != only:
                return
            if (yield from CompareAndSet(self.store, self.key, deadline.left(), remembered.version, None)) is not None:
                break
        self._unsaved_ids = self.last_known_ids = None

    def _read(self, deadline: CallDeadline) -> Flow[Remembered | None]:
        """Read the record; ids that somebody has damaged are dropped before they can be sent."""
        remembered = yield from Load(self.store, self.key, deadline.left())
        if remembered is None or remembered.record.ids == self.last_known_ids:
            return remembered
        try:
            check_ids(remembered.record.ids)
        except InvalidRequest:
            logger.warning(UNREADABLE)
            yield from CompareAndSet(self.store, self.key, deadline.left(), remembered.version, None)
            return None
        return remembered


def cached_session(remembered: Remembered | None, body_hash: str) -> models.AvailableSession | None:
    """Return the engagement that is remembered as the answer to a body, if its time has not run out."""
    if remembered is None or remembered.record.answers != body_hash or remembered.record.not_available is not None:
        return None
    session = last_engagement(remembered)
    if session is None or not 0 <= remembered.age < session.engagement_details.valid_for_seconds:
        return None
    return session


def last_session(remembered: Remembered | None, body_hash: str) -> Session | None:
    """Return the session that is remembered as the last answer to a body, available or not."""
    if remembered is None or remembered.record.answers != body_hash:
        return None
    if remembered.record.not_available is None:
        return last_engagement(remembered)
    session: models.NotAvailableSession | None = _parsed(remembered.record.not_available, "NotAvailable")
    return session


def last_engagement(remembered: Remembered | None) -> models.AvailableSession | None:
    """Return the Available answer that is remembered, if there is a readable one."""
    if remembered is None or remembered.record.engagement is None or remembered.record.ids.session_id is None:
        return None
    session: models.AvailableSession | None = _parsed(remembered.record.engagement, "Available")
    return session


def _parsed(answer: str, status: str) -> Any:
    """Return the model of a remembered answer, if it can be read and has the status."""
    try:
        session: Any = contract().operations["createSession"].parse(answer.encode())
    except (SchemaViolation, ValueError):
        session = None
    if getattr(session, "status", None) == status:
        return session
    logger.warning("session store: a remembered engagement cannot be read; the next answer replaces it")
    return None


def check_ids(ids: object) -> VisitIds | None:
    """Return ids, or None for none; raise `InvalidRequest` unless they can stand in a URL."""
    if ids is None:
        return None
    if not isinstance(ids, VisitIds):
        raise InvalidRequest("ids", "must be the VisitIds of an earlier visit")
    for name, (_, component) in _IDS.items():
        value = getattr(ids, name)
        try:
            if value is not None or name == "visitor_id":
                contract().component(component)(value)
        except SchemaViolation as violation:
            raise InvalidRequest(f"ids.{name}", violation.reason) from None
    return ids


def ids_in(content: bytes) -> VisitIds | None:
    """Return the ids that an answer names, whatever else is wrong with it; None unless it names a visitor."""
    try:
        answer = decode_liberally(content)
    except SchemaViolation:
        return None
    if not is_object(answer):
        return None
    found: dict[str, str | None] = {}
    for name, (member, component) in _IDS.items():
        value = as_promised("string", answer.get(member))
        found[name] = value if contract().component(component).accepts(value) else None
    visitor_id = found.pop("visitor_id")
    return VisitIds(visitor_id, **found) if visitor_id is not None else None


_IDS = {
    "visitor_id": ("visitorId", "VisitorId"),
    "session_id": ("sessionId", "SessionId"),
    "page_id": ("pageId", "PageId"),
}
"""The fields of `VisitIds`, each with its member of an answer and its schema component."""
