"""Task groups out of which a single exception comes as itself, waits that others end, and the time between loops."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

if TYPE_CHECKING:
    # anyio loads its parts when they are first used.
    from anyio.abc import TaskGroup

__all__ = ["Waiter", "loop_time", "tasks_behind_a_block", "together"]

T = TypeVar("T")


def loop_time() -> float:
    """The event loop's time; between loops, and where one is gone and what it left is collected, that of its clock."""
    try:
        return anyio.current_time()
    except RuntimeError:
        return time.monotonic()


class Waiter:
    """One who waits until somebody wakes it, or for some seconds at most. It may wait again."""

    __slots__ = ("__weakref__", "_woken")

    def __init__(self) -> None:
        self._woken = anyio.Event()

    def wake(self) -> None:
        """End its wait."""
        self._woken.set()

    async def wait(self, seconds: float | None) -> bool:
        """Whether it was woken; False if so many seconds passed first."""
        if seconds is None:
            # Thousands may have all the patience: they do without a timer and a scope.
            await self._woken.wait()
        else:
            with anyio.move_on_after(seconds):
                await self._woken.wait()
        woken = self._woken.is_set()
        self._woken = anyio.Event()
        return woken


@asynccontextmanager
async def tasks_behind_a_block(*, cancelled: bool = True) -> AsyncGenerator[TaskGroup, None]:
    """A task group out of which a single exception comes as itself; `cancelled` when the block ends, or waited for."""
    alone: BaseException | None = None
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
            if cancelled:
                tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        # The caller's own block expects its own exception.
        if len(group.exceptions) != 1:
            raise
        alone = group.exceptions[0]
    if alone is not None:
        # Outside the handler, so that its cause and context stay its own.
        try:
            raise alone
        finally:
            del alone


async def together(calls: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """What the calls give, made side by side, in their order. The first that raises cancels the others."""
    calls = list(calls)
    results: list[Any] = [None] * len(calls)

    async def run(number: int, call: Callable[[], Awaitable[T]]) -> None:
        results[number] = await call()

    async with tasks_behind_a_block(cancelled=False) as tasks:
        for number, call in enumerate(calls):
            tasks.start_soon(run, number, call)
    return results
