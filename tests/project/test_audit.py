"""The run-time dependencies: their licences are allowed, and an audit that learned nothing does not pass."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

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


@pytest.mark.parametrize(
    ("licence", "text", "wrong"),
    [
        ("MIT", "", []),
        ("UNKNOWN", "   Apache License\n   Version 2.0, January 2004\n", []),
        ("UNKNOWN", "GNU GENERAL PUBLIC LICENSE\n", ["some-package: UNKNOWN"]),
        ("GNU General Public License v3", "", ["some-package: GNU General Public License v3"]),
    ],
)
def test_a_licence_that_nobody_has_allowed_is_named(licence: str, text: str, wrong: list[str]) -> None:
    """A package without a licence in its metadata is read by its licence file; one that is not there is named."""
    named = audit.licences([{"Name": "Some_Package", "License": licence, "LicenseText": text}])
    assert audit.problems(named, {"some-package": "1.0"}) == wrong
    assert audit.problems({}, {"some-package": "1.0"}) == ["some-package: not installed"]
