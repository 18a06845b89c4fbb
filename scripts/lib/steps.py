"""The progress of a script: each step's name when it begins, and its time when it ends."""

import contextlib
import time
from collections.abc import Generator


@contextlib.contextmanager
def step(name: str) -> Generator[None]:
    """Print what is done, and how long it took."""
    start = time.monotonic()
    print(f"{name:28}", end="", flush=True)
    try:
        yield
    finally:
        print(f"{time.monotonic() - start:5.1f} s", flush=True)
