"""What the bench must show: every target of the project's issue on speed, and nowhere else."""

from __future__ import annotations

from typing import Final, NamedTuple

from bench_contestants import (
    GENERATED,
    HTTPX,
    OPENAPI_GENERATOR,
    OURS,
    OURS_FAST,
)


class Ratio(NamedTuple):
    """So much dearer may one client be than another; of several others, the fastest counts."""

    case: str
    client: str
    against: str
    """The beginning of the others' names."""
    at_most: float


RATIOS: Final = (
    Ratio("sync", OURS, GENERATED, 1.05),
    Ratio("sync", OURS_FAST, HTTPX, 0.6),
    Ratio("async 1", OURS, HTTPX, 1.1),
    Ratio("async 1", OURS_FAST, HTTPX, 1.1),
    Ratio("async 50", OURS, HTTPX, 1.1),
    Ratio("async 50", OURS_FAST, HTTPX, 1.1),
    Ratio("async 200", OURS_FAST, HTTPX, 0.2),
    Ratio("async 200", OURS_FAST, OPENAPI_GENERATOR, 0.6),
)

OWN_SHARE_US: Final = 60.0
"""What validation, reuse, policy and decoding take of a call."""
VALIDATION_US: Final = 15.0
ENGAGEMENT_MEMORY_US: Final = 5.0
ENGAGEMENT_SQLITE_US: Final = 100.0
IMPORT_RATIO: Final = 1.15
"""Of importing the package to importing httpx."""
BYTES_PER_VISIT: Final = 2048.0
GROWTH_BYTES_PER_CALL: Final = 1.0
"""No growth, as far as that can be measured: an object of its own for each call would be 16 bytes or more."""
GENERATE_SECONDS: Final = 15.0
