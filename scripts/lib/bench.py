"""Measures, and exits with 1 where a target is missed.

clients   the package and what could be picked instead, side by side, against a local nginx with the documented answer;
          then what the package costs by itself
stores    what it costs to remember few visits, and many
"""

import argparse
import json
import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import bench_own
import bench_stores
from bench_contestants import ANSWER_BYTES, CONTESTANTS, CONTRACT, FAST, HTTPX, OURS, PYREQWEST
from bench_report import Figure, Times, chart, client_tables, figure_table, into_document
from redis_server import NotReady, RedisServer, free_port

MACHINE = f"Python {platform.python_version()}, {os.cpu_count()} cores"
WORKER = Path(__file__).with_name("bench_worker.py")
LIBRARIES = ("httpx", "aiohttp", "pyreqwest", "requests", "urllib3", "openapi-generator-cli")
GENERATED = ("urllib3", "asyncio", "httpx")
"""What openapi-generator makes its Python clients for."""


class Case(NamedTuple):
    """How calls are made: one after another, or so many at once; None for a sync client."""

    name: str
    at_once: int | None
    calls: int
    """In each round."""


CASES = (Case("sync", None, 200), Case("async 1", 1, 150), Case("async 50", 50, 400), Case("async 200", 200, 600))
RATIOS = (
    ("sync", OURS, HTTPX, 0.70),
    ("async 1", OURS, HTTPX, 0.75),
    ("async 50", OURS, HTTPX, 0.35),
    ("async 200", OURS, HTTPX, 0.30),
    ("sync", FAST, HTTPX, 0.35),
    ("sync", FAST, PYREQWEST, 1.8),
    ("async 50", FAST, HTTPX, 0.09),
    ("async 50", FAST, PYREQWEST, 2.2),
    ("async 200", FAST, HTTPX, 0.10),
    ("async 200", FAST, PYREQWEST, 2.2),
)
"""One client's time of a call is at most so many times another's."""
NGINX = """\
daemon off; worker_processes 1; pid nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
    client_body_temp_path body; proxy_temp_path proxy;
    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{ listen 127.0.0.1:{port}; default_type application/json; location / {{ return 200 '{answer}'; }} }}
}}
"""


