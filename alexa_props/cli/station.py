"""`alexa-props station`: the default station of a unit."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

import alexa_props
from alexa_props.cli.completion import complete_station
from alexa_props.cli.exit import run
from alexa_props.cli.places import RoomName
from alexa_props.cli.rows import Rows
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options

__all__ = ["parse_station", "station"]

station = typer.Typer(no_args_is_help=True, help="Show or set the default music station.")

_COLUMNS: Final = ("room", "path", "station", "unit_id")


def parse_station(text: str) -> alexa_props.DefaultStation:
    """Return the station of a label, or of PROVIDER:STATION.

    Raises:
        typer.BadParameter: It is neither.

    """
    known = alexa_props.Stations.find(text)
    if known is not None:
        return known.setting
    provider_id, _, station_id = text.partition(":")
    if provider_id and station_id:
        return alexa_props.DefaultStation(provider_id, station_id)
    labels = ", ".join(row.label for row in alexa_props.Stations.ALL if row.label)
    raise typer.BadParameter(f"{text!r} is not a known station: give PROVIDER:STATION, or one of {labels}")


@station.command("get")
@with_shared_options()
def get_station(*, room: RoomName, access: Access) -> None:
    """Show the default station of a room.

    Prints room, path, station and id. The station is empty if none is set.

    Example: alexa-props station get "Room 320"
    """
    run(_get(room, access))


async def _get(room: str, access: Access) -> None:
    async with session(access) as opened:
        place = await opened.names.place(room)
        setting = await opened.asp.unit_settings.get_default_music_station(place)
        _print(setting, opened.names.describe(place), place.id, access)


@station.command("set")
@with_shared_options()
def set_station(
    *,
    room: RoomName,
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="STATION",
            help="A label such as IHR_JAZZ, or PROVIDER:STATION such as TUNEIN:s16492.",
            show_default=False,
            autocompletion=complete_station,
        ),
    ],
    access: Access,
) -> None:
    """Set the default station of a room.

    Prints the same row as `station get`.

    Example: alexa-props station set "Room 320" IHR_JAZZ
    """
    run(_set(room, wanted, parse_station(wanted), access), writes=True)


async def _set(room: str, wanted: str, setting: alexa_props.DefaultStation, access: Access) -> None:
    async with session(access, changes=True) as opened:
        place = await opened.names.room(room, instead=f"fleet run station --station {wanted} --under")
        await opened.asp.unit_settings.set_default_music_station(place, setting)
        _print(setting, opened.names.describe(place), place.id, access)


def _print(
    setting: alexa_props.DefaultStation | None, place: dict[str, str | None], unit_id: str, access: Access
) -> None:
    with Rows(_COLUMNS, access) as rows:
        rows.add({**place, **_station(setting), "unit_id": unit_id})


def _station(setting: alexa_props.DefaultStation | None) -> dict[str, Any]:
    """Return the members of a row. `station` is what `station set` takes."""
    if setting is None:
        return dict.fromkeys(("station", "provider_id", "station_id"))
    known = (row.label for row in alexa_props.Stations.of(setting.provider_id) if row.setting == setting and row.label)
    label = next(known, f"{setting.provider_id}:{setting.station_id}")
    return {"station": label, "provider_id": setting.provider_id, "station_id": setting.station_id}
