"""Plays answers that no service should give to the client, and reports outcomes that are not documented.

Whatever comes back, a call ends with what the contract promises or with an error of the tree; ids that were remembered
before are still there; and the next call works. Each case is made of the seed and its number alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import pickle
import random
import re
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, cast

import h11
import httpx
import jsonschema_rs

from fuzz_cases import BODY, CONTRACT, OTHERS, PAGE, PERSONAL, SESSION, VISITOR, WIRED, Answer, Case, case
from liveperson_engagement import AsyncEngagementClient, EngagementClient, EngagementError, MemoryStore, RetryPolicy
from liveperson_engagement import errors as tree
from liveperson_engagement._json import is_object
from liveperson_engagement.errors import (
    AccountLoading,
    ApiError,
    BadRequest,
    InvalidRequest,
    InvalidResponse,
    NotFound,
)
from liveperson_engagement.stores import Record, VisitIds
from liveperson_engagement.transports import MAX_RESPONSE_BYTES, Transport
from liveperson_engagement.transports._conversations import Connection, Route
from liveperson_engagement.transports._environment import Proxies, Trust
from liveperson_engagement.transports._pending import PendingResponse, without_quotes
from liveperson_engagement_api.http import Request, Response

KEY = "fuzz-key-2c81"
STORED = f"demo:{KEY}"
IDS = VisitIds(VISITOR, SESSION, PAGE)
PRIVATE = (VISITOR, SESSION, PERSONAL)
SAYS_NOTHING = ("report_impressions", "find_domain")
LONGEST_LINE = 600
"""What an error may print: some words of the service's, a path, and the reason."""
UPDATE: Any = {"engagementAttributes": [{"type": "lead", "lead": {"topic": PERSONAL}}]}
GOOD = {"status": "NotAvailable", "visitorId": VISITOR, "sessionId": OTHERS[1], "pageId": OTHERS[2]}
VID = re.compile(CONTRACT["x-retry-policies"]["documented"]["loadingAccount"]["visitorIdInMessage"])


@dataclass
class Finding:
    """Something that is not documented."""

    case: Case
    problem: str
    trace: str = ""

    @property
    def kind(self) -> str:
        """Say it without what differs from case to case."""
        last = [line.strip() for line in self.trace.splitlines() if line.lstrip().startswith("File ")][-1:]
        return " ".join([re.sub(r"\d+", "N", self.problem)[:90], *last])


# --- Ways of answering -----------------------------------------------------------------------------------------------


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces, and may end in a failure."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.pieces
        if self._answer.failure:
            raise self._answer.failure("made up")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


