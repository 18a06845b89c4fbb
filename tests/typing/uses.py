"""What type checkers make of calls, bodies, answers, stores and errors; never run."""

import os
from typing import Any, Literal, assert_type

import httpx

import liveperson_engagement as sdk
from liveperson_engagement import (
    AsyncEngagementClient,
    AvailableSession,
    EngagementClient,
    MemoryStore,
    NotAvailableSession,
    OutageGuard,
    RedisStore,
    RetryPolicy,
    SQLiteStore,
    Visit,
)
from liveperson_engagement.otel import OpenTelemetry
from liveperson_engagement.stores import Remembered
from liveperson_engagement.testing import FakeClock
from liveperson_engagement.types import LeadAttribute
from liveperson_engagement_api import models

Answer = AvailableSession | NotAvailableSession


def note(event: sdk.RetryEvent) -> None:
    """Be told of a retry."""
    assert_type((event.operation_id, event.pause, event.error.attempts), tuple[str, float, int])


def note_response(event: sdk.ResponseEvent) -> None:
    """See an attempt end."""
    assert_type((event.request.body, event.error, event.duration), tuple[bytes | None, BaseException | None, float])
    assert_type(event.response.status if event.response else None, int | None)


async def note_later(event: sdk.RetryEvent) -> None:
    """Be told of a retry, as a coroutine."""
    assert_type(event.pause, float)


def every_argument(transport: httpx.BaseTransport, pauses: list[float]) -> None:
    """Every argument has its type, and its default can be passed by those who compute arguments."""
    EngagementClient(None, base_url=None, store=None, retry=None, timeout=None, deadline=None, transport=None)
    EngagementClient("le12345678", sleep=None, on_retry=None, telemetry=None, outage_guard=None, strict=True)
    EngagementClient(timeout=httpx.Timeout(5, connect=2), retry=RetryPolicy(max_retries=1, pauses=(1, 2.5)))
    EngagementClient(transport=transport, sleep=pauses.append, store=MemoryStore(), on_store_error="continue").close()
    EngagementClient(on_response=note_response, on_retry=note, transport="fast")
    EngagementClient("demo", sleep=FakeClock().sleep, telemetry=OpenTelemetry())
    client = EngagementClient(outage_guard=OutageGuard([120, 240.0]), on_store_error="raise", on_retry=print)
    assert_type(client.with_options(retry=RetryPolicy.none(), deadline=1, on_retry=note), EngagementClient)


async def every_argument_async(transport: httpx.AsyncBaseTransport) -> None:
    """Callbacks may be coroutine functions."""
    client = AsyncEngagementClient(transport=transport, on_retry=print, outage_guard=OutageGuard())
    clock = FakeClock()
    assert_type(client.with_options(deadline=2.5, sleep=clock.asleep, on_retry=note_later), AsyncEngagementClient)


async def every_call() -> None:
    """Results are the documented ones; those of the async client, once awaited."""
    with EngagementClient("le12345678") as client:
        assert_type(client, EngagementClient)
        visit = client.visit("shopper-42")
        assert_type(visit.create_session({"appType": "EXTERNAL"}, deadline=2.5), Answer)
        assert_type(visit.engagement({"appType": "MSDK"}, deadline=2), Answer)
    async with AsyncEngagementClient("le12345678") as other:
        assert_type(other, AsyncEngagementClient)
        assert_type(await other.find_domain(deadline=2), str)
        later = other.visit("shopper-42")
        assert_type(await later.create_session({"appType": "EXTERNAL"}, deadline=2.5), Answer)
        assert_type(await later.engagement({"appType": "MSDK"}), Answer)
        await later.report_impressions("impDisplay", deadline=2.5)
        await later.forget()


