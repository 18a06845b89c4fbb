"""The run-time dependencies: their licences are allowed, and an audit that learned nothing does not pass."""

import os
import subprocess
import sys

import audit
from checkout import ROOT


def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script to its end."""
    command: list[str] = [sys.executable, str(ROOT / "scripts/lib/audit.py"), *options]
    surroundings = {**os.environ, **environment}
    return subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=300, check=False)


def test_every_licence_is_allowed_and_listed() -> None:
    """The page names what is installed."""
    done = run("--licences")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"{len(audit.dependencies())} packages, all under licences that are allowed.\n"
    assert {"attrs", "redis", "h11", "anyio"} <= audit.dependencies().keys()


def test_an_audit_without_its_database_fails() -> None:
    """No answer is no good news: exit status 2."""
    done = run(HTTPS_PROXY="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "nothing is known" in done.stdout
