"""Every answer that a service should not give, and what a call then does: one table, tried over real sockets.

A row is a fault; it is tried with a first call and, where it may matter, with one that names its visitor, by the sync
and the async client on either transport. What is expected: the error, the requests, the pauses, what is remembered, and
that the next call goes well. Time and memory have bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import functools
import inspect
import itertools
import os
import pickle
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from faults_service import DRIP, GOOD, SESSION, Service, certificates, presenting
from faults_table import FAULTS, PATIENT, Fault, Outcome
from liveperson_engagement import (
    ApiError,
    AsyncEngagementClient,
    ConnectionFailed,
    DeadlineExceeded,
    EngagementClient,
    EngagementError,
    InvalidResponse,
    MemoryStore,
)

COLUMNS = ("sync", "async", "sync fast", "async fast")
BODY: Any = {"appType": "EXTERNAL"}
SLACK = 3.0
"""Seconds that a call may take besides its attempts, on a machine that has much else to do."""
MEMORY = 24 * 2**20
"""Bytes by which the process may grow in a call; the large answers have more than twice as many."""


@dataclass(frozen=True)
class Cell:
    """A fault as one client met it."""

    fault: Fault
    column: str
    known: bool
    """Whether the call named its visitor."""
    outcome: Outcome
    seconds: float
    grown: int
    """Bytes by which the process has grown at most."""

    @property
    def expected(self) -> Outcome:
        """What the table says."""
        return self.fault.expected(self.column, known=self.known)


class Caller:
    """A client of one column; its pauses take no time."""

    def __init__(self, column: str, stack: ExitStack, base_url: str) -> None:
        colour, _, transport = column.partition(" ")
        self.pauses: list[float] = []
        self.store = MemoryStore()
        self._runner = stack.enter_context(asyncio.Runner()) if colour == "async" else None
        kind: Any = AsyncEngagementClient if self._runner else EngagementClient
        sleep = self._sleep if self._runner else self.pauses.append
        options: dict[str, Any] = {"transport": transport or None, "timeout": PATIENT, "sleep": sleep}
        self._client = kind("demo", base_url=base_url, store=self.store, **options)
        stack.callback(lambda: self._done(self._client.close()))

    def call(self, key: str, options: dict[str, float] | None = None) -> Any:
        """Ask for a session."""
        client = self._client.with_options(**options) if options else self._client
        return self._done(client.visit(key).create_session(BODY))

    def remembered(self, key: str) -> Any:
        """Say what is remembered of a visit."""
        found = self.store.load(f"demo:{key}")
        return found and found.record

    def _done(self, result: Any) -> Any:
        return self._runner.run(result) if self._runner and inspect.iscoroutine(result) else result

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def cells(faults: list[Fault], columns: tuple[str, ...] = COLUMNS) -> Iterator[Cell]:
    """Try faults, each for itself; those that take their time at the same time."""
    _warm()
    for fault in faults:
        todo = list(itertools.product(columns, (False, True) if fault.known else (False,)))
        with ThreadPoolExecutor(len(todo) if fault.options else 1) as pool:
            for trial in [pool.submit(_alone, fault, *each) for each in todo]:
                yield trial.result()


def statuses(columns: tuple[str, ...] = COLUMNS) -> Iterator[Cell]:
    """Try every status, with one client of each column."""
    _warm()
    for column in columns:
        with ExitStack() as stack:
            service = stack.enter_context(Service())
            caller = Caller(column, stack, f"http://127.0.0.1:{service.port}")
            for fault, known in itertools.product(FAULTS["statuses"], (False, True)):
                yield _tried(fault, column, caller, service, f"{fault.name} {known}" if known else fault.name)


def _alone(fault: Fault, column: str, known: bool) -> Cell:
    with ExitStack() as stack:
        context = None
        if fault.certificate:
            stack.enter_context(_trusting(_tls()["authority"]))
            path = _tls().get(fault.certificate)
            context = presenting(path) if path else None
        service = stack.enter_context(Service(context, early=fault.unread and not context))
        address = f"https://localhost:{service.port}" if fault.certificate else f"http://127.0.0.1:{service.port}"
        caller = Caller(column, stack, address)
        return _tried(fault, column, caller, service, "known" if known else "first")


def _tried(fault: Fault, column: str, caller: Caller, service: Service, key: str) -> Cell:
    known = key.endswith(("known", "True"))
    if known:
        service.act = None
        caller.call(key)
    if not fault.act:
        service.__exit__()
    before, arrived, service.act = caller.remembered(key), service.requests, fault.act
    caller.pauses.clear()
    limit = min(fault.options.values(), default=PATIENT) + (fault.overrun if column.endswith("fast") else 0)
    _forget_peak()
    resident, started = _memory("VmRSS"), time.monotonic()
    session, error = None, None
    try:
        session = caller.call(key, fault.options)
    except EngagementError as failure:
        error = failure
    seconds, grown = time.monotonic() - started, _memory("VmHWM") - resident

    pauses = tuple(caller.pauses)
    attempts = error.attempts if error else len(pauses) + 1
    wrong = list(_faulty(error)) if error else []
    if seconds > SLACK + attempts * limit:
        wrong.append(f"took {seconds:.1f} s")
    if grown > MEMORY:
        wrong.append(f"grew by {grown / 2**20:.0f} MB")
    if not fault.unread:
        service.has_read(arrived + attempts, SLACK)
    arrived, now = service.requests - arrived, caller.remembered(key)
    same = now and (now.ids.visitor_id == session.visitor_id if session else now == before)
    remembered = ("the visit" if same and now.engagement else "another visit") if now else "nothing"
    following = "not made"
    if fault.next != following:
        if not service.is_calm(SLACK):
            wrong.append("left the connection open")
        if column.endswith("fast") and not service.is_connected:
            time.sleep(DRIP)  # reqwest notices in a thread of its own that a connection has been closed
        service.act = None
        following = _next(caller, key)
    outcome = Outcome(_named(error), attempts, arrived, pauses, remembered, following, tuple(wrong))
    return Cell(fault, column, known, outcome, seconds, grown)


def _next(caller: Caller, key: str) -> str:
    caller.pauses.clear()
    try:
        session = caller.call(key)
    except EngagementError as error:
        return _named(error)
    if session.visitor_id != SESSION["visitorId"]:
        return "another's answer"
    return f"good after {len(caller.pauses)} pauses" if caller.pauses else "good"


def _named(error: EngagementError | None) -> str:
    """Name an error, or the session of a call that raised none."""
    kind = type(error).__name__
    match error:
        case None:
            return "AvailableSession"
        case InvalidResponse():
            return f"{kind} {error.path}: {error.reason}"
        case ApiError():
            return f"{kind} {error.status_code}"
        case ConnectionFailed():
            return f"{kind}, {'may have arrived' if error.may_have_arrived else 'not sent'}"
        case DeadlineExceeded():
            return f"{kind} after {type(error.__cause__).__name__}"
        case _:
            return kind


def _faulty(error: EngagementError) -> Iterator[str]:
    """Say what is wrong with an error, besides its being one."""
    text = str(error)
    if not text.isprintable() or len(text) > 400:
        yield f"its text is no short line: {text[:80]!r}"
    if re.search(r"of-the-shopper|v0000", text):
        yield "its text has an id"
    if str(pickle.loads(pickle.dumps(error))) != text:  # noqa: S301 - our own
        yield "it cannot be pickled"


def _memory(what: str) -> int:
    return 1024 * int(re.findall(rf"{what}:\s+(\d+)", Path("/proc/self/status").read_text())[0])


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


@functools.cache
def _warm() -> None:
    """Have everything imported, so that the memory of that is not counted."""
    for column in COLUMNS:
        _alone(Fault("none", GOOD, "AvailableSession"), column, known=False)


@functools.cache
def _tls() -> dict[str, Path]:
    """Make the certificates, once."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    atexit.register(shutil.rmtree, folder)
    return {**dict(certificates(folder)), "authority": folder / "authority.pem"}


