"""Opens the client of a command, and the visit that its options name."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import typer

from liveperson_engagement._contract import contract
from liveperson_engagement._json import SchemaViolation
from liveperson_engagement.cli.bodies import read
from liveperson_engagement.cli.curl import MASK, Caught, catch_visits, command
from liveperson_engagement.cli.failure import wrong
from liveperson_engagement.cli.interrupt import tidied_up_on_ctrl_c
from liveperson_engagement.cli.options import Caller, Curl, Patience, Visited
from liveperson_engagement.cli.output import remark
from liveperson_engagement.cli.pauses import Pauses
from liveperson_engagement.client import EngagementClient
from liveperson_engagement.retry import RetryPolicy
from liveperson_engagement.stores import MemoryStore, Record, Remembered, VisitIds
from liveperson_engagement.visit import Visit


def client_of(caller: Caller, patience: Patience, pauses: Pauses, **options: Any) -> EngagementClient:
    """Make the client that the options ask for."""
    return EngagementClient(
        caller.account_id,
        domain_api=caller.domain_api,
        timeout=caller.timeout,
        deadline=patience.deadline,
        retry=RetryPolicy.none() if patience.no_retry else None,
        sleep=pauses.retry,
        on_retry=pauses.note,
        base_url=caller.base_url,
        **options,
    )


@contextmanager
def connected(
    caller: Caller, patience: Patience, pauses: Pauses, curl: Curl, **options: Any
) -> Generator[EngagementClient]:
    """Open a client; a request that is caught becomes a command."""
    with tidied_up_on_ctrl_c(), pauses.alone(), client_of(caller, patience, pauses, **options) as client:
        try:
            yield client
        except Caught as caught:
            text = command(caught.event, show_ids=curl.show_ids)
            typer.echo(text)
            if MASK in text and not curl.show_ids:
                remark("Ids are masked: --show-ids shows them.")


@contextmanager
def visiting(caller: Caller, patience: Patience, pauses: Pauses, visited: Visited, curl: Curl) -> Generator[Visit]:
    """Take up a visit."""
    key, ids = _named(visited)
    with ExitStack() as stack:
        store = _store(visited, stack, only_look=curl.curl)
        on_request = catch_visits if curl.curl else None
        client = stack.enter_context(connected(caller, patience, pauses, curl, store=store, on_request=on_request))
        yield client.visit(key, ids=ids)


def _named(visited: Visited) -> tuple[str | None, VisitIds | None]:
    """Return the key or the ids of the visit; refuse options that contradict each other."""
    ways = {"--key": visited.key, "--session": visited.session, "--visitor-id": visited.visitor_id}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise wrong(f"{' and '.join(given)}: give one of them, as each names a visit")
    if (visited.key is None) != (visited.store is None):
        raise wrong("--key and --store: give both, as the store remembers the visit of the key")
    if visited.visitor_id is None and (visited.session_id is not None or visited.page_id is not None):
        raise wrong("--visitor-id: is required with --session-id and --page-id")
    if visited.visitor_id is not None:
        return None, VisitIds(visited.visitor_id, visited.session_id, visited.page_id)
    return ("session" if visited.session is not None else visited.key), None


def _store(visited: Visited, stack: ExitStack, *, only_look: bool) -> Any:
    """Open the store that knows the visit; what --curl looks at is not changed."""
    if visited.session is not None:
        known = _record(read("--session", visited.session))
        return _Known(lambda _: known)
    if visited.store is None or (only_look and not visited.store.exists()):
        return None
    from liveperson_engagement.stores.sqlite import SQLiteStore  # noqa: PLC0415 - importing it takes long

    store = stack.enter_context(SQLiteStore(visited.store))

    def look(key: str) -> Record | None:
        found = store.load(key)
        return found.record if found else None

    return _Known(look) if only_look else store


def _record(content: bytes) -> Record:
    """Make of a printed session what a store remembers of it."""
    try:
        session = contract().operations["createSession"].parse(content)
    except SchemaViolation as violation:
        raise wrong(f"--session: {violation.path}: {violation.reason}") from None
    ids = VisitIds(session.visitor_id, session.session_id, session.page_id)
    return Record(ids, content.decode("utf-8-sig") if session.status == "Available" else None)


class _Known(MemoryStore):
    """Looks for a visit elsewhere once, and keeps to itself what becomes of it."""

    def __init__(self, look: Callable[[str], Record | None]) -> None:
        super().__init__()
        self._look: Callable[[str], Record | None] | None = look

    def load(self, key: str, timeout: float | None = None) -> Remembered | None:
        """Return what is known of the visit by now."""
        look, self._look = self._look, None
        if look and (record := look(key)):
            self.compare_and_set(key, None, record)
        return super().load(key, timeout)
