"""Properties of the hospitality API, version 1. Prefer `units`."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "LegacyProperties", "LegacyRoomTypes", "LegacyRooms"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class LegacyProperties(Resource):
    """Properties of the hospitality API, version 1. Prefer `units`."""


class LegacyRoomTypes(Resource):
    """Room types of the hospitality API, version 1. Prefer `units`."""


class LegacyRooms(Resource):
    """Rooms of the hospitality API, version 1. Prefer `units`."""
