"""RedisStore with clients of redis-py that its caller owns: Redis Cluster, Sentinel, and a plain server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
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
from redis_server import ASYNC, SYNC, RedisCluster, RedisSentinel, RedisServer, wait_until

RECORD = Record(VisitIds("visitor", "session", "page"))
KEYS = [f"shopper {number}" for number in range(30)]
"""So many that each node of a cluster has some."""
SYNC_CLUSTER: Any = redis.RedisCluster
ASYNC_CLUSTER: Any = redis.asyncio.RedisCluster

both = pytest.mark.backends("sync", "async")


def connect(backend: Backend, sandbox: Sandbox, client: Any) -> EngagementClient:
    """Make a client whose store uses a client of redis-py, which is closed at the end of the test."""
    backend.store(client)
    store = RedisStore(async_client=client) if backend.name == "async" else RedisStore(client=client)
    return backend.client(base_url=sandbox.url, store=store)


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
    kind = ASYNC_CLUSTER if backend.name == "async" else SYNC_CLUSTER
    return kind(host="127.0.0.1", port=cluster.nodes[0].port, **options)


def plain_client(backend: Backend, server: RedisServer, **options: Any) -> Any:
    """Make redis-py's client of a server."""
    return (ASYNC if backend.name == "async" else SYNC)(port=server.port, **options)


@both
def test_visits_are_kept_on_all_nodes_of_a_cluster(backend: Backend, cluster: RedisCluster, sandbox: Sandbox) -> None:
    """One visitor a key, whoever asks, and each visit goes its whole way."""
    client = connect(backend, sandbox, cluster_client(backend, cluster))
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


@both
@pytest.mark.parametrize("options", [{"decode_responses": True}, {"protocol": 3}, {"protocol": 2}])
def test_a_cluster_client_may_have_settings(
    backend: Backend, cluster: RedisCluster, sandbox: Sandbox, options: dict[str, Any]
) -> None:
    """Answers are read as bytes, whatever they say; keys are those of all nodes."""
    visit = connect(backend, sandbox, cluster_client(backend, cluster, **options)).visit("shopper")
    assert visit.create_session(BODY).visitor_id == visit.create_session(BODY).visitor_id
    with SYNC_CLUSTER(host="127.0.0.1", port=cluster.nodes[0].port, **options) as client:
        store = RedisStore(client=client)
        for key in (*KEYS, "\ud800"):
            store.compare_and_set(key, None, RECORD)
        assert sorted(store.keys()) == sorted(["demo:shopper", *KEYS, "\ud800"])
        assert repr(RedisStore(client=client, async_client=ASYNC())).startswith(
            "<RedisStore RedisCluster and async Redis "
        )


@both
def test_a_cluster_that_is_gone_is_a_store_error(backend: Backend, cluster: RedisCluster, sandbox: Sandbox) -> None:
    """Nothing is sent then, and what redis-py raises is the cause; when it is back all works."""
    client = cluster_client(backend, cluster, retry=once(backend), socket_timeout=5)
    visit = connect(backend, sandbox, client).visit("shopper")
    visit.create_session(BODY)
    cluster.kill()
    for _ in range(3):
        with pytest.raises(StoreError, match="failed"):
            visit.create_session(BODY)
    assert len(sandbox.requests) == 1
    cluster.start()
    cluster.wait()
    assert visit.create_session(BODY)


@both
@pytest.mark.parametrize("kind", ["server", "cluster"])
def test_an_answer_to_another_question_is_not_taken(
    backend: Backend, kind: str, sandbox: Sandbox, request: pytest.FixtureRequest
) -> None:
    """After one that was left unread StoreError says so, and the next question is asked on another connection."""
    place, is_async = request.getfixturevalue(kind), backend.name == "async"
    client = (plain_client if kind == "server" else cluster_client)(backend, place, protocol=3)
    visit = connect(backend, sandbox, client).visit("shopper")
    visit.create_session(BODY)
    if kind == "server":
        pool = client.connection_pool
    else:
        node = client.get_node_from_key("liveperson-engagement:visit:demo:shopper")
        pool = node if is_async else client.get_redis_connection(node).connection_pool
    is_node = is_async and kind == "cluster"
    connection = backend.wait((pool.acquire_connection if is_node else pool.get_connection)())
    backend.wait(connection.send_command("EVAL", "return {'nonce of another', 'another value', '1', 0}", 0))
    backend.wait(pool.release(connection))
    with pytest.raises(StoreError, match="an answer to another question"):
        visit.create_session(BODY)
    visit.create_session(BODY)
    assert len(sandbox.visitors) == 1


class TestRedisStoreOnACluster(StoreConformance):
    """What every store has to do, through redis-py's clients of a cluster."""

    @pytest.fixture(autouse=True)
    def _cluster(self, cluster: RedisCluster, loop: asyncio.AbstractEventLoop) -> None:
        self.place, self.running = {"host": "127.0.0.1", "port": cluster.nodes[0].port}, loop
        self.clients: dict[RedisStore, tuple[Any, Any]] = {}

    def make_store(self, folder: Path) -> RedisStore:
        """Share what is kept below one prefix."""
        client, async_client = SYNC_CLUSTER(**self.place), ASYNC_CLUSTER(**self.place)
        store = RedisStore(client=client, async_client=async_client, prefix=f"{folder.name}:")
        self.clients[store] = client, async_client
        store.load("key")  # connects: a client of a cluster has to ask around, and a test may give it half a second
        asyncio.run_coroutine_threadsafe(store.aload("key"), self.running).result()
        return store

    async def close_store(self, store: RedisStore) -> None:
        """Close the clients, which the store does not."""
        store.close()
        await store.aclose()
        client, async_client = self.clients.pop(store)
        client.close()
        await async_client.aclose()


