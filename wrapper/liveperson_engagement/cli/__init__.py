"""The command line, `liveperson-engagement`: extra `cli`."""

import sys


def main() -> None:
    """Run the command; leave with its exit status."""
    try:
        from liveperson_engagement.cli.app import app  # noqa: PLC0415

        app()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in {"rich", "typer", "yaml"}:
            raise
        sys.exit("liveperson-engagement: the command line needs more: pip install 'liveperson-engagement[cli]'")
    except KeyboardInterrupt:
        sys.exit(130)
