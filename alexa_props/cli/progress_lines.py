"""The progress of a run where there is no terminal: a line per minute on standard error."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from alexa_props.cli.streams import note
from alexa_props.hooks import progress_logger

__all__ = ["progress_lines"]

_MINUTE: Final = 59.0
"""Seconds before the first line. The last one is not needed before: a command ends with a summary."""


@contextmanager
def progress_lines() -> Iterator[None]:
    """Print the progress that the block logs, whatever else is logged."""
    log = progress_logger.logger
    level, propagate = log.level, log.propagate
    handler = _Notes()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    # With -v, the line would be printed twice.
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagate


class _Notes(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self._first = time.monotonic() + _MINUTE

    def emit(self, record: logging.LogRecord) -> None:
        if time.monotonic() >= self._first:
            note(record.getMessage())
