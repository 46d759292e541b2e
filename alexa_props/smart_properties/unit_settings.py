"""Settings of a unit: its default music station."""

from __future__ import annotations

from typing import Final

from alexa_props.arguments import require_id
from alexa_props.client import Resource
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Group
from alexa_props.smart_properties.ids import UnitId
from alexa_props.smart_properties.stations import DefaultStation, Station, Stations

__all__ = ["OPERATIONS", "DefaultStation", "Station", "Stations", "UnitSettings"]

_STATION: Final = "/v2/units/{unit_id}/settings/MusicExperience.defaultStationPreferences"

_api: Final = Group("unit_settings", "asp-core-unit-api.html")
GET: Final = _api.get("get_default_music_station", _STATION, DefaultStation, nullable=True)
SET: Final = _api.put("set_default_music_station", _STATION)
OPERATIONS: Final = _api.operations


class UnitSettings(Resource):
    """Read and set the default music station of a unit, normally a room."""

    async def get_default_music_station(self, unit_id: UnitId) -> DefaultStation | None:
        """Return the default music station of a unit; None if the setting has no value."""
        return await self._call(GET, unit_id=unit_id)

    async def set_default_music_station(self, unit_id: UnitId, station: DefaultStation | Station) -> None:
        """Set the default music station of a unit. Ids that `Stations` does not know are sent too.

        Raises:
            BadRequest: The service does not accept the station.
        """
        await self._call(SET, unit_id=unit_id, body=require_station(station))


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
