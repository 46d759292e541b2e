"""How a command runs and ends: exit codes, one line for what went wrong, Ctrl-C, and a pipe that is closed."""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager
from io import TextIOWrapper
from typing import Any

import typer

from alexa_props.errors import AlexaError, DeadlineExceeded, TransportError

__all__ = ["Exit", "after_echo", "ending", "note", "plain", "run"]


class Exit(enum.IntEnum):
    """The status with which the command ends."""

    DONE = 0
    ERROR = 1
    """One line on standard error says what to do."""
    USAGE = 2
    """The options make no sense; nothing was sent."""
    FAILED = 3
    """Some of it was done; the rows say on which devices it failed."""
    UNKNOWN = 4
    """A change was sent and no answer came: it may have been made."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it."""
    CLOSED_PIPE = 141
    """Nobody reads standard output any more, as shells count it."""


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
        sys.stdout.flush()
        if status:
            raise typer.Exit(status)


@contextmanager
def ending(*, writes: bool = False) -> Iterator[None]:
    """Leave with the right status when something goes wrong inside: one line, not a traceback."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A name that the terminal cannot show is no reason to stop.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
    except KeyboardInterrupt:
        after_echo()
        note("interrupted" + ("; the change that was under way may have been made" if writes else ""))
        raise typer.Exit(Exit.INTERRUPTED) from None
    except (AlexaError, OSError, ExceptionGroup) as error:
        cause: Exception = error
        while isinstance(cause, ExceptionGroup):
            cause = cause.exceptions[0]
        if not isinstance(cause, AlexaError | OSError):
            raise
        raise typer.Exit(_status(cause, writes=writes)) from None
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            # It would be tried once more at the end, with a complaint and a status of its own.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _status(error: AlexaError | OSError, *, writes: bool) -> Exit:
    """What an error means for the status, after telling it."""
    if isinstance(error, BrokenPipeError):
        return Exit.CLOSED_PIPE
    if writes and isinstance(error, TransportError | DeadlineExceeded) and error.sent == "maybe":
        note(f"{error}; the change may have been made")
        return Exit.UNKNOWN
    note(str(error))
    return Exit.ERROR


def note(text: str) -> None:
    """Say something on standard error, in one line."""
    typer.echo(f"alexa-props: {plain(' '.join(text.split()))}", err=True)


def after_echo() -> None:
    """Start a new line on a terminal, which has shown ^C on this one."""
    if sys.stderr.isatty():
        typer.echo(err=True)


def plain(text: str) -> str:
    """The text without what a terminal would obey, or a table of lines would break on: it comes from elsewhere."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
