"""Standard output and standard error: what a command prints, and what happens if its reader is gone."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import typer

__all__ = ["OutputLost", "end_echoed_line", "flush", "note", "note_more", "printable", "write", "writing"]


class OutputLost(Exception):
    """Standard output cannot be written: its reader is gone, or the disk is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output cannot be written: {error.strerror or error}")
        self.closed = error.errno == errno.EPIPE


def write(text: str = "") -> None:
    """Write a text to standard output and flush it, with everything written before.

    Raises:
        OutputLost: Standard output cannot be written.

    """
    with writing():
        sys.stdout.write(text)
        sys.stdout.flush()


@contextmanager
def writing() -> Iterator[None]:
    """Raise `OutputLost` if the block cannot write to standard output, and discard all later output."""
    try:
        yield
    except OSError as error:
        _discard(sys.stdout)
        raise OutputLost(error) from error


def note(text: str) -> None:
    """Print one line on standard error. Never raises: a lost note must not fail a command."""
    _print_error(f"alexa-props: {printable(' '.join(text.split()))}")


def note_more(text: str) -> None:
    """Print another line of a note on standard error. Never raises."""
    _print_error(printable(text))


def end_echoed_line() -> None:
    """Start a new line on a terminal, which has echoed ^C on the current one. Never raises."""
    if sys.stderr.isatty():
        _print_error("")


def flush() -> None:
    """Flush both outputs. Never raises."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _discard(stream)


def printable(text: str) -> str:
    """Escape characters that would control a terminal or break a line: the text comes from the service."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _print_error(line: str) -> None:
    try:
        typer.echo(line, err=True)
    except (OSError, ValueError):  # its reader is gone, the disk is full, or it was closed
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Send a stream, and what it has buffered, to the null device.

    Otherwise Python tries to flush it again at exit, and ends with a message and status 120.
    """
    with suppress(OSError, ValueError):  # a stream without a file descriptor needs nothing
        handle, null = stream.fileno(), os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, handle)
        if null != handle:
            os.close(null)
