"""Changes the wrapper's core in one place after the other, and sees whether the tests notice.

mutmut makes the mutants: every function of a module lies beside its mutated copies, and a name chooses one of them.
Here they are run: pytest collects the tests once; each mutant is then tried in a forked process, by the tests that
reach its function, until one fails: first those that reach few functions and are quick, and one case of each test
before the others. mutmut's own runner does not suit: it learns which tests reach a function in one run, in which the
contract is read once and remembered, so that it takes hardly any test for those that read it.
"""

import argparse
import contextlib
import difflib
import gc
import importlib
import itertools
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/mutants.md"
PACKAGE = "liveperson_engagement"
CORE = (
    "_account", "_call", "_contract", "_deadline", "_json", "_keyed_lock", "_locking", "_log", "_redaction", "_session",
    "_state", "_steps", "client", "errors", "outage", "retry", "visit",
)  # fmt: skip
"""The modules that decide something; `events` is data alone."""
LEAST = 90
"""Per cent of the mutants that must be killed."""
MOST = 600
"""Tests that a mutant is tried with; only then it has survived."""
FEW = 20
"""Tests that a mutant is tried with if the list has it already."""
MEMORY = 4 * 2**30
"""Bytes that a mutant may ask for: some never stop collecting."""
SLOWER = 10
"""A test may take so many times as long as without a mutant, and five seconds besides."""


class Change(NamedTuple):
    """What a mutant changes, as a page can say it: no line numbers, since those change with every line above."""

    module: str
    function: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"`{self.function}`: `{self.before}` → `{self.after}`"


@dataclass
class Mutant:
    """A change, what switches it on, and what came of it."""

    change: Change
    name: str
    outcome: str = ""
    """survived, killed or timed out."""

    @property
    def function(self) -> str:
        """The name under which tests are noted that reach the function."""
        return self.name.rpartition("__mutmut_")[0]


def prepared(modules: Iterable[str], work: Path) -> list[Mutant]:
    """Copy the wrapper, put all mutants of some modules into the copy, and have it imported in the wrapper's place."""
    shutil.rmtree(work, ignore_errors=True)
    source, copy = ROOT / "wrapper" / PACKAGE, work / "wrapper" / PACKAGE
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (work / "setup.cfg").write_text("[mutmut]\nsource_paths=wrapper\n")  # mutmut reads it, and makes nothing without
    mutants: list[Mutant] = []
    for module in modules:
        with contextlib.chdir(work):
            made = _mutmut("file_mutation").mutate_file_contents(f"{module}.py", (source / f"{module}.py").read_text())
        (copy / f"{module}.py").write_text(made.code)
        lines, spans = made.code.splitlines(), made.line_span_by_function_name
        for name in map(str, made.mutant_names):
            mangled = name.rpartition("__mutmut_")[0]
            texts = [
                [line.strip().replace(each, "") for line in lines[spans[each].start - 1 : spans[each].end]]
                for each in (f"{mangled}__mutmut_orig", name)
            ]
            before, after = changed(*texts)
            function = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
            mutants.append(Mutant(Change(f"{module}.py", function, before, after), f"{PACKAGE}.{module}.{name}"))
    sys.path.insert(0, str(copy.parent))
    os.environ["PYTHONPATH"] = str(copy.parent)
    return mutants


