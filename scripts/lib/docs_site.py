"""Builds the documentation site, and checks the links of what was built."""

import argparse
import contextlib
import functools
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "docs"
SITE = ROOT / "dist/docs"


def main() -> int:
    """Run the command and give its exit status."""
    parser = argparse.ArgumentParser(prog="scripts/docs", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="show the site at a local address, until Ctrl-C")
    options = parser.parse_args()
    if problems := build(SITE) or broken_links(SITE):
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    print(f"{SITE / 'index.html'}: {len(list(SITE.rglob('*.html')))} pages, no warning, no broken link")
    if options.serve:
        with serving(SITE, 8000) as url, contextlib.suppress(KeyboardInterrupt):
            print(url, flush=True)
            threading.Event().wait()
    return 0


def build(into: Path) -> list[str]:
    """Build the site anew; give Sphinx's warnings."""
    shutil.rmtree(into, ignore_errors=True)
    doctrees = into.with_name(f"{into.name}.doctrees")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-E", "-d", str(doctrees)]
    done = subprocess.run([*command, SOURCE, into], stderr=subprocess.PIPE, text=True, check=False)
    shutil.rmtree(doctrees, ignore_errors=True)
    return done.stderr.splitlines() or ["Sphinx failed"] * (done.returncode != 0)


class Page(HTMLParser):
    """What a page has: the names that a fragment can lead to, and where its links lead."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Note names and links."""
        for name, value in attrs:
            if name in {"href", "src"}:
                self.links.append(value or "")
            elif name in {"id", "name"} and value:
                self.names.add(value)


def broken_links(site: Path) -> list[str]:
    """Name every link that leads nowhere within the site, and every one to elsewhere that is not well-formed."""
    pages = {path: Page(path) for path in site.rglob("*.html")}
    return sorted(
        f"{path.relative_to(site)}: {link}: {reason}"
        for path, page in pages.items()
        for link in set(page.links)
        if (reason := _problem(path, link, site, pages))
    )


def _problem(path: Path, link: str, site: Path, pages: dict[Path, Page]) -> str | None:
    parts = urlsplit(link)
    if parts.scheme == "data":
        return None
    if parts.scheme or parts.netloc:
        well_formed = parts.scheme == "https" and "." in parts.netloc and not set(link) & set(" <>\"'`{}")
        return None if well_formed else "not a well-formed https address"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(site.resolve()) or not target.is_file():
        return "there is no such page"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].names:
        return "the page has no such place"
    return None


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(site: Path, port: int = 0) -> Generator[str]:
    """Serve a folder on this machine; give its URL."""
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", port), functools.partial(Handler, directory=str(site))
    ) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    sys.exit(main())
