"""A shopper's visit from the first request to the summary, with what can go wrong on the way."""

import logging
import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from liveperson_engagement import EngagementClient, EngagementError
from liveperson_engagement.sandbox import Sandbox

console = Console(highlight=False)
BODY: Any = {
    "appType": "EXTERNAL",
    "consumerSections": ["Support", "English"],
    "engagementAttributes": [{"type": "personal", "personal": {"firstname": "Sarah"}}],
}


def say(text: str) -> None:
    """Announce the next step."""
    console.print(f"\n[bold]{text}[/bold]")


def count_down(seconds: float) -> None:
    """Pause as the retry policy asks, visibly."""
    ends = time.monotonic() + seconds
    columns = (TextColumn("  next attempt in {task.fields[left]} s"), BarColumn(40))
    with Progress(*columns, console=console, transient=True) as progress:
        pause = progress.add_task("", total=seconds, left=f"{seconds:.0f}")
        while (left := ends - time.monotonic()) > 0:
            progress.update(pause, completed=seconds - left, left=f"{left:.0f}")
            time.sleep(min(left, 0.1))


class OnScreen(logging.Handler):
    """Shows what the client logs of its retries."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        console.print(f"  [yellow]{record.getMessage()}[/yellow]")


def visit(sandbox: Sandbox) -> None:
    """Make every documented call once."""
    with EngagementClient("demo", domain_api=sandbox.url, sleep=count_down) as client:
        shopper = client.visit("shopper-42")

        say("1. Find the account's host; start a session while the account is loading")
        sandbox.loading_account()
        session = shopper.create_session(BODY)
        console.print(f"  the session is {session.status}")

        say("2. Ask again: the same visitor, the same session")
        again = shopper.create_session(BODY)
        same = (again.visitor_id, again.session_id) == (session.visitor_id, session.session_id)
        console.print(f"  visitor and session {'are the same' if same else 'HAVE CHANGED'}")

        say("3. Report that the button was shown and clicked")
        shopper.report_impressions("impDisplay", "impAccept")
        console.print("  reported, with the ids of the engagement that was returned")

        say("4. Tell more about the visitor while the service is unavailable")
        sandbox.fail_next(503)
        shopper.update_session({"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]})
        console.print("  accepted at the second attempt")

        summarise(sandbox, again)
        if not same or again.status != "Available" or len(sandbox.visitors) != 1:
            sys.exit("The demo has not gone as it should have.")


def summarise(sandbox: Sandbox, session: Any) -> None:
    """Show what has happened."""
    say("The requests that were made")
    table = Table("", "operation", "visitor", "session", "answer")
    for number, request in enumerate(sandbox.requests, 1):
        named = ("named" if request.visitor_id else "-", "named" if request.session_id else "-")
        table.add_row(str(number), request.operation_id, *named, str(request.status))
    console.print(table)
    say("The engagement that may be shown")
    details = session.engagement_details
    table = Table("campaign", "engagement", "revision", "language", "valid for")
    valid = f"{details.valid_for_seconds:g} s"
    numbers = (details.campaign_id, details.engagement_id, details.engagement_revision)
    table.add_row(*map(str, numbers), details.language, valid)
    console.print(table)
    say(f"Visitors on the brand's list: {len(sandbox.visitors)}")


def main() -> None:
    """Run the demo; exit non-zero unless all of it went well."""
    started = time.monotonic()
    logger = logging.getLogger("liveperson_engagement")
    logger.addHandler(OnScreen())
    logger.setLevel(logging.INFO)
    try:
        with Sandbox() as sandbox:
            console.print(f"The sandbox plays LivePerson's services at {sandbox.url}")
            visit(sandbox)
    except EngagementError as error:
        sys.exit(f"The demo failed: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    console.print(f"\nDone in {time.monotonic() - started:.0f} s.")


if __name__ == "__main__":
    main()
