"""A visit: one visitor's session with the service, whoever calls.

What the contract could not express: that the ids of each answer are remembered and sent with the next request, and that
a visit which is not known yet is started once, however many callers ask at the same time.
"""

from __future__ import annotations

import hashlib
from operator import methodcaller
from typing import TYPE_CHECKING, Any, TypeAlias

from liveperson_engagement_api import models, requests

from .contract import Breach, contract, filled, is_object
from .domain import Site
from .errors import AccountLoading, BadRequest, InvalidRequest, NotFound, StoreError
from .flow import AsyncPorts, Flow, Hold, LostTurn, Ports, attempts, logger, run, run_async, turn
from .http import Exchange
from .retry import Budget
from .stores import MemoryStore, Record, Remembered, VisitIds

if TYPE_CHECKING:
    from .client import AsyncEngagementClient, EngagementClient

Session: TypeAlias = models.AvailableSession | models.NotAvailableSession
SessionBody: TypeAlias = requests.CreateSessionBody | models.CreateSessionBody
NewsBody: TypeAlias = requests.SessionNews | requests.UpdateSessionBody | models.SessionNews | models.UpdateSessionBody


class _Visit:
    """What both kinds of visit decide."""

    def __init__(self, client: Any, key: object, ids: object) -> None:
        if not isinstance(key, str | None):
            raise InvalidRequest("key", f"must be text, not {type(key).__name__}")
        self._client = client
        self._store: Any = MemoryStore() if key is None else client.store
        self._key = f"{client.site.account_id}:{key or ''}"
        self._given = _checked_ids(ids)
        self._unsaved = False
        """Whether `_given` are ids that a store would not take."""
        self._seen = self._given

    def __repr__(self) -> str:
        """Name the class alone: a key may be personal data."""
        return f"<{type(self).__name__}>"

    def _call_store(self, method: str, *arguments: Any) -> Flow[Any]:
        return (yield methodcaller("store", self._store, method, self._key, *arguments))

    def _recall(self) -> Flow[Remembered | None]:
        remembered: Remembered | None = yield from self._call_store("load")
        if self._unsaved and remembered and self._given and remembered.record.ids.visitor_id != self._given.visitor_id:
            self._given, self._unsaved = None, False  # others have started anew meanwhile
        if self._given is not None:
            record = Record(self._given)
            version = yield from self._remember(record, remembered, force=True)
            remembered = Remembered(record, 0, version)
            if version is not None:
                self._given, self._unsaved = None, False
        self._seen = remembered.record.ids if remembered else None
        return remembered

    def _remember(self, record: Record, before: Remembered | None, *, force: bool = False) -> Flow[object]:
        """Save what an answer said, unless the key has become another visitor's since `before`; return the version."""
        self._seen = record.ids
        after = before and before.version
        try:
            while (version := (yield from self._call_store("replace", record, after))) is None:
                before = yield from self._call_store("load")
                if before is None and after is None:  # refused although nothing is there: it could not be read
                    self._given, self._unsaved = record.ids, True
                    break
                forgotten, after = before is None, before and before.version
                if not force and (forgotten or (before and before.record.ids.visitor_id != record.ids.visitor_id)):
                    logger.info("session store: a newer visit is remembered for this key; it is left as it is")
                    break
        except StoreError:
            self._given, self._unsaved = record.ids, True  # this object still knows, and saves it with its next call
            raise
        return version

    def _forget(self, only: VisitIds | None = None) -> Flow[None]:
        """Forget the visit; with `only`, unless newer ids than those have been remembered since."""
        while remembered := (yield from self._call_store("load")):
            if only is not None and remembered.record.ids != only:
                return
            if (yield from self._call_store("replace", None, remembered.version)) is not None:
                break
        self._given = self._seen = None

    def _session(self, body: Any, deadline: float | None, *, reuse: bool) -> Flow[Session]:
        budget = self._budget(deadline)
        content = _encoded("createSession", _as_json(body))
        asked = hashlib.sha256(content).hexdigest()
        before = yield from self._recall()
        if reuse and (session := _still_valid(before, asked)):
            return session
        base_url = yield from self._base_url(budget)

        def first_in_line(hold: Hold | None) -> Flow[tuple[Session | None, Remembered | None]]:
            now = yield from self._recall()
            if reuse and (session := _still_valid(now, asked)):
                return session, now
            if not _started(now) or (now and now.record) == (before and before.record):  # nobody asked meanwhile
                return (yield from self._ask(content, asked, now, base_url, budget, hold)), now
            return None, now

        while reuse or not _started(before):
            try:
                found, before = yield from turn(self._store, self._key, budget, first_in_line)
            except LostTurn:
                before = yield from self._recall()
                continue
            if found:
                return found
            break
        return (yield from self._ask(content, asked, before, base_url, budget))

    def _ask(  # noqa: PLR0917
        self,
        content: bytes,
        asked: str,
        before: Remembered | None,
        base_url: str,
        budget: Budget,
        hold: Hold | None = None,
    ) -> Flow[Session]:
        """Create or continue the session, and remember the answer."""
        ids = before.record.ids if before else None

        def learn(failure: AccountLoading) -> Flow[None]:
            nonlocal ids, before
            visitor_id = _visitor_in(failure)
            if visitor_id is not None and (ids is None or ids.visitor_id != visitor_id):
                ids = VisitIds(visitor_id)
                version = yield from self._remember(Record(ids), before)
                before = Remembered(Record(ids), 0, version)

        def prepare() -> Exchange:
            return self._exchange("continueSession" if ids else "createSession", base_url, content, ids, budget)

        try:
            session: Session
            session, answer = yield from attempts(prepare, self._client.retry, budget, learn=learn, hold=hold)
        except (NotFound, BadRequest) as error:
            # A visitor without a session that is not taken as such will never be: see "Loading account".
            if ids is not None and (isinstance(error, NotFound) or ids.session_id is None):
                yield from self._forget(ids)
            raise
        found = VisitIds(answer["visitorId"], answer["sessionId"], answer["pageId"])
        engagement, answers = None, None
        if session.status == "Available":
            engagement, answers = answer, asked
        elif before and before.record.ids.session_id == found.session_id:
            engagement = before.record.engagement  # impressions of it may still be reported
        yield from self._remember(Record(found, engagement, answers), before)
        return session

    def _update(self, body: Any, deadline: float | None) -> Flow[None]:
        budget = self._budget(deadline)
        news = _as_json(body)
        remembered = yield from self._recall()
        ids = remembered.record.ids if remembered else None
        if is_object(news) and ids and ids.page_id is not None:
            news = {"pageId": ids.page_id, **news}
        if ids is None or ids.session_id is None:
            raise InvalidRequest("pageId", "this visit has no session yet; call create_session first")
        yield from self._put(_encoded("updateSession", news), ids, budget)

    def _report(self, kinds: tuple[str, ...], deadline: float | None) -> Flow[None]:
        budget = self._budget(deadline)
        events = contract().events
        for index, kind in enumerate(kinds or ("",)):
            if kind not in events:
                raise InvalidRequest(f"kinds[{index}]", f"must be one of {', '.join(events)}")
        remembered = yield from self._recall()
        engagement = remembered.record.engagement if remembered else None
        if remembered is None or engagement is None:
            raise InvalidRequest("kinds", "this session was offered no engagement; call create_session first")
        bodies = [filled(events[kind], engagement) for kind in kinds]
        body = {**bodies[0], "impAttributes": [event for each in bodies for event in each["impAttributes"]]}
        content = _encoded("updateSession", body)
        yield from self._put(content, remembered.record.ids, budget)

    def _put(self, content: bytes, ids: VisitIds, budget: Budget) -> Flow[None]:
        base_url = yield from self._base_url(budget)

        def prepare() -> Exchange:
            return self._exchange("updateSession", base_url, content, ids, budget)

        try:
            yield from attempts(prepare, self._client.retry, budget)
        except NotFound:
            yield from self._forget(ids)
            raise

    def _exchange(
        self, operation_id: str, base_url: str, content: bytes, ids: VisitIds | None, budget: Budget
    ) -> Exchange:
        named = {"visitor_id": ids.visitor_id, "sid": ids.session_id} if ids else {}
        arguments = {name: value for name, value in named.items() if value is not None}
        arguments["account_id"] = self._client.site.account_id
        return Exchange(operation_id, base_url, arguments, budget.limit(self._client.timeout), content)

    def _base_url(self, budget: Budget) -> Flow[str]:
        site: Site = self._client.site
        return site.locate(self._client.retry, self._client.timeout, budget)

    def _budget(self, deadline: float | None) -> Budget:
        return Budget(self._client.deadline if deadline is None else deadline)