# Sentinel


@both
def test_after_a_failover_all_works_again(backend: Backend, tmp_path: Path, sandbox: Sandbox) -> None:
    """A replica takes no visits until Sentinel has made it the master; nothing is sent before; then visits go on."""
    with (
        RedisServer(tmp_path / "master", repl_diskless_sync_delay="0") as master,
        RedisServer(tmp_path / "replica") as replica,
        RedisSentinel(tmp_path / "sentinel", master) as sentinel,
        master.client as raw,
        replica.client as other,
        sentinel.client as watcher,
    ):
        other.replicaof("127.0.0.1", master.port)
        wait_until(lambda: other.info("replication")["master_link_status"] == "up")
        on_replica = backend.client(base_url=sandbox.url, store=backend.store(RedisStore(replica.url)))
        with pytest.raises(StoreError, match=r"failed \(ReadOnlyError\)"):
            on_replica.visit("shopper").create_session(BODY)
        assert sandbox.requests == ()
        wait_until(lambda: len(watcher.sentinel_slaves("visits")) == 1)
        kind: Any = AsyncSentinel if backend.name == "async" else Sentinel
        found = kind([("127.0.0.1", sentinel.port)], socket_timeout=5)
        client = connect(backend, sandbox, found.master_for("visits", socket_timeout=5, retry=once(backend)))
        for each in found.sentinels:
            backend.store(each)
        first = client.visit("shopper").create_session(BODY)
        offsets = "slave_repl_offset", "master_repl_offset"
        wait_until(lambda: other.info("replication")[offsets[0]] == raw.info("replication")[offsets[1]])
        master.kill()
        with pytest.raises(StoreError, match="failed"):
            client.visit("stranger").create_session(BODY)

        def has_recovered() -> bool:
            try:
                return bool(client.visit("shopper").create_session(BODY).visitor_id)
            except StoreError:
                assert len(sandbox.requests) == 1
                return False

        wait_until(has_recovered, 120)
        assert other.info("replication")["role"] == "master"
        assert on_replica.visit("shopper").create_session(BODY).visitor_id == first.visitor_id
        assert [visitor.visitor_id for visitor in sandbox.visitors] == [first.visitor_id]


# Clients that are handed in


@both
def test_a_client_that_was_handed_in_stays_open(backend: Backend, server: RedisServer, sandbox: Sandbox) -> None:
    """Closing the store is not closing the client."""
    client = plain_client(backend, server)
    engagement_client = connect(backend, sandbox, client)
    first = engagement_client.visit("shopper").create_session(BODY)
    before = backend.wait(client.client_id())
    store: Any = engagement_client.store
    backend.wait((store.aclose if backend.name == "async" else store.close)())
    assert backend.wait(client.client_id()) == before
    assert engagement_client.visit("shopper").create_session(BODY).visitor_id == first.visitor_id
    assert repr(store) == "<RedisStore Redis liveperson-engagement:>"


def test_a_client_of_the_other_kind_has_to_be_given(server: RedisServer, sandbox: Sandbox) -> None:
    """Otherwise the error names the argument, and nothing is sent."""
    with server.client as client:
        store = RedisStore(client=client)
        for step in (store.aload("key"), store.aacquire("key", "a", 0, 1), store.acompare_and_set("key", None, RECORD)):
            with pytest.raises(InvalidRequest, match="async_client: is missing"):
                asyncio.run(step)
    store = RedisStore(async_client=server.async_client)
    with EngagementClient("demo", base_url=sandbox.url, store=store) as client:
        for ask in (lambda: store.load("key"), store.keys, lambda: client.visit("shopper").create_session(BODY)):
            with pytest.raises(InvalidRequest, match=r"^client: is missing"):
                ask()
    assert sandbox.requests == ()


WRONG: dict[str, tuple[Any, ...]] = {
    "client": ("redis://localhost", ASYNC(), redis.ConnectionPool(), 0, SYNC().pipeline()),
    "async_client": ("", SYNC(), ASYNC().pipeline()),
    "max_connections": (0, True, 1.5, None),
    "prefix": (None, b"shop:"),
    "time_to_live": (0,),
    "timeout": (0,),
}


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        *((path, {path: value}) for path, values in WRONG.items() for value in values),
        *(
            ("url", {"url": "redis://127.0.0.1", **client})
            for client in ({"client": SYNC()}, {"async_client": ASYNC()})
        ),
    ],
)
def test_a_wrong_argument_is_refused_at_once(path: str, arguments: dict[str, Any]) -> None:
    """The error names it."""
    with pytest.raises(InvalidRequest) as raised:
        RedisStore(**arguments)
    assert raised.value.path == path
