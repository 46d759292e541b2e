"""`alexa-props endpoints`: devices, the rooms that they are in, and whether they are online."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Final

import attrs
import typer

from alexa_props.cli.completion import complete_place
from alexa_props.cli.exit import Exit, run
from alexa_props.cli.places import Under, advice_below
from alexa_props.cli.rows import Rows
from alexa_props.cli.session import Session, session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.streams import note

if TYPE_CHECKING:
    from alexa_props.smart_properties.endpoints import Endpoint

__all__ = ["endpoints"]

_COLUMNS: Final = (
    *("device", "room", "path", "model", "serial_number", "reachability", "time_of_sample"),
    *("endpoint_id", "unit_id"),
)
_TABLE: Final = ("device", "room", "path", "serial_number", "reachability", "endpoint_id")
_TABLE_OF_OFFLINE: Final = ("device", "room", "path", "serial_number", "reported", "endpoint_id")
_EXPAND: Final = ("all", "feature:connectivity")


@attrs.frozen
class _Filter:
    offline: bool
    serial: str | None
    model: str | None

    def accepts(self, row: dict[str, Any]) -> bool:
        return (
            (not self.offline or row["reachability"] not in (None, "OK"))
            and (self.serial is None or self.serial.casefold() == (row["serial_number"] or "").casefold())
            and (self.model is None or self.model.casefold() in (row["model"] or "").casefold())
        )


@with_shared_options()
def endpoints(
    *,
    room: Annotated[
        str | None,
        typer.Argument(
            metavar="ROOM",
            help="Only devices directly in this unit: its name, path, number or id.",
            show_default=False,
            autocompletion=complete_place,
        ),
    ] = None,
    under: Under = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Only devices that are offline.", show_default=False)
    ] = False,
    serial: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Only the device with this serial number.", show_default=False)
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help='Only devices whose model contains this, such as "Show".', show_default=False
        ),
    ] = None,
    fail: Annotated[
        bool,
        typer.Option(
            "--fail", help="Exit with status 3 if any device is listed, for use in scripts.", show_default=False
        ),
    ] = False,
    access: Access,
) -> None:
    """List devices: all, those in a room, or those below a unit.

    Prints device, room, path, model, serial number, reachability, time of that report, and ids. Reads everything from
    the service, with one call per 10 devices. A device without a reachability is neither offline nor online.

    Example: alexa-props endpoints --under "Seaside 1" --offline
    """
    if room is not None and under is not None:
        raise typer.BadParameter("name a room, or a unit with --under, not both")
    run(_endpoints(room, under, _Filter(offline, serial, model), access, fail=fail))


async def _endpoints(room: str | None, under: str | None, wanted: _Filter, access: Access, *, fail: bool) -> Exit:
    async with session(access) as opened:
        if room is not None:
            found, where = await _in_room(opened, room)
        elif under is None and wanted.serial is not None:
            found, where = await _with_serial(opened, wanted.serial)
        else:
            found, where = await _below(opened, under)
    listed = [row for row in found if wanted.accepts(row)]
    with Rows(_COLUMNS, access, table=_TABLE_OF_OFFLINE if wanted.offline else _TABLE) as rows:
        for row in listed:
            rows.add(row)
    if not found:
        note(f"no device is {where}")
    elif wanted.offline and not listed:
        note(f"none of the {len(found):,} device(s) {where} is offline")
    elif not listed:
        note(f"none of the {len(found):,} device(s) {where} has that serial number or model")
    unknown = sum(row["reachability"] is None for row in found)
    if wanted.offline and unknown:
        note(f"{unknown:,} device(s) did not report whether they are online")
    return Exit.FAILED if listed and fail else Exit.DONE


async def _in_room(opened: Session, text: str) -> tuple[list[dict[str, Any]], str]:
    asp, names = opened.asp, opened.names
    place = await names.place(text)
    described = names.describe(place)
    found = [_row(device, described, place.id) async for device in asp.endpoints.list(unit_id=place, expand=_EXPAND)]
    where = f"directly in {names.title(place)}"
    if not found:
        # The service lists no devices for an unknown unit, too; this call raises.
        await asp.units.get(place)
        where += await advice_below(asp, place.id, "endpoints --under", text)
    return found, where


async def _with_serial(opened: Session, serial: str) -> tuple[list[dict[str, Any]], str]:
    rows = []
    async for device in opened.asp.endpoints.list(serial_number=serial, expand=_EXPAND):
        unit_id = next((ref.id for ref in device.associated_units), None)
        rows.append(_row(device, await opened.names.describe_device(device), unit_id))
    return rows, f"known with the serial number {serial}"


async def _below(opened: Session, under: str | None) -> tuple[list[dict[str, Any]], str]:
    """Return the rows of the organization, or of a unit and all units below it."""
    top = None if under is None else await opened.names.unit(under)
    rows, name = await opened.names.rows_below(top)
    found = [{**row, "reported": _ago(row["time_of_sample"])} for row in rows if row["endpoint_id"] is not None]
    return found, f"in or below {name}"


def _row(device: Endpoint, described: dict[str, str | None], unit_id: str | None) -> dict[str, Any]:
    from alexa_props.inventory.rows import time_of_sample  # help and completion do without

    time = time_of_sample(device)
    return {
        **described,
        "device": device.friendly_name,
        "model": device.model,
        "serial_number": device.serial_number,
        "reachability": device.reachability,
        "time_of_sample": time,
        "reported": _ago(time),
        "unit_id": unit_id,
        "endpoint_id": device.id,
    }


def _ago(time: dt.datetime | None) -> str | None:
    """Return a time for people: how long ago."""
    if time is None:
        return None
    seconds = (dt.datetime.now(dt.UTC) - time).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return "just now"
