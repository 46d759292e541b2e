"""The wire of units."""

from __future__ import annotations

from alexa_props.smart_properties.units import Unit
from tests.wire.row import LAST_PAGE, Wire

FULL = {
    "id": "room-1",
    "name": {"type": "PLAIN", "value": {"text": "Zimmer 101 🛏"}},
    "parentId": "floor-1",
    "level": 3,
}
UNIT = Unit("room-1", name="Zimmer 101 🛏", parent_id="floor-1", level=3)

WIRE = {
    "units.list": Wire(
        lambda on: on.asp.units.list(on.organization),
        "GET /v2/units?parentId=organization-1",
        response={"results": [{"id": "a"}, {"id": "b"}], **LAST_PAGE},
        result=[Unit("a"), Unit("b")],
    ),
    "units.list, with every argument": Wire(
        lambda on: on.asp.units.list(on.organization, depth="all", expand="all", page_size=5),
        "GET /v2/units?parentId=organization-1&queryDepth=all&expand=all&maxResults=5",
        response={"results": [FULL]},
        result=[UNIT],
    ),
    "units.list, two levels deep": Wire(
        lambda on: on.asp.units.list(on.organization, depth=2),
        "GET /v2/units?parentId=organization-1&queryDepth=2",
        response={"results": []},
        result=[],
    ),
    "units.get": Wire(
        lambda on: on.asp.units.get(on.room),
        "GET /v2/units/room-1",
        response=FULL,
        result=UNIT,
    ),
    "units.create": Wire(
        lambda on: on.asp.units.create(on.organization, "New"),
        "POST /v2/units",
        body={"parentId": "organization-1", "name": {"type": "PLAIN", "value": {"text": "New"}}},
        response={"id": "new"},
        result="new",
    ),
    "units.update": Wire(
        lambda on: on.asp.units.update(on.room, "Étage 9 🛏"),
        "PUT /v2/units/room-1",
        body={"name": {"type": "PLAIN", "value": {"text": "Étage 9 🛏"}}},
    ),
    "units.delete": Wire(lambda on: on.asp.units.delete(on.spare.pop()), "DELETE /v2/units/room-2"),
}
