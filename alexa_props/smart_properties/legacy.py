"""Properties, room types and rooms of the hospitality API, version 1. Prefer `units`, which has all of it."""

from __future__ import annotations

from typing import Final

import attrs

from alexa_props.client import Resource
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.endpoints import UnitRef
from alexa_props.smart_properties.ids import UnitId

__all__ = ["OPERATIONS", "LegacyProperties", "LegacyRoomTypes", "LegacyRooms", "LegacyUnit"]


@attrs.frozen
class LegacyUnit(UnitRef):
    """A property, room type or room. Methods that take a unit id take it too: both APIs have the same ids."""

    name: str | None = None


_PAGE: Final = "property-and-room-api.html"
_V1: Final = "/enterprise/hospitality/v1"
_ROOM: Final = f"{_V1}/rooms/{{room_id}}"
_ROOM_TYPES: Final = f"{_V1}/roomTypes"
_ROOM_TYPE: Final = f"{_ROOM_TYPES}/{{room_type_id}}"
_PROPERTIES: Final = f"{_V1}/properties"
_PROPERTY: Final = f"{_PROPERTIES}/{{property_id}}"
_NAME: Final = {"name": (1, None)}
_TEXT: Final = {"name": str}

_properties: Final = Group("legacy_properties", _PAGE)
LIST_PROPERTIES: Final = _properties.list(
    "list", _PROPERTIES, LegacyUnit, items="properties", required=("organization_id",)
)
CREATE_PROPERTY: Final = _properties.post(
    "create", _PROPERTIES, UnitRef, required=("organization_id", "name"), limits=_NAME, types=_TEXT, check_with="list"
)
GET_PROPERTY: Final = _properties.get("get", _PROPERTY, LegacyUnit)
UPDATE_PROPERTY: Final = _properties.put("update", _PROPERTY, required=("name",), limits=_NAME, types=_TEXT)
DELETE_PROPERTY: Final = _properties.delete("delete", _PROPERTY)

_room_types: Final = Group("legacy_room_types", _PAGE)
LIST_ROOM_TYPES: Final = _room_types.list("list", _ROOM_TYPES, LegacyUnit, items="roomTypes", required=("property_id",))
CREATE_ROOM_TYPE: Final = _room_types.post(
    "create", _ROOM_TYPES, UnitRef, required=("property_id", "name"), limits=_NAME, types=_TEXT, check_with="list"
)
GET_ROOM_TYPE: Final = _room_types.get("get", _ROOM_TYPE, LegacyUnit)
UPDATE_ROOM_TYPE: Final = _room_types.put("update", _ROOM_TYPE, required=("name",), limits=_NAME, types=_TEXT)
DELETE_ROOM_TYPE: Final = _room_types.delete("delete", _ROOM_TYPE)

_rooms: Final = Group("legacy_rooms", _PAGE)
LIST_ROOMS: Final = _rooms.list("list", f"{_V1}/rooms", LegacyUnit, items="rooms", required=("room_type_id",))
CREATE_ROOM: Final = _rooms.post(
    "create", f"{_V1}/rooms", UnitRef, required=("room_type_id", "name"), limits=_NAME, types=_TEXT, check_with="list"
)
GET_ROOM: Final = _rooms.get("get", _ROOM, LegacyUnit)
UPDATE_ROOM: Final = _rooms.put("update", _ROOM, required=("name",), limits=_NAME, types=_TEXT)
DELETE_ROOM: Final = _rooms.delete("delete", _ROOM)

OPERATIONS: Final = (*_properties.operations, *_room_types.operations, *_rooms.operations)


class LegacyProperties(Resource):
    """Properties of the hospitality API, version 1. Prefer `units`.

        async for hotel in asp.legacy_properties.list(organization_id):
            print(hotel.name)

    Only hospitality has this API, with three levels below the organization. Each method has a namesake in `units`. Of
    the responses, those of creations and lists of rooms are known; the others are inferred from them.
    """

    def list(self, organization_id: UnitId, *, page_size: int | None = None) -> Pager[LegacyUnit]:
        """List the properties of an organization."""
        return self._pager(LIST_PROPERTIES, organization_id=organization_id, page_size=page_size)

    async def get(self, property_id: UnitId) -> LegacyUnit:
        """Return a property."""
        return await self._call(GET_PROPERTY, property_id=property_id)

    async def create(self, organization_id: UnitId, name: str) -> str:
        """Create a property and return its id."""
        return (await self._call(CREATE_PROPERTY, organization_id=organization_id, name=name)).id

    async def update(self, property_id: UnitId, name: str) -> None:
        """Rename a property."""
        await self._call(UPDATE_PROPERTY, property_id=property_id, name=name)

    async def delete(self, property_id: UnitId) -> None:
        """Delete a property."""
        await self._call(DELETE_PROPERTY, property_id=property_id)


class LegacyRoomTypes(Resource):
    """Room types of the hospitality API, version 1. Prefer `units`.

        room_type_id = await asp.legacy_room_types.create(property_id, "Double")

    See `LegacyProperties`.
    """

    def list(self, property_id: UnitId, *, page_size: int | None = None) -> Pager[LegacyUnit]:
        """List the room types of a property."""
        return self._pager(LIST_ROOM_TYPES, property_id=property_id, page_size=page_size)

    async def get(self, room_type_id: UnitId) -> LegacyUnit:
        """Return a room type."""
        return await self._call(GET_ROOM_TYPE, room_type_id=room_type_id)

    async def create(self, property_id: UnitId, name: str) -> str:
        """Create a room type and return its id."""
        return (await self._call(CREATE_ROOM_TYPE, property_id=property_id, name=name)).id

    async def update(self, room_type_id: UnitId, name: str) -> None:
        """Rename a room type."""
        await self._call(UPDATE_ROOM_TYPE, room_type_id=room_type_id, name=name)

    async def delete(self, room_type_id: UnitId) -> None:
        """Delete a room type."""
        await self._call(DELETE_ROOM_TYPE, room_type_id=room_type_id)


class LegacyRooms(Resource):
    """Rooms of the hospitality API, version 1. Prefer `units`.

        async for room in asp.legacy_rooms.list(room_type_id):
            print(await asp.unit_settings.get_default_music_station(room))

    See `LegacyProperties`.
    """

    def list(self, room_type_id: UnitId, *, page_size: int | None = None) -> Pager[LegacyUnit]:
        """List the rooms of a room type."""
        return self._pager(LIST_ROOMS, room_type_id=room_type_id, page_size=page_size)

    async def get(self, room_id: UnitId) -> LegacyUnit:
        """Return a room."""
        return await self._call(GET_ROOM, room_id=room_id)

    async def create(self, room_type_id: UnitId, name: str) -> str:
        """Create a room and return its id."""
        return (await self._call(CREATE_ROOM, room_type_id=room_type_id, name=name)).id

    async def update(self, room_id: UnitId, name: str) -> None:
        """Rename a room."""
        await self._call(UPDATE_ROOM, room_id=room_id, name=name)

    async def delete(self, room_id: UnitId) -> None:
        """Delete a room."""
        await self._call(DELETE_ROOM, room_id=room_id)
