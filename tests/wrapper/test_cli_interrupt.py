"""Ctrl-C: ends any command at once, with status 130 and without a traceback, whatever it is doing."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command import ENVIRONMENT, PROGRAM, invoke, run, running
from liveperson_engagement.sandbox import Sandbox

READY = """
from liveperson_engagement.cli import interrupt, main
interrupt.end_at_once_on_ctrl_c()  # as main does first
print("ready", flush=True)
main()
"""
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


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Press Ctrl-C; return exit status and standard error. Whatever is waited for here lasts a minute or more."""
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    return process.returncode, errors


@pytest.mark.parametrize("milliseconds", [5, 50, 150, 400])
def test_an_early_ctrl_c_is_no_error(sandbox: Sandbox, milliseconds: int) -> None:
    """While the command still imports, and while it waits for its first answer."""
    sandbox.slow(60)
    program = (sys.executable, "-c", READY)
    with running("create-session", "demo", "--base-url", sandbox.url, program=program) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        time.sleep(milliseconds / 1000)
        assert interrupted(process) == (130, "")


@pytest.mark.parametrize(
    "module",
    ["typer", "h11", "rich.console", "liveperson_engagement.cli.app", "liveperson_engagement.cli.visits", "sqlite3",
     "jsonschema_rs", "liveperson_engagement_api.models"],
)  # fmt: skip
def test_ctrl_c_amid_an_import_is_no_error(sandbox: Sandbox, tmp_path: Path, module: str) -> None:
    """Whichever package is being imported at that moment."""
    sandbox.fail_next(503)
    done = run(
        module, "create-session", "demo", "--base-url", sandbox.url, "--key", "k", "--store", tmp_path / "visits.db",
        program=(sys.executable, "-c", AMID_AN_IMPORT),
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_ends_a_pause_and_gives_the_key_back(sandbox: Sandbox, tmp_path: Path) -> None:
    """So that the next command need not wait until the lease runs out."""
    sandbox.fail_next(503, headers={"retry-after": "60"})
    arguments = ("create-session", "demo", "--base-url", sandbox.url, "--key", "k", "--store", tmp_path / "visits.db")
    with running(*arguments) as process:
        assert process.stderr
        assert process.stderr.readline().endswith("next try in 60 s\n")
        assert interrupted(process) == (130, "")
    assert invoke(*arguments, "--deadline", "20").returncode == 0


def test_ctrl_c_ends_a_watch(sandbox: Sandbox) -> None:
    """Each answer was one line of JSON, printed at once."""
    with running("create-session", "demo", "--base-url", sandbox.url, "--watch", "--json") as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["status"] == "Available"
        assert process.stderr
        assert process.stderr.readline() == "Available; next try in 900 s\n"
        assert interrupted(process) == (130, "")


PATIENT = """
from liveperson_engagement.cli import interrupt, main
interrupt.GRACE = 60
main()
"""
"""Gives a busy machine the time to tidy up."""


def test_ctrl_c_ends_a_countdown(sandbox: Sandbox) -> None:
    """On a terminal, whose cursor comes back."""
    ours, theirs = os.openpty()
    environment = ENVIRONMENT | {"TERM": "xterm"}
    sandbox.not_available()
    arguments = ("create-session", "demo", "--base-url", sandbox.url, "--watch")
    program = (sys.executable, "-c", PATIENT)
    with running(*arguments, stderr=theirs, env=environment, program=program) as process:
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while chunk := os.read(ours, 4096):
                seen += chunk
                if b"Next try in 30 s, Ctrl-C ends: NotAvailable" in seen and process.returncode is None:
                    process.send_signal(signal.SIGINT)
                    process.wait(20)
        os.close(ours)
        assert process.stdout
        assert (process.wait(20), process.stdout.read().split()[1:]) == (130, ["NotAvailable"])
        assert seen.rindex(b"\x1b[?25h") > seen.rindex(b"\x1b[?25l")
        assert b"Traceback" not in seen


def test_ctrl_c_ends_what_no_signal_interrupts() -> None:
    """Such as the wait for a name server, which happens in C code; after the moment that tidying up may take."""
    with running("domain", "demo", program=(sys.executable, "-c", DEAF)) as process:
        assert process.stdout
        assert process.stdout.readline() == "resolving\n"
        assert interrupted(process) == (130, "")


def test_ctrl_c_is_ignored_where_the_caller_wants_it(sandbox: Sandbox) -> None:
    """As shells do for what runs in the background."""
    sandbox.slow(60)
    script = f"trap '' INT; exec {PROGRAM} create-session demo --base-url {sandbox.url}"
    with running("-c", script, program=("bash",)) as process:
        while not sandbox.requests:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr
        assert not select.select([process.stderr], [], [], 0.2)[0]
        assert process.poll() is None
