"""Hooks, which receive the events of calls, and logging.

A hook is a function that takes one event. What it raises is logged and does not propagate: a hook never fails a call,
and neither does a filter or handler of logging.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import httpx

from alexa_props.call import Call
from alexa_props.concurrency import is_async
from alexa_props.errors import AlexaError, ConfigurationError
from alexa_props.events import (
    AttemptEnded,
    AttemptSent,
    AttemptStarted,
    AttemptThrottled,
    CallEnded,
    CallStarted,
    Event,
    RetryScheduled,
    SharingBack,
    SharingLost,
)
from alexa_props.redaction import Redactor
from alexa_props.telemetry import OpenTelemetry

__all__ = [
    "AttemptEnded",
    "AttemptSent",
    "AttemptStarted",
    "AttemptThrottled",
    "CallEnded",
    "CallStarted",
    "Event",
    "Hook",
    "Hooks",
    "OpenTelemetry",
    "RetryScheduled",
    "SharingBack",
    "SharingLost",
    "log_failure",
]

if TYPE_CHECKING:
    _LoggerAdapter = logging.LoggerAdapter[logging.Logger]
else:
    _LoggerAdapter = logging.LoggerAdapter


class _Logger(_LoggerAdapter):
    """A logger that never raises: what a filter, a handler or a record factory raises is printed, as logging does."""

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        return msg, kwargs

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log on behalf of the caller."""
        try:
            super().log(level, msg, *args, **{"stacklevel": 2, **kwargs})
        except Exception:  # noqa: BLE001 - foreign code, which may raise anything
            if logging.raiseExceptions and sys.stderr is not None:
                with contextlib.suppress(OSError, ValueError):
                    traceback.print_exc()


_SERVERS: Final = ("uvicorn.error", "hypercorn.error", "gunicorn.error")
"""The loggers that these servers configure."""


class _ServerLog(logging.Handler):
    """Prints warnings that no other handler receives, with time and level, in a process of a web server.

    By default servers configure no loggers other than their own, and what an app's error handlers respond to would be
    lost. In any other process without logging, warnings are printed as logging does, but not failures: the exception
    is enough.

    Args:
        logger: Whose records are printed.
        raises: Whether an exception tells the same.

    """

    def __init__(self, logger: logging.Logger, *, raises: bool) -> None:
        super().__init__(logging.WARNING)
        self._raises = raises
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, unless another handler receives it."""
        if sys.stderr is None or self._is_received(record.name):
            return
        if not any(logging.getLogger(name).hasHandlers() for name in _SERVERS):
            if logging.lastResort is not None and not self._raises:
                logging.lastResort.handle(record)
            return
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            self.handleError(record)

    def _is_received(self, name: str) -> bool:
        """Return whether another handler receives the records of a logger."""
        nearest: logging.Handler | None = None
        each: logging.Logger | None = logging.getLogger(name)
        while each is not None:
            for handler in each.handlers:
                if not isinstance(handler, _ServerLog):
                    return True
                nearest = nearest or handler
            each = each.parent if each.propagate else None
        return nearest is not self


logger: Final = _Logger(logging.getLogger("alexa_props"))
progress_logger: Final = _Logger(logging.getLogger("alexa_props.progress"))
"""Logs the progress of runs where there is no terminal."""
_failures: Final = _Logger(logging.getLogger("alexa_props.failures"))
_ServerLog(_failures.logger, raises=True)
_ServerLog(logger.logger, raises=False)


Hook = Callable[[Event], None]


def log_event(event: Event) -> None:
    """Log an event to the logger "alexa_props" at DEBUG; retries at INFO. This hook is always active."""
    level = logging.INFO if isinstance(event, RetryScheduled) else logging.DEBUG
    logger.log(level, "%r", event)


class Hooks:
    """The hooks of one client, called in order."""

    def __init__(self, hooks: Iterable[Hook] = ()) -> None:
        try:
            self._hooks = tuple(hooks)
        except TypeError:
            raise ConfigurationError(f"hooks must be a list of functions that take one event, not {hooks!r}") from None
        for hook in self._hooks:
            if not callable(hook):
                raise ConfigurationError(f"hooks must be functions that take one event, not {hook!r}")
            if is_async(hook):
                raise ConfigurationError(f"hooks must be plain functions, not async: nothing would await {hook!r}")

    def __bool__(self) -> bool:
        """Return whether anything receives events: otherwise none are made."""
        return bool(self._hooks) or logger.isEnabledFor(logging.INFO)

    def emit(self, event: Event) -> None:
        """Pass the event to every hook."""
        log_event(event)
        for hook in self._hooks:
            try:
                hook(event)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException:  # foreign code may raise anything, even the CancelledError of a task that it asks
                logger.exception("a hook failed on %s of %s", type(event).__name__, event.operation)


def _reason(call: Call, error: Exception | None, request: httpx.Request | None) -> str | None:
    # Other errors may hold secrets, and some transports quote a header that cannot be sent.
    if not isinstance(error, AlexaError | httpx.RequestError) or isinstance(error, httpx.LocalProtocolError):
        return call.state.stop_reason or None
    text = str(error)
    if request is not None and not isinstance(error, AlexaError):
        text = Redactor.of(request).sanitize(text) or ""
    return "; ".join(filter(None, (text, call.state.stop_reason)))


def log_failure(call: Call, error: Exception | None = None, request: httpx.Request | None = None) -> None:
    """Log one WARNING for a call that failed: as text, and as a dict in the record's `alexa_props`.

    Args:
        call: The call.
        error: The exception that ended it; None if the last response did. Failed exchanges have httpx's names.
        request: The request, if the error may come from foreign code and quote it.

    """
    if not _failures.isEnabledFor(logging.WARNING):
        return
    fields = {
        "client": call.client,
        "operation": call.operation.name,
        "subject": call.subject,
        "error": None if error is None else type(error).__name__,
        "reason": _reason(call, error, request),
        # A refused token request has its own.
        "status": getattr(error, "status", None) or call.state.status,
        "request_id": getattr(error, "request_id", None) or call.state.request_id,
        "attempts": call.state.attempts,
        "refused": call.state.throttled,
        "waited": round(call.state.waited, 3),
    }
    text = " ".join(f"{name}={value!r}" for name, value in fields.items() if value is not None)
    _failures.warning("call failed: %s", text, extra={"alexa_props": fields})
