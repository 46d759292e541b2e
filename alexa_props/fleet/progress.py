"""How far a run is: counted by the run, and shown as a bar, a widget, log lines, or by a function of one's own."""

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
"""Seconds between two showings; more often is more than an eye sees."""
_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines."""
_WINDOW: Final = 10.0
"""The rate is that of the last 10 to 20 s."""
_SETTLED: Final = 1.0
"""Seconds before a rate says anything about the rest: the first items end all at once."""
TICK: Final = 1.0
"""Seconds between two looks at whether it is time to show something although nothing has ended."""

_meter: ContextVar[Meter | None] = ContextVar("alexa_props.fleet.meter", default=None)
"""The meter of the run that reads items here."""


def count_listed(units: int) -> None:
    """Count units that were listed to find items, for the run that reads these items."""
    meter = _meter.get()
    if meter is not None:
        meter.listed = (meter.listed or 0) + units


@attrs.frozen(kw_only=True)
class Progress:
    """How far a run is: what a progress callback receives. Its `str` is one line for people.

    Attributes:
        total: items in all, those that are skipped among them; None when that is not known.
        done: items that are done.
        failed: items to which the service said no, or of which nothing was sent.
        unknown: items that may be done, with no answer that says so.
        skipped: items that an earlier run did, or that came twice.
        refused: attempts that the service throttled.
        in_flight: items that are being worked on; 0 in the last state.
        elapsed: seconds since the run began.
        rate: items a second, over the last 10 to 20 s, in the last state over all; skipped ones do not count.
        eta: seconds left at that rate. None when total or rate is not known, in the first second, and when the run has
            ended before its items did.
        listed: units that `walk_rooms` has listed for this run, rooms and those above them; None if it lists none, and
            in the last state.

    """

    total: int | None
    done: int
    failed: int
    unknown: int
    skipped: int
    refused: int
    in_flight: int
    elapsed: float
    rate: float
    eta: float | None
    listed: int | None = None

    @property
    def ended(self) -> int:
        """Items that need nothing more in this run."""
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
    """Counts for a run, and shows. To be entered once, around the run: shows the first and the last state.

    Args:
        progress: True shows a bar in a terminal, a widget in a notebook, and log lines where there is neither; a
            function gets a `Progress` at most ten times a second, in the event loop; None and False show nothing. What
            a function or a display raises is logged once, and never fails the run. Without the package that shows a
            bar or a widget there are log lines.
        total: items in all; None when that is not known.
        title: what is being done.
        clock: gives seconds; the event loop's own costs more than all the counting.

    Raises:
        ConfigurationError: progress is none of these.

    Attributes:
        listed: units that were listed to find items; None if no such list has begun.
        shows: whether there is anything to show it.

    """

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
        # Two marks of when and how many; the older one is where the rate is counted from.
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
        # What the whole run made of its time; and whatever is left will not be done by it.
        self._older = self._newer = (self._started, 0)
        state = self._state(now, 0)
        self._last = attrs.evolve(state, eta=0.0 if state.eta == 0 else None, listed=None)
        try:
            self._tell(self._last)
        finally:
            with self._guard():
                self._stack.close()

    def ended(self, status: Status, refused: int, in_flight: int) -> None:
        """An item ended.

        Args:
            status: as what.
            refused: how many of its attempts the service throttled.
            in_flight: items that are being worked on now.

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
        """An item needs nothing: an earlier run did it, or it came twice."""
        self._skipped += 1
        self.tick(in_flight)

    def tick(self, in_flight: int) -> None:
        """Show how far it is, if it is time for that."""
        now = self._clock()
        if now >= self._next:
            self._tick(now, in_flight)

    def count_what_is_listed(self) -> None:
        """Count what is listed in this context, in which items are read."""
        _meter.set(self)

    def now(self, in_flight: int) -> Progress:
        """How far it is; after the end, what it was then."""
        return self._last or self._state(self._clock(), in_flight)

    def _tick(self, now: float, in_flight: int) -> None:
        self._tell(self._state(now, in_flight))
        # Counted from the end of the showing: whatever it takes, it is not all that happens.
        self._next = self._clock() + self._interval

    def _tell(self, state: Progress) -> None:
        if self._show is not None:
            with self._guard():
                shown = call_foreign("progress=", self._show, state)
                if discard_awaitable(shown):
                    raise ConfigurationError(f"progress must not be async: it gave {shown!r:.80}")

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
        except Exception:  # noqa: BLE001 - a callback may raise anything, a terminal may be gone: the run must not care
            if not self._complained:
                self._complained = True
                logger.exception("showing the progress failed; the run goes on, and further failures are not logged")


def _display_of(progress: object, total: int | None, title: str) -> tuple[float, AbstractContextManager[Show] | None]:
    """Seconds between two showings, and what gives the function that shows."""
    if progress is None or progress is False:
        return _INTERVAL, None
    if progress is True:
        display = _found_display(total, title)
        if display is not None:
            return _INTERVAL, display
        return _LOG_INTERVAL, nullcontext(lambda state: logger.info("%s: %s", title, state))
    if not callable(progress) or is_async(progress):
        raise ConfigurationError(
            f"progress must be True, None, or a function of a Progress that is not async, not {progress!r:.80}"
        )
    return _INTERVAL, nullcontext(progress)


def _found_display(total: int | None, title: str) -> AbstractContextManager[Show] | None:
    """The bar or widget for where this runs; None if that takes none, or the package for it is not installed."""
    package, extra = "tqdm", "notebook"
    try:
        if _in_notebook():
            return _widget(total, title)
        package, extra = "rich", "cli"
        if is_terminal(sys.stderr) and os.environ.get("TERM") not in ("dumb", "unknown"):
            from alexa_props.fleet.bar import bar  # an extra, imported only if it is used

            return bar(total, title)
    except ImportError:
        logger.warning(
            'progress=True logs lines at INFO here, because %s is not installed: pip install "alexa-props[%s]"',
            package,
            extra,
        )
    return None


def _in_notebook() -> bool:
    # Whoever is in a notebook has imported it: nobody else has to pay for that.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody looks at it."""
    try:
        return stream is not None and stream.isatty()  # None: a process without a console
    except ValueError:  # it is closed
        return False


def _widget(total: int | None, title: str) -> AbstractContextManager[Show]:
    with warnings.catch_warnings():
        # Without ipywidgets there is a bar of text, and nothing to worry about.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm  # type: ignore[import-untyped]  # an extra, as above
    # An interval of 0: no thread that watches over the bar.
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
