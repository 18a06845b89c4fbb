"""Changes the wrapper's core in one place after the other, and sees whether the tests notice.

mutmut makes the mutants: every function of a module lies beside its mutated copies, and a name chooses one of them.
Here they are run: pytest collects the tests once; each mutant is then tried in a forked process, by the tests that
reach its function, the likeliest first, until one fails. mutmut's own runner does not suit: it learns which tests reach
a function in one run, in which the contract is read once and remembered, so that it takes hardly any test for those
that read it.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import functools
import gc
import importlib
import itertools
import json
import os
import re
import resource
import shutil
import signal
import ssl
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/mutants.md"
PACKAGE = "liveperson_engagement"
WORK = ROOT / ".mutants"
CORE = (
    "_account", "_call", "_contract", "_deadline", "_json", "_keyed_lock", "_locking", "_log", "_redaction", "_session",
    "_state", "_steps", "client", "errors", "outage", "retry", "visit",
)  # fmt: skip
"""The modules that decide something; `events` is data alone."""
QUICK = (
    "answers", "any_operation", "client", "conformance", "core_*", "domain", "errors", "faults", "hooks", "logs",
    "memory_store", "on_retry", "otel", "outage", "retry", "sessions", "settings", "store_conformance", "validation",
)  # fmt: skip
"""The tests that say what the core does."""
SLOW = ("fast", "sharing", "sqlite_store")
"""More of them: over other connections, through other stores, and by many at once."""
FIRST = {
    "_account": "core_domain core_flows domain core_lines any_operation outage settings",
    "_call": "core_flows core_answers core_time core_lines core_limits retry errors on_retry hooks",
    "_contract": "core_contract validation answers any_operation core_lines core_answers",
    "_deadline": "core_time retry",
    "_json": "core_json answers core_lines validation core_answers",
    "_keyed_lock": "core_lock memory_store store_conformance sessions core_time transports_chosen",
    "_locking": "core_visits core_time sessions sharing core_memory",
    "_log": "logs",
    "_redaction": "core_lines core_answers errors answers",
    "_session": "core_visits answers core_memory core_time core_lines sessions client core_domain outage",
    "_state": "core_visits core_time core_memory client sessions",
    "_steps": "core_steps core_options logs on_retry core_time client retry otel",
    "client": "core_options client core_lines domain settings",
    "errors": "core_lines errors",
    "outage": "outage",
    "retry": "core_time settings retry on_retry core_lines client",
    "visit": "core_options client core_memory sessions core_lines",
}
LEAST = 90
"""Per cent of the mutants that must be killed."""
KILLED = ("killed", "timed out")
MOST = 60
"""Tests that a mutant is tried with at first, and a quarter as many with each other client and transport."""
MORE = 10
"""So many times as many others have a try at what is left; only then a mutant has survived."""
FEW = 20
"""Tests that a mutant is tried with if the list has it already."""
FAILING = 0.01
"""Share of the tests that may fail without a mutant: with short timeouts, on a machine that is busy."""
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
    test: str = ""
    """The test that noticed."""
    seconds: float = 0
    again: bool = False
    """Whether it was killed once already, in a way that a busy machine may have caused."""
    deep: bool = False
    """Whether it has survived the likeliest tests."""
    place: int = -1
    """Of the one test that is to confirm what it has noticed after hundreds of others, in the same process."""

    @property
    def function(self) -> str:
        """The name under which tests are noted that reach the function."""
        return self.name.rpartition("__mutmut_")[0]


def _mutmut(module: str) -> Any:
    return importlib.import_module(f"mutmut.mutation.{module}")  # only the environment `mutants` has it


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


@dataclass
class Trials:
    """A pytest plugin: in place of running the tests, tries every mutant with them."""

    mutants: list[Mutant]
    children: int
    work: Path
    most: int
    """Tests that a mutant is tried with, before a quarter as many in each other colour."""
    known: Iterable[Change]
    """Those of which survival is expected."""
    save: Callable[[], None]
    """Writes down what is known by now."""
    failed: str = "no test was found"
    """Why there was nothing to try."""
    took: list[float] = field(default_factory=list[float])
    """Seconds of each test without a mutant."""
    reach: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """For each function the likeliest tests that reach it, the ones to begin with first."""
    others: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """For each function the others, the quickest first."""
    _waiting: deque[Mutant] = field(default_factory=deque[Mutant])
    _running: dict[int, tuple[Mutant, int, float]] = field(default_factory=dict[int, tuple[Mutant, int, float]])
    _looking: bool = False
    _broken: list[int] = field(default_factory=list[int])
    _place: int = 0
    _words: int = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """End a trial with the first test that fails."""
        if report.failed and self._looking:
            self._broken.append(self._place)
        elif report.failed:
            os.write(self._words, f"{self._place} {report.nodeid}\n{report.longreprtext}".encode()[:60_000])
            os._exit(1)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try all; say that the tests have been run."""
        shared = functools.cache(ssl.create_default_context)
        setattr(ssl, "create_default_context", shared)  # noqa: B010 - to make one takes longer than most tests
        self.failed = (
            f"{session.testsfailed} files of tests cannot be read"
            if session.testsfailed
            else self._learn(session.items)
        )
        if self.failed:
            return True
        _contract().contract()
        gc.freeze()
        self._waiting.extend(self.mutants)
        while self._waiting or self._running:
            if not self._waiting or len(self._running) >= self.children:
                self._wait()
                continue
            mutant = self._waiting.popleft()
            pid, words = self._begin(functools.partial(self._try, session.items, mutant))
            self._running[pid] = mutant, words, time.monotonic()
            if len(self._waiting) % 100 == 0:
                self.save()
                print(f"{len(self._waiting):,} to go at {time.strftime('%H:%M:%S')}", flush=True)
        return True

    def _chosen(self, items: Sequence[pytest.Item], places: Sequence[int], words: Sequence[str]) -> list[int]:
        """Choose some tests: quick ones first, and several cases of the likeliest before one of the others."""
        cases: Counter[tuple[int, str]] = Counter()
        keys: list[tuple[int, bool, int, float, int]] = []
        for place in places:
            test = str(items[place].nodeid)
            colour, name = ("async" in test) + 2 * ("fast" in test), test.partition("[")[0]
            rank = next((rank for rank, word in enumerate(words) if f"test_{word}" in name), len(words))
            keys.append((colour, self.took[place] > 1, cases[colour, name] + 4 * rank, self.took[place], place))
            cases[colour, name] += 1
        chosen: list[int] = []
        for _, group in itertools.groupby(sorted(keys), key=lambda key: key[0]):
            most = self.most // 4 if chosen else self.most
            chosen += [key[-1] for key in itertools.islice(group, most)]
        return chosen

    def _varied(self, items: Sequence[pytest.Item], places: Iterable[int]) -> list[int]:
        """Sort tests: one case of each before a second one of any, and quick ones first."""
        cases: Counter[str] = Counter()
        keys: list[tuple[int, float, int]] = []
        for place in sorted(places, key=self.took.__getitem__):
            name = str(items[place].nodeid).partition("[")[0]
            keys.append((cases[name], self.took[place], place))
            cases[name] += 1
        return [place for *_, place in sorted(keys)]

    def _wait(self) -> None:
        """Note how the trial that ends next has ended; the test that noticed comes first from now on."""
        pid, status = os.wait()
        mutant, words, started = self._running.pop(pid)
        mutant.outcome, text = self._end(pid, status, words)
        place, _, mutant.test = text.split("\n")[0].partition(" ")
        mutant.seconds = time.monotonic() - started
        late = mutant.outcome == "timed out" or mutant.deep or re.search("Timeout|timed out|Deadline", text)
        if mutant.outcome != "survived" and late and not mutant.again:
            mutant.again = True  # on a busy machine a test may fail by itself: it is believed the second time
            mutant.place = int(place) if mutant.deep and place.isdigit() else -1
            self._waiting.append(mutant)
        elif mutant.outcome == "survived" and not mutant.deep and mutant.change not in self.known:
            mutant.deep = True
            self._waiting.append(mutant)
        elif mutant.outcome == "survived":
            print(f"survived: {mutant.change.module}: {mutant.change}", flush=True)
        tests = (self.others if mutant.deep else self.reach)[mutant.function]
        if place.isdigit() and int(place) in tests:
            tests.remove(int(place))
            tests.insert(0, int(place))

    def _begin(self, work: Callable[[], None]) -> tuple[int, int]:
        """Do some work in a process of its own; return its id, and where its words can be read."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writing)
            return pid, reading
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            nothing = os.open(os.devnull, os.O_RDWR)
            for each in (0, 1, 2):
                os.dup2(nothing, each)
            self._words = writing
            work()
        except BaseException as error:  # noqa: BLE001 - a mutant may raise anything, and this must not go on as the parent
            os.write(writing, f" {error!r}".encode())
            os._exit(1)
        os._exit(0)

    @staticmethod
    def _end(pid: int, status: int, words: int) -> tuple[str, str]:
        """Return how a process has ended, and what it wrote."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # what it has started
        with os.fdopen(words, "rb") as pipe:
            text = pipe.read().decode(errors="replace")
        late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
        return "timed out" if late else "killed" if status else "survived", text

    def _learn(self, items: Sequence[pytest.Item]) -> str:
        """Run all tests without a mutant, to know what each reaches and takes; return what is wrong, if anything."""
        shares = {
            self.work / f"tests{first}.json": range(first, len(items), self.children) for first in range(self.children)
        }
        begun = {path: self._begin(functools.partial(self._look, items, path, share)) for path, share in shares.items()}
        for path, (pid, words) in begun.items():
            outcome, text = self._end(*os.waitpid(pid, 0), words)
            if outcome != "survived":
                return f"without any mutant the tests have {outcome}, at {path.read_text()}: {text}"
        self.took = [0.0] * len(items)
        reached: dict[int, list[str]] = {}
        for path, share in shares.items():
            took, functions, imported, broken = json.loads(path.read_text())
            for place, seconds, names in zip(share, took, functions, strict=True):
                self.took[place], reached[place] = seconds, [] if place in broken else names
            self._broken += broken
            for name in imported:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)  # once here, instead of in every trial
        for place in self._broken:
            print(f"left out, as it fails without a mutant: {items[place]}")
        self.reach = {mutant.function: [] for mutant in self.mutants}
        for place in range(len(items)):
            for function in self.reach.keys() & reached[place]:
                self.reach[function].append(place)
        for function, places in self.reach.items():
            self.reach[function] = self._chosen(items, places, FIRST[function.split(".")[1]].split())
            self.others[function] = self._varied(items, set(places) - set(self.reach[function]))[: MORE * self.most]
        few = len(self._broken) <= FAILING * len(items)
        return "" if items and few else f"without any mutant {len(self._broken)} of {len(items)} tests fail"

    def _look(self, items: Sequence[pytest.Item], path: Path, share: range) -> None:
        """Run some tests without a mutant; note the seconds of each, and the functions that it reaches."""
        hits: set[str] = set()

        def hit(name: str, *_: object, **__: object) -> None:
            hits.add(name)

        trampoline = _mutmut("trampoline")
        trampoline.record_trampoline_hit = hit
        trampoline.set_mutant_under_test("stats")
        del os.environ["MUTANT_UNDER_TEST"]  # programs that tests start have nowhere to note it
        self._looking = True
        took: list[float] = []
        reached: list[list[str]] = []
        for place in share:
            _forget_contract()
            hits.clear()
            path.write_text(items[place].nodeid)  # to be read if it never ends
            started = time.monotonic()
            self._play(items, place, place + share.step, 300)
            took.append(time.monotonic() - started)
            reached.append(sorted(hits))
        imported = [name for name in sys.modules if not re.search(r"\bfast\b|pyreqwest", name)]  # these bear no fork
        path.write_text(json.dumps([took, reached, imported, self._broken]))

    def _try(self, items: Sequence[pytest.Item], mutant: Mutant) -> None:
        """Run the tests that reach a mutant."""
        _mutmut("trampoline").set_mutant_under_test(mutant.name)
        if mutant.change.module in ("_contract.py", "_json.py"):
            _forget_contract()
        tests = self.others if mutant.deep else self.reach
        places = tests[mutant.function][: FEW if mutant.change in self.known else None]
        places = places if mutant.place < 0 else [mutant.place]
        for place, after in itertools.zip_longest(places, places[1:], fillvalue=len(items)):
            self._play(items, place, after, 5 + SLOWER * self.took[place])

    def _play(self, items: Sequence[pytest.Item], place: int, after: int, limit: float) -> None:
        """Run one test; the process dies of SIGALRM if it takes too long."""
        self._place, item = place, items[place]
        signal.setitimer(signal.ITIMER_REAL, limit)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=items[after] if after < len(items) else None)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _contract() -> Any:
    return importlib.import_module(f"{PACKAGE}._contract")  # the copy, once it can be found


