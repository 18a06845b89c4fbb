"""Pauses: a countdown on a terminal, one line elsewhere."""

import logging
import math
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from liveperson_engagement._call import RETRY_LINE
from liveperson_engagement._log import logger
from liveperson_engagement.cli.failure import describe
from liveperson_engagement.events import RetryEvent


class Pauses:
    """What a client calls before and for its pauses; times in seconds."""

    def __init__(
        self,
        console: Console | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console or Console(stderr=True)
        self._sleep, self._clock = sleep, clock
        self._reason = ""

    @contextmanager
    def alone(self) -> Generator[None]:
        """Leave the log's lines about retries out: what is seen of a pause here says the same."""
        logger.addFilter(_is_no_retry)
        try:
            yield
        finally:
            logger.removeFilter(_is_no_retry)

    def note(self, event: RetryEvent) -> None:
        """Remember the reason of the next pause: `on_retry`."""
        self._reason = f"{event.operation_id}: attempt {event.attempt} failed: {describe(event.error)}"

    def retry(self, seconds: float) -> None:
        """Make the pause of a retry: `sleep`."""
        self.wait(self._reason, seconds)

    def wait(self, reason: str, seconds: float) -> None:
        """Make a pause, and say why and how long."""
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            self._console.print(Text(f"{reason}; next try in {seconds:g} s"), soft_wrap=True)
            self._sleep(seconds)
            return
        end = self._clock() + seconds
        with Live(console=self._console, auto_refresh=False, transient=True) as line:
            while (left := end - self._clock()) > 0:
                text = f"Next try in {math.ceil(left)} s, Ctrl-C ends: {reason}"
                line.update(Text(text, style="yellow", no_wrap=True, overflow="ellipsis"), refresh=True)
                self._sleep(left - math.ceil(left) + 1)  # to the next whole second


def _is_no_retry(record: logging.LogRecord) -> bool:
    return record.msg != RETRY_LINE
