"""A shop's chat button: may it be shown, and what became of it.

Pages of the shop must not suffer from the chat: whatever fails, there is no button, and a line in the log.
"""

from __future__ import annotations

import logging

from liveperson_engagement import (
    AsyncEngagementClient,
    CreateSessionBody,
    EngagementClient,
    EngagementError,
    ServerError,
)

logger = logging.getLogger(__name__)


def button(client: EngagementClient, shopper: str, cart_total: float | None = None) -> str | None:
    """Return the label of the button, or None if there is to be none."""
    try:
        session = client.visit(shopper).engagement(about(cart_total))
    except EngagementError as error:
        logger.warning("no chat button: %s", error)
        return None
    if session.status != "Available":
        return None
    return f"Chat with {session.engagement_details.skill_name or 'us'}"


def clicked(client: EngagementClient, shopper: str) -> bool:
    """Report that the button was shown and clicked; tell whether that worked."""
    try:
        client.visit(shopper).report_impressions("impDisplay", "impAccept")
    except EngagementError as error:
        logger.warning("the click is not reported: %s", error)
        return False
    return True


async def buttons(client: AsyncEngagementClient, shoppers: list[str]) -> int:
    """Ask for many shoppers, as the night job does; return how many may see a button. Raises EngagementError."""
    sessions = [await client.visit(shopper).engagement(about(None)) for shopper in shoppers]
    return sum(session.status == "Available" for session in sessions)


def health() -> str:
    """Say how the service does, by the settings in the environment, for the shop's status page."""
    try:
        with EngagementClient() as client:
            client.visit().create_session(about(None))
    except ServerError as error:
        return f"down: {error}"
    return "up"


def about(cart_total: float | None) -> CreateSessionBody:
    """Say what the service is told of a shopper."""
    body: CreateSessionBody = {"appType": "EXTERNAL", "consumerSections": ["Support"]}
    if cart_total is not None:
        body["engagementAttributes"] = [{"type": "cart", "total": cart_total, "numItems": 1}]
    return body
