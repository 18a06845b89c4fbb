"""Tells LivePerson news of many visits, from a CSV file: a progress bar on stderr, the outcome on stdout.

    pip install liveperson-engagement rich
    python examples/batch_update.py --sandbox

That plays LivePerson's services on this machine, and takes the made-up visits of `visits.csv`. For the real ones:

    LIVEPERSON_ACCOUNT_ID=le12345678 python examples/batch_update.py my-visits.csv

Columns: `customer`, `topic`, `value`, `currency`. A customer is an opaque number, and one visitor; rows of the same
customer may overtake each other. A row that fails is noted, and the others go on. Run it again, and only what was not
done is sent: the folder `--state` remembers visits and rows. Ctrl-C stops it when the calls under way have ended.

Exit status: 0 every row is done, 1 some failed, 2 it could not begin, 3 it stopped before the last row.
"""

import argparse
import asyncio
import csv
import hashlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from liveperson_engagement import (
    AsyncEngagementClient,
    BadRequest,
    EngagementError,
    InvalidRequest,
    NotFound,
    RetryEvent,
    ServerError,
    SQLiteStore,
)
from liveperson_engagement_api.requests import EngagementAttributes

COLUMNS = ("customer", "topic", "value", "currency")
GIVE_UP = 5
"""As many rows in a row that fail, for no fault of theirs and each after all its attempts, stop the batch."""


class Row(NamedTuple):
    """A line of the file."""

    number: int
    columns: dict[str, str]

    @property
    def mark(self) -> str:
        """What is remembered of a row that is done."""
        return hashlib.sha256("\0".join(self.columns[name] for name in COLUMNS).encode()).hexdigest()

    @property
    def attributes(self) -> EngagementAttributes:
        """What LivePerson is told. Raises InvalidRequest, which names no value of the row."""
        try:
            value = float(self.columns["value"])
        except ValueError:
            raise InvalidRequest("value", "must be a number") from None
        topic, currency = self.columns["topic"], self.columns["currency"]
        return [{"type": "lead", "lead": {"topic": topic, "value": value, "currency": currency}}]


def read(path: Path) -> list[Row]:
    """Read the file. Raises ValueError, which says what is wrong with it."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restval="")
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
            raise ValueError(f"{path}: column {missing[0]} is missing; it needs {', '.join(COLUMNS)}")
        return [Row(reader.line_num, columns) for columns in reader]


class Pace:
    """When the next row may begin: LivePerson answers abnormal rates with 5xx, so each of them halves the rate."""

    def __init__(self, rate: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.rate, self._highest, self._sleep = rate, rate, sleep
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until the next row may begin."""
        now = time.monotonic()
        begins = max(now, self._next)
        self._next = begins + 1 / self.rate
        if begins > now:
            await self._sleep(begins - now)

    def note(self, error: EngagementError | None) -> None:
        """Learn from the outcome of an attempt."""
        if isinstance(error, ServerError):
            self.rate = max(self.rate / 2, self._highest / 64)
        elif error is None:
            self.rate = min(self.rate * 1.1, self._highest)


