"""The progress of a run: counted, and shown as a bar, a widget or log lines, or passed to a function."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Self

import attrs

from alexa_props.concurrency import is_async
from alexa_props.errors import ConfigurationError
from alexa_props.fleet.display import Part, Screen, View, callback, display
from alexa_props.fleet.job import name_of
from alexa_props.fleet.outcome import Status

__all__ = ["Meter", "Progress", "count_listed", "count_rooms", "listing", "title_of"]


_WINDOW: Final = 10.0
"""The rate is measured over the last 10 to 20 s."""
_SETTLED: Final = 1.0
"""Seconds before a rate predicts anything: the first items end together."""
TICK: Final = 1.0
"""Seconds between two checks whether to update the display although no item has ended."""

_meter: ContextVar[Meter | None] = ContextVar("alexa_props.fleet.meter", default=None)
"""The meter of the run that reads items in this context."""


def count_listed(units: int) -> None:
    """Count units that were listed to find items, for the run that reads them."""
    meter = _meter.get()
    if meter is not None:
        meter.count_units(units)


def count_rooms(rooms: int) -> None:
    """Count all rooms of a walk, once it has listed the last of them, for the run that reads them."""
    meter = _meter.get()
    if meter is not None and meter.reads_rooms:
        meter.count_items(rooms)


@contextmanager
def listing(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show how much was listed: a line in a terminal or notebook, and elsewhere a log line per minute.

        with fleet.progress.listing("reset room") as show:
            inventory = await Inventory.load(asp, root, progress=show)

    Args:
        title: The purpose of the list.

    Yields:
        A function to call with the numbers of units and devices listed so far.

    """
    clock = time.monotonic
    screen = display(title, clock=clock, transient=True)

    def show(units: int, devices: int) -> None:
        if screen.is_due(clock()):
            beside = f", {_count(devices, 'device')}" if devices else ""
            screen.show(View((Part(f"listing rooms: {_count(units, 'unit')}{beside}"),)))

    with screen:
        show(0, 0)
        yield show


@attrs.frozen(kw_only=True)
class Progress:
    """The progress of a run, as a progress callback receives it. Its `str` is one line."""

    total: int | None
    """Number of items, skipped ones included; None if unknown."""
    done: int
    """Items that are done."""
    failed: int
    """Items that the service refused, or for which nothing was sent."""
    unknown: int
    """Items that the service may have done, although no response says so."""
    skipped: int
    """Items that an earlier run did, or that came twice."""
    refused: int
    """Attempts that the service throttled."""
    in_flight: int
    """Items in flight; 0 in the last state."""
    elapsed: float
    """Seconds since the run began."""
    rate: float
    """Items per second over the last 10 to 20 s, or over the whole run in the last state. Skipped items do not
    count."""
    eta: float | None
    """Seconds left at that rate. None if total or rate is unknown, during the first second, and if the run ended before
    its items did."""
    listed: int | None = None
    """Units that `walk_rooms` has listed for this run, rooms and the units above them. None if it has listed none, and
    in the last state."""

    @property
    def ended(self) -> int:
        """Items that are done, failed, unknown or skipped."""
        return self.done + self.failed + self.unknown + self.skipped

    def __str__(self) -> str:
        return str(_view(self))


def _view(now: Progress) -> View:
    parts = list(_parts(now))
    return View(tuple(parts), now.ended, now.total)


def _parts(now: Progress) -> Iterator[Part]:
    elapsed = Part(f"{_hours(now.elapsed)} elapsed", 2)
    if now.listed is not None and not now.ended and not now.in_flight:
        yield Part(f"listing rooms: {_count(now.listed, 'unit')}")
        yield elapsed
        return
    yield Part(f"{now.ended:,}" + ("" if now.total is None else f" of {now.total:,}"))
    for name, rank in (("failed", 1), ("unknown", 1), ("skipped", 4), ("refused", 5)):
        count = getattr(now, name)
        if count:
            yield Part(f"{count:,} {name}", rank, warns=rank == 1)
    digits = 0 if now.rate >= 100 else 1 if now.rate >= 1 else 2  # noqa: PLR2004 - three digits
    yield Part(f"{now.rate:,.{digits}f}/s", 3)
    yield Part(f"{_hours(now.eta)} left", 2) if now.eta else elapsed


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _hours(seconds: float) -> str:
    minutes, whole = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{whole:02}"


