"""Completion in bash, zsh and fish: the shells themselves, on a terminal, with somebody who presses Tab."""

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import liveperson_engagement
from checkout import ROOT
from command import PROGRAM, invoke, running
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


def press(terminal: int, keys: str, there: Callable[[str], bool] = lambda seen: PROMPT in seen) -> None:
    """Press keys, and look until something is there; where the cursor moves, there is a space."""
    seen, end = b"", time.monotonic() + PATIENCE
    os.write(terminal, keys.encode())
    while not there(STEERING.sub(" ", COLOUR.sub("", seen.decode(errors="replace")))):
        assert time.monotonic() < end, seen
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 65536)


def complete(terminal: int, name: str) -> None:
    """Press Tab: commands, options, values and files complete, and no others, so that Enter runs the command."""
    press(terminal, "")
    if name == "zsh":  # its first Tab only loads the script
        press(terminal, "liveperson-engagement \t\x15\x0c")
    tabs = "\t" if name == "zsh" else "\t\t"  # what shows the whole list of what a word can become
    for typed, candidates, completed in [
        ("", COMMANDS, COMMANDS),
        ("do", COMMANDS, ["domain", "doctor"]),
        ("create-session demo --os ", SYSTEMS, SYSTEMS),
        ("create-session --", OPTIONS, OPTIONS),
    ]:

        def listed(seen: str, candidates: list[str] = candidates, completed: list[str] = completed) -> bool:
            return [each for each in candidates if re.search(rf"(?<![\w-]){each}(?![\w-])", seen)] == completed

        press(terminal, f"liveperson-engagement {typed}{tabs}", listed)
        press(terminal, "\x15\x0c")  # clear the line and the screen
    for typed, printed in {
        "--vers\t\n": f"{liveperson_engagement.__version__}\n",
        "contract --format y\t| head -1\n": f"openapi: {CONTRACT['openapi']}\n",
        "create-session demo --body only-th\t--curl\n": "liveperson-engagement: --body: must be JSON",
    }.items():
        press(terminal, f"liveperson-engagement {typed}", lambda seen, printed=printed: printed in seen)  # type: ignore[misc]


@pytest.mark.parametrize("name", PROMPTS)
def test_tab_completes(name: str, tmp_path: Path) -> None:
    """Once it is installed as users do, from within the shell, into the files that the guide names."""
    environment = {"HOME": str(tmp_path), "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
    script = "liveperson-engagement --install-completion; liveperson-engagement --show-completion; true"
    done = subprocess.run([name, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith(f"{name} completion installed in ")
    assert f"_LIVEPERSON_ENGAGEMENT_COMPLETE=complete_{name}" in done.stdout
    guide = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    [(script, loader)] = re.findall(rf"^\| {name} \| `~/(\S+)` \| (?:`~/(\S+)`|nowhere)", guide, re.MULTILINE)
    assert "_LIVEPERSON_ENGAGEMENT_COMPLETE" in (tmp_path / script).read_text()
    assert not loader or Path(script).parent.name in (tmp_path / loader).read_text()

    file, prompt = PROMPTS[name]
    with (tmp_path / file).open("a") as settings:
        settings.write(f"\n{prompt}\n")
    (tmp_path / "only-this.json").touch()
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 250, 0, 0))
    options = {"env": environment | {"TERM": "xterm"}, "cwd": tmp_path, "stdin": theirs}
    with running(name, "-i", program=(sys.executable, "-c", ON_A_TERMINAL), **options):
        os.close(theirs)
        complete(ours, name)
    os.close(ours)
