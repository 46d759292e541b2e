"""Settings of units: the default music station, and icons of menus, which no operation reads."""

from __future__ import annotations

from typing import Final

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.requests import body_object, known_unit
from alexa_props.simulator.responses import Problem, Response, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.store import Key
from alexa_props.simulator.tree import Station, Unit

STATION = "/v2/units/{unitId}/settings/MusicExperience.defaultStationPreferences"

MENU_ICONS: Final = Key[dict[str, dict[str, str]]]("menu icons", lambda _: {})
"""The statuses of icons by unit and name."""


def _unit(context: Context) -> Unit:
    unit = context.service.tree.units.get(context.params["unitId"])
    if unit is None or unit.id in context.service.forbidden_units:
        # The status table of these operations has no 404: there is no permission for an unknown unit.
        raise Problem(403, "The caller has no permission for this unit.")
    return unit


@route("unit_settings.get_default_music_station", "GET", STATION)
def get_station(context: Context) -> Response:
    """Return the default station of a unit: 204 if it has none."""
    station = _unit(context).station
    if station is None:
        return no_content()
    return json_response({"providerId": station.provider_id, "stationId": station.station_id})


@route("unit_settings.set_default_music_station", "PUT", STATION)
def set_station(context: Context) -> Response:
    """Set the default station of a unit."""
    unit, body = _unit(context), body_object(context)
    provider, station = body.get("providerId"), body.get("stationId")
    if not (isinstance(provider, str) and provider and isinstance(station, str) and station):
        raise Problem(400, "providerId and stationId are required, and must be strings.")
    unit.station = Station(provider, station)
    return no_content()


@route("unit_settings.set_menu_icons", "POST", "/v2/units/{unitId}/settings/menuIcons")
def set_menu_icons(context: Context) -> Response:
    """Store the statuses of some icons. Inferred: others remain, and an empty list is refused."""
    unit = known_unit(context, context.params["unitId"])
    icons = require_members(context.json, {"menuIcons": list})["menuIcons"]
    if not icons:
        raise Problem(400, "menuIcons must not be empty.")
    for icon in icons:
        require_members(icon, {"name": str, "status": str})
    stored = context.service.store[MENU_ICONS].setdefault(unit.id, {})
    stored.update((icon["name"], icon["status"]) for icon in icons)
    return no_content()
