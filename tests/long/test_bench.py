"""The bench measures every client, each of which has decoded the documented answer, and writes what it found.

Times are not judged here, since machines differ. Function calls, memory, modules, requests and connections are counted.
"""

from __future__ import annotations

import cProfile
import gc
import json
import math
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest

import bench_report
from bench_case import ANSWER_BYTES
from bench_own import AtOnce
from bench_report import Figure
from checkout import ROOT
from liveperson_engagement import EngagementClient
from liveperson_engagement_api.api.session import continue_session

CONTRACT = json.loads((ROOT / "generated" / "liveperson_engagement_api" / "openapi.json").read_bytes())
BODY: Any = CONTRACT["components"]["requestBodies"]["CreateSession"]["content"]["application/json"]["examples"][
    "documented"
]["value"]
ANSWER: Any = CONTRACT["components"]["responses"]["Session"]["content"]["application/json"]["examples"]["available"][
    "value"
]
OURS = "liveperson_engagement"
FAST = f'{OURS}, transport="fast"'
BOTH = {OURS, FAST, "generated client alone", "httpx", "niquests", "pyreqwest"}
CLIENTS = {
    "sync": BOTH | {"raw socket (the limit)", "http.client", "requests", "openapi-generator, urllib3"},
    "async 50": BOTH | {"aiohttp", "openapi-generator, asyncio", "openapi-generator, httpx"},
}
TARGETS = {
    f"sync: {OURS} / httpx",
    f"sync: {FAST} / httpx",
    f"sync: {FAST} / pyreqwest",
    "the same / the work: body and answer",
    "engagement from memory / body",
    "engagement from SQLite / body",
    f"import {OURS} / import httpx",
    "after that: a call / one before",
    "after that: a call of 200 at once / one before",
    "after that: connections, with one call at a time",
    "after that: descriptors left when closed",
}
"""What has a target besides the async cases."""


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command, in the environment that it brings along."""
    command = [ROOT / "scripts" / "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)


def test_every_client_is_measured_and_the_figures_are_written_where_asked(tmp_path: Path) -> None:
    """Each client has a row for each case, with a time that can be; JSON, SVG and Markdown hold the same rows."""
    figures, drawing, document = (tmp_path / name for name in ("figures.json", "drawing.svg", "document.md"))
    marked = (f"<!-- bench: {part} -->\nold\n<!-- /bench: {part} -->\n" for part in ("clients", "targets"))
    document.write_text(f"before\n{''.join(marked)}after\n", encoding="utf-8")
    written = ("--json", figures, "--svg", drawing, "--into", document)
    done = bench("clients", "--quick", "--cases", *CLIENTS, *written)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(figures.read_text())
    for case, clients in CLIENTS.items():
        rows = {row["client"]: row for row in found["results"] if row["case"] == case}
        assert rows.keys() == clients
        for row in rows.values():
            for column in ("us", "processor_us", "to_httpx", "to_pyreqwest"):
                assert math.isfinite(row[column]), row
                assert row[column] > 0, row
            assert row["to_httpx"] == pytest.approx(row["us"] / rows["httpx"]["us"], rel=0.01, abs=1e-4)
    written_down = {each["what"]: each for each in found["figures"]}
    assert all(math.isfinite(each["value"]) for each in written_down.values())
    targets = [each for each in written_down.values() if each["at_most"] is not None]
    assert {each["what"] for each in targets if "async" not in each["what"]} == TARGETS
    assert sum(each["what"].startswith("async 50: ") for each in targets) == 3
    assert all(each["met"] == (each["value"] <= each["at_most"]) for each in targets)
    assert written_down["after that: connections, with one call at a time"]["value"] == 1
    assert written_down["after that: descriptors left when closed"]["value"] == 0
    assert all(written_down[f"{client}: cancelled, of 2,000 calls"]["value"] > 500 for client in (OURS, FAST))
    drawn = "".join(ElementTree.parse(drawing).getroot().itertext())  # noqa: S314 - written a moment ago
    text = document.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- bench: clients -->\n")
    assert text.endswith("\n<!-- /bench: targets -->\nafter\n")
    assert "old" not in text
    for client in set[str]().union(*CLIENTS.values()):
        assert client in drawn
        assert client in text


class Server(ThreadingHTTPServer):
    """Gives every request one answer, over connections that stay open, and counts both."""

    answer = json.dumps(ANSWER).encode()
    requests = connections = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"

    @property
    def counted(self) -> Server:
        """Its server."""
        return cast(Server, self.server)

    def setup(self) -> None:
        """Count the connection."""
        super().setup()
        self.counted.connections += 1

    def do_POST(self) -> None:
        """Count the request and answer it."""
        self.counted.requests += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.counted.answer)))
        self.end_headers()
        self.wfile.write(self.counted.answer)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a server for one test."""
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("at_once", [None, 2])
def test_a_client_that_does_not_decode_the_documented_answer_is_not_measured(
    server: Server, at_once: int | None
) -> None:
    """A time counts only if the client came to the documented campaign id."""
    server.answer = json.dumps({"engagementDetails": {"campaignId": 1}}).encode()
    asked = json.dumps({"url": server.url, "at_once": at_once, "calls": 3})
    worker: list[str | Path] = [sys.executable, ROOT / "scripts" / "lib" / "bench_worker.py", "httpx"]
    done = subprocess.run(worker, input=asked, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert done.stdout == ""
    assert "httpx made something else of the answer" in done.stderr


@pytest.mark.parametrize(
    ("figure", "row"),
    [
        (Figure("a", 0.704, "", 0.7), ("a", "0.70", "0.7", "missed")),
        (Figure("a", 0.7, "", 0.7), ("a", "0.70", "0.7", "met")),
        (Figure("a", 1234.56, "µs"), ("a", "1,235 µs", "", "")),
        (Figure("a", 1, "", 1), ("a", "1", "1", "met")),
    ],
)
def test_a_figure_says_whether_its_target_is_met(figure: Figure, row: tuple[str, ...]) -> None:
    """One that has no target is always met."""
    assert figure.row() == row
    assert figure.met == (row[3] != "missed")
    assert bench_report.figure_table([figure]).splitlines()[2] == f"| {' | '.join(row)} |"


def test_memory_growth_and_generating_are_measured(tmp_path: Path) -> None:
    """Each has a target, and the steps of `scripts/generate` are shown."""
    figures = tmp_path / "figures.json"
    done = bench("wrapper", "--quick", "--json", figures)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {figure["what"]: figure for figure in json.loads(figures.read_text())}
    assert all(math.isfinite(figure["value"]) for figure in found.values())
    targets = [figure for figure in found.values() if figure["at_most"] is not None]
    assert len(targets) == 4
    assert all(figure["met"] == (figure["value"] <= figure["at_most"]) for figure in targets)
    steps = [figure["value"] for what, figure in found.items() if what.startswith("its step: ")]
    assert len(steps) >= 3
    assert 0 < sum(steps) <= found["scripts/generate"]["value"] + 0.5


@pytest.mark.parametrize("what", ["call", "engagement", "import", "sync", "async-50"])
def test_a_profile_names_the_functions_and_modules_that_take_time(what: str) -> None:
    """A profile of each kind has rows of the package's own files."""
    done = bench("profile", what, *([] if what == "import" else ["--calls", "60"]), "--rows", "2000")
    assert done.returncode == 0, done.stderr
    assert OURS in done.stdout
    assert len(done.stdout.splitlines()) > 10


@pytest.fixture
def calls() -> Iterator[dict[str, Callable[[], object]]]:
    """Give calls that have been made before, and what generated code alone does for one."""
    with EngagementClient("demo", base_url="http://127.0.0.1", transport=AtOnce()) as client:
        visit = client.visit("shopper-42")

        def generated() -> object:
            continue_session.build_request("demo", "xyz", sid="abc", body=BODY)
            return continue_session.parse_response(200, json.loads(ANSWER_BYTES))

        found: dict[str, Callable[[], object]] = {
            "create_session": lambda: visit.create_session(BODY),
            "generated": generated,
            "engagement": lambda: visit.engagement(BODY),
            "engagement of a new visit object": lambda: client.visit("shopper-42").engagement(BODY),
        }
        for call in found.values():
            for _ in range(5):
                call()
        yield found


def function_calls(call: Callable[[], object]) -> int:
    """Count the Python and C functions that a call takes."""
    profile = cProfile.Profile()
    with profile:
        call()
    return sum(entry.callcount for entry in profile.getstats())


def peak(call: Callable[[], object]) -> int:
    """Measure the memory that a call takes at its height, in bytes."""
    gc.collect()
    tracemalloc.start()
    call()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    call()
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return highest - before


def test_a_call_takes_few_more_steps_and_little_more_memory_than_generated_code(
    calls: dict[str, Callable[[], object]],
) -> None:
    """Building the request and reading the answer is most of it; validation, reuse and policy are the rest."""
    assert function_calls(calls["create_session"]) <= 2.5 * function_calls(calls["generated"])
    assert peak(calls["create_session"]) <= 2 * peak(calls["generated"])


@pytest.mark.parametrize("call", ["engagement", "engagement of a new visit object"])
def test_an_engagement_from_memory_takes_few_steps(calls: dict[str, Callable[[], object]], call: str) -> None:
    """The body is encoded, to compare it, and the answer read: not much more than generated code does for a call."""
    assert function_calls(calls[call]) <= 1.8 * function_calls(calls["generated"])


@pytest.mark.parametrize("call", ["create_session", "engagement", "engagement of a new visit object"])
def test_calls_leave_nothing_behind(calls: dict[str, Callable[[], object]], call: str) -> None:
    """A thousand calls leave fewer than half as many blocks of memory: none leaves one of its own."""
    for _ in range(1000):  # after these, the interpreter's own caches grow no more
        calls[call]()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(1000):
        calls[call]()
    gc.collect()
    assert sys.getallocatedblocks() - before < 500


def test_the_import_brings_nothing_optional() -> None:
    """Importing the package brings few modules, and none that only some callers, an extra or another part need."""
    code = (
        "import sys; before = set(sys.modules); from liveperson_engagement import EngagementClient; "
        "print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    brought = set(done.stdout.split())
    assert OURS in brought
    assert len(brought) <= 140
    later = {"asyncio", "h11", "httpx", "jsonschema_rs", "ssl"}
    optional = {"aiohttp", "pyreqwest", "redis", "rich", "sqlite3", "starlette", "typer", "uvicorn", "yaml"}
    parts = {f"{OURS}.cli", f"{OURS}.sandbox", f"{OURS}.stores.redis", f"{OURS}.stores.sqlite"}
    assert not brought & (later | optional | parts)


def test_a_call_is_one_request_and_all_share_one_connection(server: Server) -> None:
    """Calls one after another, of one visit or of many, open one connection; engagements from memory send nothing."""
    with EngagementClient("demo", base_url=server.url) as client:
        for number in range(20):
            client.visit(f"shopper-{number % 4}").create_session(BODY)
        for number in range(20):
            client.visit(f"shopper-{number % 4}").engagement(BODY)
    assert (server.requests, server.connections) == (20, 1)
