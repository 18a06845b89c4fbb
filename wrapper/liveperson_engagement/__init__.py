"""Visitor sessions and engagements of LivePerson's App Engagement API."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__
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
from .retry import RetryEvent, RetryPolicy
from .stores import AsyncSessionStore, MemoryStore, SessionStore, VisitIds
from .visit import AsyncVisit, Visit

if TYPE_CHECKING:
    from liveperson_engagement_api.models import AvailableSession, EngagementDetails, NotAvailableSession
    from liveperson_engagement_api.requests import CreateSessionBody, SessionNews, UpdateSessionBody

    from .outage import OutageGuard
    from .stores.redis import RedisStore
    from .stores.sqlite import SQLiteStore

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
    "RetryEvent",
    "RetryPolicy",
    "SQLiteStore",
    "ServerError",
    "SessionNews",
    "SessionStore",
    "StoreError",
    "Timeout",
    "Unauthorized",
    "UpdateSessionBody",
    "Visit",
    "VisitIds",
    "__version__",
]


_MODELS, _REQUESTS = "liveperson_engagement_api.models", "liveperson_engagement_api.requests"
_IMPORTED_LATE = {
    **dict.fromkeys(("AvailableSession", "EngagementDetails", "NotAvailableSession"), _MODELS),
    **dict.fromkeys(("CreateSessionBody", "SessionNews", "UpdateSessionBody"), _REQUESTS),
    "OutageGuard": "liveperson_engagement.outage",
    "RedisStore": "liveperson_engagement.stores.redis",
    "SQLiteStore": "liveperson_engagement.stores.sqlite",
}
"""What takes long to import, or brings a database along, is imported when it is asked for."""


def __getattr__(name: str) -> Any:
    if name not in _IMPORTED_LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_IMPORTED_LATE[name]), name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *_IMPORTED_LATE]
