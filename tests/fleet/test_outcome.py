"""Done, failed or unknown: the outcome of every way in which a call can end."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from alexa_props import RateLimit, RetryPolicy, SmartProperties, errors, fleet
from alexa_props.fleet import Failure, Step, Steps
from tests.fleet.helpers import GONE, MADE, ONCE, create, drain, get, one, outcomes, statuses
from tests.helpers import Answer, Script, Service, answer, smart_properties, virtual_time

DELETE = "alerts.delete_alarms"


@pytest.fixture
def anyio_backend() -> Any:
    return virtual_time()


def said(status: int) -> httpx.Response:
    return answer(status, {"type": "SOME_TYPE", "message": "said"}, x_amzn_RequestId="request-1")


async def test_done() -> None:
    service = Service()
    found = await one(get(smart_properties(service)))
    assert (found.key, found.item, found.status) == ("room-1", "room-1", "done")
    assert found.value is not None
    assert found.value.station_id == "4802"
    assert (found.error, found.failures, found.attempts) == (None, (), 1)


async def test_elapsed_and_attempts_count_per_item() -> None:
    service = Service(503, None, latency=0.25)
    asp = smart_properties(service, retry=RetryPolicy(base=0))
    found = {outcome.key: outcome for outcome in await outcomes(get(asp), ["a", "b"], concurrency=1)}
    assert {key: outcome.attempts for key, outcome in found.items()} == {"a": 2, "b": 1}
    assert found["a"].elapsed == pytest.approx(0.5, abs=0.01)
    assert found["b"].elapsed == pytest.approx(0.25, abs=0.01)


IDEMPOTENT: list[tuple[Script, str, type[Exception], str]] = [
    (said(400), "failed", errors.BadRequest, "SOME_TYPE"),
    (said(401), "failed", errors.Unauthorized, "SOME_TYPE"),
    (said(403), "failed", errors.Forbidden, "SOME_TYPE"),
    (said(404), "failed", errors.NotFound, "SOME_TYPE"),
    (said(409), "failed", errors.Conflict, "SOME_TYPE"),
    (said(429), "failed", errors.Throttled, "SOME_TYPE"),
    (said(302), "failed", errors.ApiError, "SOME_TYPE"),
    (said(500), "failed", errors.ServerError, "SOME_TYPE"),
    (answer(404), "failed", errors.NotFound, "NotFound"),
    (httpx.ConnectError, "failed", errors.TransportError, "TransportError"),
    (httpx.PoolTimeout, "failed", errors.TransportError, "TransportError"),
    (httpx.ReadTimeout, "unknown", errors.TransportError, "TransportError"),
    (httpx.RemoteProtocolError, "unknown", errors.TransportError, "TransportError"),
    (answer(200, [1]), "unknown", errors.DecodeError, "DecodeError"),
]


async def test_outcome_of_an_idempotent_call() -> None:
    for script, status, kind, code in IDEMPOTENT:
        found = await one(get(smart_properties(Service(script), retry=ONCE)))
        assert (found.status, type(found.error), found.value) == (status, kind, None), script
        (failure,) = found.failures
        assert (failure.status, failure.code, failure.endpoint_id, failure.step) == (status, code, None, None), script
        assert failure.operation == "unit_settings.get_default_music_station"
        assert failure.description == str(found.error)
        assert failure.request_id == ("request-1" if "SOME_TYPE" in failure.code else None)


UNSAFE: list[tuple[Script, str]] = [
    (MADE, "done"),
    (said(400), "failed"),
    (said(409), "failed"),
    (said(429), "failed"),
    (httpx.ConnectError, "failed"),
    (said(500), "unknown"),
    (said(503), "unknown"),
    (httpx.ReadError, "unknown"),
    (204, "unknown"),
]


async def test_outcome_of_an_unsafe_call() -> None:
    for script, status in UNSAFE:
        found = await one(create(smart_properties(Service(script), retry=ONCE)))
        assert found.status == status, script
        assert [failure.status for failure in found.failures] == ([] if status == "done" else [status])


async def test_failures_name_endpoints() -> None:
    two = {"errors": [{"endpointId": "e1", "code": "DEVICE_UNREACHABLE", "description": "away"}, {"endpointId": "e2"}]}
    asp = smart_properties(Service(answer(500, two, x_amzn_RequestId="request-1")))
    found = await one(asp.alerts.delete_alarms)
    assert (found.status, found.attempts) == ("failed", 1)
    assert isinstance(found.error, errors.EndpointFailures)
    assert found.failures == (
        Failure("failed", "DEVICE_UNREACHABLE", "away", "e1", DELETE, "request-1"),
        Failure("failed", "EndpointFailures", str(found.error), "e2", DELETE, "request-1"),
    )


async def test_unnamed_endpoint_fails_the_room() -> None:
    found = await one(smart_properties(Service(504)).alerts.delete_alarms)
    assert (found.status, type(found.error)) == ("failed", errors.DeviceUnreachable)
    assert [failure.endpoint_id for failure in found.failures] == [None]


@pytest.mark.parametrize(("deadline", "status"), [(0.5, "failed"), (1.5, "unknown")])
async def test_deadline_in_the_queue_is_failed_and_in_flight_is_unknown(deadline: float, status: str) -> None:
    service = Service(latency=10)
    asp = smart_properties(service, rate_limit=RateLimit(per_second=1))
    async with anyio.create_task_group() as tasks:
        # The next call has to wait a second.
        tasks.start_soon(get(asp), "first")
        await anyio.wait_all_tasks_blocked()
        found = await one(get(asp.with_options(deadline=deadline)))
        assert (found.status, type(found.error)) == (status, errors.DeadlineExceeded)
        tasks.cancel_scope.cancel()


async def test_rate_limit_too_long_is_failed() -> None:
    asp = smart_properties(Service(), rate_limit=RateLimit(per_second=1), retry=ONCE)
    await get(asp)("first")
    found = await one(get(asp.with_options(max_wait=0.5)))
    assert (found.status, type(found.error), found.attempts) == ("failed", errors.RateLimitTooLong, 1)


async def test_invalid_argument_fails_only_its_item() -> None:
    asp = smart_properties(Service())
    found = await outcomes(asp.alerts.delete_alarms, ["a", "..", "b"])
    assert statuses(found) == {"a": "done", "..": "failed", "b": "done"}
    assert {type(outcome.error) for outcome in found} == {type(None), errors.ConfigurationError}


# Other exceptions.


async def test_exception_fails_only_its_item() -> None:
    async def call(number: int) -> int:
        await anyio.lowlevel.checkpoint()
        return 10 // number

    found = await outcomes(call, [5, 0, 2])
    assert {outcome.key: (outcome.status, outcome.value) for outcome in found} == {
        "5": ("done", 2),
        "0": ("failed", None),
        "2": ("done", 5),
    }
    (failure,) = next(outcome for outcome in found if outcome.error).failures
    assert (failure.code, failure.operation, failure.request_id) == ("ZeroDivisionError", None, None)


async def test_call_that_raises_before_returning_an_awaitable_fails() -> None:
    def call(item: str) -> Awaitable[None]:
        raise StopIteration(item)

    found = await outcomes(call, ["a", "b"])
    assert [(outcome.status, type(outcome.error)) for outcome in found] == [("failed", StopIteration)] * 2


async def test_exception_without_a_message() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("mute")

    async def call(item: str) -> None:
        raise MuteError

    found = await outcomes(call, ["a", "b"])
    assert [(outcome.status, outcome.failures[0].code) for outcome in found] == [("failed", "MuteError")] * 2


def replacing(asp: SmartProperties) -> Callable[[str], Awaitable[None]]:
    """Return a call that replaces the error of the service by another one."""

    async def call(room: str) -> None:
        with contextlib.suppress(errors.AlexaError):
            await get(asp)(room)
        raise ValueError("something else")

    return call


def raising(error: Exception) -> Callable[[str], Awaitable[None]]:
    async def call(_: str) -> None:
        await anyio.lowlevel.checkpoint()
        raise error

    return call


REPLACED: list[tuple[tuple[Script, ...], str]] = [
    ((None,), "failed"),
    ((404,), "failed"),
    ((httpx.ConnectError,), "failed"),
    ((429,), "failed"),
    ((httpx.ReadError,), "unknown"),
    ((httpx.ReadError, httpx.ConnectError), "unknown"),
    ((500,), "failed"),
]


async def test_error_that_replaces_the_services_error() -> None:
    for script, status in REPLACED:
        asp = smart_properties(Service(*script), retry=RetryPolicy(max_attempts=2, base=0))

        found = await one(replacing(asp))
        assert (found.status, type(found.error)) == (status, ValueError), script
        assert found.failures[0].status == status


FOREIGN: list[tuple[Exception, str]] = [
    (TimeoutError("too late"), "unknown"),
    (httpx.ReadTimeout("too late"), "unknown"),
    (httpx.ConnectError("refused"), "failed"),
    (OSError("cut"), "failed"),
    (ExceptionGroup("two", [OSError("cut"), TimeoutError("too late")]), "unknown"),
    (ExceptionGroup("two", [OSError("cut"), httpx.ConnectError("refused")]), "failed"),
]


async def test_errors_of_other_libraries() -> None:
    for error, status in FOREIGN:
        found = await one(raising(error))
        assert (found.status, found.error) == (status, error)


async def test_timeout_around_a_call_is_unknown() -> None:
    asp = smart_properties(Service(latency=10))

    async def call(room: str) -> None:
        with anyio.fail_after(1.5):
            await get(asp)(room)

    found = await one(call)
    assert (found.status, type(found.error), found.attempts) == ("unknown", TimeoutError, 1)


REFUSED: list[tuple[tuple[Script, ...], str]] = [
    # It may be missing, or exist, because of the attempt before.
    ((httpx.ReadError, 404), "unknown"),
    ((httpx.ReadError, 409), "unknown"),
    ((503, 404), "unknown"),
    ((httpx.ReadError, 400), "failed"),
    ((httpx.ConnectError, 404), "failed"),
    ((429, 404), "failed"),
]


async def test_refusal_after_an_attempt_without_a_response() -> None:
    for script, status in REFUSED:
        asp = smart_properties(Service(*script), retry=RetryPolicy(max_attempts=2, base=0))
        found = await one(asp.alerts.delete_alarms)
        assert (found.status, found.attempts) == (status, 2), script


@pytest.mark.parametrize(
    ("second", "status", "codes"),
    [
        (409, "failed", ["Conflict", "GONE"]),
        (httpx.ReadError, "unknown", ["GONE", "TransportError"]),
    ],
)
async def test_exception_group_is_unknown_if_any_part_is(second: Answer, status: str, codes: list[str]) -> None:
    asp = smart_properties(
        Service(lambda request: answer(404, {"type": "GONE"}) if "a1" in request.url.path else second), retry=ONCE
    )

    async def call(room: str) -> None:
        found: list[Exception] = []

        async def half(name: str) -> None:
            try:
                await get(asp)(name)
            except errors.AlexaError as error:
                found.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(half, f"{room}1")
            tasks.start_soon(half, f"{room}2")
        raise ExceptionGroup("two", found)

    found = await one(call, "a")
    assert (found.status, found.attempts) == (status, 2)
    assert sorted(failure.code for failure in found.failures) == codes
    assert {failure.status for failure in found.failures} == {status}


async def test_calls_in_tasks_belong_to_the_item() -> None:
    asp = smart_properties(Service(429, None), retry=RetryPolicy(base=0))

    async def call(room: str) -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(get(asp), f"{room}-{number}")

    assert (await one(call)).attempts == 4


# Awaitables.


async def test_call_without_an_awaitable_ends_the_run() -> None:
    def call(item: str) -> Any:
        return None

    async with fleet.run(call, map(str, range(1000))) as run:
        found, error = await drain(run)
    assert isinstance(error, errors.ConfigurationError)
    assert str(error) == "call must return an awaitable, not None"
    assert [outcome.status for outcome in found] == ["failed"]


async def test_call_may_return_any_awaitable() -> None:
    asp = smart_properties(Service(lambda request: GONE if "bad" in str(request.url) else answer(204)))

    class Later:
        def __init__(self, item: str) -> None:
            self.item = item

        def __await__(self) -> Any:
            return asp.alerts.delete_alarms(self.item).__await__()

    assert statuses(await outcomes(asp.alerts.delete_alarms, ["a", "bad"])) == {"a": "done", "bad": "failed"}
    assert statuses(await outcomes(Later, ["a", "bad"])) == {"a": "done", "bad": "failed"}


# Recipes.


async def test_outcome_of_a_recipe_follows_its_steps() -> None:
    no, gone = errors.NotFound("no", status=404, code="GONE"), errors.TransportError("cut", sent="maybe")
    made = {
        "all done": Steps("a", (Step("one", "x.y"),)),
        "none": Steps("a", ()),
        "one failed": Steps("b", (Step("one", "x.y"), Step("two", "x.z", "e1", no))),
        "one unknown": Steps("c", (Step("one", "x.y", None, no), Step("two", "x.z", "e2", gone))),
    }

    async def call(name: str) -> Steps:
        return made[name]

    found = {outcome.key: outcome for outcome in await outcomes(call, made)}
    assert statuses(found.values()) == {
        "all done": "done",
        "none": "done",
        "one failed": "failed",
        "one unknown": "unknown",
    }
    assert all(outcome.value is made[name] for name, outcome in found.items())
    assert found["one failed"].failures == (Failure("failed", "GONE", "no", "e1", "x.z", step="two"),)
    assert found["one unknown"].failures == (
        Failure("failed", "GONE", "no", None, "x.y", step="one"),
        Failure("unknown", "TransportError", "cut", "e2", "x.z", step="two"),
    )
    assert "1 of 2 steps are not done; the first is 'two' on e1: no" in str(found["one failed"].error)
    made["all done"].raise_for_failures()
    with pytest.raises(fleet.StepsFailed):
        made["one failed"].raise_for_failures()
