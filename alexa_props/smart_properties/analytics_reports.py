"""Request reports about the use of devices."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "AnalyticsReports"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class AnalyticsReports(Resource):
    """Request reports about the use of devices."""
