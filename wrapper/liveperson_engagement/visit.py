"""A visit: one visitor's session with the service, whoever calls.

What the contract could not express: that a visit which is not known yet is started once, however many callers ask at
the same time, and that the ids of one answer go out with the next request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from .contract import contract, filled
from .domain import Site
from .errors import AccountLoading, BadRequest, InvalidRequest, NotFound
from .exchange import Exchange
from .flow import AsyncPorts, Flow, Hold, LostTurn, Ports, attempts, run, turn
from .jsontext import Breach, is_object
from .memory import Memory, offered
from .retry import Budget, RetryPolicy
from .stores import MemoryStore, Record, Remembered, VisitIds

if TYPE_CHECKING:
    from liveperson_engagement_api import models, requests

    from .client import AsyncEngagementClient, EngagementClient

Session: TypeAlias = "models.AvailableSession | models.NotAvailableSession"
SessionBody: TypeAlias = "requests.CreateSessionBody | models.CreateSessionBody"
NewsBody: TypeAlias = (
    "requests.SessionNews | requests.UpdateSessionBody | models.SessionNews | models.UpdateSessionBody"
)


class _Call:
    """What a call sends, whatever it takes, and the time that it has."""

    def __init__(self, client: Any, deadline: float | None) -> None:
        self._client = client
        self._base_url = ""
        self.content = b""
        self._named: set[str] = set()
        self.budget = Budget(client.deadline if deadline is None else deadline)

    def carry(self, operation_id: str, body: Any) -> None:
        """Encode what is to be sent; raise `InvalidRequest` unless the contract takes it."""
        try:
            self.content = contract().check_body(operation_id, body)
        except Breach as breach:
            raise InvalidRequest(breach.path, breach.reason) from None

    def locate(self) -> Flow[None]:
        """Find the host."""
        site: Site = self._client.site
        self._base_url = yield from site.locate(self._client.retry, self._client.timeout, self.budget)

    def send(self, request: Callable[[], tuple[str, VisitIds | None]], **options: Any) -> Flow[tuple[Any, Exchange]]:
        """Send the operation and ids that `request` names, anew for each attempt, until an answer is good."""

        def prepare() -> Exchange:
            operation_id, ids = request()
            arguments = {"account_id": self._client.site.account_id}
            if ids:
                arguments["visitor_id"] = ids.visitor_id
                self._named.add(ids.visitor_id)
            if ids and ids.session_id is not None:
                arguments["sid"] = ids.session_id
                self._named.add(ids.session_id)
            usual: float | None = self._client.timeout
            exchange = Exchange(operation_id, self._base_url, arguments, self.budget.limit(usual), usual, self.content)
            exchange.named = self._named
            return exchange

        def send(retry: RetryPolicy) -> Flow[tuple[Any, Exchange]]:
            return attempts(prepare, retry, self.budget, **options)

        retry, guard = self._client.retry, self._client.outage_guard
        return guard.around(self._client.store, self._client.site.account_id, retry, send) if guard else send(retry)


class _Visit:
    """What both kinds of visit decide."""

    def __init__(self, client: Any, key: object, ids: object) -> None:
        if not isinstance(key, str | None):
            raise InvalidRequest("key", f"must be text, not {type(key).__name__}")
        store: Any = MemoryStore() if key is None else client.store
        self._client = client
        self._memory = Memory(store, f"{client.site.account_id}:{key or ''}", ids)

    def __repr__(self) -> str:
        """Name the class alone: a key may be personal data."""
        return f"<{type(self).__name__}>"

    def _session(self, body: Any, deadline: float | None, *, reuse: bool) -> Flow[Session]:
        memory, call = self._memory, _Call(self._client, deadline)
        if reuse and (session := memory.at_hand(body)):
            return session
        call.carry("createSession", _as_json(body))
        asked = hashlib.sha256(call.content).hexdigest()
        before = yield from memory.recall()
        if reuse and (session := memory.valid(before, body, asked)):
            return session
        yield from call.locate()

        def first_in_line(hold: Hold | None) -> Flow[tuple[Session | None, Remembered | None]]:
            now = yield from memory.recall()
            if reuse and (session := memory.valid(now, body, asked)):
                return session, now
            if not _started(now) or (now and now.record) == (before and before.record):  # nobody asked meanwhile
                return (yield from self._ask(call, asked, now, hold)), now
            return None, now

        while reuse or not _started(before):
            try:
                found, before = yield from turn(memory.store, memory.key, call.budget, first_in_line)
            except LostTurn:
                before = yield from memory.recall()
                continue
            if found:
                return found
            break
        return (yield from self._ask(call, asked, before))

    def _ask(self, call: _Call, asked: str, before: Remembered | None, hold: Hold | None = None) -> Flow[Session]:
        """Create or continue the session, and remember the answer."""
        ids = before.record.ids if before else None

        def learn(failure: AccountLoading) -> Flow[None]:
            nonlocal ids, before
            visitor_id = _visitor_in(failure)
            if visitor_id is not None and (ids is None or ids.visitor_id != visitor_id):
                ids = VisitIds(visitor_id)
                version = yield from self._memory.remember(Record(ids), before)
                before = Remembered(Record(ids), 0, version)

        def request() -> tuple[str, VisitIds | None]:
            return ("continueSession" if ids else "createSession"), ids

        try:
            session: Session
            session, exchange = yield from call.send(request, learn=learn, hold=hold)
        except (NotFound, BadRequest) as error:
            # A visitor without a session that is not taken as such will never be: see "Loading account".
            if ids is not None and (isinstance(error, NotFound) or ids.session_id is None):
                yield from self._memory.forget(ids)
            raise
        found = VisitIds(session.visitor_id, session.session_id, session.page_id)
        engagement, answers = None, None
        if session.status == "Available":
            engagement, answers = exchange.received.decode("utf-8-sig"), asked
        elif before and before.record.ids.session_id == found.session_id:
            engagement = before.record.engagement  # impressions of it may still be reported
        yield from self._memory.remember(Record(found, engagement, answers), before)
        return session

    def _update(self, body: Any, deadline: float | None) -> Flow[None]:
        call, news = _Call(self._client, deadline), _as_json(body)
        remembered = yield from self._memory.recall()
        ids = remembered.record.ids if remembered else None
        if is_object(news) and ids and ids.page_id is not None:
            news = {"pageId": ids.page_id, **news}
        if ids is None or ids.session_id is None:
            raise InvalidRequest("pageId", "this visit has no session yet; call create_session first")
        yield from self._put(call, news, ids)

    def _report(self, kinds: tuple[str, ...], deadline: float | None) -> Flow[None]:
        call, events = _Call(self._client, deadline), contract().events
        for index, kind in enumerate(kinds or ("",)):
            if kind not in [*events]:  # a list, as a caller's mistake may have no hash
                raise InvalidRequest(f"kinds[{index}]", f"must be one of {', '.join(events)}")
        remembered = yield from self._memory.recall()
        engagement = offered(remembered)
        if remembered is None or engagement is None:
            raise InvalidRequest("kinds", "this session was offered no engagement; call create_session first")
        bodies = [filled(events[kind], engagement) for kind in kinds]
        body = {**bodies[0], "impAttributes": [event for each in bodies for event in each["impAttributes"]]}
        yield from self._put(call, body, remembered.record.ids)

    def _put(self, call: _Call, body: Any, ids: VisitIds) -> Flow[None]:
        call.carry("updateSession", body)
        yield from call.locate()
        try:
            yield from call.send(lambda: ("updateSession", ids))
        except NotFound:
            yield from self._memory.forget(ids)
            raise


class Visit(_Visit):
    """One visitor's session with the service. Get one from `EngagementClient.visit`; threads may share it."""

    def __init__(self, client: EngagementClient, key: str | None, ids: VisitIds | None) -> None:
        super().__init__(client, key, ids)
        self._ports: Ports = client.ports

    @property
    def ids(self) -> VisitIds | None:
        """The ids that the next request will send, or None before the first."""
        return run(self._memory.ids(), self._ports)

    def create_session(self, body: SessionBody, *, deadline: float | None = None) -> Session:
        """Start the visit's session, or ask anew within it, and learn whether an engagement may be shown.

        Sends `body` (the documented JSON as a dict, or the generated model) with the ids that are remembered, and
        remembers those of the answer. `deadline` is the longest that the whole call may last, in seconds.

        Raises InvalidRequest (nothing was sent), ApiError, InvalidResponse, ConnectionFailed, DeadlineExceeded,
        DomainLookupFailed, StoreError. After NotFound the ids are forgotten, so that the next call starts a new visit.
        Source: the vendor's page "Create Session".
        """
        return self._ports.call("create_session", self._session(body, deadline, reuse=False))

    def engagement(self, body: SessionBody, *, deadline: float | None = None) -> Session:
        """Return the Available session that an equal `body` got, while its `validForSeconds` run.

        Otherwise the same as `create_session(body)`.
        """
        if deadline is None and not self._ports.watched and (session := self._memory.at_hand(body)):
            return session
        return self._ports.call("engagement", self._session(body, deadline, reuse=True))

    def update_session(self, body: NewsBody, *, deadline: float | None = None) -> None:
        """Send new engagement attributes or impression events; pageId is filled in.

        Raises as `create_session` does, and InvalidRequest before the first session.
        Source: the vendor's page "Update Session".
        """
        self._ports.call("update_session", self._update(body, deadline))

    def report_impressions(self, *kinds: str, deadline: float | None = None) -> None:
        """Report what the visitor did with the engagement that was offered last in this session.

        Kinds: impDisplay, impAccept, impExpanded, impTimeout, impClose; one request carries all that are given.
        Raises as `update_session` does, and InvalidRequest where no engagement was offered.
        Source: the vendor's page "Update Session".
        """
        self._ports.call("report_impressions", self._report(kinds, deadline))

    def forget(self) -> None:
        """Drop what is remembered: the next call starts a new visit."""
        self._ports.call("forget", self._memory.forget())


