"""The environment variable LIVEPERSON_LOG: prints this package's log lines on standard error.

What the contract could not express: what a caller wants to see of the calls.
"""

from __future__ import annotations

import functools
import logging
import os

LEVELS = ("debug", "info", "warning", "error")


@functools.cache
def log_as_environment_asks() -> None:
    """Set the logger's level, and give it a handler unless the program has set up logging itself; once a process."""
    logger = logging.getLogger("liveperson_engagement")
    level = os.environ.get("LIVEPERSON_LOG", "").strip().lower()
    if not level:
        return
    if level not in LEVELS:
        logger.warning("LIVEPERSON_LOG: must be one of %s; it is ignored", ", ".join(LEVELS))
        return
    logger.setLevel(level.upper())
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
