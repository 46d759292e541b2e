"""A Redis server for one run, on 127.0.0.1 and without persistence, and what can happen to it.

`python -m benchmarks.redis PORT TARGET` forwards a port to another one: a process whose connection to Redis goes
through it is cut off while the forwarder is stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Final

from benchmarks.bench import ROOT
from benchmarks.server import free_port, wait_for

_FROM_SCRIPTS: Final = ("time", "get", "set")
"""Commands that only the library's scripts send: they are no trip of their own."""


class Program:
    """A program that serves on a port. It can be paused, killed and started again there."""

    def __init__(self, command: list[str], port: int) -> None:
        self._command = command
        self.port = port
        self.url = f"redis://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        wait_for(self.port, self._process)

    def pause(self) -> None:
        """Stop it: it accepts connections and data, and does nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue it."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it, paused or not."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


def redis_server() -> str | None:
    """Return the path of the program; None if it is not installed."""
    return shutil.which("redis-server")


@contextlib.contextmanager
def serve() -> Iterator[Program]:
    """Run a server that is empty, and kill it after the block."""
    with tempfile.TemporaryDirectory(prefix="alexa-props-bench-") as folder:
        port = free_port()
        options = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": folder}
        options["loglevel"] = "warning"
        flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        with _running([redis_server() or "redis-server", *flags], port) as program:
            yield program


@contextlib.contextmanager
def forwarder(target: int) -> Iterator[Program]:
    """Run a forwarder to a port, and kill it after the block."""
    port = free_port()
    with _running([sys.executable, "-m", "benchmarks.redis", str(port), str(target)], port) as program:
        yield program


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[Program]:
    program = Program(command, port)
    try:
        program.start()
        yield program
    finally:
        program.kill()


def trips(server: Program) -> int:
    """Return how many requests it got from clients so far."""
    found = re.findall(r"cmdstat_([a-z|]+):calls=(\d+)", _info(server, "commandstats"))
    return sum(int(calls) for name, calls in found if name not in (*_FROM_SCRIPTS, "info"))


def cpu(server: Program) -> float:
    """Return the seconds of CPU that it took so far."""
    return sum(float(value) for value in re.findall(r"used_cpu_(?:user|sys):([\d.]+)", _info(server, "cpu")))


def _info(server: Program, section: str) -> str:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as link, link.makefile("rwb") as stream:
        stream.write(f"INFO {section}\r\n".encode())
        stream.flush()
        size = int(stream.readline()[1:])
        return stream.read(size).decode()


async def main(port: int, target: int) -> None:
    """Forward until killed."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(copy(reader, to[1]), copy(to[0], writer))

    server = await asyncio.start_server(forward, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
