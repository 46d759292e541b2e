"""Names in reports: of items, of devices in steps and journals, and those that an inventory knows for ids."""

from __future__ import annotations

import functools
import json
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alexa_props import Inventory, RateLimit, fleet
from alexa_props.errors import ConfigurationError
from alexa_props.fleet import FleetReport, Outcome, Room, RoomDefaults
from alexa_props.fleet.journal.format import record_sum
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.endpoints import Endpoint
from tests.fleet.reports import failed, offline, report_of, throttled

FAST = RateLimit(per_second=1e6)


def names(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("name", "path", "device"))


def test_rows_name_the_room_its_place_and_the_device() -> None:
    devices = (Endpoint("e-1", friendly_name="Echo"), Endpoint("e-2"))
    room = Room("room-1", name="Room 320", endpoints=devices, property_name="Seaside 1", path=("Seaside 1", "Floor 3"))
    report = report_of(failed(room, offline(room, "e-1", "e-2")))
    assert [names(row) for row in report.to_rows(failures=True)] == [
        ("Room 320", "Seaside 1 / Floor 3", "Echo"),
        ("Room 320", "Seaside 1 / Floor 3", None),
    ]
    assert names(report.to_rows()[0])[:2] == ("Room 320", "Seaside 1 / Floor 3")
    assert [failure.endpoint_name for failure in report.outcomes[0].failures] == ["Echo", None]
    first = report.failures[0]
    assert (first.name, first.path, first.device) == ("Room 320", "Seaside 1 / Floor 3", "Echo")


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            Room("r", name="320", property_id="p", property_name="Sea/side", path=("Floor 3",)),
            ("320", "Sea/side / Floor 3"),
        ),
        (Room("r", name="北京", path=("Floor 3", "Wing")), ("北京", "Floor 3 / Wing")),
        (Room("p", name="Seaside", property_id="p", property_name="Seaside"), ("Seaside", None)),
        (Room("r"), (None, None)),
        ("plain", (None, None)),
        (7, (None, None)),
        (SimpleNamespace(name=7, path="a/b", property_name=None), (None, None)),
        (Endpoint("e", friendly_name="Echo"), ("Echo", None)),
    ],
)
def test_names_of_an_item(item: object, expected: tuple[Any, ...]) -> None:
    report = report_of(Outcome("key", item, "failed", error=ValueError("no")))
    for row in (report.to_rows()[0], report.to_rows(failures=True)[0]):
        assert names(row)[:2] == expected
    assert repr(report.outcomes[0]).count("\n") == 0


async def test_steps_of_a_recipe_name_their_devices_and_are_joined() -> None:
    async with Simulator(rooms=2, endpoints_per_room=2, seed=5) as sim:
        asp = sim.smart_properties(rate_limit=FAST)
        gone = sim.endpoints_in(sim.rooms[1])[0]
        sim.set_offline(gone)
        call = functools.partial(fleet.reset_room, asp, defaults=RoomDefaults(volume=20))
        report = await fleet.collect(call, fleet.walk_rooms(asp, sim.organization_id))
        (device,) = [each async for each in asp.endpoints.list(unit_id=sim.rooms[1], expand="all") if each.id == gone]
        assert device.friendly_name
        # Also in the steps on the whole room, which failed on this device.
        assert {failure.endpoint_name for failure in report.failures} == {device.friendly_name}
        (row,) = report.to_rows(failures=True)
        assert names(row)[2] == device.friendly_name
        assert row["step"] == "alarms, timers, reminders, Bluetooth, do not disturb, volume"
        assert row["code"] == "DEVICE_NOT_REACHABLE, DEVICE_UNREACHABLE"
        assert row["request_id"] == report.failures[0].request_id
        assert [each["step"] for each in report.to_rows(failures=True, by_step=True)] == row["step"].split(", ")
        assert report.to_rows()[1]["failures"] == 1
        room = report.outcomes[1].item
        assert repr(room) == f"<{room.name}, Seaside 1 / Floor 1, {room}>"
        assert (str(room), f"{room}") == (sim.rooms[1], sim.rooms[1])
        assert f"{room.name}, Seaside 1 / Floor 1, {room}: failed: DEVICE_" in repr(report.outcomes[1])
        assert "not done: alarms, timers, reminders; Bluetooth" in repr(report.outcomes[1].value)
        assert device.friendly_name in repr(report.outcomes[1].value)


