"""Bulk deletion of alarms, timers and reminders."""

from __future__ import annotations

from alexa_props.simulator.context import Exchange
from alexa_props.simulator.requests import UNREACHABLE_CODES, device_failure
from alexa_props.simulator.responses import Answer, failures, no_content
from alexa_props.simulator.service import Service
from alexa_props.simulator.state import AlertKind, Endpoint

__all__ = ["delete_alarms", "delete_reminders", "delete_timers"]


def _sweep(service: Service, endpoints: list[Endpoint], kind: AlertKind) -> Answer:
    failed: list[tuple[str, str, str]] = []
    for endpoint in endpoints:
        # A device that cannot be reached fails even when it has nothing to delete: nobody can know.
        failure = device_failure(service, endpoint, "DEVICE_NOT_REACHABLE")
        if failure is None:
            endpoint.alerts[kind] = 0
        else:
            code, text = failure
            failed.append((code, endpoint.id, text))
    if not failed:
        return no_content()
    statuses = {504 if code in UNREACHABLE_CODES else 500 for code, _, _ in failed}
    return failures(failed, statuses.pop() if len(statuses) == 1 else 500)


def _forbidden(exchange: Exchange) -> Answer:
    return exchange.problem(401, "The caller is not permitted to do this.", "FORBIDDEN")


def _delete(exchange: Exchange, kind: AlertKind) -> Answer:
    service = exchange.service
    # Timers alone can also be deleted from one endpoint.
    endpoint_id = exchange.query.get("endpoint") if kind == "timers" else None
    unit_id = exchange.query.get("unitId")
    if endpoint_id and unit_id:
        return exchange.problem(400, "unitId and endpoint exclude each other.")
    if endpoint_id:
        endpoint = service.tree.endpoints.get(endpoint_id)
        if endpoint is None or endpoint.unit_id in service.forbidden_units:
            return _forbidden(exchange)
        return _sweep(service, [endpoint], kind)
    if not unit_id:
        return exchange.problem(400, "The parameter unitId is missing.")
    unit = service.tree.units.get(unit_id)
    if unit is None or unit.id in service.forbidden_units:
        return _forbidden(exchange)
    return _sweep(service, unit.endpoints, kind)


def delete_alarms(exchange: Exchange) -> Answer:
    """All alarms of a unit."""
    return _delete(exchange, "alarms")


def delete_timers(exchange: Exchange) -> Answer:
    """All timers of a unit, or of one endpoint."""
    return _delete(exchange, "timers")


def delete_reminders(exchange: Exchange) -> Answer:
    """All reminders of a unit."""
    return _delete(exchange, "reminders")
