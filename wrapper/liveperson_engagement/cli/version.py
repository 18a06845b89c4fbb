"""`version`: prints the version of this package."""

import typer

from liveperson_engagement._version import __version__


def version() -> None:
    """Print the version of this package."""
    typer.echo(__version__)
