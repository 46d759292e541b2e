"""Create, read, change and delete reminders on endpoints."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "Reminders"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class Reminders(Resource):
    """Create, read, change and delete reminders on endpoints."""
