"""aiohttp's connection pool behind httpx's transport interface: the innermost stage.

It needs asyncio, and it is the only stage that does. What goes out is the `httpx.Request`: URL, headers and body as
given, except that `Accept-Encoding` always says identity, that a body is sent with its length instead of in
chunks and without waiting for a 100 (`Expect: 100-continue` is left out), and that the "?" of an empty query is left
out.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import os
import ssl
import weakref
from collections.abc import AsyncGenerator
from contextvars import ContextVar
from typing import Any

import aiohttp
import httpx
import yarl
from aiohttp.client_proto import ResponseHandler

from alexa_props.errors import ConfigurationError
from alexa_props.pipeline.pool.bodies import body_of, headers_of, read, response_of
from alexa_props.pipeline.pool.connections import NoBodyHandler, is_stale, shut_down
from alexa_props.pipeline.pool.failures import Failure, describe, sent, unsent
from alexa_props.pipeline.pool.routes import Proxies, Trust
from alexa_props.redaction import remember_secrets
from alexa_props.settings import Secret, Unpicklable

__all__ = ["Pool"]

_INTERRUPTS = (asyncio.CancelledError, KeyboardInterrupt, SystemExit)
# aiohttp asserts that its session and its connections are still there; `aclose` in another task takes them away.
_FAILURES = (aiohttp.ClientError, OSError, ValueError, RuntimeError, AssertionError, AttributeError)
_LINE = 64 * 1024  # the longest header of a response


@functools.lru_cache(maxsize=64)
def _timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    """Timeouts for aiohttp. It takes 0 for "no limit"; httpx means "at once"."""
    return aiohttp.ClientTimeout(
        connect=None if connect is None else max(connect, 0.001),
        sock_read=None if read is None else max(read, 0.001),
        # It would round longer ones up to whole seconds.
        ceil_threshold=float("inf"),
    )


def _translated(error: BaseException, exchange: _Exchange, request: httpx.Request) -> httpx.RequestError:
    if isinstance(error, Failure):
        kind, text = error.kind, error.text
    elif exchange.scope.expired():
        kind, text = (httpx.ReadError if exchange.sends else httpx.ConnectError), "the client was closed"
    elif exchange.sends:
        kind, text = sent(error)
    else:
        kind, text = unsent(error, proxied=exchange.proxied)
    return describe(request, kind, text)


async def _lifetime(session: aiohttp.ClientSession, exchanges: set[_Exchange]) -> AsyncGenerator[None, None]:
    """Closes the session when it is closed itself; every loop does that to its generators before it is closed."""
    try:
        yield
    finally:
        for exchange in exchanges:
            exchange.scope.reschedule(0)
        await session.close()
        # The tasks of those exchanges close their own connections.
        for _ in range(5):
            await asyncio.sleep(0)


def _login(proxy: yarl.URL) -> str:
    """What aiohttp sends to a proxy, without the scheme."""
    return base64.b64encode(f"{proxy.user or ''}:{proxy.password or ''}".encode("latin-1", "replace")).decode()


class _Exchange:
    """One request under way. Holds nothing of what is sent or received."""

    __slots__ = ("kept", "proxied", "scope", "sends", "transport")

    def __init__(self) -> None:
        self.kept = False  # whether its connection had served another request before
        self.proxied = False
        self.scope = asyncio.timeout(None)  # without limit: `aclose` ends it
        self.sends = 0
        self.transport: asyncio.Transport | None = None


_exchange: ContextVar[_Exchange] = ContextVar("alexa_props_exchange")


class _Connector(aiohttp.TCPConnector):
    """Notes every connection that a request is about to be written to.

    aiohttp repeats an idempotent request when a connection turns out closed, and says nothing. It comes here for each
    connection; what it raises itself comes before anything was written to that one.
    """

    def __init__(self) -> None:
        super().__init__(limit=0)
        # The connections by aiohttp's half of each: the loop's half may be of any type, and uvloop's TLS transport can
        # have no weak reference.
        self.handlers: weakref.WeakSet[ResponseHandler] = weakref.WeakSet()
        # aiohttp has no public way to say of which class they are.
        handler: type[ResponseHandler] = NoBodyHandler
        self._factory = functools.partial(handler, loop=asyncio.get_running_loop())

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        exchange = _exchange.get()
        if exchange.sends and not exchange.kept:
            # It was no kept connection that had gone stale: whether to send it again is not the pool's to say.
            raise Failure(httpx.RemoteProtocolError, "Server disconnected without sending a response.")
        connection = await super().connect(*args, **kwargs)
        exchange.kept = connection.protocol in self.handlers
        while exchange.kept and is_stale(connection):
            connection.close()
            connection = await super().connect(*args, **kwargs)
            exchange.kept = connection.protocol in self.handlers
        exchange.sends += 1
        exchange.transport = connection.transport
        handler = connection.protocol
        if handler is not None:
            self.handlers.add(handler)
        return connection


class _Connections:
    """What belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self.loop = loop
        self.places = asyncio.Semaphore(limit)
        self.waiting = 0
        self.exchanges: set[_Exchange] = set()
        self.connector = _Connector()
        self.session = aiohttp.ClientSession(
            connector=self.connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Content-Type", "User-Agent"),
            max_line_size=_LINE,
            max_field_size=_LINE,
        )
        self.lifetime = _lifetime(self.session, self.exchanges)

    async def place(self, limit: float | None) -> None:
        """Take one of the places, first come, first served."""
        if not self.places.locked():
            await self.places.acquire()  # at once
            return
        self.waiting += 1
        try:
            async with asyncio.timeout(limit):
                await self.places.acquire()
        except TimeoutError:
            raise Failure(httpx.PoolTimeout, f"no free connection within {limit:g} s") from None
        finally:
            self.waiting -= 1

    async def leave(self) -> None:
        """Shut the connections when the loop does not run: it must not be used, its sockets may be."""
        for handler in self.connector.handlers:
            if handler.transport is not None:
                shut_down(handler.transport)
        if self.loop.is_closed():
            await self.session.close()  # touches no closed loop


