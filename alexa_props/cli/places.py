"""Arguments that name a unit or a device, and advice about units below the named one."""

from __future__ import annotations

import shlex
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import typer

import alexa_props
from alexa_props.cli.completion import complete_place, complete_target, complete_unit
from alexa_props.errors import AlexaError

if TYPE_CHECKING:
    from alexa_props.paging import Pager
    from alexa_props.smart_properties.endpoints import Endpoint

__all__ = ["RoomName", "TargetName", "Under", "advice_below", "devices_in", "has_any"]

RoomName = Annotated[
    str,
    typer.Argument(
        metavar="ROOM",
        help='Name, path such as "Seaside 1/Floor 3/Room 320", number, serial number of a device, or id.',
        show_default=False,
        autocompletion=complete_place,
    ),
]
TargetName = Annotated[
    str,
    typer.Argument(
        metavar="DEVICE|ROOM",
        help="A device, or a room for all its devices: name, path, serial number or id.",
        show_default=False,
        autocompletion=complete_target,
    ),
]
Under = Annotated[
    str | None,
    typer.Option(
        "--under",
        metavar="UNIT",
        help='Only below this unit, such as "Seaside 1" or "Seaside 1/Floor 3".',
        show_default=False,
        autocompletion=complete_unit,
    ),
]


async def has_any(pager: Pager[Any]) -> bool:
    """Return whether a list has an item, without reading more pages than that takes."""
    async with aclosing(pager.pages()) as pages:
        async for page in pages:
            if page.items:
                return True
    return False


async def devices_in(asp: alexa_props.SmartProperties, unit_id: str) -> list[Endpoint] | None:
    """Return the devices directly in a unit; None if they cannot be listed: the client may still change them."""
    try:
        return [device async for device in asp.endpoints.list(unit_id=unit_id, expand="all")]
    except AlexaError:
        return None


# Calls about a unit do not extend to the units below it.


async def advice_below(asp: alexa_props.SmartProperties, unit_id: str, command: str, text: str) -> str:
    """Return the end of a message about units below this one, which were left out; empty if there are none.

    Args:
        asp: The client.
        unit_id: The unit.
        command: The command that includes them, up to the unit.
        text: How the unit was named.

    """
    try:
        below = await has_any(asp.units.list(unit_id, page_size=1))
    except AlexaError as error:
        return f"; units below it are unknown: {error}"
    return f"; the units below it were not included: see `alexa-props {command} {shlex.quote(text)}`" if below else ""
