"""Our client and what a user could pick instead, side by side, against a local nginx with the documented answer.

Each round measures every client in every case, in another order; the least of the rounds counts, since what else the
machine does only ever adds time. Then the package by itself, and what cancelled calls leave behind.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
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
from bench_contestants import ASYNC, HTTPX, OURS, OURS_FAST, PYREQWEST, SYNC
from bench_nginx import NoServer, nginx
from bench_others import NotReady, import_paths
from bench_own import calls, imports, sizes
from bench_report import (
    Figure,
    chart,
    client_tables,
    figure_table,
    into_document,
    show_clients,
    show_figures,
    terminal,
)
from bench_targets import AFTER_CANCELLATIONS, RATIOS

WORKER, STRESS = (Path(__file__).with_name(f"bench_{name}.py") for name in ("worker", "stress"))
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


def measure(cases: Sequence[Case], rounds: int, folder: Path, url: str, console: Console) -> Rounds:
    """Measure every client in every round, each time in another order: what else the machine does then hits all."""
    taken: Rounds = defaultdict(list)
    chance = random.Random(1)  # noqa: S311 - an order, no secret
    with ExitStack() as stack:
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


def compare(taken: Rounds, cases: Sequence[Case], rounds: int) -> dict[str, Any]:
    """Work out the least time of each client in each case, and what it is to httpx's and pyreqwest's."""
    wall = {key: min(each["wall"] for each in times) for key, times in taken.items()}
    rows = [
        {
            "case": case,
            "client": client,
            "us": round(1e6 * wall[case, client], 2),
            "processor_us": round(1e6 * min(each["processor"] for each in times), 2),
            "to_httpx": round(wall[case, client] / wall[case, HTTPX], 4),
            "to_pyreqwest": round(wall[case, client] / wall[case, PYREQWEST], 4),
            "rounds_us": [round(1e6 * each["wall"], 2) for each in times],
        }
        for (case, client), times in taken.items()
    ]
    return {
        "rounds": rounds,
        "calls": {case.name: case.calls for case in cases},
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "versions": {name: metadata.version(name) for name in LIBRARIES},
        "results": sorted(rows, key=lambda row: (str(row["case"]), float(str(row["us"])))),
    }


def ratios(found: dict[str, Any]) -> list[Figure]:
    """Return the ratios that have a target, as far as their cases were measured."""
    us = {(row["case"], row["client"]): row["us"] for row in found["results"]}
    return [
        Figure(f"{case}: {client} / {against}", us[case, client] / us[case, against], "", at_most)
        for case, client, against, at_most in RATIOS
        if (case, client) in us
    ]


def stress(name: str, url: str, folder: Path) -> list[Figure]:
    """Have many calls cancelled in a process of their own; see bench_stress.py."""
    done = subprocess.run([sys.executable, STRESS, name, url, folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(f"{name} failed under stress:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return [
        Figure(f"{name}: cancelled, of 2,000 calls", found["cancelled"], ""),
        Figure("after that: a call / one before", found["alone"], "", AFTER_CANCELLATIONS),
        Figure("after that: a call of 200 at once / one before", found["at_once"], "", AFTER_CANCELLATIONS),
        Figure("after that: connections, with one call at a time", found["connections"], "", 1),
        Figure("after that: descriptors left when closed", found["descriptors"], "", 0),
    ]


def main() -> None:
    """Run the bench; exit non-zero if a target is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench clients", description=__doc__)
    add = parser.add_argument
    names = [case.name for case in CASES]
    add("--rounds", type=int, default=7, metavar="N", help="each measures every client in every case")
    add("--cases", nargs="+", choices=names, default=names, metavar="CASE", help=", ".join(names))
    add("--quick", action="store_true", help="one round of a few calls, to see that everything works; judges nothing")
    add("--json", type=Path, metavar="FILE", help="write the figures")
    add("--svg", type=Path, metavar="FILE", help="draw them")
    add("--into", type=Path, metavar="FILE", help="write them as tables into a Markdown file, between its markers")
    options, console = parser.parse_args(), terminal()
    cases = [case for case in CASES if case.name in options.cases]
    rounds = options.rounds
    if options.quick:
        cases, rounds = [replace(case, calls=max(case.calls // 20, case.at_once or 0)) for case in cases], 1
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as name, nginx(Path(name)) as url:
            folder = Path(name)
            found = compare(measure(cases, rounds, folder, url, console), cases, rounds)
            show_clients(found, console)
            figures = ratios(found)
            with console.status("the package by itself"):
                figures += calls(folder, *((1, 20) if options.quick else (60, 100)))
                figures += [*imports(1 if options.quick else 15), *sizes()]
            with console.status("cancellations"):
                figures += [*stress(OURS, url, folder), *stress(OURS_FAST, url, folder)]
    except (NoServer, NotReady) as error:
        sys.exit(f"scripts/bench: {error}")
    show_figures(figures, "Targets, and the package by itself", console)
    if options.json:
        whole = {**found, "figures": [each.to_dict() for each in figures]}
        options.json.write_text(json.dumps(whole, indent=2) + "\n")
    if options.svg:
        chart(found, options.svg)
    if options.into:
        into_document(options.into, "clients", client_tables(found))
        into_document(options.into, "targets", figure_table(figures))
    missed = [] if options.quick else [each for each in figures if not each.met]
    for each in missed:
        console.print(
            f"missed: {each.what} is {each.value:.2f}, at most {each.at_most:g}", markup=False, soft_wrap=True
        )
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
