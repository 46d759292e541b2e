"""What users write, for mypy: a line that must not pass has an ignore, which mypy reports where it is not needed."""

from __future__ import annotations

from typing import assert_type

from alexa_props import AlexaForBusiness, SmartProperties, Stations, fleet
from alexa_props import SmartPropertys as misspelled  # type: ignore[attr-defined]  # noqa: F401, N813
from alexa_props.fleet import FleetReport, Room
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit


def options(sim: Simulator) -> None:
    assert_type(SmartProperties.from_env(region="EU", max_connections=10), SmartProperties)
    SmartProperties.from_env(nonsense=True)  # type: ignore[call-arg]
    SmartProperties.from_env(max_connections="10")  # type: ignore[arg-type]
    AlexaForBusiness.from_env(alerts_authorization="bare")  # type: ignore[call-arg]
    assert_type(sim.smart_properties(user_agent="my-app/1.2"), SmartProperties)
    sim.smart_properties(nonsense=True)  # type: ignore[call-arg]
    sim.for_business(nonsense=True)  # type: ignore[call-arg]


async def models_go_where_ids_go(
    asp: SmartProperties, a4b: AlexaForBusiness, unit: Unit, room: Room, endpoint: Endpoint
) -> None:
    for each in (unit, room, "amzn1.alexa.unit.did.a"):
        await asp.alerts.delete_alarms(each)
        await asp.units.update(each, "Room 320")
    for device in (endpoint, "amzn1.alexa.endpoint.did.a"):
        await asp.features.set_volume(device, 30)
    await asp.alerts.delete_alarms(endpoint)  # type: ignore[arg-type]
    await asp.features.set_volume(unit, 30)  # type: ignore[arg-type]
    for station in Stations.ALL:
        await asp.unit_settings.set_default_music_station(room, station)
    assert_type(await fleet.collect(asp.alerts.delete_alarms, asp.units.list(unit)), FleetReport[Unit, None])
    await fleet.collect(a4b.devices.get, a4b.devices.search())
