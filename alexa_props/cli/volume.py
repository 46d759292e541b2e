"""`alexa-props volume`: how loud devices are."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Final

import typer

from alexa_props.cli.devices import Change, change_all, devices_of
from alexa_props.cli.exit import STATUS, Exit, run
from alexa_props.cli.places import TargetName
from alexa_props.cli.readings import print_readings, read_all
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.steps import ByStep, print_steps
from alexa_props.cli.streams import note

__all__ = ["volume"]

volume = typer.Typer(no_args_is_help=True, help="Show or set the volume of devices.")

_SILENT: Final = 0
_LOUDEST: Final = 100


@volume.command("get")
@with_shared_options()
def get_volume(*, target: TargetName, access: Access) -> None:
    """Show the volume of a device, or of all devices in a room.

    Prints device, room, path, volume (0 to 100) and id. The volume is empty if a device does not report it.

    Example: alexa-props volume get "Room 320"
    """
    run(_get(target, access))


async def _get(target: str, access: Access) -> Exit:
    async with session(access) as opened:
        devices = await devices_of(opened, target)

        async def read(endpoint_id: str) -> list[dict[str, Any]]:
            return [{"volume": (await opened.asp.features.get_speaker(endpoint_id)).volume}]

        readings = await read_all(devices, read)
    return print_readings(readings, devices, ("volume",), access)


@volume.command("set")
@with_shared_options()
def set_volume(
    *,
    target: TargetName,
    level: Annotated[
        int, typer.Argument(metavar="LEVEL", min=_SILENT, max=_LOUDEST, help="Volume.", show_default=False)
    ],
    by_step: ByStep = False,
    access: Access,
) -> None:
    """Set the volume of a device, or of all devices in a room.

    Prints a row per device; a table has only devices that failed.

    Example: alexa-props volume set "Room 320" 30
    """
    run(_set(target, level, access, by_step=by_step), writes=True)


async def _set(target: str, level: int, access: Access, *, by_step: bool) -> Exit:
    async with session(access, changes=True) as opened:
        devices = await devices_of(opened, target)
        change = functools.partial(opened.asp.features.set_volume, volume=level)
        steps = await change_all(devices, [Change("volume", "features.set_volume", change)])
    print_steps(steps, devices.names, devices.place, access, by_step=by_step)
    note(f"{devices.title}: volume {level} set on {len(steps) - len(steps.failed)} of {len(steps)} device(s)")
    return STATUS[steps.status]
