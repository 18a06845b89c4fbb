"""Visits remembered in Redis (6 or later) or Valkey, for the processes of several machines."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import math
import re
import secrets
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from queue import Full, SimpleQueue
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, urlsplit

from ..errors import InvalidRequest, StoreError, check_count, check_seconds
from . import UNREADABLE, Record, Remembered, age, check_time_to_live, from_json, logger, to_json
from .leased import LeasedStore

try:
    import redis
    import redis.asyncio
    from redis.asyncio.client import Pipeline as AsyncPipeline
    from redis.asyncio.retry import Retry as AsyncRetry
    from redis.backoff import NoBackoff
    from redis.client import NEVER_DECODE, Pipeline
    from redis.cluster import ClusterPipeline
    from redis.exceptions import NoScriptError, RedisClusterException
    from redis.retry import Retry
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "redis":
        raise
    raise ImportError("RedisStore needs one more package: pip install 'liveperson-engagement[redis]'") from error

T = TypeVar("T")

_nonces = itertools.count(1)

DEFAULT_URL = "redis://localhost:6379/0"
ONCE_MORE: Any = NoBackoff(), 1, (redis.ConnectionError,)
"""A connection may have been closed since it was used last; nothing else is tried again."""
FAILURES = redis.RedisError, RedisClusterException, ValueError
"""What redis-py raises where Redis fails: the second is no kind of the first; the last is for answers of no Redis."""
SYNC = redis.Redis, redis.RedisCluster
ASYNC = redis.asyncio.Redis, redis.asyncio.RedisCluster
PIPELINES = Pipeline, ClusterPipeline, AsyncPipeline
"""Kinds of clients that only collect what they are asked."""
RAW: Any = {NEVER_DECODE: True}
"""Gives answers as bytes, whatever `decode_responses` says."""
SKEW = 10_000_000
"""Microseconds that the clocks of two machines may differ."""
DAY = 24 * 3600
"""Seconds that a lease lasts at most: a lock that would last longer is not ours."""
MOMENT = 0.5
"""Seconds that an async step has at least, so that the last look at a lock is not taken for an outage."""


class _Script(NamedTuple):
    """Something that Redis does in one step, by its text and by the digest that stands for it."""

    text: bytes
    digest: bytes


def _script(text: str) -> _Script:
    whole = (COMMON + text).encode()
    return _Script(whole, hashlib.sha1(whole, usedforsecurity=False).hexdigest().encode())


# A value is "<version> <Redis's clock> <the saving host's clock> <record>", clocks in microseconds since 1970. What
# comes before the first space is its version, whatever it is; later releases have to keep to this.
# A script returns its first argument first, by which an answer is known to be the one to this question.
COMMON = """
local function text_of(key) -- false where there is none, or one that is too long to be ours
    if redis.call('TYPE', key).ok ~= 'string' or redis.call('STRLEN', key) > 8388608 then return false end
    return redis.call('GET', key)
end
local function clock()
    local now = redis.call('TIME')
    return now[1] .. string.format('%06d', now[2])
end
"""
LOAD = _script("""
local text, dropped = text_of(KEYS[1]), 0
if not text and redis.call('EXISTS', KEYS[1]) == 1 then dropped = redis.call('UNLINK', KEYS[1]) end
return {ARGV[1], text, clock(), dropped}
""")
REPLACE = _script("""
local nonce, expected, version, host_clock, ttl, record = unpack(ARGV)
local found = string.match(text_of(KEYS[1]) or '', '^[^ ]*')
if found == version then return {nonce, 1} end -- asked again, as the first answer was lost
if found ~= expected then return {nonce, 0} end
if record == '' then
    redis.call('UNLINK', KEYS[1])
    return {nonce, 1}
