"""The logger, and the environment variable LIVEPERSON_LOG that prints its lines on standard error."""

from __future__ import annotations

import functools
import logging
import os
import sys

LEVELS = ("debug", "info", "warning", "error")

logger = logging.getLogger("liveperson_engagement")


class _StandardError(logging.Handler):
    """Prints lines unless the program has handlers of its own, added before or after this one."""

    def emit(self, record: logging.LogRecord) -> None:
        handlers = [*logger.handlers, *(logging.getLogger().handlers if logger.propagate else ())]
        if handlers == [self] and sys.stderr is not None:
            try:
                print(self.format(record), file=sys.stderr, flush=True)
            except Exception:  # noqa: BLE001 - as every handler of the standard library does
                self.handleError(record)


_standard_error = _StandardError()
_standard_error.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))


@functools.cache
def configure_logging() -> None:
    """Set the logger's level from LIVEPERSON_LOG, and print its lines if nobody else does; once a process."""
    level = os.environ.get("LIVEPERSON_LOG", "").strip().lower()
    if not level:
        return
    if level not in LEVELS:
        logger.warning("LIVEPERSON_LOG: must be one of %s; it is ignored", ", ".join(LEVELS))
        return
    logger.setLevel(level.upper())
    logger.addHandler(_standard_error)
