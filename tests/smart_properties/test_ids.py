"""Models that go wherever their ids go."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from alexa_props import DefaultStation, Stations, errors, fleet
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.endpoints import Endpoint, UnitRef
from alexa_props.smart_properties.units import Unit
from tests.helpers import Service, answer, for_business, smart_properties

UNIT, REF, ENDPOINT = Unit("unit-7", name=cast("Any", "320")), UnitRef("unit-7"), Endpoint("endpoint-7")


@pytest.fixture
async def sim() -> Any:
    async with Simulator(rooms=6, endpoints_per_room=2, seed=7) as sim:
        yield sim


async def test_units_endpoints_and_devices_are_items_of_a_fleet(sim: Simulator, tmp_path: Path) -> None:
    asp, a4b = sim.smart_properties(), sim.for_business()
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


@pytest.mark.parametrize("unit", [UNIT, REF, "unit-7"])
async def test_a_unit_goes_wherever_its_id_goes(unit: Any) -> None:
    service = Service(answer(200, {"errors": [{"endpointId": "e", "code": "c"}]}))
    asp = smart_properties(service)
    assert [failure.unit_id async for failure in asp.alerts.delete_alarms(unit)] == ["unit-7"]
    service.script = [answer(200, {"id": "unit-7", "results": []})]
    await asp.units.get(unit)
    await asp.units.list(unit)
    await asp.units.create(unit, "321")
    await asp.endpoints.list(unit_id=unit)
    await asp.notifications.delete_many([unit])
    await asp.unit_settings.set_default_music_station(unit, Stations.ALL[0])
    service.script = [None]
    assert await fleet.ensure_default_music_station(asp, unit, Stations.ALL[0]) is False
    sent = [f"{seen.url}{seen.content.decode()}" for seen in service.seen]
    assert all("unit-7" in each and "Unit(" not in each and "UnitRef" not in each for each in sent), sent
    assert DefaultStation("I_HEART_RADIO", "4802") == Stations.ALL[0].setting
    assert service.seen[-2].content == b'{"providerId":"I_HEART_RADIO","stationId":"4802"}'
    service.script = [403]
    with pytest.raises(errors.Forbidden, match=r"units\.get\('unit-7'\): 403"):
        await asp.units.get(unit)


async def test_a_model_of_another_kind_is_no_id() -> None:
    asp, a4b = smart_properties(Service()), for_business(Service())
    with pytest.raises(errors.ConfigurationError, match="unit_id must be an id"):
        await asp.units.get(cast("Any", ENDPOINT))
    with pytest.raises(errors.ConfigurationError, match="endpoint_id must be an id"):
        await asp.endpoints.get(cast("Any", UNIT))
    with pytest.raises(errors.ConfigurationError, match="device_arn must be an id"):
        await a4b.devices.get(cast("Any", ENDPOINT))