class Meter:
    """Counts the items of a run and shows its progress. A context manager to enter once, around the run.

    Args:
        progress: True shows a bar in a terminal, a widget in a notebook, and elsewhere a log line per minute. A
            function receives a `Progress` at most ten times per second, in the event loop. None and False show nothing.
            Errors of functions and displays are logged once and do not affect the run.
        total: Number of items; None if unknown.
        title: A few words for the run.
        reads_rooms: Whether the items are those of one walk over rooms, which counts them.
        clock: Returns seconds. The event loop's clock costs more than all the counting.

    Raises:
        ConfigurationError: `progress` is none of these.

    """

    listed: int | None
    """Units that were listed to find items; None if no list has begun."""
    total: int | None
    """Number of items; None if unknown."""

    def __init__(
        self,
        progress: bool | Callable[[Progress], None] | None,  # noqa: FBT001 - as `fleet.run` takes it
        total: int | None,
        title: str,
        *,
        reads_rooms: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.listed = None
        self.total = total
        self.reads_rooms = reads_rooms
        self._is_given = total is not None
        self._clock = clock
        self._screen, self._show = _screen_of(progress, title, clock)
        self._in_flight = 0
        self._done = self._failed = self._unknown = self._skipped = self._refused = 0
        self._started = clock()
        self._last: Progress | None = None
        # Two pairs of time and count. The rate is measured from the older one.
        self._older = self._newer = (self._started, 0)

    def __enter__(self) -> Self:
        self._started = self._clock()
        self._older = self._newer = (self._started, 0)
        self._screen.__enter__()
        self.tick(0)
        return self

    def __exit__(self, *raised: object) -> None:
        now = self._clock()
        # The rate of the whole run. Items that are left are not going to be done.
        self._older = self._newer = (self._started, 0)
        state = self._state(now, 0)
        self._last = attrs.evolve(state, eta=0.0 if state.eta == 0 else None, listed=None)
        try:
            self._show(self._last)
        finally:
            self._screen.__exit__(*raised)

    @property
    def shows(self) -> bool:
        """Whether the progress is shown."""
        return self._screen.shows

    def ended(self, status: Status, refused: int, in_flight: int) -> None:
        """Count an item that ended.

        Args:
            status: Its status.
            refused: How many of its attempts the service throttled.
            in_flight: How many items are in flight now.

        """
        if status == "done":
            self._done += 1
        elif status == "failed":
            self._failed += 1
        else:
            self._unknown += 1
        self._refused += refused
        self.tick(in_flight)

    def skipped(self, in_flight: int) -> None:
        """Count an item that an earlier run did, or that came twice."""
        self._skipped += 1
        self.tick(in_flight)

    def tick(self, in_flight: int) -> None:
        """Show the progress if the last update was long enough ago."""
        self._in_flight = in_flight
        now = self._clock()
        if self._screen.is_due(now):
            self._show(self._state(now, in_flight))

    def count_what_is_listed(self) -> None:
        """Count units that are listed in this context, in which the items are read."""
        _meter.set(self)

    def count_units(self, units: int) -> None:
        """Count units that were listed to find items."""
        if self.listed is None:
            self.listed = 0
            self._screen.hurry()
        self.listed += units
        self.tick(self._in_flight)

    def count_items(self, items: int) -> None:
        """Count the items once their number is known, unless it was given."""
        if not self._is_given:
            self.total = items

    def now(self, in_flight: int) -> Progress:
        """Return the progress; after the end of the run, the last one."""
        return self._last or self._state(self._clock(), in_flight)

    def _state(self, now: float, in_flight: int) -> Progress:
        worked_on = self._done + self._failed + self._unknown
        elapsed = now - self._started
        if now - self._newer[0] >= _WINDOW:
            self._older, self._newer = self._newer, (now, worked_on)
        since, before = self._older
        rate = (worked_on - before) / (now - since) if now > since else 0.0
        left = None if self.total is None else max(0, self.total - worked_on - self._skipped)
        known = rate > 0 and elapsed >= _SETTLED
        return Progress(
            total=self.total,
            done=self._done,
            failed=self._failed,
            unknown=self._unknown,
            skipped=self._skipped,
            refused=self._refused,
            in_flight=in_flight,
            elapsed=elapsed,
            rate=rate,
            eta=0.0 if left == 0 else left / rate if left is not None and known else None,
            listed=self.listed,
        )


def _screen_of(
    progress: object, title: str, clock: Callable[[], float]
) -> tuple[Screen[Any], Callable[[Progress], None]]:
    """Return the screen, and the function that shows a state on it."""
    if progress is True:
        screen = display(title, clock=clock)
        return screen, lambda state: screen.show(_view(state))
    if progress is None or progress is False:
        progress = None
    elif not callable(progress) or is_async(progress):
        raise ConfigurationError(
            f"progress must be True, None, or a function of a Progress that is not async, not {progress!r:.80}"
        )
    shown = callback(progress, clock)
    return shown, shown.show


def title_of(call: Callable[..., Any]) -> str:
    """Return a title for a function, such as "reset room" for `reset_room`."""
    name = name_of(call).rpartition(".")[2].strip("_")
    return "items" if name.startswith("<") else name.replace("_", " ")
