"""Settings of a unit: its default music station.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/asp-core-unit-api.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from alexa_props.client import Client
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Operation, Param
from alexa_props.settings import require_id
from alexa_props.smart_properties.ids import UnitId

__all__ = ["OPERATIONS", "DefaultStation", "Station", "Stations", "UnitSettings"]

_SOURCE: Final = "https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/asp-core-unit-api.html"


@attrs.frozen
class DefaultStation:
    """The station that plays when somebody in the room just asks for music.

    Attributes:
        provider_id: radio provider, such as "I_HEART_RADIO" or "TUNEIN".
        station_id: station at that provider, always a string, such as "4802".

    """

    provider_id: str
    station_id: str


@attrs.frozen
class Station:
    """A row of the table of known stations.

    Attributes:
        provider_id: radio provider.
        station_id: station at that provider.
        label: Amazon's name for it; None where none is known.

    """

    provider_id: str
    station_id: str
    label: str | None = None

    @property
    def setting(self) -> DefaultStation:
        """The row as what `set_default_music_station` takes."""
        return DefaultStation(self.provider_id, self.station_id)


class Stations:
    """Stations that Amazon's pages and samples name. A help for look-ups, not a gate: other ids are sent as they are.

    The iHeartRadio rows come from an earlier hospitality edition of the page, the TuneIn row from Amazon's samples; the
    current table is not public.

    Source: https://developer.amazon.com/en-GB/docs/alexa/alexa-smart-properties/alexa-for-hospitality-unit-api.html
    """

    ALL: Final[tuple[Station, ...]] = (
        Station("I_HEART_RADIO", "4802", "American Top 40"),
        Station("I_HEART_RADIO", "4426", "IHR_CLASSIC_ROCK"),
        Station("I_HEART_RADIO", "4429", "IHR_HIPHOP"),
        Station("I_HEART_RADIO", "4422", "IHR_POP"),
        Station("I_HEART_RADIO", "4418", "IHR_COUNTRY"),
        Station("I_HEART_RADIO", "7193", "IHR_LATIN"),
        Station("I_HEART_RADIO", "5953", "IHR_DANCE"),
        Station("I_HEART_RADIO", "5162", "IHR_GOSPEL"),
        Station("I_HEART_RADIO", "4242", "IHR_JAZZ"),
        Station("I_HEART_RADIO", "6377", "IHR_CLASSICAL"),
        Station("I_HEART_RADIO", "4409", "IHR_MIX"),
        Station("I_HEART_RADIO", "4717", "IHR_OLDIES"),
        Station("I_HEART_RADIO", "4447", "IHR_ALTERNATIVE"),
        Station("I_HEART_RADIO", "7312", "IHR_WYNN_MUSIC"),
        Station("TUNEIN", "s16492"),
    )

    @classmethod
    def find(cls, text: str) -> Station | None:
        """The first station whose label or id is `text`, case aside; None if there is none."""
        wanted = text.casefold()
        return next(
            (row for row in cls.ALL if wanted in (row.station_id.casefold(), (row.label or row.station_id).casefold())),
            None,
        )

    @classmethod
    def of(cls, provider_id: str) -> Iterator[Station]:
        """The stations of a provider."""
        return (row for row in cls.ALL if row.provider_id == provider_id)


_PATH: Final = "/v2/units/{unit_id}/settings/MusicExperience.defaultStationPreferences"

GET: Final = Operation(
    name="unit_settings.get_default_music_station",
    method="GET",
    path=_PATH,
    params=(Param("unit_id", None, "path"),),
    answer=DefaultStation,
    subject="unit_id",
    source=_SOURCE,
)
SET: Final = Operation(
    name="unit_settings.set_default_music_station",
    method="PUT",
    path=_PATH,
    params=(Param("unit_id", None, "path"), Param("station", None, "body")),
    subject="unit_id",
    source=_SOURCE,
)
OPERATIONS: Final = (GET, SET)


def require_station(station: object) -> DefaultStation:
    """The setting, which may be given as a row of `Stations`; raises `ConfigurationError` for anything else."""
    if isinstance(station, Station):
        return station.setting
    if not isinstance(station, DefaultStation):
        raise ConfigurationError(
            f"station must be a DefaultStation, or a Station such as Stations.find gives, not {station!r:.80}"
        )
    return station


class UnitSettings:
    """`client.unit_settings`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get_default_music_station(self, unit_id: UnitId) -> DefaultStation | None:
        """The default music station of a unit; None if the setting has no value.

        Args:
            unit_id: the unit, normally a room.

        Raises:
            ConfigurationError: `unit_id` cannot be an id.
            Unauthorized: the token was refused (401).
            Forbidden: no permission (403).
            Throttled: over the quota, retries included (429).
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/asp-core-unit-api.html

        """
        station: DefaultStation | None = await self._client.call(GET, {"unit_id": unit_id})
        return station

    async def set_default_music_station(self, unit_id: UnitId, station: DefaultStation | Station) -> None:
        """Set the default music station of a unit. Setting it twice is the same as once, so it is retried.

        Args:
            unit_id: the unit, normally a room.
            station: provider and station; ids that `Stations` does not know are sent all the same.

        Raises:
            ConfigurationError: `unit_id` cannot be an id, or `station` has an empty part.
            BadRequest: the service does not accept the station (400).
            Forbidden: no permission (403).
            Throttled: over the quota, retries included (429).
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/asp-core-unit-api.html

        """
        station = require_station(station)
        require_id("station.provider_id", station.provider_id)
        require_id("station.station_id", station.station_id)
        await self._client.call(SET, {"unit_id": unit_id, "station": station})
