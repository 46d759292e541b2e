"""A Redis or Valkey server: for processes on any hosts.

A record is changed by compare-and-swap. What was last seen of it is tried first, so an update takes one round trip if
no other process has changed it meanwhile, and two if one has. Redis itself decides nothing: it compares and stores.
"""

from __future__ import annotations

import asyncio
import collections
import hashlib
import os
import random
import re
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio

from alexa_props.errors import ConfigurationError
from alexa_props.secret import Secret, Unpicklable
from alexa_props.shared import LEARNED, SharedUnavailable
from alexa_props.shared.redis_connections import Connections, GivenClient, address_of, reason_of

if TYPE_CHECKING:
    import redis.asyncio

__all__ = ["RedisShared"]

T = TypeVar("T")

_PATIENCE: Final = 0.25
"""Seconds for one update."""
_LAG: Final = 0.02
"""Seconds after which a late timer shows that this process was not running."""
_EXPIRY: Final = 7 * 24 * 3600 * 1000
"""Milliseconds after which Redis drops a record that can be learned again."""
_MISSES: Final = 3
"""Times in a row that another process may be faster before pauses begin."""
_PAUSE: Final = 0.01
"""Longest pause in seconds."""
_TRIPS: Final = 32
"""Round trips of which the shortest is the distance: longer ones were delayed by this process, not by the network."""
_ENOUGH: Final = 5
"""Round trips that show the distance: the first ones are delayed while a process starts."""
_NAME: Final = re.compile(r"[!-z|~]+")  # printable ASCII without spaces and braces

# KEYS: the record. ARGV: what was seen ("" none), what to store ("" nothing), milliseconds to keep it ("" forever).
_SCRIPT: Final = b"""
local time = redis.call('TIME')
local now = redis.call('GET', KEYS[1]) or ''
if now ~= ARGV[1] then return {0, now, time[1], time[2]} end
if ARGV[2] ~= '' then
  if ARGV[3] ~= '' then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  else
    redis.call('SET', KEYS[1], ARGV[2])
  end
end
return {1, '', time[1], time[2]}
"""
_DIGEST: Final = hashlib.sha1(_SCRIPT).hexdigest()  # noqa: S324 - Redis' name of the script

_inherited: Final[list[object]] = []
"""Connections of the parent of a forked process: closing or finalizing them would disturb the parent."""


