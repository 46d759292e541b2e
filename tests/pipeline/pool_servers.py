"""Servers for the tests of the pool: every byte that they answer is in the test."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Answer = Callable[["Exchange"], Awaitable[None]]


def ok(body: bytes = b"{}", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def answering(data: bytes, *, close: bool = False) -> Answer:
    async def answer(exchange: "Exchange") -> None:
        exchange.writer.write(data)
        if close:
            exchange.writer.close()

    return answer


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
    target.close()


async def until(condition: Callable[[], object]) -> None:
    """Wait for `condition`, at most two seconds."""
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110 - what it looks at are counts and sockets, not events
            await asyncio.sleep(0.001)


@dataclass
class Received:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class Exchange:
    server: "Server"
    request: Received
    number: int  # of the request on its connection, from 1
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def reset(self) -> None:
        """Leave with an RST instead of a FIN."""
        self.writer.transport.abort()


@dataclass
class Server:
    """A server that reads requests one after the other and leaves each answer to `answer`."""

    answer: Answer
    tls: ssl.SSLContext | None = None
    reads_body: bool = True
    connections: int = 0
    requests: list[Received] = field(default_factory=list)
    port: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    @property
    def open(self) -> int:
        return len(self._writers)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Server"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            await until(lambda: not self._writers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        number = 0
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
                method, target, _ = first.split(" ")
                headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
                request = Received(method, target, headers, b"")
                if self.reads_body:
                    request.body = await reader.readexactly(int(request.header("content-length") or 0))
                number += 1
                self.requests.append(request)
                await self.answer(Exchange(self, request, number, reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


@dataclass
class Proxy:
    """A proxy: answers plain requests itself, and tunnels CONNECT for any name to this machine."""

    refuse: bytes | None = None
    seen: list[Received] = field(default_factory=list)
    port: int = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        server = Server(self._answer)
        async with server.running():
            self.port, self.seen = server.port, server.requests
            yield self

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        if self.refuse is not None:
            exchange.writer.write(self.refuse)
            exchange.writer.close()
        elif request.method == "CONNECT":
            exchange.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await self._tunnel(exchange, int(request.target.rpartition(":")[2]))
        else:
            exchange.writer.write(ok(b"forwarded"))

    async def _tunnel(self, exchange: Exchange, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(copy(exchange.reader, writer))
            tasks.create_task(copy(reader, exchange.writer))
        writer.close()
