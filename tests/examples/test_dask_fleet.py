"""The example for Dask, with a real scheduler and with worker processes that are killed."""

from __future__ import annotations

import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest

from alexa_props.simulator import Simulator
from benchmarks.dask_cluster import CONCURRENCY, Cluster, cluster, until

pytestmark = pytest.mark.apart


CALL = "alerts.delete_alarms"


@attrs.frozen
class Running:
    """A cluster, and the simulator that it uses."""

    sim: Simulator
    cluster: Cluster

    def seen(self) -> Counter[str]:
        """How often the service was called for each room."""
        return Counter(str(call.unit_id) for call in self.sim.calls if call.operation == CALL)

    async def program(self) -> int:
        """Run the program to its end."""
        return await self.cluster.end(self.cluster.program())


@asynccontextmanager
async def started(folder: Path, rooms: int, workers: int) -> AsyncIterator[Running]:
    async with Simulator(rooms=rooms, endpoints_per_room=1, seed=5) as sim, sim.serve():
        sim.latency(0.05)
        with cluster(folder, sim.env(), sim.organization_id) as processes:
            await processes.scheduler()
            for _ in range(workers):
                processes.worker()
            yield Running(sim, processes)


def last_line(running: Running) -> str:
    return running.cluster.log().splitlines()[-1]


def rooms_of(report: str) -> dict[str, int]:
    """Return the numbers of a report that is printed: of rooms that are done, that failed, that were skipped …"""
    return {word: int(number.replace(",", "")) for number, word in re.findall(r"([\d,]+) (\w+)[,;]", report)}


async def test_killed_workers_and_a_forgotten_program_lose_no_room(tmp_path: Path) -> None:
    async with started(tmp_path, rooms=600, workers=3) as running:
        program, (_, first, *_) = running.cluster.program(), running.cluster.processes
        await until(lambda: len(running.seen()) > 100)
        first.kill()
        await until(lambda: len(running.seen()) > 200)
        program.kill()
        program.wait()
        assert await running.program() == 0, running.cluster.log()
        seen = running.seen()
        assert set(seen) == set(running.sim.rooms)
        assert sum(seen.values()) - len(seen) <= CONCURRENCY
        found = rooms_of(last_line(running))
        assert found["done"] + found["skipped"] == 600
        assert found["skipped"] > 100
        # All is recorded: another run sends nothing.
        assert await running.program() == 0, running.cluster.log()
        assert rooms_of(last_line(running)) == {"done": 0, "failed": 0, "unknown": 0, "skipped": 600}
        assert running.seen() == seen


async def test_ctrl_c_ends_the_program_and_the_next_one_resumes(tmp_path: Path) -> None:
    async with started(tmp_path, rooms=450, workers=2) as running:
        program = running.cluster.program()
        await until(lambda: len(running.seen()) > 50)
        program.send_signal(signal.SIGINT)
        assert await running.cluster.end(program) == 130, running.cluster.log()
        assert "Traceback" not in running.cluster.log()
        # While the workers still have the partitions that had begun.
        assert await running.program() == 0, running.cluster.log()
        assert running.seen() == dict.fromkeys(running.sim.rooms, 1)


async def test_a_scheduler_that_is_killed_loses_no_room(tmp_path: Path) -> None:
    async with started(tmp_path, rooms=450, workers=2) as running:
        program = running.cluster.program()
        await until(lambda: len(running.seen()) > 50)
        scheduler, *workers = running.cluster.processes[:3]
        scheduler.kill()
        assert await running.cluster.end(program) == 1
        assert "the scheduler ended: start it and its workers, then this program to resume" in last_line(running)
        for worker in workers:
            await running.cluster.end(worker)
        await running.cluster.scheduler()
        running.cluster.worker()
        assert await running.program() == 0, running.cluster.log()
        seen = running.seen()
        assert set(seen) == set(running.sim.rooms)
        # A partition of each worker was interrupted.
        assert sum(seen.values()) - len(seen) <= 2 * CONCURRENCY


async def test_refused_credentials_end_the_job(tmp_path: Path) -> None:
    async with started(tmp_path, rooms=600, workers=0) as running:
        running.cluster.worker({**running.cluster.secrets, "ALEXA_PROPS_REFRESH_TOKEN": "revoked"})
        program = running.cluster.program()
        assert await running.cluster.end(program) == 1
        assert "stopped: " in last_line(running)
        assert not running.seen()
        assert running.cluster.log().count(" partitions: ") == 1


async def test_a_worker_without_credentials_is_reported(tmp_path: Path) -> None:
    async with started(tmp_path, rooms=2, workers=0) as running:
        running.cluster.worker({})
        # Only the first program sets up the plugin: the tasks of the second one find what it left.
        for _ in range(2):
            assert await running.program() == 1
        reason = "ConfigurationError: the environment variable ALEXA_PROPS_CLIENT_ID is not set"
        assert running.cluster.log().count(reason) >= 2
        assert "AttributeError" not in running.cluster.log()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory of a process is read from /proc")
async def test_the_scheduler_holds_no_secret(tmp_path: Path) -> None:
    async with started(tmp_path, rooms=600, workers=2) as running:
        scheduler, worker, _ = running.cluster.processes
        program = running.cluster.program()
        await until(lambda: len(running.seen()) > 50)
        secrets = [running.sim.refresh_token, running.sim.client_secret]
        held = memory_of(worker.pid)
        assert secrets[0].encode() in held
        assert b"delete-alarms" in memory_of(scheduler.pid)
        assert await running.cluster.end(program) == 0, running.cluster.log()
        held = memory_of(scheduler.pid)
        assert not [secret for secret in secrets if secret.encode() in held]
        assert not re.findall(rb"Atza\|[\w-]{20,}", held)


def memory_of(pid: int) -> bytes:
    """Return what a process has in its writable memory."""
    found = []
    maps = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for addresses, access, *_ in maps:
            if access.startswith("rw"):
                start, end = (int(each, 16) for each in addresses.split("-"))
                memory.seek(start)
                try:
                    found.append(memory.read(end - start))
                except OSError:  # freed since
                    continue
    return b"".join(found)
