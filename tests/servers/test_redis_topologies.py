"""RedisStore with clients of redis-py that its caller owns: Redis Cluster, Sentinel, and a plain server."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from conftest import BODY, Backend
from liveperson_engagement import EngagementClient, InvalidRequest, RedisStore, StoreError, VisitIds
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.stores import Record
from liveperson_engagement.stores.conformance import StoreConformance
from redis_server import RedisCluster, RedisSentinel, RedisServer, wait_until

RECORD = Record(VisitIds("visitor", "session", "page"))
KEYS = [f"shopper {number}" for number in range(30)]
"""So many that each node of a cluster has some."""


def with_client(backend: Backend, client: Any) -> RedisStore:
    """Make a store that uses a client, which is closed at the end of the test."""
    backend.store(client)
    return RedisStore(async_client=client) if backend.name == "async" else RedisStore(client=client)


def once(backend: Backend) -> Any:
    """Have redis-py try nothing again."""
    return AsyncRetry(NoBackoff(), 0) if backend.name == "async" else Retry(NoBackoff(), 0)


# Redis Cluster


@pytest.fixture(scope="module")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """Run one cluster for this module."""
    with RedisCluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def cluster(running_cluster: RedisCluster) -> RedisCluster:
    """Give a cluster that knows nothing yet, no scripts either."""
    for node in running_cluster.nodes:
        with node.client as client:
            client.flushall()
            client.script_flush()
    return running_cluster


def cluster_client(backend: Backend, cluster: RedisCluster, **options: Any) -> Any:
    """Make redis-py's client of a cluster."""
    kind = redis.asyncio.RedisCluster if backend.name == "async" else redis.RedisCluster
    return kind(host="127.0.0.1", port=cluster.nodes[0].port, **options)


