"""Where a run reads its items: an iterator, or an async iterator that a dedicated task reads."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

import anyio

from alexa_props.concurrency import Tasks, await_foreign, call_foreign
from alexa_props.errors import ConfigurationError
from alexa_props.fleet._stop import StopSignal
from alexa_props.hooks import logger

if TYPE_CHECKING:
    # anyio loads its parts when they are first used.
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

__all__ = ["UNREADABLE", "Source", "iterator_of", "source_of"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

UNREADABLE: Final = "the items could not be read"
"""Why a run is stopped whose items raise."""
_END: Final[Any] = object()


def iterator_of(items: Iterable[T] | AsyncIterable[T]) -> Iterator[T] | AsyncIterator[T]:
    """Return an iterator over the items of a run.

    Raises:
        ConfigurationError: They are not a collection of items.
        Exception: Whatever the items raise.

    """
    _refuse_table(items)
    if isinstance(items, AsyncIterable):
        return call_foreign("reading the items", aiter, items)
    if isinstance(items, Iterable) and not isinstance(items, str | bytes):
        return call_foreign("reading the items", iter, items)
    raise ConfigurationError(f"items must be an iterable or an async iterable of items, not {items!r:.80}")


def source_of(items: Iterator[T] | AsyncIterator[T], context: Context, signal: StopSignal) -> Source[T]:
    """Return the source that reads an iterator in a context. An error of the items stops the run."""
    if isinstance(items, AsyncIterator):
        return _AsyncSource(items, context, signal)
    return _IteratorSource(items, context, signal)


def _refuse_table(items: object) -> None:
    """Refuse a DataFrame of any library: iterating it gives the names of its columns, or the columns."""
    if any(base.__name__ in ("DataFrame", "LazyFrame") for base in type(items).__mro__):
        raise ConfigurationError(
            f"items is a {type(items).__name__}, which is not a collection of items: pass a column of unit ids, such "
            'as items=frame["unit_id"], or the rows as dicts, which need key=: frame.to_dict("records") with pandas, '
            "frame.to_dicts() with polars"
        )


class Source(Protocol[T_co]):
    """Numbered items, each read once."""

    def start(self, tasks: Tasks) -> None:
        """Begin to read, if that takes a task."""
        ...

    async def read(self) -> tuple[int, T_co] | None:
        """Return the next item and its number, from 0; None if there are no more."""
        ...

    def close(self) -> None:
        """Close the items if they are a generator."""
        ...


class _IteratorSource(Generic[T]):
    def __init__(self, items: Iterator[T], context: Context, signal: StopSignal) -> None:
        self._items = items
        self._context = context
        self._signal = signal
        self._count = 0
        self._ended = False

    def start(self, tasks: Tasks) -> None:
        pass

    async def read(self) -> tuple[int, T] | None:
        # Some iterators begin again when they are read past their end.
        if self._ended:
            return None
        item: T = _END
        try:
            item = call_foreign("reading the items", self._context.run, self._next)
        except Exception as error:  # noqa: BLE001 - the user's iterator may raise anything: the run ends with it
            self._signal.fail(error, UNREADABLE)
        if item is _END:
            self._ended = True
            return None
        self._count += 1
        return self._count - 1, item

    def _next(self) -> T:
        return next(self._items, _END)

    def close(self) -> None:
        if isinstance(self._items, Generator):
            try:
                call_foreign("closing the items", self._context.run, self._items.close)
            except Exception:  # noqa: BLE001 - the user's generator may raise anything: outcomes are not lost by that
                _log_close_error()


class _AsyncSource(Generic[T]):
    """Reads in a dedicated task: an async generator may hold a cancel scope open, which belongs to one task."""

    def __init__(self, items: AsyncIterator[T], context: Context, signal: StopSignal) -> None:
        self._items = items
        self._context = context
        self._signal = signal
        self._scope = anyio.CancelScope()
        self._received: MemoryObjectReceiveStream[tuple[int, T]] | None = None
        # The next item may take long.
        signal.listeners.append(self._scope.cancel)

    def start(self, tasks: Tasks) -> None:
        send, self._received = anyio.create_memory_object_stream[tuple[int, T]](0)
        tasks.start_soon(self._read_all, send)

    async def read(self) -> tuple[int, T] | None:
        # If the items raised, the task that reads them has stopped the run.
        with contextlib.suppress(anyio.EndOfStream):
            if self._received is not None:
                return await self._received.receive()
        return None

    def close(self) -> None:
        # The iterator itself is closed in the task that reads it.
        if self._received is not None:
            self._received.close()

    async def _read_all(self, send: MemoryObjectSendStream[tuple[int, T]]) -> None:
        async with send:
            with self._scope:
                try:
                    await await_foreign("reading the items", self._send_all(send), self._context)
                except Exception as error:  # noqa: BLE001 - the user's iterator may raise anything: the run ends with it
                    # A worker that has received the last item still begins it.
                    self._signal.fail(error, UNREADABLE)
                finally:
                    # Of a pager that was not read to its end; inside the scope, where it opened its own scopes.
                    await _close(getattr(self._items, "aclose", None), self._context)

    async def _send_all(self, send: MemoryObjectSendStream[tuple[int, T]]) -> None:
        number = 0
        async for item in self._items:
            # Numbered here: waiting workers may be woken in any order.
            await send.send((number, item))
            number += 1


async def _close(close: Callable[[], Awaitable[object]] | None, context: Context) -> None:
    async def closed() -> None:
        if close is not None:
            await close()

    if close is not None:
        try:
            await await_foreign("closing the items", closed(), context)
        except (Exception, BaseExceptionGroup):  # noqa: BLE001 - the user's iterator may raise anything, as above
            _log_close_error()


def _log_close_error() -> None:
    logger.exception("the items of a run failed while they were closed")
