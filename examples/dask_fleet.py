"""Delete the alarms of all rooms on several machines, with dask.distributed: copy it, and change `call`.

    dask scheduler
    dask worker tcp://scheduler:8786 --nworkers 3 --nthreads 1    # on each machine
    python examples/dask_fleet.py                                 # anywhere

Credentials are in the environment of the workers, as `SmartProperties.from_env` reads them, and in that of this
program, which lists the rooms of ORGANIZATION_ID and submits them to DASK_SCHEDULER_ADDRESS. None travel with a task.
FLEET_FOLDER, for the workers, is a folder on a local disk: the workers of a machine share its journals and its quota.

A worker that dies loses nothing: its partitions run again on other workers, and their journals skip what was done.
After Ctrl-C, or the end of this program or of the scheduler, run it again to resume. Workers end with their scheduler.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from distributed import CancelledError, Client, Worker, WorkerPlugin, as_completed, get_worker

from alexa_props import RateLimit, SmartProperties, fleet

JOB = "delete-alarms"
CONCURRENCY = 16  # requests in flight per partition: the most that are repeated if a worker is killed
PATIENCE = 60.0  # seconds that a partition waits for a journal, while a worker that was given up still uses it


def call(asp: SmartProperties) -> Callable[[fleet.Room], Awaitable[Any]]:
    """Return the function that is called for every room."""
    return asp.alerts.delete_alarms


class OneClient(WorkerPlugin):
    """A client for all tasks of a worker process: what it has learned of the quota serves the next partition."""

    name = "one-client"
    idempotent = True  # a second program must not close the client under the tasks of the first

    asp: SmartProperties | None = None

    def client(self) -> SmartProperties:
        """Return the client, which is made from the environment of the worker unless it was made before."""
        if self.asp is None:
            self.folder = Path(os.environ["FLEET_FOLDER"])
            self.folder.mkdir(parents=True, exist_ok=True)
            # For workers on several machines: shared=RedisShared(url, name="…").
            self.asp = SmartProperties.from_env(rate_limit=RateLimit(shared=self.folder / "quota"))
        return self.asp

    async def setup(self, worker: Worker) -> None:  # noqa: ARG002 - passed by name
        """Make the client now. Dask also uses a worker that cannot: its tasks then fail for the same reason."""
        self.client()

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - passed by name
        """Close it, after the worker has cancelled its tasks."""
        if self.asp is not None:
            await self.asp.aclose()


async def work(partition: fleet.Partition[fleet.Room]) -> fleet.FleetReport[fleet.Room, Any]:
    """Run the job for a partition. Dask runs a coroutine function on the worker's event loop, not in a thread."""
    mine: Any = get_worker().plugins[OneClient.name]
    report = await fleet.collect(
        call(mine.client()),
        partition,
        concurrency=CONCURRENCY,
        journal=mine.folder / f"{JOB}-{partition.name}.db",
        wait_for_journal=PATIENCE,
        stop_on=fleet.ServiceDown(),
    )
    # What is done is in the journal; this program only counts it.
    return report.brief()


def reports(
    dask: Client, partitions: Sequence[fleet.Partition[fleet.Room]]
) -> Iterator[fleet.FleetReport[fleet.Room, Any]]:
    """Yield the report of each partition once it has ended. One that stopped, as for a refused login, is the last one.

    Raises:
        ConnectionError: The scheduler ended.
        ExceptionGroup: After the last report: the errors of the partitions without one.

    """
    dask.register_plugin(OneClient())
    # Equal keys are equal work: a second program waits for the tasks of the first.
    futures = {
        dask.submit(work, partition, key=f"{JOB}-{partition.name}-{partition.digest}"): partition
        for partition in partitions
    }
    errors: list[Exception] = []
    for future in as_completed(list(futures)):
        partition = futures.pop(future)
        try:
            report = future.result()
        except CancelledError:
            raise ConnectionError(
                "the scheduler ended: start it and its workers, then this program to resume"
            ) from None
        except Exception as error:  # noqa: BLE001 - Dask's, such as of the fourth worker that died, or the run's
            error.add_note(f"in {partition}")
            errors.append(error)
            continue
        yield report
        if report.stopped:
            return
    if errors:
        raise ExceptionGroup(f"{len(errors)} of {len(partitions)} partitions have no report: run it again", errors)


async def rooms() -> list[fleet.Room]:
    """Return all rooms, each with the property that it belongs to."""
    async with SmartProperties.from_env() as asp:
        return [room async for room in fleet.walk_rooms(asp, os.environ["ORGANIZATION_ID"])]


def main() -> int:
    """Run the job, and print its report. Return the exit code."""
    began = time.monotonic()
    partitions = fleet.partition(asyncio.run(rooms()), by=lambda room: room.property_id)
    found: list[fleet.FleetReport[fleet.Room, Any]] = []
    with Client(os.environ["DASK_SCHEDULER_ADDRESS"]) as dask:
        try:
            for report in reports(dask, partitions):
                found.append(report)
                sys.stderr.write(f"{len(found)} of {len(partitions)} partitions: {report}\n")
        except KeyboardInterrupt:
            sys.stderr.write("interrupted; partitions that had begun end by themselves: run it again to resume\n")
            return 130
        finally:
            merged = fleet.FleetReport.merge(found, elapsed=time.monotonic() - began)
            sys.stdout.write(f"{merged}\n")
    return 1 if merged.failures or merged.stopped else 0


if __name__ == "__main__":
    sys.exit(main())