class AsyncVisit(_Visit):
    """The asyncio twin of `Visit`; tasks may share it."""

    def __init__(self, client: AsyncEngagementClient, key: str | None, ids: VisitIds | None) -> None:
        super().__init__(client, key, ids)
        self._ports: AsyncPorts = client.ports

    @property
    def ids(self) -> VisitIds | None:
        """The ids that the next request will send, as far as this can be told without waiting for a store."""
        return self._memory.without_waiting()

    async def create_session(self, body: SessionBody, *, deadline: float | None = None) -> Session:
        """See `Visit.create_session`."""
        return await self._ports.call("create_session", self._session(body, deadline, reuse=False))

    async def engagement(self, body: SessionBody, *, deadline: float | None = None) -> Session:
        """See `Visit.engagement`."""
        if deadline is None and not self._ports.watched and (session := self._memory.at_hand(body)):
            return session
        return await self._ports.call("engagement", self._session(body, deadline, reuse=True))

    async def update_session(self, body: NewsBody, *, deadline: float | None = None) -> None:
        """See `Visit.update_session`."""
        await self._ports.call("update_session", self._update(body, deadline))

    async def report_impressions(self, *kinds: str, deadline: float | None = None) -> None:
        """See `Visit.report_impressions`."""
        await self._ports.call("report_impressions", self._report(kinds, deadline))

    async def forget(self) -> None:
        """See `Visit.forget`."""
        await self._ports.call("forget", self._memory.forget())


def _as_json(body: Any) -> Any:
    """Turn a generated model into the JSON it stands for."""
    if not hasattr(body, "to_dict"):
        return body
    try:
        return body.to_dict()
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidRequest("body", f"the model {type(body).__name__} holds a value of the wrong type") from error


def _visitor_in(failure: AccountLoading) -> str | None:
    """Read the visitor id that a "Loading account" message names, if it can stand in a URL."""
    found = contract().policy("createSession").visitor_in_message.search(failure.message or "")
    if found is None:
        return None
    try:
        contract().check_value("VisitorId", found[1])
    except Breach:
        return None
    return found[1]


def _started(remembered: Remembered | None) -> bool:
    """Tell whether a session is known; after "Loading account" only the visitor is."""
    return remembered is not None and remembered.record.ids.session_id is not None
