"""The jobs of `fleet run`: the call of each for a room, its changes, and its name in the journal."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import attrs

from alexa_props import DefaultStation, SmartProperties, Stations, fleet
from alexa_props.smart_properties.notifications import NotificationKind

if TYPE_CHECKING:
    from alexa_props.cli.fleet import JobName

__all__ = ["Call", "Job", "shown_value"]

Call = Callable[[str], Awaitable[object]]

_DELETIONS: Final = ("alarms", "timers", "reminders", "notifications")


@attrs.frozen
class Job:
    """A job, with the values that it sets."""

    name: JobName
    defaults: fleet.RoomDefaults

    @property
    def in_journal(self) -> str:
        """Its name in the journal, with its values: a job with other values is another job."""
        if self.name in _DELETIONS:
            return self.name
        given = attrs.asdict(self.defaults, filter=lambda field, value: value is not None and field.name != "settings")
        return f"{self.name} {json.dumps(given if self.name == 'reset' else given['station'], sort_keys=True)}"

    @property
    def deletes(self) -> str:
        """What it deletes from every room; empty if nothing."""
        if self.name == "reset":
            return f"{', '.join(_DELETIONS)}, Bluetooth pairings"
        return self.name if self.name in _DELETIONS else ""

    @property
    def sets(self) -> str:
        """The values that it sets; empty if it sets none."""
        return ", ".join(f"{name} {shown_value(value)}" for name, value in self.values())

    def values(self) -> Iterator[tuple[str, Any]]:
        """Yield the name and the value of each setting, as the steps of a reset are called."""
        if self.name in ("station", "reset") and self.defaults.station is not None:
            yield "station", self.defaults.station
        if self.name == "reset":
            yield from ((name, value) for name, _, value in self.defaults.of_endpoints())
            if self.defaults.volume is not None:
                yield "volume", self.defaults.volume

    def question(self, rooms: str) -> str:
        """Return the question whether to begin, about such as "412 rooms"."""
        if self.name == "reset":
            return f"Reset {rooms}?"
        return f"Set the station of {rooms}?" if self.name == "station" else f"Delete all {self.name} of {rooms}?"

    def call(self, asp: SmartProperties) -> Call:
        """Return the function that it calls for each room."""
        if self.name == "reset":
            return functools.partial(fleet.reset_room, asp, defaults=self.defaults)
        if self.name == "notifications":
            return functools.partial(_delete_notifications, asp)
        if self.defaults.station is not None:
            return functools.partial(fleet.ensure_default_music_station, asp, station=self.defaults.station)
        deletions: dict[str, Call] = {
            "alarms": asp.alerts.delete_alarms,
            "timers": asp.alerts.delete_timers,
            "reminders": asp.alerts.delete_reminders,
        }
        return deletions[self.name]


@fleet.recipe(lambda asp, unit_id: [fleet.CallEstimate("notifications.delete_many", per_item=1)])  # noqa: ARG005 - the signature of a recipe
async def _delete_notifications(asp: SmartProperties, unit_id: str) -> None:
    await asp.notifications.delete_many([unit_id], list(NotificationKind))


def shown_value(value: Any) -> str:
    """Return a value of a setting for people."""
    if isinstance(value, DefaultStation):
        known = (row.label for row in Stations.of(value.provider_id) if row.setting == value)
        return next(filter(None, known), f"{value.provider_id}:{value.station_id}")
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple | list):
        return " and ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
