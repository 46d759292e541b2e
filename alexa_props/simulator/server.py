"""The simulator on a real socket: uvicorn's HTTP, with the means to lose a connection on purpose."""

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

# Uvicorn's own loggers belong to whoever runs a uvicorn beside this one. Here nothing is worth a line but a mistake in
# the simulator itself.
_LOGGER = logging.getLogger("alexa_props.simulator.server")
_LOGGER.addHandler(logging.NullHandler())
_LOGGER.setLevel(logging.ERROR)

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 75


class _State(ServerState):
    """The open connections and the calls in them, and whether they are at their end."""

    ending = False


class _Protocol(H11Protocol):
    """One connection: it lends the application the means to close it, and it is quiet."""

    def __init__(self, app: ASGIApp, config: Config, state: _State, host: str) -> None:
        super().__init__(config, state, app_state={})
        self._state = state
        self.logger = _LOGGER
        self.access_log = False
        self._inner = app
        self._host = host
        self.app = self._run

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes a connection, unless it was accepted in the last moment."""
        super().connection_made(transport)
        if self._state.ending:
            transport.abort()

    def close_connection(self, *, flush: bool) -> None:
        """Ends the connection; what was written before may be delivered first."""
        if flush:
            self.transport.close()
        else:
            self.transport.abort()

    async def _run(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            extensions = {CLOSE: self.close_connection, LISTENS_ON: self._host}
            await self._inner({**scope, "extensions": extensions}, receive, send)
        except asyncio.CancelledError:
            # Only a server that goes away cancels its calls, and it has closed their connections before.
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
    # What is still shaking hands over TLS is no connection yet, and asyncio's own loop waits for it since Python 3.13.
    # uvloop does not, and its servers cannot do this.
    abort_clients = getattr(server, "abort_clients", None)
    if abort_clients is not None:
        abort_clients()
    await server.wait_closed()


def _reachable(host: str, port: int) -> str:
    """Host and port of a URL. "All interfaces" is no address to call; this machine's loopback is one of them."""
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")  # noqa: PLR2004 - IPv4
    return f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"  # noqa: PLR2004


@asynccontextmanager
async def serve(app: ASGIApp, host: str, port: int, tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    """Serves an application until the block ends.

    No signal handler is installed, nothing is logged, and nothing runs in the background: connections and the calls
    in them are all there is, and they end with the block.

    Args:
        app: The application.
        host: The address to listen on.
        port: The port to listen on; 0 for any that is free.
        tls: Serves https when given.

    Yields:
        The base URL; of the loopback interface if it listens on all.

    Raises:
        OSError: The port cannot be had.
        RuntimeError: Not on asyncio.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError("a simulator can be served on asyncio only; in-process it runs on any backend") from None
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
        # In here: whoever is cancelled while it begins has a socket to close.
        await server.start_serving()
        yield f"{'https' if tls else 'http'}://{_reachable(*server.sockets[0].getsockname()[:2])}"
    finally:
        with anyio.CancelScope(shield=True):
            await _shut_down(server, state)