class RedisShared(Unpicklable):
    """Shares records among processes on any hosts, through a Redis or Valkey server (from 6.2). Needs asyncio.

    Connections are made on first use, separately for each event loop and process. After `aclose`, they are made again
    if the store is used again. The clock is the server's. The server should be near: see `distance`.

    A password in a `redis://` URL is sent unencrypted; use `rediss://` if others could read the network. Anyone who can
    write to the server can change the rates, but cannot read tokens.

    Args:
        server: A URL (`rediss://user:password@host:6379/0`, `redis://…`, `unix:///path`), with the options of redis-py
            in its query; or a `redis.asyncio` client of your own, such as one for Sentinel or a cluster. That is used
            on one event loop, with its own retries and time limits, and is not closed.
        name: Of the Amazon account whose quota and login are shared. Processes with the same name share; two accounts
            must have different names.

    Raises:
        ConfigurationError: The URL or the name is invalid, or redis-py is not installed.

    """

    def __init__(self, server: str | redis.asyncio.Redis | redis.asyncio.RedisCluster, *, name: str) -> None:
        # Before anything raises, because the URL may hold a password.
        self._url = Secret(server) if isinstance(server, str) else None
        self._client = None if isinstance(server, str) else server
        del server
        self.name = str(name)
        """The given name, and the server without its password."""
        try:
            import redis.asyncio  # noqa: F401 - late, as an optional dependency
        except ImportError as error:
            raise ConfigurationError('RedisShared needs redis-py: pip install "alexa-props[redis]"') from error
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigurationError(f"name must be printable ASCII without spaces and braces, not {name!r}")
        self._account = name
        self.name += f" on {'a given client' if self._url is None else address_of(self._url)}"
        self._clock = _Clock()
        self._pid = os.getpid()
        self._sessions: dict[asyncio.AbstractEventLoop, _Session] = {}

    @property
    def distance(self) -> float | None:
        """Seconds of the shortest of the last round trips; None before the fifth."""
        return self._clock.distance

    def now(self) -> float:
        """Return the server's time in seconds since 1970, correct to half a round trip; before the first, ours."""
        return self._clock.now()

    async def update(
        self,
        key: str,
        change: Callable[[bytes | None, float], tuple[bytes | None, T]],
        *,
        patience: float | None = None,
    ) -> T:
        """Replace a record; see `Shared.update`. Updates of a key in one process are made one after the other.

        Raises:
            SharedUnavailable: The server did not respond within 0.25 s, or responded with an error.
            ConfigurationError: The event loop is not asyncio's, or a given client was used elsewhere before.

        """
        session = await self._session()
        ttl: int | str = _EXPIRY if key.startswith(LEARNED) else ""
        patience = _PATIENCE if patience is None else patience
        return await session.update(f"alexa-props:{{{self._account}}}:{key}", change, ttl, patience)

    async def aclose(self) -> None:
        """Close the connections of this event loop, once they are unused. They are made again when needed."""
        if self._sessions and self._pid == os.getpid():
            session = self._sessions.pop(_running_loop(), None)
            if session is not None:
                await session.lifetime.aclose()

    async def _session(self) -> _Session:
        """Return the connections of the running event loop."""
        if self._pid != os.getpid():
            self._leave_to_parent()
        loop = _running_loop()
        session = self._sessions.get(loop)
        if session is None:
            for other in [other for other in self._sessions if other.is_closed()]:
                del self._sessions[other]
            if self._client is not None and self._sessions:
                raise ConfigurationError("this Redis client is in use on another event loop: give RedisShared a URL")
            call = Connections(self._url) if self._url is not None else GivenClient(self._client)
            session = self._sessions[loop] = _Session(self.name, call, self._clock)
            # An event loop that ends closes its asynchronous generators.
            await anext(session.lifetime)
        return session

    def _leave_to_parent(self) -> None:
        if self._client is not None and self._sessions:
            raise ConfigurationError("this Redis client was used before the process forked: give RedisShared a URL")
        _inherited.append(self._sessions)
        self._sessions, self._pid = {}, os.getpid()

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, RedisShared)
            and (other._account, other._url) == (self._account, self._url)
            and other._client is self._client
        )

    def __hash__(self) -> int:
        return hash((self._account, self._url, id(self._client)))

    def __repr__(self) -> str:
        return f"RedisShared({self.name!r})"


class _Clock:
    """The server's clock. A trip bounds it: the server looked between the moments of sending and receiving."""

    def __init__(self) -> None:
        self._ahead: float | None = None
        self._trips: collections.deque[float] = collections.deque(maxlen=_TRIPS)
        self.distance: float | None = None

    def now(self) -> float:
        return time.time() if self._ahead is None else time.monotonic() + self._ahead

    def set(self, sent: float, received: float, server: float) -> None:
        """Correct the clock after a trip, which was sent and received at these times of the local one."""
        least, most = server - received, server - sent
        self._ahead = (least + most) / 2 if self._ahead is None else min(max(self._ahead, least), most)
        self._trips.append(received - sent)
        if len(self._trips) >= _ENOUGH:
            self.distance = min(self._trips)


