"""Task groups that raise a single exception unwrapped, foreign code in them, waiters, and the time between loops.

Foreign code comes from users and other libraries. Some exceptions control Python and the event loop: a `CancelledError`
ends a task silently, and a `StopAsyncIteration` ends an `async for`. If foreign code raises one, it would end this
library's code as if everything were done. `call_foreign` and `await_foreign` raise an ordinary error instead, with that
exception as its cause:

- `concurrent.futures.CancelledError` for a cancellation that was not addressed to the task;
- `RuntimeError` for `StopIteration`, `StopAsyncIteration` and `GeneratorExit`, as Python does in generators.
"""

from __future__ import annotations

import functools
import inspect
import math
import sys
import time
import types
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

if TYPE_CHECKING:
    # anyio loads its parts when they are first used.
    from anyio.abc import TaskGroup

__all__ = [
    "Tasks",
    "Waiter",
    "await_foreign",
    "being_cancelled",
    "call_foreign",
    "current_loop",
    "discard_awaitable",
    "flattening_task_group",
    "foreign_cancellation",
    "gather",
    "is_async",
    "is_running",
    "loop_time",
    "run_in_thread",
]

P = ParamSpec("P")
T = TypeVar("T")

_STOPS = (StopIteration, StopAsyncIteration, GeneratorExit)


def _asyncio_loop() -> Any:
    """Return asyncio's loop if one of its tasks runs here; else None. It takes a tenth of anyio's search for a backend.

    Trio may be a guest of asyncio's loop: then no task of asyncio's runs.
    """
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    loop = asyncio._get_running_loop()  # noqa: SLF001 - public to event loops
    return None if loop is None or asyncio.current_task(loop) is None else loop


def current_loop() -> object:
    """Return what identifies the running event loop; raises as anyio does if none runs."""
    return _asyncio_loop() or anyio.lowlevel.current_token()


def loop_time() -> float:
    """Return the event loop's time; outside a loop, as in a finalizer of what it left, the time of its clock."""
    loop = _asyncio_loop()
    if loop is not None:
        now: float = loop.time()
        return now
    try:
        return anyio.current_time()
    except RuntimeError:
        return time.monotonic()


def is_running(loop: object) -> bool:
    """Return whether an event loop, given as anyio's token, still runs. Known for asyncio only; False for others."""
    # anyio 4.11 and later wrap it.
    ask = getattr(getattr(loop, "native_token", loop), "is_running", None)
    return ask is not None and bool(ask())


class Waiter:
    """Waits until it is woken, or until a time limit passes. It may wait again.

    Several tasks may wait for it if none of them has a time limit.
    """

    __slots__ = ("__weakref__", "_event", "_woken")

    def __init__(self) -> None:
        self._woken = False
        # Made by a wait: most waiters need none.
        self._event: anyio.Event | None = None

    def wake(self) -> None:
        """End its wait."""
        self._woken = True
        if self._event is not None:
            self._event.set()

    async def wait(self, seconds: float | None) -> bool:
        """Wait, and return whether it was woken; False if these seconds passed first."""
        self._event = event = self._event or anyio.Event()
        if self._woken:
            event.set()
        if seconds is None:
            # Thousands may wait without a limit: they need no timer and no scope.
            await event.wait()
        else:
            with anyio.move_on_after(seconds):
                await event.wait()
        self._woken, self._event = False, None
        return event.is_set()


# Foreign code.


