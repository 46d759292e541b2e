"""Events of a call and of its attempts, and the hooks that receive them.

A hook is a function of one event. What it raises is logged and goes no further: a hook never fails a call, and neither
does a filter or handler of logging. Events hold names, statuses, times and ids, never headers, bodies or query strings.
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
    """A logger that never raises: what a filter, a handler or a record factory raises is shown as logging shows it."""

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        return msg, kwargs

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log, as the caller."""
        try:
            super().log(level, msg, *args, **{"stacklevel": 2, **kwargs})
        except Exception:  # noqa: BLE001 - foreign code, which may raise anything
            if logging.raiseExceptions and sys.stderr is not None:
                with contextlib.suppress(OSError, ValueError):
                    traceback.print_exc()


logger: Final = _Logger(logging.getLogger("alexa_props"))
_failures: Final = _Logger(logging.getLogger("alexa_props.failures"))
# Without any configuration of logging the exception is enough: no line on standard error beside it.
_failures.logger.addHandler(logging.NullHandler())


@attrs.frozen(kw_only=True)
class Event:
    """Base of all events.

    Attributes:
        call_id: the same number in all events of one call; different from that of every other call under way.
        operation: the operation's name, such as "units.list".

    """

    call_id: int
    operation: str


@attrs.frozen(kw_only=True)
class CallStarted(Event):
    """A call enters the pipeline.

    Attributes:
        subject: the unit or device that it is about, if there is one.

    """

    subject: str | None


@attrs.frozen(kw_only=True)
class AttemptStarted(Event):
    """An attempt enters the rate limiter.

    Attributes:
        attempt: 1 for the first.

    """

    attempt: int


@attrs.frozen(kw_only=True)
class AttemptSent(Event):
    """An attempt has had its turn, is authorized, and goes to the connection pool.

    Attributes:
        attempt: 1 for the first.
        waited: seconds at the rate limiter so far, all attempts of the call together.

    """

    attempt: int
    waited: float


@attrs.frozen(kw_only=True)
class AttemptThrottled(Event):
    """The service refused an attempt because of too many.

    Attributes:
        attempt: 1 for the first.
        retry_after: seconds that the service asks to wait; None when it does not say.
        request_id: of the answer, if it had one.

    """

    attempt: int
    retry_after: float | None
    request_id: str | None


@attrs.frozen(kw_only=True)
class AttemptEnded(Event):
    """An attempt ended, with an answer or an error.

    Attributes:
        attempt: 1 for the first.
        status: HTTP status; None when there was no answer.
        error: name of the exception's class; None when there was an answer.
        request_id: of the answer, if it had one.
        elapsed: seconds, the wait at the rate limiter included.

    """

    attempt: int
    status: int | None
    error: str | None
    request_id: str | None
    elapsed: float


@attrs.frozen(kw_only=True)
class RetryScheduled(Event):
    """Another attempt will follow.

    Attributes:
        attempt: the attempt that failed.
        delay: seconds until the next.

    """

    attempt: int
    delay: float


@attrs.frozen(kw_only=True)
class CallEnded(Event):
    """A call left the pipeline.

    Attributes:
        status: HTTP status of the last answer; None when there was none.
        error: name of the exception's class, httpx's for an exchange that failed; None when the pipeline gave an
            answer, of whatever status.
        request_id: of the last answer, if it had one.
        attempts: how many attempts were started.
        refused: how many of them the service throttled.
        waited: seconds at the rate limiter.
        elapsed: seconds in all.

    """

    status: int | None
    error: str | None
    request_id: str | None
    attempts: int
    refused: int
    waited: float
    elapsed: float