class _Session:
    """The connections of one event loop, and the records as it saw them last."""

    def __init__(self, name: str, call: Connections | GivenClient, clock: _Clock) -> None:
        self._name = name
        self._call = call
        self._clock = clock
        self._seen: dict[str, bytes] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self.lifetime = self._live()

    async def _live(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await self._call.aclose()

    async def update(
        self,
        key: str,
        change: Callable[[bytes | None, float], tuple[bytes | None, T]],
        ttl: int | str,
        patience: float,
    ) -> T:
        give_up_at = asyncio.get_running_loop().time() + patience
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        try:
            async with asyncio.timeout_at(give_up_at):
                await lock.acquire()
        except TimeoutError:
            raise SharedUnavailable(f"{self._name}: earlier updates of {key} took {patience:g} s") from None
        try:
            return await _to_its_end(self._transaction(key, change, ttl), give_up_at, patience)
        except _OutOfTime:
            await self._call.reset()
            raise SharedUnavailable(f"{self._name}: no response within {patience:g} s") from None
        finally:
            lock.release()

    async def _transaction(
        self,
        key: str,
        change: Callable[[bytes | None, float], tuple[bytes | None, T]],
        ttl: int | str,
    ) -> T:
        seen = self._seen.get(key)
        if seen is None:
            # Nothing is known yet, not even the time.
            seen = await self._swap(key, b"", b"", ttl) or b""
        misses = 0
        while True:
            record, result = change(seen or None, self._clock.now())
            present = await self._swap(key, seen, record or b"", ttl)
            if present is None:
                self._seen[key] = record or seen
                return result
            self._seen[key] = seen = present
            misses += 1
            # Not each time: the first attempt after a pause mostly just reads the present record.
            if misses >= _MISSES and misses % 2:
                await asyncio.sleep(random.uniform(0, _PAUSE))  # noqa: S311 - jitter

    async def _swap(self, key: str, seen: bytes, record: bytes, ttl: int | str) -> bytes | None:
        """Store a record if the present one is the one that was seen, and return None; else return the present one."""
        from redis.exceptions import NoScriptError, RedisError  # late, as an optional dependency

        try:
            try:
                sent = time.monotonic()
                response = await self._call("EVALSHA", _DIGEST, 1, key, seen, record, ttl)
            except NoScriptError:
                sent = time.monotonic()
                response = await self._call("EVAL", _SCRIPT, 1, key, seen, record, ttl)
            received = time.monotonic()
            hit, present, seconds, microseconds = response
            self._clock.set(sent, received, int(seconds) + int(microseconds) / 1e6)
            return None if hit else bytes(present)
        # A closed transport of uvloop raises RuntimeError.
        except (RedisError, OSError, EOFError, RuntimeError) as error:
            reason = reason_of(error)
        # Outside the handler: frames of redis-py hold the password.
        await self._call.reset()
        raise SharedUnavailable(f"{self._name}: {reason}")


class _OutOfTime(Exception):
    pass


async def _to_its_end(coroutine: Coroutine[Any, Any, T], give_up_at: float, patience: float) -> T:
    """Await a coroutine; a cancellation takes effect when it has ended.

    Otherwise what the server has stored would be unknown, and a response left unread.

    Raises:
        _OutOfTime: It took until `give_up_at`, and was cancelled.

    """
    loop = asyncio.get_running_loop()
    # A task, because asyncio's `Task.cancel` ignores shields.
    task = asyncio.ensure_future(coroutine)
    cancelled: asyncio.CancelledError | None = None
    gave_up = extended = False
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait((task,), timeout=None if gave_up else give_up_at - loop.time())
            except asyncio.CancelledError as error:
                cancelled = error
            if loop.time() < give_up_at or task.done():
                continue
            if not extended and loop.time() > give_up_at + _LAG:
                # This process was not running: the response may have arrived.
                give_up_at, extended = loop.time() + patience, True
            elif not gave_up:
                gave_up = True
                task.cancel()
    try:
        if cancelled is not None:
            if not task.cancelled():
                task.exception()  # noted, so that asyncio does not log it
            raise cancelled
        if gave_up and task.cancelled():
            raise _OutOfTime
        return task.result()
    finally:
        del cancelled


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    if task is None:
        raise ConfigurationError("RedisShared needs asyncio: on another event loop, use HostShared")
    return task.get_loop()
