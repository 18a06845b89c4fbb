"""Stores, of this package and of others, and what an error tells, as type checkers see them; never run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import assert_type

from liveperson_engagement import (
    AccountLoading,
    ApiError,
    AsyncEngagementClient,
    AsyncSessionStore,
    BadRequest,
    ConnectionFailed,
    DeadlineExceeded,
    DomainLookupFailed,
    EngagementClient,
    EngagementError,
    InvalidRequest,
    InvalidResponse,
    MemoryStore,
    NotFound,
    RedisStore,
    ServerError,
    SessionStore,
    SQLiteStore,
    StoreError,
    Timeout,
    Unauthorized,
    Visit,
    VisitIds,
)
from liveperson_engagement.stores import Record, Remembered, from_json, to_json
from liveperson_engagement.stores.conformance import StoreConformance
from liveperson_engagement_api.http import Response


class OnlySync:
    """A store of somebody else's that inherits nothing."""

    def load(self, key: str, timeout: float | None = None) -> Remembered | None:  # noqa: ARG002
        """Know one visit."""
        return Remembered(Record(VisitIds(key)), 0.5, "version")

    def compare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Save."""
        return (key, expected, record, timeout)

    def acquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Hold."""
        return (key, timeout) != (token, ttl)

    def extend(self, key: str, token: str, ttl: float, timeout: float | None = None) -> bool:
        """Hold on."""
        return key != token and ttl > 0 and timeout is None

    def release(self, key: str, token: str, timeout: float | None = None) -> None:
        """Give back."""


class TestOnlySync(StoreConformance):
    """The conformance tests take a store of any kind."""

    def make_store(self, folder: Path) -> OnlySync:
        """Make one."""
        assert_type(folder, Path)
        return OnlySync()


async def closing_of_stores() -> None:
    """Stores are async context managers, too."""
    async with SQLiteStore("visits.db") as file, RedisStore("redis://localhost") as server:
        assert_type(server, RedisStore)
        assert_type(await file.aload("key"), Remembered | None)


def every_store(path: os.PathLike[str]) -> None:
    """The package's stores serve both kinds of client; a foreign one the kind that it has the methods for."""
    for store in (MemoryStore(), SQLiteStore(path), SQLiteStore("visits.db", timeout=2), RedisStore()):
        EngagementClient(store=store).with_options(store=store)
        AsyncEngagementClient(store=store).with_options(store=store)
        sync_view: SessionStore = store
        async_view: AsyncSessionStore = store
        assert_type(sync_view.load("key"), Remembered | None)
        async_view.aload("key").close()
    EngagementClient(store=OnlySync())
    with SQLiteStore("visits.db") as file, RedisStore("rediss://h", prefix="shop:", time_to_live=60) as server:
        assert_type(server, RedisStore)
        assert_type(file.forget_older_than(3600), int)


def records(remembered: Remembered) -> None:
    """What a store keeps."""
    record, age, version = remembered
    assert_type(record, Record)
    assert_type(age, float)
    assert_type(version, object)
    assert_type((record.ids, record.engagement), tuple[VisitIds, str | None])
    assert_type(from_json(to_json(record)), Record | None)


def one_tree(visit: Visit) -> None:
    """What is caught has the attributes that its class promises."""
    try:
        visit.create_session({"appType": "EXTERNAL"})
    except InvalidRequest as error:
        assert_type((error.path, error.reason), tuple[str, str])
        as_value_error: ValueError = error
        raise as_value_error from None
    except (AccountLoading, ServerError, BadRequest, Unauthorized, NotFound) as error:
        api_error: ApiError = error
        assert_type(api_error.status_code, int)
    except ApiError as error:
        assert_type((error.internal_code, error.message, error.body), tuple[int | None, str | None, str])
        assert_type(error.response, Response)
    except InvalidResponse as error:
        assert_type((error.path, error.reason), tuple[str, str])
    except Timeout as error:
        connection_failed: ConnectionFailed = error
        assert_type(connection_failed.may_have_arrived, bool)
    except (DeadlineExceeded, DomainLookupFailed, StoreError) as error:
        engagement_error: EngagementError = error
        assert_type(engagement_error.attempts, int)
    except EngagementError as error:
        assert_type(error.attempts, int)
