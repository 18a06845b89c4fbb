"""What only `transport="fast"` has; the rest is tested by what takes a `backend`, and by the tests of transports."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Literal

import pytest

from conftest import BODY
from faults_service import Service
from liveperson_engagement import AsyncEngagementClient


def test_without_the_extra_the_line_says_what_to_install(tmp_path: Path) -> None:
    """The package is there, and pyreqwest is not."""
    (tmp_path / "pyreqwest.py").write_text("raise ImportError\n")
    program = 'from liveperson_engagement import EngagementClient as C; C("demo", transport="fast")'
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr.rstrip().endswith("transport: needs: pip install 'liveperson-engagement[fast]'")


@pytest.mark.parametrize("chosen", [None, "fast"])
def test_a_cancellation_counts(chosen: Literal["fast"] | None) -> None:
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
        async with AsyncEngagementClient(
            "demo", base_url=f"http://127.0.0.1:{service.port}", transport=chosen
        ) as client:
            outcomes: Counter[str] = Counter()
            for turns in range(1, 9):
                cancelling = (cancel(client, f"{number}", turns) for number in range(40))
                outcomes.update(await asyncio.gather(*cancelling))
            return outcomes

    with Service() as service:
        outcomes = asyncio.run(run())
    assert outcomes["dropped"] == 0
    assert outcomes["cancelled"] > 40
