"""A visit: one visitor's session with the service, whoever calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._account import Account
from ._json import plain_text
from ._session import VisitSession
from ._state import Session, SessionState, check_ids
from .errors import InvalidRequest
from .stores import MemoryStore, VisitIds

if TYPE_CHECKING:
    from liveperson_engagement_api.models import ImpressionEventType
    from liveperson_engagement_api.requests import CreateSessionBody, SessionUpdate

    from ._steps import AsyncDriver, Driver


def open_session(account: Account, key: object, ids: object) -> VisitSession:
    """Return the session of a key, or a private one without a key; raise `InvalidRequest` for a wrong argument."""
    if not isinstance(key, str | None):
        raise InvalidRequest("key", f"must be text, not {type(key).__name__}")
    if key == "":
        raise InvalidRequest("key", "must not be empty: all who pass it would share one visitor; leave it out instead")
    store = MemoryStore() if key is None else account.store
    return VisitSession(account, SessionState(store, f"{account.id}:{plain_text(key or '')}", check_ids(ids)))


class Visit:
    """One visitor's session with the service. Get one from `EngagementClient.visit`; threads may share it."""

    def __init__(self, driver: Driver, session: VisitSession) -> None:
        self._driver, self._session = driver, session

    def __repr__(self) -> str:
        """Name the class alone: a key may be personal data."""
        return f"<{type(self).__name__}>"

    @property
    def ids(self) -> VisitIds | None:
        """The ids that the next request will send, or None before the first."""
        return self._driver.run(self._session.state.ids())

    def create_session(self, body: CreateSessionBody, *, deadline: float | None = None) -> Session:
        """Start the visit's session, or ask again within it, and learn whether an engagement may be shown.

        Sends `body`, the documented JSON as a dict (of a generated model, its `to_dict()`), with the ids that are
        remembered, and remembers those of the answer. `deadline` is the longest that the call may last, in seconds.

        Raises InvalidRequest (nothing was sent), ApiError, InvalidResponse, ConnectionFailed, DeadlineExceeded,
        DomainLookupFailed, StoreError. After NotFound the ids are forgotten, so that the next call starts a new visit.
        Source: the vendor's page "Create Session".
        """
        return self._driver.call("create_session", self._session.create(body, deadline, reuse=False))

    def engagement(self, body: CreateSessionBody, *, deadline: float | None = None) -> Session:
        """Return the Available session that an equal `body` got, while its `validForSeconds` run.

        Otherwise the same as `create_session(body)`.
        """
        return self._driver.call("engagement", self._session.create(body, deadline, reuse=True))

    def update_session(self, body: SessionUpdate, *, deadline: float | None = None) -> None:
        """Send new engagement attributes or impression events; pageId is filled in.

        Raises as `create_session` does, and InvalidRequest before the first session.
        Source: the vendor's page "Update Session".
        """
        self._driver.call("update_session", self._session.update(body, deadline))

    def report_impressions(self, *kinds: ImpressionEventType, deadline: float | None = None) -> None:
        """Report what the visitor did with the engagement that was offered last in this session.

        Kinds: impDisplay, impAccept, impExpanded, impTimeout, impClose; one request carries all that are given.
        Raises as `update_session` does, and InvalidRequest where no engagement was offered.
        Source: the vendor's page "Update Session".
        """
        self._driver.call("report_impressions", self._session.report(kinds, deadline))

    def forget(self, *, deadline: float | None = None) -> None:
        """Drop what is remembered: the next call starts a new visit. Raises StoreError, InvalidRequest."""
        self._driver.call("forget", self._session.forget(deadline))


class AsyncVisit:
    """The asyncio twin of `Visit`; tasks may share it."""

    def __init__(self, driver: AsyncDriver, session: VisitSession) -> None:
        self._driver, self._session = driver, session

    def __repr__(self) -> str:
        """Name the class alone: a key may be personal data."""
        return f"<{type(self).__name__}>"

    @property
    def ids(self) -> VisitIds | None:
        """The ids that the next request will send, as far as is known without waiting for a store."""
        return self._session.state.ids_at_hand()

    async def create_session(self, body: CreateSessionBody, *, deadline: float | None = None) -> Session:
        """See `Visit.create_session`."""
        return await self._driver.call("create_session", self._session.create(body, deadline, reuse=False))

    async def engagement(self, body: CreateSessionBody, *, deadline: float | None = None) -> Session:
        """See `Visit.engagement`."""
        return await self._driver.call("engagement", self._session.create(body, deadline, reuse=True))

    async def update_session(self, body: SessionUpdate, *, deadline: float | None = None) -> None:
        """See `Visit.update_session`."""
        await self._driver.call("update_session", self._session.update(body, deadline))

    async def report_impressions(self, *kinds: ImpressionEventType, deadline: float | None = None) -> None:
        """See `Visit.report_impressions`."""
        await self._driver.call("report_impressions", self._session.report(kinds, deadline))

    async def forget(self, *, deadline: float | None = None) -> None:
        """See `Visit.forget`."""
        await self._driver.call("forget", self._session.forget(deadline))
