"""Visitor sessions and engagements of LivePerson's App Engagement API."""

from typing import TYPE_CHECKING, Any

from liveperson_engagement_api.models import AvailableSession, EngagementDetails, NotAvailableSession
from liveperson_engagement_api.requests import CreateSessionBody, SessionNews, UpdateSessionBody

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
from .retry import RetryPolicy
from .stores import AsyncSessionStore, MemoryStore, SessionStore, VisitIds
from .visit import AsyncVisit, Visit

if TYPE_CHECKING:
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
    "RedisStore",
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


def __getattr__(name: str) -> Any:
    """Import a store that brings a database along only when it is asked for."""
    if name == "SQLiteStore":
        from .stores.sqlite import SQLiteStore  # noqa: PLC0415

        return SQLiteStore
    if name == "RedisStore":
        from .stores.redis import RedisStore  # noqa: PLC0415

        return RedisStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
