"""Displays of progress: a bar in a terminal, a widget in a notebook, log lines elsewhere. All show the same line."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, Final, Generic, Self, TextIO, TypeVar

import attrs

from alexa_props.concurrency import call_foreign, discard_awaitable
from alexa_props.errors import ConfigurationError
from alexa_props.hooks import logger, progress_logger
from alexa_props.redaction import one_line

__all__ = ["Part", "Screen", "Show", "View", "callback", "display", "fitting", "is_terminal"]

S = TypeVar("S")

Show = Callable[[S], object]

_INTERVAL: Final = 0.1
"""Seconds between two updates of a display."""
_LOG_INTERVAL: Final = 60.0
"""Seconds between two log lines."""
_SHORTEST_TITLE: Final = 4
_LONGEST_TITLE: Final = 40
_WIDEST_BAR: Final = 40


@attrs.frozen
class Part:
    """A part of the line, such as "3 failed"."""

    text: str
    rank: int = 0
    """If the line is too narrow, parts of the highest rank are left out first."""
    warns: bool = False


@attrs.frozen
class View:
    """The content of a display."""

    parts: tuple[Part, ...]
    ended: int = 0
    total: int | None = None
    """None if unknown."""

    @property
    def warns(self) -> bool:
        """Whether the bar is amber."""
        return any(part.warns for part in self.parts)

    def __str__(self) -> str:
        return ", ".join(part.text for part in self.parts)


@attrs.frozen
class _Layout:
    rank: int
    """The highest rank of the parts."""
    bar: int
    """The least width of the bar; 0 if there is none."""
    title: int
    """The least width of the title, unless it is shorter."""


_LAYOUTS: Final = (
    _Layout(5, 8, _LONGEST_TITLE),
    _Layout(4, 8, _LONGEST_TITLE),
    _Layout(3, 8, _LONGEST_TITLE),
    _Layout(3, 8, 16),
    _Layout(3, 5, 12),
    _Layout(2, 5, 12),
    _Layout(2, 0, 8),
    _Layout(2, 0, 0),
    _Layout(1, 0, 0),
)
"""The first that fits is taken."""


def fitting(title: int, view: View, width: int) -> tuple[int, int, tuple[Part, ...]]:
    """Return the widths of title and bar, and the parts of the text that fit into one line beside them.

    Args:
        title: Its width.
        view: The content.
        width: The width of the line.

    """
    for layout in _LAYOUTS:
        parts = tuple(part for part in view.parts if part.rank <= layout.rank)
        room = width - sum(len(part.text) + 2 for part in parts) + 2
        bar = layout.bar + 1 if layout.bar else 0
        needed = min(title, layout.title)
        if room >= bar + (needed + 1 if needed else 0):
            # The title gets free space first.
            shown = min(title, room - bar - 1)
            shown = shown if shown >= min(title, _SHORTEST_TITLE) else 0
            room -= shown + 1 if shown else 0
            return shown, min(_WIDEST_BAR, room - 1) if bar else 0, parts
    return 0, 0, tuple(part for part in view.parts if not part.rank)


class Screen(Generic[S]):
    """Shows states at intervals. Errors are logged once. A context manager to enter once.

    Args:
        opened: A context manager that yields the function to call; None shows nothing.
        clock: Returns seconds.
        interval: Seconds between two states.
        wait: Whether the first state is shown only after such an interval.

    """

    def __init__(
        self,
        opened: AbstractContextManager[Show[S]] | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        interval: float = _INTERVAL,
        wait: bool = False,
    ) -> None:
        self.shows = opened is not None
        self._opened = opened
        self._clock = clock
        self._interval = interval
        self._wait = wait
        self._stack = ExitStack()
        self._show: Show[S] | None = None
        self._complained = False
        self._next = clock()

    def __enter__(self) -> Self:
        self._next = self._clock() + (self._interval if self._wait else 0)
        if self._opened is not None:
            with self._guard():
                self._show = self._stack.enter_context(self._opened)
        return self

    def __exit__(self, *raised: Any) -> None:  # noqa: PYI036 - as `ExitStack` takes them
        with self._guard():
            self._stack.__exit__(*raised)

    def is_due(self, now: float) -> bool:
        """Return whether the last state was shown long enough ago."""
        return now >= self._next

    def hurry(self) -> None:
        """Show the next state immediately, except among log lines."""
        if not self._wait:
            self._next = self._clock()

    def show(self, state: S) -> None:
        """Show a state now."""
        if self._show is not None:
            with self._guard():
                shown = call_foreign("progress=", self._show, state)
                if discard_awaitable(shown):
                    raise ConfigurationError(f"progress must not be async: it returned {shown!r:.80}")
        # From the end of the update: a slow display must not take all the time.
        self._next = self._clock() + self._interval

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001 - the user's callback may raise anything, and so may a display
            if not self._complained:
                self._complained = True
                logger.exception("showing the progress failed; the run continues, and further failures are not logged")


def callback(function: Show[S] | None, clock: Callable[[], float]) -> Screen[S]:
    """Return a screen that passes states to a function; None shows nothing."""
    return Screen(None if function is None else nullcontext(function), clock=clock)


def display(title: str, *, clock: Callable[[], float] = time.monotonic, transient: bool = False) -> Screen[View]:
    """Return the screen that suits where this program runs.

    Args:
        title: The title of the run.
        clock: Returns seconds.
        transient: Whether the line disappears from a terminal at the end.

    """
    title = one_line(title, _LONGEST_TITLE)
    if _in_notebook():
        from alexa_props.fleet.widget import widget  # it needs IPython

        return Screen(widget(title), clock=clock)
    if is_terminal(sys.stderr) and os.environ.get("TERM") not in ("dumb", "unknown"):
        try:
            from alexa_props.fleet.bar import bar  # an extra

            return Screen(bar(title, transient=transient), clock=clock)
        except ImportError:
            logger.warning(
                'the progress is logged at INFO, because rich is not installed: pip install "alexa-props[cli]"'
            )
    log = nullcontext(lambda view: progress_logger.info("%s: %s", title, view))
    return Screen(log, clock=clock, interval=_LOG_INTERVAL, wait=True)


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
