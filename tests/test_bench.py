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
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import httpx
import pytest

from liveperson_engagement import EngagementClient
from liveperson_engagement_api import Client
from liveperson_engagement_api.api.session import continue_session
from liveperson_engagement_api.models import CreateSessionBody

ROOT = Path(__file__).parents[1]
CONTRACT = json.loads((ROOT / "generated" / "liveperson_engagement_api" / "openapi.json").read_bytes())
BODY: Any = CONTRACT["components"]["requestBodies"]["CreateSession"]["content"]["application/json"]["examples"][
    "documented"
]["value"]
ANSWER: Any = CONTRACT["components"]["responses"]["Session"]["content"]["application/json"]["examples"]["available"][
    "value"
]
OURS = "liveperson_engagement"
BOTH = {OURS, f'{OURS}, transport="fast"', "generated client alone", "httpx", "niquests", "pyreqwest"}
CLIENTS = {
    "sync": BOTH | {"raw socket (the limit)", "http.client", "requests", "openapi-generator, urllib3"},
    "async 50": BOTH | {"aiohttp", "openapi-generator, asyncio", "openapi-generator, httpx"},
}


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command, in the environment that it brings along."""
    command = [ROOT / "scripts" / "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)


def test_every_client_is_measured_and_the_figures_are_written_where_asked(tmp_path: Path) -> None:
    """Each client has a row for each case, with a time that can be; JSON, SVG and Markdown hold the same rows."""
    figures, drawing, document = (tmp_path / name for name in ("figures.json", "drawing.svg", "document.md"))
    document.write_text("before\n<!-- bench: clients -->\nold\n<!-- /bench: clients -->\nafter\n", encoding="utf-8")
    written = ("--json", figures, "--svg", drawing, "--into", document)
    done = bench("clients", "--quick", "--cases", *CLIENTS, *written)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(figures.read_text())
    for case, clients in CLIENTS.items():
        rows = {row["client"]: row for row in found["results"] if row["case"] == case}
        assert rows.keys() == clients
        for row in rows.values():
            for column in ("us", "processor_us", "to_httpx", "to_generated"):
                assert math.isfinite(row[column]), row
                assert row[column] > 0, row
            assert row["to_httpx"] == pytest.approx(row["us"] / rows["httpx"]["us"], rel=0.01)
    assert {target["case"] for target in found["targets"]} == set(CLIENTS)
    assert all(target["met"] == (target["ratio"] <= target["at_most"]) for target in found["targets"])
    drawn = "".join(ElementTree.parse(drawing).getroot().itertext())  # noqa: S314 - written a moment ago
    text = document.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- bench: clients -->\n")
    assert text.endswith("\n<!-- /bench: clients -->\nafter\n")
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


def test_the_wrapper_is_measured_by_itself(tmp_path: Path) -> None:
    """Everything that the wrapper has a target for is measured, and the shares of `scripts/generate` are shown."""
    figures = tmp_path / "figures.json"
    done = bench("wrapper", "--quick", "--json", figures)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {figure["what"]: figure for figure in json.loads(figures.read_text())}
    assert all(math.isfinite(figure["value"]) for figure in found.values())
    targets = [figure for figure in found.values() if figure["at_most"] is not None]
    assert len(targets) == 9
    assert all(figure["met"] == (figure["value"] <= figure["at_most"]) for figure in targets)
    steps = [figure["value"] for what, figure in found.items() if what.startswith("its step: ")]
    assert len(steps) >= 4
    assert 0 < sum(steps) <= found["scripts/generate"]["value"] + 0.5


@pytest.mark.parametrize("what", ["null", "engagement", "import", "sync", "async-50"])
def test_a_profile_names_the_functions_and_modules_that_take_time(what: str) -> None:
    """A profile of each kind has rows of the package's own files."""
    done = bench("profile", what, *([] if what == "import" else ["--calls", "60"]), "--rows", "2000")
    assert done.returncode == 0, done.stderr
    assert OURS in done.stdout
    assert len(done.stdout.splitlines()) > 10


class Null(httpx.BaseTransport):
    """Gives the documented answer without sending anything."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return httpx.Response(200, json=ANSWER, request=request)


@pytest.fixture
def calls() -> Iterator[dict[str, Callable[[], object]]]:
    """Give calls of the package, and of the generated client alone, that have been made before."""
    with ExitStack() as stack:
        ours = stack.enter_context(EngagementClient("demo", base_url="http://127.0.0.1", transport=Null()))
        alone = stack.enter_context(Client(base_url="http://127.0.0.1", httpx_args={"transport": Null()}))
        visit, body = ours.visit("shopper-42"), CreateSessionBody.from_dict(BODY)
        found: dict[str, Callable[[], object]] = {
            "create_session": lambda: visit.create_session(BODY),
            "generated": lambda: continue_session.sync("demo", "xyz", client=alone, body=body, sid="abc"),
            "engagement": lambda: visit.engagement(BODY),
            "engagement of a visit made anew": lambda: ours.visit("shopper-42").engagement(BODY),
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


def test_a_call_takes_hardly_more_steps_and_memory_than_the_generated_client(
    calls: dict[str, Callable[[], object]],
) -> None:
    """Validation, reuse and policy included: about as many function calls, and at most twice the memory."""
    assert function_calls(calls["create_session"]) <= 1.1 * function_calls(calls["generated"])
    assert peak(calls["create_session"]) <= 2 * peak(calls["generated"])


@pytest.mark.parametrize(("call", "at_most"), [("engagement", 40), ("engagement of a visit made anew", 300)])
def test_an_engagement_from_memory_takes_few_steps(
    calls: dict[str, Callable[[], object]], call: str, at_most: int
) -> None:
    """An answer that is remembered is neither encoded nor checked at length again."""
    assert function_calls(calls[call]) <= at_most


@pytest.mark.parametrize("call", ["create_session", "engagement", "engagement of a visit made anew"])
def test_calls_leave_nothing_behind(calls: dict[str, Callable[[], object]], call: str) -> None:
    """A thousand calls leave fewer than half as many blocks of memory: none leaves one of its own."""
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(1000):
        calls[call]()
    gc.collect()
    assert sys.getallocatedblocks() - before < 500


def test_the_import_brings_nothing_optional() -> None:
    """Importing the package brings few modules besides httpx's, and none that only an extra or another part needs."""
    code = (
        "import sys, httpx; before = set(sys.modules); from liveperson_engagement import EngagementClient; "
        "print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    brought = set(done.stdout.split())
    assert OURS in brought
    assert len(brought) <= 95
    optional = {"aiohttp", "pyreqwest", "redis", "rich", "sqlite3", "starlette", "typer", "uvicorn", "yaml"}
    parts = {f"{OURS}.cli", f"{OURS}.sandbox", f"{OURS}.stores.redis", f"{OURS}.stores.sqlite"}
    assert not brought & (optional | parts)


def test_a_call_is_one_request_and_all_share_one_connection(server: Server) -> None:
    """Calls one after another, of one visit or of many, open one connection; engagements from memory send nothing."""
    with EngagementClient("demo", base_url=server.url) as client:
        for number in range(20):
            client.visit(f"shopper-{number % 4}").create_session(BODY)
        for number in range(20):
            client.visit(f"shopper-{number % 4}").engagement(BODY)
    assert (server.requests, server.connections) == (20, 1)
