"""A picture of calls in time: their attempts and pauses, one line a call, drawn of what a client's hooks were told."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from liveperson_engagement.events import RequestEvent, ResponseEvent, RetryEvent

WIDEST = 100
TICKS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
"""Seconds between two marks of the scale."""


@dataclass
class _Attempt:
    began: float
    outcome: str = ""
    is_good: bool = False
    pause: float | None = None
    """Seconds that follow."""


@dataclass
class _Call:
    step: str
    operation_id: str
    attempts: list[_Attempt] = field(default_factory=list[_Attempt])


class Timeline:
    """Notes attempts and pauses; prints as the picture."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._calls = clock, list[_Call]()
        self.step = ""
        """What the calls from now on belong to."""

    def on_request(self, event: RequestEvent) -> None:
        """Note that an attempt begins; the first one is a new call."""
        if event.attempt == 1:
            self._calls.append(_Call(self.step, event.operation_id))
        self._calls[-1].attempts.append(_Attempt(self._clock()))

    def on_response(self, event: ResponseEvent) -> None:
        """Note how it ended."""
        attempt = self._calls[-1].attempts[-1]
        attempt.is_good = event.error is None
        attempt.outcome = str(event.response.status) if event.response else "no answer"

    def on_retry(self, event: RetryEvent) -> None:
        """Note the pause that follows."""
        self._calls[-1].attempts[-1].pause = event.pause

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the scale, a line for each call, and what the marks mean."""
        good, bad, dash, tick, line = "ox.+-" if options.ascii_only else "●✗┄┬─"
        if not self._calls:
            return
        names = max(len(call.operation_id) for call in self._calls)
        steps = max(len(call.step) for call in self._calls)
        left = 2 + steps + 2 * bool(steps) + names + 2
        longest = max(len(attempt.outcome) for call in self._calls for attempt in call.attempts)
        width = max(20, min(options.max_width, WIDEST) - left - 3 - longest)
        began = self._calls[0].attempts[0].began
        total = max(attempt.began for call in self._calls for attempt in call.attempts) - began
        scale = width / max(total, 1.0)
        every = next((seconds for seconds in TICKS if seconds * scale >= 8), TICKS[-1])
        marks = {round(seconds * scale): seconds for seconds in range(0, int(width / scale) + 1, every)}
        numbers = " " * (width + 8)
        for at, seconds in marks.items():
            numbers = f"{numbers[:at]}{f'{seconds} s':<8}{numbers[at + 8 :]}"
        axis = "".join(tick if at in marks else line for at in range(width + 1))
        yield Text(" " * left + numbers.rstrip(), style="dim")
        yield Text(" " * left + axis, style="dim")
        shown = None
        for call in self._calls:
            text = Text("  " + (f"{'' if call.step == shown else call.step:>{steps}}  " if steps else ""))
            text.append(f"{call.operation_id:<{names}}  ", "bold")
            shown = call.step
            for attempt in call.attempts:
                text.append(" " * (left + round((attempt.began - began) * scale) - len(text)))
                mark, style = (good, "green") if attempt.is_good else (bad, "bold red")
                text.append(f"{mark} {attempt.outcome} ", style)
                if attempt.pause is not None:
                    room = left + round((attempt.began + attempt.pause - began) * scale) - len(text) - 1
                    named = f" pause {attempt.pause:g} s ", f" {attempt.pause:g} s "
                    text.append(
                        next((each for each in named if len(each) + 2 <= room), "").center(room, dash), "yellow"
                    )
            text.rstrip()
            yield text
        legend = Text()
        for mark, meaning, style in (
            (good, "answered", "green"),
            (bad, "failed", "bold red"),
            (dash * 3, "pause before the next attempt", "yellow"),
        ):
            legend.append(f"{mark} ", style).append(f"{meaning}   ", "dim")
        legend.rstrip()
        legend.pad_left(max(0, min(left, options.max_width - len(legend))))
        yield Text()
        yield legend
