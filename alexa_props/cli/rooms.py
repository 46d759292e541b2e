"""`alexa-props units`, `endpoints`, `station` and the deletions of alerts: one unit at a time.

What is for many rooms belongs to `alexa_props.fleet`.
"""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import attrs
import typer

from alexa_props import DefaultStation, SmartProperties, Stations
from alexa_props.cli.credentials import CredentialsFile, find, smart_properties
from alexa_props.cli.exit import Exit, note, run
from alexa_props.cli.output import AsJson, Rows
from alexa_props.errors import AlexaError, DeviceUnreachable, EndpointFailure
from alexa_props.paging import Pager

__all__ = ["UnitId", "alerts", "endpoints", "not_looked_at", "station", "station_of", "units"]

UnitId = Annotated[str, typer.Argument(metavar="UNIT_ID", help="Unit, normally a room.", show_default=False)]

_PAGE: Final = 50
"""Units a page. What Amazon's own tool asks for, and `fleet.walk_rooms`; the service's default is 10."""
_LEVELS: Final = "a whole number of at least 1, or all"


def _depth(text: str) -> str:
    if text != "all" and not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise typer.BadParameter(f"must be {_LEVELS}")
    return text


def units(
    *,
    parent_id: Annotated[
        str | None,
        typer.Argument(
            metavar="PARENT_ID", help="Unit to start at; the organization unless given.", show_default=False
        ),
    ] = None,
    organization: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT_ID", envvar="ALEXA_PROPS_ORGANIZATION_ID", help="The organization.", show_default=False
        ),
    ] = None,
    depth: Annotated[
        str, typer.Option(metavar="N|all", callback=_depth, help="How many levels below; 1 are the children only.")
    ] = "1",
    credentials: CredentialsFile = None,
    as_json: AsJson = False,
) -> None:
    """List the units below a unit: id, name, level, parent."""
    start = parent_id or organization
    if not start:
        raise typer.BadParameter("name a unit, or the organization by --organization or ALEXA_PROPS_ORGANIZATION_ID")
    run(_units(start, "all" if depth == "all" else int(depth), credentials, as_json=as_json))


async def _units(parent_id: str, depth: int | Literal["all"], credentials: Path | None, *, as_json: bool) -> None:
    async with smart_properties(find(credentials)) as asp:
        with Rows(("id", "name", "level", "parent_id"), as_json=as_json) as rows:
            await rows.add_all(asp.units.list(parent_id, depth=depth, expand="all", page_size=_PAGE))


def endpoints(
    *,
    unit_id: UnitId,
    reachability: Annotated[
        bool, typer.Option("--reachability", help="Ask each device's connectivity, too.", show_default=False)
    ] = False,
    credentials: CredentialsFile = None,
    as_json: AsJson = False,
) -> None:
    """List the devices directly in a unit: id, name, model, serial number, and reachability if it is asked for."""
    run(_endpoints(unit_id, credentials, reachability=reachability, as_json=as_json))


async def _endpoints(unit_id: str, credentials: Path | None, *, reachability: bool, as_json: bool) -> None:
    columns: tuple[str, ...] = ("id", "friendly_name", "model", "serial_number")
    expand: tuple[str, ...] = ("all",)
    if reachability:
        columns, expand = (*columns, "reachability"), (*expand, "feature:connectivity")
    async with smart_properties(find(credentials)) as asp:
        with Rows(columns, as_json=as_json) as rows:
            found = await rows.add_all(
                asp.endpoints.list(unit_id=unit_id, expand=expand),
                lambda endpoint: {**attrs.asdict(endpoint), "reachability": endpoint.reachability},
            )
            if found:
                return
            # The list of a unit that does not exist is empty, too: this raises.
            await asp.units.get(unit_id)
        note(f"no device is directly in {unit_id}{await not_looked_at(asp, unit_id, 'units --depth all')}")


station = typer.Typer(no_args_is_help=True, help="The station that plays when somebody just asks for music.")
_STATION: Final = ("unit_id", "provider_id", "station_id", "label")


def _station_row(unit_id: str, setting: DefaultStation | None) -> dict[str, Any]:
    if setting is None:
        return {"unit_id": unit_id, "provider_id": None, "station_id": None, "label": None}
    known = (row for row in Stations.of(setting.provider_id) if row.setting == setting)
    return {"unit_id": unit_id, **attrs.asdict(setting), "label": next((row.label for row in known), None)}


