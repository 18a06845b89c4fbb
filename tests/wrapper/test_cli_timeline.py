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


def played(sandbox: Sandbox) -> Timeline:
    """Have a client make some calls, in faked time."""
    now = [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    timeline = Timeline(lambda: now[0])
    hooks: Any = {name: getattr(timeline, name) for name in ("on_request", "on_response", "on_retry")}
    made = EngagementClient("demo", base_url=sandbox.url, domain_api=sandbox.url, sleep=sleep, **hooks)
    with made.with_options(base_url=None) as client:
        timeline.step = "1"
        visit = client.visit()
        sandbox.fail_next(503, operation="createSession")
        sandbox.loading_account()
        visit.create_session({"appType": "EXTERNAL"})
        sleep(12)
        timeline.step = "2"
        sandbox.drop_connection()
        with contextlib.suppress(ConnectionFailed):
            client.with_options(retry=RetryPolicy.none()).visit().create_session({"appType": "EXTERNAL"})
    return timeline


def test_a_picture_is_drawn_of_what_the_hooks_say(sandbox: Sandbox) -> None:
    """A line for each call, where its attempts and pauses are; without backends or spaces at the end in a file."""
    assert drawn(played(sandbox), 80) == PICTURE.splitlines()


def test_a_picture_fits(sandbox: Sandbox) -> None:
    """Into any terminal that has room for it, and into ASCII."""
    timeline = played(sandbox)
    for width in (60, 80, 100, 200):
        assert max(map(len, drawn(timeline, width))) <= min(width, 100)
    text = "".join(drawn(timeline, 80, "ascii"))
    assert text.isascii()
    assert "x 503" in text
    assert "o 200" in text


def test_a_picture_of_nothing_is_empty() -> None:
    """As before the first call."""
    assert drawn(Timeline(), 80) == []