def call_foreign(what: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a foreign function.

    Args:
        what: Names it in error messages.
        function: The function; it is not awaited.
        args: Its arguments.
        kwargs: Its named arguments.

    Raises:
        CancelledError: It raised a cancellation.
        RuntimeError: It raised `StopIteration`, `StopAsyncIteration` or `GeneratorExit`.

    """
    try:
        return function(*args, **kwargs)
    except _STOPS as error:
        raise _stopped(what, error) from error
    except _cancellation() as error:
        # A plain function has no await at which it could have been cancelled.
        raise _cancelled(what) from error


async def await_foreign(what: str, coroutine: Coroutine[Any, Any, T], context: Context | None = None) -> T:
    """Await a coroutine that runs foreign code, in a task of this library.

    Args:
        what: Names it in error messages.
        coroutine: The coroutine.
        context: The context to run it in; None runs it in a copy of the task's.

    Raises:
        CancelledError: It raised a cancellation, and no scope around this task is cancelled.
        RuntimeError: It raised `StopAsyncIteration` or `GeneratorExit`.

    """
    try:
        return await _steps(what, coroutine, copy_context() if context is None else context)
    except StopAsyncIteration as error:
        raise _stopped(what, error) from error
    except _cancellation() as error:
        raise await foreign_cancellation(what, error) from error


async def foreign_cancellation(what: str, error: BaseException) -> CancelledError:
    """Return the error for a foreign cancellation that a task caught; raise the cancellation if it is the task's."""
    if anyio.current_effective_deadline() == -math.inf:
        raise error
    # An event loop that ends cancels its tasks in any order: the scope may be cancelled next.
    await anyio.lowlevel.checkpoint()
    _uncancel()
    instead = _cancelled(what)
    instead.__cause__ = error
    return instead


def being_cancelled() -> bool:
    """Return whether the present cancellation is addressed to this task, and so is not foreign."""
    if anyio.current_effective_deadline() == -math.inf:
        return True
    task = _asyncio_task()
    return task is not None and task.cancelling() > 0


def is_async(function: object) -> bool:
    """Return whether calling it returns an awaitable or an async iterator, as far as is known beforehand."""
    while isinstance(function, functools.partial):
        function = function.func
    runs_later = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    return any(is_one(each) for is_one in runs_later for each in (function, type(function).__call__))


def discard_awaitable(value: object) -> bool:
    """Return whether a function that must not be async returned an awaitable, and close it if it is a coroutine."""
    if isinstance(value, Coroutine):
        value.close()
    return isinstance(value, Awaitable)


@types.coroutine
def _steps(what: str, coroutine: Coroutine[Any, Any, T], context: Context) -> Generator[Any, Any, T]:
    """Await a coroutine step by step, each in the context, which `await` cannot do.

    Closed from outside, it closes the coroutine. A `GeneratorExit` that comes from the coroutine is foreign.
    """
    step: Callable[[Any], Any] = coroutine.send
    sent: Any = None
    while True:
        try:
            waits_for = context.run(step, sent)
        except StopIteration as end:
            result: T = end.value
            return result
        except GeneratorExit as error:
            raise _stopped(what, error) from error
        finally:
            # An exception that was thrown in has a traceback with this frame.
            sent = None
        try:
            sent = yield waits_for
            step = coroutine.send
        except GeneratorExit:
            context.run(coroutine.close)
            raise
        except BaseException as error:  # noqa: BLE001 - the event loop may throw anything into the coroutine
            step, sent = coroutine.throw, error


def _cancellation() -> type[BaseException] | tuple[()]:
    try:
        return anyio.get_cancelled_exc_class()
    except RuntimeError:
        # Between event loops nothing can be cancelled, and an abandoned coroutine can only be closed.
        return ()


def _cancelled(what: str) -> CancelledError:
    return CancelledError(f"{what} was cancelled, and not by its caller: the cause shows where")


def _stopped(what: str, error: BaseException) -> RuntimeError:
    return RuntimeError(f"{what} raised {type(error).__name__}")


def _asyncio_task() -> Any:
    """Return the running task of asyncio; None on another backend."""
    asyncio: Any = sys.modules.get("asyncio")
    try:
        return None if asyncio is None else asyncio.current_task()
    except RuntimeError:
        return None


def _uncancel() -> None:
    """Clear direct cancellations of this task, as asyncio requires of code that handles them."""
    task = _asyncio_task()
    while task is not None and task.cancelling():
        task.uncancel()


# Tasks.


class Tasks:
    """A task group whose tasks never end silently: a task that is cancelled without its group raises an error."""

    def __init__(self, group: TaskGroup) -> None:
        self._group = group

    def start_soon(self, function: Callable[..., Awaitable[Any]], *args: Any) -> None:
        """Start a task."""
        name = getattr(function, "__qualname__", "a task")
        self._group.start_soon(_never_silently, name, function, args, name=name)


async def _never_silently(name: str, function: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> None:
    try:
        await function(*args)
    except _cancellation() as error:
        raise await foreign_cancellation(name, error) from error


@asynccontextmanager
async def flattening_task_group(*, cancelled: bool = True) -> AsyncGenerator[Tasks, None]:
    """Open a task group that raises a single exception unwrapped.

    Args:
        cancelled: Cancel the tasks when the block ends, instead of waiting for them.

    """
    alone: BaseException | None = None
    try:
        async with anyio.create_task_group() as group:
            yield Tasks(group)
            if cancelled:
                group.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        # The caller's block expects the exception that it raised.
        if len(group.exceptions) != 1:
            raise
        alone = group.exceptions[0]
    if alone is not None:
        # Outside the handler, so that its cause and context stay unchanged.
        try:
            raise alone
        finally:
            del alone


async def gather(calls: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """Make calls concurrently and return their results in order. The first that raises cancels the others."""
    calls = list(calls)
    results: list[Any] = [None] * len(calls)

    async def run(number: int, call: Callable[[], Awaitable[T]]) -> None:
        results[number] = await call()

    async with flattening_task_group(cancelled=False) as tasks:
        for number, call in enumerate(calls):
            tasks.start_soon(run, number, call)
    return results


async def run_in_thread(function: Callable[[], object]) -> None:
    """Call a function in a dedicated thread. A cancellation takes effect when the function has ended."""

    async def run() -> None:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(function, limiter=anyio.CapacityLimiter(1))

    # In a task inside this one, because asyncio's `Task.cancel` ignores shields.
    async with flattening_task_group(cancelled=False) as tasks:
        tasks.start_soon(run)
