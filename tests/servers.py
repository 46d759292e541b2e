"""Servers that tests start where their programs are installed: on 127.0.0.1, with their files in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

__all__ = ["REDIS_PROGRAMS", "RedisServer", "needs_redis", "redis_server"]

REDIS_PROGRAMS: Final = [program for program in ("redis-server", "valkey-server") if shutil.which(program)]
needs_redis = pytest.mark.skipif(not REDIS_PROGRAMS, reason="redis-server is not installed")


class RedisServer:
    """A Redis or Valkey server without a disk: whatever ends it, it comes back empty."""

    def __init__(self, folder: Path, program: str, options: Sequence[str] = ()) -> None:
        self._folder = folder
        self._command = [
            program,
            "--save",
            "",
            *["--appendonly", "no", "--bind", "127.0.0.1", "--loglevel", "warning"],
            *options,
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server, the next time on the same port."""
        for _ in range(5):
            port = self.port or _free_port()
            command = [*self._command, "--port", str(port), "--dir", str(self._folder)]
            with (self._folder / "server.log").open("ab") as log:
                self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            if self._listens(port):
                self.port = port
                return
        raise AssertionError((self._folder / "server.log").read_text())

    def _listens(self, port: int) -> bool:
        assert self._process is not None
        give_up_at = time.monotonic() + 30
        while self._process.poll() is None and time.monotonic() < give_up_at:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(1) in (b"+", b"-"):  # "-": it asks for a password
                        return True
            except OSError:
                time.sleep(0.02)
        return False

    def signal(self, number: signal.Signals) -> None:
        """Stop the server (SIGSTOP) or let it continue (SIGCONT)."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End the server; all of its data is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def redis_server(folder: Path, *options: str, program: str | None = None) -> Iterator[RedisServer]:
    """Run a server for the time of a block.

    Args:
        folder: A temporary folder.
        options: Options of the server, such as "--requirepass", "secret".
        program: One of `REDIS_PROGRAMS`; None for the first.

    """
    server = RedisServer(folder, program or REDIS_PROGRAMS[0], options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
