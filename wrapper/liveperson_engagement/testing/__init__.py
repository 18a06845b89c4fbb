"""Helpers for the tests of those who use this package: extra `testing`.

The plugin `liveperson_engagement_pytest` is what pytest loads by itself; its fixtures are `engagement_sandbox`,
`engagement_client`, `async_engagement_client`, `engagement_clock` and `engagement_journal`. `answers` has ready answers
and errors.
"""

from .clock import FakeClock
from .journal import Journal

__all__ = ["FakeClock", "Journal"]