class Visit(_Visit):
    """One visitor's session with the service. Get one from `EngagementClient.visit`; threads may share it."""

    def __init__(self, client: EngagementClient, key: str | None, ids: VisitIds | None) -> None:
        super().__init__(client, key, ids)
        self._ports: Ports = client.ports

    @property
    def ids(self) -> VisitIds | None:
        """The ids that the next request will send, or None before the first."""
        return self._given or (run(self._recall(), self._ports) and self._seen)

    def create_session(self, body: SessionBody, *, deadline: float | None = None) -> Session:
        """Start the visit's session, or ask anew within it, and learn whether an engagement may be shown.

        Sends `body` (the documented JSON as a dict, or the generated model) with the ids that are remembered, and
        remembers those of the answer. `deadline` is the longest that the whole call may last, in seconds.

        Raises InvalidRequest (nothing was sent), ApiError, InvalidResponse, ConnectionFailed, DeadlineExceeded,
        DomainLookupFailed, StoreError. After NotFound the ids are forgotten, so that the next call starts a new visit.
        Source: the vendor's page "Create Session".
        """
        return run(self._session(body, deadline, reuse=False), self._ports)

    def engagement(self, body: SessionBody, *, deadline: float | None = None) -> Session:
        """Return the Available session that an equal `body` got, while its `validForSeconds` run.

        Otherwise the same as `create_session(body)`.
        """
        return run(self._session(body, deadline, reuse=True), self._ports)

    def update_session(self, body: NewsBody, *, deadline: float | None = None) -> None:
        """Send new engagement attributes or impression events; pageId is filled in.

        Raises as `create_session` does, and InvalidRequest before the first session.
        Source: the vendor's page "Update Session".
        """
        run(self._update(body, deadline), self._ports)

    def report_impressions(self, *kinds: str, deadline: float | None = None) -> None:
        """Report what the visitor did with the engagement that was offered last in this session.

        Kinds: impDisplay, impAccept, impExpanded, impTimeout, impClose; one request carries all that are given.
        Raises as `update_session` does, and InvalidRequest where no engagement was offered.
        Source: the vendor's page "Update Session".
        """
        run(self._report(kinds, deadline), self._ports)

    def forget(self) -> None:
        """Drop what is remembered: the next call starts a new visit."""
        run(self._forget(), self._ports)


