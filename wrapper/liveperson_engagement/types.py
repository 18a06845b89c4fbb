"""Types of request bodies, by the names of the contract, and of answers."""

# ruff: noqa: PLC0414 - what is named twice is exported
from liveperson_engagement_api.models import AvailableSession as AvailableSession
from liveperson_engagement_api.models import EngagementDetails as EngagementDetails
from liveperson_engagement_api.models import ImpressionEventType as ImpressionEventType
from liveperson_engagement_api.models import NotAvailableSession as NotAvailableSession
from liveperson_engagement_api.models import Session as Session
from liveperson_engagement_api.requests import *  # noqa: F403 - whatever the contract names
from liveperson_engagement_api.requests import SessionUpdate

SessionNews = SessionUpdate
"""The old name of `SessionUpdate`, until 1.0."""
