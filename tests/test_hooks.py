"""What a hook hears, and that it cannot do harm."""

from __future__ import annotations

import asyncio
import builtins
import logging
from collections.abc import Mapping
from typing import Any

import anyio
import attrs
import httpx
import pytest

from alexa_props import RateLimit, RetryPolicy, errors
from alexa_props.hooks import (
    AttemptEnded,
    AttemptStarted,
    CallEnded,
    CallStarted,
    Event,
    RetryScheduled,
    opentelemetry,
)
from tests.helpers import Amazon, Service, answer, get, login, smart_properties, virtual_time

NAME = "unit_settings.get_default_music_station"
QUICK = RetryPolicy(base=0.0)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


async def test_a_success() -> None:
    events: list[Event] = []
    service = Service(answer(204, x_amzn_RequestId="request-1"), latency=2)
    await get(smart_properties(service, hooks=[events.append]))
    call_id = events[0].call_id
    assert events == [
        CallStarted(call_id=call_id, operation=NAME, subject="unit-1"),
        AttemptStarted(call_id=call_id, operation=NAME, attempt=1),
        AttemptEnded(
            call_id=call_id, operation=NAME, attempt=1, status=204, error=None, request_id="request-1", elapsed=2.0
        ),
        CallEnded(
            call_id=call_id, operation=NAME, status=204, error=None, attempts=1, refused=0, waited=0.0, elapsed=2.0
        ),
    ]


async def test_retries() -> None:
    events: list[Event] = []
    service = Service(answer(429, Retry_After="7"), httpx.ReadTimeout, None)
    limit = RateLimit(per_second=1)
    await get(smart_properties(service, hooks=[events.append], retry=QUICK, rate_limit=limit))
    attempt = ["AttemptStarted", "AttemptEnded"]
    assert names(events) == [
        "CallStarted",
        *(*attempt, "RetryScheduled", *attempt, "RetryScheduled", *attempt),
        "CallEnded",
    ]
    ended = [event for event in events if isinstance(event, AttemptEnded)]
    assert [(event.attempt, event.status, event.error) for event in ended] == [
        (1, 429, None),
        (2, None, "ReadTimeout"),
        (3, 200, None),
    ]
    scheduled = [event for event in events if isinstance(event, RetryScheduled)]
    assert [(event.attempt, event.delay) for event in scheduled] == [(1, 7.0), (2, 0.0)]
    last = events[-1]
    assert isinstance(last, CallEnded)
    assert (last.attempts, last.refused, last.status) == (3, 1, 200)
    # Between the second and the third attempt it waited for its turn: half the rate, until something gets through.
    assert last.waited == pytest.approx(2.0, rel=0.1)
    assert last.elapsed == pytest.approx(7 + 2.0, rel=0.1)
    assert len({event.call_id for event in events}) == 1


async def test_a_failure() -> None:
    events: list[Event] = []
    with pytest.raises(errors.TransportError):
        await get(smart_properties(Service(httpx.ProxyError), hooks=[events.append]))
    attempt, call = events[-2:]
    assert isinstance(attempt, AttemptEnded)
    assert isinstance(call, CallEnded)
    assert (attempt.error, attempt.status, call.error, call.status) == ("ProxyError", None, "ProxyError", None)


async def test_an_error_answer_is_an_answer() -> None:
    events: list[Event] = []
    with pytest.raises(errors.Forbidden):
        await get(smart_properties(Service(403), hooks=[events.append]))
    assert isinstance(events[-1], CallEnded)
    assert (events[-1].error, events[-1].status) == (None, 403)


@pytest.mark.parametrize(
    ("kind", "seen"), [(ZeroDivisionError, "ZeroDivisionError"), (errors.ConfigurationError, "ConfigurationError")]
)
async def test_an_exception_that_nobody_expects_has_its_name(kind: type[Exception], seen: str) -> None:
    events: list[Event] = []
    with pytest.raises(kind):
        await get(smart_properties(Service(kind), hooks=[events.append]))
    assert names(events)[-2:] == ["AttemptEnded", "CallEnded"]
    assert all(event.error == seen for event in events if isinstance(event, AttemptEnded | CallEnded))


async def test_cancellation_ends_what_was_started() -> None:
    events: list[Event] = []
    with anyio.move_on_after(3):
        await get(smart_properties(Service(latency=100), hooks=[events.append]))
    assert names(events) == ["CallStarted", "AttemptStarted", "AttemptEnded", "CallEnded"]
    assert isinstance(events[-1], CallEnded)
    assert (events[-1].error, events[-1].elapsed) == ("Cancelled", 3.0)


async def test_the_deadline_is_the_error_of_the_call() -> None:
    events: list[Event] = []
    client = smart_properties(Service(latency=100), hooks=[events.append])
    with pytest.raises(errors.DeadlineExceeded):
        await get(client.with_options(deadline=3))
    assert isinstance(events[-1], CallEnded)
    assert events[-1].error == "DeadlineExceeded"


async def test_a_raw_request_has_no_subject() -> None:
    events: list[Event] = []
    await smart_properties(Service(200), hooks=[events.append]).request("GET", "/v2/things", params={"secret": "x"})
    assert events[0] == CallStarted(call_id=events[0].call_id, operation="GET /v2/things", subject=None)
    assert "secret" not in repr(events)


async def test_a_replay_after_a_401_is_an_attempt_without_a_retry() -> None:
    events: list[Event] = []
    amazon = Amazon()
    amazon.api.script = [401, 204]
    await get(smart_properties(amazon, auth=login(), hooks=[events.append]))
    assert names(events) == ["CallStarted", *["AttemptStarted", "AttemptEnded"] * 2, "CallEnded"]


