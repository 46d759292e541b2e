"""`run` and `collect`: the arguments of a run, and the scope of its files and tasks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Sequence, Sized
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Generic, TypedDict, TypeVar, Unpack, overload

import anyio

from alexa_props.arguments import require_text
from alexa_props.concurrency import call_foreign, flattening_task_group, is_async
from alexa_props.errors import ConfigurationError
from alexa_props.fleet._batch import BatchCall, BatchRead, batching_of
from alexa_props.fleet._runner import Run
from alexa_props.fleet._source import iterator_of
from alexa_props.fleet._stop import StopOn, stop_after
from alexa_props.fleet.concurrency import AdaptiveConcurrency
from alexa_props.fleet.job import job_of
from alexa_props.fleet.journal import FilePlace, Journal, JournalAt, conceal, place_of
from alexa_props.fleet.learned import LearnedLimits
from alexa_props.fleet.outcome import Outcome, safe_str
from alexa_props.fleet.progress import Meter, Progress, title_of
from alexa_props.fleet.report import FleetReport, FleetStopped
from alexa_props.fleet.report.stopped import attach_report
from alexa_props.fleet.rooms import is_walk
from alexa_props.settings import is_number
from alexa_props.smart_properties.batch import Batching, BatchItem

__all__ = ["collect", "collect_many", "run", "run_many"]

T = TypeVar("T")
R = TypeVar("R")


class Options(TypedDict, Generic[T], total=False):
    """The keyword arguments of `run` and `collect`."""

    concurrency: int | None
    ordered: bool
    journal: JournalAt | None
    job: str | None
    key: Callable[[T], str] | None
    retry_failed: bool
    wait_for_journal: float | None
    stop_on: StopOn | Sequence[StopOn] | None
    progress: bool | Callable[[Progress], None] | None
    total: int | None
    title: str | None


@asynccontextmanager
async def run(
    call: Callable[[T], Awaitable[R]],
    items: Iterable[T] | AsyncIterable[T],
    *,
    concurrency: int | None = None,
    ordered: bool = False,
    journal: JournalAt | None = None,
    job: str | None = None,
    key: Callable[[T], str] | None = None,
    retry_failed: bool = False,
    wait_for_journal: float | None = None,
    stop_on: StopOn | Sequence[StopOn] | None = None,
    progress: bool | Callable[[Progress], None] | None = None,
    total: int | None = None,
    title: str | None = None,
) -> AsyncGenerator[Run[T, R], None]:
    """Call an async function for every item of a fleet and yield an outcome for each.

        async with fleet.run(asp.alerts.delete_alarms, rooms, journal="alarms.db") as run:
            async for outcome in run:
                print(outcome.key, outcome.status)

    Leaving the block early cancels the items in flight; `run.in_flight` lists them. `run.stop()` lets them end.

    Each item has its own copy of the context variables of the block. `call`, `key` and `stop_on` run in it, and so do
    the tasks and threads that they start.

    If what a call awaits is cancelled, and the run is not, the item fails. A cancellation raised by the items, `key` or
    `stop_on` ends the run with an error, as any other exception of theirs does. It is raised as a
    `concurrent.futures.CancelledError`.

    Args:
        call: A function of an item that returns an awaitable, such as a method of a client or a recipe. If it raises,
            the item failed or is unknown; what it returns is the value, an `httpx.Response` of any status included. Its
            calls have the priority "bulk" unless the client sets one.
        items: An iterable or async iterable, such as a generator or a pager. It is read as needed, so it may be of any
            length, and closed when the run ends. Of a DataFrame pass a column, or the rows as dicts.
        concurrency: The most items in flight, at least 1. Concurrency adapts to the learned rate below that. None sets
            the limit to the client's `max_connections`.
        ordered: Yield outcomes in the order of the items instead of as they end.
        journal: Path of a file, or URL of a journal in PostgreSQL, that records what was done. Run the job again to
            resume, however this run ended. Items that are done are skipped. Unknown items are repeated, unless a
            request was sent that must not be sent twice: these are reported as unknown. Failed items are reported as
            failed, unless the service handled none of their requests: these are repeated.
        job: The name of the journal's job. By default it is made from `call` and all that is bound to it, so that
            another station is another job. Required with `journal` if `call` is a lambda, a local function, or has an
            argument that is not a plain value.
        key: A function that returns the string that identifies an item in the journal and in reports. None requires, in
            a journal, items that are strings or models with an id. Must not be async.
        retry_failed: Repeat items that failed according to the journal.
        wait_for_journal: Seconds to wait while another run holds the journal. None does not wait.
        stop_on: Begin no more items if too many are not done: a share (a float from 0 and below 1) of the latest 100
            outcomes, once there are 20; a count (an int of at least 1); a function of an outcome that is not done,
            which returns true and must not be async; or `fleet.ServiceDown()`. A list combines several of them.
            Outcomes from the journal do not count.
        progress: True shows a bar in a terminal, a widget in a notebook, and elsewhere a line per minute, logged to
            "alexa_props.progress" at INFO. A function receives a `Progress` at most ten times per second.
        total: The number of items, for the progress. None uses the length of `items` if they have one, what
            `walk_rooms` has found if it is `items`, or else counts them.
        title: A few words that the progress begins with. None uses `job`, or else the name of `call`.

    Yields:
        The `Run`: an async iterator of `Outcome`.

    Raises:
        ConfigurationError: An argument is out of range, the journal belongs to another job or is held by another run,
            or `call` needs a name (`job`).
        JournalError: The journal is damaged, or its write-ahead log is missing. From the iteration: it cannot be read
            or written, or was deleted, renamed or replaced.
        Exception: From the iteration: whatever the items, `key` or `stop_on` raised. It is raised after the outcomes of
            all items that had begun.

    """
    journal = conceal(journal)
    options: Options[T] = {
        "concurrency": concurrency,
        "ordered": ordered,
        "journal": journal,
        "job": job,
        "key": key,
        "retry_failed": retry_failed,
        "wait_for_journal": wait_for_journal,
        "stop_on": stop_on,
        "progress": progress,
        "total": total,
        "title": title,
    }
    async with _run(call, items, None, **options) as this:
        yield this


@overload
def run_many(
    call: BatchRead[T, R],
    items: Iterable[T] | AsyncIterable[T],
    *,
    size: int | None = None,
    **options: Unpack[Options[T]],
) -> AbstractAsyncContextManager[Run[T, R]]: ...
@overload
def run_many(
    call: BatchCall[T],
    items: Iterable[T] | AsyncIterable[T],
    *,
    size: int | None = None,
    **options: Unpack[Options[T]],
) -> AbstractAsyncContextManager[Run[T, BatchItem]]: ...
def run_many(
    call: Any,
    items: Iterable[T] | AsyncIterable[T],
    *,
    size: int | None = None,
    **options: Unpack[Options[T]],
) -> AbstractAsyncContextManager[Run[T, Any]]:
    """Call an async function for batches of items, and yield an outcome for each item.

        enable = functools.partial(asp.skills.enable_many, skill_id)
        async with fleet.run_many(enable, rooms, journal="skills.db") as run:
            async for outcome in run:
                print(outcome.key, outcome.status)

    An item that the service reports as failed fails with `BatchItemFailed`. If the service refuses a whole batch (400,
    404 or 409), or the batch cannot be sent, it is split in halves, at most 20 times, to isolate the item at fault. A
    refused batch is not split if an earlier call of the function took effect, nor by methods that might send something
    twice, such as `notifications.send`. The value of an outcome is what the service said about the item, if anything.

    The journal records each item, and a batch is filled with items that are to be called. It waits for items until it
    is full, or until they end.

    Args:
        call: A method whose name ends in `_many`, or any function of a list of items that returns an awaitable of a
            `BatchResult` or None (everything is done), or a pager whose items have an `item_id`.
        items: As for `run`.
        size: Items per call, at least 1. None takes what the method says, such as 100.
        options: As for `run`; `concurrency` counts calls.

    Returns:
        A context manager that yields the `Run`: an async iterator of `Outcome`.

    Raises:
        ConfigurationError: As for `run`, or `size` is needed.
        DecodeError: From the iteration: the function returned something else. Its batch is unknown.
        JournalError: As for `run`.
        Exception: As for `run`.

    """
    options["journal"] = conceal(options.get("journal"))
    return _run(call, items, batching_of(call, size), **options)


@asynccontextmanager
async def _run(
    call: Any,
    items: Iterable[T] | AsyncIterable[T],
    batching: Batching | None,
    *,
    concurrency: int | None = None,
    ordered: bool = False,
    journal: JournalAt | None = None,
    job: str | None = None,
    key: Callable[[T], str] | None = None,
    retry_failed: bool = False,
    wait_for_journal: float | None = None,
    stop_on: StopOn | Sequence[StopOn] | None = None,
    progress: bool | Callable[[Progress], None] | None = None,
    total: int | None = None,
    title: str | None = None,
) -> AsyncGenerator[Run[T, Any], None]:
    _check(call, concurrency, total, key, job=job, title=title)
    _check_use_of_journal(journal, retry_failed=retry_failed, wait=wait_for_journal)
    rule = stop_after(stop_on, resumable=journal is not None)
    if total is None and isinstance(items, Sized):
        total = call_foreign("reading the items", len, items)
    place = None if journal is None else place_of(journal)
    name = "" if journal is None else job or job_of(call)
    iterator = iterator_of(items)
    meter = Meter(progress, total, title or job or title_of(call), reads_rooms=is_walk(items))
    opening = (
        nullcontext() if place is None else Journal.open(place, name, retry_failed=retry_failed, wait=wait_for_journal)
    )
    # A database server has no place for another file.
    learning = LearnedLimits.beside(place.name) if isinstance(place, FilePlace) else nullcontext()
    async with opening as opened, learning as learned:
        this: Run[T, Any] = Run(
            call,
            iterator,
            concurrency=AdaptiveConcurrency(concurrency),
            ordered=ordered,
            journal=opened,
            learned=learned,
            key=key,
            stop_after=rule,
            meter=meter,
            batching=batching,
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
    """Call an async function for every item of a fleet and return a report. It keeps all outcomes in memory.

    Args:
        call: As for `run`.
        items: As for `run`.
        options: As for `run`.

    Returns:
        The report. Failures do not raise; use `report.raise_for_failures()`.

    Raises:
        ConfigurationError: As for `run`.
        JournalError: The journal is damaged, or its write-ahead log is missing.
        FleetStopped: The items, `key`, `stop_on` or the journal failed after the first outcome. Its `report` has the
            outcomes until then. Before the first outcome, the error itself is raised.
        CancelledError: It was cancelled, such as by Ctrl-C, the stop button of a notebook, or a timeout. The exception
            has an attribute `report` too: the outcomes until then, those of items in flight included. `report_of`
            returns it from this exception and from those that are raised because of it.

    """
    options["journal"] = conceal(options.get("journal"))
    return await _collected(run(call, items, **options))


@overload
async def collect_many(
    call: BatchRead[T, R],
    items: Iterable[T] | AsyncIterable[T],
    *,
    size: int | None = None,
    **options: Unpack[Options[T]],
) -> FleetReport[T, R]: ...
@overload
async def collect_many(
    call: BatchCall[T],
    items: Iterable[T] | AsyncIterable[T],
    *,
    size: int | None = None,
    **options: Unpack[Options[T]],
) -> FleetReport[T, BatchItem]: ...
async def collect_many(
    call: Any,
    items: Iterable[T] | AsyncIterable[T],
    *,
    size: int | None = None,
    **options: Unpack[Options[T]],
) -> FleetReport[T, Any]:
    """Call an async function for batches of items and return a report: `collect` for what `run_many` does.

    Raises:
        ConfigurationError: As for `run_many`.
        JournalError: As for `collect`.
        FleetStopped: As for `collect`.
        CancelledError: As for `collect`.

    """
    options["journal"] = conceal(options.get("journal"))
    return await _collected(run_many(call, items, size=size, **options))


async def _collected(begun: AbstractAsyncContextManager[Run[T, R]]) -> FleetReport[T, R]:
    started = anyio.current_time()
    outcomes: list[Outcome[T, R]] = []
    failed: Exception | None = None
    this: Run[T, R] | None = None

    def report(stopped: str | None, *more: Outcome[T, R]) -> FleetReport[T, R]:
        return FleetReport(
            outcomes=(*outcomes, *more),
            skipped=0 if this is None else this.progress.skipped,
            stopped=stopped,
            elapsed=anyio.current_time() - started,
        )

    try:
        async with begun as this:
            try:
                async for outcome in this:
                    outcomes.append(outcome)  # noqa: PERF401 - those before an error are needed
            except (
                Exception
            ) as error:  # items and callbacks are the user's and may raise anything; it becomes the cause
                if this.stopped is None or not outcomes:
                    raise
                failed = error
    except BaseException as error:  # cancellations of any backend, and Ctrl-C
        if this is not None and not isinstance(error, Exception):
            attach_report(error, report("the run was interrupted", *this.in_flight))
        raise
    if failed is not None:
        reason, detail = this.stopped, safe_str(failed)
        # The reason of a journal is its whole error.
        detail = "" if detail == reason else f": {detail}"
        raise FleetStopped(f"{reason}, after {len(outcomes)} outcomes{detail}", report=report(reason)) from failed
    return report(this.stopped)


def _check(
    call: object,
    concurrency: object,
    total: object,
    key: object,
    *,
    job: object,
    title: object,
) -> None:
    if not callable(call):
        raise ConfigurationError(f"call must be a function of an item that returns an awaitable, not {call!r:.80}")
    for name, number, least in (("concurrency", concurrency, 1), ("total", total, 0)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < least):
            raise ConfigurationError(f"{name} must be a whole number of at least {least}, or None, not {number!r:.80}")
    if key is not None and (not callable(key) or is_async(key)):
        raise ConfigurationError(f"key must be a function of an item that is not async, not {key!r:.80}")
    for name, text in (("job", job), ("title", title)):
        if text is not None and not (isinstance(text, str) and text):
            raise ConfigurationError(f"{name} must be a name, not {text!r:.80}")
    if isinstance(job, str):
        require_text("job", job, "a name")


def _check_use_of_journal(journal: object, *, retry_failed: bool, wait: object) -> None:
    if retry_failed and journal is None:
        raise ConfigurationError("retry_failed=True repeats what a journal has recorded: pass journal= too")
    if wait is not None and not (is_number(wait) and wait >= 0):
        raise ConfigurationError(f"wait_for_journal must be seconds, at least 0, not {wait!r:.80}")
    if wait is not None and journal is None:
        raise ConfigurationError("wait_for_journal= waits for a journal that another run holds: pass journal= too")
