"""A Dask scheduler, its workers and the program of the example as processes, and a simulator on a socket."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import attrs

from alexa_props.simulator import Simulator

ROOT = Path(__file__).parent.parent.parent
DASK = [sys.executable, "-m", "dask"]
CALL = "alerts.delete_alarms"
CONCURRENCY = 16
"""Of the example."""


@attrs.define
class Cluster:
    """The processes, all of which end with it."""

    sim: Simulator
    folder: Path
    env: dict[str, str]
    secrets: dict[str, str]
    """The variables with credentials. The scheduler does not have them."""
    processes: list[subprocess.Popen[bytes]] = attrs.field(factory=list)

    def start(
        self, *command: str, secrets: Mapping[str, str] | None = None, name: str = "log"
    ) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.txt").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env={**self.env, **(secrets or {})}, stdout=log, stderr=subprocess.STDOUT
            )
        self.processes.append(process)
        return process

    async def scheduler(self) -> subprocess.Popen[bytes]:
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        command = (*DASK, "scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard")
        process = self.start(*command, "--scheduler-file", str(file), name="scheduler")
        await until(lambda: file.exists() and file.read_text().endswith("}"))
        self.env["DASK_SCHEDULER_ADDRESS"] = json.loads(file.read_text())["address"]
        return process

    def worker(self, secrets: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        command = (*DASK, "worker", self.env["DASK_SCHEDULER_ADDRESS"], "--no-nanny", "--nthreads", "1")
        options = ("--no-dashboard", "--local-directory", str(self.folder))
        return self.start(*command, *options, secrets=self.secrets if secrets is None else secrets, name="worker")

    def program(self) -> subprocess.Popen[bytes]:
        return self.start(sys.executable, "examples/dask_fleet.py", secrets=self.secrets, name="program")

    def log(self, name: str = "program") -> str:
        return (self.folder / f"{name}.txt").read_text()

    def seen(self) -> Counter[str]:
        """How often the service was called for each room."""
        return Counter(str(call.unit_id) for call in self.sim.calls if call.operation == CALL)

    async def end(self, process: subprocess.Popen[bytes]) -> int:
        """Wait until a process has ended, and return its exit code."""
        await until(lambda: process.poll() is not None)
        return process.wait()


@asynccontextmanager
async def cluster(folder: Path, rooms: int, workers: int = 3, latency: float = 0.05) -> AsyncIterator[Cluster]:
    async with Simulator(rooms=rooms, endpoints_per_room=1, seed=5) as sim, sim.serve():
        sim.latency(latency)
        secrets = sim.env()
        env = {name: value for name, value in os.environ.items() if name not in secrets}
        env |= {"ORGANIZATION_ID": sim.organization_id, "FLEET_FOLDER": str(folder / "fleet"), "PYTHONPATH": str(ROOT)}
        started = Cluster(sim, folder, env, secrets)
        try:
            await started.scheduler()
            for _ in range(workers):
                started.worker()
            yield started
        finally:
            for process in started.processes:
                if process.poll() is None:
                    # One that a test has stopped continues, and ends.
                    process.send_signal(signal.SIGCONT)
                    process.kill()
                    process.wait()


async def until(is_true: Callable[[], bool], seconds: float = 60.0) -> None:
    with anyio.fail_after(seconds):
        while not is_true():  # noqa: ASYNC110 - of other processes
            await anyio.sleep(0.02)
