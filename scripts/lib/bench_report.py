"""Shows what the bench has found: as tables, as a drawing."""

import re
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, TypeAlias

from bench_contestants import HTTPX, OURS, PYREQWEST

Times: TypeAlias = Mapping[tuple[str, str], tuple[float, float]]
"""By case and client: wall and processor time of a call, in microseconds."""
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


def figure_table(figures: Iterable[Figure]) -> str:
    """Write what was measured as a table of Markdown."""
    return _table(("what", "is", "at most", ""), ("---", "---:", "---:", "---"), *(each.row() for each in figures))


def client_tables(times: Times) -> str:
    """Write each client's time as a table for each case, the fastest first."""
    tables: list[str] = []
    for case, clients in _ranked(times).items():
        rows: list[tuple[str, ...]] = []
        for client in clients:
            wall, processor = times[case, client]
            ratios = (f"{wall / times[case, other][0]:.2f}" for other in (HTTPX, PYREQWEST))
            rows.append((_bold(client), f"{wall:,.0f}", *ratios, f"{processor:,.0f}"))
        headings = ("client", "µs a call", "/ httpx", "/ pyreqwest", "processor µs")
        tables.append(f"{TITLES[case]}:\n\n{_table(headings, ('---', *['---:'] * 4), *rows)}")
    return "\n\n".join(tables)


def _table(*rows: Iterable[str]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _bold(client: str) -> str:
    return f"**{client}**" if client.startswith(OURS) else client


def _ranked(times: Times) -> dict[str, list[str]]:
    cases: dict[str, list[str]] = {case: [] for case in TITLES if case in {case for case, _ in times}}
    for case, client in sorted(times, key=times.__getitem__):
        cases[case].append(client)
    return cases


def into_document(document: Path, name: str, text: str) -> None:
    """Put text between the document's markers `<!-- bench: NAME -->` and `<!-- /bench: NAME -->`."""
    begin, end = f"<!-- bench: {name} -->", f"<!-- /bench: {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    after, count = pattern.subn(lambda _: f"{begin}\n{text}\n{end}", document.read_text(encoding="utf-8"))
    if count != 1:
        raise SystemExit(f"{document} needs the markers {begin} and {end}, once")
    document.write_text(after, encoding="utf-8")


def chart(times: Times, path: Path) -> None:
    """Draw a bar for each client in each case, ours in a colour of its own."""
    matplotlib, cases = import_module("matplotlib"), _ranked(times)
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 9})
    heights = [len(clients) for clients in cases.values()]
    figure, axes = import_module("matplotlib.pyplot").subplots(
        len(cases), figsize=(9, 0.26 * sum(heights) + 0.8 * len(cases)), height_ratios=heights, squeeze=False
    )
    for axis, (case, clients) in zip(axes[:, 0], cases.items(), strict=True):
        names, walls = clients[::-1], [times[case, client][0] for client in clients[::-1]]
        bars = axis.barh(names, walls, color=["#0a7d6c" if name.startswith(OURS) else "#b8bec6" for name in names])
        axis.bar_label(bars, labels=[f"{wall:,.0f}" for wall in walls], padding=3)
        axis.set_title(f"{TITLES[case]}: µs a call", loc="left", fontweight="bold")
        axis.set_xlim(right=1.12 * max(walls))
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
