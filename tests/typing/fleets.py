"""Runs over a fleet as users write them. mypy and pyright check the types; nothing here runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, assert_type

from alexa_props import AlexaForBusiness, DefaultStation, Inventory, SmartProperties, fleet
from alexa_props.fleet import (
    Failure,
    FailureRow,
    FleetReport,
    Outcome,
    Progress,
    ReportTables,
    Room,
    RoomDefaults,
    Run,
    Steps,
)
from alexa_props.for_business.devices import Device, DeviceData
from alexa_props.smart_properties.address_books import Contact
from alexa_props.smart_properties.batch import BatchItem
from alexa_props.smart_properties.skills import UnitEnablements
from alexa_props.smart_properties.units import Unit


async def outcomes_carry_items_and_values(asp: SmartProperties, rooms: list[str]) -> None:
    async with fleet.run(asp.units.get, rooms, concurrency=16) as run:
        assert_type(run.in_flight, tuple[Outcome[str, Unit], ...])
        assert_type(run.progress, Progress)
        async for outcome in run:
            assert_type(outcome, Outcome[str, Unit])
            assert_type(outcome.item, str)
            assert_type(outcome.status, Literal["done", "failed", "unknown"])
            assert_type(outcome.value, Unit | None)
            assert_type(outcome.error, Exception | None)
            assert_type(outcome.failures, tuple[Failure, ...])
        run.stop()


async def items_are_lists_generators_or_pagers(
    asp: SmartProperties, a4b: AlexaForBusiness, unit: Unit, ids: tuple[str, ...]
) -> None:
    async with fleet.run(asp.alerts.delete_alarms, fleet.walk_rooms(asp, unit), journal="a.db", job="alarms") as rooms:
        assert_type(rooms, Run[Room, None])
    async with fleet.run(a4b.devices.get, a4b.devices.search(), key=lambda device: device.device_arn or "") as devices:
        assert_type(devices, Run[DeviceData, Device])
    async with fleet.run(partial(asp.units.update, name="Room"), ids, ordered=True, total=2) as updates:
        assert_type(updates, Run[str, None])


async def a_call_of_the_users(asp: SmartProperties) -> None:
    async def name(unit: Unit) -> str:
        return (await asp.units.get(unit)).name or ""

    def show(progress: Progress) -> None:
        assert_type(progress.done, int)

    failed: Callable[[Outcome[Unit, str]], bool] = lambda outcome: outcome.status == "failed"  # noqa: E731
    report = await fleet.collect(name, asp.units.list("unit"), progress=show, stop_on=failed, title="names")
    assert_type(report, FleetReport[Unit, str])
    rules = await fleet.collect(name, asp.units.list("unit"), stop_on=[fleet.ServiceDown(later=10), 0.2, 50, failed])
    assert_type(rules, FleetReport[Unit, str])


async def a_report(asp: SmartProperties, unit: Unit) -> None:
    report = await fleet.collect(asp.alerts.delete_alarms, asp.units.list(unit), stop_on=0.5, retry_failed=False)
    assert_type(report, FleetReport[Unit, None])
    assert_type(report.done, tuple[Outcome[Unit, None], ...])
    assert_type(report.failures, tuple[FailureRow, ...])
    assert_type(report.counts, dict[Literal["done", "failed", "unknown"], int])
    assert_type([outcome.item.id for outcome in report], list[str])
    assert_type(report.to_csv(), str)
    report.to_jsonl("report.jsonl")
    assert_type(report.to_csv(failures=True, by_step=True), str)
    assert_type(
        [(row.name, row.path, row.device) for row in report.failures], list[tuple[str | None, str | None, str | None]]
    )
    assert_type(report.table(ids=False, by_step=True), ReportTables)
    assert_type(report.with_names(await Inventory.load(asp, unit)), FleetReport[Unit, None])


async def recipes(asp: SmartProperties, rooms: list[Room]) -> None:
    defaults = RoomDefaults(station=DefaultStation(provider_id="I_HEART_RADIO", station_id="4802"), volume=30)
    assert_type(await fleet.reset_room(asp, "unit", defaults), Steps)
    report = await fleet.collect(partial(fleet.reset_room, asp, defaults=defaults), rooms)
    assert_type(report, FleetReport[Room, Steps])


async def batches(asp: SmartProperties, rooms: list[str], found: list[Room]) -> None:
    async with fleet.run_many(partial(asp.skills.enable_many, "skill"), rooms, concurrency=2) as enabled:
        async for outcome in enabled:
            assert_type(outcome, Outcome[str, BatchItem])
    async with fleet.run_many(asp.skills.get_many, rooms) as read:
        assert_type(read, Run[str, UnitEnablements])
    async with fleet.run_many(asp.notifications.delete_many, found, journal="a.db", job="delete") as deleted:
        assert_type(deleted, Run[Room, BatchItem])
    report = await fleet.collect_many(partial(asp.contacts.create_many, "book"), [Contact("Spa")], size=10)
    assert_type(report, FleetReport[Contact, BatchItem])