def test_visits_are_kept_on_all_nodes_of_a_cluster(backend: Backend, cluster: RedisCluster, sandbox: Sandbox) -> None:
    """One visitor a key, whoever asks, and each visit goes its whole way."""
    store = with_client(backend, cluster_client(backend, cluster))
    client = backend.client(base_url=sandbox.url, store=store)
    visitors = {key: client.visit(key).create_session(BODY).visitor_id for key in KEYS}
    assert {key: client.visit(key).create_session(BODY).visitor_id for key in KEYS} == visitors
    assert len(sandbox.visitors) == len({*visitors.values()}) == len(KEYS)
    visit = client.visit(KEYS[0])
    assert visit.engagement(BODY).visitor_id == visitors[KEYS[0]]
    visit.update_session({"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]})
    visit.report_impressions("impDisplay")
    visit.forget()
    assert client.visit(KEYS[0]).ids is None
    for node in cluster.nodes:
        with node.client as raw:
            assert raw.dbsize() > 0


@pytest.mark.parametrize("options", [{"decode_responses": True}, {"protocol": 3}, {"protocol": 2}])
def test_a_cluster_client_may_have_settings(
    backend: Backend, cluster: RedisCluster, sandbox: Sandbox, options: dict[str, Any]
) -> None:
    """Answers are read as bytes, whatever they say."""
    store = with_client(backend, cluster_client(backend, cluster, **options))
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    assert visit.create_session(BODY).visitor_id == visit.create_session(BODY).visitor_id
    if backend.name == "sync":
        assert store.keys() == ["demo:shopper"]


def test_keys_are_those_of_all_nodes(cluster: RedisCluster) -> None:
    """A cluster's client scans each of them."""
    with redis.RedisCluster(host="127.0.0.1", port=cluster.nodes[0].port) as client:
        store = RedisStore(client=client)
        for key in (*KEYS, "\ud800"):
            store.compare_and_set(key, None, RECORD)
        assert sorted(store.keys()) == sorted((*KEYS, "\ud800"))


def test_a_cluster_that_is_gone_is_a_store_error(backend: Backend, tmp_path: Path, sandbox: Sandbox) -> None:
    """Nothing is sent then, and what redis-py raises is the cause."""
    with RedisCluster(tmp_path) as cluster:
        client = cluster_client(backend, cluster, retry=once(backend), socket_timeout=0.5)
        visit = backend.client(base_url=sandbox.url, store=with_client(backend, client)).visit("shopper")
        first = visit.create_session(BODY)
        sent = sandbox.requests
        for node in cluster.nodes:
            node.kill()
        for _ in range(3):
            with pytest.raises(StoreError, match="failed"):
                visit.create_session(BODY)
        assert sandbox.requests == sent
        assert first.visitor_id == sandbox.visitors[0].visitor_id


OTHER_ANSWER = "EVAL", "return {'nonce of another', 'another value', '1', 0}", 0


def test_a_cluster_gives_no_answer_to_another_question(cluster: RedisCluster) -> None:
    """After one that was left unread StoreError says so, and the next question is asked on another connection."""
    name = "liveperson-engagement:visit:key"
    kind: Any = redis.RedisCluster
    with kind(host="127.0.0.1", port=cluster.nodes[0].port, protocol=3) as client:
        store = RedisStore(client=client)
        assert store.compare_and_set("key", None, RECORD)
        pool = client.get_redis_connection(client.get_node_from_key(name)).connection_pool
        connection = pool.get_connection()
        connection.send_command(*OTHER_ANSWER)
        pool.release(connection)
        with pytest.raises(StoreError, match="an answer to another question"):
            store.load("key")
        found = store.load("key")
        assert found
        assert found.record == RECORD

    async def main() -> None:
        kind: Any = redis.asyncio.RedisCluster
        async with kind(host="127.0.0.1", port=cluster.nodes[0].port) as client:
            store = RedisStore(async_client=client)
            assert await store.aload("key")
            node = client.get_node_from_key(name)
            connection = node.acquire_connection()
            await connection.send_command(*OTHER_ANSWER)
            node.release(connection)
            with pytest.raises(StoreError, match="an answer to another question"):
                await store.aload("key")
            found = await store.aload("key")
            assert found
            assert found.record == RECORD

    asyncio.run(main())


class TestRedisStoreOnACluster(StoreConformance):
    """What every store has to do, through redis-py's clients of a cluster."""

    @pytest.fixture(autouse=True)
    def _cluster(self, cluster: RedisCluster) -> None:
        self.port = cluster.nodes[0].port
        self.clients: dict[RedisStore, tuple[Any, Any]] = {}

    @pytest.fixture(autouse=True)
    def _connected(self, request: pytest.FixtureRequest, _cluster: None) -> None:
        """Connect first: a client of a cluster has to ask around, and a test may give it half a second."""
        for name in {"store", "together"} & {*request.fixturenames}:
            found: Any = request.getfixturevalue(name)
            stores: list[Any] = [found] if name == "store" else found
            for each in stores:
                each.load("key")

    def make_store(self, folder: Path) -> RedisStore:
        """Share what is kept below one prefix."""
        client = redis.RedisCluster(host="127.0.0.1", port=self.port)
        async_client = redis.asyncio.RedisCluster(host="127.0.0.1", port=self.port)
        store = RedisStore(client=client, async_client=async_client, prefix=f"{folder.name}:")
        self.clients[store] = client, async_client
        return store

    async def close_store(self, store: RedisStore) -> None:
        """Close the clients, which the store does not."""
        store.close()
        await store.aclose()
        client, async_client = self.clients.pop(store)
        client.close()
        await async_client.aclose()


# Sentinel


@contextmanager
def replica_of(master: RedisServer, folder: Path) -> Generator[RedisServer]:
    """Run a replica that has all that its master has."""
    with RedisServer(folder) as replica, replica.client as raw:
        raw.replicaof("127.0.0.1", master.port)
        wait_until(lambda: raw.info("replication")["master_link_status"] == "up")
        yield replica


def test_after_a_failover_all_works_again(backend: Backend, tmp_path: Path, sandbox: Sandbox) -> None:
    """No visitor is made before Sentinel has found another master; then the visit goes on."""
    with (
        RedisServer(tmp_path / "master", repl_diskless_sync_delay="0") as master,
        replica_of(master, tmp_path / "replica") as replica,
        RedisSentinel(tmp_path / "sentinel", master) as sentinel,
        master.client as raw,
        replica.client as other,
        sentinel.client as watcher,
    ):
        wait_until(lambda: len(watcher.sentinel_slaves("visits")) == 1)
        places = [("127.0.0.1", sentinel.port)]
        kind: Any = AsyncSentinel if backend.name == "async" else Sentinel
        found = kind(places, socket_timeout=1)
        client = found.master_for("visits", socket_timeout=1, retry=once(backend))
        for each in found.sentinels:
            backend.store(each)
        engagement_client = backend.client(base_url=sandbox.url, store=with_client(backend, client))
        first = engagement_client.visit("shopper").create_session(BODY)
        wait_until(
            lambda: other.info("replication")["slave_repl_offset"] == raw.info("replication")["master_repl_offset"]
        )
        sent = sandbox.requests
        master.kill()
        with pytest.raises(StoreError, match="failed"):
            engagement_client.visit("stranger").create_session(BODY)
        assert sandbox.requests == sent

        def has_recovered() -> bool:
            try:
                return bool(engagement_client.visit("shopper").create_session(BODY).visitor_id)
            except StoreError:
                assert sandbox.requests == sent
                return False

        wait_until(has_recovered, 60)
        assert other.info("replication")["role"] == "master"
        assert [visitor.visitor_id for visitor in sandbox.visitors] == [first.visitor_id]


def test_a_read_only_replica_is_a_store_error(backend: Backend, tmp_path: Path, sandbox: Sandbox) -> None:
    """Nobody can hold a key there; when it has become a master, all works."""
    with (
        RedisServer(tmp_path / "master", repl_diskless_sync_delay="0") as master,
        replica_of(master, tmp_path / "replica") as replica,
        replica.client as raw,
    ):
        client = backend.client(base_url=sandbox.url, store=backend.store(RedisStore(replica.url)))
        with pytest.raises(StoreError, match=r"failed \(ReadOnlyError\)"):
            client.visit("shopper").create_session(BODY)
        assert sandbox.requests == ()
        raw.replicaof("NO", "ONE")
        assert client.visit("shopper").create_session(BODY).visitor_id
        assert len(sandbox.visitors) == 1


# Clients that are handed in


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a server."""
    with RedisServer(tmp_path, password="s3cret") as server:  # noqa: S106
        yield server


def test_a_client_that_was_handed_in_stays_open(server: RedisServer) -> None:
    """Closing the store is not closing the client."""
    with server.client as client:
        with RedisStore(client=client, prefix="shop:") as store:
            store.compare_and_set("key", None, RECORD)
        connections = client.connection_pool.connection_kwargs
        assert connections["port"] == server.port
        before = client.client_id()
        store.close()
        assert client.client_id() == before
        assert store.keys() == ["key"]


def test_an_async_client_that_was_handed_in_stays_open(server: RedisServer) -> None:
    """Closing the store is not closing the client."""

    async def main() -> None:
        async with server.async_client as client:
            before = await client.client_id()
            async with RedisStore(async_client=client) as store:
                assert await store.acompare_and_set("key", None, RECORD)
            assert await client.client_id() == before
            found = await store.aload("key")
            assert found
            assert found.record == RECORD

    asyncio.run(main())


def test_a_client_of_the_other_kind_has_to_be_given(server: RedisServer, sandbox: Sandbox) -> None:
    """Otherwise the error names the argument, and nothing is sent."""
    with server.client as client:
        store = RedisStore(client=client)
        for step in (
            store.aload("key"),
            store.aacquire("key", "token", 0, 1),
            store.acompare_and_set("key", None, RECORD),
        ):
            with pytest.raises(InvalidRequest, match="async_client: is missing"):
                asyncio.run(step)
    store = RedisStore(async_client=server.async_client)
    with pytest.raises(InvalidRequest, match=r"^client: is missing"):
        store.load("key")
    with pytest.raises(InvalidRequest, match=r"^client: is missing"):
        store.keys()
    with (
        EngagementClient("demo", base_url=sandbox.url, store=store) as engagement_client,
        pytest.raises(InvalidRequest, match=r"^client: is missing"),
    ):
        engagement_client.visit("shopper").create_session(BODY)
    assert sandbox.requests == ()


def pipeline(client: Any) -> Any:
    """Make what only collects what it is asked."""
    return client.pipeline()


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"client": "redis://localhost"}, "client"),
        ({"client": redis.asyncio.Redis()}, "client"),
        ({"client": redis.ConnectionPool()}, "client"),
        ({"client": 0}, "client"),
        ({"client": pipeline(redis.Redis())}, "client"),
        ({"async_client": pipeline(redis.asyncio.Redis())}, "async_client"),
        ({"async_client": redis.Redis()}, "async_client"),
        ({"async_client": ""}, "async_client"),
        ({"url": "redis://127.0.0.1", "client": redis.Redis()}, "url"),
        ({"url": "redis://127.0.0.1", "async_client": redis.asyncio.Redis()}, "url"),
        ({"client": redis.Redis(), "max_connections": 0}, "max_connections"),
        ({"max_connections": True}, "max_connections"),
        ({"max_connections": 1.5}, "max_connections"),
        ({"max_connections": None}, "max_connections"),
        ({"prefix": None}, "prefix"),
        ({"prefix": b"shop:"}, "prefix"),
    ],
)
def test_a_wrong_argument_is_refused_at_once(arguments: dict[str, Any], path: str) -> None:
    """The error names it."""
    with pytest.raises(InvalidRequest) as raised:
        RedisStore(**arguments)
    assert raised.value.path == path


def test_a_client_is_shown_without_its_password(server: RedisServer, cluster: RedisCluster) -> None:
    """By its kind."""
    with server.client as one, redis.RedisCluster(host="127.0.0.1", port=cluster.nodes[0].port) as two:
        async_client = server.async_client
        assert repr(RedisStore(client=one)) == "<RedisStore Redis liveperson-engagement:>"
        assert repr(RedisStore(client=two, async_client=async_client, prefix="shop:")) == (
            "<RedisStore RedisCluster and async Redis shop:>"
        )
