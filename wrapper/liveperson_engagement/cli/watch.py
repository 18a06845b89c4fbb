"""`create-session --watch`: asks again when the last answer is no longer valid."""

from collections.abc import Callable
from typing import NoReturn

from liveperson_engagement.cli.failure import describe, may_pass
from liveperson_engagement.errors import EngagementError
from liveperson_engagement_api.models import AvailableSession, NotAvailableSession

LEAST = 1.0
"""Seconds between two answers, however short an engagement is said to be valid."""


def watch(
    ask: Callable[[], AvailableSession | NotAvailableSession],
    show: Callable[[AvailableSession | NotAvailableSession], None],
    wait: Callable[[str, float], None],
    *,
    every: float,
    known: Callable[[], bool],
) -> NoReturn:
    """Show answers for ever: the next after validForSeconds, or after `every` seconds where nothing is available.

    A failure that may pass counts as an answer, as long as the visitor is `known`: one visitor, whatever happens. Any
    other is raised.
    """
    while True:
        try:
            session = ask()
        except EngagementError as error:
            if not (may_pass(error) and known()):
                raise
            wait(describe(error), every)
            continue
        show(session)
        if session.status == "Available":
            wait("Available", max(LEAST, session.engagement_details.valid_for_seconds))
        else:
            wait("NotAvailable", every)
