"""The default music station: which stations are sent and read, and the look-up of known ones."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_props import DefaultStation, Stations, errors
from alexa_props.smart_properties.unit_settings import Station
from tests.helpers import STATION, Service, answer, get, smart_properties

TOP_40 = DefaultStation("I_HEART_RADIO", "4802")


async def test_any_station_is_sent_verbatim() -> None:
    service = Service(204)
    for station in (
        DefaultStation(provider_id="TUNEIN", station_id="s16492"),
        DefaultStation("A_PROVIDER_OF_TOMORROW", "a/b ?#%"),
        DefaultStation("ラジオ", '"\\back\nslash🎵'),
        DefaultStation(" ", "0"),
        *(row.setting for row in Stations.ALL),
    ):
        await smart_properties(service).unit_settings.set_default_music_station("u", station)
        assert service.seen[-1].json == {"providerId": station.provider_id, "stationId": station.station_id}


async def test_rejects_what_is_no_station() -> None:
    service = Service()
    set_station = smart_properties(service).unit_settings.set_default_music_station
    nothing: list[Any] = [None, "4802", 4802, True, b"4802", [], ("TUNEIN", "s1"), STATION, DefaultStation, Stations]
    for station in nothing:
        with pytest.raises(errors.ConfigurationError, match=r"^station must be a DefaultStation, or a Station "):
            await set_station("u", station)
    values: list[Any] = [None, "", 4802, True, b"4802", ["4802"], "\ud800"]
    for part in ("provider_id", "station_id"):
        for value in values:
            parts = {"provider_id": "TUNEIN", "station_id": "s1", part: value}
            with pytest.raises(errors.ConfigurationError, match=rf"^station\.{part} must be "):
                await set_station("u", DefaultStation(**parts))
    assert service.seen == []


STATIONS: list[tuple[Any, DefaultStation]] = [
    ({**STATION, "label": "American Top 40", "new": {"deep": [1]}}, TOP_40),
    ({"providerId": "A_PROVIDER_OF_TOMORROW", "stationId": "?"}, DefaultStation("A_PROVIDER_OF_TOMORROW", "?")),
    ({"providerId": "TUNEIN", "stationId": 16492}, DefaultStation("TUNEIN", "16492")),
    ({"providerId": "", "stationId": ""}, DefaultStation("", "")),
]


async def test_stations_that_are_read() -> None:
    for body, station in STATIONS:
        assert await get(smart_properties(Service(answer(json=body)))) == station


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, r"required member is missing @ \S*providerId; a required member is missing @ \S*stationId"),
        ({"providerId": "TUNEIN", "stationId": None}, r"a string was expected, not null @ \S*stationId"),
        ({"providerId": ["TUNEIN"], "stationId": "s1"}, r"a string was expected, not an array @ \S*providerId"),
        ({"provider_id": "TUNEIN", "station_id": "s1"}, r"a required member is missing @ \S*providerId"),
    ],
)
async def test_a_station_in_part_is_an_error(body: Any, said: str) -> None:
    service = Service(answer(json=body, x_amzn_RequestId="request-1"))
    with pytest.raises(errors.DecodeError, match=rf"get_default_music_station\('room-7'\): .*{said}.*request-1"):
        await get(smart_properties(service), "room-7")


# Menu icons


async def test_menu_icons_are_a_list_that_is_not_empty() -> None:
    service = Service(204)
    settings = smart_properties(service).unit_settings
    icons: list[Any] = [(), [], "GAMES", {"GAMES": "ON"}, None, 5]
    for each in icons:
        with pytest.raises(errors.ConfigurationError, match=r"^menu_icons must be a list"):
            await settings.set_menu_icons("u", each)
    assert service.seen == []


# Known stations


def test_every_station_is_found_by_id_and_by_label_in_any_case() -> None:
    for row in Stations.ALL:
        for text in filter(None, (row.station_id, row.label)):
            for form in (text, text.lower(), text.upper(), text.swapcase()):
                assert Stations.find(form) is row
    for text in ("", " ", "IHR", "IHR_POP ", "48", "None", "I_HEART_RADIO", "TUNEIN", "🎵"):
        assert Stations.find(text) is None


def test_the_stations_of_a_provider() -> None:
    for provider_id, count in (("I_HEART_RADIO", 14), ("TUNEIN", 1), ("", 0), ("SPOTIFY", 0)):
        rows = list(Stations.of(provider_id))
        assert len(rows) == count
        assert {row.provider_id for row in rows} == ({provider_id} if count else set())


def test_a_row_becomes_a_setting_and_a_label_may_be_missing() -> None:
    assert Station("TUNEIN", "s1").setting == DefaultStation("TUNEIN", "s1")
    assert [row for row in Stations.ALL if row.label is None] == [Station("TUNEIN", "s16492", None)]


def test_stations_are_values() -> None:
    assert {TOP_40, DefaultStation("I_HEART_RADIO", "4802")} == {TOP_40}
    with pytest.raises(AttributeError):
        TOP_40.station_id = "1"  # type: ignore[misc]
