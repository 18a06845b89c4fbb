"""The command line, `liveperson-engagement`: extra `cli`."""

import io
import os
import sys
from typing import Any


def main() -> None:
    """Run the command; leave with its exit status."""
    from liveperson_engagement.cli.interrupt import end_at_once_on_ctrl_c  # noqa: PLC0415

    end_at_once_on_ctrl_c()  # before all that takes long to import
    stdout: Any = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):
        stdout.reconfigure(errors="backslashreplace")  # what its encoding has no character for
    try:
        from liveperson_engagement.cli.app import app  # noqa: PLC0415

        app()
    except OSError as error:  # what was printed found no place, say
        print(f"liveperson-engagement: {error.strerror or error}", file=sys.stderr)
        os._exit(1)  # at a usual exit Python would try again to print
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in {"rich", "typer", "yaml"}:
            raise
        sys.exit("liveperson-engagement: the command line needs more: pip install 'liveperson-engagement[cli]'")
