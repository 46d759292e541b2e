"""Alexa Smart Properties as users call it. mypy and pyright check the types; nothing here runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable
from typing import Literal, assert_type

from alexa_props import Address, DefaultStation, NotificationKind, Setting, SmartProperties, Stations
from alexa_props.errors import EndpointFailure
from alexa_props.fleet import Room
from alexa_props.settings import Secret
from alexa_props.smart_properties.batch import BatchResult
from alexa_props.smart_properties.endpoints import Connection, Endpoint, Feature, FeatureProperty, UnitRef
from alexa_props.smart_properties.setting import Enablement, TimeFormat, WakeWord
from alexa_props.smart_properties.stations import Station
from alexa_props.smart_properties.units import Unit
from alexa_props.smart_properties.wifi import CredentialConfiguration, WifiConfiguration


async def returns_none(call: Awaitable[None]) -> None:
    """mypy refuses `assert_type` of what is always None."""
    await call


async def units(asp: SmartProperties) -> None:
    unit = await asp.units.get("unit")
    assert_type(unit, Unit)
    assert_type(unit.id, str)
    name: str | None = unit.name
    assert_type(unit.parent_id, str | None)
    assert_type(unit.level, int | None)
    assert_type(await asp.units.create(unit, name or "Room 320"), str)
    await returns_none(asp.units.update(unit, "Room 320"))
    await returns_none(asp.units.delete(unit))
    asp.units.list(unit, depth=2, page_size=50)
    async for below in asp.units.list("organization", depth="all", expand="all"):
        assert_type(below, Unit)


async def endpoints(asp: SmartProperties, unit: Unit) -> None:
    asp.endpoints.list(unit_id=unit, serial_number="G090", mac_address="00:00", reachability="OK")
    asp.endpoints.list(owner="~caller", expand=["all", "feature:connectivity"], page_size=10)
    async for endpoint in asp.endpoints.list(unit_id=unit, expand="all"):
        assert_type(endpoint, Endpoint)
        assert_type(endpoint.id, str)
        await asp.units.update(unit, endpoint.friendly_name or "Echo")
        assert_type(endpoint.connections, tuple[Connection, ...])
        assert_type(endpoint.associated_units, tuple[UnitRef, ...])
        assert_type(endpoint.features, tuple[Feature, ...])
        assert_type(endpoint.reachability, str | None)
    assert_type(await asp.endpoints.get("endpoint", expand="feature:connectivity"), Endpoint)
    async for endpoint in asp.endpoints.query(unit_ids=[unit, "unit"], expand="all"):
        assert_type(await asp.endpoints.associate(endpoint, unit), str | None)
    asp.endpoints.query({"or": [{"match": {"associatedUnits.id": "unit"}}]}, page_size=10)
    key = CredentialConfiguration(private_shared_key="password").private_shared_key
    assert_type(key, Secret | None)
    await asp.wifi.save([WifiConfiguration("Guest", "WPAPSK", credential_configuration=CredentialConfiguration())])
    assert_type(await asp.discovery_sessions.create(unit, "skill", stage="live"), str)
    feature = await asp.endpoints.connectivity("endpoint")
    assert_type(feature, Feature)
    assert_type(feature.properties, tuple[FeatureProperty, ...])
    sampled: list[dt.datetime] = [prop.time_of_sample for prop in feature.properties if prop.time_of_sample]
    assert_type(sampled[0].year, int)


async def models_go_where_their_ids_go(asp: SmartProperties, unit: Unit, room: Room, endpoint: Endpoint) -> None:
    for each in (unit, room, UnitRef("unit"), "unit"):
        await asp.units.get(each)
        await asp.alerts.delete_alarms(each)
        await asp.unit_settings.get_default_music_station(each)
        await asp.notifications.delete(each)
    for device in (endpoint, "endpoint"):
        await asp.features.set_volume(device, 30)
        await asp.endpoint_settings.get(device, Setting.LOCALES)
    await asp.notifications.delete_many([unit, room, "unit"])


async def the_default_music_station(asp: SmartProperties, unit: Unit) -> None:
    station = await asp.unit_settings.get_default_music_station(unit)
    assert_type(station, DefaultStation | None)
    if station is not None:
        assert_type(station.provider_id, str)
        assert_type(station.station_id, str)
    new = DefaultStation(provider_id="I_HEART_RADIO", station_id="4802")
    await returns_none(asp.unit_settings.set_default_music_station(unit, new))
    assert_type(Stations.ALL, tuple[Station, ...])
    for known in Stations.ALL:
        await asp.unit_settings.set_default_music_station(unit, known)
    assert_type(Stations.find("jazz"), Station | None)


async def deletions_are_awaited_or_iterated(asp: SmartProperties, unit: Unit) -> None:
    await returns_none(asp.alerts.delete_alarms(unit))
    await returns_none(asp.alerts.delete_timers(unit))
    async for failure in asp.alerts.delete_reminders(unit):
        assert_type(failure, EndpointFailure)
        assert_type(failure.unit_id, str | None)
        assert_type(failure.endpoint_id, str | None)
        assert_type(failure.code, str | None)


async def notifications(asp: SmartProperties, unit: Unit) -> None:
    await returns_none(asp.notifications.delete(unit))
    await asp.notifications.delete(unit, "PersistentVisualAlert")
    await asp.notifications.delete(unit, NotificationKind.DEVICE_NOTIFICATION)
    assert_type(await asp.notifications.delete_many({"unit"}, [NotificationKind.PERSISTENT_VISUAL_ALERT]), BatchResult)


async def features(asp: SmartProperties, endpoint: Endpoint) -> None:
    assert_type(await asp.features.get_speaker(endpoint), Feature)
    assert_type((await asp.features.get_speaker(endpoint)).volume, int | None)
    await returns_none(asp.features.set_volume(endpoint, 30))
    await returns_none(asp.features.adjust_volume(endpoint, -10))
    assert_type(await asp.features.get_bluetooth(endpoint), Feature)
    await returns_none(asp.features.unpair_bluetooth(endpoint))


async def a_setting_has_the_type_of_its_kind(asp: SmartProperties, endpoint: Endpoint) -> None:
    settings = asp.endpoint_settings
    assert_type(await settings.get(endpoint, Setting.DO_NOT_DISTURB), bool | None)
    assert_type(await settings.get(endpoint, Setting.MAXIMUM_VOLUME_LIMIT), int | None)
    assert_type(await settings.get(endpoint, Setting.SPEAKING_RATE), float | None)
    assert_type(await settings.get(endpoint, Setting.TIME_ZONE), str | None)
    assert_type(await settings.get(endpoint, Setting.TIME_FORMAT), TimeFormat | str | None)
    assert_type(await settings.get(endpoint, Setting.LOCALES), tuple[str, ...] | None)
    await returns_none(settings.set(endpoint, Setting.DO_NOT_DISTURB, True))
    await returns_none(settings.set(endpoint, Setting.MAXIMUM_VOLUME_LIMIT, 70))
    await returns_none(settings.set(endpoint, Setting.SPEAKING_RATE, 1.25))
    await returns_none(settings.set(endpoint, Setting.TIME_FORMAT, TimeFormat.HOURS_24))
    await returns_none(settings.set(endpoint, Setting.CLOSED_CAPTIONS, Enablement.ENABLED))
    await returns_none(settings.set(endpoint, Setting.LOCALES, ["en-US", "es-US"]))
    await returns_none(settings.set(endpoint, Setting.WAKE_WORDS, (WakeWord.ECHO,)))


async def an_address(asp: SmartProperties, endpoint: Endpoint) -> None:
    address = await asp.endpoint_settings.get_address(endpoint)
    assert_type(address, Address | None)
    if address is not None:
        assert_type(address.city, str | None)
    await returns_none(asp.endpoint_settings.set_address(endpoint, Address(city="Seattle", country_code="US")))


async def a_view_is_a_client_of_the_same_class(asp: SmartProperties) -> None:
    priority: Literal["interactive", "bulk"] = "bulk"
    fast = asp.with_options(deadline=5.0, max_wait=1, priority=priority)
    assert_type(fast, SmartProperties)
    assert_type(await fast.units.get("unit"), Unit)