class Pool(Unpicklable, httpx.AsyncBaseTransport):
    """A pool of connections for one event loop at a time.

    It is bound to no loop until its first request, and moves to a later loop by itself. Failures are httpx's exceptions
    without cause, context or frames of what is below: those hold headers and bodies. `ConnectError`, `ConnectTimeout`,
    `PoolTimeout`, `ProxyError`, `UnsupportedProtocol` and `LocalProtocolError` say that nothing of it was sent.
    Time limits are those of `request.extensions["timeout"]`, in seconds. `response.extensions["repeated"]` says how
    often the request was written again because a kept connection turned out closed; only idempotent methods are.

    Args:
        max_connections: how many requests are under way at once; others wait in order of arrival.
        proxy: URL of an http or https proxy. None takes it from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, which
            are read once, at the first request.
        verify: an SSL context, or a file or directory of CA certificates. None takes SSL_CERT_FILE and SSL_CERT_DIR,
            else httpx's own.
        max_body: longest body of a response in bytes, also after decoding.

    Raises:
        ConfigurationError: an argument is wrong, the pool is closed, or another loop that still runs uses it.

    """

    def __init__(
        self,
        *,
        max_connections: int = 100,
        proxy: str | httpx.URL | Secret | None = None,
        verify: ssl.SSLContext | str | os.PathLike[str] | None = None,
        max_body: int = 64 * 1024 * 1024,
    ) -> None:
        # Before anything may raise: a traceback shows what names are bound to.
        hidden_proxy = Secret.wrap(proxy)
        del proxy
        numbers: dict[str, object] = {"max_connections": max_connections, "max_body": max_body}
        for name, number in numbers.items():
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ConfigurationError(f"{name} must be a whole number of at least 1, not {number!r}")
        self._proxies = Proxies(hidden_proxy)
        self._trust = Trust(verify)
        self._max_connections = max_connections
        self._max_body = max_body
        self._connections: _Connections | None = None
        self._left: list[_Connections] = []
        self._closed = False
        self._repeated = 0

    @property
    def in_flight(self) -> int:
        """Requests that hold a place."""
        mine = self._connections
        return 0 if mine is None else len(mine.exchanges) - mine.waiting

    @property
    def waiting(self) -> int:
        """Requests that wait for a place."""
        return 0 if self._connections is None else self._connections.waiting

    @property
    def repeated(self) -> int:
        """How often, in all, a request was written again because a kept connection turned out closed."""
        return self._repeated

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and read the whole response."""
        mine = self._connections
        if mine is None or mine.loop is not asyncio.get_running_loop() or mine.session.closed:
            mine = await self._enter()
        await request.aread()
        exchange = _Exchange()
        failure: BaseException
        try:
            return await self._send(mine, exchange, request)
        except (ConfigurationError, *_INTERRUPTS) as error:
            failure = error
        except (Failure, *_FAILURES) as error:
            failure = _translated(error, exchange, request)
        # Out of the handlers, and without its old traceback and context: nothing of aiohttp's frames goes up.
        failure.__cause__ = failure.__context__ = None
        try:
            raise failure.with_traceback(None)
        finally:
            del failure  # else this frame and the exception would hold each other

    async def aclose(self) -> None:
        """Close all connections; requests under way end with an error. May be called again."""
        mine = self._connections
        self._refuse_other_thread()
        self._closed = True
        self._connections = None
        if mine is None:
            return
        if mine.loop is asyncio.get_running_loop():
            await mine.lifetime.aclose()
        else:
            self._left.append(mine)
            await mine.leave()

    async def _send(self, mine: _Connections, exchange: _Exchange, request: httpx.Request) -> httpx.Response:
        limits = request.extensions.get("timeout") or {}
        url = request.url
        if url.scheme not in {"http", "https"}:
            raise Failure(httpx.UnsupportedProtocol, f"the scheme must be http or https, not {url.scheme!r}")
        proxy = self._proxies.find(url.scheme, url.host, url.port)
        exchange.proxied = proxy is not None
        if proxy is not None and proxy.password:
            # aiohttp sends it, and what a proxy answers to plain http is an answer like any other.
            remember_secrets(request, Secret(proxy.password), Secret(_login(proxy)))
        _exchange.set(exchange)
        mine.exchanges.add(exchange)
        try:
            async with exchange.scope:
                await mine.place(limits.get("pool"))
                try:
                    response = await mine.session.request(
                        request.method,
                        # The bytes as they are; user and password are httpx's to send.
                        yarl.URL(f"{url.scheme}://{url.netloc.decode()}{url.raw_path.decode()}", encoded=True),
                        headers=headers_of(request),
                        data=body_of(request, limits.get("write")),
                        timeout=_timeout(limits.get("connect"), limits.get("read")),
                        allow_redirects=False,
                        proxy=proxy,
                        ssl=self._trust.context()
                        if url.scheme == "https" or (proxy and proxy.scheme == "https")
                        else True,
                    )
                    try:
                        body = await read(response, self._max_body)
                    finally:
                        if response.connection is None:  # read to its end: others may have it by now
                            exchange.transport = None
                        else:
                            response.close()
                finally:
                    mine.places.release()
                    if exchange.transport is not None:
                        # aiohttp closes it, which waits for a server that does not read, or does not end TLS.
                        exchange.transport.abort()
        finally:
            mine.exchanges.discard(exchange)
            self._repeated += max(exchange.sends - 1, 0)
        return response_of(request, response, body, self._max_body, exchange.sends - 1)

    def _refuse_other_thread(self) -> None:
        mine = self._connections
        if mine is not None and mine.loop is not asyncio.get_running_loop() and mine.loop.is_running():
            raise ConfigurationError(
                "the client is in use on another event loop that still runs: make one client per thread"
            )

    async def _enter(self) -> _Connections:
        """Connections for the running loop, in place of those of a loop that has ended."""
        if self._closed:
            raise ConfigurationError("the client is closed")
        self._refuse_other_thread()
        old = self._connections
        self._connections = new = _Connections(asyncio.get_running_loop(), self._max_connections)
        await anext(new.lifetime)
        self._left = [left for left in self._left if not left.loop.is_closed()]
        if old is not None and not old.session.closed:
            # Kept until then: a loop that has only stopped closes its connections when it is shut down.
            self._left.append(old)
            await old.leave()
        return new
