"""Every public call of the sync client, as type checkers see it; never run."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Any, Literal, assert_type

import httpx

from liveperson_engagement import (
    AvailableSession,
    EngagementAttributes,
    EngagementClient,
    EngagementDetails,
    ImpressionEventType,
    MemoryStore,
    NotAvailableSession,
    OutageGuard,
    RequestEvent,
    ResponseEvent,
    RetryEvent,
    RetryPolicy,
    Session,
    SessionUpdate,
    UpdateSessionBody,
    Visit,
    VisitIds,
    __version__,
)
from liveperson_engagement.types import LeadAttribute
from liveperson_engagement_api import models

VERSION: str = __version__


def note(event: RetryEvent) -> None:
    """Be told of a retry."""
    assert_type((event.operation_id, event.attempt, event.pause), tuple[str, int, float])
    assert_type(event.error.attempts, int)


def note_request(event: RequestEvent) -> None:
    """See an attempt begin."""
    assert_type((event.request.method, event.request.body), tuple[str, bytes | None])


def note_response(event: ResponseEvent) -> None:
    """See an attempt end."""
    assert_type((event.error, event.duration), tuple[BaseException | None, float])
    assert_type(event.response.status if event.response else None, int | None)


def every_argument(transport: httpx.BaseTransport, pauses: list[float], context: ssl.SSLContext) -> None:
    """Every argument has its type, and its default can be passed by those who compute arguments."""
    EngagementClient(None, base_url=None, store=None, retry=None, timeout=None, deadline=None, transport=None)
    EngagementClient("le12345678", sleep=None, on_retry=None, telemetry=None, outage_guard=None, strict=True)
    EngagementClient(timeout=httpx.Timeout(5, connect=2), retry=RetryPolicy(max_retries=1, pauses=(1, 2.5)))
    EngagementClient(base_url="https://example.com", domain_api="https://api.example.com", timeout=10, deadline=2.5)
    EngagementClient(transport=transport, sleep=pauses.append, store=MemoryStore(), on_store_error="continue").close()
    EngagementClient(on_request=note_request, on_response=note_response, on_retry=note, transport="fast")
    EngagementClient(headers={"X-Team": "a"}, proxy="http://proxy:3128", ssl_context=context, max_connections=20)
    client = EngagementClient(outage_guard=OutageGuard([120, 240.0]), on_store_error="raise", on_retry=print)
    assert_type(client.with_options(retry=RetryPolicy.none(), deadline=1, on_retry=note), EngagementClient)
    client.with_options(account_id="le2", base_url=None, timeout=None, store=MemoryStore(), outage_guard=None)


def every_call() -> None:
    """Results are the documented ones."""
    with EngagementClient("le12345678") as client:
        assert_type(client, EngagementClient)
        assert_type(client.find_domain(deadline=2), str)
        assert_type(client.visit(None, ids=None), Visit)
        visit = client.visit("shopper-42")
        assert_type(visit, Visit)
        assert_type(visit.ids, VisitIds | None)
        assert_type(client.visit(ids=visit.ids), Visit)
        assert_type(visit.create_session({"appType": "EXTERNAL"}, deadline=2.5), AvailableSession | NotAvailableSession)
        assert_type(visit.engagement({"appType": "MSDK"}, deadline=2), AvailableSession | NotAvailableSession)
        visit.update_session({"engagementAttributes": []}, deadline=2.5)
        visit.report_impressions("impDisplay", "impAccept", deadline=2.5)
        visit.forget()


def narrowing(session: AvailableSession | NotAvailableSession) -> int | None:
    """The status says which of the two it is; `match` covers both."""
    assert_type(session.visitor_id, str)
    assert_type(session.status, Literal["Available", "NotAvailable"])
    if session.status == "Available":
        assert_type(session, AvailableSession)
        details = session.engagement_details
        assert_type(details, EngagementDetails)
        assert_type((details.campaign_id, details.valid_for_seconds), tuple[int, float])
        assert_type((details.skill_id, details.skill_name), tuple[int | None, str | None])
        return details.engagement_id
    assert_type(session, NotAvailableSession)
    return None


def matching(session: AvailableSession | NotAvailableSession) -> int:
    """No case is missing: the function always returns."""
    match session:
        case AvailableSession(engagement_details=details):
            return details.engagement_id
        case NotAvailableSession():
            return 0


def ids() -> None:
    """Ids are plain text, kept and handed back."""
    kept = VisitIds("visitor", "session", "page")
    assert_type((kept.visitor_id, kept.session_id, kept.page_id), tuple[str, str | None, str | None])
    assert_type(RetryPolicy().pauses, Sequence[float] | None)


def bodies(visit: Visit) -> None:
    """A body is a dict that the checker reads, a value of a named type, or a generated model."""
    visit.create_session(
        {
            "appType": "EXTERNAL",
            "appDetails": {"os": "ANDROID", "osVersion": "16", "deviceFamily": "MOBILE", "ipAddress": "192.0.2.1"},
            "consumerSections": ["Support", "English"],
            "engagementAttributes": [
                {"type": "personal", "personal": {"gender": "OTHER", "age": {"year": 1990}, "contacts": [{}]}},
                {"type": "ctmrinfo", "info": {"balance": 12.5, "lastPaymentDate": {"day": 1, "month": 2}}},
                {"type": "mrktInfo", "info": {"channel": 1, "affiliate": "partner"}},
                {"type": "cart", "total": 9.5, "numItems": 1, "products": [{"product": {"name": "case"}}]},
                {"type": "purchase", "total": 9, "cart": {"products": []}},
                {"type": "prodView", "products": []},
                {"type": "lead", "lead": {"topic": "upgrade", "value": 3}},
                {"type": "service", "service": {"status": 1}},
                {"type": "error", "error": {"code": "E1", "resolved": True}},
                {"type": "searchInfo", "keywords": ["shoes"]},
            ],
        }
    )
    update: SessionUpdate = {"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]}
    visit.update_session(update)
    lead: LeadAttribute = {"type": "lead", "lead": {"topic": "upgrade"}}
    leads = [lead]
    attributes: EngagementAttributes = (lead, *leads)
    visit.update_session({"engagementAttributes": leads})
    visit.update_session({"engagementAttributes": attributes})
    kinds: list[ImpressionEventType] = ["impDisplay", "impAccept", "impExpanded", "impTimeout", "impClose"]
    visit.report_impressions(*kinds)
    whole: UpdateSessionBody = {"pageId": "page", "impAttributes": []}
    visit.update_session(whole)
    visit.engagement(models.CreateSessionBody(app_type="EXTERNAL").to_dict())
    visit.update_session(models.SessionUpdate(engagement_attributes=[]).to_dict())
    visit.update_session(models.UpdateSessionBody(page_id="page").to_dict())


def objects(session: Session, visit: Visit) -> None:
    """What may be asked of an answer and of ids."""
    assert_type(session.is_available, bool)
    assert_type(session.to_dict(), dict[str, Any])
    if visit.ids:
        assert_type(VisitIds.from_text(visit.ids.to_text()), VisitIds)
