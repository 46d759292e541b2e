"""A store in this process, on the event loop's clock, that fails as it is asked to: for tests in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio

from alexa_props.concurrency import flattening_task_group, loop_time
from alexa_props.shared import SharedUnavailable

T = TypeVar("T")


class MemoryShared:
    """One process's connection to records in memory. `another()` is the connection of a further process.

    Attributes:
        records: what is stored, common to all connections.
        updates: how many updates this connection has stored or only read.
        latency: seconds that an update takes; the record changes halfway. An update without latency awaits nothing.
        down: a reason: each update fails immediately with it.
        hung: each update fails when its patience is over.
        stores_late: an update that fails because it takes too long is stored all the same.
        misses: how often `change` is called in vain before each update, as if another process were faster.
        clock_offset: seconds that the store's clock is ahead of the event loop's.

    """

    def __init__(self, name: str = "memory", *, records: dict[str, bytes] | None = None) -> None:
        self.name = name
        self.records: dict[str, bytes] = {} if records is None else records
        self.updates = 0
        self.latency = 0.0
        self.distance: float | None = 0.0
        self.down: str | None = None
        self.hung = False
        self.stores_late = False
        self.misses = 0
        self.clock_offset = 0.0
        self.closed = 0

    def another(self) -> MemoryShared:
        """Return a connection to the same records that fails independently."""
        return MemoryShared(self.name, records=self.records)

    def now(self) -> float:
        return loop_time() + self.clock_offset

    async def update(
        self,
        key: str,
        change: Callable[[bytes | None, float], tuple[bytes | None, T]],
        *,
        patience: float | None = None,
    ) -> T:
        patience = 0.25 if patience is None else patience
        if self.down is not None:
            raise SharedUnavailable(f"{self.name}: {self.down}")
        if not self.hung and not self.latency:
            return self._apply(key, change)
        results: list[T] = []

        async def run() -> None:
            with anyio.CancelScope(shield=True):
                if self.hung or self.latency > patience:
                    await anyio.sleep(patience)
                    if self.stores_late:
                        self._apply(key, change)
                    raise SharedUnavailable(f"{self.name}: no response within {patience} s")
                await anyio.sleep(self.latency / 2)
                results.append(self._apply(key, change))
                await anyio.sleep(self.latency / 2)

        # In a task inside this one, because asyncio's `Task.cancel` ignores shields.
        async with flattening_task_group(cancelled=False) as tasks:
            tasks.start_soon(run)
        return results[0]

    def _apply(self, key: str, change: Callable[[bytes | None, float], tuple[bytes | None, T]]) -> T:
        for _ in range(self.misses):
            change(self.records.get(key), self.now())
        record, result = change(self.records.get(key), self.now())
        if record is not None:
            self.records[key] = record
        self.updates += 1
        return result

    async def aclose(self) -> None:
        self.closed += 1
