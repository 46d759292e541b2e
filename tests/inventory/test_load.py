"""Units and devices are read with few calls, concurrently, whatever the tree and whatever changes meanwhile."""

from __future__ import annotations

import json
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import Inventory, RateLimit
from alexa_props.errors import ConfigurationError, DecodeError, Forbidden, NotFound
from alexa_props.simulator import Simulator
from tests.helpers import Service, answer, smart_properties, virtual_time

FAST = RateLimit(per_second=1e6)


async def loaded(sim: Simulator, root: str | None = None, **options: Any) -> Inventory:
    return await Inventory.load(sim.smart_properties(rate_limit=FAST), root or sim.organization_id, **options)


@pytest.mark.parametrize(
    ("rooms", "properties", "endpoints"),
    [(1, 1, 0), (10, 1, 2), (60, 3, 1), (130, 60, 2), (300, 2, 3)],
)
async def test_reads_everything_with_a_call_per_50_units_and_10_devices(
    rooms: int, properties: int, endpoints: int
) -> None:
    async with Simulator(rooms=rooms, properties=properties, endpoints_per_room=endpoints) as sim:
        inventory = await loaded(sim)
        assert {*inventory.rooms()} == {*sim.rooms}
        assert {each.id for each in inventory.devices} == {*sim.endpoints}
        assert {str(room): [each.id for each in room.endpoints] for room in inventory.rooms()} == {
            room: sim.endpoints_in(room) for room in sim.rooms
        }
        assert sim.count("units.list") <= len(inventory.units) / 50 + properties + 6
        # The last queries are for few units.
        assert sim.count("endpoints.query") <= rooms * endpoints / 10 + len(inventory.units) / 50 + 20
        assert inventory.has_endpoints


async def test_units_and_devices_are_in_the_order_of_the_tree_and_of_names() -> None:
    async with Simulator(rooms=250, properties=1, endpoints_per_room=2) as sim:
        sim.set_offline(sim.endpoints[3])
        inventory = await loaded(sim)
        floors = [unit.name for unit in inventory.units if unit.level == 2]
        assert floors == [f"Floor {number}" for number in range(1, 14)]
        assert [room.name for room in inventory.rooms()][18:22] == ["Room 119", "Room 120", "Room 201", "Room 202"]
        assert [each.friendly_name for each in inventory.devices][1:4] == [
            "Room 101 Echo 2",
            "Room 102 Echo 1",
            "Room 102 Echo 2",
        ]
        assert [each.id for each in inventory.endpoints(offline=True)] == [sim.endpoints[3]]
        again = await loaded(sim)
        assert (again.units, [each.id for each in again.devices]) == (
            inventory.units,
            [each.id for each in inventory.devices],
        )


async def test_the_root_may_be_a_property_a_floor_or_a_room() -> None:
    async with Simulator(rooms=30, properties=2, endpoints_per_room=1) as sim:
        whole = await loaded(sim)
        room = whole.room("Seaside 1/Room 105")
        prop = await loaded(sim, room.property_id)
        assert len(prop) == 15
        assert prop.path_of(prop.room("Seaside 1/105")) == "Floor 1/Room 105"
        itself = await loaded(sim, room)
        assert itself.rooms() == [room]
        assert itself.find("Room 105") is itself.rooms()[0]
        assert itself.rooms()[0].endpoints == tuple(itself.devices)
        assert itself.room_of(itself.devices[0]) == room


async def test_an_empty_organization_has_no_rooms() -> None:
    service = Service(lambda request: answer(json=ORG if request.url.path == "/v2/units/org" else {"results": []}))
    inventory = await Inventory.load(smart_properties(service), "org")
    assert (len(inventory), inventory.rooms(), inventory.endpoints(), inventory.to_rows()) == (0, [], [], [])
    assert inventory
    assert inventory.find("Org") is inventory.root


async def test_devices_are_read_only_if_they_are_wanted() -> None:
    async with Simulator(rooms=30, endpoints_per_room=1) as sim:
        inventory = await loaded(sim, endpoints=False)
        assert (len(inventory), inventory.devices, inventory.has_endpoints) == (30, (), False)
        assert sim.count("endpoints.query") == 0


async def test_progress_is_reported_as_pages_arrive() -> None:
    async with Simulator(rooms=120, properties=2, endpoints_per_room=2) as sim:
        seen: list[tuple[int, int]] = []
        inventory = await loaded(sim, progress=lambda units, devices: seen.append((units, devices)))
        assert seen == sorted(seen)
        assert len(seen) > 10
        assert seen[0] == (50, 0)
        assert seen[-1] == (len(inventory.units), 240)
        # Devices are read while units are listed.
        assert any(units < len(inventory.units) and devices for units, devices in seen)


