"""The shop's own tests: with the sandbox of liveperson-engagement, and with a double in the client's place."""

from __future__ import annotations

import asyncio
from unittest.mock import MagicMock, create_autospec

import chat_button
import pytest

from liveperson_engagement import AsyncEngagementClient, EngagementClient, EngagementError
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.testing import FakeClock, Journal, answers


def test_the_cart_is_told_once_and_the_button_shown_twice(
    engagement_client: EngagementClient, engagement_journal: Journal
) -> None:
    """The second page of the same shopper needs no request."""
    assert chat_button.button(engagement_client, "shopper-42", cart_total=99.5)
    assert chat_button.button(engagement_client, "shopper-42", cart_total=99.5)

    engagement_journal.assert_calls(("createSession", 200))
    engagement_journal.assert_attribute_sent({"type": "cart", "total": 99.5})
    engagement_journal.assert_one_visitor()


def test_an_engagement_is_asked_for_again_when_its_time_is_over(
    engagement_client: EngagementClient, engagement_clock: FakeClock, engagement_journal: Journal
) -> None:
    """It is valid for 900 seconds, and the shopper stays the same visitor."""
    chat_button.button(engagement_client, "shopper-42")
    engagement_clock.advance(899)
    chat_button.button(engagement_client, "shopper-42")
    engagement_journal.assert_calls("createSession")

    engagement_clock.advance(2)
    chat_button.button(engagement_client, "shopper-42")
    engagement_journal.assert_calls("createSession", "continueSession")
    engagement_journal.assert_one_visitor()


def test_a_click_is_reported(
    engagement_client: EngagementClient, engagement_sandbox: Sandbox, engagement_journal: Journal
) -> None:
    """As two impressions, although the service was away for a moment."""
    chat_button.button(engagement_client, "shopper-42")
    engagement_journal.clear()

    engagement_sandbox.fail_next(503)
    assert chat_button.clicked(engagement_client, "shopper-42")

    engagement_journal.assert_calls(("updateSession", 503), ("updateSession", 200))
    engagement_journal.assert_impressions("impDisplay", "impAccept")


def test_without_an_engagement_there_is_no_button(
    engagement_client: EngagementClient, engagement_sandbox: Sandbox
) -> None:
    """Nobody is there to chat with."""
    engagement_sandbox.not_available()
    assert chat_button.button(engagement_client, "shopper-42") is None


def test_a_page_that_never_asked_reports_nothing(
    engagement_client: EngagementClient, engagement_journal: Journal
) -> None:
    """A click without a button is a bug of the page, not of the service."""
    assert not chat_button.clicked(engagement_client, "shopper-42")
    engagement_journal.assert_nothing_sent()


def test_the_night_job_waits_for_the_service(
    async_engagement_client: AsyncEngagementClient, engagement_sandbox: Sandbox, engagement_clock: FakeClock
) -> None:
    """Two failures cost it 15 seconds, of which the test waits none."""
    engagement_sandbox.fail_next(503, times=2)
    assert asyncio.run(chat_button.buttons(async_engagement_client, ["shopper-1", "shopper-2"])) == 2
    engagement_clock.assert_pauses(5, 10)


def test_the_status_page_makes_its_own_client(engagement_sandbox: Sandbox, engagement_clock: FakeClock) -> None:
    """The environment variables lead it to the sandbox, and the clock rules it, too."""
    assert chat_button.health() == "up"

    engagement_sandbox.fail_next(503, times=4)
    assert chat_button.health().startswith("down: [503]")
    assert engagement_clock.now == 5 + 10 + 15


@pytest.fixture
def double() -> MagicMock:
    """A client that talks to nobody."""
    client: MagicMock = create_autospec(EngagementClient, instance=True)
    return client


def test_the_label_names_the_skill(double: MagicMock) -> None:
    """As the engagement gives it."""
    double.visit.return_value.engagement.return_value = answers.available(skill_name="Sales")
    assert chat_button.button(double, "shopper-42") == "Chat with Sales"


@pytest.mark.parametrize(
    "error",
    [answers.account_loading(), answers.bad_request(), answers.timeout(), answers.deadline_exceeded(1.5)],
    ids=lambda error: type(error).__name__,
)
def test_no_page_suffers_from_an_error(
    double: MagicMock, error: EngagementError, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no button, and a line in the log."""
    double.visit.return_value.engagement.side_effect = error
    assert chat_button.button(double, "shopper-42") is None
    assert caplog.messages == [f"no chat button: {error}"]
