"""What `-v` shows: the log of the library, on standard error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from alexa_props.cli.streams import note
from alexa_props.events import AttemptEnded, AttemptThrottled, CallStarted, Event, RetryScheduled

__all__ = ["log_shown"]

_LEVELS = (logging.NOTSET, logging.INFO, logging.DEBUG)


class _Notes(logging.Handler):
    """Prints log lines as notes of the command."""

    def emit(self, record: logging.LogRecord) -> None:
        event = record.args[0] if isinstance(record.args, tuple) and record.args else None
        if isinstance(event, Event):
            text = _text_of(event)
            if text is None:
                return
            record = logging.makeLogRecord({**vars(record), "msg": text, "args": None})
        note(self.format(record))


def _text_of(event: Event) -> str | None:
    """Return what people want to know about an event; None for those that others tell."""
    match event:
        case CallStarted():
            return f"{event.operation}: {event.method} {event.path}" + (
                f" for {event.subject}" if event.subject else ""
            )
        case AttemptThrottled():
            return f"{event.operation}: too many requests; waiting for the next turn"
        case AttemptEnded():
            response = event.error if event.status is None else event.status
            request = f" (request {event.request_id})" if event.request_id else ""
            return f"{event.operation}: {response} after {event.elapsed:.2f} s{request}"
        case RetryScheduled():
            return f"{event.operation}: attempt {event.attempt} failed; the next one follows in {event.delay:.1f} s"
    return None


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
