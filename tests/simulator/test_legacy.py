"""The hospitality API, version 1, is another view of the units."""

from __future__ import annotations

import pytest

from alexa_props import errors
from alexa_props.simulator import Simulator
from tests.wire import clients


async def test_units_of_both_apis_are_the_same(sim: Simulator) -> None:
    on = clients(sim)
    asp, first = on.asp, sim.units[1]
    hotels = [hotel async for hotel in asp.legacy_properties.list(on.organization)]
    assert [hotel.id for hotel in hotels if hotel.id in sim.units[:3]] == [
        unit.id async for unit in asp.units.list(on.organization) if unit.id in sim.units[:3]
    ]
    (floor, *_) = [layout async for layout in asp.legacy_room_types.list(first)]
    rooms = [room async for room in asp.legacy_rooms.list(floor, page_size=7)]
    assert [room.id for room in rooms] == sim.rooms[:20]
    assert rooms[0].name == "Room 101"
    assert await asp.legacy_rooms.get(rooms[0]) == rooms[0]

    hotel = await asp.legacy_properties.create(on.organization, "Hôtel 🏨")
    layout = await asp.legacy_room_types.create(hotel, "Double")
    room = await asp.legacy_rooms.create(layout, "101")
    assert sim.rooms[-1] == room
    # New units have no skills, unlike those of the seed.
    for new in (hotel, room):
        assert [each async for each in asp.skills.list(new)] == []
    unit = await asp.units.get(room)
    assert (unit.name, unit.parent_id, unit.level) == ("101", layout, 3)
    await asp.units.update(room, "102")
    assert (await asp.legacy_rooms.get(room)).name == "102"
    await asp.legacy_room_types.update(layout, "Twin")
    assert [(each.id, each.name) async for each in asp.legacy_room_types.list(hotel)] == [(layout, "Twin")]

    with pytest.raises(errors.BadRequest, match="other units below it"):
        await asp.legacy_properties.delete(hotel)
    await asp.legacy_rooms.delete(room)
    await asp.legacy_room_types.delete(layout)
    await asp.legacy_properties.delete(hotel)
    with pytest.raises(errors.NotFound):
        await asp.units.get(hotel)


async def test_parents_are_those_of_the_level_above(sim: Simulator) -> None:
    on = clients(sim)
    for call in (
        on.asp.legacy_properties.create(on.room, "No organization"),
        on.asp.legacy_rooms.create(on.property, "No room type"),
        on.asp.legacy_room_types.list(on.organization),
    ):
        with pytest.raises(errors.BadRequest, match="must be a unit of level"):
            await call
    sim.set_forbidden(on.property)
    with pytest.raises(errors.Forbidden):
        await on.asp.legacy_room_types.create(on.property, "Double")
    assert sim.calls[-1].unit_id == on.property
