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


def note(event: RetryEvent) -> None:
    """Be told of a retry."""
    assert_type(event.operation_id, str)


async def note_later(event: RetryEvent) -> None:
    """Be told of a retry, as a coroutine."""
    assert_type(event.pause, float)


async def pass_time(seconds: float) -> None:
    """Take no time."""
    assert_type(seconds, float)


async def every_argument(transport: httpx.AsyncBaseTransport) -> None:
    """Every argument has its type; callbacks may be coroutine functions."""
    AsyncEngagementClient()
    AsyncEngagementClient(None, base_url=None, store=None, retry=None, timeout=None, deadline=None, transport=None)
    AsyncEngagementClient("le12345678", sleep=None, on_retry=None, telemetry=None, outage_guard=None)
    await AsyncEngagementClient(
        "le12345678",
        base_url="https://example.com",
        domain_api="https://api.example.com",
        store=MemoryStore(),
        retry=RetryPolicy.none(),
        timeout=10,
        deadline=2.5,
        transport=transport,
        sleep=pass_time,
        on_store_error="continue",
        on_retry=note_later,
        telemetry=None,
        outage_guard=OutageGuard(),
    ).close()
    AsyncEngagementClient(transport="fast", on_store_error="raise", on_retry=note)


async def every_call() -> None:
    """Results are the documented ones, once awaited."""
    async with AsyncEngagementClient("le12345678") as client:
        assert_type(client, AsyncEngagementClient)
        assert_type(await client.find_domain(), str)
        assert_type(await client.find_domain(deadline=2), str)
        assert_type(client.with_options(deadline=1, sleep=pass_time, on_retry=note_later), AsyncEngagementClient)
        visit = client.visit("shopper-42")
        assert_type(visit, AsyncVisit)
        assert_type(client.visit(ids=visit.ids), AsyncVisit)
        assert_type(visit.ids, VisitIds | None)
        session = await visit.create_session({"appType": "EXTERNAL"}, deadline=2.5)
        assert_type(session, AvailableSession | NotAvailableSession)
        if session.status == "Available":
            assert_type(session, AvailableSession)
            assert_type(session.engagement_details.campaign_id, int)
        else:
            assert_type(session, NotAvailableSession)
        assert_type(await visit.engagement({"appType": "MSDK"}), AvailableSession | NotAvailableSession)
        await visit.create_session(models.CreateSessionBody(app_type="MSDK").to_dict())
        await visit.update_session({"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]})
        await visit.update_session(models.UpdateSessionBody(page_id="page").to_dict(), deadline=2.5)
        await visit.report_impressions("impDisplay", deadline=2.5)
        await visit.forget()
