"""`create-session`: starts a visit or asks again within it, and shows the answer."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from liveperson_engagement._json import is_object
from liveperson_engagement.cli import bodies
from liveperson_engagement.cli.failure import Status, wrong
from liveperson_engagement.cli.options import (
    BODY,
    OUTPUT,
    AppType,
    AsJson,
    Attributes,
    BodyFile,
    Caller,
    Curl,
    Patience,
    Sections,
    Visited,
    values_of,
)
from liveperson_engagement.errors import check_seconds


@dataclass(frozen=True, kw_only=True)
class App:
    """The app and the device, option by option."""

    app_type: AppType = None
    section: Sections = None
    os: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="WINDOWS, MAC_OSX, LINUX, IOS or ANDROID.",
            autocompletion=values_of("OsFamily"),
            rich_help_panel=BODY,
        ),
    ] = None
    os_version: Annotated[
        str | None,
        typer.Option(metavar="TEXT", show_default=False, help="Version of the operating system.", rich_help_panel=BODY),
    ] = None
    app_version: Annotated[
        str | None,
        typer.Option(metavar="TEXT", show_default=False, help="Version of the app.", rich_help_panel=BODY),
    ] = None
    device_family: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="DESKTOP, TABLET or MOBILE.",
            autocompletion=values_of("DeviceFamily"),
            rich_help_panel=BODY,
        ),
    ] = None
    ip_address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", show_default=False, help="The visitor's IPv4 or IPv6 address.", rich_help_panel=BODY
        ),
    ] = None

    def put_into(self, body: Any) -> Any:
        """Replace the parts of a body that are given."""
        if is_object(body):
            body = {"appType": "EXTERNAL", **body}
            details = bodies.with_members(
                body.get("appDetails", {}),
                os=self.os,
                osVersion=self.os_version,
                appVersion=self.app_version,
                deviceFamily=self.device_family,
                ipAddress=self.ip_address,
            )
            body = bodies.with_members(body, appDetails=details or body.get("appDetails"))
        return bodies.with_members(body, appType=self.app_type, consumerSections=self.section or None)


def create_session(
    caller: Caller,
    patience: Patience,
    visited: Visited,
    body_file: BodyFile = None,
    *,
    app: App,
    attribute: Attributes = None,
    as_json: AsJson = False,
    curl: Curl,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Ask again whenever the answer is no longer valid.", rich_help_panel=OUTPUT),
    ] = False,
    every: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            help="With --watch: when to ask again while nothing is available; at least 5.",
            rich_help_panel=OUTPUT,
        ),
    ] = 30,
    exit_status: Annotated[
        bool,
        typer.Option("--exit-status", "-e", help="Leave with 3 if no engagement is available.", rich_help_panel=OUTPUT),
    ] = False,
) -> None:
    """Ask whether an engagement may be shown.

    Starts a visit, or goes on with one. Without a key, a session or ids each call puts one more visitor on the
    account's list; LivePerson asks callers to do that sparingly. Options of the group Body replace parts of the body
    that --body gives.
    """
    check_seconds("--every", every, least=5)
    if watch and (curl.curl or exit_status):
        raise wrong("--watch: goes neither with --curl nor with --exit-status")
    body = app.put_into(bodies.from_file(body_file, visited.session))
    body = bodies.with_members(body, engagementAttributes=bodies.attributes(attribute))
    from liveperson_engagement.cli.output import print_json, print_session, print_status  # noqa: PLC0415
    from liveperson_engagement.cli.pauses import Pauses  # noqa: PLC0415
    from liveperson_engagement.cli.visits import visiting  # noqa: PLC0415

    pauses = Pauses()
    with visiting(caller, patience, pauses, visited, curl) as visit:
        if watch:
            from liveperson_engagement.cli import watch as watching  # noqa: PLC0415

            watching.watch(
                lambda: visit.create_session(body),
                lambda session: (print_json if as_json else print_status)(session.to_dict()),
                pauses.wait,
                every=every,
                known=lambda: visit.ids is not None,
            )
        session = visit.create_session(body)
        (print_json if as_json else print_session)(session.to_dict())
        if exit_status and session.status != "Available":
            raise typer.Exit(Status.NOT_AVAILABLE)
