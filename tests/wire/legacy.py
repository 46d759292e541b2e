"""The wire of properties, room types and rooms of the hospitality API, version 1."""

from __future__ import annotations

from collections.abc import Callable

from alexa_props.simulator import Simulator
from alexa_props.smart_properties.legacy import LegacyUnit
from tests.wire.row import LAST_PAGE, Wire


def empty(name: str) -> Callable[[Simulator], str]:
    """Return what finds or creates a unit without others below it, to be deleted."""

    def find(sim: Simulator) -> str:
        organization = sim.tree.organization
        found = next((unit for unit in organization.children if unit.name == name), None)
        return (found or sim.tree.create_unit(organization, name, 0)).id

    return find


def room_type(sim: Simulator) -> str:
    return sim.tree.units[sim.units[1]].children[0].id


IDS = {
    "property": lambda sim: sim.units[1],
    "room_type": room_type,
    "old_hotel": empty("Old hotel"),
    "old_layout": empty("Old layout"),
    "old_suite": empty("Old suite"),
}
MODELS = {kind: LegacyUnit(f"{kind.replace('_', '-')}-1") for kind in IDS}

V1 = "/enterprise/hospitality/v1"

WIRE = {
    "legacy_properties.list": Wire(
        lambda on: on.asp.legacy_properties.list(on.organization),
        f"GET {V1}/properties?organizationId=organization-1",
        response={"properties": [{"id": "a", "name": "Hôtel 🏨"}, {"id": "b"}], **LAST_PAGE},
        result=[LegacyUnit("a", "Hôtel 🏨"), LegacyUnit("b")],
    ),
    "legacy_properties.list, with every argument": Wire(
        lambda on: on.asp.legacy_properties.list(on.organization, page_size=50),
        f"GET {V1}/properties?organizationId=organization-1&maxResults=50",
        response={"properties": []},
        result=[],
    ),
    "legacy_properties.create": Wire(
        lambda on: on.asp.legacy_properties.create(on.organization, "Hôtel 🏨"),
        f"POST {V1}/properties",
        body={"organizationId": "organization-1", "name": "Hôtel 🏨"},
        response={"id": "new"},
        result="new",
    ),
    "legacy_properties.get": Wire(
        lambda on: on.asp.legacy_properties.get(on.property),
        f"GET {V1}/properties/property-1",
        response={"id": "property-1", "name": "Hôtel 🏨"},
        result=LegacyUnit("property-1", "Hôtel 🏨"),
    ),
    "legacy_properties.update": Wire(
        lambda on: on.asp.legacy_properties.update(on.property, "New"),
        f"PUT {V1}/properties/property-1",
        body={"name": "New"},
    ),
    "legacy_properties.delete": Wire(
        lambda on: on.asp.legacy_properties.delete(on.old_hotel), f"DELETE {V1}/properties/old-hotel-1"
    ),
    "legacy_room_types.list": Wire(
        lambda on: on.asp.legacy_room_types.list(on.property),
        f"GET {V1}/roomTypes?propertyId=property-1",
        response={"roomTypes": [{"id": "a", "name": "Double"}], **LAST_PAGE},
        result=[LegacyUnit("a", "Double")],
    ),
    "legacy_room_types.list, with every argument": Wire(
        lambda on: on.asp.legacy_room_types.list(on.property, page_size=50),
        f"GET {V1}/roomTypes?propertyId=property-1&maxResults=50",
        response={"roomTypes": []},
        result=[],
    ),
    "legacy_room_types.create": Wire(
        lambda on: on.asp.legacy_room_types.create(on.property, "Double"),
        f"POST {V1}/roomTypes",
        body={"propertyId": "property-1", "name": "Double"},
        response={"id": "new"},
        result="new",
    ),
    "legacy_room_types.get": Wire(
        lambda on: on.asp.legacy_room_types.get(on.room_type),
        f"GET {V1}/roomTypes/room-type-1",
        response={"id": "room-type-1", "name": "Double"},
        result=LegacyUnit("room-type-1", "Double"),
    ),
    "legacy_room_types.update": Wire(
        lambda on: on.asp.legacy_room_types.update(on.room_type, "Twin"),
        f"PUT {V1}/roomTypes/room-type-1",
        body={"name": "Twin"},
    ),
    "legacy_room_types.delete": Wire(
        lambda on: on.asp.legacy_room_types.delete(on.old_layout), f"DELETE {V1}/roomTypes/old-layout-1"
    ),
    "legacy_rooms.list": Wire(
        lambda on: on.asp.legacy_rooms.list(on.room_type),
        f"GET {V1}/rooms?roomTypeId=room-type-1",
        response={"rooms": [{"id": "a", "name": "Zimmer 101 🛏"}], **LAST_PAGE},
        result=[LegacyUnit("a", "Zimmer 101 🛏")],
    ),
    "legacy_rooms.list, with every argument": Wire(
        lambda on: on.asp.legacy_rooms.list(on.room_type, page_size=50),
        f"GET {V1}/rooms?roomTypeId=room-type-1&maxResults=50",
        response={"rooms": []},
        result=[],
    ),
    "legacy_rooms.create": Wire(
        lambda on: on.asp.legacy_rooms.create(on.room_type, "101"),
        f"POST {V1}/rooms",
        body={"roomTypeId": "room-type-1", "name": "101"},
        response={"id": "new"},
        result="new",
    ),
    "legacy_rooms.get": Wire(
        lambda on: on.asp.legacy_rooms.get(on.room),
        f"GET {V1}/rooms/room-1",
        response={"id": "room-1", "name": "101"},
        result=LegacyUnit("room-1", "101"),
    ),
    "legacy_rooms.update": Wire(
        lambda on: on.asp.legacy_rooms.update(on.room, "102"), f"PUT {V1}/rooms/room-1", body={"name": "102"}
    ),
    "legacy_rooms.delete": Wire(lambda on: on.asp.legacy_rooms.delete(on.old_suite), f"DELETE {V1}/rooms/old-suite-1"),
}
