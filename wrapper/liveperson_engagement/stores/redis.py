"""Visits remembered in Redis (6 or later) or Valkey, for the processes of several machines."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from ..errors import InvalidRequest, check_seconds
from . import Record, Remembered, age, from_json, to_json
from .leased import LeasedStore

try:
    import redis
    import redis.asyncio
    from redis.asyncio.retry import Retry as AsyncRetry
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "redis":
        raise
    raise ImportError("RedisStore needs one more package: pip install 'liveperson-engagement[redis]'") from error

ONCE_MORE: Any = NoBackoff(), 1, (redis.ConnectionError,)
"""A connection may have been closed since it was used last; nothing else is tried again."""
SKEW = 10_000_000
"""Microseconds that the clocks of two machines may differ."""

# A value is "<version> <Redis's clock> <the saving host's clock> <record>", clocks in microseconds since 1970. What
# comes before the first space is its version, whatever it is; later releases have to keep to this.
LOAD = """
local now = redis.call('TIME')
return {redis.call('GET', KEYS[1]), now[1] .. string.format('%06d', now[2])}
"""
REPLACE = """
local after, version, host_clock, ttl, record = unpack(ARGV)
local found = string.match(redis.call('GET', KEYS[1]) or '', '^[^ ]*')
if found == version then return 1 end -- asked again, as the first answer was lost
if found ~= after then return 0 end
if record == '' then
    redis.call('DEL', KEYS[1])
    return 1
