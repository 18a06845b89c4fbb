"""Each property, with many more examples than in a quick run."""

import os
import subprocess
import sys

import pytest

from checkout import ROOT


@pytest.mark.parametrize("module", ["test_properties", "test_properties_stores"])
def test_properties_hold_for_many_examples(module: str) -> None:
    """The same ones each time; scripts/fuzz tries others."""
    command = [sys.executable, "-m", "pytest", "--quiet", f"tests/wrapper/{module}.py"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PROPERTIES": "long"}, check=False)
    assert done.returncode == 0
