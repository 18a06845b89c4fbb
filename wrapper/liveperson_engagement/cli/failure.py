"""Failures of a command: one line on standard error, and an exit status."""

from collections.abc import Generator
from contextlib import contextmanager
from enum import IntEnum

import typer

from liveperson_engagement.cli.names import as_typed, without_python
from liveperson_engagement.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    DomainLookupFailed,
    EngagementError,
    InvalidRequest,
    ServerError,
    one_line,
)


class Status(IntEnum):
    """The exit statuses, besides 0 for done and 130 for Ctrl-C."""

    FAILED = 1
    WRONG = 2
    NOT_AVAILABLE = 3
    LATER = 4


EXITS = """\
Exit status: 0 done, 1 failed, 2 called wrongly (nothing was sent), 3 no engagement (only with --exit-status), \
4 no answer in time or a 5xx (may work later), 130 ended by Ctrl-C.
"""


def failed(reason: str, status: Status = Status.FAILED) -> typer.Exit:
    """Print the reason as one line on standard error; return what to raise."""
    typer.echo(f"liveperson-engagement: {printable(reason)}", err=True)
    return typer.Exit(status)


def wrong(reason: str) -> typer.Exit:
    """Do as `failed`, for a wrong call: nothing was sent."""
    return failed(reason, Status.WRONG)


@contextmanager
def failures_reported(context: typer.Context) -> Generator[None]:
    """Turn the package's errors into a line, in the words of the command line, and an exit status."""
    try:
        yield
    except InvalidRequest as error:
        raise wrong(f"{as_typed(error.path, context)}: {without_python(error.reason)}") from None
    except EngagementError as error:
        raise failed(describe(error), status_of(error)) from None


def describe(error: EngagementError) -> str:
    """Return an error's own line, in the words of the command line."""
    cause = error.__cause__
    match error:
        case DomainLookupFailed() if isinstance(cause, EngagementError):
            return (
                f"no host for the account: {describe(cause)}; check the account, or give --base-url; doctor says more"
            )
        case DeadlineExceeded():
            return f"--{printable(str(error))}"
        case _:
            return without_python(printable(str(error)))


def status_of(error: EngagementError) -> Status:
    """Choose the exit status that stands for an error."""
    return Status.LATER if may_pass(error) else Status.FAILED


def may_pass(error: BaseException | None) -> bool:
    """Return whether the same call may work later."""
    if isinstance(error, DomainLookupFailed):
        return may_pass(error.__cause__)
    return isinstance(error, ConnectionFailed | DeadlineExceeded | ServerError)


def printable(text: str) -> str:
    """Make text of others fit for a terminal, however long it is."""
    return one_line(text, len(text))
