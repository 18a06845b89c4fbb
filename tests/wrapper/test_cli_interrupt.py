"""Ctrl-C: ends any command at once, with status 130 and without a traceback, whatever it is doing."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from command import PROGRAM, invoke, run, running
from liveperson_engagement.sandbox import Sandbox
from waiting import until

AMID_AN_IMPORT = """
import os, signal, sys
from liveperson_engagement.cli import main

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

module = sys.argv.pop(1)
assert module not in sys.modules
sys.meta_path.insert(0, Interrupting())
main()
"""
DEAF = """
import ctypes, socket
from liveperson_engagement.cli import main

def resolving(*_, **__):
    mutex, library = ctypes.create_string_buffer(64), ctypes.CDLL(None)
    library.pthread_mutex_lock(mutex)
    print("resolving", flush=True)
    library.pthread_mutex_lock(mutex)  # for ever, and no signal interrupts it

socket.getaddrinfo = resolving
main()
"""
PATIENT = "from liveperson_engagement.cli import interrupt, main; interrupt.GRACE = 60; main()"
"""Gives a busy machine the time to tidy up."""


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Press Ctrl-C; return exit status and standard error. Whatever is waited for here lasts a minute or more."""
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=50)
    return process.returncode, errors


@pytest.mark.parametrize("module", ["typer", "sqlite3"])
def test_ctrl_c_amid_an_import_is_no_error(sandbox: Sandbox, tmp_path: Path, module: str) -> None:
    """Whichever package is being imported at that moment."""
    where = ("demo", "--base-url", sandbox.url, "--key", "k", "--store", tmp_path / "visits.db")
    done = run(module, "create-session", *where, program=(sys.executable, "-c", AMID_AN_IMPORT))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("ignored", [False, True])
def test_ctrl_c_ends_a_call(sandbox: Sandbox, ignored: bool) -> None:
    """While it waits for its answer; unless the caller wants it ignored, as shells do for the background."""
    sandbox.slow(60)
    script = "trap '' INT; " * ignored
    script += f"exec {PROGRAM} create-session demo --base-url {sandbox.url} --timeout 90"
    with running("-c", script, program=("bash",)) as process:
        until(lambda: sandbox.requests)
        if ignored:
            status = Path(f"/proc/{process.pid}/status").read_text()
            assert int(re.findall(r"SigIgn:\s*(\w+)", status)[0], 16) & 1 << (signal.SIGINT - 1)
        else:
            assert interrupted(process) == (130, "")


def test_ctrl_c_ends_a_pause_and_gives_the_key_back(sandbox: Sandbox, tmp_path: Path) -> None:
    """So that the next command need not wait until the lease runs out."""
    sandbox.fail_next(503, headers={"retry-after": "60"})
    arguments = ("create-session", "demo", "--base-url", sandbox.url, "--key", "k", "--store", tmp_path / "visits.db")
    with running(*arguments, program=(sys.executable, "-c", PATIENT)) as process:
        assert process.stderr
        assert process.stderr.readline().endswith("next try in 60 s\n")
        assert interrupted(process) == (130, "")
    assert invoke(*arguments, "--deadline", "20").returncode == 0


def test_ctrl_c_ends_a_watch(sandbox: Sandbox) -> None:
    """Each answer was one line, printed at once."""
    sandbox.not_available()
    arguments = ("create-session", "demo", "--base-url", sandbox.url, "--watch")
    with running(*arguments, "--json", program=(sys.executable, "-c", PATIENT)) as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())["status"] == "NotAvailable"
        assert process.stderr.readline() == "NotAvailable; next try in 30 s\n"
        assert interrupted(process) == (130, "")


def test_ctrl_c_ends_what_no_signal_interrupts() -> None:
    """Such as the wait for a name server, which happens in C code; after the moment that tidying up may take."""
    with running("domain", "demo", program=(sys.executable, "-c", DEAF)) as process:
        assert process.stdout
        assert process.stdout.readline() == "resolving\n"
        assert interrupted(process) == (130, "")
