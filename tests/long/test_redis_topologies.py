"""RedisStore with clients of redis-py that its caller owns: Redis Cluster, Sentinel, and a plain server."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
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
from liveperson_engagement import EngagementClient, InvalidRequest, RedisStore, StoreError
from liveperson_engagement.sandbox import Sandbox
from redis_server import RedisServer, free_port
from stored import record
from waiting import until

KEYS = [f"shopper {number}" for number in range(30)]
"""So many that each node of a cluster has some."""
PLAIN: Any = redis.Redis, redis.asyncio.Redis
CLUSTER: Any = redis.RedisCluster, redis.asyncio.RedisCluster
(SYNC, ASYNC), (SYNC_CLUSTER, ASYNC_CLUSTER) = PLAIN, CLUSTER
Nodes = list[RedisServer]

both = pytest.mark.backends("sync", "async")


def connect(backend: Backend, sandbox: Sandbox, client: Any) -> EngagementClient:
    """Make a client whose store uses a client of redis-py, which is closed at the end of the test."""
    backend.store(client)
    store = RedisStore(async_client=client) if backend.name == "async" else RedisStore(client=client)
    return backend.client(base_url=sandbox.url, store=store)


def redis_client(backend: Backend, kinds: Any, server: RedisServer, **options: Any) -> Any:
    """Make redis-py's client of a server, or of the cluster that it is in."""
    return kinds[backend.name == "async"](host="127.0.0.1", port=server.port, **options)


def once(backend: Backend) -> Any:
    """Have redis-py try nothing again."""
    return AsyncRetry(NoBackoff(), 0) if backend.name == "async" else Retry(NoBackoff(), 0)


# Redis Cluster


