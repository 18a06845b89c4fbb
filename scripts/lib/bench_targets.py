"""What the bench must show."""

from __future__ import annotations

from typing import Final, NamedTuple

from bench_contestants import HTTPX, OURS, OURS_FAST, PYREQWEST


class Ratio(NamedTuple):
    """One client's time of a call is at most so many times another's."""

    case: str
    client: str
    against: str
    at_most: float


RATIOS: Final = (
    Ratio("sync", OURS, HTTPX, 0.70),
    Ratio("async 1", OURS, HTTPX, 0.75),
    Ratio("async 50", OURS, HTTPX, 0.35),
    Ratio("async 200", OURS, HTTPX, 0.30),
    Ratio("sync", OURS_FAST, HTTPX, 0.35),
    Ratio("sync", OURS_FAST, PYREQWEST, 1.8),
    Ratio("async 50", OURS_FAST, HTTPX, 0.09),
    Ratio("async 50", OURS_FAST, PYREQWEST, 2.2),
    Ratio("async 200", OURS_FAST, HTTPX, 0.10),
    Ratio("async 200", OURS_FAST, PYREQWEST, 2.2),
)

CALL_TO_WORK: Final = 2.2
"""A whole call without a network, to what must be done: encode and check the body, decode and check the answer, make
the model."""
ENGAGEMENT_MEMORY: Final = 4.0
"""An engagement from memory, to encoding and checking the body."""
ENGAGEMENT_SQLITE: Final = 8.0
IMPORT: Final = 1.0
"""Importing the package, to importing httpx."""
AFTER_CANCELLATIONS: Final = 1.25
"""A call after many were cancelled, to a call before."""

BYTES_PER_VISIT: Final = 2048.0
GROWTH_BYTES_PER_CALL: Final = 1.0
"""No growth, as far as that can be measured: an object of its own for each call would be 16 bytes or more."""
BLOCKS_LEFT: Final = 0.05
"""A call that leaves an object of its own leaves 1; what is kept once, such as the interpreter's free lists, is not in
each part of a run."""
GENERATE_SECONDS: Final = 15.0
