"""The jobs of `fleet run`: what each calls for a room, and its name in the journal."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable
from typing import Literal

import attrs

from alexa_props import SmartProperties, fleet
from alexa_props.smart_properties.notifications import NotificationKind

__all__ = ["Call", "Job", "call_for", "journal_name"]

Job = Literal["alarms", "timers", "reminders", "notifications", "station", "reset"]
Call = Callable[[str], Awaitable[object]]


def journal_name(job: Job, defaults: fleet.RoomDefaults) -> str:
    """Return the job's name in the journal, which includes the room defaults: others make it a different job."""
    if job not in ("station", "reset"):
        return job
    given = attrs.asdict(defaults, filter=lambda field, value: value is not None and field.name != "settings")
    return f"{job} {json.dumps(given if job == 'reset' else given['station'], sort_keys=True)}"


def call_for(job: Job, defaults: fleet.RoomDefaults, asp: SmartProperties) -> Call:
    """Return what the job calls for each room."""
    if job == "reset":
        return functools.partial(fleet.reset_room, asp, defaults=defaults)
    if job == "notifications":
        return functools.partial(_delete_notifications, asp)
    if defaults.station is not None:
        return functools.partial(fleet.ensure_default_music_station, asp, station=defaults.station)
    deletions: dict[str, Call] = {
        "alarms": asp.alerts.delete_alarms,
        "timers": asp.alerts.delete_timers,
        "reminders": asp.alerts.delete_reminders,
    }
    return deletions[job]


@fleet.recipe(lambda asp, unit_id: [fleet.CallEstimate("notifications.delete_many", per_item=1)])  # noqa: ARG005 - the signature of a recipe
async def _delete_notifications(asp: SmartProperties, unit_id: str) -> None:
    await asp.notifications.delete_many([unit_id], list(NotificationKind))
