"""`alexa-props find`: units and devices by a part of their name, serial number or id."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from alexa_props.cli.exit import run
from alexa_props.cli.rows import Rows
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.streams import note

__all__ = ["find"]

_COLUMNS: Final = ("name", "kind", "path", "serial_number", "id")


@with_shared_options()
def find(
    *,
    text: Annotated[
        str,
        typer.Argument(metavar="TEXT", help="Part of a name, path, serial number or id.", show_default=False),
    ],
    access: Access,
) -> None:
    """Find units and devices by part of a name, serial number or id.

    Prints name, kind (room, unit or device), path, serial number and id, the best match first. Ignores case and
    accents.

    Example: alexa-props find "room 32"
    """
    run(_find(text, access))


async def _find(text: str, access: Access) -> None:
    if not text.strip():
        raise typer.BadParameter("TEXT is empty: name a part of a name, a serial number or an id")
    async with session(access) as opened:
        found = await opened.names.search(text)
    with Rows(_COLUMNS, access) as rows:
        for row in found:
            rows.add(row)
    if not found:
        note(f"nothing has {text!r} in its name, serial number or id")
