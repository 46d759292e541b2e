"""aiohttp's connection pool behind httpx's transport interface: the innermost stage.

It is the only stage that needs asyncio. It sends the `httpx.Request` unchanged, with four exceptions:

- `Accept-Encoding` is always identity;
- a body is sent with its length instead of in chunks;
- `Expect: 100-continue` is left out, and nothing waits for a 100;
- the "?" of an empty query is left out.
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
from alexa_props.pipeline.pool.failures import Failure, explain_sent, explain_unsent, httpx_error
from alexa_props.pipeline.pool.routes import Proxies, Trust
from alexa_props.redaction import remember_secrets
from alexa_props.settings import Secret, Unpicklable

__all__ = ["Pool"]

_INTERRUPTS = (asyncio.CancelledError, KeyboardInterrupt, SystemExit)
# aiohttp asserts that its session and its connections still exist; `aclose` in another task removes them.
_FAILURES = (aiohttp.ClientError, OSError, ValueError, RuntimeError, AssertionError, AttributeError)
_MAX_HEADER = 64 * 1024
"""Bytes of the longest header of a response."""


@functools.lru_cache(maxsize=64)
def _timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    """Return the timeouts for aiohttp, for which 0 means no limit; for httpx it means no waiting."""
    return aiohttp.ClientTimeout(
        connect=None if connect is None else max(connect, 0.001),
        sock_read=None if read is None else max(read, 0.001),
        # By default aiohttp rounds longer ones up to whole seconds.
        ceil_threshold=float("inf"),
    )


def _translate(error: BaseException, exchange: _Exchange, request: httpx.Request) -> httpx.RequestError:
    if isinstance(error, Failure):
        kind, text = error.kind, error.text
    elif exchange.scope.expired():
        kind, text = (httpx.ReadError if exchange.sends else httpx.ConnectError), "the client was closed"
    elif exchange.sends:
        kind, text = explain_sent(error)
    else:
        kind, text = explain_unsent(error, proxied=exchange.proxied)
    return httpx_error(request, kind, text)


async def _lifetime(session: aiohttp.ClientSession, exchanges: set[_Exchange]) -> AsyncGenerator[None, None]:
    """Close the session when this generator is closed, which every loop does before it is closed itself."""
    try:
        yield
    finally:
        for exchange in exchanges:
            exchange.scope.reschedule(0)
        await session.close()
        # The tasks of those exchanges close their own connections.
        for _ in range(5):
            await asyncio.sleep(0)


def _basic_credentials(proxy: yarl.URL) -> str:
    """Return the credentials that aiohttp sends to a proxy, without the scheme."""
    return base64.b64encode(f"{proxy.user or ''}:{proxy.password or ''}".encode("latin-1", "replace")).decode()


class _Exchange:
    """One request in flight. It holds nothing of what is sent or received."""

    __slots__ = ("proxied", "reused", "scope", "sends", "transport")

    def __init__(self) -> None:
        self.proxied = False
        self.reused = False  # whether its connection has served another request before
        self.scope = asyncio.timeout(None)  # no limit: `aclose` ends it
        self.sends = 0
        self.transport: asyncio.Transport | None = None


_exchange: ContextVar[_Exchange] = ContextVar("alexa_props_exchange")


class _Connector(aiohttp.TCPConnector):
    """Records every connection that a request is about to be written to.

    aiohttp silently repeats an idempotent request if a connection turns out to be closed. It asks here for each
    connection; an error raised here comes before anything was written to it.
    """

    def __init__(self) -> None:
        super().__init__(limit=0)
        # The connections, by aiohttp's protocol: the loop's transport may be of any type, and uvloop's TLS transport
        # allows no weak reference.
        self.handlers: weakref.WeakSet[ResponseHandler] = weakref.WeakSet()
        # aiohttp has no public way to set their class.
        handler: type[ResponseHandler] = NoBodyHandler
        self._factory = functools.partial(handler, loop=asyncio.get_running_loop())

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        exchange = _exchange.get()
        if exchange.sends and not exchange.reused:
            # The connection was new, not stale: whether to send the request again is not for the pool to decide.
            raise Failure(httpx.RemoteProtocolError, "Server disconnected without sending a response.")
        connection = await super().connect(*args, **kwargs)
        exchange.reused = connection.protocol in self.handlers
        while exchange.reused and is_stale(connection):
            connection.close()
            connection = await super().connect(*args, **kwargs)
            exchange.reused = connection.protocol in self.handlers
        exchange.sends += 1
        exchange.transport = connection.transport
        handler = connection.protocol
        if handler is not None and not exchange.reused:
            self.handlers.add(handler)
        return connection


class _Connections:
    """The connections of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self.loop = loop
        self.slots = asyncio.Semaphore(limit)
        self.waiting = 0
        self.exchanges: set[_Exchange] = set()
        self.connector = _Connector()
        self.session = aiohttp.ClientSession(
            connector=self.connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Content-Type", "User-Agent"),
            max_line_size=_MAX_HEADER,
            max_field_size=_MAX_HEADER,
        )
        self.lifetime = _lifetime(self.session, self.exchanges)

    async def acquire(self, limit: float | None) -> None:
        """Take one of the slots, first come, first served."""
        if not self.slots.locked():
            await self.slots.acquire()
            return
        self.waiting += 1
        try:
            async with asyncio.timeout(limit):
                await self.slots.acquire()
        except TimeoutError:
            raise Failure(httpx.PoolTimeout, f"no free connection within {limit:g} s") from None
        finally:
            self.waiting -= 1

    async def abandon(self) -> None:
        """Shut the connections of a loop that does not run: the loop must not be used, but its sockets may."""
        for handler in self.connector.handlers:
            if handler.transport is not None:
                shut_down(handler.transport)
        if self.loop.is_closed():
            await self.session.close()  # does not use a closed loop


