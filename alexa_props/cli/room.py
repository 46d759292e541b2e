"""`alexa-props room`: one room as a whole."""

from __future__ import annotations

from typing import Any

import typer

import alexa_props
from alexa_props.cli.exit import STATUS, Exit, run
from alexa_props.cli.room_defaults import (
    DistanceUnits,
    DoNotDisturb,
    Locales,
    StationName,
    TemperatureUnit,
    TimeZone,
    Volume,
    WakeWord,
    room_defaults,
)
from alexa_props.cli.rows import Rows
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.streams import note
from alexa_props.cli.units import UnitId, advice_below

__all__ = ["room"]

room = typer.Typer(no_args_is_help=True, help="One room as a whole.")


@room.command("reset")
@with_shared_options
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
    access: Access,
) -> None:
    """Remove a guest's data from a room, and restore its defaults.

    On every device, deletes alarms, timers, reminders and notifications, unpairs Bluetooth, and applies the options.
    Prints a row per step. A step that fails does not stop the others.
    """
    defaults = room_defaults(
        station=station,
        volume=volume,
        do_not_disturb=do_not_disturb,
        locales=locales,
        wake_word=wake_word,
        time_zone=time_zone,
        temperature_unit=temperature_unit,
        distance_units=distance_units,
    )
    run(_reset(unit_id, defaults, access), writes=True)


async def _reset(unit_id: str, defaults: alexa_props.fleet.RoomDefaults, access: Access) -> Exit:
    async with session(access) as opened:
        asp = opened.asp
        steps = await alexa_props.fleet.reset_room(asp, unit_id, defaults)
        below = await advice_below(asp, unit_id, "fleet run reset --under") if steps.status == "done" else ""
    with Rows(("step", "endpoint_id", "status", "code", "description"), access) as rows:
        for row in _rows(steps):
            rows.add(row)
    done = f"{unit_id}: {len(steps) - len(steps.failed)} of {len(steps)} steps done"
    if steps.status == "done" and not any(step.endpoint_id for step in steps):
        note(f"{done}, but no device is directly in it{below}")
        return Exit.ERROR if below else Exit.DONE
    note(f"{done}{below}")
    return STATUS[steps.status]


def _rows(steps: alexa_props.fleet.Steps) -> list[dict[str, Any]]:
    """Return a row per step, or one per failure if a step failed on several devices."""
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
        for failure in step.failures or (alexa_props.fleet.Failure("done", "", ""),)
    ]
