"""The commands, one module for each; what a command needs is imported when it runs."""

import typer

from liveperson_engagement.cli.call import call
from liveperson_engagement.cli.contract import contract
from liveperson_engagement.cli.create_session import create_session
from liveperson_engagement.cli.doctor import doctor
from liveperson_engagement.cli.domain import domain
from liveperson_engagement.cli.failure import EXITS
from liveperson_engagement.cli.options import grouped
from liveperson_engagement.cli.sandbox import sandbox
from liveperson_engagement.cli.update_session import update_session
from liveperson_engagement.cli.version import version

app = typer.Typer(
    name="liveperson-engagement",
    help="LivePerson's App Engagement API on the command line.",
    epilog=EXITS,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (create_session, update_session, domain, call, doctor, sandbox, contract, version):
    app.command(epilog=EXITS)(grouped(command))
