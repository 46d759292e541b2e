"""`alexa-props room`: one room as a whole."""

from __future__ import annotations

import typer

import alexa_props
from alexa_props.cli.exit import STATUS, Exit, run
from alexa_props.cli.places import RoomName, advice_below, devices_in
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
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.steps import ByStep, print_steps
from alexa_props.cli.streams import note

__all__ = ["room"]

room = typer.Typer(no_args_is_help=True, help="Reset a room.")


@room.command("reset")
@with_shared_options()
def reset(
    *,
    room: RoomName,
    station: StationName = None,
    volume: Volume = None,
    do_not_disturb: DoNotDisturb = None,
    locales: Locales = None,
    wake_word: WakeWord = None,
    time_zone: TimeZone = None,
    temperature_unit: TemperatureUnit = None,
    distance_units: DistanceUnits = None,
    by_step: ByStep = False,
    access: Access,
) -> None:
    """Delete a guest's data from a room, and set its defaults.

    On every device, deletes alarms, timers, reminders and notifications, unpairs Bluetooth, turns do not disturb off,
    and applies the options. A step that fails does not stop the others.

    Prints a row per step; a table has a row per device that failed.

    Example: alexa-props room reset "Room 320" --volume 30
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
    run(_reset(room, defaults, access, by_step=by_step), writes=True)


async def _reset(text: str, defaults: alexa_props.fleet.RoomDefaults, access: Access, *, by_step: bool) -> Exit:
    async with session(access, changes=True) as opened:
        asp, names = opened.asp, opened.names
        place = await names.room(text, instead="fleet run reset --under")
        # Before the change: a failure here must not hide its outcome.
        devices = {each.id: each.friendly_name for each in await devices_in(asp, place.id) or ()}
        steps = await alexa_props.fleet.reset_room(asp, place, defaults)
        below = await advice_below(asp, place.id, "fleet run reset --under", text) if steps.status == "done" else ""
        title = names.title(place)
    print_steps(steps, devices, {**names.describe(place), "unit_id": place.id}, access, by_step=by_step)
    done = f"{title}: {len(steps) - len(steps.failed)} of {len(steps)} steps done"
    if steps.status == "done" and not any(step.endpoint_id for step in steps):
        note(f"{done}, but no device is directly in it{below}")
        return Exit.ERROR if below else Exit.DONE
    note(f"{done}{below}")
    return STATUS[steps.status]
