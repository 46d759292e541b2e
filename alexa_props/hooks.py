"""Events of a call and of its attempts, and the hooks that receive them.

A hook is a function that takes one event. What it raises is logged and does not propagate: a hook never fails a call,
and neither does a filter or handler of logging. Events hold names, statuses, times and ids, never headers, bodies or
query strings.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import attrs
import httpx

from alexa_props.call import Call
from alexa_props.concurrency import is_async
from alexa_props.errors import AlexaError, ConfigurationError
from alexa_props.redaction import Redactor

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

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


logger: Final = _Logger(logging.getLogger("alexa_props"))
_failures: Final = _Logger(logging.getLogger("alexa_props.failures"))
# If logging is not configured, the exception is enough: no line on standard error beside it.
_failures.logger.addHandler(logging.NullHandler())


@attrs.frozen(kw_only=True)
class Event:
    """Base of all events."""

    call_id: int
    """The same number in all events of one call, and different from that of every other call in progress."""
    operation: str
    """Name of the operation, such as "units.list"."""


@attrs.frozen(kw_only=True)
class CallStarted(Event):
    """A call enters the pipeline."""

    subject: str | None
    """The unit or device that it is about; None if there is none."""


@attrs.frozen(kw_only=True)
class AttemptStarted(Event):
    """An attempt enters the rate limiter."""

    attempt: int
    """Number of the attempt, from 1."""


@attrs.frozen(kw_only=True)
class AttemptSent(Event):
    """An attempt has had its turn, is authorized, and goes to the connection pool."""

    attempt: int
    """Number of the attempt, from 1."""
    waited: float
    """Seconds at the rate limiter so far, all attempts of the call together."""


@attrs.frozen(kw_only=True)
class AttemptThrottled(Event):
    """The service refused an attempt because there were too many."""

    attempt: int
    """Number of the attempt, from 1."""
    retry_after: float | None
    """Seconds that the service asks to wait; None if it does not say."""
    request_id: str | None
    """Request id of the response; None if it had none."""


@attrs.frozen(kw_only=True)
class AttemptEnded(Event):
    """An attempt ended, with a response or an error."""

    attempt: int
    """Number of the attempt, from 1."""
    status: int | None
    """HTTP status; None if there was no response."""
    error: str | None
    """Class name of the exception; None if there was a response."""
    request_id: str | None
    """Request id of the response; None if it had none."""
    elapsed: float
    """Seconds, including the wait at the rate limiter."""


@attrs.frozen(kw_only=True)
class RetryScheduled(Event):
    """Another attempt will follow."""

    attempt: int
    """Number of the attempt that failed, from 1."""
    delay: float
    """Seconds until the next attempt."""


@attrs.frozen(kw_only=True)
class CallEnded(Event):
    """A call left the pipeline."""

    status: int | None
    """HTTP status of the last response; None if there was none."""
    error: str | None
    """Class name of the exception, httpx's if the exchange failed; None if the pipeline returned a response."""
    request_id: str | None
    """Request id of the last response; None if it had none."""
    attempts: int
    """Number of attempts that were started."""
    refused: int
    """Number of attempts that the service throttled."""
    waited: float
    """Seconds at the rate limiter, all attempts together."""
    elapsed: float
    """Seconds in total."""


_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Boundaries of the histograms' buckets; the default ones are meant for milliseconds."""

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


class OpenTelemetry:
    """A hook that makes spans and metrics: `SmartProperties(hooks=[OpenTelemetry()])`. Needs the extra `otel`.

    Each call is one client span, named after the operation. It is a child of the span that is current where the call
    is made, and has an event for each event of its attempts. The metrics, all by `alexa_props.operation`:

    - `alexa_props.call.duration`, a histogram in seconds, also by `http.response.status_code` and `error.type`; its
      count is the number of calls;
    - `alexa_props.call.wait`, a histogram: how many of these seconds were spent at the rate limiter;
    - `alexa_props.refusals`, a counter: attempts that the service throttled;
    - `alexa_props.queue`, an up-down counter: attempts that wait for their turn or for a token.

    One instance may serve several clients.

    Args:
        tracer_provider: Receives the spans; None uses the global one.
        meter_provider: Receives the metrics; None uses the global one.

    Raises:
        ConfigurationError: opentelemetry-api is not installed.

    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        try:
            from opentelemetry import metrics, trace  # an extra, imported only if it is used
        except ImportError:
            raise ConfigurationError('OpenTelemetry is not installed: pip install "alexa-props[otel]"') from None
        self._tracer = trace.get_tracer("alexa_props", tracer_provider=tracer_provider)
        self._kind, self._error = trace.SpanKind.CLIENT, trace.StatusCode.ERROR
        meter = metrics.get_meter("alexa_props", meter_provider=meter_provider)
        self._duration = meter.create_histogram(
            "alexa_props.call.duration",
            "s",
            "Calls, waits and retries included",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._wait = meter.create_histogram(
            "alexa_props.call.wait",
            "s",
            "Waits of calls at the rate limiter",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._refusals = meter.create_counter("alexa_props.refusals", "{attempt}", "Attempts that were throttled")
        self._queue = meter.create_up_down_counter(
            "alexa_props.queue", "{attempt}", "Attempts that wait for their turn or for a token"
        )
        self._spans: dict[int, Span] = {}
        self._waiting: set[int] = set()

    def __call__(self, event: Event) -> None:
        """Record an event."""
        by_operation = {"alexa_props.operation": event.operation}
        if isinstance(event, CallStarted):
            self._spans[event.call_id] = span = self._tracer.start_span(event.operation, kind=self._kind)
            if event.subject is not None:
                span.set_attribute("alexa_props.subject", event.subject)
        elif event.call_id not in self._spans:
            # The call began before this hook was added.
            return
        elif isinstance(event, CallEnded):
            self._end(event, self._spans.pop(event.call_id))
        else:
            attributes = attrs.asdict(event, filter=lambda field, value: field.name != "call_id" and value is not None)
            self._spans[event.call_id].add_event(type(event).__name__, attributes)
            if isinstance(event, AttemptStarted):
                self._waiting.add(event.call_id)
                self._queue.add(1, by_operation)
            elif event.call_id in self._waiting:
                # It was sent, or it ended unsent.
                self._waiting.remove(event.call_id)
                self._queue.add(-1, by_operation)
            if isinstance(event, AttemptThrottled):
                self._refusals.add(1, by_operation)

    def _end(self, event: CallEnded, span: Span) -> None:
        by_operation = {"alexa_props.operation": event.operation}
        ended: dict[str, str | int] = {}
        if event.status is not None:
            ended["http.response.status_code"] = event.status
        if event.error is not None:
            ended["error.type"] = event.error
        self._duration.record(event.elapsed, {**by_operation, **ended})
        self._wait.record(event.waited, by_operation)
        span.set_attributes(
            {
                **ended,
                "alexa_props.attempts": event.attempts,
                "alexa_props.refused": event.refused,
                "alexa_props.waited": event.waited,
            }
        )
        if event.request_id is not None:
            span.set_attribute("alexa_props.request_id", event.request_id)
        if event.error is not None or (event.status or 0) >= 400:  # noqa: PLR2004 - HTTP's own number
            span.set_status(self._error)
        span.end()
