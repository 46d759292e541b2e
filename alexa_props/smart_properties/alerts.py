"""Bulk deletion of alerts: alarms, timers and reminders on all devices of a unit, or timers on one device."""

from __future__ import annotations

import functools
from typing import Final, Literal

from alexa_props.client import Client, Resource
from alexa_props.operation import Group, Operation, Options
from alexa_props.smart_properties.deletion import Deletion
from alexa_props.smart_properties.ids import EndpointId, UnitId

__all__ = ["OPERATIONS", "Alerts", "Deletion"]

_UNIT: Final[Options] = {"required": ("unit_id",), "per_endpoint": True}
_ENDPOINT: Final[Options] = {"required": ("endpoint_id",), "wire": {"endpoint_id": "endpoint"}, "per_endpoint": True}

_core: Final = Group("alerts", "asp-core-unit-api.html")
_api: Final = Group("alerts", "unit-api.html")
DELETE_ALARMS: Final = _core.delete("delete_alarms", "/v1/alerts/alarms", **_UNIT)
DELETE_TIMERS: Final = _api.delete("delete_timers", "/v1/alerts/timers", **_UNIT)
DELETE_REMINDERS: Final = _api.delete("delete_reminders", "/v1/alerts/reminders", **_UNIT)
_endpoints: Final = Group("alerts", "endpoint-api.html")
DELETE_ENDPOINT_TIMERS: Final = _endpoints.delete("delete_endpoint_timers", "/v1/alerts/timers", **_ENDPOINT)
OPERATIONS: Final = (*_core.operations, *_api.operations, *_endpoints.operations)


class Alerts(Resource):
    """Delete all alarms, timers or reminders on the devices of a unit.

        failures = [failure async for failure in asp.alerts.delete_alarms(unit_id)]

    Best effort: a device that fails does not stop the others. Nothing to delete is a success. A deletion raises
    `EndpointFailures` if devices failed, which is never retried, and `DeviceUnreachable` if the service does not say
    which devices. A unit that does not exist is `Forbidden`.
    """

    def __init__(self, client: Client, token_scheme: Literal["Bearer", "bare"]) -> None:
        super().__init__(client)
        self._token_scheme: Literal["Bearer", "bare"] = token_scheme

    def delete_alarms(self, unit_id: UnitId) -> Deletion:
        """Delete all alarms on all devices of a unit, normally a room. Await or iterate what this returns."""
        return self._delete(DELETE_ALARMS, unit_id=unit_id)

    def delete_timers(self, unit_id: UnitId) -> Deletion:
        """Delete all timers on all devices of a unit. Its responses are inferred from those of `delete_alarms`."""
        return self._delete(DELETE_TIMERS, unit_id=unit_id)

    def delete_endpoint_timers(self, endpoint_id: EndpointId) -> Deletion:
        """Delete all timers on one device. Its responses are inferred from those of `delete_alarms`."""
        return self._delete(DELETE_ENDPOINT_TIMERS, endpoint_id=endpoint_id)

    def delete_reminders(self, unit_id: UnitId) -> Deletion:
        """Delete all reminders on all devices of a unit. Its responses are inferred from those of `delete_alarms`."""
        return self._delete(DELETE_REMINDERS, unit_id=unit_id)

    def _delete(self, operation: Operation[None], **subject: UnitId | EndpointId) -> Deletion:
        arguments = operation.check(subject)
        send = functools.partial(self._client.call, operation, arguments, token_scheme=self._token_scheme)
        return Deletion(send, f"{operation.name}({next(iter(arguments.values()))!r})")
