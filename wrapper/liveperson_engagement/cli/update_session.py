"""`update-session`: sends an update of a session."""

from typing import TYPE_CHECKING, Annotated, cast

import typer

from liveperson_engagement.cli import bodies
from liveperson_engagement.cli.failure import wrong
from liveperson_engagement.cli.options import (
    BODY,
    AsJson,
    Attributes,
    BodyFile,
    Caller,
    Curl,
    Patience,
    Visited,
)

if TYPE_CHECKING:
    from liveperson_engagement.types import ImpressionEventType


def _kinds() -> list[str]:
    from liveperson_engagement._contract import contract  # noqa: PLC0415

    return [*contract().operations["createSession"].impression_templates]


def update_session(
    caller: Caller,
    patience: Patience,
    visited: Visited,
    body_file: BodyFile = None,
    *,
    attribute: Attributes = None,
    impression: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            show_default=False,
            help="What the visitor did with the engagement that was offered: impDisplay, impAccept, impExpanded, "
            "impTimeout or impClose. May be repeated. The engagement comes from --store or --session.",
            autocompletion=_kinds,
            rich_help_panel=BODY,
        ),
    ] = None,
    as_json: AsJson = False,
    curl: Curl,
) -> None:
    """Send engagement attributes, or impressions.

    Impressions are what the visitor did with the engagement that was offered. The session is named by --key and
    --store, by --session, or by all three ids.
    """
    if not (body_file or attribute or impression):
        raise wrong("nothing to send: give --attribute, --impression or --body")
    if impression and (body_file or attribute):
        raise wrong("--impression: is a request of its own; give --attribute and --body in another one")
    if not (visited.key or visited.session or visited.visitor_id):
        raise wrong("no session: give --key and --store, --session, or --visitor-id, --session-id and --page-id")
    if visited.visitor_id and not (visited.session_id and visited.page_id):
        raise wrong(
            "--session-id and --page-id: are required with --visitor-id, as an update names its session and page"
        )
    body = bodies.from_file(body_file, visited.session)
    body = bodies.with_members(body, engagementAttributes=bodies.attributes(attribute))
    from liveperson_engagement.cli.output import print_json  # noqa: PLC0415
    from liveperson_engagement.cli.pauses import Pauses  # noqa: PLC0415
    from liveperson_engagement.cli.visits import visiting  # noqa: PLC0415

    with visiting(caller, patience, Pauses(), visited, curl) as visit:
        if visit.ids is None:
            raise wrong("--key: has no session in --store yet; run create-session with both first")
        if impression:
            visit.report_impressions(*cast("list[ImpressionEventType]", impression))
        else:
            visit.update_session(body)
        if as_json:
            print_json({})
        else:
            typer.echo("Updated")
