"""The life of a pipeline: it serves one event loop at a time, until it is closed."""

from __future__ import annotations

import datetime as dt
import time
import weakref
from typing import Final

import anyio
import httpx

from alexa_props.call import EXTENSION
from alexa_props.concurrency import Waiter, current_loop, is_running
from alexa_props.errors import ConfigurationError

__all__ = ["Closing", "ClosingTransport", "LoopGuard"]

_CLOSED: Final = "the client is closed: make a new one, or use it within its `async with`"
_GRACE: Final = 5.0
"""Seconds that closing gives an auth flow's own request to end."""


class Closing:
    """The signal that the client closes: nothing is sent afterwards."""

    def __init__(self) -> None:
        self.closed = False
        self.waiters: weakref.WeakSet[Waiter] = weakref.WeakSet()
        """Waiters to wake when the client closes."""

    def check(self) -> None:
        """Raise `ConfigurationError` if the client is closed."""
        if self.closed:
            raise ConfigurationError(_CLOSED)

    async def pause(self, seconds: float) -> bool:
        """Sleep, and return whether the client is still open; wake early if it closes."""
        if self.closed:
            return False
        waiter = Waiter()
        self.waiters.add(waiter)
        return not await waiter.wait(seconds)

    def close(self) -> None:
        """Stop all sending, and wake all waiters."""
        self.closed = True
        for waiter in self.waiters:
            waiter.wake()


class ClosingTransport(httpx.AsyncBaseTransport):
    """The stage around the pool: sends nothing once the client is closed, and frees the connections.

    Before that it gives requests of the auth flow some seconds to end: a token that the service has issued, and
    rotated, must not get lost.
    """

    def __init__(self, pool: httpx.AsyncBaseTransport, closing: Closing) -> None:
        self._pool = pool
        self._closing = closing
        self._side_requests: set[httpx.Request] = set()
        self._side_requests_ended: anyio.Event | None = None
        self.freed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; raise `ConfigurationError` if the client is closed."""
        self._closing.check()
        if EXTENSION in request.extensions:
            return await self._pool.handle_async_request(request)
        self._side_requests.add(request)
        try:
            return await self._pool.handle_async_request(request)
        finally:
            self._side_requests.discard(request)
            if self._side_requests_ended is not None and not self._side_requests:
                self._side_requests_ended.set()

    async def aclose(self) -> None:
        """Close the client and free the connections. If it was cancelled, calling it again frees the rest."""
        if self.freed:
            return
        self.freed = True
        self._closing.close()
        try:
            if self._side_requests:
                self._side_requests_ended = anyio.Event()
                with anyio.move_on_after(_GRACE):
                    await self._side_requests_ended.wait()
        finally:
            # Even if cancelled, it frees what it can.
            await self._free()

    async def _free(self) -> None:
        freed = False
        try:
            with anyio.move_on_after(_GRACE, shield=True):
                await self._pool.aclose()
                freed = True
        finally:
            self.freed = freed

    def forget_requests(self) -> None:
        """Forget requests that were abandoned with another event loop."""
        self._side_requests.clear()


class LoopGuard(httpx.AsyncBaseTransport):
    """The outermost stage: lets calls in from one event loop at a time, until the client is closed.

    As a transport it cannot be closed: `close` is the client's.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, closing: Closing, outlet: ClosingTransport) -> None:
        self._inner = inner
        self._closing = closing
        self._outlet = outlet
        self._loop: object = None

    @property
    def closed(self) -> bool:
        """Whether the client is closed."""
        return self._closing.closed

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Let a call in; raise as `check` does."""
        self.check()
        # httpx sets it when a response is closed; here the stages have read and closed it before a client sees it.
        started = time.perf_counter()
        response = await self._inner.handle_async_request(request)
        response.elapsed = dt.timedelta(seconds=time.perf_counter() - started)
        return response

    def check(self) -> None:
        """Raise `ConfigurationError` if the client is closed, or in use on another event loop that still runs."""
        self._closing.check()
        self._move()

    async def close(self) -> None:
        """Let no more calls in or out, and free the connections. May be called again, from any event loop."""
        if not self._outlet.freed:
            self._move()
            await self._outlet.aclose()

    def _move(self) -> None:
        """Serve the running loop if the previous one has ended: events and locks wake nothing in another."""
        loop = current_loop()
        if loop == self._loop:
            return
        if is_running(self._loop):
            raise ConfigurationError(
                "the client is in use on another event loop that still runs: make one client per thread"
            )
        self._loop = loop
        self._closing.waiters.clear()
        self._outlet.forget_requests()
