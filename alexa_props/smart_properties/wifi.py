"""Save Wi-Fi configurations, and assign them to endpoints."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "Wifi"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class Wifi(Resource):
    """Save Wi-Fi configurations, and assign them to endpoints."""
