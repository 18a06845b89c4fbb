"""Every public call of the async client, as type checkers see it; never run."""

from __future__ import annotations

from typing import assert_type

import httpx

from liveperson_engagement import (
    AsyncEngagementClient,
    AsyncVisit,
    AvailableSession,
    MemoryStore,
    NotAvailableSession,
    OutageGuard,
    RetryEvent,
    RetryPolicy,
    VisitIds,
)
from liveperson_engagement_api import models


async def note_later(event: RetryEvent) -> None:
    """Be told of a retry, as a coroutine."""
    assert_type(event.pause, float)


async def pass_time(seconds: float) -> None:
    """Take no time."""
    assert_type(seconds, float)


async def every_argument(transport: httpx.AsyncBaseTransport) -> None:
    """Every argument has its type; callbacks may be coroutine functions."""
    AsyncEngagementClient(None, base_url=None, store=None, retry=None, timeout=None, deadline=None, transport=None)
    AsyncEngagementClient("le1", sleep=None, on_retry=None, telemetry=None, outage_guard=None, transport="fast")
    client = AsyncEngagementClient("le1", base_url="https://example.com", store=MemoryStore(), retry=RetryPolicy.none())
    client = client.with_options(timeout=10, deadline=2.5, sleep=pass_time, on_retry=note_later)
    AsyncEngagementClient(transport=transport, on_store_error="continue", on_retry=print, outage_guard=OutageGuard())
    await client.close()


async def every_call() -> None:
    """Results are the documented ones, once awaited."""
    async with AsyncEngagementClient("le12345678") as client:
        assert_type(client, AsyncEngagementClient)
        assert_type(await client.find_domain(deadline=2), str)
        visit = client.visit("shopper-42")
        assert_type(visit, AsyncVisit)
        assert_type(client.visit(ids=visit.ids), AsyncVisit)
        assert_type(visit.ids, VisitIds | None)
        session = await visit.create_session({"appType": "EXTERNAL"}, deadline=2.5)
        assert_type(session, AvailableSession | NotAvailableSession)
        if session.status == "Available":
            assert_type(session.engagement_details.campaign_id, int)
        assert_type(await visit.engagement({"appType": "MSDK"}), AvailableSession | NotAvailableSession)
        await visit.create_session(models.CreateSessionBody(app_type="MSDK").to_dict())
        await visit.update_session({"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]})
        await visit.report_impressions("impDisplay", deadline=2.5)
        await visit.forget()
