"""The options for a room's defaults, shared by `room reset` and `fleet run reset`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import alexa_props
from alexa_props.cli.station import parse_station
from alexa_props.errors import ConfigurationError

__all__ = [
    "DistanceUnits",
    "DoNotDisturb",
    "Locales",
    "StationName",
    "TemperatureUnit",
    "TimeZone",
    "Volume",
    "WakeWord",
    "room_defaults",
]

StationName = Annotated[
    str | None,
    typer.Option(
        "--station",
        metavar="STATION",
        help="Default station: a label such as IHR_JAZZ, or PROVIDER:STATION.",
        show_default=False,
    ),
]
Volume = Annotated[
    int | None, typer.Option(metavar="N", min=0, max=100, help="Volume of every device.", show_default=False)
]
DoNotDisturb = Annotated[
    bool | None,
    typer.Option("--do-not-disturb/--disturb", help="Turn do not disturb on or off.", show_default="disturb"),
]
Locales = Annotated[
    list[str] | None,
    typer.Option(
        "--locale",
        metavar="LOCALE",
        help="Locale, such as en-US. Repeat for a second one; put the preferred one first.",
        show_default=False,
    ),
]
WakeWord = Annotated[str | None, typer.Option(metavar="WORD", help="Wake word, such as ALEXA.", show_default=False)]
TimeZone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="Time zone, such as Europe/Paris.", show_default=False)
]
TemperatureUnit = Annotated[
    str | None, typer.Option(metavar="UNIT", help="Unit of temperatures: CELSIUS or FAHRENHEIT.", show_default=False)
]
DistanceUnits = Annotated[
    str | None, typer.Option(metavar="UNITS", help="Units of distances: METRIC or IMPERIAL.", show_default=False)
]


def room_defaults(
    *,
    station: str | None,
    locales: list[str] | None,
    do_not_disturb: bool | None,
    **others: Any,
) -> alexa_props.fleet.RoomDefaults:
    """Return the defaults that the options set.

    Raises:
        typer.BadParameter: An option is invalid.

    """
    try:
        return alexa_props.fleet.RoomDefaults(
            station=None if station is None else parse_station(station),
            locales=locales or None,
            do_not_disturb=bool(do_not_disturb),
            **others,
        )
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None