def changed(before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    """Return the lines that differ, as they were and as they are."""
    lines = [line for line in difflib.ndiff(before, after) if line[2:]]
    was, now = (" ".join(line[2:] for line in lines if line[0] == sign) for sign in "-+")
    return was, now


class Trials:
    """A pytest plugin: in place of running the tests, tries every mutant with them."""

    def __init__(self, mutants: list[Mutant], known: Iterable[Change], children: int, *, quick: bool) -> None:
        self.mutants, self._known, self._children, self._quick = mutants, set(known), children, quick
        self.failed = "pytest did not begin"
        """Why there was nothing to try."""
        self._items: list[pytest.Item] = []
        self._tests: dict[str, list[int]] = {}
        """For each function the tests that reach it, the likeliest first."""
        self._took: dict[int, float] = {}
        """Seconds of each test without a mutant."""
        self._place = RawValue("i", -1)
        """Of the test that runs; a process that has been forked says it to its parent by this."""
        self._broken: list[int] | None = None
        """Those that fail while no mutant is tried."""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try all; say that the tests have been run."""
        global _trials  # noqa: PLW0603 - what is forked finds everything here
        _trials = self
        self._items = [item for item in session.items if _is_tried(item, quick=self._quick)]
        self.failed = f"{session.testsfailed} files of tests cannot be read" if session.testsfailed else self._learn()
        if not self.failed:
            _contract().contract()
            gc.freeze()
            with ProcessPoolExecutor(self._children, get_context("fork"), _keep_quiet) as pool:
                for number, outcome in enumerate(pool.map(_judge, range(len(self.mutants)))):
                    mutant = self.mutants[number]
                    mutant.outcome = outcome
                    if outcome == "survived":
                        print(f"survived: {mutant.change.module}: {mutant.change}", flush=True)
                    if number % 100 == 99:
                        print(f"{number + 1:,} of {len(self.mutants):,} at {time.strftime('%H:%M:%S')}", flush=True)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that fails without a mutant; end a trial with the first one that fails."""
        if report.failed and self._broken is None:
            os._exit(1)
        elif report.failed and self._broken is not None:
            self._broken.append(self._place.value)

    def _learn(self) -> str:
        """Run all tests without a mutant, to know what each reaches and takes; return what is wrong, if anything."""
        shares = [range(first, len(self._items), self._children) for first in range(self._children)]
        reached: dict[int, set[str]] = {}
        broken: list[int] = []
        try:
            with ProcessPoolExecutor(self._children, get_context("fork"), _keep_quiet) as pool:
                for took, functions, imported, failing in pool.map(_look, shares):
                    self._took |= took
                    reached |= functions
                    broken += failing
                    for name in imported:
                        with contextlib.suppress(Exception):
                            importlib.import_module(name)  # once here, instead of in every trial
        except BrokenProcessPool:
            return "without any mutant a test does not end"
        if not self._items:
            return "no test was found"
        if broken:
            return f"without any mutant these fail: {', '.join(self._items[place].nodeid for place in broken)}"
        cases: Counter[str] = Counter()
        likely: list[tuple[float, int]] = []
        for place in sorted(reached, key=self._took.__getitem__):
            name = str(self._items[place].nodeid).partition("[")[0]
            cases[name] += 1
            likely.append((len(reached[place]) * (self._took[place] + 0.01) * cases[name], place))
        self._tests = {mutant.function: [] for mutant in self.mutants}
        for _, place in sorted(likely):
            for function in self._tests.keys() & reached[place]:
                self._tests[function].append(place)
        return ""

    def share_place(self) -> None:
        """Have a place of one's own, to be shared with one's own trials alone."""
        self._place = RawValue("i", -1)

    def look(self, share: range) -> tuple[dict[int, float], dict[int, set[str]], list[str], list[int]]:
        """Run some tests without a mutant; give the seconds of each, the functions it reaches, and those that fail."""
        hits: set[str] = set()

        def hit(name: str, *_: object, **__: object) -> None:
            hits.add(name)

        trampoline = _mutmut("trampoline")
        trampoline.record_trampoline_hit = hit
        trampoline.set_mutant_under_test("stats")
        del os.environ["MUTANT_UNDER_TEST"]  # programs that tests start have nowhere to note it
        self._broken = []
        took: dict[int, float] = {}
        reached: dict[int, set[str]] = {}
        for place in share:
            _contract().contract.cache_clear()
            hits.clear()
            started = time.monotonic()
            self._play(place, place + share.step, 300)
            took[place], reached[place] = time.monotonic() - started, set(hits)
        imported = [name for name in sys.modules if not re.search(r"\bfast\b|pyreqwest", name)]  # these bear no fork
        return took, reached, imported, self._broken

    def judge(self, number: int) -> str:
        """Say what comes of a mutant. It is killed once a test notices it again, alone: some fail by themselves."""
        mutant = self.mutants[number]
        tests = self._tests[mutant.function]
        left = tests[: FEW if mutant.change in self._known else MOST]
        while left:
            outcome = self._try(mutant, left)
            if outcome == "survived":
                return outcome
            noticed = self._place.value
            if outcome == "timed out" or self._try(mutant, [noticed]) != "survived":
                tests.remove(noticed)
                tests.insert(0, noticed)  # others of this function will be noticed by the same test
                return outcome
            left = left[left.index(noticed) + 1 :]
        return "survived"

    def _try(self, mutant: Mutant, places: Sequence[int]) -> str:
        """Run tests with a mutant, in a process of its own, until one fails."""
        self._place.value = places[0]
        pid = os.fork()
        if not pid:
            try:
                os.setsid()
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
                _mutmut("trampoline").set_mutant_under_test(mutant.name)
                if mutant.change.module in ("_contract.py", "_json.py"):
                    _contract().contract.cache_clear()  # the mutant is to read it again
                for place, after in itertools.zip_longest(places, places[1:], fillvalue=len(self._items)):
                    self._play(place, after, 5 + SLOWER * self._took[place])
            except BaseException:  # noqa: BLE001 - a mutant may raise anything, and this must not go on as the parent
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # what it has started
        late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
        return "timed out" if late else "killed" if status else "survived"

    def _play(self, place: int, after: int, limit: float) -> None:
        """Run one test; the process dies of SIGALRM if it takes too long."""
        self._place.value, item = place, self._items[place]
        signal.setitimer(signal.ITIMER_REAL, limit)
        following = self._items[after] if after < len(self._items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        signal.setitimer(signal.ITIMER_REAL, 0)


_trials: Trials


def _judge(number: int) -> str:
    return _trials.judge(number)


def _look(share: range) -> tuple[dict[int, float], dict[int, set[str]], list[str], list[int]]:
    return _trials.look(share)


def _keep_quiet() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1, 2):
        os.dup2(nothing, each)
    _trials.share_place()


def _is_tried(item: pytest.Item, *, quick: bool) -> bool:
    """Whether a test is for a mutant. Hypothesis runs one hundreds of times, and again to make a failure smaller."""
    backend = getattr(getattr(item, "callspec", None), "params", {}).get("backend", "sync")
    return not hasattr(getattr(item, "obj", None), "is_hypothesis_test") and (backend == "sync" or not quick)


def _mutmut(module: str) -> Any:
    return importlib.import_module(f"mutmut.mutation.{module}")


def _contract() -> Any:
    return importlib.import_module(f"{PACKAGE}._contract")  # the copy, once it can be found


def listed(page: Path = PAGE) -> dict[Change, str]:
    """Read the survivors that are known, and why each makes no difference."""
    module, survivors = "", dict[Change, str]()
    for line in page.read_text().splitlines():
        if heading := re.fullmatch(r"### (\w+\.py)", line):
            module = heading[1]
        if entry := re.fullmatch(r"- `([^`]+)`: `([^`]*)` → `([^`]*)`: (.+)", line):
            survivors[Change(module, *entry.groups()[:3])] = entry[4]
    return survivors


Counts: TypeAlias = dict[str, tuple[int, int, int]]
"""Of each module: mutants, those that timed out, and those that survived."""


def counted(mutants: Iterable[Mutant]) -> Counts:
    """Count what came of the mutants of each module."""
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in mutants:
        by_module[mutant.change.module][mutant.outcome] += 1
    return {name: (each.total(), each["timed out"], each["survived"]) for name, each in by_module.items()}


def table(counts: Counts) -> str:
    """Write the table of the page; a mutant that runs on and on is killed too."""
    rows = ["| module | mutants | killed | of these, timed out | survived | share killed |", "| --- |" + " ---: |" * 5]
    total, late, alive = (sum(column) for column in zip(*counts.values(), strict=True))
    for module, (number, slow, left) in [*sorted(counts.items()), ("all", (total, late, alive))]:
        share = 100 * (number - left) / number
        rows.append(f"| {module} | {number:,} | {number - left:,} | {slow} | {left} | {share:.1f} % |")
    return "\n".join(rows)


def write(counts: Counts, page: Path = PAGE) -> None:
    """Put figures into the page; modules that were not tried keep theirs."""
    before, mark, rest = page.read_text().partition("<!-- mutants -->\n")
    rows = re.findall(r"^\| (\w+\.py) \| ([\d,]+) \| [\d,]+ \| (\d+) \| (\d+) \|", rest, re.MULTILINE)
    kept = {module: (int(number.replace(",", "")), int(late), int(left)) for module, number, late, left in rows}
    page.write_text(f"{before}{mark}{table(kept | counts)}\n{rest[rest.index('<!-- end -->') :]}")


def differences(mutants: Sequence[Mutant], known: Iterable[Change], *, everything: bool) -> list[str]:
    """Say what is wrong: too few were killed, or others survived than the list has."""
    tried = {each.change for each in mutants}
    alive = Counter(each.change for each in mutants if each.outcome == "survived")
    wrong = [f"survived and is not in the list: {each.module}: {each}" for each in alive if each not in known]
    for each in known:
        if each in tried and each not in alive:
            wrong.append(f"in the list, but was killed: {each.module}: {each}")
        elif each not in tried and everything:
            wrong.append(f"in the list, but there is no such mutant: {each.module}: {each}")
    share = 100 * (1 - alive.total() / max(1, len(mutants)))
    return [*wrong, f"only {share:.1f} % were killed: {LEAST} are asked for"] if share < LEAST else wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants, compare the survivors with the page; return 1 where they differ or too few were killed."""
    parser = argparse.ArgumentParser(prog="scripts/mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"one of {', '.join(CORE)}; default: all")
    parser.add_argument("--only", default="", help="regular expression: functions to mutate, such as CallDeadline.cap")
    parser.add_argument("--quick", action="store_true", help="with the sync client on the default transport alone")
    parser.add_argument(
        "--tests", nargs="+", type=Path, default=[ROOT / "tests/wrapper"], help="these instead of tests/wrapper"
    )
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.relative_to(ROOT)}")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.modules) - set(CORE):
        parser.error(f"no module of the core: {', '.join(unknown)}")
    started, known = time.monotonic(), listed()
    with tempfile.TemporaryDirectory(prefix="mutants-") as work:
        mutants = prepared(chosen.modules or CORE, Path(work))
        mutants = [each for each in mutants if re.search(chosen.only, each.change.function)]
        alike = Counter(mutant.change for mutant in mutants)  # of two that read alike, the list may mean either
        unlike = [change for change in known if alike[change] == 1]
        trials = Trials(mutants, unlike, min(2, os.cpu_count() or 1), quick=chosen.quick)
        options = ["-qq", "-s", "-p", "no:cacheprovider", "-p", "no:xdist"]
        options += [f"--rootdir={ROOT}", f"--config-file={ROOT}/pyproject.toml", *map(str, chosen.tests)]
        pytest.main(options, [trials])
    if trials.failed:
        print(trials.failed)
        return 1
    print(f"{table(counted(mutants))}\n\n{len(mutants):,} mutants in {time.monotonic() - started:,.0f} s")
    wrong = differences(mutants, known, everything=not (chosen.modules or chosen.only))
    print("\n".join(wrong))
    if chosen.write and not chosen.only:
        write(counted(mutants))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
