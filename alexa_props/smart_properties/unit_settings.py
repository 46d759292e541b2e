"""Settings of a unit: its default music station, and the icons of menus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from alexa_props.arguments import require_id
from alexa_props.client import Resource
from alexa_props.errors import ConfigurationError
from alexa_props.field_types import require_models
from alexa_props.operation import Group
from alexa_props.smart_properties.ids import UnitId
from alexa_props.smart_properties.stations import DefaultStation, Station, Stations

__all__ = ["OPERATIONS", "DefaultStation", "MenuIcon", "Station", "Stations", "UnitSettings"]


@attrs.frozen
class MenuIcon:
    """An icon of a menu, and whether it is shown. Neither names nor statuses are documented."""

    name: str
    status: str


_STATION: Final = "/v2/units/{unit_id}/settings/MusicExperience.defaultStationPreferences"

_api: Final = Group("unit_settings", "asp-core-unit-api.html")
GET: Final = _api.get("get_default_music_station", _STATION, DefaultStation, nullable=True)
SET: Final = _api.put("set_default_music_station", _STATION)
_sample: Final = Group("unit_settings", "https://github.com/alexa-smart-properties/asp-cli-for-nodejs")
SET_MENU_ICONS: Final = _sample.post("set_menu_icons", "/v2/units/{unit_id}/settings/menuIcons", idempotent=True)
OPERATIONS: Final = (*_api.operations, *_sample.operations)


class UnitSettings(Resource):
    """Read and set the default music station of a unit, normally a room, and set icons of its menus.

        await asp.unit_settings.set_default_music_station(unit_id, DefaultStation("I_HEART_RADIO", "4802"))
        print(await asp.unit_settings.get_default_music_station(unit_id))

    `Stations` has those that Amazon's pages list.
    """

    async def get_default_music_station(self, unit_id: UnitId) -> DefaultStation | None:
        """Return the default music station of a unit; None if the setting has no value."""
        return await self._call(GET, unit_id=unit_id)

    async def set_default_music_station(self, unit_id: UnitId, station: DefaultStation | Station) -> None:
        """Set the default music station of a unit. Ids that `Stations` does not know are sent too."""
        await self._call(SET, unit_id=unit_id, body=require_station(station))

    async def set_menu_icons(self, unit_id: UnitId, menu_icons: Iterable[MenuIcon]) -> None:
        """Show or hide icons of menus on the devices of a unit. Used by Amazon's tool, but not documented."""
        await self._call(SET_MENU_ICONS, unit_id=unit_id, menu_icons=require_models("menu_icons", menu_icons, MenuIcon))


def require_station(station: object) -> DefaultStation:
    """Return the setting for a station or a row of `Stations`; raises `ConfigurationError` for anything else."""
    setting = station.setting if isinstance(station, Station) else station
    if not isinstance(setting, DefaultStation):
        raise ConfigurationError(
            f"station must be a DefaultStation, or a Station such as Stations.find returns, not {station!r:.80}"
        )
    require_id("station.provider_id", setting.provider_id)
    require_id("station.station_id", setting.station_id)
    return setting
