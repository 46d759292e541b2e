"""Runs against a service that is down: they end after a few items, and say how to resume."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import errors, fleet
from alexa_props.errors import ConfigurationError
from alexa_props.fleet import ServiceDown
from alexa_props.fleet.outcome import BatchItemFailed, Step, Steps
from alexa_props.smart_properties.batch import BatchItem, BatchResult
from tests.fleet.helpers import ONCE, get, run_job
from tests.helpers import Service, answer, smart_properties, virtual_time

HOTEL = [f"room-{number}" for number in range(4_000)]

pytestmark = pytest.mark.parametrize("anyio_backend", [virtual_time()], ids=["virtual time"])


def lost(kind: type[httpx.TransportError] = httpx.ConnectError) -> httpx.TransportError:
    return kind("could not connect")


DOWN: list[tuple[Any, str]] = [
    (lost(), "ConnectError: could not connect"),
    (lost(httpx.ReadTimeout), "ReadTimeout: could not connect"),
    (500, "HTTP status 500"),
    (503, "HTTP status 503"),
]


@pytest.mark.parametrize(("response", "cause"), DOWN)
async def test_ends_early_if_the_service_is_down_from_the_start(response: Any, cause: str) -> None:
    service = Service(response)
    started = anyio.current_time()
    report = await fleet.collect(get(smart_properties(service)), HOTEL, stop_on=ServiceDown())
    assert report.stopped == (
        f"the service is down: 5 items in succession failed, the last with {cause}; run it again later"
    )
    # Those in flight when the fifth failed are waited for.
    assert 5 <= len(report) <= 13
    assert not report.done
    assert anyio.current_time() - started < 15


@pytest.mark.parametrize("recipe", [False, True])
async def test_ends_early_if_the_service_goes_down(recipe: bool) -> None:
    up = 600

    def respond(request: httpx.Request) -> Any:
        nonlocal up
        up -= 1
        return (answer(200, json={"results": []}) if up > 0 else lost()) if recipe else (None if up > 0 else lost())

    asp = smart_properties(Service(respond, latency=0.1))
    reset = functools.partial(fleet.reset_room, asp, defaults=fleet.RoomDefaults())
    started = anyio.current_time()
    report = await fleet.collect(reset if recipe else get(asp), HOTEL, stop_on=[0.99, ServiceDown()], concurrency=20)
    assert report.stopped is not None
    assert report.stopped.startswith("the service is down: 20 items in succession failed, the last with ConnectError")
    assert len(report.done) > 100
    assert 20 <= len(report) - len(report.done) <= 60
    assert anyio.current_time() - started < 60


async def test_next_run_resumes(journal: Path) -> None:
    report, sent = await run_job(journal, get, lost(), items=HOTEL[:50], stop_on=ServiceDown())
    assert report.stopped is not None
    assert report.stopped.endswith("; run it again later to resume")
    assert 5 <= len(sent) < 20
    report, sent = await run_job(journal, get, None, items=HOTEL[:50], stop_on=ServiceDown())
    assert (report.counts["done"], len(sent)) == (50, 50)


async def test_a_response_in_between_counts_from_the_beginning() -> None:
    calls = 0

    async def call(room: str) -> None:
        nonlocal calls
        calls += 1
        if calls % 20:
            raise errors.TransportError("gone", sent="no", operation="units.get", attempts=1)
        if calls % 40:
            raise errors.NotFound("404", status=404)

    report = await fleet.collect(call, map(str, range(1_000)), stop_on=ServiceDown(at_start=20), concurrency=1)
    assert (report.stopped, len(report)) == (None, 1_000)


def server_error(status: int) -> errors.ServerError:
    return errors.ServerError("it failed", status=status)


def gone() -> errors.TransportError:
    return errors.TransportError("gone", sent="maybe", operation="units.get", attempts=1)


def steps(*raised: Exception | None) -> Steps:
    return Steps("room", tuple(Step("alarms", "alerts.delete_alarms", None, error) for error in raised))


SIGNS: list[tuple[Callable[[], Any], bool]] = [
    (gone, True),
    (lambda: server_error(500), True),
    (lambda: errors.DeadlineExceeded("late", sent="no", operation="units.get", attempts=1), True),
    (lambda: lost(httpx.ReadError), True),
    (lambda: ExceptionGroup("both", [gone(), server_error(502)]), True),
    (lambda: steps(gone(), server_error(503)), True),
    (lambda: steps(gone(), ConfigurationError("bad")), True),
    # Some part had a response.
    (lambda: steps(gone(), None), False),
    (lambda: ExceptionGroup("both", [gone(), errors.NotFound("404", status=404)]), False),
    (lambda: errors.EndpointFailures("offline", status=500), False),
    (lambda: errors.DeviceUnreachable("offline", status=504), False),
    (lambda: errors.Throttled("slow down", status=429), False),
    (lambda: BatchItemFailed("room", BatchItem("1", None, None, None)), False),
    # These say nothing about the service.
    (lambda: ConfigurationError("bad id"), False),
    (ValueError, False),
]


@pytest.mark.parametrize(("happens", "down"), SIGNS)
async def test_signs_of_a_service_that_is_down(happens: Callable[[], Any], down: bool) -> None:
    async def call(room: str) -> Any:
        result = happens()
        if isinstance(result, Exception):
            raise result
        return result

    report = await fleet.collect(call, HOTEL[:40], stop_on=ServiceDown(at_start=30), concurrency=1)
    assert (report.stopped is not None, len(report)) == (down, 30 if down else 40)


async def test_an_invalid_id_neither_counts_nor_hides_that_the_service_is_down() -> None:
    async def call(room: str) -> None:
        raise ConfigurationError("bad id") if int(room) % 2 else gone()

    report = await fleet.collect(call, map(str, range(100)), stop_on=ServiceDown(), concurrency=1)
    assert (report.stopped is not None, len(report)) == (True, 9)


async def test_a_batch_is_one_failure() -> None:
    calls = 0

    async def call(batch: Sequence[str]) -> BatchResult:
        nonlocal calls
        calls += 1
        raise gone()

    report = await fleet.collect_many(call, HOTEL, size=100, stop_on=ServiceDown(), concurrency=1)
    assert (calls, len(report)) == (5, 500)
    assert "5 items in succession" in (report.stopped or "")


async def test_rules_are_combined_and_each_run_counts_afresh() -> None:
    rules = (ServiceDown(), 3, lambda outcome: outcome.key == "room-1")
    for _ in range(2):
        report = await fleet.collect(get(smart_properties(Service(503), retry=ONCE)), HOTEL, stop_on=rules[:1])
        assert "5 items" in (report.stopped or "")
        assert [len(await fleet.collect(fails, HOTEL, stop_on=rules[:many], concurrency=1)) for many in (2, 3)] == [
            3,
            2,
        ]


async def fails(room: str) -> None:
    raise gone()


@pytest.mark.parametrize("numbers", [{"at_start": 0}, {"later": -1}, {"at_start": True}, {"later": 2.5}])
async def test_refuses_invalid_numbers(numbers: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be a whole number of at least 1, not"):
        ServiceDown(**numbers)


@pytest.mark.parametrize("rules", [[None], ["3"], [ServiceDown], [0.2, 1.5], [[3]]])
async def test_refuses_invalid_rules(rules: Any) -> None:
    with pytest.raises(ConfigurationError, match="stop_on must be"):
        await fleet.collect(fails, HOTEL, stop_on=rules)
