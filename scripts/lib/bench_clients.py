"""Our client and what a user could pick instead, side by side, against a local nginx with the documented answer."""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console
from rich.progress import Progress

from bench_case import CASES, Case
from bench_contestants import ASYNC, GENERATED, HTTPX, SYNC
from bench_nginx import NoServer, nginx
from bench_others import NotReady, import_paths
from bench_report import chart, into_document, markdown, show, terminal
from bench_targets import RATIOS

WORKER = Path(__file__).with_name("bench_worker.py")
LIBRARIES = ("httpx", "aiohttp", "pyreqwest", "requests", "urllib3", "openapi-generator-cli")

Rounds: TypeAlias = dict[tuple[str, str], list[dict[str, float]]]
"""By case and client: wall and processor time of a call in each round, in seconds."""


@contextmanager
def worker(name: str, imports: Path | None) -> Generator[subprocess.Popen[str], None, None]:
    """Start the process that measures one client."""
    environment = {**os.environ, "PYTHONPATH": str(imports)} if imports else None
    command = [sys.executable, str(WORKER), name]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, bufsize=1
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(process: subprocess.Popen[str], url: str, case: Case) -> dict[str, float]:
    """Have one client measured once."""
    if not process.stdin or not process.stdout:
        raise RuntimeError("a worker without pipes")
    process.stdin.write(json.dumps({"url": url, "at_once": case.at_once, "calls": case.calls}) + "\n")
    answer = process.stdout.readline()
    if not answer:
        raise NotReady(f"{process.args[-1]!r} failed in case {case.name!r}: see above")  # type: ignore[index]
    taken: dict[str, float] = json.loads(answer)
    return taken


def measure(cases: Sequence[Case], rounds: int, seed: str, console: Console) -> Rounds:
    """Measure every client in every round, in an order drawn anew, so that whatever else the machine does hits all."""
    taken: Rounds = defaultdict(list)
    chance = random.Random(seed)  # noqa: S311 - an order, no secret
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        url = stack.enter_context(nginx(folder))
        with console.status("openapi-generator makes its clients of our contract"):
            paths = import_paths(folder)
        workers = {name: stack.enter_context(worker(name, paths.get(name))) for name in {**SYNC, **ASYNC}}
        turns = [(case, name) for case in cases for name in (SYNC if case.at_once is None else ASYNC)]
        progress = stack.enter_context(Progress(console=console, transient=True))
        task = progress.add_task("", total=rounds * len(turns))
        for number in range(rounds):
            chance.shuffle(turns)
            for case, name in turns:
                progress.update(task, description=f"round {number + 1} of {rounds}: {case.name}, {name}")
                taken[case.name, name].append(ask(workers[name], url, case))
                progress.advance(task)
    return taken


def figures(taken: Rounds, cases: Sequence[Case], rounds: int) -> dict[str, Any]:
    """Work out medians, ratios of medians, and which targets are met."""
    wall = {key: statistics.median(each["wall"] for each in times) for key, times in taken.items()}
    rows = [
        {
            "case": case,
            "client": client,
            "us": round(1e6 * wall[case, client], 2),
            "processor_us": round(1e6 * statistics.median(each["processor"] for each in times), 2),
            "to_httpx": round(wall[case, client] / wall[case, HTTPX], 4),
            "to_generated": round(wall[case, client] / wall[case, GENERATED], 4),
            "rounds_us": [round(1e6 * each["wall"], 2) for each in times],
        }
        for (case, client), times in taken.items()
    ]
    measured = {case for case, _ in wall}
    return {
        "rounds": rounds,
        "calls": {case.name: case.calls for case in cases},
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "versions": {name: metadata.version(name) for name in LIBRARIES},
        "results": sorted(rows, key=lambda row: (str(row["case"]), float(str(row["us"])))),
        "targets": [_judged(target, wall) for target in RATIOS if target.case in measured],
    }


def _judged(target: Any, wall: dict[tuple[str, str], float]) -> dict[str, Any]:
    rivals = {
        name: each for (case, name), each in wall.items() if case == target.case and name.startswith(target.against)
    }
    if target.against in rivals:
        rivals = {target.against: rivals[target.against]}
    against = min(rivals, key=lambda name: rivals[name])
    ratio = wall[target.case, target.client] / rivals[against]
    named = {"case": target.case, "client": target.client, "against": against}
    return {**named, "at_most": target.at_most, "ratio": round(ratio, 4), "met": ratio <= target.at_most}


def main() -> None:
    """Run the bench; exit non-zero if a target is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench clients", description=__doc__)
    add = parser.add_argument
    names = [case.name for case in CASES]
    add("--rounds", type=int, default=15, metavar="N", help="each measures every client in every case")
    add("--cases", nargs="+", choices=names, default=names, metavar="CASE", help=", ".join(names))
    add("--quick", action="store_true", help="one round of a few calls, to see that everything works; judges nothing")
    add("--seed", default="1")
    add("--json", type=Path, metavar="FILE", help="write the figures")
    add("--svg", type=Path, metavar="FILE", help="draw them")
    add("--into", type=Path, metavar="FILE", help="write them as tables into a Markdown file, between its markers")
    options, console = parser.parse_args(), terminal()
    cases = [case for case in CASES if case.name in options.cases]
    rounds = options.rounds
    if options.quick:
        cases, rounds = [replace(case, calls=max(case.calls // 20, case.at_once or 0)) for case in cases], 1
    try:
        found = figures(measure(cases, rounds, options.seed, console), cases, rounds)
    except (NoServer, NotReady) as error:
        sys.exit(f"scripts/bench: {error}")
    show(found, console)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    if options.svg:
        chart(found, options.svg)
    if options.into:
        into_document(options.into, "clients", markdown(found))
    if not options.quick and not all(target["met"] for target in found["targets"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
