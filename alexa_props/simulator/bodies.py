"""What handlers require of JSON bodies: members of the right types, and batches."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Final

from alexa_props.simulator.context import Context
from alexa_props.simulator.requests import body_object, known_unit
from alexa_props.simulator.responses import Problem
from alexa_props.simulator.subjects import subjects_of

__all__ = ["Members", "batch", "require_members"]

Members = Mapping[str, type]
"""Dotted names of members, and their types: str, bool, int, float, dict or list."""

_KINDS: Final[Mapping[type, str]] = {
    str: "a string that is not empty",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    dict: "an object",
    list: "a list",
}
_MISSING: Final = object()


def _fits(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind) and value != ""


def require_members(body: object, required: Members, optional: Members | None = None) -> dict[str, Any]:
    """Return a body that has the required members. They and the optional ones must be of their types.

    What is on the way to a member must be an object. If it is a list of objects, its name is a list here, too: then
    each of its objects must have the member.
    """
    if not isinstance(body, dict):
        raise Problem(400, "The body must be a JSON object.")
    optional = optional or {}
    lists = {name for name, kind in (*required.items(), *optional.items()) if kind is list}
    for name, kind in required.items():
        values = _values(body, name, lists)
        if not values or not all(_fits(value, kind) for value in values):
            raise Problem(400, f"{name} is required, and must be {_KINDS[kind]}.")
    for name, kind in optional.items():
        if not all(value is _MISSING or _fits(value, kind) for value in _values(body, name, lists)):
            raise Problem(400, f"{name} must be {_KINDS[kind]}.")
    return body


def _values(body: object, name: str, lists: Container[str]) -> list[object]:
    """Return the values of a dotted name: several if it leads through a list, and `_MISSING` where there is none."""
    values, done = [body], ""
    for part in name.split("."):
        if done in lists:
            values = [each for value in values for each in (value if isinstance(value, list) else [_MISSING])]
        values = [value.get(part, _MISSING) if isinstance(value, dict) else _MISSING for value in values]
        done = f"{done}.{part}" if done else part
    return values


def batch(context: Context, most: int, required: Members, *, member: str = "items") -> list[dict[str, Any]]:
    """Return the items of a batch. One invalid item, or one about an unknown unit, refuses the whole batch."""
    items = body_object(context).get(member)
    if not isinstance(items, list) or not 1 <= len(items) <= most:
        raise Problem(400, f"{member} must be a list of 1 to {most}.")
    for item in items:
        require_members(item, required)
        if not any(_fits(item.get("itemId"), kind) for kind in (str, int)):
            raise Problem(400, "itemId is required, and must be a string or a whole number.")
        unit_id = subjects_of({}, item, {}).unit_id
        if unit_id is not None:
            known_unit(context, unit_id)
    return items