@contextmanager
def nginx(folder: Path) -> Generator[int]:
    """Run a server that gives the documented answer; give its port of loopback once it listens."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if not program:
        raise NotReady("nginx is missing: install it, and try again")
    port, settings = free_port(), folder / "nginx.conf"
    settings.write_text(NGINX.format(port=port, answer=ANSWER_BYTES.decode()))
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([program, "-p", folder, "-c", settings, "-e", "stderr"], stdout=log, stderr=log)
    try:
        ends = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > ends:
                    said = (folder / "server.log").read_text()
                    raise NotReady(f"nginx does not start: {said.strip()[-400:]}") from None
                time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


def openapi_generator(folder: Path) -> str:
    """Have openapi-generator make its clients of our contract; give what to import them from."""
    found, contract = find_spec("openapi_generator_cli"), folder / "openapi.json"
    if not found or not found.origin or not shutil.which("java"):
        raise NotReady("openapi-generator-cli or java is missing: install it (Debian: default-jre-headless)")
    contract.write_text(json.dumps(CONTRACT))
    jar = Path(found.origin).with_name("openapi-generator.jar")
    for library in GENERATED:
        # Its validator takes a link's requestBody, which may be of any type, for text only.
        place = ("--skip-validate-spec", "-i", contract, "-o", folder / library)
        kind = ("--library", library, "--package-name", f"openapi_generator_{library}")
        command = ("java", "-jar", jar, "generate", "-g", "python", *place, *kind)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotReady(f"openapi-generator failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return os.pathsep.join(str(folder / library) for library in GENERATED)


@contextmanager
def worker(name: str, environment: dict[str, str]) -> Generator[subprocess.Popen[str]]:
    """Start the process that measures one client."""
    command = [sys.executable, str(WORKER), name]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=environment, bufsize=1) as process:
        try:
            yield process
        finally:
            process.kill()


def ask(process: subprocess.Popen[str], **asked: object) -> dict[str, float]:
    """Have one client measured once."""
    assert process.stdin and process.stdout  # noqa: PT018, S101
    process.stdin.write(json.dumps(asked) + "\n")
    answer = process.stdout.readline()
    if not answer:
        raise NotReady(f"a client failed when asked for {asked}: see above")
    taken: dict[str, float] = json.loads(answer)
    return taken


def compare(cases: list[Case], rounds: int, url: str, path: str) -> Times:
    """Measure every client in every round and case, each time in another order: what else the machine does hits all.

    The least of the rounds counts, since what else the machine does only ever adds time.
    """
    taken: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    turns = [(case, row.name) for case in cases for row in CONTESTANTS if (row.kind == "sync") == (not case.at_once)]
    chance = random.Random(1)  # noqa: S311 - an order, no secret
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), path)))}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker(name, environment)) for name in {name for _, name in turns}}
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            chance.shuffle(turns)
            for case, name in turns:
                taken[case.name, name].append(ask(workers[name], url=url, at_once=case.at_once, calls=case.calls))
    return {
        key: (1e6 * min(each["wall"] for each in rounds), 1e6 * min(each["processor"] for each in rounds))
        for key, rounds in taken.items()
    }


def cancelled(url: str) -> list[Figure]:
    """Cancel half of many calls, and judge what that leaves behind in our clients."""
    figures: list[Figure] = []
    for name in (OURS, FAST):
        with worker(name, {**os.environ}) as process:
            found = ask(process, url=url, stress=True)
        figures += [
            Figure(f"{name}: cancelled, of 2,000 calls", found["cancelled"], ""),
            Figure("after that: a call of 200 at once / one before", found["slower"], "", 1.25),
            Figure("after that: descriptors in use, with one call at a time", found["in use"], "", 1),
            Figure("after that: descriptors left when closed", found["left"], "", 0),
        ]
    return figures


def clients(options: argparse.Namespace, folder: Path) -> tuple[dict[str, str], list[Figure]]:
    """Compare the clients, and measure what the package costs by itself; give the texts for a page, and figures."""
    cases, rounds = [case for case in CASES if case.name in options.cases], 1 if options.quick else options.rounds or 7
    if options.quick:
        cases = [case._replace(calls=max(case.calls // 20, case.at_once or 0)) for case in cases]
    with nginx(folder) as port:
        url = f"http://127.0.0.1:{port}"
        times = compare(cases, rounds, url, openapi_generator(folder))
        left = [] if options.quick else cancelled(url)
    figures = [
        Figure(f"{case}: {client} / {other}", times[case, client][0] / times[case, other][0], "", at_most)
        for case, client, other, at_most in RATIOS
        if (case, client) in times
    ]
    figures += bench_own.calls(folder, *((1, 20) if options.quick else (60, 100)))
    figures += [*bench_own.imports(1 if options.quick else 15), *bench_own.sizes()]
    figures += [*bench_own.memory(200 if options.quick else 10_000), *bench_own.generate(folder), *left]
    if options.svg:
        chart(times, options.svg)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    note = (
        f"{MACHINE}; {rounds} rounds of calls: {', '.join(f'{case.calls} {case.name}' for case in cases)}; {versions}."
    )
    return {"clients": f"{client_tables(times)}\n\n{note}", "targets": figure_table(figures)}, figures


def stores(options: argparse.Namespace, folder: Path) -> tuple[dict[str, str], list[Figure]]:
    """Compare few remembered visits with many, and whole calls with each store."""
    sizes, effort = ((100, 1_000), (1, 20)) if options.quick else ((1_000, 1_000_000), (options.rounds or 11, 200))
    with RedisServer(folder) as redis:
        figures = bench_stores.few_and_many(sizes, effort, folder, redis.url)
    note = f"{MACHINE}; {effort[0]} rounds of {effort[1]} calls."
    return {"stores": f"{figure_table(figures)}\n\n{note}"}, figures


def main() -> None:
    """Run the bench; exit non-zero if a target is missed."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts, add, names = {"clients": clients, "stores": stores}, parser.add_argument, [case.name for case in CASES]
    add("part", choices=parts, nargs="?", help="default: both, about half an hour")
    add("--rounds", type=int, metavar="N", help="each measures every row; the least counts")
    add("--cases", nargs="+", choices=names, default=names, metavar="CASE", help=f"of clients: {', '.join(names)}")
    add("--quick", action="store_true", help="a few calls, to see that everything works; judges nothing")
    add("--svg", type=Path, metavar="FILE", help="draw the clients' times")
    add("--into", type=Path, metavar="FILE", help="write tables into a Markdown file, between its markers")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    missed: list[Figure] = []
    for name in [options.part] if options.part else parts:
        try:
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                texts, figures = parts[name](options, Path(folder))
        except NotReady as error:
            sys.exit(f"scripts/bench: {error}")
        missed += [each for each in figures if not each.met and not options.quick]
        for marker, text in texts.items():
            print(f"{text}\n")
            if options.into:
                into_document(options.into, marker, text)
    for each in missed:
        print(f"missed: {each.what} is {each.value:.2f}, at most {each.at_most:g}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
