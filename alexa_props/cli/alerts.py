"""`alexa-props alarms`, `timers` and `reminders`: deleting those of a room."""

from __future__ import annotations

from typing import Any, Final, Literal

import typer

from alexa_props.cli.exit import Exit, run
from alexa_props.cli.places import RoomName, advice_below, devices_in
from alexa_props.cli.rows import Rows
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.streams import note
from alexa_props.errors import DeviceUnreachable, EndpointFailure

__all__ = ["alarms", "reminders", "timers"]

_Kind = Literal["alarms", "timers", "reminders"]
_COLUMNS: Final = ("room", "path", "device", "code", "description", "endpoint_id", "unit_id")
_TABLE: Final = ("device", "description", "endpoint_id")
_HELP: Final = """Delete all {kind} on every device in a room.

Prints a row per device that failed.

Example: alexa-props {kind} delete "Room 320"
"""


def _commands(kind: _Kind) -> typer.Typer:
    """Return the commands for one kind of alert."""
    app = typer.Typer(no_args_is_help=True, help=f"Delete {kind}.")

    @app.command("delete", help=_HELP.format(kind=kind))
    @with_shared_options()
    def delete(*, room: RoomName, access: Access) -> None:
        run(_delete(kind, room, access), writes=True)

    return app


alarms, timers, reminders = _commands("alarms"), _commands("timers"), _commands("reminders")


async def _delete(kind: _Kind, room: str, access: Access) -> Exit:
    async with session(access, changes=True) as opened:
        asp, names = opened.asp, opened.names
        deletions = {
            "alarms": asp.alerts.delete_alarms,
            "timers": asp.alerts.delete_timers,
            "reminders": asp.alerts.delete_reminders,
        }
        place = await names.room(room, instead=f"fleet run {kind} --under")
        # Before the change: a failure here must not hide its outcome.
        devices = await devices_in(asp, place.id)
        title = names.title(place)
        try:
            failures = [failure async for failure in deletions[kind](place)]
        except DeviceUnreachable as error:
            # Some device of the unit failed; the response does not say which.
            failures = [EndpointFailure(place.id, None, error.code, error.message)]
        if not failures:
            below = await advice_below(asp, place.id, f"fleet run {kind} --under", room)
            if devices == []:
                note(f"no device is directly in {title}, so there were no {kind} to delete{below}")
                return Exit.ERROR if below else Exit.DONE
            note(f"deleted the {kind} on every device in {title}{below}")
            return Exit.DONE
    known = {device.id: device.friendly_name for device in devices or ()}
    with Rows(_COLUMNS, access, table=_TABLE) as rows:
        for failure in failures:
            rows.add({**names.describe(place), **_failure(failure, known)})
    note(
        f"the {kind} in {title} were not deleted on {len(failures)} device(s): "
        "run it again when these devices are reachable"
    )
    return Exit.FAILED


def _failure(failure: EndpointFailure, known: dict[str, str | None]) -> dict[str, Any]:
    return {
        "device": known.get(failure.endpoint_id or ""),
        "code": failure.code,
        "description": failure.description,
        "endpoint_id": failure.endpoint_id,
        "unit_id": failure.unit_id,
    }
