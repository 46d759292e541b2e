"""The default music station: what goes on the wire, what is refused, what comes back, and the look-up of stations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from alexa_props import DefaultStation, SmartProperties, Stations, errors
from alexa_props.smart_properties.unit_settings import Station
from tests.helpers import ORIGIN, STATION, Service, answer, smart_properties

TOP_40 = DefaultStation("I_HEART_RADIO", "4802")
SETTING = "settings/MusicExperience.defaultStationPreferences"

PATHS = [
    ("amzn1.alexa.unit.did.AB-C_1", "amzn1.alexa.unit.did.AB-C_1"),
    ("~caller", "~caller"),
    ("a/b", "a%2Fb"),
    ("../units", "..%2Funits"),
    ("...", "..."),
    ("a?b=c&d", "a%3Fb%3Dc%26d"),
    ("a#b", "a%23b"),
    ("%2F", "%252F"),
    ("100%", "100%25"),
    (" a b ", "%20a%20b%20"),
    ("a+b", "a%2Bb"),
    ("Zürich", "Z%C3%BCrich"),
    ("部屋", "%E9%83%A8%E5%B1%8B"),
    ("🛏", "%F0%9F%9B%8F"),
    ("a:b@c;d,e", "a%3Ab%40c%3Bd%2Ce"),
    ("[{|}]\\^`", "%5B%7B%7C%7D%5D%5C%5E%60"),
    ("{unit_id}", "%7Bunit_id%7D"),
    ("\x00\r\n\t", "%00%0D%0A%09"),
]
NOT_IDS: list[Any] = [
    None,
    "",
    ".",
    "..",
    5,
    True,
    b"x",
    ["u"],
    {"u": "v"},
    "\ud800",
]

Call = Callable[[SmartProperties, Any], Awaitable[Any]]
GET: Call = lambda asp, unit_id: asp.unit_settings.get_default_music_station(unit_id)  # noqa: E731 - a row of a table
SET: Call = lambda asp, unit_id: asp.unit_settings.set_default_music_station(unit_id, TOP_40)  # noqa: E731 - likewise


# On the wire


@pytest.mark.parametrize(("call", "method"), [(GET, "GET"), (SET, "PUT")], ids=["get", "set"])
@pytest.mark.parametrize(("unit_id", "path"), PATHS)
async def test_the_unit_is_one_segment_of_the_path(call: Call, method: str, unit_id: str, path: str) -> None:
    service = Service()
    await call(smart_properties(service), unit_id)
    (seen,) = service.seen
    assert (seen.method, seen.url.raw_path.decode()) == (method, f"/v2/units/{path}/{SETTING}")
    assert f"{seen.url.scheme}://{seen.url.host}" == ORIGIN


async def test_reading_sends_no_body() -> None:
    service = Service()
    assert await GET(smart_properties(service), "u") == TOP_40
    (seen,) = service.seen
    assert (seen.content, "Content-Type" in seen.headers) == (b"", False)
    assert seen.headers["Accept"] == "application/json"


@pytest.mark.parametrize(
    "station",
    [
        TOP_40,
        DefaultStation(provider_id="TUNEIN", station_id="s16492"),
        DefaultStation("A_PROVIDER_OF_TOMORROW", "a/b ?#%"),
        DefaultStation("ラジオ", "Zürich 🎵"),
        DefaultStation('"quoted"', "\\back\nslash"),
        DefaultStation(" ", "0"),
        *(row.setting for row in Stations.ALL),
    ],
)
async def test_setting_sends_provider_and_station_and_nothing_else(station: DefaultStation) -> None:
    service = Service(204)
    await smart_properties(service).unit_settings.set_default_music_station("u", station)
    (seen,) = service.seen
    assert seen.json == {"providerId": station.provider_id, "stationId": station.station_id}
    assert (seen.headers["Content-Type"], seen.headers["Accept"]) == ("application/json", "application/json")


# Refused


@pytest.mark.parametrize("call", [GET, SET], ids=["get", "set"])
@pytest.mark.parametrize("unit_id", NOT_IDS)
async def test_what_is_no_id_of_a_unit(call: Call, unit_id: Any) -> None:
    service = Service()
    with pytest.raises(errors.ConfigurationError, match=r"\bunit_id\b"):
        await call(smart_properties(service), unit_id)
    assert service.seen == []


@pytest.mark.parametrize("call", [GET, SET], ids=["get", "set"])
async def test_an_id_that_is_too_long_for_a_url(call: Call) -> None:
    service = Service()
    with pytest.raises(errors.ConfigurationError, match=r"^unit_settings\.\w+ cannot be sent .*too long$"):
        await call(smart_properties(service), "x" * 70_000)
    assert service.seen == []


@pytest.mark.parametrize(
    "station",
    [None, "4802", 4802, True, b"4802", [], ("I_HEART_RADIO", "4802"), STATION, DefaultStation, Stations],
)
async def test_what_is_no_station(station: Any) -> None:
    service = Service()
    with pytest.raises(
        errors.ConfigurationError,
        match=r"^station must be a DefaultStation, or a Station such as Stations.find gives, not ",
    ):
        await smart_properties(service).unit_settings.set_default_music_station("u", station)
    assert service.seen == []


@pytest.mark.parametrize("part", ["provider_id", "station_id"])
@pytest.mark.parametrize("value", [None, "", 4802, True, b"4802", ["4802"], "\ud800"])
async def test_a_part_of_a_station_that_is_no_string(part: str, value: Any) -> None:
    service = Service()
    station = DefaultStation(**{"provider_id": "TUNEIN", "station_id": "s1", part: value})
    with pytest.raises(errors.ConfigurationError, match=rf"^station\.{part} must be "):
        await smart_properties(service).unit_settings.set_default_music_station("u", station)
    assert service.seen == []


# What comes back


@pytest.mark.parametrize(
    ("body", "station"),
    [
        (STATION, TOP_40),
        ({**STATION, "label": "American Top 40", "new": {"deep": [1]}}, TOP_40),
        ({"providerId": "A_PROVIDER_OF_TOMORROW", "stationId": "?"}, DefaultStation("A_PROVIDER_OF_TOMORROW", "?")),
        ({"providerId": "TUNEIN", "stationId": 16492}, DefaultStation("TUNEIN", "16492")),
        ({"providerId": "", "stationId": ""}, DefaultStation("", "")),
    ],
)
async def test_the_station(body: Any, station: DefaultStation) -> None:
    assert await GET(smart_properties(Service(answer(json=body))), "u") == station


async def test_no_value_is_none() -> None:
    assert await GET(smart_properties(Service(204)), "u") is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, r"required member is missing @ \S*providerId; a required member is missing @ \S*stationId"),
        ({"providerId": "TUNEIN"}, r"a required member is missing @ \S*stationId"),
        ({"providerId": "TUNEIN", "stationId": None}, r"a string was expected, not null @ \S*stationId"),
        ({"providerId": None, "stationId": "s1"}, r"a string was expected, not null @ \S*providerId"),
        ({"providerId": ["TUNEIN"], "stationId": "s1"}, r"a string was expected, not an array @ \S*providerId"),
        ({"provider_id": "TUNEIN", "station_id": "s1"}, r"a required member is missing @ \S*providerId"),
    ],
)
async def test_a_station_in_part_is_no_station(body: Any, said: str) -> None:
    service = Service(answer(json=body, x_amzn_RequestId="request-1"))
    with pytest.raises(errors.DecodeError, match=rf"get_default_music_station\('room-7'\): .*{said}.*request-1"):
        await GET(smart_properties(service), "room-7")


@pytest.mark.parametrize("response", [answer(204), answer(200), answer(200, json=STATION), answer(202, json=[7])])
async def test_setting_reads_no_answer(response: Any) -> None:
    service = Service(response)
    await smart_properties(service).unit_settings.set_default_music_station("u", TOP_40)
    assert len(service.seen) == 1


# Stations


@pytest.mark.parametrize("row", Stations.ALL)
def test_every_station_is_found_by_id_and_by_label_whatever_the_case(row: Station) -> None:
    for text in filter(None, (row.station_id, row.label)):
        for form in (text, text.lower(), text.upper(), text.swapcase()):
            assert Stations.find(form) is row


@pytest.mark.parametrize("text", ["", " ", "IHR", "IHR_POP ", "48", "None", "I_HEART_RADIO", "TUNEIN", "🎵"])
def test_what_names_no_station(text: str) -> None:
    assert Stations.find(text) is None


@pytest.mark.parametrize(("provider_id", "count"), [("I_HEART_RADIO", 14), ("TUNEIN", 1), ("", 0), ("SPOTIFY", 0)])
def test_the_stations_of_a_provider(provider_id: str, count: int) -> None:
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
