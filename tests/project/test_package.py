"""What is installed is small, and an index can show its README; test_build.py uses it without a checkout."""

import email
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from checkout import ROOT
from installed import needed

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BASE = PROJECT["urls"]["Homepage"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(directory.glob("*.whl"))


def test_an_index_can_show_the_readme(wheel: Path) -> None:
    """No link or picture leads to a file beside it; each leads to the repository, at this version."""
    metadata = email.message_from_bytes(zipfile.ZipFile(wheel).read("liveperson_engagement-0.1.0.dist-info/METADATA"))
    shown = metadata.get_payload()
    assert isinstance(shown, str)
    assert metadata["Description-Content-Type"] == "text/markdown"
    links = re.findall(r"\]\(([^)]*)\)|(?:src|href)=[\"']([^\"']*)", shown)
    targets = {link or other for link, other in links}
    assert [target for target in targets if not re.match(r"https://|#", target)] == []
    assert f"{BASE}/repository/blob/v0.1.0/docs/retries.md" in targets
    assert f"{BASE}/repository/raw/v0.1.0/docs/images/sandbox.jpg" in targets


def test_what_is_installed_is_small(wheel: Path) -> None:
    """The README leads to docs/performance.md, which has the figures: a package more needs a reason."""
    assert wheel.stat().st_size < 300_000
    assert len(needed("liveperson-engagement")) <= 10


def test_extras_are_quoted() -> None:
    """zsh takes brackets for a pattern: wherever someone is told to install an extra, the name is in quotes."""
    told = [
        path for pattern in ("*.md", "docs/*.md", "examples/**/*.py", "wrapper/**/*.py") for path in ROOT.glob(pattern)
    ]
    bare = re.compile(r"pip install(?:\s+-\S+)*\s+[\w.-]+\[|(?<![\w'\"/-])liveperson-engagement\[")
    assert [path.name for path in told if bare.search(path.read_text()) and path.name != "performance.md"] == []
