"""Runs: the order of outcomes, reading ahead, failing items, priorities, and invalid arguments."""

from __future__ import annotations

import functools
import math
import os
import weakref
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import polars as pl
import pytest

from alexa_props import RateLimit, errors, fleet
from alexa_props.fleet import FleetStopped, Outcome
from alexa_props.simulator import Simulator
from tests.fleet.helpers import ROOMS, Source, drain, echo, get, outcomes, room_of, statuses, takes
from tests.helpers import Service, smart_properties, virtual_time


@pytest.fixture
def anyio_backend() -> Any:
    return virtual_time()


def keys(found: list[Outcome[Any, Any]]) -> list[str]:
    return [outcome.key for outcome in found]


# The order of outcomes.


async def test_outcomes_come_as_they_end() -> None:
    async with fleet.run(takes, ["3", "1", "2"]) as run:
        found = [(outcome.key, anyio.current_time()) async for outcome in run]
    start = found[0][1] - 1
    assert [(key, round(at - start, 6)) for key, at in found] == [("1", 1), ("2", 2), ("3", 3)]


async def test_ordered_outcomes() -> None:
    assert keys(await outcomes(takes, ["3", "1", "2", "0.5"], ordered=True)) == ["3", "1", "2", "0.5"]


@pytest.mark.parametrize("ordered", [False, True])
async def test_every_item_has_one_outcome(ordered: bool) -> None:
    for count in (0, 1, 3, 1000):
        found = await outcomes(echo, (str(number) for number in range(count)), ordered=ordered)
        assert sorted(keys(found)) == sorted(map(str, range(count)))
        assert {(outcome.status, outcome.value == outcome.item) for outcome in found} <= {("done", True)}


async def test_items_of_any_type_have_a_key() -> None:
    assert keys(await outcomes(echo, [1, None, ("a", 2)], ordered=True)) == ["1", "None", "('a', 2)"]
    assert keys(await outcomes(echo, [1, 22], key=lambda item: f"room {item}", ordered=True)) == ["room 1", "room 22"]


async def test_items_from_a_pager() -> None:
    async with Simulator(rooms=30, endpoints_per_room=1, seed=3) as sim:
        asp = sim.smart_properties(rate_limit=RateLimit(per_second=1e6))
        pager = asp.units.list(sim.organization_id, depth="all", page_size=7)
        found = await outcomes(lambda unit: asp.alerts.delete_alarms(unit.id), pager, key=lambda unit: unit.id)
        assert sorted(keys(found)) == sorted(sim.units[1:])
        assert {outcome.status for outcome in found} == {"done"}


@pytest.mark.parametrize("anyio_backend", ["asyncio", virtual_time()], ids=["asyncio", "trio"])
async def test_items_from_a_generator_that_holds_a_scope_open() -> None:
    async def rooms() -> AsyncIterator[str]:
        with anyio.fail_after(60):
            async with anyio.create_task_group():
                for number in range(50):
                    yield str(number)

    assert len(await outcomes(takes, (f"0.0{n}" async for n in rooms()), concurrency=7)) == 50


async def test_timeout_inside_the_items_ends_the_run() -> None:
    async def rooms() -> AsyncIterator[str]:
        with anyio.fail_after(2.5):
            for room in ROOMS:
                await anyio.sleep(1)
                yield room

    with pytest.raises(FleetStopped) as caught:
        await fleet.collect(takes, (f"1{room[-1]}" async for room in rooms()))
    assert statuses(caught.value.report) == {"10": "done", "11": "done"}
    assert isinstance(caught.value.__cause__, TimeoutError)


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.parametrize("stopped", [False, True])
async def test_items_that_hold_a_scope_open_may_be_left(stopped: bool, caplog: pytest.LogCaptureFixture) -> None:
    closed = 0

    async def rooms() -> AsyncIterator[str]:
        nonlocal closed
        try:
            with anyio.fail_after(60), anyio.CancelScope():
                while True:
                    yield "room"
        finally:
            closed += 1

    async with fleet.run(echo, rooms()) as run:
        async for _ in run:
            if stopped:
                run.stop()
            else:
                break
    assert (closed, caplog.records) == (1, [])


async def test_several_tasks_may_iterate_one_run() -> None:
    found: list[str] = []

    async def take(run: Any) -> None:
        async for outcome in run:
            found.append(outcome.key)
            await anyio.sleep(0.01)

    with anyio.fail_after(60):
        async with fleet.run(takes, ["0.1"] * 20) as run, anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(take, run)
    assert len(found) == 20


async def test_run_yields_to_other_tasks() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        await outcomes(echo, map(str, range(5000)))
        tasks.cancel_scope.cancel()
    assert turns > 10


