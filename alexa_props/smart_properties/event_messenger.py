"""Create, read and delete the destinations of events."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "EventSubscriptionConfigurations", "EventSubscriptions"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class EventSubscriptionConfigurations(Resource):
    """Create, read and delete the destinations of events."""


class EventSubscriptions(Resource):
    """Create, read and delete subscriptions to events."""
