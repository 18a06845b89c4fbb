"""Runs contestants. Each client has a process of its own: what a library imports or leaves behind disturbs no other.

It reads one JSON object a line, `{"url", "at_once", "calls"}`, `at_once` null for the sync kind, and writes what a call
took; or `{"url", "stress": true}`, and writes what cancelled calls leave behind. So one client can be profiled:
`python -m cProfile -s tottime scripts/lib/bench_worker.py httpx`.
"""

import asyncio
import json
import sys

from bench_contestants import CONTESTANTS
from bench_measure import measure, measure_async
from bench_stress import stress


def main() -> None:
    """Measure the client that is named until there is nothing more to read."""
    rows = {row.kind: row for row in CONTESTANTS if row.name == sys.argv[1]}
    for line in sys.stdin:
        asked = json.loads(line)
        if asked.get("stress"):
            taken = asyncio.run(stress(rows["async"], asked["url"]))
        elif asked["at_once"] is None:
            [taken] = measure([rows["sync"]], asked["url"], asked["calls"])
        else:
            taken = asyncio.run(measure_async(rows["async"], asked["url"], asked["calls"], asked["at_once"]))
        print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    main()
