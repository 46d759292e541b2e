"""What do killed workers and a killed scheduler cost a job over several processes, and what do they lose?

Asked by name only: `python -m benchmarks dask_fleet`. The program is examples/dask_fleet.py, which deletes
the alarms of all rooms, with three workers and a simulator without a quota, each a process. A worker is killed after a
third of the partitions, and the scheduler and the program after two thirds; the workers end by themselves. Then a new
scheduler, two new workers and the program run to the end, and the program once more. *missed* are rooms that the
service never saw, *twice* its requests beyond one for each room, *recorded* those of them for rooms that the journals
had as done: these must be none.

*Fence*: a worker is stopped in the middle of a partition, given up by the scheduler after 15 s, and continued after
40 s; the service takes 0.2 s for a request. *meanwhile* are requests of the other worker for that partition while the
first one was stopped: its journal is held.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import anyio

from alexa_props.fleet.journal import read_journal
from benchmarks.bench import ROOT, Bench, Table, samples, say
from benchmarks.dask_cluster import Cluster, cluster, until

CALL: Final = "alerts.delete_alarms"
_ROOMS: Final = 20_000
_MOST: Final = 600.0
"""Seconds to wait for a program or its progress: ten times what it takes."""
_SLOW: Final = 0.2
"""Latency of the service while a worker is stopped, so that it is in the middle of a partition."""


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    share = 20 if bench.quick else 1
    killed: list[dict[str, Any]] = []
    for _ in range(bench.rounds):
        killed.append(asyncio.run(_with_service(bench, _killed, rooms=_ROOMS // share)))
        say(f"  {killed[-1]}")
    stopped = asyncio.run(_with_service(bench, _stopped, rooms=max(600, 3_000 // share), latency=_SLOW))
    return [
        _table(f"{killed[0]['rooms']:,} rooms, three workers", killed),
        _table("Fence: two workers, one of them stopped", [stopped]),
    ]


def _table(title: str, rounds: list[dict[str, Any]]) -> Table:
    columns = tuple(rounds[0])
    return Table(title, columns, {"ours": tuple(samples(rounds, key) for key in columns)}, extra={"ours": rounds})


class Service:
    """The simulator's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.where: dict[str, Any] = json.loads(self._line())

    def seen(self) -> Counter[str]:
        """How often it was called for each room."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Counter(json.loads(self._line()))

    def _line(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        return self._process.stdout.readline()


@contextmanager
def _service(bench: Bench, **options: float) -> Iterator[Service]:
    command = [bench.python, "-m", "benchmarks.subject", "dask_fleet", "serve", json.dumps(options)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            yield Service(process)
        finally:
            # It ends with its standard input, which this closes.
            try:
                process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()


async def serve(rooms: int, latency: float = 0.0) -> None:
    """The simulator; prints where it is, and the calls for each room whenever it reads a line."""
    from alexa_props.simulator import Simulator

    async with Simulator(rooms=rooms, endpoints_per_room=1, kept_calls=10 * rooms) as sim, sim.serve():
        sim.latency(latency)
        where = {"env": sim.env(), "organization_id": sim.organization_id, "rooms": len(sim.rooms)}
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        while await anyio.to_thread.run_sync(sys.stdin.readline):
            calls = Counter(str(call.unit_id) for call in sim.calls if call.operation == CALL)
            sys.stdout.write(json.dumps(calls) + "\n")
            sys.stdout.flush()


async def _with_service(bench: Bench, measure: Any, **options: float) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="alexa-props-dask-") as folder,
        _service(bench, **options) as service,
        cluster(Path(folder), service.where["env"], service.where["organization_id"]) as running,
    ):
        try:
            found: dict[str, Any] = await measure(service, running)
        except Exception as error:
            error.add_note(f"the program printed: …{running.log()[-2_000:]}")
            raise
    return found


async def _killed(service: Service, running: Cluster) -> dict[str, Any]:
    scheduler = await running.scheduler()
    workers = [running.worker() for _ in range(3)]
    began = time.monotonic()
    program = running.program()
    await until(lambda: _partitions(running) >= (1, 0), _MOST)
    _, partitions = _partitions(running)
    await until(lambda: _partitions(running) >= (partitions // 3, 0), _MOST)
    workers[0].kill()
    await until(lambda: _partitions(running) >= (2 * partitions // 3, 0), _MOST)
    for process in (scheduler, program):
        process.kill()
    for process in workers:
        await running.end(process)
    first, recorded, before = time.monotonic() - began, _recorded(running), service.seen()

    await running.scheduler()
    for _ in range(2):
        running.worker()
    resumed = await _timed(running)
    seen = service.seen()
    again = await _timed(running)
    sent_again = {room for room in recorded if seen[room] > before[room]}
    return {
        "rooms": service.where["rooms"],
        "partitions": partitions,
        "missed": service.where["rooms"] - len(seen),
        "twice": sum(seen.values()) - len(seen),
        "recorded": len(sent_again) + sum((service.seen() - seen).values()),
        "s until the scheduler was killed": first,
        "s of the resumed run": resumed,
        "s of a run without calls": again,
    }


async def _stopped(service: Service, running: Cluster) -> dict[str, Any]:
    await running.scheduler(ttl="15s")
    holder = running.worker()
    began = time.monotonic()
    program = running.program()
    await until(lambda: sum(service.seen().values()) > 100, _MOST)  # noqa: PLR2004 - in the middle of a partition
    holder.send_signal(signal.SIGSTOP)
    (journal,) = _held(running)
    await anyio.sleep(0.5)
    before = service.seen()
    running.worker()
    await anyio.sleep(40)
    meanwhile = service.seen() - before
    holder.send_signal(signal.SIGCONT)
    if await running.end(program, _MOST):
        raise RuntimeError("the program failed")
    seen, held = service.seen(), {record.key for record in read_journal(journal).records}
    return {
        "rooms": service.where["rooms"],
        "missed": service.where["rooms"] - len(seen),
        "twice": sum(seen.values()) - len(seen),
        "meanwhile": sum(count for room, count in meanwhile.items() if room in held),
        "of other partitions": sum(count for room, count in meanwhile.items() if room not in held),
        "seconds": time.monotonic() - began,
    }


async def _timed(running: Cluster) -> float:
    began = time.monotonic()
    if await running.end(running.program(), _MOST):
        raise RuntimeError("the program failed")
    return time.monotonic() - began


def _partitions(running: Cluster) -> tuple[int, int]:
    """Return how many partitions have ended, and how many there are: unknown before the first has."""
    found = re.findall(r"^(\d+) of (\d+) partitions: ", running.log(), re.MULTILINE)
    return (int(found[-1][0]), int(found[-1][1])) if found else (0, 0)


def _held(running: Cluster) -> list[Path]:
    """Return the journals that a run holds."""
    return [path for path in running.journals if Path(f"{path}-lock").exists()]


def _recorded(running: Cluster) -> set[str]:
    """Return the rooms that are done according to the journals."""
    records = (record for path in running.journals for record in read_journal(path).records)
    return {record.key for record in records if record.status == "done"}
