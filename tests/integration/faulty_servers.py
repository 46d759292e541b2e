"""Faulty peers that can be repaired in place: they then work at the same address."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import gzip
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import attrs
import trustme

from tests.pipeline.pool_servers import Answer, Exchange, Received, Server, copy, ok

HOST = "alexa.invalid"
"""A name that is reserved to be invalid (RFC 6761)."""
GOOD = ok(b'{"id": "unit-1"}')
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


async def good(exchange: Exchange) -> None:
    exchange.writer.write(GOOD)


@attrs.define
class Peer:
    """The service that a client calls."""

    url: str
    server: Server
    """Reads the requests, now or once it is repaired."""
    repair: Callable[[], Awaitable[object]]
    options: dict[str, Any] = attrs.field(factory=dict)
    """For a client that calls it."""

    @property
    def requests(self) -> list[Received]:
        return self.server.requests


@functools.cache
def _authority(name: str) -> trustme.CA:
    """Return an authority; clients trust the one named "trusted"."""
    return trustme.CA(organization_name=name)


def _certificate(*hosts: str, by: str = "trusted", expired: bool = False) -> trustme.LeafCert:
    until = dt.datetime.now(dt.UTC) - dt.timedelta(days=1) if expired else None
    return _authority(by).issue_cert(*hosts, not_after=until)


@functools.cache
def trusting() -> ssl.SSLContext:
    """Return the context of a client that trusts one authority."""
    context = ssl.create_default_context()
    _authority("trusted").configure_trust(context)
    return context


def _serving(certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (certificate or _certificate("127.0.0.1", HOST)).configure_cert(context)
    return context


Place: TypeAlias = Callable[[], contextlib.AbstractAsyncContextManager[Peer]]


def _bound() -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    return bound


@contextlib.asynccontextmanager
async def _listening(server: Server, sock: socket.socket) -> AsyncIterator[None]:
    """`Server.running`, on an existing socket."""
    started = await asyncio.start_server(server._serve, sock=sock, ssl=server.tls)
    try:
        yield
    finally:
        started.close()
        for writer in server._writers:
            writer.transport.abort()


def _port(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


# Faults before a request can be sent


@contextlib.asynccontextmanager
async def refused() -> AsyncIterator[Peer]:
    """Nothing listens."""
    server = Server(good)
    async with contextlib.AsyncExitStack() as stack:
        sock = stack.enter_context(_bound())  # bound, so that no other process gets the port
        yield Peer(
            f"http://127.0.0.1:{_port(sock)}", server, lambda: stack.enter_async_context(_listening(server, sock))
        )


@contextlib.asynccontextmanager
async def unanswered() -> AsyncIterator[Peer]:
    """The backlog is full, and nothing accepts connections."""
    server = Server(good)
    async with contextlib.AsyncExitStack() as stack:
        sock = stack.enter_context(_bound())
        sock.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(sock.getsockname())

        yield Peer(
            f"http://127.0.0.1:{_port(sock)}", server, lambda: stack.enter_async_context(_listening(server, sock))
        )


@contextlib.asynccontextmanager
async def unknown_host() -> AsyncIterator[Peer]:
    """The resolver does not know the name. It resolves numeric addresses only, so that it asks no network."""
    loop = asyncio.get_running_loop()
    address: list[str] = []

    async def getaddrinfo(host: str, port: int, **options: Any) -> Any:
        options["flags"] = socket.AI_NUMERICHOST
        return socket.getaddrinfo(address[0] if address and host == HOST else host, port, **options)

    async def repair() -> None:
        address.append("127.0.0.1")

    async with Server(good, tls=_serving()).running() as server:
        loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign,assignment]
        try:
            yield Peer(f"https://{HOST}:{server.port}", server, repair)
        finally:
            del loop.getaddrinfo


def certified(*hosts: str, **how: Any) -> Place:
    """TLS with a certificate that must not be accepted."""

    @contextlib.asynccontextmanager
    async def place() -> AsyncIterator[Peer]:
        context = _serving(_certificate(*hosts, **how))

        async def repair() -> None:
            _certificate("127.0.0.1").configure_cert(context)

        async with Server(good, tls=context).running() as server:
            yield Peer(f"https://127.0.0.1:{server.port}", server, repair)

    return place


def no_tls(handshake: bytes | None) -> Place:
    """Instead of TLS the client gets these bytes and then the end; with None, nothing at all."""

    @contextlib.asynccontextmanager
    async def place() -> AsyncIterator[Peer]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                await reader.read(1)
                if handshake is None:
                    await reader.read()
                else:
                    writer.write(handshake)
            writer.close()

        server = Server(good, tls=_serving())
        async with contextlib.AsyncExitStack() as stack:
            sock = stack.enter_context(_bound())
            started = await asyncio.start_server(serve, sock=sock.dup())
            stack.callback(started.close)

            async def repair() -> None:
                started.close()
                await stack.enter_async_context(_listening(server, sock))

            yield Peer(f"https://127.0.0.1:{_port(sock)}", server, repair)

    return place


def proxied(answer: Answer | None) -> Place:
    """Behind a proxy that answers CONNECT like this, or with None does not listen. No request reaches the service."""

    @contextlib.asynccontextmanager
    async def place() -> AsyncIterator[Peer]:
        async with contextlib.AsyncExitStack() as stack:
            service = await stack.enter_async_context(Server(good, tls=_serving()).running())
            sock = stack.enter_context(_bound())
            proxy = Server(answer or good)
            if answer:
                await stack.enter_async_context(_listening(proxy, sock))

            async def tunnel(exchange: Exchange) -> None:
                exchange.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
                await asyncio.gather(copy(exchange.reader, writer), copy(reader, exchange.writer))

            async def repair() -> None:
                proxy.answer = tunnel
                if not answer:
                    await stack.enter_async_context(_listening(proxy, sock))

            yield Peer(
                f"https://127.0.0.1:{service.port}",
                service,
                repair,
                {"proxy": f"http://canary-user:canary-password@127.0.0.1:{_port(sock)}"},
            )

    return place


# Faulty responses


def answering(*answers: Answer | bytes, reads_body: bool = True, tls: bool = False) -> Place:
    """Reads requests, and answers each with all of these in turn, a moment apart."""

    async def answer(exchange: Exchange) -> None:
        for number, each in enumerate(answers):
            if number:
                await asyncio.sleep(0.005)  # a separate segment
            if isinstance(each, bytes):
                exchange.writer.write(each)
            else:
                await each(exchange)

    @contextlib.asynccontextmanager
    async def place() -> AsyncIterator[Peer]:
        async with Server(answer, _serving() if tls else None, reads_body).running() as server:

            async def repair() -> None:
                server.answer, server.reads_body = good, True

            yield Peer(server.url.replace("localhost", "127.0.0.1"), server, repair)

    return place


@contextlib.asynccontextmanager
async def reset_unread() -> AsyncIterator[Peer]:
    """Every connection is reset immediately, before anything of a request is read."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _reset(writer)

    server = Server(good)
    async with contextlib.AsyncExitStack() as stack:
        sock = stack.enter_context(_bound())
        started = await asyncio.start_server(serve, sock=sock.dup())
        stack.callback(started.close)

        async def repair() -> None:
            started.close()
            await stack.enter_async_context(_listening(server, sock))

        yield Peer(f"http://127.0.0.1:{_port(sock)}", server, repair)


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def close(exchange: Exchange) -> None:
    """FIN."""
    exchange.writer.close()


