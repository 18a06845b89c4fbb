"""The run-time dependencies: their licences are allowed, and an audit that learned nothing does not pass."""

from __future__ import annotations

import os
import subprocess

import pytest

import audit
from checkout import ROOT


def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script to its end."""
    return subprocess.run(
        [ROOT / "scripts/audit", *options],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_every_licence_is_allowed_and_listed() -> None:
    """The page names what is installed."""
    done = run("--licences")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"{len(audit.pinned())} packages, all under licences that are allowed.\n"


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
    """A package without a licence in its metadata is read by its licence file."""
    named = audit.licences([{"Name": "Some_Package", "License": licence, "LicenseText": text}])
    assert audit.problems(named, {"some-package": "1.0"}) == wrong


def test_a_package_that_is_not_there_is_named() -> None:
    """What was not looked at is not allowed."""
    assert audit.problems({}, {"some-package": "1.0"}) == ["some-package: not installed"]
