"""Mistakes, one a line, and the rules by which type checkers find them: a comment that ignores nothing is an error."""

import time

import httpx

from liveperson_engagement import (
    AsyncEngagementClient,
    AsyncVisit,
    AvailableSession,
    EngagementClient,
    NotAvailableSession,
    RetryEvent,
    Visit,
    VisitIds,
)
from liveperson_engagement_api import models


async def note_later(event: RetryEvent) -> None:
    """Be told of a retry, as a coroutine."""


def take_text(text: str) -> None:
    """Take what no retry is."""


def bodies(visit: Visit) -> None:
    """Misspelt, missing and surplus members, wrong values and tags."""
    visit.create_session({})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    visit.create_session({"appType": "EXTERNAL", "appDetails": {"os": "BEOS"}})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    visit.create_session({"appType": "EXTERNAL", "engagementAttributes": [{"type": "personnal"}]})  # type: ignore[list-item, misc]  # pyright: ignore[reportArgumentType]
    visit.create_session({"appType": "EXTERNAL", "engagementAttributes": [{"type": "lead", "personal": {}}]})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    visit.create_session(models.UpdateSessionBody(page_id="page"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    visit.create_session(models.CreateSessionBody(app_type="EXTERNAL"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    models.CreateSessionBody(appType="EXTERNAL")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def calls(client: EngagementClient, visit: Visit) -> None:
    """Arguments of calls."""
    client.visit("shopper-42", "visitor")  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    visit.create_session({"appType": "EXTERNAL"}, deadline="2.5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    visit.report_impressions("impDisplayed")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    VisitIds("visitor").visitor_id = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    visit.ids = VisitIds("visitor")  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def answers(session: AvailableSession | NotAvailableSession) -> None:
    """What an answer does not have before its status is known."""
    print(session.engagement_details)  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]
    if session.status == "available":  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]
        take_text("never")


def settings(client: EngagementClient, later: httpx.AsyncBaseTransport) -> None:
    """Arguments of the sync client, some of which are the async one's."""
    EngagementClient("le12345678", "https://example.com")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    EngagementClient(retry=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    EngagementClient(timeout="10")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    EngagementClient(transport=later)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    EngagementClient(on_store_error="ignore")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    EngagementClient(on_retry=take_text)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    EngagementClient(on_retry=note_later)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    EngagementClient(store=object())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.with_options(retries=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def with_async(
    client: EngagementClient, later: AsyncEngagementClient, visit: AsyncVisit, transport: httpx.BaseTransport
) -> None:
    """What the sync client takes, and what is not awaited."""
    AsyncEngagementClient(sleep=time.sleep)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AsyncEngagementClient(transport=transport)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    visit.create_session({"appType": "EXTERNAL"})  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]
    print(visit.create_session({"appType": "EXTERNAL"}).status)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]
    await client.visit().create_session({"appType": "EXTERNAL"})  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    with later:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
    async with client:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
