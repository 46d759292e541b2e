"""`alexa-props watch`: which devices go offline and come back."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import attrs
import typer

from alexa_props.cli.exit import run
from alexa_props.cli.output import table_lines
from alexa_props.cli.places import Under
from alexa_props.cli.rows import Rows
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.streams import note, write
from alexa_props.errors import AlexaError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from alexa_props.cli.names import Names
    from alexa_props.fleet import Room
    from alexa_props.smart_properties.units import Unit

__all__ = ["watch"]

_COLUMNS: Final = ("time", "change", "device", "room", "path", "serial_number", "endpoint_id", "unit_id")
_TABLE: Final = ("change", "device", "room", "path", "serial_number", "endpoint_id")
_LEAST: Final = 1.0


@with_shared_options()
def watch(
    *,
    under: Under = None,
    every: Annotated[float, typer.Option(metavar="SECONDS", min=_LEAST, help="Seconds between readings.")] = 60.0,
    access: Access,
) -> None:
    """Watch devices go offline and come back.

    Ends with Ctrl-C. A terminal shows the devices that are offline, with changes marked. Otherwise prints the devices
    that are offline at the start, then a row per change: time, offline or online, device, room, path, serial number
    and ids. A failed reading is reported, and does not end the command.

    A reading takes one call per 10 devices, and one per 50 units.

    Example: alexa-props watch --under "Seaside 1" --every 300
    """
    run(_watch(under, every, access))


async def _watch(under: str | None, every: float, access: Access) -> None:
    async with session(access) as opened:
        names = opened.names
        # Unknown names and wrong credentials end the command; later, only the reading fails.
        top = None if under is None else await names.unit(under)
        rows, name = await names.rows_below(top)
        devices = _Devices()
        with _shown(name, every, access) as screen:
            while True:
                screen.show(devices.update(rows), devices)
                rows = await _read_again(names, top, every, screen)


async def _read_again(names: Names, top: Room | Unit | None, every: float, screen: _Screen) -> list[dict[str, Any]]:
    """Return the next reading that succeeds."""
    import anyio  # help and completion do without

    while True:
        await anyio.sleep(every)
        try:
            rows, _ = await names.rows_below(top, progress=False)
        except AlexaError as error:
            screen.report(error)
        else:
            return rows


@attrs.define(eq=False)
class _Devices:
    """The devices of the last reading."""

    count: int = 0
    unknown: int = 0
    offline: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    """Rows of the devices that are offline, by id."""

    def update(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Replace the devices, and return a row per change."""
        time = dt.datetime.now(dt.UTC).replace(microsecond=0)
        devices = {row["endpoint_id"]: dict(row) for row in rows if row["endpoint_id"] is not None}
        offline = {key: row for key, row in devices.items() if row["reachability"] not in (None, "OK")}
        changes = [{**row, "change": "offline"} for key, row in offline.items() if key not in self.offline]
        for key, row in self.offline.items():
            if key in devices and devices[key]["reachability"] == "OK":
                changes.append({**devices[key], "change": "online"})
            elif key not in devices:
                changes.append({**row, "change": "removed"})
            elif key not in offline:
                # Unknown now: it is still offline as far as is known.
                offline[key] = row
        self.count, self.offline = len(devices), offline
        self.unknown = sum(row["reachability"] is None for row in devices.values())
        return [{"time": time, **row} for row in changes]


class _Screen(Protocol):
    def show(self, changes: Sequence[dict[str, Any]], devices: _Devices) -> None: ...

    def report(self, error: AlexaError) -> None: ...


@contextmanager
def _shown(name: str, every: float, access: Access) -> Iterator[_Screen]:
    rows = Rows(_COLUMNS, access, table=_TABLE)
    if not (rows.is_table and sys.stdout.isatty()):
        with rows:
            yield _Lines(rows)
        return
    from rich.live import Live  # a terminal needs it

    with Live(auto_refresh=False, vertical_overflow="visible") as live:
        yield _Table(live, name, every, ids=not access.no_ids)


class _Lines:
    """Prints a row per change."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def show(self, changes: Sequence[dict[str, Any]], devices: _Devices) -> None:  # noqa: ARG002 - as `_Table`
        for row in changes:
            self._rows.add(row)
        write()

    def report(self, error: AlexaError) -> None:
        note(f"a reading failed: {error}")


class _Table:
    """Shows the devices that are offline, replaced with each reading."""

    def __init__(self, live: Any, name: str, every: float, *, ids: bool) -> None:
        self._live = live
        self._name = name
        self._every = every
        self._ids = ids
        self._first = True
        self._body: list[RenderableType] = []

    def show(self, changes: Sequence[dict[str, Any]], devices: _Devices) -> None:
        from rich.text import Text

        changed = {} if self._first else {row["endpoint_id"]: row["change"] for row in changes}
        self._first = False
        back = [row for row in changes if row["change"] != "offline"]
        listed = [{**row, "change": "new" if changed.get(key) else ""} for key, row in devices.offline.items()]
        now = f"{dt.datetime.now().astimezone():%H:%M:%S}"
        unknown = f", {devices.unknown:,} unknown" if devices.unknown else ""
        head = f"{self._name}: {len(devices.offline):,} of {devices.count:,} device(s) offline{unknown} at {now}"
        self._body = [Text(head, "bold")]
        if listed or back:
            width, height = self._live.console.size
            lines = list(table_lines(_TABLE, [*back, *listed], width, ids=self._ids))
            # Lines beyond the screen cannot be replaced. Four lines are for the head, the foot and the cursor.
            hidden = len(lines) - (height - 4)
            for line, style in lines[: -hidden - 1] if hidden > 0 else lines:
                self._body.append(Text(line, style, no_wrap=False))
            if hidden > 0:
                self._body.append(Text("… more than the terminal shows", "dim"))
        self._draw(Text(f"every {self._every:g} s; Ctrl-C ends", "dim"))

    def report(self, error: AlexaError) -> None:
        from rich.text import Text

        self._draw(Text(f"the last reading failed: {error}", "yellow"))

    def _draw(self, foot: RenderableType) -> None:
        from rich.console import Group

        self._live.update(Group(*self._body, foot), refresh=True)
