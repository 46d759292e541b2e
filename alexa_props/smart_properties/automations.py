"""Create, read and delete templates of automations."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "AutomationTemplates", "Automations"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class AutomationTemplates(Resource):
    """Create, read and delete templates of automations."""


class Automations(Resource):
    """Create, read, change and delete automations."""
