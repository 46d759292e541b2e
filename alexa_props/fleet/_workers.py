"""The tasks of a run: as few as its items need, as many as its concurrency allows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import anyio

from alexa_props.concurrency import Tasks, foreign_cancellation
from alexa_props.fleet._stop import StopSignal
from alexa_props.fleet.concurrency import AdaptiveConcurrency

__all__ = ["Workers"]

T = TypeVar("T")

_AHEAD: Final = 100
"""Workers to make room for before they are started."""


class Workers(Generic[T]):
    """Tasks that take work and process it until there is no more.

    Args:
        take: Returns the next work; None ends the worker that asks.
        process: Processes it.
        concurrency: The most workers.
        signal: Stopped if a worker is cancelled and the run is not.
        on_exit: Called when a worker ends.

    """

    def __init__(
        self,
        take: Callable[[], Awaitable[T | None]],
        process: Callable[[T], Awaitable[None]],
        *,
        concurrency: AdaptiveConcurrency,
        signal: StopSignal,
        on_exit: Callable[[], object],
    ) -> None:
        self.count = 0
        self._take = take
        self._process = process
        self._concurrency = concurrency
        self._signal = signal
        self._on_exit = on_exit
        self._busy = 0
        self._exhausted = False
        self._tasks: Tasks | None = None

    def expected(self) -> int:
        """Return how many workers there are or may soon be: with a large concurrency, no more than are needed."""
        return min(self._concurrency.now, max(self.count, _AHEAD))

    def start(self, tasks: Tasks) -> None:
        """Start in a task group."""
        self._tasks = tasks
        self._hire(tasks)

    def _hire(self, tasks: Tasks) -> None:
        """Double the workers: a run over few items starts few, whatever the concurrency."""
        for _ in range(min(max(1, self.count), self._concurrency.now - self.count)):
            self.count += 1
            tasks.start_soon(self._work, tasks)

    async def _work(self, tasks: Tasks) -> None:
        try:
            while self.count <= self._concurrency.now:
                work = await self._take()
                if work is None:
                    self._exhausted = True
                    break
                self._busy += 1
                if self._busy == self.count < self._concurrency.now and self._may_hire:
                    self._hire(tasks)
                try:
                    await self._process(work)
                finally:
                    self._busy -= 1
        except anyio.get_cancelled_exc_class() as cancelled:
            error = await foreign_cancellation("a task of the run", cancelled)
            self._signal.fail(error, str(error))
        finally:
            self.count -= 1
            self._on_exit()

    @property
    def _may_hire(self) -> bool:
        return not self._exhausted and self._signal.reason is None
