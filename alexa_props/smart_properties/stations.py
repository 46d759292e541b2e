"""Music stations that Amazon's pages and samples name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

__all__ = ["DefaultStation", "Station", "Stations"]


@attrs.frozen
class DefaultStation:
    """The station that plays when somebody in the room asks for music without naming any."""

    provider_id: str
    """Radio provider, such as "I_HEART_RADIO" or "TUNEIN"."""
    station_id: str
    """Station at that provider, always a string, such as "4802"."""


@attrs.frozen
class Station:
    """A row of the table of known stations."""

    provider_id: str
    station_id: str
    label: str | None = None
    """Amazon's name for it; None if none is known."""

    @property
    def setting(self) -> DefaultStation:
        """The row in the form that the service takes."""
        return DefaultStation(self.provider_id, self.station_id)


class Stations:
    """Stations that Amazon's pages and samples name: for look-ups, other ids are sent too.

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
        """Return the first station whose label or id is `text`, ignoring case; None if there is none."""
        wanted = text.casefold()
        return next(
            (row for row in cls.ALL if wanted in (row.station_id.casefold(), (row.label or row.station_id).casefold())),
            None,
        )

    @classmethod
    def of(cls, provider_id: str) -> Iterator[Station]:
        """Return the stations of a provider."""
        return (row for row in cls.ALL if row.provider_id == provider_id)