def answered(session: sdk.Session) -> int | None:
    """The status says which of the two it is."""
    assert_type((session.is_available, session.to_dict()), tuple[bool, dict[str, Any]])
    assert_type((session.visitor_id, session.status), tuple[str, Literal["Available", "NotAvailable"]])
    if session.status == "Available":
        assert_type(session, AvailableSession)
        details: sdk.EngagementDetails = session.engagement_details
        assert_type((details.campaign_id, details.valid_for_seconds), tuple[int, float])
        assert_type((details.skill_id, details.skill_name), tuple[int | None, str | None])
        return details.engagement_id
    assert_type(session, NotAvailableSession)
    return None


def matched(session: sdk.Session) -> int:
    """No case is missing: the function always returns."""
    match session:
        case AvailableSession(engagement_details=details):
            return details.engagement_id
        case NotAvailableSession():
            return 0


def bodies(visit: Visit) -> None:
    """A body is a dict that the checker reads, a value of a named type, or what a generated model gives."""
    visit.create_session(
        {
            "appType": "EXTERNAL",
            "appDetails": {"os": "ANDROID", "osVersion": "16", "deviceFamily": "MOBILE", "ipAddress": "192.0.2.1"},
            "consumerSections": ["Support", "English"],
            "engagementAttributes": [
                {"type": "personal", "personal": {"gender": "OTHER", "age": {"year": 1990}, "contacts": [{}]}},
                {"type": "ctmrinfo", "info": {"balance": 12.5, "lastPaymentDate": {"day": 1, "month": 2}}},
                {"type": "cart", "total": 9.5, "numItems": 1, "products": [{"product": {"name": "case"}}]},
                {"type": "lead", "lead": {"topic": "upgrade", "value": 3}},
                {"type": "searchInfo", "keywords": ["shoes"]},
            ],
        }
    )
    update: sdk.SessionUpdate = {"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]}
    lead: LeadAttribute = {"type": "lead", "lead": {"topic": "upgrade"}}
    leads = [lead]
    attributes: sdk.EngagementAttributes = (lead, *leads)
    visit.update_session(update)
    visit.update_session({"engagementAttributes": leads})
    visit.update_session({"engagementAttributes": attributes})
    kinds: list[sdk.ImpressionEventType] = ["impDisplay", "impAccept", "impExpanded", "impTimeout", "impClose"]
    visit.report_impressions(*kinds)
    visit.update_session(models.UpdateSessionBody(page_id="page").to_dict())


async def every_store(path: os.PathLike[str]) -> None:
    """The package's stores serve both kinds of client."""
    for store in (MemoryStore(), SQLiteStore(path), SQLiteStore("visits.db", timeout=2), RedisStore()):
        EngagementClient(store=store).with_options(store=store)
        AsyncEngagementClient(store=store).with_options(store=store)
        sync_view: sdk.SessionStore = store
        async_view: sdk.AsyncSessionStore = store
        assert_type(sync_view.load("key"), Remembered | None)
        async_view.aload("key").close()
    with RedisStore("rediss://h", prefix="shop:", time_to_live=60) as server:
        assert_type(server, RedisStore)
    async with SQLiteStore("visits.db") as file:
        assert_type((file, await file.aload("key")), tuple[SQLiteStore, Remembered | None])


def one_tree(visit: Visit) -> None:
    """What is caught has the attributes that its class promises."""
    try:
        visit.create_session({"appType": "EXTERNAL"})
    except sdk.InvalidRequest as error:
        as_value_error: ValueError = error
        raise as_value_error from None
    except (sdk.AccountLoading, sdk.ServerError, sdk.BadRequest, sdk.Unauthorized, sdk.NotFound) as error:
        api_error: sdk.ApiError = error
        assert_type((api_error.status_code, api_error.internal_code), tuple[int, int | None])
    except sdk.Timeout as error:
        connection_failed: sdk.ConnectionFailed = error
        assert_type(connection_failed.may_have_arrived, bool)
    except (sdk.InvalidResponse, sdk.DeadlineExceeded, sdk.DomainLookupFailed, sdk.StoreError) as error:
        engagement_error: sdk.EngagementError = error
        assert_type(engagement_error.attempts, int)