end
redis.call('SET', KEYS[1], table.concat({version, clock(), host_clock, record}, ' '))
if ttl ~= '0' then redis.call('PEXPIRE', KEYS[1], ttl) end
return {nonce, 1}
""")
# The lock of a key holds its holder's token. A question that is asked again, as its answer was lost, changes nothing.
TAKE = _script(f"""
local holder, left = text_of(KEYS[1]), redis.call('PTTL', KEYS[1])
local damaged = left ~= -2 and (not holder or left == -1 or left > {DAY * 1000})
if holder and not damaged and holder ~= ARGV[2] then return {{ARGV[1], 0, 0}} end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {{ARGV[1], 1, damaged and 1 or 0}}
""")
KEEP = _script("""
if text_of(KEYS[1]) ~= ARGV[2] then return {ARGV[1], 0} end
return {ARGV[1], redis.call('PEXPIRE', KEYS[1], ARGV[3])}
""")
FREE = _script("""
if text_of(KEYS[1]) ~= ARGV[2] then return {ARGV[1], 0} end
return {ARGV[1], redis.call('UNLINK', KEYS[1])}
""")


class RedisStore(LeasedStore):
    """Remembers visits in Redis or Valkey. Threads, event loops, forks and clients of both kinds may share it.

    - `url`: `redis://[[user]:password@]host[:port][/number]`, `rediss://…` for TLS, or `unix://…`; settings of redis-py
      may follow as a query, such as `?ssl_ca_certs=…`.
    - `client`, `async_client`: redis-py's `Redis` or `RedisCluster`, and those of `redis.asyncio`, to use instead of a
      URL: for Redis Cluster, or for Sentinel (`Sentinel(...).master_for(...)`). The store uses them with whatever
      timeouts they have, and never closes them. An async client belongs to one event loop.
    - `prefix`: what the names of all keys begin with.
    - `time_to_live`: seconds after which a visit that is not saved again is forgotten; default: never.
    - `timeout`: seconds that each wait may take: for one of the connections, for connecting, for an answer. It bounds
      sync steps; async steps end earlier where the call has less time left, but have half a second at least.
    - `max_connections`: how many connections threads, and each event loop, may have open; who finds none waits.

    A record is as old as Redis's own clock says, or older if the hosts' clocks say so. It is too old for anything if
    Redis's clock has gone backwards, or if the host that loads is more than 10 seconds behind the one that saved: less
    than that is a difference between two machines, and Redis's word counts.

    A failover may lose the last moments: two callers may then both start a visit, and the one that is saved last stays.
    What cannot be read counts as nothing, and a warning is logged. A lock lasts for a day at most.
    `close` or `with` closes the connections; so does `aclose` or `async with` for those of an event loop.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        client: redis.Redis | redis.RedisCluster | None = None,
        async_client: redis.asyncio.Redis | redis.asyncio.RedisCluster | None = None,
        prefix: str = "liveperson-engagement:",
        time_to_live: float | None = None,
        timeout: float = 5.0,
        max_connections: int = 50,
    ) -> None:
        super().__init__()
        check_seconds("timeout", timeout, least=0.001)
        seconds = check_time_to_live(time_to_live)
        check_count("max_connections", max_connections)
        _check("prefix", _is_a(prefix, str), "text")
        _check("client", client is None or _is_a(client, *SYNC), "a Redis or RedisCluster of redis-py")
        _check("async_client", async_client is None or _is_a(async_client, *ASYNC), "one of redis.asyncio")
        self._prefix, self._time_to_live = prefix, 0 if seconds == math.inf else round(seconds * 1000)
        self._client: Any = client
        self._async_client: Any = async_client
        self._is_own = client is None and async_client is None
        self._of_loops: dict[asyncio.AbstractEventLoop, _OfLoop] = {}
        self._url = url
        self._options: dict[str, Any] = {
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            "timeout": timeout,
            "max_connections": max_connections,
            "protocol": 2,  # of redis-py's two, the one that looks for unread answers before it asks
        }
        if self._is_own:
            _check_url(url, self._pool, self._async_pool)
        elif url != DEFAULT_URL:
            raise InvalidRequest("url", "must not be given beside a client")

    def __repr__(self) -> str:
        """Name the place, without user and password."""
        if self._is_own:
            place = self._pool().connection_kwargs
            host = place.get("path") or f"{place.get('host', 'localhost')}:{place.get('port', 6379)}"
            return f"<RedisStore {host}/{place.get('db', 0)} {self._prefix}>"
        kinds = [type(each).__name__ for each in (self._client, self._async_client) if each is not None]
        return f"<RedisStore {' and async '.join(kinds)} {self._prefix}>"

    def load(self, key: str, timeout: float | None = None) -> Remembered | None:  # noqa: ARG002
        """Return what was saved last."""
        name = self._name("visit", key)
        found = _Found(*self._ask(LOAD, name))
        if found.is_unreadable:
            self._ask(REPLACE, name, *self._change(None, found.version))
        return found.remembered

    def compare_and_set(
        self,
        key: str,
        expected: object | None,
        record: Record | None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> object | None:
        """Save or forget, unless the key has changed."""
        change = self._change(record, expected)
        return change[1] if self._ask(REPLACE, self._name("visit", key), *change)[0] else None

    def keys(self) -> list[str]:
        """Return the keys of which something is kept, in no order; this looks through the whole database."""
        start = self._name("visit", "")
        pattern = re.sub(rb"([*?\[\]\\])", rb"\\\1", start) + b"*"

        def scan(client: Any) -> list[bytes]:
            return [*client.scan_iter(match=pattern, count=1000, **RAW)]

        found: set[str] = set()
        for name in self._use(scan):
            try:
                found.add(name.removeprefix(start).decode(errors="surrogatepass"))
            except UnicodeDecodeError:  # no key of ours
                continue
        return [*found]

    def close(self) -> None:
        """Close the connections of threads; they open again when they are needed."""
        if self._is_own:
            client, self._client = self._client, None
            if client:
                client.close()

    async def aload(self, key: str, timeout: float | None = None) -> Remembered | None:
        """Return what was saved last."""
        name = self._name("visit", key)
        found = _Found(*await self._aask(timeout, LOAD, name))
        if found.is_unreadable:
            await self._aask(timeout, REPLACE, name, *self._change(None, found.version))
        return found.remembered

    async def acompare_and_set(
        self, key: str, expected: object | None, record: Record | None, timeout: float | None = None
    ) -> object | None:
        """Save or forget, unless the key has changed."""
        change = self._change(record, expected)
        return change[1] if (await self._aask(timeout, REPLACE, self._name("visit", key), *change))[0] else None

    async def aclose(self) -> None:
        """Close the connections of the running event loop; they open again when they are needed."""
        of_loop = self._of_loops.pop(asyncio.get_running_loop(), None)
        if of_loop is None:
            return
        try:
            if of_loop.running:  # nobody waits for the answers any more
                await asyncio.wait([*of_loop.running.values()])
        finally:
            if self._is_own:
                await of_loop.client.aclose()

    def _take(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:  # noqa: ARG002
        return _taken(*self._ask(TAKE, self._name("lock", key), token.encode(), _milliseconds(ttl)))

    def _keep(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:  # noqa: ARG002
        return bool(self._ask(KEEP, self._name("lock", key), token.encode(), _milliseconds(ttl))[0])

    def _free(self, key: str, token: str, timeout: float | None) -> None:  # noqa: ARG002
        self._ask(FREE, self._name("lock", key), token.encode())

    async def _atake(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:
        lease = token.encode(), _milliseconds(ttl)
        return _taken(*await self._aask(timeout, TAKE, self._name("lock", key), *lease, turn=token))

    async def _akeep(self, key: str, token: str, ttl: float, timeout: float | None) -> bool:
        lease = token.encode(), _milliseconds(ttl)
        return bool((await self._aask(timeout, KEEP, self._name("lock", key), *lease, turn=token))[0])

    async def _afree(self, key: str, token: str, timeout: float | None) -> None:
        await self._aask(timeout, FREE, self._name("lock", key), token.encode(), turn=token)

    def _name(self, kind: str, key: str) -> bytes:
        return f"{self._prefix}{kind}:{key}".encode(errors="surrogatepass")

    def _change(self, record: Record | None, expected: object | None) -> tuple[bytes, bytes, int, int, bytes]:
        text = b"" if record is None else to_json(record).encode()
        before = expected if isinstance(expected, bytes) else b""
        return before, secrets.token_hex(8).encode(), time.time_ns() // 1000, self._time_to_live, text

    def _ask(self, script: _Script, name: bytes, *arguments: bytes | int) -> list[Any]:
        """Have Redis run a script on one key, and return what it returns."""
        nonce = _nonce()

        def ask(client: Any) -> Any:
            try:
                return client.execute_command("EVALSHA", script.digest, 1, name, nonce, *arguments, **RAW)
            except NoScriptError:  # after a restart, a flush or a failover
                return client.execute_command("EVAL", script.text, 1, name, nonce, *arguments, **RAW)

        answer = self._use(ask)
        if not _answers(nonce, answer):
            if self._is_own:
                self._client = None
            else:
                _disconnect(self._client)
            raise _mixed_up()
        return list(answer[1:])

    def _use(self, ask: Callable[[Any], T]) -> T:
        """Ask something of the client of threads; raise `StoreError` where that fails.

        After an exception of a signal handler a connection may be lost, or have an unread answer on it. A client of
        our own is then given up, and closes itself once no thread uses it any more. No call is made before that, as
        the next signal would be handled in it.
        """
        handled, client = sys.exception(), self._sync()
        try:
            return ask(client)
        except FAILURES as error:
            interruption = _interruption(error, handled)
            if interruption is None:
                raise StoreError(type(error).__name__) from error
        except BaseException as error:
            if self._is_own:
                self._client = None
            interruption = _interruption(error, handled)
            if interruption is None or interruption is error:
                raise
        if self._is_own:
            self._client = None
        raise interruption

    def _sync(self) -> Any:
        """Return the client of threads."""
        client = self._client
        if client is None:
            if not self._is_own:
                raise InvalidRequest("client", "is missing: only an async client was given")
            client = self._client = redis.Redis.from_pool(self._pool())
        return client

    async def _aask(
        self, timeout: float | None, script: _Script, name: bytes, *arguments: bytes | int, turn: str = ""
    ) -> list[Any]:
        """Do the same as a task. What has the same turn is asked one after the other, even if nobody waits any more.

        The question is a task of its own, which is not cancelled: redis-py then reads the answer and gives the
        connection back. Without a `timeout` it takes as long as redis-py allows.
        """
        handled, of_loop = sys.exception(), self._of_loop()
        nonce = _nonce()
        before = of_loop.running.get(turn)
        running = asyncio.ensure_future(_arun(of_loop.client, script, (1, name, nonce, *arguments), before))
        of_loop.add(turn or nonce.decode(), running)
        await asyncio.wait({running}, timeout=None if timeout is None else max(timeout, MOMENT))
        if not running.done():
            raise StoreError("TimeoutError") from TimeoutError("the call has no time left for the session store")
        try:
            answer = running.result()
        except FAILURES as error:
            interruption = _interruption(error, handled)
            if interruption is None:
                raise StoreError(type(error).__name__) from error
            raise interruption  # noqa: B904 - it has what it comes from
        if not _answers(nonce, answer):
            await _adisconnect(of_loop.client)
            raise _mixed_up()
        return list(answer[1:])

    def _of_loop(self) -> _OfLoop:
        """Return what the running event loop uses."""
        loop = asyncio.get_running_loop()
        # Weak references would not do: connections know their loop, so that each client keeps its own key alive.
        for ended in [each for each in [*self._of_loops] if each.is_closed()]:
            self._of_loops.pop(ended, None)
        of_loop = self._of_loops.get(loop)
        if of_loop is None:
            client = self._async_client
            if client is None:
                if not self._is_own:
                    raise InvalidRequest("async_client", "is missing: only a sync client was given")
                client = redis.asyncio.Redis.from_pool(self._async_pool())
            of_loop = self._of_loops[loop] = _OfLoop(client)
        return of_loop

    def _pool(self) -> Any:
        kind: Any = redis.BlockingConnectionPool
        return kind.from_url(self._url, retry=Retry(*ONCE_MORE), queue_class=_Stack, **self._options)

    def _async_pool(self) -> Any:
        kind: Any = redis.asyncio.BlockingConnectionPool
        return kind.from_url(self._url, retry=AsyncRetry(*ONCE_MORE), **self._options)


class _Stack:
    """What a pool keeps its connections in. `queue.LifoQueue` would stay locked if a signal handler raised in it."""

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._count: SimpleQueue[None] = SimpleQueue()
        self.queue: list[Any] = []

    def put_nowait(self, item: object) -> None:
        """Put something on top."""
        if len(self.queue) >= self._maxsize:
            raise Full
        self.queue.append(item)
        self._count.put(None)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take what is on top; raise `queue.Empty` if there is nothing in time."""
        self._count.get(block, timeout)
        return self.queue.pop()


@dataclass(slots=True, eq=False, repr=False)
class _OfLoop:
    """What one event loop uses: a client, and the questions that are not answered yet."""

    client: Any
    running: dict[str, asyncio.Future[Any]] = field(default_factory=dict[str, "asyncio.Future[Any]"])

    def add(self, turn: str, running: asyncio.Future[Any]) -> None:
        """Keep a question until it is answered."""
        self.running[turn] = running
        running.add_done_callback(partial(self._remove, turn))

    def _remove(self, turn: str, ended: asyncio.Future[Any]) -> None:
        if self.running.get(turn) is ended:
            del self.running[turn]
        if not ended.cancelled():
            ended.exception()  # else asyncio logs the failure of a question that nobody waits for any more


async def _arun(
    client: Any, script: _Script, arguments: tuple[bytes | int, ...], before: asyncio.Future[Any] | None
) -> Any:
    if before:
        await asyncio.wait({before})
    try:
        return await client.execute_command("EVALSHA", script.digest, *arguments, **RAW)
    except NoScriptError:
        return await client.execute_command("EVAL", script.text, *arguments, **RAW)


class _Found:
    """What a value says, read by the clocks of Redis and of this host."""

    def __init__(self, value: bytes | None, now: bytes, dropped: int) -> None:
        self.remembered: Remembered | None = None
        self.version, _, rest = (value or b"").partition(b" ")
        record = None
        try:
            saved, host, text = rest.split(b" ", 2)
            by_redis, by_hosts = (int(now) - int(saved)) / 1e6, (time.time_ns() // 1000 - int(host)) / 1e6
        except (ValueError, OverflowError):
            text, by_redis, by_hosts = b"", 0.0, 0.0
        if value is not None:
            record = from_json(text)  # which logs a warning if it cannot
        elif dropped:
            logger.warning(UNREADABLE)
        self.is_unreadable = value is not None and record is None
        if record:
            by_hosts = max(by_hosts, 0.0) if by_hosts >= -SKEW / 1e6 else by_hosts
            self.remembered = Remembered(record, age(by_redis, by_hosts), self.version)


def _taken(is_taken: int, was_damaged: int) -> bool:
    if was_damaged:
        logger.warning(UNREADABLE)
    return bool(is_taken)


def _milliseconds(ttl: float) -> int:
    return max(1, round(min(ttl, DAY) * 1000))


def _nonce() -> bytes:
    """Return what no other question of this process has had: connections are not shared with others."""
    return b"%x" % next(_nonces)


def _answers(nonce: bytes, answer: Any) -> bool:
    return isinstance(answer, list) and answer[:1] == [nonce]


def _mixed_up() -> StoreError:
    reason = "an answer to another question"
    error = StoreError(reason)
    error.__cause__ = redis.InvalidResponse(reason)
    return error


def _disconnect(client: Any) -> None:
    """Close connections that nobody uses: one of them has an answer on it that nobody has read."""
    is_cluster = _is_a(client, redis.RedisCluster)
    for node in [each.redis_connection for each in client.get_nodes()] if is_cluster else [client]:
        if node:  # has been used
            node.connection_pool.disconnect(inuse_connections=node.connection is not None)


async def _adisconnect(client: Any) -> None:
    """Do the same for an async client; of a cluster's, those in use too."""
    if _is_a(client, redis.asyncio.RedisCluster):
        for node in client.get_nodes():
            await node.disconnect()
    else:
        await client.connection_pool.disconnect(inuse_connections=client.connection is not None)


def _interruption(error: BaseException, handled: BaseException | None) -> BaseException | None:
    """Return the exception of a signal handler that an error stands for, if it stands for one.

    redis-py takes those that are kinds of OSError, such as TimeoutError, for a socket's. `handled` is the exception
    that was being handled before.
    """
    handlers = {getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()} - {None}
    each: BaseException | None = error
    while each is not None and each is not handled:
        if any(frame.f_code in handlers for frame, _ in traceback.walk_tb(each.__traceback__)):
            return each
        each = each.__context__
    return None


def _check(path: str, is_right: bool, what: str) -> None:
    if not is_right:
        raise InvalidRequest(path, f"must be {what}")


def _is_a(value: object, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, PIPELINES)


def _check_url(url: object, *pools: Callable[[], Any]) -> None:
    """Raise `InvalidRequest` unless the connections of both kinds of pools can be made, which connect later."""
    reason, settings = "must be like rediss://user:password@host:6379/0, with %.. for special characters", ""
    if isinstance(url, str):
        try:
            parts = urlsplit(url)
            settings = parts.query
            if "@" not in parts.path + parts.query + parts.fragment:  # else they hold a part of the password
                for pool in (make() for make in pools):
                    pool.connection_class(**pool.connection_kwargs)
                    pool.get_encoder().encode("")
                    str(pool.connection_kwargs.get("host", "")).encode("idna")
                return
        except TypeError as error:
            unknown = re.search(r"unexpected keyword argument '(\w{1,50})'", str(error))
            if unknown and unknown[1] in parse_qs(settings):
                reason = f"redis-py has no setting {unknown[1]}"
        except (
            ValueError,
            AttributeError,
            LookupError,
            NameError,
            redis.RedisError,
        ):  # NameError: redis-py 5, protocol
            pass
    raise InvalidRequest("url", reason)
