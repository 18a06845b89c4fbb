"""Generated code passes mypy as strictly as code written by hand, and both checkers know its types."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT
from contract_tools import regenerate
from wider_contract import PACKAGE, TYPED_BATTERY, WIDER


@pytest.mark.parametrize(("contract", "misses"), [(None, ["batteryLevel", "battery_level"]), (WIDER, [])])
def test_both_checkers_know_what_is_generated(contract: str | None, misses: list[str], tmp_path: Path) -> None:
    """Nothing is found but, in code that uses a field of the wider contract, the field where it is not known yet."""
    generated = regenerate(contract, tmp_path) if contract else ROOT / "generated"
    uses = tmp_path / "uses.py"
    uses.write_text(TYPED_BATTERY, encoding="utf-8")
    strict = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "include": ["uses.py"]}
    settings = tmp_path / "pyrightconfig.json"
    settings.write_text(json.dumps({**strict, "extraPaths": [str(generated)]}), encoding="utf-8")
    options = ("--strict", "--config-file=", "--no-error-summary", "-p", PACKAGE, "-m", "uses")
    mypy = [sys.executable, "-m", "mypy", *options]
    environment = {**os.environ, "MYPYPATH": f"{generated}:{tmp_path}"}
    for command in (mypy, ["pyright", "--project", str(settings), "--pythonpath", sys.executable]):
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        errors = re.findall(r"^.* error: .*$", done.stdout.replace("- error", " error"), re.MULTILINE)
        assert done.returncode == bool(misses), done.stdout + done.stderr
        assert [name for name in misses if f'"{name}"' not in done.stdout] == []
        assert len(errors) == len(misses), errors
