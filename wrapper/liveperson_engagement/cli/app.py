"""The commands, one module for each; what a command needs is imported when it runs."""

from typing import Annotated

import typer

from liveperson_engagement._version import __version__
from liveperson_engagement.cli.call import call
from liveperson_engagement.cli.contract import contract
from liveperson_engagement.cli.create_session import create_session
from liveperson_engagement.cli.demo import demo
from liveperson_engagement.cli.doctor import doctor
from liveperson_engagement.cli.domain import domain
from liveperson_engagement.cli.failure import EXITS
from liveperson_engagement.cli.help import Command, Group
from liveperson_engagement.cli.options import grouped
from liveperson_engagement.cli.sandbox import sandbox
from liveperson_engagement.cli.update_session import update_session

app = typer.Typer(
    name="liveperson-engagement",
    cls=Group,
    epilog=EXITS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """LivePerson's App Engagement API on the command line."""


for command in (create_session, update_session, domain, call, doctor, demo, sandbox, contract):
    app.command(cls=Command, epilog=EXITS)(grouped(command))
