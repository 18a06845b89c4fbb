"""Stand-ins: a transport that plays what it is given, and a memory store whose steps are noted and can go wrong."""

import json
from collections.abc import Callable
from typing import Any

from liveperson_engagement import EngagementClient, MemoryStore, StoreError
from liveperson_engagement.stores import Record, Remembered
from liveperson_engagement.testing import answers
from liveperson_engagement.transports import Transport
from liveperson_engagement_api.http import Headers, Request, Response
from stored import KEY

URL = "https://host.example"
GOOD = Response(200, Headers(), json.dumps(answers.available().to_dict()).encode())


class Play(Transport):
    """Plays answers and failures to a client of its own, the last one again and again; no pause takes time."""

    def __init__(self, *outcomes: Response | Exception, **options: Any) -> None:
        self._outcomes = [*outcomes]
        self.sent: list[tuple[str, Request, float | None]] = []
        self.pauses: list[float] = []
        options = {"base_url": URL, "sleep": self.pauses.append, **options}
        self.client = EngagementClient("demo", transport=self, **options)

    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Note the request; play the next outcome."""
        self.sent.append((base_url, request, timeout))
        outcome = self._outcomes[0] if len(self._outcomes) == 1 else self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        """There is nothing to close."""


class WatchedStore(MemoryStore):
    """Notes its steps with the time that each may take; `before` one of them something happens, once; one may fail."""

    failing = ""
    """The step that fails."""
    losses = 0
    """How many times from now on a lock turns out to be lost."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.steps: list[tuple[str, float | None]] = []
        self.keys_asked: set[str] = set()
        self.leases: list[float] = []
        self.before: dict[str, Callable[[], object]] = {}

    @property
    def names(self) -> list[str]:
        """The steps but for loading, which happens often, and releasing."""
        return [name for name, _ in self.steps if name not in ("load", "release")]

    @property
    def record(self) -> Any:
        """What is remembered for the key of stored.py, or None."""
        known = super().load(KEY)
        return known and known.record

    def put(self, record: Record | None) -> None:
        """Remember something else for that key, or nothing, as another process would."""
        known = super().load(KEY)
        assert super().compare_and_set(KEY, known and known.version, record) is not None

    def _note(self, name: str, key: str, timeout: float | None, *ttl: float) -> None:
        self.steps.append((name, timeout))
        self.keys_asked.add(key)
        self.leases += ttl
        self.before.pop(name, lambda: None)()
        if self.failing == name:
            raise StoreError("OSError") from OSError("disk full of shopper-42")

    def load(self, key: str, timeout: float | None = None) -> Remembered | None:
        """Note, and load."""
        self._note("load", key, timeout)
        return super().load(key, timeout)

    def compare_and_set(self, key: str, expected: Any, record: Record | None, timeout: float | None = None) -> Any:
        """Note, and save."""
        self._note("compare_and_set", key, timeout)
        return super().compare_and_set(key, expected, record, timeout)

    def acquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Note, and lock."""
        self._note("acquire", key, timeout, ttl)
        return super().acquire(key, token, timeout, ttl)

    async def aacquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Note, and lock."""
        self._note("acquire", key, timeout, ttl)
        return await super().aacquire(key, token, timeout, ttl)

    def extend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
        """Note, and hold on to the lock, or lose it."""
        self._note("extend", key, timeout, ttl)
        self.losses -= 1
        return self.losses < 0 and super().extend(key, token, ttl, timeout)

    def release(self, key: str, token: str, timeout: float | None = None) -> None:
        """Note, and unlock."""
        self._note("release", key, timeout)
        super().release(key, token, timeout)
