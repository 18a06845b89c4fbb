"""What is measured: the documented request and answer of a visit that has begun, and how many calls are in flight."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import liveperson_engagement_api

CONTRACT: Final[dict[str, Any]] = json.loads(
    resources.files(liveperson_engagement_api).joinpath("openapi.json").read_bytes()
)
_COMPONENTS = CONTRACT["components"]
_BODIES = _COMPONENTS["requestBodies"]["CreateSession"]["content"]["application/json"]["examples"]
_ANSWERS = _COMPONENTS["responses"]["Session"]["content"]["application/json"]["examples"]

BODY: Final[dict[str, Any]] = _BODIES["documented"]["value"]
ANSWER: Final[dict[str, Any]] = _ANSWERS["available"]["value"]
ANSWER_BYTES: Final = json.dumps(ANSWER, separators=(",", ":")).encode()
CAMPAIGN: Final = int(ANSWER["engagementDetails"]["campaignId"])

ACCOUNT: Final[str] = _COMPONENTS["parameters"]["AccountId"]["example"]
VISITOR: Final[str] = ANSWER["visitorId"]
SESSION: Final[str] = ANSWER["sessionId"]
TARGET: Final = f"/api/account/{ACCOUNT}/app/engagement/visitors/{VISITOR}?sid={SESSION}&v=1.0"
"""Path and query as text, the form that every HTTP library is quickest with."""


@dataclass(frozen=True)
class Case:
    """How calls are made: one after another, or so many at once."""

    name: str
    at_once: int | None
    """None for a sync client."""
    calls: int
    """In each round."""


CASES: Final = (
    Case("sync", None, 200),
    Case("async 1", 1, 150),
    Case("async 50", 50, 400),
    Case("async 200", 200, 600),
)


def campaign_of(answer: Any) -> int:
    """Find the campaign id in whatever a client made of the answer: bytes, JSON or a model."""
    found = json.loads(answer) if isinstance(answer, bytes) else answer
    if hasattr(found, "keys"):
        return int(found["engagementDetails"]["campaignId"])
    session = getattr(found, "actual_instance", found)  # where openapi-generator keeps the member of a union
    return int(session.engagement_details.campaign_id)
