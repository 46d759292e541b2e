"""Calls, items and keys that are not as the runner would like them: nested runs, scopes, strangers' errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import RateLimit, RetryPolicy, fleet
from alexa_props.fleet.concurrency import AdaptiveConcurrency
from tests.fleet.helpers import MADE, ONCE, ROOMS, THROTTLED, create, get, one, outcomes, run_job, statuses
from tests.helpers import Service, answer, smart_properties, virtual_time


@pytest.fixture
def anyio_backend() -> Any:
    return virtual_time()


async def test_what_a_run_inside_a_call_sends_belongs_to_the_item_outside(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    arrived = anyio.Event()

    async def never(_: object) -> None:
        arrived.set()
        await anyio.sleep_forever()

    asp = smart_properties(Service(never), retry=ONCE)

    async def inner(room: str) -> object:
        return await fleet.collect(create(asp), [room])

    async with fleet.run(inner, ["room-1"], journal=journal, job="a job") as run:
        await arrived.wait()
    (cut_off,) = run.in_flight
    assert (cut_off.status, cut_off.attempts) == ("unknown", 1)
    # What must not be sent twice is not.
    report, sent = await run_job(journal, create, MADE, items=["room-1"])
    assert (statuses(report), sent) == ({"room-1": "unknown"}, [])


async def test_a_generator_may_hold_a_scope_open() -> None:
    async def rooms() -> AsyncIterator[str]:
        with anyio.fail_after(60):
            for room in ROOMS:
                await anyio.sleep(1)
                yield room

    async def late() -> AsyncIterator[str]:
        with anyio.fail_after(2.5):
            for room in ROOMS:
                await anyio.sleep(1)
                yield room

    async def call(_: str) -> None:
        await anyio.sleep(10)

    assert statuses(await outcomes(call, rooms())) == dict.fromkeys(ROOMS, "done")
    with pytest.raises(fleet.FleetStopped) as caught:
        # Its time is up for itself, and for nobody else.
        await fleet.collect(call, late())
    assert statuses(caught.value.report) == dict.fromkeys(ROOMS[:2], "done")
    assert isinstance(caught.value.__cause__, TimeoutError)


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.parametrize("stopped", [False, True])
async def test_a_scope_around_the_items_may_be_left_early(stopped: bool, caplog: pytest.LogCaptureFixture) -> None:
    closed = 0

    async def rooms() -> AsyncIterator[str]:
        nonlocal closed
        try:
            with anyio.fail_after(60), anyio.CancelScope():
                while True:
                    yield "room"
        finally:
            closed += 1

    async def call(_: str) -> None: ...

    async with fleet.run(call, rooms()) as run:
        async for _ in run:
            if stopped:
                run.stop()
            else:
                break
    assert (closed, caplog.records) == (1, [])


async def test_items_that_fail_when_they_are_closed_take_nothing_with_them(caplog: pytest.LogCaptureFixture) -> None:
    async def asynchronous() -> AsyncIterator[str]:
        try:
            while True:
                yield "room"
        finally:
            raise OSError("the list is gone")

    def plain() -> Iterator[str]:
        try:
            while True:
                yield "room"
        finally:
            raise OSError("the list is gone")

    async def call(_: str) -> None: ...

    for items in (asynchronous(), plain()):
        async with fleet.run(call, items) as run:
            async for _ in run:
                break
    assert [record.message for record in caplog.records] == ["the items of a run failed while they were closed"] * 2


async def test_an_error_of_somebody_elses_with_odd_attributes_is_recorded(tmp_path: Path) -> None:
    class OddError(Exception):
        operation = object()
        request_id = 7

    async def call(room: str) -> None:
        if room == "room-1":
            raise OddError("odd")

    for _ in range(2):
        found = await outcomes(call, ROOMS, journal=tmp_path / "j.db", job="a job")
        (odd,) = [outcome for outcome in found if outcome.status != "done"]
        assert [(each.code, each.description, each.operation, each.request_id) for each in odd.failures] == [
            ("OddError", "odd", None, None)
        ]


async def test_calls_with_another_client_are_in_flight_too() -> None:
    async def call(_: str) -> None:
        await anyio.sleep(100)

    async with fleet.run(call, ROOMS, concurrency=3) as run:
        with anyio.move_on_after(1):
            await anext(run)
    assert statuses(run.in_flight) == dict.fromkeys(ROOMS[:3], "unknown")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (httpx.ReadTimeout("no answer"), "unknown"),
        (httpx.ConnectError("refused"), "failed"),
        (TimeoutError(), "unknown"),
        (OSError("no"), "failed"),
    ],
)
async def test_errors_of_other_libraries(error: Exception, status: str) -> None:
    async def call(_: str) -> None:
        raise error

    assert (await one(call)).status == status


async def test_a_deletion_that_may_have_been_its_own_is_unknown() -> None:
    service = Service(httpx.ReadError("cut off"), answer(404, {"message": "no such unit"}))
    asp = smart_properties(service, retry=RetryPolicy(base=0))
    assert (await one(asp.units.delete)).status == "unknown"
    # That it is gone is the service's word where nothing was lost before.
    assert (await one(asp.units.delete)).status == "failed"


async def test_a_token_that_is_refused_stops_the_run_and_nothing_is_held_against_the_rooms(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    report, sent = await run_job(journal, get, answer(401, {"message": "expired"}), concurrency=1)
    assert (statuses(report), sent) == ({"room-0": "failed"}, ["room-0"])
    assert "no credentials" in (report.stopped or "")
    report, sent = await run_job(journal, get)
    assert (statuses(report), sorted(sent)) == (dict.fromkeys(ROOMS, "done"), ROOMS)


async def test_what_was_throttled_may_be_sent_again_whatever_it_is(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    report, sent = await run_job(journal, create, THROTTLED, items=["room-1"])
    assert (statuses(report), sent) == ({"room-1": "failed"}, ["room-1"])
    report, sent = await run_job(journal, create, MADE, items=["room-1"])
    assert (statuses(report), sent) == ({"room-1": "done"}, ["room-1"])


async def test_a_key_that_tells_two_items_not_apart_is_told(tmp_path: Path) -> None:
    rooms = [("101", "a"), ("102", "b"), ("101", "c")]
    called: list[Any] = []

    async def call(room: Any) -> None:
        called.append(room)

    found = await outcomes(call, rooms, key=lambda room: room[0], journal=tmp_path / "j.db", job="a job", concurrency=1)
    assert [(outcome.item, outcome.status) for outcome in found] == [
        (("101", "a"), "done"),
        (("102", "b"), "done"),
        (("101", "c"), "failed"),
    ]
    assert called == rooms[:2]
    assert "key= must tell items apart" in str(found[2].error)


async def test_failures_that_come_late_stop_the_run_as_soon() -> None:
    async def call(number: int) -> None:
        if number >= 3000:
            raise ValueError(number)

    report = await fleet.collect(call, range(10_000), stop_on=0.2, concurrency=1)
    assert report.counts["failed"] == 21


def test_concurrency_counts_work_besides_calls() -> None:
    # Half a second of its own for each item, and a tenth in line: there is room for more.
    width = AdaptiveConcurrency(None)
    for _ in range(200):
        width.ended(elapsed=0.6, called=0.1, waited=0.1, connections=100)
    assert width.now > 20


async def test_work_besides_calls_does_not_lower_the_rate() -> None:
    asp = smart_properties(Service(), rate_limit=RateLimit(per_second=100))

    async def call(room: str) -> None:
        await anyio.sleep(0.5)
        await get(asp)(room)

    started = anyio.current_time()
    await fleet.collect(call, [str(number) for number in range(500)])
    assert anyio.current_time() - started < 10
