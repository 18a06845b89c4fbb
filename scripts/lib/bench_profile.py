"""Where the time of a call goes: function by function, for our client or another."""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench_case import ACCOUNT, BODY, CASES, Case
from bench_contestants import ASYNC, OURS, SYNC
from bench_nginx import NoServer, nginx
from bench_own import URL, AtOnce
from bench_worker import in_flight, opened, opened_async
from liveperson_engagement import EngagementClient

OWN = ("call", "engagement", "import")


def case_of(name: str, case: Case, url: str) -> cProfile.Profile:
    """Profile a client against nginx."""
    profile = cProfile.Profile()
    if case.at_once is None:
        with opened(name, url, case.calls) as call, profile:
            for _ in range(case.calls):
                call(0)
        return profile

    async def run(at_once: int) -> None:
        async with opened_async(name, url, case.calls, at_once) as call:
            with profile:
                await in_flight(call, at_once, case.calls)

    asyncio.run(run(case.at_once))
    return profile


def without_network(what: str, calls: int) -> cProfile.Profile:
    """Profile what the package does by itself."""
    profile, body = cProfile.Profile(), BODY
    with EngagementClient(ACCOUNT, base_url=URL, transport=AtOnce()) as client:
        visit: Any = client.visit("shopper")
        visit.create_session(body)
        call: Callable[[Any], Any] = visit.engagement if what == "engagement" else visit.create_session
        call(body)
        with profile:
            for _ in range(calls):
                call(body)
    return profile


def show(profile: cProfile.Profile, calls: int, order: str, rows: int) -> None:
    """Print the functions that take most, each for one call."""
    entries: dict[tuple[str, int, str], Any] = vars(pstats.Stats(profile))["stats"]
    column = {"own": 2, "total": 3}[order]
    ranked = sorted(entries.items(), key=lambda entry: entry[1][column], reverse=True)
    total = sum(entry[2] for entry in entries.values())
    print(
        f"{1e6 * total / calls:,.1f} µs and {sum(entry[1] for entry in entries.values()) / calls:,.0f} function calls"
    )
    print("a call, under the profiler, which makes small functions dearer than they are\n")
    print(f"{'own µs':>9}{'total µs':>10}{'times':>8}  function")
    for (file, line, function), (_, times, own, whole, _) in ranked[:rows]:
        place = f"{'/'.join(Path(file).parts[-2:])}:{line} " if line else ""
        print(f"{1e6 * own / calls:9.2f}{1e6 * whole / calls:10.2f}{times / calls:8.2f}  {place}{function}")


def show_import(rows: int) -> None:
    """Print the modules that take longest to import, in a fresh process."""
    command = [sys.executable, "-X", "importtime", "-c", "from liveperson_engagement import EngagementClient"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    lines = [line.removeprefix("import time:").split("|") for line in said.splitlines()[1:]]
    ranked = sorted(((int(own), int(whole), name.strip()) for own, whole, name in lines), reverse=True)
    print(f"{sum(own for own, _, _ in ranked) / 1e3:,.1f} ms for {len(ranked)} modules, under the profiler\n")
    print(f"{'own ms':>9}{'total ms':>10}  module")
    for own, whole, name in ranked[:rows]:
        print(f"{own / 1e3:9.2f}{whole / 1e3:10.2f}  {name}")


def main() -> None:
    """Show a profile."""
    cases = {case.name.replace(" ", "-"): case for case in CASES}
    parser = argparse.ArgumentParser(prog="scripts/bench profile", description=__doc__)
    add = parser.add_argument
    add("what", nargs="?", choices=[*OWN, *cases], default="call", help="default: call, one without a network")
    add("--client", choices=sorted({*SYNC, *ASYNC} - {"niquests"}), default=OURS, help=f"default: {OURS}")
    add("--order", choices=["own", "total"], default="own", help="own: without what a function calls")
    add("--rows", type=int, default=40, metavar="N")
    add("--calls", type=int, default=2000, metavar="N")
    options = parser.parse_args()
    if options.what == "import":
        show_import(options.rows)
        return
    with ExitStack() as stack:
        if options.what in cases:
            case = cases[options.what]
            clients = SYNC if case.at_once is None else ASYNC
            if options.client not in clients:
                parser.error(f"{options.client} has no case {options.what}; there are: {', '.join(clients)}")
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            try:
                url = stack.enter_context(nginx(folder))
            except NoServer as error:
                sys.exit(f"scripts/bench: {error}")
            if options.client.startswith("openapi-generator"):
                from bench_others import generate  # noqa: PLC0415 - takes seconds

                sys.path.insert(0, str(generate(folder)[options.client]))
            profile = case_of(options.client, Case(case.name, case.at_once, options.calls), url)
        else:
            profile = without_network(options.what, options.calls)
    show(profile, options.calls, options.order, options.rows)


if __name__ == "__main__":
    main()