async def test_what_progress_raises_ends_the_load() -> None:
    def fail(_units: int, _devices: int) -> None:
        raise RuntimeError("the display is gone")

    async with Simulator(rooms=120, endpoints_per_room=2) as sim:
        with pytest.raises(RuntimeError, match="the display is gone"):
            await loaded(sim, progress=fail)


async def _async_progress(_units: int, _devices: int) -> None: ...


@pytest.mark.parametrize("progress", [True, "bar", _async_progress])
async def test_progress_must_be_a_function(progress: object) -> None:
    async with Simulator(rooms=1) as sim:
        with pytest.raises(ConfigurationError, match="progress must be a function of two numbers"):
            await loaded(sim, progress=progress)
        with pytest.raises(ConfigurationError, match="unit_id must be an id"):
            await Inventory.load(sim.smart_properties(), "")


# What changes meanwhile

ORG = {"id": "org", "name": {"type": "PLAIN", "value": {"text": "Org"}}, "level": 0}


class World:
    """A service with units, some of which are gone when their devices or the units below them are asked for."""

    def __init__(self, units: dict[str, str], *, gone: set[str], unlisted: bool = True, status: int = 404) -> None:
        self.units = units
        self.gone = gone
        self.unlisted = unlisted
        self.status = status
        self.devices: dict[str, list[dict[str, Any]]] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v2/units/org":
            return answer(json=ORG)
        if request.url.path == "/v2/units":
            return self.list(request.url.params)
        wanted = [each["match"]["associatedUnits.id"] for each in json.loads(request.content)["query"]["or"]]
        if self.gone & {*wanted}:
            return answer(self.status)
        return answer(json={"results": [each for unit in wanted for each in self.devices.get(unit, ())]})

    def list(self, params: httpx.QueryParams) -> httpx.Response:
        everything = params.get("queryDepth") == "all"
        if not everything:
            # Only to see what is still there.
            found = [unit for unit, parent in self.units.items() if parent == params["parentId"]]
            found = [unit for unit in found if unit not in self.gone or not self.unlisted]
        else:
            found = list(self.units)
        return answer(json={"results": [{"id": unit, "parentId": self.units[unit]} for unit in found]})


def device(own_id: str, unit: str, serial: str, mac: str | None) -> dict[str, Any]:
    return {
        "id": own_id,
        "serialNumber": {"type": "PLAIN", "value": {"text": serial}},
        "connections": [{"macAddress": mac}] if mac else [],
        "associatedUnits": [{"id": unit}],
    }


UNITS = {"p": "org", "f": "p", **{f"r{number}": "f" for number in range(20)}, "g": "p", "s": "g"}


async def world(world: World) -> Inventory:
    return await Inventory.load(smart_properties(Service(world)), "org")


@pytest.mark.parametrize("status", [404, 403])
async def test_a_unit_that_is_deleted_meanwhile_is_left_out_with_all_below_it(status: int) -> None:
    service = World(UNITS, gone={"g", "r7"}, status=status)
    service.devices = {"r6": [device("d6", "r6", "6", None)], "s": [device("ds", "s", "s", None)]}
    inventory = await world(service)
    assert {unit.id for unit in inventory.units} == {*UNITS} - {"g", "s", "r7"}
    # A device below it was read before.
    assert [each.id for each in inventory.devices] == ["d6"]


async def test_a_unit_that_is_still_there_and_cannot_be_read_ends_the_load() -> None:
    with pytest.raises(NotFound):
        await world(World(UNITS, gone={"r7"}, unlisted=False))
    with pytest.raises(Forbidden):
        await world(World(UNITS, gone={*UNITS}, unlisted=False, status=403))


async def test_the_root_must_exist() -> None:
    async with Simulator(rooms=3) as sim:
        with pytest.raises(NotFound):
            await loaded(sim, "amzn1.alexa.unit.did.UNKNOWN")


async def test_a_device_that_is_moved_meanwhile_is_where_it_was_seen_last() -> None:
    service = World({"p": "org", "a": "p", "b": "p"}, gone=set())
    service.devices = {
        "a": [device("same", "b", "1", "AA"), device("old", "a", "2", "AB"), device("x", "a", "0", None)],
        "b": [device("same", "b", "1", "AA"), device("new", "b", "2", "AB"), device("y", "b", "0", None)],
    }
    inventory = await world(service)
    # Those without a MAC address may share a serial number that means nothing.
    assert sorted(each.id for each in inventory.devices) == ["new", "same", "x", "y"]
    assert inventory.room_of("new") == "b"


@pytest.mark.parametrize(
    "units", [{"a": "a"}, {"top": "org", "a": "b", "b": "a", "room": "b"}, {"a": "b", "b": "c", "c": "a"}]
)
async def test_rings_of_units_raise(units: dict[str, str]) -> None:
    with pytest.raises(DecodeError, match=r"units\.list\('org'\): .* their rooms are unknown"):
        await world(World(units, gone=set()))


