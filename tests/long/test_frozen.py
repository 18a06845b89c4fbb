"""An app that PyInstaller has frozen finds all that the package brings: the hooks are found by their entry point."""

import subprocess
import sys
from pathlib import Path

APP = """
import sys, urllib.request
from liveperson_engagement import EngagementClient, SQLiteStore
from liveperson_engagement.sandbox import Sandbox

assert sys.frozen
with Sandbox() as sandbox, EngagementClient("demo", base_url=sandbox.url, store=SQLiteStore(sys.argv[1])) as client:
    print(client.visit("shopper").create_session({"appType": "EXTERNAL"}).status)
    print(client.call("createSession", {"appType": "EXTERNAL"}, account_id="demo").status)
    with urllib.request.urlopen(f"{sandbox.url}/") as page:
        print(b"API reference" in page.read())
"""


def test_a_frozen_app_works(tmp_path: Path) -> None:
    """It makes a client, calls the sandbox, and has the sandbox's page: contract, operations and page are data."""
    (tmp_path / "app.py").write_text(APP)
    command = [sys.executable, "-m", "PyInstaller", "--log-level", "ERROR", "--noconfirm", "app.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    app = [tmp_path / "dist/app/app", tmp_path / "visits.db"]
    done = subprocess.run(app, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["Available", "Available", "True"]
