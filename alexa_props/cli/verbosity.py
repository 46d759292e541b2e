"""What `-v` shows: the log of the library, on standard error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from alexa_props.cli.streams import note

__all__ = ["log_shown"]

_LEVELS = (logging.NOTSET, logging.INFO, logging.DEBUG)


class _Notes(logging.Handler):
    """Prints log lines as notes of the command."""

    def emit(self, record: logging.LogRecord) -> None:
        note(self.format(record))


@contextmanager
def log_shown(verbose: int) -> Iterator[None]:
    """Show warnings on standard error; with 1 also retries and failed calls, with 2 every request."""
    logger = logging.getLogger("alexa_props")
    handler, level = _Notes(), logger.level
    if verbose:
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    else:
        # A command reports its failures itself.
        handler.addFilter(lambda record: record.name != "alexa_props.failures")
    # The options of a command replace the default of the root command.
    replaced = [each for each in logger.handlers if isinstance(each, _Notes)]
    logger.handlers[:] = [*(each for each in logger.handlers if each not in replaced), handler]
    logger.setLevel(_LEVELS[min(verbose, 2)])
    try:
        yield
    finally:
        logger.removeHandler(handler)
        for each in replaced:
            logger.addHandler(each)
        logger.setLevel(level)
