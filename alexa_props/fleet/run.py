"""`run` and `collect`: what a user says of a run, and the files and tasks that it takes."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sized
from contextlib import asynccontextmanager, nullcontext
from typing import Generic, TypedDict, TypeVar, Unpack

import anyio

from alexa_props.concurrency import call_foreign, flattening_task_group, is_async
from alexa_props.errors import ConfigurationError
from alexa_props.fleet._runner import Run, StopOn
from alexa_props.fleet.concurrency import AdaptiveConcurrency
from alexa_props.fleet.job import job_of, name_of
from alexa_props.fleet.journal import Journal
from alexa_props.fleet.outcome import Outcome, safe_str
from alexa_props.fleet.progress import Meter, Progress
from alexa_props.fleet.report import FleetReport, FleetStopped
from alexa_props.settings import require_text

__all__ = ["collect", "run"]

T = TypeVar("T")
R = TypeVar("R")


class Options(TypedDict, Generic[T], total=False):
    """What `run` and `collect` take besides the call and the items."""

    concurrency: int | None
    ordered: bool
    journal: str | os.PathLike[str] | None
    job: str | None
    key: Callable[[T], str] | None
    retry_failed: bool
    stop_on: StopOn | None
    progress: bool | Callable[[Progress], None] | None
    total: int | None


@asynccontextmanager
async def run(
    call: Callable[[T], Awaitable[R]],
    items: Iterable[T] | AsyncIterable[T],
    *,
    concurrency: int | None = None,
    ordered: bool = False,
    journal: str | os.PathLike[str] | None = None,
    job: str | None = None,
    key: Callable[[T], str] | None = None,
    retry_failed: bool = False,
    stop_on: StopOn | None = None,
    progress: bool | Callable[[Progress], None] | None = None,
    total: int | None = None,
) -> AsyncGenerator[Run[T, R], None]:
    """Call something for every item of a fleet, and stream what became of each.

        async with fleet.run(asp.alerts.delete_alarms, rooms, journal="alarms.db") as run:
            async for outcome in run:
                print(outcome.key, outcome.status)

    Leaving the block early cancels what is under way; `run.in_flight` says what that was. `run.stop()` ends it gently.

    Each item has its own copy of the context variables, as they are when the block is entered: `call`, `key` and
    `stop_on` run in it, and so do the tasks and threads that they start.

    If what a call waits for is cancelled, and the run is not, the item fails. A cancellation from the items, `key` or
    `stop_on` ends the run, as any other error of theirs does. The error is a `concurrent.futures.CancelledError` then,
    with the cancellation as its cause.

    Args:
        call: takes an item and returns an awaitable: a method of a client, a recipe, any function. Its calls go in
            the bulk lane, unless the client says `priority`. What it raises is the item's outcome; what it returns is
            a value, an `httpx.Response` of whatever status too.
        items: an iterable, a pager, a generator; read as far as it is needed, so its length does not matter, and closed
            when the run ends. Of a DataFrame give a column, or the rows as dicts.
        concurrency: at most so many items at once, at least 1. Fewer are worked on where the rate that the limiter has
            learned needs no more; None allows the client's `max_connections`.
        ordered: outcomes in the order of the items. By default as they end.
        journal: a file that records what was done. Run the job again to resume, however this run ended: what is done is
            skipped; what is unknown is repeated, unless a request had been about to leave that must not be sent twice
            (then it is reported as unknown); what failed is reported as failed, or repeated if the service had handled
            none of it.
        job: names the journal's job. By default that is the name of `call` with all that is bound to it: with another
            station it is another job. A lambda, a local function, or an argument that is no plain value has no name
            that is certain to mean the same work in the next run: with `journal`, say `job`.
        key: gives the string by which the journal and the report know an item; None takes an item that is a string. It
            is not async, and neither is `stop_on`.
        retry_failed: repeat what the journal says has failed.
        stop_on: begin no more items when this share of the outcomes is not done (a float below 1, from 20 outcomes
            on; of the latest 100), when so many are not done (an int), or when a function of such an outcome says so.
            What is reported from the journal does not count.
        progress: True shows a bar in a terminal, a widget in a notebook, else log lines; or a function of `Progress`.
        total: how many items there are, for the progress; None asks `items`.

    Yields:
        The `Run`: an async iterator of `Outcome`.

    Raises:
        ConfigurationError: an argument is out of range; the journal is another job's, or held by another run; `call`
            needs a name (`job`).
        JournalError: the journal is damaged, or its write-ahead log is missing. From the iteration: the journal could
            not be read or written, or its file was deleted, renamed or replaced.
        Exception: from the iteration: what the items, `key` or `stop_on` raised, after the outcomes of all items that
            had begun.

    """
    _check(call, concurrency, stop_on, total, key, journal=journal, job=job, retry_failed=retry_failed)
    if total is None and isinstance(items, Sized):
        total = call_foreign("reading the items", len, items)
    name = "" if journal is None else job or job_of(call)
    iterator = _iterator(items)
    meter = Meter(progress, total, job or name_of(call))
    width = AdaptiveConcurrency(concurrency)
    async with nullcontext() if journal is None else Journal.open(journal, name, retry_failed=retry_failed) as opened:
        this: Run[T, R] = Run(
            call,
            iterator,
            width=width,
            ordered=ordered,
            journal=opened,
            key=key,
            stop_on=stop_on,
            meter=meter,
        )
        with meter:
            try:
                async with flattening_task_group() as tasks:
                    this.start(tasks)
                    yield this
            finally:
                this.close()


async def collect(
    call: Callable[[T], Awaitable[R]],
    items: Iterable[T] | AsyncIterable[T],
    **options: Unpack[Options[T]],
) -> FleetReport[T, R]:
    """Call something for every item of a fleet, and gather what became of each. All outcomes are kept in memory.

    Args:
        call: as for `run`.
        items: as for `run`.
        options: as for `run`.

    Returns:
        The report. Failures do not raise: `report.raise_for_failures()` does.

    Raises:
        ConfigurationError: as for `run`.
        JournalError: the journal is damaged, or its write-ahead log is missing.
        FleetStopped: the items could not be read on, `key` or `stop_on` failed, or the journal could not be written;
            `report` on it has what was done. If nothing was done before, the error itself.

    """
    started = anyio.current_time()
    outcomes: list[Outcome[T, R]] = []
    failed: Exception | None = None
    async with run(call, items, **options) as this:
        try:
            async for outcome in this:
                outcomes.append(outcome)  # noqa: PERF401 - those before an error are kept
        except Exception as error:  # the items' own error may be anything; it is the cause below
            if this.stopped is None or not outcomes:
                raise
            failed = error
    report = FleetReport(
        outcomes=tuple(outcomes),
        skipped=this.progress.skipped,
        stopped=this.stopped,
        elapsed=anyio.current_time() - started,
    )
    if failed is not None:
        raise FleetStopped(
            f"{this.stopped}, after {len(outcomes)} outcomes: {safe_str(failed)}", report=report
        ) from failed
    return report


def _check(
    call: object,
    concurrency: object,
    stop_on: object,
    total: object,
    key: object,
    *,
    journal: object,
    job: object,
    retry_failed: bool,
) -> None:
    if not callable(call):
        raise ConfigurationError(f"call must be a function of an item that returns an awaitable, not {call!r:.80}")
    for name, number, least in (("concurrency", concurrency, 1), ("total", total, 0)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < least):
            raise ConfigurationError(f"{name} must be a whole number of at least {least}, or None, not {number!r:.80}")
    if key is not None and (not callable(key) or is_async(key)):
        raise ConfigurationError(f"key must be a function of an item that is not async, not {key!r:.80}")
    if journal is not None and not isinstance(journal, str | os.PathLike):
        raise ConfigurationError(f"journal must be the path of a file, not {journal!r:.80}")
    if job is not None and not (isinstance(job, str) and job):
        raise ConfigurationError(f"job must be a name, not {job!r:.80}")
    if isinstance(job, str):
        require_text("job", job, "a name")
    if retry_failed and journal is None:
        raise ConfigurationError("retry_failed is about what a journal has recorded: say journal=")
    share = isinstance(stop_on, float) and 0 <= stop_on < 1 and math.isfinite(stop_on)
    count = isinstance(stop_on, int) and not isinstance(stop_on, bool) and stop_on >= 1
    if stop_on is not None and not (share or count or (callable(stop_on) and not is_async(stop_on))):
        raise ConfigurationError(
            "stop_on must be a share from 0 up to 1, a count of at least 1, or a function of an outcome "
            f"that is not async, not {stop_on!r:.80}"
        )


def _iterator(items: Iterable[T] | AsyncIterable[T]) -> Iterator[T] | AsyncIterator[T]:
    _refuse_table(items)
    if isinstance(items, AsyncIterable):
        return call_foreign("reading the items", aiter, items)
    if isinstance(items, Iterable) and not isinstance(items, str | bytes):
        return call_foreign("reading the items", iter, items)
    raise ConfigurationError(f"items must be an iterable or an async iterable of items, not {items!r:.80}")


def _refuse_table(items: object) -> None:
    """Refuse a DataFrame, of whichever library: iterating it gives the names of its columns, or the columns."""
    if any(base.__name__ in ("DataFrame", "LazyFrame") for base in type(items).__mro__):
        raise ConfigurationError(
            f"items is a {type(items).__name__}, which is no list of items: pass a column of unit ids, such as "
            'items=frame["unit_id"], or the rows as dicts, which need key=: frame.to_dict("records") with pandas, '
            "frame.to_dicts() with polars"
        )
