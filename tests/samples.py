"""The code that the documentation shows, to be run and checked as it is printed."""

import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

from checkout import ROOT

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"(?:print\(.*\)  # |# prints: )(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Sample:
    """A block of a page; its name tells which, and can be a module's."""

    name: str
    language: str
    code: str

    def __str__(self) -> str:
        return self.name

    @property
    def is_test(self) -> bool:
        """Whether it is for pytest: then its arguments are fixtures, and seldom annotated."""
        return bool(re.search(r"^(async )?def test_", self.code, re.MULTILINE))

    def run(self) -> str:
        """Run the code by itself, check what it says is printed, and return all that is."""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(self.code, self.name, "exec"), {"__name__": "__main__"})  # noqa: S102
        lines = printed.getvalue().splitlines()
        assert [promise for promise in PROMISE.findall(self.code) if promise not in lines] == []
        return printed.getvalue()


def samples(page: Path, *languages: str) -> list[Sample]:
    """Return a page's blocks in some languages; those without one are counted as shell commands or output: ""."""
    place = re.sub(r"\W", "_", str(page.relative_to(ROOT).with_suffix("")).removeprefix("docs/"))
    blocks = enumerate(FENCE.findall(page.read_text(encoding="utf-8")))
    return [Sample(f"{place}_{number}", language, code) for number, (language, code) in blocks if language in languages]
