"""The wire of bulk deletions of alerts."""

from __future__ import annotations

from tests.wire.row import Wire

WIRE = {
    "alerts.delete_alarms": Wire(
        lambda on: on.asp.alerts.delete_alarms(on.room), "DELETE /v1/alerts/alarms?unitId=room-1"
    ),
    "alerts.delete_timers": Wire(
        lambda on: on.asp.alerts.delete_timers(on.room), "DELETE /v1/alerts/timers?unitId=room-1"
    ),
    "alerts.delete_endpoint_timers": Wire(
        lambda on: on.asp.alerts.delete_endpoint_timers(on.endpoint), "DELETE /v1/alerts/timers?endpoint=endpoint-1"
    ),
    "alerts.delete_reminders": Wire(
        lambda on: on.asp.alerts.delete_reminders(on.room), "DELETE /v1/alerts/reminders?unitId=room-1"
    ),
}
