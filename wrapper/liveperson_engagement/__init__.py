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
from .events import RequestEvent, ResponseEvent, RetryEvent
from .outage import OutageGuard
from .retry import RetryPolicy
from .stores import AsyncSessionStore, MemoryStore, SessionStore, VisitIds
from .visit import AsyncVisit, Visit

if TYPE_CHECKING:
    from .stores.redis import RedisStore
    from .stores.sqlite import SQLiteStore
    from .types import (
        AvailableSession,
        CreateSessionBody,
        EngagementAttribute,
        EngagementAttributes,
        EngagementDetails,
        ImpressionEventType,
        NotAvailableSession,
        Session,
        SessionNews,
        SessionUpdate,
        UpdateSessionBody,
    )

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
    "EngagementAttribute",
    "EngagementAttributes",
    "EngagementClient",
    "EngagementDetails",
    "EngagementError",
    "ImpressionEventType",
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
    "Session",
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


def __getattr__(name: str) -> Any:
    """Import what takes long to import, or needs an extra, when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    stores = {"RedisStore": ".stores.redis", "SQLiteStore": ".stores.sqlite"}
    value = globals()[name] = getattr(import_module(stores.get(name, ".types"), __name__), name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
