"""Create, change and delete groups of endpoints."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "DeviceGroups"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class DeviceGroups(Resource):
    """Create, change and delete groups of endpoints."""
