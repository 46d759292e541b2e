"""The options that say how a room is to be, and `alexa-props room reset`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from alexa_props.cli.credentials import CredentialsFile, find, smart_properties
from alexa_props.cli.exit import Exit, note, run
from alexa_props.cli.output import AsJson, Rows
from alexa_props.cli.rooms import UnitId, not_looked_at, station_of
from alexa_props.errors import ConfigurationError
from alexa_props.fleet import Failure, RoomDefaults, Steps, reset_room

__all__ = [
    "EXIT",
    "DistanceUnits",
    "DoNotDisturb",
    "Locales",
    "StationName",
    "TemperatureUnit",
    "TimeZone",
    "Volume",
    "WakeWord",
    "defaults_of",
    "room",
]

EXIT = {"done": Exit.DONE, "failed": Exit.FAILED, "unknown": Exit.UNKNOWN}

StationName = Annotated[
    str | None,
    typer.Option(
        "--station", metavar="STATION", help="Default station: a label, or PROVIDER:STATION.", show_default=False
    ),
]
Volume = Annotated[int | None, typer.Option(min=0, max=100, help="Volume of every device.", show_default=False)]
DoNotDisturb = Annotated[
    bool | None,
    typer.Option("--do-not-disturb/--disturb", help="Whether notifications are held back.", show_default="disturb"),
]
Locales = Annotated[
    list[str] | None,
    typer.Option(
        "--locale", metavar="LOCALE", help="Such as en-US; twice for two, the preferred one first.", show_default=False
    ),
]
WakeWord = Annotated[str | None, typer.Option(metavar="WORD", help="Such as ALEXA.", show_default=False)]
TimeZone = Annotated[str | None, typer.Option(metavar="ZONE", help="Such as Europe/Paris.", show_default=False)]
TemperatureUnit = Annotated[str | None, typer.Option(metavar="UNIT", help="CELSIUS or FAHRENHEIT.", show_default=False)]
DistanceUnits = Annotated[str | None, typer.Option(metavar="UNITS", help="METRIC or IMPERIAL.", show_default=False)]


def defaults_of(
    *,
    station: str | None,
    locales: list[str] | None,
    do_not_disturb: bool | None,
    **others: Any,
) -> RoomDefaults:
    """The defaults that the options say; options that make no sense end the command."""
    try:
        return RoomDefaults(
            station=None if station is None else station_of(station),
            locales=locales or None,
            do_not_disturb=bool(do_not_disturb),
            **others,
        )
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None


room = typer.Typer(no_args_is_help=True, help="A room as a whole.")


@room.command("reset")
def reset(
    *,
    unit_id: UnitId,
    station: StationName = None,
    volume: Volume = None,
    do_not_disturb: DoNotDisturb = None,
    locales: Locales = None,
    wake_word: WakeWord = None,
    time_zone: TimeZone = None,
    temperature_unit: TemperatureUnit = None,
    distance_units: DistanceUnits = None,
    credentials: CredentialsFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a room forget its guest, on every device of it; a row for each step.

    Deletes alarms, timers, reminders and notifications, unpairs Bluetooth, and sets what the options say. A step that
    fails does not stop the others.
    """
    defaults = defaults_of(
        station=station,
        volume=volume,
        do_not_disturb=do_not_disturb,
        locales=locales,
        wake_word=wake_word,
        time_zone=time_zone,
        temperature_unit=temperature_unit,
        distance_units=distance_units,
    )
    run(_reset(unit_id, defaults, credentials, as_json=as_json), writes=True)


async def _reset(unit_id: str, defaults: RoomDefaults, credentials: Path | None, *, as_json: bool) -> Exit:
    async with smart_properties(find(credentials)) as asp:
        steps = await reset_room(asp, unit_id, defaults)
        below = await not_looked_at(asp, unit_id, "fleet run reset --under") if steps.status == "done" else ""
    with Rows(("step", "endpoint_id", "status", "code", "description"), as_json=as_json) as rows:
        for row in _rows(steps):
            rows.add(row)
    done = f"{unit_id}: {len(steps) - len(steps.failed)} of {len(steps)} steps are done"
    if steps.status == "done" and not any(step.endpoint_id for step in steps):
        note(f"{done}, but no device is directly in it{below}")
        return Exit.ERROR if below else Exit.DONE
    note(f"{done}{below}")
    return EXIT[steps.status]


def _rows(steps: Steps) -> list[dict[str, Any]]:
    """A row for each step, and where it failed on several devices, for each of these."""
    return [
        {
            "step": step.name,
            "operation": step.operation,
            "endpoint_id": failure.endpoint_id or step.endpoint_id,
            "status": step.status,
            "code": failure.code or None,
            "description": failure.description or None,
            "request_id": failure.request_id,
        }
        for step in steps
        for failure in step.failures or (Failure("done", "", ""),)
    ]