async def test_calls_at_once_have_numbers_of_their_own() -> None:
    events: list[Event] = []
    client = smart_properties(Service(latency=1), hooks=[events.append])
    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(get, client, f"unit-{number}")
    by_call: dict[int, list[str]] = {}
    for event in events:
        by_call.setdefault(event.call_id, []).append(type(event).__name__)
    assert list(by_call.values()) == [["CallStarted", "AttemptStarted", "AttemptEnded", "CallEnded"]] * 10


class TestOnAsyncio:
    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    async def test_a_cancelled_task(self) -> None:
        events: list[Event] = []
        task = asyncio.create_task(get(smart_properties(Service(latency=100), hooks=[events.append])))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert isinstance(events[-1], CallEnded)
        assert events[-1].error == "CancelledError"


# Hooks that fail


async def test_a_hook_that_raises_fails_nothing_and_the_others_still_hear(caplog: pytest.LogCaptureFixture) -> None:
    events: list[Event] = []

    def bad(event: Event) -> None:
        raise KeyError("my own fault")

    assert await get(smart_properties(Service(), hooks=[bad, events.append])) is not None
    assert names(events) == ["CallStarted", "AttemptStarted", "AttemptEnded", "CallEnded"]
    assert caplog.text.count(f"a hook failed on AttemptStarted of {NAME}") == 1
    assert "my own fault" in caplog.text


@pytest.mark.parametrize("hooks", [["no function"], [None], [3]])
def test_a_hook_must_be_a_function(hooks: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match="hooks must be functions of one event"):
        smart_properties(Service(), hooks=hooks)


# Logging


async def test_logging_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "alexa_props")
    await get(smart_properties(Service(503, None), retry=QUICK))
    levels = [(record.levelname, str(record.msg % record.args).partition("(")[0]) for record in caplog.records]
    assert levels == [
        ("DEBUG", "CallStarted"),
        *[("DEBUG", "AttemptStarted"), ("DEBUG", "AttemptEnded"), ("INFO", "RetryScheduled")],
        *[("DEBUG", "AttemptStarted"), ("DEBUG", "AttemptEnded")],
        ("DEBUG", "CallEnded"),
    ]


async def test_logging_at_info_tells_of_retries_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "alexa_props")
    await get(smart_properties(Service(503, None), retry=QUICK))
    assert [record.levelname for record in caplog.records] == ["INFO"]


async def test_nobody_listens_and_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    await get(smart_properties(Service(503, None), retry=QUICK))
    assert caplog.records == []


# OpenTelemetry


@attrs.define(eq=False)
class Span:
    """A span in memory."""

    name: str
    kind: Any
    attributes: dict[str, Any] = attrs.field(factory=dict)
    events: list[tuple[str, Mapping[str, Any]]] = attrs.field(factory=list)
    status: Any = None
    ended: int = 0

    def set_attribute(self, name: str, value: Any) -> None:
        self.attributes[name] = value

    def add_event(self, name: str, attributes: Mapping[str, Any]) -> None:
        self.events.append((name, attributes))

    def set_status(self, status: Any) -> None:
        self.status = status

    def end(self) -> None:
        self.ended += 1


class Tracer:
    def __init__(self) -> None:
        self.spans: list[Span] = []

    def start_span(self, name: str, *, kind: Any) -> Span:
        self.spans.append(Span(name, kind))
        return self.spans[-1]


def traced(service: httpx.AsyncBaseTransport, tracer: Any) -> Any:
    return smart_properties(service, hooks=[opentelemetry(tracer)], retry=QUICK)


async def test_opentelemetry_one_span_a_call() -> None:
    tracer = Tracer()
    service = Service(answer(429, x_amzn_RequestId="request-1"), None)
    await get(traced(service, tracer))
    (span,) = tracer.spans
    assert (span.name, span.kind.name, span.ended, span.status) == (NAME, "CLIENT", 1, None)
    assert span.attributes == {
        "alexa_props.subject": "unit-1",
        "alexa_props.attempts": 2,
        "alexa_props.refused": 1,
        "http.response.status_code": 200,
    }
    assert [name for name, _ in span.events] == [
        *("AttemptStarted", "AttemptEnded", "RetryScheduled"),
        *("AttemptStarted", "AttemptEnded"),
    ]
    assert span.events[1][1]["request_id"] == "request-1"
    assert span.events[1][1]["status"] == 429
    # None is no value of an attribute.
    assert "error" not in span.events[1][1]
    assert "call_id" not in span.events[1][1]


@pytest.mark.parametrize(
    ("fault", "attributes"),
    [
        (403, {"http.response.status_code": 403}),
        (httpx.ProxyError, {"error.type": "ProxyError"}),
    ],
)
async def test_opentelemetry_errors(fault: Any, attributes: dict[str, Any]) -> None:
    tracer = Tracer()
    with pytest.raises(errors.AlexaError):
        await get(traced(Service(fault), tracer))
    (span,) = tracer.spans
    assert span.status.name == "ERROR"
    assert attributes.items() <= span.attributes.items()
    assert span.ended == 1


async def test_opentelemetry_a_raw_request_and_the_global_tracer() -> None:
    tracer = Tracer()
    await traced(Service(200), tracer).request("GET", "/v2/things")
    assert "alexa_props.subject" not in tracer.spans[0].attributes
    await traced(Service(200), None).request("GET", "/v2/things")


async def test_opentelemetry_that_hears_of_a_call_in_the_middle_waits_for_the_next() -> None:
    tracer: Any = Tracer()
    opentelemetry(tracer)(AttemptStarted(call_id=1, operation=NAME, attempt=1))
    assert tracer.spans == []


def test_opentelemetry_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(errors.ConfigurationError, match=r'pip install "alexa-props\[otel\]"'):
        opentelemetry()