end
local now = redis.call('TIME')
local clock = now[1] .. string.format('%06d', now[2])
redis.call('SET', KEYS[1], table.concat({version, clock, host_clock, record}, ' '))
if ttl ~= '0' then redis.call('PEXPIRE', KEYS[1], ttl) end
return 1
"""
# The lock of a key holds its holder's token. A question that is asked again, as its answer was lost, changes nothing.
TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
KEEP = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
FREE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class RedisStore(LeasedStore):
    """Remembers visits in Redis or Valkey. Threads, event loops, forks and clients of both kinds may share it.

    - `url`: `redis://[[user]:password@]host[:port][/number]`, `rediss://…` for TLS, or `unix://…`; settings of redis-py
      may follow as a query, such as `?ssl_ca_certs=…`.
    - `prefix`: what the names of all keys begin with.
    - `ttl`: seconds after which a visit that is not saved again is forgotten; default: never.
    - `timeout`: seconds that connecting, and each wait for an answer, may take.

    A record is as old as Redis's own clock says, or older if the hosts' clocks say so. It is too old for anything if
    Redis's clock has gone backwards, or if the host that loads is more than 10 seconds behind the one that saved: less
    than that is a difference between two machines, and Redis's word counts.

    A failover may lose the last moments: two callers may then both start a visit, and the one that is saved last stays.
    `close` or `with` closes the connections; so does `aclose` or `async with` for those of an event loop.
    """

    def __init__(
        self,
        url: str = "redis://localhost:6379/0",
        *,
        prefix: str = "liveperson-engagement:",
        ttl: float | None = None,
        timeout: float = 5.0,
    ) -> None:
        super().__init__()
        check_seconds("timeout", timeout, least=0.001)
        if ttl is not None:
            check_seconds("ttl", ttl, least=0.001)
        self._url, self._prefix, self._ttl = url, prefix, 0 if ttl is None else round(ttl * 1000)
        self._options: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        self._client: redis.Redis = _opened(redis.Redis, url, retry=Retry(*ONCE_MORE), **self._options)
        self._of_loops: dict[asyncio.AbstractEventLoop, redis.asyncio.Redis] = {}
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        """Name the place, without user and password."""
        place = self._client.connection_pool.connection_kwargs
        host = place.get("path") or f"{place.get('host', 'localhost')}:{place.get('port', 6379)}"
        return f"<RedisStore {host}/{place.get('db', 0)} {self._prefix}>"

    def load(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        name = self._name("visit", key)
        found = _Found(*self._client.register_script(LOAD)([name]))
        if found.corrupt:
            self._client.register_script(REPLACE)([name], self._change(None, found.version))
        return found.remembered

    def compare_and_set(self, key: str, expected: object | None, record: Record | None) -> object | None:
        """Save or forget, unless the key has changed."""
        change = self._change(record, expected)
        return change[1] if self._client.register_script(REPLACE)([self._name("visit", key)], change) else None

    def close(self) -> None:
        """Close the connections of threads; they open again when they are needed."""
        self._client.close()

    async def aload(self, key: str) -> Remembered | None:
        """Return what was saved last."""
        client, name = self._of_loop(), self._name("visit", key)
        found = _Found(*await client.register_script(LOAD)([name]))
        if found.corrupt:
            await client.register_script(REPLACE)([name], self._change(None, found.version))
        return found.remembered

    async def acompare_and_set(self, key: str, expected: object | None, record: Record | None) -> object | None:
        """Save or forget, unless the key has changed."""
        change = self._change(record, expected)
        saved = await self._of_loop().register_script(REPLACE)([self._name("visit", key)], change)
        return change[1] if saved else None

    async def aclose(self) -> None:
        """Close the connections of the running event loop; they open again when they are needed."""
        with self._guard:
            client = self._of_loops.pop(asyncio.get_running_loop(), None)
        if client:
            await client.aclose()

    def _take(self, key: str, token: str, seconds: float) -> bool:
        return self._on_lock(TAKE, key, token, seconds)

    def _keep(self, key: str, token: str, seconds: float) -> bool:
        return self._on_lock(KEEP, key, token, seconds)

    def _free(self, key: str, token: str) -> None:
        self._on_lock(FREE, key, token)

    async def _atake(self, key: str, token: str, seconds: float) -> bool:
        return await self._aon_lock(TAKE, key, token, seconds)

    async def _akeep(self, key: str, token: str, seconds: float) -> bool:
        return await self._aon_lock(KEEP, key, token, seconds)

    async def _afree(self, key: str, token: str) -> None:
        await self._aon_lock(FREE, key, token)

    def _on_lock(self, script: str, key: str, token: str, seconds: float = 0) -> bool:
        return bool(self._client.register_script(script)([self._name("lock", key)], [token, round(seconds * 1000)]))

    async def _aon_lock(self, script: str, key: str, token: str, seconds: float = 0) -> bool:
        run = self._of_loop().register_script(script)
        return bool(await run([self._name("lock", key)], [token, round(seconds * 1000)]))

    def _name(self, kind: str, key: str) -> Any:
        return f"{self._prefix}{kind}:{key}".encode(errors="surrogatepass")

    def _change(self, record: Record | None, expected: object | None) -> list[Any]:
        text = "" if record is None else to_json(record)
        before = expected if isinstance(expected, bytes) else b""
        return [before, secrets.token_hex(8).encode(), time.time_ns() // 1000, self._ttl, text]

    def _of_loop(self) -> redis.asyncio.Redis:
        """Return the client of the running event loop."""
        loop = asyncio.get_running_loop()
        with self._guard:
            # Weak references would not do: connections know their loop, so that each client keeps its own key alive.
            for ended in [each for each in self._of_loops if each.is_closed()]:
                del self._of_loops[ended]
            if loop not in self._of_loops:
                retry = AsyncRetry(*ONCE_MORE)
                self._of_loops[loop] = _opened(_AsyncRedis, self._url, retry=retry, **self._options)
            return self._of_loops[loop]


class _AsyncRedis(redis.asyncio.Redis):
    """Loses no cancellation: redis-py sends with `asyncio.wait_for`, which may swallow one before Python 3.12."""

    async def execute_command(self, *arguments: Any, **options: Any) -> Any:
        """Raise CancelledError if the task was cancelled meanwhile."""
        base: Any = super()
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        try:
            return await base.execute_command(*arguments, **options)
        finally:
            if task and task.cancelling() > before:
                raise asyncio.CancelledError


class _Found:
    """What a value says, read by the clocks of Redis and of this host."""

    def __init__(self, value: bytes | None, now: bytes) -> None:
        self.remembered: Remembered | None = None
        self.version, _, rest = (value or b"").partition(b" ")
        try:
            saved, host, text = rest.split(b" ", 2)
            by_redis, by_hosts = int(now) - int(saved), time.time_ns() // 1000 - int(host)
        except ValueError:
            text, by_redis, by_hosts = b"", 0, 0
        record = None if value is None else from_json(text)
        self.corrupt = value is not None and record is None
        if record:
            by_hosts = max(by_hosts, 0) if by_hosts >= -SKEW else by_hosts
            self.remembered = Remembered(record, age(by_redis / 1e6, by_hosts / 1e6), self.version)


def _opened(kind: Any, url: str, **options: Any) -> Any:
    """Make a client, which connects later."""
    with suppress(ValueError):
        client, parts = kind.from_url(url, **options), urlsplit(url)
        if "@" not in parts.path + parts.query + parts.fragment:  # else they hold a part of the password
            return client
    raise InvalidRequest("url", "must be like rediss://user:password@host:6379/0, with %.. for special characters")