class AsyncVisit(_Visit):
    """The asyncio twin of `Visit`; tasks may share it."""

    def __init__(self, client: AsyncEngagementClient, key: str | None, ids: VisitIds | None) -> None:
        super().__init__(client, key, ids)
        self._ports: AsyncPorts = client.ports

    @property
    def ids(self) -> VisitIds | None:
        """The ids that the next request will send, as far as this can be told without waiting for a store."""
        if self._given is None and isinstance(self._store, MemoryStore):
            remembered = self._store.load(self._key)
            return remembered.record.ids if remembered else None
        return self._seen

    async def create_session(self, body: SessionBody, *, deadline: float | None = None) -> Session:
        """See `Visit.create_session`."""
        return await run_async(self._session(body, deadline, reuse=False), self._ports)

    async def engagement(self, body: SessionBody, *, deadline: float | None = None) -> Session:
        """See `Visit.engagement`."""
        return await run_async(self._session(body, deadline, reuse=True), self._ports)

    async def update_session(self, body: NewsBody, *, deadline: float | None = None) -> None:
        """See `Visit.update_session`."""
        await run_async(self._update(body, deadline), self._ports)

    async def report_impressions(self, *kinds: str, deadline: float | None = None) -> None:
        """See `Visit.report_impressions`."""
        await run_async(self._report(kinds, deadline), self._ports)

    async def forget(self) -> None:
        """See `Visit.forget`."""
        await run_async(self._forget(), self._ports)


def _as_json(body: Any) -> Any:
    """Turn a generated model into the JSON it stands for."""
    if not hasattr(body, "to_dict"):
        return body
    try:
        return body.to_dict()
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidRequest("body", f"the model {type(body).__name__} holds a value of the wrong type") from error


def _encoded(operation_id: str, body: Any) -> bytes:
    try:
        return contract().check_body(operation_id, body)
    except Breach as breach:
        raise InvalidRequest(breach.path, breach.reason) from None


def _checked_ids(ids: object) -> VisitIds | None:
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


def _visitor_in(failure: AccountLoading) -> str | None:
    """Read the visitor id that a "Loading account" message names, if it can stand in a URL."""
    found = contract().policy("createSession").visitor_in_message.search(failure.message or "")
    try:
        contract().check_value("VisitorId", found and found[1])
    except Breach:
        return None
    return found[1] if found else None


def _started(remembered: Remembered | None) -> bool:
    """Tell whether a session is known; after "Loading account" only the visitor is."""
    return remembered is not None and remembered.record.ids.session_id is not None


def _still_valid(remembered: Remembered | None, asked: str) -> models.AvailableSession | None:
    if remembered is None or remembered.record.engagement is None or remembered.record.answers != asked:
        return None
    engagement = remembered.record.engagement
    if not 0 <= remembered.age < engagement["engagementDetails"]["validForSeconds"]:
        return None
    return models.AvailableSession.from_dict(engagement)
