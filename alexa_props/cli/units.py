"""`alexa-props units`: the units below a unit."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import typer

from alexa_props.cli.completion import complete_unit
from alexa_props.cli.exit import run
from alexa_props.cli.rows import Rows
from alexa_props.cli.session import Session, session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.streams import writing

__all__ = ["units"]

_PAGE_SIZE: Final = 50
"""Units per page, as in `fleet.walk_rooms` and Amazon's command-line tool. The service's default is 10."""
_COLUMNS: Final = ("name", "level", "id", "parent_id")


def _depth(text: str) -> str:
    if text != "all" and not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise typer.BadParameter(f"{text!r} is not a depth: give a whole number of at least 1, or all")
    return text


@with_shared_options()
def units(
    *,
    unit: Annotated[
        str | None,
        typer.Argument(
            metavar="UNIT",
            help="Unit to start at, by name, path or id; defaults to the organization.",
            show_default=False,
            autocompletion=complete_unit,
        ),
    ] = None,
    depth: Annotated[
        str, typer.Option(metavar="N|all", callback=_depth, help="Levels to list; 1 lists the direct children.")
    ] = "1",
    devices: Annotated[
        bool,
        typer.Option("--devices", help="Count devices too, in a table: one call per 10 devices.", show_default=False),
    ] = False,
    access: Access,
) -> None:
    """List the units below a unit.

    Prints name, level, id and parent. A table is a tree, with the number of rooms below each unit.

    Example: alexa-props units "Seaside 1" --depth all
    """
    run(_units(unit, "all" if depth == "all" else int(depth), access, devices=devices))


async def _units(text: str | None, depth: int | Literal["all"], access: Access, *, devices: bool) -> None:
    async with session(access) as opened:
        start = None if text is None else (await opened.names.unit(text)).id
        rows = Rows(_COLUMNS, access)
        if rows.is_table:
            await _print_tree(opened, start, None if depth == "all" else depth, access, devices=devices)
            return
        with rows:
            start = start or opened.names.organization
            await rows.add_all(opened.asp.units.list(start, depth=depth, expand="all", page_size=_PAGE_SIZE))


async def _print_tree(opened: Session, start: str | None, depth: int | None, access: Access, *, devices: bool) -> None:
    inventory = await opened.names.read_below(start, endpoints=devices)
    # A terminal needs both, a pipe neither.
    from rich.console import Console
    from rich.text import Text

    from alexa_props.cli.tree import tree_lines

    console = Console()
    with writing():
        for line, style in tree_lines(inventory, depth, console.width, ids=not access.no_ids):
            console.print(Text(line, style), soft_wrap=True)
