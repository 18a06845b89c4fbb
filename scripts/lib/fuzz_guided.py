"""Fuzzes as fuzz.py does, but lets Atheris make the cases: it keeps what reaches code that nothing has reached before.

Arguments go to libFuzzer: `-runs=1000000`, `-max_total_time=600`, a folder that keeps the corpus, or a file that a
finding has left behind, to play it again.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from importlib import import_module
from random import Random
from typing import Any

atheris: Any = import_module("atheris")  # which only its own environment has

with atheris.instrument_imports(include=["liveperson_engagement"]):
    from fuzz import Fuzzer
    from fuzz_cases import case_of

DEFAULTS = ["-runs=100000", "-max_len=4000", "-timeout=20", "-rss_limit_mb=1000", "-print_final_stats=1"]


class Guided(Random):
    """Chance as libFuzzer has it."""

    def __init__(self, data: bytes) -> None:
        self._data = atheris.FuzzedDataProvider(data)
        super().__init__(0)

    def seed(self, *_: Any, **__: Any) -> None:
        """Take no other seed than the data."""

    def random(self) -> float:
        """Give a number from 0 to 1."""
        return int(self._data.ConsumeIntInRange(0, 2**16 - 1)) / 2**16

    def getrandbits(self, k: int, /) -> int:
        """Give a number of so many bits."""
        data: bytes = self._data.ConsumeBytes((k + 7) // 8)
        return int.from_bytes(data) & ((1 << k) - 1)


class Undocumented(Exception):
    """Something that no call may end with."""


def main() -> None:
    """Fuzz; libFuzzer ends the process itself, with a status other than 0 where something was found."""
    with ExitStack() as stack:
        fuzzer = Fuzzer(stack)

        def play(data: bytes) -> None:
            case = case_of(Guided(data), 0, wired=0)
            for finding in fuzzer.play(case):
                raise Undocumented(f"{finding.problem}\n{case}\n{case.answers}\n{finding.trace}")

        atheris.Setup([sys.argv[0], *DEFAULTS, *sys.argv[1:]], play)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
