"""Visitor sessions and engagements of LivePerson's App Engagement API."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from liveperson_engagement_api.models import AvailableSession, EngagementDetails, NotAvailableSession
    from liveperson_engagement_api.requests import CreateSessionBody, SessionUpdate, UpdateSessionBody
    from liveperson_engagement_api.requests import SessionUpdate as SessionNews

    from .client import AsyncEngagementClient, EngagementClient
    from .errors import (
        AccountLoading,
        ApiError,
        BadRequest,
        ConnectionFailed,
        DeadlineExceeded,
        DomainLookupFailed,
        EngagementError,
        InvalidRequest,
        InvalidResponse,
        NotFound,
        ServerError,
        StoreError,
        Timeout,
        Unauthorized,
    )
    from .events import RequestEvent, ResponseEvent, RetryEvent
    from .outage import OutageGuard
    from .retry import RetryPolicy
    from .stores import AsyncSessionStore, MemoryStore, SessionStore, VisitIds
    from .stores.redis import RedisStore
    from .stores.sqlite import SQLiteStore
    from .visit import AsyncVisit, Visit

__all__ = [
    "AccountLoading",
    "ApiError",
    "AsyncEngagementClient",
    "AsyncSessionStore",
    "AsyncVisit",
    "AvailableSession",
    "BadRequest",
    "ConnectionFailed",
    "CreateSessionBody",
    "DeadlineExceeded",
    "DomainLookupFailed",
    "EngagementClient",
    "EngagementDetails",
    "EngagementError",
    "InvalidRequest",
    "InvalidResponse",
    "MemoryStore",
    "NotAvailableSession",
    "NotFound",
    "OutageGuard",
    "RedisStore",
    "RequestEvent",
    "ResponseEvent",
    "RetryEvent",
    "RetryPolicy",
    "SQLiteStore",
    "ServerError",
    "SessionNews",
    "SessionStore",
    "SessionUpdate",
    "StoreError",
    "Timeout",
    "Unauthorized",
    "UpdateSessionBody",
    "Visit",
    "VisitIds",
    "__version__",
]


_MODULES = {
    "liveperson_engagement_api.models": ("AvailableSession", "EngagementDetails", "NotAvailableSession"),
    "liveperson_engagement_api.requests": ("CreateSessionBody", "SessionUpdate", "UpdateSessionBody"),
    "liveperson_engagement.client": ("AsyncEngagementClient", "EngagementClient"),
    "liveperson_engagement.outage": ("OutageGuard",),
    "liveperson_engagement.events": ("RequestEvent", "ResponseEvent", "RetryEvent"),
    "liveperson_engagement.retry": ("RetryPolicy",),
    "liveperson_engagement.stores": ("AsyncSessionStore", "MemoryStore", "SessionStore", "VisitIds"),
    "liveperson_engagement.stores.redis": ("RedisStore",),
    "liveperson_engagement.stores.sqlite": ("SQLiteStore",),
    "liveperson_engagement.visit": ("AsyncVisit", "Visit"),
}
_LATE = {name: module for module, names in _MODULES.items() for name in names}
"""Everything is imported when it is asked for: every run of pytest loads the plugin, and with it this module."""
_RENAMED = {"SessionNews": "SessionUpdate"}
"""Old names, which stay until 1.0."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    new = _RENAMED.get(name, name)
    value = globals()[name] = getattr(import_module(_LATE.get(new, "liveperson_engagement.errors")), new)
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
