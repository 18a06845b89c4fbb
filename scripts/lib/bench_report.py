"""Shows what the bench has found: on the terminal, as Markdown, as a drawing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from bench_contestants import OURS

TEXTS = {"client", "what", ""}
"""Headings of columns that are no numbers."""
TITLES = {
    "sync": "One call after another",
    "async 1": "asyncio, one call after another",
    "async 50": "asyncio, 50 calls at once",
    "async 200": "asyncio, 200 calls at once",
}


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

    def row(self) -> tuple[str, ...]:
        """Return its cells: what, is, at most, whether it is met."""
        bound = "" if self.at_most is None else f"{self.at_most:g} {self.unit}".rstrip()
        met = "" if self.at_most is None else "met" if self.met else "missed"
        whole = self.value >= 100 or self.value == int(self.value)
        return self.what, f"{self.value:,.{0 if whole else 2}f} {self.unit}".rstrip(), bound, met


class Table(NamedTuple):
    """Cells below headings."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def markdown(self) -> str:
        """Write it as Markdown."""
        lines = [self.headings, ["---" if heading in TEXTS else "---:" for heading in self.headings], *self.rows]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def figure_table(title: str, figures: Iterable[Figure]) -> Table:
    """Put what was measured into a table, and which targets are met."""
    return Table(title, ("what", "is", "at most", ""), [each.row() for each in figures])


def client_tables(found: dict[str, Any]) -> list[Table]:
    """Put each client's time into the table of its case, the fastest first."""
    headings = ("client", "µs a call", "/ httpx", "/ pyreqwest", "processor µs")
    tables: list[Table] = []
    for case in found["calls"]:
        rows: list[tuple[str, ...]] = []
        for row in _rows(found, case):
            name = f"**{row['client']}**" if row["client"].startswith(OURS) else row["client"]
            ratios = f"{row['to_httpx']:.2f}", f"{row['to_pyreqwest']:.2f}"
            rows.append((name, f"{row['us']:,.0f}", *ratios, f"{row['processor_us']:,.0f}"))
        tables.append(Table(TITLES[case], headings, rows))
    return tables


def _rows(found: dict[str, Any], case: str) -> list[dict[str, Any]]:
    return sorted((row for row in found["results"] if row["case"] == case), key=lambda row: float(row["us"]))


def into_document(document: Path, name: str, text: str) -> None:
    """Put text between the document's markers `<!-- bench: NAME -->` and `<!-- /bench: NAME -->`."""
    begin, end = f"<!-- bench: {name} -->", f"<!-- /bench: {name} -->"
    before = document.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    after, count = pattern.subn(lambda _: f"{begin}\n{text}\n{end}", before)
    if count != 1:
        raise SystemExit(f"{document} needs the markers {begin} and {end}, once")
    document.write_text(after, encoding="utf-8")


def chart(found: dict[str, Any], path: Path) -> None:
    """Draw a bar for each client in each case, ours in a colour of its own."""
    matplotlib = import_module("matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 9})
    cases = {case: _rows(found, case)[::-1] for case in found["calls"]}
    heights = [len(rows) for rows in cases.values()]
    figure, axes = import_module("matplotlib.pyplot").subplots(
        len(cases), figsize=(9, 0.26 * sum(heights) + 0.8 * len(cases)), height_ratios=heights, squeeze=False
    )
    for axis, (case, rows) in zip(axes[:, 0], cases.items(), strict=True):
        names, times = [row["client"] for row in rows], [row["us"] for row in rows]
        bars = axis.barh(names, times, color=["#0a7d6c" if name.startswith(OURS) else "#b8bec6" for name in names])
        axis.bar_label(bars, labels=[f"{time:,.0f}" for time in times], padding=3)
        axis.set_title(f"{TITLES[case]}: µs a call", loc="left", fontweight="bold")
        axis.set_xlim(right=1.12 * max(times))
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
