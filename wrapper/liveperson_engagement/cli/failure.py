"""How a command says that it could not do what it was asked to."""

import typer


def failed(reason: str) -> typer.Exit:
    """Print the reason as one line on standard error; give what to raise."""
    typer.echo(f"liveperson-engagement: {reason}", err=True)
    return typer.Exit(1)
