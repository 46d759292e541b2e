"""`alexa-props station`: the default station of a unit."""

from __future__ import annotations

from typing import Annotated, Any, Final

import attrs
import typer

import alexa_props
from alexa_props.cli.exit import run
from alexa_props.cli.rows import Rows
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.units import UnitId

__all__ = ["parse_station", "station"]

station = typer.Typer(no_args_is_help=True, help="The station that plays if a guest just asks for music.")

_COLUMNS: Final = ("unit_id", "provider_id", "station_id", "label")


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
@with_shared_options
def get_station(*, unit_id: UnitId, access: Access) -> None:
    """Show the default station of a unit: unit, provider, station, label.

    The last three are empty if none is set.
    """
    run(_get(unit_id, access))


async def _get(unit_id: str, access: Access) -> None:
    async with session(access) as opened:
        setting = await opened.asp.unit_settings.get_default_music_station(unit_id)
    _print(unit_id, setting, access)


@station.command("set")
@with_shared_options
def set_station(
    *,
    unit_id: UnitId,
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="STATION",
            help="A label such as IHR_JAZZ, or PROVIDER:STATION such as TUNEIN:s16492.",
            show_default=False,
        ),
    ],
    access: Access,
) -> None:
    """Set the default station of a unit, and show it as `station get` does."""
    run(_set(unit_id, parse_station(wanted), access), writes=True)


async def _set(unit_id: str, setting: alexa_props.DefaultStation, access: Access) -> None:
    async with session(access) as opened:
        await opened.asp.unit_settings.set_default_music_station(unit_id, setting)
    _print(unit_id, setting, access)


def _print(unit_id: str, setting: alexa_props.DefaultStation | None, access: Access) -> None:
    with Rows(_COLUMNS, access) as rows:
        rows.add(_row(unit_id, setting))


def _row(unit_id: str, setting: alexa_props.DefaultStation | None) -> dict[str, Any]:
    if setting is None:
        return {"unit_id": unit_id, "provider_id": None, "station_id": None, "label": None}
    known = (row for row in alexa_props.Stations.of(setting.provider_id) if row.setting == setting)
    return {"unit_id": unit_id, **attrs.asdict(setting), "label": next((row.label for row in known), None)}