@pytest.fixture(scope="module")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Run one cluster for this module: three masters that share all keys."""
    folder, more = tmp_path_factory.mktemp("cluster"), {"cluster_enabled": "yes"}
    nodes = [RedisServer(folder / str(number), cluster_port=str(free_port()), **more) for number in range(3)]
    with ExitStack() as stack:
        places = [f"127.0.0.1:{stack.enter_context(node).port}" for node in nodes]
        create = ["redis-cli", "--cluster", "create", *places, "--cluster-yes"]
        subprocess.run(create, check=True, capture_output=True, timeout=60)
        wait_for_order(nodes)
        yield nodes


def wait_for_order(nodes: Nodes) -> None:
    """Wait until all nodes find the cluster in order."""
    for node in nodes:
        with node.client as client:
            until(lambda client=client: client.cluster("info")["cluster_state"] == "ok")  # type: ignore[misc]


@pytest.fixture
def cluster(running_cluster: Nodes) -> Nodes:
    """Give a cluster that knows nothing yet, no scripts either."""
    for node in running_cluster:
        with node.client as client:
            client.flushall()
            client.script_flush()
    return running_cluster


@both
@pytest.mark.parametrize("options", [{}, {"protocol": 3, "decode_responses": True}, {"protocol": 2}])
def test_visits_are_kept_on_all_nodes_of_a_cluster(
    backend: Backend, cluster: Nodes, sandbox: Sandbox, options: dict[str, Any]
) -> None:
    """One visitor a key, whoever asks, and each visit goes its whole way; answers are read as bytes."""
    client = connect(backend, sandbox, redis_client(backend, CLUSTER, cluster[0], **options))
    visitors = {key: client.visit(key).create_session(BODY).visitor_id for key in KEYS}
    assert {key: client.visit(key).create_session(BODY).visitor_id for key in KEYS} == visitors
    assert len(sandbox.visitors) == len({*visitors.values()}) == len(KEYS)
    visit = client.visit(KEYS[0])
    assert visit.engagement(BODY).visitor_id == visitors[KEYS[0]]
    visit.report_impressions("impDisplay")
    visit.forget()
    assert client.visit(KEYS[0]).ids is None
    for node in cluster:
        with node.client as raw:
            assert raw.dbsize() > 0
    with SYNC_CLUSTER(host="127.0.0.1", port=cluster[0].port, **options) as other:
        store = RedisStore(client=other, async_client=ASYNC())
        store.compare_and_set("\ud800", None, record())
        assert sorted(store.keys()) == sorted(["\ud800", *(f"demo:{key}" for key in KEYS[1:])])
        assert repr(store) == "<RedisStore RedisCluster and async Redis liveperson-engagement:>"


@both
def test_a_cluster_that_is_gone_is_a_store_error(backend: Backend, cluster: Nodes, sandbox: Sandbox) -> None:
    """Nothing is sent then, and what redis-py raises is the cause; when it is back all works."""
    client = redis_client(backend, CLUSTER, cluster[0], retry=once(backend), socket_timeout=5)
    visit = connect(backend, sandbox, client).visit("shopper")
    visit.create_session(BODY)
    for node in cluster:
        node.stop()
    for _ in range(3):
        with pytest.raises(StoreError, match="failed"):
            visit.create_session(BODY)
    assert len(sandbox.requests) == 1
    for node in cluster:
        node.start()
    wait_for_order(cluster)
    assert visit.create_session(BODY)


@both
def test_an_answer_to_another_question_is_not_taken(backend: Backend, server: RedisServer, sandbox: Sandbox) -> None:
    """After one that was left unread StoreError says so, and the next question is asked on another connection."""
    client = redis_client(backend, PLAIN, server, protocol=3)
    visit = connect(backend, sandbox, client).visit("shopper")
    visit.create_session(BODY)
    connection = backend.wait(client.connection_pool.get_connection())
    backend.wait(connection.send_command("EVAL", "return {'nonce of another', 'another value', '1', 0}", 0))
    backend.wait(client.connection_pool.release(connection))
    with pytest.raises(StoreError, match="an answer to another question"):
        visit.create_session(BODY)
    visit.create_session(BODY)
    assert len(sandbox.visitors) == 1


# Replicas and Sentinel


def watch(folder: Path, master: RedisServer) -> RedisServer:
    """Make a Sentinel that puts a replica in the place of a server, "visits", soon after it has gone."""
    sentinel, settings = RedisServer(folder), folder / "sentinel.conf"
    settings.write_text(
        f"port {sentinel.port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor visits 127.0.0.1 {master.port} 1\n"
        "sentinel down-after-milliseconds visits 500\nsentinel failover-timeout visits 2000\n"
    )
    sentinel.command = [sentinel.command[0], str(settings), "--sentinel"]
    return sentinel


@both
def test_after_a_failover_all_works_again(backend: Backend, sandbox: Sandbox, tmp_path: Path) -> None:
    """A replica takes no visits until Sentinel has made it the master; nothing is sent before; then visits go on."""
    with (
        RedisServer(tmp_path / "master", repl_diskless_sync_delay="0") as master,
        RedisServer(tmp_path / "replica") as replica,
        watch(tmp_path / "sentinel", master) as sentinel,
        master.client as raw,
        replica.client as other,
        sentinel.client as watcher,
    ):
        other.replicaof("127.0.0.1", master.port)
        until(lambda: other.info("replication")["master_link_status"] == "up")
        on_replica = backend.client(base_url=sandbox.url, store=backend.store(RedisStore(replica.url)))
        with pytest.raises(StoreError, match=r"failed \(ReadOnlyError\)"):
            on_replica.visit("shopper").create_session(BODY)
        assert sandbox.requests == ()
        until(lambda: len(watcher.sentinel_slaves("visits")) == 1)
        kind: Any = AsyncSentinel if backend.name == "async" else Sentinel
        found = kind([("127.0.0.1", sentinel.port)], socket_timeout=5)
        client = connect(backend, sandbox, found.master_for("visits", socket_timeout=5, retry=once(backend)))
        for each in found.sentinels:
            backend.store(each)
        first = client.visit("shopper").create_session(BODY)
        offsets = "slave_repl_offset", "master_repl_offset"
        until(lambda: other.info("replication")[offsets[0]] == raw.info("replication")[offsets[1]])
        master.stop()
        with pytest.raises(StoreError, match="failed"):
            client.visit("stranger").create_session(BODY)

        def has_recovered() -> bool:
            try:
                return bool(client.visit("shopper").create_session(BODY).visitor_id)
            except StoreError:
                assert len(sandbox.requests) == 1
                return False

        until(has_recovered, seconds=120)
        assert other.info("replication")["role"] == "master"
        assert on_replica.visit("shopper").create_session(BODY).visitor_id == first.visitor_id
        assert [visitor.visitor_id for visitor in sandbox.visitors] == [first.visitor_id]


# Clients that are handed in


@both
def test_a_client_that_was_handed_in_stays_open(backend: Backend, server: RedisServer, sandbox: Sandbox) -> None:
    """Closing the store is not closing the client."""
    client = redis_client(backend, PLAIN, server)
    engagement_client = connect(backend, sandbox, client)
    first = engagement_client.visit("shopper").create_session(BODY)
    before = backend.wait(client.client_id())
    store: Any = engagement_client.store
    backend.wait((store.aclose if backend.name == "async" else store.close)())
    assert backend.wait(client.client_id()) == before
    assert engagement_client.visit("shopper").create_session(BODY).visitor_id == first.visitor_id


def test_a_client_of_the_other_kind_has_to_be_given(server: RedisServer, sandbox: Sandbox) -> None:
    """Otherwise the error names the argument, and nothing is sent."""
    with server.client as raw, pytest.raises(InvalidRequest, match="async_client: is missing"):
        asyncio.run(RedisStore(client=raw).aload("key"))
    store = RedisStore(async_client=ASYNC())
    with EngagementClient("demo", base_url=sandbox.url, store=store) as client:
        for ask in (store.keys, lambda: client.visit("shopper").create_session(BODY)):
            with pytest.raises(InvalidRequest, match=r"^client: is missing"):
                ask()
    assert sandbox.requests == ()


def test_a_wrong_argument_is_refused_at_once() -> None:
    """The error names it; so does that of a URL beside a client."""
    wrong: dict[str, list[Any]] = {
        "client": ["redis://localhost", ASYNC(), SYNC().pipeline()],
        "async_client": ["", SYNC(), ASYNC().pipeline()],
        "max_connections": [0, True, None],
        **{"prefix": [None], "time_to_live": [0], "timeout": [0]},
    }
    for path, values in wrong.items():
        for value in values:
            with pytest.raises(InvalidRequest, match=f"^{path}: "):
                RedisStore(**{path: value})
    with pytest.raises(InvalidRequest, match=r"^url: must not"):
        RedisStore("redis://127.0.0.1", client=SYNC())
