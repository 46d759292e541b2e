"""Create, find and delete proactive suggestions on the screens of devices."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "Campaigns"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class Campaigns(Resource):
    """Create, find and delete proactive suggestions on the screens of devices."""