async def reset(exchange: Exchange) -> None:
    """RST."""
    _reset(exchange.writer)


async def silence(exchange: Exchange) -> None:
    """Nothing more, until the client leaves."""
    await exchange.reader.read()


async def no_reading(exchange: Exchange) -> None:
    """Nothing more is read, so that the client's data piles up. The server does not notice that it leaves, either."""
    exchange.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a socket's
    while not exchange.writer.is_closing():  # noqa: ASYNC110 - by the end of the server, which sets no event
        await asyncio.sleep(0.01)


def endless(piece: bytes, pause: float = 0.0) -> Answer:
    """The same piece again and again."""

    async def answer(exchange: Exchange) -> None:
        while not exchange.writer.is_closing():
            exchange.writer.write(piece)
            await exchange.writer.drain()
            await asyncio.sleep(pause)

    return answer


def slow(data: bytes, pause: float) -> Answer:
    """A byte at a time."""

    async def answer(exchange: Exchange) -> None:
        for byte in data:
            if not exchange.writer.is_closing():
                exchange.writer.write(bytes([byte]))
                await asyncio.sleep(pause)

    return answer


def encoded(codings: str, body: bytes) -> bytes:
    return ok(body, b"Content-Encoding: " + codings.encode())


@functools.cache
def bomb(size: int) -> bytes:
    """Return so many zeros, compressed to a thousandth."""
    return gzip.compress(bytes(size))
