"""The rooms of a tree, whatever its shape."""

from __future__ import annotations

import copy
import pickle

import httpx
import pytest

from alexa_props import RateLimit, fleet
from alexa_props.errors import DecodeError, Forbidden
from alexa_props.fleet import Room, walk_rooms
from alexa_props.simulator import Simulator
from tests.helpers import Service, answer, smart_properties

FAST = RateLimit(per_second=1e6)


async def walked(sim: Simulator, root: str) -> list[Room]:
    return [room async for room in walk_rooms(sim.smart_properties(rate_limit=FAST), root)]


@pytest.mark.parametrize(
    ("rooms", "properties", "lists"),
    [
        (10, 1, 1),  # all in one page
        (100, 1, 2 + 3),  # one branch: a first page, the branches, 106 units in pages of 50
        (130, 4, 2 + 4),
        (200, 60, 7),  # more branches than a page holds: one list, 320 units of it
    ],
)
async def test_yields_every_room_once(rooms: int, properties: int, lists: int) -> None:
    async with Simulator(rooms=rooms, properties=properties, endpoints_per_room=0) as sim:
        found = await walked(sim, sim.organization_id)
        # Properties without rooms are leaves of the tree, too.
        assert set(sim.rooms) <= set(found)
        assert len(found) == len(set(found)) == len(sim.rooms)
        assert sim.count("units.list") <= lists + 2


async def test_room_has_its_place_in_the_tree() -> None:
    async with Simulator(rooms=90, properties=2, endpoints_per_room=0) as sim:
        asp = sim.smart_properties(rate_limit=FAST)
        found: dict[str, Room] = {room: room for room in await walked(sim, sim.organization_id)}
        room = found[sim.rooms[70]]
        unit = await asp.units.get(room)
        floor = await asp.units.get(unit.parent_id or "")
        prop = await asp.units.get(floor.parent_id or "")
        assert (room.name, room.parent_id) == (unit.name, floor.id)
        assert (room.property_id, room.property_name) == (prop.id, prop.name)
        assert room.path == (prop.name, floor.name)
        assert len({each.property_id for each in found.values()}) == 2

        # From the property, the floor and the room itself.
        below = {each: each for each in await walked(sim, prop.id)}
        assert (below[room].property_id, below[room].property_name, below[room].path) == (
            prop.id,
            prop.name,
            (floor.name,),
        )
        beside = {each: each for each in await walked(sim, floor.id)}
        assert (len(beside), beside[room].property_id, beside[room].path) == (20, None, ())
        (itself,) = await walked(sim, room)
        assert (itself, itself.name, itself.parent_id) == (room, room.name, room.parent_id)


async def test_failing_branch_raises_its_error() -> None:
    async with Simulator(rooms=120, properties=3, endpoints_per_room=0) as sim:
        sim.fail("units.list", "status", status=403, after=3, times=1)
        with pytest.raises(Forbidden):
            await walked(sim, sim.organization_id)


ORG = {"id": "org", "level": 0}


@pytest.mark.parametrize(
    ("units", "named"),
    [
        ({"a": "a", "b": "a"}, "'a' is its own parent"),
        ({"top": "org", "a": "c", "b": "a", "c": "b", "room": "c"}, "'a', 'c', 'b' form a ring"),
        # Without a leaf, the ring would hide its rooms.
        ({"room": "org", "a": "b", "b": "a"}, "'a', 'b' form a ring"),
        ({str(number): str((number + 1) % 40) for number in range(40)}, "'0', '1', .*'9', … form a ring"),
    ],
    ids=["its own parent", "a ring with a leaf", "a ring without a leaf", "a large ring"],
)
@pytest.mark.parametrize("pages", [1, 2])
async def test_rings_of_units_raise(units: dict[str, str], named: str, pages: int) -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v2/units":
            return answer(json=ORG)
        found = [{"id": unit, "parentId": parent} for unit, parent in units.items()]
        params = request.url.params
        if pages == 2 and "nextToken" not in params and params["parentId"] == "org":
            # More than one page of units, all below one branch.
            deep = params.get("queryDepth") == "all"
            found = [] if deep else [{"id": "branch", "parentId": "org"}]
            return answer(json={"results": found, "paginationContext": {"nextToken": "more"} if deep else {}})
        return answer(json={"results": found}, x_amzn_RequestId="the-request")

    asp = smart_properties(Service(serve))
    with pytest.raises(DecodeError, match=rf"units\.list\('org'\): {named}.*request id the-request") as caught:
        async for _ in walk_rooms(asp, "org"):
            pass
    assert (caught.value.operation, caught.value.request_id) == ("units.list", "the-request")


async def test_property_without_rooms_is_not_a_room() -> None:
    units = [{"id": "full", "parentId": "org", "level": 1}, {"id": "empty", "parentId": "org", "level": 1}]
    rooms = [{"id": "room", "parentId": "full", "level": 4}]
    service = Service(
        lambda request: answer(json={"results": units + rooms} if request.url.path == "/v2/units" else ORG)
    )
    assert [room async for room in walk_rooms(smart_properties(service), "org")] == ["room"]


async def test_rooms_are_items_of_a_run() -> None:
    async with Simulator(rooms=30, properties=2, endpoints_per_room=1) as sim:
        asp = sim.smart_properties(rate_limit=FAST)
        sim.set_offline(sim.endpoints[0])
        report = await fleet.collect(asp.alerts.delete_alarms, walk_rooms(asp, sim.organization_id))
        assert report.counts == {"done": 29, "failed": 1, "unknown": 0}
        (room,) = report.failed
        assert list(report.failures_by_property) == [room.item.property_id]


async def test_can_be_left_early() -> None:
    async with Simulator(rooms=30, endpoints_per_room=1) as sim:
        asp = sim.smart_properties(rate_limit=FAST)
        async with fleet.run(asp.alerts.delete_alarms, walk_rooms(asp, sim.organization_id), concurrency=2) as run:
            async for _ in run:
                break
        assert sim.count("alerts.delete_alarms") < 30


def facts(room: Room) -> list[object]:
    return [getattr(room, name) for name in Room.__slots__]


def test_room_is_a_string_that_can_be_copied() -> None:
    room = Room(
        "amzn1.alexa.unit.did.A", name="Room 101", parent_id="f", property_id="p", property_name="P", path=("P",)
    )
    for other in (pickle.loads(pickle.dumps(room)), copy.copy(room), copy.deepcopy(room)):
        assert other == "amzn1.alexa.unit.did.A"
        assert type(other) is Room
        assert other.id == room
        assert facts(other) == facts(room)
