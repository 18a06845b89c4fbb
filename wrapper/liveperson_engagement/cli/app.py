"""The commands; what each of them needs is imported when it runs."""

import json
from enum import StrEnum
from importlib import resources
from typing import Annotated

import typer

from liveperson_engagement._version import __version__
from liveperson_engagement.cli.sandbox import sandbox

EXITS = "Exit status: 0 done, 1 failed, 2 called wrongly, 130 ended by Ctrl-C."

app = typer.Typer(
    name="liveperson-engagement",
    help="LivePerson's App Engagement API on the command line.",
    epilog=EXITS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(sandbox)


class Notation(StrEnum):
    """How the contract is written."""

    JSON = "json"
    YAML = "yaml"


@app.command()
def contract(
    notation: Annotated[Notation, typer.Option("--format", help="How it is written.")] = Notation.JSON,
) -> None:
    """Print the contract, an OpenAPI 3.1 document, that this package speaks."""
    text = resources.files("liveperson_engagement_api").joinpath("openapi.json").read_text(encoding="utf-8")
    if notation is Notation.YAML:
        import yaml  # noqa: PLC0415

        text = yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=True, width=120)
    typer.echo(text.rstrip("\n"))


@app.command()
def version() -> None:
    """Print the version of this package."""
    typer.echo(__version__)
