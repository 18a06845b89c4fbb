"""Waiting for what comes about in its own time, however busy the machine is."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], why: Callable[[], str] = lambda: "it did not happen", seconds: int = 60) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, why()
        time.sleep(0.002)
