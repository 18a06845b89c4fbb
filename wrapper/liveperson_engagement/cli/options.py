"""The options that several commands share, in groups; `grouped` puts a group's options in its place."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

from liveperson_engagement.cli.failure import failures_reported

CONNECTION, VISIT, BODY, OUTPUT = "Account and connection", "Visit", "Body", "Output"


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command as Typer can read it: its dataclasses replaced by their fields, its failures reported."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if dataclasses.is_dataclass(kind)}
    if not groups:
        return command
    members = {name: {field.name for field in dataclasses.fields(kind)} for name, kind in groups.items()}
    parameters = [inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    for each in inspect.signature(command).parameters.values():
        kind = groups.get(each.name)
        whole = [each.replace(annotation=hints[each.name])]
        parts = list(inspect.signature(kind, eval_str=True).parameters.values()) if kind else whole
        parameters += [part.replace(kind=inspect.Parameter.KEYWORD_ONLY) for part in parts]

    @functools.wraps(command)
    def flat(context: typer.Context, **values: Any) -> None:
        for name, kind in groups.items():
            values[name] = kind(**{member: values.pop(member) for member in members[name]})
        with failures_reported(context):
            command(**values)

    signature: Any = flat
    signature.__signature__ = inspect.Signature(parameters)
    flat.__annotations__ = {each.name: each.annotation for each in parameters}
    return flat


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Which account, and how it is reached."""

    account: Annotated[
        str | None,
        typer.Argument(
            metavar="ACCOUNT",
            envvar="LIVEPERSON_ACCOUNT_ID",
            show_default=False,
            help="The brand's LivePerson account (site) id.",
        ),
    ] = None
    account_option: Annotated[
        str | None,
        typer.Option("--account", metavar="ACCOUNT", help="The same, as an option.", rich_help_panel=CONNECTION),
    ] = None
    domain_api: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="LIVEPERSON_DOMAIN_API",
            show_default=False,
            help="Where the account's host is asked for, instead of the public Domain API.",
            rich_help_panel=CONNECTION,
        ),
    ] = None
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="LIVEPERSON_BASE_URL",
            show_default=False,
            help="Where the account is served; without it the Domain API is asked.",
            rich_help_panel=CONNECTION,
        ),
    ] = None
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="How long an attempt may take, from name to answer.", rich_help_panel=CONNECTION
        ),
    ] = 10

    @property
    def account_id(self) -> str | None:
        """The account, however it is named."""
        return self.account_option or self.account


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long and how often to try."""

    deadline: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            show_default=False,
            help="How long each whole call may take, pauses included.",
            rich_help_panel=CONNECTION,
        ),
    ] = None
    no_retry: Annotated[
        bool, typer.Option("--no-retry", help="Try once, without pauses.", rich_help_panel=CONNECTION)
    ] = False


@dataclass(frozen=True, kw_only=True)
class Visited:
    """Which visit: one that a store knows, one whose ids are given, or another one."""

    key: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Your name for the visitor: equal keys are one visit, as long as --store remembers it.",
            rich_help_panel=VISIT,
        ),
    ] = None
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            show_default=False,
            help="Where visits are remembered; made where it is missing.",
            rich_help_panel=VISIT,
        ),
    ] = None
    session: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="A session as create-session --json printed it; - for standard input.",
            rich_help_panel=VISIT,
        ),
    ] = None
    visitor_id: Annotated[
        str | None, typer.Option(metavar="ID", show_default=False, help="The visitorId.", rich_help_panel=VISIT)
    ] = None
    session_id: Annotated[
        str | None, typer.Option(metavar="ID", show_default=False, help="The sessionId.", rich_help_panel=VISIT)
    ] = None
    page_id: Annotated[
        str | None, typer.Option(metavar="ID", show_default=False, help="The pageId.", rich_help_panel=VISIT)
    ] = None


@dataclass(frozen=True, kw_only=True)
class Curl:
    """Whether to send, or to say what would be sent."""

    curl: Annotated[
        bool,
        typer.Option("--curl", help="Send nothing; print the same request as a curl command.", rich_help_panel=OUTPUT),
    ] = False
    show_ids: Annotated[
        bool,
        typer.Option("--show-ids", help="Do not mask ids in the curl command.", rich_help_panel=OUTPUT),
    ] = False


def values_of(model: str) -> Callable[[], list[str]]:
    """Complete an option with the values that the contract lists for it."""

    def values() -> list[str]:
        from liveperson_engagement_api import models  # noqa: PLC0415 - takes long

        return [*get_args(getattr(models, model))]

    return values


AppType = Annotated[
    str | None,
    typer.Option(
        "--app-type",
        metavar="TYPE",
        show_default=False,
        help="MSDK or EXTERNAL; the latter if nothing is said.",
        autocompletion=values_of("AppType"),
        rich_help_panel=BODY,
    ),
]
Sections = Annotated[
    list[str] | None,
    typer.Option(
        "--section",
        metavar="NAME",
        show_default=False,
        help="Where in the app the visitor is. May be repeated.",
        rich_help_panel=BODY,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, on one line, for machines.", rich_help_panel=OUTPUT)]
BodyFile = Annotated[
    str | None,
    typer.Option(
        "--body",
        metavar="FILE",
        show_default=False,
        help="The documented JSON body; - for standard input.",
        rich_help_panel=BODY,
    ),
]
Attributes = Annotated[
    list[str] | None,
    typer.Option(
        "--attribute",
        metavar="JSON",
        show_default=False,
        help="""An engagement attribute, such as '{"type": "lead", "lead": {"topic": "upgrade"}}'. May be repeated.""",
        rich_help_panel=BODY,
    ),
]
