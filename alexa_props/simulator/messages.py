"""What notifications and campaigns share: queries of `and`, `or` and `match`, and windows of time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from math import inf

from alexa_props.simulator.context import Context
from alexa_props.simulator.responses import Problem
from alexa_props.simulator.subjects import members

__all__ = ["activation_window", "matcher", "moment"]

_MOST_LEVELS = 15


def matcher(node: object, fields: Collection[str], level: int = 1) -> Callable[[object], bool]:
    """Return whether JSON matches a query.

    Args:
        node: The query.
        fields: The dotted names that it may have.
        level: The level of the node.
    """
    if level > _MOST_LEVELS:
        raise Problem(400, f"A query has at most {_MOST_LEVELS} levels.")
    if not isinstance(node, dict) or len(node) != 1:
        raise Problem(400, "A query must be an object with one of and, or, match.")
    ((operator, operand),) = node.items()
    if operator == "match":
        if not isinstance(operand, dict) or not operand or not all(isinstance(each, str) for each in operand.values()):
            raise Problem(400, "match must be an object of fields and strings.")
        unknown = next((name for name in operand if name not in fields), None)
        if unknown is not None:
            raise Problem(400, f"There is no field {unknown!r} to match.")
        return lambda item: all(value in members(item, name) for name, value in operand.items())
    if operator not in ("and", "or") or not isinstance(operand, list) or not operand:
        raise Problem(400, "A query consists of and, or (each a list of queries) and match.")
    parts = [matcher(each, fields, level + 1) for each in operand]
    together = all if operator == "and" else any
    return lambda item: together(part(item) for part in parts)


def moment(context: Context, name: str, value: object) -> float:
    """Return a time with a time zone on the monotonic clock."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise Problem(400, f"{name} must be a time with a time zone, such as 2025-01-01T08:00:00.00Z.")
    return context.time + time.timestamp() - context.service.epoch()


def activation_window(context: Context, scheduling: object) -> tuple[float, float]:
    """Return start and end of an activation window on the monotonic clock. By default it starts now and never ends."""
    window = scheduling.get("activationWindow", {}) if isinstance(scheduling, dict) else None
    if not isinstance(window, dict):
        raise Problem(400, "scheduling must be an object with an activationWindow.")
    start = moment(context, "start", window["start"]) if "start" in window else context.time
    end = moment(context, "end", window["end"]) if "end" in window else inf
    if end <= start:
        raise Problem(400, "The activation window must end after it starts.")
    return start, end
