"""Wrong uses. Each line must be refused by mypy and by pyright: both report an ignore that is not needed."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import httpx

from alexa_props import AlexaForBusiness, RetryPolicy, Setting, SmartProperties, fleet, models
from alexa_props import SmartPropertys as misspelled  # type: ignore[attr-defined]  # noqa: F401, N813
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit


async def arguments(asp: SmartProperties, a4b: AlexaForBusiness, unit: Unit, endpoint: Endpoint) -> None:
    await asp.units.get(320)  # type: ignore[arg-type]
    await asp.units.get()  # type: ignore[call-arg]
    await asp.units.get(unit, "more")  # type: ignore[call-arg]
    await asp.units.get(endpoint)  # type: ignore[arg-type]
    await asp.alerts.delete_alarms(endpoint)  # type: ignore[arg-type]
    await asp.features.set_volume(unit, 30)  # type: ignore[arg-type]
    await asp.features.set_volume(endpoint, "30")  # type: ignore[arg-type]
    await asp.unit_settings.set_default_music_station(unit, "4802")  # type: ignore[arg-type]
    await asp.notifications.delete(unit, "Announcement")  # type: ignore[arg-type]
    await asp.units.list(unit, depth="some")  # type: ignore[arg-type]
    await asp.endpoints.list(owner="me")  # type: ignore[arg-type]
    await asp.endpoints.list(unit)  # type: ignore[call-arg, misc, unused-ignore]
    await a4b.devices.search(filters={"ConnectionStatus": 1})  # type: ignore[dict-item]
    await a4b.devices.get(unit)  # type: ignore[arg-type]


async def results(asp: SmartProperties, unit: Unit) -> None:
    station = await asp.unit_settings.get_default_music_station(unit)
    station.station_id  # type: ignore[union-attr]  # noqa: B018
    (await asp.units.get(unit)).nickname  # type: ignore[attr-defined]  # noqa: B018
    await asp.units.list(unit).pages()  # type: ignore[misc]
    for _ in asp.units.list(unit):  # type: ignore[attr-defined]
        pass
    async for _ in asp.units.get(unit):  # type: ignore[attr-defined]
        pass


async def settings(asp: SmartProperties, endpoint: Endpoint) -> None:
    await asp.endpoint_settings.get(endpoint, "System.locales")  # type: ignore[arg-type]
    await asp.endpoint_settings.set(endpoint, Setting.DO_NOT_DISTURB, "yes")  # type: ignore[misc]
    await asp.endpoint_settings.set(endpoint, Setting.LOCALES, "en-US")  # type: ignore[misc]
    values = await asp.endpoint_settings.get_many(endpoint, [Setting.LOCALES])
    values[Setting.LOCALES].append("en-US")  # type: ignore[union-attr]


async def runs(asp: SmartProperties, rooms: list[str]) -> None:
    await fleet.collect(asp.units.get, [1, 2])  # type: ignore[arg-type]
    await fleet.collect(asp.units.get, rooms, concurency=2)  # type: ignore[call-arg]
    await fleet.collect(len, rooms)  # type: ignore[arg-type]
    async with fleet.run(asp.units.get, rooms, ordered="yes") as run:  # type: ignore[arg-type]
        async for outcome in run:
            outcome.value.name  # type: ignore[union-attr]  # noqa: B018


def options(auth: httpx.Auth, sim: Simulator, asp: SmartProperties) -> None:
    SmartProperties()  # type: ignore[call-arg]
    SmartProperties(auth="token")  # type: ignore[arg-type]
    SmartProperties(auth=auth, region="US")  # type: ignore[arg-type]
    SmartProperties(auth=auth, nonsense=True)  # type: ignore[call-arg]
    SmartProperties(auth=auth, name=320)  # type: ignore[arg-type]
    sim.env(8765)  # type: ignore[arg-type]
    models.Units  # type: ignore[attr-defined]  # noqa: B018
    SmartProperties.from_env(nonsense=True)  # type: ignore[call-arg]
    SmartProperties.from_env(max_connections="10")  # type: ignore[arg-type]
    AlexaForBusiness.from_env(alerts_authorization="bare")  # type: ignore[call-arg]
    AlexaForBusiness(auth=auth, region=None)  # type: ignore[arg-type]
    RetryPolicy(attempts=3)  # type: ignore[call-arg]
    asp.with_options(deadline="5 s")  # type: ignore[arg-type]
    asp.with_options(priority="urgent")  # type: ignore[arg-type]
    sim.smart_properties(nonsense=True)  # type: ignore[call-arg]
    sim.for_business(nonsense=True)  # type: ignore[call-arg]
