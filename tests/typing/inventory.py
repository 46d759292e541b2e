"""An inventory as users write it. mypy and pyright check the types; nothing here runs."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from alexa_props import Inventory, SmartProperties, fleet
from alexa_props.errors import AmbiguousName, NamesNotFound
from alexa_props.fleet import Room
from alexa_props.inventory import Change, ChangeKind, InventoryDiff
from alexa_props.models import Endpoint, Setting, Unit, UnitId


async def names_find_rooms_units_and_devices(asp: SmartProperties, organization_id: UnitId) -> Inventory:
    def show(units: int, devices: int) -> None:
        assert_type((units, devices), tuple[int, int])

    inventory = await Inventory.load(asp, organization_id, progress=show)
    assert_type(inventory, Inventory)
    assert_type(inventory.find("Seaside/Floor 3/Room 320"), Room | Unit | Endpoint)
    assert_type(inventory.room("320"), Room)
    assert_type(inventory.unit("Seaside"), Room | Unit)
    assert_type(inventory.endpoint("Room 320/Bedside Echo"), Endpoint)
    assert_type(inventory.search("320"), list[Room | Unit | Endpoint])
    assert_type(inventory.resolve(["320", "G0A1"]), list[Room | Unit | Endpoint])
    assert_type(inventory.resolve(("320", "321"), kind="room"), list[Room])
    await asp.alerts.delete_alarms(inventory.room("320"))
    volume = await asp.endpoint_settings.get(inventory.endpoint("Bedside Echo"), Setting.MAXIMUM_VOLUME_LIMIT)
    assert_type(volume, int | None)

    async def reset(room: Room) -> fleet.Steps:
        return await fleet.reset_room(asp, room, fleet.RoomDefaults(volume=30))

    assert_type(await fleet.collect(reset, inventory.rooms(under="Seaside")), fleet.FleetReport[Room, fleet.Steps])
    for device in inventory.endpoints(under=inventory.unit("Seaside"), offline=True, serial="G0A1", model="Echo"):
        assert_type(device, Endpoint)
        assert_type(inventory.room_of(device), Room | None)
        assert_type(inventory.place_of(device), Room | Unit | None)
        assert_type(inventory.path_of(device), str)
    return inventory


def an_inventory_is_saved_compared_and_exported(inventory: Inventory, path: Path) -> None:
    inventory.save(path)
    changes = inventory.diff(Inventory.load_file(path))
    assert_type(changes, InventoryDiff)
    assert_type(changes.offline, tuple[Change, ...])
    assert_type(changes.changes[0].change, ChangeKind)
    assert_type(inventory.to_csv(), str)
    inventory.to_jsonl(path)
    assert_type(inventory.rooms()[0].endpoints, tuple[Endpoint, ...])
    try:
        inventory.resolve(["Rom 320"])
    except NamesNotFound as error:
        for problem in error.problems:
            names = problem.candidates if isinstance(problem, AmbiguousName) else problem.suggestions
            assert_type(names, tuple[str, ...])
