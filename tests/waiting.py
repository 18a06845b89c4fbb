"""Waiting for what comes about in its own time, however busy the machine is."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], why: Callable[[], str] = lambda: "it did not happen") -> None:
    """Wait until something holds."""
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends, why()
        time.sleep(0.002)
