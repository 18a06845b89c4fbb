"""Failures of a command: one line on standard error, and an exit status."""

from collections.abc import Generator
from contextlib import contextmanager
from enum import IntEnum

import typer

from liveperson_engagement.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    DomainLookupFailed,
    EngagementError,
    InvalidRequest,
    ServerError,
    StoreError,
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
def failures_reported() -> Generator[None]:
    """Turn the package's errors into a line and an exit status."""
    try:
        yield
    except EngagementError as error:
        raise failed(describe(error), status_of(error)) from None


def describe(error: EngagementError) -> str:
    """Return an error's own line, and for a store its cause."""
    if isinstance(error, StoreError) and error.__cause__ is not None:
        return f"{error} [{printable(str(error.__cause__)) or type(error.__cause__).__name__}]"
    return printable(str(error))


def status_of(error: EngagementError) -> Status:
    """Choose the exit status that stands for an error."""
    if isinstance(error, InvalidRequest):
        return Status.WRONG
    return Status.LATER if may_pass(error) else Status.FAILED


def may_pass(error: BaseException | None) -> bool:
    """Return whether the same call may work later."""
    if isinstance(error, DomainLookupFailed):
        return may_pass(error.__cause__)
    return isinstance(error, ConnectionFailed | DeadlineExceeded | ServerError)


def printable(text: str) -> str:
    """Make text of others fit for a terminal, however long it is."""
    return one_line(text, len(text))
