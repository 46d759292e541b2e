"""OpenTelemetry's spans and metrics of calls and of their requests, by its conventions for HTTP clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from alexa_props.errors import ConfigurationError
from alexa_props.events import (
    AttemptEnded,
    AttemptSent,
    AttemptStarted,
    AttemptThrottled,
    CallEnded,
    CallStarted,
    Event,
)
from alexa_props.version import installed_version

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

__all__ = ["OpenTelemetry"]

_CALL_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Boundaries of the buckets of calls, which may wait for minutes."""
_REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Those that the conventions recommend for requests."""
_METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""Known to the conventions; every other one counts as "_OTHER"."""
_LEAST_ERROR: Final = 400

Attributes: TypeAlias = dict[str, "str | int | float"]


@attrs.define(eq=False)
class _Call:
    """A call in progress."""

    span: Span
    name: str
    """Of the span of an attempt."""
    labels: Attributes
    """Which operation of which client it is: on every metric."""
    http: Attributes
    """The attributes of its requests that are known before they are sent."""
    template: str
    attempt: Span | None = None
    """The attempt that was sent and has not ended."""
    requests: int = 0
    """How many were sent."""
    is_waiting: bool = False
    """Whether an attempt waits to be sent."""


class OpenTelemetry:
    """A hook that makes spans and metrics: `SmartProperties(hooks=[OpenTelemetry()])`. Needs the extra `otel`.

    Each call is a span named after the operation, such as "units.get", below the span that is current where the call is
    made. Each request that it sends is a client span below that, such as "GET /v2/units/{unit_id}", with
    `http.request.method`, `http.response.status_code`, `http.request.resend_count`, `server.address`, `server.port`,
    `url.template` and `error.type`, which is the class of an exception or the status of an error. There is no
    `url.full`: paths hold ids, and the one that a call is about is `alexa_props.subject`. Throttled attempts and
    scheduled retries are events of the call's span.

    The metrics, by `alexa_props.operation` and `alexa_props.client` (the client's `name`, if it has one):

    - `http.client.request.duration`, a histogram in seconds: requests, without waits, also by the attributes above;
    - `alexa_props.call.duration`, a histogram in seconds, also by `http.response.status_code` and `error.type`: calls
      with their waits and retries; its count is the number of calls;
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
        version = installed_version()
        self._tracer = trace.get_tracer("alexa_props", version, tracer_provider)
        self._below = trace.set_span_in_context
        self._client, self._error = trace.SpanKind.CLIENT, trace.StatusCode.ERROR
        meter = metrics.get_meter("alexa_props", version, meter_provider)
        self._request_duration = meter.create_histogram(
            "http.client.request.duration",
            "s",
            "Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_REQUEST_SECONDS,
        )
        self._duration = meter.create_histogram(
            "alexa_props.call.duration",
            "s",
            "Calls, waits and retries included",
            explicit_bucket_boundaries_advisory=_CALL_SECONDS,
        )
        self._wait = meter.create_histogram(
            "alexa_props.call.wait",
            "s",
            "Waits of calls at the rate limiter",
            explicit_bucket_boundaries_advisory=_CALL_SECONDS,
        )
        self._refusals = meter.create_counter("alexa_props.refusals", "{attempt}", "Attempts that were throttled")
        self._queue = meter.create_up_down_counter(
            "alexa_props.queue", "{attempt}", "Attempts that wait for their turn or for a token"
        )
        self._calls: dict[int, _Call] = {}

    def __call__(self, event: Event) -> None:
        """Record an event."""
        if isinstance(event, CallStarted):
            self._calls[event.call_id] = self._start(event)
            return
        call = self._calls.get(event.call_id)
        if call is None:
            # It began before this hook was added.
            return
        if isinstance(event, CallEnded):
            del self._calls[event.call_id]
            self._end(call, event)
        elif isinstance(event, AttemptStarted):
            self._count_waiting(call, waiting=True)
        elif isinstance(event, AttemptSent):
            self._count_waiting(call, waiting=False)
            call.attempt = self._send(call)
        elif isinstance(event, AttemptEnded) and call.attempt is not None:
            self._end_request(call, call.attempt, event)
            call.attempt = None
        else:
            # An attempt that ends here was not sent.
            self._count_waiting(call, waiting=False)
            if isinstance(event, AttemptThrottled):
                self._refusals.add(1, call.labels)
            call.span.add_event(type(event).__name__, _attributes_of(event))

    def _start(self, event: CallStarted) -> _Call:
        known = event.method in _METHODS
        http: Attributes = {
            "http.request.method": event.method if known else "_OTHER",
            "server.address": event.host,
            "server.port": event.port,
        }
        labels: Attributes = {"alexa_props.operation": event.operation}
        if event.client is not None:
            labels["alexa_props.client"] = event.client
        # Given at the start, because samplers decide by them.
        attributes = {**labels, **http}
        if event.subject is not None:
            attributes["alexa_props.subject"] = event.subject
        span = self._tracer.start_span(event.operation, attributes=attributes)
        name = f"{event.method if known else 'HTTP'} {event.path}"
        return _Call(span, name, labels, http, event.path)

    def _send(self, call: _Call) -> Span:
        attributes = {**call.labels, **call.http, "url.template": call.template}
        if call.requests:
            attributes["http.request.resend_count"] = call.requests
        call.requests += 1
        return self._tracer.start_span(
            call.name, context=self._below(call.span), kind=self._client, attributes=attributes
        )

    def _end_request(self, call: _Call, span: Span, event: AttemptEnded) -> None:
        outcome = _outcome(event)
        self._request_duration.record(event.exchange or 0.0, {**call.labels, **call.http, **outcome})
        self._end_span(span, event, outcome)

    def _end(self, call: _Call, event: CallEnded) -> None:
        outcome = _outcome(event)
        self._duration.record(event.elapsed, {**call.labels, **outcome})
        self._wait.record(event.waited, call.labels)
        counts: Attributes = {
            "alexa_props.attempts": event.attempts,
            "alexa_props.refused": event.refused,
            "alexa_props.waited": event.waited,
        }
        self._end_span(call.span, event, {**outcome, **counts})

    def _end_span(self, span: Span, event: AttemptEnded | CallEnded, attributes: Attributes) -> None:
        span.set_attributes(attributes)
        if event.request_id is not None:
            span.set_attribute("alexa_props.request_id", event.request_id)
        if "error.type" in attributes:
            span.set_status(self._error)
        span.end()

    def _count_waiting(self, call: _Call, *, waiting: bool) -> None:
        if call.is_waiting != waiting:
            call.is_waiting = waiting
            self._queue.add(1 if waiting else -1, call.labels)


def _outcome(event: AttemptEnded | CallEnded) -> Attributes:
    """Return how a request or a call ended."""
    outcome: Attributes = {}
    if event.status is not None:
        outcome["http.response.status_code"] = event.status
    if event.error is not None:
        outcome["error.type"] = event.error
    elif event.status is not None and event.status >= _LEAST_ERROR:
        outcome["error.type"] = str(event.status)
    return outcome


def _attributes_of(event: Event) -> Attributes:
    """Return what an event holds besides the fields that all have."""
    fields = {field.name for field in attrs.fields(type(event))} - {field.name for field in attrs.fields(Event)}
    values = {f"alexa_props.{name}": getattr(event, name) for name in sorted(fields)}
    return {name: value for name, value in values.items() if value is not None}
