"""Ships Redoc, which renders the API reference, with the sandbox: from the npm package that is pinned."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "scripts/reference-page"
PACKAGE = ROOT / "scripts/env/node_modules/redoc"
REFERENCE = ROOT / "wrapper/liveperson_engagement/sandbox/reference"
SCREENSHOT = ROOT / "docs/images/api-reference.png"

# The one thing that Redoc loads from elsewhere. Its credit stays as text.
LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"


def main() -> int:
    """Run the command and give its exit status."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail unless the pinned package is shipped"
    )
    parser.add_argument("--screenshot", action="store_true", help=f"write {SCREENSHOT.relative_to(ROOT)} as well")
    options = parser.parse_args()
    files = pinned()
    stale = sorted(
        path.name for path in shipped() | files.keys() if not path.exists() or path.read_bytes() != files.get(path)
    )
    if options.check:
        for name in stale:
            print(f"{name} is not what the pinned package has: run {COMMAND}", file=sys.stderr)
        return bool(stale)
    for path in shipped() - files.keys():
        path.unlink()
    for path, content in files.items():
        path.write_bytes(content)
    if options.screenshot:
        take_screenshot(SCREENSHOT)
    return 0


def pinned() -> dict[Path, bytes]:
    """Give what has to be shipped, by its place."""
    version = json.loads((PACKAGE / "package.json").read_bytes())["version"]
    bundle = (PACKAGE / "bundles/redoc.standalone.js").read_bytes()
    if bundle.count(LOGO) != 1:
        raise SystemExit("Redoc no longer loads its logo as it did: look at what it loads")
    page = (REFERENCE / "index.html").read_text(encoding="utf-8")
    page = re.sub(r"redoc-[\d.]+\.standalone\.js", f"redoc-{version}.standalone.js", page)
    return {
        REFERENCE / "index.html": page.encode(),
        REFERENCE / f"redoc-{version}.standalone.js": bundle.replace(LOGO, b"data:,"),
        REFERENCE / f"redoc-{version}.standalone.js.LICENSE.txt": (
            PACKAGE / "bundles/redoc.standalone.js.LICENSE.txt"
        ).read_bytes(),
        REFERENCE / f"redoc-{version}.LICENSE.txt": (PACKAGE / "LICENSE").read_bytes(),
    }


def shipped() -> set[Path]:
    """Give the places of all that is Redoc's."""
    return set(REFERENCE.glob("redoc-*"))


def take_screenshot(path: Path) -> None:
    """Show the first operation in a browser."""
    from browser import Tab, chromium  # noqa: PLC0415 - of the tests
    from liveperson_engagement.sandbox import Sandbox  # noqa: PLC0415

    path.parent.mkdir(parents=True, exist_ok=True)
    with Sandbox() as sandbox, chromium() as browser:
        page = Tab(browser, f"{sandbox.url}/#operation/createSession").page
        page.get_by_role("heading", name="Start a visit").wait_for()
        page.wait_for_timeout(1000)  # the page scrolls to the operation
        page.screenshot(path=path)


if __name__ == "__main__":
    sys.exit(main())
