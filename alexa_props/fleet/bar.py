"""A progress bar in a terminal, below the lines that the program prints."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import ControlType, Segment
from rich.text import Text

from alexa_props.fleet.display import View, fitting, is_terminal

__all__ = ["bar"]

_ERASE: Final = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))
_GOOD: Final = "green"
_AMBER: Final = "yellow"
"""Amber, in the terminal's theme."""


@contextmanager
def bar(title: str, *, transient: bool = False) -> Iterator[Callable[[View], None]]:
    """Show a bar on standard error, and yield the function that updates it.

    Args:
        title: The title of the run.
        transient: Whether the bar disappears at the end.

    """
    shown = _Bar(title, transient=transient)
    with shown.above("stdout"), shown.above("stderr"), shown.live:
        yield shown.show


class _Line:
    """One line: title, bar and text. It never fills the last column, after which some terminals begin a new line."""

    def __init__(self, title: str, view: View) -> None:
        self._title = title
        self._view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        view = self._view
        title, bar, parts = fitting(cell_len(self._title), view, options.max_width - 1)
        if title:
            yield Text(_shortened(self._title, title), end=" ")
        if bar:
            colour = _AMBER if view.warns else _GOOD
            drawn = ProgressBar(
                view.total, view.ended, bar, complete_style=colour, finished_style=colour, pulse_style=colour
            )
            segments = list(console.render(drawn, options))
            yield from segments
            # Without colours, only the complete part is drawn.
            yield Segment(" " * (bar + 1 - Segment.get_line_length(segments)))
        line = Text(no_wrap=True, overflow="crop")
        for number, part in enumerate(parts):
            line.append(", " if number else "")
            line.append(part.text, _AMBER if part.warns else None)
        yield line


def _shortened(title: str, width: int) -> str:
    return title if cell_len(title) <= width else f"{set_cell_size(title, width - 1)}…"


class _Bar:
    def __init__(self, title: str, *, transient: bool) -> None:
        stream = sys.stderr
        self.live: Final = Live(
            console=Console(file=stream.stream if isinstance(stream, _Above) else stream),
            # rich would start a thread, wrap lines, and print those of stdout to stderr.
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            transient=transient,
        )
        # Other threads may print.
        self.lock = threading.RLock()
        self._title = title

    def show(self, view: View) -> None:
        with self.lock:
            self.live.update(_Line(self._title, view), refresh=True)

    @contextmanager
    def above(self, name: str) -> Iterator[None]:
        """Put complete lines of `sys.stdout` or `sys.stderr` above the bar, if that is a terminal."""
        stream = getattr(sys, name)
        # With two bars at a time, that of the first one stays.
        if isinstance(stream, _Above) or not is_terminal(stream):
            yield
            return
        above = _Above(stream, self)
        setattr(sys, name, above)
        try:
            yield
        finally:
            if getattr(sys, name) is above:
                setattr(sys, name, stream)
            above.release()

    @contextmanager
    def erased(self) -> Iterator[None]:
        """Remove the bar, which is one line high, for a block that writes complete lines."""
        with self.lock:
            # An error of the bar must not affect the lines.
            with suppress(Exception):
                self.live.console.control(_ERASE)
            yield
            with suppress(Exception):
                self.live.refresh()


class _Above:
    """A text stream to a terminal that shows a bar. It writes lines unchanged once they are complete."""

    def __init__(self, stream: TextIO, shown: _Bar) -> None:
        self.stream = stream
        self._bar: _Bar | None = shown
        self._rest = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def release(self) -> None:
        """Write the incomplete line, and pass later writes through: references to this stream may remain."""
        rest, self._rest, self._bar = self._rest, "", None
        self.stream.write(rest)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def write(self, text: str) -> int:
        if self._bar is None:
            return self.stream.write(text)
        with self._bar.lock:
            lines, end, self._rest = (self._rest + text).rpartition("\n")
            if end:
                with self._bar.erased():
                    self.stream.write(lines + end)
                    self.stream.flush()
        return len(text)
