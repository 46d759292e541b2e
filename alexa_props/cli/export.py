"""`alexa-props export`: the units and devices as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from alexa_props.cli.exit import run
from alexa_props.cli.output import Encoder, Output
from alexa_props.cli.places import Under
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.streams import note, write
from alexa_props.replace_file import replace_file

__all__ = ["export"]

_BY_SUFFIX: Final = {f".{each}": each for each in Output if each is not Output.TABLE} | {".yml": Output.YAML}


@with_shared_options("no_ids")
def export(
    *,
    under: Under = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Write to this file instead of standard output.", show_default=False),
    ] = None,
    access: Access,
) -> None:
    """Export rooms and devices.

    Prints a row per device, and one per room without devices. The format is --output, else the suffix of FILE, else
    csv. Reads everything from the service, with about one call per 50 units and one per 10 devices.

    Example: alexa-props export --under "Seaside 1" --to seaside.csv
    """
    form = access.format or _BY_SUFFIX.get("" if to is None else to.suffix.lower(), Output.CSV)
    if form is Output.TABLE:
        raise typer.BadParameter("an export is not a table: use csv, tsv, json, jsonl or yaml")
    run(_export(under, to, form, access))


async def _export(under: str | None, to: Path | None, form: Output, access: Access) -> None:
    async with session(access) as opened:
        top = None if under is None else await opened.names.unit(under)
        rows, _ = await opened.names.rows_below(top)
    from alexa_props.inventory.rows import COLUMNS  # help and completion do without

    encoder = Encoder(form, list(COLUMNS))
    text = "".join(map(encoder.row, rows)) + encoder.end()
    if to is None:
        write(text)
    else:
        # Excel takes a file without this mark for one in its old encoding.
        replace_file(to, ["\ufeff" if form is Output.CSV else "", text], errors="backslashreplace")
        note(f"wrote {len(rows):,} rows to {to}")
