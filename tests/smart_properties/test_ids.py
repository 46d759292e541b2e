"""Models in place of their ids: as items of a fleet, and in results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alexa_props import RateLimit, Stations, fleet
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.endpoints import UnitRef
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