def station_of(text: str) -> DefaultStation:
    """The station of a label, or of PROVIDER:STATION; anything else ends the command."""
    known = Stations.find(text)
    if known is not None:
        return known.setting
    provider_id, _, station_id = text.partition(":")
    if provider_id and station_id:
        return DefaultStation(provider_id, station_id)
    labels = ", ".join(row.label for row in Stations.ALL if row.label)
    raise typer.BadParameter(f"{text!r} is not a known station: give PROVIDER:STATION, or one of {labels}")


@station.command("get")
def get_station(*, unit_id: UnitId, credentials: CredentialsFile = None, as_json: AsJson = False) -> None:
    """Show the default station of a unit: unit, provider, station, label; empty where none is set."""
    run(_get_station(unit_id, credentials, as_json=as_json))


async def _get_station(unit_id: str, credentials: Path | None, *, as_json: bool) -> None:
    async with smart_properties(find(credentials)) as asp:
        setting = await asp.unit_settings.get_default_music_station(unit_id)
    with Rows(_STATION, as_json=as_json) as rows:
        rows.add(_station_row(unit_id, setting))


@station.command("set")
def set_station(
    *,
    unit_id: UnitId,
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="STATION",
            help="A label such as IHR_JAZZ, or PROVIDER:STATION such as TUNEIN:s16492.",
            show_default=False,
        ),
    ],
    credentials: CredentialsFile = None,
    as_json: AsJson = False,
) -> None:
    """Set the default station of a unit, and show it as `station get` does."""
    run(_set_station(unit_id, station_of(wanted), credentials, as_json=as_json), writes=True)


async def _set_station(unit_id: str, setting: DefaultStation, credentials: Path | None, *, as_json: bool) -> None:
    async with smart_properties(find(credentials)) as asp:
        await asp.unit_settings.set_default_music_station(unit_id, setting)
    with Rows(_STATION, as_json=as_json) as rows:
        rows.add(_station_row(unit_id, setting))


Kind = Literal["alarms", "timers", "reminders"]


def alerts(kind: Kind) -> typer.Typer:
    """The commands for one kind of alerts."""
    app = typer.Typer(no_args_is_help=True, help=f"The {kind} of a unit.")

    @app.command(
        "delete", help=f"Delete all {kind} on all devices of a unit; a row for each device on which it failed."
    )
    def delete(*, unit_id: UnitId, credentials: CredentialsFile = None, as_json: AsJson = False) -> None:
        run(_delete(kind, unit_id, credentials, as_json=as_json), writes=True)

    @app.callback()
    def group() -> None:
        """Keep `delete` a command of its own: a group of one would be left out."""

    return app


async def not_looked_at(asp: SmartProperties, unit_id: str, command: str) -> str:
    """Return what to add about the units below a unit, to which calls about the unit do not extend; empty for none."""
    try:
        below = await _has_any(asp.units.list(unit_id, page_size=1))
    except AlexaError as error:
        return f"; whether there are units below it is not known: {error}"
    return f"; the units below it were not looked at: see `alexa-props {command} {unit_id}`" if below else ""


async def _has_devices(asp: SmartProperties, unit_id: str) -> bool:
    try:
        return await _has_any(asp.endpoints.list(unit_id=unit_id, page_size=1))
    except AlexaError:
        # A client that may delete alerts may lack the permission to list devices: then the deletion's result stands.
        return True


async def _has_any(pager: Pager[Any]) -> bool:
    async with aclosing(pager.pages()) as pages:
        async for page in pages:
            if page.items:
                return True
    return False


async def _delete(kind: Kind, unit_id: str, credentials: Path | None, *, as_json: bool) -> Exit:
    failures: list[EndpointFailure] = []
    async with smart_properties(find(credentials)) as asp:
        deletions = {
            "alarms": asp.alerts.delete_alarms,
            "timers": asp.alerts.delete_timers,
            "reminders": asp.alerts.delete_reminders,
        }
        try:
            failures += [failure async for failure in deletions[kind](unit_id)]
        except DeviceUnreachable as error:
            # Of a unit some device failed, and nobody says which.
            failures.append(EndpointFailure(unit_id, None, error.code, error.message))
        if not failures:
            devices = await _has_devices(asp, unit_id)
            below = await not_looked_at(asp, unit_id, f"fleet run {kind} --under")
            if devices:
                note(f"deleted the {kind} on every device of {unit_id}{below}")
                return Exit.DONE
            note(f"no device is directly in {unit_id}, so there were no {kind} to delete{below}")
            return Exit.ERROR if below else Exit.DONE
    with Rows(("unit_id", "endpoint_id", "code", "description"), as_json=as_json) as rows:
        for failure in failures:
            rows.add(attrs.asdict(failure))
    note(f"the {kind} of {unit_id} were not deleted on {len(failures)} device(s); try again when they can be reached")
    return Exit.FAILED
