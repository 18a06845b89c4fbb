"""Visitor sessions and engagements of LivePerson's App Engagement API."""

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
    "RetryPolicy",
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
