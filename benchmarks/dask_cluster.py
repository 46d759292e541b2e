"""A Dask scheduler, its workers, and the program of examples/dask_fleet.py, as processes that end with a block."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import anyio

ROOT: Final = Path(__file__).resolve().parent.parent
DASK: Final = (sys.executable, "-m", "dask")
CONCURRENCY: Final = 16
"""Of the example: requests in flight of a partition."""


class Cluster:
    """The processes. `secrets`, the variables with credentials, are in the environments of workers and programs."""

    def __init__(self, folder: Path, secrets: Mapping[str, str], organization_id: str) -> None:
        self.folder = folder
        self.secrets = dict(secrets)
        self.processes: list[subprocess.Popen[bytes]] = []
        self._env = {name: value for name, value in os.environ.items() if name not in secrets}
        self._env |= {"ORGANIZATION_ID": organization_id, "FLEET_FOLDER": str(folder / "fleet")}
        self._env["PYTHONPATH"] = str(ROOT)

    @property
    def journals(self) -> list[Path]:
        """The journals of the partitions."""
        return sorted((self.folder / "fleet").glob("*.db"))

    async def scheduler(self, *, ttl: str = "5 minutes") -> subprocess.Popen[bytes]:
        """Start a scheduler. It gives up a worker that has not been heard of for the time `ttl`."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        self._env["DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL"] = ttl
        command = (*DASK, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        process = self._start("scheduler", *command, "--scheduler-file", str(file))
        await until(lambda: file.exists() and file.read_text().endswith("}"))
        self._env["DASK_SCHEDULER_ADDRESS"] = json.loads(file.read_text())["address"]
        return process

    def worker(self, secrets: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a worker, with these credentials or the right ones."""
        command = (*DASK, "worker", self._env["DASK_SCHEDULER_ADDRESS"], "--no-nanny", "--nthreads", "1")
        options = ("--no-dashboard", "--local-directory", str(self.folder))
        return self._start("worker", *command, *options, secrets=self.secrets if secrets is None else secrets)

    def program(self) -> subprocess.Popen[bytes]:
        """Start the program."""
        return self._start("program", sys.executable, "examples/dask_fleet.py", secrets=self.secrets)

    def log(self, name: str = "program") -> str:
        """Return what the programs, the schedulers or the workers printed."""
        return (self.folder / f"{name}.txt").read_text()

    async def end(self, process: subprocess.Popen[bytes], seconds: float = 120.0) -> int:
        """Wait until a process has ended, and return its exit code."""
        await until(lambda: process.poll() is not None, seconds)
        return process.wait()

    def _start(self, name: str, *command: str, secrets: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.txt").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own
                command, cwd=ROOT, env=self._env | dict(secrets or {}), stdout=log, stderr=subprocess.STDOUT
            )
        self.processes.append(process)
        return process


@contextmanager
def cluster(folder: Path, secrets: Mapping[str, str], organization_id: str) -> Iterator[Cluster]:
    """Yield a cluster without processes, and end those that it has at the end."""
    started = Cluster(folder, secrets, organization_id)
    try:
        yield started
    finally:
        for process in started.processes:
            if process.poll() is None:
                # One that was stopped ends only if it continues.
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()


async def until(is_true: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait until something outside this process is true."""
    with anyio.fail_after(seconds):
        while not is_true():  # noqa: ASYNC110 - nothing in this process is told of it
            await anyio.sleep(0.02)
