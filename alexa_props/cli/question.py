"""A question on the terminal before something is changed."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import anyio

from alexa_props.cli.exit import Exit
from alexa_props.cli.signals import on_signals
from alexa_props.cli.streams import end_echoed_line, note, printable

__all__ = ["confirm", "has_terminal"]

_INTERVAL: Final = 0.05
"""Seconds between two looks at the terminal. An event loop cannot wait for a terminal on every system."""


def has_terminal() -> bool:
    """Return whether the process has a terminal to ask on, also if its standard streams are files."""
    try:
        os.close(_open())
    except OSError:
        return False
    return True


async def confirm(lines: list[str], question: str) -> int | None:
    """Ask whether to go ahead. Return None for yes, else the exit status.

    Discards earlier input.

    Args:
        lines: The lines before the question.
        question: The question.

    Raises:
        OSError: The process has no terminal.

    """
    with _terminal() as terminal, anyio.CancelScope() as scope, on_signals(scope.cancel, scope.cancel) as signals:
        _discard_typed(terminal)
        text = "".join(f"{printable(line)}\n" for line in lines)
        os.write(terminal, f"{text}{printable(question)} [y/N] ".encode())
        if await _read_line(terminal) in ("y", "yes") and not signals:
            return None
    if signals and signals[0] == signal.SIGINT:
        end_echoed_line()
    note("interrupted; nothing was changed" if signals else "nothing was changed")
    return 128 + signals[0] if signals else Exit.ERROR


def _open() -> int:
    return os.open("/dev/tty", os.O_RDWR)


@contextmanager
def _terminal() -> Iterator[int]:
    terminal = _open()
    try:
        yield terminal
    finally:
        os.close(terminal)


def _discard_typed(terminal: int) -> None:
    import termios  # Windows has none, and no such terminal

    termios.tcflush(terminal, termios.TCIFLUSH)


async def _read_line(terminal: int) -> str:
    """Return a line in lower case; empty at the end of the input, or if the terminal is gone."""
    while not select.select([terminal], [], [], 0)[0]:  # noqa: ASYNC110 - the terminal sets no event
        await anyio.sleep(_INTERVAL)
    try:
        line = os.read(terminal, 1024)
    except OSError:
        return ""
    if not line.endswith(b"\n"):
        os.write(terminal, b"\n")
    return line.decode(errors="replace").strip().lower()