class Script(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Gives the answers of a case in turn, the last one for ever, and keeps what was asked."""

    def __init__(self) -> None:
        self.answers: tuple[Answer, ...] = ()
        self.served: list[Answer] = []
        self.asked: list[str] = []

    def play(self, *answers: Answer) -> None:
        """Take other answers."""
        self.answers, self.served, self.asked = answers, [], []

    def next(self, asked: str) -> Answer:
        """Give the next answer to a request."""
        answer = self.answers[min(len(self.served), len(self.answers) - 1)]
        self.served.append(answer)
        self.asked.append(asked)
        return answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        answer = self.next(request.url.raw_path.decode())
        if answer.lost and answer.failure:
            raise answer.failure("made up")
        return httpx.Response(answer.status, headers=list(answer.headers), stream=Pieces(answer))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return self.handle_request(request)


class InMemory(Transport):
    """What the default transport makes of the bytes of a script, without sockets."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._options = Proxies(None), Trust(None)

    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Answer."""
        attempt, connection = PendingResponse(timeout), Connection()
        connection.sock.close()
        connection.established = True
        answer = self._script.next(request.target)
        received = iter((answer.head, *filter(None, answer.pieces)) if not answer.lost else ())
        flow = connection.converse(Route(base_url, *self._options), request, attempt)
        try:
            step = next(flow)
            while True:
                step = flow.send(next(received, b"") if step is None else b"")
        except StopIteration as done:
            response: Response = done.value
            return response
        except (OSError, h11.ProtocolError) as error:
            raise attempt.failure(error) from without_quotes(error)

    def close(self) -> None:
        """Do nothing."""


class Wire(ThreadingTCPServer):
    """Gives the answers of a script over a socket, as the bytes that they are."""

    daemon_threads, allow_reuse_address, request_queue_size = True, True, 64

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.script = script
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let those go who went first."""


class Talk(StreamRequestHandler):
    """One answer for each connection."""

    def handle(self) -> None:
        """Read a request, and write the next answer."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return
            head += line
        length = re.search(rb"(?i)content-length: (\d+)", head)
        self.rfile.read(int(length[1]) if length else 0)
        answer = cast(Wire, self.server).script.next(head.split(b" ", 2)[1].decode())
        if answer.lost:
            return
        with suppress(OSError):
            self.wfile.write(answer.head + answer.body)


# --- Playing a case --------------------------------------------------------------------------------------------------


class Player:
    """A client of one kind, whose answers are made up."""

    def __init__(self, name: str, stack: ExitStack) -> None:
        colour, _, way = name.partition(" ")
        self.wired = bool(way)
        self.script, self.store = Script(), MemoryStore()
        options: Any = {"store": self.store, "base_url": "https://host.example", "domain_api": "https://domain.example"}
        if way in {"fast", "wire"}:
            wire = Wire(self.script)
            threading.Thread(target=wire.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            stack.callback(wire.server_close)
            stack.callback(wire.shutdown)
            options |= {"base_url": wire.url, "domain_api": wire.url, "timeout": 5.0}
        options["transport"] = {"": self.script, "memory": InMemory(self.script), "fast": "fast", "wire": None}[way]
        self._loop = asyncio.new_event_loop() if colour == "async" else None
        if self._loop:
            stack.callback(self._loop.close)
            self._make: Callable[[], Any] = lambda: AsyncEngagementClient("demo", sleep=_no_time, **options)
        else:
            self._make = lambda: EngagementClient("demo", sleep=lambda _: None, **options)
        self.client = self._make()
        stack.callback(lambda: self.done(self.client.close()))
        self.patient, self.hasty = self.client, self.client.with_options(retry=RetryPolicy.none())
        self.records: dict[str, Record | None] = {
            "nothing": None,
            "visitor": Record(VisitIds(VISITOR)),
            "session": Record(IDS),
        }
        self.records["engagement"] = self._offered()

    def done(self, result: Any) -> Any:
        """Wait for what the async client gives."""
        return self._loop.run_until_complete(result) if self._loop else result

    def remembered(self) -> Record | None:
        """Look into the store."""
        found = self.store.load(STORED)
        return found.record if found else None

    def remember(self, record: Record | None) -> None:
        """Make the store hold just this."""
        now = self.store.load(STORED)
        if now or record:
            self.store.compare_and_set(STORED, now and now.version, record)

    def call(self, case: Case) -> Any:
        """Make the call of a case."""
        client = self.patient if case.retries else self.hasty
        visit = client.visit(KEY)
        match case.call:
            case "update_session":
                return self.done(visit.update_session(UPDATE))
            case "report_impressions":
                return self.done(visit.report_impressions("impDisplay", "impClose"))
            case "find_domain":
                return self._find_domain(retries=case.retries)
            case name:
                return self.done(getattr(visit, name)(BODY))

    def _find_domain(self, *, retries: bool) -> Any:
        """Look the host up as a client does that does not know it yet."""
        client = self._make()
        options: Any = {"base_url": None} if retries else {"base_url": None, "retry": RetryPolicy.none()}
        try:
            return self.done(client.with_options(**options).find_domain())
        finally:
            self.done(client.close())

    def _offered(self) -> Record | None:
        """Get what is remembered of the contract's own example."""
        responses = CONTRACT["components"]["responses"]["Session"]["content"]["application/json"]["examples"]
        example = {**responses["available"]["value"], "visitorId": VISITOR, "sessionId": SESSION, "pageId": PAGE}
        self.script.play(_json(example))
        self.done(self.hasty.visit(KEY).create_session({"appType": "EXTERNAL"}))
        return self.remembered()


class Judge:
    """Says what should have come of a case: by the contract, and by a reading of the answers that shares no code."""

    def __init__(self) -> None:
        schemas = CONTRACT["components"]["schemas"]
        self._valid = {
            name: jsonschema_rs.Draft202012Validator(
                {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}, validate_formats=True
            )
            for name in ("Session", "ServiceDomain", "VisitorId")
        }
        self.documented = tuple(
            kind for kind in vars(tree).values() if isinstance(kind, type) and issubclass(kind, EngagementError)
        )

    def problems(self, case: Case, player: Player, before: Record | None, result: Any) -> Iterator[str]:
        """Find what is not as documented, a result or an error having come of a case."""
        served = player.script.served
        if not served:
            yield "nothing was asked"
            return
        if isinstance(result, BaseException):
            yield from self._about_error(case, player, before, result)
        else:
            yield from self._about_result(case, player, before, result)
        if not player.wired and not isinstance(result, NotFound | InvalidRequest):
            should = self._is_good(case.call, served[-1])
            if should is not None and should == isinstance(result, BaseException):
                yield f"a good answer was refused: {result}" if should else "a bad answer was accepted"

    def _about_error(self, case: Case, player: Player, before: Record | None, error: BaseException) -> Iterator[str]:
        if type(error) not in self.documented:
            yield f"undocumented: {type(error).__name__}"
            return
        line = str(error)
        if not line.isprintable() or len(line) > LONGEST_LINE:
            yield f"{type(error).__name__} prints {len(line)} characters, or unprintable ones"
        sent = "".join([*player.script.asked, *([] if case.call in SAYS_NOTHING else [PERSONAL])])
        if leaked := [secret for secret in PRIVATE if secret in sent and (secret in line or secret in repr(error))]:
            yield f"{type(error).__name__} prints {leaked}"
        statuses = {answer.status for answer in player.script.served}
        if isinstance(error, ApiError) and (error.status_code not in statuses or 200 <= error.status_code < 300):
            yield f"{type(error).__name__} with a status that was not sent"
        if case.number % 16 == 0:
            again = pickle.loads(pickle.dumps(error))  # noqa: S301
            if (type(again), str(again)) != (type(error), line):
                yield "another error comes out of a pickle"
        yield from self._about_memory(case, player, before, error)

    def _about_memory(self, case: Case, player: Player, before: Record | None, error: BaseException) -> Iterator[str]:
        after = player.remembered()
        if after == before:
            if isinstance(error, NotFound) and before is not None and case.call != "find_domain":
                yield "ids that the service does not know are still remembered"
            return
        vids = [vid for answer in player.script.served for vid in VID.findall(answer.body.decode("utf-8", "replace"))]
        if after is None:
            learned = before is None or before.ids.session_id is None or bool(vids)
            if not (isinstance(error, NotFound) or (isinstance(error, BadRequest) and learned)):
                yield "what was remembered is lost"
        elif isinstance(error, InvalidResponse):
            good = [answer for answer in player.script.served if 200 <= answer.status < 300]
            if not vids and not any(_is_encoded(answer) or _names(answer.body, after.ids) for answer in good):
                yield "ids are remembered that no answer has named"
        elif after.ids.session_id is not None or not any(answer.status == 500 for answer in player.script.served):
            yield "a bad answer changed what is remembered"
        elif isinstance(error, AccountLoading) and not self._valid["VisitorId"].is_valid(after.ids.visitor_id):
            yield "a visitor id is remembered that the contract does not allow"

    def _about_result(self, case: Case, player: Player, before: Record | None, result: Any) -> Iterator[str]:
        after = player.remembered()
        match case.call:
            case "find_domain":
                if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", result):
                    yield "a domain that is no host"
                return
            case "update_session" | "report_impressions":
                if result is not None or after != before:
                    yield "an update changed what is remembered"
                return
            case _:
                pass
        answer = result.to_dict()
        if not self._valid["Session"].is_valid(answer):
            yield "a session that breaks the contract"
        if after is None or after.ids != VisitIds(result.visitor_id, result.session_id, result.page_id):
            yield "other ids are remembered than were given out"
        if result.status == "Available" and (after is None or after.engagement is None):
            yield "an engagement is not remembered"

    def _is_good(self, call: str, answer: Answer) -> bool | None:
        """Return whether an answer is what the contract promises; None where it may be survived, or is hard to say."""
        if answer.status != 200 or answer.failure is not None or len(answer.body) > MAX_RESPONSE_BYTES:
            return False
        update = call in {"update_session", "report_impressions"}
        value: Any = {} if update and not answer.body.strip() else _read(answer.body)
        if _is_encoded(answer) or value is UNCLEAR:
            return None
        if update or not is_object(value):
            return is_object(value)
        if call == "find_domain":  # a host that the contract allows may still be refused
            return None if isinstance(value.get("baseURI"), str) else False
        if re.search(rb'"[0-9]{19}"', answer.body):  # an id that may be too large: the contract has no pattern for that
            return None
        return self._valid["Session"].is_valid(value) or (None if value.get("status") in STATUSES else False)


STATUSES = ("Available", "NotAvailable")
UNCLEAR = object()
"""Stands for a body of which it is hard to say whether it is JSON."""


def _is_encoded(answer: Answer) -> bool:
    return any(name.lower() == b"content-encoding" for name, _ in answer.headers)


def _names(content: bytes, ids: VisitIds) -> bool:
    """Return whether an answer names the visitor and the session, digits without quotes included."""
    text = content.decode("utf-8-sig", "replace")
    try:
        answer: Any = json.loads(text, parse_int=str, parse_constant=str, strict=False)
    except (ValueError, RecursionError):
        return False
    if not is_object(answer):
        return False
    named = [None if answer.get(name) is None else str(answer[name]) for name in ("visitorId", "sessionId")]
    return named[0] == ids.visitor_id and ids.session_id in (None, named[1])


def _read(content: bytes) -> Any:
    """Read a body, if it is plainly JSON."""
    try:
        value = json.loads(content.decode("utf-8-sig"))
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return UNCLEAR
    return value


class Fuzzer:
    """Plays cases, and judges what comes of them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack, self._judge = stack, Judge()
        self._players: dict[str, Player] = {}
        self.outcomes: Counter[str] = Counter()

    def play(self, case: Case) -> list[Finding]:
        """Play a case."""
        player = self._players.get(case.player)
        if player is None:
            player = self._players[case.player] = Player(case.player, self._stack)
        before = player.records[case.known]
        player.remember(before)
        player.script.play(*case.answers)
        result = _outcome(player.call, case)
        self.outcomes[f"{case.call}: {type(result).__name__}"] += 1
        problems = self._judge.problems(case, player, before, result)
        found = [Finding(case, problem, _trace(result)) for problem in problems]
        if not found and player.remembered() != before:
            found += self._goes_on(case, player)
        return found

    def _goes_on(self, case: Case, player: Player) -> list[Finding]:
        """Make sure that what is remembered now can be used."""
        player.script.play(_json(GOOD))
        known = player.remembered()
        result = _outcome(lambda: player.done(player.hasty.visit(KEY).create_session(BODY)))
        if isinstance(result, Exception):
            return [Finding(case, f"the next call fails: {type(result).__name__}", _trace(result))]
        parts = player.script.asked[0].partition("?")[0].split("/")
        if len(parts) != 8 or bool(parts[-1]) != (known is not None):
            return [Finding(case, "the next call goes to another address")]
        return []


def _outcome(call: Callable[..., Any], *arguments: Any) -> Any:
    """Make a call, and return what it returns or raises."""
    try:
        return call(*arguments)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return error


def _trace(result: Any) -> str:
    return "".join(traceback.format_exception(result)) if isinstance(result, Exception) else ""


def _json(value: Any) -> Answer:
    return Answer(200, ((b"Content-Type", b"application/json"),), (json.dumps(value).encode(),))


async def _no_time(_: float) -> None:
    pass


# --- Many cases ------------------------------------------------------------------------------------------------------


@dataclass
class Report:
    """What came of many cases."""

    cases: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    players: Counter[str] = field(default_factory=Counter[str])
    findings: Counter[str] = field(default_factory=Counter[str])
    examples: dict[str, Finding] = field(default_factory=dict[str, Finding])

    def add(self, other: Report) -> None:
        """Count another report in."""
        self.cases += other.cases
        self.outcomes += other.outcomes
        self.players += other.players
        self.findings += other.findings
        self.examples = {**other.examples, **self.examples}


def fuzz(seed: int, numbers: Iterator[int] | range, *, seconds: float = float("inf"), wired: float = WIRED) -> Report:
    """Play the cases of these numbers in this process."""
    report, started = Report(), time.monotonic()
    with ExitStack() as stack:
        fuzzer = Fuzzer(stack)
        for number in numbers:
            if time.monotonic() - started > seconds:
                break
            made = case(seed, number, wired=wired)
            report.cases += 1
            report.players[made.player] += 1
            for finding in fuzzer.play(made):
                report.findings[finding.kind] += 1
                report.examples.setdefault(finding.kind, finding)
        report.outcomes = fuzzer.outcomes
    report.seconds = time.monotonic() - started
    return report


SHARE = 5000
"""How many cases a process takes at a time."""


def _work(arguments: tuple[int, range, float, float]) -> Report:
    seed, numbers, end, wired = arguments
    return fuzz(seed, numbers, seconds=end - time.time(), wired=wired)


def main() -> int:
    """Fuzz as the command line says; 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000, help="how many (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument(
        "--seed", type=int, default=None, help="the same seed makes the same cases (default: another each time)"
    )
    parser.add_argument("--case", type=int, default=None, help="play this case alone, and show it")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--wired", type=float, default=WIRED, help="share of cases over sockets (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=None, help="write the figures into this file")
    options = parser.parse_args()
    seed: int = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    if options.case is not None:
        return _show(seed, options.case, options.wired)
    print(f"seed {seed}, {options.cases:,} cases, {options.processes} processes", flush=True)
    shares = [range(first, min(first + SHARE, options.cases)) for first in range(0, options.cases, SHARE)]
    report, started = Report(), time.monotonic()
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        work = [(seed, share, time.time() + options.seconds, options.wired) for share in shares]
        for part in pool.imap_unordered(_work, work):
            for kind in part.findings.keys() - report.findings.keys():
                print(_report_line(part.examples[kind], seed), flush=True)
            report.add(part)
            report.seconds = time.monotonic() - started
            if len(shares) > 1 and part.cases:
                kinds = len(report.findings)
                print(f"{report.cases:11,} cases, {report.seconds:5.0f} s, {kinds} kinds of findings", flush=True)
    _print(report, seed)
    if options.json:
        figures = {"seed": seed, "cases": report.cases, "seconds": report.seconds, "findings": report.findings}
        options.json.write_text(
            json.dumps({**figures, "outcomes": report.outcomes, "players": report.players}, indent=1)
        )
    return 1 if report.findings else 0


def _print(report: Report, seed: int) -> None:
    print(f"{report.cases:,} cases in {report.seconds:.0f} s; players: {dict(report.players)}")
    for outcome, times in sorted(report.outcomes.items()):
        print(f"  {times:9,}  {outcome}")
    for kind, times in report.findings.most_common():
        print(f"{times:9,} times: {_report_line(report.examples[kind], seed)}")
    print(f"{len(report.findings)} kinds of findings")


def _report_line(finding: Finding, seed: int) -> str:
    return f"FOUND {finding.kind}\n      scripts/fuzz --seed {seed} --case {finding.case.number}"


def _show(seed: int, number: int, wired: float) -> int:
    made = case(seed, number, wired=wired)
    print(made)
    for answer in made.answers:
        print(answer)
    with ExitStack() as stack:
        findings = Fuzzer(stack).play(made)
    for finding in findings:
        print(f"FOUND: {finding.problem}\n{finding.trace}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
