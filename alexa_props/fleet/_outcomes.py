"""Outcomes between the workers that produce them and the iteration that takes them: their order, and a bound."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

import anyio

from alexa_props.fleet.outcome import Outcome

__all__ = ["OutcomeQueue"]

T = TypeVar("T")
R = TypeVar("R")


class OutcomeQueue(Generic[T, R]):
    """Outcomes that were not taken yet. It bounds how many items are begun ahead of them.

    Args:
        workers: Returns the number of workers to make room for.
        ordered: Whether outcomes are taken in the order in which their items were begun.

    """

    def __init__(self, workers: Callable[[], int], *, ordered: bool) -> None:
        self._workers = workers
        self._ordered = ordered
        self._begun = 0  # items
        self._taken = 0  # outcomes that were taken, or skipped
        self._ready: deque[Outcome[T, R]] = deque()
        self._early: dict[int, Outcome[T, R] | None] = {}  # ordered: by number, behind an item that has not ended
        self._changed = anyio.Event()
        self._room = anyio.Event()

    def begin(self) -> None:
        """Count an item that will end with `put`."""
        self._begun += 1

    def put(self, number: int, outcome: Outcome[T, R] | None) -> None:
        """Add the outcome of an item; None if it has none."""
        if self._ordered:
            self._early[number] = outcome
        elif outcome is None:
            self._count_taken()
        else:
            self._ready.append(outcome)
        self.wake_takers()

    def take(self) -> Outcome[T, R] | None:
        """Return the next outcome; None if there is none yet."""
        while self._taken in self._early:
            outcome = self._early.pop(self._taken)
            if outcome is None:
                self._count_taken()
            else:
                self._ready.append(outcome)
                break
        if not self._ready:
            return None
        self._count_taken()
        return self._ready.popleft()

    def rest(self) -> tuple[Outcome[T, R], ...]:
        """Return the outcomes that were not taken."""
        return (*self._ready, *(outcome for _, outcome in sorted(self._early.items()) if outcome is not None))

    def wake_takers(self) -> None:
        """Wake all that wait for an outcome."""
        self._changed.set()

    async def wait_for_outcome(self) -> None:
        """Wait for `put` or `wake_takers`."""
        # Several tasks may iterate and wait for the same event.
        if self._changed.is_set():
            self._changed = anyio.Event()
        await self._changed.wait()

    @property
    def is_full(self) -> bool:
        """Whether no further item may begin before an outcome is taken."""
        return self._begun - self._taken >= self._limit()

    def wake_workers(self) -> None:
        """Wake all that wait for room."""
        room, self._room = self._room, anyio.Event()
        room.set()

    async def wait_for_room(self) -> None:
        """Wait until there may be room."""
        await self._room.wait()

    def _count_taken(self) -> None:
        self._taken += 1
        # Half of them at a time: woken for every single outcome, workers would mostly wake each other.
        if self._begun - self._taken <= self._limit() // 2:
            self.wake_workers()

    def _limit(self) -> int:
        """The most items that are begun and whose outcomes are not taken: the bound of the memory."""
        return (10 if self._ordered else 2) * self._workers() + 16
