"""A real browser, which notes what goes wrong on a page and lets nothing leave the page's own server."""

import contextlib
import shutil
from collections.abc import Generator

from playwright.sync_api import Browser, Page, Route, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@contextlib.contextmanager
def chromium() -> Generator[Browser]:
    """Start the machine's Chromium."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert program, "Chromium is missing: scripts/env/install all brings it"
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program, args=OPTIONS) as browser:
        yield browser


class Tab:
    """A page that was opened: `problems` are its errors and warnings, `outside` what it asked of others."""

    def __init__(self, browser: Browser, url: str, *, width: int = 1280, height: int = 900) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        self.problems, self.outside = list[str](), list[str]()
        self._origin = "/".join(url.split("/")[:3]) + "/"
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.route("**/*", self._let_through)
        self.page.goto(url)

    def _let_through(self, route: Route) -> None:
        if route.request.url.startswith(self._origin):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()
