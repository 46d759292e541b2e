"""Outcomes and reports for tests."""

from __future__ import annotations

from typing import Any

from alexa_props import errors
from alexa_props.errors import EndpointFailure, EndpointFailures
from alexa_props.fleet.outcome import Outcome
from alexa_props.fleet.report import FleetReport
from alexa_props.fleet.rooms import Room

OPERATION = "alerts.delete_alarms"


def in_property(room: str, id_: str, name: str) -> Room:
    return Room(room, property_id=id_, property_name=name)


def offline(room: str, *endpoints: str, code: str = "DEVICE_UNREACHABLE", text: str = "offline") -> EndpointFailures:
    error = EndpointFailures(f"{room}: failed", status=500, operation=OPERATION, request_id=f"request-{room}")
    error.failures = [EndpointFailure(room, endpoint, code, text) for endpoint in endpoints]
    return error


def throttled(room: str) -> errors.Throttled:
    return errors.Throttled(f"{room}: over the quota", status=429, operation=OPERATION, request_id=f"request-{room}")


def cut_off(room: str) -> errors.TransportError:
    return errors.TransportError(f"{room}: cut off", sent="maybe", operation=OPERATION, attempts=4)


def failed(item: Any, error: Exception, *, status: Any = "failed") -> Outcome[Any, Any]:
    return Outcome(item, item, status, error=error, attempts=2, elapsed=0.25)


def report_of(*outcomes: Outcome[Any, Any], stopped: str | None = None, elapsed: float = 0.0) -> FleetReport[Any, Any]:
    return FleetReport(outcomes=outcomes, stopped=stopped, elapsed=elapsed)


def example_report() -> FleetReport[str, None]:
    """Six rooms of two properties and one of none."""
    rooms = [in_property(f"room-{number}", f"property-{number % 2}", f"Hotel {number % 2}") for number in range(6)]
    return FleetReport(
        outcomes=(
            Outcome(rooms[0], rooms[0], "done", attempts=1, elapsed=0.125),
            failed(rooms[1], offline(rooms[1], "endpoint-a", "endpoint-b")),
            failed(rooms[2], throttled(rooms[2])),
            failed(rooms[3], cut_off(rooms[3]), status="unknown"),
            Outcome(rooms[4], rooms[4], "done", attempts=1, elapsed=0.125),
            failed(rooms[5], offline(rooms[5], "endpoint-b")),
            failed("room-6", throttled("room-6")),
        ),
        skipped=3,
        elapsed=41.25,
    )


EMPTY: FleetReport[str, None] = FleetReport(outcomes=())
