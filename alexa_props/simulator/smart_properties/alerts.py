"""Bulk deletion of alarms, timers and reminders."""

from __future__ import annotations

from alexa_props.simulator.context import Context
from alexa_props.simulator.requests import UNREACHABLE_CODES, device_failure
from alexa_props.simulator.responses import Problem, Response, endpoint_failures, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.service import Service
from alexa_props.simulator.tree import AlertKind, Endpoint


def _delete_from(service: Service, endpoints: list[Endpoint], kind: AlertKind) -> Response:
    failed: list[tuple[str, str, str]] = []
    for endpoint in endpoints:
        # A device that cannot be reached fails even if it has nothing to delete: the service cannot know.
        failure = device_failure(service, endpoint, "DEVICE_NOT_REACHABLE")
        if failure is None:
            endpoint.set_count(kind, 0)
        else:
            code, text = failure
            failed.append((code, endpoint.id, text))
    if not failed:
        return no_content()
    statuses = {504 if code in UNREACHABLE_CODES else 500 for code, _, _ in failed}
    return endpoint_failures(failed, statuses.pop() if len(statuses) == 1 else 500)


def _forbidden() -> Problem:
    return Problem(401, "The caller is not permitted to do this.", "FORBIDDEN")


def _delete(context: Context, kind: AlertKind) -> Response:
    service, unit_id = context.service, context.query.get("unitId")
    if not unit_id:
        raise Problem(400, "The parameter unitId is missing.")
    unit = service.tree.units.get(unit_id)
    if unit is None or unit.id in service.forbidden_units:
        raise _forbidden()
    return _delete_from(service, unit.endpoints, kind)


@route("alerts.delete_alarms", "DELETE", "/v1/alerts/alarms", dialect="alerts")
def delete_alarms(context: Context) -> Response:
    """Delete all alarms of a unit."""
    return _delete(context, "alarms")


@route("alerts.delete_timers", "DELETE", "/v1/alerts/timers", dialect="alerts")
def delete_timers(context: Context) -> Response:
    """Delete all timers of a unit."""
    return _delete(context, "timers")


@route("alerts.delete_endpoint_timers", "DELETE", "/v1/alerts/timers", dialect="alerts", query="endpoint")
def delete_endpoint_timers(context: Context) -> Response:
    """Delete all timers of one endpoint."""
    service, endpoint_id = context.service, context.query["endpoint"]
    if "unitId" in context.query:
        raise Problem(400, "unitId and endpoint exclude each other.")
    if not endpoint_id:
        raise Problem(400, "The parameter endpoint is missing.")
    endpoint = service.tree.endpoints.get(endpoint_id)
    if endpoint is None or endpoint.unit_id in service.forbidden_units:
        raise _forbidden()
    return _delete_from(service, [endpoint], "timers")


@route("alerts.delete_reminders", "DELETE", "/v1/alerts/reminders", dialect="alerts")
def delete_reminders(context: Context) -> Response:
    """Delete all reminders of a unit."""
    return _delete(context, "reminders")
