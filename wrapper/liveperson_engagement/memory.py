"""What is remembered of one visit, and when an answer that is remembered may be given again.

What the contract could not express: that the ids of each answer outlive the call.
"""

from __future__ import annotations

import copy
import marshal
from collections.abc import Callable
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any

from .contract import contract
from .errors import InvalidRequest, StoreError
from .flow import Flow, logger
from .jsontext import Breach
from .stores import UNREADABLE, MemoryStore, Record, Remembered, VisitIds

if TYPE_CHECKING:
    from liveperson_engagement_api.models import AvailableSession


class Memory:
    """A visit's place in its store; holds ids itself as long as the store would not take them."""

    def __init__(self, store: Any, key: str, ids: object) -> None:
        self.store, self.key = store, key
        self.seen: VisitIds | None = checked_ids(ids)
        """The ids of the last answer, or of the last look at the store."""
        self._given = self.seen
        self._refused = False
        """Whether `_given` are ids that the store would not take."""
        self._at_hand: tuple[bytes, object, float, Callable[[], AvailableSession]] | None = None
        """The last session that was valid: the body it answers, its version, how long it is valid, and copies of it."""

    def without_waiting(self) -> VisitIds | None:
        """Return the ids that the next request will send, as far as this can be told without waiting for a store."""
        if self._given is None and isinstance(self.store, MemoryStore):
            remembered = self.store.load(self.key)
            return remembered.record.ids if remembered else None
        return self.seen

    def ids(self) -> Flow[VisitIds | None]:
        """Return the ids that the next request will send."""
        if self._given is None:
            yield from self.recall()
        return self._given or self.seen

    def recall(self) -> Flow[Remembered | None]:
        """Look into the store, and give it the ids that it does not have yet."""
        remembered = yield from self._load()
        if self._refused and remembered and self._given and remembered.record.ids.visitor_id != self._given.visitor_id:
            self._given, self._refused = None, False  # others have started anew meanwhile
        if self._given is not None:
            record = Record(self._given)
            version = yield from self.remember(record, remembered, force=True)
            remembered = Remembered(record, 0, version)
            if version is not None:
                self._given, self._refused = None, False
        self.seen = remembered.record.ids if remembered else None
        return remembered

    def remember(self, record: Record, before: Remembered | None, *, force: bool = False) -> Flow[object]:
        """Save what an answer said, unless the key has become another visitor's since `before`; return the version."""
        self.seen = record.ids
        after = before and before.version
        try:
            while (version := (yield from self._call_store("replace", record, after))) is None:
                before = yield from self._load()
                if before is None and after is None:  # refused although nothing is there: it could not be read
                    self._given, self._refused = record.ids, True
                    break
                forgotten, after = before is None, before and before.version
                if not force and (forgotten or (before and before.record.ids.visitor_id != record.ids.visitor_id)):
                    logger.info("session store: a newer visit is remembered for this key; it is left as it is")
                    break
        except StoreError:
            self._given, self._refused = record.ids, True  # this object still knows, and saves it with its next call
            raise
        return version

    def forget(self, only: VisitIds | None = None) -> Flow[None]:
        """Forget the visit; with `only`, unless newer ids than those have been remembered since."""
        while remembered := (yield from self._load()):
            if only is not None and remembered.record.ids != only:
                return
            if (yield from self._call_store("replace", None, remembered.version)) is not None:
                break
        self._given = self.seen = None

    def valid(self, remembered: Remembered | None, body: Any, asked: str) -> AvailableSession | None:
        """Return the session that is remembered as the answer to a body, if its time has not run out."""
        if remembered is None or remembered.record.answers != asked or not (answer := offered(remembered)):
            return None
        seconds = answer["engagementDetails"]["validForSeconds"]
        if not 0 <= remembered.age < seconds:
            return None
        from liveperson_engagement_api.models import AvailableSession  # noqa: PLC0415 - importing it takes long

        session = AvailableSession.from_dict(answer)
        if type(self.store) is MemoryStore and (plain := _plain(body)):
            self._at_hand = plain, remembered.version, seconds, _copier(session)
        return session

    def at_hand(self, body: Any) -> AvailableSession | None:
        """Do as `recall` and `valid`, where this object did so before, and without encoding the body."""
        if self._at_hand is None or self._given is not None:
            return None
        plain, version, seconds, copy_of_session = self._at_hand
        remembered = self.store.load(self.key)
        if remembered is None or remembered.version is not version or not 0 <= remembered.age < seconds:
            return None
        return copy_of_session() if plain == _plain(body) else None

    def _load(self) -> Flow[Remembered | None]:
        """Look into the store; ids that somebody has damaged there are dropped before they can go out."""
        remembered: Remembered | None = yield from self._call_store("load")
        if remembered is None or remembered.record.ids == self.seen:
            return remembered
        try:
            checked_ids(remembered.record.ids)
        except InvalidRequest:
            logger.warning(UNREADABLE)
            yield from self._call_store("replace", None, remembered.version)
            return None
        return remembered

    def _call_store(self, method: str, *arguments: Any) -> Flow[Any]:
        return (yield methodcaller("store", self.store, method, self.key, *arguments))


def offered(remembered: Remembered | None) -> dict[str, Any] | None:
    """Return the Available answer that is remembered, as checked JSON."""
    if remembered is None or remembered.record.engagement is None or remembered.record.ids.session_id is None:
        return None
    try:
        answer: dict[str, Any] = contract().check_answer("createSession", remembered.record.engagement.encode())
    except (Breach, ValueError):
        answer = {}
    if "engagementDetails" in answer:
        return answer
    logger.warning("session store: a remembered engagement cannot be read; the next answer replaces it")
    return None


def _plain(body: Any) -> bytes | None:
    """Write a body as it is now, as exactly as JSON and faster; None where not all of it is plain values."""
    try:
        return marshal.dumps(body, 2)
    except ValueError:
        return None


def _copier(model: Any) -> Callable[[], Any]:
    """Return what makes copies of a generated model as it is now, faster than `copy` does."""
    import attrs  # noqa: PLC0415 - importing it takes long

    kind: Callable[..., Any] = model.__class__
    values = {part.name: getattr(model, part.name) for part in attrs.fields(model.__class__) if part.init}
    if model.additional_properties or any(isinstance(value, list | dict) for value in values.values()):
        return partial(copy.deepcopy, copy.deepcopy(model))
    parts = {name: _copier(value) for name, value in values.items() if attrs.has(value.__class__)}
    copied = partial(kind, **values)
    return (lambda: copied(**{name: part() for name, part in parts.items()})) if parts else copied


def checked_ids(ids: object) -> VisitIds | None:
    """Raise `InvalidRequest` unless the caller's ids can stand in a URL."""
    if ids is None:
        return None
    if not isinstance(ids, VisitIds):
        raise InvalidRequest("ids", "must be the VisitIds of an earlier visit")
    fields = [("visitor_id", "VisitorId", ids.visitor_id), ("session_id", "SessionId", ids.session_id)]
    for name, component, value in [*fields, ("page_id", "PageId", ids.page_id)]:
        try:
            if value is not None or name == "visitor_id":
                contract().check_value(component, value)
        except Breach as breach:
            raise InvalidRequest(f"ids.{name}", breach.reason) from None
    return ids
