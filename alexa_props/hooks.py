"""Events of a call and of its attempts, and the hooks that receive them.

A hook is a function of one event. What it raises is logged and goes no further: a hook never fails a call. Events
hold names, statuses, times and ids, never headers, bodies or query strings.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import attrs

from alexa_props.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

__all__ = [
    "AttemptEnded",
    "AttemptStarted",
    "CallEnded",
    "CallStarted",
    "Event",
    "Hook",
    "Hooks",
    "RetryScheduled",
    "opentelemetry",
]

logger: Final = logging.getLogger("alexa_props")


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
        error: name of the exception's class; None when the pipeline gave an answer, of whatever status.
        attempts: how many attempts were started.
        refused: how many of them the service throttled.
        waited: seconds at the rate limiter.
        elapsed: seconds in all.

    """

    status: int | None
    error: str | None
    attempts: int
    refused: int
    waited: float
    elapsed: float


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

    def __bool__(self) -> bool:
        """Whether anybody listens: nothing is prepared when nobody does."""
        return bool(self._hooks) or logger.isEnabledFor(logging.INFO)

    def emit(self, event: Event) -> None:
        """Hand the event to every hook."""
        log_event(event)
        for hook in self._hooks:
            try:
                hook(event)
            except Exception:  # the one place where anything may be raised and must not matter
                logger.exception("a hook failed on %s of %s", type(event).__name__, event.operation)


def opentelemetry(tracer: Tracer | None = None) -> Hook:
    """A hook that makes one client span a call, with an event for each attempt and retry. Needs the extra `otel`.

    Args:
        tracer: takes the spans; by default the global provider's tracer "alexa_props".

    Raises:
        ConfigurationError: opentelemetry-api is not installed.

    """
    try:
        from opentelemetry import trace  # an extra: nobody pays for its import who does not ask for it
    except ImportError:
        raise ConfigurationError('OpenTelemetry is not installed: pip install "alexa-props[otel]"') from None
    tracer = tracer or trace.get_tracer("alexa_props")
    spans: dict[int, trace.Span] = {}

    def hook(event: Event) -> None:
        if isinstance(event, CallStarted):
            span = tracer.start_span(event.operation, kind=trace.SpanKind.CLIENT)
            if event.subject is not None:
                span.set_attribute("alexa_props.subject", event.subject)
            spans[event.call_id] = span
        elif isinstance(event, CallEnded):
            span = spans.pop(event.call_id)
            span.set_attribute("alexa_props.attempts", event.attempts)
            span.set_attribute("alexa_props.refused", event.refused)
            if event.status is not None:
                span.set_attribute("http.response.status_code", event.status)
            if event.error is not None:
                span.set_attribute("error.type", event.error)
            if event.error is not None or (event.status or 0) >= 400:  # noqa: PLR2004 - HTTP's own number
                span.set_status(trace.StatusCode.ERROR)
            span.end()
        elif event.call_id in spans:
            attributes = attrs.asdict(event, filter=lambda field, value: field.name != "call_id" and value is not None)
            spans[event.call_id].add_event(type(event).__name__, attributes)

    return hook
