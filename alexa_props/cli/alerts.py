"""`alexa-props alarms`, `timers` and `reminders`: deleting those of a unit."""

from __future__ import annotations

from typing import Literal

import attrs
import typer

import alexa_props
from alexa_props.cli.exit import Exit, run
from alexa_props.cli.rows import Rows
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.streams import note
from alexa_props.cli.units import UnitId, advice_below, has_any
from alexa_props.errors import AlexaError, DeviceUnreachable, EndpointFailure

__all__ = ["alarms", "reminders", "timers"]

Kind = Literal["alarms", "timers", "reminders"]


def _commands(kind: Kind) -> typer.Typer:
    """Return the commands for one kind of alert."""
    app = typer.Typer(no_args_is_help=True, help=f"The {kind} of a unit.")

    @app.command("delete", help=f"Delete all {kind} on every device of a unit. Prints a row per device that failed.")
    @with_shared_options
    def delete(*, unit_id: UnitId, access: Access) -> None:
        run(_delete(kind, unit_id, access), writes=True)

    return app


alarms, timers, reminders = _commands("alarms"), _commands("timers"), _commands("reminders")


async def _delete(kind: Kind, unit_id: str, access: Access) -> Exit:
    async with session(access) as opened:
        asp = opened.asp
        deletions = {
            "alarms": asp.alerts.delete_alarms,
            "timers": asp.alerts.delete_timers,
            "reminders": asp.alerts.delete_reminders,
        }
        try:
            failures = [failure async for failure in deletions[kind](unit_id)]
        except DeviceUnreachable as error:
            # Some device of the unit failed; the response does not say which.
            failures = [EndpointFailure(unit_id, None, error.code, error.message)]
        if not failures:
            return await _report_success(asp, kind, unit_id)
    with Rows(("unit_id", "endpoint_id", "code", "description"), access) as rows:
        for failure in failures:
            rows.add(attrs.asdict(failure))
    note(
        f"the {kind} of {unit_id} were not deleted on {len(failures)} device(s): "
        "run it again when these devices are reachable"
    )
    return Exit.FAILED


async def _report_success(asp: alexa_props.SmartProperties, kind: Kind, unit_id: str) -> Exit:
    """Report what was deleted. It is an error if only the units below this one have devices."""
    has_devices = await _has_devices(asp, unit_id)
    below = await advice_below(asp, unit_id, f"fleet run {kind} --under")
    if has_devices:
        note(f"deleted the {kind} on every device of {unit_id}{below}")
        return Exit.DONE
    note(f"no device is directly in {unit_id}, so there were no {kind} to delete{below}")
    return Exit.ERROR if below else Exit.DONE


async def _has_devices(asp: alexa_props.SmartProperties, unit_id: str) -> bool:
    try:
        return await has_any(asp.endpoints.list(unit_id=unit_id, page_size=1))
    except AlexaError:
        # The client may be allowed to delete alerts and not to list devices; then the deletion's result stands.
        return True
