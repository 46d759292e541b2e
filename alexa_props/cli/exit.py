"""How a command runs and ends: exit codes, one line for what went wrong, signals, and outputs that fail."""

from __future__ import annotations

import enum
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager, suppress
from io import TextIOWrapper
from types import FrameType
from typing import Any, TextIO

import typer

from alexa_props.errors import AlexaError, DeadlineExceeded, TransportError

__all__ = ["Exit", "OutputLost", "after_echo", "ending", "note", "on_signals", "plain", "run", "write", "writing"]


class Exit(enum.IntEnum):
    """The status with which the command ends; after a signal it is 128 and its number, as shells count it."""

    DONE = 0
    ERROR = 1
    """One line on standard error says what to do."""
    USAGE = 2
    """The options make no sense; nothing was sent."""
    FAILED = 3
    """Some of it was done; the rows say on which devices it failed."""
    UNKNOWN = 4
    """A change was sent and no answer came: it may have been made."""
    HUNG_UP = 129
    """SIGHUP: the terminal is gone."""
    INTERRUPTED = 130
    """Ctrl-C."""
    CLOSED_PIPE = 141
    """Standard output has no reader any more, and no signal came."""
    TERMINATED = 143
    """SIGTERM."""


class OutputLost(Exception):
    """Standard output cannot be written: its reader is gone, or the disk is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output cannot be written: {error.strerror or error}")
        self.closed = error.errno == errno.EPIPE


def run(command: Coroutine[Any, Any, int | None], *, writes: bool = False) -> None:
    """Run a command to its end, and leave with its status.

    Args:
        command: gives the status, or None for `Exit.DONE`.
        writes: whether it changes something, so that no answer means that it may have been done.

    """
    # Closed: Ctrl-C may come before it runs.
    with ending(writes=writes), closing(command):
        # Late: the help does without.
        import asyncio

        status = asyncio.run(command) or Exit.DONE
        # At the end of the process it would be too late to say what goes wrong.
        write()
        if status:
            raise typer.Exit(status)


@contextmanager
def ending(*, writes: bool = False) -> Iterator[None]:
    """Leave with the right status when something goes wrong inside: one line, not a traceback."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A name that the terminal cannot show is no reason to stop.
        sys.stdout.reconfigure(errors="backslashreplace")
    came: list[int] = []
    try:
        with _like_ctrl_c(came):
            yield
    except KeyboardInterrupt:
        after_echo()
        note("interrupted" + ("; the change that was under way may have been made" if writes else ""))
        raise typer.Exit(128 + (came[0] if came else signal.SIGINT)) from None
    except (AlexaError, OSError, OutputLost, ExceptionGroup) as error:
        cause: Exception = error
        while isinstance(cause, ExceptionGroup):
            cause = cause.exceptions[0]
        if not isinstance(cause, AlexaError | OSError | OutputLost):
            raise
        raise typer.Exit(_status(cause, writes=writes)) from None
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                _silence(stream)


def _status(error: AlexaError | OSError | OutputLost, *, writes: bool) -> Exit:
    """What an error means for the status, after reporting it."""
    if isinstance(error, OutputLost) and error.closed:
        return Exit.CLOSED_PIPE
    if writes and isinstance(error, TransportError | DeadlineExceeded) and error.sent == "maybe":
        note(f"{error}; the change may have been made")
        return Exit.UNKNOWN
    note(str(error))
    return Exit.ERROR


# Signals.


def _ending_signals() -> list[int]:
    """The signals that end a command, without those that were ignored at its start (`nohup`, a script's `&`)."""
    numbers = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    return [number for number in numbers if number is not None and signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def _handled(numbers: list[int], handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    # Python allows handlers in the main thread only; a command that is called in another one does without.
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, handle) for number in numbers} if main else {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _like_ctrl_c(came: list[int]) -> Iterator[None]:
    """Let SIGTERM and SIGHUP interrupt the block as Ctrl-C does; those that come are added to `came`.

    Killed between a refresh and the write to the credentials file, a command would lose a rotated token.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(number)
        # In an event loop that is asyncio's handler, which cancels the command.
        ctrl_c = signal.getsignal(signal.SIGINT)
        (ctrl_c if callable(ctrl_c) else signal.default_int_handler)(number, frame)

    with _handled([number for number in _ending_signals() if number != signal.SIGINT], interrupt):
        yield


@contextmanager
def on_signals(first: Callable[[], None], again: Callable[[], None]) -> Iterator[list[int]]:
    """Handle the signals that would end the process, in the event loop. Gives those that came.

    Args:
        first: called for the first one.
        again: called for each further one.

    """
    import asyncio

    loop = asyncio.get_running_loop()
    came: list[int] = []

    def receive(number: int, _: FrameType | None) -> None:
        # Here and not in the loop: a pipeline's other end dies by the same Ctrl-C, and the status depends on this one.
        came.append(number)
        loop.call_soon_threadsafe(again if came[1:] else first)

    with _handled(_ending_signals(), receive):
        yield came


# Outputs.


def write(text: str = "") -> None:
    """Write to standard output, with all that was written before.

    Raises:
        OutputLost: it cannot be written.

    """
    with writing():
        sys.stdout.write(text)
        sys.stdout.flush()


@contextmanager
def writing() -> Iterator[None]:
    """Raise `OutputLost` if the block cannot write to standard output; nothing is written to it from then on."""
    try:
        yield
    except OSError as error:
        _silence(sys.stdout)
        raise OutputLost(error) from error


def note(text: str) -> None:
    """Print one line on standard error. Never raises: the command is not about its notes."""
    _say(f"alexa-props: {plain(' '.join(text.split()))}")


def after_echo() -> None:
    """Start a new line on a terminal, which has shown ^C on this one. Never raises."""
    if sys.stderr.isatty():
        _say("")


def _say(line: str) -> None:
    try:
        typer.echo(line, err=True)
    except (OSError, ValueError):  # its reader is gone, the disk is full, or it was closed
        _silence(sys.stderr)


def _silence(stream: TextIO) -> None:
    """Discard what is buffered: at the end Python would try again, and end with a complaint and status 120."""
    with suppress(OSError, ValueError):  # one without a file behind it needs nothing
        handle, nowhere = stream.fileno(), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, handle)
        if nowhere != handle:
            os.close(nowhere)


def plain(text: str) -> str:
    """The text without what a terminal would obey, or a table of lines would break on: it comes from elsewhere."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
