"""The events that hooks receive, and that a hook never fails a call."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import attrs
import httpx
import pytest

from alexa_props import RateLimit, RetryPolicy, errors
from alexa_props.hooks import (
    AttemptEnded,
    AttemptSent,
    AttemptStarted,
    AttemptThrottled,
    CallEnded,
    CallStarted,
    Event,
    RetryScheduled,
)
from tests.helpers import Amazon, Service, answer, gather, get, login, smart_properties, virtual_time

NAME = "unit_settings.get_default_music_station"
PATH = "/v2/units/{unit_id}/settings/MusicExperience.defaultStationPreferences"
QUICK = RetryPolicy(base=0.0)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


async def test_events_of_a_success() -> None:
    events: list[Event] = []
    service = Service(answer(204, x_amzn_RequestId="request-1"), latency=2)
    await get(smart_properties(service, hooks=[events.append]))
    call_id = events[0].call_id
    assert events == [
        CallStarted(
            call_id=call_id,
            operation=NAME,
            subject="unit-1",
            method="GET",
            path=PATH,
            host="api.amazonalexa.com",
            port=443,
        ),
        AttemptStarted(call_id=call_id, operation=NAME, attempt=1),
        AttemptSent(call_id=call_id, operation=NAME, attempt=1, waited=0.0),
        AttemptEnded(
            call_id=call_id,
            operation=NAME,
            attempt=1,
            status=204,
            error=None,
            request_id="request-1",
            elapsed=2.0,
            exchange=2.0,
        ),
        CallEnded(
            call_id=call_id,
            operation=NAME,
            status=204,
            error=None,
            request_id="request-1",
            attempts=1,
            refused=0,
            waited=0.0,
            elapsed=2.0,
        ),
    ]


async def test_events_of_retries() -> None:
    events: list[Event] = []
    service = Service(answer(429, Retry_After="7"), httpx.ReadTimeout, None)
    limit = RateLimit(per_second=1)
    await get(smart_properties(service, hooks=[events.append], retry=QUICK, rate_limit=limit))
    attempt = ["AttemptStarted", "AttemptSent", "AttemptEnded"]
    assert names(events) == [
        "CallStarted",
        *(*attempt, "AttemptThrottled", *attempt, "RetryScheduled", *attempt),
        "CallEnded",
    ]
    ended = [event for event in events if isinstance(event, AttemptEnded)]
    assert [(event.attempt, event.status, event.error) for event in ended] == [
        (1, 429, None),
        (2, None, "ReadTimeout"),
        (3, 200, None),
    ]
    scheduled = [event for event in events if isinstance(event, RetryScheduled)]
    assert [(event.attempt, event.delay) for event in scheduled] == [(2, 0.0)]
    throttled = [event for event in events if isinstance(event, AttemptThrottled)]
    assert [(event.attempt, event.retry_after, event.request_id) for event in throttled] == [(1, 7.0, None)]
    sent = [event for event in events if isinstance(event, AttemptSent)]
    assert [event.attempt for event in sent] == [1, 2, 3]
    assert sent[0].waited == 0 < sent[2].waited
    assert [event.exchange for event in ended] == [0.0, 0.0, 0.0]
    assert ended[2].elapsed > 0
    last = events[-1]
    assert isinstance(last, CallEnded)
    assert (last.attempts, last.refused, last.status) == (3, 1, 200)
    # It waited for the pause, and then for its turn at half the rate, until something gets through.
    assert last.waited == pytest.approx(7 + 2.0, rel=0.1)
    assert last.elapsed == pytest.approx(7 + 2.0, rel=0.1)
    assert len({event.call_id for event in events}) == 1


async def test_events_of_a_failure() -> None:
    events: list[Event] = []
    with pytest.raises(errors.TransportError):
        await get(smart_properties(Service(httpx.ProxyError), hooks=[events.append]))
    attempt, call = events[-2:]
    assert isinstance(attempt, AttemptEnded)
    assert isinstance(call, CallEnded)
    assert (attempt.error, attempt.status, call.error, call.status) == ("ProxyError", None, "ProxyError", None)


async def test_an_error_response_is_a_response() -> None:
    events: list[Event] = []
    with pytest.raises(errors.Forbidden):
        await get(smart_properties(Service(403), hooks=[events.append]))
    assert isinstance(events[-1], CallEnded)
    assert (events[-1].error, events[-1].status) == (None, 403)


async def test_a_foreign_exception_is_named_by_its_class() -> None:
    events: list[Event] = []
    with pytest.raises(ZeroDivisionError):
        await get(smart_properties(Service(ZeroDivisionError), hooks=[events.append]))
    assert names(events)[-2:] == ["AttemptEnded", "CallEnded"]
    assert all(event.error == "ZeroDivisionError" for event in events if isinstance(event, AttemptEnded | CallEnded))


async def test_cancellation_ends_the_call_and_its_attempt() -> None:
    events: list[Event] = []
    with anyio.move_on_after(3):
        await get(smart_properties(Service(latency=100), hooks=[events.append]))
    assert names(events) == ["CallStarted", "AttemptStarted", "AttemptSent", "AttemptEnded", "CallEnded"]
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
    first = events[0]
    assert isinstance(first, CallStarted)
    assert (first.operation, first.subject, first.path) == ("GET /v2/things", None, "/v2/things")
    assert "secret" not in repr(events)


async def test_a_replay_after_a_401_is_an_attempt_without_a_retry() -> None:
    events: list[Event] = []
    amazon = Amazon()
    amazon.api.script = [401, 204]
    await get(smart_properties(amazon, auth=login(), hooks=[events.append]))
    assert names(events) == ["CallStarted", *["AttemptStarted", "AttemptSent", "AttemptEnded"] * 2, "CallEnded"]


async def test_concurrent_calls_have_different_call_ids() -> None:
    events: list[Event] = []
    client = smart_properties(Service(latency=1), hooks=[events.append])
    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(get, client, f"unit-{number}")
    by_call: dict[int, list[str]] = {}
    for event in events:
        by_call.setdefault(event.call_id, []).append(type(event).__name__)
    assert (
        list(by_call.values()) == [["CallStarted", "AttemptStarted", "AttemptSent", "AttemptEnded", "CallEnded"]] * 10
    )


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


async def _cancelled_task() -> asyncio.Task[None]:
    task = asyncio.create_task(asyncio.sleep(0))
    task.cancel()
    await asyncio.wait([task])
    return task


@pytest.mark.parametrize("kind", [KeyError, asyncio.CancelledError, GeneratorExit])
async def test_a_hook_that_raises_fails_no_call_and_no_other_hook(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    events: list[Event] = []

    def bad(event: Event) -> None:
        raise kind("my own fault")

    assert await get(smart_properties(Service(), hooks=[bad, events.append])) is not None
    assert names(events) == ["CallStarted", "AttemptStarted", "AttemptSent", "AttemptEnded", "CallEnded"]
    assert caplog.text.count(f"a hook failed on AttemptStarted of {NAME}") == 1
    assert "my own fault" in caplog.text


def test_a_hook_that_asks_a_cancelled_task_for_its_exception_fails_no_call() -> None:
    async def call() -> None:
        task = await _cancelled_task()
        assert await get(smart_properties(Service(), hooks=[lambda _: task.exception()])) is not None

    asyncio.run(call())


class BadFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise RuntimeError("my own fault")


@pytest.mark.parametrize("name", ["alexa_props", "alexa_props.failures"])
async def test_a_logging_filter_that_raises_fails_no_call(
    name: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "alexa_props")
    service, bad = Service(None, 503), BadFilter()
    client = smart_properties(service, retry=RetryPolicy(max_attempts=1), hooks=[lambda _: 1 / 0])
    logging.getLogger(name).addFilter(bad)
    try:
        assert await get(client) is not None
        with pytest.raises(errors.ServerError):
            await get(client)
    finally:
        logging.getLogger(name).removeFilter(bad)
    assert "RuntimeError: my own fault" in capsys.readouterr().err


def test_a_hook_must_be_a_function() -> None:
    for hook in ("no function", None):
        with pytest.raises(errors.ConfigurationError, match="hooks must be functions that take one event"):
            smart_properties(Service(), hooks=[hook])


async def awaited(_: Event) -> None: ...


async def generated(event: Event) -> AsyncIterator[Event]:
    yield event


class Awaited:
    async def __call__(self, _: Event) -> None: ...


@pytest.mark.parametrize("hook", [awaited, functools.partial(awaited), Awaited(), generated])
def test_refuses_an_async_hook(hook: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match="hooks must be plain functions, not async"):
        smart_properties(Service(), hooks=[hook])


# Logging


async def test_logs_every_event_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "alexa_props")
    await get(smart_properties(Service(503, None), retry=QUICK))
    levels = [(record.levelname, str(record.msg % record.args).partition("(")[0]) for record in caplog.records]
    assert levels == [
        ("DEBUG", "CallStarted"),
        *[("DEBUG", "AttemptStarted"), ("DEBUG", "AttemptSent"), ("DEBUG", "AttemptEnded"), ("INFO", "RetryScheduled")],
        *[("DEBUG", "AttemptStarted"), ("DEBUG", "AttemptSent"), ("DEBUG", "AttemptEnded")],
        ("DEBUG", "CallEnded"),
    ]


async def test_logs_only_retries_at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "alexa_props")
    await get(smart_properties(Service(503, None), retry=QUICK))
    assert [record.levelname for record in caplog.records] == ["INFO"]


async def test_logs_nothing_by_default(caplog: pytest.LogCaptureFixture) -> None:
    await get(smart_properties(Service(503, None), retry=QUICK))
    assert caplog.records == []


# The line of a failed call


def failures(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What each line holds for machines, after a look at what it says."""
    logged: list[dict[str, Any]] = []
    for record in caplog.records:
        assert (record.name, record.levelname) == ("alexa_props.failures", "WARNING")
        held: dict[str, Any] = vars(record)["alexa_props"]
        said = " ".join(f"{name}={value!r}" for name, value in held.items() if value is not None)
        assert record.getMessage() == f"call failed: {said}"
        logged.append(held)
    return logged


