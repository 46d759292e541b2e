"""The stores, each with a way to block it."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest

from alexa_props.shared import Shared
from tests.servers import REDIS_PROGRAMS, RedisServer, redis_server
from tests.shared.memory import MemoryShared
from tests.shared.worker import connect

ROOT = Path(__file__).parents[2]
KINDS: list[Any] = ["host", *REDIS_PROGRAMS]
if not REDIS_PROGRAMS:
    KINDS.append(pytest.param("redis-server", marks=pytest.mark.skip(reason="redis-server is not installed")))
_numbers = itertools.count()


class Worker:
    """A process of `tests.shared.worker`."""

    def __init__(self, store: str, key: str, count: int, forks: int, seed: int) -> None:
        command = [sys.executable, "-m", "tests.shared.worker", store, key, str(count), str(forks), str(seed)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)
        assert self._process.stdout is not None
        self._printed = self._process.stdout

    def ready(self) -> None:
        assert self._printed.read(5) == b"ready"

    def stopped(self) -> None:
        """Wait until it has stopped itself."""
        _, status = os.waitpid(self._process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._printed.close()

    def end(self) -> str:
        """Wait for its end, and return what it printed since it was ready."""
        return self._printed.read().decode()


@attrs.frozen
class Kind:
    """A store that other processes can share."""

    address: str
    block: Callable[[str], AbstractContextManager[None]]
    """Keep a key from being updated for the time of a block."""
    workers: ExitStack

    def connect(self) -> Shared:
        return connect(self.address)

    def worker(self, key: str, count: int, *, forks: int = 0, seed: int = 0) -> Worker:
        worker = Worker(self.address, key, count, forks, seed)
        self.workers.callback(worker.kill)
        return worker


@pytest.fixture(scope="session")
def _redis_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], RedisServer]]:
    servers: dict[str, RedisServer] = {}
    with ExitStack() as stack:

        def server(program: str) -> RedisServer:
            if program not in servers:
                folder = tmp_path_factory.mktemp("redis")
                servers[program] = stack.enter_context(redis_server(folder, program=program))
            return servers[program]

        yield server


@pytest.fixture
def server(_redis_servers: Callable[[str], RedisServer]) -> RedisServer:
    """Return a running server, which several tests share."""
    return _redis_servers(REDIS_PROGRAMS[0])


@pytest.fixture(params=KINDS)
def kind(request: Any, tmp_path: Path, _redis_servers: Callable[[str], RedisServer]) -> Iterator[Kind]:
    with ExitStack() as workers:
        if request.param == "host":
            folder = str(tmp_path / "shared")
            yield Kind(folder, functools.partial(_held, folder), workers)
        else:
            server = _redis_servers(request.param)
            yield Kind(f"{server.url}#account-{next(_numbers)}", functools.partial(_hung, server), workers)


@contextlib.contextmanager
def _held(folder: str, key: str) -> Iterator[None]:
    worker = Worker(folder, key, -1, 0, 0)
    try:
        worker.stopped()
        yield
    finally:
        worker.kill()


@contextlib.contextmanager
def _hung(server: RedisServer, _: str) -> Iterator[None]:
    server.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.signal(signal.SIGCONT)


@pytest.fixture(params=["memory", *KINDS])
def shared(request: Any, tmp_path: Path, _redis_servers: Callable[[str], RedisServer]) -> Shared:
    """Return a store of each kind."""
    if request.param == "memory":
        return MemoryShared()
    if request.param == "host":
        return connect(str(tmp_path / "shared"))
    return connect(f"{_redis_servers(request.param).url}#account-{next(_numbers)}")
