"""Each property, with many more examples than in a quick run."""

import os
import subprocess
import sys

from checkout import ROOT


def test_properties_hold_for_many_examples() -> None:
    """The same ones each time; scripts/fuzz tries others."""
    command = [sys.executable, "-m", "pytest", "--quiet", "tests/wrapper/test_properties.py"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PROPERTIES": "long"}, check=False)
    assert done.returncode == 0
