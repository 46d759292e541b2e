"""The wire of settings of units."""

from __future__ import annotations

from alexa_props import DefaultStation, Stations
from alexa_props.smart_properties.unit_settings import MenuIcon
from tests.wire.row import Wire

STATION = DefaultStation("I_HEART_RADIO", "4802")
SETTING = "settings/MusicExperience.defaultStationPreferences"

WIRE = {
    "unit_settings.get_default_music_station": Wire(
        lambda on: on.asp.unit_settings.get_default_music_station(on.room),
        f"GET /v2/units/room-1/{SETTING}",
        response={"providerId": "I_HEART_RADIO", "stationId": "4802"},
        result=STATION,
    ),
    "unit_settings.get_default_music_station, which has no value": Wire(
        lambda on: on.asp.unit_settings.get_default_music_station(on.room),
        f"GET /v2/units/room-1/{SETTING}",
    ),
    "unit_settings.set_default_music_station": Wire(
        lambda on: on.asp.unit_settings.set_default_music_station(on.room, STATION),
        f"PUT /v2/units/room-1/{SETTING}",
        body={"providerId": "I_HEART_RADIO", "stationId": "4802"},
    ),
    "unit_settings.set_default_music_station, to a row of Stations": Wire(
        lambda on: on.asp.unit_settings.set_default_music_station(on.room, Stations.ALL[-1]),
        f"PUT /v2/units/room-1/{SETTING}",
        body={"providerId": "TUNEIN", "stationId": "s16492"},
    ),
    "unit_settings.set_menu_icons": Wire(
        lambda on: on.asp.unit_settings.set_menu_icons(on.room, [MenuIcon("GAMES", "OFF"), MenuIcon("MUSIC", "ON")]),
        "POST /v2/units/room-1/settings/menuIcons",
        idempotent=True,
        body={"menuIcons": [{"name": "GAMES", "status": "OFF"}, {"name": "MUSIC", "status": "ON"}]},
    ),
}
