"""A clock that advances when a test says so, and not by itself."""

from __future__ import annotations

import math
import threading


class FakeClock:
    """Time as the clients see it: a pause passes at once, and is noted. Threads and event loops may share it.

    A client, store or function that takes a clock takes `time`, one that takes a sleep takes `sleep` or `asleep`.
    """

    def __init__(self) -> None:
        self.now = 0.0
        """Seconds since the test began: the pauses so far, and what `advance` has added."""
        self.pauses: list[float] = []
        """The pauses so far, in seconds."""
        self._turning = threading.Lock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.now:g} s, {len(self.pauses)} pauses>"

    def time(self) -> float:
        """Return `now`."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass, as between two clicks: an engagement's `validForSeconds` runs out."""
        if not 0 <= seconds < math.inf:
            raise ValueError("seconds must not be negative: time does not go back, and has no end")
        with self._turning:
            self.now += seconds

    def sleep(self, seconds: float) -> None:
        """Note a pause, and let its time pass."""
        self.advance(seconds)
        self.pauses.append(seconds)

    async def asleep(self, seconds: float) -> None:
        """Do the same as a coroutine; other tasks have their turn."""
        import asyncio  # noqa: PLC0415 - takes long, and few tests need it

        self.sleep(seconds)
        await asyncio.sleep(0)

    def assert_pauses(self, *expected: float) -> None:
        """Assert that clients have paused just so, in seconds; without arguments, that none has."""
        __tracebackhide__ = True
        if self.pauses != list(expected):
            raise AssertionError(f"expected {_said(expected)}, but there were {_said(self.pauses)}")


def _said(pauses: tuple[float, ...] | list[float]) -> str:
    return f"pauses of {', '.join(f'{pause:g}' for pause in pauses)} s" if pauses else "no pauses"
