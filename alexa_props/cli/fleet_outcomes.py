"""The outcomes of `fleet run` on standard output, and their summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from alexa_props import SmartProperties, fleet
from alexa_props.cli.fleet_rows import FleetRows, place_of
from alexa_props.cli.shared import Access
from alexa_props.cli.streams import OutputLost
from alexa_props.errors import AlexaError
from alexa_props.fleet.names import KnownNames
from alexa_props.fleet.report.rows import device_rows, failure_rows

__all__ = ["DeviceNames", "Outcomes"]

_COLUMNS: Final = ("room", "path", "device", "step", "status", "code", "description", "unit_id", "endpoint_id")
_OF_FAILURE: Final = (
    *("device", "step", "status", "code", "description"),
    *("operation", "request_id", "endpoint_id"),
)
_NAMED: Final = 5
"""Rooms that the summary names."""
_LOOKED_UP: Final = 50
"""Rooms whose devices are listed to name those that failed."""
_SECONDS: Final = 5.0
"""The most that each of these lists may take."""


class Outcomes:
    """Prints each outcome as it arrives, or on a terminal a table of the failures at the end.

    Args:
        access: The format.
        by_step: Whether each failed step has a row. Otherwise those of a device are joined.

    """

    def __init__(self, access: Access, *, by_step: bool) -> None:
        self._rows = FleetRows(_COLUMNS, access)
        self._by_step = by_step
        self._names: dict[str, list[str]] = {"failed": [], "unknown": []}

    @property
    def lost(self) -> OutputLost | None:
        """Why nothing is printed any more; None until then."""
        return self._rows.lost

    def add(self, outcome: fleet.Outcome[fleet.Room, Any], devices: Mapping[str, str]) -> None:
        """Print an outcome, with the names of devices by their ids."""
        names = self._names.get(outcome.status, [])
        if len(names) <= _NAMED:
            names.append(outcome.item.name or outcome.key)
        if self._rows.is_table and not outcome.failures:
            return
        failures = failure_rows(outcome, KnownNames(devices=devices))
        if not self._by_step and not self._rows.is_whole:
            failures = device_rows(failures)
        rows = [{name: getattr(each, name) for name in _OF_FAILURE} for each in failures]
        if self._rows.is_whole:
            self._rows.add([_object(outcome, rows)])
            return
        place = {**place_of(outcome.item), "status": outcome.status, "unit_id": outcome.key}
        self._rows.add([{**place, **row} for row in rows] or [place])

    def end(self) -> None:
        """Print the table, or end the rows."""
        if not self._rows.is_table:
            self._rows.end()
            return
        # A terminal is narrow, and usually all of these rooms have failed.
        left_out = {"description"} if self._names["unknown"] else {"description", "status"}
        self._rows.end([column for column in _COLUMNS if column not in left_out])

    def names_of(self, status: str) -> str:
        """Return the names of the rooms that are not done, the first ones, in brackets; empty if there are none."""
        names = self._names.get(status, [])
        more = ", …" if len(names) > _NAMED else ""
        return f" ({', '.join(names[:_NAMED])}{more})" if names else ""


class DeviceNames:
    """Looks up the names of devices that failures name only by their ids, in a limited number of rooms.

    Args:
        asp: The client.

    """

    def __init__(self, asp: SmartProperties) -> None:
        self._asp = asp.with_options(deadline=_SECONDS, priority="interactive")
        self._left = _LOOKED_UP

    async def of(self, outcome: fleet.Outcome[fleet.Room, Any]) -> dict[str, str]:
        """Return the names of the devices of a room by their ids; empty if they are known or cannot be read."""
        if not self._left or not any(row.endpoint_id and not row.device for row in failure_rows(outcome)):
            return {}
        self._left -= 1
        try:
            page = await self._asp.endpoints.list(unit_id=outcome.key, expand="all")
        except AlexaError:
            self._left = 0  # names are not worth waiting for again
            return {}
        return {device.id: device.friendly_name for device in page.items if device.friendly_name}


def _object(outcome: fleet.Outcome[fleet.Room, Any], failures: list[dict[str, Any]]) -> dict[str, Any]:
    room = outcome.item
    return {
        **place_of(room),
        "property_name": room.property_name,
        "status": outcome.status,
        "attempts": outcome.attempts,
        "elapsed": round(outcome.elapsed, 3),
        "failures": failures,
        "property_id": room.property_id,
        "unit_id": outcome.key,
    }
