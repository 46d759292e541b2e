"""A progress bar in a terminal, below the lines that the program prints."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TextIO

from rich.console import Console
from rich.control import Control
from rich.progress import BarColumn, Progress, TextColumn
from rich.segment import ControlType

from alexa_props.fleet.progress import is_terminal

if TYPE_CHECKING:
    from alexa_props.fleet.progress import Progress as State

__all__ = ["bar"]

_ERASE: Final = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))


@contextmanager
def bar(total: int | None, title: str) -> Iterator[Callable[[State], None]]:
    """Show a bar on standard error, and yield the function that updates it."""
    shown = _Bar(total, title)
    with shown.above("stdout"), shown.above("stderr"), shown.progress:
        yield shown.show


class _Bar:
    def __init__(self, total: int | None, title: str) -> None:
        stream = sys.stderr
        self.progress: Final = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            console=Console(file=stream.stream if isinstance(stream, _Above) else stream),
            # rich would start a thread, wrap lines, and print those of stdout to stderr.
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        # Other threads may print.
        self.lock = threading.RLock()
        self._task = self.progress.add_task(title, total=total, state="")

    def show(self, state: State) -> None:
        with self.lock:
            self.progress.update(self._task, completed=state.ended, state=str(state), refresh=True)

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
                self.progress.console.control(_ERASE)
            yield
            with suppress(Exception):
                self.progress.refresh()


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
