"""`alexa-props units` and `endpoints`: the units below a unit, and the devices in it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import attrs
import typer

from alexa_props.cli.exit import run
from alexa_props.cli.places import advice_below
from alexa_props.cli.rows import Rows
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.streams import note

__all__ = ["endpoints", "units"]

UnitId = Annotated[str, typer.Argument(metavar="UNIT_ID", help="The unit, usually a room.", show_default=False)]

_PAGE_SIZE: Final = 50
"""Units per page, as in `fleet.walk_rooms` and Amazon's command-line tool. The service's default is 10."""


def _depth(text: str) -> str:
    if text != "all" and not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise typer.BadParameter(f"{text!r} is not a depth: give a whole number of at least 1, or all")
    return text


@with_shared_options
def units(
    *,
    parent_id: Annotated[
        str | None,
        typer.Argument(
            metavar="PARENT_ID", help="The unit to start at; defaults to the organization.", show_default=False
        ),
    ] = None,
    depth: Annotated[
        str, typer.Option(metavar="N|all", callback=_depth, help="Levels to list; 1 lists the direct children.")
    ] = "1",
    access: Access,
) -> None:
    """List the units below a unit: name, level, id, parent."""
    run(_units(parent_id, "all" if depth == "all" else int(depth), access))


async def _units(parent_id: str | None, depth: int | Literal["all"], access: Access) -> None:
    async with session(access) as opened:
        asp = opened.asp
        with Rows(("name", "level", "id", "parent_id"), access) as rows:
            start = parent_id or organization_of(opened.credentials, access.organization)
            await rows.add_all(asp.units.list(start, depth=depth, expand="all", page_size=_PAGE_SIZE))


@with_shared_options
def endpoints(
    *,
    unit_id: UnitId,
    reachability: Annotated[
        bool, typer.Option("--reachability", help="Also query each device's connectivity.", show_default=False)
    ] = False,
    access: Access,
) -> None:
    """List the devices directly in a unit.

    Prints name, model, serial number and id.
    """
    run(_endpoints(unit_id, access, reachability=reachability))


async def _endpoints(unit_id: str, access: Access, *, reachability: bool) -> None:
    columns: tuple[str, ...] = ("friendly_name", "model", "serial_number", "id")
    expand: tuple[str, ...] = ("all",)
    if reachability:
        columns, expand = ("reachability", *columns), (*expand, "feature:connectivity")
    async with session(access) as opened:
        asp = opened.asp
        with Rows(columns, access) as rows:
            found = await rows.add_all(
                asp.endpoints.list(unit_id=unit_id, expand=expand),
                lambda endpoint: {**attrs.asdict(endpoint), "reachability": endpoint.reachability},
            )
            if found:
                return
            # The service lists no devices for an unknown unit, too; this call raises.
            await asp.units.get(unit_id)
        note(f"no device is directly in {unit_id}{await advice_below(asp, unit_id, 'units --depth all')}")
