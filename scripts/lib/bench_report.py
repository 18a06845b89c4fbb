"""Shows what the bench has found: on the terminal, as Markdown, as a drawing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench_contestants import OURS

TITLES = {
    "sync": "One call after another",
    "async 1": "asyncio, one call after another",
    "async 50": "asyncio, 50 calls at once",
    "async 200": "asyncio, 200 calls at once",
}
HEADINGS = ("client", "µs a call", "/ httpx", "/ pyreqwest", "processor µs")


class Figure(NamedTuple):
    """Something that was measured, and what it may be at most; None where there is no target."""

    what: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the target, if there is one, is met."""
        return self.at_most is None or self.value <= self.at_most

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can carry it."""
        return {**self._asdict(), "met": self.met}

    def row(self) -> tuple[str, str, str, str]:
        """Return its cells: what, is, at most, whether it is met."""
        bound = "" if self.at_most is None else f"{self.at_most:g} {self.unit}".rstrip()
        met = "" if self.at_most is None else "met" if self.met else "missed"
        whole = self.value >= 100 or self.value == int(self.value)
        return self.what, f"{self.value:,.{0 if whole else 2}f} {self.unit}".rstrip(), bound, met


def terminal() -> Console:
    """Write to the terminal, or to a file, whose lines may be as long as the tables need."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 130)


def rows(found: dict[str, Any], case: str) -> list[tuple[str, ...]]:
    """Return the rows of a case, the fastest first."""
    return [
        (
            row["client"],
            f"{row['us']:,.0f}",
            f"{row['to_httpx']:.2f}",
            f"{row['to_pyreqwest']:.2f}",
            f"{row['processor_us']:,.0f}",
        )
        for row in found["results"]
        if row["case"] == case
    ]


def machine(found: dict[str, Any]) -> str:
    """Say where, and how often."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    calls = ", ".join(f"{calls:,} {case}" for case, calls in found["calls"].items())
    return f"Python {found['python']}, {found['cores']} cores; {found['rounds']} rounds of calls: {calls}; {versions}."


def show_clients(found: dict[str, Any], console: Console) -> None:
    """Print each client's time in each case."""
    for case in found["calls"]:
        table = Table(*HEADINGS[:1], title=TITLES[case], title_justify="left")
        for heading in HEADINGS[1:]:
            table.add_column(heading, justify="right")
        for row in rows(found, case):
            table.add_row(*row, style="bold" if row[0].startswith(OURS) else None)
        console.print(table)
    console.print(machine(found))


def show_figures(figures: Iterable[Figure], title: str, console: Console) -> None:
    """Print what was measured, and which targets are met."""
    table = Table("what", title=title, title_justify="left")
    for heading in ("is", "at most"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for each in figures:
        *cells, met = each.row()
        table.add_row(*map(escape, cells), f"[{'green' if each.met else 'red'}]{met}[/]")
    console.print(table)


def client_tables(found: dict[str, Any]) -> str:
    """Write each client's time in each case as Markdown."""
    lines: list[str] = []
    for case in found["calls"]:
        lines += [f"{TITLES[case]}:", "", _row(HEADINGS), _row(["---", *["---:"] * (len(HEADINGS) - 1)])]
        lines += [_row([f"**{row[0]}**" if row[0].startswith(OURS) else row[0], *row[1:]]) for row in rows(found, case)]
        lines.append("")
    return "\n".join([*lines, machine(found)])


def figure_table(figures: Iterable[Figure]) -> str:
    """Write what was measured as Markdown."""
    lines = [_row(("what", "is", "at most", "")), _row(("---", "---:", "---:", "---"))]
    return "\n".join([*lines, *(_row(each.row()) for each in figures)])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def into_document(document: Path, name: str, text: str) -> None:
    """Put text between the document's markers `<!-- bench: NAME -->` and `<!-- /bench: NAME -->`."""
    begin, end = f"<!-- bench: {name} -->", f"<!-- /bench: {name} -->"
    before = document.read_text(encoding="utf-8")
    after, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{text}\n{end}", before, flags=re.DOTALL
    )
    if count != 1:
        raise SystemExit(f"{document} needs the markers {begin} and {end}, once")
    document.write_text(after, encoding="utf-8")


def chart(found: dict[str, Any], path: Path) -> None:
    """Draw a bar for each client in each case, ours in a colour of its own."""
    matplotlib = import_module("matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 9})
    cases = list(found["calls"])
    heights = [len(rows(found, case)) for case in cases]
    figure, axes = import_module("matplotlib.pyplot").subplots(
        len(cases), figsize=(9, 0.26 * sum(heights) + 0.8 * len(cases)), height_ratios=heights, squeeze=False
    )
    for axis, case in zip(axes[:, 0], cases, strict=True):
        shown = [row for row in found["results"] if row["case"] == case][::-1]
        names, times = [row["client"] for row in shown], [row["us"] for row in shown]
        bars = axis.barh(names, times, color=["#0a7d6c" if name.startswith(OURS) else "#b8bec6" for name in names])
        axis.bar_label(bars, labels=[f"{time:,.0f}" for time in times], padding=3)
        axis.set_title(f"{TITLES[case]}: µs a call", loc="left", fontweight="bold")
        axis.set_xlim(right=1.12 * max(times))
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
