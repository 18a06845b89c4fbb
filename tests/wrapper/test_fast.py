"""What only `transport="fast"` has; the rest is tested by what takes a `backend`, and by the tests of transports."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Literal

import pytest

from conftest import BODY
from faults_service import Service
from liveperson_engagement import AsyncEngagementClient
from liveperson_engagement.transports import NoResponse
from senders import Sender


def test_without_the_extra_the_line_says_what_to_install(tmp_path: Path) -> None:
    """The package is there, and pyreqwest is not."""
    (tmp_path / "pyreqwest.py").write_text("raise ImportError\n")
    program = 'from liveperson_engagement import EngagementClient as C; C("demo", transport="fast")'
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr.rstrip().endswith("transport: needs: pip install 'liveperson-engagement[fast]'")


@pytest.mark.parametrize("chosen", [None, "fast"])
def test_a_cancellation_counts(chosen: Literal["fast"] | None, service: Service) -> None:
    """Also one that comes at the same time as the answer, which pyreqwest would drop: a loop of calls would go on."""

    async def cancel(client: AsyncEngagementClient, key: str, turns: int) -> str:
        call = asyncio.ensure_future(client.visit(key).create_session(BODY))
        for _ in range(turns):
            await asyncio.sleep(0)
        if not call.cancel():
            return "too late"
        [done], _ = await asyncio.wait([call])
        return "cancelled" if done.cancelled() else "dropped"

    async def run() -> Counter[str]:
        async with AsyncEngagementClient("demo", base_url=service.url, transport=chosen) as client:
            outcomes: Counter[str] = Counter()
            for turns in range(1, 9):
                outcomes.update(await asyncio.gather(*(cancel(client, f"{number}", turns) for number in range(40))))
            return outcomes

    outcomes = asyncio.run(run())
    assert outcomes["dropped"] == 0
    assert outcomes["cancelled"]


def test_fast_copies_share_connections(service: Service) -> None:
    """Whatever timeout each of them has."""
    with ExitStack() as stack:
        sender = Sender("sync fast", stack)
        for number in range(40):
            sender.send(service.url, timeout=10 + number)
        assert len(set(service.peers)) == 1
        for timeout in (None, 0.001, 1e-9, 1e12, *(0.3 + number / 8 for number in range(90))):
            with suppress(NoResponse):
                sender.send(service.url, timeout=timeout)
        assert len(set(service.peers)) <= 10