def _forget_contract() -> None:
    """Have the contract read again: by the mutant, if that is what it changes."""
    _contract().contract.cache_clear()


def listed(page: Path = PAGE) -> dict[Change, str]:
    """Read the survivors that are known, and why each makes no difference."""
    module, survivors = "", dict[Change, str]()
    for line in page.read_text().splitlines():
        if heading := re.fullmatch(r"### (\w+\.py)", line):
            module = heading[1]
        if entry := re.fullmatch(r"- `([^`]+)`: `([^`]*)` → `([^`]*)`: (.+)", line):
            survivors[Change(module, *entry.groups()[:3])] = entry[4]
    return survivors


def figures(mutants: Iterable[Mutant]) -> str:
    """Write the table of the page; a mutant that runs on and on is killed too."""
    rows = ["| module | mutants | killed | of these, timed out | survived | share killed |", "| --- |" + " ---: |" * 5]
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in mutants:
        by_module[mutant.change.module][mutant.outcome] += 1
        by_module["all"][mutant.outcome] += 1
    for module, counts in sorted(by_module.items(), key=lambda each: (each[0] == "all", each[0])):
        alive, total = counts["survived"], counts.total()
        share = 100 * (total - alive) / total
        rows.append(f"| {module} | {total:,} | {total - alive:,} | {counts['timed out']} | {alive} | {share:.1f} % |")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants, compare the survivors with the page; return 1 where they differ or too few were killed."""
    parser = argparse.ArgumentParser(
        prog="scripts/mutants", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"one of {', '.join(CORE)}; default: all")
    parser.add_argument("--only", default="", help="regular expression: functions to mutate, such as CallDeadline.cap")
    parser.add_argument("--quick", action="store_true", help="the sync client on the default transport alone")
    parser.add_argument(
        "--tests", nargs="+", metavar="NAME", help="these alone, such as core_time for test_core_time.py"
    )
    parser.add_argument("--most", type=int, default=MOST, help="tests that a mutant is tried with at first")
    parser.add_argument("--again", action="store_true", help="only what was not killed the last time")
    parser.add_argument("--children", type=int, default=min(2, os.cpu_count() or 1), help="trials at the same time")
    parser.add_argument("--work", type=Path, default=WORK, help="folder for the mutants and results.json")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.relative_to(ROOT)}")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.modules) - set(CORE):
        parser.error(f"no module of the core: {', '.join(unknown)}")
    started = time.monotonic()
    earlier = _read(chosen.work) if chosen.again else []
    mutants = [
        each for each in prepared(chosen.modules or CORE, chosen.work) if re.search(chosen.only, each.change.function)
    ]
    dead = Counter((each.change, each.outcome) for each in earlier if each.outcome in KILLED)
    for mutant in mutants:
        for outcome in KILLED:
            if not mutant.outcome and dead[mutant.change, outcome]:
                dead[mutant.change, outcome] -= 1
                mutant.outcome = outcome
    left = [each for each in mutants if not each.outcome]
    save = functools.partial(_save, mutants, chosen.work)
    alike = Counter(mutant.change for mutant in mutants)  # of two that read alike, the list may mean either
    known = [change for change in listed() if alike[change] == 1]
    trials = Trials(left, chosen.children, chosen.work, chosen.most, known, save)
    files = chosen.tests or (QUICK if chosen.quick else (*QUICK, *SLOW))
    tests = [str(path) for name in files for path in sorted((ROOT / "tests").rglob(f"test_{name}.py"))]
    programs = "not test_an_example"  # which starts servers that know nothing of mutants
    tests += ["-k", f"{programs} and not async and not fast" if chosen.quick else programs]
    save()  # a run that breaks off loses nothing
    options = ["-qq", "-s", "-p", "no:cacheprovider", "-p", "no:xdist"]
    pytest.main([*options, f"--rootdir={ROOT}", f"--config-file={ROOT}/pyproject.toml", *tests], plugins=[trials])
    if trials.failed:
        print(trials.failed)
        return 1
    return _report(mutants, chosen, time.monotonic() - started)


def _read(work: Path) -> list[Mutant]:
    results: list[dict[str, Any]] = json.loads((work / "results.json").read_text())
    return [Mutant(Change(**each.pop("change")), **each) for each in results]


def _save(mutants: list[Mutant], work: Path) -> None:
    results = [{**asdict(each), "change": each.change._asdict()} for each in mutants]
    (work / "results.json").write_text(json.dumps(results, indent=1))


def _report(mutants: list[Mutant], chosen: argparse.Namespace, seconds: float) -> int:
    _save(mutants, chosen.work)
    table = figures(mutants)
    print(f"{table}\n\n{len(mutants):,} mutants in {seconds:,.0f} s")
    wrong = differences(mutants, listed(), everything=not (chosen.modules or chosen.only))
    for line in wrong:
        print(line)
    if chosen.write:
        before, mark, rest = PAGE.read_text().partition("<!-- mutants -->\n")
        PAGE.write_text(f"{before}{mark}{table}\n{rest[rest.index('<!-- end -->') :]}")
    return int(bool(wrong))


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


if __name__ == "__main__":
    sys.exit(main())
