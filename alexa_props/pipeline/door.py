"""The two ends of a pipeline: where calls come in and where requests go out, for one event loop, until it is closed."""

from __future__ import annotations

import datetime as dt
import time
import weakref
from typing import Final

import anyio
import anyio.lowlevel
import httpx

from alexa_props.concurrency import Waiter, is_running
from alexa_props.errors import ConfigurationError
from alexa_props.operation import EXTENSION

__all__ = ["Entrance", "Exit"]

_CLOSED: Final = "the client is closed: make a new one, or leave the `async with` later"
_GRACE: Final = 5.0
"""Seconds that closing gives a request of an auth flow's own to end."""


class Exit(httpx.AsyncBaseTransport):
    """Around the pool, innermost: nothing goes out once it is closed.

    Closing lets requests of an auth flow's own end first, for some seconds: a token that the service has given, and
    rotated, must not get lost.

    Raises:
        ConfigurationError: it is closed.

    """

    def __init__(self, pool: httpx.AsyncBaseTransport) -> None:
        self._pool = pool
        self.waiting: weakref.WeakSet[Waiter] = weakref.WeakSet()
        """Who waits for something else than the service: they hear of the end at once."""
        self._aside: set[httpx.Request] = set()
        self._quiet: anyio.Event | None = None
        self.closed = False
        self.freed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`."""
        self.check()
        if EXTENSION in request.extensions:
            return await self._pool.handle_async_request(request)
        self._aside.add(request)
        try:
            return await self._pool.handle_async_request(request)
        finally:
            self._aside.discard(request)
            if self._quiet is not None and not self._aside:
                self._quiet.set()

    def check(self) -> None:
        """See whether anything may go out; raises if not."""
        if self.closed:
            raise ConfigurationError(_CLOSED)

    async def pause(self, seconds: float) -> bool:
        """Sleep so long, or until it is closed: then False."""
        if self.closed:
            return False
        waiter = Waiter()
        self.waiting.add(waiter)
        return not await waiter.wait(seconds)

    async def aclose(self) -> None:
        """Free the connections. May be called again; if it was cancelled, that frees what is left."""
        if self.freed:
            return
        self.closed = self.freed = True
        for waiter in self.waiting:
            waiter.wake()
        try:
            if self._aside:
                self._quiet = anyio.Event()
                with anyio.move_on_after(_GRACE):
                    await self._quiet.wait()
        finally:
            # Cancelled too: it frees at least what it can.
            await self._free()

    async def _free(self) -> None:
        freed = False
        try:
            with anyio.move_on_after(_GRACE, shield=True):
                await self._pool.aclose()
                freed = True
        finally:
            self.freed = freed

    def forget(self) -> None:
        """Whoever waits or is on the way out was abandoned with another event loop."""
        self.waiting.clear()
        self._aside.clear()


class Entrance(httpx.AsyncBaseTransport):
    """Around all other stages, outermost. As a transport it cannot be closed: `close` is the client's.

    Raises:
        ConfigurationError: it is closed, or another event loop of asyncio that still runs uses it.

    """

    def __init__(self, inner: httpx.AsyncBaseTransport, way_out: Exit) -> None:
        self._inner = inner
        self._exit = way_out
        self._loop: object = None

    @property
    def closed(self) -> bool:
        """Whether it is."""
        return self._exit.closed

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Let `request` in."""
        self.check()
        # As httpx does it. Its own client cannot: the stages have read and closed the response before it sees it.
        started = time.perf_counter()
        response = await self._inner.handle_async_request(request)
        response.elapsed = dt.timedelta(seconds=time.perf_counter() - started)
        return response

    def check(self) -> None:
        """See whether a call may come in; raises if not."""
        if self.closed:
            raise ConfigurationError(_CLOSED)
        self._move()

    async def close(self) -> None:
        """Let nobody in or out any more, and free the connections. May be called again, from anywhere."""
        if not self._exit.freed:
            self._move()
            await self._exit.aclose()

    def _move(self) -> None:
        """Serve the running loop, if the one before has ended: events and locks wake nobody in another."""
        loop = anyio.lowlevel.current_token()
        if loop == self._loop:
            return
        if is_running(self._loop):
            raise ConfigurationError(
                "the client is in use on another event loop that still runs: make one client a thread"
            )
        self._loop = loop
        self._exit.forget()
