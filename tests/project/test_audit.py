"""The run-time dependencies: their licences are allowed, and an audit that learned nothing does not pass."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import Distribution
from pathlib import Path

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
    ("about", "text", "named"),
    [
        ("License-Expression: MIT\nLicense: BSD", "", "MIT"),
        ("Classifier: License :: OSI Approved :: ISC License (ISCL)", "", "ISC License (ISCL)"),
        ("License: GNU General Public License v3", "", "GNU General Public License v3"),
        ("", "   Apache License\n   Version 2.0, January 2004\n", "Apache-2.0"),
        ("", "GNU GENERAL PUBLIC LICENSE\n", "unknown"),
        ("", "", "unknown"),
    ],
)
def test_a_licence_is_read_from_metadata_or_its_file(tmp_path: Path, about: str, text: str, named: str) -> None:
    """What only a file says is known by its first line."""
    folder = tmp_path / "some_package-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Name: some-package\nVersion: 1.0\n{about}\n")
    (folder / "RECORD").write_text(f"{folder.name}/LICENSE,,\n" if text else "")
    (folder / "LICENSE").write_text(text)
    assert audit.licence(Distribution.at(folder)) == named


def test_a_licence_that_nobody_has_allowed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that is unknown, too."""

    def licence(package: Distribution) -> str:
        return "unknown" if package.metadata["Name"] == "redis" else "MIT"

    monkeypatch.setattr(audit, "licence", licence)
    monkeypatch.setattr(sys, "argv", ["audit", "--licences"])
    assert audit.main() == 1
    assert capsys.readouterr().out.splitlines() == ["Licences that nobody has allowed:", "  redis: unknown"]