# Reading ahead.


@pytest.mark.parametrize(("ordered", "ahead"), [(False, 2 * 4 + 16), (True, 10 * 4 + 16)])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_slow_consumer_delays_reading(ordered: bool, ahead: int, asynchronous: bool) -> None:
    source = Source(1000)
    read = 0

    def items() -> Iterator[str]:
        nonlocal read
        for number in range(1000):
            read += 1
            yield str(number)

    most = taken = 0
    async with fleet.run(echo, source.items() if asynchronous else items(), concurrency=4, ordered=ordered) as run:
        async for _ in run:
            taken += 1
            await anyio.sleep(1)
            most = max(most, source.read + read - taken)
    assert taken == 1000
    assert 4 <= most <= ahead + 4


async def test_does_not_read_past_the_end_of_the_items() -> None:
    class Restarting(Iterator[str]):
        def __init__(self) -> None:
            self.left = ["a", "b"]

        def __next__(self) -> str:
            if not self.left:
                self.left = ["a", "b"]
                raise StopIteration
            return self.left.pop(0)

    assert keys(await outcomes(lambda _: anyio.sleep(1), Restarting(), ordered=True)) == ["a", "b"]


async def test_slow_item_of_an_ordered_run_bounds_memory() -> None:
    source = Source(1000)

    async def call(key: str) -> None:
        await anyio.sleep(1000 if key == "room-1" else 1)

    async with fleet.run(call, source.items(), concurrency=4, ordered=True) as run:
        first = await anext(run)
        assert first.key == "room-1"
        # The limit of outcomes that wait for the first one.
        assert 40 <= source.read <= 10 * 4 + 16 + 4
        assert [outcome.key async for outcome in run] == [f"room-{number}" for number in range(2, 1001)]


async def test_taken_outcomes_are_released() -> None:
    class Room:
        pass

    alive: weakref.WeakSet[Room] = weakref.WeakSet()
    most = 0

    def rooms() -> Iterator[Room]:
        for _ in range(3000):
            room = Room()
            alive.add(room)
            yield room
            del room

    async with fleet.run(echo, rooms(), concurrency=8) as run:
        async for outcome in run:
            most = max(most, len(alive))
            del outcome
    assert most <= 2 * 8 + 16 + 8


async def test_total_is_given_or_taken_from_the_items() -> None:
    async with fleet.run(echo, ["a", "b"]) as run:
        assert run.progress.total == 2
    async with fleet.run(echo, iter(["a", "b"])) as run:
        assert run.progress.total is None
    async with fleet.run(echo, iter(["a", "b"]), total=2) as run:
        assert run.progress.total == 2
        assert repr(run) == "<Run: 0 done, 0 failed, 0 unknown, 0 in flight>"
        assert keys([outcome async for outcome in run]) == ["a", "b"]
    assert (run.progress.done, run.progress.in_flight, run.in_flight) == (2, 0, ())


# Items that fail.


def broken(how_many: int) -> Iterator[str]:
    for number in range(how_many):
        yield str(number)
    raise LookupError("no more rooms")


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_failing_items_end_the_run_after_begun_items(asynchronous: bool, ordered: bool) -> None:
    source = Source(10, LookupError("no more rooms"))

    async def call(_: str) -> None:
        await anyio.sleep(5)

    async with fleet.run(call, source.items() if asynchronous else broken(10), concurrency=16, ordered=ordered) as run:
        found, error = await drain(run)
        assert (type(error), str(error)) == (LookupError, "no more rooms")
        assert run.stopped == "the items could not be read"
    assert [outcome.status for outcome in found] == ["done"] * 10
    assert run.in_flight == ()


async def test_fleet_stopped_reports_earlier_outcomes() -> None:
    with pytest.raises(FleetStopped, match="after 10 outcomes: no more rooms") as caught:
        await fleet.collect(echo, broken(10))
    assert isinstance(caught.value.__cause__, LookupError)
    assert (len(caught.value.report), caught.value.report.stopped) == (10, "the items could not be read")
    with pytest.raises(LookupError):
        await fleet.collect(echo, broken(0))


async def test_collect() -> None:
    report = await fleet.collect(lambda number: echo(1 / number), [1, 0, 2], ordered=True)
    assert keys(list(report)) == ["1", "0", "2"]
    assert report.counts == {"done": 2, "failed": 1, "unknown": 0}
    assert (report.skipped, report.stopped) == (0, None)
    assert (await fleet.collect(takes, ["3", "2"])).elapsed == pytest.approx(3)


# Priorities.


