"""What the package leaves in memory, and how long its generator takes."""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from bench_case import ACCOUNT, BODY
from bench_own import ROOT, URL, AtOnce
from bench_report import Figure, figure_table, into_document, show_figures, terminal
from bench_targets import BLOCKS_LEFT, BYTES_PER_VISIT, GENERATE_SECONDS, GROWTH_BYTES_PER_CALL
from liveperson_engagement import EngagementClient, MemoryStore


def memory(visits: int) -> list[Figure]:
    """Weigh what is remembered of many visits."""
    store = MemoryStore()
    with EngagementClient(ACCOUNT, base_url=URL, transport=AtOnce(), store=store) as client:
        client.visit("first").create_session(BODY)  # type: ignore[arg-type]
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(visits):
            client.visit(f"shopper-{number}").create_session(BODY)  # type: ignore[arg-type]
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    return [Figure(f"a remembered visit in memory, of {visits:,}", grown / visits, "bytes", BYTES_PER_VISIT)]


def growth(number: int) -> list[Figure]:
    """Look for what is left by calls that continue a visit, ask the store, or start a private visit."""
    with EngagementClient(ACCOUNT, base_url=URL, transport=AtOnce()) as client:
        visit = client.visit("shopper")

        def call(times: int) -> None:
            for _ in range(times):
                visit.create_session(BODY)  # type: ignore[arg-type]
                visit.engagement(BODY)  # type: ignore[arg-type]
                client.visit().create_session(BODY)  # type: ignore[arg-type]

        call(min(number, 2_000))
        resident, grown = _resident(), list[int]()
        for _ in range(3):
            gc.collect()
            before = sys.getallocatedblocks()
            call(number // 3)
            gc.collect()
            grown.append(sys.getallocatedblocks() - before)
        resident = _resident() - resident
        left = max(0, min(grown)) / number
    return [
        Figure(f"growth of the process over {3 * number:,} calls", resident / 1024, "KB"),
        Figure("growth of the process for each call", resident / 3 / number, "bytes", GROWTH_BYTES_PER_CALL),
        Figure("blocks of memory left by each call, the least of three parts", left, "", BLOCKS_LEFT),
    ]


def _resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def generate(folder: Path) -> list[Figure]:
    """Time the generator once its environment is installed, and read off what its steps took."""
    program = ROOT / "scripts" / "generate"
    subprocess.run([program, "--help"], check=True, capture_output=True)  # installs what is missing
    began = time.perf_counter()
    done = subprocess.run([program, "--output", folder / "generated"], check=True, capture_output=True, text=True)
    taken = time.perf_counter() - began
    steps = re.findall(r"^(\S.*?) +(\d+\.\d) s$", done.stdout, re.MULTILINE)
    return [
        Figure("scripts/generate", taken, "s", GENERATE_SECONDS),
        *(Figure(f"its step: {step}", float(seconds), "s") for step, seconds in steps),
    ]


def main() -> None:
    """Run the bench; exit non-zero if a target is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench wrapper", description=__doc__)
    add = parser.add_argument
    add("--full", action="store_true", help="a million calls to look for growth, about ten minutes, instead of 30,000")
    add("--quick", action="store_true", help="few calls, to see that everything works; judges nothing")
    add("--json", type=Path, metavar="FILE", help="write the figures")
    add("--into", type=Path, metavar="FILE", help="write them as a table into a Markdown file, between its markers")
    options, console = parser.parse_args(), terminal()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        parts: dict[str, Callable[[], list[Figure]]] = {
            "memory": lambda: memory(200 if options.quick else 10_000),
            "growth": lambda: growth(50 if options.quick else 333_334 if options.full else 10_000),
            "scripts/generate": lambda: generate(Path(folder)),
        }
        for part, measure in parts.items():
            with console.status(part):
                figures += measure()
    show_figures(figures, "Memory, growth, generating", console)
    if options.json:
        options.json.write_text(json.dumps([each.to_dict() for each in figures], indent=2) + "\n")
    if options.into:
        into_document(options.into, "wrapper", figure_table(figures))
    if not options.quick and not all(each.met for each in figures):
        sys.exit(1)


if __name__ == "__main__":
    main()