# Speed


async def timed(sim: Simulator, per_second: float | None = 100, **options: Any) -> tuple[Inventory, float]:
    sim.quota("*", 100, 10)
    asp = sim.smart_properties(rate_limit=RateLimit(per_second=per_second))
    began = anyio.current_time()
    inventory = await Inventory.load(asp, sim.organization_id, **options)
    return inventory, anyio.current_time() - began


def simulator(rooms: int, properties: int, endpoints_per_room: int) -> Simulator:
    return Simulator(
        rooms=rooms,
        properties=properties,
        endpoints_per_room=endpoints_per_room,
        clock=anyio.current_time,
        sleep=anyio.sleep,
    )


@pytest.mark.apart
@pytest.mark.parametrize("anyio_backend", [virtual_time()])
@pytest.mark.parametrize(("per_second", "latency", "properties"), [(100, 0.01, 10), (None, 0.3, 10), (None, 0.3, 1)])
async def test_ten_thousand_rooms_take_hardly_longer_than_the_quota(
    per_second: float | None, latency: float, properties: int
) -> None:
    async with simulator(rooms=10_000, properties=properties, endpoints_per_room=2) as sim:
        sim.latency(latency)
        inventory, seconds = await timed(sim, per_second)
        assert (len(inventory), len(inventory.devices)) == (10_000, 20_000)
        calls = max(sim.count("endpoints.query"), sim.count("units.list"))
        assert calls <= 2_150
        assert seconds <= 1.2 * calls / 100


@pytest.mark.parametrize("anyio_backend", [virtual_time()])
@pytest.mark.parametrize(
    ("properties", "lists", "seconds"),
    [
        # A page of one property takes 0.3 s, and there are 43: its floors are read concurrently.
        (1, 110, 4.0),
        # Properties are, and not their floors.
        (10, 62, 4.5),
        (60, 130, 4.5),
    ],
)
async def test_slow_lists_are_read_in_branches(properties: int, lists: int, seconds: float) -> None:
    async with simulator(2000, properties, 0) as sim:
        sim.latency(0.3)
        inventory, took = await timed(sim, endpoints=False)
        assert len(inventory) == 2000
        assert sim.count("units.list") <= lists
        assert took <= seconds


@pytest.mark.parametrize("anyio_backend", [virtual_time()])
async def test_one_property_with_all_rooms_directly_below_is_read_as_one_list() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v2/units/org":
            return answer(json=ORG)
        parent, deep = request.url.params["parentId"], request.url.params.get("queryDepth") == "all"
        found = [{"id": "p", "parentId": "org", "level": 1}] if parent == "org" else []
        if parent == "p" or (parent == "org" and deep):
            found += [{"id": f"r{number}", "parentId": "p", "level": 2} for number in range(400)]
        start = int(request.url.params.get("nextToken", "0"))
        more = {"nextToken": str(start + 50)} if start + 50 < len(found) else {}
        return answer(json={"results": found[start : start + 50], "paginationContext": more})

    service = Service(serve, latency=0.3)
    inventory = await Inventory.load(smart_properties(service), "org", endpoints=False)
    assert len(inventory) == 400
    # Nine pages; what is below the organization and the property, and below three of the rooms, which shows that
    # branches are not worthwhile.
    assert len(service.seen) == 1 + 9 + 2 + 3


@pytest.mark.apart
async def test_interactive_calls_overtake_a_load() -> None:
    async with Simulator(rooms=400, properties=2, endpoints_per_room=2) as sim:
        sim.quota("*", 50, 1)
        asp = sim.smart_properties(rate_limit=RateLimit(per_second=50))
        waits: list[float] = []

        async def ask() -> None:
            for _ in range(5):
                await anyio.sleep(0.1)
                began = anyio.current_time()
                await asp.endpoints.query(unit_ids=[sim.rooms[0]])
                waits.append(anyio.current_time() - began)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await Inventory.load(asp, sim.organization_id)
        assert len(waits) == 5
        assert sorted(waits)[2] < 0.06


async def test_a_closed_client_ends_the_load_with_one_error() -> None:
    async with Simulator(rooms=400, properties=4, endpoints_per_room=2) as sim:
        sim.latency(0.05)
        asp = sim.smart_properties(rate_limit=FAST)

        ended: list[Exception] = []

        async def load(closing: anyio.CancelScope) -> None:
            def close(_units: int, devices: int) -> None:
                if devices > 100:
                    closing.cancel()

            try:
                await Inventory.load(asp, sim.organization_id, progress=close)
            except Exception as error:  # noqa: BLE001 - whatever it is, there must be one
                ended.append(error)

        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as waiting:
                tasks.start_soon(load, waiting)
                await anyio.sleep_forever()
            await asp.aclose()
        (error,) = ended
        assert isinstance(error, ConfigurationError)
        assert "closed" in str(error)