async def test_interactive_calls_overtake_a_run() -> None:
    service = Service()
    asp = smart_properties(service, rate_limit=RateLimit(per_second=10))

    async def interactive() -> None:
        await anyio.sleep(0.25)
        await get(asp)("first")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(interactive)
        await outcomes(get(asp), map(str, range(30)), concurrency=30)
    seen = [room_of(each) for each in service.seen]
    assert seen.index("first") == 3
    assert [room for room in seen if room != "first"] == [str(number) for number in range(30)]


async def test_priority_of_the_client_overrides_bulk() -> None:
    service = Service()
    asp = smart_properties(service, rate_limit=RateLimit(per_second=10))
    interactive = asp.with_options(priority="interactive")

    async def call(room: str) -> None:
        await get(interactive if room == "25" else asp)(room)

    await outcomes(call, map(str, range(30)), concurrency=30)
    assert [room_of(each) for each in service.seen].index("25") == 1


async def test_calls_outside_items_are_interactive() -> None:
    service = Service()
    asp = smart_properties(service, rate_limit=RateLimit(per_second=10))
    bulk = asp.with_options(priority="bulk")

    async def items() -> AsyncIterator[str]:
        yield "a"
        await get(asp)("items")

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(get(bulk), f"bulk-{number}")
        await anyio.wait_all_tasks_blocked()
        await outcomes(echo, items(), concurrency=1)
        await get(asp)("block")
        left = [room_of(each) for each in service.seen]
        tasks.cancel_scope.cancel()
    assert left[-1] == "block"
    assert "items" in left
    assert len(left) < 8


# Invalid arguments.


class Asynchronous:
    async def __call__(self, _: object) -> bool:
        return True


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"concurrency": 0}, "concurrency must be a whole number of at least 1"),
    ({"concurrency": True}, "concurrency must be"),
    ({"concurrency": 2.5}, "concurrency must be"),
    ({"total": -1}, "total must be a whole number of at least 0"),
    ({"key": "id"}, "key must be a function"),
    ({"key": echo}, "key must be a function of an item that is not async"),
    ({"journal": 5}, "journal must be a path"),
    *(({"wait_for_journal": value}, "wait_for_journal must be seconds") for value in (-1, True, math.nan, "5")),
    ({"wait_for_journal": 1, "journal": None}, "wait_for_journal= waits for a journal .* pass journal= too"),
    ({"job": ""}, "job must be a name"),
    ({"job": "\ud800"}, "job must be a name"),
    ({"stop_on": 0}, "stop_on must be"),
    ({"stop_on": True}, "stop_on must be"),
    ({"stop_on": 1.0}, "stop_on must be"),
    ({"stop_on": -0.1}, "stop_on must be"),
    ({"stop_on": float("nan")}, "stop_on must be"),
    ({"stop_on": "3"}, "stop_on must be"),
    ({"stop_on": echo}, "stop_on must be .* not async"),
    ({"stop_on": functools.partial(echo)}, "stop_on must be .* not async"),
    ({"stop_on": Asynchronous()}, "stop_on must be .* not async"),
    ({"progress": Asynchronous()}, "progress must be .* not async"),
    ({"progress": "yes"}, "progress must be"),
    ({"items": "room-1"}, "items must be an iterable"),
    ({"items": b"room-1"}, "items must be an iterable"),
    ({"items": 5}, "items must be an iterable"),
    ({"call": None}, "call must be a function"),
]


async def test_refuses_invalid_arguments_immediately(tmp_path: Path) -> None:
    for given, text in INVALID:
        options = {"call": echo, "items": ["a"], "journal": tmp_path / "journal.db", **given}
        with pytest.raises(errors.ConfigurationError, match=text):
            await outcomes(options.pop("call"), options.pop("items"), **options)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - pathlib is for code that may block


async def test_refuses_dataframes_but_takes_columns() -> None:
    frame = pl.DataFrame({"unit_id": ["a", "b"]})
    advice = (
        r'items is a DataFrame.*frame\["unit_id"\].*to_dict\("records"\) with pandas, frame.to_dicts\(\) with polars'
    )
    with pytest.raises(errors.ConfigurationError, match=advice):
        await outcomes(echo, frame)
    with pytest.raises(errors.ConfigurationError, match="items is a LazyFrame"):
        await outcomes(echo, frame.lazy())
    assert keys(await outcomes(echo, frame["unit_id"], ordered=True)) == ["a", "b"]


async def test_invalid_key_ends_the_run() -> None:
    invalid: list[Any] = [lambda _: None, lambda _: 5, lambda _: "", lambda _: "\ud800", lambda item: echo(item=item)]
    for key in invalid:
        async with fleet.run(echo, [1, 2, 3], key=key, concurrency=1) as run:
            with pytest.raises(errors.ConfigurationError, match="key must"):
                await anext(run)
