"""Models in place of their ids: as items of a fleet, and in results."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from alexa_props import RateLimit, Stations, fleet
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.address_books import Contact
from alexa_props.smart_properties.communications import NewProfile
from alexa_props.smart_properties.endpoints import UnitRef
from alexa_props.smart_properties.skills import EnablementRequest
from alexa_props.smart_properties.units import Unit
from tests.helpers import Service, answer, smart_properties


@pytest.fixture
async def sim() -> Any:
    async with Simulator(rooms=6, endpoints_per_room=2, seed=7) as sim:
        yield sim


async def test_models_are_items_of_a_fleet(sim: Simulator, tmp_path: Path) -> None:
    fast = RateLimit(per_second=1e6)
    asp, a4b = sim.smart_properties(rate_limit=fast), sim.for_business(rate_limit=fast)
    rooms = [room async for room in fleet.walk_rooms(asp, sim.organization_id)]
    units = [unit async for unit in asp.units.list(sim.organization_id, depth="all") if unit.id in rooms]
    for _ in range(2):
        report = await fleet.collect(asp.alerts.delete_alarms, units, journal=tmp_path / "alarms.db", ordered=True)
    property_, *_ = [unit async for unit in asp.units.list(sim.organization_id)]
    assert {room async for room in fleet.walk_rooms(asp, property_)} == set(rooms)
    assert report.skipped == len(rooms) == len(units)
    devices = await fleet.collect(asp.endpoints.connectivity, asp.endpoints.list(unit_id=units[0]))
    assert sorted(outcome.key for outcome in devices.done) == sorted(sim.endpoints_in(units[0].id))
    assert len((await fleet.collect(a4b.devices.get, a4b.devices.search())).done) == 60


async def test_results_and_recipes_hold_the_id_of_a_model() -> None:
    for unit in (Unit("unit-7", name="320"), UnitRef("unit-7")):
        service = Service(answer(200, {"errors": [{"endpointId": "e", "code": "c"}]}), None)
        asp = smart_properties(service)
        assert [failure.unit_id async for failure in asp.alerts.delete_alarms(unit)] == ["unit-7"]
        assert await fleet.ensure_default_music_station(asp, unit, Stations.ALL[0]) is False
        assert all("unit-7" in str(seen.url) for seen in service.seen)


async def test_items_of_batches_that_are_about_a_unit_have_its_id_as_key(sim: Simulator, tmp_path: Path) -> None:
    asp, rooms = sim.smart_properties(), sim.rooms
    enable = functools.partial(asp.skills.enable_many, "skill-1")
    unit = Unit(rooms[1])
    calls: list[tuple[Any, list[Any]]] = [
        (asp.communication_profiles.create_many, [NewProfile(rooms[0], "Room"), NewProfile(unit)]),
        (enable, [EnablementRequest(rooms[0], "10-101"), EnablementRequest(unit)]),
    ]
    for call, items in calls:
        journal = tmp_path / f"{len(sim.calls)}.db"
        report = await fleet.collect_many(call, items, journal=journal)
        assert sorted(outcome.key for outcome in report.done) == sorted(rooms[:2])
        assert (await fleet.collect_many(call, items, journal=journal)).skipped == 2


async def test_a_profile_stands_in_for_its_id_in_contacts_and_account_associations(sim: Simulator) -> None:
    asp = sim.smart_properties()
    profile = await asp.communication_profiles.create(sim.rooms[0])
    book = await asp.address_books.create("Front desk")
    contact = await asp.contacts.create(book, Contact("Room 1", alexa_communication_profile_id=profile))
    assert (await asp.contacts.get(book, contact)).contact == Contact("Room 1", None, profile.id)
    provider = await asp.service_providers.create("care")
    await asp.account_associations.create(provider, "7202", profile)
    [found] = [each async for each in asp.account_associations.query(provider, ["7202"])]
    assert found.amazon_id == profile.id