async def test_logs_one_line_for_a_failed_call(caplog: pytest.LogCaptureFixture) -> None:
    service = Service(answer(429, Retry_After="7"), answer(503, x_amzn_RequestId="request-2"))
    client = smart_properties(service, retry=attrs.evolve(QUICK, max_attempts=3), rate_limit=RateLimit(per_second=1))
    with pytest.raises(errors.ServerError):
        await get(client)
    (logged,) = failures(caplog)
    assert logged.pop("waited") > 1
    assert logged == {
        "client": None,
        "operation": NAME,
        "subject": "unit-1",
        "error": None,
        "reason": "max_attempts=3 allowed no further attempt",
        "status": 503,
        "request_id": "request-2",
        "attempts": 4,
        "refused": 1,
    }


FAILED = answer(207, {"errors": [{"endpointId": "e", "code": "DEVICE_UNREACHABLE"}]})
WARNED: dict[str, tuple[Any, Callable[[Any], Any], dict[str, Any]]] = {
    "no answer": (
        httpx.ReadTimeout,
        get,
        {"error": "ReadTimeout", "reason": "gone; max_attempts=4 allowed no further attempt", "attempts": 4},
    ),
    "no time": (
        lambda _: anyio.sleep_forever(),
        lambda asp: get(asp.with_options(deadline=1)),
        {"error": "DeadlineExceeded", "attempts": 1},
    ),
    "no sense": (
        answer(200, [], x_amzn_RequestId="r"),
        get,
        {"error": "DecodeError", "status": 200, "request_id": "r"},
    ),
    "no time for the next attempt": (
        [answer(503, x_amzn_RequestId="r"), lambda _: anyio.sleep_forever()],
        lambda asp: get(asp.with_options(deadline=1)),
        {"error": "DeadlineExceeded", "status": 503, "request_id": "r", "attempts": 2},
    ),
    "devices": (FAILED, lambda asp: asp.alerts.delete_alarms("unit-1"), {"operation": "alerts.delete_alarms"}),
    "raw": (404, lambda asp: asp.request("GET", "/v2/things"), {"operation": "GET /v2/things", "subject": None}),
}


