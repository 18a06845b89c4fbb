# ruff: noqa: S311 - chance picks visits and ids of nobody, no secrets
"""What it costs to remember visits: few and many of them, and beyond Redis's own round trips."""

import json
import random
import secrets
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import redis

from bench_contestants import ACCOUNT, BODY, Call, Contestant
from bench_own import client_of, timed, whole_call
from bench_report import Figure
from liveperson_engagement import EngagementClient, MemoryStore, RedisStore, SQLiteStore, VisitIds
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record, to_json
from liveperson_engagement.stores.redis import LOAD, REPLACE


def example() -> Record:
    """Have a record made by the package itself, which answers `BODY` for a day."""
    with Sandbox(valid_for_seconds=86_400) as sandbox, EngagementClient(ACCOUNT, base_url=sandbox.url) as client:
        client.visit("example").create_session(BODY)
        remembered: Any = client.store.load(f"{ACCOUNT}:example")
    record: Record = remembered.record
    return record


def fill(store: Any, visits: int, record: Record) -> None:
    """Save visits of so many other visitors."""
    chance, answer = random.Random(1), json.loads(record.engagement or "{}")
    for number in range(visits):
        ids = VisitIds(*(f"{prefix}-{chance.getrandbits(128):032x}" for prefix in ("vid", "sid", "pid")))
        answer |= {"visitorId": ids.visitor_id, "sessionId": ids.session_id, "pageId": ids.page_id}
        saved = Record(ids, json.dumps(answer), record.answers)
        if store.compare_and_set(f"{ACCOUNT}:key-{number}", None, saved) is None:
            raise RuntimeError("the store is not empty")


def engagement(store: Any, visits: int, _: str, stack: ExitStack) -> Call:
    """Have any of its visits answered from the store: nothing is sent."""
    client = client_of(store, stack)

    def call(_: int) -> None:
        if not client.visit(f"key-{random.randrange(visits)}").engagement(BODY).visitor_id.startswith("vid-"):
            raise RuntimeError("the answer did not come from the store")

    return call


def load_and_save(store: Any, visits: int, _: str, __: ExitStack) -> Call:
    """Do what every other call does with the store."""

    def call(_: int) -> None:
        key = f"{ACCOUNT}:key-{random.randrange(visits)}"
        remembered = store.load(key)
        if store.compare_and_set(key, remembered.version, remembered.record) is None:
            raise RuntimeError("somebody else has changed the store")

    return call


def few_and_many(sizes: tuple[int, int], effort: tuple[int, int], folder: Path, url: str) -> list[Figure]:
    """Compare few remembered visits with many, of which any is asked for; then time whole calls of a known visit."""
    figures, rows, record = list[Figure](), list[Contestant](), example()
    with ExitStack() as stack:
        for database, visits in enumerate(sizes):
            file, plain = folder / f"{visits}.db", _plain(f"{url}/{database}", stack)
            before = plain.info("memory")["used_memory"]
            stores = _stores(file, f"{url}/{database}", stack)
            for kind, store in stores.items():
                fill(store, visits, record)
                for call, make in (("engagement", engagement), ("load + save", load_and_save)):
                    name = f"{kind}, {call}, of {visits:,} remembered"
                    rows.append(Contestant(name, "sync", partial(make, store, visits), decodes=False))
            stores["SQLite"].close()  # moves the -wal into the file
            taken = {"SQLite": file.stat().st_size, "Redis": plain.info("memory")["used_memory"] - before}
            figures += [
                Figure(f"{kind}, a visit of {visits:,}", each / visits, "bytes") for kind, each in taken.items()
            ]
        stores = _stores(folder / "calls.db", f"{url}/2", stack)
        whole = [
            Contestant(f"a whole call, {kind}", "sync", partial(whole_call, each)) for kind, each in stores.items()
        ]
        trips = Contestant("two round trips", "sync", partial(round_trips, record, f"{url}/2"), decodes=False)
        took = timed([*rows, *whole, trips], *effort)
    for few, many in zip(rows[: len(rows) // 2], rows[len(rows) // 2 :], strict=True):
        figures += [Figure(row.name, took[row.name], "µs") for row in (few, many)]
        figures.append(Figure("the second / the first", took[many.name] / took[few.name], "", 1.1))
    figures += [Figure(row.name, took[row.name], "µs") for row in (*whole, trips)]
    beyond = (took[whole[2].name] - took[trips.name]) / took[whole[0].name]
    return [*figures, Figure("Redis without its two round trips / memory", beyond, "", 1.6)]


def round_trips(record: Record, url: str, _: str, stack: ExitStack) -> Call:
    """Ask Redis what its store asks, by redis-py alone: the script that loads, and the one that saves."""
    text, plain, key, version = to_json(record).encode(), _plain(url, stack), secrets.token_hex(8), 0

    def call(_: int) -> None:
        nonlocal version
        before, version = b"%d" % version if version else b"", version + 1
        plain.execute_command("EVALSHA", LOAD.digest, 1, key, b"nonce")
        plain.execute_command("EVALSHA", REPLACE.digest, 1, key, b"nonce", before, b"%d" % version, 0, 0, text)

    return call


def _stores(file: Path, url: str, stack: ExitStack) -> dict[str, Any]:
    sqlite, shared = SQLiteStore(file), RedisStore(url)
    stack.callback(sqlite.close)
    stack.callback(shared.close)
    return {"memory": MemoryStore(max_visits=2_000_000), "SQLite": sqlite, "Redis": shared}


def _plain(url: str, stack: ExitStack) -> Any:
    """Ask Redis without a store."""
    kind: Any = redis.Redis
    return stack.enter_context(kind.from_url(url))
