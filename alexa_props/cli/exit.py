"""How a command runs and ends: its status, and one line on standard error for what went wrong."""

from __future__ import annotations

import enum
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager
from io import TextIOWrapper
from typing import Any

import typer

from alexa_props.cli.signals import interrupting
from alexa_props.cli.streams import OutputLost, end_echoed_line, flush, note, note_more, write
from alexa_props.cli.unresolved import lines_of
from alexa_props.errors import AlexaError, DeadlineExceeded, TransportError

__all__ = ["STATUS", "Exit", "exit_on_error", "run"]


class Exit(enum.IntEnum):
    """The exit status of a command. After a signal it is 128 plus the signal's number, as in shells."""

    DONE = 0
    ERROR = 1
    """A line on standard error says what to do."""
    USAGE = 2
    """The options are invalid, or a name is unknown or ambiguous; nothing was changed."""
    FAILED = 3
    """Some of it was done; rows name the devices on which it failed."""
    UNKNOWN = 4
    """A change was sent and no response came: it may have taken effect."""
    HUNG_UP = 129
    """SIGHUP: the terminal is gone."""
    INTERRUPTED = 130
    """Ctrl-C."""
    CLOSED_PIPE = 141
    """The reader of standard output is gone, and no signal was received."""
    TERMINATED = 143
    """SIGTERM."""


STATUS = {"done": Exit.DONE, "failed": Exit.FAILED, "unknown": Exit.UNKNOWN}
"""The exit status for the status of an outcome."""


def run(command: Coroutine[Any, Any, int | None], *, writes: bool = False) -> None:
    """Run a command to its end, and exit with its status.

    Args:
        command: Returns the status, or None for `Exit.DONE`.
        writes: Whether it changes something, so that a lost response means that it may have taken effect.

    """
    # Closed: Ctrl-C may come before it runs.
    with exit_on_error(writes=writes), closing(command):
        # Late: help does without.
        import asyncio

        status = asyncio.run(command) or Exit.DONE
        # Python's own flush at exit is too late to report an error.
        write()
        if status:
            raise typer.Exit(status)


@contextmanager
def exit_on_error(*, writes: bool = False) -> Iterator[None]:
    """Exit with the right status and one line, not a traceback, if the block fails or is interrupted."""
    if isinstance(sys.stdout, TextIOWrapper):
        # Names that the terminal cannot show are escaped.
        sys.stdout.reconfigure(errors="backslashreplace")
    signals: list[int] = []
    try:
        with interrupting() as signals:
            yield
    except KeyboardInterrupt:
        end_echoed_line()
        note("interrupted" + ("; the change in flight may have taken effect" if writes else ""))
        raise typer.Exit(128 + (signals[0] if signals else signal.SIGINT)) from None
    except (AlexaError, OSError, OutputLost, ExceptionGroup) as error:
        cause: Exception = error
        while isinstance(cause, ExceptionGroup):
            cause = cause.exceptions[0]
        if not isinstance(cause, AlexaError | OSError | OutputLost):
            raise
        raise typer.Exit(_report(cause, writes=writes)) from None
    finally:
        flush()


def _report(error: AlexaError | OSError | OutputLost, *, writes: bool) -> Exit:
    """Report an error on standard error, and return the status that it means."""
    if isinstance(error, OutputLost) and error.closed:
        return Exit.CLOSED_PIPE
    if writes and isinstance(error, TransportError | DeadlineExceeded) and error.sent == "maybe":
        note(f"{error}; the change may have taken effect")
        return Exit.UNKNOWN
    lines = lines_of(error) if isinstance(error, AlexaError) else None
    if lines is None:
        note(str(error))
        return Exit.ERROR
    for line in lines:
        (note_more if line.startswith(" ") else note)(line)
    return Exit.USAGE