class Batch:
    """Sends rows, some at a time, and keeps count."""

    def __init__(self, rows: Sequence[Row], state: Path, pace: Pace, progress: Progress) -> None:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._marks, self._visits = state / "done.txt", state / "visits.db"
        before = set(self._marks.read_text().split()) if self._marks.exists() else set[str]()
        self._rows = iter([row for row in rows if row.mark not in before])
        self.total, self.before = len(rows), sum(row.mark in before for row in rows)
        self.done, self.failed, self.stopped = 0, dict[int, str](), ""
        self._failed_in_a_row = 0
        self._pace, self._progress = pace, progress
        self._bar = progress.add_task("", total=self.total, completed=self.before, failed=0)

    async def run(self, concurrency: int, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Send what has not been done. Raises InvalidRequest if LIVEPERSON_ACCOUNT_ID is missing."""
        async with (
            SQLiteStore(self._visits) as store,
            AsyncEngagementClient(store=store, sleep=sleep, on_retry=self._retrying) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(concurrency):
                tasks.create_task(self._work(client))

    def _retrying(self, event: RetryEvent) -> None:
        self._pace.note(event.error)

    async def _work(self, client: AsyncEngagementClient) -> None:
        for row in self._rows:  # one iterator for all workers
            await self._pace.turn()
            if self.stopped:
                return
            try:
                await update(client, row)
            except EngagementError as error:
                self._note(row, error)
            else:
                self._note(row, None)

    def _note(self, row: Row, error: EngagementError | None) -> None:
        self._pace.note(error)
        if error is None:
            self.done += 1
            with self._marks.open("a") as marks:
                marks.write(f"{row.mark}\n")
        else:
            self.failed[row.number] = str(error)
        if not isinstance(error, InvalidRequest | BadRequest):  # those are about the row itself
            self._failed_in_a_row = self._failed_in_a_row + 1 if error else 0
        if self._failed_in_a_row >= GIVE_UP:
            self.stopped = f"Stopped, as {GIVE_UP} rows in a row failed: try again later."
        self._progress.update(self._bar, advance=1, failed=len(self.failed))


async def update(client: AsyncEngagementClient, row: Row) -> None:
    """Tell the news in the customer's session, or start one with it."""
    if not row.columns["customer"]:
        raise InvalidRequest("customer", "is required")
    visit, attributes = client.visit(row.columns["customer"]), row.attributes
    try:
        await visit.update_session({"engagementAttributes": attributes})
    except (InvalidRequest, NotFound) as error:
        if isinstance(error, InvalidRequest) and error.path != "pageId":
            raise
        # There was no session yet, or LivePerson has ended it: start one that knows the news.
        await visit.create_session({"appType": "EXTERNAL", "engagementAttributes": attributes})


def main(arguments: Sequence[str] | None = None, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> int:
    """Run the batch; return the exit status."""
    parser = argparse.ArgumentParser(description="Tells LivePerson news of many visits, from a CSV file.")
    parser.add_argument("file", type=Path, nargs="?", default=Path(__file__).with_name("visits.csv"))
    parser.add_argument("--sandbox", action="store_true", help="play LivePerson's services in this process")
    parser.add_argument("--state", type=Path, default="batch-state", help="remembers; default: folder %(default)s")
    parser.add_argument("--rate", type=float, default=20, help="rows a second, at most; default: %(default)s")
    parser.add_argument("--concurrency", type=int, default=8, help="rows at a time, at most; default: %(default)s")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        if options.sandbox:
            from liveperson_engagement.sandbox import Sandbox  # noqa: PLC0415

            sandbox = stack.enter_context(Sandbox())
            os.environ.update(LIVEPERSON_ACCOUNT_ID="demo", LIVEPERSON_BASE_URL=sandbox.url)
            options.state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            print(f"Sandbox: {sandbox.url}/sandbox/ says what it can be told.", file=sys.stderr)
        failed = TextColumn("{task.fields[failed]} failed")
        columns = (BarColumn(None), MofNCompleteColumn(), failed, TimeRemainingColumn())
        try:
            with Progress(*columns, console=Console(stderr=True)) as progress:
                batch = Batch(read(options.file), options.state, Pace(options.rate, sleep), progress)

                def stop(*_: object) -> None:
                    signal.signal(signal.SIGINT, signal.default_int_handler)  # the next one ends it at once
                    batch.stopped = "Stopped, as you asked."

                signal.signal(signal.SIGINT, stop)
                asyncio.run(batch.run(options.concurrency, sleep))
        except (OSError, ValueError, csv.Error) as error:
            print(error, file=sys.stderr)
            return 2
    print(f"{batch.done} rows done, {batch.before} done before, {len(batch.failed)} failed, of {batch.total}.")
    for number, reason in sorted(batch.failed.items()):
        print(f"line {number}: {reason}")
    if batch.done + batch.before + len(batch.failed) < batch.total:
        print(batch.stopped)
        return 3
    return 1 if batch.failed else 0


if __name__ == "__main__":
    sys.exit(main())
