"""The progress of a run: counted, and shown as a bar, a widget or log lines, or passed to a function."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, Final, Self, TextIO

import attrs

from alexa_props.concurrency import call_foreign, discard_awaitable, is_async
from alexa_props.errors import ConfigurationError
from alexa_props.fleet.outcome import Status
from alexa_props.hooks import logger

__all__ = ["Meter", "Progress", "count_listed", "is_terminal"]


_INTERVAL: Final = 0.1
"""Seconds between two updates of a display."""
_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines."""
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
        meter.listed = (meter.listed or 0) + units


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
        if self.listed is not None and not self.ended and not self.in_flight:
            return f"listing rooms: {self.listed:,} units, {_hours(self.elapsed)} elapsed"
        counts = {name: getattr(self, name) for name in ("failed", "unknown", "skipped", "refused")}
        digits = 0 if self.rate >= 100 else 1 if self.rate >= 1 else 2  # noqa: PLR2004 - three digits
        return ", ".join(
            [
                f"{self.ended:,}" + ("" if self.total is None else f" of {self.total:,}"),
                *(f"{count:,} {name}" for name, count in counts.items() if count),
                f"{self.rate:,.{digits}f}/s",
                f"{_hours(self.eta)} left" if self.eta else f"{_hours(self.elapsed)} elapsed",
            ]
        )


Show = Callable[[Progress], object]


class Meter:
    """Counts the items of a run and shows its progress. A context manager to enter once, around the run.

    Args:
        progress: True shows a bar in a terminal, a widget in a notebook, and log lines elsewhere, or if the package for
            the bar or widget is not installed. A function receives a `Progress` at most ten times per second, in the
            event loop. None and False show nothing. What a function or a display raises is logged once and does not
            affect the run.
        total: Number of items; None if unknown.
        title: What the run does.
        clock: Returns seconds. The event loop's clock costs more than all the counting.

    Raises:
        ConfigurationError: `progress` is none of these.

    """

    listed: int | None
    """Units that were listed to find items; None if no list has begun."""
    shows: bool
    """Whether the progress is shown."""

    def __init__(
        self,
        progress: bool | Callable[[Progress], None] | None,  # noqa: FBT001 - as `fleet.run` takes it
        total: int | None,
        title: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval, self._display = _display_of(progress, total, title)
        self.listed: int | None = None
        self.shows = self._display is not None
        self._total = total
        self._clock = clock
        self._stack = ExitStack()
        self._show: Show | None = None
        self._complained = False
        self._done = self._failed = self._unknown = self._skipped = self._refused = 0
        self._started = clock()
        self._last: Progress | None = None
        self._next = self._started
        # Two pairs of time and count. The rate is measured from the older one.
        self._older = self._newer = (self._started, 0)

    def __enter__(self) -> Self:
        self._started = self._clock()
        self._older = self._newer = (self._started, 0)
        if self._display is not None:
            with self._guard():
                self._show = self._stack.enter_context(self._display)
        self._tick(self._started, 0)
        return self

    def __exit__(self, *_: object) -> None:
        now = self._clock()
        # The rate of the whole run. Items that are left are not going to be done.
        self._older = self._newer = (self._started, 0)
        state = self._state(now, 0)
        self._last = attrs.evolve(state, eta=0.0 if state.eta == 0 else None, listed=None)
        try:
            self._update(self._last)
        finally:
            with self._guard():
                self._stack.close()

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
        now = self._clock()
        if now >= self._next:
            self._tick(now, in_flight)

    def count_what_is_listed(self) -> None:
        """Count units that are listed in this context, in which the items are read."""
        _meter.set(self)

    def now(self, in_flight: int) -> Progress:
        """Return the progress; after the end of the run, the last one."""
        return self._last or self._state(self._clock(), in_flight)

    def _tick(self, now: float, in_flight: int) -> None:
        self._update(self._state(now, in_flight))
        # From the end of the update: a slow display must not take all the time.
        self._next = self._clock() + self._interval

    def _update(self, state: Progress) -> None:
        if self._show is not None:
            with self._guard():
                shown = call_foreign("progress=", self._show, state)
                if discard_awaitable(shown):
                    raise ConfigurationError(f"progress must not be async: it returned {shown!r:.80}")

    def _state(self, now: float, in_flight: int) -> Progress:
        worked_on = self._done + self._failed + self._unknown
        elapsed = now - self._started
        if now - self._newer[0] >= _WINDOW:
            self._older, self._newer = self._newer, (now, worked_on)
        since, before = self._older
        rate = (worked_on - before) / (now - since) if now > since else 0.0
        left = None if self._total is None else max(0, self._total - worked_on - self._skipped)
        known = rate > 0 and elapsed >= _SETTLED
        return Progress(
            total=self._total,
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

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001 - the user's callback may raise anything, and so may a display
            if not self._complained:
                self._complained = True
                logger.exception("showing the progress failed; the run continues, and further failures are not logged")


def _display_of(progress: object, total: int | None, title: str) -> tuple[float, AbstractContextManager[Show] | None]:
    """Return the seconds between two updates, and a context manager that returns the function to call."""
    if progress is None or progress is False:
        return _INTERVAL, None
    if progress is True:
        display = _detect_display(total, title)
        if display is not None:
            return _INTERVAL, display
        return _LOG_INTERVAL, nullcontext(lambda state: logger.info("%s: %s", title, state))
    if not callable(progress) or is_async(progress):
        raise ConfigurationError(
            f"progress must be True, None, or a function of a Progress that is not async, not {progress!r:.80}"
        )
    return _INTERVAL, nullcontext(progress)


def _detect_display(total: int | None, title: str) -> AbstractContextManager[Show] | None:
    """Return the bar of a terminal or the widget of a notebook; None elsewhere, or if its package is missing."""
    package, extra = "tqdm", "notebook"
    try:
        if _in_notebook():
            return _widget(total, title)
        package, extra = "rich", "cli"
        if is_terminal(sys.stderr) and os.environ.get("TERM") not in ("dumb", "unknown"):
            from alexa_props.fleet.bar import bar  # an extra

            return bar(total, title)
    except ImportError:
        logger.warning(
            'progress=True logs lines at INFO here, because %s is not installed: pip install "alexa-props[%s]"',
            package,
            extra,
        )
    return None


def _in_notebook() -> bool:
    # A notebook has imported it. Importing it here would be slow.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal."""
    try:
        return stream is not None and stream.isatty()  # None in a process without a console
    except ValueError:  # the stream is closed
        return False


def _widget(total: int | None, title: str) -> AbstractContextManager[Show]:
    with warnings.catch_warnings():
        # Without ipywidgets, tqdm shows a bar of text and warns.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm  # type: ignore[import-untyped]  # an extra
    # Without the thread that monitors the bar.
    kind: Any = type("tqdm", (tqdm,), {"monitor_interval": 0})
    form = title.replace("{", "{{").replace("}", "}}") + " |{bar}| {desc}"

    @contextmanager
    def shown() -> Iterator[Show]:
        with kind(total=total, bar_format=form) as bar:

            def show(state: Progress) -> None:
                bar.n = state.ended
                bar.set_description_str(str(state))

            yield show

    return shown()


def _hours(seconds: float) -> str:
    minutes, whole = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{whole:02}"