_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Bounds of what is counted together; the usual ones are meant for milliseconds."""

Hook = Callable[[Event], None]


def log_event(event: Event) -> None:
    """The hook that is always there: events to the logger "alexa_props", at DEBUG; retries at INFO."""
    level = logging.INFO if isinstance(event, RetryScheduled) else logging.DEBUG
    logger.log(level, "%r", event)


class Hooks:
    """The hooks of one client, called in order."""

    def __init__(self, hooks: Iterable[Hook] = ()) -> None:
        try:
            self._hooks = tuple(hooks)
        except TypeError:
            raise ConfigurationError(f"hooks must be a list of functions of one event, not {hooks!r}") from None
        for hook in self._hooks:
            if not callable(hook):
                raise ConfigurationError(f"hooks must be functions of one event, not {hook!r}")
            if is_async(hook):
                raise ConfigurationError(f"hooks must be plain functions, as nobody would await this: {hook!r}")

    def __bool__(self) -> bool:
        """Whether anybody listens: nothing is prepared when nobody does."""
        return bool(self._hooks) or logger.isEnabledFor(logging.INFO)

    def emit(self, event: Event) -> None:
        """Hand the event to every hook."""
        log_event(event)
        for hook in self._hooks:
            try:
                hook(event)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException:  # foreign code: also the CancelledError of a task that it asks
                logger.exception("a hook failed on %s of %s", type(event).__name__, event.operation)


def _reason(call: Call, error: Exception | None, request: httpx.Request | None) -> str | None:
    # Others may say what is nobody's business, and a header that cannot be sent is quoted by some transports.
    if not isinstance(error, AlexaError | httpx.RequestError) or isinstance(error, httpx.LocalProtocolError):
        return call.state.stop_reason or None
    said = str(error)
    if request is not None and not isinstance(error, AlexaError):
        said = Redactor.of(request).sanitize(said) or ""
    return "; ".join(filter(None, (said, call.state.stop_reason)))


def log_failure(call: Call, error: Exception | None = None, request: httpx.Request | None = None) -> None:
    """Log one WARNING for a call that failed: in words, and for machines as a dict in the record's `alexa_props`.

    Args:
        call: the call.
        error: what ended it, or None where the last answer did. An exchange that failed is known by httpx's name.
        request: what was sent, if the error may come from other code and quote it.

    """
    if not _failures.isEnabledFor(logging.WARNING):
        return
    told = {
        "operation": call.operation.name,
        "subject": call.subject,
        "error": None if error is None else type(error).__name__,
        "reason": _reason(call, error, request),
        # Of a token request, if that was refused.
        "status": getattr(error, "status", None) or call.state.status,
        "request_id": getattr(error, "request_id", None) or call.state.request_id,
        "attempts": call.state.attempts,
        "refused": call.state.throttled,
        "waited": round(call.state.waited, 3),
    }
    words = " ".join(f"{name}={value!r}" for name, value in told.items() if value is not None)
    _failures.warning("call failed: %s", words, extra={"alexa_props": told})


class OpenTelemetry:
    """A hook that makes spans and metrics: `SmartProperties(hooks=[OpenTelemetry()])`. Needs the extra `otel`.

    Each call is one client span, named after the operation, a child of the span that is current where the call is made,
    with an event for each thing that happens to its attempts. The metrics, all by `alexa_props.operation`:

    - `alexa_props.call.duration`, a histogram in seconds, also by `http.response.status_code` and `error.type`; its
      count is the number of calls;
    - `alexa_props.call.wait`, a histogram: the seconds of it at the rate limiter;
    - `alexa_props.refusals`, a counter: attempts that the service throttled;
    - `alexa_props.queue`, an up-down counter: attempts that wait for their turn or for a token.

    One may serve several clients.

    Args:
        tracer_provider: takes the spans; None takes the global one.
        meter_provider: takes the metrics; None takes the global one.

    Raises:
        ConfigurationError: opentelemetry-api is not installed.

    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        try:
            from opentelemetry import metrics, trace  # an extra: nobody pays for its import who does not ask for it
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
            "alexa_props.queue", "{attempt}", "Attempts that wait for their turn"
        )
        self._spans: dict[int, Span] = {}
        self._waiting: set[int] = set()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        by_operation = {"alexa_props.operation": event.operation}
        if isinstance(event, CallStarted):
            self._spans[event.call_id] = span = self._tracer.start_span(event.operation, kind=self._kind)
            if event.subject is not None:
                span.set_attribute("alexa_props.subject", event.subject)
        elif event.call_id not in self._spans:
            # It was there before this hook was.
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
                # It was sent, or it ended without.
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
