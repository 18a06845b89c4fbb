"""The picture at the end of `demo`: calls, attempts and pauses of a real client."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from rich.console import Console

from liveperson_engagement import ConnectionFailed, EngagementClient, RetryPolicy
from liveperson_engagement.cli.timeline import Timeline
from liveperson_engagement.sandbox import Sandbox

PICTURE = """\
                    0 s      5 s      10 s     15 s     20 s    25 s
                    ┬────────┬────────┬────────┬────────┬───────┬────
  1  findDomain     ● 200
     createSession  ✗ 503 ┄┄ ✗ 500 ┄┄┄ 10 s ┄┄ ● 200
  2  createSession                                                  ✗ no answer

                    ● answered   ✗ failed   ┄┄┄ pause before the next attempt
"""


def drawn(timeline: Timeline, width: int, encoding: str = "utf-8") -> list[str]:
    """Print a timeline to a file; return its lines."""
    file = io.TextIOWrapper(io.BytesIO(), encoding)
    Console(file=file, width=width, force_terminal=False, _environ={}).print(timeline)
    file.seek(0)
    return file.read().splitlines()


def test_a_picture_is_drawn_of_what_the_hooks_say(sandbox: Sandbox) -> None:
    """A line for each call, where its attempts and pauses are; it fits any width, and ASCII. At first it is empty."""
    now = [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    timeline = Timeline(lambda: now[0])
    assert drawn(timeline, 80) == []
    hooks: Any = {name: getattr(timeline, name) for name in ("on_request", "on_response", "on_retry")}
    made = EngagementClient("demo", base_url=sandbox.url, domain_api=sandbox.url, sleep=sleep, **hooks)
    with made.with_options(base_url=None) as client:
        timeline.step = "1"
        sandbox.fail_next(503, operation="createSession")
        sandbox.loading_account()
        client.visit().create_session({"appType": "EXTERNAL"})
        sleep(12)
        timeline.step = "2"
        sandbox.drop_connection()
        with contextlib.suppress(ConnectionFailed):
            client.with_options(retry=RetryPolicy.none()).visit().create_session({"appType": "EXTERNAL"})

    assert drawn(timeline, 80) == PICTURE.splitlines()
    for width in (60, 80, 100, 200):
        assert max(map(len, drawn(timeline, width))) <= min(width, 100)
    text = "".join(drawn(timeline, 80, "ascii"))
    assert (text.isascii(), "x 503" in text, "o 200" in text) == (True, True, True)
