"""What `-v` shows: the log of the library, on standard error."""

from __future__ import annotations

import logging

from alexa_props.cli.streams import note

__all__ = ["set_up"]

_LEVELS = (logging.NOTSET, logging.INFO, logging.DEBUG)


class _Notes(logging.Handler):
    """Prints log lines as notes of the command."""

    def emit(self, record: logging.LogRecord) -> None:
        note(self.format(record))


def set_up(verbose: int) -> None:
    """Show warnings on standard error; with 1 also retries and failed calls, with 2 every request."""
    logger = logging.getLogger("alexa_props")
    # A process may run several commands, as the tests do.
    for each in [each for each in logger.handlers if isinstance(each, _Notes)]:
        logger.removeHandler(each)
    handler = _Notes()
    if verbose:
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    else:
        # A command reports its failures itself.
        handler.addFilter(lambda record: record.name != "alexa_props.failures")
    logger.addHandler(handler)
    logger.setLevel(_LEVELS[min(verbose, 2)])
