"""Ctrl-C: ends the command at once, with exit status 130 and without a traceback, whatever it is doing."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NoReturn

INTERRUPTED = 130
GRACE = 1.0
"""Seconds to give back a key of the store, and the cursor; a wait in C code, such as for a name server, goes on."""


def end_at_once_on_ctrl_c() -> None:
    """From now on nothing is left to tidy up; unless the caller wants Ctrl-C ignored, as `nohup` does."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _leave)


@contextmanager
def tidied_up_on_ctrl_c() -> Generator[None]:
    """Let Ctrl-C raise KeyboardInterrupt instead, so that what is held is given back; no longer than `GRACE` though."""
    if signal.getsignal(signal.SIGINT) is not _leave:
        yield
        return
    import socket  # noqa: PLC0415 - only calls need them
    import threading  # noqa: PLC0415

    woken, waker = socket.socketpair()

    def watch() -> None:
        if woken.recv(1) and not ended.wait(GRACE):
            os._exit(INTERRUPTED)

    ended = threading.Event()
    with woken, waker:
        waker.setblocking(False)
        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        before = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        try:
            signal.signal(signal.SIGINT, _raise)
            yield
        finally:
            signal.signal(signal.SIGINT, _leave)
            signal.set_wakeup_fd(before)
            ended.set()
            waker.shutdown(socket.SHUT_RDWR)
            watcher.join()


def _leave(*_: Any) -> NoReturn:
    os._exit(INTERRUPTED)


def _raise(*_: Any) -> NoReturn:
    signal.signal(signal.SIGINT, _leave)  # a second one does not wait
    raise KeyboardInterrupt
