"""The bench measures every client and writes what it found; calls, memory and modules are counted, times not judged."""

import cProfile
import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench_contestants import ANSWER_BYTES, BODY, CONTESTANTS, OURS
from bench_own import AtOnce
from checkout import ROOT
from liveperson_engagement import EngagementClient
from liveperson_engagement_api.api.session import continue_session

Calls = dict[str, Callable[[], object]]


def bench(*arguments: str | Path) -> None:
    """Run the command."""
    command = [sys.executable, ROOT / "scripts/lib/bench.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def rows(text: str, cells: int) -> dict[str, list[str]]:
    """Read the rows of tables that have so many columns."""
    found = [line.strip("| ").split(" | ") for line in text.splitlines() if "---" not in line]
    return {row[0].strip("*"): row[1:] for row in found if len(row) == cells}


def test_every_client_is_measured_and_written_where_asked(tmp_path: Path) -> None:
    """Each client has a row for each case, with times that can be, on the page and in the drawing."""
    drawing, document = tmp_path / "drawing.svg", tmp_path / "document.md"
    marked = (f"<!-- bench: {part} -->\nold\n<!-- /bench: {part} -->\n" for part in ("clients", "targets"))
    document.write_text(f"before\n{''.join(marked)}after\n", encoding="utf-8")
    bench("clients", "--quick", "--cases", "sync", "async 50", "--svg", drawing, "--into", document)
    text, drawn = document.read_text(encoding="utf-8"), drawing.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- bench: clients -->\n")
    assert text.endswith("\n<!-- /bench: targets -->\nafter\n")
    tables, _, targets = text.partition("<!-- bench: targets -->")
    for kind, part in zip(("sync", "async"), tables.split("asyncio, 50"), strict=True):
        found = rows(part, 5)
        del found["client"]
        assert found.keys() == {row.name for row in CONTESTANTS if row.kind == kind}
        assert all(float(cell.replace(",", "")) >= 0 for row in found.values() for cell in row)
        assert all(name in drawn for name in found)
    judged = {what: row[2] for what, row in rows(targets.replace(" |\n", " | \n"), 4).items() if row[1][:1].isdigit()}
    assert set(judged.values()) <= {"met", "missed"}
    assert len(judged) == 12


def test_few_and_many_remembered_visits_are_measured(tmp_path: Path) -> None:
    """In every store, by what an answer from it takes, and what every other call does with it."""
    document = tmp_path / "document.md"
    document.write_text("<!-- bench: stores -->\n<!-- /bench: stores -->\n")
    bench("stores", "--quick", "--into", document)
    text = document.read_text(encoding="utf-8")
    for kind in ("memory", "SQLite", "Redis"):
        assert f"a whole call, {kind} |" in text
        for call in ("engagement", "load + save"):
            assert all(f"{kind}, {call}, of {visits} remembered |" in text for visits in ("100", "1,000"))


@pytest.fixture
def calls() -> Iterator[Calls]:
    """Give calls that have been made before, and what generated code alone does for one."""
    with EngagementClient("demo", base_url="http://127.0.0.1", transport=AtOnce()) as client:
        visit = client.visit("shopper-42")

        def generated() -> object:
            continue_session.build_request("demo", "xyz", sid="abc", body=BODY)
            return continue_session.parse_response(200, json.loads(ANSWER_BYTES))

        found: Calls = {
            "create_session": lambda: visit.create_session(BODY),
            "generated": generated,
            "engagement": lambda: visit.engagement(BODY),
            "engagement of a new visit object": lambda: client.visit("shopper-42").engagement(BODY),
        }
        for call in [*found.values()] * 5:
            call()
        yield found


def function_calls(call: Callable[[], object]) -> int:
    """Count the Python and C functions that a call takes."""
    with cProfile.Profile() as profile:
        call()
    return sum(entry.callcount for entry in profile.getstats())


def test_a_call_costs_little_more_than_generated_code(calls: Calls) -> None:
    """Request and answer are most of it; for an engagement from memory the body is encoded, to compare it."""
    generated = function_calls(calls["generated"])
    assert function_calls(calls["create_session"]) <= 2.5 * generated
    assert function_calls(calls["engagement"]) <= 1.8 * generated
    assert function_calls(calls["engagement of a new visit object"]) <= 1.8 * generated


@pytest.mark.parametrize("call", ["create_session", "engagement", "engagement of a new visit object"])
def test_calls_leave_nothing_behind(calls: Calls, call: str) -> None:
    """A thousand calls leave fewer than half as many blocks of memory: none leaves one of its own."""
    blocks: list[int] = []
    for _ in range(2):  # after the first thousand, the interpreter's own caches grow no more
        for _ in range(1000):
            calls[call]()
        gc.collect()
        blocks.append(sys.getallocatedblocks())
    assert blocks[1] - blocks[0] < 500


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
