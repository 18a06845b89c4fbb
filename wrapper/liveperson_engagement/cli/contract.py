"""`contract`: prints the contract."""

import json
from enum import StrEnum
from importlib import resources
from typing import Annotated

import typer


class Notation(StrEnum):
    """How the contract is written."""

    JSON = "json"
    YAML = "yaml"


def contract(
    notation: Annotated[
        Notation, typer.Option("--format", metavar="json|yaml", help="How it is written.")
    ] = Notation.JSON,
) -> None:
    """Print the contract, an OpenAPI 3.1 document."""
    text = resources.files("liveperson_engagement_api").joinpath("openapi.json").read_text(encoding="utf-8")
    if notation is Notation.YAML:
        import yaml  # noqa: PLC0415

        text = yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=True, width=120)
    typer.echo(text.rstrip("\n"))
