"""What the README shows is true: its code runs and type-checks as printed, its tables and commands are right."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
from pathlib import Path

import pytest

from liveperson_engagement import errors
from liveperson_engagement.contract import contract
from liveperson_engagement.sandbox import Sandbox

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_code_runs_as_printed(number: int, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block runs by itself; those that name no server are pointed at the sandbox by the environment."""
    monkeypatch.setenv("LIVEPERSON_BASE_URL", sandbox.url)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(BLOCKS[number], f"README.md block {number}", "exec"), {"__name__": "__main__"})  # noqa: S102
    if comment := re.search(r"print\(\w+\)  # (.*)", BLOCKS[number]):
        assert printed.getvalue().strip() == comment[1]


def test_the_first_example_is_about_ten_lines_and_shows_the_button() -> None:
    """A newcomer gets an engagement by copying it."""
    assert len(BLOCKS[0].strip().splitlines()) <= 10
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(BLOCKS[0], "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102
    assert re.fullmatch(r"Show the button of engagement \d+\n", printed.getvalue())


@pytest.mark.parametrize("checker", [["mypy", "--strict", "--no-incremental"], ["pyright"]], ids=["mypy", "pyright"])
def test_the_code_type_checks(checker: list[str], tmp_path: Path) -> None:
    """Strictly, as a user's own code would."""
    for number, block in enumerate(BLOCKS):
        (tmp_path / f"block_{number}.py").write_text(block)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    paths = {"MYPYPATH": f"{ROOT}/generated:{ROOT}/wrapper"}
    result = subprocess.run(
        [*checker, *(f"block_{number}.py" for number in range(len(BLOCKS)))],
        cwd=tmp_path, env={**os.environ, **paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_retry_table_gives_the_contracts_pauses() -> None:
    """The numbers in prose are those of the contract."""
    policy = contract().policy("createSession")
    first, second, third = (f"{pause:g}" for pause in policy.pauses)
    assert f"up to 3 times, after pauses of {first}, {second} and {third} seconds" in README
    assert f"up to {policy.longest_retry_after} seconds" in README


def test_the_error_table_names_every_error() -> None:
    """No class of the tree is missing."""
    names = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    table = README[README.index("## Errors") : README.index("## Testing your own code")]
    assert {name for name in names if f"`{name}`" not in table} == set()


def test_the_commands_and_folders_exist() -> None:
    """What the README tells people to run or open is there."""
    commands = set(re.findall(r"\./scripts/([\w-]+)", README))
    assert commands >= {"demo", "test", "generate"}
    assert all(os.access(ROOT / "scripts" / command, os.X_OK) for command in commands)
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / link).exists()
    for name in re.findall(r"^\| `([\w.]+/?)` \|", README[README.index("## Changing") :], re.MULTILINE):
        assert (ROOT / name).exists()