def test_the_worst_status_of_a_device_is_that_of_its_row() -> None:
    steps = fleet.Steps(
        "room",
        (
            fleet.Step("a", "x.a", "e", throttled("room")),
            fleet.Step("b", "x.b", "e", TimeoutError("late")),
            fleet.Step("c", "x.b", None, throttled("room")),
        ),
    )
    report = report_of(failed("room", fleet.StepsFailed(steps), status="unknown"))
    rows = report.to_rows(failures=True)
    assert [(row["endpoint_id"], row["status"], row["step"], row["operation"]) for row in rows] == [
        ("e", "unknown", "a, b", "x.a, x.b"),
        (None, "failed", "c", "x.b"),
    ]
    assert "not done: 1 device in 1 item, 1 whole item" in str(report)


def test_by_step_is_for_failures() -> None:
    for method in ("to_rows", "to_csv", "to_jsonl", "to_dataframe"):
        with pytest.raises(ConfigurationError, match="pass failures=True too"):
            getattr(report_of(), method)(by_step=True)


async def test_an_inventory_names_the_ids_of_a_report() -> None:
    async with Simulator(rooms=3, endpoints_per_room=2, seed=5) as sim:
        asp = sim.smart_properties(rate_limit=FAST)
        gone = sim.endpoints_in(sim.rooms[1])[0]
        sim.set_offline(gone)
        report = await fleet.collect(asp.alerts.delete_alarms, [*sim.rooms, "elsewhere"])
        assert names(report.to_rows(failures=True)[0]) == (None, None, None)
        assert str(report).startswith("4 items: ")
        inventory = await Inventory.load(asp, sim.organization_id)
        named = report.with_names(inventory)
        device, room = inventory.endpoint(gone), inventory.room(sim.rooms[1])
        rows = named.to_rows(failures=True)
        assert names(rows[0]) == (room.name, "Seaside 1 / Floor 1", device.friendly_name)
        assert (rows[0]["property_name"], rows[0]["key"], rows[0]["endpoint_id"]) == ("Seaside 1", sim.rooms[1], gone)
        assert names(rows[1]) == (None, None, None)  # it is not in the inventory
        assert named.outcomes == report.outcomes
        assert room.name is not None
        assert room.name in named._repr_html_()
        known = FleetReport(outcomes=report.outcomes[:1]).with_names(inventory)
        assert str(known).startswith("1 room: ")

        # Items that are devices: the room is a part of the path.
        devices = (await fleet.collect(asp.endpoints.get, [gone])).with_names(inventory)
        assert names(devices.to_rows()[0])[:2] == (device.friendly_name, f"Seaside 1 / Floor 1 / {room.name}")


@pytest.mark.parametrize("names", [None, "inventory.json", {}, Inventory])
def test_names_must_be_an_inventory(names: Any) -> None:
    with pytest.raises(ConfigurationError, match="names must be an Inventory"):
        report_of().with_names(names)


def test_names_of_the_items_are_kept() -> None:
    class Renamed:
        def unit(self, _: str) -> Room:
            return Room("r", name="New name", path=("Floor 9",))

        def endpoint(self, text: str) -> Endpoint:
            raise LookupError(text)

        def room_of(self, _: object) -> None:
            raise AssertionError

    report = report_of(failed(Room("r", name="Old name"), offline("r", "e"))).with_names(Renamed())
    assert names(report.to_rows(failures=True)[0]) == ("Old name", "Floor 9", None)


async def test_a_journal_records_the_names_of_devices(journal: Path) -> None:
    async with Simulator(rooms=1, endpoints_per_room=1, seed=5) as sim:
        asp = sim.smart_properties(rate_limit=FAST)
        sim.set_offline(*sim.endpoints)
        call = functools.partial(fleet.reset_room, asp, defaults=RoomDefaults())

        async def again() -> FleetReport[str, Any]:
            return await fleet.collect(call, sim.rooms, journal=journal, job="reset")

        first = (await again()).to_rows(failures=True)
        second = (await again()).to_rows(failures=True)
        assert first == second
        assert first[0]["device"] is not None

        # A journal of an earlier release does not have them.
        with sqlite3.connect(journal) as db:
            ((*values, story, _),) = db.execute("SELECT * FROM items")
            old = json.loads(story)
            old["failures"] = [failure[:7] for failure in old["failures"]]
            text = json.dumps(old)
            db.execute("UPDATE items SET story = ?, sum = ?", (text, record_sum((*values, text))))
        db.close()
        (row,) = (await again()).to_rows(failures=True)
        assert row == {**second[0], "device": None}
