"""A chat button in a desktop app: the screen never waits for the network.

    pip install liveperson-engagement rich
    python examples/desktop_app.py --sandbox

That plays LivePerson's services on this machine. For the real ones:

    LIVEPERSON_ACCOUNT_ID=le12345678 python examples/desktop_app.py

The window is a terminal here: type `chat` or `quit`. `ChatButton` is what any app can use. It asks in a thread of its
own, and calls a function of yours in that thread. All that this function does is to put the news where the thread of
the screen picks it up: into a queue that Tk's `after` looks into, into a signal of Qt, or into the queue below.
"""

import argparse
import asyncio
import logging
import os
import platform
import queue
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Literal, Self, TypeAlias

from rich.console import Console

from liveperson_engagement import (
    AsyncEngagementClient,
    ConnectionFailed,
    CreateSessionBody,
    DomainLookupFailed,
    EngagementError,
    ImpressionEventType,
    InvalidRequest,
    NotFound,
    RetryEvent,
    SQLiteStore,
)

logger = logging.getLogger(__name__)
State: TypeAlias = Literal["available", "not available", "offline"]
OS: dict[str, Literal["WINDOWS", "MAC_OSX", "LINUX"]] = {"Windows": "WINDOWS", "Darwin": "MAC_OSX"}
BODY: CreateSessionBody = {
    "appType": "EXTERNAL",
    "appDetails": {"os": OS.get(platform.system(), "LINUX"), "deviceFamily": "DESKTOP"},
    "consumerSections": ["Support"],
}


class ChatButton:
    """Knows whether the button may be shown. No method waits for the network.

    - `path`: the file that remembers the visit, so that the app's next start goes on with it.
    - `changed`: called with each new state, in the thread of this object.
    - `every`: seconds between two questions; while an engagement is valid they are answered from memory.
    - `sleep`: what a pause before a retry calls; default: real time.

    Raises InvalidRequest if LIVEPERSON_ACCOUNT_ID is missing.
    """

    def __init__(
        self,
        path: Path,
        changed: Callable[[State], None],
        *,
        every: float = 10.0,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._changed, self._every = changed, every
        self._store = SQLiteStore(path)
        self._client = AsyncEngagementClient(store=self._store, on_retry=self._retrying, sleep=sleep)
        self._visit = self._client.visit("the user of this computer")
        self._state: State | None = None
        self._offer = ""
        self._happened: asyncio.Queue[ImpressionEventType] = asyncio.Queue()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chat button", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """End now. A cancelled call lets go of the visit, so that the app's next start need not wait for it."""
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(1)

    def displayed(self) -> None:
        """Note that the button is on the screen."""
        self._loop.call_soon_threadsafe(self._happened.put_nowait, "impDisplay")

    def clicked(self) -> None:
        """Note that the user wants to chat."""
        self._loop.call_soon_threadsafe(self._happened.put_nowait, "impAccept")

    def _run(self) -> None:
        with asyncio.Runner() as runner, suppress(asyncio.CancelledError):
            self._loop = runner.get_loop()
            self._task = self._loop.create_task(self._serve())
            self._started.set()
            self._loop.run_until_complete(self._task)

    async def _serve(self) -> None:
        async with self._store, self._client, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._report())

    async def _watch(self) -> None:
        while True:
            try:
                self._tell(await self._ask())
            except (ConnectionFailed, DomainLookupFailed):
                self._tell("offline")
            except EngagementError as error:
                logger.warning("no engagement: %s", error)
                self._tell("not available")
            await asyncio.sleep(self._every)

    async def _ask(self) -> State:
        try:
            session = await self._visit.engagement(BODY)
        except NotFound:  # after a long time LivePerson has forgotten the visitor, and by now so has the store
            session = await self._visit.engagement(BODY)
        if session.status != "Available":
            return "not available"
        self._offer = f"{session.session_id} {session.engagement_details.engagement_id}"
        return "available"

    def _retrying(self, event: RetryEvent) -> None:
        """Do without the button from the first failure on: the pauses before the next attempts take long."""
        self._tell("offline" if isinstance(event.error, ConnectionFailed) else "not available")

    def _tell(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self._changed(state)

    async def _report(self) -> None:
        """Report what happens, in order, and each of it once an offer."""
        reported: set[tuple[str, str]] = set()
        while True:
            kind = await self._happened.get()
            if (self._offer, kind) not in reported:
                reported.add((self._offer, kind))
                with suppress(EngagementError):  # it was tried four times; nobody else needs to know
                    await self._visit.report_impressions(kind)


def run_screen(console: Console, button: ChatButton, events: "queue.SimpleQueue[str]") -> None:
    """Draw what comes, and obey the keyboard; what a toolkit's main loop does. Here nothing ever waits for a call."""
    shown = False
    while (event := events.get()) != "quit":
        match event:
            case "available":
                shown = True
                console.print("[bold white on dark_green]  Click to Chat  [/]  (type chat)")
                button.displayed()
            case "not available" | "offline":
                shown = False
                console.print(f"[dim]No chat: {event}[/]")
            case "chat" if shown:
                console.print("Your chat window opens here.")
                button.clicked()
            case _:
                console.print("Type quit, or chat while there is a button.")


def read_keyboard(events: "queue.SimpleQueue[str]") -> None:
    """Hand on what is typed: a terminal's part in the events of the screen."""
    with open(0, encoding="utf-8", closefd=False) as keyboard:
        for line in keyboard:
            events.put(line.strip() if line.strip() in {"chat", "quit"} else "?")
    events.put("quit")


def main() -> None:
    """Show the app, until it is told to quit."""
    parser = argparse.ArgumentParser(description="A desktop app with a chat button.")
    parser.add_argument("--sandbox", action="store_true", help="play LivePerson's services in this process")
    parser.add_argument("--visits", type=Path, default="desktop.db", help="remembers the visit; default: %(default)s")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two questions; default: %(default)s")
    options = parser.parse_args()
    logging.getLogger("liveperson_engagement").setLevel(logging.ERROR)  # the screen says "offline" while it pauses
    events: queue.SimpleQueue[str] = queue.SimpleQueue()
    with ExitStack() as stack, suppress(KeyboardInterrupt):
        if options.sandbox:
            from liveperson_engagement.sandbox import Sandbox  # noqa: PLC0415

            sandbox = stack.enter_context(Sandbox(valid_for_seconds=10))
            os.environ.update(LIVEPERSON_ACCOUNT_ID="demo", LIVEPERSON_BASE_URL=sandbox.url)
            options.visits = Path(stack.enter_context(tempfile.TemporaryDirectory()), "visits.db")
            print(f"Sandbox: {sandbox.url}/sandbox/ says how to make the button go and come.", file=sys.stderr)
        try:
            button = stack.enter_context(ChatButton(options.visits, events.put, every=options.every))
        except InvalidRequest as error:
            sys.exit(str(error))
        threading.Thread(target=read_keyboard, args=(events,), daemon=True).start()
        run_screen(Console(highlight=False), button, events)


if __name__ == "__main__":
    main()
