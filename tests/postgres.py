"""A PostgreSQL server for tests: its own folder and port, and ended with the tests."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import psycopg
import pytest

USER: Final = "fleet"
PASSWORD: Final = "kan4rie/v@n#9Qz7x"
QUOTED: Final = PASSWORD.replace("/", "%2F").replace("@", "%40")
MEMORY: Final = Path("/dev/shm")


@functools.cache
def _programs() -> Path | None:
    """Return the directory of the server's programs. Debian does not put it on the PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


needs_postgres = pytest.mark.skipif(_programs() is None, reason="PostgreSQL is not installed")


@attrs.define
class Server:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    def url(self, database: str = "postgres", *, user: str = USER, name: str | None = None) -> str:
        """Return the URL of a journal with a name that no other test has."""
        name = uuid.uuid4().hex if name is None else name
        return f"postgresql://{user}:{QUOTED}@127.0.0.1:{self.port}/{database}#{name}"

    def sql(self, statement: Any, *values: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Execute a statement as the administrator."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname=database, autocommit=True
        ) as db:
            found = db.execute(statement, values)
            return found.fetchall() if found.description else []


def _as_nobody() -> dict[str, Any]:
    """Return options of `subprocess`: the server refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def started() -> Iterator[Server]:
    """Start a server for the time of a block."""
    programs, port = _programs(), _free_port()
    assert programs is not None
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as name:
        folder = Path(name)
        options = _as_nobody()
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if options:
            for path in (folder, secret):
                shutil.chown(path, "postgres", "postgres")
        data = folder / "data"
        initdb: list[Any] = [programs / "initdb", "-D", data, "-U", USER, f"--pwfile={secret}", "--no-sync"]
        subprocess.run(
            [*initdb, "--auth=scram-sha-256", "--no-locale", "--encoding=UTF8", "--no-instructions"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **options,
        )
        settings = ("fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=50")
        command: list[Any] = [programs / "postgres", "-D", data, "-p", str(port)]
        command += [part for each in (*settings, "shared_buffers=16MB") for part in ("-c", each)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **options)
        server = Server(port, process)
        try:
            _wait_for(server, folder / "log")
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)  # without a checkpoint
            process.wait(30)


def _wait_for(server: Server, log: Path) -> None:
    for _ in range(300):
        assert server.process.poll() is None, log.read_text()
        try:
            server.sql("SELECT 1")
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())
