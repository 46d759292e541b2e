"""The simulator on a real socket: uvicorn's HTTP, which can also close connections on purpose."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from alexa_props.simulator.faults import CLOSE
from alexa_props.simulator.guard import LISTENS_ON

__all__ = ["serve"]

# Uvicorn's loggers belong to other users of uvicorn in the process. Only bugs of the simulator are logged here.
_LOGGER = logging.getLogger("alexa_props.simulator.server")
_LOGGER.addHandler(logging.NullHandler())
_LOGGER.setLevel(logging.ERROR)

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 75


class _State(ServerState):
    """The open connections and the calls in them, and whether the server is closing."""

    ending = False


class _Protocol(H11Protocol):
    """One connection. The application can close it, and nothing is logged."""

    def __init__(self, app: ASGIApp, config: Config, state: _State, host: str) -> None:
        super().__init__(config, state, app_state={})
        self._state = state
        self.logger = _LOGGER
        self.access_log = False
        self._inner = app
        self._host = host
        self.app = self._run

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection, unless the server is closing."""
        super().connection_made(transport)
        if self._state.ending:
            transport.abort()

    def close_connection(self, *, flush: bool) -> None:
        """Close the connection, optionally after delivering what was written."""
        if flush:
            self.transport.close()
        else:
            self.transport.abort()

    async def _run(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            extensions = {CLOSE: self.close_connection, LISTENS_ON: self._host}
            await self._inner({**scope, "extensions": extensions}, receive, send)
        except asyncio.CancelledError:
            # Only a closing server cancels calls, and it has closed their connections before.
            if not self.transport.is_closing():
                raise


async def _shut_down(server: asyncio.Server, state: _State) -> None:
    server.close()
    state.ending = True
    while state.connections or state.tasks:
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        tasks = list(state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
    # A TLS handshake in progress is not a connection yet, but asyncio waits for it since Python 3.13. uvloop does not,
    # and its servers lack this method.
    abort_clients = getattr(server, "abort_clients", None)
    if abort_clients is not None:
        abort_clients()
    await server.wait_closed()


def _reachable(host: str, port: int) -> str:
    """Return host and port for a URL. "All interfaces" is not an address to call, so it becomes loopback."""
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")  # noqa: PLR2004 - IPv4
    return f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"  # noqa: PLR2004


@asynccontextmanager
async def serve(app: ASGIApp, host: str, port: int, tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    """Serve an application until the block ends.

    No signal handler is installed, nothing is logged, and no task runs in the background. Connections and the calls in
    them end with the block.

    Args:
        app: The application.
        host: The address to listen on.
        port: The port to listen on; 0 for any free one.
        tls: Serves https when given.

    Yields:
        The base URL, with a loopback address if it listens on all interfaces.

    Raises:
        OSError: The port is not available.
        RuntimeError: It is not called on asyncio.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError("a simulator can be served only on asyncio; in process it runs on any backend") from None
    config = Config(
        app,
        lifespan="off",
        log_config=None,
        ws="none",
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    config.load()
    state = _State()
    server = await loop.create_server(
        lambda: _Protocol(app, config, state, host), host, port, ssl=tls, backlog=_BACKLOG, start_serving=False
    )
    try:
        # Inside the block, since a cancellation at this point leaves a socket to close.
        await server.start_serving()
        yield f"{'https' if tls else 'http'}://{_reachable(*server.sockets[0].getsockname()[:2])}"
    finally:
        with anyio.CancelScope(shield=True):
            await _shut_down(server, state)