class Pool(Unpicklable, httpx.AsyncBaseTransport):
    """A pool of connections for one event loop at a time.

    It is bound to no loop until its first request, and moves to a later loop by itself.

    Failures are httpx's exceptions, without cause, context or frames of aiohttp: those hold headers and bodies.
    `ConnectError`, `ConnectTimeout`, `PoolTimeout`, `ProxyError`, `UnsupportedProtocol` and `LocalProtocolError` mean
    that nothing of the request was sent.

    Time limits come from `request.extensions["timeout"]`, in seconds. `response.extensions["repeated"]` is how often
    the request was written again because a reused connection turned out to be closed; only idempotent methods are.

    Args:
        max_connections: Most requests in flight; others wait in order of arrival.
        proxy: URL of an http or https proxy. None uses HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, which are read
            once, at the first request.
        verify: An SSL context, or a file or directory of CA certificates. None uses SSL_CERT_FILE and SSL_CERT_DIR, or
            httpx's default.
        max_body: Longest body of a response in bytes, before and after decoding.

    Raises:
        ConfigurationError: An argument is invalid, the pool is closed, or another loop that still runs uses it.

    """

    def __init__(
        self,
        *,
        max_connections: int = 100,
        proxy: str | httpx.URL | Secret | None = None,
        verify: ssl.SSLContext | str | os.PathLike[str] | None = None,
        max_body: int = 64 * 1024 * 1024,
    ) -> None:
        # Before anything may raise: a traceback may show local variables.
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
        self._abandoned: list[_Connections] = []
        self._closed = False
        self._repeated = 0

    @property
    def in_flight(self) -> int:
        """Requests that hold a slot."""
        connections = self._connections
        return 0 if connections is None else len(connections.exchanges) - connections.waiting

    @property
    def waiting(self) -> int:
        """Requests that wait for a slot."""
        return 0 if self._connections is None else self._connections.waiting

    @property
    def repeated(self) -> int:
        """How often, in total, a request was written again because a reused connection turned out to be closed."""
        return self._repeated

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and read the whole response."""
        connections = self._connections
        if connections is None or connections.loop is not asyncio.get_running_loop() or connections.session.closed:
            connections = await self._move()
        await request.aread()
        exchange = _Exchange()
        failure: BaseException
        try:
            return await self._send(connections, exchange, request)
        except (ConfigurationError, *_INTERRUPTS) as error:
            failure = error
        except (Failure, *_FAILURES) as error:
            failure = _translate(error, exchange, request)
        # Outside the handlers, without its old traceback and context: nothing of aiohttp's frames propagates.
        failure.__cause__ = failure.__context__ = None
        try:
            raise failure.with_traceback(None)
        finally:
            del failure  # else this frame and the exception would be a cycle

    async def aclose(self) -> None:
        """Close all connections. Requests in flight end with an error. May be called again."""
        connections = self._connections
        self._refuse_other_thread()
        self._closed = True
        self._connections = None
        if connections is None:
            return
        if connections.loop is asyncio.get_running_loop():
            await connections.lifetime.aclose()
        else:
            self._abandoned.append(connections)
            await connections.abandon()

    async def _send(self, connections: _Connections, exchange: _Exchange, request: httpx.Request) -> httpx.Response:
        limits = request.extensions.get("timeout") or {}
        url = request.url
        if url.scheme not in {"http", "https"}:
            raise Failure(httpx.UnsupportedProtocol, f"the scheme must be http or https, not {url.scheme!r}")
        proxy = self._proxies.find(url.scheme, url.host, url.port)
        exchange.proxied = proxy is not None
        if proxy is not None and proxy.password:
            # aiohttp sends it, and the proxy's response to plain http is a response like any other.
            remember_secrets(request, Secret(proxy.password), Secret(_basic_credentials(proxy)))
        _exchange.set(exchange)
        connections.exchanges.add(exchange)
        try:
            async with exchange.scope:
                await connections.acquire(limits.get("pool"))
                try:
                    response = await connections.session.request(
                        request.method,
                        # The bytes unchanged; httpx sends user and password as a header.
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
                        if response.connection is None:  # read to its end: another request may use it now
                            exchange.transport = None
                        else:
                            response.close()
                finally:
                    connections.slots.release()
                    if exchange.transport is not None:
                        # aiohttp would close it gracefully, and wait for a server that does not read or end TLS.
                        exchange.transport.abort()
        finally:
            connections.exchanges.discard(exchange)
            self._repeated += max(exchange.sends - 1, 0)
        return response_of(request, response, body, self._max_body, exchange.sends - 1)

    def _refuse_other_thread(self) -> None:
        connections = self._connections
        loop = None if connections is None else connections.loop
        if loop is not None and loop is not asyncio.get_running_loop() and loop.is_running():
            raise ConfigurationError(
                "the client is in use on another event loop that still runs: make one client per thread"
            )

    async def _move(self) -> _Connections:
        """Return connections for the running loop, and abandon those of a loop that has ended."""
        if self._closed:
            raise ConfigurationError("the client is closed: make a new one")
        self._refuse_other_thread()
        old = self._connections
        self._connections = new = _Connections(asyncio.get_running_loop(), self._max_connections)
        await anext(new.lifetime)
        self._abandoned = [each for each in self._abandoned if not each.loop.is_closed()]
        if old is not None and not old.session.closed:
            # Stored until then: a loop that has only stopped closes its connections when it is shut down.
            self._abandoned.append(old)
            await old.abandon()
        return new
