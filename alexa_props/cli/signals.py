"""The signals that end a command: as Ctrl-C, or handled in the event loop. Ignored ones stay ignored."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["interrupting", "on_signals"]


@contextmanager
def interrupting() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP interrupt the block as Ctrl-C does. Yields those that were received.

    A command that is killed between a token refresh and the write to the credentials file would lose the token.
    """
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        # Inside an event loop this is asyncio's handler, which cancels the command.
        ctrl_c = signal.getsignal(signal.SIGINT)
        (ctrl_c if callable(ctrl_c) else signal.default_int_handler)(number, frame)

    with _handled([number for number in _ending_signals() if number != signal.SIGINT], interrupt):
        yield received


@contextmanager
def on_signals(first: Callable[[], None], again: Callable[[], None]) -> Iterator[list[int]]:
    """Handle the signals that would end the process, in the event loop. Yields those that were received.

    Args:
        first: Called for the first signal.
        again: Called for each further one.

    """
    import asyncio

    loop = asyncio.get_running_loop()
    received: list[int] = []

    def receive(number: int, _: FrameType | None) -> None:
        # Not in the loop: the same Ctrl-C ends the reader of a pipeline, and the status must count the signal first.
        received.append(number)
        loop.call_soon_threadsafe(again if received[1:] else first)

    with _handled(_ending_signals(), receive):
        yield received


def _ending_signals() -> list[int]:
    """Return the signals that end a command, without those ignored at its start (`nohup`, a script's `&`)."""
    numbers = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    return [number for number in numbers if number is not None and signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def _handled(numbers: list[int], handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    # Python allows handlers in the main thread only; a command called in another thread does without.
    in_main_thread = threading.current_thread() is threading.main_thread()
    previous = {number: signal.signal(number, handle) for number in numbers} if in_main_thread else {}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
