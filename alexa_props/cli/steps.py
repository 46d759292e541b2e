"""Outcomes of a change on each device: rows of its steps, and a table of failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

import alexa_props
from alexa_props.cli.rows import Rows

if TYPE_CHECKING:
    from alexa_props.cli.shared import Access

__all__ = ["ByStep", "joined_by_device", "print_steps"]

ByStep = Annotated[
    bool, typer.Option("--by-step", help="Print tables with a row per step, not per device.", show_default=False)
]
_COLUMNS: Final = ("room", "path", "device", "step", "status", "code", "description", "endpoint_id", "unit_id")
_TABLE: Final = ("device", "step", "code", "endpoint_id")


def print_steps(
    steps: alexa_props.fleet.Steps,
    devices: Mapping[str, str | None],
    place: Mapping[str, str | None],
    access: Access,
    *,
    by_step: bool,
) -> None:
    """Print a row per step, or one per failure if a step failed on several devices. A table has only failures.

    Args:
        steps: The steps.
        devices: Names of devices by id.
        place: The room: its name, its path, and its id.
        access: The options of the command.
        by_step: Whether a table has a row per step instead of one per device.

    """
    above = {"room": place["room"], "path": place["path"]}
    found = [{**above, **row, "unit_id": place["unit_id"]} for row in _rows(steps, devices)]
    rows = Rows(_COLUMNS, access, table=_TABLE)
    if rows.is_table:
        found = [row for row in found if row["status"] != "done"]
        found = found if by_step else joined_by_device(found)
        if not found:
            return
    with rows:
        for row in found:
            rows.add(row)


def _rows(steps: alexa_props.fleet.Steps, devices: Mapping[str, str | None]) -> list[dict[str, Any]]:
    rows = []
    for step in steps:
        for failure in step.failures or (alexa_props.fleet.Failure("done", "", ""),):
            endpoint_id = failure.endpoint_id or step.endpoint_id
            rows.append(
                {
                    "device": devices.get(endpoint_id or ""),
                    "step": step.name,
                    "operation": step.operation,
                    "status": step.status,
                    "code": failure.code or None,
                    "description": failure.description or None,
                    "request_id": failure.request_id,
                    "endpoint_id": endpoint_id,
                }
            )
    return rows


def joined_by_device(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row per device that failed, with its steps and its codes; it is unknown if one of its steps is."""
    found: dict[tuple[object, ...], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["unit_id"], row["endpoint_id"]), []).append(row)
    return [
        {**same[0], "status": _status(same), "step": _distinct(same, "step"), "code": _distinct(same, "code")}
        for same in found.values()
    ]


def _status(rows: Sequence[dict[str, Any]]) -> object:
    return "unknown" if any(row["status"] == "unknown" for row in rows) else rows[0]["status"]


def _distinct(rows: Sequence[dict[str, Any]], name: str) -> list[str]:
    return list(dict.fromkeys(row[name] for row in rows if row[name]))