@pytest.mark.parametrize("name", WARNED)
async def test_logs_one_line_however_a_call_fails(caplog: pytest.LogCaptureFixture, name: str) -> None:
    script, act, expected = WARNED[name]
    service = Service(*script) if isinstance(script, list) else Service(script)
    await gather(lambda: act(smart_properties(service, retry=QUICK)))
    (logged,) = failures(caplog)
    assert expected.items() <= logged.items()


async def test_logs_the_status_of_a_refused_token_request(caplog: pytest.LogCaptureFixture) -> None:
    amazon = Amazon()
    amazon.token.script = [answer(400, {"error": "invalid_grant"}, x_amzn_RequestId="of the token")]
    with pytest.raises(errors.AuthenticationError):
        await get(smart_properties(amazon, auth=login()))
    (logged,) = failures(caplog)
    assert (logged["error"], logged["status"], logged["request_id"]) == ("AuthenticationError", 400, "of the token")
    assert "invalid_grant - the refresh token is wrong" in logged["reason"]


async def test_does_not_log_the_message_of_a_foreign_error(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyError):
        await get(smart_properties(Service(KeyError("whatever it holds"))))
    (logged,) = failures(caplog)
    assert (logged["error"], logged["reason"]) == ("KeyError", None)


async def test_logs_no_failure_for_a_call_that_succeeds_or_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    await get(smart_properties(Service(503, 429, httpx.ReadTimeout, None), retry=QUICK))
    with anyio.move_on_after(1):
        await get(smart_properties(Service(latency=9)))
    assert caplog.records == []


async def test_prints_nothing_if_logging_is_not_configured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Without any handler, logging prints warnings to standard error.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    logging.getLogger("test").warning("shown")
    with pytest.raises(errors.Forbidden):
        await get(smart_properties(Service(403)))
    assert capsys.readouterr().err == "shown\n"
