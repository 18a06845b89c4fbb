"""`demo`: shows the client at work against the sandbox, with what can go wrong, and draws what happened."""

from typing import TYPE_CHECKING, Any

from liveperson_engagement.cli.failure import describe, failed

if TYPE_CHECKING:
    from rich.console import Console

    from liveperson_engagement.sandbox import Sandbox

BODY: Any = {
    "appType": "EXTERNAL",
    "consumerSections": ["Support", "English"],
    "engagementAttributes": [{"type": "personal", "personal": {"firstname": "Sarah"}}],
}
LEAD: Any = {"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]}


def demo() -> None:
    """Watch the client at work for 15 seconds.

    It plays a shopper's visit against a sandbox on this machine: an account that is being loaded, a session that is
    asked for again, a button that is shown, a service that fails. At the end a picture shows calls, attempts and
    pauses. Nothing leaves this machine.
    """
    from rich.console import Console  # noqa: PLC0415

    from liveperson_engagement.cli.interrupt import tidied_up_on_ctrl_c  # noqa: PLC0415
    from liveperson_engagement.errors import EngagementError  # noqa: PLC0415
    from liveperson_engagement.sandbox import Sandbox  # noqa: PLC0415

    console = Console(highlight=False)
    try:
        with tidied_up_on_ctrl_c(), Sandbox() as sandbox:
            console.print(f"A sandbox plays LivePerson's services at {sandbox.url}")
            went_well = _visit(sandbox, console)
    except EngagementError as error:
        raise failed(f"the demo failed: {describe(error)}") from None
    if not went_well:
        raise failed("the demo has not gone as it should have")


def _visit(sandbox: "Sandbox", console: "Console") -> bool:
    """Make every documented call once; return whether all went as it should."""
    from rich.text import Text  # noqa: PLC0415

    from liveperson_engagement.cli.pauses import Pauses  # noqa: PLC0415
    from liveperson_engagement.cli.timeline import Timeline  # noqa: PLC0415
    from liveperson_engagement.client import EngagementClient  # noqa: PLC0415
    from liveperson_engagement.events import ResponseEvent  # noqa: PLC0415

    timeline, pauses = Timeline(), Pauses(console)

    def step(title: str) -> None:
        timeline.step = title[:1]
        console.print(f"\n[bold]{title}[/bold]")

    def on_response(event: ResponseEvent) -> None:
        timeline.on_response(event)
        outcome = ("200", "green") if event.error is None else (f"{event.error}", "red")
        console.print(Text.assemble(f"   {event.operation_id:<16} ", outcome), no_wrap=True, overflow="ellipsis")

    def pause(seconds: float) -> None:
        pauses.wait("LivePerson asks for a pause", seconds)

    hooks: Any = {"on_request": timeline.on_request, "on_response": on_response, "on_retry": timeline.on_retry}
    made = EngagementClient("demo", base_url=sandbox.url, domain_api=sandbox.url, sleep=pause, **hooks)
    with pauses.alone(), made.with_options(base_url=None) as client:  # whatever the environment says of it
        shopper = client.visit("shopper-42")

        step("1  Find the account's host, and start a session while the account is loading")
        sandbox.loading_account()
        session = shopper.create_session(BODY)

        step("2  Ask again: the same visitor, the same session")
        again = shopper.create_session(BODY)

        step("3  Report that the button was shown and clicked")
        shopper.report_impressions("impDisplay", "impAccept")

        step("4  Tell more about the visitor while the service fails")
        sandbox.fail_next(503)
        shopper.update_session(LEAD)

    console.print("\n[bold]What happened, second by second[/bold]\n")
    console.print(timeline)
    requests, visitors = len(sandbox.requests), len(sandbox.visitors)
    console.print(
        f"\n{requests} requests, {visitors} visitor on the brand's list, since the client sends the ids again."
    )
    same = (again.visitor_id, again.session_id) == (session.visitor_id, session.session_id)
    if again.status != "Available":
        return False
    details = again.engagement_details
    console.print(
        f"The app may show the button of engagement {details.engagement_id} for {details.valid_for_seconds:g} seconds."
    )
    return same and visitors == 1
