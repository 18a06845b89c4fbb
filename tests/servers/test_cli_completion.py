"""Completion in bash, zsh and fish: the shells themselves, on a terminal, with somebody who presses Tab."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

import liveperson_engagement
from checkout import ROOT
from command import PROGRAM, invoke, run
from contract_tools import CONTRACT

RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
PROMPT = "Ready> "
PROMPTS = {
    "bash": f"PS1='{PROMPT}'",
    "zsh": f"PS1='{PROMPT}'",
    "fish": f"function fish_prompt; echo -n '{PROMPT}'; end",
}
ON_A_TERMINAL = "import os, sys; os.login_tty(0); os.execvp(sys.argv[1], sys.argv[1:])"
TABS = {"bash": "\t\t", "zsh": "\t", "fish": "\t\t"}
"""What shows the whole list of what a word can become."""
COLOUR = re.compile(r"\x1b(?:\[[0-9;]*[mK]|\(B)|\r")
STEERING = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\].*?(?:\x07|\x1b\\)|[ -/]*[0-~])")
PATIENCE = 60
"""Seconds, on a machine that has much else to do."""
COMMANDS = ["create-session", "update-session", "domain", "doctor", "demo", "sandbox", "contract"]
SYSTEMS: list[str] = CONTRACT["components"]["schemas"]["OsFamily"]["enum"]
OPTIONS = re.findall(r"--[a-z-]+", "".join(invoke("create-session", "--help").stdout.partition("Arguments")[1:]))


def home_with_completion(shell: str, home: Path) -> dict[str, str]:
    """Install completion for a shell as users do, from within it; return the environment of its user."""
    environment = {"HOME": str(home), "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
    command = [shell, "-c", "liveperson-engagement --install-completion; echo done"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith(f"{shell} completion installed in ")
    return environment


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """Give each shell, with completion installed, and the environment that it starts in."""
    name: str = request.param
    home = tmp_path_factory.mktemp(name)
    environment = home_with_completion(name, home)
    file = home / RC[name]
    file.write_text((file.read_text() if file.exists() else "") + f"\n{PROMPTS[name]}\n")
    return name, environment | {"TERM": "xterm"}


class Terminal:
    """A shell on a terminal, and what is seen there since a key was last pressed."""

    def __init__(self, ours: int) -> None:
        self._ours = ours
        self._seen = b""

    def press(self, keys: str) -> None:
        """Press keys, one after the other."""
        self._seen = b""
        os.write(self._ours, keys.encode())

    def wait_for(self, there: Callable[[str], bool]) -> str:
        """Look until something is there; return all that is seen."""
        end = time.monotonic() + PATIENCE
        while not there(self.seen):
            assert time.monotonic() < end, self.seen
            if select.select([self._ours], [], [], 1)[0]:
                self._seen += os.read(self._ours, 65536)
        return self.seen

    @property
    def seen(self) -> str:
        """What is seen, without colours; where the cursor moves, there is a space."""
        return STEERING.sub(" ", COLOUR.sub("", self._seen.decode(errors="replace")))


@pytest.fixture
def terminal(shell: tuple[str, dict[str, str]]) -> Generator[Terminal]:
    """Start the shell; wait until it can be talked to."""
    name, environment = shell
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 250, 0, 0))
    command = [sys.executable, "-c", ON_A_TERMINAL, name, "-i"]
    with subprocess.Popen(command, env=environment, cwd=environment["HOME"], stdin=theirs) as process:
        os.close(theirs)
        try:
            terminal = Terminal(ours)
            terminal.wait_for(lambda seen: PROMPT in seen)
            if name == "zsh":  # its first Tab only loads the script
                terminal.press("liveperson-engagement \t")
                terminal.press("\x15\x0c")  # clear the line and the screen
                terminal.wait_for(lambda seen: PROMPT in seen)
            yield terminal
        finally:
            process.kill()
            with contextlib.suppress(OSError):
                os.close(ours)


def words_in(text: str, candidates: list[str]) -> list[str]:
    """Find those that stand in a text as words of their own."""
    return [each for each in candidates if re.search(rf"(?<![\w-]){each}(?![\w-])", text)]


@pytest.mark.parametrize(
    ("typed", "candidates", "completed"),
    [
        ("", COMMANDS, COMMANDS),
        ("do", COMMANDS, ["domain", "doctor"]),
        ("create-session demo --os ", SYSTEMS, SYSTEMS),
        ("create-session --", OPTIONS, OPTIONS),
    ],
)
def test_tab_lists_what_fits(
    shell: tuple[str, dict[str, str]], terminal: Terminal, typed: str, candidates: list[str], completed: list[str]
) -> None:
    """Commands, options and the contract's values, and no others."""
    terminal.press(f"liveperson-engagement {typed}{TABS[shell[0]]}")
    terminal.wait_for(lambda seen: words_in(seen, candidates) == completed)


@pytest.mark.parametrize(
    ("typed", "rest", "printed"),
    [
        ("--vers", "", f"{liveperson_engagement.__version__}\n"),
        ("contract --format y", "| head -1", f"openapi: {CONTRACT['openapi']}\n"),
        ("upd", "--help | grep Usage", "Usage: liveperson-engagement update-session "),
    ],
)
def test_tab_completes_a_word(terminal: Terminal, typed: str, rest: str, printed: str) -> None:
    """So that Enter runs the command."""
    terminal.press(f"liveperson-engagement {typed}\t{rest}\n")
    terminal.wait_for(lambda seen: printed in seen)


def test_tab_completes_the_names_of_files(shell: tuple[str, dict[str, str]], terminal: Terminal) -> None:
    """Where an option takes one."""
    (Path(shell[1]["HOME"]) / "only-this.json").touch()
    terminal.press("liveperson-engagement create-session demo --body only-th\t--curl\n")
    terminal.wait_for(lambda seen: "liveperson-engagement: --body: must be JSON" in seen)


def test_the_script_is_where_the_guide_says(shell: tuple[str, dict[str, str]]) -> None:
    """And the shell's own file loads it."""
    guide = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    [(script, loader)] = re.findall(rf"^\| {shell[0]} \| `~/(\S+)` \| (?:`~/(\S+)`|nowhere)", guide, re.MULTILINE)
    home = Path(shell[1]["HOME"])
    assert "_LIVEPERSON_ENGAGEMENT_COMPLETE" in (home / script).read_text()
    assert not loader or Path(script).parent.name in (home / loader).read_text()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_script_is_a_result(name: str) -> None:
    """For those who put it where they want; it asks the command, by a variable of the command's own."""
    done = run("-c", "liveperson-engagement --show-completion; true", program=(name,),
               environment={"PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}"})  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_LIVEPERSON_ENGAGEMENT_COMPLETE=complete_{name}" in done.stdout