@contextmanager
def _trusting(authority: Path) -> Generator[None]:
    """Have clients that are made now trust an authority, and no other."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(authority)
    try:
        yield
    finally:
        del os.environ["SSL_CERT_FILE"]
        if before is not None:
            os.environ["SSL_CERT_FILE"] = before


def main() -> int:
    """Print the matrix; return the exit status, 1 where a cell differs."""
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(FAULTS)}; default: all")
    parts = parser.parse_args().parts or list(FAULTS)
    if unknown := set(parts) - set(FAULTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    tried: list[Cell] = []
    for part in parts:
        found = list(statuses() if part == "statuses" else cells(FAULTS[part]))
        console.print(table(part, found))
        tried += found
    differ = [each for each in tried if each.outcome != each.expected]
    for cell in differ:
        console.print(f"{cell.fault.name}, {cell.column}: {cell.outcome}\ninstead of {cell.expected}", soft_wrap=True)
    most = max(tried, key=lambda each: each.grown)
    console.print(
        f"{len(tried):,} calls of {len({each.fault.name for each in tried}):,} faults; {len(differ)} not as expected."
    )
    console.print(f"Most memory: {most.grown / 2**20:.1f} MB, in {most.fault.name} ({most.column}).")
    return 1 if differ else 0


def table(title: str, tried: list[Cell]) -> Table:
    """Draw what was expected, and how each column did: the seconds it took, or what came instead."""
    drawn = Table(title=title, title_justify="left")
    for heading in ("fault", "call", "outcome", "requests", "pauses", "remembered", *COLUMNS):
        drawn.add_column(heading)
    rows: dict[tuple[bool, str], list[Cell]] = {}
    for cell in tried:
        rows.setdefault((title == "statuses" and cell.known, cell.fault.name + " " * cell.known), []).append(cell)
    for _, group in itertools.groupby((rows[each] for each in sorted(rows, key=lambda each: each[0])), _alike):
        alike = list(group)
        drawn.add_row(*_row(alike))
    return drawn


def _alike(row: list[Cell]) -> tuple[object, ...]:
    """Return what tells rows apart; statuses that mean the same are one row."""
    first = row[0]
    if not first.fault.name.isdecimal():
        return (first.fault.name, first.known)
    return (
        first.known,
        *(_unnumbered(each.expected, each) for each in row),
        *(_unnumbered(each.outcome, each) for each in row),
    )


def _unnumbered(outcome: Outcome, cell: Cell) -> Outcome:
    return outcome._replace(error=outcome.error.replace(cell.fault.name, "…"))


def _row(alike: list[list[Cell]]) -> Iterator[str]:
    first, last = alike[0][0], alike[-1][0]
    expected = _unnumbered(first.expected, first) if first is not last else first.expected
    yield first.fault.name if first is last else f"{first.fault.name} to {last.fault.name}"
    yield "known visit" if first.known else "first"
    yield expected.error
    yield str(expected.attempts) if expected.arrived == expected.attempts else f"{expected.attempts}, none read"
    yield " ".join(f"{pause:g}" for pause in expected.pauses) or "-"
    yield expected.remembered
    for column in COLUMNS:
        found = [cell for row in alike for cell in row if cell.column == column]
        cell = found[0]
        if cell.outcome != cell.expected:
            yield "DIFFERS"
        elif cell.expected.error != first.expected.error:
            yield cell.expected.error
        else:
            yield f"{sum(each.seconds for each in found):.2f} s"


if __name__ == "__main__":
    sys.exit(main())
