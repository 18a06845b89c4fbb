"""A short run of scripts/fuzz: answers that no service should give, and what has to come of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import fuzz
from checkout import ROOT
from fuzz_cases import CALLS, KNOWN, OTHERS, PLAYERS, VISITOR, Answer, Case, case
from liveperson_engagement import InvalidResponse, Unauthorized
from liveperson_engagement_api.http import Response

FUZZ = ROOT / "scripts" / "lib" / "fuzz.py"
SEED = 20
CASES = 4000


@pytest.fixture
def fuzzer() -> Iterator[fuzz.Fuzzer]:
    """Make the players."""
    with ExitStack() as stack:
        yield fuzz.Fuzzer(stack)


def test_nothing_undocumented_comes_of_any_answer() -> None:
    """Errors of the tree or good results only, by every client and transport; what was remembered stays."""
    report = fuzz.fuzz(SEED, range(CASES))
    assert {kind: finding.case.number for kind, finding in report.examples.items()} == {}
    assert report.cases == CASES
    assert report.players.keys() == set(PLAYERS)
    assert {outcome.partition(":")[0] for outcome in report.outcomes} == CALLS.keys()
    seen = {outcome.partition(": ")[2] for outcome in report.outcomes}
    assert seen >= {"AvailableSession", "NotAvailableSession", "NoneType", "str"}
    assert seen >= {
        "InvalidResponse",
        "NotFound",
        "AccountLoading",
        "ServerError",
        "ConnectionFailed",
        "DomainLookupFailed",
    }


def test_the_same_numbers_make_the_same_case() -> None:
    """So a finding can be played again; other numbers make other cases."""
    cases = [case(1, number) for number in range(200)]
    assert cases == [case(1, number) for number in range(200)]
    assert len({each.answers for each in cases}) > 150
    assert [case(2, number).answers for number in range(200)] != [each.answers for each in cases]
    assert {each.known for each in cases} == set(KNOWN)


GOOD = json.dumps(fuzz.GOOD).encode()


@pytest.mark.parametrize(
    ("sabotage", "answer", "problem"),
    [
        ("raise KeyError", Answer(200, (), (b"{}",)), "undocumented: KeyError"),
        ("accept nothing", Answer(200, (), (GOOD,)), "a good answer was refused"),
        ("forget", Answer(500), "what was remembered is lost"),
        ("print", Answer(401), "Unauthorized prints"),
    ],
)
def test_a_client_that_misbehaves_is_found_out(
    fuzzer: fuzz.Fuzzer, monkeypatch: pytest.MonkeyPatch, sabotage: str, answer: Answer, problem: str
) -> None:
    """Each part of the judging can fail."""
    call = fuzz.Player.call

    def sabotaged(player: fuzz.Player, played: Case) -> object:
        if sabotage == "raise KeyError":
            player.script.next(VISITOR)
            raise KeyError
        if sabotage == "accept nothing":
            player.script.next(VISITOR)
            raise InvalidResponse("body", "must be JSON", Response(200))
        if sabotage == "forget":
            player.remember(None)
        if sabotage == "print":
            player.script.next(VISITOR)
            raise Unauthorized(f"[401] {VISITOR}", Response(401))
        return call(player, played)

    monkeypatch.setattr(fuzz.Player, "call", sabotaged)
    known = "nothing" if sabotage == "accept nothing" else "session"
    [finding, *_] = fuzzer.play(Case(1, "sync", "create_session", known, retries=False, answers=(answer,)))
    assert finding.problem.startswith(problem)


HEADERS_LIKE_THESE = ((b"Server", b"caf\xe9 \xff"), (b"Retry-After", b"\xd9\xa3"), (b"Set-Cookie", b"a=\xc3\xa9"))


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, (), (b'{"status": "NotAvailable", "later": "\\ud800"}',)),
        Answer(200, (), (GOOD.replace(OTHERS[1].encode(), b"\\ud800"),)),
        Answer(200, (), (GOOD.replace(VISITOR.encode(), b"v" * 70_000),)),
        Answer(200, HEADERS_LIKE_THESE, (GOOD,)),
        Answer(503, HEADERS_LIKE_THESE, (b"<html>",)),
        Answer(404, (*HEADERS_LIKE_THESE, (b"Content-Encoding", b"gzip")), (b"no gzip",)),
        Answer(400, (), (b'{"internalCode": ' + b"7" * 4000 + b"}",)),
        Answer(500, (), (b'{"internalCode": 20, "message": "vid: ' + b"v" * 70_000 + b'"}',)),
        Answer(200, (), (b'{"a\\nb\\u001b[31m": 1e999, "status": "Available"}',)),
    ],
    ids=range(9),
)
def test_what_was_found_once_stays_mended(fuzzer: fuzz.Fuzzer, player: str, answer: Answer) -> None:
    """Answers that brought errors out of the tree, or lines of thousands of characters, on some transport."""
    for known in KNOWN:
        found = fuzzer.play(Case(16, player, "create_session", known, retries=True, answers=(answer,)))
        assert [finding.problem for finding in found] == []


def test_the_script_prints_its_seed_and_counts_cases(tmp_path: Path) -> None:
    """Figures go into a file as well, and one case can be shown."""
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(FUZZ), "--seed", str(SEED)]
    run = [*command, "--cases", "60", "--processes", "1", "--wired", "0", "--json", str(figures)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"seed {SEED}, 60 cases, 1 processes\n")
    assert done.stdout.endswith("0 kinds of findings\n")
    assert json.loads(figures.read_text())["cases"] == 60
    shown = subprocess.run([*command, "--case", "7"], capture_output=True, text=True, timeout=60, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert shown.stdout.startswith("Case(number=7, ")


def test_guided_cases_reach_more_and_more_and_find_nothing() -> None:
    """Atheris makes them; a finding would be another exit status."""
    script = ROOT / "scripts" / "fuzz"
    command = [str(script), "guided", "-runs=3000", "-seed=7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    reached = [int(edges) for edges in re.findall(r"cov: (\d+)", done.stderr)]
    assert reached[-1] > reached[0] + 100
    assert "stat::number_of_executed_units: 3000" in done.stderr
