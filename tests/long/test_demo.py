"""The README's first command."""

import os
import re
import subprocess

from checkout import ROOT


def test_the_demo_ends_well_with_one_visitor() -> None:
    """The README's first command, with its two real pauses; it ends with a picture that fits into 80 columns."""
    environment = os.environ | {"COLUMNS": "80"}
    done = subprocess.run([ROOT / "scripts/demo"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 requests, 1 visitor on the brand's list" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    picture = done.stdout.partition("What happened")[2]
    named = re.compile("[ ┄]+((pause )?5 s[ ┄]+)?")  # a pause is named where there is room
    assert [named.sub(" ", line).strip() for line in picture.splitlines() if "●" in line] == [
        "1 findDomain ● 200",
        "createSession ✗ 500 ● 200",
        "2 continueSession ● 200",
        "3 updateSession ● 200",
        "4 updateSession ✗ 503 ● 200",
        "● answered ✗ failed pause before the next attempt",
    ]
