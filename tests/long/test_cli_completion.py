"""Completion in bash, zsh and fish: the shells themselves, on a terminal, with somebody who presses Tab."""

from __future__ import annotations

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
from command import PROGRAM, invoke
from contract_tools import CONTRACT

PROMPT = "Ready> "
PROMPTS = {
    "bash": (".bashrc", f"PS1='{PROMPT}'"),
    "zsh": (".zshrc", f"PS1='{PROMPT}'"),
    "fish": (".config/fish/config.fish", f"function fish_prompt; echo -n '{PROMPT}'; end"),
}
ON_A_TERMINAL = "import os, sys; os.login_tty(0); os.execvp(sys.argv[1], sys.argv[1:])"
COLOUR = re.compile(r"\x1b(?:\[[0-9;]*[mK]|\(B)|\r")
STEERING = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\].*?(?:\x07|\x1b\\)|[ -/]*[0-~])")
PATIENCE = 150
"""Seconds, on a machine that has much else to do."""
COMMANDS = ["create-session", "update-session", "domain", "doctor", "demo", "sandbox", "contract"]
SYSTEMS: list[str] = CONTRACT["components"]["schemas"]["OsFamily"]["enum"]
OPTIONS = re.findall(r"--[a-z-]+", "".join(invoke("create-session", "--help").stdout.partition("Arguments")[1:]))


class Terminal:
    """A shell on a terminal, and what is seen there since a key was last pressed."""

    def __init__(self, ours: int) -> None:
        self._ours = ours
        self._seen = b""

    def press(self, keys: str, there: Callable[[str], bool]) -> None:
        """Press keys, and look until something is there; where the cursor moves, there is a space."""
        self._seen = b""
        os.write(self._ours, keys.encode())
        end = time.monotonic() + PATIENCE
        while not there(STEERING.sub(" ", COLOUR.sub("", self._seen.decode(errors="replace")))):
            assert time.monotonic() < end, self._seen
            if select.select([self._ours], [], [], 1)[0]:
                self._seen += os.read(self._ours, 65536)


@pytest.fixture(params=PROMPTS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[tuple[str, Path, Terminal]]:
    """Install completion as users do, from within the shell; start it, and wait until it can be talked to."""
    name: str = request.param
    environment = {"HOME": str(tmp_path), "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
    script = "liveperson-engagement --install-completion; liveperson-engagement --show-completion; true"
    done = subprocess.run([name, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith(f"{name} completion installed in ")
    assert f"_LIVEPERSON_ENGAGEMENT_COMPLETE=complete_{name}" in done.stdout
    file, prompt = PROMPTS[name]
    with (tmp_path / file).open("a") as settings:
        settings.write(f"\n{prompt}\n")
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 250, 0, 0))
    command = [sys.executable, "-c", ON_A_TERMINAL, name, "-i"]
    with subprocess.Popen(command, env=environment | {"TERM": "xterm"}, cwd=tmp_path, stdin=theirs) as process:
        os.close(theirs)
        try:
            yield name, tmp_path, Terminal(ours)
        finally:
            process.kill()
            os.close(ours)


def test_tab_completes(shell: tuple[str, Path, Terminal]) -> None:
    """Commands, options, values and files, and no others, so that Enter runs the command; by the guide's script."""
    name, home, terminal = shell

    def ready(seen: str) -> bool:
        return PROMPT in seen

    terminal.press("", ready)
    if name == "zsh":  # its first Tab only loads the script
        terminal.press("liveperson-engagement \t\x15\x0c", ready)
    tabs = "\t" if name == "zsh" else "\t\t"  # what shows the whole list of what a word can become
    for typed, candidates, completed in [
        ("", COMMANDS, COMMANDS),
        ("do", COMMANDS, ["domain", "doctor"]),
        ("create-session demo --os ", SYSTEMS, SYSTEMS),
        ("create-session --", OPTIONS, OPTIONS),
    ]:

        def listed(seen: str, candidates: list[str] = candidates, completed: list[str] = completed) -> bool:
            return [each for each in candidates if re.search(rf"(?<![\w-]){each}(?![\w-])", seen)] == completed

        terminal.press(f"liveperson-engagement {typed}{tabs}", listed)
        terminal.press("\x15\x0c", ready)  # clear the line and the screen
    (home / "only-this.json").touch()
    for typed, printed in {
        "--vers\t\n": f"{liveperson_engagement.__version__}\n",
        "contract --format y\t| head -1\n": f"openapi: {CONTRACT['openapi']}\n",
        "create-session demo --body only-th\t--curl\n": "liveperson-engagement: --body: must be JSON",
    }.items():
        terminal.press(f"liveperson-engagement {typed}", lambda seen, printed=printed: printed in seen)  # type: ignore[misc]
    guide = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    [(script, loader)] = re.findall(rf"^\| {name} \| `~/(\S+)` \| (?:`~/(\S+)`|nowhere)", guide, re.MULTILINE)
    assert "_LIVEPERSON_ENGAGEMENT_COMPLETE" in (home / script).read_text()
    assert not loader or Path(script).parent.name in (home / loader).read_text()
