"""Types of request bodies, by the names of the contract, and of answers."""

from liveperson_engagement_api.models import (
    AvailableSession,
    EngagementDetails,
    ImpressionEventType,
    NotAvailableSession,
    Session,
)
from liveperson_engagement_api.requests import *  # noqa: F403 - whatever the contract names
from liveperson_engagement_api.requests import (
    CreateSessionBody,
    EngagementAttribute,
    EngagementAttributes,
    SessionUpdate,
    UpdateSessionBody,
)

SessionNews = SessionUpdate
"""The old name of `SessionUpdate`, until 1.0."""

__all__ = [
    "AvailableSession",
    "CreateSessionBody",
    "EngagementAttribute",
    "EngagementAttributes",
    "EngagementDetails",
    "ImpressionEventType",
    "NotAvailableSession",
    "Session",
    "SessionNews",
    "SessionUpdate",
    "UpdateSessionBody",
]
